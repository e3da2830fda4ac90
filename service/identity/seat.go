package identity

import (
	"context"
	"encoding/hex"
	"sync/atomic"

	"sixelements/model"
	"sixelements/model/store"
)

// seat is a session and what its account may do, as they are kept between requests. It is dropped when a row of the account changes;
// what time alone changes is judged at every request.
type seat struct {
	session atomic.Pointer[model.Session] // replaced when last_seen moves
	name    string
	persona bool
	grants  []model.Grant
	posts   []model.Assignment // that have not ended, those to come too
}

// seatOf is the seat of a token's hash. ctx acts for the program. Errors: auth.invalid for a session that is unknown or revoked, or of
// an account that is gone or disabled.
func (s *Service) seatOf(ctx context.Context, hash []byte) (st *seat, err error) {
	key := hex.EncodeToString(hash)
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		// Whose a session is never changes; what it may do ends with a write of any row of that account.
		account, err := store.Cached(tx, "token "+key, nil, func(sys *store.Tx) (model.ID, model.Time, error) {
			v, err := sessionOf(sys, hash)
			return v.AccountID, 0, err
		})
		if err != nil {
			return err
		}
		st, err = store.Cached(tx, "seat "+key, []store.Tag{store.AccountTag(account)}, func(sys *store.Tx) (*seat, model.Time, error) {
			v, err := sessionOf(sys, hash)
			if err != nil {
				return nil, 0, err
			}
			st, err := s.read(sys, &v)
			return st, ends(&v), err
		})
		return err
	})
	return st, err
}

// sessionOf is the session of a token's hash. Errors: auth.invalid for one that is unknown or revoked.
func sessionOf(sys *store.Tx, hash []byte) (v model.Session, err error) {
	err = sys.Q(&v).Where("token_hash = ?", hash).Limit(1).Find(&v).Error
	if err == nil && (v.ID.IsZero() || v.RevokedAt != 0) {
		err = deadToken()
	}
	return v, err
}

// ends is when a session ends unless it is used before: kept no longer, since another node may have seen it used.
func ends(v *model.Session) model.Time {
	if v.Console {
		return min(v.ExpiresAt, v.LastSeen.Add(consoleIdle))
	}
	return v.ExpiresAt
}

// read reads the session's account with what it may do. Errors: auth.invalid for one that is gone or disabled.
func (s *Service) read(tx *store.Tx, v *model.Session) (*seat, error) {
	var account model.Account
	if err := tx.Q(&account).Where("id = ?", v.AccountID).Limit(1).Find(&account).Error; err != nil {
		return nil, err
	}
	if account.ID.IsZero() || account.Disabled {
		return nil, deadToken()
	}
	st := &seat{name: account.Name, persona: account.Kind == model.Persona}
	st.session.Store(v)
	var err error
	if st.grants, err = grantsOf(tx, account.ID); err != nil || !(model.Actor{Grants: st.grants}).Has(model.Collector) {
		return st, err
	}
	err = tx.Q(&st.posts).Where("account_id = ? AND ended_at IS NULL AND (to_at IS NULL OR to_at > ?)", account.ID, tx.Now()).
		Order("from_at").Order("id").Find(&st.posts).Error
	return st, err
}

// actor is who sits there, with the posts in force: from_at ≤ now < to_at.
func (st *seat) actor(now model.Time) model.Actor {
	v := st.session.Load()
	a := model.Actor{Account: v.AccountID, Session: v.ID, Name: st.name, Building: v.BuildingID, Grants: st.grants}
	for _, p := range st.posts {
		if p.FromAt <= now && (p.ToAt.IsZero() || now < p.ToAt) {
			a.Posts = append(a.Posts, model.Post{Building: p.BuildingID, Unit: p.Unit, Area: p.AreaCode})
		}
	}
	return a
}
