package grid

import (
	"context"
	"fmt"
	"strconv"

	"sixelements/model"
	"sixelements/model/store"
)

// Area is a node of the tree with the households that live in its subtree, as far as the caller can see them.
type Area struct {
	model.Area
	Households int64
}

const nameMost = 64

// Areas are the open areas right below parent, in the order of their codes, or without a parent the roots of what the caller sees:
// all districts for an administrator. after is the next of the page before.
//
// Errors: validation.failed for a parent or cursor that is not a code.
func (s *Service) Areas(ctx context.Context, parent, after string, limit int) (areas []Area, next string, err error) {
	var f model.Faults
	if parent != "" && !model.ValidArea(parent) {
		f.Add("parent", model.FieldInvalid, "区域代码的格式不对")
	}
	if after != "" && !model.ValidArea(after) {
		f.Add("cursor", model.FieldInvalid, "翻页标记不对，请从第一页重新开始")
	}
	if err := f.Err(); err != nil {
		return nil, "", err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		areas, next = nil, ""
		var rows []model.Area
		q := tx.Q(&model.Area{}).Where("valid_to IS NULL AND code > ?", after)
		switch scope := tx.Actor().Scope(); {
		case parent != "" || scope.All:
			q = q.Where("parent = ?", parent)
		case len(scope.Areas) == 0:
			return nil
		default:
			q = q.Where("code IN ?", scope.Areas)
		}
		if err := q.Order("code").Limit(limit + 1).Find(&rows).Error; err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			next = rows[limit-1].Code
		}
		areas, err = s.withHouseholds(tx, rows)
		return err
	})
	return areas, next, err
}

func (s *Service) withHouseholds(tx *store.Tx, rows []model.Area) ([]Area, error) {
	codes := make([]string, len(rows))
	for i, a := range rows {
		codes[i] = a.Code
	}
	n, err := s.households(tx, codes)
	if err != nil {
		return nil, err
	}
	out := make([]Area, len(rows))
	for i, a := range rows {
		out[i] = Area{a, n[a.Code]}
	}
	return out, nil
}

// Area is one area, also a closed one or one above the caller's own.
//
// Errors: not_found when it does not exist or is out of the caller's sight.
func (s *Service) Area(ctx context.Context, code string) (a Area, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		row, err := area(tx, code)
		if err != nil {
			return err
		}
		a, err = s.counted(tx, row)
		return err
	})
	return a, err
}

func area(tx *store.Tx, code string) (a model.Area, err error) {
	if !model.ValidArea(code) {
		return a, model.Fail(model.NotFound)
	}
	return a, tx.Q(&a).Where("code = ?", code).Take(&a).Error
}

func (s *Service) counted(tx *store.Tx, row model.Area) (Area, error) {
	rows, err := s.withHouseholds(tx, []model.Area{row})
	if err != nil {
		return Area{}, err
	}
	return rows[0], nil
}

// NewArea is what an area is made of. Without a code it gets the next free one.
type NewArea struct {
	Code, Parent, Name string
	Exclusive          bool
}

// maker is the least role that makes, closes or deletes areas of the level; those above come from the division list.
func maker(l model.Level) model.Role {
	switch l {
	case model.Community:
		return model.StreetRole
	case model.Grid, model.MicroGrid:
		return model.CommunityRole
	}
	return model.Admin
}

// AddArea makes a community under a street, a grid under a community or a micro-grid under a grid.
//
// Errors: validation.failed for a parent that is closed, out of scope or cannot be divided, a code that does not continue the
// parent's by three digits, a bad name, or exclusive above the grid; role.forbidden for one who may not divide the parent; conflict
// when the code is or was in use, or none is free.
func (s *Service) AddArea(ctx context.Context, in NewArea) (a Area, err error) {
	err = again(func() error {
		return s.db.Write(ctx, model.Act{Name: "area.create", Target: in.Code, Area: in.Parent}, func(tx *store.Tx) error {
			if err := in.check(tx); err != nil {
				return err
			}
			code, err := in.freeCode(tx)
			if err != nil {
				return err
			}
			a = Area{Area: model.Area{Code: code, Name: in.Name, Level: model.LevelOf(code), Parent: in.Parent, Exclusive: in.Exclusive,
				ValidFrom: tx.Now(), Version: 1}}
			tx.Note(code, code, "")
			return tx.Add(&a.Area)
		})
	})
	return a, taken(err, "这个区域代码已经用过，请换一个。")
}

