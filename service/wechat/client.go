// Package wechat asks WeChat who a mini-program's user is and what their phone number is. It is the only package that knows the
// SDK (github.com/silenceper/wechat/v2), and the wall around its faults:
//
//   - the SDK's error text carries the AppSecret or the access token, so no SDK error is wrapped, returned or logged: each is
//     turned into an error of our own by its kind (refusal.go);
//   - its HTTP client is a global without a time limit (transport.go);
//   - its memory cache reads a map without a lock, which kills the process under load, and its token handle hides the error code
//     and waits without heeding the context (token.go);
//   - it does not try again after a rejected token (Phone does), and puts a login code unescaped into a URL (Login escapes it).
package wechat

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/silenceper/wechat/v2/miniprogram/auth"
	"github.com/silenceper/wechat/v2/miniprogram/config"
	sdk "github.com/silenceper/wechat/v2/miniprogram/context"
)

// patience is how long one Login or Phone may take, all its calls together. A mini-program in the background is cut after 5 s.
const patience = 5 * time.Second

// maxCode is the longest code passed on, in bytes; WeChat's are 32 to 64.
const maxCode = 512

var (
	identifier = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
	verifyName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}\.txt$`)
	// mainland is a mainland mobile number as WeChat gives it.
	mainland = regexp.MustCompile(`^1[3-9][0-9]{9}$`)
)

// Options is what a Client is made of. Its zero value is a client that is not configured.
type Options struct {
	AppID     string // of the mini-program; "" = not configured
	AppSecret string // needed with AppID
	// Shared is where the nodes share the access token, so that one fetches it for all; nil = each for itself.
	Shared Shared
	HTTP   http.RoundTripper // how to reach WeChat; nil = http.DefaultTransport
	Log    *slog.Logger      // nil = no log
	Verify map[string]string // the verify files: name ("x.txt") → content, for VerifyFile
}

// Client talks to WeChat for one mini-program. A nil Client, or one without an AppID, answers every call with "not configured".
// It may be used from any goroutine.
type Client struct {
	config *config.Config // nil = not configured
	tokens *tokens
	http   http.RoundTripper
	log    *slog.Logger
	verify map[string]string
}

// Identity is who a login code belongs to. The session key that WeChat sends along is dropped: it must not leave the server, and
// nothing here needs it.
type Identity struct {
	OpenID  string // the user within this mini-program
	UnionID string // the user across the operator's programs; "" when WeChat does not tell
}

// New makes a client. It does not call WeChat. The errors are for the operator and name the option, never its value.
func New(o Options) (*Client, error) {
	c := &Client{http: o.HTTP, log: o.Log, verify: map[string]string{}}
	if c.http == nil {
		c.http = http.DefaultTransport
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for name, content := range o.Verify {
		if !verifyName.MatchString(name) {
			return nil, fmt.Errorf("wechat: a verify file's name must be letters, digits, - and _, ending in .txt")
		}
		c.verify[name] = content
	}
	switch {
	case o.AppID == "" && o.AppSecret == "":
		return c, nil
	case !identifier.MatchString(o.AppID):
		return nil, fmt.Errorf("wechat: AppID must be letters, digits, - and _")
	case !identifier.MatchString(o.AppSecret):
		return nil, fmt.Errorf("wechat: AppSecret must be letters, digits, - and _")
	}
	limitSDK()
	c.config = &config.Config{AppID: o.AppID, AppSecret: o.AppSecret, UseStableAK: true}
	var err error
	c.tokens, err = newTokens(o.AppID, o.AppSecret, o.Shared)
	return c, err
}

// Configured tells whether the client has a mini-program to speak for.
func (c *Client) Configured() bool { return c != nil && c.config != nil }

// VerifyFile is the content of the file by which WeChat checks that the QR rule's address is ours, to be answered as text/plain
// under /q/NAME; false when there is none of that name. It works before an AppID is configured.
func (c *Client) VerifyFile(name string) (string, bool) {
	if c == nil {
		return "", false
	}
	content, ok := c.verify[name]
	return content, ok
}

// Login turns the code of wx.login into who the user is. A code is good once, for 5 minutes.
//
// Errors: AuthInvalid when the code is unknown, used or malformed; RateLimited when this user asks too often; RoleForbidden when
// WeChat considers the user risky; Busy when WeChat cannot be reached, is out of order, refuses the configuration (logged), or
// none is configured.
func (c *Client) Login(ctx context.Context, code string) (Identity, error) {
	if !c.Configured() {
		return Identity{}, notConfigured()
	}
	if code == "" || len(code) > maxCode {
		return Identity{}, badLogin()
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	// The SDK formats the code into the URL as it is; unescaped, "x&appid=…" would be a parameter of the caller's choice.
	out, err := auth.NewAuth(c.with("")).Code2SessionContext(ctx, url.QueryEscape(code))
	switch r := kindOf(ctx, out.ErrCode, out.ErrMsg, err); {
	case r != nil:
		return Identity{}, c.refused(ctx, "login", r)
	case out.OpenID == "":
		return Identity{}, c.refused(ctx, "login", &refusal{kind: "no openid in the answer"})
	}
	return Identity{OpenID: out.OpenID, UnionID: out.UnionID}, nil
}

// Phone turns the code of a getPhoneNumber button into a mainland mobile number (11 digits). A code is good once, for 5 minutes;
// it is another code than Login's. Whatever the error, the user may type the number instead.
//
// Errors: Invalid (location "code") when the code is unknown, used or malformed, or the number is not a mainland one; it is not
// AuthInvalid, since the caller's session is sound and a 401 would end it. RateLimited, RoleForbidden and Busy as for Login.
func (c *Client) Phone(ctx context.Context, code string) (string, error) {
	if !c.Configured() {
		return "", notConfigured()
	}
	if code == "" || len(code) > maxCode {
		return "", badPhone()
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	number, country, r := c.phone(ctx, code)
	if r != nil && r.rejectsToken() {
		// The dropped token is fetched anew and the code, which WeChat did not look at, is offered once more.
		number, country, r = c.phone(ctx, code)
	}
	switch {
	case r != nil:
		return "", c.refused(ctx, "phone", r)
	case country != "86" || !mainland.MatchString(number):
		return "", fieldFault("请填写中国大陆的手机号")
	}
	return number, nil
}

// phone asks once. A token that WeChat rejects is dropped.
func (c *Client) phone(ctx context.Context, code string) (number, country string, r *refusal) {
	token, r := c.tokens.get(ctx)
	if r != nil {
		return "", "", r
	}
	out, err := auth.NewAuth(c.with(token)).GetPhoneNumberContext(ctx, code)
	var errcode int64
	var errmsg string
	if out != nil {
		errcode, errmsg = out.ErrCode, out.ErrMsg
		number, country = out.PhoneInfo.PurePhoneNumber, out.PhoneInfo.CountryCode
	}
	if r = kindOf(ctx, errcode, errmsg, err); r != nil && r.rejectsToken() {
		c.tokens.drop(ctx, token)
	}
	return number, country, r
}

// with is the SDK's context around a token that was fetched before.
func (c *Client) with(token string) *sdk.Context {
	return &sdk.Context{Config: c.config, AccessTokenContextHandle: fixed(token)}
}

// bound limits a use case in time and tells the SDK's HTTP client how to reach WeChat.
func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(via(ctx, c.http), patience)
}
