package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
	"sixelements/model"
)

// steps are the lines "action from>to role" of a record's history.
func (o *office) steps(as, id string) []string {
	o.t.Helper()
	r := o.Do(street.Request{Method: "GET", Path: "/records/" + id + "/history", As: as})
	require.Equal(o.t, 200, r.Status, r.Text)
	var out []string
	for _, x := range r.JSON["items"].([]any) {
		v := x.(object)
		out = append(out, fmt.Sprintf("%s %s>%s %s", v["action"], v["from"], v["to"], v["actor"].(object)["role"]))
	}
	return out
}

// take is a scenario of a step on the record kept as rec.
func take(name, as, action string, more object, want object) scenario {
	return scenario{Name: name, As: as, Post: "/records/{rec}/transitions", Match: "{rec.etag}", Keep: "rec",
		Body: with(object{"action": action}, more),
		Want: 200, JSON: want}
}

// deny is a scenario of a step on the record kept as rec that is refused.
func deny(name, as, action string, more object, status int, code model.Code, faults ...string) scenario {
	return scenario{Name: name, As: as, Post: "/records/{rec}/transitions", Match: "{rec.etag}", Body: with(object{"action": action},
		more), Want: status,
		Code: code, Errors: faults}
}

func TestVerificationThereAndBack(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	note := func(s string) object { return object{"note": s} }
	visit := object{"method": "visit"}
	kept := run(t, o.Server, []scenario{
		{Name: "submit", As: "resident", Post: "/records", Body: o.at("person", o.person(object{"work_unit": "一厂一厂"}), nil), Want: 201,
			Keep: "rec"},
		deny("the submitter cannot verify", "resident", "verify", visit, 403, model.RoleForbidden),
		deny("nor a neighbour", "resident2", "verify", visit, 404, model.NotFound),
		deny("nor another community", "community2", "verify", visit, 404, model.NotFound),
		deny("nor a department", "department", "verify", visit, 404, model.NotFound),
		deny("nor an administrator", "admin", "verify", visit, 403, model.RoleForbidden),
		deny("a method is needed", "collector", "verify", nil, 422, model.Invalid, "method:field.required"),
		deny("nothing to resubmit yet", "resident", "resubmit", object{"data": object{}}, 409, model.NotAllowed),
		deny("nothing to amend yet", "resident", "amend", object{"data": object{}}, 409, model.NotAllowed),
		deny("nothing to archive yet", "collector", "archive", note("搬走"), 409, model.NotAllowed),
		deny("nothing to restore yet", "community", "restore", note("误操作"), 409, model.NotAllowed),
		deny("a reason is needed to return", "collector", "return", nil, 422, model.Invalid, "note:field.required"),
		deny("a blank one is none", "collector", "return", note("   "), 422, model.Invalid, "note:field.required"),
		deny("a return changes no data", "collector", "return", object{"note": "请补充", "data": object{"work_unit": "二厂二厂"}}, 422,
			model.FieldUnknown),
		take("return", "collector", "return", note("请补充单元号"), object{"status": "returned", "verified_at": nil}),
		deny("a returned one cannot be verified", "collector", "verify", visit, 409, model.NotAllowed),
		deny("staff cannot resubmit for them", "collector", "resubmit", object{"data": object{}}, 403, model.RoleForbidden),
		deny("data is needed to resubmit", "resident", "resubmit", nil, 422, model.Invalid, "data:field.required"),
		take("resubmit", "resident", "resubmit", object{"data": object{"work_unit": "二厂二厂"}}, object{"status": "submitted",
			"data.work_unit": "二厂二厂"}),
		take("verify with corrections", "collector", "verify", object{"method": "phone", "data": object{"work_unit": "三厂三厂"}},
			object{"status": "verified", "verify_method": "phone", "verified_by": "采集员小王", "data.work_unit": "三厂三厂",
				"verified_at": "2026-05-01T10:00:00.000+08:00", "due_at": "2027-05-01T10:00:00.000+08:00"}),
		deny("verified cannot be withdrawn", "resident", "withdraw", nil, 409, model.NotAllowed),
		deny("nor rejected", "collector", "reject", note("不实"), 409, model.NotAllowed),
		take("verified again", "community", "verify", visit, object{"status": "verified", "verify_method": "visit",
			"verified_by": "社区小赵"}),
		take("amend", "resident", "amend", object{"data": object{"work_unit": "四厂四厂"}}, object{"status": "submitted", "due_at": nil}),
		take("verify the amendment", "grid_leader", "verify", visit, object{"status": "verified"}),
		take("return the verified", "collector", "return", note("电话打不通"), object{"status": "returned", "verified_by": nil,
			"verify_method": nil}),
		take("resubmit again", "resident", "resubmit", object{"data": object{}}, object{"status": "submitted"}),
		take("verify at last", "collector", "verify", visit, object{"status": "verified"}),
		deny("a reason to archive", "collector", "archive", nil, 422, model.Invalid, "note:field.required"),
		deny("only moved_to", "collector", "archive", object{"note": "搬走", "data": object{"work_unit": "x"}}, 422, model.Invalid,
			"data:field.invalid"),
		deny("not the submitter", "resident", "archive", note("搬走"), 403, model.RoleForbidden),
		take("archive", "collector", "archive", object{"note": "已搬走", "data": object{"moved_to": "新密市"}}, object{"status": "archived",
			"due_at": nil}),
		deny("a collector restores nothing", "collector", "restore", note("误操作"), 403, model.RoleForbidden),
		deny("nor a grid leader", "grid_leader", "restore", note("误操作"), 403, model.RoleForbidden),
		deny("restore needs a reason", "community", "restore", nil, 422, model.Invalid, "note:field.required"),
		take("restore", "community", "restore", note("又搬回来了"), object{"status": "submitted", "verified_at": nil}),
		take("reject", "collector", "reject", note("重复填报"), object{"status": "rejected"}),
		deny("rejected is not withdrawn", "resident", "withdraw", nil, 409, model.NotAllowed),
		take("restore the rejected", "street", "restore", note("核对后不重复"), object{"status": "submitted"}),
		deny("staff do not withdraw", "collector", "withdraw", nil, 403, model.RoleForbidden),
		take("withdraw", "resident", "withdraw", nil, object{"status": "withdrawn"}),
		deny("withdrawn stays so", "community", "restore", note("误操作"), 409, model.NotAllowed),
	})
	require.Equal(t, strings.Split(`create >submitted resident
return submitted>returned collector
resubmit returned>submitted resident
verify submitted>verified collector
verify verified>verified community
amend verified>submitted resident
verify submitted>verified grid_leader
return verified>returned collector
resubmit returned>submitted resident
verify submitted>verified collector
archive verified>archived collector
restore archived>submitted community
reject submitted>rejected collector
restore rejected>submitted street
withdraw submitted>withdrawn resident`, "\n"), o.steps("collector", kept["rec"]))
	r := o.Do(street.Request{Method: "GET", Path: "/records/" + kept["rec"] + "/history", As: "resident"})
	require.Contains(t, r.Text, "请补充单元号", "the resident reads why")
	require.Contains(t, r.Text, `"field":"moved_to","label":"去向"`)
	require.Contains(t, r.Text, "新密市")
	r = o.Do(street.Request{Method: "GET", Path: "/records/" + kept["rec"] + "/history", As: "admin"})
	require.Contains(t, r.Text, `"field":"moved_to","label":"去向","before":null,"after":"***"`)
	require.NotContains(t, r.Text, "新密市", "an administrator need not know where somebody went")
}

