package collect

import (
	"context"
	"encoding/json"
	"slices"

	"sixelements/model"
	"sixelements/model/store"
)

// Locate judges a record before a request's body: not_found outside the caller's scope, role.forbidden for who may not change it,
// then what is wrong with the version.
func (s *Service) Locate(ctx context.Context, id string, m model.Match) error {
	return s.locate(ctx, id, func(r *model.Record, a model.Actor) error {
		if r.SubmitterID != a.Account && !a.WorksAt(model.Collector, r.Where()) {
			return model.Fail(model.RoleForbidden)
		}
		return m.Against(r.Version)
	})
}

// LocateNew judges a caller's right to send a record before its content: consent.required for a resident who has not agreed.
func (s *Service) LocateNew(ctx context.Context, _ string, _ model.Match) error {
	return s.db.Read(ctx, func(tx *store.Tx) error {
		if tx.Actor().Staff() || !tx.Actor().Has(model.Resident) {
			return nil
		}
		general, _, err := s.o.Consent(tx.Context(), tx, tx.Actor().Account)
		if err == nil && !general {
			err = model.Fail(model.ConsentRequired)
		}
		return err
	})
}

// LocateStep is Locate for transitions, whose right depends on what the body says.
func (s *Service) LocateStep(ctx context.Context, id string, m model.Match) error {
	return s.locate(ctx, id, func(r *model.Record, a model.Actor) error {
		if mine := r.SubmitterID == a.Account || r.AssigneeID == a.Account; !mine && !a.WorksAt(model.Collector, r.Where()) {
			return model.Fail(model.RoleForbidden) // no step is theirs
		}
		return m.Against(r.Version)
	})
}

// Exists is Locate for operations without a version.
func (s *Service) Exists(ctx context.Context, id string, _ model.Match) error {
	return s.locate(ctx, id, func(*model.Record, model.Actor) error { return nil })
}

// locate reads a record's header in scope and judges it.
func (s *Service) locate(ctx context.Context, id string, judge func(*model.Record, model.Actor) error) error {
	rid, err := model.ParseID(id)
	if err != nil {
		return model.Fail(model.NotFound)
	}
	return s.db.Read(ctx, func(tx *store.Tx) error {
		var r model.Record
		if err := tx.Q(&r).Where("id = ?", rid).Take(&r).Error; err != nil {
			return err
		}
		return judge(&r, tx.Actor())
	})
}

// Patch is a correction of a record's data.
type Patch struct {
	Data   json.RawMessage `json:"data" doc:"a JSON merge patch: absent = unchanged, null = cleared"`
	StepID model.ID        `json:"step_id,omitzero" doc:"made by the client: sent again, the correction is not made twice"`
}

// Correct merges a patch into a record's data and returns it as it now stands: the submitter's own while submitted or returned,
// staff's while submitted, returned or verified, which stays verified.
//
// Errors: not_found out of scope; role.forbidden; record.id_conflict for a step id used for other content; precondition.required,
// precondition.malformed, record.stale; transition.not_allowed in another state; validation.failed, field.unknown, field.masked,
// consent.sensitive_required for the data.
func (s *Service) Correct(ctx context.Context, id model.ID, m model.Match, p Patch) (rec *model.Record, warnings []model.FieldError,
	err error) {
	hash := s.db.Hash("step", id[:], []byte("patch"), model.Canonical(p))
	err = s.db.Write(ctx, model.Act{Name: "record.patch", Target: id.String(), Shared: true}, func(tx *store.Tx) (err error) {
		if rec, err = tx.Record(id); err != nil {
			return err
		}
		staff := tx.Actor().WorksAt(model.Collector, rec.Where())
		own := rec.SubmitterID == tx.Actor().Account
		if !staff && !own {
			return model.Fail(model.RoleForbidden)
		}
		if done, err := tx.Replayed(rec.ID, p.StepID, hash); err != nil || done {
			return err
		}
		if err := m.Against(rec.Version); err != nil {
			return err
		}
		open := []model.Status{model.Submitted, model.Returned}
		if staff {
			open = append(open, model.Verified)
		}
		if !slices.Contains(open, rec.Status) {
			return model.Failf(model.NotAllowed, "这条记录现在是“%s”，不能直接修改。请刷新后再看。", rec.Status.Label())
		}
		if warnings, err = s.Merge(tx, rec, p.Data, rec.Status == model.Verified); err != nil {
			return err
		}
		return tx.SaveRecord(rec, store.Trace{Act: "patch", StepID: p.StepID, StepHash: hash})
	})
	return rec, warnings, err
}

// Merge is a store.Merge: it applies a patch to the record's element in place.
func (s *Service) Merge(tx *store.Tx, r *model.Record, patch json.RawMessage, verified bool) ([]model.FieldError, error) {
	extra, err := tx.ExtraFields(r.Kind, r.AreaCode)
	if err != nil {
		return nil, err
	}
	d, derr := r.Kind.Schema().Decode(patch, model.Decode{Codes: s.o.Codes, Today: tx.Now().Date(), Base: r.Element, BaseExtra: r.Extra,
		Extra: extra, Verified: verified})
	if r.SubmitterRole == model.Resident && r.SubmitterID == tx.Actor().Account && len(d.Sensitive) > 0 {
		agreed, err := s.consent(tx)
		if err != nil {
			return nil, err
		}
		if !agreed.sensitive {
			return nil, consentFor(r.Kind, d.Sensitive)
		}
	}
	if derr != nil {
		return nil, derr
	}
	r.Element, r.Extra = d.Element, d.Extra
	return d.Warnings, s.attach(tx, r, d.Photos)
}
