package store

import "sixelements/model"

// ExtraFields are the community-defined fields that hold for a kind at an area code: those of the area and of all above it.
func (tx *Tx) ExtraFields(kind model.Kind, area string) ([]model.ExtraField, error) {
	var codes []string
	for code := area; code != ""; code = model.ParentCode(code) {
		codes = append(codes, code)
	}
	if len(codes) == 0 {
		return nil, nil
	}
	return Cached(tx, "fields "+string(kind)+" "+area, []Tag{FieldsTag()}, func(sys *Tx) (out []model.ExtraField, _ model.Time, err error) {
		return out, 0, sys.Q(&model.ExtraField{}).Where("area_code IN ? AND kind = ? AND closed_at IS NULL", codes, kind).
			Order("area_code").Order("name").Find(&out).Error
	})
}
