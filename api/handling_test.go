package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
	"sixelements/model"
)

const due = "2026-05-04T10:00:00+08:00"

func TestAnEventIsHandledToTheEnd(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	department, other := o.account("department"), o.account("community2")
	to := object{"assignee": department, "due_at": due}
	note := func(s string) object { return object{"note": s} }
	shop := o.make("collector", object{"kind": "place", "area_code": o.Grid, "data": object{"name": "小店", "place_kind": "venue",
		"address": "桐柏路"}})
	owner := o.make("collector", object{"kind": "person", "area_code": o.Grid, "data": o.person(nil)})
	body := with(object{"kind": "event", "area_code": o.Grid, "data": o.event(object{"parties": []object{{"name": "欧阳小丽",
		"phone": "15400000003"}}})},
		object{"links": []object{{"record_id": shop.ID(), "relation": "located_at"}, {"record_id": owner.ID(),
			"relation": "concerns"}}})
	body["qr"], body["area_code"] = nil, o.Grid
	kept := run(t, o.Server, []scenario{
		{Name: "reported", As: "collector", Post: "/records", Body: body, Want: 201, Keep: "rec",
			JSON: object{"stage": "reported", "status": "submitted", "handling.level": 0, "handling.assignee": nil,
				"handling.rating": nil}},
		deny("a collector does not accept", "collector", "accept", nil, 403, model.RoleForbidden),
		deny("nor an administrator", "admin", "accept", nil, 403, model.RoleForbidden),
		deny("not dispatched before it is accepted", "community", "dispatch", to, 409, model.NotAllowed),
		deny("not seen by the department", "department", "start", nil, 404, model.NotFound),
		deny("to refuse needs a reason", "community", "refuse", nil, 422, model.Invalid, "note:field.required"),
		take("accept verifies", "grid_leader", "accept", nil, object{"stage": "accepted", "status": "verified",
			"verify_method": "document"}),
		deny("accepted once", "grid_leader", "accept", nil, 409, model.NotAllowed),
		deny("nobody named", "community", "dispatch", nil, 422, model.Invalid, "assignee:field.required", "due_at:field.required"),
		deny("due in the past", "community", "dispatch", object{"assignee": department, "due_at": "2026-05-01T09:59:59+08:00"}, 422,
			model.Invalid,
			"due_at:field.out_of_range"),
		deny("to somebody elsewhere", "community", "dispatch", object{"assignee": other, "due_at": due}, 422, model.Invalid,
			"assignee:field.not_a_choice"),
		deny("to nobody", "community", "dispatch", object{"assignee": newID(), "due_at": due}, 422, model.Invalid,
			"assignee:field.not_a_choice"),
		deny("to a resident", "community", "dispatch", object{"assignee": o.account("resident"), "due_at": due}, 422, model.Invalid),
		deny("a grid leader to another", "grid_leader", "dispatch", to, 403, model.RoleForbidden),
		take("dispatch", "community", "dispatch", to, object{"stage": "dispatched", "handling.assignee": department,
			"handling.due_at": "2026-05-04T10:00:00.000+08:00"}),
		deny("only the assignee starts", "community", "start", nil, 403, model.RoleForbidden),
		deny("to send back needs a reason", "department", "send_back", nil, 422, model.Invalid, "note:field.required"),
		take("send back", "department", "send_back", note("不属于本部门"), object{"stage": "returned_to_dispatch", "handling.assignee": nil,
			"handling.due_at": nil}),
		deny("no longer theirs", "department", "start", nil, 403, model.RoleForbidden),
		take("dispatch again", "street", "dispatch", to, object{"stage": "dispatched"}),
		take("urge", "community", "urge", note("请尽快"), object{"stage": "dispatched", "handling.level": 1}),
		deny("a grid leader urges nobody", "grid_leader", "urge", note("请尽快"), 403, model.RoleForbidden),
		take("start", "department", "start", nil, object{"stage": "handling"}),
		take("urge again", "street", "urge", note("居民催"), object{"handling.level": 2}),
		deny("to hold needs a date", "department", "hold", note("等配件"), 422, model.Invalid, "due_at:field.required"),
		take("hold", "department", "hold", object{"note": "等配件", "due_at": "2026-05-20T10:00:00+08:00"},
			object{"stage": "held", "handling.due_at": "2026-05-20T10:00:00.000+08:00"}),
		deny("held is not resolved", "department", "resolve", note("已修好"), 409, model.NotAllowed),
		take("urge the held", "community", "urge", note("请尽快"), object{"stage": "held", "handling.level": 3}),
		take("resume", "community", "resume", nil, object{"stage": "handling"}),
		take("held by staff", "street", "hold", object{"note": "等天气", "due_at": "2026-05-20T10:00:00+08:00"}, object{"stage": "held"}),
		take("resume by the assignee", "department", "resume", nil, object{"stage": "handling"}),
		deny("not by a collector", "collector", "resolve", note("已修好"), 403, model.RoleForbidden),
		deny("to resolve needs a note", "department", "resolve", nil, 422, model.Invalid, "note:field.required"),
		take("resolve", "department", "resolve", note("已修好"), object{"stage": "resolved"}),
		deny("not closed by the department", "department", "close", object{"method": "visit"}, 403, model.RoleForbidden),
		deny("to close needs a method", "collector", "close", nil, 422, model.Invalid, "method:field.required"),
		take("the reporter is not content", "collector", "reopen", note("还是不亮"), object{"stage": "dispatched",
			"handling.assignee": department}),
		take("start anew", "department", "start", nil, object{"stage": "handling"}),
		take("resolve anew", "department", "resolve", note("换了灯头"), object{"stage": "resolved"}),
		deny("not rated before it is closed", "collector", "rate", object{"rating": 5}, 409, model.NotAllowed),
		take("close", "grid_leader", "close", object{"method": "visit"}, object{"stage": "closed"}),
		deny("closed is not urged", "community", "urge", note("请尽快"), 409, model.NotAllowed),
		deny("a rating is needed", "collector", "rate", nil, 422, model.Invalid, "rating:field.out_of_range"),
		deny("from 1 to 5", "collector", "rate", object{"rating": 6}, 422, model.Invalid, "rating:field.out_of_range"),
		deny("by the reporter", "community", "rate", object{"rating": 5}, 403, model.RoleForbidden),
		take("rate", "collector", "rate", object{"rating": 4}, object{"stage": "closed", "handling.rating": 4}),
		deny("once", "collector", "rate", object{"rating": 5}, 409, model.NotAllowed),
	})
	require.Equal(t, strings.Split(`create >submitted collector
accept reported>accepted grid_leader
dispatch accepted>dispatched community
send_back dispatched>returned_to_dispatch department
dispatch returned_to_dispatch>dispatched street
urge dispatched>dispatched community
start dispatched>handling department
urge handling>handling street
hold handling>held department
urge held>held community
resume held>handling community
hold handling>held street
resume held>handling department
resolve handling>resolved department
reopen resolved>dispatched collector
start dispatched>handling department
resolve handling>resolved department
close resolved>closed grid_leader
rate closed>closed collector`, "\n"), o.steps("community", kept["rec"]))
	o.departmentSees(t, kept["rec"], shop.ID(), owner.ID())
}

