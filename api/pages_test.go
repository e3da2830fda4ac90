package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/app"
	"sixelements/internal/testkit/street"
	"sixelements/service/qr"
)

func TestPagesForPeople(t *testing.T) {
	t.Parallel()
	s := street.New(t, func(o *app.Options) { o.WeChat.Verify = map[string]string{"AbC123.txt": "0123456789abcdef"} })
	page := func(path string, status int, parts ...string) street.Response {
		t.Helper()
		r := s.Do(street.Request{Method: "GET", Path: path})
		require.Equal(t, status, r.Status, r.Text)
		for _, p := range parts {
			require.Contains(t, r.Text, p, path)
		}
		return r
	}
	for path, part := range map[string]string{"/": "六要素", "/docs": "/areas/{code}", "/q/": "编号"} {
		require.Equal(t, "text/html; charset=utf-8", page(path, 200, part).Header.Get("Content-Type"), path)
	}
	page("/", 200, "这是演示")
	page("/q/"+s.Code, 200, "建设路62号院1号楼", s.Code, "人员", "组织")
	page("/q/"+strings.ToLower(qr.Spaced(s.Code)), 200, "建设路62号院1号楼")
	require.NotContains(t, page("/q/"+s.Code, 200).Text, "居民小李", "never a person")
	page("/q/22222222222222", 404, "没有这个二维码", `name="code"`)
	page("/q/%3Cscript%3Ealert(1)", 404, "没有这个二维码")
	require.NotContains(t, page("/q/%3Cscript%3E", 404).Text, "<script>")
	require.Equal(t, 0, scansOf(s), "a page is no scan")

	typed := s.Do(street.Request{Method: "GET", Path: "/q/?code=" + strings.ToLower(s.Code[:5]+"-"+s.Code[5:])})
	require.Equal(t, http.StatusSeeOther, typed.Status)
	require.Equal(t, "/q/"+s.Code, typed.Header.Get("Location"))
	page("/q/?code=ABC", 200, "编号不对")
	require.NotContains(t, page("/q/", 200).Text, "编号不对")

	page("/q/AbC123.txt", 200, "0123456789abcdef")
	require.Equal(t, "not_found", page("/q/other.txt", 404).Code())
	r := s.Do(street.Request{Method: "POST", Path: "/buildings/" + s.Building.String() + "/qrcodes", As: "community",
		Body: object{"rotate": true}})
	require.Equal(t, 201, r.Status)
	page("/q/"+s.Code, 410, "这个二维码已停用", `name="code"`)
}

func scansOf(s *street.Server) int {
	n, _ := member(s.Do(street.Request{Method: "GET", Path: "/qrcodes/" + s.Code, As: "community"}), "scans").(int)
	return n
}

func TestPagesForMachines(t *testing.T) {
	t.Parallel()
	ready := make(chan struct{})
	s := street.New(t, func(o *app.Options) { o.Ready = until(ready) })
	health := s.Do(street.Request{Method: "GET", Path: "/healthz"})
	require.Equal(t, 200, health.Status)
	require.Equal(t, "ok", health.JSON["status"])
	wait := s.Do(street.Request{Method: "GET", Path: "/readyz"})
	require.Equal(t, 503, wait.Status)
	require.Equal(t, "server.busy", wait.Code())
	require.NotEmpty(t, wait.Header.Get("Retry-After"))
	close(ready)
	require.Equal(t, 200, s.Do(street.Request{Method: "GET", Path: "/readyz"}).Status)

	doc := s.Do(street.Request{Method: "GET", Path: "/openapi.json"})
	require.Equal(t, 200, doc.Status)
	require.Equal(t, "application/json", doc.Header.Get("Content-Type"))
	require.JSONEq(t, string(s.Ops.OpenAPI()), doc.Text)
	var api struct {
		OpenAPI string
		Paths   map[string]map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(doc.Text), &api))
	require.True(t, strings.HasPrefix(api.OpenAPI, "3.1"))
	operations := 0
	for _, item := range api.Paths {
		operations += len(item)
	}
	require.Equal(t, len(s.Ops.Ops), operations, "every operation is in the document")
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	for _, path := range []string{"/", "/docs", "/q/", "/q/" + s.Code, "/healthz", "/openapi.json", "/api/v1/notice", "/api/v1/me",
		"/api/v1/nowhere", "/q/x.txt"} {
		r := s.Do(street.Request{Method: "GET", Path: path, Header: map[string]string{"Origin": "https://elsewhere.example"}})
		require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"), path)
		require.Equal(t, "DENY", r.Header.Get("X-Frame-Options"), path)
		require.Equal(t, "no-referrer", r.Header.Get("Referrer-Policy"), path)
		require.Equal(t, "same-origin", r.Header.Get("Cross-Origin-Opener-Policy"), path)
		require.Contains(t, r.Header.Get("Content-Security-Policy"), "default-src 'self'", path)
		require.Contains(t, r.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
		require.Empty(t, r.Header.Get("Access-Control-Allow-Origin"), "no other site's page may ask: %s", path)
		require.Empty(t, r.Header.Get("Strict-Transport-Security"), "not without TLS: %s", path)
		require.Empty(t, r.Header.Get("Server"), path)
		require.Regexp(t, `^[0-9a-f-]{36}$`, r.Header.Get("X-Request-ID"), path)
	}
	me := s.Do(street.Request{Method: "GET", Path: "/me", As: "street"})
	require.Equal(t, "no-store", me.Header.Get("Cache-Control"), "what an account sees is not kept by the way")
	tls := s.Do(street.Request{Method: "GET", Path: "/", Header: map[string]string{"X-Forwarded-Proto": "https"}})
	require.NotEmpty(t, tls.Header.Get("Strict-Transport-Security"))
	require.Equal(t, 405, s.Do(street.Request{Method: "OPTIONS", Path: "/api/v1/me",
		Header: map[string]string{"Origin": "https://elsewhere.example",
			"Access-Control-Request-Method": "GET"}}).Status, "a preflight is not answered")
}

