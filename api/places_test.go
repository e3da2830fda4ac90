package api_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
)

func TestTheTreeOfAreas(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	grid2, full := s.Community+"002", s.Community+"777"
	run(t, s, []scenario{
		{Name: "a collector begins at their grid", As: "collector", Get: "/areas", Want: 200, JSON: object{"items.0.code": s.Grid,
			"items.0.level":  "grid",
			"items.0.parent": s.Community, "items.1": nil, "next_cursor": nil}},
		{Name: "and sees the names above it", As: "collector", Get: "/areas/410102002", Want: 200, JSON: object{"level": "street"}},
		{Name: "but not the grid beside it", As: "collector", Get: "/areas/" + s.Grid2, Want: 404, Code: "not_found"},
		{Name: "the street's communities are those of the list", As: "street", Get: "/areas?parent=410102002&limit=1", Want: 200,
			JSON: object{"items.0.code": s.Community, "next_cursor": s.Community}},
		{Name: "no code", As: "street", Get: "/areas?parent=41010", Want: 422, Code: "validation.failed",
			Errors: []string{"parent:field.invalid"}},
		{Name: "the next free code", As: "community", Post: "/areas", Body: object{"parent": s.Community, "name": "第二网格",
			"exclusive": true}, Want: 201,
			JSON: object{"code": grid2, "level": "grid", "exclusive": true, "households": 0, "valid_to": nil, "version": 1}},
		{Name: "a chosen code", As: "community", Post: "/areas", Body: object{"parent": s.Community, "name": "七七七", "code": full},
			Want: 201},
		{Name: "one that is taken", As: "community", Post: "/areas", Body: object{"parent": s.Community, "name": "又一个", "code": full},
			Want: 409, Code: "conflict"},
		{Name: "one that does not continue its parent's", As: "community", Post: "/areas", Body: object{"parent": s.Community,
			"name": "x", "code": s.Grid2},
			Want: 422, Code: "validation.failed", Errors: []string{"code:field.invalid"}},
		{Name: "no community below a community's own", As: "community", Post: "/areas", Body: object{"parent": "410102002",
			"name": "新社区"}, Want: 403,
			Code: "role.forbidden"},
		{Name: "the street makes communities", As: "street", Post: "/areas", Body: object{"parent": "410102002", "name": "新社区"},
			Want: 201},
		{Name: "without a name", As: "community", Post: "/areas", Body: object{"parent": s.Community, "name": " "}, Want: 422,
			Code:   "validation.failed",
			Errors: []string{"name:field.required"}},
		{Name: "a member that there is not", As: "community", Post: "/areas", Body: object{"parent": s.Community, "name": "x",
			"colour": "red"}, Want: 422,
			Code: "field.unknown"},
	})
	at := "/areas/" + grid2
	run(t, s, []scenario{
		{Name: "a version is needed", As: "community", Patch: at, Body: object{"name": "新名"}, Want: 428, Code: "precondition.required"},
		{Name: "a readable one", As: "community", Patch: at, Match: "*", Body: object{"name": "新名"}, Want: 400,
			Code: "precondition.malformed"},
		{Name: "even for a body at fault", As: "community", Patch: at, Body: object{"name": 7}, Want: 428,
			Code: "precondition.required"},
		{Name: "the right comes before the version", As: "grid_leader", Patch: "/areas/" + s.Grid, Body: object{"name": "新名"},
			Want: 403, Code: "role.forbidden"},
		{Name: "and sight before the right", As: "grid_leader", Patch: at, Body: object{"name": "新名"}, Want: 404, Code: "not_found"},
		{Name: "renamed", As: "community", Patch: at, Match: `W/"1"`, Body: object{"name": "新名"}, Want: 200,
			JSON:  object{"name": "新名", "version": 2},
			Check: func(t *testing.T, r street.Response) { require.Equal(t, `"2"`, r.Header.Get("ETag")) }},
		{Name: "an old version", As: "community", Patch: at, Match: `"1"`, Body: object{"name": "再改"}, Want: 412, Code: "record.stale",
			Check: func(t *testing.T, r street.Response) { require.Equal(t, `"2"`, r.Header.Get("ETag")) }},
		{Name: "a grid with a building is not empty", As: "community", Delete: "/areas/" + s.Grid, Match: "1", Want: 409,
			Code: "area.not_empty"},
		{Name: "nor can it be closed", As: "community", Patch: "/areas/" + s.Grid, Match: "1", Body: object{"closed": true}, Want: 409,
			Code: "area.not_empty"},
		{Name: "a successor is for closed areas", As: "community", Patch: at, Match: "2", Body: object{"successor": full}, Want: 422,
			Code:   "validation.failed",
			Errors: []string{"successor:field.invalid"}},
		{Name: "closed, with a successor", As: "community", Patch: at, Match: "2", Body: object{"closed": true, "successor": full},
			Want: 200,
			JSON: object{"successor": full}},
		{Name: "never opened again", As: "community", Patch: at, Match: "3", Body: object{"closed": false}, Want: 422,
			Code: "validation.failed"},
		{Name: "an empty one is deleted", As: "community", Delete: "/areas/" + full, Match: "1", Want: 204},
		{Name: "its row stays", As: "community", Get: "/areas/" + full, Want: 200, Not: []string{`"valid_to":null`}},
		{Name: "lists show it no more", As: "community", Get: "/areas?parent=" + s.Community, Want: 200, Not: []string{full, grid2}},
		{Name: "its code is not given again", As: "community", Post: "/areas", Body: object{"parent": s.Community, "name": "第三"},
			Want: 201,
			JSON: object{"code": s.Community + "778"}},
		{Name: "nothing is built there", As: "community", Post: "/buildings", Body: object{"area_code": full, "name": "楼", "units": 1,
			"floors":          1,
			"rooms_per_floor": 1}, Want: 422, Code: "validation.failed", Errors: []string{"area_code:field.invalid"}},
	})
}

