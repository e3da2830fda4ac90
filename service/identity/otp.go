package identity

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"sixelements/model"
	"sixelements/model/store"
)

// A second factor is anybody's with a password to turn on; that administrators must have one (MLPS 2.0) will be a setting,
// judged at their log-in. It is a time-based one-time password (RFC 6238): SHA-1, six digits, 30 seconds, one step of
// tolerance to each side.
const (
	otpPeriod = 30 // seconds
	otpSkew   = 1  // steps
	otpIssuer = "六要素"
	forOTP    = "otp"
)

// factor is a second factor as it is kept, sealed, in accounts.otp_secret. Until its owner has confirmed it, it is not asked for.
type factor struct {
	Secret string `json:"s"`           // base32
	On     bool   `json:"on"`          // confirmed
	Last   int64  `json:"l,omitempty"` // the step last used: a code is good once (RFC 6238, 5.2)
}

// FactorSetUp is what an authenticator app needs, shown once.
type FactorSetUp struct {
	Secret string `json:"secret" doc:"base32, for typing"`
	URL    string `json:"url" doc:"otpauth://…, for a QR code"`
}

func (s *Service) factorOf(a *model.Account) (f factor, err error) {
	clear, err := s.opened(a.ID, forOTP, a.OTPSecret)
	if err != nil || clear == "" {
		return f, err
	}
	return f, json.Unmarshal([]byte(clear), &f)
}

func (s *Service) sealFactor(account model.ID, f factor) ([]byte, error) {
	clear, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	return s.sealed(account, forOTP, string(clear))
}

// step is the time step the code is right for and was not used for yet; 0 for none.
func (f factor) step(code string, now model.Time) int64 {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	at := int64(now) / 1000 / otpPeriod
	for n := at - otpSkew; n <= at+otpSkew; n++ {
		how := hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
		ok, err := hotp.ValidateCustom(code, uint64(n), f.Secret, how)
		if err == nil && ok && n > f.Last {
			return n
		}
	}
	return 0
}

// secondFactor judges the code inside the log-in's door and stages that it was used. A missing one is asked for, a wrong one
// counts as a wrong password.
func (s *Service) secondFactor(tx *store.Tx, a *model.Account, f factor, code string) error {
	if code == "" {
		return &model.Error{Code: model.AuthInvalid, Detail: "请输入动态验证码。",
			Fields: []model.FieldError{{Location: "otp", Code: model.FieldRequired, Message: "请输入身份验证器里的 6 位数字"}}}
	}
	if f.Last = f.step(code, tx.Now()); f.Last == 0 {
		return wrongFactor{}
	}
	kept, err := s.sealFactor(a.ID, f)
	// Every sealing differs: whoever used this code at the same moment has replaced what was read.
	tx.ChangeExactly(1, wrongFactor{}, &model.Account{}, map[string]any{"otp_secret": kept}, "id = ? AND otp_secret = ?", a.ID, a.OTPSecret)
	return err
}

