package store_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// someCells are numbers of every form.
func someCells(r *rand.Rand) (cells store.Cells, touched store.Touched) {
	cells = store.Cells{}
	text := func() string { return []string{"", micro, grid, "采集员", "x"}[r.IntN(5)] }
	id := func() model.ID { return model.ID{byte(r.IntN(3)), 9} }
	for range r.IntN(40) {
		var c store.Cell
		if r.IntN(2) == 0 {
			c = store.Cell{Area: text(), Building: id(), Kind: model.Kind(text()), Status: model.Status(text()), Name: text()}
		}
		if r.IntN(2) == 0 {
			c.Day, c.Lapse, c.By = r.Int64N(40_000)-10, r.Int64()-r.Int64(), id()
		}
		cells.Add(c, r.Int64()-r.Int64())
	}
	for range r.IntN(5) {
		touched.Rooms = append(touched.Rooms, id())
	}
	for range r.IntN(3) {
		touched.Households = append(touched.Households, id())
	}
	return cells, touched
}

func TestCellsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		want, touched := someCells(r)
		b := store.EncodeCells(want, touched)
		got := store.Cells{}
		came, err := store.DecodeCells(b, got.Add)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, touched, came)
		if short := b[:r.IntN(len(b))]; len(short) != len(store.EncodeCells(want, store.Touched{Rooms: touched.Rooms})) {
			_, err = store.DecodeCells(short, got.Add)
			require.Error(t, err, "cut short")
		}
		_, err = store.DecodeCells(append(slices.Clone(b), 0), got.Add)
		require.Error(t, err, "something follows")
	}
}

func TestADeltaOfAnOlderVersionNamesNoHouseholds(t *testing.T) {
	t.Parallel()
	old := []byte{1, 1, 6, 'p', 'e', 'r', 's', 'o', 'n', 0, 1, 4, 0, 6, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	got := store.Cells{}
	touched, err := store.DecodeCells(old, got.Add)
	require.NoError(t, err)
	require.Equal(t, store.Cells{{Kind: model.KindPerson}: 3}, got)
	require.Equal(t, store.Touched{Rooms: []model.ID{{7}}}, touched)
}

func FuzzCells(f *testing.F) {
	f.Add(store.EncodeCells(store.Cells{{Area: grid, Kind: model.KindPerson, Day: 20_000}: 3},
		store.Touched{Rooms: []model.ID{{1}}, Households: []model.ID{{2}}}))
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = store.DecodeCells(b, func(store.Cell, int64) {}) // whatever the bytes: no panic, no endless loop
	})
}

func (w *world) deltas() int { return w.count("SELECT COUNT(*) FROM tally_deltas") }

func TestACommitLeavesOneDeltaWhateverItHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	building := model.NewID()
	room := &model.Room{ID: model.NewID(), BuildingID: building, AreaCodes: model.CodesOf(grid), Number: "101"}
	at := minutes(0)
	require.NoError(t, w.Write(w.system(), model.Act{Name: "test.many"}, func(tx *store.Tx) error {
		for range 3 {
			if err := tx.AddRecord(person(grid, model.NewID()), store.Trace{Act: "create"}); err != nil {
				return err
			}
		}
		visit := &model.Visit{ID: model.NewID(), RoomID: room.ID, BuildingID: building, AccountID: model.NewID(), At: at, ReceivedAt: at}
		return tx.Add(room, visit)
	}))
	require.Equal(t, 1, w.deltas())
	w.add(area(grid))
	require.Equal(t, 1, w.deltas(), "an area is not counted")
	require.Error(t, w.Write(w.system(), model.Act{Name: "test.fail"}, func(tx *store.Tx) error {
		return tx.Add(room) // there already
	}))
	require.Equal(t, 1, w.deltas(), "what was not committed changed nothing")
}

func TestNoChangeOfManyRowsGetsPastTheTallies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	r.RoomID = model.NewID()
	w.put(r)
	was := w.deltas()
	change := func(m any, set map[string]any) error {
		return w.Write(w.system(), model.Act{Name: "test.change"}, func(tx *store.Tx) error {
			tx.Change(m, set, "id = ?", r.ID)
			return nil
		})
	}
	for column, value := range map[string]any{"status": model.Verified, "kind": model.KindPlace, "building_id": model.NewID(),
		"submitted_at": 1, "household_id": model.NewID(), "verified_by": model.NewID(), "verified_name": "x",
		"area_code": gorm.Expr("street"), "room_id": "x"} {
		require.ErrorIs(t, change(&model.Record{}, map[string]any{column: value}), store.ErrCounted, column)
	}
	require.ErrorIs(t, change(&model.Visit{}, map[string]any{"outcome": "met"}), store.ErrCounted)
	for _, m := range []any{&model.Record{}, &model.Room{}, &model.Visit{}} {
		_, err := w.Tick(w.system(), m, map[string]any{"unit": "1"}, "id = ?", r.ID)
		require.ErrorIs(t, err, store.ErrCounted)
	}
	require.Error(t, w.Write(w.system(), model.Act{Name: "test.save"}, func(tx *store.Tx) error { tx.Save(r); return nil }),
		"who has not read a record does not know what it was counted as")
	require.Equal(t, was, w.deltas())
	require.NoError(t, change(&model.Record{}, map[string]any{"due_at": minutes(1)}))
	require.Equal(t, was+1, w.deltas(), "the room may lapse at another time")
}

func TestOfTwoFoldingsAtOnceOneDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(person(grid, model.NewID()))
	var state model.TallyPart
	var delta model.TallyDelta
	w.read(model.Actor{Reason: "test"}, func(tx *store.Tx) error {
		if err := tx.Q(&delta).Take(&delta).Error; err != nil {
			return err
		}
		return tx.Q(&state).Where("id = ?", store.TallyState).Take(&state).Error
	})
	part := &model.TallyPart{ID: "x", Cells: store.EncodeCells(store.Cells{{Area: grid}: 1}, store.Touched{})}
	first := store.Refold{State: state, Parts: []*model.TallyPart{part}, Deltas: []model.ID{delta.ID}}
	require.NoError(t, w.Refold(t.Context(), first))
	before := w.tables()
	require.ErrorIs(t, w.Refold(t.Context(), first), store.ErrCrossed, "the state is another")
	first.State.Version++
	require.ErrorIs(t, w.Refold(t.Context(), first), store.ErrCrossed, "the delta is folded")
	require.ErrorIs(t, w.Refold(t.Context(), store.Refold{}), store.ErrCrossed, "there is a state")
	require.Equal(t, before, w.tables())
}

func TestTalliesBeginWithAnEmptyDatabaseOnly(t *testing.T) {
	t.Parallel()
	for name, room := range map[string]bool{"empty": false, "lived in": true} {
		o := testkit.Empty(t, testkit.Clock(t))
		bare := o
		bare.Bare = true
		old := testkit.Open(t, bare)
		require.NoError(t, old.MigrateTo(t.Context(), 2), "as the version before it had it")
		if room {
			pool, err := old.WritePool()
			require.NoError(t, err)
			_, err = pool.ExecContext(t.Context(), "INSERT INTO rooms (id, building_id) VALUES (x'30313233343536373839303132333435', x'30')")
			require.NoError(t, err)
		}
		db, err := store.Open(t.Context(), o, true)
		require.NoError(t, err)
		var n int64
		require.NoError(t, db.Read(store.AsSystem(t.Context(), "test"), func(tx *store.Tx) error {
			return tx.Q(&model.TallyPart{}).Count(&n).Error
		}))
		require.Equal(t, !room, n == 1, name)
		require.NoError(t, db.Close())
	}
}
