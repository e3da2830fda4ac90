package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"sixelements/model/store"
)

// Limits of a statement and of a transaction: larger statements save no time on SQLite; MariaDB takes 16 MB of text in which every
// byte may be escaped; Galera wants small transactions.
const (
	batchRows   = 1000
	batchValues = 1600
	batchBytes  = 2 << 20
	txRows      = 20000
	txBytes     = 16 << 20
)

// loader inserts rows, many to a statement, in transactions of bounded size.
type loader struct {
	ctx   context.Context
	conn  *sql.Conn
	tx    *sql.Tx
	table tableHead
	args  []any
	bytes int
	inTx  struct{ rows, bytes int }
}

func newLoader(ctx context.Context, db *store.DB) (*loader, error) {
	pool, err := db.WritePool()
	if err != nil {
		return nil, err
	}
	l := &loader{ctx: ctx}
	if l.conn, err = pool.Conn(ctx); err != nil {
		return nil, err
	}
	if db.Dialect() == store.MySQL { // a value that does not fit must be an error, whatever the server's settings
		_, err = l.conn.ExecContext(ctx, "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')")
	}
	if err != nil {
		return nil, errors.Join(err, l.conn.Close())
	}
	return l, nil
}

// close gives up what is not committed. It may be called twice.
func (l *loader) close() {
	if l.tx != nil {
		_ = l.tx.Rollback()
		l.tx = nil
	}
	_ = l.conn.Close()
}

// mark makes store.Open refuse the database until done. Of two restores at once, the second fails here.
func (l *loader) mark() error {
	const query = "INSERT INTO `settings` (`name`,`value`) VALUES (?,?)"
	_, err := l.conn.ExecContext(l.ctx, query, store.IndexKeySetting, []byte(store.RestoreMark))
	return refused(settings, err)
}

// add takes a row of so many bytes.
func (l *loader) add(t tableHead, row []any, bytes int) error {
	if t.Name != l.table.Name {
		if err := l.flush(); err != nil {
			return err
		}
		l.table = t
	}
	l.args = append(l.args, row...)
	l.bytes += bytes
	if rows := len(l.args) / len(row); rows < batchRows && len(l.args)+len(row) <= batchValues && l.bytes < batchBytes {
		return nil
	}
	if err := l.flush(); err != nil {
		return err
	}
	if l.inTx.rows < txRows && l.inTx.bytes < txBytes {
		return nil
	}
	return l.commit()
}

// flush sends the rows taken.
func (l *loader) flush() (err error) {
	if len(l.args) == 0 {
		return nil
	}
	if l.tx == nil {
		if l.tx, err = l.conn.BeginTx(l.ctx, nil); err != nil {
			return err
		}
	}
	width := len(l.table.Columns)
	rows := len(l.args) / width
	one := ",(?" + strings.Repeat(",?", width-1) + ")"
	query := "INSERT INTO `" + l.table.Name + "` (" + names(l.table.Columns) + ") VALUES " + strings.Repeat(one, rows)[1:]
	_, err = l.tx.ExecContext(l.ctx, query, l.args...)
	l.inTx.rows, l.inTx.bytes = l.inTx.rows+rows, l.inTx.bytes+l.bytes
	clear(l.args)
	l.args, l.bytes = l.args[:0], 0
	return refused(l.table.Name, err)
}

func (l *loader) commit() error {
	if l.tx == nil {
		return nil
	}
	err := l.tx.Commit()
	l.tx, l.inTx.rows, l.inTx.bytes = nil, 0, 0
	return err
}

// done writes what is left and, in one transaction of their own, the settings in the place of the mark.
func (l *loader) done(t tableHead, rows [][]any) (err error) {
	if err := errors.Join(l.flush(), l.commit()); err != nil {
		return err
	}
	if l.tx, err = l.conn.BeginTx(l.ctx, nil); err != nil {
		return err
	}
	if _, err := l.tx.ExecContext(l.ctx, "DELETE FROM `settings` WHERE `name` = ?", store.IndexKeySetting); err != nil {
		return refused(settings, err)
	}
	l.table = t
	for _, row := range rows {
		l.args = append(l.args, row...)
		if err := l.flush(); err != nil {
			return err
		}
	}
	return l.commit()
}

// refused names the table and the error's number; the database's text may hold the row.
func refused(table string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the database refused rows of %s: %w", table, store.Refusal(err))
}
