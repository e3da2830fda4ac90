package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
	"sixelements/model"
)

func TestIfMatch(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	rec := "/records/" + o.make("resident", o.at("person", o.person(nil), nil)).ID()
	body := func(unit string) object { return object{"data": object{"work_unit": unit}} }
	withdraw := object{"action": "withdraw"}
	stale := func(t *testing.T, r street.Response) { require.Equal(t, `"4"`, r.Header.Get("ETag")) }
	run(t, o.Server, []scenario{
		{Name: "quoted", As: "resident", Patch: rec, Match: `"1"`, Body: body("一厂"), Want: 200, JSON: object{"version": 2}},
		{Name: "weak", As: "resident", Patch: rec, Match: `W/"2"`, Body: body("二厂"), Want: 200, JSON: object{"version": 3}},
		{Name: "bare", As: "resident", Patch: rec, Match: `3`, Body: body("三厂"), Want: 200, JSON: object{"version": 4,
			"data.work_unit": "三厂"}},
		{Name: "missing", As: "resident", Patch: rec, Body: body("四厂"), Want: 428, Code: model.PreconditionRequired},
		{Name: "a star", As: "resident", Patch: rec, Match: "*", Body: body("四厂"), Want: 400, Code: model.PreconditionMalformed},
		{Name: "junk", As: "resident", Patch: rec, Match: `"four"`, Body: body("四厂"), Want: 400, Code: model.PreconditionMalformed},
		{Name: "a list", As: "resident", Patch: rec, Match: `"3", "4"`, Body: body("四厂"), Want: 400, Code: model.PreconditionMalformed},
		{Name: "outdated", As: "resident", Patch: rec, Match: `"3"`, Body: body("四厂"), Want: 412, Code: model.Stale, Check: stale},
		{Name: "from the future", As: "resident", Patch: rec, Match: `"5"`, Body: body("四厂"), Want: 412, Code: model.Stale,
			Check: stale},
		{Name: "a step without", As: "resident", Post: rec + "/transitions", Body: withdraw, Want: 428,
			Code: model.PreconditionRequired},
		{Name: "a step with a star", As: "resident", Post: rec + "/transitions", Match: "*", Body: withdraw, Want: 400,
			Code: model.PreconditionMalformed},
		{Name: "an outdated step", As: "resident", Post: rec + "/transitions", Match: `"1"`, Body: withdraw, Want: 412,
			Code: model.Stale, Check: stale},
		{Name: "nothing of it happened", As: "resident", Get: rec, Want: 200, JSON: object{"version": 4, "status": "submitted",
			"data.work_unit": "三厂"},
			Check: stale},
	})
}

