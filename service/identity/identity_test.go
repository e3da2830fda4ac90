package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/identity"
)

// The areas of the tests: a street with two communities, a grid in the first.
const (
	street     = "410102002"
	community  = "410102002001"
	community2 = "410102002002"
	grid       = "410102002001001"
	closedArea = "410102002003"
	good       = "Wuniu-Fang-7"
)

// office is a service on a database of its own.
type office struct {
	*identity.Service
	t     *testing.T
	db    *store.DB
	clock *testkit.FixedClock
}

// weChat answers every code with itself as the openid.
type weChat struct{ phone string }

func (weChat) Login(_ context.Context, code string) (string, string, error) {
	if code == "used" {
		return "", "", model.Fail(model.AuthInvalid)
	}
	return "openid-" + code, "", nil
}
func (w weChat) Phone(context.Context, string) (string, error) { return w.phone, nil }

func open(t *testing.T, o identity.Options) *office {
	t.Helper()
	clock := testkit.Clock(t)
	db := testkit.DBAt(t, clock)
	f := &office{Service: identity.New(db, o), t: t, db: db, clock: clock}
	f.write(func(tx *store.Tx) error {
		for code, name := range map[string]string{street: "北林路街道", community: "第一社区", community2: "第二社区", grid: "第一网格"} {
			if err := tx.Add(&model.Area{Code: code, Name: name, Level: model.LevelOf(code), Version: 1}); err != nil {
				return err
			}
		}
		return tx.Add(&model.Area{Code: closedArea, Name: "旧社区", Level: model.Community, ValidTo: tx.Now(), Version: 1})
	})
	return f
}

func (f *office) system() context.Context { return store.AsSystem(context.Background(), "test") }

func (f *office) write(fn func(*store.Tx) error) {
	f.t.Helper()
	require.NoError(f.t, f.db.Write(f.system(), model.Act{Name: "test"}, fn))
}

func (f *office) login(in identity.Login) *identity.Opened {
	f.t.Helper()
	o, err := f.Login(public(), in)
	require.NoError(f.t, err)
	return o
}

// public is how an operation that anyone may call comes in.
func public() context.Context {
	return store.As(context.Background(), model.Actor{Reason: "public", Source: "203.0.113.5", RequestID: "r1"})
}

// as is a request with the token.
func (f *office) as(token string) context.Context {
	f.t.Helper()
	a, err := f.Authenticate(context.Background(), identity.Credentials{Bearer: token, Source: "203.0.113.5", RequestID: "r2"})
	require.NoError(f.t, err)
	return store.As(context.Background(), a)
}

func (f *office) rejects(token string, c model.Code) {
	f.t.Helper()
	_, err := f.Authenticate(context.Background(), identity.Credentials{Bearer: token})
	fails(f.t, err, c)
}

// account makes a named account by an administrator.
func (f *office) account(username string, roles ...model.Grant) *identity.AccountView {
	f.t.Helper()
	v, _, err := f.CreateAccount(testkit.As(context.Background(), model.Admin, ""),
		identity.NewAccount{Username: username, Name: "测试员", Password: good, Roles: roles})
	require.NoError(f.t, err)
	return v
}

func (f *office) password(username, password string) (*identity.Opened, error) {
	return f.Login(public(), identity.Login{Grant: "password", Username: username, Password: password})
}

// traced are the acts of the trace with their results, oldest first.
func (f *office) traced(act string) (results []string) {
	f.t.Helper()
	for _, a := range f.trace() {
		if a.Act == act {
			results = append(results, a.Result)
		}
	}
	return results
}

func (f *office) trace() (rows []model.Audit) {
	f.t.Helper()
	require.NoError(f.t, f.db.Read(f.system(), func(tx *store.Tx) error {
		return tx.Q(&rows).Order("at").Order("id").Find(&rows).Error
	}))
	return rows
}

func fails(t *testing.T, err error, c model.Code, at ...string) {
	t.Helper()
	var e *model.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, c, e.Code, "%v", e)
	var locations []string
	for _, f := range e.Fields {
		locations = append(locations, f.Location)
	}
	if len(at) > 0 {
		require.Equal(t, at, locations)
	}
}

func role(r model.Role, area string) model.Grant { return model.Grant{Role: r, Area: area} }

func TestATokenIsWhoItWasGivenTo(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	v := f.account("wang", role(model.Collector, grid), role(model.GridLeader, grid))
	o, err := f.password(" WANG ", good)
	require.NoError(t, err)
	a, err := f.Authenticate(context.Background(), identity.Credentials{Bearer: o.Token, Source: "192.0.2.9", RequestID: "abc"})
	require.NoError(t, err)
	require.Equal(t, v.ID, a.Account)
	require.Equal(t, []model.Grant{role(model.Collector, grid), role(model.GridLeader, grid)}, a.Grants)
	require.Equal(t, "192.0.2.9 abc 测试员", a.Source+" "+a.RequestID+" "+a.Name)
	require.Equal(t, v.ID, o.Me.ID)
	require.Equal(t, "第一网格", o.Me.Roles[0].AreaName)
	require.Equal(t, f.clock.Time().Add(30*24*time.Hour), o.Expires)
	require.Equal(t, []string{"ok"}, f.traced("session.create"))

	_, err = f.Authenticate(context.Background(), identity.Credentials{})
	fails(t, err, model.AuthRequired)
	for _, bad := range []string{"x", o.Token + "=", o.Token[:42] + "_", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		f.rejects(bad, model.AuthInvalid)
	}
}