func (in NewArea) check(tx *store.Tx) error {
	var f model.Faults
	child := model.LevelOf(in.Parent + "000")
	if !model.ValidArea(in.Parent) || maker(child) == model.Admin {
		f.Add("parent", model.FieldInvalid, "上级应是街道、社区或网格")
		return f.Err()
	}
	if open, err := openArea(tx, in.Parent); err != nil {
		return err
	} else if !open {
		f.Add("parent", model.FieldInvalid, "请选择您范围内在用的上级区域")
		return f.Err()
	}
	if !mayAt(tx, maker(child), model.Where{Area: in.Parent}) {
		return model.Fail(model.RoleForbidden)
	}
	label(&f, "name", in.Name, nameMost)
	if in.Exclusive && child == model.Community {
		f.Add("exclusive", model.FieldInvalid, "只有网格和微网格可以是专属网格")
	}
	if in.Code != "" && (!model.ValidArea(in.Code) || model.ParentCode(in.Code) != in.Parent || in.Code == in.Parent+"000") {
		f.Add("code", model.FieldInvalid, "代码应是上级代码加 3 位数字，从 001 到 999")
	}
	return f.Err()
}

// freeCode is the code that was asked for, or the one after the highest ever given; codes of closed areas are not given again.
func (in NewArea) freeCode(tx *store.Tx) (string, error) {
	var used []string
	if err := tx.Q(&model.Area{}).Where("parent = ?", in.Parent).Order("code").Pluck("code", &used).Error; err != nil {
		return "", err
	}
	has := map[string]bool{}
	highest := 0
	for _, c := range used {
		has[c] = true
		if n, err := strconv.Atoi(c[len(in.Parent):]); err == nil {
			highest = max(highest, n)
		}
	}
	if in.Code != "" {
		if has[in.Code] {
			return "", model.Failf(model.Conflict, "这个区域代码已经用过，请换一个。")
		}
		return in.Code, nil
	}
	for i := range 999 {
		code := fmt.Sprintf("%s%03d", in.Parent, (highest+i)%999+1)
		if !has[code] {
			return code, nil
		}
	}
	return "", model.Failf(model.Conflict, "这里的代码已经用完，不能再分。")
}

// AreaPatch is what changes of an area; nil stays as it is.
type AreaPatch struct {
	Name      *string
	Exclusive *bool
	Successor *string
	Closed    *bool
}

// EditArea renames an area, or closes it: its code is never used again, and its successor says where to look instead.
//
// Errors: not_found out of sight; role.forbidden without the community's role for it (the street's, to close a community);
// precondition.required, precondition.malformed, record.stale; area.not_empty when areas, buildings or rooms would be left in a
// closed area; validation.failed for bad values, or to open a closed area again.
func (s *Service) EditArea(ctx context.Context, code string, m model.Match, p AreaPatch) (a Area, err error) {
	err = s.db.Write(ctx, model.Act{Name: "area.update", Target: code, Area: code}, func(tx *store.Tx) error {
		row, err := changeableArea(tx, code, m, p.least(code))
		if err != nil {
			return err
		}
		if p.closes(row) {
			if full, err := holds(tx, code, false); err != nil {
				return err
			} else if full {
				return model.Fail(model.AreaNotEmpty)
			}
		}
		if err := p.apply(tx, &row); err != nil {
			return err
		}
		if a, err = s.counted(tx, row); err != nil {
			return err
		}
		tx.Save(&a.Area)
		return nil
	})
	return a, err
}

func (p AreaPatch) closes(a model.Area) bool {
	return p.Closed != nil && *p.Closed && a.ValidTo.IsZero()
}

func (p AreaPatch) least(code string) model.Role {
	if p.Closed != nil {
		return maker(model.LevelOf(code))
	}
	return model.CommunityRole
}

