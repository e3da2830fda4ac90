package wechat_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/silenceper/wechat/v2/util"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/fakewechat"
	"sixelements/model"
	"sixelements/service/wechat"
)

// client is a client of the fake and what it logs.
func client(t *testing.T, f *fakewechat.Fake) (*wechat.Client, *logged) {
	t.Helper()
	l := &logged{}
	c, err := wechat.New(wechat.Options{
		AppID: fakewechat.AppID, AppSecret: fakewechat.AppSecret, HTTP: f.Transport(),
		Log: slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	return c, l
}

type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func problem(t *testing.T, err error) *model.Error {
	t.Helper()
	var e *model.Error
	require.ErrorAs(t, err, &e)
	return e
}

func TestLoginTellsWhoTheUserIsOncePerCode(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	f.CodeUnion("code-1", "open-1", "union-1")
	c, _ := client(t, f)

	who, err := c.Login(t.Context(), "code-1")
	require.NoError(t, err)
	require.Equal(t, wechat.Identity{OpenID: "open-1", UnionID: "union-1"}, who)

	_, err = c.Login(t.Context(), "code-1")
	e := problem(t, err)
	require.Equal(t, model.AuthInvalid, e.Code)
	require.Equal(t, "微信登录已失效，请重新打开", e.Detail)
}

func TestPhoneTellsTheNumberOncePerCodeAndFetchesOneToken(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	f.PhoneCode("p1", "13800000001")
	f.PhoneCode("p2", "13800000002")
	c, _ := client(t, f)

	for code, want := range map[string]string{"p1": "13800000001", "p2": "13800000002"} {
		got, err := c.Phone(t.Context(), code)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Equal(t, 1, f.Calls(fakewechat.StableToken))
	require.Zero(t, f.Calls(fakewechat.Token), "the stable token is used, not the plain one")

	_, err := c.Phone(t.Context(), "p1")
	e := problem(t, err)
	require.Equal(t, model.Invalid, e.Code, "a 401 would end a session that is sound")
	require.Equal(t, "code", e.Fields[0].Location)
}

func TestPhoneFromAbroadIsRefusedPolitely(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	f.PhoneCodeAbroad("hk", "852", "51234567")
	f.PhoneCode("odd", "12345")
	c, _ := client(t, f)
	for _, code := range []string{"hk", "odd"} {
		_, err := c.Phone(t.Context(), code)
		require.Equal(t, "请填写中国大陆的手机号", problem(t, err).Detail)
	}
}

// trouble is every way in which WeChat fails, and what becomes of it.
var trouble = []struct {
	name         string
	hurt         func(f *fakewechat.Fake, path string)
	login, phone model.Code
	retryAfter   int
}{
	{"40029 a bad code", errcode(40029), model.AuthInvalid, model.Invalid, 0},
	{"40163 a used code", errcode(40163), model.AuthInvalid, model.Invalid, 0},
	{"40226 a risky user", errcode(40226), model.RoleForbidden, model.RoleForbidden, 0},
	{"45011 too often", errcode(45011), model.RateLimited, model.RateLimited, 60},
	{"45009 the day's quota is used up", errcode(45009), model.Busy, model.Busy, 600},
	{"-1 WeChat is busy", errcode(-1), model.Busy, model.Busy, 3},
	{"40001 again and again", errcode(40001), model.Busy, model.Busy, 3},
	{"40013 our AppID is wrong", errcode(40013), model.Busy, model.Busy, 600},
	{"40125 our secret is wrong", errcode(40125), model.Busy, model.Busy, 600},
	{"40164 our address is not allowed", errcode(40164), model.Busy, model.Busy, 600},
	{"a code never heard of", errcode(99999), model.Busy, model.Busy, 600},
	{"HTTP 500", status(500), model.Busy, model.Busy, 3},
	{"HTTP 404", status(404), model.Busy, model.Busy, 3},
	{"a redirect", status(302), model.Busy, model.Busy, 3},
	{"a cut connection", (*fakewechat.Fake).Cut, model.Busy, model.Busy, 3},
	{"no JSON", body("<html>"), model.Busy, model.Busy, 3},
	{"half an answer", body(`{"openid":"o`), model.Busy, model.Busy, 3},
}

func errcode(n int) func(*fakewechat.Fake, string) {
	return func(f *fakewechat.Fake, path string) { f.Fail(path, n) }
}

func status(n int) func(*fakewechat.Fake, string) {
	return func(f *fakewechat.Fake, path string) { f.Status(path, n) }
}

func body(s string) func(*fakewechat.Fake, string) {
	return func(f *fakewechat.Fake, path string) { f.Body(path, s) }
}

func TestEveryTroubleHasItsErrorAndLeaksNothing(t *testing.T) {
	t.Parallel()
	for _, x := range trouble {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			f := fakewechat.New(t)
			f.Code("login-code", "open-1")
			f.PhoneCode("phone-code", "13800000001")
			c, log := client(t, f)

			x.hurt(f, fakewechat.Session)
			_, err := c.Login(t.Context(), "login-code")
			expect(t, err, x.login, x.retryAfter)
			silent(t, err, log)

			x.hurt(f, fakewechat.Phone)
			_, err = c.Phone(t.Context(), "phone-code")
			expect(t, err, x.phone, x.retryAfter)
			silent(t, err, log)

			f.Heal(fakewechat.Session)
			f.Heal(fakewechat.Phone)
			_, err = c.Login(t.Context(), "login-code")
			require.NoError(t, err, "nothing is lost by trouble")
			_, err = c.Phone(t.Context(), "phone-code")
			require.NoError(t, err, "nothing is lost by trouble")
		})
	}
}

func expect(t *testing.T, err error, code model.Code, retryAfter int) {
	t.Helper()
	e := problem(t, err)
	require.Equal(t, code, e.Code)
	require.Equal(t, retryAfter, e.RetryAfter)
	require.NotEmpty(t, e.Detail)
}

// silent fails when a secret, a token, a code or an address can be read in an error or in the log.
func silent(t *testing.T, err error, log *logged) {
	t.Helper()
	require.NotEmpty(t, log.String(), "the operator can see that something was refused")
	var all strings.Builder
	for e := err; e != nil; e = errors.Unwrap(e) {
		all.WriteString(e.Error())
	}
	all.WriteString(problem(t, err).Detail + log.String())
	for _, secret := range []string{
		fakewechat.AppSecret, fakewechat.AppID, "fake_token", "login-code", "phone-code", "http", "session",
	} {
		require.NotContains(t, all.String(), secret)
	}
}

func TestTroubleWithTheTokenLeavesThePhoneToBeTyped(t *testing.T) {
	t.Parallel()
	for _, x := range trouble {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			f := fakewechat.New(t)
			f.PhoneCode("phone-code", "13800000001")
			c, log := client(t, f)
			x.hurt(f, fakewechat.StableToken)

			_, err := c.Phone(t.Context(), "phone-code")
			e := problem(t, err)
			require.NotEqual(t, model.AuthInvalid, e.Code)
			require.NotEqual(t, model.Invalid, e.Code, "the code was not the trouble")
			silent(t, err, log)
			require.Equal(t, 1, f.Calls(fakewechat.StableToken))
			require.Zero(t, f.Calls(fakewechat.Phone))

			f.Heal(fakewechat.StableToken)
			_, err = c.Phone(t.Context(), "phone-code")
			require.NoError(t, err)
		})
	}
}

