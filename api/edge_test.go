package api_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/api"
	"sixelements/internal/testkit/street"
	"sixelements/model"
)

func TestProfilesAndMetricsAreOnThePrivateListenerOnly(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	private := httptest.NewServer(s.Private())
	t.Cleanup(private.Close)
	for path, part := range map[string]string{"/metrics": "six_request_seconds_bucket", "/debug/pprof/": "goroutine",
		"/debug/pprof/heap": "", "/debug/pprof/goroutine?debug=1": "goroutine profile", "/debug/pprof/allocs": "",
		"/debug/pprof/mutex?debug=1": "sampling period=0", "/debug/pprof/block": "", "/debug/pprof/cmdline": "api.test",
		"/debug/pprof/profile?seconds=1": "", "/debug/pprof/trace?seconds=0.1": "", "/debug/pprof/symbol": ""} {
		r, err := http.Get(private.URL + path)
		require.NoError(t, err)
		body, err := bufio.NewReader(r.Body).Peek(1 << 16) // not every answer is so long
		require.NoError(t, r.Body.Close())
		require.Equal(t, 200, r.StatusCode, "%s: %s", path, body)
		require.NotEmpty(t, body, "%v", err)
		if path != "/metrics" { // its figures come in the order of their names
			require.Contains(t, string(body), part, path)
		}
		public, err := http.Get(s.URL + path)
		require.NoError(t, err)
		require.NoError(t, public.Body.Close())
		require.Equal(t, 404, public.StatusCode, path)
	}
}

func TestSlowBodiesHoldNothingThatOthersNeed(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	token := o.Token("resident")
	for range 50 {
		c, err := net.Dial("tcp", strings.TrimPrefix(o.URL, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = fmt.Fprintf(c, "POST /api/v1/records HTTP/1.1\r\nHost: six\r\nContent-Type: application/json\r\n"+
			"Authorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{\"kind\":", token)
		require.NoError(t, err)
	}
	done := make(chan street.Response, 1)
	go func() { done <- o.make("resident", o.at("event", o.event(nil), nil)) }()
	select {
	case r := <-done:
		require.Equal(t, 201, r.Status)
	case <-time.After(time.Minute):
		t.Fatal("a record waits for strangers' bodies")
	}
}

func TestABusyServerSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	for retry, want := range map[int]string{0: "1", 2: "2"} {
		w := httptest.NewRecorder()
		api.WriteProblem(w, &model.Error{Code: model.Busy, RetryAfter: retry})
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, want, w.Header().Get("Retry-After"))
	}
}
