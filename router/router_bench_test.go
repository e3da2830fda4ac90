package router

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"sixelements/api"
)

// nowhere takes an answer and forgets it.
type nowhere struct {
	header http.Header
	status int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (w *nowhere) WriteHeader(status int)      { w.status = status }

// BenchmarkMiddleware is what every request costs before its operation and after it: id, line, metric, headers, limits.
func BenchmarkMiddleware(b *testing.B) {
	o := Options{Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Limit: Unlimited{}, MaxBody: 1 << 20, Metrics: NewMetrics()}
	h, _, err := New(o, api.Services{}, Pages{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, "/healthz", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.7:1234"
	b.ReportAllocs()
	for b.Loop() {
		w := nowhere{header: http.Header{}}
		h.ServeHTTP(&w, r)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}
