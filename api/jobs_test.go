package api

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/store"
	"sixelements/service/identity"
	"sixelements/service/job"
	"sixelements/service/ledger"
	"sixelements/service/tally"
)

// people are the actors a test's requests can come from, by bearer token.
type people map[string]model.Actor

func (p people) Authenticate(_ context.Context, c identity.Credentials) (model.Actor, error) {
	if a, ok := p[c.Bearer]; ok {
		return a, nil
	}
	return model.Actor{}, model.Fail(model.AuthRequired)
}

type unlimited struct{}

func (unlimited) Allow(string) (bool, int) { return true, 0 }

// desk is the three resources of this room behind HTTP.
type desk struct {
	t      *testing.T
	url    string
	jobs   *job.Service
	people people
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	db := testkit.DB(t)
	const community = "410102002004"
	d := &desk{t: t, people: people{"clerk": testkit.Actor(model.CommunityRole, community),
		"collector": testkit.Actor(model.Collector, community), "resident": testkit.Actor(model.Resident, ""),
		"neighbour": testkit.Actor(model.CommunityRole, "410102002005")}}
	d.jobs = job.New(db, job.Options{Dir: filepath.Join(t.TempDir(), "jobs"), Poll: 5 * time.Millisecond,
		Actor: func(_ context.Context, id model.ID) (model.Actor, error) {
			for _, a := range d.people {
				if a.Account == id {
					return a, nil
				}
			}
			return model.Actor{}, model.Fail(model.AuthInvalid)
		}})
	require.NoError(t, db.Write(store.AsSystem(t.Context(), "build"), model.Act{Name: "test.build"}, func(tx *store.Tx) error {
		return tx.Add(&model.Area{Code: community, Name: "第一社区", Level: model.Community, Parent: "410102002"})
	}))
	gin.SetMode(gin.TestMode)
	engine := gin.New()
	a := &API{huma: humagin.New(engine, Config()), log: slog.New(slog.DiscardHandler), who: d.people, limit: unlimited{}}
	mountTallies(a, tally.New(db))
	mountExports(a, ledger.New(db, d.jobs, code.Default()))
	mountJobs(a, d.jobs)
	srv := httptest.NewServer(engine)
	t.Cleanup(srv.Close)
	d.url = srv.URL
	return d
}

func (d *desk) send(as, method, path, body string) *http.Response {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	require.NoError(d.t, err)
	req.Header.Set("Authorization", "Bearer "+as)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { require.NoError(d.t, res.Body.Close()) })
	return res
}

func (d *desk) text(as, method, path, body string, status int) string {
	d.t.Helper()
	res := d.send(as, method, path, body) //nolint:bodyclose // send closes it at the end
	b, err := io.ReadAll(res.Body)
	require.NoError(d.t, err)
	require.Equal(d.t, status, res.StatusCode, string(b))
	return string(b)
}

