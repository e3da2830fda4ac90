// Package plans_test holds every list of the API to its indexes: it asks for each with every combination of its parameters as every
// kind of actor, over HTTP, and counts what the database looks at to answer.
package plans_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/internal/testkit/street"
	"sixelements/model"
)

// look is how much a page of a list may look at here, small beside what the tables hold: what is bounded by it shows.
const look = 1600

// most is what a page may make the database look at: every entry twice, once to see how far it goes and once to filter it; and beside
// its list who asks, and the elements, links, duplicates, buildings and names of its rows.
const most = 2*look + 2000

// list is a list with the values to try for each of its parameters but limit and cursor.
type list struct {
	path   string
	params map[string][]string
}

// lists are all lists of the API; TestEveryListIsTried fails for one, or a parameter of one, that is missing.
func (w *town) lists() map[string]list {
	areas := []string{"410102", "410102002", w.s.Community, w.s.Grid, w.s.Grid + "001", "410102005", "410102999"}
	someone := text(num('a', 3))
	return map[string]list{
		"/records": {"/records", map[string][]string{
			"kind": {"person", "event", "organisation"}, "status": {"verified", "submitted", "returned"}, "stage": {"dispatched", "held"},
			"area": areas, "building": {text(w.building)}, "room": {text(w.room), "101", "9999"},
			"household": {text(w.household)}, "due_before": {"2025-01-01", "2026-08-01", "2030-01-01"}, "mine": {"true"},
			"q": {"王", "诸葛", "无此人", "王伟"},
		}},
		"/areas":     {"/areas", map[string][]string{"parent": areas[:5]}},
		"/buildings": {"/buildings", map[string][]string{"area": areas}},
		"/accounts": {"/accounts", map[string][]string{"area": areas, "role": {"collector", "resident", "street"},
			"q": {"王", "d"}}},
		"/audit":                  {"/audit", map[string][]string{"area": areas, "actor": {someone}, "act": {"create", "nothing"}}},
		"/assignments":            {"/assignments", map[string][]string{"account": {someone}, "building": {text(w.building)}, "ended": {"true"}}},
		"/jobs":                   {"/jobs", nil},
		"/rooms/{id}/visits":      {"/rooms/" + text(w.room) + "/visits", nil},
		"/buildings/{id}/rooms":   {"/buildings/" + text(w.building) + "/rooms", nil},
		"/buildings/{id}/qrcodes": {"/buildings/" + text(w.building) + "/qrcodes", nil},
		"/sessions":               {"/sessions", nil},
	}
}

func text(id model.ID) string { return id.String() }

