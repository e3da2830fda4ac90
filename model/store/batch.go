package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"gorm.io/gorm"

	"sixelements/model"
)

// Group commit: acts that are Shared run their functions beside each other, on snapshots of their own, and queue what they staged. A
// writer takes all that queued while it committed the last batch, writes it with one statement per table, and commits once; nobody
// waits for company. A member that cannot be written fails alone; what voids the transaction (a deadlock, a lost connection) sends
// every member back to its start.

const (
	// most is how many members share a commit: more no longer make one cheaper, but all the later.
	most = 128
	// mysqlWriters is how many batches are under way on MySQL, where a commit waits for other nodes; SQLite has one writer.
	mysqlWriters = 4
	// staleTries is how often a member runs again because a row it saves was changed meanwhile, before it answers record.stale.
	staleTries = 5
)

// member is one act in a batch.
type member struct {
	tx    *Tx
	taken atomic.Bool // by a writer, or by the act itself that gives up
	done  chan error
}

func (m *member) take() bool { return m.taken.CompareAndSwap(false, true) }

// answer is for the first answer; after a panic some may be answered already.
func (m *member) answer(err error) {
	select {
	case m.done <- err:
	default:
	}
}

// refused says that a member was not written because of what it is itself.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// share runs an act that shares its commit.
func (db *DB) share(ctx context.Context, o *once, fn func(*Tx) error) error {
	for try := 1; ; try++ {
		err := db.again(ctx, func() error { return db.doOnce(ctx, o, func() error { return db.shareOnce(ctx, o, fn) }) })
		var r refused
		if try < staleTries && errors.As(err, &r) && model.IsCode(err, model.Stale) {
			continue // whether the change since matters is for fn to say
		}
		if errors.As(err, &r) {
			return translate(r.error)
		}
		return err
	}
}

func (db *DB) shareOnce(ctx context.Context, o *once, fn func(*Tx) error) error {
	tx := db.newTx(ctx, o.act)
	tx.writes, tx.traceID = true, o.trace
	if err := db.prepare(tx, o, fn); err != nil {
		return err
	}
	if tx.stagedNothing() {
		return o.kept
	}
	m := &member{tx: tx, done: make(chan error, 1)}
	if err := db.queued(ctx, m); err != nil {
		return err
	}
	db.tell(ctx, o.tags)
	return o.kept
}

// prepare runs fn on a snapshot and ends that, whatever fn does.
func (db *DB) prepare(tx *Tx, o *once, fn func(*Tx) error) error {
	defer tx.close()
	return tx.run(o, fn)
}

// queued waits until a writer has written the member. Once a writer has begun, only its answer counts.
func (db *DB) queued(ctx context.Context, m *member) error {
	select {
	case db.queue <- m:
	case <-db.quit:
		return busy()
	}
	select {
	case err := <-m.done:
		return err
	case <-ctx.Done():
	case <-db.quit:
	}
	if m.take() {
		return busy()
	}
	return <-m.done
}

// writer lives until the database is closed.
func (db *DB) writer() {
	for {
		select {
		case m := <-db.queue:
			runtime.Gosched() // acts that are ready to run come along; nobody is waited for
			db.commitAll(db.gather(m))
		case <-db.quit:
			return
		}
	}
}

// gather takes what has queued.
func (db *DB) gather(first *member) (batch []*member) {
	for m := first; ; {
		if m.take() {
			batch = append(batch, m)
		}
		if len(batch) == most {
			return batch
		}
		select {
		case m = <-db.queue:
		default:
			return batch
		}
	}
}

// commitAll commits members, in several turns where two want the same row.
func (db *DB) commitAll(batch []*member) {
	for len(batch) > 0 {
		var now []*member
		now, batch = apart(batch)
		db.commitSafely(now)
	}
}

// apart holds back the members that add or save what one before them does: each sees what became of the first.
func apart(batch []*member) (now, later []*member) {
	seen := map[model.ID]bool{}
	for _, m := range batch {
		keys := m.keys()
		if slices.ContainsFunc(keys, func(k model.ID) bool { return seen[k] }) {
			later = append(later, m)
			continue
		}
		for _, k := range keys {
			seen[k] = true
		}
		now = append(now, m)
	}
	return now, later
}