func TestSilenceOfWeChatEndsWithTheCallersDeadline(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	c, log := client(t, f)
	for _, path := range []string{fakewechat.Session, fakewechat.StableToken} {
		f.Slow(path, make(chan struct{})) // never opened
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var err error
		if path == fakewechat.Session {
			_, err = c.Login(ctx, "login-code")
		} else {
			_, err = c.Phone(ctx, "phone-code")
		}
		expect(t, err, model.Busy, 3)
		silent(t, err, log)
		require.Contains(t, log.String(), "timeout")
	}
}

func TestTheSDKsClientHasATimeLimitOfItsOwn(t *testing.T) {
	t.Parallel()
	client(t, fakewechat.New(t))
	require.Equal(t, 5*time.Second, util.DefaultHTTPClient.Timeout)
}

func TestARevokedTokenIsFetchedAnewOnce(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	f.PhoneCode("p1", "13800000001")
	f.PhoneCode("p2", "13800000002")
	c, _ := client(t, f)
	_, err := c.Phone(t.Context(), "p1")
	require.NoError(t, err)

	f.Revoke()
	got, err := c.Phone(t.Context(), "p2")
	require.NoError(t, err)
	require.Equal(t, "13800000002", got)
	require.Equal(t, 2, f.Calls(fakewechat.StableToken))
	require.Equal(t, 3, f.Calls(fakewechat.Phone))
}

