package store_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// loop is a bus between databases of one process.
type loop struct {
	mu             sync.Mutex
	changed        []func([]store.Tag)
	lost, standing []func()
}

func (l *loop) Publish(_ context.Context, tags []store.Tag) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.changed {
		f(tags)
	}
	return nil
}

func (l *loop) Subscribe(changed func([]store.Tag), lost, standing func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed, l.lost, l.standing = append(l.changed, changed), append(l.lost, lost), append(l.standing, standing)
	standing()
}

func (l *loop) Stands() bool { return true }

// nodes are n programs on one database, that hear each other.
func nodes(t *testing.T, n int) (*world, *loop, []*store.DB) {
	t.Helper()
	w, bus := newWorld(t), &loop{}
	o := w.opts
	o.Bus = bus
	var all []*store.DB
	for range n {
		all = append(all, testkit.Open(t, o))
	}
	return w, bus, all
}

// teller reads an account's name through the cache, and counts how often it was looked up.
type teller struct{ asked atomic.Int64 }

func (c *teller) name(tx *store.Tx, id model.ID) (string, error) {
	return store.Cached(tx, "name "+id.String(), []store.Tag{store.AccountTag(id)}, func(sys *store.Tx) (string, model.Time, error) {
		c.asked.Add(1)
		var a model.Account
		err := sys.Q(&a).Where("id = ?", id).Take(&a).Error
		return a.Name, 0, err
	})
}

func (c *teller) ask(t *testing.T, w *world, db *store.DB, id model.ID) (name string) {
	t.Helper()
	require.NoError(t, db.Read(w.system(), func(tx *store.Tx) (err error) {
		name, err = c.name(tx, id)
		return err
	}))
	return name
}

func account(name string) *model.Account {
	return &model.Account{ID: model.NewID(), Name: name, CreatedAt: model.At(testkit.Start()), Version: 1}
}

func TestAnAnswerIsLookedUpOnceUntilItsRowsAreWritten(t *testing.T) {
	t.Parallel()
	w, _, dbs := nodes(t, 2)
	a, other := account("甲"), account("乙")
	w.add(a, other)
	var c teller
	require.Equal(t, "甲", c.ask(t, w, dbs[0], a.ID))
	require.Equal(t, "甲", c.ask(t, w, dbs[0], a.ID))
	require.EqualValues(t, 1, c.asked.Load())
	write := func(db *store.DB, act model.Act, fn func(*store.Tx) error) {
		t.Helper()
		require.NoError(t, db.Write(w.system(), act, fn))
	}
	for name, change := range map[string]func(db *store.DB){
		"a row of the account's": func(db *store.DB) {
			write(db, model.Act{Name: "x"}, func(tx *store.Tx) error {
				return tx.Add(&model.ScanPass{AccountID: a.ID, BuildingID: model.NewID(), At: tx.Now()})
			})
		},
		"the same in a shared commit": func(db *store.DB) {
			write(db, shared("x"), func(tx *store.Tx) error {
				return tx.Add(&model.ScanPass{AccountID: a.ID, BuildingID: model.NewID(), At: tx.Now()})
			})
		},
		"a change that names no row": func(db *store.DB) {
			write(db, model.Act{Name: "x"}, func(tx *store.Tx) error {
				tx.Change(&model.Account{}, map[string]any{"disabled": true}, "name = ?", "乙")
				return nil
			})
		},
		"a change that names it": func(db *store.DB) {
			write(db, model.Act{Name: "x"}, func(tx *store.Tx) error {
				tx.Change(&model.Session{}, map[string]any{"agent": ""}, "id = ? AND account_id = ?", model.NewID(), a.ID)
				return nil
			})
		},
		"one that may name it": func(db *store.DB) {
			write(db, model.Act{Name: "x"}, func(tx *store.Tx) error {
				tx.Change(&model.Session{}, map[string]any{"agent": ""}, "account_id = ? OR agent = ?", other.ID, "x")
				return nil
			})
		},
		"a removal": func(db *store.DB) {
			write(db, model.Act{Name: "x"}, func(tx *store.Tx) error {
				tx.Remove(&model.Session{}, "id = ?", model.NewID())
				return nil
			})
		},
	} {
		for _, db := range dbs {
			require.Equal(t, "甲", c.ask(t, w, dbs[0], a.ID))
			was := c.asked.Load()
			change(db)
			require.Equal(t, "甲", c.ask(t, w, dbs[0], a.ID))
			require.Equal(t, was+1, c.asked.Load(), name)
		}
	}
	was := c.asked.Load()
	write(dbs[0], model.Act{Name: "x"}, func(tx *store.Tx) error {
		tx.Change(&model.Session{}, map[string]any{"agent": ""}, "agent = ? AND account_id = ?", "x", other.ID)
		tx.Change(&model.Account{}, map[string]any{"failed": 0}, "id = ?", other.ID)
		return tx.Add(&model.ScanPass{AccountID: other.ID, BuildingID: model.NewID(), At: tx.Now()}, area(community))
	})
	require.Equal(t, "甲", c.ask(t, w, dbs[0], a.ID))
	require.Equal(t, was, c.asked.Load(), "what is another's ends nothing")
	w.clock.Advance(2 * time.Minute)
	require.Equal(t, "甲", c.ask(t, w, dbs[0], a.ID))
	require.Equal(t, was+1, c.asked.Load(), "nothing lives for ever")
}

