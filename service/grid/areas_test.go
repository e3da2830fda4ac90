package grid_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/service/grid"
	"sixelements/service/tally"
)

func TestTheDivisionListIsImportedOnce(t *testing.T) {
	t.Parallel()
	s := grid.New(testkit.DB(t), tally.Households)
	ctx := testkit.As(t.Context(), model.Admin, "")
	n, err := s.ImportDivisions(ctx, grid.DefaultDivisions())
	require.NoError(t, err)
	require.Equal(t, 172, n)
	n, err = s.ImportDivisions(ctx, grid.DefaultDivisions())
	require.NoError(t, err)
	require.Zero(t, n, "a second import adds nothing")

	roots, next, err := s.Areas(ctx, "", "", 50)
	require.NoError(t, err)
	require.Empty(t, next)
	require.Len(t, roots, 1)
	require.Equal(t, "中原区", roots[0].Name)
	streets, next, err := s.Areas(ctx, "410102", "", 10)
	require.NoError(t, err)
	require.Len(t, streets, 10)
	rest, last, err := s.Areas(ctx, "410102", next, 10)
	require.NoError(t, err)
	require.Len(t, rest, 4)
	require.Empty(t, last)
	require.Greater(t, rest[0].Code, streets[9].Code)
}

func TestABadDivisionListNamesTheLineAndAddsNothing(t *testing.T) {
	t.Parallel()
	s := grid.New(testkit.DB(t), tally.Households)
	ctx := testkit.As(t.Context(), model.Admin, "")
	const head = "code,name,parent_code,level\n"
	const district = "410103,二七区,4101,district\n"
	for name, c := range map[string]struct{ file, line string }{
		"nothing":                      {"", "line 1"},
		"another header":               {"a,b,c,d\n" + district, "line 1"},
		"a level that does not fit":    {head + district + "410103001,某街道,410103,community\n", "line 3"},
		"a parent that does not fit":   {head + district + "410103001,某街道,410102,street\n", "line 3"},
		"a parent that comes later":    {head + "410103001,某街道,410103,street\n" + district, "line 2"},
		"a code twice":                 {head + district + district, "line 3"},
		"no name":                      {head + "410103, ,4101,district\n", "line 2"},
		"too few columns":              {head + district + "410103001,某街道\n", "line 3"},
		"a code of letters":            {head + "41010x,二七区,4101,district\n", "line 2"},
		"a level below the community":  {head + district + "410103001001001,网格,410103001001,grid\n", "line 3"},
		"a quote that is never closed": {head + "\"410103,二七区,4101,district\n", "line "},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := s.ImportDivisions(ctx, strings.NewReader(c.file))
			require.Zero(t, n)
			refused(t, err, model.Invalid)
			require.ErrorContains(t, err, c.line)
		})
	}
	n, err := s.ImportDivisions(ctx, strings.NewReader("\ufeff"+head+district))
	require.NoError(t, err, "a byte order mark is no fault")
	require.Equal(t, 1, n)
}

func FuzzADivisionListNeverPanics(f *testing.F) {
	s := grid.New(testkit.DB(f), tally.Households)
	f.Add("code,name,parent_code,level\n410103,二七区,4101,district\n")
	f.Add("\"")
	f.Fuzz(func(t *testing.T, file string) {
		_, err := s.ImportDivisions(testkit.As(t.Context(), model.Admin, ""), strings.NewReader(file))
		if err != nil {
			refused(t, err, model.Invalid)
		}
	})
}

func TestAnAreaGetsTheNextCodeAndNeverAnOldOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := w.as(model.CommunityRole, community)
	a, err := w.AddArea(ctx, grid.NewArea{Parent: community, Name: "第二网格"})
	require.NoError(t, err)
	require.Equal(t, community+"002", a.Code)
	require.Equal(t, model.Grid, a.Level)
	require.Equal(t, []string{"area.create"}, w.acts(a.Code))
	require.NoError(t, w.DeleteArea(ctx, a.Code, match(1)))
	again, err := w.AddArea(ctx, grid.NewArea{Parent: community, Name: "第三网格", Exclusive: true})
	require.NoError(t, err)
	require.Equal(t, community+"003", again.Code)
	micro, err := w.AddArea(ctx, grid.NewArea{Parent: block, Code: block + "999", Name: "微网格"})
	require.NoError(t, err)
	next, err := w.AddArea(ctx, grid.NewArea{Parent: block, Name: "微网格"})
	require.NoError(t, err)
	require.Equal(t, block+"999", micro.Code)
	require.Equal(t, block+"001", next.Code, "behind 999 the first free one")

	gone, err := w.Area(ctx, a.Code)
	require.NoError(t, err)
	require.False(t, gone.ValidTo.IsZero(), "a deleted area can be read, with its end")
	list, _, err := w.Areas(ctx, community, "", 50)
	require.NoError(t, err)
	for _, x := range list {
		require.NotEqual(t, a.Code, x.Code, "a deleted area is in no list")
	}
	_, err = w.AddArea(ctx, grid.NewArea{Parent: community, Code: a.Code, Name: "旧代码"})
	refused(t, err, model.Conflict)
}

func TestWhoMayDivideWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name string
		role model.Role
		area string
		in   grid.NewArea
		want model.Code
	}{
		{"a community makes no community", model.CommunityRole, community, grid.NewArea{Parent: street, Name: "社区"}, model.RoleForbidden},
		{"a community does not see its neighbour", model.CommunityRole, community, grid.NewArea{Parent: elsewhere, Name: "网格"}, model.Invalid},
		{"nobody makes streets", model.Admin, "", grid.NewArea{Parent: street[:6], Name: "街道"}, model.Invalid},
		{"nobody divides a micro-grid", model.Admin, "", grid.NewArea{Parent: block + "001", Name: "更小"}, model.Invalid},
		{"a code must continue the parent's", model.Admin, "", grid.NewArea{Parent: block, Code: elsewhere + "001", Name: "网格"}, model.Invalid},
		{"a community is not exclusive", model.StreetRole, street, grid.NewArea{Parent: street, Name: "社区", Exclusive: true}, model.Invalid},
		{"a name is needed", model.StreetRole, street, grid.NewArea{Parent: street, Name: " "}, model.Invalid},
		{"a grid leader divides nothing", model.GridLeader, block, grid.NewArea{Parent: block, Name: "微网格"}, model.RoleForbidden},
		{"a code in use", model.CommunityRole, community, grid.NewArea{Parent: community, Code: block, Name: "网格"}, model.Conflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.AddArea(w.as(c.role, c.area), c.in)
			refused(t, err, c.want)
		})
	}
	_, err := w.AddArea(w.as(model.StreetRole, street), grid.NewArea{Parent: street, Name: "新社区"})
	require.NoError(t, err)
}

func TestAnAreaThatHoldsAnythingIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := w.as(model.StreetRole, street)
	refused(t, w.DeleteArea(ctx, community, match(1)), model.AreaNotEmpty)
	b := w.building(block)
	refused(t, w.DeleteArea(ctx, block, match(1)), model.AreaNotEmpty)
	require.NoError(t, w.DeleteBuilding(ctx, b.ID, match(b.Version)))
	w.add(&model.GrantRow{ID: model.NewID(), AccountID: model.NewID(), Role: model.Collector, AreaCode: block, GrantedAt: w.clock.Time()})
	refused(t, w.DeleteArea(ctx, block, match(1)), model.AreaNotEmpty)
	refused(t, w.DeleteArea(ctx, elsewhere, ""), model.PreconditionRequired)
	refused(t, w.DeleteArea(ctx, elsewhere, match(7)), model.Stale)
	refused(t, w.DeleteArea(w.as(model.CommunityRole, elsewhere), elsewhere, match(1)), model.RoleForbidden)
	require.NoError(t, w.DeleteArea(ctx, elsewhere, match(1)))
}

func TestAClosedAreaNamesItsSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := w.as(model.StreetRole, street)
	yes, no, to, name := true, false, community, "新名字"
	_, err := w.EditArea(ctx, elsewhere, match(1), grid.AreaPatch{Successor: &to})
	refused(t, err, model.Invalid, "successor")
	a, err := w.EditArea(ctx, elsewhere, match(1), grid.AreaPatch{Closed: &yes, Successor: &to, Name: &name})
	require.NoError(t, err)
	require.Equal(t, int64(2), a.Version)
	require.Equal(t, w.clock.Time(), a.ValidTo)
	_, err = w.EditArea(ctx, elsewhere, match(2), grid.AreaPatch{Closed: &no})
	refused(t, err, model.Invalid, "closed")
	_, err = w.EditArea(ctx, elsewhere, match(1), grid.AreaPatch{Name: &name})
	refused(t, err, model.Stale)
	_, err = w.EditArea(w.as(model.CommunityRole, community), elsewhere, match(2), grid.AreaPatch{Name: &name})
	refused(t, err, model.NotFound)
	_, err = w.EditArea(w.as(model.CommunityRole, community), street, match(1), grid.AreaPatch{Name: &name})
	refused(t, err, model.RoleForbidden)
}

func TestHouseholdsAreThoseOfLivePersonsBelow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	room := w.room(w.building(block), "1", "101").Room
	family := model.NewID()
	same := func(r *model.Record) { r.HouseholdID = family }
	w.person(room, model.Submitted, same)
	w.person(room, model.Verified, same)
	w.person(room, model.Returned, nil)
	w.person(room, model.Archived, nil)
	for _, code := range []string{street[:6], street, community, block} {
		a, err := w.Area(w.system(), code)
		require.NoError(t, err)
		require.EqualValues(t, 2, a.Households, code)
	}
	list, _, err := w.Areas(w.as(model.StreetRole, street), street, "", 50)
	require.NoError(t, err)
	require.EqualValues(t, []int64{2, 0}, []int64{list[0].Households, list[1].Households})
}

func TestTheCallersRootsAndAncestors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := w.as(model.GridLeader, block)
	roots, _, err := w.Areas(ctx, "", "", 50)
	require.NoError(t, err)
	require.Len(t, roots, 1)
	require.Equal(t, block, roots[0].Code)
	above, err := w.Area(ctx, street)
	require.NoError(t, err, "ancestors can be read for breadcrumbs")
	require.Equal(t, street, above.Code)
	_, err = w.Area(ctx, elsewhere)
	refused(t, err, model.NotFound)
	_, err = w.Area(ctx, "no code")
	refused(t, err, model.NotFound)
	_, _, err = w.Areas(ctx, "41010", "", 50)
	refused(t, err, model.Invalid, "parent")
}
