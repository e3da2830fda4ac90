package identity

import (
	"context"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

const erasedName = "已注销"

// Erase erases the caller's account. What goes: openid, phone, name, user name, password, second factor, the addresses and
// browsers of its sessions, its roles and scan passes; records that nobody verified yet are withdrawn. What stays, and why:
// the row of the account, so that traces and submissions keep pointing at something; its consents, which prove that earlier
// processing was lawful; records that staff verified, which the street keeps as its register until their retention ends
// (their erasure, the destruction of the record's key, is asked for and decided record by record); the audit, which the law
// wants kept for six months. Errors: conflict while the account holds a role of staff or a department, whose acts must
// remain answerable.
func (s *Service) Erase(ctx context.Context) error {
	actor := store.ActorOf(ctx)
	if actor.Staff() || actor.Has(model.Department) {
		return model.Failf(model.Conflict, "您还有工作身份，请先请社区收回，再注销账号。")
	}
	if s.o.Withdraw != nil {
		if err := s.o.Withdraw(ctx, actor.Account); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, s.ownAct(actor, "account.erase"), func(tx *store.Tx) error {
		grants, err := grantsOf(tx.System("roles"), actor.Account)
		if err != nil {
			return err
		}
		if now := (model.Actor{Grants: grants}); now.Staff() || now.Has(model.Department) {
			return model.Fail(model.Conflict)
		}
		tx.Change(&model.Account{}, map[string]any{"username": nil, "name": erasedName, "password_hash": "", "otp_secret": nil,
			"open_id_index": nil, "open_id": nil, "phone": nil, "phone_index": nil, "disabled": true,
			"version": gorm.Expr("version + 1")}, "id = ?", actor.Account)
		tx.Change(&model.GrantRow{}, map[string]any{"ended_at": tx.Now()}, "account_id = ? AND ended_at IS NULL", actor.Account)
		tx.Change(&model.Session{}, map[string]any{"revoked_at": tx.Now(), "source": "", "agent": ""}, "account_id = ?", actor.Account)
		tx.Remove(&model.ScanPass{}, "account_id = ?", actor.Account)
		return nil
	})
}
