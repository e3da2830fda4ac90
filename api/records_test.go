package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
	"sixelements/model"
	"sixelements/service/qr"
)

func TestResidentsSubmitByThePostedCode(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	p := o.person(nil)
	rotated := o.Do(street.Request{Method: "POST", Path: "/buildings/" + o.Building2.String() + "/qrcodes", As: "community2",
		Body: object{"rotate": true}})
	require.Less(t, rotated.Status, 300, rotated.Text)
	bare := object{"kind": "person", "data": p}
	run(t, o.Server, []scenario{
		{Name: "without a code", As: "resident", Post: "/records", Body: bare, Want: 422, Code: model.QRRequired,
			Errors: []string{"qr:qr.required"}},
		{Name: "by a building never posted to", As: "resident", Post: "/records", Body: with(bare, object{"building_id": o.Building}),
			Want: 422, Code: model.QRRequired},
		{Name: "by a building that is none", As: "resident", Post: "/records", Body: with(bare, object{"building_id": newID()}),
			Want: 422,
			Code: model.QRRequired},
		{Name: "by a forged code", As: "resident", Post: "/records", Body: with(bare, object{"qr": "FORGEDCODE12"}), Want: 404,
			Code: model.QRUnknown},
		{Name: "by a revoked code", As: "resident", Post: "/records", Body: with(bare, object{"qr": o.Code2}), Want: 410,
			Code: model.QRRevoked},
		{Name: "with a method", As: "resident", Post: "/records", Body: with(bare, object{"qr": o.Code, "method": "visit"}), Want: 403,
			Code: model.RoleForbidden},
		{Name: "by the code", As: "resident", Post: "/records", Body: o.at("person", p, object{"room": "301"}), Want: 201,
			Keep: "first",
			JSON: object{"status": "submitted", "version": 1, "channel": "qr", "kind": "person", "unit": "1", "room": "301",
				"area_code":   o.Grid,
				"building.id": o.Building.String(), "submitter.role": "resident", "submitter.name": "", "verified_at": nil, "due_at": nil,
				"title": p["name"], "stage": nil},
			Has: []string{`"links":[]`, `"attachments":[]`, `"household_id":"`}, Not: []string{"duplicates", p["phone"].(string),
				"room_unmatched"},
			Check: func(t *testing.T, r street.Response) { require.Equal(t, `"1"`, r.Header.Get("ETag")) }},
		{Name: "by the code as printed and typed", As: "resident", Post: "/records",
			Body: o.at("person", o.person(nil), object{"qr": strings.ToLower(qr.Spaced(o.Code))}), Want: 201},
		{Name: "by the building afterwards", As: "resident", Post: "/records", Body: with(bare, object{"building_id": o.Building,
			"data": o.person(nil)}),
			Want: 201, JSON: object{"building.id": o.Building.String()}},
		{Name: "another still needs the code", As: "resident2", Post: "/records", Body: with(bare, object{"building_id": o.Building}),
			Want: 422,
			Code: model.QRRequired},
		{Name: "an unknown room is kept as said", As: "resident", Post: "/records", Body: o.at("person", o.person(nil),
			object{"room": "东屋"}),
			Want: 201, JSON: object{"room": "东屋", "room_unmatched": true, "room_id": nil}},
		{Name: "the reporter reads it", As: "resident", Get: "/records/{first}", Want: 200, JSON: object{"id": "{first}"},
			Not: []string{"duplicates"}},
		{Name: "a neighbour does not", As: "resident2", Get: "/records/{first}", Want: 404, Code: model.NotFound},
		{Name: "nobody does", Get: "/records/{first}", Want: 401, Code: model.AuthRequired},
	})
}

