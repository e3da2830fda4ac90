package tally

import (
	"cmp"
	"slices"
	"strconv"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// This file is the measure: the same answers by grouped statements over the rows themselves, as they were given before anything was
// folded. It knows nothing of deltas, parts or judged rooms.

// oracle is what an actor may count of an area.
type oracle struct {
	tx   *store.Tx // by whom it is counted: the program for an area that lies in the actor's scope as a whole
	area string
	name string
	kind model.Kind
	dept model.ID
	part bool
}

// told are the items of a query by the measure.
func told(tx *store.Tx, q Query) ([]Item, error) {
	v, err := look(tx, q)
	if err != nil {
		return nil, err
	}
	o := &oracle{tx: v.tx, area: v.area, name: v.name, kind: v.kind, dept: v.dept, part: v.part()}
	if o.part {
		o.tx = tx
	}
	return o.items(q.By)
}

// toldHomes is the number of households with live persons in an area by the measure.
func toldHomes(tx *store.Tx, area string) (n int64, err error) {
	live := []model.Status{model.Submitted, model.Verified, model.Returned}
	q := within(tx.Q(&model.Record{}), area).Where("kind = ? AND status IN ?", model.KindPerson, live)
	return n, q.Distinct("household_id").Count(&n).Error
}

// cell is a number under a key and a state; an empty key is NULL.
type cell struct {
	K []byte // the key as the database gives it: a code, 16 bytes of an id, or digits
	S model.Status
	L string // a name beside the key
	N int64
}

// records are those that the view counts.
func (v *oracle) records() *gorm.DB {
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

// byArea is the key of the area one level down, by the length of its code; what lies on the area itself has a shorter code.
func byArea(length int) string { return "SUBSTR(area_code, 1, " + strconv.Itoa(length) + ")" }

// byDay is the first millisecond of the day of submission, as if Beijing were UTC: integers only, the same in both databases.
func byDay() string {
	at := "(submitted_at + " + strconv.FormatInt(beijingMillis, 10) + ")"
	return at + " - " + at + " % " + strconv.FormatInt(millisPerDay, 10)
}

// counts are the numbers of records per key and state, in the keys' order.
func (v *oracle) counts(key string) (cells []cell, err error) {
	err = v.records().Select(key + " AS k, status AS s, COUNT(*) AS n").Group("k, s").Order("k").Find(&cells).Error
	return cells, err
}

func (v *oracle) days() (cells []cell, err error) {
	err = v.records().Select(byDay() + " AS k, status AS s, COUNT(*) AS n").Group("k, s").Order("k DESC").
		Limit(maxDays * len(model.Statuses())).Find(&cells).Error
	return cells, err
}

func (v *oracle) verifiers() (cells []cell, err error) {
	err = v.records().Where("verified_by IS NOT NULL").
		Select("verified_by AS k, status AS s, MAX(verified_name) AS l, COUNT(*) AS n").Group("k, s").Find(&cells).Error
	return cells, err
}

// rooms are the numbers of rooms per key, and of those that are covered.
func (v *oracle) rooms(key string) (all, covered []cell, err error) {
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
func (v *oracle) doors() *gorm.DB {
	return within(v.tx.Q(&model.Room{}), v.area).Not(map[string]any{"use": model.RoomEmpty})
}

// covered limits rooms to the covered ones (domain.md, room states; service/grid judges single rooms by the same rule): what is
// known of the room is verified, or amended by its residents after it was, and not overdue by more than 30 days; nothing new
// awaits verification; or nobody is known there and it was found vacant twice.
func (v *oracle) covered(q *gorm.DB) *gorm.DB {
	lapsed := v.tx.Now().Add(-grace)
	return q.Where("id NOT IN (?)", v.inRooms("status = ? AND ever_verified = ?", model.Submitted, false)).
		Where("id NOT IN (?)", v.inRooms("(status = ? AND kind IN ? OR status = ? AND ever_verified = ?) AND due_at < ?",
			model.Verified, registers(), model.Submitted, true, lapsed)).
		Where("(id IN (?) OR id IN (?))", v.inRooms("(status = ? AND kind IN ? OR status = ? AND ever_verified = ?)",
			model.Verified, registers(), model.Submitted, true), v.vacant())
}

// inRooms are the rooms of the records that match. Whatever the scope, a room is judged by all its records: the numbers alone get out.
// Also by those that say to lie elsewhere, as one does that came while its building was moved (MariaDB).
func (v *oracle) inRooms(where string, args ...any) *gorm.DB {
	return v.tx.System("state of rooms in scope").Q(&model.Record{}).Select("room_id").
		Where("room_id IS NOT NULL").Where(where, args...)
}

// vacant are the dwellings whose last visit found them vacant, as did one before it, with no sign of life between or since: who
// was met, moved away or was named wrongly begins the count anew, and so does a verification.
func (v *oracle) vacant() *gorm.DB {
	tx := v.tx.System("state of rooms in scope")
	dwellings := within(tx.Q(&model.Room{}), v.area).Select("id").Not(map[string]any{"use": model.Business})
	return tx.Q(&model.Visit{}).Select("room_id").Where("outcome = 'vacant' AND room_id IN (?)", dwellings).
		Where("NOT EXISTS (SELECT 1 FROM visits w WHERE w.room_id = visits.room_id AND w.at > visits.at " +
			"AND w.outcome IN ('met','moved','wrong_info'))").
		Where("NOT EXISTS (SELECT 1 FROM records r WHERE r.room_id = visits.room_id AND r.verified_at >= visits.at)").
		Group("room_id").
		Having("COUNT(*) >= 2 AND MAX(at) >= (SELECT MAX(w.at) FROM visits w WHERE w.room_id = visits.room_id)")
}

// items are the rows of the view by the grouping.
func (v *oracle) items(by By) ([]Item, error) {
	switch by {
	case ByKind:
		return v.byKind()
	case ByStatus:
		return v.byStatus()
	case ByBuilding:
		return v.byBuilding()
	case ByDay:
		return v.byDay()
	case ByCollector:
		return v.byCollector()
	}
	return v.byArea()
}

// byArea: one row for every area one level down, and one, keyed by the area itself, for what lies on no such area.
func (v *oracle) byArea() ([]Item, error) {
	below, length, err := v.children()
	if err != nil {
		return nil, err
	}
	var r rows
	for _, a := range below {
		r.row(a.Code, a.Name)
	}
	find := func(key []byte) *Item {
		if i, ok := r.at[string(key)]; ok {
			return i
		}
		return r.row(v.area, cmp.Or(v.name, "其他"))
	}
	cells, err := v.counts(byArea(length))
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		find(c.K).Counts.add(c.S, c.N)
	}
	all, covered, err := v.rooms(byArea(length))
	for _, c := range all {
		find(c.K).Rooms += c.N
	}
	for _, c := range covered {
		find(c.K).Covered += c.N
	}
	closed := map[string]bool{}
	for _, a := range below {
		closed[a.Code] = v.part || !v.dept.IsZero() || a.ValidTo != 0 && a.ValidTo <= v.tx.Now()
	}
	return slices.DeleteFunc(r.list(), func(i Item) bool {
		return closed[i.Key] && i.Counts == Counts{} && i.Rooms == 0
	}), err
}

// children are the areas one level down, with the length of their codes. Everywhere's are the highest areas there are.
func (v *oracle) children() (below []model.Area, length int, err error) {
	q := v.tx.System("names of areas").Q(&model.Area{}).Select("code", "name", "valid_to").Order("code")
	if v.area != "" {
		length = len(v.area) + 3
		return below, length, q.Where("parent = ?", v.area).Find(&below).Error
	}
	err = v.tx.System("names of areas").Q(&model.Area{}).Select("COALESCE(MIN(LENGTH(code)), 6)").Scan(&length).Error
	if err != nil {
		return nil, 0, err
	}
	return below, length, q.Where("LENGTH(code) = ?", length).Find(&below).Error
}

func (v *oracle) byKind() ([]Item, error) {
	var r rows
	for _, k := range model.Kinds() {
		r.row(string(k.Kind), k.Label)
	}
	cells, err := v.counts("kind")
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		if i, ok := r.at[string(c.K)]; ok {
			i.Counts.add(c.S, c.N)
		}
	}
	return v.withAllRooms(r.list())
}

func (v *oracle) byStatus() ([]Item, error) {
	var r rows
	for _, s := range model.Statuses() {
		r.row(string(s), s.Label())
	}
	cells, err := v.counts("status")
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		if i, ok := r.at[string(c.S)]; ok {
			i.Counts.add(c.S, c.N)
		}
	}
	return v.withAllRooms(r.list())
}

