package tally

import (
	"strconv"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

const (
	millisPerDay  = 24 * millisPerHour
	beijingMillis = 8 * millisPerHour // how far its midnight lies before that of UTC
)

// within limits rows to the area's subtree, along the index on area_code.
func within(q *gorm.DB, area string) *gorm.DB {
	if area == "" {
		return q
	}
	return q.Where("area_code >= ? AND area_code < ?", area, area+":") // ':' follows '9'
}

// group is a number of records that are alike in all that is counted.
type group struct {
	AreaCode     string
	BuildingID   model.ID
	Unit         string
	Kind         model.Kind
	Status       model.Status
	Day          int64 // its first millisecond, as if Beijing were UTC
	VerifiedBy   model.ID
	VerifiedName string
	N            int64
}

func (g group) cell() store.Cell {
	c := store.Cell{Area: g.AreaCode, Building: g.BuildingID, Kind: g.Kind, Status: g.Status, Day: g.Day / millisPerDay}
	if !g.VerifiedBy.IsZero() {
		c.By, c.Name = g.VerifiedBy, g.VerifiedName
	}
	return c
}

// live counts records themselves: the measure of what is folded, and quick enough for a building or what is on a department's desk.
func live(q *gorm.DB) (groups []group, err error) {
	at := "(submitted_at + " + strconv.FormatInt(beijingMillis, 10) + ")"
	const alike = "area_code, building_id, unit, kind, status, day, verified_by, verified_name"
	err = q.Select("area_code, building_id, unit, kind, status, " + at + " - " + at + " % " + strconv.FormatInt(millisPerDay, 10) +
		" AS day, verified_by, verified_name, COUNT(*) AS n").Group(alike).Find(&groups).Error
	return groups, err
}
