// Package identity is who someone is: accounts, sessions, roles, consents and the trace of what was done.
package identity

import (
	"context"

	"sixelements/model"
	"sixelements/model/store"
)

// Credentials are what a request carried to prove who sent it.
type Credentials struct {
	Bearer    string // the token of "Authorization: Bearer …"
	Cookie    string // the console's session cookie
	CSRF      string // X-CSRF-Token
	Unsafe    bool   // the method may change something
	Source    string // the client's address, for the trace
	RequestID string
}

// Service answers for identities.
type Service struct{ db *store.DB }

// Authenticate returns the actor behind the credentials.
func (s *Service) Authenticate(ctx context.Context, c Credentials) (model.Actor, error) {
	return model.Actor{}, model.Fail(model.AuthRequired)
}