// TestTheOrderOfChecks sends requests with several faults at once: of two neighbours in 401, 404, 403, 428 (400), 412, 409, 422 the
// former wins.
func TestTheOrderOfChecks(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	rec := o.make("resident", o.at("person", o.person(nil), nil))
	at := "/records/" + rec.ID()
	o.step("resident", rec, object{"action": "withdraw"}) // PATCH and steps are 409 from now on
	absent := "/records/" + newID()
	bad := object{"data": object{"nickname": 1}}
	shapeless := object{"data": object{"name": "王"}, "nickname": 1}
	reject := func(more object) object { return with(object{"action": "reject"}, more) } // without its note: 422 where it were allowed
	list := []scenario{
		{Name: "401 before 404", Patch: absent, Body: bad, Want: 401, Code: model.AuthRequired},
		{Name: "401 before the body", Patch: at, Body: `{`, Want: 401, Code: model.AuthRequired},
		{Name: "404 before 428", As: "collector", Patch: absent, Body: bad, Want: 404, Code: model.NotFound},
		{Name: "404 before the body's shape", As: "collector", Patch: absent, Body: shapeless, Want: 404, Code: model.NotFound},
		{Name: "404 before broken JSON", As: "community2", Patch: at, Body: `{`, Want: 404, Code: model.NotFound},
		{Name: "403 before 428", As: "admin", Patch: at, Body: bad, Want: 403, Code: model.RoleForbidden},
		{Name: "403 before the body's shape", As: "admin", Patch: at, Match: `"2"`, Body: shapeless, Want: 403,
			Code: model.RoleForbidden},
		{Name: "428 before 409", As: "collector", Patch: at, Body: bad, Want: 428, Code: model.PreconditionRequired},
		{Name: "428 before the body's shape", As: "collector", Patch: at, Body: shapeless, Want: 428, Code: model.PreconditionRequired},
		{Name: "428 before broken JSON", As: "collector", Patch: at, Body: `{`, Want: 428, Code: model.PreconditionRequired},
		{Name: "400 before 412 and 409", As: "collector", Patch: at, Match: "*", Body: shapeless, Want: 400,
			Code: model.PreconditionMalformed},
		{Name: "412 before 409", As: "collector", Patch: at, Match: `"1"`, Body: bad, Want: 412, Code: model.Stale},
		{Name: "412 before the body's shape", As: "collector", Patch: at, Match: `"1"`, Body: shapeless, Want: 412, Code: model.Stale},
		{Name: "409 before 422", As: "collector", Patch: at, Match: `"2"`, Body: bad, Want: 409, Code: model.NotAllowed},
		{Name: "409 before an empty patch's 422", As: "collector", Patch: at, Match: `"2"`, Body: object{"data": []int{}}, Want: 409,
			Code: model.NotAllowed},

		{Name: "step: 401 before 404", Post: absent + "/transitions", Body: reject(nil), Want: 401, Code: model.AuthRequired},
		{Name: "step: 404 before 403", As: "community2", Post: at + "/transitions", Body: reject(nil), Want: 404, Code: model.NotFound},
		{Name: "step: 404 before an unknown action", As: "community2", Post: at + "/transitions", Body: object{"action": "explode"},
			Want: 404,
			Code: model.NotFound},
		{Name: "step: 404 before the body's shape", As: "resident2", Post: at + "/transitions", Body: object{"rating": "x"}, Want: 404,
			Code: model.NotFound},
		{Name: "step: 403 before 428", As: "resident", Post: at + "/transitions", Body: reject(nil), Want: 403,
			Code: model.RoleForbidden},
		{Name: "step: 403 before 412", As: "admin", Post: at + "/transitions", Match: `"1"`, Body: reject(nil), Want: 403,
			Code: model.RoleForbidden},
		{Name: "step: 403 before 409", As: "resident", Post: at + "/transitions", Match: `"2"`, Body: reject(nil), Want: 403,
			Code: model.RoleForbidden},
		{Name: "step: 403 before the body's shape", As: "admin", Post: at + "/transitions", Body: object{"rating": "x"}, Want: 403,
			Code: model.RoleForbidden},
		{Name: "step: 428 before 412", As: "collector", Post: at + "/transitions", Body: reject(nil), Want: 428,
			Code: model.PreconditionRequired},
		{Name: "step: 428 before an unknown action", As: "collector", Post: at + "/transitions", Body: object{"action": "explode"},
			Want: 428,
			Code: model.PreconditionRequired},
		{Name: "step: 400 before 409", As: "collector", Post: at + "/transitions", Match: "W/*", Body: reject(nil), Want: 400,
			Code: model.PreconditionMalformed},
		{Name: "step: 412 before 409", As: "collector", Post: at + "/transitions", Match: `"1"`, Body: reject(nil), Want: 412,
			Code: model.Stale},
		{Name: "step: 412 before the body's shape", As: "collector", Post: at + "/transitions", Match: `"1"`,
			Body: object{"nickname": 1}, Want: 412,
			Code: model.Stale},
		{Name: "step: 409 before 422", As: "collector", Post: at + "/transitions", Match: `"2"`, Body: reject(nil), Want: 409,
			Code: model.NotAllowed},
		{Name: "step: an unknown action is 422", As: "collector", Post: at + "/transitions", Match: `"2"`,
			Body: object{"action": "explode"}, Want: 422,
			Code: model.Invalid, Errors: []string{"action:field.not_a_choice"}},
		{Name: "step: an unknown method is 422", As: "collector", Post: at + "/transitions", Match: `"2"`,
			Body: object{"action": "verify", "method": "guess"},
			Want: 422, Code: model.Invalid, Errors: []string{"method:field.not_a_choice"}},
		{Name: "step: an unknown field is 422", As: "collector", Post: at + "/transitions", Match: `"2"`,
			Body: reject(object{"nickname": 1}), Want: 422,
			Code: model.FieldUnknown},
		{Name: "step: no action is 422", As: "collector", Post: at + "/transitions", Match: `"2"`, Body: object{}, Want: 422,
			Code:   model.Invalid,
			Errors: []string{"action:field.required"}},
		{Name: "reveal: 404 before 403", As: "resident2", Post: at + "/reveal", Body: object{"fields": []string{"id_no"}}, Want: 404,
			Code: model.NotFound},
		{Name: "reveal: 403 before 422", As: "collector", Post: at + "/reveal", Body: object{"fields": []string{"id_no"}}, Want: 403,
			Code: model.RoleForbidden},
	}
	run(t, o.Server, list)
}

