package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/app"
	"sixelements/internal/testkit/fakewechat"
	"sixelements/internal/testkit/street"
	"sixelements/model"
	"sixelements/service/wechat"
)

// listed are the ids on all pages of a list, in order.
func (o *office) listed(as, query string) []string {
	o.t.Helper()
	var out []string
	for cursor := ""; ; {
		path := "/records?" + query
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		r := o.Do(street.Request{Method: "GET", Path: path, As: as})
		seen(o.Server, "GET", path, as)
		require.Equal(o.t, http.StatusOK, r.Status, "%s %s: %s", as, query, r.Text)
		for _, x := range r.JSON["items"].([]any) {
			out = append(out, x.(object)["id"].(string))
		}
		next, ok := r.JSON["next_cursor"].(string)
		if !ok {
			require.Contains(o.t, r.JSON, "next_cursor")
			return out
		}
		cursor = next
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	id := map[string]string{}
	keep := func(name string, r street.Response) street.Response {
		id[name] = r.ID()
		o.Clock.Advance(time.Minute)
		return r
	}
	here := object{"building_id": o.Building, "unit": "1", "room": "101"}
	p := keep("person", o.make("resident", o.at("person", o.person(object{"name": "欧阳小丽"}), nil)))
	keep("child", o.make("resident", o.at("person", o.person(object{"name": "欧阳大明"}), object{"household_id": p.ID(),
		"room": "102"})))
	keep("event", o.make("resident", o.at("event", o.event(nil), object{"unit": "2", "room": "201"})))
	keep("verified", o.make("collector", with(here, object{"kind": "person", "method": "visit",
		"data": o.person(object{"name": "诸葛小亮"})})))
	keep("lamp", o.make("community", object{"kind": "object", "area_code": o.Community, "data": o.lamp(nil)}))
	keep("accepted", o.step("grid_leader", o.make("collector", with(here, object{"kind": "event", "data": o.event(nil)})),
		object{"action": "accept"}))
	keep("there", o.make("resident2", object{"kind": "event", "qr": o.Code2, "data": o.event(nil)}))
	room := o.Do(street.Request{Method: "GET", Path: "/records/" + id["person"], As: "collector"}).JSON["room_id"].(string)
	soon, late := "2027-04-01T00:00:00%2B08:00", "2027-06-01T00:00:00%2B08:00"
	q := url.QueryEscape
	for _, c := range []struct {
		as, query, want string // names, newest first
	}{
		{"community", "", "accepted lamp verified event child person"},
		{"collector", "", "accepted verified event child person"},
		{"street", "", "there accepted lamp verified event child person"},
		{"admin", "", "there accepted lamp verified event child person"},
		{"community2", "", "there"},
		{"department", "", ""},
		{"resident", "", "event child person"},
		{"resident2", "", "there"},
		{"community", "kind=person", "verified child person"},
		{"community", "kind=person,object", "lamp verified child person"},
		{"community", "status=verified", "accepted verified"},
		{"community", "status=submitted&kind=person", "child person"},
		{"community", "stage=reported", "event"},
		{"community", "stage=accepted,reported", "accepted event"},
		{"street", "area=" + o.Community2, "there"},
		{"street", "area=" + o.Grid, "accepted verified event child person"},
		{"street", "area=410102", "there accepted lamp verified event child person"},
		{"community2", "area=" + o.Community, ""},
		{"collector", "area=" + o.Community, "accepted verified event child person"},
		{"resident", "area=" + o.Grid2, ""},
		{"street", "building=" + o.Building2.String(), "there"},
		{"community2", "building=" + o.Building.String(), ""},
		{"street", "building=" + newID(), ""},
		{"community", "room=101", "accepted verified person"},
		{"community", "room=" + room, "accepted verified person"},
		{"community", "room=201&kind=event", "event"},
		{"community", "household=" + p.ID(), "child person"},
		{"community", "q=" + q("欧阳"), "child person"},
		{"community", "q=" + q("欧阳小"), "person"},
		{"community", "q=" + q("小丽"), ""},
		{"community", "q=" + q("%"), ""},
		{"community2", "q=" + q("欧阳"), ""},
		{"resident", "q=" + q("欧阳"), "child person"},
		{"community", "q=" + q("诸葛") + "&status=verified&room=101", "verified"},
		{"community", "due_before=" + late, "verified"},
		{"community", "due_before=" + soon, ""},
		{"collector", "mine=true", "accepted verified"},
		{"resident", "mine=true&kind=event", "event"},
		{"community", "mine=true", "lamp"},
	} {
		t.Run(c.as+" "+c.query, func(t *testing.T) {
			var want []string
			for _, name := range strings.Fields(c.want) {
				want = append(want, id[name])
			}
			require.Equal(t, want, o.listed(c.as, c.query))
		})
	}
}

func TestListParametersThatAreRefused(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	refuse := func(query string, code model.Code, faults ...string) scenario {
		return scenario{Name: query, As: "community", Get: "/records?" + query, Want: 422, Code: code, Errors: faults}
	}
	run(t, o.Server, []scenario{
		refuse("limit=201", model.Invalid, "limit:field.invalid"),
		refuse("limit=0", model.Invalid),
		refuse("limit=many", model.Invalid),
		refuse("cursor=not-a-cursor", model.Invalid, "cursor:field.invalid"),
		refuse("kind=animal", model.Invalid, "kind:field.not_a_choice"),
		refuse("status=asleep", model.Invalid, "status:field.not_a_choice"),
		refuse("area=41x", model.Invalid, "area:field.invalid"),
		refuse("building=42", model.Invalid, "building:field.invalid"),
		refuse("due_before=tomorrow", model.Invalid, "due_before:field.invalid"),
		refuse("mine=perhaps", model.Invalid),
		refuse("q="+url.QueryEscape(strings.Repeat("很长", 11)), model.Invalid, "q:field.too_long"),
		refuse("q=410102", model.SearchUsePost, "q:search.use_post"),
		refuse("q=15400000001", model.SearchUsePost),
		refuse("q="+url.QueryEscape("４１０１０２"), model.SearchUsePost),
		refuse("q=92410102MA00000000", model.SearchUsePost),
		{Name: "a department does not ask who lives where", As: "department", Get: "/records?room=101&household=" + newID(), Want: 422,
			Code: model.Invalid, Errors: []string{"room:field.invalid", "household:field.invalid"}},
		{Name: "nor by a room's id", As: "department", Get: "/records?room=" + newID(), Want: 422, Code: model.Invalid,
			Errors: []string{"room:field.invalid"}},
		{Name: "staff may", As: "grid_leader", Get: "/records?room=101&household=" + newID(), Want: 200},
		{Name: "nobody lists", Get: "/records", Want: 401, Code: model.AuthRequired},
		{Name: "five digits are a house number", As: "community", Get: "/records?q=12345", Want: 200},
		{Name: "twenty characters", As: "community", Get: "/records?q=" + url.QueryEscape(strings.Repeat("很长", 10)), Want: 200},
		{Name: "two hundred", As: "community", Get: "/records?limit=200", Want: 200, Has: []string{`"items":[]`, `"next_cursor":null`}},
	})
}

func TestPagesHaveNoGapAndNoRepetition(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	want := make([]string, 130)
	items := []object{}
	for i := range want {
		want[len(want)-1-i] = newID()
		items = append(items, object{"op": "create", "id": want[len(want)-1-i], "kind": "object", "area_code": o.Grid,
			"data": o.lamp(nil)})
	}
	// Ids sent in any order, and many in one millisecond: order is by server time, then id.
	r := o.Do(street.Request{Method: "POST", Path: "/records/batch", As: "collector", Body: object{"items": items}})
	require.Equal(t, http.StatusOK, r.Status, r.Text)
	require.NotContains(t, r.Text, "problem")
	all := o.listed("community", "limit=200")
	require.ElementsMatch(t, want, all)
	first := o.Do(street.Request{Method: "GET", Path: "/records", As: "community"})
	require.Len(t, first.JSON["items"], 50, "the default")
	require.NotNil(t, first.JSON["next_cursor"])
	for _, limit := range []int{1, 7, 50, 65, 129, 130} {
		require.Equal(t, all, o.listed("community", fmt.Sprintf("limit=%d", limit)), "pages of %d", limit)
	}
	cursor := first.JSON["next_cursor"].(string)
	o.Clock.Advance(time.Second)
	o.make("collector", object{"kind": "object", "area_code": o.Grid, "data": o.lamp(nil)}) // newer than the walk
	second := o.Do(street.Request{Method: "GET", Path: "/records?cursor=" + cursor, As: "community"})
	require.Equal(t, all[50], member(second, "items.0.id"), "what comes meanwhile shifts nothing")
}

func TestSearchByNumber(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	number := ""
	for i := 0; ; i++ { // one that ends in X
		body := fmt.Sprintf("4101021988030%04d", 1000+i)
		if model.IDCheckChar(body) == 'X' {
			number = body + "X"
			break
		}
	}
	org := o.gen.Organisation()
	for org["uscc"] == nil {
		org = o.gen.Organisation()
	}
	uscc := org["uscc"].(string)
	rec := o.make("resident", o.at("person", o.person(object{"name": "欧阳小丽", "id_no": number, "phone": "15400000001"}), nil)).ID()
	comp := o.make("community", object{"kind": "organisation", "area_code": o.Community, "data": org}).ID()
	shop := o.make("collector", object{"kind": "place", "area_code": o.Grid, "data": object{"name": "小店", "place_kind": "venue",
		"address":       "桐柏路",
		"manager_phone": "0371-67000001"}}).ID()
	find := func(as, q string, more object, want ...string) scenario {
		return scenario{Name: as + " " + q, As: as, Post: "/records/search", Body: with(object{"q": q}, more), Want: 200,
			Check: func(t *testing.T, r street.Response) {
				var got []string
				for _, x := range r.JSON["items"].([]any) {
					got = append(got, x.(object)["id"].(string))
				}
				require.Equal(t, want, got, r.Text)
				require.NotContains(t, r.Text, number)
				require.NotContains(t, r.Text, "15400000001")
			}}
	}
	run(t, o.Server, []scenario{
		find("collector", number, nil, rec), find("community", strings.ToLower(number), nil, rec), find("street",
			" "+number[:6]+" "+number[6:]+" ", nil, rec),
		find("collector", "15400000001", nil, rec), find("collector", "154 0000 0001", nil, rec), find("collector", "154-0000-0001",
			nil, rec),
		find("collector", "+86 154 0000 0001", nil, rec), find("collector", "1540000", nil),
		find("community", uscc, nil, comp), find("community", strings.ToLower(uscc), nil, comp), find("community", "0371-67000001", nil,
			shop),
		find("community", "(0371) 67000001", nil, shop),
		find("collector", "欧阳", nil, rec), find("collector", "小丽", nil), find("collector", "410102", nil),
		find("community", number, object{"kind": "event"}), find("community", number, object{"kind": "person", "status": "submitted",
			"area": o.Grid}, rec),
		find("collector", uscc, nil), find("community2", number, nil), find("community2", "15400000001", nil), find("community2", "欧阳",
			nil),
		find("admin", number, nil, rec),
		{Name: "a resident", As: "resident", Post: "/records/search", Body: object{"q": number}, Want: 403, Code: model.RoleForbidden},
		{Name: "a department", As: "department", Post: "/records/search", Body: object{"q": number}, Want: 403,
			Code: model.RoleForbidden},
		{Name: "nobody", Post: "/records/search", Body: object{"q": number}, Want: 401, Code: model.AuthRequired},
		{Name: "nothing to look for", As: "collector", Post: "/records/search", Body: object{"q": ""}, Want: 422, Code: model.Invalid},
		{Name: "too many", As: "collector", Post: "/records/search", Body: object{"q": number, "limit": 201}, Want: 422,
			Code: model.Invalid},
		{Name: "a bad cursor", As: "collector", Post: "/records/search", Body: object{"q": "欧阳小丽", "cursor": "????????"}, Want: 422,
			Code: model.Invalid},
		{Name: "an unknown filter", As: "collector", Post: "/records/search", Body: object{"q": number, "nickname": "x"}, Want: 422,
			Code: model.FieldUnknown},
	})
	require.NotContains(t, o.Logs.String(), number)
	require.NotContains(t, o.Logs.String(), "15400000001")
}

func TestHistoryIsAMaskedChain(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	p := o.person(object{"name": "欧阳小丽"})
	rec := o.make("resident", o.at("person", p, nil))
	rec = o.step("collector", rec, object{"action": "return", "note": "请补充单元"})
	rec = o.step("resident", rec, object{"action": "resubmit", "data": object{"phone": "15400000002"}})
	o.step("collector", rec, object{"action": "verify", "method": "visit"})
	secrets := []string{p["id_no"].(string), p["phone"].(string), "15400000002"}
	chain := func(t *testing.T, r street.Response) {
		items := r.JSON["items"].([]any)
		require.Len(t, items, 4)
		prev, steps := "", []string{}
		for i, x := range items {
			v := x.(object)
			require.EqualValues(t, i+1, v["version"])
			require.Equal(t, prev, v["prev_hash"])
			require.Len(t, v["hash"], 64)
			require.NotEmpty(t, v["at"])
			require.NotNil(t, v["changes"])
			prev = v["hash"].(string)
			steps = append(steps, fmt.Sprintf("%s %s>%s %s", v["action"], v["from"], v["to"], member(street.Response{JSON: v},
				"actor.role")))
		}
		require.Equal(t, []string{"create >submitted resident", "return submitted>returned collector",
			"resubmit returned>submitted resident",
			"verify submitted>verified collector"}, steps)
	}
	at := "/records/" + rec.ID() + "/history"
	run(t, o.Server, []scenario{
		{Name: "the submitter", As: "resident", Get: at, Want: 200, Check: chain, Not: secrets, Has: []string{"154****0002", "请补充单元",
			`"label":"手机号"`}},
		{Name: "staff", As: "collector", Get: at, Want: 200, Check: chain, Not: secrets, Has: []string{"欧阳小丽", "采集员小王"}},
		{Name: "an administrator sees no name", As: "admin", Get: at, Want: 200, Check: chain, Not: append(secrets, "欧阳小丽"),
			Has: []string{"欧**"}},
		{Name: "a neighbour", As: "resident2", Get: at, Want: 404, Code: model.NotFound},
		{Name: "another community", As: "community2", Get: at, Want: 404, Code: model.NotFound},
		{Name: "a department", As: "department", Get: at, Want: 404, Code: model.NotFound},
		{Name: "nobody", Get: at, Want: 401, Code: model.AuthRequired},
	})
}

func TestRevealByRoleAndField(t *testing.T) {
	t.Parallel()
	fake := fakewechat.New(t)
	o := openOffice(t, func(opt *app.Options) {
		opt.WeChat = wechat.Options{AppID: fakewechat.AppID, AppSecret: fakewechat.AppSecret, HTTP: fake.Transport()}
	})
	fake.PhoneCode("phonecode", "15400000009")
	require.Equal(t, 200, o.Do(street.Request{Method: "POST", Path: "/me/phone", As: "resident",
		Body: object{"code": "phonecode"}}).Status)
	p := o.person(nil)
	rec := "/records/" + o.make("resident", o.at("person", p, nil)).ID() + "/reveal"
	dispatched := func(callBack bool) string {
		e := o.step("grid_leader", o.make("resident", o.at("event", o.event(object{"call_back": callBack}), nil)),
			object{"action": "accept"})
		o.step("community", e, object{"action": "dispatch", "assignee": o.account("department"), "due_at": "2026-05-04T10:00:00+08:00"})
		return "/records/" + e.ID() + "/reveal"
	}
	call, quiet := dispatched(true), dispatched(false)
	ask := func(as, at, fields string, status int, code model.Code, want object) scenario {
		return scenario{Name: as + " " + fields, As: as, Post: at, Body: object{"fields": strings.Fields(fields), "reason": "核对信息"},
			Want: status, Code: code,
			JSON: want}
	}
	run(t, o.Server, []scenario{
		ask("community", rec, "id_no phone birth_date", 200, "", object{"fields.id_no": p["id_no"], "fields.phone": p["phone"]}),
		ask("street", rec, "id_no", 200, "", object{"fields.id_no": p["id_no"]}),
		ask("collector", rec, "phone", 200, "", object{"fields.phone": p["phone"]}),
		ask("grid_leader", rec, "phone", 200, "", object{"fields.phone": p["phone"]}),
		ask("collector", rec, "id_no", 403, model.RoleForbidden, nil),
		ask("collector", rec, "phone id_no", 403, model.RoleForbidden, nil),
		ask("grid_leader", rec, "id_no", 403, model.RoleForbidden, nil),
		ask("admin", rec, "phone", 403, model.RoleForbidden, nil),
		ask("resident", rec, "phone", 403, model.RoleForbidden, nil),
		ask("resident2", rec, "phone", 404, model.NotFound, nil),
		ask("community2", rec, "phone", 404, model.NotFound, nil),
		ask("department", rec, "phone", 404, model.NotFound, nil),
		ask("department", call, "reporter_phone", 200, "", object{"fields.reporter_phone": "15400000009"}),
		ask("department", call, "parties", 403, model.RoleForbidden, nil),
		ask("department", quiet, "reporter_phone", 403, model.RoleForbidden, nil),
		ask("community", rec, "work_unit", 422, model.Invalid, nil),
		ask("community", rec, "nickname", 422, model.Invalid, nil),
		ask("community", rec, "", 422, model.Invalid, nil),
		{Name: "no reason", As: "community", Post: rec, Body: object{"fields": []string{"phone"}}, Want: 422, Code: model.Invalid,
			Errors: []string{"reason:field.required"}},
		{Name: "a blank reason", As: "community", Post: rec, Body: object{"fields": []string{"phone"}, "reason": "   "}, Want: 422,
			Code: model.Invalid},
		{Name: "nobody", Post: rec, Body: object{"fields": []string{"phone"}, "reason": "核对信息"}, Want: 401, Code: model.AuthRequired},
		{Name: "every one is in the audit", As: "street", Get: "/audit?act=record.reveal", Want: 200,
			Has: []string{`"act":"record.reveal"`, "id_no", "核对信息", "采集员小王", "处置部门小郑", strings.Split(rec, "/")[2]},
			Not: []string{p["phone"].(string), p["id_no"].(string), "15400000009"}},
	})
}

func TestDuplicatesAreToldToStaffOnly(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	p := o.person(nil)
	first := o.make("resident", o.at("person", p, nil))
	twin := o.make("collector", object{"kind": "person", "building_id": o.Building, "data": with(p, object{"phone": o.gen.Phone()})})
	far := o.make("resident2", object{"kind": "person", "qr": o.Code2, "data": p})
	get := func(as, id string, duplicates, elsewhere any) scenario {
		return scenario{Name: as + " " + id, As: as, Get: "/records/" + id, Want: 200, JSON: object{"duplicates": duplicates,
			"duplicates_elsewhere": elsewhere}}
	}
	run(t, o.Server, []scenario{
		get("collector", first.ID(), []any{twin.ID()}, true), get("community", first.ID(), []any{twin.ID()}, true),
		{Name: "the street sees both", As: "street", Get: "/records/" + twin.ID(), Want: 200, Has: []string{first.ID(), far.ID()},
			JSON: object{"duplicates_elsewhere": false}},
		get("community2", far.ID(), []any{}, true),
		{Name: "the reporter", As: "resident", Get: "/records/" + first.ID(), Want: 200, Not: []string{"duplicates"}},
		{Name: "the neighbour", As: "resident2", Get: "/records/" + far.ID(), Want: 200, Not: []string{"duplicates"}},
		{Name: "their lists", As: "resident2", Get: "/records", Want: 200, Not: []string{"duplicates"}},
		{Name: "a new record tells at once", As: "community2", Post: "/records", Want: 201, JSON: object{"duplicates.0": far.ID(),
			"duplicates_elsewhere": true},
			Body: object{"kind": "person", "building_id": o.Building2, "data": p}},
		{Name: "gone records are none", As: "resident2", Post: "/records/" + far.ID() + "/transitions", Match: `"1"`,
			Body: object{"action": "withdraw"},
			Want: 200, Not: []string{"duplicates"}},
		{Name: "withdrawn is not counted", As: "street", Get: "/records/" + twin.ID(), Want: 200, Not: []string{far.ID()}},
	})
}
