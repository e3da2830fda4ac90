package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/internal/testkit"
	"sixelements/internal/testkit/mariadb"
	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/seal"
	"sixelements/model/store"
)

// engines are both: a backup of one must restore into the other, whatever the run's own engine is.
func engines() []store.Dialect { return []store.Dialect{store.SQLite, store.MySQL} }

// place is an empty database and an empty folder.
type place struct {
	t     *testing.T
	o     store.Options
	blobs string
}

func newPlace(t *testing.T, d store.Dialect) place {
	t.Helper()
	clock := testkit.Clock(t)
	o := testkit.Empty(t, clock) // for keyring, clock and log
	dir := t.TempDir()
	o.Dialect, o.Path, o.DSN = d, filepath.Join(dir, "six.db"), ""
	if d == store.MySQL {
		o.DSN = mysqlDatabase(t)
	}
	return place{t, o, filepath.Join(dir, "attachments")}
}

// mysqlDatabase makes a database without tables on the run's server, or on one that the test process starts.
func mysqlDatabase(t *testing.T) string {
	t.Helper()
	at, err := mysqlServer()
	require.NoError(t, err)
	pool, err := sql.Open("mysql", at)
	require.NoError(t, err)
	name := "six_backup_" + strings.ToLower(rand.Text()[:16])
	_, err = pool.Exec("CREATE DATABASE " + name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := pool.Exec("DROP DATABASE " + name)
		require.NoError(t, err)
		require.NoError(t, pool.Close())
	})
	return at + name + "?clientFoundRows=true&interpolateParams=true&charset=utf8mb4&collation=utf8mb4_bin"
}

var mysqlServer = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv(testkit.EnvMySQL); dsn != "" {
		return dsn, nil
	}
	dir, err := os.MkdirTemp("", fmt.Sprintf("six-mariadb-%d-", os.Getpid())) // the test kit clears what ended processes leave
	if err != nil {
		return "", err
	}
	// A starting server removes every #sql file of its tmpdir, so those of a server that shares it, which may crash of that.
	s, err := testkit.StartMariaDB(dir, append(mariadb.Relaxed(), "--tmpdir="+dir)...)
	if err != nil {
		return "", err
	}
	return s.DSN(), nil
})

// open opens the place as the product does.
func (p place) open() *store.DB {
	p.t.Helper()
	db, err := store.Open(p.t.Context(), p.o, true)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { require.NoError(p.t, db.Close()) })
	return db
}

// bare opens it as backup and restore do.
func (p place) bare() *store.DB {
	p.t.Helper()
	o := p.o
	o.Bare = true
	db, err := store.Open(p.t.Context(), o, false)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { require.NoError(p.t, db.Close()) })
	return db
}

func (p place) target() Target { return Target{p.bare(), p.blobs} }

