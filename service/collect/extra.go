package collect

import (
	"context"
	"strings"

	"sixelements/model"
	"sixelements/model/store"
)

// Extra are the community-defined fields of a form at an area, and a version that changes when they do.
func (s *Service) Extra(ctx context.Context, k model.Kind, area string) (fields []model.Field, version string, err error) {
	if area == "" || !model.ValidArea(area) {
		return nil, "", nil
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		fields, version = nil, ""
		defs, err := tx.ExtraFields(k, area)
		for _, d := range defs {
			fields = append(fields, d.Form())
			version += d.ID.String()[24:]
		}
		return err
	})
	return fields, version, err
}

// ExtraFields are the definitions in force that begin with the area, or of all areas in the caller's scope.
func (s *Service) ExtraFields(ctx context.Context, area string, k model.Kind) (out []model.ExtraField, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		out = nil
		var all []model.ExtraField
		if err := tx.Q(&model.ExtraField{}).Where("closed_at IS NULL").Order("area_code").Order("name").Find(&all).Error; err != nil {
			return err
		}
		for _, x := range all {
			mine := tx.Covers(model.Where{Area: x.AreaCode})
			for _, g := range tx.Actor().Grants { // what an area above defined holds here too
				mine = mine || g.Area != "" && strings.HasPrefix(g.Area, x.AreaCode)
			}
			if mine && strings.HasPrefix(x.AreaCode, area) && (k == "" || x.Kind == k) {
				out = append(out, x)
			}
		}
		return nil
	})
	return out, err
}

// maxExtra is how many further fields may hold for one kind at one place.
const maxExtra = 30

// DefineExtra adds a field for an area in scope. Errors: role.forbidden for an area where the caller is not community or above;
// validation.failed for the definition; conflict when the name is taken there.
func (s *Service) DefineExtra(ctx context.Context, x *model.ExtraField) error {
	return s.db.Write(ctx, model.Act{Name: "field.create", Target: x.Name, Area: x.AreaCode}, func(tx *store.Tx) error {
		if !tx.Actor().AtLeastAt(model.CommunityRole, model.Where{Area: x.AreaCode}) {
			return model.Fail(model.RoleForbidden)
		}
		if err := x.Valid(); err != nil {
			return err
		}
		if !model.ValidArea(x.AreaCode) {
			return required("area_code", model.FieldInvalid, "区域编码不对")
		}
		held, err := tx.ExtraFields(x.Kind, x.AreaCode)
		if err != nil {
			return err
		}
		for _, h := range held {
			if h.Name == x.Name {
				return model.Failf(model.Conflict, "这个字段名已经有了，请换一个。")
			}
		}
		var below []model.ExtraField // a form below would show both
		err = tx.Q(&model.ExtraField{}).Where("area_code > ? AND area_code < ? AND kind = ? AND name = ? AND closed_at IS NULL",
			x.AreaCode, x.AreaCode+":", x.Kind, x.Name).Limit(1).Find(&below).Error // ':' follows '9'
		if err != nil {
			return err
		}
		if len(below) > 0 {
			return model.Failf(model.Conflict, "下级区域已经有这个字段名，请换一个。")
		}
		if len(held) >= maxExtra {
			return required("name", model.FieldRange, "补充字段已满 30 个，请先删去不用的")
		}
		x.ID, x.CreatedAt = model.NewID(), tx.Now()
		if x.Options == nil {
			x.Options = model.Choices{}
		}
		return tx.Add(x)
	})
}

// EndExtra ends a field; what was answered stays. Errors: not_found; role.forbidden outside the caller's area.
func (s *Service) EndExtra(ctx context.Context, id model.ID) error {
	return s.db.Write(ctx, model.Act{Name: "field.end", Target: id.String()}, func(tx *store.Tx) error {
		x, err := openExtra(tx, id)
		if err != nil {
			return err
		}
		if !tx.Actor().AtLeastAt(model.CommunityRole, model.Where{Area: x.AreaCode}) {
			return model.Fail(model.RoleForbidden)
		}
		tx.Note("", x.AreaCode, x.Name)
		tx.Change(&model.ExtraField{}, map[string]any{"closed_at": tx.Now()}, "id = ?", id)
		return nil
	})
}

// LocateExtra is not_found for a field that is not in the caller's scope.
func (s *Service) LocateExtra(ctx context.Context, id string, _ model.Match) error {
	fid, err := model.ParseID(id)
	if err != nil {
		return model.Fail(model.NotFound)
	}
	return s.db.Read(ctx, func(tx *store.Tx) error { _, err := openExtra(tx, fid); return err })
}

func openExtra(tx *store.Tx, id model.ID) (*model.ExtraField, error) {
	var x model.ExtraField
	if err := tx.Q(&x).Where("id = ? AND closed_at IS NULL", id).Take(&x).Error; err != nil {
		return nil, err
	}
	if !tx.Covers(model.Where{Area: x.AreaCode}) {
		return nil, model.Fail(model.NotFound)
	}
	return &x, nil
}
