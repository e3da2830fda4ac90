package store

import (
	"slices"

	"gorm.io/gorm"
)

// How much a page of a list may look at, in entries of an index.
const (
	defaultLook = 24_000
	firstLook   = 800 // what a scan tries first: most pages are full by then
	rowCost     = 4   // a look at the row behind an entry, in entries
)

// scan walks an index in a list's order and keeps what a filter leaves, looking a short way first, then farther, until there is
// enough or its share is spent.
type scan struct {
	entries   func() *gorm.DB // all that the index holds on the way
	rows      func() *gorm.DB // what the list shows of it
	col       string          // the list's time column
	after     Cursor
	ascending bool
	limit     int
	cost      int // of an entry: 1, or rowCost where the row must be read; 0 where nothing is filtered: then there is no bound
}

// found is what scans have found of a list.
type found[T any] struct {
	rows []*T
	// stops are where scans ended before they knew all: nothing behind the first of them may be shown on this page.
	stops []Cursor
	at    func(*T) Cursor
}

// read runs scans. What one leaves of its share is the later ones': the longest comes last.
func (f *found[T]) read(scans []scan, look int) error {
	for i, s := range scans {
		spent, err := f.run(s, look/(len(scans)-i))
		if err != nil {
			return err
		}
		look -= spent
	}
	return nil
}

// run looks at share entries at most, and tells at how many it did.
func (f *found[T]) run(s scan, share int) (spent int, err error) {
	after, want := s.after, s.limit+1
	for width := min(firstLook, share); ; width = min(8*width, share-spent) {
		var part, ends []*T
		q := s.rows()
		if s.cost > 0 {
			e := keyset(s.entries(), s.col, after, s.ascending).Select("id", s.col)
			if err := e.Offset(width / s.cost).Limit(1).Find(&ends).Error; err != nil {
				return spent, err
			}
		}
		if len(ends) > 0 {
			q = upTo(q, s.col, f.at(ends[0]), s.ascending)
		}
		if err := keyset(q, s.col, after, s.ascending).Limit(want).Find(&part).Error; err != nil {
			return spent, err
		}
		f.rows = append(f.rows, part...)
		if want -= len(part); want <= 0 || len(ends) == 0 {
			return spent, nil
		}
		after = f.at(ends[0])
		if spent += width; spent >= share {
			f.stops = append(f.stops, after)
			return spent, nil
		}
	}
}

// page is what was found, each row once, in order and cut; and the place behind which the next page begins, zero on the last.
func (f *found[T]) page(limit int, ascending bool) (rows []*T, end Cursor) {
	order := func(a, b Cursor) int {
		if ascending {
			return b.Compare(a)
		}
		return a.Compare(b)
	}
	slices.SortFunc(f.rows, func(a, b *T) int { return order(f.at(a), f.at(b)) })
	rows = slices.CompactFunc(f.rows, func(a, b *T) bool { return f.at(a) == f.at(b) })
	if len(f.stops) > 0 {
		end = slices.MinFunc(f.stops, order)
		n, shown := slices.BinarySearchFunc(rows, end, func(a *T, c Cursor) int { return order(f.at(a), c) })
		if shown {
			n++
		}
		rows = rows[:n]
	}
	if len(rows) > limit {
		rows = rows[:limit]
		end = f.at(rows[limit-1])
	}
	return rows, end
}

// Page reads a page of any table ordered by a time column and id, newest first, and the place behind it, zero on the last. at tells a
// row's place.
func Page[T any](q *gorm.DB, col string, after Cursor, limit int, at func(*T) Cursor) (rows []*T, end Cursor, err error) {
	if err := keyset(q, col, after, false).Limit(limit + 1).Find(&rows).Error; err != nil {
		return nil, end, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		end = at(rows[limit-1])
	}
	return rows, end, nil
}
