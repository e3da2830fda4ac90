package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/app"
	"sixelements/internal/testkit/street"
	"sixelements/model"
)

// batch sends items and answers the results.
func (o *office) batch(t *testing.T, as string, items ...object) []object {
	t.Helper()
	r := o.Do(street.Request{Method: "POST", Path: "/records/batch", As: as, Body: object{"items": items}})
	seen(o.Server, "POST", "/records/batch", as)
	require.Equal(t, 200, r.Status, r.Text)
	var out []object
	for _, x := range r.JSON["results"].([]any) {
		res := x.(object)
		require.EqualValues(t, res["status"].(float64) >= 400, res["problem"] != nil, "%v", res)
		out = append(out, res)
	}
	require.Len(t, out, len(items))
	return out
}

// outcome is a result in short: "201" or "422 validation.failed data.id_no:field.required".
func outcome(res object) string {
	out := fmt.Sprint(res["status"])
	p, ok := res["problem"].(object)
	if !ok {
		return out
	}
	out += fmt.Sprintf(" %s", p["code"])
	list, _ := p["errors"].([]any)
	for _, e := range list {
		out += fmt.Sprintf(" %s:%s", e.(object)["location"], e.(object)["code"])
	}
	return out
}

func (o *office) room(t *testing.T, as string) string {
	t.Helper()
	r := o.Do(street.Request{Method: "GET", Path: "/buildings/" + o.Building.String() + "/rooms", As: as})
	require.Equal(t, 200, r.Status, r.Text)
	return member(r, "items.0.id").(string)
}

func TestABatchStandsOrFallsItemByItem(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = newID()
	}
	room := o.room(t, "collector")
	create := func(i int, more object) object {
		return with(object{"op": "create", "id": ids[i], "kind": "event", "building_id": o.Building, "data": o.event(nil)}, more)
	}
	accept := func(i int, version any, more object) object {
		return with(object{"op": "transition", "record_id": ids[i], "version": version, "action": "accept"}, more)
	}
	visit := object{"op": "visit", "id": ids[10], "room_id": room, "method": "knock", "outcome": "met"}
	rows := []struct {
		item object
		want string
	}{
		{create(0, nil), "201"},
		{create(0, nil), "200"},
		{create(0, object{"unit": "2"}), "409 record.id_conflict"},
		{accept(0, 1, object{"id": ids[11], "depends_on": ids[0]}), "424 dependency.failed"}, // the item before went by that id and fell
		{create(1, nil), "201"},
		{accept(1, 1, object{"id": ids[12], "depends_on": ids[1], "step_id": ids[13]}), "200"},
		{accept(1, 1, object{"step_id": ids[13]}), "200"},
		{accept(1, 2, nil), "409 transition.not_allowed"},
		{accept(1, 1, nil), "412 record.stale"},
		{accept(1, nil, nil), "428 precondition.required"},
		{create(2, object{"depends_on": ids[1]}), "201"}, // the create that goes by the id stood, whatever steps on it did later
		{create(3, object{"data": o.event(object{"urgency": "whenever"})}), "422 validation.failed data.urgency:field.not_a_choice"},
		{create(4, object{"depends_on": ids[3]}), "424 dependency.failed"},
		{create(5, object{"depends_on": ids[4]}), "424 dependency.failed"},
		{create(6, object{"depends_on": newID()}), "422 validation.failed depends_on:field.invalid"},
		{create(7, object{"depends_on": ids[12]}), "201"},
		{visit, "201"}, {visit, "200"},
		{with(visit, object{"id": newID(), "outcome": "dancing"}), "422 validation.failed outcome:field.not_a_choice"},
		{with(visit, object{"id": newID(), "room_id": newID()}), "404 not_found"},
		{with(visit, object{"id": newID(), "depends_on": ids[10]}), "201"},
		{create(8, object{"nickname": "小明同学"}), "422 field.unknown nickname:field.unknown"},
		{create(8, object{"unit": strings.Repeat("9", 200)}), "422 validation.failed unit:field.invalid"},
		{create(8, object{"unit": 3}), "422 validation.failed unit:field.invalid"},
		{create(8, object{"notice": "shouted"}), "422 validation.failed notice:field.invalid"},
		{create(8, object{"data": nil}), "422 validation.failed data:field.required"},
		{create(8, object{"id": "not-an-id"}), "422 validation.failed id:field.invalid"},
		{create(8, object{"id": "a2a0a6a2-92b6-4c1e-8f5e-0d5c1b1b0001"}), "422 validation.failed id:field.invalid"},
		{create(8, object{"building_id": o.Building2}), "422 place.required building_id:place.required"},
		{accept(9, 1, nil), "404 not_found"},
		{accept(2, 1, object{"action": "explode"}), "422 validation.failed action:field.not_a_choice"},
		{accept(2, 1, object{"nickname": 1}), "422 field.unknown nickname:field.unknown"},
		{accept(2, 7, object{"nickname": 1}), "412 record.stale"},
		{object{"op": "transition", "action": "accept", "version": 1}, "422 validation.failed record_id:field.required"},
		{object{"op": "delete"}, "422 validation.failed op:field.not_a_choice"},
		{object{}, "422 validation.failed op:field.not_a_choice"},
		{create(8, nil), "201"},
	}
	var items []object
	for _, r := range rows {
		items = append(items, r.item)
	}
	for i, res := range o.batch(t, "grid_leader", items...) {
		require.Equal(t, rows[i].want, outcome(res), "item %d: %v", i, rows[i].item)
		if p, ok := res["problem"].(object); ok {
			require.True(t, chinese(p["title"]) && chinese(p["detail"]), "%v", p)
			require.EqualValues(t, res["status"], p["status"])
			require.NotContains(t, fmt.Sprint(p), "小明同学")
		}
	}
	for _, res := range o.batch(t, "grid_leader", items[0], items[4], items[10]) {
		require.Equal(t, "200", outcome(res), "sent once more: an offline queue")
	}
	require.Len(t, o.listed("grid_leader", "kind=event"), 5)
}