func TestConsentComesBeforeData(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	s := street.New(t) // where nobody has consented
	notice := s.Do(street.Request{Method: "GET", Path: "/notice"}).JSON["version"]
	body := object{"kind": "person", "qr": s.Code, "data": o.person(object{"id_no": nil})}
	wrong := with(body, object{"data": object{"nickname": 1}})
	sensitive := with(body, object{"data": o.person(object{"id_no": nil, "help_wanted": []string{"disability"}})})
	run(t, s, []scenario{
		{Name: "no consent", As: "resident", Post: "/records", Body: body, Want: 403, Code: model.ConsentRequired},
		{Name: "no consent and no code", As: "resident", Post: "/records", Body: with(body, object{"qr": nil}), Want: 403,
			Code: model.ConsentRequired},
		{Name: "no consent and wrong data", As: "resident", Post: "/records", Body: wrong, Want: 403, Code: model.ConsentRequired},
		{Name: "no consent and an unknown kind", As: "resident", Post: "/records", Body: with(body, object{"kind": "animal"}),
			Want: 403,
			Code: model.ConsentRequired},
		{Name: "no consent and an unknown field", As: "resident", Post: "/records", Body: with(body, object{"nickname": "x"}),
			Want: 403,
			Code: model.ConsentRequired},
		{Name: "a forged code is not there, consent or not", As: "resident", Post: "/records", Body: with(body,
			object{"qr": "FORGEDCODE12"}),
			Want: 404, Code: model.QRUnknown},
		{Name: "consent to general data", As: "resident", Put: "/me/consent", Body: object{"version": notice,
			"scopes": []string{"general"}}, Want: 200},
		{Name: "what is required needs no more", As: "resident", Post: "/records", Body: body, Want: 201, Keep: "rec"},
		{Name: "an optional sensitive field does", As: "resident", Post: "/records", Body: sensitive, Want: 403,
			Code:   model.ConsentSensitive,
			Errors: []string{"data.help_wanted:consent.sensitive_required"}},
		{Name: "and before the data's faults", As: "resident", Post: "/records", Want: 403, Code: model.ConsentSensitive,
			Body: with(body, object{"data": object{"help_wanted": []string{"disability"}, "nickname": 1}})},
		{Name: "nor can it be patched in", As: "resident", Patch: "/records/{rec}", Match: `"1"`,
			Body: object{"data": object{"political_status": "01"}}, Want: 403, Code: model.ConsentSensitive},
		{Name: "consent to both", As: "resident", Put: "/me/consent", Body: object{"version": notice, "scopes": []string{"general",
			"sensitive"}},
			Want: 200},
		{Name: "and it may", As: "resident", Post: "/records", Body: with(sensitive, object{"data": o.person(object{"id_no": nil,
			"help_wanted": []string{"disability"}})}),
			Want: 201},
		{Name: "consent to sensitive data withdrawn", As: "resident", Put: "/me/consent", Want: 200,
			Body: object{"version": notice, "scopes": []string{"general"}}},
		{Name: "holds from then on", As: "resident", Post: "/records", Body: sensitive, Want: 403, Code: model.ConsentSensitive},
	})
}

