package galera_test

import (
	"database/sql"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/child"
	"sixelements/internal/testkit/galera"
)

func TestANodeThatWasKilledComesBackWithWhatItMissed(t *testing.T) {
	if os.Getenv("SIX_LONG") == "" {
		t.Skip("long: three database nodes")
	}
	t.Parallel()
	dir, err := child.Dir("six-galera-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	begin := time.Now()
	c, err := galera.Start(dir, "../../../deploy/galera.cnf")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Stop()) })
	t.Logf("three nodes in step after %s", time.Since(begin).Round(time.Millisecond))

	exec(t, c.Nodes[0].Pool(), "CREATE DATABASE street CHARACTER SET utf8mb4")
	exec(t, c.Nodes[0].Pool(), "CREATE TABLE street.houses (id INT PRIMARY KEY) ENGINE=InnoDB")
	exec(t, c.Nodes[1].Pool(), "INSERT INTO street.houses VALUES (1)")
	third := c.Nodes[2]
	require.NoError(t, third.Kill())
	require.Error(t, third.Pool().PingContext(t.Context()))
	require.Eventually(t, func() bool {
		size, err := c.Nodes[0].Status(t.Context(), "wsrep_cluster_size")
		return err == nil && size == "2"
	}, 30*time.Second, 50*time.Millisecond, "the others vote it out")
	exec(t, c.Nodes[0].Pool(), "INSERT INTO street.houses VALUES (2)")

	begin = time.Now()
	require.NoError(t, third.Rejoin())
	t.Logf("back after %s", time.Since(begin).Round(time.Millisecond))
	incremental, err := third.Incremental()
	require.NoError(t, err)
	require.True(t, incremental, "the others sent everything anew")
	var n int
	require.NoError(t, third.Pool().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM street.houses").Scan(&n))
	require.Equal(t, 2, n)
}

func exec(t *testing.T, pool *sql.DB, statement string) {
	t.Helper()
	_, err := pool.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}