func (p AreaPatch) apply(tx *store.Tx, a *model.Area) error {
	var f model.Faults
	if p.Closed != nil && !*p.Closed && !a.ValidTo.IsZero() {
		f.Add("closed", model.FieldInvalid, "停用的区域不能再启用，请新建一个")
	}
	if p.closes(*a) {
		a.ValidTo = tx.Now()
	}
	if p.Name != nil {
		label(&f, "name", *p.Name, nameMost)
		a.Name = *p.Name
	}
	if p.Exclusive != nil {
		if *p.Exclusive && a.Level != model.Grid && a.Level != model.MicroGrid {
			f.Add("exclusive", model.FieldInvalid, "只有网格和微网格可以是专属网格")
		}
		a.Exclusive = *p.Exclusive
	}
	if p.Successor != nil {
		if err := succeed(tx, a, *p.Successor, &f); err != nil {
			return err
		}
	}
	return f.Err()
}

// succeed notes which open area of the same level stands for a closed one.
func succeed(tx *store.Tx, a *model.Area, code string, f *model.Faults) error {
	open, err := code != "", error(nil)
	if open && model.ValidArea(code) {
		open, err = openArea(tx, code)
	}
	switch {
	case err != nil:
		return err
	case a.ValidTo.IsZero() && code != "":
		f.Add("successor", model.FieldInvalid, "只有停用的区域才有接替的区域")
	case code != "" && (!open || code == a.Code || len(code) != len(a.Code)):
		f.Add("successor", model.FieldInvalid, "接替的应是您范围内同一级的在用区域")
	}
	a.Successor = code
	return nil
}

// DeleteArea closes an area that holds nothing. The row stays, with the day it ended, because codes are never used again; lists no
// longer show it.
//
// Errors: as EditArea; area.not_empty when it holds areas, buildings, rooms, records, or anybody holds a role for it.
func (s *Service) DeleteArea(ctx context.Context, code string, m model.Match) error {
	return s.db.Write(ctx, model.Act{Name: "area.delete", Target: code, Area: code}, func(tx *store.Tx) error {
		a, err := changeableArea(tx, code, m, maker(model.LevelOf(code)))
		if err != nil {
			return err
		}
		if !a.ValidTo.IsZero() {
			tx.Untraced()
			return nil
		}
		if full, err := holds(tx, code, true); err != nil {
			return err
		} else if full {
			return model.Fail(model.AreaNotEmpty)
		}
		a.ValidTo = tx.Now()
		tx.Save(&a)
		return nil
	})
}

// holds tells whether anything lies in the area: open areas, buildings and rooms, and when all is asked for also records, roles and
// posts.
func holds(tx *store.Tx, code string, all bool) (_ bool, err error) {
	var found []string
	add := func(m any, col, where string, args ...any) {
		if err == nil && len(found) == 0 {
			err = tx.Q(m).Where(where, args...).Limit(1).Pluck(col, &found).Error
		}
	}
	const within = "area_code >= ? AND area_code < ?"
	add(&model.Area{}, "code", "parent = ? AND valid_to IS NULL", code)
	add(&model.Building{}, "area_code", within, code, code+":")
	add(&model.Room{}, "area_code", within, code, code+":")
	if all {
		add(&model.Record{}, "area_code", within, code, code+":")
		add(&model.GrantRow{}, "area_code", within+" AND ended_at IS NULL", code, code+":")
		add(&model.Assignment{}, "area_code", within+" AND ended_at IS NULL", code, code+":")
	}
	return len(found) > 0, err
}

// changeableArea judges a change of an area up to its version: not_found, role.forbidden, precondition.required,
// precondition.malformed, record.stale.
func changeableArea(tx *store.Tx, code string, m model.Match, least model.Role) (model.Area, error) {
	a, err := area(tx, code)
	if err != nil {
		return a, err
	}
	if !mayAt(tx, least, model.Where{Area: code}) {
		return a, model.Fail(model.RoleForbidden)
	}
	return a, m.Against(a.Version)
}

// SeeArea judges reading an area: nil or not_found.
func (s *Service) SeeArea(ctx context.Context, code string, _ model.Match) error {
	return s.db.Read(ctx, func(tx *store.Tx) error { _, err := area(tx, code); return err })
}

// LocateArea judges changing an area before its body is: not_found, role.forbidden, precondition.required,
// precondition.malformed, record.stale or nil.
func (s *Service) LocateArea(ctx context.Context, code string, m model.Match) error {
	return s.db.Read(ctx, func(tx *store.Tx) error {
		_, err := changeableArea(tx, code, m, model.CommunityRole)
		return err
	})
}
