// Package grid keeps the street's places: the area tree, buildings and their rooms, the visits to a room and who is assigned where.
package grid

import (
	"errors"
	"strings"
	"unicode/utf8"

	"sixelements/model"
	"sixelements/model/store"
)

// Service has the verbs on places. Make it with New.
type Service struct {
	db         *store.DB
	households func(*store.Tx, []string) (map[string]int64, error)
}

// New makes the service. households counts those of live persons in the subtree of each area, as far as the actor sees them.
func New(db *store.DB, households func(tx *store.Tx, areas []string) (map[string]int64, error)) *Service {
	return &Service{db, households}
}

// codeColumns are the values of a code and its levels, for a change of rows that lie there.
func codeColumns(code string) map[string]any {
	c := model.CodesOf(code)
	return map[string]any{"area_code": c.AreaCode, "street": c.Street, "community": c.Community, "grid": c.Grid,
		"micro_grid": c.MicroGrid}
}

// shortest is the length of the shortest area code at which a building or room may lie: a community's.
const shortest = 12

// site judges an area code that a body names as the place of something: its form, that it is open and in scope
// (validation.failed on area_code, place.required when it is too short), then the role there (role.forbidden).
func site(tx *store.Tx, code string, least model.Role) error {
	var f model.Faults
	switch {
	case !model.ValidArea(code):
		f.Add("area_code", model.FieldInvalid, "区域代码的格式不对")
	case len(code) < shortest:
		f.Add("area_code", model.PlaceRequired, "请选择到社区或更小的区域")
	default:
		if open, err := openArea(tx, code); err != nil {
			return err
		} else if !open || !tx.Covers(model.Where{Area: code}) {
			f.Add("area_code", model.FieldInvalid, "请选择您范围内在用的区域")
		}
	}
	if err := f.Err(); err != nil {
		return err
	}
	if !mayAt(tx, least, model.Where{Area: code}) {
		return model.Fail(model.RoleForbidden)
	}
	return nil
}

// mayAt tells whether the actor holds the role for the place; the program itself may.
func mayAt(tx *store.Tx, least model.Role, w model.Where) bool {
	return tx.Actor().IsSystem() || tx.Actor().AtLeastAt(least, w)
}

// openArea tells whether the area exists in the actor's sight and is not closed.
func openArea(tx *store.Tx, code string) (bool, error) {
	var a model.Area
	err := tx.Q(&a).Where("code = ? AND valid_to IS NULL", code).Limit(1).Find(&a).Error
	return a.Code != "", err
}

// label judges a name: not empty, no more than most characters, in one line.
func label(f *model.Faults, at, text string, most int) {
	switch {
	case strings.TrimSpace(text) == "":
		f.Add(at, model.FieldRequired, "请填写这一项")
	case utf8.RuneCountInString(text) > most:
		f.Add(at, model.FieldTooLong, "太长了，请缩短")
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || !utf8.ValidString(text):
		f.Add(at, model.FieldInvalid, "不能有换行或特殊字符")
	}
}

// point judges coordinates: both or none, within the rectangle around China in which GCJ-02 is defined.
func point(f *model.Faults, lon, lat *float64) {
	if (lon == nil) != (lat == nil) {
		f.Add("lon", model.FieldRequired, "经度和纬度要一起填写")
		return
	}
	if lon == nil {
		return
	}
	if !(*lon >= 72.004 && *lon <= 137.8347) {
		f.Add("lon", model.FieldRange, "经度要在 72 到 137 之间")
	}
	if !(*lat >= 0.8293 && *lat <= 55.8271) {
		f.Add("lat", model.FieldRange, "纬度要在 1 到 55 之间")
	}
}

// taken makes a broken unique constraint a conflict with a sentence of its own.
func taken(err error, sentence string) error {
	if errors.Is(err, store.ErrDuplicate) {
		return model.Failf(model.Conflict, "%s", sentence)
	}
	return err
}

// again runs a write a few times when a constraint shows that somebody else was quicker: the next run sees what they wrote.
func again(write func() error) (err error) {
	for range 3 {
		if err = write(); !errors.Is(err, store.ErrDuplicate) {
			return err
		}
	}
	return err
}