// asked are the lists of the document: what answers with a page.
func asked(t *testing.T, s *street.Server) map[string][]string {
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
			Responses  map[string]struct {
				Content map[string]struct {
					Schema json.RawMessage
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(s.Ops.OpenAPI(), &doc))
	out := map[string][]string{}
	for path, ops := range doc.Paths {
		op, ok := ops["get"]
		names := []string{}
		paged := false
		for _, p := range op.Parameters {
			paged = paged || p.Name == "cursor"
			if p.In == "query" && p.Name != "cursor" && p.Name != "limit" {
				names = append(names, p.Name)
			}
		}
		if ok && paged {
			out[strings.TrimPrefix(path, "/api/v1")] = names
		}
	}
	return out
}

func newTown(t *testing.T, n int) (*town, *watcher, *gauge) {
	t.Helper()
	clock := testkit.Clock(t)
	o := testkit.Options(t, clock)
	seen := &watcher{}
	o.Look, o.Watch = look, seen.watch
	s := street.On(t, o, clock)
	pool, err := s.DB.WritePool()
	require.NoError(t, err)
	w := &town{t: t, s: s, pool: pool, rows: map[string][]string{}, building: num('b', 0), room: num('r', 3), household: num('h', 9)}
	me := func(persona string) string {
		id, err := model.ParseID(s.Do(street.Request{Method: "GET", Path: "/me", As: persona}).ID())
		require.NoError(t, err)
		return lit(id)
	}
	w.resident, w.department, w.collector = me("resident"), me("department"), me("collector")
	// The collector's posts: a building, and a unit of another street.
	now := int64(clock.Time())
	for i, b := range []int{3, 7} {
		w.add("assignments", "id,account_id,building_id,unit,street,team,from_at,created_at", num('z', i), raw(w.collector), num('b', b),
			[]string{"", "1"}[i], "410102002", "fixed", now-day, now)
	}
	w.fill(n)
	w.count()
	clock.Advance(2 * time.Minute) // rows written past the doors end no answer that is kept: who the collector is is looked up anew
	return w, seen, newGauge(t, o)
}

func TestEveryListIsTried(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	w := &town{t: t, s: s}
	have := w.lists()
	for path, params := range asked(t, s) {
		l, ok := have[path]
		require.True(t, ok, "no row for the list %s", path)
		require.ElementsMatch(t, params, slices.Collect(maps.Keys(l.params)), "parameters of %s", path)
	}
}

// combinations are the queries with none, one, and two of the parameters.
func combinations(params map[string][]string) (out []url.Values) {
	out = []url.Values{{}}
	names := slices.Sorted(maps.Keys(params))
	for i, a := range names {
		for _, va := range params[a] {
			out = append(out, url.Values{a: {va}})
			for _, b := range names[i+1:] {
				for _, vb := range params[b] {
					out = append(out, url.Values{a: {va}, b: {vb}})
				}
			}
		}
	}
	return out
}

func TestListsLookAtLittle(t *testing.T) {
	t.Parallel()
	listsLookAtLittle(t, 16_000)
}

func TestListsLookAtLittleOfMany(t *testing.T) {
	if os.Getenv("SIX_LONG") == "" {
		t.Skip("long: twenty times the rows")
	}
	t.Parallel()
	listsLookAtLittle(t, 320_000)
}

func listsLookAtLittle(t *testing.T, n int) {
	w, seen, g := newTown(t, n)
	worst := map[string]string{}
	top := map[string]int{}
	short := map[string]int{}
	for name, l := range w.lists() {
		for who, persona := range []string{"resident", "collector", "grid_leader", "department", "community", "street", "admin"} {
			for i, q := range combinations(l.params) {
				if len(q) > 1 && (i+who)%3 > 0 { // pairs are shared out
					continue
				}
				path := l.path + "?" + q.Encode()
				seen.take()
				r := w.s.Do(street.Request{Method: "GET", Path: path, As: persona})
				if r.Status == 403 || r.Status == 404 || r.Status == 422 {
					break // not theirs, whatever is asked
				}
				require.Equal(t, 200, r.Status, "%s as %s: %s", path, persona, r.Text)
				sum := w.judge(g, seen.take(), path+" as "+persona)
				if sum > top[name] {
					top[name], worst[name] = sum, path+" as "+persona
				}
				next, _ := r.JSON["next_cursor"].(string)
				if items, _ := r.JSON["items"].([]any); next != "" && len(items) < 50 {
					short[strings.Join(slices.Sorted(maps.Keys(q)), "+")+" as "+persona]++
				}
				if next != "" && i%3 == 0 {
					q.Set("cursor", next)
					r := w.s.Do(street.Request{Method: "GET", Path: l.path + "?" + q.Encode(), As: persona})
					require.Equal(t, 200, r.Status, r.Text)
					w.judge(g, seen.take(), "second page of "+path+" as "+persona)
				}
			}
		}
	}
	for _, persona := range []string{"collector", "community", "street", "admin"} {
		for _, q := range []string{"410102199003071239", "15400001234", "91410100MA9K1234XY", "诸葛"} {
			for _, body := range []map[string]any{{"q": q}, {"q": q, "area": w.s.Community, "status": "verified"}} {
				seen.take()
				r := w.s.Do(street.Request{Method: "POST", Path: "/records/search", As: persona, Body: body})
				require.Equal(t, 200, r.Status, r.Text)
				w.judge(g, seen.take(), fmt.Sprint("a search ", body, " as ", persona))
			}
		}
	}
	for name, n := range top {
		t.Logf("%-26s at most %d, by %s", name, n, worst[name])
	}
	t.Logf("short pages: %v", short)
}

// judge sums what a request's statements look at and holds the sum against what a page may.
func (w *town) judge(g *gauge, seen []statement, what string) (sum int) {
	var dear []string
	for _, s := range seen {
		n := g.measure(s)
		if sum += n; n > 300 {
			dear = append(dear, fmt.Sprintf("%d: %s", n, s.query))
		}
	}
	if sum > most {
		w.t.Errorf("%s looks at %d:\n%s", what, sum, strings.Join(dear, "\n"))
	}
	return sum
}
