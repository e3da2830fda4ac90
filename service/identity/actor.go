package identity

import (
	"context"

	"sixelements/model"
	"sixelements/model/store"
)

// ActorOf is an account with what it may do now, for work done in its name after the request is over. Errors: auth.invalid for an
// account that is gone or disabled.
func (s *Service) ActorOf(ctx context.Context, account model.ID) (a model.Actor, err error) {
	err = s.db.Read(store.AsSystem(ctx, "work for an account"), func(tx *store.Tx) error {
		st, err := s.read(tx, &model.Session{AccountID: account})
		if err != nil {
			return err
		}
		if st.persona && !s.o.Demo {
			return deadToken()
		}
		a = st.actor(s.db.Now())
		return nil
	})
	return a, err
}

// PhoneOf is the phone number an account left, "" when it left none. Who may see it is the caller's to judge.
func (s *Service) PhoneOf(tx *store.Tx, account model.ID) (string, error) {
	var a model.Account
	if err := tx.Q(&a).Where("id = ?", account).Limit(1).Find(&a).Error; err != nil || len(a.Phone) == 0 {
		return "", err
	}
	return s.opened(account, "phone", a.Phone)
}
