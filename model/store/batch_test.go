package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// renewed is longer than InnoDB keeps what information_schema says of transactions: whoever asks more often keeps hearing the same.
const renewed = 250 * time.Millisecond

// shared is an act that shares its commit.
func shared(name string) model.Act { return model.Act{Name: name, Shared: true} }

// crowd is many members that commit together.
type crowd struct {
	*world
	wg   sync.WaitGroup
	mu   sync.Mutex
	errs map[string]error
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	return &crowd{world: newWorld(t), errs: map[string]error{}}
}

// join sends a member on its way and waits until it is queued.
func (c *crowd) join(ctx context.Context, name string, fn func(*store.Tx) error) {
	c.t.Helper()
	was := c.Queued()
	c.wg.Go(func() {
		err := c.Write(ctx, shared("record.create"), fn)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.errs[name] = err
	})
	require.Eventually(c.t, func() bool { return c.Queued() == was+1 }, time.Minute, time.Millisecond, name)
}

// adds is a member that makes a record.
func adds(r *model.Record) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		mine := *r // a member may run again
		mine.Element = r.Kind.Schema().Clone(r.Element)
		return tx.AddRecord(&mine, store.Trace{Act: "create"})
	}
}

// occupy keeps all writers busy until release, so that what comes now queues.
func (c *crowd) occupy() (release func()) {
	c.t.Helper()
	pool, err := c.WritePool()
	require.NoError(c.t, err)
	n := 1
	if testkit.OnMySQL() {
		n = store.MySQLWriters
	}
	c.add(area(elsewhere))
	busy, err := pool.BeginTx(c.t.Context(), nil)
	require.NoError(c.t, err)
	if testkit.OnMySQL() {
		_, err = busy.ExecContext(c.t.Context(), "UPDATE areas SET name = '锁' WHERE code = ?", elsewhere)
		require.NoError(c.t, err)
	}
	for range n {
		c.wg.Go(func() {
			assert.NoError(c.t, c.Write(c.system(), shared("area.rename"), func(tx *store.Tx) error {
				tx.Change(&model.Area{}, map[string]any{"name": "占"}, "code = ?", elsewhere)
				return nil
			}))
		})
		time.Sleep(20 * time.Millisecond) // for the writer to take it
		require.Eventually(c.t, func() bool { return c.Queued() == 0 }, time.Minute, time.Millisecond)
	}
	return func() {
		if err := busy.Rollback(); !errors.Is(err, sql.ErrTxDone) {
			require.NoError(c.t, err)
		}
	}
}

// once wants each record stored exactly once, whole.
func (c *crowd) once(recs []*model.Record) {
	c.t.Helper()
	for _, r := range recs {
		for _, table := range []string{"records WHERE id", "persons WHERE record_id", "revisions WHERE record_id"} {
			require.Equal(c.t, 1, c.count("SELECT COUNT(*) FROM "+table+" = ?", r.ID[:]), "%s %s", table, r.ID)
		}
	}
}

func TestInABatchOfThirtyTwoWhoCannotBeWrittenFailsAlone(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	known, old := person(grid, model.NewID()), person(grid, model.NewID())
	old.RoomID = model.NewID()
	c.put(known, old)
	account, building := model.NewID(), model.NewID()
	c.add(&model.ScanPass{AccountID: account, BuildingID: building, At: c.Now()})
	release := c.occupy()

	var sound []*model.Record
	for i := range 28 {
		sound = append(sound, person(grid, model.NewID()))
		c.join(c.system(), fmt.Sprint("sound ", i), adds(sound[i]))
	}
	c.join(c.system(), "an id that is stored", adds(known))
	c.join(c.system(), "an id twice in the batch", adds(sound[0]))
	c.join(c.system(), "a constraint", func(tx *store.Tx) error {
		return errors.Join(adds(person(micro, model.NewID()))(tx),
			tx.Add(&model.ScanPass{AccountID: account, BuildingID: building, At: tx.Now()}))
	})
	fail := model.Fail(model.Conflict)
	c.join(c.system(), "a change of another number of rows", func(tx *store.Tx) error {
		tx.Change(&model.Area{}, map[string]any{"name": "半"}, "code = ?", elsewhere)
		tx.ChangeExactly(7, fail, &model.Area{}, map[string]any{"name": "不"}, "code = ?", elsewhere)
		return adds(person(micro, model.NewID()))(tx)
	})
	release()
	c.wg.Wait()

	for i := range sound {
		require.NoError(t, c.errs[fmt.Sprint("sound ", i)])
	}
	require.ErrorIs(t, c.errs["an id that is stored"], store.ErrDuplicate)
	require.ErrorIs(t, c.errs["an id twice in the batch"], store.ErrDuplicate)
	require.ErrorIs(t, c.errs["a constraint"], store.ErrDuplicate)
	require.ErrorIs(t, c.errs["a change of another number of rows"], fail)
	c.once(append(sound, known, old))
	require.Equal(t, 30, c.count("SELECT COUNT(*) FROM records"))
	require.Equal(t, 30, c.count("SELECT COUNT(*) FROM revisions"))
	require.Equal(t, 1, c.count("SELECT COUNT(*) FROM areas WHERE name = '占'"), "what a failing member did before it failed is undone")
}

func TestAClientThatHangsUpInABatchChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	release := c.occupy()
	var recs []*model.Record
	for i := range 32 {
		recs = append(recs, person(grid, model.NewID()))
		ctx, hangUp := context.WithCancel(c.system())
		defer hangUp()
		c.join(ctx, fmt.Sprint(i), adds(recs[i]))
		if i%8 == 3 {
			hangUp()
		}
	}
	release()
	c.wg.Wait()
	for name, err := range c.errs {
		require.NoError(t, err, name)
	}
	c.once(recs)
}

func TestADeadlockVoidsABatchAndEveryMemberRunsAgain(t *testing.T) {
	t.Parallel()
	if !testkit.OnMySQL() {
		t.Skip("mysql: SQLite has one writer")
	}
	c := newCrowd(t)
	c.add(area(community), area(grid))
	release := c.occupy()
	var recs []*model.Record
	for i := range 31 {
		recs = append(recs, person(grid, model.NewID()))
		c.join(c.system(), fmt.Sprint(i), adds(recs[i]))
	}
	runs := 0
	c.join(c.system(), "both", func(tx *store.Tx) error {
		runs++
		tx.Change(&model.Area{}, map[string]any{"name": "先"}, "code = ?", community)
		tx.Change(&model.Area{}, map[string]any{"name": "后"}, "code = ?", grid)
		return nil
	})
	// The other holds the second row, has done more than the batch, so that the batch is the one to give way, and wants the first.
	pool, err := c.WritePool()
	require.NoError(t, err)
	other, err := pool.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	exec := func(query string, args ...any) {
		_, err := other.ExecContext(t.Context(), query, args...)
		require.NoError(t, err)
	}
	exec("UPDATE areas SET name = '他' WHERE code = ?", grid)
	for i := range 400 {
		exec("INSERT INTO settings (name) VALUES (?)", fmt.Sprint("weight ", i))
	}
	release()
	require.Eventually(t, func() bool {
		return c.count("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_rows_modified > 0 AND "+
			"trx_mysql_thread_id IN (SELECT id FROM information_schema.processlist WHERE db = DATABASE())") > 0
	}, time.Minute, renewed, "the batch waits for the second row")
	exec("UPDATE areas SET name = '他' WHERE code = ?", community)
	require.NoError(t, other.Commit())
	c.wg.Wait()
	for name, err := range c.errs {
		require.NoError(t, err, name)
	}
	require.Greater(t, runs, 1, "the deadlock sent it back to its start")
	c.once(recs)
	require.Equal(t, 1, c.count("SELECT COUNT(*) FROM areas WHERE name = '先'"))
	require.Equal(t, 1, c.count("SELECT COUNT(*) FROM areas WHERE name = '后'"))
	require.Equal(t, 1, c.count("SELECT COUNT(*) FROM audit WHERE act = 'record.create'"), "the one member without a record, once")
}

func TestABatchThatFindsSQLiteLockedRunsAgain(t *testing.T) {
	t.Parallel()
	if testkit.OnMySQL() {
		t.Skip("sqlite: MySQL locks rows")
	}
	w := newWorld(t)
	o := w.opts
	o.Wait = 2 * time.Millisecond
	hasty := testkit.Open(t, o)
	pool, err := w.WritePool()
	require.NoError(t, err)
	lock, err := pool.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	var recs []*model.Record
	for i := range 32 {
		recs = append(recs, person(grid, model.NewID()))
		add := adds(recs[i])
		wg.Go(func() { assert.NoError(t, hasty.Write(w.system(), shared("record.create"), add)) })
	}
	time.Sleep(40 * time.Millisecond) // several voided batches
	require.NoError(t, lock.Rollback())
	wg.Wait()
	(&crowd{world: w}).once(recs)
}

