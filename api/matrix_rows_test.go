package api_test

import (
	"testing"

	"sixelements/internal/testkit/street"
	"sixelements/service/identity"
)

// The columns of every table below, typed by hand from contract.md:
//
//	nobody resident resident2 collector grid_leader department community community2 street admin

const (
	anybody  = "200 200 200 200 200 200 200 200 200 200"
	accounts = "401 200 200 200 200 200 200 200 200 200"
	staff    = "401 403 403 200 200 403 200 200 200 200"
	// what staff read: theirs, and outside their area it does not exist
	readFirst  = "401 404 404 200 200 404 200 404 200 200"
	readSecond = "401 404 404 404 404 404 404 200 200 200"
	// what the community and above change
	officeFirst  = "401 404 404 403 403 404 200 404 200 200"
	officeSecond = "401 404 404 404 404 404 404 200 200 200"
	// the same where success has no body
	goneFirst  = "401 404 404 403 403 404 204 404 204 204"
	goneSecond = "401 404 404 404 404 404 404 204 204 204"
)

func TestMatrixOfSessionsAndAccounts(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	m.judge([]row{
		{op: "create-session", first: "201 201 201 201 201 201 201 201 201 201", ask: sends("POST", "/sessions", object{"grant": "demo", "persona": "resident"})},
		{op: "list-sessions", first: accounts, ask: sends("GET", "/sessions", nil)},
		{op: "delete-current-session", first: "401 204 204 204 204 204 204 204 204 204", make: (*matrix).login, each: true,
			ask: func(_ *matrix, _ place, _ string, x thing) street.Request {
				return street.Request{Method: "DELETE", Path: "/sessions/current", Token: x.token}
			}},
		{op: "delete-session", first: "401 204 204 204 204 204 204 204 204 204", make: (*matrix).login, each: true, ask: on("DELETE", "/sessions/{id}", nil)},
		{op: "get-notice", first: anybody, ask: sends("GET", "/notice", nil)},
		{op: "get-me", first: accounts, ask: sends("GET", "/me", nil)},
		{op: "put-consent", first: accounts,
			ask: sends("PUT", "/me/consent", object{"version": identity.CurrentNotice().Version, "scopes": []string{"general", "sensitive"}})},
		{op: "set-phone", first: accounts, ask: func(m *matrix, _ place, _ string, _ thing) street.Request {
			code := m.next("phone-code-")
			m.wechat.PhoneCode(code, "16412345678")
			return street.Request{Method: "POST", Path: "/me/phone", Body: object{"code": code}}
		}},
		// personas have no password: nothing to change, no second factor
		{op: "put-password", first: "401 403 403 403 403 403 403 403 403 403", ask: sends("PUT", "/me/password", object{"old": goodPassword, "new": goodPassword + "2"})},
		{op: "create-otp", first: "401 403 403 403 403 403 403 403 403 403", ask: sends("POST", "/me/otp", nil)},
		{op: "confirm-otp", first: "401 403 403 403 403 403 403 403 403 403", ask: sends("PUT", "/me/otp", object{"otp": "123456"})},
		{op: "delete-otp", first: "401 403 403 403 403 403 403 403 403 403", ask: sends("DELETE", "/me/otp", object{"password": goodPassword})},
		{op: "get-my-data", first: "401 200 200 403 403 403 403 403 403 403", ask: sends("GET", "/me/data", nil)},
		{op: "delete-me", first: "401 204 204 403 403 403 403 403 403 403", make: (*matrix).scanned, each: true,
			ask: func(_ *matrix, _ place, _ string, x thing) street.Request {
				return street.Request{Method: "DELETE", Path: "/me", Token: x.token}
			}},
		{op: "list-accounts", first: "401 403 403 403 403 403 200 200 200 200", ask: sends("GET", "/accounts", nil)},
		{op: "create-account", first: "401 403 403 403 403 403 201 403 201 201", second: "401 403 403 403 403 403 403 201 201 201",
			ask: func(m *matrix, p place, _ string, _ thing) street.Request {
				return street.Request{Method: "POST", Path: "/accounts", Body: object{"username": m.next("new-"), "name": "新人", "password": goodPassword,
					"roles": []object{{"role": "collector", "area_code": p.grid}}}}
			}},
		{op: "get-account", first: officeFirst, second: officeSecond, make: (*matrix).account, ask: on("GET", "/accounts/{id}", nil)},
		{op: "edit-account", first: officeFirst, second: officeSecond, make: (*matrix).account, ask: on("PATCH", "/accounts/{id}", object{"name": "改名"})},
		{op: "delete-account", first: goneFirst, second: goneSecond, make: (*matrix).account, ask: on("DELETE", "/accounts/{id}", nil)},
		{op: "list-audit", first: "401 403 403 403 403 403 200 200 200 200", ask: sends("GET", "/audit", nil)},
	})
}

