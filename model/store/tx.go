package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/seal"
)

// Tx is what a function behind a door works with. Reads happen at once; Add, Save, Change and their kin only stage: the door writes
// them after the function, one statement per table. A function reads what was there before it, not what it staged, and may be run
// again from its start.
type Tx struct {
	db    *DB
	ctx   context.Context
	actor model.Actor
	*state
}

// state is what a Tx and its System views share.
type state struct {
	g    *gorm.DB // the transaction; nil until the first statement
	pool *gorm.DB // where it begins
	ends uint64   // what answers had ended when it began
	act  model.Act
	// traceID is the id of the next trace: the act's own for the first.
	traceID model.ID
	staged  staged
	keys    map[model.ID]*seal.DataKey
	before  map[model.ID]*model.Record // what records looked like when they were read
	now     model.Time
	quiet   bool
	writes  bool
}

// staged is what a function wants written.
type staged struct {
	rows      []any // in order; flushed grouped by type
	saves     []any
	changes   []func(*gorm.DB) error
	tags      []Tag // of what is changed without being named
	revisions int
	raised    []*int64 // versions that a flush has raised
	delta     delta    // what the last flush counted
}

// Actor is who acts.
func (tx *Tx) Actor() model.Actor { return tx.actor }

// Now is the clock's time when it was first asked for: one moment for all that a transaction writes.
func (tx *Tx) Now() model.Time {
	if tx.now.IsZero() {
		tx.now = tx.db.Now()
	}
	return tx.now
}

// Context is the door's context.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Q starts a read of the model's table within the actor's scope. Every read needs a fresh one.
func (tx *Tx) Q(m any) *gorm.DB { return tx.query(tx.ctx).Model(m) }

// query starts a statement. The transaction begins with the first: what is answered from the cache costs none.
func (tx *Tx) query(ctx context.Context) *gorm.DB {
	if err := tx.begun(); err != nil {
		g := tx.db.read.Session(&gorm.Session{NewDB: true, Context: ctx})
		_ = g.AddError(err)
		return g
	}
	return tx.g.Session(&gorm.Session{NewDB: true, Context: ctx})
}

// begun begins the transaction unless it has begun.
func (tx *Tx) begun() error {
	if tx.g != nil {
		return nil
	}
	tx.ends = tx.db.answers.ended()
	g := tx.pool.WithContext(tx.ctx).Begin(&sql.TxOptions{ReadOnly: true})
	if g.Error != nil {
		return g.Error
	}
	tx.g = g
	return nil
}

// close ends what was only read.
func (tx *Tx) close() {
	if tx.g != nil {
		tx.g.Rollback()
	}
}

// Sealed is a keyring for small secrets outside records.
func (tx *Tx) Sealed() *seal.Keyring { return tx.db.o.Keyring }

// System is the same transaction seen by the program itself, for the few look-ups that cross the actor's scope. Nothing read
// through it may reach the actor unless the caller has judged it. What is staged through it is written as the actor's all the same,
// within the actor's scope.
func (tx *Tx) System(reason string) *Tx {
	s := *tx
	s.ctx = AsSystem(tx.ctx, reason)
	return &s
}

// Note completes the act's trace with what only the function knows.
func (tx *Tx) Note(target, area, detail string) {
	if target != "" {
		tx.act.Target = target
	}
	if area != "" {
		tx.act.Area = area
	}
	if detail != "" {
		tx.act.Detail = detail
	}
}

// Untraced says that nothing happened: a replay of what was done before.
func (tx *Tx) Untraced() { tx.quiet = true }

// errOutside says that a row to be added does not lie in the actor's scope.
var errOutside = model.Fail(model.RoleForbidden)

// Add stages new rows. A row outside the actor's scope is role.forbidden at once.
func (tx *Tx) Add(rows ...any) error {
	for _, r := range rows {
		if !tx.mayAdd(r) {
			return fmt.Errorf("add %T: %w", r, errOutside)
		}
		tx.staged.rows = append(tx.staged.rows, r)
	}
	return nil
}