func TestATokenIsStoredNowhere(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	f.account("wang", role(model.Collector, grid))
	o := f.login(identity.Login{Grant: "password", Username: "wang", Password: good, Cookie: true})
	var rows []model.Session
	require.NoError(t, f.db.Read(f.system(), func(tx *store.Tx) error { return tx.Q(&rows).Find(&rows).Error }))
	kept, err := json.Marshal([]any{rows, f.trace()})
	require.NoError(t, err)
	for _, secret := range []string{o.Token, o.CSRF, good} {
		require.NotEmpty(t, secret)
		require.NotContains(t, string(kept), secret)
	}
	require.Len(t, rows[0].TokenHash, 32)
}

func TestSessionsEndByTheClock(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		cookie bool
		after  []time.Duration // requests, each so long after the one before; all but the last succeed
		last   model.Code      // "" = it succeeds
	}{
		"a phone comes back after 29 days":             {false, []time.Duration{29 * day}, ""},
		"a phone's 30 days slide":                      {false, []time.Duration{29 * day, 29 * day, 29 * day}, ""},
		"a phone stays away for 30 days":               {false, []time.Duration{30 * day}, model.AuthExpired},
		"a console works on for 11 hours":              {true, steps(20*time.Minute, 33), ""},
		"a console idles for 29 minutes":               {true, []time.Duration{29 * time.Minute}, ""},
		"a console idles for 30 minutes":               {true, []time.Duration{30 * time.Minute}, model.AuthExpired},
		"a console idles after working":                {true, []time.Duration{20 * time.Minute, 30 * time.Minute}, model.AuthExpired},
		"a console's 12 hours do not slide":            {true, steps(20*time.Minute, 36), model.AuthExpired},
		"a console's last_seen moves at most a minute": {true, []time.Duration{30 * time.Second, 29*time.Minute + 20*time.Second}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, identity.Options{Demo: true})
			require.NoError(t, f.EnsurePersonas(context.Background(), plan))
			o := f.login(identity.Login{Grant: "demo", Persona: "street", Cookie: c.cookie})
			cred := identity.Credentials{Bearer: o.Token}
			if c.cookie {
				cred = identity.Credentials{Cookie: o.Token}
			}
			for i, d := range c.after {
				f.clock.Advance(d)
				_, err := f.Authenticate(context.Background(), cred)
				if i == len(c.after)-1 && c.last != "" {
					fails(t, err, c.last)
				} else {
					require.NoError(t, err, "request %d", i)
				}
			}
		})
	}
}

func steps(d time.Duration, n int) (out []time.Duration) {
	for range n {
		out = append(out, d)
	}
	return out
}

func TestACookieNeedsItsCheckOnUnsafeMethods(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	f.account("wang", role(model.Collector, grid))
	o := f.login(identity.Login{Grant: "password", Username: "wang", Password: good, Cookie: true})
	for name, c := range map[string]struct {
		cred identity.Credentials
		want model.Code
	}{
		"reading":                 {identity.Credentials{Cookie: o.Token}, ""},
		"changing with it":        {identity.Credentials{Cookie: o.Token, Unsafe: true, CSRF: o.CSRF}, ""},
		"changing without it":     {identity.Credentials{Cookie: o.Token, Unsafe: true}, model.RoleForbidden},
		"changing with another":   {identity.Credentials{Cookie: o.Token, Unsafe: true, CSRF: o.Token}, model.RoleForbidden},
		"a cookie sent as bearer": {identity.Credentials{Bearer: o.Token}, model.AuthInvalid},
	} {
		_, err := f.Authenticate(context.Background(), c.cred)
		if c.want == "" {
			require.NoError(t, err, name)
		} else {
			fails(t, err, c.want)
		}
	}
}

func TestFiveWrongPasswordsLockForAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	f.account("wang", role(model.Collector, grid))
	try := func(password string, want model.Code) {
		t.Helper()
		_, err := f.password("wang", password)
		if want == "" {
			require.NoError(t, err)
			return
		}
		fails(t, err, want)
	}
	for range 4 {
		try("Wrong-one-1", model.AuthInvalid)
	}
	try(good, "") // success forgets the four
	for range 5 {
		try("Wrong-one-1", model.AuthInvalid)
	}
	try(good, model.AuthLocked)
	f.clock.Advance(14*time.Minute + 30*time.Second)
	_, err := f.password("wang", good)
	var e *model.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, model.AuthLocked, e.Code)
	require.Equal(t, 30, e.RetryAfter)
	f.clock.Advance(30 * time.Second)
	try("Wrong-one-1", model.AuthInvalid) // one is not five
	try(good, "")
	require.Len(t, f.traced("session.create"), 14, "failures are traced as well")
}

