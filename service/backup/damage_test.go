package backup

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/model/store"
)

// sampled is a backup with rows and, behind them, a file longer than many blocks of age.
func sampled(t *testing.T) (backup []byte, id *age.X25519Identity) {
	t.Helper()
	p := newPlace(t, store.SQLite)
	db := p.open()
	recs, _ := people(t, sample.New(sample.Options{Seed: 4}), 5)
	add(t, db, recs...)
	noise := make([]byte, 400_000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	p.file("a/noise", string(noise))
	id = sealer(t)
	return take(t, p.source(db), id), id
}

// refusedBy wants nothing served after the error: either nothing was written, or the error says so and the product does not open it.
func refusedBy(t *testing.T, to place, err error) {
	t.Helper()
	require.Error(t, err)
	if !errors.Is(err, ErrPartial) {
		untouched(t, to)
		return
	}
	_, err = store.Open(t.Context(), to.o, true)
	require.ErrorContains(t, err, "did not finish")
}

func untouched(t *testing.T, to place) {
	t.Helper()
	for table, rows := range dump(t, to.bare()) {
		require.Empty(t, rows, table)
	}
	_, err := os.Stat(to.blobs)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestABackupCutShortIsRefused(t *testing.T) {
	t.Parallel()
	backup, id := sampled(t)
	for _, keep := range []int{0, 10, 200, 300, 70_000, len(backup) / 2, len(backup) - 70_000, len(backup) - 17, len(backup) - 1} {
		to := newPlace(t, store.SQLite)
		_, err := restore(t, to.target(), id, backup[:keep])
		require.ErrorIs(t, err, ErrDamaged, "cut to %d", keep)
		refusedBy(t, to, err)
	}
}

func TestAnAlteredBackupIsRefused(t *testing.T) {
	t.Parallel()
	backup, id := sampled(t)
	for _, at := range []int{3, 120, 190, 400, 70_000, len(backup) / 2, len(backup) - 20, len(backup) - 1} {
		bad := bytes.Clone(backup)
		bad[at] ^= 1
		to := newPlace(t, store.SQLite)
		_, err := restore(t, to.target(), id, bad)
		require.True(t, errors.Is(err, ErrDamaged) || errors.Is(err, ErrIdentity), "byte %d: %v", at, err)
		refusedBy(t, to, err)
	}
	to := newPlace(t, store.SQLite)
	_, err := restore(t, to.target(), id, append(bytes.Clone(backup), 0))
	require.ErrorIs(t, err, ErrDamaged)
	refusedBy(t, to, err)
}

// entry is one of the tar's.
type entry struct{ name, body string }

// unpack opens a backup, and pack makes one again as somebody could who knows the public key.
func unpack(t *testing.T, backup []byte, id age.Identity) (out []entry) {
	t.Helper()
	plain, err := age.Decrypt(bytes.NewReader(backup), id)
	require.NoError(t, err)
	z, err := zstd.NewReader(plain)
	require.NoError(t, err)
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		body, err := io.ReadAll(r)
		require.NoError(t, err)
		out = append(out, entry{h.Name, string(body)})
	}
}

func pack(t *testing.T, entries []entry, id *age.X25519Identity) []byte {
	t.Helper()
	var b bytes.Buffer
	sealed, err := age.Encrypt(&b, id.Recipient())
	require.NoError(t, err)
	z, err := zstd.NewWriter(sealed)
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for _, e := range entries {
		require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.body)), Mode: 0o600}))
		_, err := io.WriteString(w, e.body)
		require.NoError(t, err)
	}
	require.NoError(t, errors.Join(w.Close(), z.Close(), sealed.Close()))
	return b.Bytes()
}

