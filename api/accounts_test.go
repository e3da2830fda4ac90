package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
)

// newcomer is an account to be made.
func newcomer(username, role, area string) object {
	held := object{"role": role}
	if area != "" {
		held["area_code"] = area
	}
	return object{"username": username, "name": "新同事", "password": goodPassword, "roles": []object{held}}
}

func TestNobodyGrantsAboveTheirOwn(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	n := 0
	for _, c := range []struct {
		by, role, area string
		want           int
	}{
		{"community", "collector", s.Grid, 201},
		{"community", "grid_leader", s.Community, 201},
		{"community", "community", s.Community, 201},
		{"community", "street", "410102002", 403},
		{"community", "admin", "", 403},
		{"community", "department", "410102002", 403},
		{"community", "collector", s.Grid2, 403},
		{"community", "community", s.Community2, 403},
		{"street", "community", s.Community2, 201},
		{"street", "street", "410102002", 201},
		{"street", "department", "410102002", 201},
		{"street", "street", "410102003", 403},
		{"street", "admin", "", 403},
		{"admin", "admin", "", 201},
		{"admin", "street", "410102002", 201},
		{"admin", "street", s.Community, 422},
		{"admin", "community", "410102002", 422},
		{"admin", "collector", s.Community + "999", 422},
		{"admin", "mayor", "", 422},
		{"admin", "resident", "", 422},
		{"grid_leader", "collector", s.Grid, 403},
	} {
		n++
		r := s.Do(street.Request{Method: "POST", Path: "/accounts", As: c.by, Body: newcomer("new-"+string(rune('a'+n))+"x", c.role,
			c.area)})
		require.Equal(t, c.want, r.Status, "%s grants %s for %q: %s", c.by, c.role, c.area, r.Text)
		if c.want >= 400 {
			problem(t, r)
			require.Equal(t, map[int]string{403: "role.forbidden", 422: "validation.failed"}[c.want], r.Code())
		}
	}
}

