package router

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"sixelements/api"
)

func TestABuiltPageIsServedFromItsFiles(t *testing.T) {
	t.Parallel()
	const asset = "assets/index-BxY1_2ab.js"
	script := strings.Repeat("console.log(6);", 100)
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	files := fstest.MapFS{"index.html": file("<!doctype html>六要素"), "favicon.svg": file("<svg/>"), asset: file(script),
		asset + ".br": file("brotli"), asset + ".gz": file("gzip"), "assets/logo-C0ffee12.woff2": file("font")}
	o := Options{Log: slog.New(slog.DiscardHandler), Limit: Unlimited{}, MaxBody: 1 << 20, Metrics: NewMetrics()}
	h, _, err := New(o, api.Services{}, Pages{Console: files})
	require.NoError(t, err)
	ask := func(method, path string, header ...string) (*httptest.ResponseRecorder, string) {
		r := httptest.NewRequest(method, path, http.NoBody)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w, w.Body.String()
	}
	get := func(path string, header ...string) (*httptest.ResponseRecorder, string) {
		return ask("GET", path, header...)
	}
	for _, path := range []string{"/console/", "/console/index.html", "/console/records/42", "/console/assets"} {
		r, body := get(path, "Accept-Encoding", "gzip")
		require.Equal(t, 200, r.Code, path)
		require.Equal(t, "<!doctype html>六要素", body)
		require.Equal(t, "no-cache", r.Header().Get("Cache-Control"))
		require.Equal(t, "text/html; charset=utf-8", r.Header().Get("Content-Type"))
		require.Equal(t, "DENY", r.Header().Get("X-Frame-Options"))
		again, body := get(path, "If-None-Match", r.Header().Get("ETag"))
		require.Equal(t, 304, again.Code)
		require.Empty(t, body)
	}
	tags := map[string]bool{}
	for accept, want := range map[string][2]string{"": {"", script}, "gzip": {"gzip", "gzip"}, "gzip, deflate, br": {"br", "brotli"},
		"br;q=0, gzip": {"gzip", "gzip"}, "identity": {"", script}} {
		r, body := get("/console/"+asset, "Accept-Encoding", accept)
		require.Equal(t, 200, r.Code)
		require.Equal(t, want, [2]string{r.Header().Get("Content-Encoding"), body}, accept)
		require.Equal(t, "public, max-age=31536000, immutable", r.Header().Get("Cache-Control"))
		require.Equal(t, "text/javascript; charset=utf-8", r.Header().Get("Content-Type"))
		require.Equal(t, []string{"Accept-Encoding"}, r.Header().Values("Vary"))
		tags[r.Header().Get("ETag")] = true
	}
	require.Len(t, tags, 3, "each form has its own tag")

	part, body := get("/console/"+asset, "Range", "bytes=0-6")
	require.Equal(t, 206, part.Code)
	require.Equal(t, "console", body)
	require.Equal(t, "bytes 0-6/1500", part.Header().Get("Content-Range"))
	wrong, _ := get("/console/"+asset, "Range", "bytes=9000-")
	require.Equal(t, 416, wrong.Code)
	require.Empty(t, wrong.Header().Get("ETag"), "a refusal is not kept for ever")
	require.NotContains(t, wrong.Header().Get("Cache-Control"), "immutable")
	head, body := ask("HEAD", "/console/"+asset)
	require.Equal(t, 200, head.Code)
	require.Equal(t, "1500", head.Header().Get("Content-Length"))
	require.Empty(t, body)

	svg, _ := get("/console/favicon.svg")
	require.Equal(t, "no-cache", svg.Header().Get("Cache-Control"), "a name without a hash may change")
	font, _ := get("/console/assets/logo-C0ffee12.woff2")
	require.Equal(t, "font/woff2", font.Header().Get("Content-Type"))
	for _, path := range []string{"/console/missing.js", "/console/assets/missing-C0ffee12.js", "/console/../go.mod", "/m/", "/m"} {
		r, body := get(path)
		require.Equal(t, 404, r.Code, path)
		require.Contains(t, body, `"code":"not_found"`, path)
	}
	moved, _ := get("/console")
	require.Equal(t, "/console/", moved.Header().Get("Location"))
	denied, _ := ask("POST", "/console/")
	require.Equal(t, 405, denied.Code)
}
