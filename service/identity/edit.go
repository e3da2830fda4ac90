package identity

import (
	"context"
	"slices"
	"strings"

	"sixelements/model"
	"sixelements/model/store"
)

// AccountEdit is what changes of an account; nil leaves as it is.
type AccountEdit struct {
	Name     *string
	Disabled *bool
	Password *string        // resets it, and ends a lock
	Roles    *[]model.Grant // replaces all but the resident's, which is its holder's own
}

// EditAccount changes an account. Whatever touches what it may do (roles, password, disabling) ends its sessions at once. Errors:
// not_found; role.forbidden for an account or a role that is not the caller's to manage, for the password or disabling of an
// account that is not below the caller's rung (administrators may do both to one another), and for the caller's own roles,
// password (PUT /me/password) and disabling; precondition.*, record.stale; conflict for a password where there is no user name;
// validation.failed; rate.limited.
func (s *Service) EditAccount(ctx context.Context, id model.ID, m model.Match, in AccountEdit) (*AccountView, error) {
	hash := ""
	err := s.db.Read(ctx, func(tx *store.Tx) error { _, err := in.judge(tx, id, m); return err })
	if err == nil && in.Password != nil {
		hash, err = s.hash(*in.Password)
	}
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, model.Act{Name: "account.edit", Target: id.String()}, func(tx *store.Tx) error {
		a, err := in.judge(tx, id, m)
		if err != nil {
			return err
		}
		was, err := grantsOf(tx.System("roles of an account"), id)
		if err != nil {
			return err
		}
		tx.Note("", firstArea(working(was)), in.describe())
		return in.stage(tx, a, was, hash)
	})
	if err != nil {
		return nil, err
	}
	return s.Account(ctx, id)
}

// judge is everything that can be wrong with an edit, in the contract's order.
func (in AccountEdit) judge(tx *store.Tx, id model.ID, m model.Match) (*model.Account, error) {
	a, err := manageable(tx, id, in.Password != nil || in.Roles != nil || in.Disabled != nil && *in.Disabled)
	if err != nil {
		return nil, err
	}
	if id == tx.Actor().Account && (in.Disabled != nil || in.Password != nil || in.Roles != nil) {
		return nil, model.Failf(model.RoleForbidden, "不能修改自己的角色、密码或停用自己。")
	}
	roles, err := grantsOf(tx.System("roles of an account"), id)
	if err != nil {
		return nil, err
	}
	var content error
	if in.Roles != nil {
		roles = *in.Roles
		if content = judgeGrants(tx, roles); model.IsCode(content, model.RoleForbidden) {
			return nil, content
		}
	}
	if err := m.Against(a.Version); err != nil {
		return nil, err
	}
	if in.Password != nil && a.Username == nil {
		return nil, model.Failf(model.Conflict, "这个账号不用密码登录。")
	}
	if content != nil {
		return nil, content
	}
	var f model.Faults
	if in.Name != nil {
		nameFault(&f, strings.TrimSpace(*in.Name))
	}
	if in.Password != nil {
		if w := weakness(*in.Password, username(a), hasAdmin(roles)); w != "" {
			f.Add("password", model.FieldInvalid, w)
		}
	}
	return a, f.Err()
}

// stage stages the edit with its consequences.
func (in AccountEdit) stage(tx *store.Tx, a *model.Account, was []model.Grant, hash string) error {
	if in.Name != nil {
		a.Name = strings.TrimSpace(*in.Name)
	}
	if in.Disabled != nil {
		a.Disabled = *in.Disabled
	}
	if in.Password != nil {
		a.PasswordHash, a.Failed, a.LockedUntil = hash, 0, 0
	}
	tx.Save(a)
	if in.Disabled != nil || in.Password != nil || in.Roles != nil {
		endAll(tx, a.ID)
	}
	if in.Roles == nil {
		return nil
	}
	var fresh []model.Grant
	for _, g := range *in.Roles {
		if !slices.Contains(was, g) {
			fresh = append(fresh, g)
		}
	}
	for _, g := range working(was) {
		if !slices.Contains(*in.Roles, g) {
			tx.Change(&model.GrantRow{}, map[string]any{"ended_at": tx.Now()},
				"account_id = ? AND role = ? AND area_code = ? AND ended_at IS NULL", a.ID, g.Role, g.Area)
		}
	}
	return addGrants(tx, a.ID, fresh)
}

// endAll stages the end of all sessions of an account that the caller was judged to manage.
func endAll(tx *store.Tx, account model.ID) {
	tx.ChangeAsSystem("end the sessions of a changed account", &model.Session{}, map[string]any{"revoked_at": tx.Now()},
		"account_id = ? AND revoked_at IS NULL", account)
}

// describe says for the trace what was changed, never to which name or password.
func (in AccountEdit) describe() string {
	var parts []string
	if in.Name != nil {
		parts = append(parts, "name")
	}
	if in.Disabled != nil {
		parts = append(parts, map[bool]string{true: "disabled", false: "enabled"}[*in.Disabled])
	}
	if in.Password != nil {
		parts = append(parts, "password")
	}
	if in.Roles != nil {
		parts = append(parts, "roles: "+describe(*in.Roles))
	}
	return strings.Join(parts, "; ")
}

// DisableAccount disables an account and ends its sessions; its roles stay, so that it can be enabled again. Disabling a
// disabled one changes nothing. Errors: not_found; role.forbidden, also for the caller's own account and one that is not below
// the caller's rung, as in EditAccount.
func (s *Service) DisableAccount(ctx context.Context, id model.ID) error {
	return s.db.Write(ctx, model.Act{Name: "account.disable", Target: id.String()}, func(tx *store.Tx) error {
		a, err := manageable(tx, id, true)
		if err != nil {
			return err
		}
		if id == tx.Actor().Account {
			return model.Failf(model.RoleForbidden, "不能停用自己。")
		}
		if a.Disabled {
			tx.Untraced()
			return nil
		}
		was, err := grantsOf(tx.System("roles of an account"), id)
		if err != nil {
			return err
		}
		tx.Note("", firstArea(working(was)), "")
		a.Disabled = true
		tx.Save(a)
		endAll(tx, id)
		return nil
	})
}