func TestABackupWhoseContentsWereChangedIsRefused(t *testing.T) {
	t.Parallel()
	backup, id := sampled(t)
	entries := unpack(t, backup, id)
	find := func(prefix string) int {
		for i, e := range entries {
			if strings.HasPrefix(e.name, prefix) {
				return i
			}
		}
		t.Fatalf("no %s", prefix)
		return 0
	}
	manifestWith := func(change func(*manifest)) string {
		var m manifest
		require.NoError(t, json.Unmarshal([]byte(entries[0].body), &m))
		change(&m)
		b, err := json.Marshal(m)
		require.NoError(t, err)
		return string(b)
	}
	last := len(entries) - 1
	outside := filepath.Join(t.TempDir(), "outside")
	for _, c := range []struct {
		name   string
		change func([]entry) []entry
		is     error
	}{
		{"nothing", func([]entry) []entry { return nil }, ErrDamaged},
		{"no trailer", func(e []entry) []entry { return e[:last] }, ErrDamaged},
		{"no manifest", func(e []entry) []entry { return e[1:] }, ErrDamaged},
		{"no settings", func(e []entry) []entry { return without1(e, find("tables/settings/")) }, ErrDamaged},
		{"no persons", func(e []entry) []entry { return without1(e, find("tables/persons/")) }, ErrDamaged},
		{"no file", func(e []entry) []entry { return without1(e, find("files/")) }, ErrDamaged},
		{"rows twice", func(e []entry) []entry { i := find("tables/persons/"); return insert(e, i, e[i]) }, nil},
		{"another file", func(e []entry) []entry { return insert(e, last, entry{"files/more", "x"}) }, ErrDamaged},
		{"a file outside", func(e []entry) []entry { return insert(e, last, entry{"files/../../outside", "x"}) }, ErrDamaged},
		{"an absolute file", func(e []entry) []entry { return insert(e, last, entry{"files/" + outside, "x"}) }, ErrDamaged},
		{"an unknown table", func(e []entry) []entry { return insert(e, last, entry{"tables/x/1", "x"}) }, ErrDamaged},
		{"a broken row", func(e []entry) []entry { return insert(e, last, entry{"tables/areas/9", "\x05x"}) }, ErrDamaged},
		{"something behind", func(e []entry) []entry { return append(e, entry{"files/more", "x"}) }, ErrDamaged},
		{"a changed byte of a file", func(e []entry) []entry {
			i := find("files/")
			e[i].body = "x" + e[i].body[1:]
			return e
		}, nil},
		{"a table that is not there", func(e []entry) []entry {
			e[0].body = manifestWith(func(m *manifest) { m.Tables[3].Name = "accounts; DROP TABLE records" })
			return e
		}, ErrDamaged},
		{"a column that is not there", func(e []entry) []entry {
			e[0].body = manifestWith(func(m *manifest) { m.Tables[3].Columns[0].Name = "x" })
			return e
		}, ErrDamaged},
		{"a newer schema", func(e []entry) []entry { e[0].body = manifestWith(func(m *manifest) { m.Schema = 1 << 30 }); return e }, ErrNewer},
		{"a newer format", func(e []entry) []entry { e[0].body = manifestWith(func(m *manifest) { m.Format++ }); return e }, ErrNewer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			to := newPlace(t, store.SQLite)
			_, err := restore(t, to.target(), id, pack(t, c.change(append([]entry(nil), entries...)), id))
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			refusedBy(t, to, err)
			require.NoFileExists(t, outside)
			require.NoFileExists(t, filepath.Join(to.blobs, "../../outside"))
		})
	}
	to := newPlace(t, store.SQLite)
	_, err := restore(t, to.target(), id, pack(t, entries, id))
	require.NoError(t, err, "what was not changed is restored")
}

func without1(e []entry, i int) []entry { return append(e[:i], e[i+1:]...) }

func insert(e []entry, i int, x entry) []entry { return append(e[:i], append([]entry{x}, e[i:]...)...) }

func TestARefusedRowIsNotRepeatedInTheError(t *testing.T) {
	t.Parallel()
	for _, engine := range engines() {
		p := newPlace(t, store.SQLite)
		db := p.open()
		id := sealer(t)
		entries := unpack(t, take(t, p.source(db), id), id)
		pool, err := db.Pool()
		require.NoError(t, err)
		tables, err := db.Tables(t.Context(), pool)
		require.NoError(t, err)
		at := slices.IndexFunc(tables, func(t store.Table) bool { return t.Name == "areas" })
		values := make([]any, len(tables[at].Columns)) // NULL where there must be none, too
		values[0] = "secretcode"
		row := appendRow(nil, values)
		e := insert(entries, 2, entry{"tables/areas/000001", string(append(row, row...))})
		_, err = restore(t, newPlace(t, engine).target(), id, pack(t, e, id))
		require.ErrorIs(t, err, ErrPartial)
		require.ErrorContains(t, err, "refused rows of areas")
		require.NotContains(t, err.Error(), "secretcode")
	}
}