func TestBuildingsLayOutTheirRooms(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	house := func(more object) object {
		return with(object{"area_code": o.Grid, "name": "3号楼", "units": 2, "floors": 12, "rooms_per_floor": 4}, more)
	}
	kept := run(t, o.Server, []scenario{
		{Name: "a building", As: "community", Post: "/buildings", Body: house(nil), Want: 201, Keep: "b",
			JSON: object{"kind": "residential", "lon": nil, "version": 1}},
		{Name: "its rooms are floor × 100 + n", As: "community", Get: "/buildings/{b}/rooms", Want: 200,
			Check: func(t *testing.T, r street.Response) {
				require.Len(t, r.JSON["items"], 2*12*4)
				require.Equal(t, "101", member(r, "items.0.number"))
				require.Equal(t, "1204", member(r, "items.95.number"))
				require.Equal(t, "2", member(r, "items.95.unit"))
				require.Equal(t, "unvisited", member(r, "items.95.state"))
				require.Nil(t, member(r, "items.95.last_visit"))
			}},
		{Name: "too high", As: "community", Post: "/buildings", Body: house(object{"floors": 81}), Want: 422,
			Code: "validation.failed"},
		{Name: "too many rooms", As: "community", Post: "/buildings", Body: house(object{"units": 50, "floors": 80}), Want: 422,
			Code:   "validation.failed",
			Errors: []string{"rooms_per_floor:field.out_of_range"}},
		{Name: "a street is no place for a building", As: "street", Post: "/buildings", Body: house(object{"area_code": "410102002"}),
			Want: 422,
			Code: "place.required", Errors: []string{"area_code:place.required"}},
		{Name: "half a coordinate", As: "community", Post: "/buildings", Body: house(object{"lon": 113.6}), Want: 422,
			Code: "validation.failed"},
		{Name: "two pages of buildings", As: "community", Get: "/buildings?limit=1", Want: 200, JSON: object{"items.1": nil},
			Check: func(t *testing.T, r street.Response) {
				next := o.Do(street.Request{Method: "GET", Path: "/buildings?limit=1&cursor=" + r.JSON["next_cursor"].(string),
					As: "community"})
				require.NotEqual(t, member(r, "items.0.id"), member(next, "items.0.id"))
				require.Nil(t, next.JSON["next_cursor"])
			}},
		{Name: "a cursor of one's own making", As: "community", Get: "/buildings?cursor=zzzzzzz", Want: 422, Code: "validation.failed"},
		{Name: "no page of 201", As: "community", Get: "/buildings?limit=201", Want: 422, Code: "validation.failed",
			Errors: []string{"limit:field.invalid"}},
		{Name: "a room more", As: "collector", Post: "/buildings/{b}/rooms", Body: object{"unit": "1", "floor": -1, "number": "B01",
			"use": "business"}, Want: 201,
			Keep: "shop", JSON: object{"state": "business", "area_code": o.Grid}},
		{Name: "not twice", As: "collector", Post: "/buildings/{b}/rooms", Body: object{"unit": "1", "floor": 1, "number": "101"},
			Want: 409, Code: "conflict"},
		{Name: "a number that fits no door", As: "collector", Post: "/buildings/{b}/rooms", Body: object{"unit": "1", "floor": 1,
			"number": "<b>"}, Want: 422,
			Code: "validation.failed", Errors: []string{"number:field.invalid"}},
		{Name: "merging into itself", As: "collector", Patch: "/rooms/{shop}", Match: "{shop.etag}", Body: `{"merged_into":"{shop}"}`,
			Want: 422,
			Code: "validation.failed"},
		{Name: "an empty building goes", As: "community", Delete: "/buildings/{b}", Match: "{b.etag}", Want: 204},
		{Name: "with its rooms", As: "community", Get: "/rooms/{shop}", Want: 404, Code: "not_found"},
	})
	require.NotEmpty(t, kept["b"])

	rec := o.make("resident", o.at("person", o.person(nil), nil))
	rooms := o.Do(street.Request{Method: "GET", Path: "/buildings/" + o.Building.String() + "/rooms", As: "collector"})
	first, second := member(rooms, "items.0.id").(string), member(rooms, "items.1.id").(string)
	at := "/buildings/" + o.Building.String()
	run(t, o.Server, []scenario{
		{Name: "a building with a record stays", As: "community", Delete: at, Match: "1", Want: 409, Code: "conflict"},
		{Name: "a room with anybody in it stays open", As: "collector", Patch: "/rooms/" + first, Match: "1",
			Body: object{"use": "closed"}, Want: 409, Code: "conflict"},
		{Name: "merged, its records move", As: "collector", Patch: "/rooms/" + first, Match: "1", Body: object{"merged_into": second},
			Want: 200,
			JSON: object{"use": "closed", "merged_into": second}},
		{Name: "to the other room", As: "collector", Get: "/records/" + rec.ID(), Want: 200, JSON: object{"room_id": second,
			"room": "102", "version": 1}},
		{Name: "a building moves with all that is in it", As: "street", Patch: at, Match: "1", Body: object{"area_code": o.Grid2},
			Want: 200,
			JSON: object{"area_code": o.Grid2}},
		{Name: "its records with it", As: "community2", Get: "/records/" + rec.ID(), Want: 200, JSON: object{"area_code": o.Grid2,
			"version": 1}},
		{Name: "out of sight of the first", As: "collector", Get: "/records/" + rec.ID(), Want: 404, Code: "not_found"},
		{Name: "as the building is", As: "community", Get: at + "/rooms", Want: 404, Code: "not_found"},
	})
}