func TestAccountsAreMadeAndChanged(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	roles := func(role, area string) object { return object{"roles": []object{{"role": role, "area_code": area}}} }
	var token string
	enter := func(*testing.T, street.Response) { token = tokenOf(login(t, s, byPassword("wang.fang", goodPassword))) }
	kept := run(t, s, []scenario{
		{Name: "a password is made when none is sent", As: "community", Post: "/accounts",
			Body: with(newcomer("li.na", "collector", s.Grid), object{"password": nil}),
			Want: 201, Check: func(t *testing.T, r street.Response) {
				login(t, s, byPassword("li.na", r.JSON["initial_password"].(string)))
			}},
		{Name: "one that was sent is not shown", As: "community", Post: "/accounts", Body: newcomer(" Wang.Fang ", "grid_leader",
			s.Grid), Want: 201, Keep: "a",
			JSON: object{"username": "wang.fang", "version": 1, "roles.0.role": "grid_leader", "roles.0.area_code": s.Grid,
				"disabled": false},
			Not: []string{goodPassword, "initial_password", "hash"}, Check: enter},
		{Name: "a name that is taken", As: "street", Post: "/accounts", Body: newcomer("WANG.FANG", "collector", s.Grid), Want: 409,
			Code: "conflict"},
		{Name: "everything at fault at once", As: "street", Post: "/accounts", Body: with(newcomer("x", "collector", s.Grid),
			object{"name": "", "password": "abc"}),
			Want: 422, Code: "validation.failed", Errors: []string{"username:field.invalid", "name:field.invalid",
				"password:field.invalid"}},
		{Name: "an administrator's password is longer", As: "admin", Post: "/accounts", Body: with(newcomer("root.one", "admin", ""),
			object{"password": "Abcd-123"}),
			Want: 422, Code: "validation.failed", Errors: []string{"password:field.invalid"}},
		{Name: "a password that holds the name", As: "street", Post: "/accounts", Body: with(newcomer("zhang", "collector", s.Grid),
			object{"password": "Zhang-2026"}),
			Want: 422, Code: "validation.failed", Errors: []string{"password:field.invalid"}},
		{Name: "found by the beginning of its name", As: "community", Get: "/accounts?q=wang", Want: 200,
			JSON: object{"items.0.username": "wang.fang", "items.1": nil}},
		{Name: "by role and area", As: "street", Get: "/accounts?role=community&area=" + s.Community2, Want: 200,
			JSON: object{"items.0.name": "社区小孙", "items.1": nil}},
		{Name: "not by the neighbour", As: "community2", Get: "/accounts?q=wang", Want: 200, JSON: object{"items.0": nil}},
		{Name: "a role that there is not", As: "street", Get: "/accounts?role=mayor", Want: 422, Code: "validation.failed"},
	})
	at, id := "/accounts/"+kept["a"], kept["a"]
	run(t, s, []scenario{
		{Name: "out of sight comes first", As: "community2", Patch: at, Body: "{", Want: 404, Code: "not_found"},
		{Name: "then the right", As: "grid_leader", Patch: at, Body: object{"name": 7}, Want: 403, Code: "role.forbidden"},
		{Name: "then the version", As: "community", Patch: at, Body: object{"name": ""}, Want: 428, Code: "precondition.required"},
		{Name: "a readable one", As: "community", Patch: at, Match: "*", Body: object{"name": ""}, Want: 400,
			Code: "precondition.malformed"},
		{Name: "the current one", As: "community", Patch: at, Match: "9", Body: object{"name": ""}, Want: 412, Code: "record.stale",
			Check: func(t *testing.T, r street.Response) { require.Equal(t, `"1"`, r.Header.Get("ETag")) }},
		{Name: "then the content", As: "community", Patch: at, Match: "1", Body: object{"name": ""}, Want: 422,
			Code: "validation.failed"},
		{Name: "a role above one's own before the version", As: "community", Patch: at, Body: roles("street", "410102002"), Want: 403,
			Code: "role.forbidden"},
		{Name: "a new name leaves the sessions", As: "community", Patch: at, Match: "1", Body: object{"name": "王芳"}, Want: 200,
			JSON: object{"name": "王芳", "version": 2}},
		{Name: "as they were", Token: token, Get: "/me", Want: 200, JSON: object{"name": "王芳"}},
		{Name: "another role ends them", As: "community", Patch: at, Match: "2", Body: roles("collector", s.Grid), Want: 200,
			JSON: object{"roles.0.role": "collector",
				"roles.1": nil}},
		{Name: "at once", Token: token, Get: "/me", Want: 401, Code: "auth.invalid", Check: enter},
	})
	run(t, s, []scenario{
		{Name: "so does a new password", As: "community", Patch: at, Match: "3", Body: object{"password": goodPassword + "2"},
			Want: 200},
		{Name: "at once", Token: token, Get: "/me", Want: 401, Code: "auth.invalid"},
		{Name: "back to the old one", As: "community", Patch: at, Match: "4", Body: object{"password": goodPassword}, Want: 200,
			Check: enter},
	})
	run(t, s, []scenario{
		{Name: "and disabling", As: "community", Delete: at, Want: 204},
		{Name: "at once", Token: token, Get: "/me", Want: 401, Code: "auth.invalid"},
		{Name: "it cannot log in", Post: "/sessions", Body: byPassword("wang.fang", goodPassword), Want: 401, Code: "auth.invalid"},
		{Name: "disabled twice is disabled", As: "community", Delete: at, Want: 204},
		{Name: "enabled again", As: "community", Patch: at, Match: "6", Body: object{"disabled": false}, Want: 200,
			JSON: object{"disabled": false}, Check: enter},
	})
	own := s.Do(street.Request{Method: "GET", Path: "/me", As: "community"}).ID()
	run(t, s, []scenario{
		{Name: "nobody raises themselves", As: "community", Patch: "/accounts/" + own, Match: "1",
			Body: roles("community", s.Community), Want: 403, Code: "role.forbidden"},
		{Name: "nor disables themselves", As: "community", Delete: "/accounts/" + own, Want: 403, Code: "role.forbidden"},
		{Name: "a community changes nobody of the street", As: "community",
			Get:  "/accounts/" + s.Do(street.Request{Method: "GET", Path: "/me", As: "street"}).ID(),
			Want: 404, Code: "not_found"},
		{Name: "the trace tells what was done on whom, never to what", As: "community", Get: "/audit?act=account.edit", Want: 200,
			Has: []string{id, "roles: collector " + s.Grid, `"detail":"password"`}, Not: []string{goodPassword, "王芳"}},
	})
}

func TestEqualsDoNotActInEachOthersName(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	at := func(by, username, role, area string) string {
		held := object{"role": role}
		if area != "" {
			held["area_code"] = area
		}
		return "/accounts/" + hire(t, s, by, username, held).ID()
	}
	peer, chief := at("community", "peer", "community", s.Community), at("admin", "chief", "admin", "")
	reset, off := object{"password": goodPassword + "2"}, object{"disabled": true}
	run(t, s, []scenario{
		{Name: "no equal resets a password", As: "community", Patch: peer, Match: "1", Body: reset, Want: 403, Code: "role.forbidden"},
		{Name: "nor with another change", As: "community", Patch: peer, Match: "1", Body: with(reset, object{"roles": []object{
			{"role": "collector", "area_code": s.Grid}}}), Want: 403, Code: "role.forbidden"},
		{Name: "nor disables", As: "community", Patch: peer, Match: "1", Body: off, Want: 403, Code: "role.forbidden"},
		{Name: "nor deletes", As: "community", Delete: peer, Want: 403, Code: "role.forbidden"},
		{Name: "a name is corrected as before", As: "community", Patch: peer, Match: "1", Body: object{"name": "小周"}, Want: 200},
		{Name: "who stands above resets", As: "street", Patch: peer, Match: "2", Body: reset, Want: 200},
		{Name: "and deletes", As: "street", Delete: peer, Want: 204},
		{Name: "an equal does not delete the deleted", As: "community", Delete: peer, Want: 403, Code: "role.forbidden"},
		{Name: "an administrator resets another", As: "admin", Patch: chief, Match: "1", Body: reset, Want: 200},
		{Name: "and disables them", As: "admin", Patch: chief, Match: "2", Body: off, Want: 200},
	})
}

