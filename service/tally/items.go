package tally

import (
	"cmp"
	"slices"
	"strconv"

	"sixelements/model"
)

// items are the rows of the view by the grouping.
func (v *view) items(by By) ([]Item, error) {
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

// rows are items in the making, in the order in which their keys came.
type rows struct {
	keys []string
	at   map[string]*Item
}

func (r *rows) row(key, label string) *Item {
	if r.at == nil {
		r.at = map[string]*Item{}
	}
	if r.at[key] == nil {
		r.keys = append(r.keys, key)
		r.at[key] = &Item{Key: key, Label: label}
	}
	return r.at[key]
}

func (r *rows) list() []Item {
	out := make([]Item, len(r.keys))
	for i, k := range r.keys {
		out[i] = *r.at[k]
	}
	return out
}

// byArea: one row for every area one level down, and one, keyed by the area itself, for what lies on no such area.
func (v *view) byArea() ([]Item, error) {
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
func (v *view) children() (below []model.Area, length int, err error) {
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

func (v *view) byKind() ([]Item, error) {
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

func (v *view) byStatus() ([]Item, error) {
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
func (v *view) withAllRooms(items []Item) ([]Item, error) {
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

// nowhere is the key of the row for records that lie in no building.
const nowhere = "none"

func (v *view) byBuilding() ([]Item, error) {
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

func (v *view) nameBuildings(r *rows, ids []model.ID) error {
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

func (v *view) byDay() ([]Item, error) {
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
		date := string(model.Time(ms - beijing).Date())
		if r.at[date] == nil && len(r.keys) == maxDays {
			break
		}
		r.row(date, date).Counts.add(c.S, c.N)
	}
	return r.list(), nil
}

func (v *view) byCollector() ([]Item, error) {
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
