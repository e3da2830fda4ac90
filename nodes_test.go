//go:build linux

package main

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Two servers share one database and one folder: MariaDB for a street that has outgrown one server, and SQLite for the moment in which
// a new process takes over from the old one.

func TestTwoServersServeOneStreet(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, data string, db database) {
		a, b, env := twoServers(t, data, db)
		admin := a.byPassword("root-of-all")
		require.Equal(t, "root-of-all", b.do(http.StatusOK, admin, "GET", "/me", nil).JSON["username"], "one logs in to all")
		staff := b.staffed(admin)

		var jobs []string
		for i, format := range []string{"xlsx", "csv", "xlsx", "csv", "xlsx", "csv"} {
			s := []*server{a, b}[i%2]
			r := s.do(http.StatusAccepted, staff, "POST", "/exports", map[string]any{"kind": "person", "area": street, "format": format})
			jobs = append(jobs, r.JSON["job"].(map[string]any)["id"].(string))
		}
		for _, id := range jobs {
			for _, s := range []*server{a, b} { // one of them did not do it, and hears of it all the same
				require.Contains(t, s.events(staff, id), `"state":"done"`)
				require.Equal(t, http.StatusOK, s.do(http.StatusOK, staff, "GET", "/jobs/"+id+"/file", nil).Status)
			}
		}
		require.Len(t, entries(t, filepath.Join(data, "jobs")), len(jobs), "every job left one file")
		var done int
		const once = "SELECT COUNT(*) FROM jobs WHERE kind = 'export' AND attempts = 1"
		require.NoError(t, db.pool(t).QueryRowContext(t.Context(), once).Scan(&done))
		require.Equal(t, len(jobs), done, "every job was done once")

		b.do(http.StatusNoContent, staff, "DELETE", "/sessions/current", nil)
		require.Eventually(t, func() bool { // on SQLite one server sees within a second what the other wrote
			r, err := a.ask(staff, "GET", "/me", nil)
			return err == nil && r.Status == http.StatusUnauthorized
		}, 20*time.Second, 100*time.Millisecond)
		require.Zero(t, a.stop(), a.err.String())
		require.Zero(t, b.stop(), b.err.String())
		code, said := runCommand(t, env, "", "audit", "verify")
		require.Zero(t, code, said)
	})
}

var firstMigration = regexp.MustCompile(`"msg":"migrated".*"version":1,`)

// twoServers starts two servers at once on an empty database, and founds a street while they run.
func twoServers(t *testing.T, data string, db database) (a, b *server, env []string) {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte(rootKey+"\n"), 0o600))
	env = append([]string{"SIX_DATA=" + data, "SIX_SECRET_KEY_FILE=" + key, "SIX_RATE_LIMIT=off"}, db.env...)
	both := make([]*server, 2)
	for i := range both {
		p := start(t, append([]string{"SIX_LISTEN=127.0.0.1:0"}, env...), "", "serve")
		both[i] = &server{process: p, Data: data, heard: &lines{}}
	}
	migrated := 0
	for _, s := range both {
		s.ready(serveAddress, &s.err)
		migrated += len(firstMigration.FindAllString(s.err.String(), -1))
	}
	require.Equal(t, 1, migrated, "one of two migrates")
	code, said := runCommand(t, env, "", "seed", "--buildings", "2", "--people", "30", "--shops", "4", "--others", "2")
	require.Zero(t, code, said)
	code, said = runCommand(t, env, password+"\n", "admin", "create", "--username", "root-of-all")
	require.Zero(t, code, said)
	return both[0], both[1], env
}

// events is all that a server says of a job until it has ended.
func (s *server) events(token, job string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.URL+"/api/v1/jobs/"+job+"/events", nil)
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	var all strings.Builder
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		all.WriteString(lines.Text() + "\n")
	}
	return all.String()
}
