package store_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/internal/testkit/child"
	"sixelements/internal/testkit/galera"
	"sixelements/model"
	"sixelements/model/store"
)

// onCluster is a database opened through each node of a cluster.
type onCluster struct {
	*galera.Cluster
	dbs [3]*store.DB
}

func TestOnACluster(t *testing.T) {
	t.Parallel()
	switch {
	case os.Getenv("SIX_LONG") == "":
		t.Skip("long: three database nodes")
	case testkit.OnMySQL():
		t.Skip("sqlite: a cluster is an engine of its own, once is enough")
	}
	dir, err := child.Dir("six-galera-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &onCluster{}
	c.Cluster, err = galera.Start(dir, "../../deploy/galera.cnf")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Stop()) })
	c.exec(t, 0, "CREATE DATABASE six CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	c.open(t)
	t.Run("who reads through another node sees what was acknowledged", c.readAfterWrite)
	t.Run("two nodes change one row", c.conflict)
	t.Run("a node that has lost the others is not ready", c.alone) // the last one: it kills
}

// open starts three programs at once on an empty database, each at its own node.
func (c *onCluster) open(t *testing.T) {
	o := testkit.Empty(t, testkit.Clock(t))
	o.Dialect = store.MySQL
	var all sync.WaitGroup
	var errs [3]error
	for i, n := range c.Nodes {
		config, err := mysql.ParseDSN(n.DSN() + "six")
		require.NoError(t, err)
		config.ClientFoundRows, config.InterpolateParams = true, true
		o := o
		o.DSN = config.FormatDSN()
		all.Go(func() { c.dbs[i], errs[i] = store.Open(context.Background(), o, true) })
	}
	all.Wait()
	for i, err := range errs {
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.dbs[i].Close()) })
	}
	var versions, rows int
	require.NoError(t, c.Nodes[1].Pool().QueryRowContext(t.Context(),
		"SELECT COUNT(DISTINCT version_id), COUNT(*) FROM six.goose_db_version").Scan(&versions, &rows))
	require.Equal(t, versions, rows, "no migration ran twice")
}

func (c *onCluster) exec(t *testing.T, node int, statement string) {
	t.Helper()
	_, err := c.Nodes[node].Pool().ExecContext(t.Context(), statement)
	require.NoError(t, err, statement)
}

func (c *onCluster) add(t *testing.T, node int, code string) {
	t.Helper()
	require.NoError(t, c.dbs[node].Write(store.AsSystem(t.Context(), "test"), model.Act{Name: "area.create"}, func(tx *store.Tx) error {
		return tx.Add(area(code))
	}))
}

func (c *onCluster) names(t *testing.T, node int, code string) (names []string) {
	t.Helper()
	require.NoError(t, c.dbs[node].Read(store.AsSystem(t.Context(), "test"), func(tx *store.Tx) error {
		return tx.Q(&model.Area{}).Where("code = ?", code).Pluck("name", &names).Error
	}))
	return names
}

func (c *onCluster) readAfterWrite(t *testing.T) {
	// The third node applies nothing as long as this lock is held.
	lock, err := c.Nodes[2].Pool().Conn(t.Context())
	require.NoError(t, err)
	_, err = lock.ExecContext(t.Context(), "FLUSH TABLES WITH READ LOCK")
	require.NoError(t, err)
	c.add(t, 0, community)
	var n int
	require.NoError(t, c.Nodes[2].Pool().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM six.areas").Scan(&n))
	require.Zero(t, n, "the node is behind: who asks it as it is reads what was")
	seen := make(chan int)
	go func() { seen <- len(c.names(t, 2, community)) }()
	select {
	case n := <-seen:
		require.Fail(t, "the door read before the node had caught up", "%d rows", n)
	case <-time.After(300 * time.Millisecond):
	}
	_, err = lock.ExecContext(t.Context(), "UNLOCK TABLES")
	require.NoError(t, err)
	require.NoError(t, lock.Close())
	require.Equal(t, 1, <-seen)
}

func (c *onCluster) conflict(t *testing.T) {
	const each = 60
	c.add(t, 0, grid)
	lost := c.lost(t)
	var all sync.WaitGroup
	for node, db := range c.dbs[:2] {
		for range 2 {
			all.Go(func() {
				for i := range each {
					act := model.Act{Name: "area.rename", Target: fmt.Sprint(node, " ", i)}
					if err := db.Write(store.AsSystem(t.Context(), "test"), act, func(tx *store.Tx) error {
						tx.Change(&model.Area{}, map[string]any{"name": fmt.Sprint(node, i)}, "code = ?", grid)
						return nil
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	require.Greater(t, c.lost(t), lost, "the nodes never met")
	var traces int
	require.NoError(t, c.Nodes[2].Pool().QueryRowContext(t.Context(),
		"SET STATEMENT wsrep_sync_wait=1 FOR SELECT COUNT(*) FROM six.audit WHERE act = 'area.rename'").Scan(&traces))
	require.Equal(t, 4*each, traces, "each was done once")
	require.Equal(t, c.names(t, 0, grid), c.names(t, 1, grid))
	t.Logf("%d transactions of %d lost to the other node's and were run again", c.lost(t)-lost, 4*each)
}

// lost is how many transactions the nodes gave up because another node's came first.
func (c *onCluster) lost(t *testing.T) (n int) {
	t.Helper()
	for _, node := range c.Nodes {
		for _, name := range []string{"wsrep_local_cert_failures", "wsrep_local_bf_aborts"} {
			value, err := node.Status(t.Context(), name)
			require.NoError(t, err)
			more, err := strconv.Atoi(value)
			require.NoError(t, err)
			n += more
		}
	}
	return n
}

func (c *onCluster) alone(t *testing.T) {
	db := c.dbs[2]
	require.NoError(t, db.Ready(t.Context()))
	require.NoError(t, c.Nodes[0].Kill())
	require.NoError(t, c.Nodes[1].Kill())
	require.Eventually(t, func() bool { return db.Ready(t.Context()) != nil }, 30*time.Second, 100*time.Millisecond)
	ctx := store.AsSystem(t.Context(), "test")
	require.ErrorIs(t, db.Read(ctx, func(tx *store.Tx) error { return tx.Q(&model.Area{}).Find(&[]model.Area{}).Error }),
		model.Fail(model.Busy))
	require.ErrorIs(t, db.Write(ctx, model.Act{Name: "area.create"}, func(tx *store.Tx) error { return tx.Add(area(micro)) }),
		model.Fail(model.Busy))
}
