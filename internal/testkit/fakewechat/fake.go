// Package fakewechat is a stand-in for api.weixin.qq.com in tests: a real HTTP server that answers the calls of a mini-program's
// server the way WeChat does, codes that work once included, and that can be told to fail in every way WeChat has been seen to.
//
// Source of the behaviour: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/ (code2Session, getStableAccessToken,
// getPhoneNumber).
package fakewechat

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
)

// Host is the only host the fake answers for.
const Host = "api.weixin.qq.com"

// The paths that the fake knows.
const (
	Session     = "/sns/jscode2session"
	StableToken = "/cgi-bin/stable_token"
	Token       = "/cgi-bin/token"
	Phone       = "/wxa/business/getuserphonenumber"
)

// The mini-program that the fake knows. They are made up.
const (
	AppID     = "wx0000000000000000"
	AppSecret = "fakesecretfakesecretfakesecret00"
)

// Fake is the stand-in. All its methods may be called at any time from any goroutine.
type Fake struct {
	server *httptest.Server
	gone   chan struct{} // closed at the end of the test, so that no slow call outlives it

	mu       sync.Mutex
	sessions map[string]*session
	phones   map[string]*phone
	token    string // the access token that is good now; "" = none issued
	issued   int
	calls    map[string]int
	faults   map[string]fault
}

type session struct {
	openID, unionID string
	used            bool
}

type phone struct {
	country, number string
	used            bool
}

// fault is how a path misbehaves; one of its fields is set.
type fault struct {
	errcode int
	status  int
	gate    <-chan struct{}
	cut     bool
	body    string
}

// New starts a fake that ends with the test.
func New(t testing.TB) *Fake {
	t.Helper()
	f := &Fake{
		gone: make(chan struct{}), sessions: map[string]*session{}, phones: map[string]*phone{},
		calls: map[string]int{}, faults: map[string]fault{},
	}
	f.server = httptest.NewUnstartedServer(f.handler())
	// One connection per call: on a kept one net/http would repeat a GET that was cut, and Calls would count it twice.
	f.server.Config.SetKeepAlivesEnabled(false)
	f.server.Start()
	t.Cleanup(func() {
		close(f.gone)
		f.server.Close()
	})
	return f
}

// Code makes a login code that is good for one use by the WeChat user openID.
func (f *Fake) Code(code, openID string) { f.CodeUnion(code, openID, "") }

// CodeUnion is Code for a user whose union id the mini-program may see.
func (f *Fake) CodeUnion(code, openID, unionID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sessions[code] = &session{openID: openID, unionID: unionID}
}

// PhoneCode makes a phone code that is good for one use; number is a mainland mobile number.
func (f *Fake) PhoneCode(code, number string) { f.PhoneCodeAbroad(code, "86", number) }

// PhoneCodeAbroad is PhoneCode for a number of any country; country is its calling code without "+", e.g. "852".
func (f *Fake) PhoneCodeAbroad(code, country, number string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phones[code] = &phone{country: country, number: number}
}

// Revoke makes the access token issued last worthless: the next call that uses it answers 40001, and a new one may be fetched.
func (f *Fake) Revoke() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.token = ""
}

// Fail makes every call of path answer errcode (with HTTP status 200, as WeChat does), until Heal.
func (f *Fake) Fail(path string, errcode int) { f.script(path, fault{errcode: errcode}) }

// Status makes every call of path answer an HTTP status and a page of HTML, until Heal.
func (f *Fake) Status(path string, status int) { f.script(path, fault{status: status}) }

// Slow makes every call of path wait until gate is closed (or the caller gives up), until Heal.
func (f *Fake) Slow(path string, gate <-chan struct{}) { f.script(path, fault{gate: gate}) }

// Cut makes every call of path end with a cut connection and no answer, until Heal.
func (f *Fake) Cut(path string) { f.script(path, fault{cut: true}) }

// Body makes every call of path answer 200 with this text as it is, until Heal.
func (f *Fake) Body(path, text string) { f.script(path, fault{body: text}) }

// Heal makes path behave again.
func (f *Fake) Heal(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.faults, path)
}

func (f *Fake) script(path string, x fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[path] = x
}

// Calls is how often path was called, failed calls included.
func (f *Fake) Calls(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[path]
}

// Transport sends what is meant for api.weixin.qq.com to the fake, over real HTTP. Any other host is an error, so that no test
// reaches the outside by mistake.
func (f *Fake) Transport() http.RoundTripper {
	base, err := url.Parse(f.server.URL)
	if err != nil {
		panic(err) // cannot happen: httptest made it
	}
	return redirect{to: base, next: f.server.Client().Transport}
}

type redirect struct {
	to   *url.URL
	next http.RoundTripper
}

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" || req.URL.Host != Host {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, errors.New("fakewechat: a call that is not for https://" + Host)
	}
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host = r.to.Scheme, r.to.Host
	return r.next.RoundTrip(out)
}
