package job_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/job"
)

// house is a database with a clock that only moves when told.
type house struct {
	t     *testing.T
	db    *store.DB
	clock *testkit.FixedClock
	dir   string
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, clock: testkit.Clock(t), dir: filepath.Join(t.TempDir(), "jobs")}
	h.db = testkit.DBAt(t, h.clock)
	return h
}

func (h *house) later(d time.Duration) { h.clock.Advance(d) }

// service is one node.
func (h *house) service(handlers map[string]job.Handler) *job.Service {
	s := job.New(h.db, job.Options{Dir: h.dir, Poll: 5 * time.Millisecond,
		Actor: func(_ context.Context, id model.ID) (model.Actor, error) {
			return model.Actor{Account: id, Name: "王"}, nil
		}})
	for kind, f := range handlers {
		s.Register(kind, f)
	}
	return s
}

func account(name string) model.Actor {
	sum := sha256.Sum256([]byte(name))
	a := model.Actor{Name: name, Grants: []model.Grant{{Role: model.CommunityRole, Area: "410102002004"}}}
	copy(a.Account[:], sum[:])
	return a
}

func (h *house) as(name string) context.Context { return store.As(h.t.Context(), account(name)) }

func (h *house) enqueue(s *job.Service, who, kind string, payload any) (id model.ID) {
	h.t.Helper()
	err := h.db.Write(h.as(who), model.Act{Name: "test.ask"}, func(tx *store.Tx) error {
		j, err := s.Enqueue(tx, kind, "410102002004", payload)
		if err == nil {
			id = j.ID
		}
		return err
	})
	require.NoError(h.t, err)
	s.Wake()
	return id
}

func (h *house) once(s *job.Service) bool {
	h.t.Helper()
	ran, err := s.RunOnce(h.t.Context())
	require.NoError(h.t, err)
	return ran
}

func (h *house) get(s *job.Service, who string, id model.ID) *model.Job {
	h.t.Helper()
	j, err := s.Get(h.as(who), id)
	require.NoError(h.t, err)
	return j
}

func (h *house) acts() (acts []string) {
	h.t.Helper()
	require.NoError(h.t, h.db.Read(store.AsSystem(h.t.Context(), "look"), func(tx *store.Tx) error {
		return tx.Q(&model.Audit{}).Order("at").Order("id").Pluck("act", &acts).Error
	}))
	return acts
}

