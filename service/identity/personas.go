package identity

import (
	"context"
	"slices"

	"sixelements/model"
	"sixelements/model/store"
)

// PersonaPlan says where the personas of the demo work (contract.md, section 2).
type PersonaPlan struct {
	Grid       string // of the first building of the community with the lowest code
	Community  string // that community
	Community2 string // the next
	Street     string
}

// persona is a made-up person; nobody has these names.
type persona struct {
	key, name string
	grant     model.Grant
}

const personaPrefix = "demo:" // no user name can hold a colon

func (p PersonaPlan) personas() []persona {
	return []persona{
		{"resident", "居民小李", model.Grant{Role: model.Resident}},
		{"resident2", "居民小陈", model.Grant{Role: model.Resident}},
		{"collector", "采集员小王", model.Grant{Role: model.Collector, Area: p.Grid}},
		{"grid_leader", "网格长老周", model.Grant{Role: model.GridLeader, Area: p.Grid}},
		{"department", "处置部门小郑", model.Grant{Role: model.Department, Area: p.Street}},
		{"community", "社区小赵", model.Grant{Role: model.CommunityRole, Area: p.Community}},
		{"community2", "社区小孙", model.Grant{Role: model.CommunityRole, Area: p.Community2}},
		{"street", "街道小刘", model.Grant{Role: model.StreetRole, Area: p.Street}},
		{"admin", "管理员小何", model.Grant{Role: model.Admin}},
	}
}

// EnsurePersonas makes the accounts of the demo's personas, or moves them to where the plan says; done again it changes nothing.
// Residents have not consented. Errors: not_found outside demo mode.
func (s *Service) EnsurePersonas(ctx context.Context, plan PersonaPlan) error {
	if !s.o.Demo {
		return model.Fail(model.NotFound)
	}
	s.plan.Store(&plan)
	ctx = store.AsSystem(ctx, "demo personas")
	return s.db.Write(ctx, model.Act{Name: "demo.personas", Area: plan.Street}, func(tx *store.Tx) error {
		changed := false
		for _, p := range plan.personas() {
			c, err := ensurePersona(tx, p)
			if err != nil {
				return err
			}
			changed = changed || c
		}
		if !changed {
			tx.Untraced()
		}
		return nil
	})
}

func ensurePersona(tx *store.Tx, p persona) (changed bool, err error) {
	name := personaPrefix + p.key
	var rows []model.Account
	if err := tx.Q(&rows).Where("username = ?", name).Limit(1).Find(&rows).Error; err != nil {
		return false, err
	}
	id := model.NewID()
	if len(rows) == 1 {
		id = rows[0].ID
		grants, err := grantsOf(tx, id)
		if err != nil || slices.Equal(grants, []model.Grant{p.grant}) {
			return false, err
		}
		tx.Change(&model.GrantRow{}, map[string]any{"ended_at": tx.Now()}, "account_id = ? AND ended_at IS NULL", id)
	} else if err := tx.Add(&model.Account{ID: id, Kind: model.Persona, Username: &name, Name: p.name, CreatedAt: tx.Now(),
		Version: 1}); err != nil {
		return false, err
	}
	g := &model.GrantRow{ID: model.NewID(), AccountID: id, Role: p.grant.Role, AreaCode: p.grant.Area, GrantedAt: tx.Now()}
	return true, tx.Add(g)
}

// byPersona finds a persona's account. One that was erased is made anew, so that a demo can show erasure and go on.
func (s *Service) byPersona(ctx context.Context, key string) (*entry, error) {
	if !s.o.Demo {
		return nil, model.Fail(model.NotFound)
	}
	if !slices.ContainsFunc(PersonaPlan{}.personas(), func(p persona) bool { return p.key == key }) {
		return nil, fault("persona", model.FieldChoice, "没有这个演示身份")
	}
	account, grants, err := s.find(ctx, "username = ?", personaPrefix+key)
	if plan := s.plan.Load(); err == nil && account == nil && plan != nil {
		if err := s.EnsurePersonas(ctx, *plan); err != nil {
			return nil, err
		}
		account, grants, err = s.find(ctx, "username = ?", personaPrefix+key)
	}
	if err != nil {
		return nil, err
	}
	if account == nil { // the demo's data is not there yet
		return nil, &model.Error{Code: model.Busy, RetryAfter: 2}
	}
	return known(account, grants), nil
}

// Personas are the keys of all personas, in the order in which they are shown.
func Personas() []string {
	var keys []string
	for _, p := range (PersonaPlan{}).personas() {
		keys = append(keys, p.key)
	}
	return keys
}
