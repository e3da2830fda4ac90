package backup

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/model"
	"sixelements/model/store"
)

// A street becomes a city: what SQLite held goes to MariaDB and comes back the same.
func TestABackupRestoresIntoEitherEngine(t *testing.T) {
	t.Parallel()
	street := newPlace(t, store.SQLite)
	from := street.open()
	recs, _ := people(t, sample.New(sample.Options{Seed: 1}), 2)
	add(t, from, recs...)
	furnish(t, from)
	street.file("01/photo", strings.Repeat("照片", 100_000))
	street.file("02/空.jpg", "")
	street.file("02/unfinished.part", "no")
	street.file(".tmp/unfinished", "no")
	want, files := dump(t, from), street.files()
	for _, table := range without {
		want[table] = nil
	}
	id := sealer(t)
	backup := take(t, street.source(from), id)
	for i, engine := range []store.Dialect{store.MySQL, store.MySQL, store.SQLite, store.SQLite} {
		to := newPlace(t, engine)
		s, err := restore(t, to.target(), id, backup)
		require.NoError(t, err)
		require.Equal(t, 2, s.Files)
		require.EqualValues(t, len(backup), s.Bytes)
		db := to.open()
		require.Equal(t, want, dump(t, db), "step %d", i)
		require.Equal(t, files, to.files())
		require.NoError(t, db.Ready(t.Context()))
		sound(t, db, recs[0].ID)
		backup = take(t, to.source(to.bare()), id) // bare: a backup needs no root key
	}
}

// sound reads a record as the product does, and wants its seals to open and its chain to hold.
func sound(t *testing.T, db *store.DB, ids ...model.ID) {
	t.Helper()
	require.NoError(t, db.Read(system(t), func(tx *store.Tx) error {
		for _, id := range ids {
			r, err := tx.Record(id)
			if err != nil {
				return err
			}
			if _, ok := r.Element.(*model.Person).BirthDate.Reveal(); !ok {
				return fmt.Errorf("%s is not opened", id)
			}
			history, err := tx.History(r)
			if err != nil {
				return err
			}
			if len(history) != int(r.Version) {
				return fmt.Errorf("%s has version %d and %d revisions", id, r.Version, len(history))
			}
			for _, h := range history {
				if !h.Sound {
					return fmt.Errorf("the chain of %s is broken", id)
				}
			}
		}
		return nil
	}))
}

func TestABackupUnderLoadIsOneState(t *testing.T) {
	t.Parallel()
	for _, engine := range engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, engine)
			db := p.open()
			recs, _ := people(t, sample.New(sample.Options{Seed: 2}), 100)
			add(t, db, recs[:60]...)
			load := newLoad(t, db, recs[60:])
			load.until(40)
			id := sealer(t)
			acknowledged := load.done()
			var backup bytes.Buffer
			_, err := Write(busy{t.Context(), load}, p.source(db), []age.Recipient{id.Recipient()}, &backup)
			require.NoError(t, err)
			meanwhile := len(load.done()) - len(acknowledged)
			load.stop()
			require.Greater(t, meanwhile, 20, "written meanwhile")

			to := newPlace(t, engine)
			_, err = restore(t, to.target(), id, backup.Bytes())
			require.NoError(t, err)
			restored := to.open()
			sound(t, restored, acknowledged...)
			sound(t, restored, all(t, restored)...)
			rows := dump(t, restored)
			require.Len(t, rows["persons"], len(rows["records"]))
		})
	}
}

func all(t *testing.T, db *store.DB) (ids []model.ID) {
	t.Helper()
	require.NoError(t, db.Read(system(t), func(tx *store.Tx) error {
		ids = nil
		return tx.Q(&model.Record{}).Pluck("id", &ids).Error
	}))
	return ids
}

// busy is a context that lets more records be written whenever it is asked for its state, which is before every page.
type busy struct {
	context.Context
	load *load
}

func (b busy) Err() error {
	b.load.until(len(b.load.done()) + 1)
	return b.Context.Err()
}

