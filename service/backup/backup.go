// Package backup writes everything the product stores, database and attachments, into one encrypted stream while the product goes
// on working, and restores it into an empty place, on the same engine or the other.
//
// A backup is an age file (age-encryption.org/v1) around a zstd stream (RFC 8878) around a tar: manifest.json, then the tables'
// rows in chunks under tables/, then the attachments under files/, then trailer.json with the counts and a SHA-256 over all before
// it. What is sealed in the database is sealed in the backup too; the root key is not in it.
package backup

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"sixelements/model"
	"sixelements/model/store"
)

// Source is what is backed up.
type Source struct {
	// DB may be opened bare: neither root key nor index key is needed.
	DB *store.DB
	// Blobs is the folder of the attachments' files; one that does not exist is empty. Names that begin with a dot or end in
	// ".part" are files not finished, and left out.
	Blobs string
	// Version is the program's, for the manifest.
	Version string
}

// Stats counts what was written or restored.
type Stats struct {
	Tables, Rows, Files int
	Bytes               int64 // of the encrypted stream
	// Untraced says that the database did not take the trace of the backup, as when its disk is full; the backup is good.
	Untraced bool
}

// Left is what a backup does not hold, for the operator to read. Sessions and jobs stay out so that a backup that is lost logs
// nobody in, and a restored one sends no message twice. The tallies stay out too: they are made anew from the records.
const Left = "not included: the root key (SIX_SECRET_KEY), without which the backup cannot be used; sessions; jobs and their files"

// without are the tables whose rows stay out.
var without = []string{"jobs", "sessions", "tally_deltas", "tally_households", "tally_parts", "tally_rooms"}

// The errors that a caller may want to tell apart.
var (
	ErrRecipient = errors.New("no recipient: give age public keys (age1…) or a passphrase")
	ErrIdentity  = errors.New("this key or passphrase does not open the backup")
	ErrDamaged   = errors.New("the backup is damaged or cut short")
	ErrNotEmpty  = errors.New("the place to restore into is not empty")
	ErrNewer     = errors.New("the backup was made by a newer version of this program: restore with that version")
	ErrRootKey   = errors.New("the secret key is not the one of this backup: set SIX_SECRET_KEY to that of the system it is of")
	// ErrPartial stands beside the reason when a restore ended half way.
	ErrPartial = errors.New("the place restored into now holds a part of the backup and will not be served: " +
		"empty it (database and attachments) before you try again")
)

// pageRows is how many rows one query asks for.
const pageRows = 1000

// Write writes a backup to w. Everything acknowledged before it began is in it; of what comes while it runs, each transaction is in
// it wholly or not at all. After an error w holds a stream that Restore refuses. Errors: ErrRecipient; those of database and files.
func Write(ctx context.Context, src Source, recipients []age.Recipient, w io.Writer) (s Stats, err error) {
	if len(recipients) == 0 {
		return s, ErrRecipient
	}
	s.Untraced = trace(ctx, src.DB, "backup.write", src.Version) != nil
	out := &counter{w: w}
	sealed, err := age.Encrypt(out, recipients...)
	if err != nil {
		return s, fmt.Errorf("encrypt: %w", err)
	}
	packed, err := zstd.NewWriter(sealed, zstd.WithEncoderConcurrency(1)) // the other cores are the service's
	if err != nil {
		return s, err
	}
	b := &writer{Source: src, archive: newArchive(packed), ctx: ctx, Stats: &s, rows: map[string]int64{}}
	if err := b.all(); err != nil {
		return s, err
	}
	// Only now: what is closed has its end, and a stream without its end is refused.
	for _, c := range []io.Closer{b.tar, packed, sealed} {
		if err := c.Close(); err != nil {
			return s, err
		}
	}
	s.Bytes = out.n
	return s, nil
}

// trace leaves the act in the audit table; the program itself acts where nobody else does.
func trace(ctx context.Context, db *store.DB, act, detail string) error {
	if store.ActorOf(ctx).IsZero() {
		ctx = store.AsSystem(ctx, "six "+strings.TrimPrefix(act, "backup."))
	}
	return db.Write(ctx, model.Act{Name: act, Detail: detail}, func(*store.Tx) error { return nil })
}

