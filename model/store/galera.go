package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	mysqldriver "github.com/go-sql-driver/mysql"
)

// inStep answers the data source name with which each transaction on a Galera node begins by waiting until the node has applied what
// the cluster had accepted by then. So whoever reads through one node sees what was acknowledged through another. On servers that are
// not of a cluster the name stays as it is.
func inStep(ctx context.Context, dsn string) (string, error) {
	connector, err := mysqlConnector(dsn)
	if err != nil {
		return "", err
	}
	pool := sql.OpenDB(connector)
	defer func() { _ = pool.Close() }() // only asked
	var name, on string
	err = pool.QueryRowContext(ctx, "SHOW VARIABLES LIKE 'wsrep_on'").Scan(&name, &on)
	if errors.Is(err, sql.ErrNoRows) || err == nil && on != "ON" {
		return dsn, nil
	}
	if err != nil {
		return "", fmt.Errorf("the database cannot be opened (check SIX_DATABASE): %w", Refusal(err))
	}
	c, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		return "", err
	}
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params["wsrep_sync_wait"] = "1" // reads, and the beginning of transactions
	return c.FormatDSN(), nil
}
