package job

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// Run works, and sweeps every hour, until ctx ends; it returns when the handlers that were running have stopped, and their jobs are
// back in the queue. It is called once.
func (s *Service) Run(ctx context.Context) {
	var workers sync.WaitGroup
	workers.Go(func() { s.tend(ctx) })
	for range s.o.Workers {
		workers.Go(func() { s.work(ctx) })
	}
	<-ctx.Done()
	close(s.stopped)
	workers.Wait()
	s.release(context.WithoutCancel(ctx))
}

// tend sweeps now and every hour. Every node does: what dead workers left may lie on its own disk.
func (s *Service) tend(ctx context.Context) {
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	for ctx.Err() == nil {
		if _, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.ErrorContext(ctx, "sweep jobs", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

func (s *Service) work(ctx context.Context) {
	t := time.NewTicker(s.o.Poll)
	defer t.Stop()
	for ctx.Err() == nil {
		ran, err := s.RunOnce(ctx)
		if err != nil && ctx.Err() == nil {
			s.o.Log.ErrorContext(ctx, "jobs", "err", err)
		}
		if ran && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-t.C:
		}
	}
}

// RunOnce claims one job that is due and does it. ran tells whether there was one. The error is of the table, not of the job, whose
// failure is noted in its row.
func (s *Service) RunOnce(ctx context.Context) (ran bool, err error) {
	due, err := s.due(ctx)
	if err != nil {
		return false, err
	}
	for _, j := range due {
		ok, err := s.claim(ctx, j)
		if err != nil {
			return false, err
		}
		if ok {
			return true, s.do(ctx, j)
		}
	}
	return false, nil
}

// due are a few jobs that could be claimed now: those left by a dead worker, then those that wait.
func (s *Service) due(ctx context.Context) (jobs []*model.Job, err error) {
	kinds := slices.Collect(maps.Keys(s.handlers))
	err = s.db.Read(store.AsSystem(ctx, "claim jobs"), func(tx *store.Tx) error {
		jobs = nil
		for _, cond := range []struct{ where, order string }{
			{"state = 'running' AND lease_until < ?", "lease_until"},
			{"state = 'queued' AND run_at <= ?", "run_at"},
		} {
			var part []*model.Job
			q := tx.Q(&model.Job{}).Where(cond.where, tx.Now()).Where("kind IN ?", kinds)
			if err := q.Order(cond.order).Order("id").Limit(4).Find(&part).Error; err != nil {
				return err
			}
			jobs = append(jobs, part...)
		}
		return nil
	})
	return jobs, err
}

// claim takes the job by compare-and-set, so that of all workers one has it.
func (s *Service) claim(ctx context.Context, j *model.Job) (bool, error) {
	now, by := s.db.Now(), model.NewID()
	n, err := s.db.Tick(ctx, &model.Job{}, map[string]any{"state": model.JobRunning, "lease_until": now.Add(s.o.Lease), "lease_by": by,
		"attempts": gorm.Expr("attempts + 1")},
		"id = ? AND attempts = ? AND (state = ? AND run_at <= ? OR state = ? AND lease_until < ?)",
		j.ID, j.Attempts, model.JobQueued, now, model.JobRunning, now)
	if err != nil || n == 0 {
		return false, err
	}
	_ = os.Remove(s.path(j) + ".part") // of the worker that died, if there was one
	j.State, j.LeaseBy, j.Attempts = model.JobRunning, by, j.Attempts+1
	s.touch()
	return true, nil
}

// do runs the handler of a claimed job and notes how it ended.
func (s *Service) do(ctx context.Context, j *model.Job) error {
	work, cancel := context.WithCancelCause(store.As(ctx, model.Actor{}))
	defer cancel(nil)
	r := &Run{s: s, job: *j, cancel: cancel}
	beating, quiet := context.WithCancel(work)
	var beat sync.WaitGroup
	beat.Go(func() { r.beat(beating) })
	err := errTooOften
	if j.Attempts <= attempts {
		err = s.handle(work, r)
	}
	if err == nil && r.file != nil {
		err = r.file.Close()
	}
	quiet()
	beat.Wait()
	if err != nil {
		r.file.drop()
	}
	return s.settle(ctx, r, err)
}

var (
	errTooOften = errors.New("the job was begun too often and never ended")
	errPanic    = errors.New("the job's handler panicked")
)

// handle calls the handler; a panic becomes an error.
func (s *Service) handle(ctx context.Context, r *Run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPanic
			s.o.Log.ErrorContext(ctx, "job panicked", "kind", r.job.Kind, "job", r.job.ID, "panic", fmt.Sprintf("%T", p),
				"stack", string(debug.Stack()))
		}
	}()
	return s.handlers[r.job.Kind](ctx, r)
}

// settle notes how a run ended, unless the job is not this worker's any more.
func (s *Service) settle(ctx context.Context, r *Run, err error) error {
	stopping := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	now := s.db.Now()
	set := map[string]any{"state": model.JobDone, "done": max(r.done, r.total), "total": r.total, "ended_at": now, "payload": nil,
		"problem": ""}
	var problem *model.Error
	switch {
	case err == nil:
		if r.file != nil {
			set["file_name"], set["file_bytes"], set["file_sha256"] = r.file.name, r.file.bytes, r.file.sum.Sum(nil)
		}
	case errors.Is(err, ErrStopped) || r.lost:
		s.touch()
		return nil
	case stopping:
		set = map[string]any{"state": model.JobQueued, "run_at": now, "attempts": gorm.Expr("attempts - 1")}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		s.o.Log.ErrorContext(ctx, "no room for a job's file", "kind", r.job.Kind, "job", r.job.ID, "err", err)
		s.fail(set, &model.Error{Code: model.Internal, Detail: "服务器磁盘空间不足，文件没有生成。请联系管理员清理磁盘，然后重试。"})
	case errors.As(err, &problem) && problem.Code != model.Busy && problem.Code != model.Internal:
		s.fail(set, problem)
	case errors.Is(err, errPanic), r.job.Attempts >= attempts:
		s.o.Log.ErrorContext(ctx, "job failed", "kind", r.job.Kind, "job", r.job.ID, "attempt", r.job.Attempts, "err", err)
		s.fail(set, model.Fail(model.Internal))
	default:
		s.o.Log.WarnContext(ctx, "job will be tried again", "kind", r.job.Kind, "job", r.job.ID, "attempt", r.job.Attempts, "err", err)
		set = map[string]any{"state": model.JobQueued, "run_at": now.Add(time.Duration(r.job.Attempts*r.job.Attempts) * 5 * time.Second)}
	}
	n, terr := s.db.Tick(ctx, &model.Job{}, set, "id = ? AND state = ? AND lease_by = ?", r.job.ID, model.JobRunning, r.job.LeaseBy)
	if n == 0 { // cancelled or taken meanwhile, or the table could not be told: nobody will ever point at the file
		r.file.drop()
	}
	s.touch()
	return terr
}

func (s *Service) fail(set map[string]any, e *model.Error) {
	set["state"], set["problem"] = model.JobFailed, failureText(e)
	delete(set, "done")
	delete(set, "total")
}
