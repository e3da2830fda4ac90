//go:build linux

package main

import (
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql" // for the databases of the tests
	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
)

const (
	street     = "410102002"
	rootKey    = "a root key of the tests, 32 characters and more"
	passphrase = "correct horse battery staple"
	password   = "Ninety-nine4balloons"
)

// database is a place for `six serve`: its variables, and how a test looks into it.
type database struct {
	name string
	env  []string
	pool func(t *testing.T) *sql.DB
	dir  string // where the engine keeps its files
}

// sqliteIn is the embedded database of a data folder.
func sqliteIn(data string) database {
	return database{name: "SQLite", dir: data, pool: func(t *testing.T) *sql.DB {
		return open(t, "sqlite3", "file:"+filepath.Join(data, "six.db"))
	}}
}

// mariaDB is a new, empty database of the process's MariaDB; its root key comes from a file.
func mariaDB(t *testing.T, data string) database {
	t.Helper()
	own, err := ownMariaDB()
	require.NoError(t, err)
	name := "six_" + strings.ToLower(strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, t.Name()+filepath.Base(data)))
	name = name[:min(len(name), 60)]
	_, err = open(t, "mysql", own.DSN()).ExecContext(t.Context(), "CREATE DATABASE `"+name+"`")
	require.NoError(t, err)
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte(rootKey+"\n"), 0o600))
	url := "mysql://" + strings.NewReplacer("tcp(", "", ")", "").Replace(own.DSN()) + name
	return database{name: "MariaDB", env: []string{"SIX_DATABASE=" + url, "SIX_SECRET_KEY_FILE=" + key}, dir: own.Dir,
		pool: func(t *testing.T) *sql.DB { return open(t, "mysql", own.DSN()+name) }}
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	pool, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return pool
}

// onBoth runs a test on either engine, each with a data folder of its own.
func onBoth(t *testing.T, test func(t *testing.T, data string, db database)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		data := filepath.Join(t.TempDir(), "data")
		test(t, data, sqliteIn(data))
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		data := filepath.Join(t.TempDir(), "data")
		test(t, data, mariaDB(t, data))
	})
}

// founded is what an operator does on the first day: an administrator, then the service; a street is seeded so that there is work.
func founded(t *testing.T, data string, db database, env ...string) (s *server, admin string, all []string) {
	t.Helper()
	all = append(append([]string{"SIX_DATA=" + data, "SIX_WEB_FORM=on"}, db.env...), env...)
	code, said := runCommand(t, all, "", "seed", "--buildings", "2", "--people", "30", "--shops", "4", "--others", "2")
	require.Zero(t, code, said)
	code, said = runCommand(t, all, password+"\n", "admin", "create", "--username", "root-of-all")
	require.Zero(t, code, said)
	require.NotContains(t, said, password)
	s = serveAt(t, data, all...)
	return s, s.byPassword("root-of-all"), all
}

// staffed makes an account that works for the whole street and logs it in.
func (s *server) staffed(admin string) string {
	s.t.Helper()
	a := s.do(http.StatusCreated, admin, "POST", "/accounts", map[string]any{"username": "of-street", "name": "王工", "password": password,
		"roles": []map[string]any{{"role": "street", "area_code": street}}})
	require.NotContains(s.t, a.Text, password)
	return s.byPassword("of-street")
}

func (s *server) byPassword(username string) string {
	s.t.Helper()
	return s.login(map[string]any{"grant": "password", "username": username, "password": password})
}

func TestEveryFaultOfTheConfigurationIsToldAtOnceAndNoneIsRepeated(t *testing.T) {
	t.Parallel()
	code, said := runCommand(t, []string{"SIX_LISTEN=nowhere-in-particular", "SIX_WORKERS=913", "SIX_TYPO=oh-no", "SIX_SECRET_KEY=tooshort",
		"SIX_DATABASE=mysql://u:hunter2@h", "SIX_REQUEST_TIMEOUT=87h", "SIX_RATE_LIMIT=perhaps"}, "", "serve")
	require.Equal(t, 1, code)
	for _, name := range []string{"LISTEN", "WORKERS", "TYPO", "SECRET_KEY", "DATABASE", "REQUEST_TIMEOUT", "RATE_LIMIT"} {
		require.Contains(t, said, "SIX_"+name+": ")
	}
	for _, value := range []string{"nowhere-in", "913", "oh-no", "tooshort", "hunter2", "87h", "perhaps"} {
		require.NotContains(t, said, value)
	}
}

func TestTheCommandLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		env   []string
		code  int
		says  string
	}{
		{name: "without a command it helps", says: "six serve --help lists every setting"},
		{name: "help names every command", args: []string{"help"}, says: "six restore FILE"},
		{name: "serve lists its settings", args: []string{"serve", "--help"}, says: "SIX_TRUSTED_PROXIES"},
		{name: "an unknown command is wrong usage", args: []string{"dance"}, code: 2, says: "unknown command"},
		{name: "an unknown flag is wrong usage", args: []string{"demo", "--loud"}, code: 2, says: "usage: six demo"},
		{name: "serve takes no arguments", args: []string{"serve", "8080"}, code: 2, says: "configured by SIX_* variables"},
		{name: "an administrator needs a name", args: []string{"admin", "create"}, code: 2, says: "--username is needed"},
		{name: "a password without three classes is refused", args: []string{"admin", "create", "--username", "boss"},
			stdin: "aaaaaaaaaaaa\n", code: 1, says: "密码要含大写字母、小写字母、数字、符号中的三种"},
		{name: "no password is refused", args: []string{"admin", "create", "--username", "boss"}, code: 1},
		{name: "a street that is not in the list is refused", args: []string{"seed", "--street", "999999999", "--people", "1"}, code: 1},
		{name: "a backup needs somebody to open it", args: []string{"backup", "b.age"}, code: 1},
		{name: "mysql needs the root key", args: []string{"serve"}, env: []string{"SIX_DATABASE=mysql://u:p@127.0.0.1:1/x"}, code: 1,
			says: "SIX_SECRET_KEY"},
		{name: "version prints one line", args: []string{"version"}, says: "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, said := runCommand(t, append(c.env, "SIX_DATA="+t.TempDir()), c.stdin, c.args...)
			require.Equal(t, c.code, code, said)
			require.Contains(t, said, c.says)
			require.NotContains(t, said, "aaaaaaaaaaaa")
			require.NotContains(t, said, "goroutine ")
		})
	}
}

func TestTheDocumentOfTheAPIIsWhatTheCodeSays(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "", "openapi")
	require.Zero(t, p.wait(), p.err.String())
	kept, err := os.ReadFile("docs/openapi.yaml")
	require.NoError(t, err, "make gen writes it")
	require.Equal(t, string(kept), p.out.String(), "make gen writes it anew")
}

func TestAnEmbeddedInstallationMakesItsRootKeyOnceAndSaysSo(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := serveAt(t, data)
	require.Contains(t, s.err.String(), "a root key was made: back it up apart from the data")
	info, err := os.Stat(filepath.Join(data, keyFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	key, err := os.ReadFile(filepath.Join(data, keyFile))
	require.NoError(t, err)
	require.NotContains(t, s.err.String(), strings.TrimSpace(string(key)))
	for _, e := range entries(t, data) {
		require.Zero(t, e.Mode().Perm()&0o077, "%s is the operator's alone", e.Name())
	}
	require.Zero(t, s.stop(), s.err.String())
	again := serveAt(t, data)
	require.NotContains(t, again.err.String(), "a root key was made")
	kept, err := os.ReadFile(filepath.Join(data, keyFile))
	require.NoError(t, err)
	require.Equal(t, key, kept)
}

func TestASeedThatIsInterruptedDoesNotCallItselfDone(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"SIX_DATA=" + t.TempDir()}, "", "seed")
	await(t, "the first records", func() bool { return strings.Contains(p.out.String(), " of 35251 records") })
	require.NotZero(t, p.stop(), p.out.String())
}

func entries(t *testing.T, dir string) (out []os.FileInfo) {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range list {
		info, err := e.Info()
		require.NoError(t, err)
		out = append(out, info)
	}
	return out
}

func TestAnOperatorFoundsBacksUpAndRestores(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, data string, db database) {
		s, admin, env := founded(t, data, db)
		for _, a := range s.do(http.StatusOK, admin, "GET", "/areas?parent="+street, nil).items() {
			require.Len(t, a["code"], 12)
		}
		staff := s.staffed(admin)
		_, code := s.code(staff, street)
		resident := s.agree(s.login(map[string]any{"grant": "scan", "code": code}))
		person := sample.New(sample.Options{Seed: 77}).Household(1, "registered")[0]
		id := s.do(http.StatusCreated, resident, "POST", "/records", map[string]any{"kind": "person", "qr": code, "data": person}).str("id")
		before := s.tallied(staff, street)
		file := filepath.Join(t.TempDir(), "six.age")
		n, said := runCommand(t, append(env, "SIX_BACKUP_PASSPHRASE="+passphrase), "", "backup", file) // while it serves
		require.Zero(t, n, said)
		require.NotContains(t, said, passphrase)
		s.do(http.StatusOK, staff, "GET", "/records/"+id, nil)
		require.Zero(t, s.stop(), s.err.String())

		newData, env2 := elsewhere(t, data, db)
		wrong, said := runCommand(t, append(env2, "SIX_BACKUP_PASSPHRASE=another passphrase"), "", "restore", file)
		require.Equal(t, 1, wrong, said)
		n, said = runCommand(t, append(env2, "SIX_BACKUP_PASSPHRASE="+passphrase), "", "restore", file)
		require.Zero(t, n, said)
		n, said = runCommand(t, append(env2, "SIX_BACKUP_PASSPHRASE="+passphrase), "", "restore", file)
		require.Equal(t, 1, n, "a place that holds rows is not written over: %s", said)
		r := serveAt(t, newData, env2...)
		staff = r.byPassword("of-street") // sessions are not in a backup
		require.Equal(t, before, r.tallied(staff, street))
		got := r.do(http.StatusOK, staff, "POST", "/records/"+id+"/reveal", map[string]any{"fields": []string{"id_no"}, "reason": "核对登记"})
		require.Equal(t, person["id_no"], got.JSON["fields"].(map[string]any)["id_no"])
		n, said = runCommand(t, env2, "", "audit", "verify")
		require.Zero(t, n, said)
	})
}

