package job

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// ErrStopped says that a job is not this worker's any more: it was cancelled, or another worker took it. The handler returns it.
var ErrStopped = errors.New("the job was stopped")

// Run is a job in the hands of its handler. It is not safe for concurrent use.
type Run struct {
	s      *Service
	job    model.Job
	cancel context.CancelCauseFunc
	file   *File

	mu    sync.Mutex
	told  model.Time // when the table was last told
	lost  bool
	total int64
	done  int64
}

// ID is the job's.
func (r *Run) ID() model.ID { return r.job.ID }

// Owner is the account that asked for the job.
func (r *Run) Owner() model.ID { return r.job.OwnerID }

// Area is the area code the job is about.
func (r *Run) Area() string { return r.job.AreaCode }

// Actor is the owner with what they may do now. Errors: those of Options.Actor, such as auth.invalid for an account that is disabled.
func (r *Run) Actor(ctx context.Context) (model.Actor, error) {
	if r.s.o.Actor == nil {
		return model.Actor{}, errors.New("job: no way to tell what an account may do")
	}
	a, err := r.s.o.Actor(store.AsSystem(ctx, "job "+r.job.Kind), r.job.OwnerID)
	if a.RequestID == "" {
		a.RequestID = r.job.ID.String()
	}
	return a, err
}

// Payload reads what the job was asked with.
func (r *Run) Payload(into any) error {
	clear, err := r.s.db.Keyring().Open(r.job.Payload, payloadAAD(r.job.ID))
	if err != nil {
		return err
	}
	return json.Unmarshal(clear, into)
}

// tellEvery is how often progress goes to the table at most.
const tellEvery = 300 * time.Millisecond

// Progress tells how much is done and renews the lease. Errors: ErrStopped when the job is not this worker's any more.
func (r *Run) Progress(ctx context.Context, done, total int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done, r.total = done, total
	if r.lost {
		return ErrStopped
	}
	if now := r.s.db.Now(); r.told != 0 && now < r.told.Add(tellEvery) && done != total {
		return nil
	}
	return r.tell(ctx)
}

// tell writes progress and lease to the table by compare-and-set; it is called with the lock held.
func (r *Run) tell(ctx context.Context) error {
	now := r.s.db.Now()
	n, err := r.s.db.Tick(ctx, &model.Job{}, map[string]any{"done": r.done, "total": r.total, "lease_until": now.Add(r.s.o.Lease)},
		"id = ? AND state = ? AND lease_by = ?", r.job.ID, model.JobRunning, r.job.LeaseBy)
	if err != nil {
		return err
	}
	r.told = now
	if n == 0 {
		r.lost = true
		r.cancel(ErrStopped)
		return ErrStopped
	}
	r.s.touch()
	return nil
}

// beat renews the lease while the handler is busy with one long step, until ctx ends.
func (r *Run) beat(ctx context.Context) {
	t := time.NewTicker(r.s.o.Lease / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			r.mu.Lock()
			err := r.tell(ctx)
			r.mu.Unlock()
			if err != nil && !errors.Is(err, ErrStopped) && ctx.Err() == nil {
				r.s.o.Log.WarnContext(ctx, "job lease not renewed", "job", r.job.ID, "err", err)
			}
		}
	}
}

// stem names a job's files: by its claim too, so that a worker that lost its lease never writes over the next one's file.
func stem(j *model.Job) string { return j.ID.String() + "-" + j.LeaseBy.String() }

func (s *Service) path(j *model.Job) string { return filepath.Join(s.o.Dir, stem(j)+".bin") }

// File is the one file a job leaves. It is written beside its final place; Close makes it durable and moves it there.
type File struct {
	name  string
	path  string
	f     *os.File
	w     *bufio.Writer
	sum   hash.Hash
	bytes int64
	whole bool
}

// File begins the job's file; name is what who fetches it will see. A job that began one before begins it anew.
func (r *Run) File(name string) (*File, error) {
	r.file.drop()
	if err := os.MkdirAll(r.s.o.Dir, 0o700); err != nil {
		return nil, err
	}
	path := r.s.path(&r.job)
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	r.file = &File{name: name, path: path, f: f, w: bufio.NewWriterSize(f, 1<<16), sum: sha256.New()}
	return r.file, nil
}

// Write appends.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	f.sum.Write(p[:n])
	f.bytes += int64(n)
	return n, err
}

// Close makes the file durable under its final name.
func (f *File) Close() error {
	if f.whole {
		return nil
	}
	if err := errors.Join(f.w.Flush(), f.f.Sync(), f.f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.path+".part", f.path); err != nil {
		return err
	}
	f.whole = true
	d, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// drop removes what was written; nil is nothing.
func (f *File) drop() {
	if f == nil {
		return
	}
	_ = f.f.Close()       // closed already when whole
	_ = os.Remove(f.path) // one of the two is not there
	_ = os.Remove(f.path + ".part")
}
