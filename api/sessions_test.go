package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"sixelements/internal/app"
	"sixelements/internal/testkit/fakewechat"
	"sixelements/internal/testkit/street"
	"sixelements/service/identity"
)

// restart starts the product again on the same database and folder, as after a crash, with other options; s talks to it from then on.
func restart(t *testing.T, s *street.Server, changes ...street.Change) {
	t.Helper()
	o := app.Options{Data: s.Data, BaseURL: "http://six.test", Version: "test", Demo: true, MaxBody: 12 << 20, Workers: 1,
		Clock: s.Clock.Now,
		Log:   slog.New(slog.NewJSONHandler(s.Logs, nil))}
	for _, c := range changes {
		c(&o)
	}
	a, err := app.New(s.DB, o)
	require.NoError(t, err)
	h, ops, err := a.Handler()
	require.NoError(t, err)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	s.App, s.Ops, s.URL = a, ops, srv.URL
}

// login opens a session and answers it; it must succeed.
func login(t *testing.T, s *street.Server, body object) street.Response {
	t.Helper()
	r := s.Do(street.Request{Method: "POST", Path: "/sessions", Body: body})
	require.Equal(t, http.StatusCreated, r.Status, r.Text)
	return r
}

func tokenOf(r street.Response) string { s, _ := r.JSON["token"].(string); return s }

// as is what GET /me answers to the token.
func as(s *street.Server, token string) street.Response {
	return s.Do(street.Request{Method: "GET", Path: "/me", Token: token})
}

// hire makes an account with a password over the API.
func hire(t *testing.T, s *street.Server, by, username string, roles ...object) street.Response {
	t.Helper()
	r := s.Do(street.Request{Method: "POST", Path: "/accounts", As: by, Body: object{"username": username, "name": "新同事",
		"password": goodPassword,
		"roles":    roles}})
	require.Equal(t, http.StatusCreated, r.Status, r.Text)
	return r
}

func byPassword(username, password string) object {
	return object{"grant": "password", "username": username, "password": password}
}

func agreement(scopes ...string) object {
	return object{"version": identity.CurrentNotice().Version, "scopes": append([]string{}, scopes...)}
}

func TestEveryPersonaLogsInAndWorksWhereThePlanSays(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	for persona, area := range map[string]string{"resident": "", "resident2": "", "collector": s.Grid, "grid_leader": s.Grid,
		"department": "410102002",
		"community":  s.Community, "community2": s.Community2, "street": "410102002", "admin": ""} {
		r := login(t, s, object{"grant": "demo", "persona": persona})
		require.Equal(t, area, member(r, "account.roles.0.area_code"), persona)
		require.NotEmpty(t, tokenOf(r), persona)
		require.Nil(t, r.JSON["csrf_token"], "a token needs no other")
		require.Nil(t, member(r, "account.consents"), "nobody has consented yet")
		require.Empty(t, r.Header.Values("Set-Cookie"), persona)
	}
	run(t, s, []scenario{
		{Name: "an unknown persona", Post: "/sessions", Body: object{"grant": "demo", "persona": "mayor"}, Want: 422,
			Code:   "validation.failed",
			Errors: []string{"persona:field.not_a_choice"}},
		{Name: "an unknown grant", Post: "/sessions", Body: object{"grant": "magic"}, Want: 422, Code: "validation.failed"},
		{Name: "no grant", Post: "/sessions", Body: object{}, Want: 422, Code: "validation.failed",
			Errors: []string{"grant:field.required"}},
		{Name: "a grant without its proof", Post: "/sessions", Body: object{"grant": "password", "username": "wang"}, Want: 422,
			Code: "validation.failed", Errors: []string{"password:field.required"}},
		{Name: "broken JSON", Post: "/sessions", Body: `{"grant":`, Want: 400, Code: "request.malformed"},
	})
	s.Token("street")
	restart(t, s, func(o *app.Options) { o.Demo = false })
	run(t, s, []scenario{
		{Name: "outside the demo there are no personas", Post: "/sessions", Body: object{"grant": "demo", "persona": "street"},
			Want: 404, Code: "not_found"},
		{Name: "and their tokens are worth nothing", As: "street", Get: "/me", Want: 401, Code: "auth.invalid"},
		{Name: "nor is a code alone, with the web form off", Post: "/sessions", Body: object{"grant": "scan", "code": s.Code},
			Want: 404, Code: "not_found"},
	})
	restart(t, s, func(o *app.Options) { o.Demo, o.WebForm = false, true })
	run(t, s, []scenario{{Name: "with the web form on it is", Post: "/sessions", Body: object{"grant": "scan", "code": s.Code},
		Want: 201}})
}

