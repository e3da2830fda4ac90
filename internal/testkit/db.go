// Package testkit is what tests share: a migrated database each, on SQLite or MariaDB, a clock that stands still, actors, and the
// doubles of what lies outside.
package testkit

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/model/store"
)

// The environment by which the test runner chooses the engine.
const (
	// EnvEngine is SIX_TEST_DATABASE: "mysql" for MariaDB; SQLite otherwise.
	EnvEngine = "SIX_TEST_DATABASE"
	// EnvMySQL is SIX_TEST_MYSQL: the MariaDB to use, user:password@tcp(127.0.0.1:port)/; without it one is started.
	EnvMySQL = "SIX_TEST_MYSQL"
)

// OnMySQL tells whether the tests run on MariaDB.
func OnMySQL() bool { return os.Getenv(EnvEngine) == "mysql" }

// DB is a migrated database of the test's own, gone when the test is. Its clock stands at Start.
func DB(t testing.TB) *store.DB {
	t.Helper()
	return DBAt(t, Clock(t))
}

// DBAt is DB by the clock.
func DBAt(t testing.TB, clock *FixedClock) *store.DB {
	t.Helper()
	return Open(t, Options(t, clock))
}

// Open opens a database that Options made; opened twice, it is as two nodes see it.
func Open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o, false)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// Options are those of a migrated database of the test's own, gone when the test is.
func Options(t testing.TB, clock *FixedClock) store.Options {
	t.Helper()
	o := options(t, clock)
	if OnMySQL() {
		o.Dialect, o.DSN = store.MySQL, mysqlDatabase(t)
		return o
	}
	file, err := sqliteTemplate()
	require.NoError(t, err)
	o.Dialect, o.Path = store.SQLite, filepath.Join(t.TempDir(), "six.db")
	require.NoError(t, os.WriteFile(o.Path, file, 0o600))
	return o
}

// Empty are Options of a database without any table, for tests of migrations.
func Empty(t testing.TB, clock *FixedClock) store.Options {
	t.Helper()
	o := options(t, clock)
	if OnMySQL() {
		o.Dialect, o.DSN = store.MySQL, emptyDatabase(t)
		return o
	}
	o.Dialect, o.Path = store.SQLite, filepath.Join(t.TempDir(), "six.db")
	return o
}

// Keyring is the keyring with which every test's database is sealed; its clock stands at Start.
func Keyring(t testing.TB) *seal.Keyring {
	t.Helper()
	return keyringAt(t, Clock(t))
}

func keyringAt(t testing.TB, clock *FixedClock) *seal.Keyring {
	t.Helper()
	k, err := newKeyring(clock)
	require.NoError(t, err)
	return k
}

// newKeyring has the same root in every process, for tests only.
func newKeyring(clock *FixedClock) (*seal.Keyring, error) {
	return seal.NewKeyring(seal.AES, clock.Now, bytes.Repeat([]byte{7}, 32))
}

func options(t testing.TB, clock *FixedClock) store.Options {
	t.Helper()
	return store.Options{Keyring: keyringAt(t, clock), Suite: seal.AES, Clock: model.Clock(clock.Now), Conns: 4,
		Log: slog.New(slog.NewTextHandler(testLog{t}, nil))}
}

// testLog writes the program's log into the test's.
type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(string(bytes.TrimSpace(b)))
	return len(b), nil
}

// sqliteTemplate is the file of a fresh database, made once per process: migrating costs more than most tests.
var sqliteTemplate = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "six-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o, err := templateOptions()
	if err != nil {
		return nil, err
	}
	o.Dialect, o.Path = store.SQLite, filepath.Join(dir, "six.db")
	db, err := store.Open(context.Background(), o, true)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // the last connection to go moves the log into the file
		return nil, err
	}
	return os.ReadFile(o.Path)
})

func templateOptions() (store.Options, error) {
	clock := &FixedClock{now: Start()}
	k, err := newKeyring(clock)
	return store.Options{Keyring: k, Suite: seal.AES, Clock: clock.Now, Log: slog.New(slog.DiscardHandler)}, err
}
