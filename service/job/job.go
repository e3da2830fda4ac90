// Package job is the work done after a commit: a row staged in the same transaction, claimed by one worker of any node under a
// lease, so that nothing is lost by a crash and nothing done twice is visible twice.
package job

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// Handler does a kind of job. It may be run again from its start after a crash. Its ctx acts for nobody, so that a statement fails
// until the handler says for whom it works: store.As(ctx, actor) with [Run.Actor], or store.AsSystem. An error that is a
// *model.Error fails the job with it; any other error has the job tried again, three times in all.
type Handler func(ctx context.Context, r *Run) error

// Guard judges whether an account that owns a job may still fetch its file. Errors are answered as they are.
type Guard func(a model.Actor, j *model.Job) error

// Options are what a Service needs.
type Options struct {
	// Dir holds the files of jobs. Nodes that share a database share it too, or a file is only found on the node that made it.
	Dir string
	// Actor rebuilds an account with what it may do now, so that rights lost since a job was asked for stop it.
	Actor func(ctx context.Context, account model.ID) (model.Actor, error)
	Log   *slog.Logger
	// Workers run at once; 0 means 2.
	Workers int
	// Lease is how long a claim holds without a sign of life; 0 means 30 s.
	Lease time.Duration
	// Poll is how often the table is looked at without being woken; 0 means 1 s.
	Poll time.Duration
	// Keep is how long files are kept; 0 means 7 days.
	Keep time.Duration
}

// attempts is how often a job is tried.
const attempts = 3

// Service is the job table and the workers of this process.
type Service struct {
	db       *store.DB
	o        Options
	handlers map[string]Handler
	guards   map[string]Guard
	wake     chan struct{}
	stopped  chan struct{}
	node     model.ID // by which this process holds singletons

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever a job of this process changes
	held    map[string]*holding
}

// New is a Service without workers yet: Register the kinds, then Run.
func New(db *store.DB, o Options) *Service {
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Keep == 0 {
		o.Keep = 7 * 24 * time.Hour
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{db: db, o: o, handlers: map[string]Handler{}, guards: map[string]Guard{}, wake: make(chan struct{}, o.Workers),
		stopped: make(chan struct{}), node: model.NewID(), changed: make(chan struct{}), held: map[string]*holding{}}
}

// Register says who does jobs of the kind. It is called before Run.
func (s *Service) Register(kind string, h Handler) { s.handlers[kind] = h }

// Guard says who may fetch files of the kind beside being their owner. It is called before the first request.
func (s *Service) Guard(kind string, g Guard) { s.guards[kind] = g }

// Enqueue stages a job of the transaction's actor, to be done once the transaction is committed. The payload is kept sealed. Call
// Wake after the commit; without it the job waits for the next poll.
func (s *Service) Enqueue(tx *store.Tx, kind, area string, payload any) (*model.Job, error) {
	return s.EnqueueAt(tx, tx.Now(), kind, area, payload)
}

// EnqueueAt is Enqueue for a job that is not to begin before the moment.
func (s *Service) EnqueueAt(tx *store.Tx, at model.Time, kind, area string, payload any) (*model.Job, error) {
	clear, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	j := &model.Job{ID: model.NewID(), OwnerID: ownerOf(tx.Actor()), Kind: kind, State: model.JobQueued, RunAt: at, CreatedAt: tx.Now(),
		AreaCode: area}
	if j.Payload, err = tx.Sealed().Seal(clear, payloadAAD(j.ID)); err != nil {
		return nil, err
	}
	return j, tx.Add(j)
}

func payloadAAD(id model.ID) []byte { return append([]byte("job"), id[:]...) }

// program owns the jobs that the program itself asked for: an id that no account has.
var program = model.ID{15: 1}

func ownerOf(a model.Actor) model.ID {
	if a.IsSystem() {
		return program
	}
	return a.Account
}

// Wake tells the workers of this process that there may be something to do. It never blocks.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
	s.touch()
}

// touch wakes those who watch jobs.
func (s *Service) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Service) changes() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Get is one of the actor's own jobs. Errors: not_found for a job that is not theirs.
func (s *Service) Get(ctx context.Context, id model.ID) (j *model.Job, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		j, err = own(tx, id)
		return err
	})
	return j, err
}

