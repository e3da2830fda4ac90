package grid_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/grid"
)

func TestAVisitSentTwiceIsNotedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	room := w.room(w.building(community), "1", "101").Room
	ctx := w.as(model.Collector, community)
	in := grid.VisitIn{ID: w.clientID(), Method: "knock", Outcome: grid.NobodyThere, Note: "邻居说晚上在家"}
	first, replay, err := w.AddVisit(ctx, room.ID, in)
	require.NoError(t, err)
	require.False(t, replay)
	require.Equal(t, in.Note, first.Note)
	require.False(t, first.Late)
	again, replay, err := w.AddVisit(ctx, room.ID, in)
	require.NoError(t, err)
	require.True(t, replay)
	require.Equal(t, first, again)
	require.Equal(t, []string{"visit.create"}, w.acts(in.ID.String()), "a replay leaves no second trace")

	_, _, err = w.AddVisit(w.as(model.Collector, community), room.ID, in)
	refused(t, err, model.IDConflict)
	in.Note = "改了"
	_, _, err = w.AddVisit(ctx, room.ID, in)
	refused(t, err, model.IDConflict)

	list, next, err := w.Visits(w.as(model.GridLeader, community), room.ID, "", 50)
	require.NoError(t, err)
	require.Empty(t, next)
	require.Equal(t, []grid.VisitView{first}, list)
	require.NoError(t, w.db.Read(w.system(), func(tx *store.Tx) error {
		var v model.Visit
		require.NoError(t, tx.Q(&v).Where("id = ?", in.ID).Take(&v).Error)
		require.NotContains(t, string(v.Note), "邻居", "notes are sealed at rest")
		return nil
	}))
}

// clientID is what a phone makes whose clock goes right.
func (w *world) clientID() model.ID {
	id := model.NewID()
	ms := uint64(w.clock.Time())
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id
}

func TestAVisitIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	room := w.room(w.building(community), "1", "101").Room
	good := grid.VisitIn{Method: "knock", Outcome: grid.Met}
	lon := 113.62
	for _, c := range []struct {
		name   string
		role   model.Role
		area   string
		change func(*grid.VisitIn)
		want   model.Code
		at     []string
	}{
		{"by a collector of another community", model.Collector, elsewhere, func(*grid.VisitIn) {}, model.NotFound, nil},
		{"by an administrator, who takes no steps", model.Admin, "", func(*grid.VisitIn) {}, model.RoleForbidden, nil},
		{"by no known method", model.Collector, community, func(v *grid.VisitIn) { v.Method = "telepathy" }, model.Invalid, []string{"method"}},
		{"with no known outcome", model.Collector, community, func(v *grid.VisitIn) { v.Outcome = "" }, model.Invalid, []string{"outcome"}},
		{"with too long a note", model.Collector, community, func(v *grid.VisitIn) { v.Note = strings.Repeat("长", 501) },
			model.Invalid, []string{"note"}},
		{"of the day after tomorrow", model.Collector, community, func(v *grid.VisitIn) { v.At = w.clock.Time().Add(48 * time.Hour) },
			model.Invalid, []string{"at"}},
		{"with an id that is no UUIDv7", model.Collector, community, func(v *grid.VisitIn) { v.ID = model.ID{6: 0x40, 8: 0x80} }, model.Invalid,
			[]string{"id"}},
		{"at half a point", model.Collector, community, func(v *grid.VisitIn) { v.Lon = &lon }, model.Invalid, []string{"lon"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := good
			c.change(&in)
			_, _, err := w.AddVisit(w.as(c.role, c.area), room.ID, in)
			refused(t, err, c.want, c.at...)
		})
	}
	require.Nil(t, w.room(&model.Building{ID: room.BuildingID}, "1", "101").LastVisit, "nothing stays of a refused visit")
}

// collectorAccount is an account that holds the collector's role for no area.
func (w *world) collectorAccount() model.Actor {
	w.t.Helper()
	a := testkit.Actor(model.Collector, "")
	w.add(&model.Account{ID: a.Account, Kind: model.Named, Name: "采集员甲", CreatedAt: w.clock.Time(), Version: 1},
		&model.GrantRow{ID: model.NewID(), AccountID: a.Account, Role: model.Collector, GrantedAt: w.clock.Time()})
	return a
}