func TestDataIsAMergePatch(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	p := o.person(object{"work_unit": "纺织厂", "occupation": "工人", "emergency_contact_name": "王小二",
		"emergency_contact_phone": o.gen.Phone(),
		"help_wanted":             []string{"veteran"}})
	rec := "/records/" + o.make("resident", o.at("person", p, nil)).ID()
	patch := func(name, match string, data any, want object) scenario {
		return scenario{Name: name, As: "resident", Patch: rec, Match: match, Body: object{"data": data}, Want: 200, JSON: want}
	}
	refuse := func(name string, data any, code model.Code, faults ...string) scenario {
		return scenario{Name: name, As: "resident", Patch: rec, Match: `"5"`, Body: object{"data": data}, Want: 422, Code: code,
			Errors: faults}
	}
	list := []scenario{
		patch("absent is unchanged", `"1"`, object{"occupation": "木工"}, object{"data.occupation": "木工", "data.work_unit": "纺织厂",
			"data.name": p["name"]}),
		patch("null is cleared", `"2"`, object{"work_unit": nil, "help_wanted": nil}, object{"data.work_unit": nil,
			"data.help_wanted": nil, "data.occupation": "木工"}),
		patch("an empty patch changes nothing", `"3"`, object{}, object{"version": 4, "data.occupation": "木工"}),
		patch("a new number goes in clear", `"4"`, object{"phone": " 154 0000-0001 "}, object{"data.phone": "154****0001"}),
		refuse("a required field cannot be cleared", object{"name": nil}, model.Invalid, "data.name:field.required"),
		refuse("a number is checked", object{"id_no": "410102199001011233"}, model.Invalid, "data.id_no:field.invalid"),
		refuse("a masked id", object{"id_no": "410***********1234"}, model.FieldMasked, "data.id_no:field.masked"),
		refuse("a masked phone", object{"phone": "138****5678"}, model.FieldMasked, "data.phone:field.masked"),
		refuse("a masked birth date", object{"birth_date": "1990"}, model.FieldMasked, "data.birth_date:field.masked"),
		refuse("a masked name", object{"emergency_contact_name": "王**"}, model.FieldMasked, "data.emergency_contact_name:field.masked"),
		refuse("masks with a fault beside", object{"phone": "138****5678", "nickname": 1}, model.Invalid, "data.phone:field.masked",
			"data.nickname:field.unknown"),
		refuse("an unknown field", object{"nickname": 1}, model.FieldUnknown, "data.nickname:field.unknown"),
		refuse("the age beside the birth date is no field", object{"age": 3}, model.FieldUnknown, "data.age:field.unknown"),
		refuse("an undefined extra field", object{"extra": object{"pets": 1}}, model.FieldUnknown, "data.extra.pets:field.unknown"),
		refuse("no object", []int{1}, model.Invalid, "data:field.invalid"),
		{Name: "no data", As: "resident", Patch: rec, Match: `"5"`, Body: object{}, Want: 422, Code: model.Invalid,
			Errors: []string{"data:field.required"}},
		{Name: "an unknown member", As: "resident", Patch: rec, Match: `"5"`, Body: object{"data": object{}, "status": "verified"},
			Want: 422,
			Code: model.FieldUnknown},
	}
	run(t, o.Server, list)

	event := o.make("collector", object{"kind": "event", "area_code": o.Grid,
		"data": o.event(object{"parties": []object{{"name": "王大", "phone": o.gen.Phone()}}})})
	at := "/records/" + event.ID()
	run(t, o.Server, []scenario{
		{Name: "a masked party", As: "collector", Patch: at, Match: `"1"`,
			Body: object{"data": object{"parties": []object{{"name": "王大", "phone": "138****5678"}}}},
			Want: 422, Code: model.FieldMasked, Errors: []string{"data.parties[0].phone:field.masked"}},
		{Name: "a party's unknown member", As: "collector", Patch: at, Match: `"1"`,
			Body: object{"data": object{"parties": []object{{"name": "王大", "age": "3"}}}},
			Want: 422, Code: model.FieldUnknown},
	})
}

