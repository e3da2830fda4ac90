// Package store is the only one that opens a database. It has two doors, Read and Write; scope, sealing, the trace, paging and the
// translation of database errors happen here and nowhere else.
package store

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"sixelements/model"
	"sixelements/model/seal"
)

// Dialect is the database engine spoken to.
type Dialect string

// The two engines.
const (
	SQLite Dialect = "sqlite"
	MySQL  Dialect = "mysql"
)

// Options are what a DB needs.
type Options struct {
	Dialect Dialect
	Path    string // SQLite: the file
	DSN     string // MySQL: with clientFoundRows=true
	Keyring *seal.Keyring
	Suite   seal.Suite
	Clock   model.Clock
	Log     *slog.Logger
	// Conns is how many connections read at once; 0 means 8.
	Conns int
	// Wait is how long SQLite waits for another process's write before the transaction is run again; 0 means 10 s.
	Wait time.Duration
	// Limit is how long a Read may take; 0 means 30 s. It does not hold for Snapshot.
	Limit time.Duration
	// Slow is how long a statement may take before it is logged; 0 means 500 ms.
	Slow time.Duration
	// Bus carries what changed between nodes that share the database. Without one, nothing is cached on MySQL, where other nodes may
	// write.
	Bus Bus
	// Look is how many entries of an index a page of records may look at before it ends short; 0 means 24,000, about 15 ms.
	Look int
	// Watch, if not nil, is handed every statement that reads, with its values: tests ask for its plan.
	Watch func(query string, values []any)
	// Bare opens a database without its index key, as backup and restore need it; nothing can then be sealed, indexed or hashed.
	Bare bool
}

// DB is the database with its two doors.
type DB struct {
	o      Options
	read   *gorm.DB
	write  *gorm.DB // the same pool as read on MySQL
	lock   chan struct{}
	hasher *seal.Hasher

	answers *answers
	doing   atomic.Int64 // writes that wait or run
	queue   chan *member
	quit    chan struct{}
	stop    sync.Once
	writers sync.WaitGroup
}

