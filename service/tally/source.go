package tally

import (
	"strconv"
	"time"

	"gorm.io/gorm"

	"sixelements/model"
)

// This file is where the numbers come from: grouped statements over the rows themselves. A source of folded counters would take
// the place of counts and rooms and nothing else.

// cell is a number under a key and a state; an empty key is NULL.
type cell struct {
	K []byte // the key as the database gives it: a code, 16 bytes of an id, or digits
	S model.Status
	L string // a name beside the key
	N int64
}

// within limits rows to the area's subtree, along the index on area_code.
func within(q *gorm.DB, area string) *gorm.DB {
	if area == "" {
		return q
	}
	return q.Where("area_code >= ? AND area_code < ?", area, area+":") // ':' follows '9'
}

// records are those that the view counts.
func (v *view) records() *gorm.DB {
	q := within(v.tx.Q(&model.Record{}), v.area)
	if v.kind != "" {
		q = q.Where("kind = ?", v.kind)
	}
	if !v.dept.IsZero() {
		mine := v.tx.Q(&model.Dispatched{}).Select("record_id").Where("account_id = ?", v.dept)
		q = q.Where("kind = ? AND id IN (?)", model.KindEvent, mine)
	}
	return q
}

// day is a day in milliseconds, and beijing how far its midnight lies before that of UTC.
const (
	day     = int64(24 * time.Hour / time.Millisecond)
	beijing = int64(8 * time.Hour / time.Millisecond)
	maxDays = 366
)

// byArea is the key of the area one level down, by the length of its code; what lies on the area itself has a shorter code.
func byArea(length int) string { return "SUBSTR(area_code, 1, " + strconv.Itoa(length) + ")" }

// byDay is the first millisecond of the day of submission, as if Beijing were UTC: integers only, the same in both databases.
func byDay() string {
	at := "(submitted_at + " + strconv.FormatInt(beijing, 10) + ")"
	return at + " - " + at + " % " + strconv.FormatInt(day, 10)
}

// counts are the numbers of records per key and state, in the keys' order.
func (v *view) counts(key string) (cells []cell, err error) {
	err = v.records().Select(key + " AS k, status AS s, COUNT(*) AS n").Group("k, s").Order("k").Find(&cells).Error
	return cells, err
}

func (v *view) days() (cells []cell, err error) {
	err = v.records().Select(byDay() + " AS k, status AS s, COUNT(*) AS n").Group("k, s").Order("k DESC").
		Limit(maxDays * len(model.Statuses())).Find(&cells).Error
	return cells, err
}

func (v *view) verifiers() (cells []cell, err error) {
	err = v.records().Where("verified_by IS NOT NULL").
		Select("verified_by AS k, status AS s, MAX(verified_name) AS l, COUNT(*) AS n").Group("k, s").Find(&cells).Error
	return cells, err
}

// rooms are the numbers of rooms per key, and of those that are covered.
func (v *view) rooms(key string) (all, covered []cell, err error) {
	if !v.dept.IsZero() {
		return nil, nil, nil
	}
	if err = v.doors().Select(key + " AS k, COUNT(*) AS n").Group("k").Find(&all).Error; err != nil || len(all) == 0 {
		return nil, nil, err
	}
	err = v.covered(v.doors()).Select(key + " AS k, COUNT(*) AS n").Group("k").Find(&covered).Error
	return all, covered, err
}

// doors are the rooms that count: not those closed or merged into another.
func (v *view) doors() *gorm.DB {
	return within(v.tx.Q(&model.Room{}), v.area).Not(map[string]any{"use": model.RoomEmpty})
}

// grace is how long an overdue room still counts.
const grace = 30 * 24 * time.Hour

// covered limits rooms to the covered ones (domain.md, room states; service/grid judges single rooms by the same rule): what is
// known of the room is verified, or amended by its residents after it was, and not overdue by more than 30 days; nothing new
// awaits verification; or nobody is known there and it was found vacant twice.
func (v *view) covered(q *gorm.DB) *gorm.DB {
	lapsed := v.tx.Now().Add(-grace)
	return q.Where("id NOT IN (?)", v.inRooms("status = ? AND ever_verified = ?", model.Submitted, false)).
		Where("id NOT IN (?)", v.inRooms("(status = ? AND kind IN ? OR status = ? AND ever_verified = ?) AND due_at < ?",
			model.Verified, registers(), model.Submitted, true, lapsed)).
		Where("(id IN (?) OR id IN (?))", v.inRooms("(status = ? AND kind IN ? OR status = ? AND ever_verified = ?)",
			model.Verified, registers(), model.Submitted, true), v.vacant())
}

// registers are the kinds that say who or what is in a room; an event or a situation does not.
func registers() []model.Kind {
	return []model.Kind{model.KindPerson, model.KindPlace, model.KindOrganisation}
}

// inRooms are the rooms of the records that match. Whatever the scope, a room is judged by all its records: the numbers alone get out.
func (v *view) inRooms(where string, args ...any) *gorm.DB {
	return within(v.tx.System("state of rooms in scope").Q(&model.Record{}), v.area).Select("room_id").
		Where("room_id IS NOT NULL").Where(where, args...)
}

// vacant are the dwellings whose last visit found them vacant, as did one before it, with no sign of life between or since: who
// was met, moved away or was named wrongly begins the count anew, and so does a verification.
func (v *view) vacant() *gorm.DB {
	tx := v.tx.System("state of rooms in scope")
	dwellings := within(tx.Q(&model.Room{}), v.area).Select("id").Not(map[string]any{"use": model.Business})
	return tx.Q(&model.Visit{}).Select("room_id").Where("outcome = 'vacant' AND room_id IN (?)", dwellings).
		Where("NOT EXISTS (SELECT 1 FROM visits w WHERE w.room_id = visits.room_id AND w.at > visits.at " +
			"AND w.outcome IN ('met','moved','wrong_info'))").
		Where("NOT EXISTS (SELECT 1 FROM records r WHERE r.room_id = visits.room_id AND r.verified_at >= visits.at)").
		Group("room_id").
		Having("COUNT(*) >= 2 AND MAX(at) >= (SELECT MAX(w.at) FROM visits w WHERE w.room_id = visits.room_id)")
}
