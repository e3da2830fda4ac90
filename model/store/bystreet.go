package store

import (
	"slices"
	"strings"

	"gorm.io/gorm"

	"sixelements/model"
)

// ByStreet says how the lists of a table run: the time column, the index (Col, id), that on (street, Col, id) where rows know their
// street and, where an account's own rows are in its scope too, the one on its column.
type ByStreet struct {
	Col, All, Street string
	Own, OwnCol      string
}

// Listed is what a page is to hold.
type Listed struct {
	Area   string                  // "" for all in scope
	Of     model.ID                // rows of this account alone, by OwnCol
	Narrow func(*gorm.DB) *gorm.DB // nil for none
	After  Cursor
	Limit  int
}

// PageByStreet is a page of the table's rows in scope, newest first, and the place behind it, zero on the last. Each street that the
// actor sees something of is walked by itself; a page that would look at too much ends short, as Records does.
func PageByStreet[T any](tx *Tx, b ByStreet, l Listed, at func(*T) Cursor) (rows []*T, end Cursor, err error) {
	out := found[T]{at: at}
	ways, err := b.ways(tx, new(T), l)
	if err != nil {
		return nil, end, err
	}
	var scans []scan
	for _, w := range ways {
		s := scan{col: b.Col, after: l.After, limit: l.Limit, cost: rowCost,
			entries: func() *gorm.DB { return tx.System("how far a list goes").Along(w.index, new(T)).Where(w.at) },
			rows:    func() *gorm.DB { return l.apply(tx.Along(w.index, new(T)).Where(w.at)) }}
		if w.index == b.All && l.Narrow == nil {
			s.cost = 0
		}
		scans = append(scans, s)
	}
	if err := out.read(scans, tx.db.o.Look); err != nil {
		return nil, end, err
	}
	rows, end = out.page(l.Limit, false)
	return rows, end, nil
}

// Along is Q along an index: for lists whose index the engine's counts must not choose.
func (tx *Tx) Along(index string, m any) *gorm.DB { return tx.Q(m).Clauses(by{tx.db.o.Dialect, index}) }

func (l Listed) apply(q *gorm.DB) *gorm.DB {
	if l.Area != "" {
		q = q.Where(current.between("area_code", l.Area))
	}
	if l.Narrow != nil {
		q = l.Narrow(q)
	}
	return q
}

// ways are the indexes to walk, and where.
func (b ByStreet) ways(tx *Tx, m any, l Listed) (out []walk, err error) {
	s := tx.actor.Scope()
	switch {
	case !l.Of.IsZero() && b.Own != "":
		return []walk{{index: b.Own, at: map[string]any{b.OwnCol: l.Of}}}, nil
	case s.All && l.Area == "", b.Street == "":
		return []walk{{index: b.All}}, nil
	case s.All:
		s.Areas = []string{""}
	case b.Own != "":
		out = append(out, walk{index: b.Own, at: map[string]any{b.OwnCol: tx.actor.Account}})
	}
	var streets []string
	for _, a := range s.Areas {
		switch {
		case strings.HasPrefix(l.Area, a):
			a = l.Area
		case !strings.HasPrefix(a, l.Area):
			continue
		}
		if len(a) >= 9 {
			streets = append(streets, a[:9])
			continue
		}
		some, err := tx.distinct(m, b.Street, "street", a)
		if err != nil {
			return nil, err
		}
		streets = append(streets, some...)
	}
	slices.Sort(streets)
	for _, street := range slices.Compact(streets) {
		out = append(out, walk{index: b.Street, at: map[string]any{"street": street}})
	}
	return out, nil
}
