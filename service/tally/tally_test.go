package tally_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/tally"
)

// The town: two communities of a street, the first with two grids, the first of them with a micro-grid.
const (
	street     = "410102002"
	community  = "410102002004"
	grid       = "410102002004001"
	grid2      = "410102002004002"
	micro      = "410102002004001001"
	community2 = "410102002005"
)

type town struct {
	t     *testing.T
	db    *store.DB
	clock *testkit.FixedClock
	s     *tally.Service
}

func build(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, clock: testkit.Clock(t)}
	w.db = testkit.DBAt(t, w.clock)
	w.s = tally.New(w.db)
	for code, name := range map[string]string{street: "建设路街道", community: "第一社区", grid: "一网格", grid2: "二网格", micro: "一微",
		community2: "第二社区"} {
		w.add(&model.Area{Code: code, Name: name, Level: model.LevelOf(code), Parent: model.ParentCode(code)})
	}
	return w
}

func (w *town) add(rows ...any) {
	w.t.Helper()
	ctx := store.AsSystem(w.t.Context(), "build")
	require.NoError(w.t, w.db.Write(ctx, model.Act{Name: "test.build"}, func(tx *store.Tx) error { return tx.Add(rows...) }))
}

func (w *town) building(name, area string) model.Building {
	b := model.Building{ID: model.NewID(), AreaCodes: model.CodesOf(area), Name: name, CreatedAt: w.db.Now()}
	w.add(&b)
	return b
}

func (w *town) room(b model.Building, number string) model.Room {
	r := model.Room{ID: model.NewID(), BuildingID: b.ID, AreaCodes: b.AreaCodes, Unit: "1", Number: number, Use: model.Dwelling}
	w.add(&r)
	return r
}

// record adds a record; change completes it.
func (w *town) record(kind model.Kind, area string, s model.Status, change ...func(*model.Record)) model.ID {
	w.t.Helper()
	spec, _ := kind.Spec()
	r := &model.Record{ID: model.NewID(), Kind: kind, Status: s, AreaCodes: model.CodesOf(area), SubmitterID: model.NewID(),
		Channel: model.ByStaff, SubmittedAt: w.db.Now()}
	if s == model.Verified {
		r.EverVerified, r.VerifiedAt = true, w.db.Now()
	}
	for _, c := range change {
		c(r)
	}
	r.Element = spec.New()
	ctx := store.AsSystem(w.t.Context(), "build")
	require.NoError(w.t, w.db.Write(ctx, model.Act{Name: "test.build"}, func(tx *store.Tx) error {
		return tx.AddRecord(r, store.Trace{Act: "create"})
	}))
	return r.ID
}

func in(r model.Room) func(*model.Record) {
	return func(x *model.Record) {
		x.RoomID, x.BuildingID, x.Unit, x.AreaCodes = r.ID, r.BuildingID, r.Unit, r.AreaCodes
	}
}

func (w *town) visits(r model.Room, outcomes ...string) {
	for _, o := range outcomes {
		w.clock.Advance(time.Hour)
		w.add(&model.Visit{ID: model.NewID(), RoomID: r.ID, BuildingID: r.BuildingID, AreaCodes: r.AreaCodes, AccountID: model.NewID(),
			Method: "knock", Outcome: o, At: w.db.Now(), ReceivedAt: w.db.Now()})
	}
}

func (w *town) of(ctx context.Context, q tally.Query) *tally.Tally {
	w.t.Helper()
	t, err := w.s.Of(ctx, q)
	require.NoError(w.t, err)
	return t
}

// short writes a tally as "key label total/verified rooms/covered" per row.
func short(t *tally.Tally) (out []string) {
	for _, i := range t.Items {
		out = append(out, fmt.Sprintf("%s %s %d/%d %d/%d", i.Key, i.Label, i.Counts.Total(), i.Counts.Verified, i.Rooms, i.Covered))
	}
	return out
}