// withAllRooms gives every row the rooms of the whole area.
func (v *oracle) withAllRooms(items []Item) ([]Item, error) {
	all, covered, err := v.rooms("''")
	for i := range items {
		for _, c := range all {
			items[i].Rooms += c.N
		}
		for _, c := range covered {
			items[i].Covered += c.N
		}
	}
	return items, err
}

func (v *oracle) byBuilding() ([]Item, error) {
	var r rows
	var ids []model.ID
	find := func(key []byte) *Item {
		var id model.ID
		if err := id.Scan(key); err != nil || id.IsZero() {
			return r.row(nowhere, "不在楼栋里")
		}
		if r.at[id.String()] == nil {
			ids = append(ids, id)
		}
		return r.row(id.String(), "")
	}
	cells, err := v.counts("building_id")
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		find(nilIfEmpty(c.K)).Counts.add(c.S, c.N)
	}
	all, covered, err := v.rooms("building_id")
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		find(c.K).Rooms += c.N
	}
	for _, c := range covered {
		find(c.K).Covered += c.N
	}
	if err := v.nameBuildings(&r, ids); err != nil {
		return nil, err
	}
	items := r.list()
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(len(b.Key), len(a.Key)), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Key, b.Key)) // nowhere last
	})
	return items, nil
}

