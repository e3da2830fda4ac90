package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sixelements/model"
)

// delta is what a transaction changes in the tallies. Nothing is read for it in the write path, and nothing that another transaction
// writes is touched: it becomes one row of its own.
type delta struct {
	cells Cells
	rooms map[model.ID]bool // rooms that may have become covered, uncovered, counted or uncounted
	homes map[model.ID]bool // households that may have come, gone or moved
}

func (d *delta) record(r *model.Record, n int64) {
	if d.cells == nil {
		d.cells = Cells{}
	}
	d.cells.Add(CellOf(r), n)
	d.room(r.RoomID)
	if r.Kind == model.KindPerson {
		d.home(r.HouseholdID)
	}
}

func (d *delta) room(id model.ID) {
	if id.IsZero() {
		return
	}
	if d.rooms == nil {
		d.rooms = map[model.ID]bool{}
	}
	d.rooms[id] = true
}

func (d *delta) home(id model.ID) {
	if id.IsZero() {
		return
	}
	if d.homes == nil {
		d.homes = map[model.ID]bool{}
	}
	d.homes[id] = true
}

// merge adds what another transaction in the same commit changes.
func (d *delta) merge(other delta) {
	if d.cells == nil && len(other.cells) > 0 {
		d.cells = Cells{}
	}
	for c, n := range other.cells {
		d.cells.Add(c, n)
	}
	for id := range other.rooms {
		d.room(id)
	}
	for id := range other.homes {
		d.home(id)
	}
}

// rows is the delta as it is appended: one row, or none when nothing changed.
func (d *delta) rows() []any {
	if len(d.cells)+len(d.rooms)+len(d.homes) == 0 {
		return nil
	}
	touched := Touched{Rooms: slices.Collect(maps.Keys(d.rooms)), Households: slices.Collect(maps.Keys(d.homes))}
	return []any{&model.TallyDelta{ID: model.NewID(), Cells: EncodeCells(d.cells, touched)}}
}

// countStaged begins the transaction's delta with what its staged rows change; changes of many rows add to it as they are made.
func (tx *Tx) countStaged() {
	tx.staged.delta = delta{}
	d := &tx.staged.delta
	for _, row := range tx.staged.rows {
		switch r := row.(type) {
		case *model.Record:
			d.record(r, 1)
		case *model.Room:
			d.room(r.ID)
		case *model.Visit:
			d.room(r.RoomID)
		}
	}
	for _, row := range tx.staged.saves {
		switch r := row.(type) {
		case *model.Record:
			if was := tx.before[r.ID]; was != nil { // save refuses it otherwise
				d.record(was, -1)
				d.record(r, 1)
			}
		case *model.Room:
			d.room(r.ID)
		}
	}
}

// unmoved limits a record's update to where it was when it was read. Whoever re-codes a room or a building rewrites its records
// without raising their versions: a step taken meanwhile would count the record out of an area in which it lies no longer.
func (tx *Tx) unmoved(q *gorm.DB, r *model.Record) *gorm.DB {
	was := tx.before[r.ID]
	return q.Where("area_code = ?", was.AreaCode).
		Where(clause.Eq{Column: clause.Column{Name: "room_id"}, Value: nullable(was.RoomID)})
}

// nullable is the id for a condition: nil, which GORM writes as IS NULL, for none.
func nullable(id model.ID) any {
	if id.IsZero() {
		return nil
	}
	return id
}

// errCounted says that a change of many rows would bypass the tallies.
var errCounted = errors.New("store: this is counted in the tallies and changes by Add and Save alone")

// counted tells whether rows of the table are counted, or decide how others are.
func counted(m any) bool {
	switch m.(type) {
	case *model.Record, *model.Room, *model.Visit:
		return true
	}
	return false
}

// update changes rows, and counts what that does to the tallies. It answers how many rows matched.
func (tx *Tx) update(g *gorm.DB, m any, set map[string]any, where string, args ...any) (int64, error) {
	if err := tx.countChange(g, m, set, where, args...); err != nil {
		return 0, err
	}
	r := g.Model(m).Where(where, args...).Updates(set)
	return r.RowsAffected, r.Error
}

// matching are the rows of a counted table that a change of many is about to meet. They are locked: a change sees what others have
// committed since this transaction's snapshot, and so must what counts it.
func matching(g *gorm.DB, m any, where string, args ...any) *gorm.DB {
	return g.Model(m).Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where(where, args...)
}

// countOut counts rows that are about to be removed.
func (tx *Tx) countOut(g *gorm.DB, m any, where string, args ...any) error {
	q := matching(g, m, where, args...)
	switch m.(type) {
	case *model.Record:
		rows, err := countedRecords(q)
		for _, r := range rows {
			tx.staged.delta.record(r, -1)
		}
		return err
	case *model.Room:
		return tx.countRooms(q, "id")
	case *model.Visit:
		return tx.countRooms(q, "room_id")
	}
	return nil
}

// countChange counts an update of many rows that is about to be made.
func (tx *Tx) countChange(g *gorm.DB, m any, set map[string]any, where string, args ...any) error {
	switch m.(type) {
	case *model.Record:
		return tx.countRecords(g, set, where, args...)
	case *model.Room:
		return tx.countRooms(matching(g, m, where, args...), "id")
	case *model.Visit:
		for _, column := range []string{"room_id", "outcome", "at"} {
			if _, ok := set[column]; ok {
				return fmt.Errorf("%w: visits.%s", errCounted, column)
			}
		}
	}
	return nil
}

func (tx *Tx) countRooms(q *gorm.DB, column string) error {
	var ids []model.ID
	if err := q.Pluck(column, &ids).Error; err != nil {
		return err
	}
	for _, id := range ids {
		tx.staged.delta.room(id)
	}
	return nil
}

// The columns of a record by which it, its room or its household is counted: those that many rows may change at once, and those that
// none may.
var (
	movable   = []string{"area_code", "room_id", "due_at", "ever_verified", "verified_at"}
	immovable = []string{"building_id", "kind", "status", "submitted_at", "verified_by", "verified_name", "household_id"}
)

func countedRecords(q *gorm.DB) (rows []*model.Record, err error) {
	err = q.Select(slices.Concat(movable[:2], immovable)).Find(&rows).Error
	return rows, err
}

func (tx *Tx) countRecords(g *gorm.DB, set map[string]any, where string, args ...any) error {
	moves := false
	for column := range set {
		if slices.Contains(immovable, column) {
			return fmt.Errorf("%w: records.%s", errCounted, column)
		}
		moves = moves || slices.Contains(movable, column)
	}
	if !moves {
		return nil
	}
	rows, err := countedRecords(matching(g, &model.Record{}, where, args...))
	if err != nil {
		return err
	}
	d := &tx.staged.delta
	for _, r := range rows {
		d.record(r, -1)
		if code, ok := set["area_code"]; ok {
			if r.AreaCode, ok = code.(string); !ok {
				return fmt.Errorf("%w: records.area_code by %T", errCounted, code)
			}
		}
		if room, ok := set["room_id"]; ok {
			if r.RoomID, ok = room.(model.ID); !ok {
				return fmt.Errorf("%w: records.room_id by %T", errCounted, room)
			}
		}
		d.record(r, 1)
	}
	return nil
}