// counter counts what goes through.
type counter struct {
	w io.Writer
	r io.Reader
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// writer is one backup being written.
type writer struct {
	Source
	*archive
	*Stats
	ctx   context.Context
	rows  map[string]int64
	chunk []byte
	part  int // of the table
	bytes int64
}

func (b *writer) all() error {
	if err := b.DB.Snapshot(b.ctx, b.database); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	// After the database: a file is written before the row that names it, and never changed.
	if err := b.files(); err != nil {
		return fmt.Errorf("attachments: %w", err)
	}
	end := trailer{Rows: b.rows, Files: b.Files, FileBytes: b.bytes, SHA256: hex.EncodeToString(b.sum.Sum(nil))}
	return b.putJSON(trailerName, end)
}

func (b *writer) database(tx *sql.Tx) error {
	version, err := b.DB.SchemaVersion(b.ctx, tx)
	if err != nil {
		return err
	}
	tables, err := b.DB.Tables(b.ctx, tx)
	if err != nil {
		return err
	}
	// The settings come first: they hold what tells whether the root key is the right one.
	slices.SortStableFunc(tables, func(x, y store.Table) int { return rank(x) - rank(y) })
	m := manifest{Format: format, Version: b.Version, Schema: version, Engine: string(b.DB.Dialect()), At: b.DB.Now().String()}
	for _, t := range tables {
		m.Tables = append(m.Tables, tableHead{t.Name, t.Columns})
	}
	if err := b.putJSON(manifestName, m); err != nil {
		return err
	}
	for _, t := range tables {
		if slices.Contains(without, t.Name) {
			continue
		}
		if err := b.table(tx, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return b.unchanged(version)
}

func rank(t store.Table) int {
	if t.Name == settings {
		return 0
	}
	return 1
}

// unchanged makes sure that no migration ran meanwhile: a MySQL snapshot holds the rows, not the shape of the tables.
func (b *writer) unchanged(version int64) error {
	pool, err := b.DB.Pool()
	if err != nil || b.DB.Dialect() != store.MySQL {
		return err
	}
	now, err := b.DB.SchemaVersion(b.ctx, pool)
	if err == nil && now != version {
		return errors.New("a migration ran during the backup: start it again")
	}
	return err
}

// table writes a table's rows by pages in the order of its key: a query that waits for a slow disk or pipe would be ended by the
// server.
func (b *writer) table(tx *sql.Tx, t store.Table) error {
	if len(t.Key) == 0 {
		return errors.New("has no primary key")
	}
	b.part, b.rows[t.Name] = 0, 0
	b.Tables++
	var after []any
	for {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		n, last, err := b.page(tx, t, after)
		if err != nil {
			return err
		}
		if after = last; n < pageRows {
			return b.flush(t.Name)
		}
	}
}

// page writes the rows behind the key; it answers how many and the last one's key.
func (b *writer) page(tx *sql.Tx, t store.Table, after []any) (n int, last []any, err error) {
	where, args := behind(t.Key, after)
	query := fmt.Sprintf("SELECT %s FROM `%s`%s LIMIT %d", names(t.Columns), t.Name, where, pageRows)
	rows, err := tx.QueryContext(b.ctx, query, args...)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	values, at := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		at[i] = &values[i]
	}
	for ; rows.Next(); n++ {
		if err := rows.Scan(at...); err != nil {
			return 0, nil, err
		}
		if err := normal(t.Columns, values); err != nil {
			return 0, nil, err
		}
		last = keyOf(t, values, last[:0])
		b.chunk = appendRow(b.chunk, values)
		if len(b.chunk) >= chunkBytes {
			if err := b.flush(t.Name); err != nil {
				return 0, nil, err
			}
		}
	}
	b.Rows += n
	b.rows[t.Name] += int64(n)
	return n, last, rows.Err()
}

// flush writes the chunk, if it holds anything.
func (b *writer) flush(table string) error {
	if len(b.chunk) == 0 {
		return nil
	}
	b.part++
	err := b.put(fmt.Sprintf("%s%s/%06d", tablesDir, table, b.part), b.chunk)
	b.chunk = b.chunk[:0]
	return err
}

// names are the columns for a statement; backticks are quotes to both engines.
func names(columns []store.Column) string {
	var s strings.Builder
	for i, c := range columns {
		if i > 0 {
			s.WriteByte(',')
		}
		s.WriteString("`" + c.Name + "`")
	}
	return s.String()
}

func keyOf(t store.Table, values, into []any) []any {
	for _, k := range t.Key {
		into = append(into, values[slices.IndexFunc(t.Columns, func(c store.Column) bool { return c.Name == k })])
	}
	return into
}

// behind is the condition and order of rows that follow a key: a > ?, or for several columns a >= ? AND (a > ? OR (b > ? OR …)).
func behind(key []string, after []any) (where string, args []any) {
	order := " ORDER BY `" + strings.Join(key, "`,`") + "`"
	if len(after) == 0 {
		return order, nil
	}
	var follow func(i int) string
	follow = func(i int) string {
		k := "`" + key[i] + "`"
		if i == len(key)-1 {
			args = append(args, after[i])
			return k + " > ?"
		}
		args = append(args, after[i], after[i])
		return k + " >= ? AND (" + k + " > ? OR (" + follow(i+1) + "))"
	}
	return " WHERE " + follow(0) + order, args
}