// own reads a job of the actor's; also an administrator, whose scope is everything, has only their own.
func own(tx *store.Tx, id model.ID) (*model.Job, error) {
	var j model.Job
	return &j, tx.Q(&j).Where("id = ? AND owner_id = ?", id, ownerOf(tx.Actor())).Take(&j).Error
}

// List is a page of the actor's own jobs, newest first. Errors: validation.failed for a cursor that no list gave out.
func (s *Service) List(ctx context.Context, cursor string, limit int) (jobs []*model.Job, next string, err error) {
	after, err := store.ParseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		var end store.Cursor
		q := tx.Along("jobs_owner", &model.Job{}).Where("owner_id = ?", ownerOf(tx.Actor()))
		jobs, end, err = store.Page(q, "created_at", after, limit, func(j *model.Job) store.Cursor {
			return store.Cursor{At: j.CreatedAt, ID: j.ID}
		})
		next = end.String()
		return err
	})
	return jobs, next, err
}

// Cancel stops one of the actor's own jobs, which its handler learns at its next step, or removes the file of one that is done. A
// job that ended otherwise stays as it is. Errors: not_found for a job that is not theirs.
func (s *Service) Cancel(ctx context.Context, id model.ID) error {
	var j *model.Job
	err := s.db.Write(ctx, model.Act{Name: "job.cancel", Target: id.String()}, func(tx *store.Tx) (err error) {
		if j, err = own(tx, id); err != nil {
			return err
		}
		tx.Note("", j.AreaCode, "kind="+j.Kind)
		tx.Change(&model.Job{}, map[string]any{"state": model.JobCancelled, "ended_at": tx.Now(), "payload": nil},
			"id = ? AND state IN ?", id, []model.JobState{model.JobQueued, model.JobRunning})
		tx.Change(&model.Job{}, noFile(), "id = ? AND state = ?", id, model.JobDone)
		return nil
	})
	if err != nil {
		return err
	}
	s.touch()
	return s.unlink(j)
}

func noFile() map[string]any {
	return map[string]any{"file_name": "", "file_bytes": 0, "file_sha256": nil}
}

// Open is the file of one of the actor's own jobs, to be read and closed by the caller; that it was fetched is traced. Errors:
// not_found when there is none, or not any more; those of the kind's Guard.
func (s *Service) Open(ctx context.Context, id model.ID) (*model.Job, *os.File, error) {
	j, err := s.Get(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if j.State != model.JobDone || j.FileName == "" || j.EndedAt.Add(s.o.Keep) < s.db.Now() {
		return nil, nil, model.Fail(model.NotFound)
	}
	if g := s.guards[j.Kind]; g != nil {
		if err := g(store.ActorOf(ctx), j); err != nil {
			return nil, nil, err
		}
	}
	f, err := os.Open(s.path(j))
	if os.IsNotExist(err) {
		s.o.Log.WarnContext(ctx, "a job's file is missing: is SIX_DATA the same folder on every node?", "job", id)
		return nil, nil, model.Fail(model.NotFound)
	}
	if err != nil {
		return nil, nil, err
	}
	act := model.Act{Name: j.Kind + ".fetch", Target: id.String(), Area: j.AreaCode, Detail: "bytes=" + strconv.FormatInt(j.FileBytes, 10)}
	if err := s.db.Write(ctx, act, func(*store.Tx) error { return nil }); err != nil {
		_ = f.Close() // only read from
		return nil, nil, err
	}
	return j, f, nil
}

// failure is a problem as the job table keeps it.
type failure struct {
	Code   model.Code         `json:"code"`
	Detail string             `json:"detail,omitempty"`
	Fields []model.FieldError `json:"errors,omitempty"`
}

// Failure is why a job failed; nil for one that did not.
func Failure(j *model.Job) *model.Error {
	var f failure
	if j.Problem == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(j.Problem), &f); err != nil {
		return model.Fail(model.Internal)
	}
	return &model.Error{Code: f.Code, Detail: f.Detail, Fields: f.Fields}
}

func failureText(e *model.Error) string {
	b, err := json.Marshal(failure{e.Code, e.Detail, e.Fields})
	if err != nil {
		return fmt.Sprintf(`{"code":%q}`, model.Internal) // cannot happen: it is made of texts
	}
	return string(b)
}