func TestARoomsStateFollowsFromRecordsAndVisits(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	rooms := o.Do(street.Request{Method: "GET", Path: "/buildings/" + o.Building.String() + "/rooms", As: "collector"})
	id := func(i int) string { return member(rooms, "items."+strconv.Itoa(i)+".id").(string) }
	state := func(i int, want, why string) {
		t.Helper()
		require.Equal(t, want, o.Do(street.Request{Method: "GET", Path: "/rooms/" + id(i), As: "collector"}).JSON["state"], why)
	}
	knock := func(i int, outcome string) {
		t.Helper()
		o.Clock.Advance(time.Minute)
		r := o.Do(street.Request{Method: "POST", Path: "/rooms/" + id(i) + "/visits", As: "collector", Body: object{"method": "knock",
			"outcome": outcome}})
		require.Equal(t, 201, r.Status, r.Text)
	}
	state(0, "unvisited", "nobody was there")
	knock(0, "no_answer")
	state(0, "no_answer", "a knock without an answer")
	knock(0, "vacant")
	state(0, "no_answer", "vacant wants a second look")
	knock(0, "vacant")
	state(0, "vacant", "seen twice")
	knock(0, "met")
	state(0, "unvisited", "somebody is there after all")
	knock(0, "refused")
	state(0, "refused", "and does not want to talk")
	rec := o.make("resident", o.at("person", o.person(object{"residence_category": "registered"}), nil))
	state(0, "submitted", "a record awaits verification")
	rec = o.step("collector", rec, object{"action": "verify", "method": "visit"})
	state(0, "verified", "somebody looked")
	rec = o.step("resident", rec, object{"action": "amend", "data": object{"work_unit": "第三小学"}})
	state(0, "submitted", "an amendment awaits verification again")
	rec = o.step("collector", rec, object{"action": "verify", "method": "phone"})
	o.Clock.Advance(366 * 24 * time.Hour)
	tokens := login(t, o.Server, object{"grant": "demo", "persona": "collector"})
	shown := func(i int) any {
		return o.Do(street.Request{Method: "GET", Path: "/rooms/" + id(i), Token: tokenOf(tokens)}).JSON["state"]
	}
	require.Equal(t, "recheck", shown(0), "after twelve months it is due again")
	gone := o.Do(street.Request{Method: "POST", Path: "/records/" + rec.ID() + "/transitions", Token: tokenOf(tokens),
		Match: rec.Header.Get("ETag"),
		Body:  object{"action": "archive", "note": "搬走了"}})
	require.Equal(t, 200, gone.Status, gone.Text)
	require.Equal(t, "unvisited", shown(0), "nobody was there since who moved out was verified")
	require.Equal(t, "unvisited", shown(1), "the next room is another room")
}

