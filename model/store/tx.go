package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

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
	g     *gorm.DB
	actor model.Actor
	*state
}

// state is what a Tx and its System views share.
type state struct {
	act    model.Act
	staged staged
	keys   map[model.ID]*seal.DataKey
	before map[model.ID]*model.Record // what records looked like when they were read
	memo   map[string]any
	now    model.Time
	quiet  bool
	writes bool
}

// staged is what a function wants written.
type staged struct {
	rows      []any // in order; flushed grouped by type
	saves     []any
	changes   []func(*gorm.DB) error
	revisions int
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
func (tx *Tx) Q(m any) *gorm.DB {
	return tx.g.Session(&gorm.Session{NewDB: true, Context: tx.ctx}).Model(m)
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
	tx.staged.changes = append(tx.staged.changes, func(g *gorm.DB) error {
		return g.Model(m).Where(where, args...).Updates(set).Error
	})
}

// ChangeExactly is Change of n rows that were seen to match: the write fails with fail when another number of rows matches by then.
func (tx *Tx) ChangeExactly(n int64, fail error, m any, set map[string]any, where string, args ...any) {
	tx.staged.changes = append(tx.staged.changes, func(g *gorm.DB) error {
		r := g.Model(m).Where(where, args...).Updates(set)
		if r.Error == nil && r.RowsAffected != n { // matched rows on MySQL too: clientFoundRows
			return fail
		}
		return r.Error
	})
}

// ChangeAsSystem is Change beyond the actor's scope, for the few consequences an act has elsewhere: whoever takes rights away ends
// sessions that are not theirs. The trace goes on naming the actor. The caller has judged the right to it.
func (tx *Tx) ChangeAsSystem(reason string, m any, set map[string]any, where string, args ...any) {
	tx.staged.changes = append(tx.staged.changes, func(g *gorm.DB) error {
		ctx := AsSystem(g.Statement.Context, reason)
		return g.WithContext(ctx).Model(m).Where(where, args...).Updates(set).Error
	})
}

// Remove stages the deletion of all rows of the model's table that match the condition, within the actor's scope.
func (tx *Tx) Remove(m any, where string, args ...any) {
	tx.staged.changes = append(tx.staged.changes, func(g *gorm.DB) error { return g.Where(where, args...).Delete(m).Error })
}

// AndFail makes Write keep what was staged and still answer with the error: a wrong password is counted.
func AndFail(err error) error { return keep{err} }

type keep struct{ error }

func (k keep) Unwrap() error { return k.error }

// Read runs fn on one consistent state of the database, for Options.Limit at most: longer work takes several Reads. Errors: fn's;
// not_found for a row that is not there or out of scope; server.busy when the database cannot be reached or the time is up.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	if ActorOf(ctx).IsZero() {
		return errNoActor
	}
	ctx, cancel := context.WithTimeout(ctx, db.o.Limit)
	defer cancel()
	return db.again(ctx, func() error {
		g := db.read.WithContext(ctx).Begin()
		if g.Error != nil {
			return g.Error
		}
		defer g.Rollback()
		return fn(db.newTx(ctx, g, model.Act{}))
	})
}

func (db *DB) newTx(ctx context.Context, g *gorm.DB, act model.Act) *Tx {
	s := &state{act: act, memo: map[string]any{}, keys: map[model.ID]*seal.DataKey{}, before: map[model.ID]*model.Record{}}
	return &Tx{db: db, ctx: ctx, g: g, actor: ActorOf(ctx), state: s}
}

// Write runs fn and writes what it staged, with its trace, in one transaction; when it returns nil, the commit is durable. The
// commit does not depend on the client staying: it runs on, whatever becomes of ctx. Errors: fn's, after which nothing was written;
// ErrDuplicate when a row broke a unique constraint; record.stale when a saved row had changed; server.busy when the database
// cannot be reached.
func (db *DB) Write(ctx context.Context, act model.Act, fn func(*Tx) error) error {
	if ActorOf(ctx).IsZero() {
		return errNoActor
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if db.o.Dialect == SQLite {
		select {
		case db.lock <- struct{}{}:
			defer func() { <-db.lock }()
		case <-ctx.Done():
			return busy()
		}
	}
	return db.again(ctx, func() error { return db.attempt(ctx, act, fn) })
}

// writeTimeout is longer than a Galera cluster takes to vote a dead node out.
const writeTimeout = 20 * time.Second

func (db *DB) attempt(ctx context.Context, act model.Act, fn func(*Tx) error) error {
	g := db.write.WithContext(ctx).Begin()
	if g.Error != nil {
		return g.Error
	}
	defer g.Rollback() // does nothing after a commit; a panic in fn must not keep SQLite's one connection for ever
	tx := db.newTx(ctx, g, act)
	tx.writes = true
	err := fn(tx)
	var k keep
	if err != nil && !errors.As(err, &k) {
		return err
	}
	if ferr := tx.flush(); ferr != nil {
		return ferr
	}
	if cerr := g.Commit().Error; cerr != nil {
		return errors.Join(errVoid, cerr)
	}
	return k.error
}

func busy() error { return &model.Error{Code: model.Busy, RetryAfter: 2} }

// again runs an attempt until it is done: a voided transaction runs again from its start, with a pause that grows and jitters.
func (db *DB) again(ctx context.Context, attempt func() error) error {
	const tries = 8
	for i := 0; ; i++ {
		err := translate(attempt())
		if !errors.Is(err, errVoid) {
			if err != nil && down(err) {
				db.o.Log.ErrorContext(ctx, "database", "err", err)
				return busy()
			}
			return err
		}
		if i == tries {
			db.o.Log.ErrorContext(ctx, "transaction given up", "err", err)
			return busy()
		}
		pause := time.Duration(5+rand.IntN(20*(1+min(i, 5)))) * time.Millisecond
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return busy()
		}
	}
}

// Tick is the one way of changing rows without a trace: last-seen, scan counters, leases and progress of jobs. It answers how many
// rows matched; compare-and-set by a condition that names the old state.
func (db *DB) Tick(ctx context.Context, m any, set map[string]any, where string, args ...any) (rows int64, err error) {
	ctx = context.WithValue(AsSystem(ctx, "tick"), doorKey{}, true)
	if db.o.Dialect == SQLite {
		select {
		case db.lock <- struct{}{}:
			defer func() { <-db.lock }()
		case <-ctx.Done():
			return 0, busy()
		}
	}
	err = db.again(ctx, func() error {
		r := db.write.WithContext(ctx).Model(m).Where(where, args...).Updates(set)
		rows = r.RowsAffected
		return r.Error
	})
	return rows, err
}
