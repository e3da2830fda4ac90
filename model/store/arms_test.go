package store_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// town is a set of records, and of what leads to some of them, beside a plain Go answer to who sees which.
type town struct {
	*world
	recs       []*model.Record
	dispatched map[model.ID][]model.ID // account → records
	links      [][2]model.ID
	short      bool // a page may look at so little that it ends before it is full
}

// at is a record of a kind at a code, building and unit.
func (t *town) at(k model.Kind, code string, building model.ID, unit string, submitter model.ID, when model.Time) *model.Record {
	r := kindOf(k, code, submitter)
	r.BuildingID, r.Unit, r.SubmittedAt = building, unit, when
	t.recs = append(t.recs, r)
	return r
}

// save writes the town in one transaction.
func (t *town) save() {
	t.t.Helper()
	require.NoError(t.t, t.Write(t.system(), model.Act{Name: "test.town"}, func(tx *store.Tx) error {
		for _, r := range t.recs {
			if err := tx.AddRecord(r, store.Trace{Act: "create"}); err != nil {
				return err
			}
		}
		for account, ids := range t.dispatched {
			for _, id := range ids {
				if err := tx.Add(&model.Dispatched{RecordID: id, AccountID: account, At: tx.Now()}); err != nil {
					return err
				}
			}
		}
		for _, l := range t.links {
			if err := tx.Add(&model.Link{ID: model.NewID(), RecordID: l[0], OtherID: l[1], Relation: "involves",
				At: tx.Now()}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// may is the plain answer: does the actor see the record?
func (t *town) may(a model.Actor, r *model.Record) bool {
	if r.SubmitterID == a.Account {
		return true
	}
	collector := false
	for _, g := range a.Grants {
		collector = collector || g.Role == model.Collector
		switch g.Role {
		case model.Admin:
			if g.Area == "" {
				return true
			}
		case model.Department:
			if t.wasDispatched(a.Account, r) {
				return true
			}
			continue
		case model.Resident:
			continue
		}
		if g.Area != "" && strings.HasPrefix(r.AreaCode, g.Area) {
			return true
		}
	}
	for _, p := range a.Posts {
		switch {
		case !collector:
		case p.Area != "" && strings.HasPrefix(r.AreaCode, p.Area):
			return true
		case p.Area == "" && p.Building == r.BuildingID && (p.Unit == "" || p.Unit == r.Unit):
			return true
		}
	}
	return false
}

func (t *town) wasDispatched(account model.ID, r *model.Record) bool {
	mine := t.dispatched[account]
	if slices.Contains(mine, r.ID) {
		return true
	}
	if r.Kind != model.KindPlace && r.Kind != model.KindObject {
		return false
	}
	return slices.ContainsFunc(t.links, func(l [2]model.ID) bool {
		return l[1] == r.ID && slices.Contains(mine, l[0]) || l[0] == r.ID && slices.Contains(mine, l[1])
	})
}

// want are the ids that the actor sees and the filter keeps, newest first.
func (t *town) want(a model.Actor, keep func(*model.Record) bool, ascending bool) []model.ID {
	var list []*model.Record
	for _, r := range t.recs {
		if t.may(a, r) && keep(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *model.Record) int {
		c := cmp.Or(cmp.Compare(b.SubmittedAt, a.SubmittedAt), slices.Compare(b.ID[:], a.ID[:]))
		if ascending {
			return -c
		}
		return c
	})
	return ids(list)
}

func ids(recs []*model.Record) []model.ID {
	out := make([]model.ID, len(recs))
	for i, r := range recs {
		out[i] = r.ID
	}
	return out
}

func all(*model.Record) bool { return true }

// pages turns all pages of a list, one transaction each, as a client does.
func (t *town) pages(a model.Actor, f store.Filter) (out []model.ID) {
	t.t.Helper()
	out = []model.ID{}
	for range 5000 {
		var next string
		t.read(a, func(tx *store.Tx) error {
			recs, n, err := tx.Records(f)
			require.LessOrEqual(t.t, len(recs), f.Limit)
			require.True(t.t, n == "" || len(recs) == f.Limit || t.short, "only the last page is short")
			out, next = append(out, ids(recs)...), n
			return err
		})
		if next == "" {
			return out
		}
		var err error
		f.After, err = store.ParseCursor(next)
		require.NoError(t.t, err)
	}
	t.t.Fatal("the list has no end")
	return nil
}

func newTown(t *testing.T) *town {
	return &town{world: newWorld(t), dispatched: map[model.ID][]model.ID{}}
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	mine, dept := testkit.Actor(model.Resident, ""), testkit.Actor(model.Department, street)
	house, yard := model.NewID(), model.NewID()
	none := model.ID{}
	inMicro := w.at(model.KindPerson, micro, house, "1", model.NewID(), minutes(1))
	inUnit2 := w.at(model.KindPerson, micro, house, "2", model.NewID(), minutes(2))
	inGrid := w.at(model.KindPlace, grid, yard, "", model.NewID(), minutes(3))
	inCommunity := w.at(model.KindSituation, community, none, "", model.NewID(), minutes(4))
	byMine := w.at(model.KindEvent, elsewhere+"001", none, "", mine.Account, minutes(5))
	event := w.at(model.KindEvent, elsewhere+"001", none, "", model.NewID(), minutes(6))
	object := w.at(model.KindObject, elsewhere+"001", none, "", model.NewID(), minutes(7))
	place := w.at(model.KindPlace, elsewhere+"002", none, "", model.NewID(), minutes(8))
	victim := w.at(model.KindPerson, elsewhere+"001", none, "", model.NewID(), minutes(9))
	other := w.at(model.KindOrganisation, "410103001001", none, "", model.NewID(), minutes(10))
	w.dispatched[dept.Account] = []model.ID{event.ID}
	w.links = [][2]model.ID{{event.ID, object.ID}, {place.ID, event.ID}, {event.ID, victim.ID}, {object.ID, victim.ID}}
	w.save()

	post := func(p ...model.Post) model.Actor {
		a := testkit.Actor(model.Collector, "")
		a.Posts = p
		return a
	}
	several := testkit.Actor(model.Collector, micro)
	several.Grants = append(several.Grants, model.Grant{Role: model.GridLeader, Area: community},
		model.Grant{Role: model.Department, Area: street})
	several.Posts = []model.Post{{Area: elsewhere + "002"}, {Building: house, Unit: "1"}}
	resident := testkit.Actor(model.Resident, "")
	resident.Posts = []model.Post{{Building: house}}
	of := func(recs ...*model.Record) []model.ID { return ids(recs) }
	for _, c := range []struct {
		Name string
		As   model.Actor
		Want []model.ID
	}{
		{"an administrator", testkit.Actor(model.Admin, ""), ids(w.recs)},
		{"an administrator of a district", testkit.Actor(model.Admin, "410103"), of(other)},
		{"the street", testkit.Actor(model.StreetRole, street),
			of(inMicro, inUnit2, inGrid, inCommunity, byMine, event, object, place, victim)},
		{"a community", testkit.Actor(model.CommunityRole, community), of(inMicro, inUnit2, inGrid, inCommunity)},
		{"a grid leader", testkit.Actor(model.GridLeader, grid), of(inMicro, inUnit2, inGrid)},
		{"a collector of a micro-grid", testkit.Actor(model.Collector, micro), of(inMicro, inUnit2)},
		{"a collector of a building", post(model.Post{Building: house}), of(inMicro, inUnit2)},
		{"a collector of a unit", post(model.Post{Building: house, Unit: "2"}), of(inUnit2)},
		{"a collector of two", post(model.Post{Building: house, Unit: "2"}, model.Post{Building: yard}), of(inUnit2, inGrid)},
		{"a collector posted to an area", post(model.Post{Area: community}), of(inMicro, inUnit2, inGrid, inCommunity)},
		{"a collector without a post", post(), nil},
		{"a post without the role", resident, nil},
		{"a resident", mine, of(byMine)},
		{"another resident", testkit.Actor(model.Resident, ""), nil},
		{"a department, no person with it", dept, of(event, object, place)},
		{"another department", testkit.Actor(model.Department, street), nil},
		{"several roles", several, of(inMicro, inUnit2, inGrid, inCommunity, place)},
		{"an account without a role", model.Actor{Account: model.NewID()}, nil},
	} {
		require.ElementsMatch(t, c.Want, w.sees(c.As), c.Name)
		require.ElementsMatch(t, c.Want, w.want(c.As, all, false), "%s: the plain answer of this test", c.Name)
		require.ElementsMatch(t, c.Want, w.pages(c.As, store.Filter{Limit: 3}), "%s: as a list", c.Name)
	}
	w.read(dept, func(tx *store.Tx) error {
		var tables []model.ID
		require.NoError(t, tx.Q(&model.Building{}).Pluck("id", &tables).Error)
		require.Empty(t, tables, "a department has no register")
		return nil
	})
}

func TestAListHasNoGapAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	for _, look := range []int{0, 150, 900} {
		t.Run(fmt.Sprintf("a page looks at %d", look), func(t *testing.T) {
			t.Parallel()
			clock := testkit.Clock(t)
			o := testkit.Options(t, clock)
			o.Look = look
			w := &town{world: &world{testkit.Open(t, o), t, clock, o}, dispatched: map[model.ID][]model.ID{}, short: look > 0}
			listAtRandom(t, w)
		})
	}
}

func listAtRandom(t *testing.T, w *town) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(list []model.ID) model.ID { return list[r.IntN(len(list))] }
	houses, people := make([]model.ID, 6), make([]model.ID, 5)
	for i := range houses {
		houses[i] = model.NewID()
	}
	for i := range people {
		people[i] = model.NewID()
	}
	codes := []string{street}
	for c := range 3 {
		com := fmt.Sprintf("%s%03d", street, c+1)
		codes = append(codes, com, com+"00", com+"001", com+"002", com+"001001", com+"001002", com+"0010021")
	}
	codes = append(codes, "410103001001001", "410102003001", "410102")
	kinds := model.Kinds()
	for range 160 {
		k, house := kinds[r.IntN(len(kinds))].Kind, pick(houses)
		if r.IntN(3) == 0 {
			house = model.ID{}
		}
		// Few moments, so that many share one and the id decides.
		rec := w.at(k, codes[r.IntN(len(codes))], house, fmt.Sprint(r.IntN(3)), pick(people), minutes(r.IntN(12)))
		rec.Status = model.Statuses()[r.IntN(6)]
		rec.Room, rec.RoomID, rec.HouseholdID = fmt.Sprint(r.IntN(4)), pick(houses), pick(people)
		if rec.Status == model.Verified {
			rec.DueAt = minutes(r.IntN(30))
		}
		if e, ok := rec.Element.(*model.Event); ok {
			e.Subject, rec.Stage = []string{"灯不亮", "灯坏了", "漏水"}[r.IntN(3)], model.Stages()[r.IntN(3)]
		}
		if k == model.KindEvent && r.IntN(2) == 0 {
			who := pick(people)
			w.dispatched[who] = append(w.dispatched[who], rec.ID)
		}
	}
	for range 60 {
		a, b := w.recs[r.IntN(len(w.recs))].ID, w.recs[r.IntN(len(w.recs))].ID
		if !slices.Contains(w.links, [2]model.ID{a, b}) {
			w.links = append(w.links, [2]model.ID{a, b})
		}
	}
	w.save()
	roles := model.Roles()
	for range 50 {
		a := model.Actor{Account: pick(people)}
		for range r.IntN(4) {
			a.Grants = append(a.Grants, model.Grant{Role: roles[r.IntN(len(roles))], Area: codes[r.IntN(len(codes))]})
		}
		for range r.IntN(4) {
			p := model.Post{Building: pick(houses)}
			switch r.IntN(3) {
			case 0:
				p = model.Post{Area: codes[r.IntN(len(codes))]}
			case 1:
				p.Unit = fmt.Sprint(r.IntN(3))
			}
			a.Posts = append(a.Posts, p)
		}
		f, keep := randomFilter(r, codes, houses, people, a)
		got := w.pages(a, f)
		require.Equal(t, append([]model.ID{}, w.want(a, keep, f.Ascending)...), got, "seed %d: %+v\n%+v", seed, a, f)
	}
}

// randomFilter is a filter of up to three parts and what it means.
func randomFilter(r *rand.Rand, codes []string, houses, people []model.ID, a model.Actor) (f store.Filter, keep func(*model.Record) bool) {
	f = store.Filter{Limit: 1 + r.IntN(9), Ascending: r.IntN(2) == 0}
	var parts []func(*model.Record) bool
	need := func(is func(*model.Record) bool) { parts = append(parts, is) }
	for range r.IntN(4) {
		switch r.IntN(12) {
		case 0:
			f.Area = codes[r.IntN(len(codes))]
		case 1:
			f.Kinds = []model.Kind{model.KindEvent, model.KindPlace}
		case 2:
			f.Statuses = []model.Status{model.Verified, model.Returned}
		case 3:
			f.Building = houses[0]
		case 4:
			f.Mine = true
		case 5:
			f.Since, f.UpTo = minutes(3), minutes(8)
		case 6:
			f.Title = "灯"
		case 7:
			f.RoomText = "2"
		case 8:
			f.Room = houses[1]
		case 9:
			f.Household = people[2]
		case 10:
			f.DueBefore = minutes(10)
		case 11:
			f.Stages = model.Stages()[:1]
		}
	}
	need(func(x *model.Record) bool { return strings.HasPrefix(x.AreaCode, f.Area) })
	need(func(x *model.Record) bool { return f.Kinds == nil || slices.Contains(f.Kinds, x.Kind) })
	need(func(x *model.Record) bool { return f.Statuses == nil || slices.Contains(f.Statuses, x.Status) })
	need(func(x *model.Record) bool { return f.Building.IsZero() || x.BuildingID == f.Building })
	need(func(x *model.Record) bool { return !f.Mine || x.SubmitterID == a.Account })
	need(func(x *model.Record) bool { return f.Since == 0 || x.SubmittedAt >= f.Since && x.SubmittedAt <= f.UpTo })
	need(func(x *model.Record) bool { return strings.HasPrefix(x.Title, f.Title) })
	need(func(x *model.Record) bool { return f.RoomText == "" || x.Room == f.RoomText })
	need(func(x *model.Record) bool { return f.Room.IsZero() || x.RoomID == f.Room })
	need(func(x *model.Record) bool { return f.Household.IsZero() || x.HouseholdID == f.Household })
	need(func(x *model.Record) bool {
		return f.DueBefore == 0 || x.Status == model.Verified && x.DueAt != 0 && x.DueAt < f.DueBefore
	})
	need(func(x *model.Record) bool { return f.Stages == nil || slices.Contains(f.Stages, x.Stage) })
	return f, func(x *model.Record) bool {
		return !slices.ContainsFunc(parts, func(is func(*model.Record) bool) bool { return !is(x) })
	}
}

func TestAListWithoutALimitHasFifty(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for i := range 51 {
		w.at(model.KindSituation, grid, model.ID{}, "", model.NewID(), minutes(i))
	}
	w.save()
	w.read(testkit.Actor(model.CommunityRole, community), func(tx *store.Tx) error {
		recs, next, err := tx.Records(store.Filter{})
		require.Len(t, recs, 50)
		require.NotEmpty(t, next)
		return err
	})
}

func TestACursorOfNobodysMakingIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"x", "AAAA", "!!!!", strings.Repeat("A", 33), strings.Repeat("A", 31)} {
		_, err := store.ParseCursor(s)
		require.ErrorIs(t, err, model.Fail(model.Invalid), s)
		require.NotContains(t, err.Error(), s)
	}
	c := store.Cursor{At: minutes(1), ID: model.NewID()}
	back, err := store.ParseCursor(c.String())
	require.NoError(t, err)
	require.Equal(t, c, back)
}
