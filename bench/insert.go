package main

import (
	"context"
	"database/sql"
	"errors"
)

// inserter writes rows on one connection by prepared multi-row statements, each prepared once. It is not safe for concurrent use.
type inserter struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt // by their text
}

func newInserter(ctx context.Context, pool *sql.DB) (*inserter, error) {
	conn, err := pool.Conn(ctx)
	return &inserter{conn, map[string]*sql.Stmt{}}, err
}

// atOnce runs fn in one transaction.
func (w *inserter) atOnce(ctx context.Context, fn func() error) error {
	tx, err := w.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // does nothing after the commit
	if err := fn(); err != nil {
		return err
	}
	return tx.Commit()
}

// insert writes the rows whose values args holds one after another, in one statement. The statement belongs to the connection, thus
// to the transaction that is open on it.
func (w *inserter) insert(ctx context.Context, t *table, args []any) error {
	text := t.insert(len(args) / len(t.fields))
	stmt, ok := w.stmts[text]
	if !ok {
		var err error
		if stmt, err = w.conn.PrepareContext(ctx, text); err != nil {
			return err
		}
		w.stmts[text] = stmt
	}
	_, err := stmt.ExecContext(ctx, args...)
	return err
}

// close gives the connection back without its statements.
func (w *inserter) close() error {
	var errs []error
	for _, s := range w.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}