func TestWhoSentItIsSaidOrRefused(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	dead := login(t, s, object{"grant": "demo", "persona": "street"})
	require.Equal(t, 204, s.Do(street.Request{Method: "DELETE", Path: "/sessions/current", Token: tokenOf(dead)}).Status)
	run(t, s, []scenario{
		{Name: "nobody", Get: "/me", Want: 401, Code: "auth.required"},
		{Name: "something that is no token", Token: "abc", Get: "/me", Want: 401, Code: "auth.invalid"},
		{Name: "a token nobody gave", Token: strings.Repeat("A", len(tokenOf(dead))), Get: "/me", Want: 401, Code: "auth.invalid"},
		{Name: "a token that was ended", Token: tokenOf(dead), Get: "/me", Want: 401, Code: "auth.invalid"},
		{Name: "another scheme", Get: "/me", Header: map[string]string{"Authorization": "Basic YTpi"}, Want: 401,
			Code: "auth.required"},
	})
	a, b := login(t, s, object{"grant": "demo", "persona": "street"}), login(t, s, object{"grant": "demo", "persona": "street"})
	other := login(t, s, object{"grant": "demo", "persona": "community"})
	list := s.Do(street.Request{Method: "GET", Path: "/sessions", Token: tokenOf(a)})
	require.Len(t, list.JSON["items"], 2, "the ended one is not listed")
	ids := map[bool]string{}
	for _, v := range list.JSON["items"].([]any) {
		ids[v.(object)["current"].(bool)] = v.(object)["id"].(string)
	}
	run(t, s, []scenario{
		{Name: "another account's session does not exist", Token: tokenOf(other), Delete: "/sessions/" + ids[false], Want: 404,
			Code: "not_found"},
		{Name: "one's own other session ends", Token: tokenOf(a), Delete: "/sessions/" + ids[false], Want: 204},
		{Name: "at once", Token: tokenOf(b), Get: "/me", Want: 401, Code: "auth.invalid"},
		{Name: "it does not end twice", Token: tokenOf(a), Delete: "/sessions/" + ids[false], Want: 404, Code: "not_found"},
		{Name: "no id", Token: tokenOf(a), Delete: "/sessions/7", Want: 404, Code: "not_found"},
		{Name: "one's own goes on", Token: tokenOf(a), Get: "/me", Want: 200},
	})
}

func TestTheConsolesCookie(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	hire(t, s, "community", "clerk.wang", object{"role": "grid_leader", "area_code": s.Grid})
	body := byPassword("Clerk.Wang", goodPassword)
	body["cookie"] = true
	r := login(t, s, body)
	require.Nil(t, r.JSON["token"], "what the cookie holds is nowhere else")
	set := r.Header.Get("Set-Cookie")
	for _, part := range []string{"six_session=", "HttpOnly", "SameSite=Strict", "Path=/"} {
		require.Contains(t, set, part)
	}
	pair, _, _ := strings.Cut(set, ";")
	csrf := r.JSON["csrf_token"].(string)
	cookie := map[string]string{"Cookie": pair}
	both := map[string]string{"Cookie": pair, "X-CSRF-Token": csrf}
	run(t, s, []scenario{
		{Name: "reading needs the cookie alone", Get: "/me", Header: cookie, Want: 200, JSON: object{"username": "clerk.wang"}},
		{Name: "writing needs the page's token too", Put: "/me/consent", Header: cookie, Body: agreement("general"), Want: 403,
			Code: "role.forbidden"},
		{Name: "the right one", Put: "/me/consent", Header: map[string]string{"Cookie": pair, "X-CSRF-Token": csrf + "x"},
			Body: agreement("general"),
			Want: 403, Code: "role.forbidden"},
		{Name: "both together write", Put: "/me/consent", Header: both, Body: agreement("general"), Want: 200},
		{Name: "a stolen cookie is no bearer token", Token: strings.TrimPrefix(pair, "six_session="), Get: "/me", Want: 401,
			Code: "auth.invalid"},
		{Name: "a phone needs no cookie", Post: "/sessions", Body: object{"grant": "scan", "code": s.Code, "cookie": true}, Want: 422,
			Code:   "validation.failed",
			Errors: []string{"cookie:field.invalid"}},
		{Name: "logging out takes the cookie away", Delete: "/sessions/current", Header: both, Want: 204,
			Check: func(t *testing.T, r street.Response) {
				require.Contains(t, r.Header.Get("Set-Cookie"), "six_session=;")
				require.Contains(t, r.Header.Get("Set-Cookie"), "Max-Age=0")
			}},
		{Name: "and the session with it", Get: "/me", Header: cookie, Want: 401, Code: "auth.invalid"},
	})
	restart(t, s, func(o *app.Options) { o.BaseURL = "https://six.test" })
	require.Contains(t, login(t, s, body).Header.Get("Set-Cookie"), "; Secure", "behind https the cookie keeps to it")
}