// departmentSees: the event once dispatched to it and the linked place; no person, no register, no buildings, no tallies.
func (o *office) departmentSees(t *testing.T, event, place, person string) {
	o.make("collector", object{"kind": "event", "area_code": o.Grid, "data": o.event(nil)})
	none := func(path string) scenario {
		return scenario{Name: path, As: "department", Get: path, Want: 403, Code: model.RoleForbidden}
	}
	run(t, o.Server, []scenario{
		{Name: "its event", As: "department", Get: "/records/" + event, Want: 200, Has: []string{place}, Not: []string{person,
			"duplicates", "15400000003", "欧阳小丽"},
			JSON: object{"links.0.record_id": place, "links.1": nil}},
		{Name: "the linked place", As: "department", Get: "/records/" + place, Want: 200},
		{Name: "not the linked person", As: "department", Get: "/records/" + person, Want: 404, Code: model.NotFound},
		{Name: "no other event in lists", As: "department", Get: "/records?kind=event", Want: 200, JSON: object{"items.0.id": event,
			"items.1": nil}},
		{Name: "no patch", As: "department", Patch: "/records/" + event, Match: `"1"`, Body: object{"data": object{}}, Want: 403,
			Code: model.RoleForbidden},
		{Name: "no history", As: "department", Get: "/records/" + event + "/history", Want: 403, Code: model.RoleForbidden},
		none("/buildings"), none("/areas"), none("/assignments"), none("/accounts"), none("/audit"),
	})
}