// Open connects, and migrates the schema to the newest version when migrate is true. The caller closes it.
func Open(ctx context.Context, o Options, migrate bool) (*DB, error) {
	if o.Conns == 0 {
		o.Conns = 8
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if o.Limit == 0 {
		o.Limit = 30 * time.Second
	}
	if o.Slow == 0 {
		o.Slow = 500 * time.Millisecond
	}
	if o.Look == 0 {
		o.Look = defaultLook
	}
	db := &DB{o: o, lock: make(chan struct{}, 1), answers: newAnswers(), queue: make(chan *member, mostWrites), quit: make(chan struct{})}
	if err := db.connect(ctx); err != nil {
		return nil, err
	}
	db.start()
	if migrate {
		if err := db.Migrate(ctx); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if o.Bare {
		return db, nil
	}
	if err := db.openIndexKey(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if migrate {
		if err := db.beginTally(ctx); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if err := db.Optimize(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// start begins what runs beside the doors.
func (db *DB) start() {
	n := 1
	if db.o.Dialect == MySQL {
		n = mysqlWriters
		db.answers.trust(false)
	}
	if b := db.o.Bus; b != nil {
		db.answers.bus = b
		db.answers.trust(false)
		b.Subscribe(db.answers.end, func() { db.answers.trust(false) }, func() { db.answers.trust(true) })
	}
	for range n {
		db.writers.Go(db.writer)
	}
	if db.o.Dialect == SQLite && db.o.Bus == nil {
		db.writers.Go(db.outsiders)
	}
}

// outsiders looks once a second whether another program wrote to SQLite's file, as an operator's command does beside the service: then
// everything is looked up anew. The version counts the commits of other connections, and this program has one that writes.
func (db *DB) outsiders() {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for last := db.version(); ; {
		select {
		case <-db.quit:
			return
		case <-second.C:
		}
		if now := db.version(); now != last || now == 0 {
			db.answers.trust(true)
			last = now
		}
	}
}

// version changes with the commits of other connections than the one that writes; 0 when it cannot be read.
func (db *DB) version() (v int64) {
	if pool, err := db.write.DB(); err == nil {
		_ = pool.QueryRow("PRAGMA data_version").Scan(&v)
	}
	return v
}

func (db *DB) connect(ctx context.Context) (err error) {
	if db.o.Dialect == MySQL {
		if db.o.DSN, err = inStep(ctx, db.o.DSN); err != nil {
			return err
		}
		c, err := mysqlConnector(db.o.DSN)
		if err != nil {
			return err
		}
		d := mysql.New(mysql.Config{Conn: sql.OpenDB(keeping{c})})
		if db.read, err = db.open(d, 2*db.o.Conns); err != nil {
			return err
		}
		db.write = db.read
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(db.o.Path), 0o700); err != nil {
		return err
	}
	if err := private(db.o.Path); err != nil {
		return err
	}
	if err := db.lay(ctx); err != nil {
		return err
	}
	if db.write, err = db.openSQLite(false, 1); err != nil {
		return err
	}
	db.read, err = db.openSQLite(true, db.o.Conns)
	return err
}

// private makes sure that only the operator's user can read the file and its shared memory; the log beside them takes its mode from
// the file (modeof, below).
func private(path string) error {
	for _, name := range []string{path, path + "-shm"} {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// lay turns a new file to write-ahead logging, one process at a time: of several that do so at once some would be refused.
func (db *DB) lay(ctx context.Context) (err error) {
	if info, err := os.Stat(db.o.Path); err != nil || info.Size() > 0 {
		return err
	}
	one := &fileLock{beside: db.o.Path}
	if err := one.Lock(ctx, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, one.Unlock(ctx, nil)) }()
	pool, err := driver.Open(sqliteDSN(db.o, false))
	if err != nil {
		return err
	}
	return errors.Join(pool.PingContext(ctx), pool.Close())
}

func sqliteDSN(o Options, readOnly bool, pragmas ...string) string {
	wait := fmt.Sprintf("busy_timeout(%d)", o.Wait.Milliseconds())
	q := url.Values{"_pragma": {wait, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(0)",
		"cache_size(-8000)", "journal_size_limit(67108864)"}, "modeof": {o.Path}}
	q["_pragma"] = append(q["_pragma"], pragmas...)
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Set("_txlock", "immediate")
	}
	return "file:" + (&url.URL{Path: o.Path}).EscapedPath() + "?" + q.Encode()
}

func (db *DB) openSQLite(readOnly bool, conns int) (*gorm.DB, error) {
	c, err := (&driver.SQLite{}).OpenConnector(sqliteDSN(db.o, readOnly, "temp_store(MEMORY)"))
	if err != nil {
		return nil, err
	}
	return db.open(gormlite.OpenDB(sql.OpenDB(keeping{c})), conns)
}

func mysqlConnector(dsn string) (sqldriver.Connector, error) {
	c, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("the database's address cannot be read (check SIX_DATABASE)")
	}
	return mysqldriver.NewConnector(c)
}

// connLife is how long a connection lives: a proxy in front of MySQL moves it, and SQLite's planner sees only what had been counted
// (Optimize) when it was opened.
const connLife = 10 * time.Minute

func (db *DB) open(d gorm.Dialector, conns int) (*gorm.DB, error) {
	g, err := gorm.Open(d, &gorm.Config{SkipDefaultTransaction: true, TranslateError: false,
		DisableAutomaticPing: true, AllowGlobalUpdate: false,
		Logger:  &sqlLog{log: db.o.Log, slow: db.o.Slow},
		NowFunc: func() time.Time { return db.o.Clock() }})
	if err != nil {
		return nil, connectError(err)
	}
	pool, err := g.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxLifetime(connLife)
	if db.o.Watch != nil {
		watch := func(g *gorm.DB) {
			if !g.DryRun { // a part of another statement
				db.o.Watch(g.Statement.SQL.String(), g.Statement.Vars)
			}
		}
		err = errors.Join(g.Callback().Query().After("gorm:query").Register("six:watch", watch),
			g.Callback().Row().After("gorm:row").Register("six:watch", watch))
	}
	return g, errors.Join(err, register(g))
}

// connectError drops the driver's text, which may hold the address and user.
func connectError(err error) error {
	return fmt.Errorf("the database cannot be opened (check SIX_DATABASE): %w", errors.Unwrap(err))
}

// Close waits for the commits under way and closes every connection.
func (db *DB) Close() error {
	db.stop.Do(func() { close(db.quit) })
	db.writers.Wait()
	var errs []error
	for _, g := range []*gorm.DB{db.read, db.write} {
		if g == nil || g == db.read && db.o.Dialect == MySQL && len(errs) > 0 {
			continue
		}
		pool, err := g.DB()
		if err == nil {
			err = pool.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Optimize lets SQLite count what its planner goes by; without, it walks through a whole street to find one household or phone
// number. It costs next to nothing while the tables have not grown much. MySQL counts by itself.
func (db *DB) Optimize(ctx context.Context) error {
	if db.o.Dialect != SQLite {
		return nil
	}
	pool, err := db.write.DB()
	if err != nil {
		return err
	}
	select {
	case db.lock <- struct{}{}:
		defer func() { <-db.lock }()
	case <-ctx.Done():
		return ctx.Err()
	}
	// 0x10000: also tables that this connection has not asked; others do the asking. 0x02: count where it is worth it.
	_, err = pool.ExecContext(ctx, "PRAGMA analysis_limit = 400; PRAGMA optimize = 0x10002")
	return err
}

// Dialect is the engine in use.
func (db *DB) Dialect() Dialect { return db.o.Dialect }

// Now is the clock's time.
func (db *DB) Now() model.Time { return db.o.Clock.Now() }

// Keyring is what small secrets outside records are sealed with.
func (db *DB) Keyring() *seal.Keyring { return db.o.Keyring }

// Pool is the pool that reads, for backup, which reads every table as it is.
func (db *DB) Pool() (*sql.DB, error) { return db.read.DB() }

// WritePool is the pool that writes, for restore into an empty database.
func (db *DB) WritePool() (*sql.DB, error) { return db.write.DB() }

const indexKeyName = "index_key"

// openIndexKey reads the key of the blind indexes, made at the first start and sealed by the root key, so that changing the root
// key does not change the indexes.
func (db *DB) openIndexKey(ctx context.Context) error {
	ctx = AsSystem(ctx, "open the index key")
	var s model.Setting
	err := db.Read(ctx, func(tx *Tx) error { return tx.Q(&s).Where("name = ?", indexKeyName).Take(&s).Error })
	if errors.Is(err, gorm.ErrRecordNotFound) || model.IsCode(err, model.NotFound) {
		if s.Value, err = db.makeIndexKey(ctx); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if string(s.Value) == RestoreMark {
		return errUnfinished
	}
	key, err := db.o.Keyring.Open(s.Value, []byte(indexKeyName))
	if err != nil {
		return fmt.Errorf("the secret key does not open this database: %w", err)
	}
	// The hashes stay those of the suite the key was made under: a database whose suite is changed later seals with the new one, but
	// what was indexed before (numbers, openids, tokens) is still found.
	suite, err := seal.SuiteOf(s.Value)
	if err != nil {
		return err
	}
	db.hasher = seal.NewHasher(suite, key)
	return nil
}

func (db *DB) makeIndexKey(ctx context.Context) ([]byte, error) {
	fresh, err := seal.NewRoot()
	if err != nil {
		return nil, err
	}
	sealed, err := db.o.Keyring.Seal([]byte(fresh), []byte(indexKeyName))
	if err != nil {
		return nil, err
	}
	err = db.Write(ctx, model.Act{Name: "settings.init", Target: indexKeyName}, func(tx *Tx) error {
		return tx.Add(&model.Setting{Name: indexKeyName, Value: sealed, UpdatedAt: tx.Now()})
	})
	if errors.Is(err, ErrDuplicate) { // another node was quicker
		var s model.Setting
		err = db.Read(ctx, func(tx *Tx) error { return tx.Q(&s).Where("name = ?", indexKeyName).Take(&s).Error })
		return s.Value, err
	}
	return sealed, err
}

var _ logger.Interface = (*sqlLog)(nil)