func TestABatchItemSaysWhatItMade(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	id, p := newID(), o.person(nil)
	res := o.batch(t, "resident", with(o.at("person", p, object{"id": id}), object{"op": "create"}),
		object{"op": "transition", "record_id": id, "depends_on": id, "version": 1, "action": "withdraw"},
		with(o.at("person", o.person(nil), nil), object{"op": "create"}))
	require.Equal(t, "201 200 201", outcome(res[0])+" "+outcome(res[1])+" "+outcome(res[2]))
	require.Equal(t, id, res[0]["id"])
	require.Equal(t, "withdrawn", res[1]["record"].(object)["status"])
	require.EqualValues(t, 2, res[1]["record"].(object)["version"])
	require.Equal(t, res[2]["id"], res[2]["record"].(object)["id"])
	require.NotContains(t, fmt.Sprint(res), p["phone"])
	require.NotContains(t, fmt.Sprint(res), "duplicates")
}

func TestABatchAsAWholeIsRefused(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	items := func(n int) object {
		list := []object{}
		for range n {
			list = append(list, object{"op": "delete"})
		}
		return object{"items": list}
	}
	run(t, o.Server, []scenario{
		{Name: "201 items", As: "collector", Post: "/records/batch", Body: items(201), Want: 422, Code: model.Invalid,
			Errors: []string{"items:field.invalid"}},
		{Name: "200 items", As: "collector", Post: "/records/batch", Body: items(200), Want: 200},
		{Name: "none", As: "collector", Post: "/records/batch", Body: items(0), Want: 422, Code: model.Invalid},
		{Name: "no list", As: "collector", Post: "/records/batch", Body: object{}, Want: 422, Code: model.Invalid,
			Errors: []string{"items:field.required"}},
		{Name: "items that are no objects fail alone", As: "collector", Post: "/records/batch", Body: `{"items": [1, null, "x", []]}`,
			Want: 200,
			JSON: object{"results.0.status": 422, "results.3.status": 422}},
		{Name: "broken JSON", As: "collector", Post: "/records/batch", Body: `{"items": [`, Want: 400, Code: model.Malformed},
		{Name: "nobody", Post: "/records/batch", Body: items(1), Want: 401, Code: model.AuthRequired},
		{Name: "an administrator creates nothing verified", As: "admin", Post: "/records/batch", Want: 200,
			JSON: object{"results.0.status": 403},
			Body: object{"items": []object{{"op": "create", "kind": "event", "building_id": o.Building, "method": "visit",
				"data": o.event(nil)}}}},
		{Name: "a department creates nothing", As: "department", Post: "/records/batch", Want: 200,
			JSON: object{"results.0.status": 403},
			Body: object{"items": []object{{"op": "create", "kind": "event", "building_id": o.Building, "data": o.event(nil)}}}},
		{Name: "a resident visits nobody", As: "resident", Post: "/records/batch", Want: 200, JSON: object{"results.0.status": 404},
			Body: object{"items": []object{{"op": "visit", "room_id": o.room(t, "collector"), "method": "knock", "outcome": "met"}}}},
		{Name: "a resident without a code", As: "resident2", Post: "/records/batch", Want: 200,
			JSON: object{"results.0.problem.code": "qr.required"},
			Body: object{"items": []object{{"op": "create", "kind": "event", "data": o.event(nil)}}}},
	})
}

func TestEachItemOfABatchCountsAsTheRequestItStandsFor(t *testing.T) {
	t.Parallel()
	s := street.New(t, func(o *app.Options) { o.RateLimit = true })
	items := make([]object, 200)
	for i := range items {
		items[i] = object{"op": "dance"}
	}
	refused := 0
	for range 10 {
		require.Equal(t, 200, s.Do(street.Request{Method: "GET", Path: "/me", As: "collector"}).Status)
	}
	for range 3 { // 610 at one moment of the fixed clock, where an account has 600
		r := s.Do(street.Request{Method: "POST", Path: "/records/batch", As: "collector", Body: object{"items": items}})
		require.Equal(t, 200, r.Status, r.Text)
		for _, x := range r.JSON["results"].([]any) {
			if x.(map[string]any)["status"] == float64(429) {
				refused++
			}
		}
	}
	require.Equal(t, 10, refused)
}