func TestTheTraceTellsWhoDidWhatWhere(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	data := o.person(nil)
	rec := o.make("resident", o.at("person", data, nil))
	o.step("collector", rec, object{"action": "verify", "method": "visit"})
	run(t, o.Server, []scenario{
		{Name: "a reveal", As: "community", Post: "/records/" + rec.ID() + "/reveal", Body: object{"fields": []string{"id_no"},
			"reason": "核对证件"}, Want: 200,
			JSON: object{"fields.id_no": data["id_no"]}},
		{Name: "a change of places", As: "community2", Post: "/areas", Body: object{"parent": o.Community2, "name": "第二网格"}, Want: 201},
		{Name: "a log-in that failed", Post: "/sessions", Body: byPassword("typed.my.password", "Secret-123456"), Want: 401,
			Code: "auth.invalid"},
		{Name: "a refusal", As: "collector", Post: "/exports", Body: object{"kind": "person", "area": o.Grid, "format": "csv"},
			Want: 403, Code: "role.forbidden"},
	})
	run(t, o.Server, []scenario{
		{Name: "who saw what, of whom, and why", As: "community", Get: "/audit?act=record.reveal", Want: 200,
			JSON: object{"items.0.target": rec.ID(),
				"items.0.actor.name": "社区小赵", "items.0.actor.role": "community", "items.0.result": "ok", "items.0.area_code": o.Grid,
				"items.1": nil},
			Has: []string{"id_no｜核对证件", "127.0.0.1"}, Not: []string{data["id_no"].(string), data["phone"].(string),
				data["name"].(string)}},
		{Name: "a record's revision is its trace", As: "community", Get: "/audit?act=verify", Want: 200,
			JSON: object{"items.0.target": rec.ID(),
				"items.0.actor.name": "采集员小王", "items.0.detail": "submitted → verified", "items.1": nil}},
		{Name: "who was refused what", As: "admin", Get: "/audit?act=refused", Want: 200, JSON: object{"items.0.target": "create-export",
			"items.0.result": "role.forbidden", "items.0.actor.name": "采集员小王"}},
		{Name: "residents are not named", As: "community", Get: "/audit?act=create", Want: 200,
			JSON: object{"items.0.actor.role": "resident", "items.0.actor.name": ""}},
		{Name: "the neighbour sees their own", As: "community2", Get: "/audit?limit=200", Want: 200, Has: []string{"area.create"},
			Not: []string{rec.ID()}},
		{Name: "not what lies elsewhere by asking for it", As: "community2", Get: "/audit?area=" + o.Community, Want: 200,
			JSON: object{"items.0": nil}},
		{Name: "the street sees both", As: "street", Get: "/audit?act=record.reveal&area=" + o.Community, Want: 200,
			JSON: object{"items.0.target": rec.ID()}},
		{Name: "who typed a password for a name is not in it", As: "admin", Get: "/audit?limit=200", Want: 200,
			Has: []string{"auth.invalid"},
			Not: []string{"typed.my.password", "Secret-123456"}},
		{Name: "no code", As: "street", Get: "/audit?area=41", Want: 422, Code: "validation.failed",
			Errors: []string{"area:field.invalid"}},
		{Name: "no account", As: "street", Get: "/audit?actor=me", Want: 422, Code: "validation.failed",
			Errors: []string{"actor:field.invalid"}},
		{Name: "no page from nowhere", As: "street", Get: "/audit?cursor=abc", Want: 422, Code: "validation.failed",
			Errors: []string{"cursor:field.invalid"}},
	})
	var ids []string
	for path := "/audit?limit=3"; path != ""; {
		r := o.Do(street.Request{Method: "GET", Path: path, As: "admin"})
		require.Equal(t, http.StatusOK, r.Status, r.Text)
		require.LessOrEqual(t, len(r.JSON["items"].([]any)), 3)
		for _, v := range r.JSON["items"].([]any) {
			ids = append(ids, v.(object)["id"].(string))
		}
		next, _ := r.JSON["next_cursor"].(string)
		if path = ""; next != "" {
			path = "/audit?limit=3&cursor=" + next
		}
	}
	whole := o.Do(street.Request{Method: "GET", Path: "/audit?limit=200", As: "admin"})
	require.Len(t, whole.JSON["items"], len(ids), "page by page as at once")
	seenIDs := map[string]bool{}
	for _, id := range ids {
		require.False(t, seenIDs[id], "no line twice")
		seenIDs[id] = true
		require.Contains(t, whole.Text, id)
	}
	require.Greater(t, strings.Count(whole.Text, `"act"`), 8)
}
