package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/app"
	"sixelements/internal/testkit/street"
)

func TestScansBeyondWhatOneAddressMayCountAreAnsweredAllTheSame(t *testing.T) {
	t.Parallel()
	o := openOffice(t, func(a *app.Options) { a.RateLimit = true })
	for range 310 {
		require.Equal(t, http.StatusOK, o.Do(street.Request{Method: "GET", Path: "/qr/" + o.Code}).Status)
	}
	run(t, o.Server, []scenario{{Name: "the clock stands still: the burst and no more", As: "community", Get: "/qrcodes/" + o.Code, Want: 200,
		JSON: object{"scans": 300}}})
}
