package grid_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/grid"
	"sixelements/service/tally"
)

const (
	street    = "410102002"
	community = street + "001"
	elsewhere = street + "002"
	block     = community + "001" // a grid
)

// world is a database with a street of two communities, the first with a grid.
type world struct {
	*grid.Service
	t     *testing.T
	db    *store.DB
	clock *testkit.FixedClock
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := testkit.Clock(t)
	db := testkit.DBAt(t, clock)
	w := &world{grid.New(db, tally.Households), t, db, clock}
	for _, code := range []string{street[:6], street, community, elsewhere, block} {
		w.add(&model.Area{Code: code, Name: "区域" + code, Level: model.LevelOf(code), Parent: model.ParentCode(code), Version: 1,
			ValidFrom: w.clock.Time()})
	}
	return w
}

func (w *world) system() context.Context { return store.AsSystem(w.t.Context(), "test") }

func (w *world) as(r model.Role, area string) context.Context {
	return testkit.As(w.t.Context(), r, area)
}

func (w *world) add(rows ...any) {
	w.t.Helper()
	require.NoError(w.t, w.db.Write(w.system(), model.Act{Name: "test.add"}, func(tx *store.Tx) error { return tx.Add(rows...) }))
}

// building is a building of 2 units, 3 floors and 2 rooms on each.
func (w *world) building(area string) *model.Building {
	w.t.Helper()
	b, err := w.AddBuilding(w.system(), grid.NewBuilding{AreaCode: area, Name: "1号楼", Kind: "residential", Units: 2, Floors: 3,
		RoomsPerFloor: 2})
	require.NoError(w.t, err)
	return b
}

// room is a room of the building by its unit and number.
func (w *world) room(b *model.Building, unit, number string) grid.MatrixRoom {
	w.t.Helper()
	rooms, err := w.Matrix(w.system(), b.ID)
	require.NoError(w.t, err)
	for _, r := range rooms {
		if r.Unit == unit && r.Number == number {
			return r
		}
	}
	require.Fail(w.t, "no such room", "%s-%s", unit, number)
	return grid.MatrixRoom{}
}

// person registers somebody in a room.
func (w *world) person(r model.Room, status model.Status, change func(*model.Record)) *model.Record {
	w.t.Helper()
	rec := &model.Record{ID: model.NewID(), Kind: model.KindPerson, Status: status, AreaCodes: r.AreaCodes, BuildingID: r.BuildingID,
		Unit: r.Unit, Room: r.Number, RoomID: r.ID, HouseholdID: model.NewID(), SubmitterID: model.NewID(), SubmitterRole: model.Resident,
		Channel: model.ByQR, SubmittedAt: w.clock.Time(),
		Element: &model.Person{Name: "测试甲", IDType: "111", ResidenceCategory: "registered", RelationToHead: "0"}}
	if status == model.Verified {
		rec.VerifiedAt, rec.EverVerified, rec.DueAt = w.clock.Time(), true, w.clock.Time().AddMonths(12)
	}
	if change != nil {
		change(rec)
	}
	require.NoError(w.t, w.db.Write(w.system(), model.Act{Name: "test.put"}, func(tx *store.Tx) error {
		return tx.AddRecord(rec, store.Trace{Act: "create"})
	}))
	return rec
}

// record reads a header back.
func (w *world) record(id model.ID) (r model.Record) {
	w.t.Helper()
	require.NoError(w.t, w.db.Read(w.system(), func(tx *store.Tx) error {
		r = model.Record{}
		return tx.Q(&r).Where("id = ?", id).Take(&r).Error
	}))
	return r
}

// acts are the names of all that was traced with the target.
func (w *world) acts(target string) (names []string) {
	w.t.Helper()
	require.NoError(w.t, w.db.Read(w.system(), func(tx *store.Tx) error {
		return tx.Q(&model.Audit{}).Where("target = ?", target).Order("at").Order("id").Pluck("act", &names).Error
	}))
	return names
}

func match(v int64) model.Match { return model.Match(strconv.Quote(strconv.FormatInt(v, 10))) }

func refused(t *testing.T, err error, code model.Code, at ...string) {
	t.Helper()
	require.Truef(t, model.IsCode(err, code), "want %s, got %v", code, err)
	for _, a := range at {
		require.ErrorContains(t, err, a+":")
	}
}
