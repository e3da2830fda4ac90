package wechat

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"regexp"

	"sixelements/model"
)

// How a call failed without an error code of WeChat's.
const (
	kindTimeout     = "timeout"
	kindUnreachable = "unreachable"
	kindUnreadable  = "no proper answer"
)

// WeChat's error codes, from the pages of code2Session, getPhoneNumber and getStableAccessToken.
const (
	busy          = -1    // system busy
	badCredential = 40001 // token invalid or not the newest
	badToken      = 40014
	expiredToken  = 42001
	badCode       = 40029
	usedCode      = 40163
	riskyUser     = 40226
	dailyQuota    = 45009
	tooOften      = 45011
)

// When to try again, in seconds.
const (
	retrySoon   = 3   // WeChat is out of order
	retryMinute = 60  // 45011: so many calls a minute and user
	retryQuota  = 600 // 45009: the quota is the application's, for a day
)

// What the user is told.
const (
	textBusy         = "微信暂时没有响应，请稍后再试"
	textPhoneBusy    = "暂时无法从微信获取手机号，请稍后再试，或直接填写手机号"
	textConfig       = "微信服务暂不可用，请联系工作人员"
	textPhoneConfig  = "暂时无法从微信获取手机号，请直接填写手机号"
	textRisky        = "微信提示此账号存在风险，暂时不能使用，请联系工作人员"
	textTooOften     = "操作太频繁，请一分钟后再试"
	textBadLogin     = "微信登录已失效，请重新打开"
	textBadPhone     = "手机号授权已失效，请重新授权，或直接填写手机号"
	textUnconfigured = "本系统尚未接入微信"
)

// refusal is why a call failed. It is made of what is safe to log: never of an SDK error's text, whose URL holds the secret or
// the token, nor of WeChat's message, which may repeat what was sent.
type refusal struct {
	errcode int64  // WeChat's; 0 = none
	kind    string // without errcode: how the call failed
	rid     string // WeChat's id of the request, for their support
	token   bool   // it was the call for the access token that failed
}

var requestID = regexp.MustCompile(`rid: ([0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8})`)

// kindOf sorts the outcome of an SDK call; nil when it succeeded.
func kindOf(ctx context.Context, errcode int64, errmsg string, err error) *refusal {
	if errcode != 0 {
		r := &refusal{errcode: errcode}
		if m := requestID.FindStringSubmatch(errmsg); m != nil {
			r.rid = m[1]
		}
		return r
	}
	if err == nil {
		return nil
	}
	var n net.Error
	switch {
	case ctx.Err() != nil, errors.As(err, &n) && n.Timeout():
		return &refusal{kind: kindTimeout}
	case n != nil: // *url.Error: no connection, connection cut
		return &refusal{kind: kindUnreachable}
	}
	// What is left of the SDK's: a status that is not 200, an answer that is not JSON, an answer cut in its middle.
	return &refusal{kind: kindUnreadable}
}

// rejectsToken tells whether a new token may help.
func (r *refusal) rejectsToken() bool {
	return !r.token && (r.errcode == badCredential || r.errcode == badToken || r.errcode == expiredToken)
}

// refused logs a refusal that the operator should know of, and makes the user's error of it. use is "login" or "phone".
func (c *Client) refused(ctx context.Context, use string, r *refusal) error {
	e, level := r.problem(use == "phone")
	c.log.LogAttrs(ctx, level, "wechat refused", slog.String("use", use), slog.Bool("token", r.token),
		slog.Int64("errcode", r.errcode), slog.String("kind", r.kind), slog.String("rid", r.rid), slog.String("code", string(e.Code)))
	return e
}

// problem is what the user is told, and how loud the log is.
func (r *refusal) problem(phone bool) (*model.Error, slog.Level) {
	switch {
	case (r.errcode == badCode || r.errcode == usedCode) && !r.token:
		if phone {
			return badPhone(), slog.LevelInfo
		}
		return badLogin(), slog.LevelInfo
	case r.errcode == tooOften:
		return later(model.RateLimited, textTooOften, retryMinute), slog.LevelInfo
	case r.errcode == riskyUser:
		return model.Failf(model.RoleForbidden, textRisky), slog.LevelWarn
	case r.errcode == 0, r.errcode == busy, r.rejectsToken():
		return later(model.Busy, pick(phone, textPhoneBusy, textBusy), retrySoon), slog.LevelWarn
	case r.errcode == dailyQuota:
		return later(model.Busy, pick(phone, textPhoneBusy, textBusy), retryQuota), slog.LevelError
	}
	// The rest (wrong AppID or secret, address not allowed, interface not opened, …) is the operator's to mend.
	return later(model.Busy, pick(phone, textPhoneConfig, textConfig), retryQuota), slog.LevelError
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func later(code model.Code, text string, seconds int) *model.Error {
	e := model.Failf(code, "%s", text)
	e.RetryAfter = seconds
	return e
}

func notConfigured() error   { return model.Failf(model.Busy, textUnconfigured) }
func badLogin() *model.Error { return model.Failf(model.AuthInvalid, textBadLogin) }
func badPhone() *model.Error { return fieldFault(textBadPhone) }

// fieldFault is what is wrong with the code that Phone was given.
func fieldFault(text string) *model.Error {
	e := model.Failf(model.Invalid, "%s", text)
	e.Fields = []model.FieldError{{Location: "code", Message: text, Code: model.FieldInvalid}}
	return e
}
