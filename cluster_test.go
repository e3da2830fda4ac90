//go:build linux

package main

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/internal/testkit/child"
	"sixelements/internal/testkit/galera"
	"sixelements/internal/testkit/redisd"
)

// city is three databases in step, three servers, and the balancer in front of both.
type city struct {
	t         *testing.T
	databases *galera.Cluster
	*balancer
	data    string
	env     []string
	servers []*server
}

func TestNothingAcknowledgedIsLostWhenNodesDie(t *testing.T) {
	long(t, "three databases, three servers, a balancer, a Redis")
	c := foundedCity(t)
	l := c.load()
	l.begin(12)
	l.during(t, "nothing happens", func() { time.Sleep(5 * time.Second) })
	exports := c.exports(l.second)
	first := c.written()
	l.during(t, "kill -9 of the database that is written to", func() { c.killDatabase(first) })
	l.during(t, "kill -9 of a server", func() {
		c.servers[1].kill()
		c.sees(t, "six2", "DOWN")
		time.Sleep(2 * time.Second)
	})
	l.during(t, "both come back", func() {
		c.serve(1)
		c.rejoin(first)
		time.Sleep(2 * time.Second)
	})
	second := c.written()
	require.NotEqual(t, first, second, "who took over stays")
	l.during(t, "kill -9 of the database that took over", func() { c.killDatabase(second) })
	l.during(t, "it comes back", func() { c.rejoin(second) })
	l.during(t, "the database that is written to hangs", func() { c.hangs(c.written()) })
	l.strict = true
	l.during(t, "each server is restarted, one by one", func() {
		for i := range c.servers {
			c.restart(i)
		}
		time.Sleep(time.Second)
	})
	l.stop()
	require.Empty(t, l.failures, "a request failed during a rolling restart")
	c.done(l.second, exports)
	for _, n := range c.databases.Nodes {
		c.holds(n.Pool(), l)
	}
	c.counted(l.second)
	code, said := runCommand(t, c.env, "", "audit", "verify")
	require.Zero(t, code, said)
	t.Logf("%d records, %d visits; %s", len(l.records), len(l.visits), said)
	c.lonely()
}

// foundedCity is what an operator does: databases, balancer, schema, servers, the first accounts, and a street.
func foundedCity(t *testing.T) *city {
	t.Helper()
	dir, err := child.Dir("six-galera-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &city{t: t, data: filepath.Join(t.TempDir(), "data")}
	c.databases, err = galera.Start(dir, "deploy/galera.cnf")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.databases.Stop()) })
	laidOut(t, c.databases)
	c.balancer = balance(t, c.databases)
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte(rootKey+"\n"), 0o600))
	as := func(user string) string {
		return "SIX_DATABASE=mysql://" + user + ":" + strings.ReplaceAll(passphrase, " ", "%20") + "@" + c.database + "/six"
	}
	c.env = []string{"SIX_DATA=" + c.data, "SIX_SECRET_KEY_FILE=" + key, "SIX_RATE_LIMIT=off", "SIX_TRUSTED_PROXIES=127.0.0.1",
		"SIX_REDIS=" + redisd.Start(t).URL(), "SIX_DRAIN=3s", as("six_owner")}
	var all sync.WaitGroup
	for range 3 { // three nodes are set up at once
		all.Go(func() {
			code, said := runCommand(t, c.env, "", "migrate")
			require.Zero(t, code, said)
		})
	}
	all.Wait()
	c.env = append(c.env, as("six_app"))
	code, said := runCommand(t, c.env, "", "seed", "--buildings", "2", "--people", "30", "--shops", "4", "--others", "2")
	require.Zero(t, code, said)
	code, said = runCommand(t, c.env, password+"\n", "admin", "create", "--username", "root-of-all")
	require.Zero(t, code, said)
	c.servers = make([]*server, 3)
	for i := range c.servers {
		c.serve(i)
	}
	return c
}

