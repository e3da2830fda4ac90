package identity

import (
	"fmt"
	"slices"

	"sixelements/model"
	"sixelements/model/store"
)

// mayGrant tells whether the actor may give, or take away, the role for the area: community and above for areas inside their own,
// and never above their own rung there. A department works for a whole street, so that the street decides.
func mayGrant(a model.Actor, g model.Grant) bool {
	where := model.Where{Area: g.Area}
	switch {
	case g.Role == model.Resident:
		return a.AtLeast(model.CommunityRole)
	case g.Role == model.Department:
		return a.AtLeastAt(model.StreetRole, where)
	}
	return a.AtLeastAt(model.CommunityRole, where) && a.AtLeastAt(g.Role, where)
}

// mayManage tells whether the actor may change an account with these roles: each must be theirs to give. An account without any
// role of staff is judged by those it once had; without any at all it is the administrators'.
func mayManage(a model.Actor, now, once []model.Grant) bool {
	roles := standing(now, once)
	if len(roles) == 0 {
		return a.AtLeast(model.Admin)
	}
	return !slices.ContainsFunc(roles, func(g model.Grant) bool { return !mayGrant(a, g) })
}

// outranks tells whether the actor may reset the password of an account with these roles, or disable it: who can do either can
// act in the other's name, or silence them, so that equals may not. Each role must lie below the actor's own there; only
// administrators, above whom there is nobody, may do it to one another. It comes after mayManage.
func outranks(a model.Actor, now, once []model.Grant) bool {
	return !slices.ContainsFunc(standing(now, once), func(g model.Grant) bool {
		own := a.TopAt(model.Where{Area: g.Area})
		return own != model.Admin && own.Rung() <= g.Role.Rung()
	})
}

// standing are the roles of staff by which an account is judged: those it has, or else those it had.
func standing(now, once []model.Grant) []model.Grant {
	if roles := working(now); len(roles) > 0 {
		return roles
	}
	return working(once)
}

// working are the grants without the resident's, which every resident gives themselves.
func working(grants []model.Grant) []model.Grant {
	return slices.DeleteFunc(slices.Clone(grants), func(g model.Grant) bool { return g.Role == model.Resident })
}

// judgeGrants checks roles to be given. Errors: role.forbidden for one that is not the actor's to give, judged before the
// content; validation.failed for an unknown role, an area of the wrong level, one that does not exist or is closed, a role
// twice, none at all.
func judgeGrants(tx *store.Tx, roles []model.Grant) error {
	var f model.Faults
	for i, g := range roles {
		switch at := fmt.Sprintf("roles[%d]", i); {
		case !g.Role.Valid():
			f.Add(at+".role", model.FieldChoice, "没有这个角色")
		case !slices.Contains(g.Role.AreaLengths(), len(g.Area)) || g.Area != "" && !model.ValidArea(g.Area):
			f.Add(at+".area_code", model.FieldInvalid, g.Role.Label()+"要对应这一级的区域，请重新选择")
		case slices.Contains(roles[:i], g):
			f.Add(at, model.FieldInvalid, "同一个角色写了两次")
		case !mayGrant(tx.Actor(), g):
			return model.Failf(model.RoleForbidden, "您不能授予或收回这个角色。")
		}
	}
	if len(working(roles)) == 0 && len(f) == 0 {
		f.Add("roles", model.FieldRequired, "请至少选择一个工作角色")
	}
	if err := f.Err(); err != nil {
		return err
	}
	return judgeAreas(tx, roles)
}

// judgeAreas is validation.failed for areas that are not there or closed.
func judgeAreas(tx *store.Tx, roles []model.Grant) error {
	var codes []string
	for _, g := range roles {
		codes = append(codes, g.Area)
	}
	var open []string
	err := tx.Q(&model.Area{}).Where("code IN ? AND (valid_to IS NULL OR valid_to > ?)", codes, tx.Now()).Pluck("code", &open).Error
	if err != nil {
		return err
	}
	var f model.Faults
	for i, g := range roles {
		if g.Area != "" && !slices.Contains(open, g.Area) {
			f.Add(fmt.Sprintf("roles[%d].area_code", i), model.FieldInvalid, "这个区域不存在或已停用")
		}
	}
	return f.Err()
}

// allGrants are the roles each of the accounts holds now, and those it once held.
func allGrants(sys *store.Tx, ids []model.ID) (now, once map[model.ID][]model.Grant, err error) {
	now, once = map[model.ID][]model.Grant{}, map[model.ID][]model.Grant{}
	var rows []model.GrantRow
	if err := sys.Q(&rows).Where("account_id IN ?", ids).Order("granted_at").Order("id").Find(&rows).Error; err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		g := model.Grant{Role: r.Role, Area: r.AreaCode}
		if r.EndedAt == 0 {
			now[r.AccountID] = append(now[r.AccountID], g)
		} else {
			once[r.AccountID] = append(once[r.AccountID], g)
		}
	}
	return now, once, nil
}
