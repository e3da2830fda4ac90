package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// ToFile writes a backup to a file that only its owner can read. The file appears when it is whole and safe on the disk, and
// replaces one of the same name; until then it is a NAME.*.part beside it, removed after an error. Errors: those of Write.
func ToFile(ctx context.Context, src Source, recipients []age.Recipient, name string) (s Stats, err error) {
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, filepath.Base(name)+".*.part") // mode 0600
	if err != nil {
		return s, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name()) // the first error matters
		}
	}()
	if s, err = Write(ctx, src, recipients, f); err != nil {
		return s, err
	}
	if err = errors.Join(f.Sync(), f.Close()); err != nil {
		return s, err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return s, err
	}
	return s, syncDir(dir)
}

// syncDir makes names in a folder survive the loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// files writes the attachments' files.
func (b *writer) files() error {
	root, err := os.OpenRoot(b.Blobs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return eachFile(root, func(name string) error {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		err := b.file(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // erased since the folder was read
		}
		return err
	})
}

// eachFile walks the finished files.
func eachFile(root *os.Root, fn func(name string) error) error {
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular() || strings.HasSuffix(name, ".part"):
			return nil
		}
		return fn(name)
	})
}

func (b *writer) file(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w, err := b.entry(filesDir+name, info.Size())
	if err != nil {
		return err
	}
	n, err := io.CopyN(w, f, info.Size())
	b.Files++
	b.bytes += n
	return err
}

// restoreFile writes one attachment's file, which must not be there yet.
func restoreFile(root *os.Root, name string, r io.Reader) (n int64, err error) {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return 0, err
		}
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(f, r)
	return n, errors.Join(err, f.Sync(), f.Close())
}
