// Package identity is who someone is and what they may do: accounts, sessions, roles, consents, and the trace of what was done.
package identity

import (
	"bytes"
	"context"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// Credentials are what a request carried to prove who sent it.
type Credentials struct {
	Bearer    string // the token of "Authorization: Bearer …"; it wins over the cookie
	Cookie    string // the console's session cookie
	CSRF      string // X-CSRF-Token, which a cookie needs on unsafe methods
	Unsafe    bool   // the method may change something
	Source    string // the client's address, for the trace
	RequestID string
}

// How long log-ins live (contract.md, section 1).
const (
	bearerLife  = 30 * 24 * time.Hour // slides, except for scan sessions
	consoleLife = 12 * time.Hour      // never slides
	consoleIdle = 30 * time.Minute
	consoleStep = time.Minute // last_seen moves at most so often: the console may idle out a minute early, never late
	bearerStep  = time.Hour
)

// Authenticate tells who sends a request and what they may do now: a session, a role or an account that was ended is dead at the next
// request, on every node. Errors: auth.required when nothing was sent; auth.invalid for a token that is malformed, unknown, revoked, or
// of a disabled account; auth.expired for one that expired or idled out; role.forbidden for a cookie without its X-CSRF-Token on an
// unsafe method.
func (s *Service) Authenticate(ctx context.Context, c Credentials) (model.Actor, error) {
	token := c.Bearer
	if token == "" {
		token = c.Cookie
	}
	if token == "" {
		return model.Actor{}, model.Fail(model.AuthRequired)
	}
	if !isToken(token) {
		return model.Actor{}, deadToken()
	}
	sys := store.As(ctx, model.Actor{Reason: "authenticate", Name: "系统", Source: c.Source, RequestID: c.RequestID})
	st, err := s.seatOf(sys, s.db.Hash(forToken, []byte(token)))
	now := s.db.Now()
	if err == nil {
		err = s.alive(st, c, now)
	}
	if err != nil {
		return model.Actor{}, err
	}
	s.seen(sys, st, now)
	actor := st.actor(now)
	actor.Source, actor.RequestID = c.Source, c.RequestID
	return actor, nil
}

// deadToken is auth.invalid in words that fit somebody who was logged in.
func deadToken() error { return model.Failf(model.AuthInvalid, "登录已失效，请重新登录。") }

// alive judges what needs no other row: the session's times, and how its token was sent.
func (s *Service) alive(st *seat, c Credentials, now model.Time) error {
	v, byCookie := st.session.Load(), c.Bearer == ""
	if st.persona && !s.o.Demo || v.Console != byCookie { // a stolen cookie is no bearer token
		return deadToken()
	}
	if now >= v.ExpiresAt || v.Console && now >= v.LastSeen.Add(consoleIdle) {
		return model.Fail(model.AuthExpired)
	}
	if byCookie && c.Unsafe && !bytes.Equal(v.CSRFHash, s.db.Hash(forCSRF, []byte(c.CSRF))) {
		return model.Failf(model.RoleForbidden, "请求缺少页面的校验码，请刷新页面后再试。")
	}
	return nil
}

// grantsOf are the roles an account holds now, oldest first. tx must be the program's.
func grantsOf(tx *store.Tx, account model.ID) ([]model.Grant, error) {
	var rows []model.GrantRow
	err := tx.Q(&rows).Where("account_id = ? AND ended_at IS NULL", account).Order("granted_at").Order("id").Find(&rows).Error
	out := make([]model.Grant, 0, len(rows))
	for _, r := range rows {
		out = append(out, model.Grant{Role: r.Role, Area: r.AreaCode})
	}
	return out, err
}

// assignments are a collector's posts in force: from_at ≤ now < to_at. tx must be the program's.
func assignments(tx *store.Tx, account model.ID, now model.Time) (rows []model.Assignment, err error) {
	const inForce = "account_id = ? AND ended_at IS NULL AND from_at <= ? AND (to_at IS NULL OR to_at > ?)"
	err = tx.Q(&rows).Where(inForce, account, now, now).Order("from_at").Order("id").Find(&rows).Error
	return rows, err
}

// seen moves last_seen, and the end of a sliding session; rarely, since it is a write. It may fail: the session then ends early.
func (s *Service) seen(ctx context.Context, st *seat, now model.Time) {
	v := st.session.Load()
	moved, set, step := *v, map[string]any{"last_seen": now}, bearerStep
	moved.LastSeen = now
	switch {
	case v.Console:
		step = consoleStep
	case v.BuildingID.IsZero():
		moved.ExpiresAt = now.Add(bearerLife)
		set["expires_at"] = moved.ExpiresAt
	}
	if now < v.LastSeen.Add(step) {
		return
	}
	_, err := s.db.Tick(ctx, &model.Session{}, set, "id = ? AND last_seen = ? AND revoked_at IS NULL", v.ID, v.LastSeen)
	if err != nil {
		s.o.Log.WarnContext(ctx, "session not moved", "err", err)
		return
	}
	st.session.CompareAndSwap(v, &moved) // also when another node moved it first: it did so a moment ago
}
