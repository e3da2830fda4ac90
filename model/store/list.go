package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sixelements/model"
)

// Filter narrows a list of records. The zero Filter is everything in scope.
type Filter struct {
	Kinds     []model.Kind
	Statuses  []model.Status
	Stages    []model.Stage
	Area      string
	Building  model.ID
	Room      model.ID
	RoomText  string
	Household model.ID
	Title     string // prefix
	Numbers   [][]byte
	Phones    [][]byte
	DueBefore model.Time
	Mine      bool
	Since     model.Time // submitted at or after
	After     Cursor
	Limit     int  // 0 means 50
	Ascending bool // oldest first: exports
	// UpTo ends the list: records submitted after it are left out.
	UpTo model.Time
}

// Records is a page of headers in scope, newest first (or oldest first), with the cursor behind it; next is empty on the last page.
// Elements are not loaded. A page that would look at more than Options.Look entries of an index ends there: it is short, or even
// empty, and its cursor goes on.
func (tx *Tx) Records(f Filter) (recs []*model.Record, next string, err error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	l := &listing{tx: tx, f: f}
	walks, err := l.plan()
	if err != nil {
		return nil, "", err
	}
	places := found[place]{at: func(p *place) Cursor { return Cursor{p.SubmittedAt, p.ID} }}
	var scans []scan
	for _, w := range walks {
		scans = append(scans, l.scan(w))
	}
	if err := places.read(scans, tx.db.o.Look); err != nil {
		return nil, "", err
	}
	rows, end := places.page(f.Limit, f.Ascending)
	if len(rows) > 0 {
		recs, err = tx.headers(rows)
	}
	return recs, end.String(), err
}

// place is a record's place in a list: all that is read of it before it is known which records a page holds.
type place struct {
	ID          model.ID
	SubmittedAt model.Time
}

// headers are the records at places that were found in the actor's scope, in the places' order.
func (tx *Tx) headers(places []*place) ([]*model.Record, error) {
	order := make(map[model.ID]int, len(places))
	ids := make([]model.ID, len(places))
	for i, p := range places {
		ids[i], order[p.ID] = p.ID, i
	}
	var recs []*model.Record
	err := tx.System("the headers of a page").Q(&model.Record{}).Where("id IN ?", ids).Find(&recs).Error
	slices.SortFunc(recs, func(a, b *model.Record) int { return cmp.Compare(order[a.ID], order[b.ID]) })
	return recs, err
}

// listing is a page of records in the making.
type listing struct {
	tx *Tx
	f  Filter
}

// apply adds what the filter asks for but for the order.
func (f Filter) apply(q *gorm.DB) *gorm.DB {
	if len(f.Kinds) > 0 {
		q = q.Where("kind IN ?", f.Kinds)
	}
	if len(f.Statuses) > 0 {
		q = q.Where("status IN ?", f.Statuses)
	}
	if len(f.Stages) > 0 {
		q = q.Where("stage IN ?", f.Stages)
	}
	if f.Area != "" {
		q = q.Where(current.within(f.Area))
	}
	if !f.Building.IsZero() {
		q = q.Where("building_id = ?", f.Building)
	}
	if !f.Room.IsZero() {
		q = q.Where("room_id = ?", f.Room)
	}
	if f.RoomText != "" {
		q = q.Where("room = ?", f.RoomText)
	}
	if !f.Household.IsZero() {
		q = q.Where("household_id = ?", f.Household)
	}
	if f.Title != "" {
		q = q.Where("title >= ? AND title < ?", f.Title, f.Title+last)
	}
	if len(f.Numbers) > 0 || len(f.Phones) > 0 {
		q = q.Where(f.indexed())
	}
	if f.DueBefore != 0 {
		q = q.Where("status = ? AND due_at < ?", model.Verified, f.DueBefore)
	}
	return f.period(q)
}

func (f Filter) period(q *gorm.DB) *gorm.DB {
	if f.Since != 0 {
		q = q.Where("submitted_at >= ?", f.Since)
	}
	if f.UpTo != 0 {
		q = q.Where("submitted_at <= ?", f.UpTo)
	}
	return q
}

// last follows every character a text may hold.
const last = "\U0010FFFF"

// indexed is met by records of one of the numbers or phones. A list that is empty asks for nothing, not for records without an index.
func (f Filter) indexed() clause.Expr {
	switch {
	case len(f.Phones) == 0:
		return gorm.Expr("subject_index IN ?", f.Numbers)
	case len(f.Numbers) == 0:
		return gorm.Expr("phone_index IN ?", f.Phones)
	}
	return gorm.Expr("(subject_index IN ? OR phone_index IN ?)", f.Numbers, f.Phones)
}

// arms are the reasons for which the list may show a record, narrowed to the wanted area.
func (l *listing) arms() []arm {
	s := l.tx.actor.Scope()
	list := arms(s)
	if s.All {
		list = []arm{{all: true}}
	}
	if l.f.Mine {
		list = []arm{{own: l.tx.actor.Account}}
	}
	return narrowed(list, l.f.Area)
}

// narrowed drops the areas that cannot hold anything of the wanted one, and replaces those around it by it.
func narrowed(list []arm, area string) []arm {
	if area == "" {
		return list
	}
	var out []arm
	for _, a := range list {
		switch {
		case a.all, a.area != "" && strings.HasPrefix(area, a.area):
			out = append(out, arm{area: area})
		case a.area != "" && !strings.HasPrefix(a.area, area):
		default:
			out = append(out, a)
		}
	}
	return out
}

// along starts a read of records on a walk's index, for its reasons.
func (l *listing) along(w walk) *gorm.DB {
	ctx := context.WithValue(l.tx.ctx, armsKey{}, w.only)
	return l.tx.query(ctx).Model(&model.Record{}).
		Clauses(by{l.tx.db.o.Dialect, w.index}).Where(w.at)
}
