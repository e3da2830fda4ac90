//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/model"
)

const submitters = 32

func TestEveryAcknowledgedSubmissionOutlivesAKill(t *testing.T) {
	t.Parallel()
	rounds := map[string]int{"SQLite": 3, "MariaDB": 1}
	onBoth(t, func(t *testing.T, data string, db database) { killAgainAndAgain(t, data, db, rounds[db.name]) })
}

func TestEveryAcknowledgedSubmissionOutlivesTenKills(t *testing.T) {
	long(t, "ten kills on each engine")
	t.Parallel()
	onBoth(t, func(t *testing.T, data string, db database) { killAgainAndAgain(t, data, db, 10) })
}

// sent is a submission and what became of it.
type sent struct {
	token, id string
	body      map[string]any
	acked     bool // else the answer was lost: either outcome is right
}

// killAgainAndAgain kills the server while 32 submit, and looks after each restart whether all is there that it said is.
func killAgainAndAgain(t *testing.T, data string, db database, rounds int) {
	t.Helper()
	s, admin, env := founded(t, data, db, "SIX_RATE_LIMIT=off")
	staff := s.staffed(admin)
	_, code := s.code(staff, street)
	gen := sample.New(sample.Options{Seed: 32})
	for round := range rounds {
		all := s.killUnder(code, gen, 90+20*(round%5))
		s = serveAt(t, data, env...)
		s.holds(all)
		s.counts(t, staff, db)
		s.replays(all)
		s.counts(t, staff, db)
		whole(t, db)
	}
	require.Zero(t, s.stop(), s.err.String())
	n, said := runCommand(t, env, "", "audit", "verify")
	require.Zero(t, n, said)
	n, said = runCommand(t, env, "", "tally", "check")
	require.Zero(t, n, said)
}

// killUnder lets 32 accounts submit at once, kills the server after so many answers, and answers what was sent.
func (s *server) killUnder(code string, gen *sample.Generator, answers int) (all []*sent) {
	s.t.Helper()
	people := gen.Household(1, "registered")
	for len(people) < submitters*10 { // a scan account has ten a day
		people = append(people, gen.Household(1, "registered")...)
	}
	tokens := make([]string, submitters)
	for i := range tokens {
		tokens[i] = s.agree(s.login(map[string]any{"grant": "scan", "code": code}))
	}
	got := make(chan *sent, len(people))
	var work sync.WaitGroup
	for i := range submitters {
		work.Go(func() {
			for n := range 10 {
				w := &sent{token: tokens[i], id: model.NewID().String()}
				w.body = map[string]any{"id": w.id, "kind": "person", "qr": code, "unit": "1", "room": "101", "data": people[i*10+n]}
				r, err := s.ask(w.token, "POST", "/records", w.body)
				w.acked = err == nil && r.Status == http.StatusCreated
				if err == nil && !w.acked {
					s.t.Errorf("answered %d: %s", r.Status, r.Text)
				}
				if got <- w; err != nil {
					return
				}
			}
		})
	}
	go func() {
		work.Wait()
		close(got)
	}()
	for range answers {
		w, ok := <-got
		require.True(s.t, ok && w.acked, "an answer was lost before the kill")
		all = append(all, w)
	}
	s.kill()
	lost := 0
	for w := range got {
		if all = append(all, w); !w.acked {
			lost++
		}
	}
	require.Positive(s.t, lost, "nothing was in flight when the server was killed")
	return all
}

// holds looks for every acknowledged submission: once in its submitter's list, at version 1, with one revision.
func (s *server) holds(all []*sent) {
	s.t.Helper()
	mine := map[string]int{}
	seen := map[string]bool{}
	for _, w := range all {
		if !seen[w.token] {
			seen[w.token] = true
			for _, r := range s.do(http.StatusOK, w.token, "GET", "/records?mine=true&limit=200", nil).items() {
				mine[r["id"].(string)]++
			}
		}
	}
	for _, w := range all {
		if !w.acked {
			require.LessOrEqual(s.t, mine[w.id], 1)
			continue
		}
		require.Equal(s.t, 1, mine[w.id], "an acknowledged submission is there exactly once")
		history := s.do(http.StatusOK, w.token, "GET", "/records/"+w.id+"/history", nil).items()
		require.Len(s.t, history, 1)
		require.InDelta(s.t, 1, history[0]["version"], 0)
	}
}

// counts compares the tally with the rows, which nobody changes at the moment: a commit and its delta live or die together, and so does a
// folding.
func (s *server) counts(t *testing.T, token string, db database) {
	t.Helper()
	n := -1
	const rows = "SELECT count(*) FROM records WHERE status = 'submitted' AND kind = 'person'"
	require.NoError(t, db.pool(t).QueryRowContext(t.Context(), rows).Scan(&n))
	require.InDelta(t, n, s.tallied(token, street)["person"]["submitted"], 0)
}

// replays sends everything again, as a phone does whose answer was lost: nothing is there twice, nothing is missing.
func (s *server) replays(all []*sent) {
	s.t.Helper()
	for _, w := range all {
		r, err := s.ask(w.token, "POST", "/records", w.body)
		require.NoError(s.t, err)
		if w.acked {
			require.Equal(s.t, http.StatusOK, r.Status, r.Text)
		} else {
			require.Contains(s.t, []int{http.StatusOK, http.StatusCreated}, r.Status, r.Text)
		}
		require.InDelta(s.t, 1, r.JSON["version"], 0)
	}
}

