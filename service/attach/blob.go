package attach

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// Blobs keeps files by name. A name is made of lower-case letters, digits, dots and dashes; what is kept is sealed already.
type Blobs interface {
	// Put keeps the bytes; when it answers nil, they survive a crash.
	Put(ctx context.Context, name string, data []byte) error
	// Get answers the bytes, or fs.ErrNotExist.
	Get(ctx context.Context, name string) ([]byte, error)
	// Delete removes them; that they are gone already is no error.
	Delete(ctx context.Context, name string) error
}

// Disk keeps files in a directory, two levels deep: ab/cd/NAME from the last four letters before the first dot, which are random
// where the first ones of a UUIDv7 are time.
type Disk struct{ dir string }

// NewDisk keeps files under dir, which is made when the first one comes.
func NewDisk(dir string) *Disk { return &Disk{dir: dir} }

var blobName = regexp.MustCompile(`^[a-z0-9-]{4,64}(\.[a-z0-9]{1,8}){0,3}$`)

var errName = errors.New("attach: not the name of a file")

func (d *Disk) path(name string) (string, error) {
	if !blobName.MatchString(name) {
		return "", errName
	}
	stem := name
	for i := range name {
		if name[i] == '.' {
			stem = name[:i]
			break
		}
	}
	n := len(stem)
	return filepath.Join(d.dir, stem[n-4:n-2], stem[n-2:], name), nil
}

// Put writes to a file beside, syncs it, gives it its name and syncs the directory.
func (d *Disk) Put(_ context.Context, name string, data []byte) (err error) {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Get reads a file.
func (d *Disk) Get(_ context.Context, name string) ([]byte, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Delete removes a file.
func (d *Disk) Delete(_ context.Context, name string) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
