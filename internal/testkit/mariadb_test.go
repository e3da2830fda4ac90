package testkit_test

import (
	"database/sql"
	"os"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver of the connection below
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/internal/testkit/mariadb"
)

// The test runner names its server in SIX_TEST_MYSQL; without it a test starts its own. Either lets databases be made.
func TestMariaDBLetsATestMakeItsDatabase(t *testing.T) {
	t.Parallel()
	dsn := os.Getenv("SIX_TEST_MYSQL")
	if dsn == "" {
		server, err := testkit.StartMariaDB(t.TempDir(), mariadb.Relaxed()...)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, server.Stop()) })
		dsn = server.DSN()
	}
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })

	var version string
	require.NoError(t, db.QueryRow("SELECT VERSION()").Scan(&version))
	require.Contains(t, version, "MariaDB")
	_, err = db.Exec("CREATE DATABASE mariadb_test_own CHARACTER SET utf8mb4")
	require.NoError(t, err)
	_, err = db.Exec("DROP DATABASE mariadb_test_own")
	require.NoError(t, err)
}
