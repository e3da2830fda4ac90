package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
	"sixelements/model"
)

func TestAnAdministratorReadsNoNotes(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	const secret = "住着欧阳小丽"
	rooms := o.Do(street.Request{Method: "GET", Path: "/buildings/" + o.Building.String() + "/rooms", As: "collector"})
	visits := "/rooms/" + member(rooms, "items.0.id").(string) + "/visits"
	r := o.make("resident", o.at("person", o.person(nil), nil))
	o.step("collector", r, object{"action": "return", "note": secret})
	history := "/records/" + r.ID() + "/history"
	run(t, o.Server, []scenario{
		{Name: "a visit", As: "collector", Post: visits, Body: object{"method": "knock", "outcome": "met", "note": secret}, Want: 201},
		{Name: "its maker reads the note", As: "collector", Get: visits, Want: 200, JSON: object{"items.0.note": secret}},
		{Name: "and who works there", As: "community", Get: visits, Want: 200, JSON: object{"items.0.note": secret}},
		{Name: "an administrator does not", As: "admin", Get: visits, Want: 200, JSON: object{"items.0.note": "***"},
			Not: []string{secret}},
		{Name: "the resident reads why", As: "resident", Get: history, Want: 200, Has: []string{secret}},
		{Name: "an administrator does not read it either", As: "admin", Get: history, Want: 200, Has: []string{"***"},
			Not: []string{secret}},
	})
}

func TestWhoReportsAnonymouslyIsNotFoundByTheirDoor(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	dispatched := func(anonymous bool) string {
		r := o.make("resident", o.at("event", o.event(object{"anonymous": anonymous}), object{"unit": "1", "room": "302"}))
		r = o.step("grid_leader", r, object{"action": "accept"})
		return o.step("community", r, object{"action": "dispatch", "assignee": o.account("department"), "due_at": due}).ID()
	}
	hidden, open := "/records/"+dispatched(true), "/records/"+dispatched(false)
	run(t, o.Server, []scenario{
		{Name: "hidden from the department", As: "department", Get: hidden, Want: 200,
			JSON: object{"unit": "", "room": "", "room_id": nil}},
		{Name: "not from staff", As: "community", Get: hidden, Want: 200, JSON: object{"unit": "1", "room": "302"}},
		{Name: "nor from the reporter", As: "resident", Get: hidden, Want: 200, JSON: object{"room": "302"}},
		{Name: "without the wish it is shown", As: "department", Get: open, Want: 200, JSON: object{"room": "302"}},
	})
}

func TestRefusalsInABatchLeaveATrace(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	r := o.make("resident", o.at("event", o.event(nil), nil))
	o.batch(t, "resident", object{"op": "transition", "record_id": r.ID(), "version": 1, "action": "accept"})
	run(t, o.Server, []scenario{{Name: "traced", As: "admin", Get: "/audit?act=refused", Want: 200,
		JSON: object{"items.0.target": "batch-records", "items.0.result": string(model.RoleForbidden), "items.1": nil}}})
}

func TestACollectorIsAnAssigneeOnlyWhereTheyArePosted(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	made := o.Do(street.Request{Method: "POST", Path: "/accounts", As: "admin", Body: object{"username": "posted", "name": "流动采集员",
		"password": goodPassword, "roles": []object{{"role": "collector"}}}})
	require.Equal(t, http.StatusCreated, made.Status, made.Text)
	r := o.step("grid_leader", o.make("resident", o.at("event", o.event(nil), nil)), object{"action": "accept"})
	to := scenario{Name: "not yet posted", As: "community", Post: "/records/" + r.ID() + "/transitions", Match: r.Header.Get("ETag"),
		Body: object{"action": "dispatch", "assignee": made.ID(), "due_at": due}, Want: 422, Code: model.Invalid,
		Errors: []string{"assignee:field.not_a_choice"}}
	run(t, o.Server, []scenario{to})
	post := o.Do(street.Request{Method: "POST", Path: "/assignments", As: "community", Body: object{"account_id": made.ID(),
		"building_id": o.Building.String(), "team": "mobile", "from": "2026-05-01"}})
	require.Equal(t, http.StatusCreated, post.Status, post.Text)
	to.Name, to.Want, to.Code, to.Errors = "posted there", 200, "", nil
	run(t, o.Server, []scenario{to})
}
