package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path"
	"strconv"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// The tables of migrations: what was done, and who is at it.
const (
	versionTable = "goose_db_version"
	lockTable    = "migration_lock"
)

// floorSetting is the setting in which a migration that takes something away leaves its own number: programs that do not know that
// version cannot work with the schema from then on. Migrations that only add leave it alone, so that programs of the version before
// go on serving while nodes are upgraded one by one, and can be gone back to (docs/adr/0008).
const floorSetting = "schema_floor"

// Migrate brings the schema to the newest version; migrations only go forward. Of all processes that ask, on whatever node, one does
// it at a time and the others wait. It fails when a newer program has left a schema that this one cannot work with.
func (db *DB) Migrate(ctx context.Context) error {
	current, newest, err := db.Versions(ctx)
	if err != nil {
		return err
	}
	if current >= newest { // the usual start: no right to create tables is needed
		return db.fits(ctx, current, newest)
	}
	return db.MigrateTo(ctx, newest)
}

// MigrateTo brings the schema forward to a version and no further, as Migrate does.
func (db *DB) MigrateTo(ctx context.Context, version int64) (err error) {
	pool, one, err := db.oneMigrates()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	// Not goose.WithLocker: goose looks at the versions before it locks, and so into what another process has half made.
	if err := one.Lock(ctx, pool); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, one.Unlock(context.WithoutCancel(ctx), pool)) }()
	dir, err := fs.Sub(migrations, db.migrations())
	if err != nil {
		return err
	}
	dialect := goose.DialectSQLite3
	if db.o.Dialect == MySQL {
		dialect = goose.DialectMySQL
	}
	p, err := goose.NewProvider(dialect, pool, dir, goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	done, err := p.UpTo(ctx, version)
	for _, m := range done {
		db.o.Log.Info("migrated", "version", m.Source.Version, "took", m.Duration)
	}
	return err
}

// oneMigrates is a pool to migrate through, and what keeps other processes from doing so meanwhile.
func (db *DB) oneMigrates() (*sql.DB, lock.Locker, error) {
	if db.o.Dialect == MySQL {
		return db.tableLock()
	}
	pool, err := driver.Open(sqliteDSN(db.o, false)) // sorts on disk: an index may be larger than a connection's memory
	return pool, &fileLock{beside: db.o.Path}, err
}

// Ready is nil when the database answers, no migration is missing and none has taken away what this program needs. A node of a
// cluster that has lost the others does not answer.
func (db *DB) Ready(ctx context.Context) error {
	current, newest, err := db.Versions(ctx)
	if err != nil {
		return err
	}
	if current < newest {
		return errors.New("migrations are missing: run six migrate")
	}
	return db.fits(ctx, current, newest)
}

// fits is nil when the program, which knows the schema up to newest, can work with the current one.
func (db *DB) fits(ctx context.Context, current, newest int64) error {
	if current <= newest {
		return nil
	}
	pool, err := db.read.DB()
	if err != nil {
		return err
	}
	var value string
	err = pool.QueryRowContext(ctx, "SELECT `value` FROM `settings` WHERE `name` = ?", floorSetting).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if floor, err := strconv.ParseInt(value, 10, 64); err != nil || floor > newest {
		return fmt.Errorf("the database's schema is version %d, this program knows %d: it was upgraded by a newer program, and is not "+
			"for older ones any more", current, newest)
	}
	return nil
}

// SchemaVersion is the number of the newest migration that q sees done.
func (db *DB) SchemaVersion(ctx context.Context, q Querier) (version int64, err error) {
	err = q.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable+" WHERE is_applied = 1").Scan(&version)
	return version, err
}

// Versions are the database's schema version, 0 when it has no tables yet, and the newest that this program knows.
func (db *DB) Versions(ctx context.Context) (current, newest int64, err error) {
	files, err := fs.ReadDir(migrations, db.migrations())
	if err != nil {
		return 0, 0, err
	}
	if newest, err = goose.NumericComponent(files[len(files)-1].Name()); err != nil {
		return 0, 0, err
	}
	pool, err := db.write.DB()
	if err != nil {
		return 0, 0, err
	}
	there := "SELECT COUNT(*) FROM sqlite_master WHERE name = ?"
	if db.o.Dialect == MySQL {
		there = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	}
	var n int
	if err := pool.QueryRowContext(ctx, there, versionTable).Scan(&n); err != nil || n == 0 {
		return 0, newest, err
	}
	current, err = db.SchemaVersion(ctx, pool)
	return current, newest, err
}

func (db *DB) migrations() string { return path.Join("migrations", string(db.o.Dialect)) }

// tableLock is a lease in a table, taken by compare-and-set: GET_LOCK of one node of a cluster means nothing to the others. Who dies
// with it is waited for as long as the lease lasts.
func (db *DB) tableLock() (*sql.DB, lock.Locker, error) {
	const (
		lease = 30 * time.Second
		beat  = 5 * time.Second
		ask   = 250 * time.Millisecond
		wait  = time.Hour // an index of a whole city takes its time
	)
	c, err := mysqldriver.ParseDSN(db.o.DSN)
	if err != nil {
		return nil, nil, err
	}
	c.ParseTime = true // the lock reads its times
	connector, err := mysqldriver.NewConnector(c)
	if err != nil {
		return nil, nil, err
	}
	one, err := lock.NewMySQLTableLocker(lock.WithTableName(lockTable), lock.WithTableLeaseDuration(lease),
		lock.WithTableHeartbeatInterval(beat), lock.WithTableLockTimeout(ask, uint64(wait/ask)),
		lock.WithTableLogger(slog.New(slog.DiscardHandler)))
	return sql.OpenDB(connector), one, err
}

// fileLock is a transaction that holds an empty file beside the database's, and ends with the process at the latest. The file stays:
// whoever removed it would leave one process waiting for the old file and let another in by a new one.
type fileLock struct {
	beside string
	pool   *sql.DB
	tx     *sql.Tx
}

// Lock waits until no other process migrates.
func (l *fileLock) Lock(ctx context.Context, _ *sql.DB) (err error) {
	q := url.Values{"_pragma": {"busy_timeout(3600000)"}, "_txlock": {"exclusive"}, "modeof": {l.beside}}
	name := "file:" + (&url.URL{Path: l.beside + "-migrating"}).EscapedPath() + "?" + q.Encode()
	if l.pool, err = driver.Open(name); err != nil {
		return err
	}
	if l.tx, err = l.pool.BeginTx(ctx, nil); err != nil {
		return errors.Join(err, l.pool.Close())
	}
	return nil
}

// Unlock lets the next process migrate.
func (l *fileLock) Unlock(context.Context, *sql.DB) error {
	return errors.Join(l.tx.Rollback(), l.pool.Close())
}
