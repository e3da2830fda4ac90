package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
	"sixelements/service/identity"
)

// fromScan submits a situation by a code.
func fromScan(code string) object {
	return object{"kind": "situation", "qr": code, "unit": "1", "room": "101", "data": plainSituation()}
}

func TestAScanOpensOneBuildingForTenSubmissionsADay(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	me := login(t, s, object{"grant": "scan", "code": s.Code})
	require.Equal(t, s.Building.String(), member(me, "account.scan_building"))
	token := tokenOf(me)
	old := s.Do(street.Request{Method: "POST", Path: "/buildings/" + s.Building2.String() + "/qrcodes", As: "street",
		Body: object{"rotate": true}})
	require.Equal(t, 201, old.Status, old.Text)
	fresh := old.JSON["code"].(string)
	run(t, s, []scenario{
		{Name: "a code that was never given", Post: "/sessions", Body: object{"grant": "scan", "code": "23456789ABCDEF"}, Want: 404,
			Code: "qr.unknown"},
		{Name: "a code that was revoked", Post: "/sessions", Body: object{"grant": "scan", "code": s.Code2}, Want: 410,
			Code: "qr.revoked"},
		{Name: "a code as a person types it", Post: "/sessions", Body: object{"grant": "scan", "code": " " + strings.ToLower(s.Code)},
			Want: 201},
		{Name: "not without consent", Token: token, Post: "/records", Body: fromScan(s.Code), Want: 403, Code: "consent.required"},
		{Name: "consent", Token: token, Put: "/me/consent", Body: agreement("general", "sensitive"), Want: 200},
		{Name: "no other building", Token: token, Post: "/records", Body: fromScan(fresh), Want: 403, Code: "role.forbidden"},
		{Name: "no staff work", Token: token, Get: "/buildings", Want: 403, Code: "role.forbidden"},
	})
	submit := func() street.Response {
		return s.Do(street.Request{Method: "POST", Path: "/records", Token: token, Body: fromScan(s.Code)})
	}
	for i := range 10 {
		r := submit()
		require.Equal(t, 201, r.Status, "submission %d: %s", i+1, r.Text)
	}
	r := submit()
	require.Equal(t, http.StatusTooManyRequests, r.Status, r.Text)
	problem(t, r)
	require.Equal(t, "50401", r.Header.Get("Retry-After"), "from ten in the morning to midnight in Beijing")
	second := tokenOf(login(t, s, object{"grant": "scan", "code": s.Code}))
	require.Equal(t, 200, s.Do(street.Request{Method: "PUT", Path: "/me/consent", Token: second, Body: agreement("general")}).Status)
	require.Equal(t, 201, s.Do(street.Request{Method: "POST", Path: "/records", Token: second, Body: fromScan(s.Code)}).Status,
		"another browser is not held")
	s.Clock.Advance(14 * time.Hour)
	require.Equal(t, 201, submit().Status, "tomorrow is another day")
}