func (h *house) files() (names []string) {
	entries, err := os.ReadDir(h.dir)
	if !os.IsNotExist(err) {
		require.NoError(h.t, err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func writeFile(text string) job.Handler {
	return func(_ context.Context, r *job.Run) error {
		f, err := r.File("台账.csv")
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, text); err != nil {
			return err
		}
		return f.Close()
	}
}

func TestAJobIsDoneOnceWithItsPayloadItsOwnerAndItsFile(t *testing.T) {
	t.Parallel()
	h := open(t)
	var saw struct{ Word string }
	s := h.service(map[string]job.Handler{"test": func(ctx context.Context, r *job.Run) error {
		if err := r.Payload(&saw); err != nil {
			return err
		}
		a, err := r.Actor(ctx)
		if err != nil || a.Account != account("王").Account || r.Area() != "410102002004" {
			return errors.Join(errors.New("not for its owner"), err)
		}
		if err := r.Progress(ctx, 1, 2); err != nil {
			return err
		}
		return writeFile("一,二\r\n")(ctx, r)
	}})
	id := h.enqueue(s, "王", "test", map[string]string{"Word": "保密"})
	require.Equal(t, model.JobQueued, h.get(s, "王", id).State)
	require.NotContains(t, string(h.get(s, "王", id).Payload), "保密", "the payload is sealed")
	require.True(t, h.once(s))
	require.False(t, h.once(s), "nothing is left")

	require.Equal(t, "保密", saw.Word)
	j := h.get(s, "王", id)
	require.Equal(t, model.JobDone, j.State)
	require.EqualValues(t, 2, j.Done)
	require.Empty(t, j.Payload, "what it was asked with is gone")
	sum := sha256.Sum256([]byte("一,二\r\n"))
	require.Equal(t, sum[:], j.FileSHA256)
	require.EqualValues(t, 9, j.FileBytes)

	_, f, err := s.Open(h.as("王"), id)
	require.NoError(t, err)
	got, err := io.ReadAll(f)
	require.NoError(t, errors.Join(err, f.Close()))
	require.Equal(t, "一,二\r\n", string(got))
	require.Contains(t, h.acts(), "test.fetch")
}

func TestAnothersJobDoesNotExist(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.service(map[string]job.Handler{"test": writeFile("x")})
	id := h.enqueue(s, "王", "test", nil)
	h.once(s)
	admin := account("管理员")
	admin.Grants = []model.Grant{{Role: model.Admin}}
	for name, ctx := range map[string]context.Context{"a colleague": h.as("李"), "an administrator": store.As(t.Context(), admin)} {
		_, err := s.Get(ctx, id)
		require.True(t, model.IsCode(err, model.NotFound), name)
		require.True(t, model.IsCode(s.Cancel(ctx, id), model.NotFound), name)
		_, _, err = s.Open(ctx, id)
		require.True(t, model.IsCode(err, model.NotFound), name)
		jobs, _, err := s.List(ctx, "", 50)
		require.NoError(t, err)
		require.Empty(t, jobs, name)
	}
	require.Len(t, h.files(), 1, "nothing was removed")
}

func TestListsRunNewestFirstAndPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.service(nil)
	var want []model.ID
	for range 3 {
		h.later(time.Second)
		want = append([]model.ID{h.enqueue(s, "王", "test", nil)}, want...)
	}
	first, next, err := s.List(h.as("王"), "", 2)
	require.NoError(t, err)
	second, end, err := s.List(h.as("王"), next, 2)
	require.NoError(t, err)
	require.Empty(t, end)
	require.Equal(t, want, []model.ID{first[0].ID, first[1].ID, second[0].ID})
}

func TestHowAJobFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		h    job.Handler
		runs int
		code model.Code
	}{
		{"a problem is told at once", func(context.Context, *job.Run) error { return model.Fail(model.RoleForbidden) }, 1, model.RoleForbidden},
		{"a panic is a fault", func(context.Context, *job.Run) error { panic("身份证") }, 1, model.Internal},
		{"a fault is tried three times", func(context.Context, *job.Run) error { return errors.New("disk") }, 3, model.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			runs := 0
			s := h.service(map[string]job.Handler{"test": func(ctx context.Context, r *job.Run) error {
				runs++
				if err := writeFile("half")(ctx, r); err != nil {
					return err
				}
				return c.h(ctx, r)
			}})
			id := h.enqueue(s, "王", "test", nil)
			for range 5 {
				h.once(s)
				h.later(time.Minute)
			}
			require.Equal(t, c.runs, runs)
			j := h.get(s, "王", id)
			require.Equal(t, model.JobFailed, j.State)
			require.Equal(t, c.code, job.Failure(j).Code)
			require.NotContains(t, j.Problem, "disk")
			require.NotContains(t, j.Problem, "身份证")
			require.Empty(t, h.files(), "it leaves nothing behind")
		})
	}
}

func TestAJobOfADeadWorkerIsTakenAgainAfterItsLeaseAndTheDeadWorkerIsNotHeard(t *testing.T) {
	t.Parallel()
	h := open(t)
	hang, resume := make(chan struct{}), make(chan struct{})
	slow := h.service(map[string]job.Handler{"test": func(ctx context.Context, r *job.Run) error {
		close(hang)
		<-resume // seems dead
		return writeFile("of the dead")(ctx, r)
	}})
	quick := h.service(map[string]job.Handler{"test": writeFile("of the living")})
	id := h.enqueue(slow, "王", "test", nil)
	var dead sync.WaitGroup
	dead.Go(func() { _, err := slow.RunOnce(context.Background()); require.NoError(t, err) })
	<-hang
	require.False(t, h.once(quick), "it is leased")
	h.later(31 * time.Second)
	require.True(t, h.once(quick), "its lease is over")
	close(resume)
	dead.Wait()
	j, f, err := quick.Open(h.as("王"), id)
	require.NoError(t, err)
	got, err := io.ReadAll(f)
	require.NoError(t, errors.Join(err, f.Close()))
	require.Equal(t, "of the living", string(got))
	require.EqualValues(t, len(got), j.FileBytes)
	require.Len(t, h.files(), 1, "the dead worker's file is gone")
}

