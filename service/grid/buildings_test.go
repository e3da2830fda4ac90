package grid_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/grid"
)

func TestABuildingLaysOutItsRooms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.building(community)
	rooms, err := w.Matrix(w.as(model.CommunityRole, community), b.ID)
	require.NoError(t, err)
	var numbers []string
	for _, r := range rooms {
		numbers = append(numbers, r.Unit+"-"+r.Number)
		require.Equal(t, grid.Unvisited, r.State)
		require.Equal(t, community, r.AreaCode)
	}
	require.Equal(t, []string{"1-101", "1-102", "1-201", "1-202", "1-301", "1-302", "2-101", "2-102", "2-201", "2-202", "2-301", "2-302"},
		numbers)
	require.Equal(t, []string{"building.create"}, w.acts(b.ID.String()))
}

func TestTheLargestBuildingFits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := grid.NewBuilding{AreaCode: community, Name: "大楼", Kind: "mixed", Units: 10, Floors: 50, RoomsPerFloor: 10}
	b, err := w.AddBuilding(w.system(), in)
	require.NoError(t, err)
	rooms, err := w.Matrix(w.system(), b.ID)
	require.NoError(t, err)
	require.Len(t, rooms, 5000)
	in.RoomsPerFloor = 11
	_, err = w.AddBuilding(w.system(), in)
	refused(t, err, model.Invalid, "rooms_per_floor")
}

func TestABuildingIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lon, lat, far := 113.62, 34.75, 200.0
	good := grid.NewBuilding{AreaCode: community, Name: "1号楼", Kind: "residential", Units: 1, Floors: 1, RoomsPerFloor: 1}
	for _, c := range []struct {
		name   string
		role   model.Role
		area   string
		change func(*grid.NewBuilding)
		want   model.Code
		at     []string
	}{
		{"above the community", model.StreetRole, street, func(b *grid.NewBuilding) { b.AreaCode = street }, model.PlaceRequired, nil},
		{"out of scope", model.CommunityRole, community, func(b *grid.NewBuilding) { b.AreaCode = elsewhere },
			model.Invalid, []string{"area_code"}},
		{"in no area", model.CommunityRole, community, func(b *grid.NewBuilding) { b.AreaCode = community + "777" },
			model.Invalid, []string{"area_code"}},
		{"a collector lays out nothing", model.Collector, community, func(*grid.NewBuilding) {}, model.RoleForbidden, nil},
		{"without a name", model.CommunityRole, community, func(b *grid.NewBuilding) { b.Name = "" }, model.Invalid, []string{"name"}},
		{"of no kind", model.CommunityRole, community, func(b *grid.NewBuilding) { b.Kind = "castle" }, model.Invalid, []string{"kind"}},
		{"without floors, with too many units", model.CommunityRole, community, func(b *grid.NewBuilding) { b.Floors, b.Units = 0, 51 },
			model.Invalid,
			[]string{"floors", "units"}},
		{"at half a point", model.CommunityRole, community, func(b *grid.NewBuilding) { b.Lon = &lon }, model.Invalid, []string{"lon"}},
		{"outside China", model.CommunityRole, community, func(b *grid.NewBuilding) { b.Lon, b.Lat = &far, &lat },
			model.Invalid, []string{"lon"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := good
			c.change(&in)
			_, err := w.AddBuilding(w.as(c.role, c.area), in)
			refused(t, err, c.want, c.at...)
			list, _, err := w.Buildings(w.system(), "", "", 50)
			require.NoError(t, err)
			require.Empty(t, list, "a refused building leaves nothing behind")
		})
	}
}

func TestBuildingsAreListedByAreaAndPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second, third := w.building(community), w.building(block), w.building(elsewhere)
	ids := func(rows []*model.Building) (out []model.ID) {
		for _, b := range rows {
			out = append(out, b.ID)
		}
		return out
	}
	all, next, err := w.Buildings(w.as(model.StreetRole, street), "", "", 2)
	require.NoError(t, err)
	require.Equal(t, []model.ID{first.ID, second.ID}, ids(all))
	rest, last, err := w.Buildings(w.as(model.StreetRole, street), "", next, 2)
	require.NoError(t, err)
	require.Equal(t, []model.ID{third.ID}, ids(rest))
	require.Empty(t, last)
	mine, _, err := w.Buildings(w.as(model.GridLeader, block), "", "", 50)
	require.NoError(t, err)
	require.Equal(t, []model.ID{second.ID}, ids(mine))

	// A room in the grid puts the community's building into it too.
	_, err = w.AddRoom(w.as(model.CommunityRole, community), first.ID, grid.NewRoom{Unit: "9", Number: "1", AreaCode: block})
	require.NoError(t, err)
	mine, _, err = w.Buildings(w.as(model.StreetRole, street), block, "", 50)
	require.NoError(t, err)
	require.Equal(t, []model.ID{first.ID, second.ID}, ids(mine))
	_, err = w.Building(w.as(model.CommunityRole, elsewhere), first.ID)
	refused(t, err, model.NotFound)
}

func TestAMovedBuildingTakesItsRecordsAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.building(community)
	room := w.room(b, "1", "101").Room
	rec := w.person(room, model.Submitted, nil)
	to := elsewhere
	_, err := w.EditBuilding(w.as(model.CommunityRole, community), b.ID, match(1), grid.BuildingPatch{AreaCode: &to})
	refused(t, err, model.Invalid, "area_code")
	moved, err := w.EditBuilding(w.as(model.StreetRole, street), b.ID, match(1), grid.BuildingPatch{AreaCode: &to})
	require.NoError(t, err)
	require.EqualValues(t, 2, moved.Version)
	after := w.record(rec.ID)
	require.Equal(t, model.CodesOf(elsewhere), after.AreaCodes)
	require.Equal(t, rec.Version, after.Version, "the record itself did not change")
	require.Equal(t, elsewhere, w.room(b, "1", "101").AreaCode)
	require.Equal(t, []string{"building.create", "building.update"}, w.acts(b.ID.String()))
}

func TestABuildingInUseIsNotRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.building(community)
	w.person(w.room(b, "1", "101").Room, model.Withdrawn, nil)
	ctx := w.as(model.CommunityRole, community)
	refused(t, w.DeleteBuilding(ctx, b.ID, match(1)), model.Conflict)
	refused(t, w.DeleteBuilding(ctx, b.ID, ""), model.PreconditionRequired)
	refused(t, w.DeleteBuilding(w.as(model.GridLeader, community), b.ID, match(1)), model.RoleForbidden)

	empty := w.building(community)
	live := "x"
	w.add(&model.QRCode{Code: "TEST", BuildingID: empty.ID, Status: model.QRActive, Version: 1, Live: &live})
	require.NoError(t, w.DeleteBuilding(ctx, empty.ID, match(1)))
	require.NoError(t, w.db.Read(w.system(), func(tx *store.Tx) error {
		var rooms int64
		require.NoError(t, tx.Q(&model.Room{}).Where("building_id = ?", empty.ID).Count(&rooms).Error)
		require.Zero(t, rooms)
		var c model.QRCode
		require.NoError(t, tx.Q(&c).Where("code = ?", "TEST").Take(&c).Error)
		require.Equal(t, model.QRDead, c.Status)
		require.Nil(t, c.Live)
		return nil
	}))
}

func TestTheMatrixShowsEveryState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.building(community)
	room := func(unit, number string) model.Room { return w.room(b, unit, number).Room }
	w.person(room("1", "101"), model.Submitted, nil)
	w.person(room("1", "102"), model.Verified, nil)
	w.person(room("1", "102"), model.Verified, nil)
	w.person(room("1", "201"), model.Verified, func(r *model.Record) { r.DueAt = w.clock.Time() - 1 })
	w.person(room("1", "202"), model.Archived, nil)
	w.person(room("1", "301"), model.Verified, func(r *model.Record) { r.Kind, r.Element = model.KindEvent, &model.Event{} })
	w.person(room("1", "302"), model.Verified, nil)
	for _, o := range []grid.Outcome{grid.StandsEmpty, grid.StandsEmpty} {
		w.visit(room("2", "101"), o)
		w.visit(room("1", "302"), o)
	}
	w.visit(room("2", "102"), grid.NobodyThere)
	w.visit(room("2", "201"), grid.RefusedToTalk)
	business := model.Business
	_, err := w.EditRoom(w.as(model.Collector, community), room("2", "202").ID, match(1), grid.RoomPatch{Use: &business})
	require.NoError(t, err)

	rooms, err := w.Matrix(w.as(model.GridLeader, community), b.ID)
	require.NoError(t, err)
	got := map[string]grid.State{}
	people := map[string]int{}
	for _, r := range rooms {
		got[r.Unit+"-"+r.Number], people[r.Unit+"-"+r.Number] = r.State, r.People
	}
	require.Equal(t, map[string]grid.State{"1-101": grid.Submitted, "1-102": grid.Verified, "1-201": grid.Recheck,
		"1-202": grid.Unvisited, "1-301": grid.Unvisited, "1-302": grid.Verified, "2-101": grid.Vacant, "2-102": grid.NoAnswer,
		"2-201": grid.Refused, "2-202": grid.Business, "2-301": grid.Unvisited, "2-302": grid.Unvisited}, got)
	require.Equal(t, 2, people["1-102"])
	require.Zero(t, people["1-202"], "who moved out is not counted")
	last := w.room(b, "2", "102").LastVisit
	require.NotNil(t, last)
	require.EqualValues(t, grid.NobodyThere, last.Outcome)
	_, err = w.Matrix(w.as(model.CommunityRole, elsewhere), b.ID)
	refused(t, err, model.NotFound)
}

