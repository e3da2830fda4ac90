package main

import (
	"context"

	"github.com/ncruces/go-sqlite3/driver"
)

// countRows counts a table of a SQLite file that another process may be writing to.
func countRows(ctx context.Context, path, table string) (n int64, err error) {
	db, err := driver.Open("file:" + path + "?_pragma=query_only(1)")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return n, db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n)
}