func TestSessionsEndByTheClock(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	console := login(t, s, object{"grant": "demo", "persona": "community", "cookie": true})
	pair, _, _ := strings.Cut(console.Header.Get("Set-Cookie"), ";")
	look := func() street.Response {
		return s.Do(street.Request{Method: "GET", Path: "/me", Header: map[string]string{"Cookie": pair}})
	}
	phone, scan := tokenOf(login(t, s, object{"grant": "demo", "persona": "resident"})),
		tokenOf(login(t, s, object{"grant": "scan", "code": s.Code}))
	for range 3 {
		s.Clock.Advance(29 * time.Minute)
		require.Equal(t, 200, look().Status, "whoever works stays logged in")
	}
	s.Clock.Advance(30 * time.Minute)
	require.Equal(t, "auth.expired", look().Code(), "half an hour idle ends the console")
	require.Equal(t, 401, look().Status)
	s.Clock.Advance(29 * 24 * time.Hour)
	require.Equal(t, 200, as(s, phone).Status)
	require.Equal(t, 200, as(s, scan).Status)
	s.Clock.Advance(29 * 24 * time.Hour)
	require.Equal(t, 200, as(s, phone).Status, "a phone's thirty days slide")
	require.Equal(t, "auth.expired", as(s, scan).Code(), "a scan's do not")
	s.Clock.Advance(30*24*time.Hour + time.Second)
	require.Equal(t, "auth.expired", as(s, phone).Code())
}

func TestFiveWrongPasswordsLockTheAccount(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	hire(t, s, "street", "wang.fang", object{"role": "community", "area_code": s.Community})
	try := func(password string) street.Response {
		return s.Do(street.Request{Method: "POST", Path: "/sessions", Body: byPassword("wang.fang", password)})
	}
	stranger := s.Do(street.Request{Method: "POST", Path: "/sessions", Body: byPassword("nobody.here", goodPassword)})
	for range 4 {
		require.Equal(t, "auth.invalid", try("Wrong-password-1").Code())
	}
	require.Equal(t, 201, try(goodPassword).Status, "the right one begins the count anew")
	for range 5 {
		r := try("Wrong-password-1")
		require.Equal(t, 401, r.Status)
		require.Equal(t, stranger.Text, r.Text, "a wrong password and an unknown name look alike")
	}
	r := try(goodPassword)
	require.Equal(t, http.StatusLocked, r.Status, r.Text)
	require.Equal(t, "auth.locked", r.Code())
	require.Equal(t, "900", r.Header.Get("Retry-After"))
	problem(t, r)
	s.Clock.Advance(14*time.Minute + 59*time.Second)
	require.Equal(t, "1", try(goodPassword).Header.Get("Retry-After"))
	s.Clock.Advance(time.Second)
	require.Equal(t, 201, try(goodPassword).Status, "after a quarter of an hour it is open again")
}

func TestWeChatTellsWhoItIs(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	s := street.New(t, weChat(f))
	f.Code("code-1", "openid-of-li")
	f.Code("code-2", "openid-of-li")
	f.Code("code-3", "openid-of-chen")
	byCode := func(code string) object { return object{"grant": "wechat", "code": code} }
	li := login(t, s, byCode("code-1"))
	require.Equal(t, "resident", member(li, "account.roles.0.role"))
	require.NotContains(t, li.Text, "openid", "WeChat's name for a person stays inside")
	again := login(t, s, byCode("code-2"))
	require.Equal(t, member(li, "account.id"), member(again, "account.id"), "the same person is the same account")
	require.NotEqual(t, member(li, "account.id"), member(login(t, s, byCode("code-3")), "account.id"))
	f.PhoneCode("phone-1", "16412345678")
	run(t, s, []scenario{
		{Name: "a code is good once", Post: "/sessions", Body: byCode("code-1"), Want: 401, Code: "auth.invalid"},
		{Name: "a code that WeChat did not give", Post: "/sessions", Body: byCode("made-up"), Want: 401, Code: "auth.invalid"},
		{Name: "the phone number from WeChat is masked", Token: tokenOf(li), Post: "/me/phone", Body: object{"code": "phone-1"},
			Want: 200,
			JSON: object{"phone": "164****5678"}, Not: []string{"16412345678"}},
		{Name: "its code is good once too", Token: tokenOf(li), Post: "/me/phone", Body: object{"code": "phone-1"}, Want: 422,
			Code:   "validation.failed",
			Errors: []string{"code:field.invalid"}},
	})
	f.Fail(fakewechat.Session, -1)
	f.Code("code-4", "openid-of-li")
	run(t, s, []scenario{{Name: "WeChat out of order", Post: "/sessions", Body: byCode("code-4"), Want: 503, Code: "server.busy",
		Check: func(t *testing.T, r street.Response) { require.NotEmpty(t, r.Header.Get("Retry-After")) }}})
	require.NotContains(t, s.Logs.String(), fakewechat.AppSecret)
	restart(t, s)
	run(t, s, []scenario{
		{Name: "not configured", Post: "/sessions", Body: byCode("code-4"), Want: 503, Code: "server.busy"},
		{Name: "nor the phone", Token: tokenOf(li), Post: "/me/phone", Body: object{"code": "phone-2"}, Want: 503, Code: "server.busy"},
	})
}

