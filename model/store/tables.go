package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3"
)

// ColumnKind is what a column holds, whatever the engine calls it.
type ColumnKind string

// The kinds; a moment is an Integer, a yes or no is 0 or 1.
const (
	Integer ColumnKind = "int"
	Real    ColumnKind = "real"
	Text    ColumnKind = "text"
	Bytes   ColumnKind = "bytes"
)

// Column is a table's column.
type Column struct {
	Name string     `json:"name"`
	Kind ColumnKind `json:"kind"`
}

// Table is a table as both engines have it: its columns in their order, and those of its primary key in theirs.
type Table struct {
	Name    string
	Columns []Column
	Key     []string
}

// Querier is a pool, a connection or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const (
	sqliteTables = `SELECT m.name, c.name, c.type, c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY m.name, c.cid`
	mysqlTables = `SELECT c.table_name, c.column_name, c.data_type, COALESCE(k.ordinal_position, 0)
		FROM information_schema.tables t
		JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
		LEFT JOIN information_schema.key_column_usage k ON k.table_schema = c.table_schema AND k.table_name = c.table_name
			AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY'
		WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, c.ordinal_position`
)

// Tables are all tables by name, without the two of migrations. A table that is none of the product's, or a column of no
// known kind, is an error that says so: leaving it out of a backup in silence would lose it.
func (db *DB) Tables(ctx context.Context, q Querier) (tables []Table, err error) {
	query := sqliteTables
	if db.o.Dialect == MySQL {
		query = mysqlTables
	}
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var table, column, kind string
		var key int
		if err := rows.Scan(&table, &column, &kind, &key); err != nil {
			return nil, err
		}
		if table == versionTable || table == lockTable {
			continue
		}
		if scopes[table] == nil {
			return nil, fmt.Errorf("the database holds the table %q, which is not the product's: move it to a database of its own", table)
		}
		if len(tables) == 0 || tables[len(tables)-1].Name != table {
			tables = append(tables, Table{Name: table})
		}
		if err := tables[len(tables)-1].add(column, kind, key); err != nil {
			return nil, err
		}
	}
	return tables, rows.Err()
}

// add notes a column; key is its place in the primary key, from 1, or 0.
func (t *Table) add(column, kind string, key int) error {
	k, ok := columnKinds[strings.ToLower(kind)]
	if !ok {
		return fmt.Errorf("column %s.%s is of the unknown type %q", t.Name, column, kind)
	}
	t.Columns = append(t.Columns, Column{column, k})
	if key > 0 {
		for len(t.Key) < key {
			t.Key = append(t.Key, "")
		}
		t.Key[key-1] = column
	}
	return nil
}

var columnKinds = map[string]ColumnKind{
	"integer": Integer, "boolean": Integer, "bigint": Integer, "int": Integer, "mediumint": Integer, "smallint": Integer,
	"tinyint": Integer, "real": Real, "double": Real,
	"text": Text, "varchar": Text, "char": Text, "tinytext": Text, "mediumtext": Text, "longtext": Text,
	"blob": Bytes, "binary": Bytes, "varbinary": Bytes, "tinyblob": Bytes, "mediumblob": Bytes, "longblob": Bytes,
}

// Snapshot runs fn on one state of the whole database, fixed by fn's first SELECT, while others go on writing.
func (db *DB) Snapshot(ctx context.Context, fn func(*sql.Tx) error) (err error) {
	pool, err := db.Pool()
	if err != nil {
		return err
	}
	o := &sql.TxOptions{}
	if db.o.Dialect == MySQL { // SQLite's transactions see one state anyway, and its pool here cannot write
		o = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := pool.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if end := tx.Rollback(); err == nil && !errors.Is(end, sql.ErrTxDone) {
			err = end
		}
	}()
	return fn(tx)
}

// IndexKeySetting is the setting that holds the key of the blind indexes, sealed by the root key.
const IndexKeySetting = indexKeyName

// RestoreMark stands in IndexKeySetting while a restore is at work; Open refuses a database that holds it.
const RestoreMark = "restore unfinished"

var errUnfinished = errors.New("a restore into this database did not finish: empty it (database and attachments) and restore again")

// OpensIndexKey is nil when the keyring opens the value of IndexKeySetting.
func (db *DB) OpensIndexKey(sealed []byte) error {
	_, err := db.o.Keyring.Open(sealed, []byte(indexKeyName))
	return err
}

// Refusal names a database's error by its number alone: its text may hold a value of the row.
func Refusal(err error) error {
	var my *mysqldriver.MySQLError
	var lite *sqlite3.Error
	switch {
	case errors.As(err, &my):
		return fmt.Errorf("MySQL error %d", my.Number)
	case errors.As(err, &lite):
		return fmt.Errorf("SQLite error %d", int(lite.ExtendedCode()))
	}
	return err
}
