package job

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// Sweep removes files whose time is over, and what dead workers left in the directory. It answers how many files of jobs went.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	before := s.db.Now().Add(-s.o.Keep)
	n, err := s.dropFiles(ctx, "ended_at < ?", before)
	return n, errors.Join(err, s.sweepDir(ctx))
}

// DropFiles removes every file that may hold something of the area, because someone in it is to be forgotten: of jobs for the
// area, for one around it or for one in it. It answers how many files went.
func (s *Service) DropFiles(ctx context.Context, area string) (int, error) {
	around := []string{""}
	for code := area; code != ""; code = model.ParentCode(code) {
		around = append(around, code)
	}
	return s.dropFiles(ctx, "(area_code IN ? OR area_code >= ? AND area_code < ?)", around, area, area+":") // ':' follows '9'
}

// dropFiles forgets and removes the files of the jobs that match, a few at a time.
func (s *Service) dropFiles(ctx context.Context, where string, args ...any) (n int, err error) {
	const atOnce = 200
	for {
		var jobs []*model.Job
		err := s.db.Read(store.AsSystem(ctx, "sweep files"), func(tx *store.Tx) error {
			return tx.Q(&model.Job{}).Where("state = ? AND file_name <> ''", model.JobDone).Where(where, args...).Order("id").
				Limit(atOnce).Find(&jobs).Error
		})
		if err != nil {
			return n, err
		}
		for _, j := range jobs {
			if err := s.unlink(j); err != nil {
				return n, err
			}
			if _, err := s.db.Tick(ctx, &model.Job{}, noFile(), "id = ? AND state = ?", j.ID, model.JobDone); err != nil {
				return n, err
			}
			n++
		}
		if len(jobs) < atOnce {
			return n, nil
		}
	}
}

// unlink removes a job's file if there is one.
func (s *Service) unlink(j *model.Job) error {
	if j.LeaseBy.IsZero() { // never begun
		return nil
	}
	if err := os.Remove(s.path(j)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// sweepDir removes what no job points at: files of workers that died, or that were told too late that the job was taken or
// cancelled. They hold what people said, and nobody would ever miss them.
func (s *Service) sweepDir(ctx context.Context) error {
	const young = time.Minute // on a cluster the table may lag behind the file
	entries, err := os.ReadDir(s.o.Dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || s.db.Now().Std().Sub(info.ModTime()) < young {
			continue // or it is gone meanwhile
		}
		wanted, err := s.wanted(ctx, e.Name())
		if err == nil && !wanted {
			err = os.RemoveAll(filepath.Join(s.o.Dir, e.Name()))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// wanted tells whether a file is the one its job left, or is being written by who holds the job. See stem.
func (s *Service) wanted(ctx context.Context, file string) (bool, error) {
	const id = 36
	if len(file) < id+1+id {
		return false, nil
	}
	job, err1 := model.ParseID(file[:id])
	by, err2 := model.ParseID(file[id+1 : id+1+id])
	if err1 != nil || err2 != nil {
		return false, nil
	}
	var n int64
	err := s.db.Read(store.AsSystem(ctx, "sweep files"), func(tx *store.Tx) error {
		q := tx.Q(&model.Job{}).Where("id = ? AND lease_by = ?", job, by)
		return q.Where("(state = ? OR state = ? AND file_name <> '')", model.JobRunning, model.JobDone).Count(&n).Error
	})
	return n > 0, err
}