// visit notes a visit by a collector of the community.
func (w *world) visit(r model.Room, o grid.Outcome) {
	w.t.Helper()
	_, _, err := w.AddVisit(w.as(model.Collector, community), r.ID, grid.VisitIn{Method: "knock", Outcome: o})
	require.NoError(w.t, err)
}

func TestACollectorPostedToAUnitSeesThatUnit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.building(community)
	w.visit(w.room(b, "1", "101").Room, grid.NobodyThere)
	w.visit(w.room(b, "2", "101").Room, grid.RefusedToTalk)
	a := testkit.Actor(model.Collector, "")
	a.Posts = []model.Post{{Building: b.ID, Unit: "2"}}
	rooms, err := w.Matrix(store.As(t.Context(), a), b.ID)
	require.NoError(t, err)
	require.Len(t, rooms, 6)
	for _, r := range rooms {
		require.Equal(t, "2", r.Unit)
	}
	require.Equal(t, grid.Refused, rooms[0].State)
	_, err = w.Room(store.As(t.Context(), a), w.room(b, "1", "101").ID)
	refused(t, err, model.NotFound)
}

func TestARoomIsAddedRenumberedMergedAndClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.building(community)
	ctx := w.as(model.Collector, community)
	_, err := w.AddRoom(ctx, b.ID, grid.NewRoom{Unit: "1", Floor: 1, Number: "101"})
	refused(t, err, model.Conflict)
	_, err = w.AddRoom(ctx, b.ID, grid.NewRoom{Unit: "1", Floor: 99, Number: "=1+1"})
	refused(t, err, model.Invalid, "number", "floor")
	_, err = w.AddRoom(w.as(model.Collector, elsewhere), b.ID, grid.NewRoom{Unit: "1", Floor: 1, Number: "103"})
	refused(t, err, model.NotFound)
	r, err := w.AddRoom(ctx, b.ID, grid.NewRoom{Unit: "1", Floor: 1, Number: "103", AreaCode: block, Use: model.Business})
	require.NoError(t, err)
	require.Equal(t, grid.Business, r.State)
	rec := w.person(r.Room, model.Submitted, nil)

	number := "103A"
	r, err = w.EditRoom(ctx, r.ID, match(1), grid.RoomPatch{Number: &number})
	require.NoError(t, err)
	require.Equal(t, "103A", w.record(rec.ID).Room, "the record follows its room")
	closed := model.RoomEmpty
	_, err = w.EditRoom(ctx, r.ID, match(2), grid.RoomPatch{Use: &closed})
	refused(t, err, model.Conflict)
	_, err = w.EditRoom(ctx, r.ID, match(1), grid.RoomPatch{Use: &closed})
	refused(t, err, model.Stale)
	into := w.room(b, "1", "102")
	_, err = w.EditRoom(ctx, r.ID, match(2), grid.RoomPatch{MergedInto: &r.ID})
	refused(t, err, model.Invalid, "merged_into")
	merged, err := w.EditRoom(ctx, r.ID, match(2), grid.RoomPatch{MergedInto: &into.ID})
	require.NoError(t, err)
	require.Equal(t, model.RoomEmpty, merged.Use)
	after := w.record(rec.ID)
	require.Equal(t, into.ID, after.RoomID)
	require.Equal(t, community, after.AreaCode)
	rooms, err := w.Matrix(ctx, b.ID)
	require.NoError(t, err)
	require.Len(t, rooms, 12, "a merged room is in no count")
	require.Equal(t, grid.Submitted, w.room(b, "1", "102").State)
}

func TestABuildingsCodeIsWhatItsRoomsHaveInCommon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := w.as(model.CommunityRole, community)
	other, err := w.AddArea(ctx, grid.NewArea{Parent: community, Name: "第二网格"})
	require.NoError(t, err)
	b := w.building(block)
	room := w.room(b, "2", "101")
	rec := w.person(room.Room, model.Submitted, nil)
	_, err = w.EditRoom(ctx, room.ID, match(1), grid.RoomPatch{AreaCode: &other.Code})
	require.NoError(t, err)
	now, err := w.Building(ctx, b.ID)
	require.NoError(t, err)
	require.Equal(t, community, now.AreaCode)
	require.Equal(t, other.Code, w.record(rec.ID).AreaCode)
	to := elsewhere
	_, err = w.EditRoom(w.as(model.StreetRole, street), room.ID, match(2), grid.RoomPatch{AreaCode: &to})
	refused(t, err, model.Invalid, "area_code")
}