func TestAnEverRejectedTokenIsNotTriedForever(t *testing.T) {
	t.Parallel()
	for _, n := range []int{40001, 40014, 42001} {
		f := fakewechat.New(t)
		f.Fail(fakewechat.Phone, n)
		c, _ := client(t, f)
		_, err := c.Phone(t.Context(), "p1")
		expect(t, err, model.Busy, 3)
		require.Equal(t, 2, f.Calls(fakewechat.Phone))
		require.Equal(t, 2, f.Calls(fakewechat.StableToken))
	}
}

func TestManyAtOnceShareOneToken(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	gate := make(chan struct{})
	f.Slow(fakewechat.StableToken, gate)
	c, _ := client(t, f)
	var all sync.WaitGroup
	for i := range 16 {
		code := "p" + string(rune('a'+i))
		f.PhoneCode(code, "13800000001")
		all.Go(func() {
			_, err := c.Phone(t.Context(), code)
			if err != nil {
				t.Error(err)
			}
		})
	}
	close(gate)
	all.Wait()
	require.Equal(t, 1, f.Calls(fakewechat.StableToken))
}

func TestACodeCannotAddParametersToTheCall(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	const odd = "x&appid=wx1111111111111111&secret=y#z?%41 é"
	f.Code(odd, "open-1")
	c, _ := client(t, f)
	who, err := c.Login(t.Context(), odd)
	require.NoError(t, err, "the whole text arrived as the code")
	require.Equal(t, "open-1", who.OpenID)
}

func TestAnEmptyOrEndlessCodeIsNotSent(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	c, _ := client(t, f)
	for _, code := range []string{"", strings.Repeat("x", 513)} {
		_, err := c.Login(t.Context(), code)
		require.Equal(t, model.AuthInvalid, problem(t, err).Code)
		_, err = c.Phone(t.Context(), code)
		require.Equal(t, model.Invalid, problem(t, err).Code)
	}
	require.Zero(t, f.Calls(fakewechat.Session)+f.Calls(fakewechat.Phone)+f.Calls(fakewechat.StableToken))
}

func TestAnAnswerWithoutOpenIDIsNobody(t *testing.T) {
	t.Parallel()
	f := fakewechat.New(t)
	f.Body(fakewechat.Session, `{}`)
	c, _ := client(t, f)
	_, err := c.Login(t.Context(), "x")
	expect(t, err, model.Busy, 3)
}

func TestTwoClientsKeepToTheirOwnTransport(t *testing.T) {
	t.Parallel()
	f, g := fakewechat.New(t), fakewechat.New(t)
	f.Code("c", "of-f")
	g.Code("c", "of-g")
	a, _ := client(t, f)
	b, _ := client(t, g)
	who, err := a.Login(t.Context(), "c")
	require.NoError(t, err)
	require.Equal(t, "of-f", who.OpenID)
	who, err = b.Login(t.Context(), "c")
	require.NoError(t, err)
	require.Equal(t, "of-g", who.OpenID)
}

func TestWithoutAnAppIDItSaysSo(t *testing.T) {
	t.Parallel()
	empty, err := wechat.New(wechat.Options{Verify: map[string]string{"a1B2.txt": "content"}})
	require.NoError(t, err)
	for name, c := range map[string]*wechat.Client{"nil": nil, "empty": empty} {
		require.False(t, c.Configured(), name)
		_, err := c.Login(t.Context(), "x")
		require.Equal(t, "本系统尚未接入微信", problem(t, err).Detail, name)
		_, err = c.Phone(t.Context(), "x")
		require.Equal(t, model.Busy, problem(t, err).Code, name)
		_, ok := c.VerifyFile("other.txt")
		require.False(t, ok, name)
	}
	content, ok := empty.VerifyFile("a1B2.txt")
	require.True(t, ok)
	require.Equal(t, "content", content)
}

func TestFaultyOptionsAreRefusedUnprinted(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]wechat.Options{
		"a secret without id":   {AppSecret: "s3cr3t"},
		"an id without secret":  {AppID: "s3cr3t"},
		"a secret with a space": {AppID: "wx1", AppSecret: "s3cr3t s3cr3t"},
		"an id like a query":    {AppID: "wx1&s3cr3t=1", AppSecret: "x"},
		"a file outside":        {Verify: map[string]string{"../s3cr3t.txt": "x"}},
		"a file of another end": {Verify: map[string]string{"s3cr3t.html": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := wechat.New(o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}

func TestTheFakeAnswersForWeChatAlone(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/", nil)
	require.NoError(t, err)
	_, err = fakewechat.New(t).Transport().RoundTrip(req) //nolint:bodyclose // there is none: it is refused
	require.Error(t, err)
}