func TestASecondFactor(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	hire(t, s, "street", "li.na", object{"role": "community", "area_code": s.Community})
	token, other := tokenOf(login(t, s, byPassword("li.na", goodPassword))), tokenOf(login(t, s, byPassword("li.na", goodPassword)))
	made := s.Do(street.Request{Method: "POST", Path: "/me/otp", Token: token})
	require.Equal(t, 201, made.Status, made.Text)
	secret := made.JSON["secret"].(string)
	code := func() string {
		c, err := totp.GenerateCode(secret, s.Clock.Now())
		require.NoError(t, err)
		return c
	}
	login(t, s, byPassword("li.na", goodPassword)) // not asked for before it is confirmed
	wrong := map[bool]string{true: "000000", false: "111111"}[code() != "000000"]
	first := code()
	withCode := func(c string) object {
		return object{"grant": "password", "username": "li.na", "password": goodPassword, "otp": c}
	}
	run(t, s, []scenario{
		{Name: "a wrong code does not turn it on", Token: token, Put: "/me/otp", Body: object{"otp": wrong}, Want: 422,
			Code:   "validation.failed",
			Errors: []string{"otp:field.invalid"}},
		{Name: "the right one does", Token: token, Put: "/me/otp", Body: object{"otp": first}, Want: 204},
		{Name: "not twice", Token: token, Put: "/me/otp", Body: object{"otp": first}, Want: 409, Code: "conflict"},
		{Name: "other sessions end", Token: other, Get: "/me", Want: 401, Code: "auth.invalid"},
		{Name: "now it is asked for", Post: "/sessions", Body: byPassword("li.na", goodPassword), Want: 401, Code: "auth.invalid",
			Errors: []string{"otp:field.required"}},
		{Name: "a used code is worth nothing", Post: "/sessions", Body: withCode(first), Want: 401, Code: "auth.invalid"},
	})
	s.Clock.Advance(time.Minute)
	require.Equal(t, 201, s.Do(street.Request{Method: "POST", Path: "/sessions", Body: withCode(code())}).Status)
	run(t, s, []scenario{
		{Name: "the account says so", Token: token, Get: "/me", Want: 200, JSON: object{"otp": true}},
		{Name: "off needs the password", Token: token, Delete: "/me/otp", Body: object{"password": goodPassword + "x"}, Want: 422,
			Code: "validation.failed"},
		{Name: "off", Token: token, Delete: "/me/otp", Body: object{"password": goodPassword}, Want: 204},
		{Name: "the password alone is enough again", Post: "/sessions", Body: byPassword("li.na", goodPassword), Want: 201},
		{Name: "a wrong old password", Token: token, Put: "/me/password", Body: object{"old": "Not-this-1", "new": "Another-2026-y"},
			Want: 422,
			Code: "validation.failed", Errors: []string{"old:field.invalid"}},
		{Name: "a weak new one", Token: token, Put: "/me/password", Body: object{"old": goodPassword, "new": "abcdefgh"}, Want: 422,
			Code: "validation.failed", Errors: []string{"new:field.invalid"}},
		{Name: "a new password", Token: token, Put: "/me/password", Body: object{"old": goodPassword, "new": "Another-2026-y"},
			Want: 204},
		{Name: "the old one is none", Post: "/sessions", Body: byPassword("li.na", goodPassword), Want: 401, Code: "auth.invalid"},
		{Name: "the new one is", Post: "/sessions", Body: byPassword("li.na", "Another-2026-y"), Want: 201},
	})
	for _, hidden := range []string{secret, goodPassword, token} {
		require.NotContains(t, s.Logs.String(), hidden, "no secret reaches the log")
	}
}
