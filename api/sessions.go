package api

import (
	"context"
	"net/http"
	"time"

	"sixelements/model"
	"sixelements/service/identity"
)

type sessionIn struct {
	Grant    string `json:"grant" enum:"wechat,password,scan,demo" doc:"how the caller proves who they are"`
	Code     string `json:"code,omitempty" maxLength:"512" doc:"wechat: the code of wx.login; scan: the code on the poster"`
	Username string `json:"username,omitempty" maxLength:"64"`
	Password string `json:"password,omitempty" maxLength:"200"`
	OTP      string `json:"otp,omitempty" maxLength:"10" doc:"password: the second factor, where one is on"`
	Cookie   bool   `json:"cookie,omitempty" doc:"a console session: the token goes into a cookie, csrf_token into the answer"`
	Persona  string `json:"persona,omitempty" maxLength:"40" doc:"demo only"`
}

type sessionOpened struct {
	Token     string       `json:"token,omitempty" doc:"for Authorization: Bearer; absent with cookie"`
	CSRFToken string       `json:"csrf_token,omitempty" doc:"for X-CSRF-Token on unsafe methods; only with cookie"`
	ExpiresAt model.Time   `json:"expires_at"`
	Account   *identity.Me `json:"account"`
}

type sessionOut struct {
	SetCookie []string `header:"Set-Cookie" doc:"the console's session; only with cookie"`
	Body      sessionOpened
}

type cookieGone struct {
	SetCookie []string `header:"Set-Cookie" doc:"takes the console's cookie away"`
}

type sessionList struct {
	Items []identity.SessionView `json:"items" nullable:"false"`
	Next  *string                `json:"next_cursor" doc:"always null: the newest 200 are all there is"`
}

func mountSessions(a *API, s *identity.Service) {
	op(a, post("/sessions", "create-session", "Log in", public, rate("login"), status(http.StatusCreated)),
		func(ctx context.Context, in *struct {
			Agent string `header:"User-Agent"`
			Body  sessionIn
		}) (*sessionOut, error) {
			b := in.Body
			if b.Grant == "scan" {
				b.Code = posted(b.Code)
			}
			o, err := s.Login(asSystem(ctx, "log-in"), identity.Login{Grant: b.Grant, Code: b.Code, Username: b.Username,
				Password: b.Password, OTP: b.OTP, Persona: b.Persona, Cookie: b.Cookie, Agent: in.Agent})
			if err != nil {
				return nil, err
			}
			out := &sessionOut{Body: sessionOpened{ExpiresAt: o.Expires, Account: o.Me}}
			if o.Console {
				out.Body.CSRFToken, out.SetCookie = o.CSRF, []string{sessionCookie(s, o.Token, o.Expires.Std())}
			} else {
				out.Body.Token = o.Token
			}
			return out, nil
		})
	op(a, get("/sessions", "list-sessions", "One's own log-ins, newest first"),
		func(ctx context.Context, _ *none) (*answer[sessionList], error) {
			items, err := s.Sessions(ctx)
			return &answer[sessionList]{Body: sessionList{Items: items}}, err
		})
	op(a, remove("/sessions/current", "delete-current-session", "Log out", status(http.StatusNoContent)),
		func(ctx context.Context, _ *none) (*cookieGone, error) {
			return &cookieGone{SetCookie: []string{sessionCookie(s, "", time.Unix(1, 0))}}, s.EndCurrent(ctx)
		})
	op(a, remove("/sessions/{id}", "delete-session", "End one of one's own log-ins", status(http.StatusNoContent)),
		func(ctx context.Context, in *struct {
			ID model.ID `path:"id"`
		}) (*none, error) {
			return nil, s.EndSession(ctx, in.ID)
		})
}

// sessionCookie is the console's cookie: out of reach of scripts, never sent from another site.
func sessionCookie(s *identity.Service, token string, until time.Time) string {
	c := http.Cookie{Name: CookieName, Value: token, Path: "/", Expires: until, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: s.SecureCookies()}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String()
}
