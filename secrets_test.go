//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/model"
)

func TestNoNumberOfASubmissionIsAnywhereInClear(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, data string, db database) {
		s, admin, env := founded(t, data, db, "SIX_LOG_LEVEL=debug", "SIX_RATE_LIMIT=off")
		k := &kept{server: s, t: t, staff: s.staffed(admin), secrets: map[string]bool{}}
		_, k.code = s.code(k.staff, street)
		k.resident = s.agree(s.login(map[string]any{"grant": "scan", "code": k.code}))
		k.submits()
		k.looksAround()
		k.makesMistakes()
		k.exports()
		code, said := runCommand(t, append(env, "SIX_BACKUP_PASSPHRASE="+passphrase), "", "backup", filepath.Join(data, "backup.age"))
		require.Zero(t, code, said)
		fmt.Fprint(s.heard, said)
		require.Zero(t, s.stop(), s.err.String())
		k.isNowhere("an answer", []byte(s.heard.String()))
		k.isNowhere("the log", []byte(s.out.String()+s.err.String()))
		for _, dir := range slices.Compact([]string{data, db.dir}) {
			k.isNotIn(dir)
		}
		require.Greater(t, len(k.secrets), 40, "the test lost what it looks for")
	})
}

// kept is a street in which numbers are submitted that must not be found again.
type kept struct {
	*server
	t                     *testing.T
	staff, resident, code string
	secrets               map[string]bool
	person                string // the id of a record
	of                    map[string]any
}

var (
	mobile = regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	sealed = []string{"id_no", "permit_no", "birth_date"}
)

// note remembers what of a submission must stay hidden.
func (k *kept) note(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for n, e := range v {
			k.note(n, e)
		}
	case []any:
		for _, e := range v {
			k.note(name, e)
		}
	case string:
		if mobile.MatchString(v) || slices.Contains(sealed, name) {
			k.secrets[v] = true
		}
		birth, err := time.Parse(time.DateOnly, v)
		if name == "id_no" && len(v) == 18 {
			birth, err = time.Parse("20060102", v[6:14])
		}
		if err == nil && slices.Contains(sealed, name) {
			for _, writing := range []string{"20060102", "2006-01-02", "2006/01/02", "2006.01.02", "2006年1月2日", "2006年01月02日"} {
				k.secrets[birth.Format(writing)] = true
			}
		}
	}
}

// sends submits as a resident or as staff and answers the record's id.
func (k *kept) sends(token, kind string, data map[string]any) string {
	k.t.Helper()
	k.note("", data)
	in := map[string]any{"kind": kind, "data": data, "qr": k.code, "unit": "1", "room": "102"}
	if token == k.staff {
		building, _ := k.server.code(k.staff, street)
		delete(in, "qr")
		in["building_id"] = building
	}
	return k.do(http.StatusCreated, token, "POST", "/records", in).str("id")
}

func (k *kept) submits() {
	k.t.Helper()
	gen := sample.New(sample.Options{Seed: 606})
	for _, category := range []string{"floating", "overseas", "registered"} {
		for _, p := range gen.Household(2, category) {
			k.person, k.of = k.sends(k.resident, "person", p), p
		}
	}
	for _, p := range gen.Household(4, "registered") {
		k.sends(k.staff, "person", p)
	}
	full := maps.Clone(gen.Household(1, "registered")[0])
	full["emergency_contact_name"], full["emergency_contact_phone"] = "李平", gen.Phone()
	k.person, k.of = k.sends(k.resident, "person", full), full
	k.sends(k.resident, "place", gen.Shop())
	k.sends(k.staff, "place", gen.Place("rental_house"))
	k.sends(k.resident, "organisation", gen.Organisation())
	event := gen.Event()
	event["parties"] = []any{map[string]any{"name": "张强", "phone": gen.Phone()}, map[string]any{"name": "刘敏", "phone": gen.Phone()}}
	k.sends(k.staff, "event", event)

	path := "/records/" + k.person
	other := map[string]any{"phone": gen.Phone()}
	k.note("", other)
	k.do(http.StatusOK, k.resident, "PATCH", path, map[string]any{"data": other}, "If-Match", "1")
	step := func(token, version string, body map[string]any) {
		k.note("", body)
		k.do(http.StatusOK, token, "POST", path+"/transitions", body, "If-Match", version)
	}
	step(k.staff, "2", map[string]any{"action": "return", "note": "请核对电话"})
	step(k.resident, "3", map[string]any{"action": "resubmit", "data": map[string]any{"phone": gen.Phone()}})
	step(k.staff, "4", map[string]any{"action": "verify", "method": "document", "data": map[string]any{"phone": gen.Phone()}})
}