func TestALostConnectionVoidsABatchAndEveryMemberRunsAgain(t *testing.T) {
	t.Parallel()
	if !testkit.OnMySQL() {
		t.Skip("mysql: SQLite has no connection that could break")
	}
	c := newCrowd(t)
	release := c.occupy()
	var recs []*model.Record
	for i := range 32 {
		recs = append(recs, person(grid, model.NewID()))
		c.join(c.system(), fmt.Sprint(i), adds(recs[i]))
	}
	// The writers wait for the occupied row: their connections go.
	pool, err := c.Pool()
	require.NoError(t, err)
	var ids []string
	require.Eventually(t, func() bool {
		var list sql.NullString
		require.NoError(t, pool.QueryRowContext(t.Context(), "SELECT GROUP_CONCAT(trx_mysql_thread_id) FROM information_schema.innodb_trx "+
			"WHERE trx_state = 'LOCK WAIT' AND trx_mysql_thread_id IN "+
			"(SELECT id FROM information_schema.processlist WHERE db = DATABASE())").Scan(&list))
		ids = strings.Split(list.String, ",")
		return len(ids) == store.MySQLWriters
	}, time.Minute, renewed)
	for _, id := range ids {
		c.exec("KILL " + id)
	}
	release()
	c.wg.Wait()
	for name, err := range c.errs {
		require.NoError(t, err, name)
	}
	c.once(recs)
}

func TestAMemberWhoseRowChangedMeanwhileRunsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	runs := 0
	rename := func(name string, meanwhile func()) error {
		return w.Write(w.system(), shared("record.patch"), func(tx *store.Tx) error {
			mine, err := tx.Record(r.ID)
			if err != nil {
				return err
			}
			if meanwhile != nil {
				if runs++; runs == 1 {
					meanwhile()
				}
			}
			mine.Element.(*model.Person).Occupation += name
			return tx.SaveRecord(mine, store.Trace{Act: "patch"})
		})
	}
	require.NoError(t, rename("后", func() { require.NoError(t, rename("先", nil)) }))
	require.Equal(t, 2, runs)
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM persons WHERE occupation = '先后'"), "neither change is lost")
	require.Equal(t, 3, w.count("SELECT COUNT(*) FROM revisions"))
	n, broken, err := w.VerifyHistories(t.Context())
	require.NoError(t, err)
	require.Empty(t, broken)
	require.Equal(t, 3, n)
}

func TestOneWhoAlwaysComesLateIsToldSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	err := w.Write(w.system(), shared("record.patch"), func(tx *store.Tx) error {
		mine, err := tx.Record(r.ID)
		if err != nil {
			return err
		}
		w.step(r.ID, func(theirs *model.Record) { theirs.Element.(*model.Person).Occupation += "他" })
		mine.Element.(*model.Person).Occupation = "我"
		return tx.SaveRecord(mine, store.Trace{Act: "patch"})
	})
	require.ErrorIs(t, err, model.Fail(model.Stale))
	require.Zero(t, w.count("SELECT COUNT(*) FROM persons WHERE occupation = '我'"))
}

func TestAFullQueueSaysBusyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Doing(store.MostWrites)
	var me *model.Error
	require.ErrorAs(t, w.Write(w.system(), shared("record.create"), adds(person(grid, model.NewID()))), &me)
	require.Equal(t, model.Busy, me.Code)
	require.Positive(t, me.RetryAfter)
	w.Doing(-store.MostWrites)
	require.NoError(t, w.Write(w.system(), shared("record.create"), adds(person(grid, model.NewID()))))
}

func TestWhatIsQueuedWhenTheDatabaseClosesIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := testkit.Open(t, w.opts)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var stored []*model.Record
	for range 64 {
		wg.Go(func() {
			r := person(grid, model.NewID())
			if db.Write(w.system(), shared("record.create"), adds(r)) == nil {
				mu.Lock()
				defer mu.Unlock()
				stored = append(stored, r)
			}
		})
	}
	require.NoError(t, db.Close())
	wg.Wait()
	(&crowd{world: w}).once(stored)
	require.Equal(t, len(stored), w.count("SELECT COUNT(*) FROM records"), "what was not acknowledged was not stored")
}