func TestStaffCreateInTheirScope(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	body := func(more object) object { return with(object{"kind": "person", "data": o.person(nil)}, more) }
	at := object{"building_id": o.Building, "unit": "2", "room": "201"}
	visit := with(at, object{"method": "visit", "notice": "read_aloud"})
	list := []scenario{
		{Name: "a collector with a method", As: "collector", Post: "/records", Body: body(visit), Want: 201,
			JSON: object{"status": "verified", "channel": "collector", "verify_method": "visit", "submitter.role": "collector",
				"submitter.name": "采集员小王",
				"verified_by":    "采集员小王", "duplicates_elsewhere": false}, Has: []string{`"duplicates":[]`, `"due_at":"2027-05-01`}},
		{Name: "a collector without one", As: "collector", Post: "/records", Body: body(at), Want: 201,
			JSON: object{"status": "submitted", "channel": "collector", "verify_method": nil, "verified_by": nil}},
		{Name: "community staff", As: "community", Post: "/records", Body: body(with(at, object{"method": "document"})), Want: 201,
			JSON: object{"status": "verified", "channel": "staff", "submitter.role": "community"}},
		{Name: "a grid leader", As: "grid_leader", Post: "/records", Body: body(at), Want: 201, JSON: object{"channel": "staff"}},
		{Name: "the street at a community", As: "street", Post: "/records", Body: body(object{"area_code": o.Community2,
			"method": "phone"}), Want: 201,
			JSON: object{"area_code": o.Community2, "building": nil, "status": "verified"}},
		{Name: "a grid", As: "community", Post: "/records", Body: body(object{"area_code": o.Grid}), Want: 201,
			JSON: object{"area_code": o.Grid}},
		{Name: "neither place", As: "community", Post: "/records", Body: body(nil), Want: 422, Code: model.PlaceRequired},
		{Name: "a street is too wide", As: "street", Post: "/records", Body: body(object{"area_code": "410102002"}), Want: 422,
			Code: model.PlaceRequired},
		{Name: "a community that is none", As: "street", Post: "/records", Body: body(object{"area_code": "410102002999"}), Want: 422,
			Code: model.PlaceRequired},
		{Name: "another's community", As: "community2", Post: "/records", Body: body(object{"area_code": o.Community}), Want: 422,
			Code: model.PlaceRequired},
		{Name: "a community wider than one's grid", As: "collector", Post: "/records", Body: body(object{"area_code": o.Community}),
			Want: 422,
			Code: model.PlaceRequired},
		{Name: "another's building", As: "community2", Post: "/records", Body: body(at), Want: 422, Code: model.PlaceRequired,
			Errors: []string{"building_id:place.required"}},
		{Name: "a building that is none", As: "community", Post: "/records", Body: body(object{"building_id": newID()}), Want: 422,
			Code:   model.PlaceRequired,
			Errors: []string{"building_id:place.required"}},
		{Name: "a department", As: "department", Post: "/records", Body: body(at), Want: 403, Code: model.RoleForbidden},
		{Name: "a department with a wrong body", As: "department", Post: "/records", Body: object{"nickname": 1}, Want: 403,
			Code: model.RoleForbidden},
		{Name: "an administrator verifies nothing", As: "admin", Post: "/records", Body: body(visit), Want: 403,
			Code: model.RoleForbidden},
		{Name: "an unknown room", As: "collector", Post: "/records", Body: body(with(at, object{"room": "909"})), Want: 201,
			JSON: object{"room_unmatched": true, "room": "909"}},
		{Name: "verified without a number", As: "collector", Post: "/records", Body: with(object{"kind": "person",
			"data": o.person(object{"id_no": nil})}, visit),
			Want: 422, Code: model.Invalid, Errors: []string{"data.id_no:field.required"}},
	}
	run(t, o.Server, list)
}