// load adds records and changes each once more, by three writers, until it is stopped or out of records.
type load struct {
	t       *testing.T
	db      *store.DB
	cancel  context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	more    *sync.Cond
	acks    []model.ID
	errs    []error
	ended   bool
}

func newLoad(t *testing.T, db *store.DB, recs []*model.Record) *load {
	ctx, cancel := context.WithCancel(system(t))
	l := &load{t: t, db: db, cancel: cancel}
	l.more = sync.NewCond(&l.mu)
	work := make(chan *model.Record)
	var writers sync.WaitGroup
	for range 3 {
		writers.Go(func() {
			for r := range work {
				l.write(ctx, r)
			}
		})
	}
	l.running.Go(func() {
		defer l.end(&writers)
		defer close(work)
		for _, r := range recs {
			select {
			case work <- r:
			case <-ctx.Done():
				return
			}
		}
	})
	return l
}

func (l *load) write(ctx context.Context, r *model.Record) {
	act := model.Act{Name: "test.load"}
	err := l.db.Write(ctx, act, func(tx *store.Tx) error { return tx.AddRecord(r, store.Trace{Act: "create"}) })
	if err == nil {
		err = l.db.Write(ctx, act, func(tx *store.Tx) error {
			again, err := tx.Record(r.ID)
			if err != nil {
				return err
			}
			again.Element.(*model.Person).WorkUnit += "·改"
			return tx.SaveRecord(again, store.Trace{Act: "edit"})
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.more.Broadcast()
	if err != nil {
		l.errs = append(l.errs, err)
		return
	}
	l.acks = append(l.acks, r.ID)
}

// end notes that no more is written.
func (l *load) end(writers *sync.WaitGroup) {
	writers.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.more.Broadcast()
}

// until waits for so many records to be acknowledged, or for the end.
func (l *load) until(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.acks)+len(l.errs) < n && !l.ended {
		l.more.Wait()
	}
}

func (l *load) done() []model.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]model.ID(nil), l.acks...)
}

func (l *load) stop() {
	l.cancel()
	l.running.Wait()
	require.Empty(l.t, l.errs)
}

func TestNothingIsInClear(t *testing.T) {
	t.Parallel()
	p := newPlace(t, store.SQLite)
	db := p.open()
	recs, secrets := people(t, sample.New(sample.Options{Seed: 3}), 10)
	add(t, db, recs...)
	name := recs[0].Title
	id := sealer(t)
	backup := take(t, p.source(db), id)
	plain, err := age.Decrypt(bytes.NewReader(backup), id)
	require.NoError(t, err)
	unpacked, err := zstd.NewReader(plain)
	require.NoError(t, err)
	defer unpacked.Close()
	inside, err := io.ReadAll(unpacked)
	require.NoError(t, err)

	require.NotEmpty(t, secrets)
	require.True(t, bytes.Contains(inside, []byte(name)), "the test must see into the backup")
	require.False(t, bytes.Contains(backup, []byte(name)))
	for _, s := range secrets {
		require.False(t, bytes.Contains(backup, []byte(s)) || bytes.Contains(inside, []byte(s)), "a number is in clear")
	}
	root := bytes.Repeat([]byte{7}, 32)
	require.False(t, bytes.Contains(inside, root), "the root key is in it")
}

func TestABackupNeedsARecipient(t *testing.T) {
	t.Parallel()
	p := newPlace(t, store.SQLite)
	_, err := Write(t.Context(), p.source(p.open()), nil, io.Discard)
	require.ErrorIs(t, err, ErrRecipient)
}

func TestABackupIsTraced(t *testing.T) {
	t.Parallel()
	p, to := newPlace(t, store.SQLite), newPlace(t, store.SQLite)
	id := sealer(t)
	_, err := restore(t, to.target(), id, take(t, p.source(p.open()), id))
	require.NoError(t, err)
	var acts []string
	require.NoError(t, to.open().Read(system(t), func(tx *store.Tx) error {
		acts = nil
		return tx.Q(&model.Audit{}).Where("act LIKE 'backup.%'").Order("at, id").Pluck("act", &acts).Error
	}))
	require.Equal(t, []string{"backup.write", "backup.restore"}, acts)
}