// serve starts a server at its place and returns when the balancer sends it clients.
func (c *city) serve(i int) {
	c.t.Helper()
	c.servers[i] = serveAt(c.t, c.data, append(c.env, "SIX_LISTEN="+c.nodes[i])...)
	c.sees(c.t, "six"+itoa(i+1), "UP")
	s := c.servers[i]
	c.t.Cleanup(func() {
		for line := range strings.Lines(s.err.String()) {
			if c.t.Failed() && (strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, `"level":"WARN"`)) {
				c.t.Logf("six%d: %s", i+1, line)
			}
		}
	})
}

// restart restarts a server as systemd does.
func (c *city) restart(i int) {
	c.t.Helper()
	c.servers[i].signal(syscall.SIGTERM)
	await(c.t, "the end of a server", c.servers[i].ended)
	require.Zero(c.t, c.servers[i].state.ExitCode(), c.servers[i].err.String())
	c.serve(i)
}

// written is the one database that all servers write to.
func (c *city) written() int {
	c.t.Helper()
	var all []int
	for i, n := range c.databases.Nodes {
		if now := c.column(c.t, n.Name, sessionsNow); now != "0" {
			all = append(all, i)
		}
	}
	require.Len(c.t, all, 1, "databases in use")
	return all[0]
}

func (c *city) killDatabase(i int) {
	c.t.Helper()
	n := c.databases.Nodes[i]
	begin := time.Now()
	require.NoError(c.t, n.Kill())
	await(c.t, "the others' vote", func() bool {
		size, err := c.databases.Nodes[(i+1)%3].Status(c.t.Context(), "wsrep_cluster_size")
		return err == nil && size == "2"
	})
	c.t.Logf("%s was voted out after %s", n.Name, time.Since(begin).Round(10*time.Millisecond))
	c.sees(c.t, n.Name, "DOWN")
	time.Sleep(5 * time.Second)
}

// hangs stops a database without closing its connections, until the balancer has found out, and some more.
func (c *city) hangs(i int) {
	c.t.Helper()
	n := c.databases.Nodes[i]
	require.NoError(c.t, n.Pause())
	c.sees(c.t, n.Name, "DOWN")
	time.Sleep(5 * time.Second)
	require.NoError(c.t, n.Resume())
	c.sees(c.t, n.Name, "UP")
}

func (c *city) rejoin(i int) {
	c.t.Helper()
	n := c.databases.Nodes[i]
	begin := time.Now()
	require.NoError(c.t, n.Rejoin())
	incremental, err := n.Incremental()
	require.NoError(c.t, err)
	require.True(c.t, incremental, "%s got everything anew", n.Name)
	c.t.Logf("%s was back in step after %s", n.Name, time.Since(begin).Round(10*time.Millisecond))
	c.sees(c.t, n.Name, "UP")
}

// load is the clients of the city: two of the street's staff, on many phones.
func (c *city) load() *load {
	c.t.Helper()
	admin := c.byPassword("root-of-all")
	l := &load{to: c.balancer.server, writer: c.staffed(admin), people: sample.New(sample.Options{Seed: 64}), records: map[string]int{},
		visits: map[string]bool{}, again: map[string]int{}}
	c.do(http.StatusCreated, admin, "POST", "/accounts", map[string]any{"username": "second", "name": "李工", "password": password,
		"roles": []map[string]any{{"role": "street", "area_code": street}}})
	l.second = c.byPassword("second")
	building, code := c.code(l.second, street)
	l.code = code
	for _, r := range c.do(http.StatusOK, l.second, "GET", "/buildings/"+building+"/rooms", nil).items() {
		l.rooms = append(l.rooms, r["id"].(string))
	}
	return l
}

// exports asks for ledgers; they are made while nodes die.
func (c *city) exports(token string) (jobs []string) {
	c.t.Helper()
	for _, format := range []string{"xlsx", "csv", "xlsx", "csv"} {
		r := c.do(http.StatusAccepted, token, "POST", "/exports", map[string]any{"kind": "person", "area": street, "format": format})
		jobs = append(jobs, r.JSON["job"].(map[string]any)["id"].(string))
	}
	return jobs
}