func TestACancelledJobStopsAtItsNextStep(t *testing.T) {
	t.Parallel()
	h := open(t)
	var s *job.Service
	var id model.ID
	var stopped error
	s = h.service(map[string]job.Handler{"test": func(ctx context.Context, r *job.Run) error {
		if err := errors.Join(writeFile("half")(ctx, r), s.Cancel(h.as("王"), id)); err != nil {
			return err
		}
		stopped = r.Progress(ctx, 1, 2)
		if ctx.Err() == nil {
			return errors.New("its ctx goes on")
		}
		return stopped
	}})
	id = h.enqueue(s, "王", "test", nil)
	require.True(t, h.once(s))
	require.ErrorIs(t, stopped, job.ErrStopped)
	require.Equal(t, model.JobCancelled, h.get(s, "王", id).State)
	require.Empty(t, h.files())
	require.Contains(t, h.acts(), "job.cancel")

	queued := h.enqueue(s, "王", "test", nil)
	require.NoError(t, s.Cancel(h.as("王"), queued))
	require.False(t, h.once(s), "a cancelled job never begins")
}

func TestCancellingADoneJobRemovesItsFile(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.service(map[string]job.Handler{"test": writeFile("x")})
	id := h.enqueue(s, "王", "test", nil)
	h.once(s)
	require.NoError(t, s.Cancel(h.as("王"), id))
	j := h.get(s, "王", id)
	require.Equal(t, model.JobDone, j.State)
	require.Empty(t, j.FileName)
	require.Empty(t, h.files())
	_, _, err := s.Open(h.as("王"), id)
	require.True(t, model.IsCode(err, model.NotFound))
}

func TestFilesAreKeptSevenDays(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.service(map[string]job.Handler{"test": writeFile("x")})
	id := h.enqueue(s, "王", "test", nil)
	h.once(s)
	h.later(6 * 24 * time.Hour)
	n, err := s.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	h.later(25 * time.Hour)
	_, _, err = s.Open(h.as("王"), id)
	require.True(t, model.IsCode(err, model.NotFound), "also before the sweep")
	n, err = s.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, h.files())
}

func TestTheSweepRemovesWhatNoJobPointsAt(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.service(map[string]job.Handler{"test": writeFile("x")})
	h.enqueue(s, "王", "test", nil)
	h.once(s)
	kept := h.files()[0]
	dead := model.NewID().String()
	leave := func(name string, age time.Duration) {
		path := filepath.Join(h.dir, name)
		require.NoError(t, os.WriteFile(path, []byte("王"), 0o600))
		at := h.db.Now().Std().Add(-age)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	old := h.db.Now().Std().Add(-time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(h.dir, kept), old, old))
	leave(dead+"-"+dead+".bin.part", time.Hour)            // of a job that is not there
	leave(kept[:37]+dead+".bin.part", time.Hour)           // of a worker that lost the job
	leave(kept[:37]+dead+".bin", time.Hour)                // and of one that had finished it
	leave("excelize-123", time.Hour)                       // of another age
	leave(dead+"-"+dead[:35]+"0.bin.part", 10*time.Second) // its claim may not be seen here yet
	_, err := s.Sweep(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{kept, dead + "-" + dead[:35] + "0.bin.part"}, h.files())

	running := h.service(map[string]job.Handler{"test": func(ctx context.Context, r *job.Run) error {
		if err := writeFile("half")(ctx, r); err != nil {
			return err
		}
		for _, name := range h.files() {
			require.NoError(t, os.Chtimes(filepath.Join(h.dir, name), old, old))
		}
		_, err := s.Sweep(ctx)
		require.Len(t, h.files(), 2, "a running job keeps what it writes")
		return err
	}})
	h.enqueue(running, "王", "test", nil)
	h.once(running)
}

func TestAFullDiskFailsTheJobAtOnceAndSaysSo(t *testing.T) {
	t.Parallel()
	h := open(t)
	runs := 0
	s := h.service(map[string]job.Handler{"test": func(ctx context.Context, r *job.Run) error {
		runs++
		return errors.Join(writeFile("half")(ctx, r), &os.PathError{Op: "write", Path: "/data/jobs/x", Err: syscall.ENOSPC})
	}})
	id := h.enqueue(s, "王", "test", nil)
	h.once(s)
	j := h.get(s, "王", id)
	require.Equal(t, model.JobFailed, j.State)
	require.Contains(t, job.Failure(j).Detail, "磁盘空间不足")
	require.NotContains(t, j.Problem, "/data")
	require.Empty(t, h.files(), "no half file stays")
	h.later(time.Hour)
	require.False(t, h.once(s))
	require.Equal(t, 1, runs)
}

func TestForgettingSomeoneDropsTheFilesThatMayNameThem(t *testing.T) {
	t.Parallel()
	for area, want := range map[string]int{"410102002004": 1, "410102002004001": 1, "410102002": 1, "410102002005": 0} {
		h := open(t)
		s := h.service(map[string]job.Handler{"test": writeFile("x")})
		h.enqueue(s, "王", "test", nil)
		h.once(s)
		n, err := s.DropFiles(t.Context(), area)
		require.NoError(t, err)
		require.Equal(t, want, n, area)
		require.Len(t, h.files(), 1-want, area)
	}
}