// whole looks into the database: no record without its detail row and all its revisions, no revision or detail without its record.
func whole(t *testing.T, db database) {
	t.Helper()
	pool := db.pool(t)
	for _, q := range []string{
		"SELECT count(*) FROM records r WHERE r.version <> (SELECT count(*) FROM revisions v WHERE v.record_id = r.id)",
		"SELECT count(*) FROM revisions v WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.id = v.record_id)",
		"SELECT count(*) FROM records r WHERE r.kind = 'person' AND NOT EXISTS (SELECT 1 FROM persons p WHERE p.record_id = r.id)",
		"SELECT count(*) FROM persons p WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.id = p.record_id)",
	} {
		n := -1
		require.NoError(t, pool.QueryRowContext(t.Context(), q).Scan(&n), q)
		require.Zero(t, n, q)
	}
	if db.name == "SQLite" {
		said := ""
		require.NoError(t, pool.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&said))
		require.Equal(t, "ok", said)
	}
}

func TestExportsOutliveAKill(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	flags := []string{"--people", "1500", "--buildings", "8"}
	env := []string{"SIX_WORKERS=1"} // so that one is begun and the others wait
	s := demoAt(t, data, env, flags...)
	staff := s.persona("street")
	want := s.tallied(staff, street)["person"]["verified"]
	var jobs []string
	for _, format := range []string{"xlsx", "csv", "xlsx"} {
		r := s.do(http.StatusAccepted, staff, "POST", "/exports", map[string]any{"kind": "person", "area": street, "format": format})
		jobs = append(jobs, r.JSON["job"].(map[string]any)["id"].(string))
	}
	s.kill()
	s = demoAt(t, data, env, flags...)
	states := map[string]int{}
	for _, id := range jobs {
		states[s.do(http.StatusOK, staff, "GET", "/jobs/"+id, nil).str("state")]++
	}
	require.Less(t, states["done"], len(jobs), "the kill came too late to prove anything")
	for _, id := range jobs {
		j := s.job(staff, id)
		require.Equal(t, "done", j.str("state"), j.Text)
		require.Equal(t, want, j.JSON["total"])
		file := s.do(http.StatusOK, staff, "GET", "/jobs/"+id+"/file", nil)
		sum := sha256.Sum256([]byte(file.Text))
		require.Equal(t, j.JSON["file"].(map[string]any)["sha256"], hex.EncodeToString(sum[:]))
	}
	for _, e := range entries(t, filepath.Join(data, "jobs")) {
		require.True(t, strings.HasSuffix(e.Name(), ".bin"), "%s was left behind", e.Name())
	}
}

func TestTheServerFinishesWhatItBeganBeforeItEnds(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, data string, db database) {
		s, admin, env := founded(t, data, db)
		staff := s.staffed(admin)
		_, code := s.code(staff, street)
		resident := s.agree(s.login(map[string]any{"grant": "scan", "code": code}))
		id := model.NewID().String()
		body := `{"id":"` + id + `","kind":"situation","qr":"` + code + `","data":{"category":"S13","content":"楼道灯不亮","situation_kind":"demand"}}`
		rest, answer := s.begin(resident, body)
		s.signal(syscall.SIGTERM)
		await(t, "the shutdown", func() bool { return strings.Contains(s.err.String(), "finishing requests in flight") })
		await(t, "the closed door", func() bool {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			return err != nil || c.Close() != nil
		})
		require.False(t, s.ended(), "a request is in flight")
		rest()
		r := <-answer
		require.Contains(t, r, "201 Created")
		require.Zero(t, s.wait(), s.err.String())
		again := serveAt(t, data, env...)
		require.Len(t, again.do(http.StatusOK, resident, "GET", "/records/"+id+"/history", nil).items(), 1)
	})
}

// begin sends a submission's head, and half of its body once the server has asked for it; rest sends the rest.
func (s *server) begin(token, body string) (rest func(), answer <-chan string) {
	s.t.Helper()
	in, out := io.Pipe()
	asked, done := make(chan struct{}), make(chan string, 1)
	trace := &httptrace.ClientTrace{Got100Continue: func() { close(asked) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), "POST", s.URL+"/api/v1/records", in)
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Expect", "100-continue")
	go func() {
		resp, err := (&http.Transport{ExpectContinueTimeout: patience}).RoundTrip(req)
		if err != nil {
			done <- err.Error()
			return
		}
		var b bytes.Buffer
		_, err = io.Copy(&b, bufio.NewReader(resp.Body))
		done <- resp.Status + b.String() + errText(errors.Join(err, resp.Body.Close()))
	}()
	write := func(part string) {
		_, err := io.WriteString(out, part)
		require.NoError(s.t, err)
	}
	<-asked
	write(body[:40])
	return func() {
		write(body[40:])
		require.NoError(s.t, out.Close())
	}, done
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// peak is the most memory a process has had resident, in bytes, as the kernel counts it.
func (p *process) peak() int64 {
	p.t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", itoa(p.Pid), "status"))
	require.NoError(p.t, err)
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return 1024 * number(p.t, strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")))
		}
	}
	p.t.Fatal("no VmHWM in the process's status")
	return 0
}