func TestVisitsAreKeptAsTheyWere(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	rooms := o.Do(street.Request{Method: "GET", Path: "/buildings/" + o.Building.String() + "/rooms", As: "collector"})
	at := "/rooms/" + member(rooms, "items.0.id").(string) + "/visits"
	visit := object{"id": newID(), "method": "knock", "outcome": "no_answer", "note": "敲了三次", "at": "2026-04-30T19:30:00+08:00"}
	run(t, o.Server, []scenario{
		{Name: "an attempt", As: "collector", Post: at, Body: visit, Want: 201, JSON: object{"late": false, "note": "敲了三次",
			"at": "2026-04-30T19:30:00.000+08:00"}},
		{Name: "sent again changes nothing", As: "collector", Post: at, Body: visit, Want: 200},
		{Name: "other content under its id", As: "collector", Post: at, Body: with(visit, object{"outcome": "met"}), Want: 409,
			Code: "record.id_conflict"},
		{Name: "another's id", As: "grid_leader", Post: at, Body: visit, Want: 409, Code: "record.id_conflict"},
		{Name: "an id of another kind", As: "collector", Post: at,
			Body: with(visit, object{"id": "7d444840-9dc0-41d1-b245-5ffdce74fad2"}), Want: 422,
			Code: "validation.failed", Errors: []string{"id:field.invalid"}},
		{Name: "tomorrow's visit", As: "collector", Post: at, Body: object{"method": "knock", "outcome": "met",
			"at": "2026-05-03T10:00:00+08:00"}, Want: 422,
			Code: "validation.failed", Errors: []string{"at:field.out_of_range"}},
		{Name: "no outcome", As: "collector", Post: at, Body: object{"method": "knock", "outcome": "tea"}, Want: 422,
			Code: "validation.failed"},
		{Name: "there is one", As: "grid_leader", Get: at, Want: 200, JSON: object{"items.0.outcome": "no_answer", "items.1": nil}},
		{Name: "visits have no correction", As: "collector", Patch: at, Body: object{}, Want: 405, Code: "method.not_allowed"},
	})
}