func TestAnAreaIsCountedByEachGrouping(t *testing.T) {
	t.Parallel()
	w := build(t)
	b := w.building("1号楼", micro)
	empty := w.building("2号楼", grid2)
	r1, r2 := w.room(b, "101"), w.room(b, "102")
	w.room(empty, "101")
	closed := w.room(b, "103")
	closed.Use = model.RoomEmpty
	ctx := store.AsSystem(t.Context(), "build")
	require.NoError(t, w.db.Write(ctx, model.Act{Name: "test.build"}, func(tx *store.Tx) error { tx.Save(&closed); return nil }))
	who := model.ID{1}
	by := func(x *model.Record) { x.VerifiedBy, x.VerifiedName = who, "采集员甲" }
	w.record(model.KindPerson, micro, model.Verified, in(r1), by)
	w.record(model.KindPerson, micro, model.Submitted, in(r2))
	w.record(model.KindPerson, micro, model.Rejected, in(r2))
	w.record(model.KindPlace, grid2, model.Returned)
	w.record(model.KindObject, community, model.Verified, by)
	w.record(model.KindPerson, community2, model.Verified)
	w.clock.Set(time.Date(2026, 5, 1, 23, 59, 0, 0, model.Beijing))
	w.record(model.KindEvent, grid, model.Submitted)
	w.clock.Set(time.Date(2026, 5, 2, 0, 1, 0, 0, model.Beijing))
	w.record(model.KindEvent, grid, model.Submitted)
	as := testkit.As(t.Context(), model.CommunityRole, community)

	for _, c := range []struct {
		name string
		q    tally.Query
		want []string
	}{
		{"by area: the grids, then what lies on none", tally.Query{Area: community, By: tally.ByArea},
			[]string{grid + " 一网格 4/1 2/1", grid2 + " 二网格 1/0 1/0", community + " 第一社区 1/1 0/0"}},
		{"by area of a leaf: itself", tally.Query{Area: micro, By: tally.ByArea}, []string{micro + " 一微 2/1 2/1"}},
		{"by area of one kind: the rooms stay", tally.Query{Area: community, By: tally.ByArea, Kind: model.KindPerson},
			[]string{grid + " 一网格 2/1 2/1", grid2 + " 二网格 0/0 1/0"}},
		{"by kind: always six", tally.Query{Area: community, By: tally.ByKind}, []string{"person 人员 2/1 3/1", "place 场所 1/0 3/1",
			"event 事件 2/0 3/1", "object 物件 1/1 3/1", "situation 情况 0/0 3/1", "organisation 组织 0/0 3/1"}},
		{"by status: only that one is set", tally.Query{Area: community, By: tally.ByStatus}, []string{"submitted 待核实 3/0 3/1",
			"verified 已核实 2/2 3/1", "returned 已退回 1/0 3/1", "rejected 不采用 0/0 3/1", "archived 已归档 0/0 3/1", "withdrawn 已撤回 0/0 3/1"}},
		{"by building, what lies in none last", tally.Query{Area: community, By: tally.ByBuilding},
			[]string{b.ID.String() + " 1号楼 2/1 2/1", empty.ID.String() + " 2号楼 0/0 1/0", "none 不在楼栋里 4/1 0/0"}},
		{"by Beijing's day, newest first", tally.Query{Area: community, By: tally.ByDay}, []string{"2026-05-02 2026-05-02 1/0 0/0",
			"2026-05-01 2026-05-01 5/2 0/0"}},
		{"by who verified", tally.Query{Area: community, By: tally.ByCollector}, []string{who.String() + " 采集员甲 2/2 0/0"}},
		{"without an area: the only one", tally.Query{By: tally.ByArea, Kind: model.KindObject},
			[]string{grid + " 一网格 0/0 2/1", grid2 + " 二网格 0/0 1/0", community + " 第一社区 1/1 0/0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, short(w.of(as, c.q)))
		})
	}
	all := w.of(testkit.As(t.Context(), model.Admin, ""), tally.Query{By: tally.ByArea})
	require.Equal(t, []string{street + " 建设路街道 7/3 3/1"}, short(all))
	rejected := w.of(as, tally.Query{Area: community, By: tally.ByStatus}).Items[3]
	require.Equal(t, tally.Counts{Rejected: 1}, rejected.Counts)
	require.InDelta(t, 1.0/3, *rejected.Coverage(), 1e-9)
	require.Nil(t, w.of(as, tally.Query{Area: community, By: tally.ByDay}).Items[0].Coverage())
}