// nilIfEmpty is NULL for what was read from NULL.
func nilIfEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func (v *oracle) nameBuildings(r *rows, ids []model.ID) error {
	const atOnce = 500
	for part := range slices.Chunk(ids, atOnce) {
		var names []model.Building
		q := v.tx.System("names of buildings in scope").Q(&model.Building{})
		if err := q.Select("id", "name").Where("id IN ?", part).Find(&names).Error; err != nil {
			return err
		}
		for _, b := range names {
			r.at[b.ID.String()].Label = b.Name
		}
	}
	return nil
}

func (v *oracle) byDay() ([]Item, error) {
	cells, err := v.days()
	if err != nil {
		return nil, err
	}
	var r rows
	for _, c := range cells {
		ms, err := strconv.ParseInt(string(c.K), 10, 64)
		if err != nil {
			return nil, err
		}
		date := string(model.Time(ms - beijingMillis).Date())
		if r.at[date] == nil && len(r.keys) == maxDays {
			break
		}
		r.row(date, date).Counts.add(c.S, c.N)
	}
	return r.list(), nil
}

func (v *oracle) byCollector() ([]Item, error) {
	cells, err := v.verifiers()
	if err != nil {
		return nil, err
	}
	var r rows
	for _, c := range cells {
		var id model.ID
		if err := id.Scan(c.K); err != nil {
			return nil, err
		}
		i := r.row(id.String(), c.L)
		i.Label = max(i.Label, c.L)
		i.Counts.add(c.S, c.N)
	}
	items := r.list()
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(b.Counts.Total(), a.Counts.Total()), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Key, b.Key))
	})
	return items, nil
}
