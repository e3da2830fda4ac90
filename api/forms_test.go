package api_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/internal/testkit/street"
	"sixelements/model"
)

func TestFormsAndCodesAreCachedByVersion(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	for _, path := range []string{"/forms", "/forms/person", "/forms/person?area=" + o.Community, "/codes/event_category"} {
		r := o.Do(street.Request{Method: "GET", Path: path})
		require.Equal(t, 200, r.Status, r.Text)
		tag := r.Header.Get("ETag")
		require.Regexp(t, `^"[^"]+"$`, tag)
		for have, want := range map[string]int{tag: 304, "W/" + tag: 304, `"other"`: 200, `"other", ` + tag: 304, "*": 304} {
			again := o.Do(street.Request{Method: "GET", Path: path, Header: map[string]string{"If-None-Match": have}})
			require.Equal(t, want, again.Status, "%s %s", path, have)
			require.Equal(t, tag, again.Header.Get("ETag"))
			require.Equal(t, want == 304, again.Text == "", "%s", again.Text)
		}
	}
	types := []string{"text", "long_text", "integer", "decimal", "date", "datetime", "boolean", "choice", "choices", "phone",
		"id_number", "uscc",
		"location", "photos", "list"}
	run(t, o.Server, []scenario{
		{Name: "all six", Get: "/forms", Want: 200, JSON: object{"items.5.kind": "organisation", "items.6": nil},
			Check: func(t *testing.T, r street.Response) {
				for _, f := range r.JSON["items"].([]any) {
					fields := f.(object)["fields"].([]any)
					require.NotEmpty(t, fields)
					for _, x := range fields {
						field := x.(object)
						require.True(t, chinese(field["label"]), "%v", field)
						require.Contains(t, types, field["type"])
						for _, name := range []string{"name", "required", "sensitive"} {
							require.Contains(t, field, name)
						}
						if list, ok := field["codes"].(string); ok {
							require.Equal(t, 200, o.Do(street.Request{Method: "GET", Path: "/codes/" + list}).Status, "%s names a list that is none",
								field["name"])
						}
					}
				}
			}},
		{Name: "one", As: "resident", Get: "/forms/event", Want: 200, JSON: object{"kind": "event", "label": "事件"}},
		{Name: "none", Get: "/forms/animal", Want: 404, Code: model.NotFound},
		{Name: "the lists", Get: "/codes", Want: 200, Has: []string{"event_category"}},
		{Name: "a list", Get: "/codes/sex", Want: 200, JSON: object{"name": "sex"}, Has: []string{`"code":"1"`, `"name":"男`}},
		{Name: "no list", Get: "/codes/animals", Want: 404, Code: model.NotFound},
	})
}