func TestMatrixOfPlaces(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	m.judge([]row{
		{op: "list-areas", first: staff, ask: sends("GET", "/areas", nil)},
		{op: "get-area", first: readFirst, second: readSecond, make: (*matrix).area, ask: on("GET", "/areas/{id}", nil)},
		{op: "create-area", first: "401 403 403 403 403 403 201 422 201 201", second: "401 403 403 403 403 403 422 201 201 201",
			ask: func(_ *matrix, p place, _ string, _ thing) street.Request {
				return street.Request{Method: "POST", Path: "/areas", Body: object{"parent": p.community, "name": "新网格"}}
			}},
		{op: "patch-area", first: officeFirst, second: officeSecond, make: (*matrix).area, ask: on("PATCH", "/areas/{id}", object{"name": "改名网格"})},
		{op: "delete-area", first: goneFirst, second: goneSecond, make: (*matrix).area, ask: on("DELETE", "/areas/{id}", nil)},
		{op: "list-buildings", first: staff, ask: sends("GET", "/buildings", nil)},
		{op: "create-building", first: "401 403 403 403 403 403 201 422 201 201", second: "401 403 403 403 403 403 422 201 201 201",
			ask: func(_ *matrix, p place, _ string, _ thing) street.Request {
				return street.Request{Method: "POST", Path: "/buildings",
					Body: object{"area_code": p.grid, "name": "新楼", "units": 1, "floors": 1, "rooms_per_floor": 1}}
			}},
		{op: "get-building", first: readFirst, second: readSecond, make: (*matrix).building, ask: on("GET", "/buildings/{id}", nil)},
		{op: "patch-building", first: officeFirst, second: officeSecond, make: (*matrix).building, ask: on("PATCH", "/buildings/{id}", object{"name": "改名楼"})},
		{op: "delete-building", first: goneFirst, second: goneSecond, make: (*matrix).building, ask: on("DELETE", "/buildings/{id}", nil)},
		{op: "list-rooms", first: readFirst, second: readSecond, make: (*matrix).building, ask: on("GET", "/buildings/{id}/rooms", nil)},
		{op: "create-room", first: "401 404 404 201 201 404 201 404 201 201", second: "401 404 404 404 404 404 404 201 201 201", make: (*matrix).building,
			ask: on("POST", "/buildings/{id}/rooms", object{"unit": "1", "floor": 1, "number": "199"})},
		{op: "get-room", first: readFirst, second: readSecond, make: (*matrix).room, ask: on("GET", "/rooms/{id}", nil)},
		{op: "patch-room", first: readFirst, second: readSecond, make: (*matrix).room, ask: on("PATCH", "/rooms/{id}", object{"use": "business"})},
		{op: "list-visits", first: readFirst, second: readSecond, make: (*matrix).room, ask: on("GET", "/rooms/{id}/visits", nil)},
		{op: "create-visit", first: "401 404 404 201 201 404 201 404 201 403", second: "401 404 404 404 404 404 404 201 201 403", make: (*matrix).room,
			ask: on("POST", "/rooms/{id}/visits", object{"method": "knock", "outcome": "no_answer"})},
		{op: "list-assignments", first: "401 403 403 403 200 403 200 200 200 200", ask: sends("GET", "/assignments", nil)},
		{op: "create-assignment", first: "401 403 403 403 201 403 201 422 201 201", second: "401 403 403 403 422 403 422 201 201 201", make: (*matrix).account,
			ask: func(_ *matrix, p place, _ string, x thing) street.Request {
				return street.Request{Method: "POST", Path: "/assignments", Body: object{"account_id": x.id, "building_id": p.building, "team": "fixed"}}
			}},
		{op: "delete-assignment", first: "401 404 404 403 204 404 204 404 204 204", second: "401 404 404 404 404 404 404 204 204 204",
			make: (*matrix).assignment, ask: on("DELETE", "/assignments/{id}", nil)},
		{op: "issue-qrcode", first: "401 404 404 403 403 404 201 404 201 201", second: "401 404 404 404 404 404 404 201 201 201", make: (*matrix).building,
			ask: on("POST", "/buildings/{id}/qrcodes", nil)},
		{op: "list-qrcodes", first: readFirst, second: readSecond, make: (*matrix).building, ask: on("GET", "/buildings/{id}/qrcodes", nil)},
		{op: "revoke-qrcode", first: officeFirst, second: officeSecond, make: (*matrix).posted, ask: on("PATCH", "/qrcodes/{id}", object{"status": "revoked"})},
		{op: "get-qrcode", first: readFirst, second: readSecond, make: (*matrix).posted, ask: on("GET", "/qrcodes/{id}", nil)},
		{op: "resolve-qrcode", first: anybody, second: anybody, ask: func(_ *matrix, p place, _ string, _ thing) street.Request {
			return street.Request{Method: "GET", Path: "/qr/" + p.code}
		}},
	})
}