func TestAnExportOverHTTP(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	var asked struct {
		Job      struct{ ID, Kind, State string }
		Password string
	}
	body := `{"kind":"person","area":"410102002004","format":"csv","status":"all"}`
	text := d.text("clerk", "POST", "/exports", body, 202)
	require.NoError(t, json.Unmarshal([]byte(text), &asked))
	require.Equal(t, "queued", asked.Job.State)
	require.Contains(t, text, `"error":null,"file":null`)
	require.NotContains(t, text, "password")
	at := "/jobs/" + asked.Job.ID
	d.text("clerk", "GET", at+"/file", "", 404)

	events := d.send("clerk", "GET", at+"/events", "") //nolint:bodyclose // send closes it at the end
	require.Equal(t, "text/event-stream", events.Header.Get("Content-Type"))
	lines := bufio.NewScanner(events.Body)
	require.True(t, lines.Scan(), "the first event comes before the job is done")
	require.Equal(t, "event: progress", lines.Text())
	ran, err := d.jobs.RunOnce(t.Context())
	require.True(t, ran && err == nil)
	last := ""
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = data
		}
	}
	require.Contains(t, last, `"state":"done"`)
	require.Contains(t, last, `"name":"人员台账_第一社区_20260501.csv"`)

	file := d.send("clerk", "GET", at+"/file", "") //nolint:bodyclose // send closes it at the end
	require.Equal(t, 200, file.StatusCode)
	got, err := io.ReadAll(file.Body)
	require.NoError(t, err)
	sum := sha256.Sum256(got)
	require.Equal(t, "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":", file.Header.Get("Repr-Digest"))
	require.Equal(t, `attachment; filename="file.csv"; filename*=UTF-8''%E4%BA%BA%E5%91%98%E5%8F%B0%E8%B4%A6_`+
		`%E7%AC%AC%E4%B8%80%E7%A4%BE%E5%8C%BA_20260501.csv`, file.Header.Get("Content-Disposition"))
	require.Equal(t, "text/csv; charset=utf-8", file.Header.Get("Content-Type"))

	for _, path := range []string{at, at + "/events", at + "/file"} {
		d.text("neighbour", "GET", path, "", 404)
	}
	d.text("neighbour", "DELETE", at, "", 404)
	require.Contains(t, d.text("clerk", "GET", "/jobs", "", 200), asked.Job.ID)
	require.Equal(t, `{"items":[],"next_cursor":null}`, strings.TrimSpace(d.text("neighbour", "GET", "/jobs", "", 200)))
	require.Empty(t, d.text("clerk", "DELETE", at, "", 204))
	d.text("clerk", "GET", at+"/file", "", 404)
}

func TestRefusalsOverHTTP(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	const ok = `"kind":"person","area":"410102002004","format":"xlsx"`
	for _, c := range []struct {
		name, as, method, path, body string
		status                       int
		want                         string
	}{
		{"nobody", "", "GET", "/jobs", "", 401, "auth.required"},
		{"a malformed id", "clerk", "GET", "/jobs/7", "", 404, "not_found"},
		{"a job nobody has", "clerk", "GET", "/jobs/0198a000-0000-7000-8000-000000000001/events", "", 404, "not_found"},
		{"a collector exports", "collector", "POST", "/exports", "{" + ok + "}", 403, "role.forbidden"},
		{"a neighbour exports", "neighbour", "POST", "/exports", "{" + ok + "}", 404, "not_found"},
		{"an unknown status", "clerk", "POST", "/exports", "{" + ok + `,"status":["lost"]}`, 422, `"location":"status`},
		{"a status that is no list", "clerk", "POST", "/exports", "{" + ok + `,"status":"verified"}`, 422, `"location":"status"`},
		{"an unknown column", "clerk", "POST", "/exports", "{" + ok + `,"columns":["religion"]}`, 422, `"location":"columns[0]"`},
		{"an unknown template", "clerk", "POST", "/exports", "{" + ok + `,"template":"secret"}`, 422, `"location":"template"`},
		{"in clear without a reason", "clerk", "POST", "/exports", "{" + ok + `,"reveal":true}`, 422, `"location":"reason"`},
		{"a resident counts", "resident", "GET", "/tallies?area=410102002004", "", 403, "role.forbidden"},
		{"a neighbour counts", "neighbour", "GET", "/tallies?area=410102002004", "", 404, "not_found"},
		{"too long a page", "clerk", "GET", "/jobs?limit=201", "", 422, `"location":"limit"`},
		{"counted by what?", "clerk", "GET", "/tallies?area=410102002004&group_by=mood", "", 422, `"location":"group_by"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := d.text(c.as, c.method, c.path, c.body, c.status)
			require.Contains(t, got, c.want)
			for _, sent := range []string{"religion", "secret", "lost", "mood"} {
				require.NotContains(t, got, sent, "what was sent is not echoed")
			}
		})
	}
	require.Contains(t, d.text("clerk", "POST", "/exports", "{"+ok+`,"reveal":true,"reason":"核对名单"}`, 202), `"password":"`)
	require.Contains(t, d.text("clerk", "GET", "/tallies?group_by=kind", "", 200),
		`{"key":"person","label":"人员","counts":{"submitted":0,"verified":0,"returned":0,"rejected":0,"archived":0,"withdrawn":0,"total":0},`+
			`"rooms":0,"rooms_covered":0,"coverage":null}`)
}

func (people) NoteRefusal(context.Context, string, model.Code) {}