func TestWhatAPhoneKeptWhileTheAssignmentEndedIsNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.building(community)
	a := w.collectorAccount()
	leader := w.as(model.GridLeader, community)
	post, err := w.Assign(leader, grid.NewAssignment{AccountID: a.Account, BuildingID: b.ID, Unit: "1", Team: "fixed"})
	require.NoError(t, err)
	require.NoError(t, w.Unassign(leader, post.ID))
	ctx := store.As(t.Context(), a)
	in := grid.VisitIn{Method: "knock", Outcome: grid.Met}
	v, _, err := w.AddVisit(ctx, w.room(b, "1", "101").ID, in)
	require.NoError(t, err)
	require.True(t, v.Late)
	_, _, err = w.AddVisit(ctx, w.room(b, "2", "101").ID, in)
	refused(t, err, model.NotFound)
	w.clock.Advance(31 * 24 * time.Hour)
	_, _, err = w.AddVisit(ctx, w.room(b, "1", "101").ID, in)
	refused(t, err, model.NotFound)
}

func TestAnAssignmentIsMadeListedAndEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.building(block)
	a := w.collectorAccount()
	leader := w.as(model.GridLeader, block)
	in := grid.NewAssignment{AccountID: a.Account, BuildingID: b.ID, Team: "mobile", From: "2026-05-01", To: "2026-05-31"}
	post, err := w.Assign(leader, in)
	require.NoError(t, err)
	require.Equal(t, "采集员甲", post.AccountName)
	require.Equal(t, "2026-05-01T00:00:00.000+08:00", post.FromAt.String())
	require.Equal(t, "2026-06-01T00:00:00.000+08:00", post.ToAt.String(), "the last day belongs to the post")
	list, _, err := w.Assignments(leader, grid.AssignmentFilter{}, "", 50)
	require.NoError(t, err)
	require.Equal(t, []grid.Assignment{post}, list)
	other, _, err := w.Assignments(w.as(model.GridLeader, elsewhere), grid.AssignmentFilter{}, "", 50)
	require.NoError(t, err)
	require.Empty(t, other)

	refused(t, w.Unassign(w.as(model.GridLeader, elsewhere), post.ID), model.NotFound)
	refused(t, w.Unassign(store.As(t.Context(), a), post.ID), model.RoleForbidden)
	require.NoError(t, w.Unassign(leader, post.ID))
	require.NoError(t, w.Unassign(leader, post.ID), "ending it twice is no fault")
	list, _, err = w.Assignments(leader, grid.AssignmentFilter{}, "", 50)
	require.NoError(t, err)
	require.Empty(t, list)
	list, _, err = w.Assignments(leader, grid.AssignmentFilter{Ended: true, Account: a.Account}, "", 50)
	require.NoError(t, err)
	require.Len(t, list, 1, "the post stays as history")
	require.Equal(t, []string{"assignment.create", "assignment.end"}, w.acts(post.ID.String()))
}

func TestAnAssignmentIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, theirs := w.building(block), w.building(elsewhere)
	a := w.collectorAccount()
	nobody := testkit.Actor(model.Resident, "")
	good := grid.NewAssignment{AccountID: a.Account, BuildingID: mine.ID, Team: "fixed"}
	for _, c := range []struct {
		name   string
		change func(*grid.NewAssignment)
		at     string
	}{
		{"for who is no collector", func(n *grid.NewAssignment) { n.AccountID = nobody.Account }, "account_id"},
		{"to a building out of scope", func(n *grid.NewAssignment) { n.BuildingID = theirs.ID }, "building_id"},
		{"to a unit that is not there", func(n *grid.NewAssignment) { n.Unit = "7" }, "unit"},
		{"to nothing", func(n *grid.NewAssignment) { n.BuildingID = model.ID{} }, "building_id"},
		{"to two places", func(n *grid.NewAssignment) { n.AreaCode = block }, "area_code"},
		{"to a whole street", func(n *grid.NewAssignment) { n.BuildingID, n.AreaCode = model.ID{}, street }, "area_code"},
		{"to an area out of scope", func(n *grid.NewAssignment) { n.BuildingID, n.AreaCode = model.ID{}, elsewhere }, "area_code"},
		{"to no team", func(n *grid.NewAssignment) { n.Team = "" }, "team"},
		{"from a day that is none", func(n *grid.NewAssignment) { n.From = "2026-02-30" }, "from"},
		{"to a day that is over", func(n *grid.NewAssignment) { n.From, n.To = "2026-04-01", "2026-04-30" }, "to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := good
			c.change(&in)
			_, err := w.Assign(w.as(model.GridLeader, block), in)
			refused(t, err, model.Invalid, c.at)
		})
	}
	_, err := w.Assign(w.as(model.Collector, block), good)
	refused(t, err, model.RoleForbidden)
}