func TestACommunityAsksForMore(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	def := func(more object) object {
		return with(object{"area_code": o.Community, "kind": "person", "name": "pets", "label": "宠物", "type": "choice",
			"required": true,
			"options":  []string{"没有", "猫", "狗"}}, more)
	}
	before := o.Do(street.Request{Method: "GET", Path: "/forms/person?area=" + o.Grid}).Header.Get("ETag")
	old := o.make("resident", o.at("person", o.person(nil), nil))
	p := func(extra any) object { return o.at("person", o.person(object{"extra": extra}), nil) }
	kept := run(t, o.Server, []scenario{
		{Name: "not a collector", As: "collector", Post: "/fields", Body: def(nil), Want: 403, Code: model.RoleForbidden},
		{Name: "not elsewhere", As: "community2", Post: "/fields", Body: def(nil), Want: 403, Code: model.RoleForbidden},
		{Name: "a bad name", As: "community", Post: "/fields", Body: def(object{"name": "Pets!"}), Want: 422, Code: model.Invalid,
			Errors: []string{"name:field.invalid"}},
		{Name: "a choice of nothing", As: "community", Post: "/fields", Body: def(object{"options": nil}), Want: 422,
			Code:   model.Invalid,
			Errors: []string{"options:field.required"}},
		{Name: "defined", As: "community", Post: "/fields", Body: def(nil), Want: 201, Keep: "field"},
		{Name: "twice", As: "community", Post: "/fields", Body: def(nil), Want: 409, Code: model.Conflict},
		{Name: "listed", As: "collector", Get: "/fields", Want: 200, JSON: object{"items.0.name": "pets"}},
		{Name: "not listed elsewhere", As: "community2", Get: "/fields", Want: 200, JSON: object{"items.0": nil}},
		{Name: "in the form below", Get: "/forms/person?area=" + o.Grid, Want: 200, Has: []string{`"name":"extra.pets"`,
			`"label":"宠物"`},
			Check: func(t *testing.T, r street.Response) {
				require.NotEqual(t, before, r.Header.Get("ETag"), "a new version")
			}},
		{Name: "not in the neighbours'", Get: "/forms/person?area=" + o.Community2, Want: 200, Not: []string{"extra.pets"}},
		{Name: "nor in another kind's", Get: "/forms/event?area=" + o.Grid, Want: 200, Not: []string{"extra.pets"}},
		{Name: "required", As: "resident", Post: "/records", Body: o.at("person", o.person(nil), nil), Want: 422, Code: model.Invalid,
			Errors: []string{"data.extra.pets:field.required"}},
		{Name: "checked", As: "resident", Post: "/records", Body: p(object{"pets": "一条大鳄鱼"}), Want: 422, Code: model.Invalid,
			Errors: []string{"data.extra.pets:field.invalid"}},
		{Name: "answered", As: "resident", Post: "/records", Body: p(object{"pets": "猫"}), Want: 201, Keep: "rec",
			JSON: object{"data.extra.pets": "猫"}},
		{Name: "not asked elsewhere", As: "resident2", Post: "/records", Body: object{"kind": "person", "qr": o.Code2,
			"data": o.person(nil)}, Want: 201},
		{Name: "unknown elsewhere", As: "resident2", Post: "/records", Want: 422, Code: model.FieldUnknown,
			Body: object{"kind": "person", "qr": o.Code2, "data": o.person(object{"extra": object{"pets": "猫"}})}},
		{Name: "an older record is asked when it is verified", As: "collector", Post: "/records/" + old.ID() + "/transitions",
			Match: `"1"`,
			Body:  object{"action": "verify", "method": "visit"}, Want: 422, Code: model.Invalid,
			Errors: []string{"data.extra.pets:field.required"}},
		{Name: "ended by nobody else", As: "community2", Delete: "/fields/{field}", Want: 404, Code: model.NotFound},
		{Name: "ended", As: "community", Delete: "/fields/{field}", Want: 204},
		{Name: "gone", As: "community", Delete: "/fields/{field}", Want: 404, Code: model.NotFound},
		{Name: "no longer in the form", Get: "/forms/person?area=" + o.Grid, Want: 200, Not: []string{"extra.pets"},
			Check: func(t *testing.T, r street.Response) { require.Equal(t, before, r.Header.Get("ETag")) }},
		{Name: "what was answered stays", As: "resident", Get: "/records/{rec}", Want: 200, JSON: object{"data.extra.pets": "猫"}},
		{Name: "and does not hinder", As: "resident", Patch: "/records/{rec}", Match: `"1"`,
			Body: object{"data": object{"work_unit": "一厂"}}, Want: 200,
			JSON: object{"data.extra.pets": "猫"}},
	})
	require.NotEmpty(t, kept["rec"])
}

// samples are data of all six kinds as the demo makes it up.
func samples(seed uint64) map[string]object {
	g := sample.New(sample.Options{Seed: seed, Today: "2026-05-01"})
	return map[string]object{"person": g.Household(1, "floating")[0], "place": g.Place("rental_house"), "event": g.Event(),
		"object":    g.Object(),
		"situation": g.Situation(), "organisation": g.Organisation()}
}

func TestAllSixKindsGoTheWholeWay(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	first, second := samples(7), samples(8)
	for _, kind := range slices.Sorted(maps.Keys(first)) {
		t.Run(kind, func(t *testing.T) {
			title := map[string]string{"person": "name", "place": "name", "event": "title", "object": "name", "situation": "content",
				"organisation": "name"}[kind]
			row := fmt.Sprintf("items.%d.", slices.IndexFunc(model.Kinds(), func(k model.KindSpec) bool { return string(k.Kind) == kind }))
			run(t, o.Server, []scenario{
				{Name: "submit", As: "resident", Post: "/records", Body: o.at(kind, first[kind], nil), Want: 201, Keep: "rec",
					JSON: object{"status": "submitted"}},
				take("return", "collector", "return", object{"note": "请核对"}, object{"status": "returned"}),
				take("resubmit", "resident", "resubmit", object{"data": second[kind]}, object{"status": "submitted"}),
				take("verify", "collector", "verify", object{"method": "visit"}, object{"status": "verified"}),
				{Name: "found", As: "community", Get: "/records?kind=" + kind + "&status=verified", Want: 200,
					JSON: object{"items.0.id": "{rec}", "items.1": nil},
					Has:  []string{`"title":"` + string([]rune(second[kind][title].(string))[:1])}},
				{Name: "not elsewhere", As: "community2", Get: "/records?kind=" + kind, Want: 200, Has: []string{`"items":[]`}},
				{Name: "tallied", As: "community", Get: "/tallies?area=" + o.Community + "&group_by=kind&kind=" + kind, Want: 200,
					JSON: object{row + "key": kind, row + "counts.verified": 1, row + "counts.total": 1, row + "counts.returned": 0}},
				{Name: "its history", As: "resident", Get: "/records/{rec}/history", Want: 200, JSON: object{"items.3.action": "verify",
					"items.4": nil}},
			})
		})
	}
}