func TestAPostHoldsFromTheNextRequestToItsEnd(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	account := hire(t, s, "admin", "walker", object{"role": "collector"}).ID()
	token := tokenOf(login(t, s, byPassword("walker", goodPassword)))
	rooms := s.Do(street.Request{Method: "GET", Path: "/buildings/" + s.Building2.String() + "/rooms", As: "community2"})
	unit1, unit2 := "/rooms/"+member(rooms, "items.0.id").(string), "/rooms/"+member(rooms, "items.11.id").(string)
	post := object{"account_id": account, "building_id": s.Building2.String(), "unit": "1", "team": "mobile", "to": "2026-05-31"}
	run(t, s, []scenario{
		{Name: "not posted there", Token: token, Get: unit1, Want: 404, Code: "not_found"},
		{Name: "no collector", As: "community2", Post: "/assignments", Body: with(post, object{"account_id": neverIssued}), Want: 422,
			Code:   "validation.failed",
			Errors: []string{"account_id:field.invalid"}},
		{Name: "no such unit", As: "community2", Post: "/assignments", Body: with(post, object{"unit": "9"}), Want: 422,
			Code:   "validation.failed",
			Errors: []string{"unit:field.invalid"}},
		{Name: "ended before it began", As: "community2", Post: "/assignments", Body: with(post, object{"to": "2026-04-01"}), Want: 422,
			Code: "validation.failed", Errors: []string{"to:field.out_of_range"}},
		{Name: "posted to a unit", As: "community2", Post: "/assignments", Body: post, Want: 201, Keep: "post",
			JSON: object{"to": "2026-06-01T00:00:00.000+08:00"}},
		{Name: "works there at once", Token: token, Post: unit1 + "/visits", Body: object{"method": "knock", "outcome": "met"},
			Want: 201, JSON: object{"late": false}},
		{Name: "the other unit is none of theirs", Token: token, Get: unit2, Want: 404, Code: "not_found"},
		{Name: "the account says so", Token: token, Get: "/me", Want: 200, JSON: object{"assignments.0.unit": "1",
			"assignments.0.team": "mobile"}},
		{Name: "the neighbour's leader cannot end it", As: "grid_leader", Delete: "/assignments/{post}", Want: 404, Code: "not_found"},
		{Name: "ended", As: "community2", Delete: "/assignments/{post}", Want: 204},
		{Name: "ended twice is ended", As: "community2", Delete: "/assignments/{post}", Want: 204},
		{Name: "at once out of sight", Token: token, Get: unit1, Want: 404, Code: "not_found"},
		{Name: "but what the phone still held is kept", Token: token, Post: unit1 + "/visits", Body: object{"method": "knock",
			"outcome": "met"}, Want: 201,
			JSON: object{"late": true}},
		{Name: "as history", As: "community2", Get: "/assignments?ended=true&account=" + account, Want: 200, Has: []string{"{post}"}},
		{Name: "not among those that hold", As: "community2", Get: "/assignments?account=" + account, Want: 200,
			JSON: object{"items.0": nil}},
	})
	s.Clock.Advance(31 * 24 * time.Hour)
	fresh := tokenOf(login(t, s, byPassword("walker", goodPassword)))
	run(t, s, []scenario{{Name: "for thirty days", Token: fresh, Post: unit1 + "/visits", Body: object{"method": "knock",
		"outcome": "met"}, Want: 404, Code: "not_found"}})
}