// done looks at the ends of jobs: each made its file, once.
func (c *city) done(token string, jobs []string) {
	c.t.Helper()
	for _, id := range jobs {
		j := c.job(token, id)
		require.Equal(c.t, "done", j.str("state"), j.Text)
		require.Equal(c.t, http.StatusOK, c.do(http.StatusOK, token, "GET", "/jobs/"+id+"/file", nil).Status)
	}
	files := 0
	for _, e := range entries(c.t, filepath.Join(c.data, "jobs")) {
		if strings.HasSuffix(e.Name(), ".bin") {
			files++
		}
	}
	require.Equal(c.t, len(jobs), files, "a job left two files, or none")
}

// holds looks into one database: everything acknowledged is there once, at its version and with its history.
func (c *city) holds(pool *sql.DB, l *load) {
	c.t.Helper()
	_, err := pool.ExecContext(c.t.Context(), "USE six")
	require.NoError(c.t, err)
	found := map[string]int{}
	c.each(pool, "SELECT r.id, r.version, (SELECT COUNT(*) FROM six.revisions v WHERE v.record_id = r.id), "+
		"(SELECT COUNT(*) FROM six.persons p WHERE p.record_id = r.id) FROM six.records r WHERE r.kind = 'person'",
		func(id string, version, revisions, persons int) {
			found[id] = version
			require.Equal(c.t, []int{version, 1}, []int{revisions, persons}, "record %s: revisions, details", id)
		})
	for id, version := range l.records {
		require.Equal(c.t, version, found[id], "record %s was acknowledged at version %d", id, version)
	}
	visits := map[string]bool{}
	c.each(pool, "SELECT id, 0, 0, 0 FROM six.visits", func(id string, _, _, _ int) { visits[id] = true })
	for id := range l.visits {
		require.True(c.t, visits[id], "a visit that was acknowledged is missing")
	}
}

func (c *city) each(pool *sql.DB, query string, row func(id string, a, b, d int)) {
	c.t.Helper()
	rows, err := pool.QueryContext(c.t.Context(), query)
	require.NoError(c.t, err)
	defer rows.Close()
	for rows.Next() {
		var id []byte
		var a, b, d int
		require.NoError(c.t, rows.Scan(&id, &a, &b, &d))
		text := hex.EncodeToString(id)
		row(fmt.Sprintf("%s-%s-%s-%s-%s", text[:8], text[8:12], text[12:16], text[16:20], text[20:]), a, b, d)
	}
	require.NoError(c.t, rows.Err())
}

// counted compares the tallies that every server gives with a count of the rows.
func (c *city) counted(token string) {
	c.t.Helper()
	want := map[string]float64{}
	rows, err := c.databases.Nodes[2].Pool().QueryContext(c.t.Context(),
		"SELECT CONCAT(kind, ' ', status), COUNT(*) FROM six.records WHERE street = ? GROUP BY kind, status", street)
	require.NoError(c.t, err)
	defer rows.Close()
	for rows.Next() {
		var key string
		var n float64
		require.NoError(c.t, rows.Scan(&key, &n))
		want[key] = n
	}
	require.NoError(c.t, rows.Err())
	for _, s := range c.servers {
		got := map[string]float64{}
		for kind, counts := range s.tallied(token, street) {
			for status, n := range counts {
				if n, _ := n.(float64); n > 0 && status != "total" {
					got[kind+" "+status] = n
				}
			}
		}
		require.Equal(c.t, want, got)
	}
}

// lonely leaves one database of three: it must not be used, and its servers say so.
func (c *city) lonely() {
	c.t.Helper()
	require.NoError(c.t, c.databases.Nodes[0].Kill())
	require.NoError(c.t, c.databases.Nodes[1].Kill())
	c.sees(c.t, "db3", "DOWN")
	for i := range c.servers {
		c.sees(c.t, "six"+itoa(i+1), "DOWN")
	}
	r, err := http.Get(c.servers[0].URL + "/readyz")
	require.NoError(c.t, err)
	require.NoError(c.t, r.Body.Close())
	require.Equal(c.t, http.StatusServiceUnavailable, r.StatusCode)
}