func TestUnknownAndDisabledLookLikeAWrongPassword(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{Demo: true})
	require.NoError(t, f.EnsurePersonas(context.Background(), plan))
	v := f.account("wang", role(model.Collector, grid))
	require.NoError(t, f.DisableAccount(testkit.As(context.Background(), model.Admin, ""), v.ID))
	var answers []string
	tries := [][2]string{{"wang", good}, {"wang", "Wrong-one-1"}, {"nobody", good}, {"demo:admin", ""}, {"demo:admin", "x"}}
	for _, c := range tries {
		_, err := f.password(c[0], c[1])
		if c[1] == "" {
			fails(t, err, model.Invalid, "password")
			continue
		}
		b, merr := json.Marshal(err)
		require.NoError(t, merr)
		answers = append(answers, string(b))
		fails(t, err, model.AuthInvalid)
	}
	for _, a := range answers {
		require.Equal(t, answers[0], a)
	}
	for _, a := range f.trace() {
		require.NotContains(t, a.Detail+a.Target, "nobody", "a mistyped user name may be a password")
	}
}

func TestPasswordsAreHashedTwoAtATime(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	f.account("wang", role(model.Collector, grid))
	const callers = 12
	errs := make(chan error, callers)
	start := make(chan struct{})
	for range callers {
		go func() {
			<-start
			_, err := f.password("wang", good)
			errs <- err
		}()
	}
	close(start)
	var limited int
	for range callers {
		var e *model.Error
		if err := <-errs; errors.As(err, &e) {
			require.Equal(t, model.RateLimited, e.Code)
			require.Equal(t, 1, e.RetryAfter)
			limited++
		} else {
			require.NoError(t, err)
		}
	}
	require.Positive(t, limited)
	require.Less(t, limited, callers)
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{WeChat: weChat{}})
	one := f.login(identity.Login{Grant: "wechat", Code: "a", Agent: "phone"})
	f.clock.Advance(time.Minute)
	two := f.login(identity.Login{Grant: "wechat", Code: "a"})
	other := f.login(identity.Login{Grant: "wechat", Code: "b"})
	require.Equal(t, one.Me.ID, two.Me.ID)
	require.NotEqual(t, one.Me.ID, other.Me.ID)

	list, err := f.Sessions(f.as(two.Token))
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.True(t, list[0].Current)
	require.Equal(t, "phone", list[1].Agent)
	require.Equal(t, "203.0.113.5", list[1].Source)
	fails(t, f.EndSession(f.as(other.Token), list[1].ID), model.NotFound)
	require.NoError(t, f.EndSession(f.as(two.Token), list[1].ID))
	f.rejects(one.Token, model.AuthInvalid)
	fails(t, f.EndSession(f.as(two.Token), list[1].ID), model.NotFound)
	require.NoError(t, f.EndCurrent(f.as(two.Token)))
	f.rejects(two.Token, model.AuthInvalid)
	require.Equal(t, []string{"ok", "ok"}, f.traced("session.delete"))
}

func TestDeadSessionsAreSweptAfterAMonth(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	f := open(t, identity.Options{})
	now := f.clock.Time()
	kept := map[string]bool{}
	row := func(agent string, expires, revoked model.Time) *model.Session {
		id := model.NewID()
		return &model.Session{ID: id, AccountID: id, TokenHash: id[:], Agent: agent, CreatedAt: now.Add(-90 * day), LastSeen: now,
			ExpiresAt: expires, RevokedAt: revoked}
	}
	old, edge := now.Add(-30*day-time.Second), now.Add(-30*day)
	f.write(func(tx *store.Tx) error {
		for range 1003 { // more than one write removes
			if err := tx.Add(row("expired long ago", old, 0)); err != nil {
				return err
			}
		}
		return tx.Add(row("revoked long ago", old.Add(30*day), old), row("expired", edge, 0), row("revoked", now, edge),
			row("alive", now.Add(time.Hour), 0))
	})
	n, err := f.SweepSessions(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1004, n)
	var rows []model.Session
	require.NoError(t, f.db.Read(f.system(), func(tx *store.Tx) error { return tx.Q(&rows).Find(&rows).Error }))
	for _, r := range rows {
		kept[r.Agent] = true
	}
	require.Equal(t, map[string]bool{"expired": true, "revoked": true, "alive": true}, kept)
	require.Equal(t, []string{"ok", "ok"}, f.traced("sessions.sweep"), "one trace for each write")
	n, err = f.SweepSessions(context.Background())
	require.NoError(t, err)
	require.Zero(t, n)
	require.Len(t, f.traced("sessions.sweep"), 2, "nothing to remove, nothing traced")
}
