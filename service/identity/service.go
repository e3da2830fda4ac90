package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"sync/atomic"

	"sixelements/model"
	"sixelements/model/store"
)

// WeChat is what the service needs of WeChat; its errors are *model.Error already.
type WeChat interface {
	// Login tells who a code of wx.login belongs to; the union id may be empty.
	Login(ctx context.Context, code string) (openID, unionID string, err error)
	// Phone tells the mainland mobile number behind a code of getPhoneNumber.
	Phone(ctx context.Context, code string) (string, error)
}

// Options are what the service depends on beside the database.
type Options struct {
	Demo    bool // personas may log in
	WebForm bool // the web form without WeChat is open: a poster's code is enough to log in
	// SecureCookies is true when the console is reached by HTTPS only.
	SecureCookies bool
	WeChat        WeChat       // nil: not configured, the grant answers server.busy
	Log           *slog.Logger // nil: none
	// Records shows all records of an account in the contract's shape, for GET /me/data; ctx acts for the account. nil: none.
	Records func(ctx context.Context, account model.ID) ([]json.RawMessage, error)
	// Withdraw withdraws what an account submitted and nobody verified yet, for DELETE /me; ctx acts for the account. nil: nothing
	// to withdraw. It is run again when the erasure behind it fails, so that it must not mind having nothing to do.
	Withdraw func(ctx context.Context, account model.ID) error
}

// Service answers for identities: accounts, sessions, roles, consents, and the trace.
type Service struct {
	db      *store.DB
	o       Options
	hashing chan struct{} // a place per password being hashed
	plan    atomic.Pointer[PersonaPlan]
}

// atOnce is how many passwords are hashed at once: each takes 19 MiB and a processor for some 30 ms.
const atOnce = 2

// New makes the service. Its clock is the database's.
func New(db *store.DB, o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{db: db, o: o, hashing: make(chan struct{}, atOnce)}
}

// SecureCookies tells whether the console's cookie is for HTTPS only.
func (s *Service) SecureCookies() bool { return s.o.SecureCookies }

// tokenBytes is the length of a token before base64url: 256 bits.
const tokenBytes = 32

func newToken() string {
	var b [tokenBytes]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// The purposes of keyed hashes; no two values hashed for different purposes can be taken for one another.
const (
	forToken  = "token"
	forCSRF   = "csrf"
	forOpenID = "openid"
)

// isToken tells whether the text has the form of a token, so that rubbish costs no query.
func isToken(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == tokenBytes
}

// sealed seals a small secret of an account; it opens as the same account's same secret only.
func (s *Service) sealed(account model.ID, what, clear string) ([]byte, error) {
	return s.db.Keyring().Seal([]byte(clear), aad(account, what))
}

func (s *Service) opened(account model.ID, what string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	clear, err := s.db.Keyring().Open(sealed, aad(account, what))
	return string(clear), err
}

func aad(account model.ID, what string) []byte { return append(account[:], "account."+what...) }

func fault(location string, c model.Code, message string) error {
	return &model.Error{Code: model.Invalid, Fields: []model.FieldError{{Location: location, Code: c, Message: message}}}
}
