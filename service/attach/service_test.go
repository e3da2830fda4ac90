package attach

import (
	"bytes"
	"context"
	"image"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

type world struct {
	*Service
	t     *testing.T
	clock *testkit.FixedClock
	dir   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := testkit.Clock(t)
	dir := filepath.Join(t.TempDir(), "attachments")
	return &world{New(testkit.DBAt(t, clock), NewDisk(dir), "", slog.New(slog.DiscardHandler)), t, clock, dir}
}

func (w *world) upload(ctx context.Context) View {
	w.t.Helper()
	v, err := w.Upload(ctx, bytes.NewReader(jpegOf(w.t, corners(400, 300))))
	require.NoError(w.t, err)
	return v
}

// files are all that is on the disk.
func (w *world) files() (names []string) {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if !os.IsNotExist(err) {
		require.NoError(w.t, err)
	}
	return names
}

// follow opens a link as a browser would.
func (w *world) follow(link string) (File, error) {
	w.t.Helper()
	u, err := url.Parse(link)
	require.NoError(w.t, err)
	id, err := model.ParseID(filepath.Base(u.Path))
	require.NoError(w.t, err)
	expires, err := strconv.ParseInt(u.Query().Get("expires"), 10, 64)
	require.NoError(w.t, err)
	return w.Open(store.AsSystem(w.t.Context(), "test"), id, expires, u.Query().Get("sig"), u.Query().Get("size") == "thumb")
}

func TestAPhotoIsKeptSealedAndOpensByItsLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.upload(testkit.As(t.Context(), model.Resident, ""))
	require.Equal(t, "image/jpeg", v.Mime)
	f, err := w.follow(v.URL)
	require.NoError(t, err)
	require.Equal(t, v.Mime, f.Mime)
	img, _, err := image.Decode(bytes.NewReader(f.Data))
	require.NoError(t, err)
	require.Equal(t, image.Pt(400, 300), img.Bounds().Size())
	small, err := w.follow(v.ThumbURL)
	require.NoError(t, err)
	require.Less(t, len(small.Data), len(f.Data))

	files := w.files()
	require.Len(t, files, 2)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "\xff\xd8\xff", "a picture lies in clear on the disk")
		require.NotContains(t, string(raw), "JFIF")
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm())
	}
}

func TestALinkThatIsOldOrForgedOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := testkit.As(t.Context(), model.Resident, "")
	v, other := w.upload(ctx), w.upload(ctx)
	u, err := url.Parse(v.URL)
	require.NoError(t, err)
	sig := u.Query().Get("sig")
	expires, err := strconv.ParseInt(u.Query().Get("expires"), 10, 64)
	require.NoError(t, err)
	system := store.AsSystem(t.Context(), "test")
	for name, try := range map[string]struct {
		id      model.ID
		expires int64
		sig     string
	}{
		"unsigned": {v.ID, expires, ""}, "another photo's": {other.ID, expires, sig}, "a longer life": {v.ID, expires + 60, sig},
		"cut": {v.ID, expires, sig[:10]}, "no base64": {v.ID, expires, "!!!"},
	} {
		_, err := w.Open(system, try.id, try.expires, try.sig, false)
		require.True(t, model.IsCode(err, model.AuthRequired), "%s: %v", name, err)
	}
	w.clock.Advance(linkLife + time.Second)
	_, err = w.follow(v.URL)
	require.True(t, model.IsCode(err, model.AuthExpired), "%v", err)
}

func TestWhatIsNoPhotoLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := testkit.As(t.Context(), model.Resident, "")
	_, err := w.Upload(ctx, bytes.NewReader([]byte("<html>")))
	require.True(t, model.IsCode(err, model.MediaUnsupported), "%v", err)
	_, err = w.Upload(ctx, bytes.NewReader(make([]byte, MaxUpload+1)))
	require.True(t, model.IsCode(err, model.TooLarge), "%v", err)
	require.Empty(t, w.files())
}

