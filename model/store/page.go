package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sixelements/model"
)

// Cursor is a place in a list ordered by time, then id.
type Cursor struct {
	At model.Time
	ID model.ID
}

// ParseCursor reads what a list gave out. validation.failed for anything else.
func ParseCursor(s string) (c Cursor, err error) {
	if s == "" {
		return c, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 24 {
		return c, model.Faults{{Location: "cursor", Code: model.FieldInvalid, Message: "翻页标记不对，请从第一页重新开始"}}.Err()
	}
	c.At = model.Time(binary.BigEndian.Uint64(b))
	copy(c.ID[:], b[8:])
	return c, nil
}

// String is the text form given to clients, who must not look into it.
func (c Cursor) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.At))
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID[:]...))
}

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
// Elements are not loaded. One keyset query per reason by which the actor may see records, merged.
func (tx *Tx) Records(f Filter) (recs []*model.Record, next string, err error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	s := tx.actor.Scope()
	list := arms(s)
	if s.All {
		list = []arm{{}}
	}
	if f.Mine {
		list = []arm{{own: tx.actor.Account}}
	}
	for _, a := range narrowed(list, f.Area) {
		ctx := tx.ctx
		if a != (arm{}) {
			ctx = context.WithValue(ctx, armKey{}, a)
		}
		var part []*model.Record
		q := tx.query(ctx).Model(&model.Record{})
		if err := f.apply(q).Limit(f.Limit + 1).Find(&part).Error; err != nil {
			return nil, "", err
		}
		recs = append(recs, part...)
	}
	slices.SortFunc(recs, func(a, b *model.Record) int {
		c := cmp.Or(cmp.Compare(b.SubmittedAt, a.SubmittedAt), slices.Compare(b.ID[:], a.ID[:]))
		if f.Ascending {
			return -c
		}
		return c
	})
	recs = slices.CompactFunc(recs, func(a, b *model.Record) bool { return a.ID == b.ID })
	if len(recs) > f.Limit {
		recs = recs[:f.Limit]
		last := recs[f.Limit-1]
		next = Cursor{last.SubmittedAt, last.ID}.String()
	}
	return recs, next, nil
}

// narrowed drops the areas that cannot hold anything of the wanted one, and replaces those around it by it.
func narrowed(list []arm, area string) []arm {
	if area == "" {
		return list
	}
	var out []arm
	for _, a := range list {
		switch {
		case a == arm{}, a.area != "" && strings.HasPrefix(area, a.area):
			out = append(out, arm{area: area})
		case a.area != "" && !strings.HasPrefix(a.area, area):
		default:
			out = append(out, a)
		}
	}
	return out
}

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
		q = q.Where(current.prefix(f.Area))
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
		q = q.Where("title >= ? AND title < ?", f.Title, f.Title+"\U0010FFFF")
	}
	if len(f.Numbers) > 0 || len(f.Phones) > 0 {
		q = q.Where(f.indexed())
	}
	if f.DueBefore != 0 {
		q = q.Where("status = ? AND due_at < ?", model.Verified, f.DueBefore)
	}
	if f.Since != 0 {
		q = q.Where("submitted_at >= ?", f.Since)
	}
	if f.UpTo != 0 {
		q = q.Where("submitted_at <= ?", f.UpTo)
	}
	return keyset(q, "submitted_at", f.After, f.Ascending)
}

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

// keyset orders by the column, then id, and begins behind the cursor.
func keyset(q *gorm.DB, col string, after Cursor, ascending bool) *gorm.DB {
	if ascending {
		if after != (Cursor{}) {
			q = q.Where(col+" >= ? AND ("+col+" > ? OR id > ?)", after.At, after.At, after.ID)
		}
		return q.Order(col).Order("id")
	}
	if after != (Cursor{}) {
		q = q.Where(col+" <= ? AND ("+col+" < ? OR id < ?)", after.At, after.At, after.ID)
	}
	return q.Order(col + " DESC").Order("id DESC")
}

// Page reads a page of any table ordered by a time column and id, newest first. at tells a row's place.
func Page[T any](q *gorm.DB, col string, after Cursor, limit int, at func(*T) Cursor) (rows []*T, next string, err error) {
	if err := keyset(q, col, after, false).Limit(limit + 1).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = at(rows[limit-1]).String()
	}
	return rows, next, nil
}