func TestAGuardRefusesTheFileToWhoLostTheRight(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.service(map[string]job.Handler{"test": writeFile("x")})
	s.Guard("test", func(model.Actor, *model.Job) error { return model.Fail(model.RoleForbidden) })
	id := h.enqueue(s, "王", "test", nil)
	h.once(s)
	_, _, err := s.Open(h.as("王"), id)
	require.True(t, model.IsCode(err, model.RoleForbidden))
	require.NotContains(t, h.acts(), "test.fetch")
}

func TestManyWorkersDoEachJobOnceAndStopWhenTold(t *testing.T) {
	t.Parallel()
	h := open(t)
	var mu sync.Mutex
	ran := map[model.ID]int{}
	all := make(chan struct{})
	const jobs = 30
	handlers := map[string]job.Handler{"test": func(_ context.Context, r *job.Run) error {
		mu.Lock()
		defer mu.Unlock()
		if ran[r.ID()]++; len(ran) == jobs {
			close(all)
		}
		return nil
	}}
	nodes := []*job.Service{h.service(handlers), h.service(handlers)}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, n := range nodes {
		running.Go(func() { n.Run(ctx) })
	}
	for range jobs {
		h.enqueue(nodes[0], "王", "test", nil)
	}
	<-all
	stop()
	running.Wait()
	require.Len(t, ran, jobs)
	for _, n := range ran {
		require.Equal(t, 1, n)
	}
}

func TestAJobThatIsStoppedByAShutdownGoesBackToTheQueue(t *testing.T) {
	t.Parallel()
	h := open(t)
	begun := make(chan struct{})
	s := h.service(map[string]job.Handler{"test": func(ctx context.Context, _ *job.Run) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}})
	id := h.enqueue(s, "王", "test", nil)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	<-begun
	stop()
	<-done
	j := h.get(s, "王", id)
	require.Equal(t, model.JobQueued, j.State)
	require.Zero(t, j.Attempts)
}

func TestWatchingShowsEveryStateToTheEndWhicheverNodeWorks(t *testing.T) {
	t.Parallel()
	h := open(t)
	step := make(chan struct{})
	worker := h.service(map[string]job.Handler{"test": func(ctx context.Context, r *job.Run) error {
		if err := r.Progress(ctx, 1, 2); err != nil {
			return err
		}
		<-step
		return nil
	}})
	looker := h.service(nil)
	id := h.enqueue(worker, "王", "test", nil)
	var states []model.JobState
	err := looker.Watch(h.as("王"), id, func(j *model.Job) error {
		states = append(states, j.State)
		switch {
		case j.State == model.JobQueued:
			go func() { _, _ = worker.RunOnce(context.Background()) }()
		case j.Done == 1:
			close(step)
		}
		return nil
	}, func() error { return nil })
	require.NoError(t, err)
	require.Equal(t, model.JobQueued, states[0])
	require.Equal(t, model.JobDone, states[len(states)-1])
	require.Contains(t, states, model.JobRunning)

	err = looker.Watch(h.as("李"), id, func(*model.Job) error { t.Error("shown"); return nil }, func() error { return nil })
	require.True(t, model.IsCode(err, model.NotFound))
}

func TestASingletonRunsOnOneNodeUntilItsLeaseIsOver(t *testing.T) {
	t.Parallel()
	h := open(t)
	a, b := h.service(nil), h.service(nil)
	hold := func(s *job.Service) bool {
		held, err := s.Lease(t.Context(), "audit", time.Minute, func(context.Context) error { return nil })
		require.NoError(t, err)
		return held
	}
	require.True(t, hold(a))
	require.False(t, hold(b), "the other node has it")
	h.later(50 * time.Second)
	require.True(t, hold(a), "asking again renews it")
	h.later(50 * time.Second)
	require.False(t, hold(b))
	h.later(11 * time.Second)
	require.True(t, hold(b), "the first node fell silent")
	require.False(t, hold(a))

	_, err := b.Lease(t.Context(), "audit", time.Minute, func(ctx context.Context) error {
		require.False(t, hold(b), "not twice at once on one node either")
		return h.db.Read(ctx, func(*store.Tx) error { return nil })
	})
	require.Error(t, err, "the function acts for nobody until it says so")
}
