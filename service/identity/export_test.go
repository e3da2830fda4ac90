package identity

import (
	"sixelements/model"
	"sixelements/model/store"
)

// Admit lets a test judge a log-in whose account changed while its password was being compared.
func (s *Service) Admit(tx *store.Tx, account *model.Account, hash string) error {
	return s.admit(tx, account, hash, "")
}