func TestATableThatIsNotTheProductsStopsTheBackup(t *testing.T) {
	t.Parallel()
	p := newPlace(t, store.SQLite)
	db := p.open()
	pool, err := db.WritePool()
	require.NoError(t, err)
	_, err = pool.Exec("CREATE TABLE strangers (id INTEGER PRIMARY KEY)")
	require.NoError(t, err)
	_, err = Write(t.Context(), p.source(db), []age.Recipient{sealer(t).Recipient()}, io.Discard)
	require.ErrorContains(t, err, "strangers")
}

func TestABackupFileIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	p := newPlace(t, store.SQLite)
	db, id := p.open(), sealer(t)
	name := filepath.Join(t.TempDir(), "six.backup")
	require.NoError(t, os.WriteFile(name, []byte("yesterday's"), 0o644))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := ToFile(ctx, p.source(db), []age.Recipient{id.Recipient()}, name)
	require.Error(t, err)
	old, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "yesterday's", string(old))

	s, err := ToFile(t.Context(), p.source(db), []age.Recipient{id.Recipient()}, name)
	require.NoError(t, err)
	info, err := os.Stat(name)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.Equal(t, s.Bytes, info.Size())
	left, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	require.Len(t, left, 1, "an unfinished file is left")
}

func TestAPassphraseOpensItsBackup(t *testing.T) {
	t.Parallel()
	p, to := newPlace(t, store.SQLite), newPlace(t, store.SQLite)
	const phrase = "correct horse battery"
	whom, err := Recipients(nil, phrase)
	require.NoError(t, err)
	var b bytes.Buffer
	_, err = Write(t.Context(), p.source(p.open()), whom, &b)
	require.NoError(t, err)
	wrong, err := Identities(nil, "wrong horse battery")
	require.NoError(t, err)
	_, err = Restore(t.Context(), to.target(), wrong, bytes.NewReader(b.Bytes()))
	require.ErrorIs(t, err, ErrIdentity)
	right, err := Identities(nil, phrase)
	require.NoError(t, err)
	_, err = Restore(t.Context(), to.target(), right, bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
}

func TestKeysAreReadWithoutRepeatingThem(t *testing.T) {
	t.Parallel()
	id := sealer(t)
	public := id.Recipient().String()
	for _, c := range []struct {
		name   string
		keys   []string
		phrase string
		wrong  string // "" when right
	}{
		{"one", []string{public}, "", ""},
		{"two", []string{public, " " + sealer(t).Recipient().String() + "\n"}, "", ""},
		{"a phrase", nil, "twelve chars", ""},
		{"nothing", nil, "", "no recipient"},
		{"a secret key", []string{public, id.String()}, "", "recipient 2"},
		{"an empty key", []string{""}, "", "recipient 1"},
		{"both", []string{public}, "twelve chars", "not both"},
		{"a short phrase", nil, "eleven char", "too short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Recipients(c.keys, c.phrase)
			if c.wrong == "" {
				require.NoError(t, err)
				require.Len(t, got, max(1, len(c.keys)))
				return
			}
			require.ErrorContains(t, err, c.wrong)
			require.NotContains(t, err.Error(), id.String())
		})
	}
	ids, err := Identities(strings.NewReader("# mine\n"+id.String()+"\n"), "")
	require.NoError(t, err)
	require.Len(t, ids, 1)
	for _, bad := range []string{"", "# nothing\n", id.String()[:40], public} {
		_, err := Identities(strings.NewReader(bad), "")
		require.ErrorContains(t, err, "AGE-SECRET-KEY-1")
		require.NotContains(t, err.Error(), "AGE-SECRET-KEY-1"+id.String()[16:20])
	}
	_, err = Identities(nil, "")
	require.Error(t, err)
	_, err = Identities(strings.NewReader(id.String()), "phrase")
	require.Error(t, err)
}