func TestTheWrongKeysLeaveThePlaceUntouched(t *testing.T) {
	t.Parallel()
	backup, id := sampled(t)
	for _, engine := range engines() {
		to := newPlace(t, engine)
		_, err := restore(t, to.target(), sealer(t), backup)
		require.ErrorIs(t, err, ErrIdentity)
		untouched(t, to)
		to.o.Keyring = otherRoot(t)
		_, err = restore(t, to.target(), id, backup)
		require.ErrorIs(t, err, ErrRootKey)
		untouched(t, to)
		to.o.Keyring = newPlace(t, store.SQLite).o.Keyring
		_, err = restore(t, to.target(), id, backup)
		require.NoError(t, err, "the right keys still find an empty place")
	}
}

func TestOnlyAnEmptyPlaceIsRestoredInto(t *testing.T) {
	t.Parallel()
	backup, id := sampled(t)
	t.Run("a database with an index key of its own", func(t *testing.T) {
		t.Parallel()
		for _, engine := range engines() {
			to := newPlace(t, engine)
			before := dump(t, to.open())
			_, err := restore(t, to.target(), id, backup)
			require.ErrorIs(t, err, ErrNotEmpty)
			require.Equal(t, before, dump(t, to.bare()))
		}
	})
	t.Run("a folder with a file", func(t *testing.T) {
		t.Parallel()
		to := newPlace(t, store.SQLite)
		to.file("deep/down/photo", "x")
		_, err := restore(t, to.target(), id, backup)
		require.ErrorIs(t, err, ErrNotEmpty)
	})
	t.Run("tables without rows are empty", func(t *testing.T) {
		t.Parallel()
		to := newPlace(t, store.SQLite)
		require.NoError(t, to.bare().Migrate(t.Context()))
		_, err := restore(t, to.target(), id, backup)
		require.NoError(t, err)
		_, err = restore(t, to.target(), id, backup)
		require.ErrorIs(t, err, ErrNotEmpty, "a second time")
	})
}

// A backup of the first schema restores with a newer program, which brings it forward.
func TestABackupOfAnOlderSchemaIsBroughtForward(t *testing.T) {
	t.Parallel()
	for _, engine := range engines() {
		p, to := newPlace(t, engine), newPlace(t, engine)
		old := p.bare()
		require.NoError(t, old.MigrateTo(t.Context(), 1))
		key, err := p.o.Keyring.Seal(bytes.Repeat([]byte{1}, 32), []byte(store.IndexKeySetting))
		require.NoError(t, err)
		pool, err := old.WritePool() // the doors write the newest schema's columns
		require.NoError(t, err)
		_, err = pool.ExecContext(t.Context(), "INSERT INTO settings (name, value) VALUES (?, ?)", store.IndexKeySetting, key)
		require.NoError(t, err)
		_, err = pool.ExecContext(t.Context(), "INSERT INTO areas (code) VALUES ('410102')")
		require.NoError(t, err)
		id := sealer(t)
		var file bytes.Buffer
		stats, err := Write(t.Context(), p.source(old), []age.Recipient{id.Recipient()}, &file)
		require.NoError(t, err)
		require.True(t, stats.Untraced, "the trace has columns that the old schema lacks; the operator is told")
		backup := file.Bytes()
		_, err = restore(t, to.target(), id, backup)
		require.NoError(t, err)
		db := to.open()
		require.NoError(t, db.Ready(t.Context()))
		require.Len(t, dump(t, db)["areas"], 1)

		newer := newPlace(t, engine)
		require.NoError(t, newer.bare().Migrate(t.Context()))
		_, err = restore(t, newer.target(), id, backup)
		require.ErrorContains(t, err, "without tables")
	}
}