func TestWhoMayCountWhat(t *testing.T) {
	t.Parallel()
	w := build(t)
	b, other := w.building("1号楼", grid), w.building("2号楼", grid)
	r, far := w.room(b, "101"), w.room(other, "101")
	w.record(model.KindPerson, grid, model.Verified, in(r))
	w.record(model.KindPerson, grid, model.Verified, in(far))
	event := w.record(model.KindEvent, community2, model.Submitted)
	w.record(model.KindEvent, community2, model.Submitted)
	posted := testkit.Actor(model.Collector, "")
	posted.Grants[0].Area = "999999999999" // a role somewhere else, a post here
	posted.Posts = []model.Post{{Building: b.ID}}
	dept := testkit.Actor(model.Department, street)
	w.add(&model.Dispatched{RecordID: event, AccountID: dept.Account, At: w.db.Now()})

	for _, c := range []struct {
		name string
		a    model.Actor
		area string
		want any // the total by kind, or a code
	}{
		{"a grid leader in the grid", testkit.Actor(model.GridLeader, grid), grid, int64(2)},
		{"a grid leader beside it", testkit.Actor(model.GridLeader, grid), grid2, model.NotFound},
		{"a grid leader above it", testkit.Actor(model.GridLeader, grid), community, model.NotFound},
		{"a community's neighbour", testkit.Actor(model.CommunityRole, community2), community, model.NotFound},
		{"a code nobody has", testkit.Actor(model.StreetRole, street), "410102002999", model.NotFound},
		{"no code", testkit.Actor(model.StreetRole, street), "4101", model.Invalid},
		{"a collector around the post: just the post", posted, community, int64(1)},
		{"a collector elsewhere", posted, community2, model.NotFound},
		{"a collector who does not say where", posted, "", model.Invalid},
		{"an administrator everywhere", testkit.Actor(model.Admin, ""), "", int64(4)},
		{"a department: its own", dept, "", int64(1)},
		{"a department: its own in an area", dept, community2, int64(1)},
		{"a department: nothing of the register", dept, grid, int64(0)},
		{"a resident", testkit.Actor(model.Resident, ""), grid, model.RoleForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := w.s.Of(store.As(t.Context(), c.a), tally.Query{Area: c.area, By: tally.ByKind})
			if code, ok := c.want.(model.Code); ok {
				require.True(t, model.IsCode(err, code), "%v", err)
				return
			}
			require.NoError(t, err)
			var total, rooms int64
			for _, i := range got.Items {
				total, rooms = total+i.Counts.Total(), i.Rooms
			}
			require.Equal(t, c.want, total)
			if c.a.Has(model.Department) {
				require.Zero(t, rooms)
			}
		})
	}
	got := w.of(store.As(t.Context(), posted), tally.Query{Area: community, By: tally.ByBuilding})
	require.Equal(t, []string{b.ID.String() + " 1号楼 1/1 1/1"}, short(got))
}

func TestWhichRoomsAreCovered(t *testing.T) {
	t.Parallel()
	due := func(days int) func(*model.Record) {
		return func(x *model.Record) { x.DueAt = model.At(testkit.Start().AddDate(0, 0, days)) }
	}
	amended := func(x *model.Record) { x.EverVerified = true }
	for _, c := range []struct {
		name string
		make func(w *town, r model.Room)
		want int64
	}{
		{"nobody came", func(*town, model.Room) {}, 0},
		{"verified", func(w *town, r model.Room) { w.record(model.KindPerson, grid, model.Verified, in(r), due(90)) }, 1},
		{"a verified shop", func(w *town, r model.Room) { w.record(model.KindPlace, grid, model.Verified, in(r)) }, 1},
		{"a verified event says nothing of the room", func(w *town, r model.Room) { w.record(model.KindEvent, grid, model.Verified, in(r)) }, 0},
		{"awaiting", func(w *town, r model.Room) { w.record(model.KindPerson, grid, model.Submitted, in(r)) }, 0},
		{"one verified, one awaiting", func(w *town, r model.Room) {
			w.record(model.KindPerson, grid, model.Verified, in(r))
			w.record(model.KindPerson, grid, model.Submitted, in(r))
		}, 0},
		{"amended by the resident", func(w *town, r model.Room) { w.record(model.KindPerson, grid, model.Submitted, in(r), amended) }, 1},
		{"archived", func(w *town, r model.Room) { w.record(model.KindPerson, grid, model.Archived, in(r), amended) }, 0},
		{"overdue by 29 days", func(w *town, r model.Room) { w.record(model.KindPerson, grid, model.Verified, in(r), due(-29)) }, 1},
		{"overdue by 31 days", func(w *town, r model.Room) { w.record(model.KindPerson, grid, model.Verified, in(r), due(-31)) }, 0},
		{"found vacant once", func(w *town, r model.Room) { w.visits(r, "vacant") }, 0},
		{"found vacant twice", func(w *town, r model.Room) { w.visits(r, "vacant", "no_answer", "vacant") }, 1},
		{"vacant twice, then someone was met", func(w *town, r model.Room) { w.visits(r, "vacant", "vacant", "met") }, 0},
		{"vacant, met, vacant", func(w *town, r model.Room) { w.visits(r, "vacant", "met", "vacant") }, 0},
		{"vacant twice, then no answer", func(w *town, r model.Room) { w.visits(r, "vacant", "vacant", "no_answer") }, 0},
		{"vacant twice, then somebody submitted", func(w *town, r model.Room) {
			w.visits(r, "vacant", "vacant")
			w.record(model.KindPerson, grid, model.Submitted, in(r))
		}, 0},
		{"vacant twice before the last verification of who moved out", func(w *town, r model.Room) {
			w.visits(r, "vacant", "vacant")
			w.clock.Advance(time.Hour)
			w.record(model.KindPerson, grid, model.Archived, in(r), func(x *model.Record) { x.VerifiedAt = w.db.Now() })
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := build(t)
			b := w.building("1号楼", grid)
			c.make(w, w.room(b, "101"))
			got := w.of(testkit.As(t.Context(), model.GridLeader, grid), tally.Query{Area: grid, By: tally.ByBuilding})
			require.EqualValues(t, 1, got.Items[0].Rooms)
			require.Equal(t, c.want, got.Items[0].Covered)
		})
	}
}