func TestMatrixOfRecords(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	m.judge([]row{
		{op: "list-forms", first: anybody, ask: sends("GET", "/forms", nil)},
		{op: "get-form", first: anybody, ask: sends("GET", "/forms/person", nil)},
		{op: "list-codes", first: anybody, ask: sends("GET", "/codes", nil)},
		{op: "get-codes", first: anybody, ask: sends("GET", "/codes/sex", nil)},
		{op: "list-fields", first: staff, ask: sends("GET", "/fields", nil)},
		{op: "create-field", first: "401 403 403 403 403 403 201 403 201 201", second: "401 403 403 403 403 403 403 201 201 201",
			ask: func(m *matrix, p place, _ string, _ thing) street.Request {
				return street.Request{Method: "POST", Path: "/fields",
					Body: object{"area_code": p.community, "kind": "object", "name": m.next("g"), "label": "补充", "type": "text"}}
			}},
		{op: "delete-field", first: goneFirst, second: goneSecond, make: (*matrix).field, ask: on("DELETE", "/fields/{id}", nil)},
		{op: "create-record", first: "401 201 201 201 201 403 201 422 201 201", second: "401 201 201 422 422 403 422 201 201 201",
			ask: func(_ *matrix, p place, who string, _ thing) street.Request {
				body := object{"kind": "situation", "data": plainSituation(), "building_id": p.building}
				if who == "resident" || who == "resident2" {
					body["qr"] = p.code
				}
				return street.Request{Method: "POST", Path: "/records", Body: body}
			}},
		{op: "batch-records", first: accounts, ask: func(_ *matrix, p place, _ string, _ thing) street.Request {
			return street.Request{Method: "POST", Path: "/records/batch",
				Body: object{"items": []object{{"op": "create", "kind": "situation", "data": plainSituation(), "building_id": p.building}}}}
		}},
		{op: "list-records", first: accounts, ask: sends("GET", "/records", nil)},
		{op: "search-records", first: staff, ask: sends("POST", "/records/search", object{"q": "16412345678"})},
		{op: "get-record", first: "401 200 404 200 200 404 200 404 200 200", second: "401 200 404 404 404 404 404 200 200 200", make: (*matrix).record,
			ask: on("GET", "/records/{id}", nil)},
		{op: "patch-record", first: "401 200 404 200 200 404 200 404 200 403", second: "401 200 404 404 404 404 404 200 200 403", make: (*matrix).record,
			ask: on("PATCH", "/records/{id}", object{"data": object{"wish": "请修路灯"}})},
		{op: "transition-record", first: "401 403 404 200 200 404 200 404 200 403", second: "401 403 404 404 404 404 404 200 200 403", make: (*matrix).record,
			ask: on("POST", "/records/{id}/transitions", object{"action": "verify", "method": "phone"})},
		{op: "get-record-history", first: "401 200 404 200 200 404 200 404 200 200", second: "401 200 404 404 404 404 404 200 200 200",
			make: (*matrix).record, ask: on("GET", "/records/{id}/history", nil)},
		{op: "reveal-record", first: "401 403 404 200 200 404 200 404 200 403", second: "401 403 404 404 404 404 404 200 200 403", make: (*matrix).person,
			ask: on("POST", "/records/{id}/reveal", object{"fields": []string{"phone"}, "reason": "回电话"})},
		{op: "create-attachment", first: "401 201 201 201 201 201 201 201 201 201", ask: func(m *matrix, _ place, _ string, _ thing) street.Request {
			return upload("file", jpegWithExif(m.t))
		}},
		{op: "get-attachment", first: anybody, make: (*matrix).photo, ask: on("GET", "{id}", nil)},
	})
}

