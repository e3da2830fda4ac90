package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"filippo.io/age"

	"sixelements/model/store"
)

// Target is where a backup is restored to.
type Target struct {
	// DB must be opened bare (store.Options.Bare) with the root key of the backup's source; it needs no schema yet.
	DB *store.DB
	// Blobs is the folder of the attachments' files; it is made when it is not there.
	Blobs string
}

// Restore fills an empty database and an empty folder from a backup, of either engine, and brings the schema to the newest version.
// What it finds wrong before the first row is written (not empty, wrong key, newer version, another root key) leaves the place
// without rows. After a later error, which wraps ErrPartial, the database is marked so that store.Open refuses it.
// Errors: ErrNotEmpty, ErrIdentity, ErrNewer, ErrRootKey, ErrDamaged, ErrPartial, those of database and files.
func Restore(ctx context.Context, dst Target, identities []age.Identity, from io.Reader) (s Stats, err error) {
	if err := dst.empty(ctx); err != nil {
		return s, err
	}
	in := &counter{r: from}
	plain, err := open(in, identities)
	if err != nil {
		return s, err
	}
	defer plain.Close()
	r := &reader{Target: dst, Stats: &s, ctx: ctx, tar: tar.NewReader(plain), plain: plain, sum: sha256.New(),
		rows: map[string]int64{}}
	defer r.close()
	if err := r.all(); err != nil {
		if r.begun {
			err = fmt.Errorf("%w; %w", err, ErrPartial)
		}
		return s, err
	}
	s.Bytes = in.n
	if err := r.finish(); err != nil {
		return s, err
	}
	s.Untraced = trace(ctx, dst.DB, "backup.restore", r.manifest.Version) != nil
	return s, nil
}

// empty is nil when there is neither row nor file.
func (t Target) empty(ctx context.Context) error {
	root, err := os.OpenRoot(t.Blobs)
	if err == nil {
		defer func() { _ = root.Close() }()
		err = fs.WalkDir(root.FS(), ".", func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				err = fmt.Errorf("%w: the folder of the attachments holds files", ErrNotEmpty)
			}
			return err
		})
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	pool, err := t.DB.Pool()
	if err != nil {
		return err
	}
	tables, err := t.DB.Tables(ctx, pool)
	if err != nil {
		return err
	}
	for _, table := range tables {
		var held bool
		if err := pool.QueryRowContext(ctx, "SELECT EXISTS(SELECT 1 FROM `"+table.Name+"`)").Scan(&held); err != nil {
			return err
		}
		if held {
			return fmt.Errorf("%w: the table %s holds rows", ErrNotEmpty, table.Name)
		}
	}
	return nil
}

// reader is one backup being restored.
type reader struct {
	Target
	*Stats
	ctx      context.Context
	tar      *tar.Reader
	plain    io.Reader // what tar reads from
	sum      hash.Hash
	manifest manifest
	settings [][]any // kept to the end: with them the database opens
	load     *loader
	blobs    *os.Root
	rows     map[string]int64
	bytes    int64
	begun    bool // something was written
}

func (r *reader) close() {
	if r.load != nil {
		r.load.close()
	}
	if r.blobs != nil {
		_ = r.blobs.Close()
	}
}

// all reads every entry, ending with the trailer and nothing behind it.
func (r *reader) all() error {
	name, body, err := r.next()
	if err != nil {
		return err
	}
	if name != manifestName {
		return damaged(errors.New("no manifest"))
	}
	if err := readJSON(body, &r.manifest); err != nil {
		return err
	}
	if err := r.prepare(); err != nil {
		return err
	}
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		name, body, err := r.next()
		if err != nil {
			return err
		}
		if name == trailerName {
			return r.end(body)
		}
		if err := r.entry(name, body); err != nil {
			return err
		}
	}
}

// entry is a file or a chunk of rows.
func (r *reader) entry(name string, body io.Reader) error {
	if file, ok := strings.CutPrefix(name, filesDir); ok {
		return r.file(file, body)
	}
	rest, ok := strings.CutPrefix(name, tablesDir)
	table, _ := path.Split(rest)
	table = strings.TrimSuffix(table, "/")
	i := slices.IndexFunc(r.manifest.Tables, func(t tableHead) bool { return t.Name == table })
	if !ok || i < 0 {
		return damaged(errors.New("an entry that does not belong"))
	}
	return r.chunk(r.manifest.Tables[i], body)
}