func TestARecordClaimsItsOwnersUnusedPhotosOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me, you := testkit.Actor(model.Resident, ""), testkit.Actor(model.Resident, "")
	mine, yours := w.upload(store.As(t.Context(), me)), w.upload(store.As(t.Context(), you))
	record := model.NewID()
	claim := func(ids ...model.ID) error {
		return w.db.Write(store.As(t.Context(), me), model.Act{Name: "test.claim"}, func(tx *store.Tx) error {
			return w.Claim(tx, me.Account, record, ids)
		})
	}
	for name, ids := range map[string][]model.ID{"another's": {mine.ID, yours.ID}, "unknown": {model.NewID()}, "twice": {mine.ID, mine.ID}} {
		err := claim(ids...)
		require.True(t, model.IsCode(err, model.AttachmentUnknown), "%s: %v", name, err)
	}
	require.NoError(t, claim())
	require.NoError(t, claim(mine.ID))
	err := claim(mine.ID)
	require.True(t, model.IsCode(err, model.AttachmentUnknown), "used already: %v", err)
	require.NoError(t, w.db.Read(store.As(t.Context(), me), func(tx *store.Tx) error {
		of, err := w.Of(tx, []model.ID{record, model.NewID()})
		require.NoError(t, err)
		require.Len(t, of, 1)
		require.Equal(t, mine.ID, of[record][0].ID)
		return nil
	}))
}

func TestOfEightRecordsThatClaimAPhotoAtOnceOneGetsIt(t *testing.T) {
	t.Parallel()
	const records = 8
	w := newWorld(t)
	me := testkit.Actor(model.Resident, "")
	ctx := store.As(t.Context(), me)
	photo := w.upload(ctx)
	var all, done sync.WaitGroup // on MariaDB each has seen the photo free before any takes it; SQLite lets nobody write meanwhile
	all.Add(records)
	errs := make(chan error, records)
	for range records {
		done.Go(func() {
			record, met := model.NewID(), !testkit.OnMySQL()
			errs <- w.db.Write(ctx, model.Act{Name: "test.claim"}, func(tx *store.Tx) error {
				err := w.Claim(tx, me.Account, record, []model.ID{photo.ID})
				if !met {
					met = true
					all.Done()
					all.Wait()
				}
				return err
			})
		})
	}
	done.Wait()
	close(errs)
	taken := 0
	for err := range errs {
		if err == nil {
			taken++
			continue
		}
		require.True(t, model.IsCode(err, model.AttachmentUnknown), "%v", err)
	}
	require.Equal(t, 1, taken)
}

func TestAnAccountCannotFillTheDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := testkit.Actor(model.Resident, "")
	ctx := store.As(t.Context(), me)
	require.NoError(t, w.db.Write(ctx, model.Act{Name: "test.add"}, func(tx *store.Tx) error {
		for range unusedMost - 1 {
			row := &model.Attachment{ID: model.NewID(), OwnerID: me.Account, Mime: "image/jpeg", SHA256: []byte{1}, CreatedAt: tx.Now()}
			if err := tx.Add(row); err != nil {
				return err
			}
		}
		return nil
	}))
	w.upload(ctx)
	_, err := w.Upload(ctx, bytes.NewReader(jpegOf(t, corners(8, 8))))
	require.True(t, model.IsCode(err, model.RateLimited), "%v", err)
	w.upload(testkit.As(t.Context(), model.Resident, ""))
	w.clock.Advance(24 * time.Hour)
	w.upload(ctx)
}

func TestUnusedPhotosAreSweptAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := testkit.Actor(model.Resident, "")
	ctx := store.As(t.Context(), me)
	w.upload(ctx)
	used := w.upload(ctx)
	require.NoError(t, w.db.Write(ctx, model.Act{Name: "test.claim"}, func(tx *store.Tx) error {
		return w.Claim(tx, me.Account, model.NewID(), []model.ID{used.ID})
	}))
	w.clock.Advance(25 * time.Hour)
	fresh := w.upload(ctx)
	n, err := w.Sweep(t.Context(), 24*time.Hour)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Len(t, w.files(), 4)
	link, _ := w.Links(used.ID)
	_, err = w.follow(link)
	require.NoError(t, err)
	_, err = w.follow(fresh.URL)
	require.NoError(t, err)
}

func TestTheDiskTakesNoForeignNames(t *testing.T) {
	t.Parallel()
	d := NewDisk(t.TempDir())
	for _, name := range []string{"", "../../etc/passwd", "a/b", "ABCD", "....", "abcd\x00", "abc"} {
		require.ErrorIs(t, d.Put(t.Context(), name, nil), errName, name)
		_, err := d.Get(t.Context(), name)
		require.ErrorIs(t, err, errName, name)
		require.ErrorIs(t, d.Delete(t.Context(), name), errName, name)
	}
	require.NoError(t, d.Delete(t.Context(), "abcd.jpg"), "gone already is no fault")
	require.NoError(t, d.Put(t.Context(), "abcd.jpg", []byte("1")))
	require.NoError(t, d.Put(t.Context(), "abcd.jpg", []byte("2")), "the newer one stays")
	b, err := d.Get(t.Context(), "abcd.jpg")
	require.NoError(t, err)
	require.Equal(t, "2", string(b))
}
