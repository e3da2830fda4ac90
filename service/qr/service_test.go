package qr

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

const (
	community = "410102002001"
	elsewhere = "410102002002"
)

type world struct {
	*Service
	t     *testing.T
	clock *testkit.FixedClock
	b     *model.Building // of one unit, "1", with one room
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := testkit.Clock(t)
	w := &world{New(testkit.DBAt(t, clock), "https://six.example.gov.cn/"), t, clock, nil}
	w.b = w.building(community)
	w.add(&model.Area{Code: community, Name: "测试社区", Level: model.Community, Parent: community[:9], Version: 1})
	return w
}

func (w *world) system() context.Context { return store.AsSystem(w.t.Context(), "test") }

func (w *world) add(rows ...any) {
	w.t.Helper()
	require.NoError(w.t, w.db.Write(w.system(), model.Act{Name: "test.add"}, func(tx *store.Tx) error { return tx.Add(rows...) }))
}

func (w *world) building(area string) *model.Building {
	w.t.Helper()
	b := &model.Building{ID: model.NewID(), AreaCodes: model.CodesOf(area), Name: "建设路1号楼", Kind: "residential", Units: 1, Version: 1}
	w.add(b, &model.Room{ID: model.NewID(), BuildingID: b.ID, AreaCodes: b.AreaCodes, Unit: "1", Floor: 1, Number: "101",
		Use: model.Dwelling, Version: 1})
	return b
}

func (w *world) staff() context.Context {
	return testkit.As(w.t.Context(), model.CommunityRole, community)
}

func (w *world) resolve(code string) (c *model.QRCode, b *model.Building, err error) {
	err = w.db.Read(testkit.As(w.t.Context(), model.Resident, ""), func(tx *store.Tx) (err error) {
		c, b, err = w.Resolve(w.t.Context(), tx, code)
		return err
	})
	return c, b, err
}

func TestABuildingHasOneActiveCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, created, err := w.Issue(w.staff(), w.b.ID, "", false)
	require.NoError(t, err)
	require.True(t, created)
	require.EqualValues(t, 1, first.Version)
	require.Equal(t, "https://six.example.gov.cn/q/"+first.Code, w.URL(first.Code))
	again, created, err := w.Issue(w.staff(), w.b.ID, "", false)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, first.Code, again.Code)
	unit, created, err := w.Issue(w.staff(), w.b.ID, "1", false)
	require.NoError(t, err)
	require.True(t, created, "a unit has a code of its own")

	w.clock.Advance(time.Hour)
	second, created, err := w.Issue(w.staff(), w.b.ID, "", true)
	require.NoError(t, err)
	require.True(t, created)
	require.EqualValues(t, 2, second.Version)
	old, err := w.Code(w.staff(), first.Code)
	require.NoError(t, err)
	require.Equal(t, model.QRDead, old.Status)
	require.Equal(t, w.clock.Time(), old.RevokedAt)
	_, _, err = w.resolve(first.Code)
	require.True(t, model.IsCode(err, model.QRRevoked), "%v", err)
	c, b, err := w.resolve(Spaced(unit.Code))
	require.NoError(t, err, "the unit's code is not touched, and may be typed in groups")
	require.Equal(t, "1", c.Unit)
	require.Equal(t, w.b.ID, b.ID)

	list, next, err := w.Codes(w.staff(), w.b.ID, "", 2)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, second.Code, list[0].Code)
	rest, last, err := w.Codes(w.staff(), w.b.ID, next, 2)
	require.NoError(t, err)
	require.Len(t, rest, 1)
	require.Empty(t, last)
}

func TestTwoWhoAskAtOnceGetOneCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	codes := make([]string, 8)
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() {
			c, _, err := w.Issue(w.staff(), w.b.ID, "1", false)
			if err == nil {
				codes[i] = c.Code
			}
		})
	}
	all.Wait()
	for _, c := range codes {
		require.NotEmpty(t, c)
		require.Equal(t, codes[0], c)
	}
}

func TestWhoMayIssueAndRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _, err := w.Issue(w.staff(), w.b.ID, "", false)
	require.NoError(t, err)
	for _, x := range []struct {
		name string
		role model.Role
		area string
		want model.Code
	}{
		{"a collector there", model.Collector, community, model.RoleForbidden},
		{"a community elsewhere", model.CommunityRole, elsewhere, model.NotFound},
		{"a resident", model.Resident, "", model.NotFound},
	} {
		t.Run(x.name, func(t *testing.T) {
			ctx := testkit.As(t.Context(), x.role, x.area)
			_, _, err := w.Issue(ctx, w.b.ID, "", true)
			require.True(t, model.IsCode(err, x.want), "%v", err)
			_, err = w.Revoke(ctx, c.Code, `"1"`)
			require.True(t, model.IsCode(err, x.want), "%v", err)
		})
	}
	_, _, err = w.Issue(w.staff(), w.b.ID, "7", false)
	require.True(t, model.IsCode(err, model.Invalid), "a unit that is not there: %v", err)
	_, err = w.Revoke(w.staff(), c.Code, "")
	require.True(t, model.IsCode(err, model.PreconditionRequired), "%v", err)
	for range 2 { // the second time changes nothing
		dead, err := w.Revoke(w.staff(), c.Code, `"1"`)
		require.NoError(t, err)
		require.Equal(t, model.QRDead, dead.Status)
	}
	next, created, err := w.Issue(w.staff(), w.b.ID, "", false)
	require.NoError(t, err)
	require.True(t, created)
	require.NotEqual(t, c.Code, next.Code, "a revoked code never comes back")
}

func TestAScanIsCountedAndNamesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _, err := w.Issue(w.staff(), w.b.ID, "1", false)
	require.NoError(t, err)
	for range 3 {
		scan, err := w.Scan(w.system(), c.Code)
		require.NoError(t, err)
		require.Equal(t, "测试社区", scan.AreaName)
		require.Equal(t, w.b.Name, scan.Building.Name)
	}
	counted, err := w.Code(w.staff(), c.Code)
	require.NoError(t, err)
	require.EqualValues(t, 3, counted.Scans)
	for _, code := range []string{NewCode(), "no code", ""} {
		_, err = w.Scan(w.system(), code)
		require.True(t, model.IsCode(err, model.QRUnknown), "%v", err)
	}
}

func TestTheSheetHasTheActiveCodesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.building(community)
	whole, _, err := w.Issue(w.staff(), w.b.ID, "", false)
	require.NoError(t, err)
	unit, _, err := w.Issue(w.staff(), w.b.ID, "1", false)
	require.NoError(t, err)
	dead, _, err := w.Issue(w.staff(), other.ID, "", false)
	require.NoError(t, err)
	_, err = w.Revoke(w.staff(), dead.Code, `"1"`)
	require.NoError(t, err)

	title, posters, err := w.Posters(w.staff(), community, model.ID{})
	require.NoError(t, err)
	require.Equal(t, "测试社区", title)
	require.Len(t, posters, 2)
	require.Equal(t, []string{whole.Code, unit.Code}, []string{posters[0].Code, posters[1].Code})
	require.Equal(t, "测试社区", posters[0].Area)
	_, posters, err = w.Posters(w.staff(), "", other.ID)
	require.NoError(t, err)
	require.Empty(t, posters, "no code is made silently")
	for _, ask := range []struct {
		area     string
		building model.ID
		want     model.Code
	}{{"", model.ID{}, model.Invalid}, {community, w.b.ID, model.Invalid}, {elsewhere, model.ID{}, model.NotFound},
		{"", model.NewID(), model.NotFound}} {
		_, _, err := w.Posters(w.staff(), ask.area, ask.building)
		require.True(t, model.IsCode(err, ask.want), "%v", err)
	}
}