func TestPostedCodes(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	at := "/buildings/" + s.Building.String() + "/qrcodes"
	var unit string
	run(t, s, []scenario{
		{Name: "there is one already", As: "community", Post: at, Want: 200, JSON: object{"code": s.Code,
			"url": "http://six.test/q/" + s.Code, "unit": "",
			"status": "active", "version": 1, "scans": 0, "revoked_at": nil}},
		{Name: "one for a unit", As: "community", Post: at, Body: object{"unit": "2"}, Want: 201,
			Check: func(_ *testing.T, r street.Response) {
				unit = r.JSON["code"].(string)
			}},
		{Name: "no such unit", As: "community", Post: at, Body: object{"unit": "9"}, Want: 422, Code: "validation.failed",
			Errors: []string{"unit:field.invalid"}},
		{Name: "what it stands for", Get: "/qr/" + s.Code, Want: 200, JSON: object{"building.id": s.Building.String(),
			"building.units": 2, "unit": "", "kinds.5": "organisation"}},
		{Name: "as a person types it", Get: "/qr/" + strings.ToLower(s.Code[:5]+"-"+s.Code[5:]), Want: 200},
		{Name: "one letter wrong", Get: "/qr/" + s.Code[:13] + "0", Want: 404, Code: "qr.unknown"},
		{Name: "a well-formed one that nobody issued", Get: "/qr/22222222222222", Want: 404, Code: "qr.unknown"},
		{Name: "each is counted", As: "collector", Get: "/qrcodes/" + s.Code, Want: 200, JSON: object{"scans": 2}},
		{Name: "out of sight", As: "community2", Get: "/qrcodes/" + s.Code + ".png", Want: 404, Code: "not_found"},
		{Name: "no such picture", As: "community", Get: "/qrcodes/" + s.Code + ".gif", Want: 404, Code: "not_found"},
		{Name: "too large a picture", As: "community", Get: "/qrcodes/" + s.Code + ".png?size=5000", Want: 422,
			Code: "validation.failed"},
		{Name: "a sheet of neither", As: "community", Get: "/qrcodes/sheet", Want: 422, Code: "validation.failed"},
		{Name: "a sheet of another's area", As: "community", Get: "/qrcodes/sheet?area=" + s.Community2, Want: 404, Code: "not_found"},
	})
	require.NotEmpty(t, unit)
	file := func(path, kind string) street.Response {
		r := s.Do(street.Request{Method: "GET", Path: "/qrcodes/" + path, As: "collector"})
		require.Equal(t, 200, r.Status, r.Text)
		require.Equal(t, kind, r.Header.Get("Content-Type"))
		return r
	}
	shown, err := png.Decode(bytes.NewReader([]byte(file(s.Code+".png?size=300", "image/png").Text)))
	require.NoError(t, err)
	require.Equal(t, image.Pt(300, 300), shown.Bounds().Size())
	require.Contains(t, file(s.Code+".svg", "image/svg+xml").Text, "<svg")
	sheet := file("sheet?area="+s.Grid, "text/html; charset=utf-8")
	require.Contains(t, sheet.Text, "建设路62号院1号楼")
	require.Equal(t, 2, strings.Count(sheet.Text, "<svg"), "both active codes")
	require.Contains(t, sheet.Header.Get("Content-Security-Policy"), "default-src 'none'")

	var w sync.WaitGroup
	for range 20 {
		w.Go(func() { require.Equal(t, 200, s.Do(street.Request{Method: "GET", Path: "/qr/" + unit}).Status) })
	}
	w.Wait()
	var fresh string
	run(t, s, []scenario{
		{Name: "twenty at once are twenty", As: "collector", Get: "/qrcodes/" + unit, Want: 200,
			JSON: object{"scans": 20, "unit": "2"}},
		{Name: "another code for the unit", As: "community", Post: at, Body: object{"unit": "2", "rotate": true}, Want: 201,
			JSON:  object{"version": 2, "scans": 0},
			Check: func(_ *testing.T, r street.Response) { fresh = r.JSON["code"].(string) }},
		{Name: "the old one is over", Get: "/qr/" + unit, Want: 410, Code: "qr.revoked"},
		{Name: "its scans are not counted", As: "collector", Get: "/qrcodes/" + unit, Want: 200,
			JSON: object{"scans": 20, "status": "revoked"},
			Not:  []string{`"revoked_at":null`}},
		{Name: "nor is it printed", As: "collector", Get: "/qrcodes/" + unit + ".png", Want: 410, Code: "qr.revoked"},
		{Name: "all three are listed, the newest first", As: "collector", Get: at + "?limit=2", Want: 200, JSON: object{"items.2": nil},
			Check: func(t *testing.T, r street.Response) { require.NotNil(t, r.JSON["next_cursor"]) }},
	})
	run(t, s, []scenario{
		{Name: "the new one holds", Get: "/qr/" + fresh, Want: 200},
		{Name: "revoking wants the version", As: "community", Patch: "/qrcodes/" + fresh, Body: object{"status": "revoked"}, Want: 428,
			Code: "precondition.required"},
		{Name: "and only revokes", As: "community", Patch: "/qrcodes/" + fresh, Match: "2", Body: object{"status": "active"}, Want: 422,
			Code: "validation.failed"},
		{Name: "revoked for good", As: "community", Patch: "/qrcodes/" + fresh, Match: "2", Body: object{"status": "revoked"},
			Want: 200,
			JSON: object{"status": "revoked"}},
		{Name: "at once", Get: "/qr/" + fresh, Want: 410, Code: "qr.revoked"},
	})
	require.Equal(t, http.StatusGone, s.Do(street.Request{Method: "GET", Path: "/q/" + fresh}).Status)
}
