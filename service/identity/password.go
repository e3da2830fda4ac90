package identity

import (
	"context"
	_ "embed" // the list below
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/alexedwards/argon2id"
	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// The lock of MLPS 2.0: five wrong passwords in a row, a quarter of an hour.
const (
	maxFailed = 5
	lockedFor = 15 * time.Minute
)

// cost is OWASP's second argon2id profile (Password Storage Cheat Sheet): 19 MiB, two passes, one thread.
var cost = argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// nobody is the hash compared with when there is none, so that an unknown user name takes as long as a wrong password. It is the
// hash of nothing anyone can send: random bytes thrown away.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$NKG/oGOsQK2ZnApA6ymjSg$7ogvWosNR2ZtuOWzJEbh1aTIRoJqqr0qHUsQHD9w7Y4"

// hash is the password's argon2id hash in PHC format. Errors: rate.limited when two are being made already.
func (s *Service) hash(password string) (out string, err error) {
	err = s.inTurn(func() (err error) { out, err = argon2id.CreateHash(password, &cost); return err })
	return out, err
}

// matches compares a password with a hash; an empty hash matches nothing, after the usual time. Errors: rate.limited.
func (s *Service) matches(password, hash string) (ok bool, err error) {
	compared := hash
	if hash == "" {
		compared = nobody
	}
	err = s.inTurn(func() (err error) { ok, err = argon2id.ComparePasswordAndHash(password, compared); return err })
	return ok && hash != "", err
}

// inTurn runs work that costs memory and a processor, at most two at once. It never runs inside a door.
func (s *Service) inTurn(work func() error) error {
	select {
	case s.hashing <- struct{}{}:
	default:
		return &model.Error{Code: model.RateLimited, RetryAfter: 1}
	}
	defer func() { <-s.hashing }()
	if err := work(); err != nil {
		return errors.New("identity: a password could not be hashed") // the library's text is not ours to log
	}
	return nil
}

// wrongFactor says that the password was right and the second factor was not.
type wrongFactor struct{}

// Error names the fault.
func (wrongFactor) Error() string { return "wrong second factor" }

// byPassword compares the password outside the doors, then judges lock and second factor inside.
func (s *Service) byPassword(ctx context.Context, in Login) (*entry, error) {
	account, grants, err := s.find(ctx, "username = ?", strings.ToLower(strings.TrimSpace(in.Username)))
	if err != nil {
		return nil, err
	}
	hash := ""
	if account != nil {
		if err := locked(account, s.db.Now()); err != nil {
			return nil, s.trace(ctx, &entry{account: account, grants: grants}, in.Grant, err, false)
		}
		hash = account.PasswordHash
	}
	ok, err := s.matches(in.Password, hash)
	if err != nil {
		return nil, err
	}
	if !ok || account.Disabled {
		return nil, s.refuse(ctx, account, grants)
	}
	e := &entry{account: account, grants: grants}
	e.check = func(tx *store.Tx) error { return s.admit(tx, account, hash, in.OTP) }
	return e, nil
}

// admit judges again inside the door what may have changed while the password was compared, and the second factor.
func (s *Service) admit(tx *store.Tx, account *model.Account, hash, otp string) error {
	now, err := enabled(tx, account.ID)
	if err != nil {
		return err
	}
	if now.PasswordHash != hash {
		return model.Fail(model.AuthInvalid)
	}
	if err := locked(now, tx.Now()); err != nil {
		return err
	}
	f, err := s.factorOf(now)
	if err != nil {
		return err
	}
	if f.On {
		if err := s.secondFactor(tx, now, f, otp); err != nil {
			return err
		}
	}
	if now.Failed > 0 || now.LockedUntil != 0 {
		tx.Change(&model.Account{}, map[string]any{"failed": 0, "locked_until": nil}, "id = ?", account.ID)
	}
	return nil
}

// locked is auth.locked while the account is, even for the right password.
func locked(account *model.Account, now model.Time) error {
	left := account.LockedUntil - now
	if left <= 0 {
		return nil
	}
	return &model.Error{Code: model.AuthLocked, RetryAfter: int((left + 999) / 1000)}
}

// refuse counts a wrong password, locks the account at the fifth in a row, and answers auth.invalid. An unknown user name is
// traced without it: people type their password there.
func (s *Service) refuse(ctx context.Context, account *model.Account, grants []model.Grant) error {
	return s.trace(ctx, &entry{account: account, grants: grants}, "password", model.Fail(model.AuthInvalid), account != nil)
}

// trace keeps a log-in that failed, and answers with why.
func (s *Service) trace(ctx context.Context, e *entry, grant string, why error, count bool) error {
	var problem *model.Error
	if !errors.As(why, &problem) {
		return why
	}
	act := model.Act{Name: actLogin, Area: firstArea(e.grants), Detail: grant}
	if e.account != nil {
		act.Target = e.account.ID.String()
	}
	return s.db.Write(ctx, act, func(tx *store.Tx) error {
		if count {
			countFailure(tx, e.account.ID)
		}
		tx.Failed(problem.Code)
		return store.AndFail(why)
	})
}

// countFailure stages one more wrong password. It counts in the database, so that two at once are two; and in two statements,
// since MySQL lets a later assignment of one statement see an earlier one and SQLite does not.
func countFailure(tx *store.Tx, account model.ID) {
	tx.Change(&model.Account{}, map[string]any{"failed": gorm.Expr("failed + 1")}, "id = ?", account)
	tx.Change(&model.Account{}, map[string]any{"failed": 0, "locked_until": tx.Now().Add(lockedFor)}, "id = ? AND failed >= ?",
		account, maxFailed)
}

//go:embed passwords.txt
var commonList string

// The shortest passwords, in characters (MLPS 2.0).
const (
	minPassword      = 8
	minAdminPassword = 10
	maxPassword      = 128
)

// weakness is what is wrong with a new password, in Chinese; "" when nothing is. Three of the four classes are needed: lower
// case, upper case, digits, anything else.
func weakness(password, username string, admin bool) string {
	least := minPassword
	if admin {
		least = minAdminPassword
	}
	n, classes := 0, map[string]bool{}
	for _, r := range password {
		n++
		switch {
		case unicode.IsLower(r):
			classes["lower"] = true
		case unicode.IsUpper(r):
			classes["upper"] = true
		case unicode.IsDigit(r):
			classes["digit"] = true
		default:
			classes["other"] = true
		}
	}
	low := strings.ToLower(password)
	switch {
	case n < least:
		return fmt.Sprintf("密码至少 %d 位", least)
	case n > maxPassword:
		return fmt.Sprintf("密码最多 %d 位", maxPassword)
	case len(classes) < 3:
		return "密码要含大写字母、小写字母、数字、符号中的三种"
	case username != "" && strings.Contains(low, strings.ToLower(username)):
		return "密码里不能有用户名"
	case common(low):
		return "这个密码太常见，请换一个"
	}
	return ""
}

// common tells whether the password, in lower case, is one of those that attackers try first.
func common(low string) bool {
	for line := range strings.Lines(commonList) {
		if strings.TrimSpace(line) == low {
			return true
		}
	}
	return false
}
