package store

import (
	"slices"

	"gorm.io/gorm"

	"sixelements/model"
)

// walk is a way through an index on which a list finds some of its records.
type walk struct {
	index string
	at    map[string]any // the columns with which the index begins
	only  []arm          // the reasons for which it finds them
	// sorts says that the index does not hold them in the list's order: they are few, all are read, and the first are kept.
	sorts bool
}

// plan chooses the ways. What names a person, a household or a room finds a handful; so does most of the names in a street's index of
// titles. Everything else is walked in the list's order.
func (l *listing) plan() ([]walk, error) {
	f, list := l.f, l.arms()
	if len(list) == 0 || f.DueBefore != 0 && len(f.statuses()) == 0 {
		return nil, nil
	}
	var anchors []walk
	for _, a := range []struct {
		index, col string
		is         any
		asked      bool
	}{
		{"records_subject", "subject_index", f.Numbers, len(f.Numbers) > 0},
		{"records_phone", "phone_index", f.Phones, len(f.Phones) > 0},
	} {
		if a.asked {
			anchors = append(anchors, walk{index: a.index, at: map[string]any{a.col: a.is}, only: list, sorts: true})
		}
	}
	switch {
	case len(anchors) > 0:
	case !f.Household.IsZero():
		anchors = []walk{{index: "records_household", at: map[string]any{"household_id": f.Household}, only: list, sorts: true}}
	case !f.Room.IsZero():
		anchors = []walk{{index: "records_room", at: map[string]any{"room_id": f.Room}, only: list, sorts: true}}
	case !f.Building.IsZero():
		return []walk{{index: "records_building", at: map[string]any{"building_id": f.Building}, only: list}}, nil
	}
	if ok, err := l.few(anchors); ok || err != nil {
		return anchors, err
	}
	return l.ways(list)
}

// few tells whether walks that sort have little to look at.
func (l *listing) few(walks []walk) (bool, error) {
	for _, w := range walks {
		var over []model.ID
		q := l.entries(w)
		if w.index == "records_title" {
			q = q.Where("title >= ? AND title < ?", l.f.Title, l.f.Title+last)
		}
		most := l.tx.db.o.Look / max(1, l.cost(w)) / len(walks)
		if err := q.Offset(most).Limit(1).Pluck("id", &over).Error; err != nil || len(over) > 0 {
			return false, err
		}
	}
	return len(walks) > 0, nil
}

