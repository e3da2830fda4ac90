package tally

import (
	"slices"
	"strings"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// figures are the numbers of a view by one grouping. Whatever they come from, folded parts, what waits to be folded or the rows
// themselves, comes through add and addRoom.
type figures struct {
	view  *view
	by    By
	key   func(store.Cell) string // the row in which a record counts
	door  func(area string, building model.ID) string
	rows  rows
	now   model.Time
	names map[string]map[string]int64 // of verifiers, with how many records carry them
}

// add counts records, or rooms by the half day in which their coverage lapses; those that lapse in this one do not count as covered.
func (f *figures) add(c store.Cell, n int64) {
	switch {
	case c.Kind == "":
		f.rooms(c.Area, c.Building, n, c.Lapse > spanOf(f.now))
	case f.view.kind == "" || f.view.kind == c.Kind:
		if f.by == ByCollector && c.By.IsZero() {
			return
		}
		key := f.key(c)
		f.rows.row(key, "").Counts.add(c.Status, n)
		if f.by == ByCollector {
			f.name(key, c.Name, n)
		}
	}
}

func (f *figures) addRoom(r *model.TallyRoom, n int64) {
	f.rooms(r.AreaCode, r.BuildingID, n, r.CoveredUntil >= f.now)
}

func (f *figures) rooms(area string, building model.ID, n int64, covered bool) {
	if f.door == nil {
		return
	}
	i := f.rows.row(f.door(area, building), "")
	i.Rooms += n
	if covered {
		i.Covered += n
	}
}

func (f *figures) name(key, name string, n int64) {
	if f.names == nil {
		f.names = map[string]map[string]int64{}
	}
	if f.names[key] == nil {
		f.names[key] = map[string]int64{}
	}
	f.names[key][name] += n
}

// count counts all that the view holds.
func (f *figures) count() error {
	v := f.view
	if !v.dept.IsZero() {
		mine := v.tx.Q(&model.Dispatched{}).Select("record_id").Where("account_id = ?", v.dept)
		return f.records(v.tx.Q(&model.Record{}).Where("kind = ? AND id IN (?)", model.KindEvent, mine), nil)
	}
	if v.part() {
		if err := f.mine(); err != nil || len(v.areas) == 0 {
			return err
		}
	}
	d, err := begin(v.tx)
	if err != nil {
		return err
	}
	if !d.made() {
		return f.unmade()
	}
	if err := f.parts(); err != nil {
		return err
	}
	return f.tail()
}

// records counts rows themselves, as far as they are wanted. Those outside the view's area are left out here, so that no statement is
// tempted to walk through an area to find what belongs to one building or account.
func (f *figures) records(q *gorm.DB, wanted func(group) bool) error {
	groups, err := live(q)
	for _, g := range groups {
		if strings.HasPrefix(g.AreaCode, f.view.area) && (wanted == nil || wanted(g)) {
			f.add(g.cell(), g.N)
		}
	}
	return err
}

// mine counts what the actor sees of the view's area for other reasons than an area in scope: posts to buildings and units, and
// records of their own.
func (f *figures) mine() error {
	v := f.view
	posted := func(building model.ID, unit string) bool {
		return slices.ContainsFunc(v.scope.Posts, func(p model.Post) bool {
			return p.Building == building && (p.Unit == "" || p.Unit == unit)
		})
	}
	here := func(g group) bool { return !v.holds(g.AreaCode) && posted(g.BuildingID, g.Unit) }
	own := func(g group) bool { return !v.holds(g.AreaCode) && !posted(g.BuildingID, g.Unit) }
	at := houses(v.scope.Posts)
	err := f.records(v.tx.Q(&model.Record{}).Where("building_id IN ?", at), here)
	if err == nil && v.scope.Dispatch.IsZero() {
		err = f.records(v.tx.Q(&model.Record{}).Where("submitter_id = ?", v.scope.Own), own)
	} else if err == nil { // a department's, too: rare enough for a walk
		err = f.records(within(v.mine.Q(&model.Record{}), v.area), own)
	}
	if err != nil || f.door == nil {
		return err
	}
	var rooms []model.Room
	if err := v.tx.Q(&model.Room{}).Where("building_id IN ?", at).Find(&rooms).Error; err != nil {
		return err
	}
	return f.judge(slices.DeleteFunc(rooms, func(r model.Room) bool {
		return v.holds(r.AreaCode) || !posted(r.BuildingID, r.Unit) || !strings.HasPrefix(r.AreaCode, v.area)
	}))
}

func (f *figures) judge(rooms []model.Room) error {
	now, err := judged(f.view.tx, rooms)
	for _, r := range now {
		f.addRoom(r, 1)
	}
	return err
}

// unmade counts the view's areas from the rows themselves, as long as there are no folded numbers: after an upgrade or a restore.
func (f *figures) unmade() error {
	for _, area := range f.view.areas {
		err := f.records(within(f.view.tx.Q(&model.Record{}), area), nil)
		if err != nil || f.door == nil {
			return err
		}
		var rooms []model.Room
		if err := within(f.view.tx.Q(&model.Room{}), area).Find(&rooms).Error; err != nil {
			return err
		}
		if err := f.judge(rooms); err != nil {
			return err
		}
	}
	return nil
}

// parts counts what is folded.
func (f *figures) parts() error {
	for _, area := range f.view.areas {
		if err := f.areaParts(area); err != nil {
			return err
		}
		if f.door != nil {
			if err := f.thisSpan(area); err != nil {
				return err
			}
		}
	}
	return nil
}

// between is a range of parts; to is left out.
type between struct{ from, to string }

// beneath are the parts whose ids go on with digits after this.
func beneath(id string) between { return between{id, id + ":"} }

// only is one part. MySQL compares texts as if spaces followed, so that the next id begins with what comes after a space.
func only(id string) between { return between{id, id + "!"} }

func (f *figures) areaParts(area string) error {
	switch {
	case f.by == ByDay:
		id := areaPart(days, area) + "/"
		return f.read(beneath(id), f.add)
	case f.by == ByCollector && len(area) > verifierBlock:
		return f.read(only(areaPart(verifiers, area)), f.add)
	case f.by == ByCollector:
		return f.read(beneath(blockPart(verifiers, area, verifierBlock)), f.add)
	case f.by == ByBuilding:
		at := beneath(blockPart(buildings, area, buildingBlock))
		return f.read(at, func(c store.Cell, n int64) {
			if strings.HasPrefix(c.Area, area) {
				f.add(c, n)
			}
		})
	case f.by == ByArea && area == f.view.area:
		return f.children(area)
	}
	return f.read(only(areaPart(states, area)), f.in(area, 1))
}

// in adds numbers of a part that does not say of which area they are.
func (f *figures) in(area string, times int64) func(store.Cell, int64) {
	return func(c store.Cell, n int64) {
		c.Area = area
		f.add(c, n*times)
	}
}

// children counts the areas one level down, and in the area itself what lies on none of them.
func (f *figures) children(area string) error {
	if err := f.read(only(areaPart(states, area)), f.in(area, 1)); err != nil {
		return err
	}
	at := areaPart(states, strings.Repeat("0", f.view.below))
	prefix := at[:len(at)-f.view.below]
	return f.readParts(beneath(prefix+area), func(id string) func(store.Cell, int64) {
		child := id[len(prefix):]
		if f.view.children[child] == nil {
			return func(store.Cell, int64) {}
		}
		add, take := f.in(child, 1), f.in(area, -1)
		return func(c store.Cell, n int64) { add(c, n); take(c, n) }
	})
}

func (f *figures) read(at between, add func(store.Cell, int64)) error {
	return f.readParts(at, func(string) func(store.Cell, int64) { return add })
}

func (f *figures) readParts(at between, adder func(id string) func(store.Cell, int64)) error {
	var parts []model.TallyPart
	q := f.view.tx.Q(&model.TallyPart{}).Where("id >= ? AND id < ?", at.from, at.to).Order("id DESC")
	if err := q.Find(&parts).Error; err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := store.DecodeCells(p.Cells, adder(p.ID)); err != nil {
			return err
		}
	}
	return nil
}