// mayAdd checks rows that lie somewhere against the scope; rows that hang on an account are the service's to judge.
func (tx *Tx) mayAdd(row any) bool {
	s := tx.actor.Scope()
	if s.All {
		return true
	}
	switch r := row.(type) {
	case *model.Record:
		return r.SubmitterID == tx.actor.Account || covers(s, r.Where())
	case *model.Building:
		return covers(s, model.Where{Area: r.AreaCode, Building: r.ID})
	case *model.Room:
		return covers(s, model.Where{Area: r.AreaCode, Building: r.BuildingID, Unit: r.Unit})
	case *model.Visit:
		return r.AccountID == tx.actor.Account
	case *model.Area:
		return covers(s, model.Where{Area: r.Code})
	case *model.GrantRow:
		return r.AreaCode == "" && (r.Role == model.Resident || r.Role == model.Collector) || covers(s, model.Where{Area: r.AreaCode})
	case *model.ExtraField:
		return covers(s, model.Where{Area: r.AreaCode})
	}
	return true
}

func covers(s model.Scope, w model.Where) bool {
	for _, a := range s.Areas {
		if strings.HasPrefix(w.Area, a) {
			return true
		}
	}
	for _, p := range s.Posts {
		if !p.Building.IsZero() && p.Building == w.Building && (p.Unit == "" || p.Unit == w.Unit) {
			return true
		}
	}
	return s.All
}

// Covers tells whether the place lies in the actor's scope.
func (tx *Tx) Covers(w model.Where) bool { return covers(tx.actor.Scope(), w) }

// Save stages the new state of a row with a version, which the door raises by one. If the stored version is another by then, the
// write fails with record.stale; it fails with not_found for a row that is gone or out of scope.
func (tx *Tx) Save(row any) { tx.staged.saves = append(tx.staged.saves, row) }

// Change stages an update of all rows of the model's table that match the condition, within the actor's scope.
func (tx *Tx) Change(m any, set map[string]any, where string, args ...any) {
	tx.change(m, where, args, func(g *gorm.DB) error {
		_, err := tx.update(g, m, set, where, args...)
		return err
	})
}

// change stages a change of rows of m's table that are known to the database alone.
func (tx *Tx) change(m any, where string, args []any, fn func(*gorm.DB) error) {
	if t, ok := tagOfChange(m, where, args); ok {
		tx.staged.tags = append(tx.staged.tags, t)
	}
	tx.staged.changes = append(tx.staged.changes, fn)
}

// ChangeExactly is Change of n rows that were seen to match: the write fails with fail when another number of rows matches by then.
func (tx *Tx) ChangeExactly(n int64, fail error, m any, set map[string]any, where string, args ...any) {
	tx.change(m, where, args, func(g *gorm.DB) error {
		rows, err := tx.update(g, m, set, where, args...)
		if err == nil && rows != n { // matched rows on MySQL too: clientFoundRows
			return fail
		}
		return err
	})
}

// ChangeAsSystem is Change beyond the actor's scope, for the few consequences an act has elsewhere: whoever takes rights away ends
// sessions that are not theirs. The trace goes on naming the actor. The caller has judged the right to it.
func (tx *Tx) ChangeAsSystem(reason string, m any, set map[string]any, where string, args ...any) {
	tx.change(m, where, args, func(g *gorm.DB) error {
		ctx := AsSystem(g.Statement.Context, reason)
		_, err := tx.update(g.WithContext(ctx), m, set, where, args...)
		return err
	})
}

// Remove stages the deletion of all rows of the model's table that match the condition, within the actor's scope.
func (tx *Tx) Remove(m any, where string, args ...any) {
	tx.change(m, where, args, func(g *gorm.DB) error {
		if err := tx.countOut(g, m, where, args...); err != nil {
			return err
		}
		return g.Where(where, args...).Delete(m).Error
	})
}
