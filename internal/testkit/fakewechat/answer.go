package fakewechat

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// WeChat's error codes that the fake answers on its own.
const (
	badCredential = 40001
	badAppID      = 40013
	badCode       = 40029
	badSecret     = 40125
	usedCode      = 40163
)

func (f *Fake) handler() http.Handler {
	mux := http.NewServeMux()
	for path, answer := range map[string]func(*http.Request, []byte) any{
		Session: f.session, StableToken: f.stableToken, Token: f.plainToken, Phone: f.phone,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, path, answer) })
	}
	return mux
}

// serve counts the call, misbehaves as scripted, or answers.
func (f *Fake) serve(w http.ResponseWriter, r *http.Request, path string, answer func(*http.Request, []byte) any) {
	// The body is read first: only then does the server notice that the caller gave up.
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	f.mu.Lock()
	f.calls[path]++
	x := f.faults[path]
	f.mu.Unlock()

	switch {
	case x.cut:
		panic(http.ErrAbortHandler) // net/http cuts the connection without a word
	case x.status != 0:
		w.WriteHeader(x.status)
		_, _ = io.WriteString(w, "<html><body>error</body></html>")
		return
	case x.errcode != 0:
		reply(w, refuse(x.errcode))
		return
	case x.body != "":
		_, _ = io.WriteString(w, x.body)
		return
	case x.gate != nil:
		select {
		case <-x.gate:
		case <-r.Context().Done():
			return
		case <-f.gone:
			return
		}
	}
	f.mu.Lock()
	out := answer(r, body)
	f.mu.Unlock()
	reply(w, out)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; encoding=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}

// refuse is WeChat's error answer; the text imitates that of WeChat, with its request id.
func refuse(errcode int) map[string]any {
	return map[string]any{"errcode": errcode, "errmsg": fmt.Sprintf("refused %d, rid: 00000000-11111111-22222222", errcode)}
}

// known is 0, or the error code for an application that is not the fake's.
func known(appID, secret string) int {
	switch {
	case appID != AppID:
		return badAppID
	case secret != AppSecret:
		return badSecret
	}
	return 0
}

func (f *Fake) session(r *http.Request, _ []byte) any {
	q := r.URL.Query()
	if code := known(q.Get("appid"), q.Get("secret")); code != 0 {
		return refuse(code)
	}
	s := f.sessions[q.Get("js_code")]
	switch {
	case s == nil:
		return refuse(badCode)
	case s.used:
		return refuse(usedCode)
	}
	s.used = true
	out := map[string]any{"openid": s.openID, "session_key": "c2Vzc2lvbi1rZXktb2YtZmFrZQ=="}
	if s.unionID != "" {
		out["unionid"] = s.unionID
	}
	return out
}

func (f *Fake) stableToken(_ *http.Request, body []byte) any {
	var in struct {
		AppID  string `json:"appid"`
		Secret string `json:"secret"`
		Force  bool   `json:"force_refresh"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse(47001) // data format error
	}
	if code := known(in.AppID, in.Secret); code != 0 {
		return refuse(code)
	}
	return f.issue(in.Force)
}

func (f *Fake) plainToken(r *http.Request, _ []byte) any {
	q := r.URL.Query()
	if code := known(q.Get("appid"), q.Get("secret")); code != 0 {
		return refuse(code)
	}
	return f.issue(true)
}

// issue answers the token that is good now; a new one when there is none or fresh is asked for, which voids the old.
func (f *Fake) issue(fresh bool) any {
	if f.token == "" || fresh {
		f.issued++
		f.token = fmt.Sprintf("fake_token_%d", f.issued)
	}
	return map[string]any{"access_token": f.token, "expires_in": 7200}
}

func (f *Fake) phone(r *http.Request, body []byte) any {
	if t := r.URL.Query().Get("access_token"); t == "" || t != f.token {
		return refuse(badCredential)
	}
	var in struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse(47001)
	}
	p := f.phones[in.Code]
	switch {
	case p == nil:
		return refuse(badCode)
	case p.used:
		return refuse(usedCode)
	}
	p.used = true
	full := p.number
	if p.country != "86" {
		full = "+" + p.country + p.number
	}
	return map[string]any{"errcode": 0, "errmsg": "ok", "phone_info": map[string]any{
		"phoneNumber": full, "purePhoneNumber": p.number, "countryCode": p.country,
		"watermark": map[string]any{"timestamp": 1700000000, "appid": AppID},
	}}
}
