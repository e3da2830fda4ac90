package store_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// where a record lies, as its columns say.
type lies struct {
	model.AreaCodes
	RoomID     model.ID
	Unit, Room string
	Status     model.Status
}

func liesAt(r *model.Record) lies { return lies{r.AreaCodes, r.RoomID, r.Unit, r.Room, r.Status} }

func (w *world) liesNow(id model.ID) (l lies) {
	w.t.Helper()
	require.NoError(w.t, w.Read(w.system(), func(tx *store.Tx) error {
		r, err := tx.Record(id)
		if err == nil {
			l = liesAt(r)
		}
		return err
	}))
	return l
}

// step writes a new state of the record that fn makes.
func (w *world) step(id model.ID, fn func(*model.Record)) {
	w.t.Helper()
	require.NoError(w.t, w.Write(w.system(), model.Act{Name: "record.verify"}, func(tx *store.Tx) error {
		r, err := tx.Record(id)
		if err != nil {
			return err
		}
		fn(r)
		return tx.SaveRecord(r, store.Trace{Act: "verify"})
	}))
}

func TestARoomRecodedMeanwhileOnMariaDBStaysSo(t *testing.T) {
	t.Parallel()
	if !testkit.OnMySQL() {
		t.Skip("mysql: SQLite lets nobody write meanwhile")
	}
	w := newWorld(t)
	r := person(grid, model.NewID())
	r.RoomID, r.Unit, r.Room = model.NewID(), "1", "101"
	w.put(r)
	want := liesAt(r)
	want.AreaCodes, want.RoomID, want.Unit, want.Room, want.Status = model.CodesOf(elsewhere), model.NewID(), "2", "201", model.Verified
	w.step(r.ID, func(mine *model.Record) {
		require.NoError(t, w.Write(w.system(), model.Act{Name: "room.update"}, func(tx *store.Tx) error {
			c := want.AreaCodes
			tx.Change(&model.Record{}, map[string]any{"area_code": c.AreaCode, "street": c.Street, "community": c.Community, "grid": c.Grid,
				"micro_grid": c.MicroGrid, "room_id": want.RoomID, "unit": "2", "room": "201"}, "room_id = ?", r.RoomID)
			return nil
		}))
		mine.Status = model.Verified
	})
	require.Equal(t, want, w.liesNow(r.ID))
}

func TestARecordThatMovesTakesAllItsCodesAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(micro, model.NewID())
	r.RoomID, r.Unit, r.Room = model.NewID(), "1", "101"
	w.put(r)
	w.step(r.ID, func(mine *model.Record) { mine.AreaCodes = model.CodesOf(grid) })
	want := liesAt(r)
	want.AreaCodes = model.CodesOf(grid)
	require.Equal(t, want, w.liesNow(r.ID))
	w.step(r.ID, func(mine *model.Record) { mine.RoomID, mine.Unit = model.ID{}, "" })
	want.RoomID, want.Unit = model.ID{}, ""
	require.Equal(t, want, w.liesNow(r.ID))
}

func TestAnExactChangeOfAnotherNumberOfRowsFailsWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(area(community), area(grid))
	fail := model.Fail(model.Conflict)
	change := func(n int64, name string) error {
		return w.Write(w.system(), model.Act{Name: "area.rename"}, func(tx *store.Tx) error {
			tx.ChangeExactly(n, fail, &model.Area{}, map[string]any{"name": name}, "code IN ?", []string{community, grid, micro})
			return nil
		})
	}
	require.NoError(t, change(2, "新"))
	require.NoError(t, change(2, "新"), "rows that match count, though nothing changes")
	require.ErrorIs(t, change(1, "多"), fail)
	require.ErrorIs(t, change(3, "少"), fail)
	require.Equal(t, 2, w.count("SELECT COUNT(*) FROM areas WHERE name = '新'"))
}

func TestAListByNumberLeavesOutRecordsWithoutAPhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	find := func(f store.Filter) (n int) {
		w.read(testkit.Actor(model.GridLeader, grid), func(tx *store.Tx) error {
			recs, _, err := tx.Records(f)
			n = len(recs)
			return err
		})
		return n
	}
	number, phone, other := w.SubjectIndex(secretID), w.PhoneIndex(secretPhone), w.PhoneIndex("15400009999")
	require.Equal(t, 1, find(store.Filter{Numbers: [][]byte{other}, Phones: [][]byte{phone}}), "either will do")
	require.Equal(t, 1, find(store.Filter{Numbers: [][]byte{number}, Phones: [][]byte{other}}))
	w.exec("UPDATE records SET phone_index = ?", []byte{})
	require.Zero(t, find(store.Filter{Numbers: [][]byte{other}}))
	require.Equal(t, 1, find(store.Filter{Numbers: [][]byte{number}}))
	w.exec("UPDATE records SET subject_index = ?", []byte{})
	require.Zero(t, find(store.Filter{Phones: [][]byte{phone}}))
}

func TestAReadThatTakesTooLongIsBusy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.opts
	o.Limit = 200 * time.Millisecond
	db := testkit.Open(t, o)
	endless := "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c)"
	if testkit.OnMySQL() {
		endless = "SLEEP(20)"
	}
	for name, read := range map[string]func(*store.Tx) error{
		"one statement": func(tx *store.Tx) error {
			var n int64
			return tx.Q(&model.Setting{}).Select(endless).Limit(1).Scan(&n).Error
		},
		"work between two": func(tx *store.Tx) error {
			select {
			case <-tx.Context().Done():
			case <-time.After(20 * time.Second): // never: the limit comes first
			}
			return tx.Q(&model.Area{}).Find(&[]model.Area{}).Error
		},
	} {
		require.ErrorIs(t, db.Read(w.system(), read), model.Fail(model.Busy), name)
	}
	require.NoError(t, db.Read(w.system(), func(tx *store.Tx) error {
		deadline, ok := tx.Context().Deadline()
		require.True(t, ok)
		require.LessOrEqual(t, time.Until(deadline), o.Limit)
		return nil
	}), "the next one has its own time")
}

func TestABackupsSnapshotMayTakeLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.opts
	o.Limit, o.Bare = time.Nanosecond, true // a whole one reads its key when it is opened
	db := testkit.Open(t, o)
	require.ErrorIs(t, db.Read(w.system(), func(tx *store.Tx) error { return tx.Q(&model.Area{}).Find(&[]model.Area{}).Error }),
		model.Fail(model.Busy))
	require.NoError(t, db.Snapshot(t.Context(), func(tx *sql.Tx) error {
		return tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM areas").Scan(new(int))
	}))
}
