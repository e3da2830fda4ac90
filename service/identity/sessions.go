package identity

import (
	"context"
	"fmt"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// SessionView is one of the caller's log-ins.
type SessionView struct {
	ID        model.ID   `json:"id"`
	CreatedAt model.Time `json:"created_at"`
	LastSeen  model.Time `json:"last_seen" doc:"to the minute for the console, to the hour for phones"`
	ExpiresAt model.Time `json:"expires_at"`
	Source    string     `json:"source" doc:"the address it was opened from"`
	Agent     string     `json:"agent"`
	Current   bool       `json:"current"`
}

// Sessions are the caller's live log-ins, newest first.
func (s *Service) Sessions(ctx context.Context) (views []SessionView, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		views, err = ownSessions(tx)
		return err
	})
	return views, err
}

// maxSessions bounds the list; an account with more sees its newest.
const maxSessions = 200

func ownSessions(tx *store.Tx) ([]SessionView, error) {
	actor, now := tx.Actor(), tx.Now()
	var rows []model.Session
	err := tx.Q(&rows).Where("account_id = ? AND revoked_at IS NULL AND expires_at > ? AND (console = ? OR last_seen > ?)",
		actor.Account, now, false, now.Add(-consoleIdle)).Order("created_at DESC").Order("id DESC").Limit(maxSessions).Find(&rows).Error
	out := make([]SessionView, 0, len(rows))
	for _, v := range rows {
		out = append(out, SessionView{ID: v.ID, CreatedAt: v.CreatedAt, LastSeen: v.LastSeen, ExpiresAt: v.ExpiresAt, Source: v.Source,
			Agent: v.Agent, Current: v.ID == actor.Session})
	}
	return out, err
}

// EndCurrent ends the caller's own session: its token is dead at once.
func (s *Service) EndCurrent(ctx context.Context) error {
	return s.EndSession(ctx, store.ActorOf(ctx).Session)
}

// EndSession ends one of the caller's sessions. Errors: not_found for one that is another's or over.
func (s *Service) EndSession(ctx context.Context, id model.ID) error {
	actor := store.ActorOf(ctx)
	act := s.ownAct(actor, "session.delete")
	act.Target = id.String()
	return s.db.Write(ctx, act, func(tx *store.Tx) error {
		var v model.Session
		if err := tx.Q(&v).Where("id = ? AND account_id = ? AND revoked_at IS NULL", id, actor.Account).Take(&v).Error; err != nil {
			return err
		}
		tx.Change(&model.Session{}, map[string]any{"revoked_at": tx.Now()}, "id = ? AND account_id = ?", id, actor.Account)
		return nil
	})
}

// How long a dead session is kept, so that its holder can be told when and from where, and how many one write removes, so that a
// backlog does not hold the database.
const (
	deadKept    = 30 * 24 * time.Hour
	sweepAtOnce = 1000
)

// SweepSessions removes the sessions that expired, or were revoked, more than 30 days ago, and answers how many. It is for the
// program itself.
func (s *Service) SweepSessions(ctx context.Context) (total int, err error) {
	ctx = store.AsSystem(ctx, "sweep sessions")
	for {
		n, err := s.sweepSome(ctx)
		if total += n; err != nil || n < sweepAtOnce || ctx.Err() != nil {
			return total, err
		}
	}
}

func (s *Service) sweepSome(ctx context.Context) (n int, err error) {
	err = s.db.Write(ctx, model.Act{Name: "sessions.sweep"}, func(tx *store.Tx) error {
		n = 0
		now := tx.Now()
		old := now.Add(-deadKept)
		var ids []model.ID
		// No session outlives its revocation by more than bearerLife, which deadKept is not below: the first condition loses none,
		// and lets the index on expires_at serve both.
		err := tx.Q(&model.Session{}).Where("expires_at <= ? AND (expires_at < ? OR revoked_at < ?)", now, old, old).
			Limit(sweepAtOnce).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			tx.Untraced()
			return err
		}
		n = len(ids)
		tx.Note("", "", fmt.Sprintf("%d sessions", n))
		tx.Remove(&model.Session{}, "id IN ?", ids)
		return nil
	})
	return n, err
}