func TestWhatAnOlderSnapshotSaysIsNotKept(t *testing.T) {
	t.Parallel()
	w, _, dbs := nodes(t, 1)
	db, a := dbs[0], account("旧")
	w.add(a)
	var c teller
	require.NoError(t, db.Read(w.system(), func(tx *store.Tx) error {
		require.NoError(t, tx.Q(&model.Account{}).Find(&[]model.Account{}).Error) // the snapshot stands
		require.NoError(t, db.Write(w.system(), model.Act{Name: "x"}, func(tx *store.Tx) error {
			mine := *a
			mine.Name = "新"
			tx.Save(&mine)
			return nil
		}))
		name, err := c.name(tx, a.ID)
		require.Equal(t, "旧", name, "within its own state of the database")
		return err
	}))
	require.Equal(t, "新", c.ask(t, w, db, a.ID))
}

func TestWhatIsLookedUpWhileItChangesIsNotKept(t *testing.T) {
	t.Parallel()
	w, _, dbs := nodes(t, 1)
	db, id := dbs[0], model.NewID()
	asked := 0
	ask := func(meanwhile func()) (n int64) {
		require.NoError(t, db.Read(w.system(), func(tx *store.Tx) (err error) {
			n, err = store.Cached(tx, "passes", []store.Tag{store.AccountTag(id)}, func(sys *store.Tx) (n int64, _ model.Time, err error) {
				asked++
				err = sys.Q(&model.ScanPass{}).Where("account_id = ?", id).Count(&n).Error
				meanwhile()
				return n, 0, err
			})
			return err
		}))
		return n
	}
	require.Zero(t, ask(func() {
		require.NoError(t, db.Write(w.system(), model.Act{Name: "x"}, func(tx *store.Tx) error {
			return tx.Add(&model.ScanPass{AccountID: id, BuildingID: model.NewID(), At: tx.Now()})
		}))
	}))
	require.EqualValues(t, 1, ask(func() {}))
	require.EqualValues(t, 1, ask(func() {}))
	require.Equal(t, 2, asked)
}

func TestAnswersAreNeverOlderThanWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	w, _, dbs := nodes(t, 2)
	a := account("0")
	w.add(a)
	var c teller
	var acknowledged atomic.Int64
	var readers, writers sync.WaitGroup
	end := make(chan struct{})
	for i := range 6 {
		readers.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				least := acknowledged.Load()
				n, err := strconv.ParseInt(c.ask(t, w, dbs[i%2], a.ID), 10, 64)
				assert.NoError(t, err)
				assert.GreaterOrEqual(t, n, least)
			}
		})
	}
	writers.Go(func() {
		for n := int64(1); n <= 60; n++ {
			assert.NoError(t, dbs[n%2].Write(w.system(), shared("x"), func(tx *store.Tx) error {
				var mine model.Account
				err := tx.Q(&mine).Where("id = ?", a.ID).Take(&mine).Error
				mine.Name = strconv.FormatInt(n, 10)
				tx.Save(&mine)
				return err
			}))
			acknowledged.Store(n)
		}
	})
	writers.Wait()
	close(end)
	readers.Wait()
}

func TestWhoHearsNobodyKeepsNothing(t *testing.T) {
	t.Parallel()
	w, bus, dbs := nodes(t, 1)
	a := account("甲")
	w.add(a)
	var c teller
	ask := func(db *store.DB) int64 {
		was := c.asked.Load()
		for range 3 {
			require.Equal(t, "甲", c.ask(t, w, db, a.ID))
		}
		return c.asked.Load() - was
	}
	require.EqualValues(t, 1, ask(dbs[0]))
	bus.lost[0]()
	require.EqualValues(t, 3, ask(dbs[0]))
	bus.standing[0]()
	require.EqualValues(t, 1, ask(dbs[0]))
	want := int64(1)
	if testkit.OnMySQL() {
		want = 3 // without a bus there may be other nodes
	}
	require.Equal(t, want, ask(w.DB))
}

func TestWhatAnotherProgramWritesToSQLiteIsSeenSoon(t *testing.T) {
	t.Parallel()
	if testkit.OnMySQL() {
		t.Skip("sqlite: without a bus nothing is kept on MySQL")
	}
	w := newWorld(t)
	a := account("甲")
	w.add(a)
	var c teller
	require.Equal(t, "甲", c.ask(t, w, w.DB, a.ID))
	require.NoError(t, testkit.Open(t, w.opts).Write(w.system(), model.Act{Name: "x"}, func(tx *store.Tx) error {
		a.Name = "乙"
		tx.Save(a)
		return nil
	}))
	require.Eventually(t, func() bool { return c.ask(t, w, w.DB, a.ID) == "乙" }, 20*time.Second, 20*time.Millisecond)
}
