package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/internal/testkit/street"
	"sixelements/model"
)

// goodPassword passes the rules for everybody, administrators too.
const goodPassword = "Zhongyuan-2026-x"

// plainSituation is a situation with no more than it needs.
func plainSituation() object {
	return object{"category": "S04", "content": "楼道灯坏了，晚上看不清", "situation_kind": "demand"}
}

// registered is the n-th made-up adult who lives where they are registered.
func registered(n int) object {
	g := sample.New(sample.Options{Today: "2026-05-01", Seed: uint64(n)})
	return g.Household(1, "registered")[0]
}

func replaceID(path, id string) string { return strings.Replace(path, "{id}", id, 1) }

// counted is the hand count of a row: the states in the contract's order, then rooms and covered rooms.
type counted struct{ submitted, verified, returned, rejected, archived, withdrawn, rooms, covered int }

// tallied is a tally by the rows' keys. It asserts what holds for every row.
func tallied(t *testing.T, o *office, as, query string) map[string]counted {
	t.Helper()
	r := o.Do(street.Request{Method: "GET", Path: "/tallies?" + query, As: as})
	seen(o.Server, "GET", "/tallies", as)
	require.Equal(t, http.StatusOK, r.Status, r.Text)
	out := map[string]counted{}
	for i := range r.JSON["items"].([]any) {
		n := func(name string) int { return member(r, fmt.Sprintf("items.%d.%s", i, name)).(int) }
		c := counted{n("counts.submitted"), n("counts.verified"), n("counts.returned"), n("counts.rejected"), n("counts.archived"),
			n("counts.withdrawn"), n("rooms"), n("rooms_covered")}
		require.Equal(t, c.submitted+c.verified+c.returned, n("counts.total"), "total = submitted + verified + returned")
		coverage := r.JSON["items"].([]any)[i].(object)["coverage"]
		if c.rooms == 0 {
			require.Nil(t, coverage, "no rooms, no coverage")
		} else {
			require.InDelta(t, float64(c.covered)/float64(c.rooms), coverage, 1e-9)
		}
		require.NotEmpty(t, member(r, fmt.Sprintf("items.%d.label", i)), r.Text)
		out[member(r, fmt.Sprintf("items.%d.key", i)).(string)] = c
	}
	return out
}

// filled submits a known set at the first building of twelve rooms, and moves it: see the comments for the hand count.
func filled(t *testing.T, o *office) (event string) {
	t.Helper()
	at := func(kind, unit, room string, data object) object {
		return o.at(kind, data, object{"unit": unit, "room": room})
	}
	verify := object{"action": "verify", "method": "visit"}
	why := object{"note": "请核对"}
	person := func(unit, room string) street.Response {
		return o.make("resident", at("person", unit, room, o.person(nil)))
	}
	o.step("collector", person("1", "101"), verify)                                // verified, by the collector
	person("1", "102")                                                             // submitted
	o.step("collector", person("1", "201"), with(why, object{"action": "return"})) // returned
	o.step("collector", o.make("resident", at("situation", "1", "202", plainSituation())), with(why, object{"action": "reject"}))
	o.step("collector", o.step("collector", person("1", "301"), verify), with(why, object{"action": "archive"}))
	o.step("resident2", o.make("resident2", at("event", "1", "302", o.event(nil))), object{"action": "withdraw"})
	o.make("community", object{"kind": "object", "area_code": o.Grid, "data": o.lamp(nil),
		"method": "visit"}) // verified, in no building
	e := o.make("resident", at("event", "1", "302", o.event(nil)))
	e = o.step("grid_leader", e, object{"action": "accept"}) // verifies it
	o.step("community", e, object{"action": "dispatch", "assignee": o.account("department"), "due_at": "2026-05-08T18:00:00+08:00"})
	o.make("resident2", with(o.at("person", o.person(nil), nil), object{"qr": o.Code2})) // submitted, in the other community
	for range 2 {
		o.Clock.Advance(time.Hour)
		knock(t, o, 7, "vacant") // unit 2, room 102: covered
	}
	knock(t, o, 8, "vacant") // unit 2, room 201: once is not enough
	o.Clock.Advance(14 * time.Hour)
	o.step("grid_leader", person("2", "101"), verify) // verified, by the grid leader, on 2 May
	return e.ID()
}

func knock(t *testing.T, o *office, i int, outcome string) {
	t.Helper()
	rooms := o.Do(street.Request{Method: "GET", Path: "/buildings/" + o.Building.String() + "/rooms", As: "collector"})
	id := member(rooms, fmt.Sprintf("items.%d.id", i)).(string)
	r := o.Do(street.Request{Method: "POST", Path: "/rooms/" + id + "/visits", As: "collector", Body: object{"method": "knock",
		"outcome": outcome}})
	require.Equal(t, http.StatusCreated, r.Status, r.Text)
}

