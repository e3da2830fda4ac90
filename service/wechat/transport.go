package wechat

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/silenceper/wechat/v2/util"
)

// maxAnswer is the longest answer read, in bytes; the SDK itself would read without end.
const maxAnswer = 1 << 20

// limitSDK replaces the SDK's HTTP client, a global without a time limit, once per process: replacing it for every Client would
// be a race, and would let one client (one test) speak through another's transport. The replacement holds nothing of any client:
// the way out comes with each request's context.
var limitSDK = sync.OnceFunc(func() {
	util.DefaultHTTPClient = &http.Client{
		Timeout:   patience,
		Transport: byContext{},
		// WeChat does not redirect. Following one would hand the URL, and with it the secret, to another host as Referer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
})

type viaKey struct{}

// via makes requests of ctx leave through t.
func via(ctx context.Context, t http.RoundTripper) context.Context {
	return context.WithValue(ctx, viaKey{}, t)
}

// byContext sends a request through the transport that its context names.
type byContext struct{}

func (byContext) RoundTrip(req *http.Request) (*http.Response, error) {
	t, ok := req.Context().Value(viaKey{}).(http.RoundTripper)
	if !ok {
		t = http.DefaultTransport
	}
	res, err := t.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	res.Body = limited{Reader: io.LimitReader(res.Body, maxAnswer), Closer: res.Body}
	return res, nil
}

type limited struct {
	io.Reader
	io.Closer
}