func TestConsentIsToTheNoticeInForce(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	sensitive := registered(3)
	sensitive["help_wanted"] = []string{"veteran"}
	body := object{"kind": "person", "qr": s.Code, "unit": "1", "room": "101", "data": sensitive}
	run(t, s, []scenario{
		{Name: "the notice says what is collected", Get: "/notice", Want: 200, Has: []string{"证件号码", "手机号",
			identity.CurrentNotice().Version}},
		{Name: "an old version", As: "resident", Put: "/me/consent", Body: object{"version": "2020-01-1",
			"scopes": []string{"general"}}, Want: 422,
			Code: "validation.failed", Errors: []string{"version:field.invalid"}},
		{Name: "sensitive alone", As: "resident", Put: "/me/consent", Body: agreement("sensitive"), Want: 422,
			Code:   "validation.failed",
			Errors: []string{"scopes:field.required"}},
		{Name: "another scope", As: "resident", Put: "/me/consent", Body: agreement("general", "marketing"), Want: 422,
			Code: "validation.failed"},
		{Name: "nothing was agreed to yet", As: "resident", Post: "/records", Body: fromScan(s.Code), Want: 403,
			Code: "consent.required"},
		{Name: "general", As: "resident", Put: "/me/consent", Body: agreement("general"), Want: 200,
			JSON: object{"consents.scopes.0": "general"}},
		{Name: "is enough for what is not sensitive", As: "resident", Post: "/records", Body: fromScan(s.Code), Want: 201},
		{Name: "and not for what is", As: "resident", Post: "/records", Body: body, Want: 403, Code: "consent.sensitive_required",
			Errors: []string{"data.help_wanted:consent.sensitive_required"}},
		{Name: "both", As: "resident", Put: "/me/consent", Body: agreement("general", "sensitive"), Want: 200},
		{Name: "are enough for all", As: "resident", Post: "/records", Body: body, Want: 201},
		{Name: "general alone takes it back", As: "resident", Put: "/me/consent", Body: agreement("general"), Want: 200},
		{Name: "at once", As: "resident", Post: "/records", Body: body, Want: 403, Code: "consent.sensitive_required"},
		{Name: "no scope takes everything back", As: "resident", Put: "/me/consent", Body: agreement(), Want: 200,
			Has: []string{`"scopes":[]`}},
		{Name: "at once", As: "resident", Post: "/records", Body: fromScan(s.Code), Want: 403, Code: "consent.required"},
		{Name: "all consents are kept, with their times", As: "resident", Get: "/me/data", Want: 200,
			JSON: object{"consents.0.at": "2026-05-01T10:00:00.000+08:00", "consents.0.scopes.0": nil,
				"consents.1.scopes.0": "general", "consents.4": nil}},
		{Name: "it can be given again", As: "resident", Put: "/me/consent", Body: agreement("general"), Want: 200},
		{Name: "and counts", As: "resident", Post: "/records", Body: fromScan(s.Code), Want: 201},
	})
}

func TestAResidentTakesACopyAndIsErased(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	open := o.make("resident", o.at("person", o.person(nil), nil))
	kept := o.make("resident", o.at("person", o.person(nil), nil))
	o.make("resident2", o.at("person", o.person(nil), nil))
	o.step("collector", kept, object{"action": "verify", "method": "visit"})
	room := o.Do(street.Request{Method: "GET", Path: "/records/" + kept.ID(), As: "collector"}).JSON["room_id"].(string)
	o.Clock.Advance(time.Minute)
	visit := object{"method": "knock", "outcome": "met", "note": "大儿子在外地"}
	require.Equal(t, 201, o.Do(street.Request{Method: "POST", Path: "/rooms/" + room + "/visits", As: "collector",
		Body: visit}).Status)

	copied := o.Do(street.Request{Method: "GET", Path: "/me/data", As: "resident"})
	seen(o.Server, "GET", "/me/data", "resident")
	require.Equal(t, 200, copied.Status, copied.Text)
	require.Len(t, copied.JSON["records"], 2, "one's own records only")
	require.Len(t, copied.JSON["consents"], 1)
	require.Len(t, copied.JSON["sessions"], 1)
	require.Len(t, copied.JSON["visits"], 1)
	require.Equal(t, "met", member(copied, "visits.0.outcome"))
	require.NotContains(t, copied.Text, "大儿子", "a collector's note is not theirs to read")

	token := o.Token("resident")
	run(t, o.Server, []scenario{
		{Name: "staff cannot erase themselves", As: "collector", Delete: "/me", Want: 403, Code: "role.forbidden"},
		{Name: "a resident can", Token: token, As: "resident", Delete: "/me", Want: 204},
		{Name: "and is gone at once", Token: token, Get: "/me", Want: 401, Code: "auth.invalid"},
		{Name: "what nobody verified is withdrawn", As: "community", Get: "/records/" + open.ID(), Want: 200,
			JSON: object{"status": "withdrawn"}},
		{Name: "what staff verified stays in the register", As: "community", Get: "/records/" + kept.ID(), Want: 200,
			JSON: object{"status": "verified"}},
		{Name: "the neighbour's is untouched", As: "resident2", Get: "/records?mine=true", Want: 200,
			JSON: object{"items.0.status": "submitted"}},
		{Name: "who asked for a copy and for erasure is in the trace", As: "admin", Get: "/audit?act=account.erase", Want: 200,
			JSON: object{"items.0.act": "account.erase", "items.0.result": "ok"}},
	})
	back := login(t, o.Server, object{"grant": "demo", "persona": "resident"})
	require.Nil(t, member(back, "account.consents"), "who comes back begins anew")
}
