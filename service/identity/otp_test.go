package identity_test

import (
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/identity"
)

func TestASecondFactorIsAskedForOnceConfirmed(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	f.account("chief", role(model.Admin, ""))
	first, err := f.password("chief", good)
	require.NoError(t, err)
	me := f.as(first.Token)
	set, err := f.SetUpFactor(me)
	require.NoError(t, err)
	require.Contains(t, set.URL, "otpauth://totp/")
	code := func() string {
		c, err := totp.GenerateCode(set.Secret, f.clock.Now())
		require.NoError(t, err)
		return c
	}
	_, err = f.password("chief", good)
	require.NoError(t, err, "not confirmed yet")
	fails(t, f.ConfirmFactor(me, "000000"), model.Invalid, "otp")
	require.NoError(t, f.ConfirmFactor(me, code()))
	_, err = f.SetUpFactor(me)
	fails(t, err, model.Conflict)

	in := identity.Login{Grant: "password", Username: "chief", Password: good}
	_, err = f.Login(public(), in)
	fails(t, err, model.AuthInvalid, "otp")
	in.OTP = code()
	_, err = f.Login(public(), in)
	fails(t, err, model.AuthInvalid) // used for the confirmation
	f.clock.Advance(time.Minute)
	in.OTP = code()
	f.login(in)
	for range 5 {
		_, err = f.Login(public(), in)
		fails(t, err, model.AuthInvalid) // used
	}
	f.clock.Advance(time.Minute)
	in.OTP = code()
	_, err = f.Login(public(), in)
	fails(t, err, model.AuthLocked)

	f.clock.Advance(15 * time.Minute)
	fails(t, f.DisableFactor(me, "Wrong-one-1"), model.Invalid, "password")
	require.NoError(t, f.DisableFactor(me, good))
	_, err = f.password("chief", good)
	require.NoError(t, err)
}

func TestChangingThePasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	f.account("wang", role(model.Collector, grid))
	one, err := f.password("wang", good)
	require.NoError(t, err)
	two, err := f.password("wang", good)
	require.NoError(t, err)
	me := f.as(one.Token)
	fails(t, f.ChangePassword(me, "Wrong-one-1", "Qingcai-Doufu-9"), model.Invalid, "old")
	fails(t, f.ChangePassword(me, good, "short"), model.Invalid, "new")
	fails(t, f.ChangePassword(me, good, good), model.Invalid, "new")
	require.NoError(t, f.ChangePassword(me, good, "Qingcai-Doufu-9"))
	f.as(one.Token)
	f.rejects(two.Token, model.AuthInvalid)
	_, err = f.password("wang", good)
	fails(t, err, model.AuthInvalid)
	_, err = f.password("wang", "Qingcai-Doufu-9")
	require.NoError(t, err)
}

func TestAnAccountIsJudgedAgainAfterItsPasswordWasCompared(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile map[string]any
		want      model.Code
	}{
		"nothing happened": {nil, ""},
		"locked":           {map[string]any{"locked_until": model.At(testkit.Start()).Add(time.Minute)}, model.AuthLocked},
		"another password": {map[string]any{"password_hash": "another"}, model.AuthInvalid},
		"disabled":         {map[string]any{"disabled": true}, model.AuthInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, identity.Options{})
			f.account("wang", role(model.Collector, grid))
			var was model.Account
			require.NoError(t, f.db.Read(f.system(), func(tx *store.Tx) error {
				return tx.Q(&was).Where("username = ?", "wang").Take(&was).Error
			}))
			if c.meanwhile != nil {
				f.write(func(tx *store.Tx) error { tx.Change(&model.Account{}, c.meanwhile, "id = ?", was.ID); return nil })
			}
			err := f.db.Write(f.system(), model.Act{Name: "test"}, func(tx *store.Tx) error { return f.Admit(tx, &was, was.PasswordHash) })
			if c.want == "" {
				require.NoError(t, err)
			} else {
				fails(t, err, c.want)
			}
		})
	}
}

// On a database of several nodes two log-ins read the same state; only the condition of the statement tells them apart.
func TestACodeIsGoodOnceHoweverManyTryItAtOnce(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	f.account("chief", role(model.Admin, ""))
	first, err := f.password("chief", good)
	require.NoError(t, err)
	me := f.as(first.Token)
	set, err := f.SetUpFactor(me)
	require.NoError(t, err)
	code := func() string {
		c, err := totp.GenerateCode(set.Secret, f.clock.Now())
		require.NoError(t, err)
		return c
	}
	require.NoError(t, f.ConfirmFactor(me, code()))
	for range 10 {
		f.clock.Advance(time.Minute)
		in := identity.Login{Grant: "password", Username: "chief", Password: good, OTP: code()}
		results := make(chan error, 2) // two: no more passwords are hashed at once
		for range cap(results) {
			go func() {
				_, err := f.Login(public(), in)
				results <- err
			}()
		}
		passed := 0
		for range cap(results) {
			if err := <-results; err == nil {
				passed++
			} else {
				fails(t, err, model.AuthInvalid)
			}
		}
		require.Equal(t, 1, passed)
	}
}