func TestMatrixOfTheOffice(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	m.judge([]row{
		{op: "get-tally", first: "401 403 403 200 200 200 200 404 200 200", second: "401 403 403 404 404 200 404 200 200 200",
			ask: func(_ *matrix, p place, _ string, _ thing) street.Request {
				return street.Request{Method: "GET", Path: "/tallies?area=" + p.grid}
			}},
		{op: "create-export", first: "401 403 403 403 403 403 202 404 202 202", second: "401 403 403 403 403 403 404 202 202 202",
			ask: func(_ *matrix, p place, _ string, _ thing) street.Request {
				return street.Request{Method: "POST", Path: "/exports", Body: object{"kind": "person", "area": p.community, "format": "xlsx"}}
			}},
		{op: "list-jobs", first: accounts, ask: sends("GET", "/jobs", nil)},
		// a job is its owner's: the community's of the first, community2's of the second
		{op: "get-job", first: "401 404 404 404 404 404 200 404 404 404", second: "401 404 404 404 404 404 404 200 404 404", make: (*matrix).job,
			ask: on("GET", "/jobs/{id}", nil)},
		{op: "get-job-file", first: "401 404 404 404 404 404 200 404 404 404", second: "401 404 404 404 404 404 404 200 404 404", make: (*matrix).done,
			ask: on("GET", "/jobs/{id}/file", nil)},
		{op: "watch-job", first: "401 404 404 404 404 404 200 404 404 404", second: "401 404 404 404 404 404 404 200 404 404", make: (*matrix).done,
			ask: on("GET", "/jobs/{id}/events", nil)},
		{op: "cancel-job", first: "401 404 404 404 404 404 204 404 404 404", second: "401 404 404 404 404 404 404 204 404 404", make: (*matrix).job,
			ask: on("DELETE", "/jobs/{id}", nil)},
	})
}

// sends is a request that is the same for every cell.
func sends(method, path string, body any) func(*matrix, place, string, thing) street.Request {
	return func(*matrix, place, string, thing) street.Request {
		return street.Request{Method: method, Path: path, Body: body}
	}
}

// on is a request on the cell's thing, with its version.
func on(method, path string, body any) func(*matrix, place, string, thing) street.Request {
	return func(_ *matrix, _ place, _ string, x thing) street.Request {
		return street.Request{Method: method, Path: replaceID(path, x.id), Match: x.etag, Body: body}
	}
}