func TestTalliesAgreeWithAHandCount(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	filled(t, o)
	here := "area=" + o.Community + "&group_by="
	all := counted{1, 4, 1, 1, 1, 1, 12, 3}
	// Covered of twelve rooms: unit 1 room 101 and unit 2 room 101, verified; unit 2 room 102, found vacant twice.
	require.Equal(t, map[string]counted{
		"person": {1, 2, 1, 0, 1, 0, 12, 3}, "place": {rooms: 12, covered: 3}, "event": {verified: 1, withdrawn: 1, rooms: 12,
			covered: 3},
		"object": {verified: 1, rooms: 12, covered: 3}, "situation": {rejected: 1, rooms: 12, covered: 3},
		"organisation": {rooms: 12, covered: 3},
	}, tallied(t, o, "community", here+"kind"))
	require.Equal(t, map[string]counted{
		"submitted": {submitted: 1, rooms: 12, covered: 3}, "verified": {verified: 4, rooms: 12, covered: 3},
		"returned": {returned: 1, rooms: 12, covered: 3},
		"rejected": {rejected: 1, rooms: 12, covered: 3}, "archived": {archived: 1, rooms: 12, covered: 3},
		"withdrawn": {withdrawn: 1, rooms: 12, covered: 3},
	}, tallied(t, o, "community", here+"status"))
	require.Equal(t, map[string]counted{o.Grid: all}, tallied(t, o, "community", here+"area"))
	require.Equal(t, map[string]counted{o.Building.String(): {1, 3, 1, 1, 1, 1, 12, 3}, "none": {verified: 1}},
		tallied(t, o, "community", here+"building"))
	require.Equal(t, map[string]counted{"2026-05-01": {submitted: 1, verified: 3, returned: 1, rejected: 1, archived: 1,
		withdrawn: 1},
		"2026-05-02": {verified: 1}}, tallied(t, o, "community", here+"day"))
	require.Equal(t, map[string]counted{o.account("collector"): {verified: 1, archived: 1}, o.account("community"): {verified: 1},
		o.account("grid_leader"): {verified: 2}}, tallied(t, o, "community", here+"collector"))

	require.Equal(t, map[string]counted{o.Building.String(): {1, 2, 1, 0, 1, 0, 12, 3}},
		tallied(t, o, "community", here+"building&kind=person"))
	require.Equal(t, tallied(t, o, "community", here+"kind"), tallied(t, o, "collector", "group_by=kind"),
		"a collector's grid holds all of it")
	street := tallied(t, o, "street", "area=410102002&group_by=area")
	require.Equal(t, all, street[o.Community])
	require.Equal(t, counted{submitted: 1, rooms: 12}, street[o.Community2])
	require.Greater(t, len(street), 2, "communities without a record are there too")
}

func TestWhoCountsWhat(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	filled(t, o)
	require.Equal(t, counted{verified: 1}, tallied(t, o, "department", "group_by=kind")["event"],
		"what was dispatched to it, and no rooms")
	require.Equal(t, counted{}, tallied(t, o, "department", "group_by=kind&area="+o.Community)["person"], "never the register")
	run(t, o.Server, []scenario{
		{Name: "the neighbour's community", As: "community", Get: "/tallies?area=" + o.Community2, Want: 404, Code: "not_found"},
		{Name: "the street above a community", As: "community", Get: "/tallies?area=410102002", Want: 404, Code: "not_found"},
		{Name: "an area that never was", As: "street", Get: "/tallies?area=410102002999", Want: 404, Code: "not_found"},
		{Name: "no code", As: "street", Get: "/tallies?area=41010200", Want: 422, Code: "validation.failed",
			Errors: []string{"area:field.invalid"}},
		{Name: "no grouping", As: "street", Get: "/tallies?group_by=mood", Want: 422, Code: "validation.failed"},
		{Name: "no kind", As: "street", Get: "/tallies?kind=pets", Want: 422, Code: "validation.failed"},
		{Name: "one's only area needs no name", As: "community", Get: "/tallies", Want: 200, JSON: object{"area": o.Community,
			"as_of": "2026-05-02T02:00:00.000+08:00"}},
	})
}

func TestCoverageFollowsTheRules(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	token := ""
	covered := func() int {
		t.Helper()
		if token == "" {
			token = tokenOf(login(t, o.Server, object{"grant": "demo", "persona": "community"}))
		}
		r := o.Do(street.Request{Method: "GET", Path: "/tallies?group_by=area", Token: token})
		require.Equal(t, 200, r.Status, r.Text)
		return member(r, "items.0.rooms_covered").(int)
	}
	require.Zero(t, covered())
	r := o.make("resident", o.at("person", o.person(nil), nil))
	require.Zero(t, covered(), "submitted is not covered")
	r = o.step("collector", r, object{"action": "verify", "method": "visit"})
	require.Equal(t, 1, covered(), "verified is")
	r = o.step("resident", r, object{"action": "amend", "data": object{"work_unit": "第三小学"}})
	require.Equal(t, 1, covered(), "amended is covered by what was verified before")
	r = o.step("collector", r, object{"action": "verify", "method": "phone"})
	neighbour := o.make("resident2", o.at("person", o.person(nil), nil))
	require.Zero(t, covered(), "somebody new in the room awaits verification")
	o.step("collector", neighbour, object{"action": "reject", "note": "不住在这里"})
	require.Equal(t, 1, covered())
	o.step("community", r, object{"action": "archive", "note": "搬走了"})
	require.Zero(t, covered(), "who moved out covers nothing")
	shop := o.make("resident", o.at("event", o.event(nil), object{"room": "102"}))
	o.step("collector", shop, object{"action": "verify", "method": "visit"})
	require.Zero(t, covered(), "an event does not tell who lives there")
	last := o.make("resident", o.at("person", o.person(nil), object{"room": "102"}))
	o.step("collector", last, object{"action": "verify", "method": "visit"})
	require.Equal(t, 1, covered())
	o.Clock.Set(time.Date(2027, 5, 1, 10, 0, 1, 0, model.Beijing))
	token = ""
	require.Equal(t, 1, covered(), "overdue still counts for thirty days")
	o.Clock.Advance(30 * 24 * time.Hour)
	token = ""
	require.Zero(t, covered(), "and then no more")
}