func (p place) file(name, content string) {
	p.t.Helper()
	path := filepath.Join(p.blobs, name)
	require.NoError(p.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(p.t, os.WriteFile(path, []byte(content), 0o600))
}

// files are the contents of the folder's files by their path.
func (p place) files() map[string]string {
	p.t.Helper()
	out := map[string]string{}
	root, err := os.OpenRoot(p.blobs)
	require.NoError(p.t, err)
	require.NoError(p.t, eachFile(root, func(name string) error {
		b, err := root.ReadFile(name)
		out[name] = string(b)
		return err
	}))
	require.NoError(p.t, root.Close())
	return out
}

func (p place) source(db *store.DB) Source { return Source{DB: db, Blobs: p.blobs, Version: "test"} }

// sealer is a key pair of an operator.
func sealer(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	return id
}

func take(t *testing.T, src Source, id *age.X25519Identity) []byte {
	t.Helper()
	var b bytes.Buffer
	s, err := Write(t.Context(), src, []age.Recipient{id.Recipient()}, &b)
	require.NoError(t, err)
	require.False(t, s.Untraced)
	require.EqualValues(t, b.Len(), s.Bytes)
	return b.Bytes()
}

func restore(t *testing.T, to Target, id age.Identity, backup []byte) (Stats, error) {
	t.Helper()
	return Restore(t.Context(), to, []age.Identity{id}, bytes.NewReader(backup))
}

// people makes up person records with sealed values, and tells the numbers that must not be seen.
func people(t *testing.T, g *sample.Generator, households int) (recs []*model.Record, secrets []string) {
	t.Helper()
	schema := model.KindPerson.Schema()
	for range households {
		for _, data := range g.Household(3, "floating") {
			raw, err := json.Marshal(data)
			require.NoError(t, err)
			d, err := schema.Decode(raw, model.Decode{Codes: code.Default(), Today: "2026-05-01"})
			require.NoError(t, err)
			for i := range schema.Fields {
				if s := schema.Fields[i].SealedValue(d.Element); s != nil {
					if clear, ok := s.Reveal(); ok && len(clear) >= 10 {
						secrets = append(secrets, clear)
					}
				}
			}
			recs = append(recs, &model.Record{ID: model.NewID(), Kind: model.KindPerson, Status: model.Submitted,
				AreaCodes: model.CodesOf("410102002001001001"), SubmitterID: model.NewID(), SubmitterRole: model.Resident,
				Channel: model.ByQR, SubmittedAt: model.At(testkit.Start()), Element: d.Element, Extra: d.Extra})
		}
	}
	return recs, secrets
}

func system(t *testing.T) context.Context { return store.AsSystem(t.Context(), "test") }

func add(t *testing.T, db *store.DB, recs ...*model.Record) {
	t.Helper()
	require.NoError(t, db.Write(system(t), model.Act{Name: "test.add"}, func(tx *store.Tx) error {
		for _, r := range recs {
			if err := tx.AddRecord(r, store.Trace{Act: "create"}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// furnish fills other tables with what is awkward to carry: NULLs, empty and binary values, fractions, four-byte characters, texts
// that end in spaces, a key of two columns.
func furnish(t *testing.T, db *store.DB) {
	t.Helper()
	lon, lat, now := 113.61234567890123, -0.1, model.At(testkit.Start())
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	rows := []any{
		&model.Area{Code: "410102002", Name: "桐柏路街道 ", Level: model.Street},
		&model.Building{ID: model.NewID(), AreaCodes: model.CodesOf("410102002001"), Name: "𠮷楼\t'\"\\`\n😀", Lon: &lon, Lat: &lat},
		&model.Building{ID: model.NewID(), AreaCodes: model.CodesOf("410102002002"), Name: " "},
		&model.Setting{Name: "empty", Value: []byte{}}, &model.Setting{Name: "null"}, &model.Setting{Name: "every byte", Value: every},
	}
	one := model.NewID()
	for range 3 {
		rows = append(rows, &model.Dispatched{RecordID: one, AccountID: model.NewID(), At: now})
	}
	require.NoError(t, db.Write(system(t), model.Act{Name: "test.furnish"}, func(tx *store.Tx) error { return tx.Add(rows...) }))
	pool, err := db.WritePool()
	require.NoError(t, err)
	for i := range 2*pageRows + 1 { // pages of a key of two columns
		query := "INSERT INTO dispatches (record_id, account_id, at) VALUES (?, ?, ?)"
		_, err := pool.Exec(query, bytes.Repeat([]byte{byte(i % 3)}, 16), []byte(fmt.Sprintf("%016d", i)), int64(i))
		require.NoError(t, err)
	}
	id := model.NewID()
	const session = "INSERT INTO sessions (id, account_id, token_hash, created_at, last_seen, expires_at) VALUES (?,?,?,0,0,0)"
	_, err = pool.Exec(session, id, id, id[:])
	require.NoError(t, err)
	_, err = pool.Exec("INSERT INTO jobs (id, owner_id, run_at, created_at) VALUES (?,?,0,0)", id, id)
	require.NoError(t, err)
}

// dump is all rows of all tables, printed in the order of their keys, without traces of backups.
func dump(t *testing.T, db *store.DB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	require.NoError(t, db.Snapshot(t.Context(), func(tx *sql.Tx) error {
		tables, err := db.Tables(t.Context(), tx)
		require.NoError(t, err)
		for _, table := range tables {
			slices.SortFunc(table.Columns, func(a, b store.Column) int { return strings.Compare(a.Name, b.Name) })
			out[table.Name] = dumpTable(t, tx, table)
		}
		return nil
	}))
	return out
}

func dumpTable(t *testing.T, tx *sql.Tx, table store.Table) (out []string) {
	t.Helper()
	rows, err := tx.Query("SELECT " + names(table.Columns) + " FROM `" + table.Name + "`")
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		values, at := make([]any, len(table.Columns)), make([]any, len(table.Columns))
		for i := range values {
			at[i] = &values[i]
		}
		require.NoError(t, rows.Scan(at...))
		require.NoError(t, normal(table.Columns, values))
		if s := fmt.Sprintf("%#v", values); !strings.Contains(s, `"backup.`) {
			out = append(out, s)
		}
	}
	require.NoError(t, rows.Err())
	slices.Sort(out)
	return out
}

// otherRoot is a keyring of another root key.
func otherRoot(t *testing.T) *seal.Keyring {
	t.Helper()
	k, err := seal.NewKeyring(seal.AES, testkit.Clock(t).Now, bytes.Repeat([]byte{8}, 32))
	require.NoError(t, err)
	return k
}