// SetUpFactor makes a new second factor for the caller, which counts from ConfirmFactor on. Errors: role.forbidden for an account
// without a password; conflict when one is on already.
func (s *Service) SetUpFactor(ctx context.Context) (*FactorSetUp, error) {
	actor := store.ActorOf(ctx)
	key, err := totp.Generate(totp.GenerateOpts{Issuer: otpIssuer, AccountName: actor.Name, Period: otpPeriod, SecretSize: 20})
	if err != nil {
		return nil, errors.New("identity: no second factor could be made")
	}
	kept, err := s.sealFactor(actor.Account, factor{Secret: key.Secret()})
	if err != nil {
		return nil, err
	}
	err = s.onFactor(ctx, "otp.set_up", func(tx *store.Tx, _ *model.Account, f factor) error {
		if f.On {
			return model.Failf(model.Conflict, "动态验证码已经开启，请先停用。")
		}
		tx.Change(&model.Account{}, map[string]any{"otp_secret": kept}, "id = ?", actor.Account)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &FactorSetUp{Secret: key.Secret(), URL: key.URL()}, nil
}

// ConfirmFactor turns the second factor on, once the caller has shown that their app makes the right codes; their other sessions
// end. Errors: role.forbidden; conflict when none is set up or it is on already; validation.failed for a wrong code.
func (s *Service) ConfirmFactor(ctx context.Context, code string) error {
	actor := store.ActorOf(ctx)
	return s.onFactor(ctx, "otp.confirm", func(tx *store.Tx, a *model.Account, f factor) (err error) {
		if f.On || f.Secret == "" {
			return model.Failf(model.Conflict, "请先申请新的动态验证码，再来确认。")
		}
		if f.Last = f.step(code, tx.Now()); f.Last == 0 {
			return fault("otp", model.FieldInvalid, "验证码不对，请核对手机时间后再试")
		}
		f.On = true
		kept, err := s.sealFactor(a.ID, f)
		tx.Change(&model.Account{}, map[string]any{"otp_secret": kept}, "id = ?", a.ID)
		endOthers(tx, actor)
		return err
	})
}

// DisableFactor turns the second factor off. Errors: role.forbidden for an account without a password; validation.failed for a
// wrong one, which counts towards the lock; auth.locked; rate.limited.
func (s *Service) DisableFactor(ctx context.Context, password string) error {
	if err := s.checkOwn(ctx, password, "password"); err != nil {
		return err
	}
	return s.onFactor(ctx, "otp.disable", func(tx *store.Tx, a *model.Account, _ factor) error {
		tx.Change(&model.Account{}, map[string]any{"otp_secret": nil}, "id = ?", a.ID)
		return nil
	})
}

// onFactor runs fn behind the Write door with the caller's account and second factor.
func (s *Service) onFactor(ctx context.Context, act string, fn func(*store.Tx, *model.Account, factor) error) error {
	actor := store.ActorOf(ctx)
	return s.db.Write(ctx, s.ownAct(actor, act), func(tx *store.Tx) error {
		a, err := ownAccount(tx)
		if err != nil {
			return err
		}
		f, err := s.factorOf(a)
		if err != nil {
			return err
		}
		return fn(tx, a, f)
	})
}

// ownAct names an act by which the caller changes their own account.
func (s *Service) ownAct(actor model.Actor, name string) model.Act {
	return model.Act{Name: name, Target: actor.Account.String(), Area: firstArea(actor.Grants)}
}

// ownAccount is the caller's account if it has a password; role.forbidden otherwise.
func ownAccount(tx *store.Tx) (*model.Account, error) {
	a, err := enabled(tx, tx.Actor().Account)
	if err == nil && a.PasswordHash == "" {
		return nil, model.Failf(model.RoleForbidden, "这个账号没有密码，不能做这一步。")
	}
	return a, err
}

// endOthers stages the end of the caller's other sessions.
func endOthers(tx *store.Tx, actor model.Actor) {
	tx.Change(&model.Session{}, map[string]any{"revoked_at": tx.Now()}, "account_id = ? AND id <> ? AND revoked_at IS NULL",
		actor.Account, actor.Session)
}

// checkOwn compares the caller's own password. Errors: role.forbidden without one; auth.locked; rate.limited;
// validation.failed at the field when it is wrong, which counts towards the lock as at a log-in: a stolen session must not
// help to guess.
func (s *Service) checkOwn(ctx context.Context, password, field string) error {
	actor := store.ActorOf(ctx)
	var a *model.Account
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) { a, err = ownAccount(tx); return err })
	if err != nil {
		return err
	}
	if err := locked(a, s.db.Now()); err != nil {
		return err
	}
	ok, err := s.matches(password, a.PasswordHash)
	if err != nil || ok {
		return err
	}
	return s.db.Write(ctx, s.ownAct(actor, "password.check"), func(tx *store.Tx) error {
		countFailure(tx, a.ID)
		tx.Failed(model.Invalid)
		return store.AndFail(fault(field, model.FieldInvalid, "密码不对，请核对"))
	})
}

// ChangePassword replaces the caller's password and ends their other sessions. Errors: those of checkOwn on "old";
// validation.failed on "new" for a weak one; auth.invalid when the account changed meanwhile.
func (s *Service) ChangePassword(ctx context.Context, old, fresh string) error {
	if err := s.checkOwn(ctx, old, "old"); err != nil {
		return err
	}
	actor := store.ActorOf(ctx)
	var was *model.Account
	if err := s.db.Read(ctx, func(tx *store.Tx) (err error) { was, err = ownAccount(tx); return err }); err != nil {
		return err
	}
	if m := weakness(fresh, username(was), actor.Has(model.Admin)); m != "" {
		return fault("new", model.FieldInvalid, m)
	}
	if fresh == old {
		return fault("new", model.FieldInvalid, "新密码不能和原来的一样")
	}
	hash, err := s.hash(fresh)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, s.ownAct(actor, "password.change"), func(tx *store.Tx) error {
		now, err := ownAccount(tx)
		if err != nil {
			return err
		}
		if now.PasswordHash != was.PasswordHash {
			return model.Fail(model.AuthInvalid)
		}
		tx.Change(&model.Account{}, map[string]any{"password_hash": hash, "failed": 0, "locked_until": nil}, "id = ?", actor.Account)
		endOthers(tx, actor)
		return nil
	})
}

func username(a *model.Account) string {
	if a.Username == nil {
		return ""
	}
	return *a.Username
}