func TestAGridLeaderHandlesThemselvesButDoesNotClose(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	self := object{"assignee": o.account("grid_leader"), "due_at": due}
	run(t, o.Server, []scenario{
		{Name: "reported by a resident", As: "resident", Post: "/records", Body: o.at("event", o.event(nil), nil), Want: 201,
			Keep: "rec"},
		take("accept", "grid_leader", "accept", nil, object{"stage": "accepted", "status": "verified"}),
		take("to oneself", "grid_leader", "dispatch", self, object{"stage": "dispatched"}),
		take("start", "grid_leader", "start", nil, object{"stage": "handling"}),
		take("resolve", "grid_leader", "resolve", object{"note": "已清理"}, object{"stage": "resolved"}),
		deny("not closed by who resolved it", "grid_leader", "close", object{"method": "visit"}, 403, model.SelfClose),
		deny("before what is missing", "grid_leader", "close", nil, 403, model.SelfClose),
		deny("not reopened by a stranger", "resident2", "reopen", object{"note": "没修好"}, 404, model.NotFound),
		take("reopened by the reporter", "resident", "reopen", object{"note": "没修好"}, object{"stage": "dispatched"}),
		take("start again", "grid_leader", "start", nil, nil),
		take("resolve again", "grid_leader", "resolve", object{"note": "又清理了"}, nil),
		take("closed by another", "collector", "close", object{"method": "phone"}, object{"stage": "closed"}),
		deny("the reporter's stars", "resident", "rate", object{"rating": 0}, 422, model.Invalid),
		take("the reporter rates", "resident", "rate", object{"rating": 5}, object{"handling.rating": 5}),
	})
}

func TestReopeningEndsAfterSevenDays(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	closed := func() street.Response {
		r := o.step("grid_leader", o.make("resident", o.at("event", o.event(nil), nil)), object{"action": "accept"})
		r = o.step("grid_leader", r, object{"action": "dispatch", "assignee": o.account("grid_leader"),
			"due_at": "2026-12-31T10:00:00+08:00"})
		r = o.step("grid_leader", o.step("grid_leader", r, object{"action": "start"}), object{"action": "resolve", "note": "已清理"})
		return o.step("collector", r, object{"action": "close", "method": "visit"})
	}
	early, late := closed(), closed()
	o.Clock.Advance(7*24*time.Hour - time.Minute)
	o.step("resident", early, object{"action": "reopen", "note": "没修好"})
	o.Clock.Advance(2 * time.Minute)
	run(t, o.Server, []scenario{{Name: "a minute late", As: "resident", Post: "/records/" + late.ID() + "/transitions",
		Match: late.Header.Get("ETag"),
		Body:  object{"action": "reopen", "note": "没修好"}, Want: 409, Code: model.NotAllowed}})
}

func TestEventsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	dead := func(way object) street.Response {
		return o.step("collector", o.make("resident", o.at("event", o.event(nil), nil)), way)
	}
	rejected := dead(object{"action": "reject", "note": "不实"})
	run(t, o.Server, []scenario{
		{Name: "rejected", As: "grid_leader", Post: "/records/" + rejected.ID() + "/transitions", Match: rejected.Header.Get("ETag"),
			Body: object{"action": "accept"}, Want: 409, Code: model.NotAllowed},
		{Name: "reported", As: "resident", Post: "/records", Body: o.at("event", o.event(nil), nil), Want: 201, Keep: "rec"},
		take("refuse", "grid_leader", "refuse", object{"note": "不属于受理范围"}, object{"stage": "refused", "status": "submitted"}),
		deny("refused is the end", "grid_leader", "accept", nil, 409, model.NotAllowed),
		{Name: "a person", As: "resident", Post: "/records", Body: o.at("person", o.person(nil), nil), Want: 201, Keep: "rec"},
		deny("has no stages", "grid_leader", "accept", nil, 409, model.NotAllowed),
		{Name: "one's own event", As: "grid_leader", Post: "/records", Body: object{"kind": "event", "area_code": o.Grid,
			"data": o.event(nil)}, Want: 201, Keep: "rec"},
		take("accepted by its submitter is not verified", "grid_leader", "accept", nil, object{"stage": "accepted",
			"status": "submitted"}),
	})
}

