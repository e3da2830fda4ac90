package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/seal"
)

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
		tx := db.newTx(ctx, model.Act{})
		defer tx.close()
		return fn(tx)
	})
}

func (db *DB) newTx(ctx context.Context, act model.Act) *Tx {
	s := &state{pool: db.read, act: act, keys: map[model.ID]*seal.DataKey{}, before: map[model.ID]*model.Record{}}
	return &Tx{db: db, ctx: ctx, actor: ActorOf(ctx), state: s}
}

// Write runs fn and writes what it staged, with its trace, in one transaction; when it returns nil, the commit is durable. The
// commit does not depend on the client staying: it runs on, whatever becomes of ctx. Errors: fn's, after which nothing was written;
// ErrDuplicate when a row broke a unique constraint; record.stale when a saved row had changed; server.busy when the database
// cannot be reached, or when more are waiting than it could serve in time.
//
// An act that is Shared commits together with others that come at the same time: its fn runs first, on a state of its own, and what it
// staged is written by a writer (see batch.go). Other acts have a transaction of their own, on SQLite one after the other.
func (db *DB) Write(ctx context.Context, act model.Act, fn func(*Tx) error) error {
	if ActorOf(ctx).IsZero() {
		return errNoActor
	}
	if db.doing.Add(1) > mostWrites {
		db.doing.Add(-1)
		return busy()
	}
	defer db.doing.Add(-1)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	o := &once{act: act, trace: model.NewID()}
	if act.Shared {
		return db.share(ctx, o, fn)
	}
	unlock, err := db.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return db.again(ctx, func() error { return db.doOnce(ctx, o, func() error { return db.alone(ctx, o, fn) }) })
}

// once is an act that is to be done once, however often it runs. The answer to a COMMIT may be lost: whether it was done is then seen by
// the id of its trace, the same in every run.
type once struct {
	act   model.Act
	trace model.ID
	doubt bool  // a COMMIT's answer was lost
	kept  error // what fn answered in the last run although what it staged was to be written
	tags  []Tag // of all that the last run staged
}

// doOnce runs an attempt unless one before it was done after all.
func (db *DB) doOnce(ctx context.Context, o *once, attempt func() error) error {
	if o.doubt {
		if done, err := db.landed(ctx, o); err != nil || done {
			return errors.Join(err, o.kept)
		}
	}
	err := attempt()
	if errors.Is(err, errDoubt) {
		o.doubt = true
	} else if o.doubt && errors.Is(translate(err), ErrDuplicate) { // the one in doubt was slower than the look for it
		if done, lerr := db.landed(ctx, o); lerr != nil || done {
			return errors.Join(lerr, o.kept)
		}
	}
	return err
}

// landed tells whether an act in doubt was done, and ends the answers it outdated if so.
func (db *DB) landed(ctx context.Context, o *once) (bool, error) {
	done, err := db.traced(ctx, o.trace)
	if done {
		db.answers.end(o.tags)
		db.tell(ctx, o.tags)
	}
	return done, err
}

// traced tells whether a trace was written.
func (db *DB) traced(ctx context.Context, id model.ID) (bool, error) {
	tx := db.newTx(AsSystem(ctx, "a commit whose answer was lost"), model.Act{})
	defer tx.close()
	for _, table := range []any{&model.Audit{}, &model.Revision{}} {
		var n int64
		if err := tx.Q(table).Where("id = ?", id).Count(&n).Error; err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// How many writes may wait or run at once: what 1,000 a second clear within two seconds, the Retry-After that others are given; and how
// long one may take: longer than a Galera cluster needs to vote a dead node out.
const (
	mostWrites   = 2048
	writeTimeout = 20 * time.Second
)

// hold waits for SQLite's only writer.
func (db *DB) hold(ctx context.Context) (unlock func(), err error) {
	if db.o.Dialect != SQLite {
		return func() {}, nil
	}
	select {
	case db.lock <- struct{}{}:
		return func() { <-db.lock }, nil
	case <-ctx.Done():
		return nil, busy()
	}
}

// alone runs fn inside the transaction that writes what it stages.
func (db *DB) alone(ctx context.Context, o *once, fn func(*Tx) error) error {
	tx := db.newTx(ctx, o.act)
	tx.writes, tx.traceID = true, o.trace
	tx.ends = db.answers.ended()
	if tx.g = db.write.WithContext(ctx).Begin(); tx.g.Error != nil {
		return tx.g.Error
	}
	defer tx.g.Rollback() // does nothing after a commit; a panic in fn must not keep SQLite's one connection for ever
	if err := tx.run(o, fn); err != nil {
		return err
	}
	if err := tx.alter(ctx, tx.g); err != nil {
		return err
	}
	if err := insert(door(ctx, tx.g), append(tx.staged.rows, tx.staged.delta.rows()...)); err != nil {
		return err
	}
	if err := commit(tx.g); err != nil {
		return err
	}
	db.answers.end(o.tags)
	db.tell(ctx, o.tags)
	return o.kept
}

// run runs fn and stages the trace.
func (tx *Tx) run(o *once, fn func(*Tx) error) error {
	err := fn(tx)
	var k keep
	if err != nil && !errors.As(err, &k) {
		return err
	}
	o.kept, o.tags = k.error, tx.tags()
	return tx.trace()
}

func commit(g *gorm.DB) error {
	err := g.Commit().Error
	switch {
	case err == nil:
		return nil
	case isRefusal(err):
		return errors.Join(errVoid, err)
	}
	return errors.Join(errVoid, errDoubt, err)
}

func busy() error { return &model.Error{Code: model.Busy, RetryAfter: 2} }

// persist is how long a voided transaction is run again: what a cluster needs to go on without one of its nodes, twice.
const persist = 8 * time.Second

// again runs an attempt until it is done: a voided transaction runs again from its start, with a pause that grows and jitters.
func (db *DB) again(ctx context.Context, attempt func() error) error {
	patience, cancel := context.WithTimeout(ctx, persist)
	defer cancel()
	for i := 0; ; i++ {
		err := translate(attempt())
		if !errors.Is(err, errVoid) {
			if err != nil && down(err) {
				db.o.Log.ErrorContext(ctx, "database", "err", err)
				return busy()
			}
			return err
		}
		pause := time.Duration(5+rand.IntN(20*(1+min(i, 5)))) * time.Millisecond
		select {
		case <-time.After(pause):
		case <-patience.Done():
			db.o.Log.ErrorContext(ctx, "transaction given up", "err", err)
			return busy()
		}
	}
}

// Tick is the one way of changing rows without a trace: last-seen, scan counters, leases and progress of jobs. It answers how many
// rows matched; compare-and-set by a condition that names the old state. It ends no cached answer: none may rest on what is ticked.
func (db *DB) Tick(ctx context.Context, m any, set map[string]any, where string, args ...any) (rows int64, err error) {
	if counted(m) {
		return 0, fmt.Errorf("%w: %T", errCounted, m)
	}
	ctx = context.WithValue(AsSystem(ctx, "tick"), doorKey{}, true)
	unlock, err := db.hold(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	err = db.again(ctx, func() error {
		r := db.write.WithContext(ctx).Model(m).Where(where, args...).Updates(set)
		rows = r.RowsAffected
		return r.Error
	})
	return rows, err
}