// looksAround reads everything that can be read, and reveals: the one answer that may hold a number.
func (k *kept) looksAround() {
	k.t.Helper()
	for _, path := range []string{"/records?limit=200", "/records?kind=person&limit=200", "/records/" + k.person,
		"/records/" + k.person + "/history", "/tallies?group_by=kind&area=" + street, "/audit?limit=200",
		"/buildings?area=" + street, "/me", "/accounts", "/jobs"} {
		k.do(http.StatusOK, k.staff, "GET", path, nil)
	}
	for _, path := range []string{"/records?mine=true&limit=200", "/records/" + k.person, "/records/" + k.person + "/history", "/me/data"} {
		k.do(http.StatusOK, k.resident, "GET", path, nil)
	}
	found := k.do(http.StatusOK, k.staff, "POST", "/records/search", map[string]any{"q": k.of["id_no"]})
	require.NotEmpty(k.t, found.items(), "a number is found by who knows it")
	shown := k.do(http.StatusOK, k.staff, "POST", "/records/"+k.person+"/reveal",
		map[string]any{"fields": []string{"id_no", "phone", "birth_date"}, "reason": "上门核对"})
	require.Equal(k.t, k.of["id_no"], shown.JSON["fields"].(map[string]any)["id_no"])
}

// makesMistakes sends numbers to where they are refused.
func (k *kept) makesMistakes() {
	k.t.Helper()
	bad := maps.Clone(k.of)
	number := bad["id_no"].(string)
	bad["id_no"], bad["phone"] = number[:17]+string('0'+('9'-number[17]+1)%10), "1380013"
	k.note("", bad)
	in := map[string]any{"kind": "person", "qr": k.code, "unit": "1", "room": "102", "data": bad}
	k.do(http.StatusUnprocessableEntity, k.resident, "POST", "/records", in)
	in["data"] = map[string]any{number: number}
	k.do(http.StatusUnprocessableEntity, k.resident, "POST", "/records", in)
	k.do(http.StatusUnprocessableEntity, k.staff, "GET", "/records?q="+number, nil)
	k.do(http.StatusNotFound, k.staff, "GET", "/records/"+number, nil)
	k.do(http.StatusBadRequest, k.resident, "POST", "/records", `{"kind":"person","data":{"id_no":"`+number+`",`)
	k.do(http.StatusUnprocessableEntity, k.resident, "POST", "/records", `{"kind":"person","qr":"`+k.code+`","data":"`+number+`"}`)
	k.do(http.StatusNotFound, "", "GET", "/qr/"+number, nil)
	r, err := k.ask("", "POST", "/sessions", map[string]any{"grant": "password", "username": number, "password": number})
	require.NoError(k.t, err)
	require.Contains(k.t, []int{http.StatusUnauthorized, http.StatusTooManyRequests}, r.Status)
	r, err = k.ask(k.staff, "GET", "/"+number, nil)
	require.NoError(k.t, err)
	require.Equal(k.t, http.StatusNotFound, r.Status)
}

// exports has every kind of file made, the encrypted one too; all stay in the data folder.
func (k *kept) exports() {
	k.t.Helper()
	for _, in := range []map[string]any{
		{"kind": "person", "format": "xlsx", "status": "all"}, {"kind": "person", "format": "csv", "status": "all"},
		{"kind": "place", "format": "xlsx", "status": "all"}, {"kind": "organisation", "format": "csv", "status": "all"},
		{"kind": "event", "format": "csv", "status": "all"},
		{"kind": "person", "format": "xlsx", "status": "all", "reveal": true, "reason": "年度核对"},
	} {
		in["area"] = street
		r := k.do(http.StatusAccepted, k.staff, "POST", "/exports", in)
		id := r.JSON["job"].(map[string]any)["id"].(string)
		j := k.job(k.staff, id)
		require.Equal(k.t, "done", j.str("state"), j.Text)
		file := k.do(http.StatusOK, k.staff, "GET", "/jobs/"+id+"/file", nil)
		if in["format"] == "xlsx" && in["reveal"] == nil {
			for name, text := range unzipped(k.t, []byte(file.Text)) {
				k.isNowhere("a ledger's "+name, text)
			}
		}
	}
}

// isNotIn looks into every file of a folder.
func (k *kept) isNotIn(dir string) {
	k.t.Helper()
	seen := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(name)
		seen += len(text)
		k.isNowhere(filepath.Base(name), text)
		return err
	})
	require.NoError(k.t, err)
	require.Greater(k.t, seen, 50<<10, "%s holds next to nothing", dir)
}

// number of a person, whoever they are: those that the street was seeded with were never told to this test.
var anyNumber = regexp.MustCompile(`[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx]`)

// isNowhere fails when a text holds a secret. The secret itself stays out of the failure's message.
func (k *kept) isNowhere(where string, text []byte) {
	k.t.Helper()
	for secret := range k.secrets {
		if at := bytes.Index(text, []byte(secret)); at >= 0 {
			before := strings.ToValidUTF8(string(text[max(0, at-60):at]), "?")
			k.t.Errorf("%s holds a value of %d characters in clear, behind %q", where, len(secret), before)
		}
	}
	if len(text) > 32<<20 { // a redo log of MariaDB's: the search by pattern would take too long
		return
	}
	for _, n := range anyNumber.FindAll(text, -1) {
		if _, err := model.ParseIDNumber(string(n), "2027-01-01"); err == nil {
			k.t.Errorf("%s holds an ID number in clear", where)
		}
	}
}