func TestACreateRepeatedMakesNothingTwice(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	id, p := newID(), o.person(nil)
	body := o.at("person", p, object{"id": id})
	sameOtherwise := fmt.Sprintf(`{"room": "101", "unit": "1", "qr": "%s", "id": "%s", "kind": "person", "data": %s}`, o.Code, id,
		jsonOf(t, p))
	staff := object{"id": id, "kind": "person", "building_id": o.Building, "data": o.person(nil)}
	conflict := []string{id, p["phone"].(string), p["name"].(string), `"errors"`}
	run(t, o.Server, []scenario{
		{Name: "first", As: "resident", Post: "/records", Body: body, Want: 201, Keep: "rec", JSON: object{"id": id, "version": 1}},
		{Name: "again", As: "resident", Post: "/records", Body: body, Want: 200, JSON: object{"id": id, "version": 1}},
		{Name: "again, written otherwise", As: "resident", Post: "/records", Body: sameOtherwise, Want: 200, JSON: object{"id": id}},
		{Name: "corrected by staff", As: "collector", Patch: "/records/{rec}", Match: `"1"`,
			Body: object{"data": object{"work_unit": "纺织厂"}}, Want: 200},
		{Name: "again, still a replay", As: "resident", Post: "/records", Body: body, Want: 200,
			JSON:  object{"id": id, "version": 2, "data.work_unit": "纺织厂"},
			Check: func(t *testing.T, r street.Response) { require.Equal(t, `"2"`, r.Header.Get("ETag")) }},
		{Name: "other content", As: "resident", Post: "/records", Body: with(body, object{"room": "102"}), Want: 409,
			Code: model.IDConflict, Not: conflict},
		{Name: "another account", As: "resident2", Post: "/records", Body: body, Want: 409, Code: model.IDConflict, Not: conflict},
		{Name: "staff who see the record", As: "collector", Post: "/records", Body: staff, Want: 409, Code: model.IDConflict,
			Not: conflict},
		{Name: "staff who do not", As: "community2", Post: "/records", Body: with(staff, object{"building_id": o.Building2}), Want: 409,
			Code: model.IDConflict, Not: conflict},
		{Name: "one record after all", As: "resident", Get: "/records?mine=true", Want: 200,
			Check: func(t *testing.T, r street.Response) { require.Len(t, r.JSON["items"], 1) }},
		{Name: "not of version 7", As: "resident", Post: "/records", Body: with(body, object{"id": uuid.NewString()}), Want: 422,
			Code:   model.Invalid,
			Errors: []string{"id:field.invalid"}},
		{Name: "25 hours ahead", As: "resident", Post: "/records", Body: with(body, object{"id": idAhead(25 * time.Hour)}), Want: 422,
			Code:   model.Invalid,
			Errors: []string{"id:field.invalid"}},
		{Name: "23 hours ahead", As: "resident", Post: "/records", Body: o.at("person", o.person(nil),
			object{"id": idAhead(23 * time.Hour)}), Want: 201},
		{Name: "years ago", As: "resident", Post: "/records", Body: o.at("person", o.person(nil),
			object{"id": idAhead(-9000 * time.Hour)}), Want: 201},
		{Name: "no uuid", As: "resident", Post: "/records", Body: with(body, object{"id": "410102199001011233"}), Want: 422,
			Code:   model.Invalid,
			Errors: []string{"id:field.invalid"}},
	})
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ok := o.at("person", o.person(nil), nil)
	long := strings.Repeat("很", 500_000)
	run(t, o.Server, []scenario{
		{Name: "broken JSON", As: "resident", Post: "/records", Body: `{"kind": "person", `, Want: 400, Code: model.Malformed},
		{Name: "no body", As: "resident", Post: "/records", Body: "", Want: 400, Code: model.Malformed},
		{Name: "an array", As: "resident", Post: "/records", Body: `[]`, Want: 422, Code: model.Invalid},
		{Name: "a number for a text", As: "resident", Post: "/records", Body: with(ok, object{"room": 101}), Want: 422,
			Code:   model.Invalid,
			Errors: []string{"room:field.invalid"}},
		{Name: "a text for data", As: "resident", Post: "/records", Body: with(ok, object{"data": "x"}), Want: 422, Code: model.Invalid,
			Errors: []string{"data:field.invalid"}},
		{Name: "an array for data", As: "resident", Post: "/records", Body: with(ok, object{"data": []int{1}}), Want: 422,
			Code:   model.Invalid,
			Errors: []string{"data:field.invalid"}},
		{Name: "no data", As: "resident", Post: "/records", Body: with(ok, object{"data": nil}), Want: 422, Code: model.Invalid,
			Errors: []string{"data:field.required"}},
		{Name: "no kind", As: "resident", Post: "/records", Body: with(ok, object{"kind": nil}), Want: 422, Code: model.Invalid,
			Errors: []string{"kind:field.required"}},
		{Name: "an unknown kind", As: "resident", Post: "/records", Body: with(ok, object{"kind": "animal"}), Want: 422,
			Code:   model.Invalid,
			Errors: []string{"kind:field.not_a_choice"}},
		{Name: "an unknown field", As: "resident", Post: "/records", Body: with(ok, object{"nickname": "小明同学"}), Want: 422,
			Code:   model.FieldUnknown,
			Errors: []string{"nickname:field.unknown"}},
		{Name: "a field whose name is a number", As: "resident", Post: "/records", Body: with(ok, object{"410102199001011233": 1}),
			Want: 422,
			Code: model.FieldUnknown, Not: []string{"410102199001011233"}},
		{Name: "an unknown field of data", As: "resident", Post: "/records", Body: with(ok,
			object{"data": o.person(object{"nickname": "小明同学"})}), Want: 422,
			Code: model.FieldUnknown, Errors: []string{"data.nickname:field.unknown"}},
		{Name: "data whose name is a number", As: "resident", Post: "/records", Want: 422, Code: model.FieldUnknown,
			Not:  []string{"410102199001011233"},
			Body: with(ok, object{"data": o.person(object{"410102199001011233": 1})})},
		{Name: "wrong types in data, each named", As: "resident", Post: "/records", Want: 422, Code: model.Invalid,
			Body:   with(ok, object{"data": o.person(object{"name": 7, "no_phone": "也许不是", "residence_category": []int{1}})}),
			Errors: []string{"data.name:field.invalid", "data.no_phone:field.invalid", "data.residence_category:field.invalid"}},
		{Name: "a wrong number of identity", As: "resident", Post: "/records", Body: with(ok,
			object{"data": o.person(object{"id_no": "410102199001011233"})}),
			Want: 422, Code: model.Invalid, Errors: []string{"data.id_no:field.invalid"}},
		{Name: "a masked value", As: "resident", Post: "/records", Body: with(ok,
			object{"data": o.person(object{"phone": "138****5678"})}), Want: 422,
			Code: model.FieldMasked, Errors: []string{"data.phone:field.masked"}},
		{Name: "masked among other faults", As: "resident", Post: "/records", Want: 422, Code: model.Invalid,
			Body:   with(ok, object{"data": o.person(object{"phone": "138****5678", "nickname": "小明同学"})}),
			Errors: []string{"data.phone:field.masked", "data.nickname:field.unknown"}},
		{Name: "too large", As: "resident", Post: "/records", Body: with(ok, object{"room": long}), Want: 413, Code: model.TooLarge},
		{Name: "no JSON", As: "resident", Post: "/records", Body: "kind=person",
			Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
			Want:   415, Code: model.MediaUnsupported},
		{Name: "no token, whatever the body", Post: "/records", Body: `{`, Want: 401, Code: model.AuthRequired},
		{Name: "a bad token", Token: "not-a-token", Post: "/records", Body: ok, Want: 401, Code: model.AuthInvalid},
		{Name: "no such operation", As: "resident", Put: "/records", Body: ok, Want: 405, Code: model.MethodNotAllowed},
		{Name: "no such path", As: "resident", Get: "/record", Want: 404, Code: model.NotFound},
		{Name: "a malformed id", As: "resident", Get: "/records/42", Want: 404, Code: model.NotFound},
		{Name: "an id never issued", As: "resident", Get: "/records/" + newID(), Want: 404, Code: model.NotFound},
		{Name: "a zero id", As: "admin", Get: "/records/00000000-0000-0000-0000-000000000000", Want: 404, Code: model.NotFound},
	})
}

