package mariadb_test

import (
	"bufio"
	"database/sql"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/mariadb"
)

// asParent names a variable; set, it holds a folder, and this test binary starts a server there, prints its DSN and waits.
const asParent = "SIX_MARIADB_PARENT"

func TestMain(m *testing.M) {
	dir := os.Getenv(asParent)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := mariadb.Start(dir, mariadb.Relaxed()...)
	if err != nil {
		panic(err)
	}
	if _, err := os.Stdout.WriteString(s.DSN() + "\n"); err != nil {
		panic(err)
	}
	select {} // until it is killed
}

func TestStartGivesAnEmptyServerThatKeepsWhatIsWritten(t *testing.T) {
	t.Parallel()
	s, err := mariadb.Start(t.TempDir(), mariadb.Relaxed()...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	db := open(t, s.DSN())

	_, err = db.Exec("CREATE DATABASE street CHARACTER SET utf8mb4")
	require.NoError(t, err)
	_, err = db.Exec("CREATE TABLE street.houses (name VARCHAR(20) NOT NULL) CHARACTER SET utf8mb4")
	require.NoError(t, err)
	_, err = db.Exec("INSERT INTO street.houses VALUES (?)", "幸福里1号楼")
	require.NoError(t, err)
	var name string
	require.NoError(t, db.QueryRow("SELECT name FROM street.houses").Scan(&name))
	require.Equal(t, "幸福里1号楼", name)
}

func TestSettingsAreDurableUnlessRelaxed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings []string
		flush    string
	}{
		"as it comes": {nil, "1"},
		"relaxed":     {mariadb.Relaxed(), "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := mariadb.Start(t.TempDir(), c.settings...)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Stop()) })
			var flush, schema, bind, connections string
			require.NoError(t, open(t, s.DSN()).QueryRow(
				"SELECT @@innodb_flush_log_at_trx_commit, @@performance_schema, @@bind_address, @@max_connections",
			).Scan(&flush, &schema, &bind, &connections))
			require.Equal(t, []string{c.flush, "0", "127.0.0.1", "300"}, []string{flush, schema, bind, connections})
		})
	}
}

func TestStopEndsTheServerAndMayBeCalledTwice(t *testing.T) {
	t.Parallel()
	s, err := mariadb.Start(t.TempDir(), mariadb.Relaxed()...)
	require.NoError(t, err)
	require.NoError(t, s.Stop())
	require.Error(t, open(t, s.DSN()).Ping(), "a stopped server lets nobody in")
	require.NoError(t, s.Stop())
}

func TestStartSaysWhyItFailed(t *testing.T) {
	t.Parallel()
	t.Run("a setting the server does not know", func(t *testing.T) {
		t.Parallel()
		_, err := mariadb.Start(t.TempDir(), "--no-such-setting=1")
		require.ErrorContains(t, err, "no-such-setting")
	})
	t.Run("a folder that does not exist", func(t *testing.T) {
		t.Parallel()
		_, err := mariadb.Start(t.TempDir() + "/missing")
		require.ErrorIs(t, err, os.ErrNotExist)
	})
}

func TestTheServerDiesWithTheProcessThatStartedIt(t *testing.T) {
	t.Parallel()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), asParent+"="+t.TempDir())
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line := bufio.NewScanner(out)
	require.True(t, line.Scan(), "the parent reports its server")
	dsn := line.Text()
	require.NoError(t, open(t, dsn).Ping())

	require.NoError(t, parent.Process.Kill(), "no chance to clean up")
	_ = parent.Wait() // killed, as intended
	config, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", config.Addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 10*time.Second, 20*time.Millisecond, "nobody listens where the server was")
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