// prepare brings the empty database to the backup's schema.
func (r *reader) prepare() error {
	m := r.manifest
	now, newest, err := r.DB.Versions(r.ctx)
	switch {
	case err != nil:
		return err
	case m.Format > format || m.Schema > newest:
		return fmt.Errorf("%w (made by %q)", ErrNewer, m.Version)
	case m.Format < 1 || m.Schema < 1:
		return damaged(errors.New("no version"))
	case now > m.Schema:
		return fmt.Errorf("the database has a newer schema (%d) than the backup (%d): give it a database without tables", now, m.Schema)
	}
	if err := r.DB.MigrateTo(r.ctx, m.Schema); err != nil {
		return err
	}
	pool, err := r.DB.Pool()
	if err != nil {
		return err
	}
	tables, err := r.DB.Tables(r.ctx, pool)
	if err != nil {
		return err
	}
	for _, h := range m.Tables {
		i := slices.IndexFunc(tables, func(t store.Table) bool { return t.Name == h.Name })
		if i < 0 || !sameColumns(tables[i].Columns, h.Columns) {
			return damaged(fmt.Errorf("table %q is not that of schema %d", h.Name, m.Schema))
		}
	}
	return nil
}

// begin checks the root key when the settings have been read, before anything else is written, and marks the database.
func (r *reader) begin() (err error) {
	if r.begun {
		return nil
	}
	key, err := r.indexKey()
	if err != nil {
		return err
	}
	if err := r.DB.OpensIndexKey(key); err != nil {
		return ErrRootKey
	}
	if r.load, err = newLoader(r.ctx, r.DB); err != nil {
		return err
	}
	if err := r.load.mark(); err != nil {
		return err
	}
	r.begun = true
	if err := os.MkdirAll(r.Blobs, 0o700); err != nil {
		return err
	}
	r.blobs, err = os.OpenRoot(r.Blobs)
	return err
}

// indexKey finds the sealed index key among the settings.
func (r *reader) indexKey() ([]byte, error) {
	columns := r.settingColumns()
	name := slices.Index(columns, store.Column{Name: "name", Kind: store.Text})
	value := slices.Index(columns, store.Column{Name: "value", Kind: store.Bytes})
	if name >= 0 && value >= 0 {
		for _, row := range r.settings {
			if row[name] == store.IndexKeySetting {
				key, _ := row[value].([]byte)
				return key, nil
			}
		}
	}
	return nil, damaged(errors.New("no index key at its beginning"))
}

func (r *reader) settingColumns() []store.Column {
	for _, t := range r.manifest.Tables {
		if t.Name == settings {
			return t.Columns
		}
	}
	return nil
}

// chunk loads a chunk of a table's rows.
func (r *reader) chunk(t tableHead, body io.Reader) error {
	chunk, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if t.Name != settings {
		if err := r.begin(); err != nil {
			return err
		}
	}
	for len(chunk) > 0 {
		var row []any
		size := len(chunk)
		if row, chunk, err = readRow(t.Columns, chunk); err != nil {
			return damaged(err)
		}
		r.rows[t.Name]++
		if t.Name == settings {
			r.settings = append(r.settings, row)
		} else if err := r.load.add(t, row, size-len(chunk)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) file(name string, body io.Reader) error {
	if !fs.ValidPath(name) || name == "." {
		return damaged(errors.New("a file's name cannot be used"))
	}
	if err := r.begin(); err != nil {
		return err
	}
	n, err := restoreFile(r.blobs, name, body)
	r.Files++
	r.bytes += n
	return err
}

// end compares what was read with the trailer, makes sure that nothing follows, and writes the last rows.
func (r *reader) end(body io.Reader) error {
	var want trailer
	if err := readJSON(body, &want); err != nil {
		return err
	}
	if _, err := r.tar.Next(); !errors.Is(err, io.EOF) {
		return damaged(errors.New("something follows its end"))
	}
	if _, err := io.Copy(io.Discard, intact{r.plain}); err != nil { // the last bytes prove that none was cut off
		return err
	}
	r.Tables = len(want.Rows)
	maps.DeleteFunc(want.Rows, func(_ string, n int64) bool { return n == 0 })
	if want.SHA256 != hex.EncodeToString(r.sum.Sum(nil)) || !maps.Equal(want.Rows, r.rows) || want.Files != r.Files ||
		want.FileBytes != r.bytes {
		return damaged(errors.New("its contents are not what its end says"))
	}
	for _, n := range r.rows {
		r.Rows += int(n)
	}
	if err := r.begin(); err != nil { // a backup of nothing but settings
		return err
	}
	return r.load.done(tableHead{settings, r.settingColumns()}, r.settings)
}

// finish brings the schema to the newest version; what was restored is whole already.
func (r *reader) finish() error {
	r.load.close() // migrations want the connection
	if err := r.DB.Migrate(r.ctx); err != nil {
		return fmt.Errorf("everything was restored, but the schema was not brought to the newest version (run six migrate): %w", err)
	}
	return nil
}

// sameColumns compares without regard to order, in which the engines may differ.
func sameColumns(a, b []store.Column) bool {
	set := map[store.Column]bool{}
	for _, c := range a {
		set[c] = true
	}
	for _, c := range b {
		if !set[c] {
			return false
		}
		delete(set, c)
	}
	return len(set) == 0
}
