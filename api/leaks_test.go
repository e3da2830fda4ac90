package api_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/app"
	"sixelements/internal/testkit"
	"sixelements/internal/testkit/fakewechat"
	"sixelements/internal/testkit/street"
	"sixelements/model"
	"sixelements/service/wechat"
)

// secrets are values that nobody but reveal may show. None is a part of another or of anything else that a test says.
type secrets struct {
	all   []string
	names []string // of people: not for departments and administrators
}

// secret keeps a value and answers it.
func (s *secrets) secret(v any) string {
	s.all = append(s.all, fmt.Sprint(v))
	return fmt.Sprint(v)
}

func (s *secrets) named(v string) string {
	s.names = append(s.names, v)
	return v
}

// idNumber is a number of identity of the day, with the day itself as a secret.
func (s *secrets) idNumber(body, day string) string {
	s.secret(day)
	for _, r := range "0123456789X" {
		if n := body + string(r); model.IDCheckChar(body) == byte(r) {
			return s.secret(n)
		}
	}
	return ""
}

// sensitive are data of all six kinds, full of what must not be seen.
func (o *office) sensitive(s *secrets) map[string]object {
	phone := func() string { return s.secret(o.gen.Phone()) }
	return map[string]object{
		"person": {"name": s.named("欧阳小丽"), "id_type": "111", "id_no": s.idNumber("41010219870314162", "1987-03-14"), "phone": phone(),
			"residence_category": "floating", "relation_to_head": "0", "arrival_date": "2026-01-02",
			"inflow_reason": o.code("inflow_reason"),
			"stay_type":     o.code("dwelling_type"), "permit_type": o.code("residence_permit_type"),
			"permit_no":     s.secret("4101022026777888999"),
			"landlord_name": s.named("诸葛大山"), "landlord_phone": phone(), "emergency_contact_name": s.named("令狐小青"),
			"emergency_contact_phone": phone(), "help_wanted": []string{"disability"}},
		"child": {"name": s.named("欧阳小苗"), "id_type": "111", "id_no": s.idNumber("41010220200923166", "2020-09-23"), "no_phone": true,
			"residence_category": "registered", "relation_to_head": "2", "guardian_name": s.named("上官小云"), "guardian_relation": "母亲",
			"guardian_phone": phone(), "guardian_consent": true},
		"place": {"name": "桐柏路小院", "place_kind": "rental_house", "address": "桐柏路8号", "rental_use": o.code("rental_use"),
			"owner_name":  s.named("司马小田"),
			"owner_phone": phone(), "manager_name": s.named("夏侯小河"), "manager_phone": phone(), "landlord": s.named("司马小山")},
		"event": o.event(object{"parties": []object{{"name": s.named("皇甫小松"), "phone": phone()}, {"name": s.named("尉迟小柏"),
			"phone": phone()}}, "call_back": true}),
		"object":    o.lamp(nil),
		"situation": {"category": o.gen.Situation()["category"], "content": "楼道堆物堵住了消防通道", "situation_kind": "hazard"},
		"organisation": {"name": "中原区禾晟商贸", "org_kind": "self_employed", "business_address": "建设路62号", "contact_name": s.named("慕容小舟"),
			"contact_phone": phone(), "legal_representative": s.named("宇文小岩"), "legal_representative_phone": phone(),
			"fire_officer_name":  s.named("长孙小川"),
			"fire_officer_phone": phone()},
	}
}

// code is the first code of a list.
func (o *office) code(list string) string {
	o.t.Helper()
	r := o.Do(street.Request{Method: "GET", Path: "/codes/" + list})
	return member(r, "items.0.code").(string)
}

var personas = []string{"", "resident", "resident2", "collector", "grid_leader", "department", "community", "community2",
	"street", "admin"}

// TestNoSensitiveValueLeaves walks every reading operation as everybody, and looks into every answer, the log and the database.
func TestNoSensitiveValueLeaves(t *testing.T) {
	t.Parallel()
	fake := fakewechat.New(t)
	o := openOffice(t, func(opt *app.Options) {
		opt.WeChat = wechat.Options{AppID: fakewechat.AppID, AppSecret: fakewechat.AppSecret, HTTP: fake.Transport()}
	})
	var s secrets
	fake.PhoneCode("phonecode", s.secret(o.gen.Phone()))
	require.Equal(t, 200, o.Do(street.Request{Method: "POST", Path: "/me/phone", As: "resident",
		Body: object{"code": "phonecode"}}).Status)
	ids := o.fill(t, &s)
	answers := 0
	walk := func(as, method, path string, body any) {
		r := o.Do(street.Request{Method: method, Path: path, As: as, Body: body})
		seen(o.Server, method, path, as)
		if r.Status < 300 {
			answers++
		}
		for _, v := range s.all {
			require.NotContains(t, r.Text, v, "%s %s as %q", method, path, as)
		}
		if as == "department" || as == "admin" || as == "community2" || as == "resident2" {
			for _, v := range s.names {
				require.NotContains(t, r.Text, v, "%s %s as %q", method, path, as)
			}
		}
	}
	for _, as := range personas {
		for _, path := range o.readable(t, ids) {
			walk(as, http.MethodGet, path, nil)
		}
		for _, v := range s.all { // what was asked for is not in the answer either
			walk(as, http.MethodPost, "/records/search", object{"q": v})
			walk(as, http.MethodGet, "/records?q="+v, nil)
		}
	}
	require.Greater(t, answers, 300, "the walk reads something")
	r := o.Do(street.Request{Method: "POST", Path: "/records/" + ids["records"][0] + "/reveal", As: "community",
		Body: object{"fields": []string{"id_no"}, "reason": "核对信息"}})
	require.Contains(t, s.all, member(r, "fields.id_no"), "only reveal shows it")
	log, kept := o.Logs.String(), o.dump(t)
	for _, v := range s.all {
		require.False(t, strings.Contains(log, v), "the log holds %s", v)
		require.False(t, strings.Contains(kept, v), "the database holds %s", v)
	}
	require.True(t, strings.Contains(kept, "欧阳小丽"), "the dump is one: titles are kept in clear, for lists")
	require.Contains(t, log, "/records", "the log is one")
}