func TestReturnedRecordsEndToo(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	for action, as := range map[string]string{"reject": "collector", "withdraw": "resident"} {
		r := o.step("collector", o.make("resident", o.at("event", o.event(nil), nil)), object{"action": "return", "note": "请写清楚"})
		body := object{"action": action}
		if action == "reject" {
			body["note"] = "不实"
		}
		o.step(as, r, body)
	}
}

func TestNobodyVerifiesTheirOwn(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	at := object{"building_id": o.Building, "unit": "1", "room": "101", "kind": "person"}
	run(t, o.Server, []scenario{
		{Name: "submitted", As: "collector", Post: "/records", Body: with(at, object{"data": o.person(nil)}), Want: 201, Keep: "rec"},
		deny("by phone", "collector", "verify", object{"method": "phone"}, 403, model.SelfVerify),
		deny("nor by a visit, the first time", "collector", "verify", object{"method": "visit"}, 403, model.SelfVerify),
		deny("403 comes before the missing method", "collector", "verify", nil, 403, model.SelfVerify),
		take("a colleague may", "grid_leader", "verify", object{"method": "phone"}, object{"status": "verified"}),
		deny("re-verified by phone", "collector", "verify", object{"method": "phone"}, 403, model.SelfVerify),
		deny("or by document", "collector", "verify", object{"method": "document"}, 403, model.SelfVerify),
		take("re-verified by a visit", "collector", "verify", object{"method": "visit"}, object{"status": "verified",
			"verified_by": "采集员小王"}),
	})
}

func TestWhatVerificationNeedsIsCheckedThen(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	p := o.person(nil)
	run(t, o.Server, []scenario{
		{Name: "submitted without a number", As: "resident", Post: "/records", Body: o.at("person", with(p, object{"id_no": nil}), nil),
			Want: 201, Keep: "rec"},
		deny("verified without", "collector", "verify", object{"method": "visit"}, 422, model.Invalid, "data.id_no:field.required"),
		deny("with a masked one", "collector", "verify", object{"method": "visit", "data": object{"id_no": "410***********1234"}}, 422,
			model.FieldMasked),
		deny("with an unknown field", "collector", "verify", object{"method": "visit", "data": object{"nickname": "1"}}, 422,
			model.Invalid, "data.nickname:field.unknown"),
		take("with it", "collector", "verify", object{"method": "visit", "data": object{"id_no": p["id_no"]}},
			object{"status": "verified"}),
	})
}
