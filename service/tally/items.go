package tally

import (
	"cmp"
	"slices"
	"strconv"

	"sixelements/model"
	"sixelements/model/store"
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

// figures begins to count by a grouping.
func (v *view) figures(by By, key func(store.Cell) string, door func(area string, building model.ID) string) *figures {
	if !v.dept.IsZero() { // it has no register, and no rooms
		door = nil
	}
	return &figures{view: v, by: by, key: key, door: door, now: v.tx.Now()}
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
	below, err := v.childAreas()
	if err != nil {
		return nil, err
	}
	place := func(area string) string {
		if len(area) >= v.below && v.children[area[:v.below]] != nil {
			return area[:v.below]
		}
		return v.area
	}
	f := v.figures(ByArea, func(c store.Cell) string { return place(c.Area) }, func(area string, _ model.ID) string { return place(area) })
	for _, a := range below {
		f.rows.row(a.Code, a.Name)
	}
	f.rows.row(v.area, cmp.Or(v.name, "其他"))
	if err := f.count(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(f.rows.list(), func(i Item) bool {
		a := v.children[i.Key]
		closed := a == nil || v.part() || a.ValidTo != 0 && a.ValidTo <= v.tx.Now()
		return closed && i.nothing()
	}), nil
}

// nothing tells whether there is nothing to tell.
func (i Item) nothing() bool { return i.Counts == Counts{} && i.Rooms == 0 }

// childAreas are the areas one level down. Everywhere's are the highest areas there are.
func (v *view) childAreas() (below []model.Area, err error) {
	if v.area != "" {
		v.below = len(v.area) + 3
		q := v.tx.Q(&model.Area{}).Select("code", "name", "valid_to").Where("parent = ?", v.area)
		err = q.Order("code").Find(&below).Error
	} else {
		below, v.below, err = highest(v.tx)
	}
	if err != nil {
		return nil, err
	}
	v.children = make(map[string]*model.Area, len(below))
	for i := range below {
		v.children[below[i].Code] = &below[i]
	}
	return below, nil
}

// highest are the areas of the highest level there is, with the length of their codes. Each is found behind all that lies in the one
// before, without a look at that.
func highest(tx *store.Tx) (list []model.Area, length int, err error) {
	length = len("410102")
	for after := ""; ; {
		var next []model.Area
		q := tx.Q(&model.Area{}).Select("code", "name", "valid_to").Where("code >= ?", after)
		if err := q.Order("code").Limit(1).Find(&next).Error; err != nil {
			return nil, 0, err
		}
		if len(next) == 0 {
			break
		}
		list = append(list, next[0])
		after = next[0].Code + ":" // ':' follows '9'
	}
	if len(list) > 0 {
		length = len(slices.MinFunc(list, func(a, b model.Area) int { return cmp.Compare(len(a.Code), len(b.Code)) }).Code)
	}
	return slices.DeleteFunc(list, func(a model.Area) bool { return len(a.Code) > length }), length, nil
}

// everywhere is the row of all rooms, where every row has those of the whole area.
func everywhere(string, model.ID) string { return "" }

func (v *view) byKind() ([]Item, error) {
	f := v.figures(ByKind, func(c store.Cell) string { return string(c.Kind) }, everywhere)
	for _, k := range model.Kinds() {
		f.rows.row(string(k.Kind), k.Label)
	}
	return f.withAllRooms(len(model.Kinds()))
}

func (v *view) byStatus() ([]Item, error) {
	f := v.figures(ByStatus, func(c store.Cell) string { return string(c.Status) }, everywhere)
	for _, s := range model.Statuses() {
		f.rows.row(string(s), s.Label())
	}
	return f.withAllRooms(len(model.Statuses()))
}

// withAllRooms counts, and gives each of the first n rows the rooms of the whole area.
func (f *figures) withAllRooms(n int) ([]Item, error) {
	all := f.rows.row("", "")
	if err := f.count(); err != nil {
		return nil, err
	}
	items := f.rows.list()[:n]
	for i := range items {
		items[i].Rooms, items[i].Covered = all.Rooms, all.Covered
	}
	return items, nil
}

// nowhere is the key of the row for records that lie in no building.
const nowhere = "none"

func (v *view) byBuilding() ([]Item, error) {
	house := func(_ string, id model.ID) string { return cmp.Or(id.String(), nowhere) }
	f := v.figures(ByBuilding, func(c store.Cell) string { return house(c.Area, c.Building) }, house)
	if err := f.count(); err != nil {
		return nil, err
	}
	var ids []model.ID
	for _, key := range f.rows.keys {
		if i := f.rows.at[key]; key == nowhere {
			i.Label = "不在楼栋里"
		} else if !i.nothing() {
			id, err := model.ParseID(key)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
	}
	if err := v.nameBuildings(&f.rows, ids); err != nil {
		return nil, err
	}
	items := slices.DeleteFunc(f.rows.list(), Item.nothing)
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(len(b.Key), len(a.Key)), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Key, b.Key)) // nowhere last
	})
	return items, nil
}

func (v *view) nameBuildings(r *rows, ids []model.ID) error {
	const atOnce = 500
	for part := range slices.Chunk(ids, atOnce) {
		var names []model.Building
		if err := v.tx.Q(&model.Building{}).Select("id", "name").Where("id IN ?", part).Find(&names).Error; err != nil {
			return err
		}
		for _, b := range names {
			r.at[b.ID.String()].Label = b.Name
		}
	}
	return nil
}

// maxDays is how many days a tally has at most.
const maxDays = 366

func (v *view) byDay() ([]Item, error) {
	f := v.figures(ByDay, func(c store.Cell) string { return strconv.FormatInt(c.Day, 10) }, nil)
	if err := f.count(); err != nil {
		return nil, err
	}
	items := slices.DeleteFunc(f.rows.list(), Item.nothing)
	for i := range items {
		day, err := strconv.ParseInt(items[i].Key, 10, 64)
		if err != nil {
			return nil, err
		}
		items[i].Key = string(model.Time(day*millisPerDay - beijingMillis).Date())
		items[i].Label = items[i].Key
	}
	slices.SortFunc(items, func(a, b Item) int { return cmp.Compare(b.Key, a.Key) })
	return items[:min(len(items), maxDays)], nil
}

func (v *view) byCollector() ([]Item, error) {
	f := v.figures(ByCollector, func(c store.Cell) string { return c.By.String() }, nil)
	if err := f.count(); err != nil {
		return nil, err
	}
	items := slices.DeleteFunc(f.rows.list(), Item.nothing)
	for i := range items {
		for name, n := range f.names[items[i].Key] {
			if n > 0 {
				items[i].Label = max(items[i].Label, name)
			}
		}
	}
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(b.Counts.Total(), a.Counts.Total()), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Key, b.Key))
	})
	return items, nil
}