// ways are the walks of each reason by itself. Areas share one way through the titles where that is short.
func (l *listing) ways(list []arm) (out []walk, err error) {
	var areas []arm
	for _, a := range list {
		switch {
		case !a.building.IsZero():
			out = append(out, walk{index: "records_building", at: map[string]any{"building_id": a.building}, only: []arm{a}})
		case !a.own.IsZero():
			out = append(out, walk{index: "records_submitter", at: map[string]any{"submitter_id": a.own}, only: []arm{a}})
		case !a.dispatch.IsZero():
			for through := range throughs {
				out = append(out, walk{index: l.tx.db.primary("records"), only: []arm{{dispatch: a.dispatch, through: through}}, sorts: true})
			}
		default:
			areas = append(areas, a)
		}
	}
	if l.f.Title != "" && len(areas) > 0 {
		streets, err := l.streets(areas)
		if err != nil || len(streets) == 0 {
			return out, err
		}
		titles := walk{index: "records_title", at: map[string]any{"street": streets}, only: areas, sorts: true}
		if ok, err := l.few([]walk{titles}); ok || err != nil {
			return append(out, titles), err
		}
	}
	for _, a := range areas {
		more, err := l.area(a)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// area are the walks of an area, one per state: through its community or its street; what is larger than a street is its streets.
func (l *listing) area(a arm) (out []walk, err error) {
	index, col := "records_status", ""
	keys := []string{""}
	switch n := len(a.area); {
	case n >= 12:
		index, col, keys = "records_community", "community", []string{a.area[:12]}
	case n >= 9:
		index, col, keys = "records_street", "street", []string{a.area[:9]}
	case n > 0:
		index, col = "records_street", "street"
		if keys, err = l.streets([]arm{a}); err != nil {
			return nil, err
		}
	}
	for _, k := range keys {
		only := a
		if len(k) > len(a.area) {
			only = arm{area: k}
		}
		for _, s := range l.f.statuses() {
			w := walk{index: index, at: map[string]any{"status": s}, only: []arm{only}}
			if col != "" {
				w.at[col] = k
			}
			out = append(out, w)
		}
	}
	return out, nil
}

// streets are those of the areas in which there are records, with "" for what lies on no street.
func (l *listing) streets(areas []arm) ([]string, error) {
	var out []string
	for _, a := range areas {
		if len(a.area) >= 9 {
			out = append(out, a.area[:9])
			continue
		}
		some, err := l.tx.distinct(&model.Record{}, "records_street", "street", a.area)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// distinct are the codes in a column that begin with the prefix, and "" if there is one: one step into the index for each.
func (tx *Tx) distinct(m any, index, col, prefix string) (out []string, err error) {
	where, args := col+" = ?", []any{""}
	for at := prefix; ; {
		var next []string
		q := tx.System("the codes in use").Q(m).Clauses(by{tx.db.o.Dialect, index}).Where(where, args...)
		if err := q.Order(col).Limit(1).Pluck(col, &next).Error; err != nil {
			return nil, err
		}
		out = append(out, next...)
		if len(next) > 0 {
			at = max(at, next[0])
		} else if len(args) > 1 {
			return out, nil
		}
		where, args = col+" > ? AND "+col+" < ?", []any{at, prefix + ":"} // ':' follows '9'
	}
}

// statuses are those the list may hold, the one that most records have last.
func (f Filter) statuses() (list []model.Status) {
	for _, s := range model.Statuses() {
		if s != model.Verified && f.DueBefore == 0 && (len(f.Statuses) == 0 || slices.Contains(f.Statuses, s)) {
			list = append(list, s)
		}
	}
	if len(f.Statuses) == 0 || slices.Contains(f.Statuses, model.Verified) {
		list = append(list, model.Verified)
	}
	return list
}

// cost is what a step of the walk costs: nothing when it finds only what the list shows, an entry when the index itself holds what is
// filtered by, more when the row does.
func (l *listing) cost(w walk) int {
	f := l.f
	inRow := !f.Building.IsZero() && w.index != "records_building" || f.RoomText != "" || len(f.Numbers)+len(f.Phones) > 0 ||
		!f.Household.IsZero() || !f.Room.IsZero() || f.Title != "" && w.index != "records_title"
	inEntry := len(f.Kinds) > 0 || len(f.Stages) > 0 || f.DueBefore != 0
	one := w.only[0]
	switch w.index {
	case "records_status":
	case "records_community":
		inEntry = inEntry || len(one.area) > 12
	case "records_street":
		inRow = inRow || len(one.area) != 9
	default:
		plain := len(w.only) == 1 && (one.all || one.area == "" && one.unit == "" && f.Area == "")
		inRow = inRow || inEntry || len(f.Statuses) > 0 || w.index == "records_title" && len(one.area) > 9 || !plain
	}
	switch {
	case inRow:
		return rowCost
	case inEntry || w.sorts:
		return 1
	}
	return 0
}

// scan reads the places of the walk's records.
func (l *listing) scan(w walk) scan {
	cost := l.cost(w)
	if w.sorts {
		cost = 0
	}
	return scan{entries: func() *gorm.DB { return l.entries(w) }, col: "submitted_at", after: l.f.After, ascending: l.f.Ascending,
		limit: l.f.Limit, cost: cost,
		rows: func() *gorm.DB { return l.f.apply(l.along(w)).Select("id", "submitted_at") }}
}

// entries are all that the walk comes by, before anything is filtered.
func (l *listing) entries(w walk) *gorm.DB {
	q := l.tx.System("how far a walk goes").Q(&model.Record{}).Clauses(by{l.tx.db.o.Dialect, w.index}).Where(w.at)
	return l.f.period(q)
}
