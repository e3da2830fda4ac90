package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// load fills a site with a city's records by plain SQL. Broken off, it goes on where it stopped when it is called again. On SQLite the
// indexes are dropped before and made after.
func load(ctx context.Context, args []string, out io.Writer) (err error) {
	l := loader{log: out}
	var records int
	var seed uint64
	f := flags("load")
	f.StringVar(&l.site.dir, "data", "", "folder of the site: SIX_DATA of the server that is to serve it")
	f.StringVar(&l.site.database, "database", "", "as SIX_DATABASE; empty: SQLite in the folder")
	f.IntVar(&records, "records", 100_000, "how many")
	f.Uint64Var(&seed, "seed", 1, "the same seed makes the same city")
	f.BoolVar(&l.lean, "lean", false, "leave the revisions out: no list, tally or ledger reads them")
	if err := f.Parse(args); err != nil {
		return err
	}
	if l.site.dir == "" {
		return errors.New("-data is needed")
	}
	if err := l.site.prepare(); err != nil {
		return err
	}
	fresh := city{Records: records, Seed: seed, Until: now().Truncate(time.Hour)}
	if l.city, err = l.site.city(fresh); err != nil {
		return err
	}
	if l.db, err = l.site.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.db.Close()) }()
	pool, err := l.db.WritePool()
	if err != nil {
		return err
	}
	if l.to, err = newInserter(ctx, pool); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.to.close()) }()
	return l.run(ctx)
}

// city reads which city the site holds, or notes that it is to hold the fresh one. They must be the same but for
// the time; a fresh one of no records stands for whichever the site holds.
func (s site) city(fresh city) (c city, err error) {
	path := filepath.Join(s.dir, "city.json")
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && fresh.Records > 0:
		if b, err = json.Marshal(fresh); err != nil {
			return c, err
		}
		return fresh, os.WriteFile(path, b, 0o600)
	case err != nil:
		return c, err
	}
	err = json.Unmarshal(b, &c)
	if fresh.Records == 0 {
		return c, err // whichever it holds
	}
	if err == nil && (c.Records != fresh.Records || c.Seed != fresh.Seed) {
		err = fmt.Errorf("%s says %s: load that, or another folder", path, b)
	}
	return c, err
}

type loader struct {
	site  site
	city  city
	lean  bool
	log   io.Writer
	db    *store.DB
	to    *inserter // SQLite's only connection that writes
	crowd *crowd
}

func (l *loader) run(ctx context.Context) (err error) {
	debug.SetGCPercent(400) // most of what is made is garbage at once
	begin := time.Now()
	if err := l.loosen(ctx); err != nil {
		return err
	}
	if err := l.places(ctx); err != nil {
		return fmt.Errorf("places: %w", err)
	}
	if l.crowd, err = newCrowd(l.city.Seed); err != nil {
		return err
	}
	if err := l.records(ctx); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	fmt.Fprintf(l.log, "rows after %s\n", time.Since(begin).Round(time.Second))
	if err := l.indexes(ctx); err != nil {
		return fmt.Errorf("indexes: %w", err)
	}
	if err := l.tallies(ctx); err != nil {
		return err
	}
	return l.summary(ctx, time.Since(begin))
}

// loosen gives durability and indexes up until the rows are there.
func (l *loader) loosen(ctx context.Context) error {
	if l.db.Dialect() != store.SQLite {
		return nil
	}
	for _, p := range []string{"synchronous=OFF", "cache_size=-200000", "temp_store=FILE", "wal_autocheckpoint=20000"} {
		if _, err := l.to.conn.ExecContext(ctx, "PRAGMA "+p); err != nil {
			return err
		}
	}
	if done, err := l.count(ctx, "records"); err != nil || done == l.city.Records {
		return err // broken off among the indexes: those that are there stay
	}
	have, err := indexes(ctx, l.to.conn)
	for name := range have {
		if _, err := l.to.conn.ExecContext(ctx, "DROP INDEX "+name); err != nil {
			return err
		}
	}
	return err
}

// loaded are the tables that load writes to.
func loaded() []any {
	rows := []any{&model.Area{}, &model.Building{}, &model.Room{}, &model.QRCode{}, &model.Record{}, &model.Revision{}}
	for _, k := range model.Kinds() {
		rows = append(rows, k.New())
	}
	return rows
}

