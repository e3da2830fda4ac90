package api_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
)

// gzipped asks as a browser does; the test's client then leaves the packing to us.
var gzipped = map[string]string{"Accept-Encoding": "gzip, deflate, br"}

func unpack(t *testing.T, text string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(text))
	require.NoError(t, err)
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	return string(plain)
}

func TestLongTextIsPackedWhereTheClientTakesIt(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	for range 5 {
		o.make("resident", o.at("person", o.person(nil), nil))
	}
	for _, path := range []string{"/records", "/docs"} {
		plain := o.Do(street.Request{Method: "GET", Path: path, As: "community", Header: map[string]string{"Accept-Encoding": "gzip;q=0"}})
		require.Equal(t, 200, plain.Status)
		require.Empty(t, plain.Header.Get("Content-Encoding"))
		require.Equal(t, "Accept-Encoding", plain.Header.Get("Vary"))
		packed := o.Do(street.Request{Method: "GET", Path: path, As: "community", Header: gzipped})
		require.Equal(t, 200, packed.Status)
		require.Equal(t, "gzip", packed.Header.Get("Content-Encoding"), path)
		require.Equal(t, "Accept-Encoding", packed.Header.Get("Vary"))
		require.Equal(t, plain.Header.Get("Content-Type"), packed.Header.Get("Content-Type"))
		require.Less(t, len(packed.Text), len(plain.Text)/2)
		require.Equal(t, plain.Text, unpack(t, packed.Text))
	}
}

func TestWhatMustNotBePackedIsNot(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	body := o.at("event", o.event(object{"description": strings.Repeat("晚上看不清路。", 60)}), nil)
	rec := o.make("resident", body)
	items := make([]object, 10)
	for i := range items {
		items[i] = with(body, object{"op": "create"})
	}
	for _, c := range []struct {
		name, method, path string
		body               any
	}{
		{"what was just sent, beside what others may not know", "POST", "/records/batch", object{"items": items}},
		{"a record, whose tag is its version", "GET", "/records/" + rec.ID(), nil},
		{"a drawing", "GET", "/qrcodes/" + o.Code + ".svg", nil},
		{"a short answer", "GET", "/healthz", nil},
		{"a problem", "GET", "/records/nothing", nil},
	} {
		r := o.Do(street.Request{Method: c.method, Path: c.path, As: "community", Header: gzipped, Body: c.body})
		require.Empty(t, r.Header.Get("Content-Encoding"), c.name)
		if c.path != "/healthz" && r.Status == 200 {
			require.Greater(t, len(r.Text), 1024, "%s is long enough: %s", c.name, r.Text)
		}
	}
	login := o.Do(street.Request{Method: "POST", Path: "/sessions", Header: gzipped,
		Body: object{"grant": "demo", "persona": "community", "cookie": true}})
	require.Equal(t, 201, login.Status)
	require.Empty(t, login.Header.Get("Content-Encoding"), "a token is not measured by its length beside chosen text")
}

func TestWhatIsTheSameForAllIsRenderedOnceAndKeptByClients(t *testing.T) {
	t.Parallel()
	s, other := street.New(t), street.New(t)
	for path, cache := range map[string]string{"/forms": "no-cache", "/forms/person?area=" + s.Grid: "no-cache", "/notice": "no-cache",
		"/codes": "public, max-age=3600", "/codes/event_category": "public, max-age=3600", "/openapi.json": "no-cache"} {
		get := func(s *street.Server, encoding, have string) street.Response {
			return s.Do(street.Request{Method: "GET", Path: path, Header: map[string]string{"Accept-Encoding": encoding, "If-None-Match": have}})
		}
		plain, packed := get(s, "identity", ""), get(s, "gzip", "")
		require.Equal(t, 200, plain.Status, path)
		require.Equal(t, "gzip", packed.Header.Get("Content-Encoding"), path)
		require.Equal(t, plain.Text, unpack(t, packed.Text))
		require.NotEqual(t, plain.Header.Get("ETag"), packed.Header.Get("ETag"), "a strong tag names one sequence of bytes")
		for _, r := range []street.Response{plain, packed} {
			require.Regexp(t, `^"[0-9a-f]{16}(-gzip)?"$`, r.Header.Get("ETag"))
			require.Equal(t, cache, r.Header.Get("Cache-Control"), path)
			require.Equal(t, "Accept-Encoding", r.Header.Get("Vary"))
			require.Equal(t, "application/json", r.Header.Get("Content-Type"))
			for _, encoding := range []string{"identity", "gzip"} {
				same := get(s, encoding, r.Header.Get("ETag"))
				require.Equal(t, http.StatusNotModified, same.Status, "%s %s", path, encoding)
				require.Empty(t, same.Text)
				require.Empty(t, same.Header.Get("Content-Encoding"))
				require.NotEmpty(t, same.Header.Get("ETag"))
			}
		}
		require.Equal(t, packed.Header.Get("ETag"), get(other, "gzip", "").Header.Get("ETag"), "every node says the same of %s", path)
	}
}

func TestAnEventStreamIsNotHeldBack(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	job := o.Do(street.Request{Method: "POST", Path: "/exports", As: "community",
		Body: object{"kind": "person", "area": o.Community, "format": "csv"}})
	require.Equal(t, 202, job.Status, job.Text)
	at := job.JSON["job"].(object)["id"].(string)
	req, err := http.NewRequestWithContext(t.Context(), "GET", o.URL+"/api/v1/jobs/"+at+"/events", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+o.Token("community"))
	req.Header.Set("Accept-Encoding", "gzip")
	r, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer r.Body.Close()
	require.Empty(t, r.Header.Get("Content-Encoding"))
	first := make([]byte, 16)
	_, err = io.ReadFull(r.Body, first) // the job waits: nobody works here, and the stream stays open
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(first, []byte("event: progress")), "%s", first)
}