// fill makes records of all kinds, takes steps with them and has them exported; ids are by the first part of their path.
func (o *office) fill(t *testing.T, s *secrets) map[string][]string {
	t.Helper()
	data := o.sensitive(s)
	ids := map[string][]string{"areas": {o.Community, o.Grid}, "buildings": {o.Building.String()}, "qrcodes": {o.Code},
		"qr":    {o.Code},
		"rooms": {o.room(t, "collector")}, "forms": {"person", "event"}, "codes": {"sex"}, "attachments": {newID()}}
	for _, as := range personas[1:] {
		ids["accounts"] = append(ids["accounts"], o.account(as))
	}
	var event street.Response
	for _, name := range []string{"person", "child", "place", "event", "object", "situation", "organisation"} {
		kind := name
		if name == "child" {
			kind = "person"
		}
		r := o.make("resident", o.at(kind, data[name], nil))
		r = o.step("collector", r, object{"action": "return", "note": "请核对"})
		r = o.step("resident", r, object{"action": "resubmit", "data": data[name]})
		ids["records"] = append(ids["records"], r.ID())
		if name == "event" {
			event = o.step("grid_leader", r, object{"action": "accept"})
		} else {
			o.step("collector", r, object{"action": "verify", "method": "visit"})
		}
	}
	o.step("community", event, object{"action": "dispatch", "assignee": o.account("department"), "due_at": due})
	// The same number in the neighbours' community, for duplicates elsewhere, and wrong bodies that hold what must not be repeated.
	o.make("resident", object{"kind": "person", "qr": o.Code2,
		"data": with(data["person"], object{"name": "独孤小海", "landlord_name": nil, "emergency_contact_name": nil})})
	for _, body := range []any{o.at("person", with(data["person"], object{"residence_category": "x", "nickname": s.all[1]}), nil),
		object{"kind": s.all[1], "qr": s.all[1], "data": data["person"]}, `{"kind": "person", "data": {"id_no": "` + s.all[1] + `",`} {
		r := o.Do(street.Request{Method: "POST", Path: "/records", As: "resident", Body: body})
		require.GreaterOrEqual(t, r.Status, 400)
		for _, v := range s.all {
			require.NotContains(t, r.Text, v)
		}
	}
	for _, format := range []string{"csv", "xlsx"} {
		job := o.Do(street.Request{Method: "POST", Path: "/exports", As: "community",
			Body: object{"kind": "person", "area": o.Community, "format": format, "status": "all"}})
		require.Equal(t, 202, job.Status, job.Text)
		ids["jobs"] = append(ids["jobs"], member(job, "job.id").(string))
	}
	for ran := true; ran; {
		var err error
		ran, err = o.Services.Jobs.RunOnce(context.Background())
		require.NoError(t, err)
	}
	return ids
}

// readable are the paths of every reading operation, with every id that is known for it.
func (o *office) readable(t *testing.T, ids map[string][]string) []string {
	t.Helper()
	out := []string{"/records?limit=200", "/records?kind=person&status=verified", "/records?q=%E6%AC%A7%E9%98%B3",
		"/records?mine=true",
		"/tallies?area=" + o.Community + "&group_by=building", "/tallies?area=" + o.Community + "&group_by=collector",
		"/records/" + "41010219870314162X"}
	for _, op := range o.Ops.Ops {
		if op.Method != http.MethodGet || strings.HasSuffix(op.Path, "/events") { // a stream, of jobs' progress only
			continue
		}
		before, rest, param := strings.Cut(op.Path, "{")
		if !param {
			out = append(out, op.Path)
			continue
		}
		_, after, _ := strings.Cut(rest, "}")
		known := ids[strings.Trim(before, "/")]
		require.NotEmpty(t, known, "no id for %s", op.Path)
		for _, id := range known {
			out = append(out, before+id+after)
		}
	}
	return out
}

// dump is all that the database holds: SQLite's files as they lie on the disk, or all rows of all tables.
func (o *office) dump(t *testing.T) string {
	t.Helper()
	pool, err := o.DB.Pool()
	require.NoError(t, err)
	if !testkit.OnMySQL() {
		var seq, name, file string
		require.NoError(t, pool.QueryRow("PRAGMA database_list").Scan(&seq, &name, &file))
		var b strings.Builder
		for _, f := range []string{file, file + "-wal"} {
			part, err := os.ReadFile(f)
			require.NoError(t, err)
			b.Write(part)
		}
		return b.String()
	}
	var b strings.Builder
	for _, table := range column(t, pool, "SHOW TABLES") {
		b.WriteString(strings.Join(column(t, pool, "SELECT * FROM `"+table+"`"), "\n"))
	}
	return b.String()
}

// column is every value of an answer as text.
func column(t *testing.T, pool *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := pool.Query(query)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	names, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values := make([]sql.RawBytes, len(names))
		at := make([]any, len(names))
		for i := range values {
			at[i] = &values[i]
		}
		require.NoError(t, rows.Scan(at...))
		for _, v := range values {
			out = append(out, string(slices.Clone(v)))
		}
	}
	require.NoError(t, rows.Err())
	return out
}