// elsewhere is an empty place with the root key of another.
func elsewhere(t *testing.T, data string, db database) (newData string, env []string) {
	t.Helper()
	newDB := database{}
	newData = filepath.Join(t.TempDir(), "restored")
	require.NoError(t, os.Mkdir(newData, 0o700))
	if db.name == "MariaDB" {
		newDB = mariaDB(t, newData)
	} else {
		newDB = sqliteIn(newData)
		key, err := os.ReadFile(filepath.Join(data, keyFile))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(newData, keyFile), key, 0o600))
	}
	return newData, append([]string{"SIX_DATA=" + newData, "SIX_WEB_FORM=on"}, newDB.env...)
}

func TestTalliesAreMadeComparedAndMadeAnew(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, data string, db database) {
		s, admin, env := founded(t, data, db)
		staff := s.staffed(admin)
		_, code := s.code(staff, street)
		resident := s.agree(s.login(map[string]any{"grant": "scan", "code": code}))
		person := sample.New(sample.Options{Seed: 78}).Household(1, "registered")[0]
		s.do(http.StatusCreated, resident, "POST", "/records", map[string]any{"kind": "person", "qr": code, "data": person})
		pool := db.pool(t)
		change := func(query string) {
			t.Helper()
			_, err := pool.ExecContext(t.Context(), query)
			require.NoError(t, err)
		}
		await(t, "the folding", func() bool {
			n := -1
			require.NoError(t, pool.QueryRowContext(t.Context(), "SELECT count(*) FROM tally_deltas").Scan(&n))
			return n == 0
		})
		want := s.tallied(staff, street)
		require.Positive(t, want["person"]["submitted"])
		run := func(exit int, part string, args ...string) {
			t.Helper()
			n, said := runCommand(t, env, "", append([]string{"tally"}, args...)...) // while it serves
			require.Equal(t, exit, n, said)
			require.Contains(t, said, part)
		}
		run(0, " 0 numbers", "check")
		change("DELETE FROM tally_parts WHERE id LIKE 's09/%'")
		require.NotEqual(t, want, s.tallied(staff, street))
		run(1, "run six tally rebuild", "check")
		run(0, "put right", "rebuild")
		run(0, " 0 numbers", "check")
		require.Equal(t, want, s.tallied(staff, street))
		run(2, "usage", "forget")
		require.Zero(t, s.stop(), s.err.String())
		change("DELETE FROM tally_parts") // as after a restore
		run(1, "not made yet", "check")
		r := serveAt(t, data, env...)
		staff = r.byPassword("of-street")
		require.Equal(t, want, r.tallied(staff, street))
		await(t, "the tallies made by the server", func() bool {
			n, _ := runCommand(t, env, "", "tally", "check")
			return n == 0
		})
		require.Equal(t, want, r.tallied(staff, street))
	})
}

func TestTheTraceHoldsAndAChangedRowIsNoticed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, data string, db database) {
		s, admin, env := founded(t, data, db)
		s.staffed(admin)
		pool := db.pool(t)
		await(t, "the chain of all there was", func() bool {
			var open, sealed int
			require.NoError(t, pool.QueryRowContext(t.Context(), "SELECT count(*)-count(seq), count(seq) FROM audit").Scan(&open, &sealed))
			return open == 0 && sealed > 10
		})
		require.Zero(t, s.stop(), s.err.String())
		code, said := runCommand(t, env, "", "audit", "verify")
		require.Zero(t, code, said)
		require.Contains(t, said, "the chain holds")
		_, err := pool.ExecContext(t.Context(), "UPDATE audit SET actor_name = '别人' WHERE seq = 7")
		require.NoError(t, err)
		code, said = runCommand(t, env, "", "audit", "verify")
		require.Equal(t, 1, code)
		require.Contains(t, said, "changed at number 7")
	})
}