func TestASituationBecomesAnEvent(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	src := o.make("resident", o.at("situation", object{"category": o.gen.Situation()["category"], "content": "楼道堆物堵住了消防通道",
		"situation_kind": "hazard"}, nil))
	at, step := "/records/"+src.ID()+"/transitions", newID()
	body := object{"action": "escalate", "data": o.event(nil), "step_id": step}
	lamp := o.make("resident", o.at("object", o.lamp(nil), nil))
	person := o.make("resident", o.at("person", o.person(nil), nil))
	run(t, o.Server, []scenario{
		{Name: "not by a collector", As: "collector", Post: at, Match: `"1"`, Body: body, Want: 403, Code: model.RoleForbidden},
		{Name: "nor by the reporter", As: "resident", Post: at, Match: `"1"`, Body: body, Want: 403, Code: model.RoleForbidden},
		{Name: "not without a version", As: "grid_leader", Post: at, Body: body, Want: 428, Code: model.PreconditionRequired},
		{Name: "not without its data", As: "grid_leader", Post: at, Match: `"1"`, Body: object{"action": "escalate"}, Want: 422,
			Code:   model.Invalid,
			Errors: []string{"data:field.required"}},
		{Name: "not with half of it", As: "grid_leader", Post: at, Match: `"1"`, Body: object{"action": "escalate",
			"data": object{"title": "堆物"}}, Want: 422,
			Code: model.Invalid, Errors: []string{"data.category:field.required"}},
		{Name: "escalate", As: "grid_leader", Post: at, Match: `"1"`, Body: body, Want: 201, Keep: "event",
			JSON: object{"kind": "event", "stage": "reported", "status": "submitted", "area_code": o.Grid, "links.0.record_id": src.ID(),
				"links.0.relation": "escalated_from", "building.id": o.Building.String(), "room": "101", "submitter.role": "grid_leader"}},
		{Name: "again, nothing new", As: "grid_leader", Post: at, Match: `"1"`, Body: body, Want: 200, JSON: object{"id": "{event}"}},
		{Name: "the same step for another event", As: "grid_leader", Post: at, Match: `"1"`, Body: with(body,
			object{"data": o.event(object{"urgency": "low"})}),
			Want: 409, Code: model.IDConflict},
		{Name: "the source keeps its state", As: "resident", Get: "/records/" + src.ID(), Want: 200, JSON: object{"stage": nil,
			"status": "submitted", "version": 1}},
		{Name: "and shows the link to staff", As: "community", Get: "/records/" + src.ID(), Want: 200,
			JSON: object{"links.0.record_id": "{event}", "links.0.inverse": true, "links.1": nil}},
		{Name: "an object too", As: "community", Post: "/records/" + lamp.ID() + "/transitions", Match: `"1"`, Body: with(body,
			object{"step_id": nil}), Want: 201},
		{Name: "a person does not", As: "community", Post: "/records/" + person.ID() + "/transitions", Match: `"1"`, Body: with(body,
			object{"step_id": nil}),
			Want: 409, Code: model.NotAllowed},
		{Name: "nor does an administrator", As: "admin", Post: at, Match: `"1"`, Body: with(body, object{"step_id": nil}), Want: 403,
			Code: model.RoleForbidden},
		{Name: "its own history begins", As: "community", Get: "/records/{event}/history", Want: 200,
			JSON: object{"items.0.action": "create", "items.1": nil}},
	})
}

func TestAnOverdueStepRaisesItsLevelByTheClock(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	r := o.step("grid_leader", o.make("resident", o.at("event", o.event(nil), nil)), object{"action": "accept"})
	r = o.step("community", r, object{"action": "dispatch", "assignee": o.account("department"), "due_at": due})
	get := func(name string, level int) scenario {
		return scenario{Name: name, As: "community", Get: "/records/" + r.ID(), Want: 200, JSON: object{"handling.level": level}}
	}
	o.Clock.Advance(71 * time.Hour)
	run(t, o.Server, []scenario{get("in time", 0)})
	o.Clock.Advance(2 * time.Hour)
	run(t, o.Server, []scenario{get("overdue", 1)})
	r = o.step("community", r, object{"action": "urge", "note": "请尽快"})
	run(t, o.Server, []scenario{get("overdue and urged", 2)})
	r = o.step("department", r, object{"action": "start"})
	o.step("department", r, object{"action": "resolve", "note": "已修好"})
	run(t, o.Server, []scenario{get("resolved is no longer overdue", 1)})
}