func TestAttachmentsAndLinks(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	mine, also, theirs := o.upload("resident", 10), o.upload("resident", 20), o.upload("resident2", 30)
	hidden := o.make("resident2", object{"kind": "event", "qr": o.Code2, "data": o.event(nil)})
	own := o.make("resident", o.at("object", o.lamp(nil), nil))
	event := func(more object) object { return o.at("event", o.event(nil), more) }
	link := func(id string) object { return object{"links": []object{{"record_id": id, "relation": "located_at"}}} }
	var unreadable, absent string
	run(t, o.Server, []scenario{
		{Name: "another's photo", As: "resident", Post: "/records", Body: event(object{"attachments": []string{theirs}}), Want: 422,
			Code:  model.AttachmentUnknown,
			Check: func(_ *testing.T, r street.Response) { unreadable = r.Text }},
		{Name: "no photo of anybody", As: "resident", Post: "/records", Body: event(object{"attachments": []string{newID()}}),
			Want: 422,
			Code: model.AttachmentUnknown, Check: func(t *testing.T, r street.Response) { require.Equal(t, unreadable, r.Text) }},
		{Name: "one's own photos", As: "resident", Post: "/records", Body: event(object{"attachments": []string{mine, also}}),
			Want: 201, Keep: "rec",
			JSON: object{"attachments.0.id": mine, "attachments.1.id": also}, Has: []string{`"thumb_url":"`}},
		{Name: "a used photo", As: "resident", Post: "/records", Body: event(object{"attachments": []string{mine}}), Want: 422,
			Code: model.AttachmentUnknown},
		{Name: "a link to a record out of sight", As: "resident", Post: "/records", Body: event(link(hidden.ID())), Want: 422,
			Code:   model.LinkUnknown,
			Errors: []string{"links[0].record_id:link.unknown"}, Check: func(_ *testing.T, r street.Response) { unreadable = r.Text }},
		{Name: "a link to nothing", As: "resident", Post: "/records", Body: event(link(newID())), Want: 422, Code: model.LinkUnknown,
			Check: func(_ *testing.T, r street.Response) { absent = r.Text }},
		{Name: "a link to one's own", As: "resident", Post: "/records", Body: event(link(own.ID())), Want: 201,
			JSON: object{"links.0.record_id": own.ID(), "links.0.relation": "located_at"}},
		{Name: "seen from the other end", As: "resident", Get: "/records/" + own.ID(), Want: 200,
			JSON: object{"links.0.inverse": true}},
		{Name: "the photo's link opens it", As: "resident", Get: "/records/{rec}", Want: 200, Check: func(t *testing.T,
			r street.Response) {
			url := member(r, "attachments.0.url").(string)
			_, url, _ = strings.Cut(url, "/api/")
			url = "/api/" + url
			require.Equal(t, 200, o.Do(street.Request{Method: "GET", Path: url}).Status)
			bare, _, _ := strings.Cut(url, "?")
			require.Equal(t, 401, o.Do(street.Request{Method: "GET", Path: bare}).Status, "unsigned")
			o.Clock.Advance(time.Hour)
			require.Equal(t, 401, o.Do(street.Request{Method: "GET", Path: url}).Status, "expired")
		}},
	})
	require.Equal(t, unreadable, absent, "the same words whether it exists or not")
}

func TestADoubtfulCreditCodeIsAcceptedWithAWarning(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	org := object{"name": "中原区小城故事便利店", "org_kind": "self_employed", "contact_name": "王小明", "contact_phone": o.gen.Phone(),
		"business_address": "建设路62号", "uscc": "92410102MA00000000"}
	run(t, o.Server, []scenario{
		{Name: "created", As: "community", Post: "/records", Body: object{"kind": "organisation", "area_code": o.Community,
			"data": org}, Want: 201, Keep: "org",
			JSON: object{"warnings.0.location": "data.uscc", "warnings.0.code": "uscc.check"}},
		{Name: "not one at all", As: "community", Post: "/records", Want: 422, Code: model.Invalid,
			Errors: []string{"data.uscc:field.invalid"},
			Body:   object{"kind": "organisation", "area_code": o.Community, "data": with(org, object{"uscc": "92410102"})}},
	})
}