// indexes are the statements that make the loaded tables' indexes, by name.
func indexes(ctx context.Context, conn *sql.Conn) (map[string]string, error) {
	rows, err := conn.QueryContext(ctx, "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tables []string
	for _, row := range loaded() {
		tables = append(tables, tableOf(row).name)
	}
	out := map[string]string{}
	for rows.Next() {
		var name, table, text string
		if err := rows.Scan(&name, &table, &text); err != nil {
			return nil, err
		}
		if slices.Contains(tables, table) {
			out[name] = text
		}
	}
	return out, rows.Err()
}

// indexes makes the indexes that a fresh database has and this one lacks.
func (l *loader) indexes(ctx context.Context) error {
	if l.db.Dialect() != store.SQLite {
		return nil
	}
	dir, err := os.MkdirTemp("", "six-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pattern := site{dir: dir}
	if err := pattern.prepare(); err != nil {
		return err
	}
	db, err := pattern.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	pool, err := db.Pool()
	if err != nil {
		return err
	}
	fresh, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer fresh.Close()
	want, err := indexes(ctx, fresh)
	if err != nil {
		return err
	}
	// Sorting takes as much memory again as the cache may, and the engine has 256 MB.
	if _, err := l.to.conn.ExecContext(ctx, "PRAGMA cache_size=-32000"); err != nil {
		return err
	}
	have, err := indexes(ctx, l.to.conn)
	for name, text := range want {
		if _, ok := have[name]; ok {
			continue
		}
		begin := time.Now()
		if _, err := l.to.conn.ExecContext(ctx, text); err != nil {
			return err
		}
		fmt.Fprintf(l.log, "index %s in %s\n", name, time.Since(begin).Round(time.Millisecond))
	}
	return err
}

// perStatement keeps a statement of the widest table far below what either engine takes.
const perStatement = 50

// put writes rows of any tables in one transaction.
func (l *loader) put(ctx context.Context, b *batch) error {
	return l.to.atOnce(ctx, func() error {
		for _, p := range b.parts {
			for args := range slices.Chunk(p.args, perStatement*len(p.table.fields)) {
				if err := l.to.insert(ctx, p.table, args); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// batch is rows on their way, by table.
type batch struct {
	records int
	parts   []*part
}

type part struct {
	table *table
	args  []any
}

// add appends a row's values.
func (b *batch) add(tables map[string]*table, row any) {
	name := fmt.Sprintf("%T", row)
	t := tables[name]
	i := slices.IndexFunc(b.parts, func(p *part) bool { return p.table == t })
	if i < 0 {
		i = len(b.parts)
		b.parts = append(b.parts, &part{table: t})
	}
	b.parts[i].args = t.args(b.parts[i].args, row)
}

func loadedTables() map[string]*table {
	m := map[string]*table{}
	for _, row := range loaded() {
		m[fmt.Sprintf("%T", row)] = tableOf(row)
	}
	return m
}

func (l *loader) count(ctx context.Context, table string) (n int, err error) {
	return n, l.to.conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n)
}

// places writes areas first, then buildings in their order.
func (l *loader) places(ctx context.Context) error {
	tables := loadedTables()
	done, err := l.count(ctx, "areas")
	if err != nil {
		return err
	}
	if done == 0 {
		b := &batch{}
		for _, a := range l.city.areas() {
			b.add(tables, a)
		}
		if err := l.put(ctx, b); err != nil {
			return err
		}
	}
	const atOnce = 40
	n, err := l.count(ctx, "buildings")
	for ; err == nil && n < l.city.buildings(); n += atOnce {
		b := &batch{}
		for i := n; i < min(n+atOnce, l.city.buildings()); i++ {
			for _, row := range l.city.building(i) {
				b.add(tables, row)
			}
		}
		err = l.put(ctx, b)
	}
	return err
}

// perChunk is how many records share a transaction.
const perChunk = 2000

// records writes the records chunk by chunk; two goroutines make them while one writes.
func (l *loader) records(ctx context.Context) error {
	done, err := l.count(ctx, "records")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type made struct {
		b   *batch
		err error
	}
	queue := make(chan chan made, 3)
	go func() {
		defer close(queue)
		for from := done; from < l.city.Records; from += perChunk {
			c := make(chan made, 1)
			select {
			case queue <- c:
			case <-ctx.Done():
				return
			}
			go func() { b, err := l.chunk(from); c <- made{b, err} }()
		}
	}()
	begin, last := time.Now(), done
	for c := range queue {
		m := <-c
		if err := cmp.Or(m.err, context.Cause(ctx)); err != nil {
			return err
		}
		if err := l.put(ctx, m.b); err != nil {
			return err
		}
		if done += m.b.records; done/500_000 > last/500_000 || done == l.city.Records {
			fmt.Fprintf(l.log, "%d records, %.0f/s\n", done, float64(done-last)/time.Since(begin).Seconds())
			begin, last = time.Now(), done
		}
	}
	return context.Cause(ctx)
}

// tallies folds the tallies, where the product has such.
func (l *loader) tallies(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "six-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	six, err := buildSix(ctx, dir)
	if err != nil {
		return err
	}
	var help strings.Builder
	if err := l.site.six(ctx, &help, six, "help"); err != nil || !strings.Contains(help.String(), "six tally") {
		return err
	}
	return l.site.six(ctx, l.log, six, "tally", "rebuild")
}

// summary says what is there, and on SQLite how large it is.
func (l *loader) summary(ctx context.Context, took time.Duration) error {
	if l.db.Dialect() == store.SQLite {
		if _, err := l.to.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			return err
		}
	}
	rooms, err := l.count(ctx, "rooms")
	if err != nil {
		return err
	}
	fmt.Fprintf(l.log, "%d records in %d streets, %d buildings, %d rooms, in %s\n", l.city.Records, l.city.streets(), l.city.buildings(),
		rooms, took.Round(time.Second))
	if info, err := os.Stat(filepath.Join(l.site.dir, "six.db")); err == nil && l.site.database == "" {
		fmt.Fprintf(l.log, "%d MB, %d bytes a record\n", info.Size()>>20, info.Size()/int64(l.city.Records))
	}
	return nil
}