// keys are what no two members of a batch may have in common: the ids of what clients name that they add, and the records they save.
func (m *member) keys() (ids []model.ID) {
	for _, row := range slices.Concat(m.tx.staged.rows, m.tx.staged.saves) {
		switch r := row.(type) {
		case *model.Record:
			ids = append(ids, r.ID)
		case *model.Visit:
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// commitSafely answers all members even when something panics: a writer serves everybody.
func (db *DB) commitSafely(batch []*member) {
	ctx, cancel := context.WithTimeout(AsSystem(context.Background(), "group commit"), writeTimeout)
	defer cancel()
	left := batch
	defer func() {
		if r := recover(); r != nil {
			db.o.Log.Error("panic in a writer", "value", r, "stack", string(debug.Stack()))
			for _, m := range left {
				m.answer(errors.New("store: a writer panicked"))
			}
		}
	}()
	unlock, err := db.hold(ctx)
	if err != nil {
		for _, m := range left {
			m.answer(err)
		}
		left = nil
		return
	}
	defer unlock()
	db.commitTogether(ctx, &left)
}

// commitTogether writes the members left and answers each. It takes those answered from the list.
func (db *DB) commitTogether(ctx context.Context, left *[]*member) {
	for len(*left) > 0 {
		err := db.attempt(ctx, left)
		switch {
		case errors.Is(err, errFewer):
			continue
		case err == nil, len(*left) == 1, errors.Is(translate(err), errVoid), down(err):
			if err != nil && len(*left) == 1 && !errors.Is(translate(err), errVoid) {
				err = refused{translate(err)}
			}
			for len(*left) > 0 {
				answerFirst(left, err)
			}
		default: // one of them broke a constraint, and no one can say which: each by itself
			for len(*left) > 0 {
				one := (*left)[:1:1]
				db.commitTogether(ctx, &one)
				*left = (*left)[1:]
			}
		}
	}
}

func answerFirst(left *[]*member, err error) {
	m := (*left)[0]
	*left = (*left)[1:]
	m.answer(err)
}

// errFewer says that a member failed alone and was answered: the others begin again without it.
var errFewer = errors.New("store: a batch without one of its members")

// attempt writes the members in one transaction.
func (db *DB) attempt(ctx context.Context, left *[]*member) error {
	g := db.write.WithContext(ctx).Begin()
	if g.Error != nil {
		return g.Error
	}
	done := false
	defer func() {
		if g.Rollback(); !done {
			for _, m := range *left {
				m.tx.lower()
			}
		}
	}()
	if err := db.refuseKnown(ctx, g, left); err != nil || len(*left) == 0 {
		return err
	}
	var rows []any
	var tags []Tag
	var counted delta
	for i, m := range *left {
		if err := m.tx.alter(scoped{ctx, m.tx.ctx}, g); err != nil {
			if t := translate(err); errors.Is(t, errVoid) || down(t) {
				return err
			}
			m.tx.lower()
			*left = slices.Delete(slices.Clone(*left), i, i+1)
			m.answer(refused{translate(err)})
			return errFewer
		}
		rows = append(rows, m.tx.staged.rows...)
		counted.merge(m.tx.staged.delta)
		tags = append(tags, m.tx.tags()...)
	}
	if err := insert(door(ctx, g), append(rows, counted.rows()...)); err != nil {
		return err
	}
	if err := commit(g); err != nil {
		return err
	}
	done = true
	db.answers.end(tags)
	return nil
}

// scoped acts for a member and lasts as long as the batch.
type scoped struct {
	context.Context
	member context.Context
}

// Value is the member's, or the batch's.
func (s scoped) Value(key any) any {
	if v := s.member.Value(key); v != nil {
		return v
	}
	return s.Context.Value(key)
}

// refuseKnown answers the members whose record is stored already: the constraint would say so too, but at the price of the batch.
func (db *DB) refuseKnown(ctx context.Context, g *gorm.DB, left *[]*member) error {
	var ids []model.ID
	of := map[model.ID]*member{}
	for _, m := range *left {
		for _, row := range m.tx.staged.rows {
			if r, ok := row.(*model.Record); ok {
				ids, of[r.ID] = append(ids, r.ID), m
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var known []model.ID
	if err := door(ctx, g).Model(&model.Record{}).Where("id IN ?", ids).Pluck("id", &known).Error; err != nil {
		return err
	}
	for _, id := range known {
		m := of[id]
		if i := slices.Index(*left, m); i >= 0 {
			*left = slices.Delete(slices.Clone(*left), i, i+1)
			m.answer(refused{fmt.Errorf("record %s: %w", id, ErrDuplicate)})
		}
	}
	return nil
}

// tell tells the other nodes. When the bus cannot be reached they know by themselves: their answers live only while it stands.
func (db *DB) tell(ctx context.Context, tags []Tag) {
	if db.o.Bus == nil || len(tags) == 0 {
		return
	}
	if err := db.o.Bus.Publish(ctx, tags); err != nil {
		db.o.Log.WarnContext(ctx, "other nodes may not have heard of a change", "err", err)
	}
}
