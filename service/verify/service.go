// Package verify takes records through verification: the collector's verdict and the submitter's answer to it.
package verify

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"sixelements/model"
	"sixelements/model/store"
)

// Service verifies records.
type Service struct {
	db    *store.DB
	merge store.Merge
}

// New makes the service.
func New(db *store.DB, m store.Merge) *Service { return &Service{db, m} }

// Apply moves a record along the verification table by one step and returns it as it now stands, with what is doubtful in it.
//
// Errors: not_found when the record is outside the actor's scope; role.forbidden when the role may not take the step and
// transition.self_verify when the actor would verify their own submission; record.id_conflict for a step id used for other content;
// precondition.required, precondition.malformed, record.stale for the version; transition.not_allowed from another state;
// validation.failed when the step lacks its reason or method, or carries data that breaks the kind's rules.
func (s *Service) Apply(ctx context.Context, id model.ID, m model.Match, step model.Step) (rec *model.Record,
	warnings []model.FieldError, err error) {
	hash := s.db.Hash("step", id[:], model.Canonical(step))
	err = s.db.Write(ctx, model.Act{Name: "record." + step.Action, Target: id.String(), Shared: true}, func(tx *store.Tx) (err error) {
		if rec, err = tx.Record(id); err != nil {
			return err
		}
		if err := rec.MayTake(tx.Actor(), step); err != nil {
			return err
		}
		if done, err := tx.Replayed(id, step.StepID, hash); err != nil || done {
			return err
		}
		if err := m.Against(rec.Version); err != nil {
			return err
		}
		if err := rec.Allows(step); err != nil {
			return err
		}
		trace := store.Trace{Act: step.Action, Note: step.Note, StepID: step.StepID, StepHash: hash}
		if warnings, trace.Changes, err = s.data(tx, rec, step); err != nil {
			return err
		}
		rec.Take(step, tx.Actor(), tx.Now())
		return tx.SaveRecord(rec, trace) // staged; the door writes it with its revision
	})
	return rec, warnings, err
}

// data merges what the step carries: corrections, or where an archived record's subject went.
func (s *Service) data(tx *store.Tx, r *model.Record, step model.Step) ([]model.FieldError, []model.Change, error) {
	switch step.Action {
	case "archive":
		c, err := movedTo(step.Data)
		return nil, c, err
	case "verify":
		data := step.Data
		if len(data) == 0 {
			data = json.RawMessage("{}") // nothing to correct: what verification needs is still checked
		}
		w, err := s.merge(tx, r, data, true)
		return w, nil, err
	case "resubmit", "amend":
		w, err := s.merge(tx, r, step.Data, false)
		return w, nil, err
	}
	if len(step.Data) > 0 {
		return nil, nil, model.Faults{{Location: "data", Code: model.FieldUnknown, Message: "这一步不能修改内容"}}.Err()
	}
	return nil, nil, nil
}

const longestMove = 100

func movedTo(data json.RawMessage) ([]model.Change, error) {
	if len(data) == 0 || string(data) == "null" {
		return nil, nil
	}
	var in map[string]string
	to := ""
	if err := json.Unmarshal(data, &in); err == nil {
		to = strings.TrimSpace(in[model.MovedTo])
		delete(in, model.MovedTo)
	}
	if in == nil || len(in) > 0 || utf8.RuneCountInString(to) > longestMove {
		return nil, model.Faults{{Location: "data", Code: model.FieldInvalid, Message: "归档时只能填写去向 moved_to，最多 100 个字"}}.Err()
	}
	if to == "" {
		return nil, nil
	}
	after, err := json.Marshal(to)
	return []model.Change{{Field: model.MovedTo, After: after}}, err
}
