package store

import (
	"slices"

	"gorm.io/gorm/clause"

	"sixelements/model"
)

// Buildings are buildings in scope, those of one area's subtree when an area is given, in the order in which they were made, behind
// after. A building of several micro-grids is in each of them: its own code is what its rooms' codes begin with.
func (tx *Tx) Buildings(area string, after model.ID, limit int) (rows []*model.Building, err error) {
	read := func(index string, where ...clause.Expression) error {
		var part []*model.Building
		q := tx.System("buildings of the actor's areas").Along(index, &model.Building{}).Clauses(clause.Where{Exprs: where})
		if !after.IsZero() {
			q = q.Where("id > ?", after)
		}
		err := q.Order("id").Limit(limit).Find(&part).Error
		rows = append(rows, part...)
		return err
	}
	s := tx.actor.Scope()
	var posts []any
	for _, p := range s.Posts {
		posts = append(posts, p.Building)
	}
	list := arms(model.Scope{Areas: s.Areas})
	if s.All {
		list = []arm{{all: true}}
	}
	for _, a := range narrowed(list, area) {
		if err := tx.buildingsOf(a, read); err != nil {
			return nil, err
		}
	}
	if len(posts) > 0 {
		where := []clause.Expression{clause.IN{Column: current.col("id"), Values: posts}}
		if area != "" {
			where = append(where, anyOf{current.between("area_code", area), current.spans(area)})
		}
		if err := read("", where...); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rows, func(a, b *model.Building) int { return slices.Compare(a.ID[:], b.ID[:]) })
	rows = slices.CompactFunc(rows, func(a, b *model.Building) bool { return a.ID == b.ID })
	return rows[:min(limit, len(rows))], nil
}

// buildingsOf reads those of an area along its community's or its streets' index, then those that only reach into it.
func (tx *Tx) buildingsOf(a arm, read func(index string, where ...clause.Expression) error) error {
	switch n := len(a.area); {
	case a.all:
		return read("")
	case n < 9:
		streets, err := tx.distinct(&model.Building{}, "buildings_street", "street", a.area)
		for _, s := range streets {
			if err == nil {
				err = read("buildings_street", current.eq("street", s), current.between("area_code", a.area))
			}
		}
		return err
	case n < 12:
		if err := read("buildings_street", current.eq("street", a.area[:9]), current.between("area_code", a.area)); err != nil {
			return err
		}
	default:
		if err := read("buildings_community", current.eq("community", a.area[:12]), current.between("area_code", a.area)); err != nil {
			return err
		}
	}
	return read("buildings_area", current.spans(a.area))
}