func TestARequestsIdIsKeptIfItLooksLikeOne(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	sent := func(id string) string {
		return s.Do(street.Request{Method: "GET", Path: "/me", As: "street",
			Header: map[string]string{"X-Request-ID": id}}).Header.Get("X-Request-ID")
	}
	const good = "0198a000-0000-7000-8000-00000000abcd"
	require.Equal(t, good, sent(good))
	for _, bad := range []string{"short", "<script>alert(1)</script>", strings.Repeat("a", 65), "0198a000 0000 7000"} {
		require.Regexp(t, `^[0-9a-f-]{36}$`, sent(bad))
	}
	r := s.Do(street.Request{Method: "POST", Path: "/areas", As: "community", Header: map[string]string{"X-Request-ID": good},
		Body: object{"parent": s.Community,
			"name": "新网格"}})
	require.Equal(t, 201, r.Status)
	trace := s.Do(street.Request{Method: "GET", Path: "/audit?act=area.create", As: "community"})
	require.Contains(t, trace.Text, good, "the trace names the request")
	require.Contains(t, s.Logs.String(), good, "and so does the log")
	require.Contains(t, s.Logs.String(), `"route":"/api/v1/areas"`)
}

func TestNeitherRouteNorMethodNorSizeIsAnsweredInEnglish(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	run(t, s, []scenario{
		{Name: "no route", Get: "/nowhere", Want: 404, Code: "not_found"},
		{Name: "nowhere outside the API", Get: "/q/a/b", Want: 404, Code: "not_found"},
		{Name: "a slash too many", As: "street", Get: "/areas/", Want: 404, Code: "not_found"},
		{Name: "no method", As: "street", Put: "/areas", Want: 405, Code: "method.not_allowed"},
		{Name: "a page cannot be posted to", Post: "/healthz", Want: 405, Code: "method.not_allowed"},
		{Name: "a body of another kind", As: "street", Post: "/areas", Body: "parent: x",
			Header: map[string]string{"Content-Type": "application/yaml"}, Want: 415,
			Code: "media.unsupported"},
		{Name: "no body", As: "community", Post: "/areas", Want: 400, Code: "request.malformed"},
		{Name: "a body that is no JSON", As: "community", Post: "/areas", Body: "{", Want: 400, Code: "request.malformed"},
		{Name: "a body longer than an operation's", As: "community", Post: "/areas", Body: `{"name":"` + strings.Repeat("x",
			1<<20) + `"}`, Want: 413,
			Code: "request.too_large"},
		{Name: "a body longer than any", As: "community", Post: "/areas", Body: `{"name":"` + strings.Repeat("x", 13<<20) + `"}`,
			Want: 413,
			Code: "request.too_large"},
		{Name: "limit 0", As: "community", Get: "/areas?limit=0", Want: 422, Code: "validation.failed",
			Errors: []string{"limit:field.invalid"}},
		{Name: "limit x", As: "community", Get: "/areas?limit=x", Want: 422, Code: "validation.failed",
			Errors: []string{"limit:field.invalid"}},
	})
	require.NotContains(t, s.Logs.String(), `"level":"ERROR"`, "none of it is a fault of ours")
	require.NotContains(t, s.Logs.String(), "panic")
}

func TestWhoAsksTooOftenWaits(t *testing.T) {
	t.Parallel()
	s := street.New(t, func(o *app.Options) { o.RateLimit = true })
	token := s.Token("street")
	ask := func() street.Response { return s.Do(street.Request{Method: "GET", Path: "/me", Token: token}) }
	for range 600 {
		require.Equal(t, 200, ask().Status, "a collector's queue comes at once")
	}
	r := ask()
	require.Equal(t, http.StatusTooManyRequests, r.Status)
	require.Equal(t, "rate.limited", r.Code())
	require.Equal(t, "1", r.Header.Get("Retry-After"))
	problem(t, r)
	require.Equal(t, 200, s.Do(street.Request{Method: "GET", Path: "/me", As: "community"}).Status, "others go on")
	s.Clock.Advance(time.Second)
	require.Equal(t, 200, ask().Status)
	require.Equal(t, 200, s.Do(street.Request{Method: "GET", Path: "/healthz"}).Status)
}

// until is ready once the channel is closed.
func until(ready <-chan struct{}) func(context.Context) error {
	return func(context.Context) error {
		select {
		case <-ready:
			return nil
		default:
			return errors.New("the data is not there yet")
		}
	}
}
