package job

import (
	"context"
	"time"

	"sixelements/model"
)

// Finished tells whether a job has come to its end.
func Finished(j *model.Job) bool {
	return j.State != model.JobQueued && j.State != model.JobRunning
}

// Watch calls changed with one of the actor's own jobs as it is, again whenever it changed, whichever node changed it, and returns
// when the job is finished, ctx ends, the service stops, or changed answers an error. idle is called about every 15 seconds in
// between, to keep a connection open. Errors: not_found for a job that is not theirs; those of changed and idle.
func (s *Service) Watch(ctx context.Context, id model.ID, changed func(*model.Job) error, idle func() error) error {
	const beat = 15 * time.Second
	t, quiet := time.NewTicker(s.o.Poll), time.NewTicker(beat)
	defer t.Stop()
	defer quiet.Stop()
	var last *model.Job
	for {
		woken := s.changes() // before the look, so that no change falls between
		j, err := s.Get(ctx, id)
		if err != nil {
			return err
		}
		if last == nil || differs(last, j) {
			if err := changed(j); err != nil {
				return err
			}
			last = j
		}
		if Finished(j) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.stopped:
			return nil
		case <-woken:
		case <-t.C:
		case <-quiet.C:
			if err := idle(); err != nil {
				return err
			}
		}
	}
}

// differs tells whether what a client sees of the job changed.
func differs(a, b *model.Job) bool {
	return a.State != b.State || a.Done != b.Done || a.Total != b.Total || a.Problem != b.Problem || a.FileName != b.FileName
}
