package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strings"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3"
	"gorm.io/gorm"

	"sixelements/model"
)

// ErrDuplicate says that a row broke a unique constraint. Callers that can say which translate it; it is a conflict otherwise.
var ErrDuplicate = errors.New("the row is there already")

// errVoid says that the transaction is gone and must be run again from its start.
var errVoid = errors.New("the transaction is void")

// errDoubt says that a COMMIT may have been done: its answer was lost.
var errDoubt = errors.New("whether the commit was done is not known")

// isRefusal tells whether the answer to a COMMIT says that it was not done: a deadlock, which on Galera is another node's change of the
// same row, or SQLite's file being locked.
func isRefusal(err error) bool {
	var my *mysqldriver.MySQLError
	return errors.As(err, &my) && my.Number == 1213 || errors.Is(err, sqlite3.BUSY)
}

// translate makes errors of the database the program's own; texts of the database go no further than the log.
func translate(err error) error {
	var me *model.Error
	switch {
	case err == nil, errors.As(err, &me), errors.Is(err, ErrDuplicate), errors.Is(err, errVoid):
		return err
	case errors.Is(err, gorm.ErrRecordNotFound):
		return model.Fail(model.NotFound)
	case isDuplicate(err):
		return errors.Join(ErrDuplicate, err)
	case isVoid(err):
		return errors.Join(errVoid, err)
	}
	return err
}

func isDuplicate(err error) bool {
	var my *mysqldriver.MySQLError
	if errors.As(err, &my) {
		return my.Number == 1062
	}
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY)
}

// voiding are the errors of MySQL, MariaDB, Galera and TiDB after which everything must run again.
var voiding = map[uint16]bool{
	1020: true,                         // row changed since the snapshot
	1047: true,                         // Galera: the node has lost the others, or is not in step yet
	1053: true,                         // the server shuts down
	1146: true,                         // Galera: a node that has just come back does not know its tables yet
	1205: true,                         // lock wait, or the wait for the others' writes (wsrep_sync_wait), took too long
	1213: true,                         // deadlock; Galera: another node's transaction came first
	1305: true,                         // the savepoint is gone, and the transaction with it
	1412: true,                         // a migration changed the table since the snapshot
	1927: true, 2006: true, 2013: true, // the connection was killed, is gone, was lost
	9007: true, // TiDB: write conflict
}

func isVoid(err error) bool {
	var my *mysqldriver.MySQLError
	if errors.As(err, &my) {
		return voiding[my.Number]
	}
	if errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED) {
		return true
	}
	var op *net.OpError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysqldriver.ErrInvalidConn) || errors.As(err, &op) ||
		errors.Is(err, sql.ErrConnDone) || strings.Contains(err.Error(), "bad connection")
}

// down tells whether the database could not be reached at all, or the disk is full: the caller may come back.
func down(err error) bool {
	if errors.Is(err, sqlite3.FULL) || errors.Is(err, sqlite3.IOERR) || errors.Is(err, sqlite3.INTERRUPT) { // the door's time is up
		return true
	}
	var my *mysqldriver.MySQLError
	if errors.As(err, &my) {
		return my.Number == 1040 || my.Number == 1021 || my.Number == 1114 // too many connections, disk full, table full
	}
	return errors.Is(err, errVoid) || errors.Is(err, context.DeadlineExceeded)
}