// thisSpan counts as covered the rooms whose coverage lapses later in this half day: all others the parts tell apart. They are few in the
// whole database; the area is asked for in a way that tempts no planner to walk through all of its rooms instead.
func (f *figures) thisSpan(area string) error {
	var list []struct {
		AreaCode   string
		BuildingID model.ID
		N          int64
	}
	q := f.view.tx.Q(&model.TallyRoom{}).Where("covered_until >= ? AND covered_until < ?", f.now, (spanOf(f.now)+1)*millisPerSpan).
		Where("SUBSTR(area_code, 1, ?) = ?", len(area), area)
	err := q.Select("area_code, building_id, COUNT(*) AS n").Group("area_code, building_id").Find(&list).Error
	for _, g := range list {
		f.rows.row(f.door(g.AreaCode, g.BuildingID), "").Covered += g.N
	}
	return err
}

// tail counts what waits to be folded.
func (f *figures) tail() error {
	v := f.view
	tail, err := readTail(v.tx, 0, false)
	if err != nil {
		return err
	}
	for c, n := range tail.cells {
		if v.holds(c.Area) {
			f.add(c, n)
		}
	}
	if f.door == nil || len(tail.touched.Rooms) == 0 {
		return nil
	}
	was, is, err := roomsOf(v.tx, tail.touched.Rooms)
	for _, r := range was {
		if v.holds(r.AreaCode) {
			f.addRoom(r, -1)
		}
	}
	for _, r := range is {
		if v.holds(r.AreaCode) {
			f.addRoom(r, 1)
		}
	}
	return err
}