func TestExtraFieldsMergeOneByOne(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	for name, kind := range map[string]string{"pets": "integer", "garden": "text"} {
		r := o.Do(street.Request{Method: "POST", Path: "/fields", As: "community",
			Body: object{"area_code": o.Community, "kind": "person", "name": name, "label": "补充" + kind, "type": kind}})
		require.Equal(t, http.StatusCreated, r.Status, r.Text)
	}
	rec := "/records/" + o.make("resident", o.at("person", o.person(object{"extra": object{"pets": 2, "garden": "东"}}), nil)).ID()
	run(t, o.Server, []scenario{
		{Name: "one", As: "resident", Patch: rec, Match: `"1"`, Body: object{"data": object{"extra": object{"pets": 3}}}, Want: 200,
			JSON: object{"data.extra.pets": 3, "data.extra.garden": "东"}},
		{Name: "null", As: "resident", Patch: rec, Match: `"2"`, Body: object{"data": object{"extra": object{"garden": nil}}},
			Want: 200,
			JSON: object{"data.extra.pets": 3, "data.extra.garden": nil}},
		{Name: "a wrong type", As: "resident", Patch: rec, Match: `"3"`, Body: object{"data": object{"extra": object{"pets": "很多只猫"}}},
			Want: 422,
			Code: model.Invalid, Errors: []string{"data.extra.pets:field.invalid"}},
		{Name: "no object", As: "resident", Patch: rec, Match: `"3"`, Body: object{"data": object{"extra": 3}}, Want: 422,
			Code:   model.Invalid,
			Errors: []string{"data.extra:field.invalid"}},
		{Name: "all cleared", As: "resident", Patch: rec, Match: `"3"`, Body: object{"data": object{"extra": nil}}, Want: 200,
			JSON: object{"data.extra": nil}},
	})
}

// TestWhoMayPatchWhen walks every status: the submitter corrects while submitted or returned, staff while verified too.
func TestWhoMayPatchWhen(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ways := map[string][]object{
		"submitted": {},
		"returned":  {{"action": "return", "note": "请补充"}},
		"verified":  {{"action": "verify", "method": "visit"}},
		"rejected":  {{"action": "reject", "note": "重复"}},
		"archived":  {{"action": "verify", "method": "visit"}, {"action": "archive", "note": "搬走了"}},
	}
	for status, way := range ways {
		t.Run(status, func(t *testing.T) {
			r := o.make("resident", o.at("event", o.event(nil), nil))
			for _, s := range way {
				r = o.step("collector", r, s)
			}
			at, match := "/records/"+r.ID(), r.Header.Get("ETag")
			body := object{"data": object{"description": "改过的描述文字"}}
			list := []scenario{
				{Name: "a neighbour", As: "resident2", Patch: at, Match: match, Body: body, Want: 404, Code: model.NotFound},
				{Name: "another community", As: "community2", Patch: at, Match: match, Body: body, Want: 404, Code: model.NotFound},
				{Name: "a department", As: "department", Patch: at, Match: match, Body: body, Want: 404, Code: model.NotFound},
				{Name: "an administrator", As: "admin", Patch: at, Match: match, Body: body, Want: 403, Code: model.RoleForbidden},
			}
			own := scenario{Name: "the submitter", As: "resident", Patch: at, Match: match, Body: body, Want: 200,
				JSON: object{"status": status}}
			if status != "submitted" && status != "returned" {
				own.Want, own.Code, own.JSON = 409, model.NotAllowed, nil
			} else {
				match = fmt.Sprintf("%q", fmt.Sprint(member(r, "version").(int)+1))
			}
			for _, as := range []string{"collector"} {
				staff := scenario{Name: "staff", As: as, Patch: at, Match: match, Body: object{"data": object{"urgency": "high"}}, Want: 200,
					JSON: object{"status": status}}
				if status == "rejected" || status == "archived" {
					staff.Want, staff.Code, staff.JSON = 409, model.NotAllowed, nil
				}
				list = append(list, own, staff)
			}
			run(t, o.Server, list)
		})
	}
}

func TestStepsRepeatedAreTakenOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	rec := "/records/" + o.make("resident", o.at("person", o.person(nil), nil)).ID()
	patchStep, returnStep := newID(), newID()
	patch := object{"data": object{"work_unit": "一厂"}, "step_id": patchStep}
	back := object{"action": "return", "note": "请补充楼层", "step_id": returnStep}
	run(t, o.Server, []scenario{
		{Name: "a patch", As: "resident", Patch: rec, Match: `"1"`, Body: patch, Want: 200, JSON: object{"version": 2}},
		{Name: "again, outdated", As: "resident", Patch: rec, Match: `"1"`, Body: patch, Want: 200, JSON: object{"version": 2,
			"data.work_unit": "一厂"},
			Check: func(t *testing.T, r street.Response) { require.Equal(t, `"2"`, r.Header.Get("ETag")) }},
		{Name: "again, without a version", As: "resident", Patch: rec, Body: patch, Want: 200, JSON: object{"version": 2}},
		{Name: "other content", As: "resident", Patch: rec, Match: `"2"`, Body: with(patch,
			object{"data": object{"work_unit": "二厂二厂"}}), Want: 409,
			Code: model.IDConflict},
		{Name: "other content, outdated", As: "resident", Patch: rec, Match: `"1"`, Body: with(patch, object{"data": object{}}),
			Want: 409,
			Code: model.IDConflict},
		{Name: "403 comes first", As: "admin", Patch: rec, Match: `"1"`, Body: patch, Want: 403, Code: model.RoleForbidden},
		{Name: "and 404", As: "resident2", Patch: rec, Match: `"1"`, Body: patch, Want: 404, Code: model.NotFound},
		{Name: "a step", As: "collector", Post: rec + "/transitions", Match: `"2"`, Body: back, Want: 200, JSON: object{"version": 3,
			"status": "returned"}},
		{Name: "again", As: "collector", Post: rec + "/transitions", Match: `"2"`, Body: back, Want: 200, JSON: object{"version": 3}},
		{Name: "again, with no version", As: "collector", Post: rec + "/transitions", Body: back, Want: 200,
			JSON: object{"version": 3}},
		{Name: "other words", As: "collector", Post: rec + "/transitions", Match: `"3"`, Body: with(back, object{"note": "请补充门牌"}),
			Want: 409,
			Code: model.IDConflict},
		{Name: "the patch's id for a step", As: "collector", Post: rec + "/transitions", Match: `"3"`, Body: with(back,
			object{"step_id": patchStep}), Want: 409,
			Code: model.IDConflict},
		{Name: "who may not", As: "resident", Post: rec + "/transitions", Body: back, Want: 403, Code: model.RoleForbidden},
		{Name: "the record goes on", As: "resident", Post: rec + "/transitions", Match: `"3"`, Body: object{"action": "resubmit",
			"data": object{}}, Want: 200,
			JSON: object{"version": 4, "status": "submitted"}},
		{Name: "a late repetition says how it stands now", As: "collector", Post: rec + "/transitions", Match: `"2"`, Body: back,
			Want: 200,
			JSON: object{"version": 4, "status": "submitted"}},
		{Name: "nothing was done twice", As: "resident", Get: rec + "/history", Want: 200, Check: func(t *testing.T,
			r street.Response) {
			require.Len(t, r.JSON["items"], 4)
		}},
	})
}
