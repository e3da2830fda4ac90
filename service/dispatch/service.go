// Package dispatch takes events through handling: accepted, dispatched, handled, checked, closed; and makes events of situations and
// objects.
package dispatch

import (
	"context"
	"errors"
	"strings"

	"sixelements/model"
	"sixelements/model/store"
)

// Service handles events.
type Service struct {
	db    *store.DB
	merge store.Merge
}

// New makes the service.
func New(db *store.DB, m store.Merge) *Service { return &Service{db, m} }

// Apply moves an event along the handling table by one step and returns it as it now stands.
//
// Errors: not_found when the event is outside the actor's scope; role.forbidden when it is not the actor's to take, and
// transition.self_close when they would close what they resolved; record.id_conflict for a step id used for other content;
// precondition.required, precondition.malformed, record.stale for the version; transition.not_allowed from another stage or kind;
// validation.failed when the step lacks what it needs, or names an assignee who cannot handle it.
func (s *Service) Apply(ctx context.Context, id model.ID, m model.Match, step model.Step) (rec *model.Record, err error) {
	hash := s.db.Hash("step", id[:], model.Canonical(step))
	err = s.db.Write(ctx, model.Act{Name: "record." + step.Action, Target: id.String(), Shared: true}, func(tx *store.Tx) (err error) {
		if rec, err = tx.Record(id); err != nil {
			return err
		}
		if err := rec.MayHandle(tx.Actor(), step); err != nil {
			return err
		}
		if done, err := tx.Replayed(id, step.StepID, hash); err != nil || done {
			return err
		}
		if err := m.Against(rec.Version); err != nil {
			return err
		}
		if err := rec.Handle(step, tx.Actor(), tx.Now()); err != nil {
			return err
		}
		if step.Action == "dispatch" {
			if err := s.assign(tx, rec); err != nil {
				return err
			}
		}
		return tx.SaveRecord(rec, store.Trace{Act: step.Action, Note: step.Note, StepID: step.StepID, StepHash: hash})
	})
	return rec, err
}

// assign checks that the assignee can handle an event here, and lets them see it from now on.
func (s *Service) assign(tx *store.Tx, r *model.Record) error {
	sys := tx.System("look the assignee up")
	var grants []model.GrantRow
	if err := sys.Q(&model.GrantRow{}).Where("account_id = ? AND ended_at IS NULL", r.AssigneeID).Find(&grants).Error; err != nil {
		return err
	}
	var live int64
	if err := sys.Q(&model.Account{}).Where("id = ? AND disabled = ?", r.AssigneeID, false).Count(&live).Error; err != nil {
		return err
	}
	able, err := works(sys, r, grants)
	if err != nil {
		return err
	}
	if !able || live == 0 {
		return model.Faults{{Location: "assignee", Code: model.FieldChoice, Message: "这个账号不能处置这里的事件，请另选"}}.Err()
	}
	var n int64
	if err := sys.Q(&model.Dispatched{}).Where("record_id = ? AND account_id = ?", r.ID, r.AssigneeID).Count(&n).Error; err != nil || n > 0 {
		return err
	}
	return tx.Add(&model.Dispatched{RecordID: r.ID, AccountID: r.AssigneeID, At: tx.Now()})
}

// works tells whether the holder of the roles is a department of the event's street, or staff who work where it lies: a collector may
// have no area and be posted there.
func works(sys *store.Tx, r *model.Record, grants []model.GrantRow) (bool, error) {
	a := model.Actor{Account: r.AssigneeID}
	for _, g := range grants {
		if g.Role == model.Department && g.AreaCode != "" && strings.HasPrefix(r.AreaCode, g.AreaCode) {
			return true, nil
		}
		a.Grants = append(a.Grants, model.Grant{Role: g.Role, Area: g.AreaCode})
	}
	const inForce = "account_id = ? AND ended_at IS NULL AND from_at <= ? AND (to_at IS NULL OR to_at > ?)"
	var posts []model.Assignment
	if err := sys.Q(&model.Assignment{}).Where(inForce, r.AssigneeID, sys.Now(), sys.Now()).Find(&posts).Error; err != nil {
		return false, err
	}
	for _, p := range posts {
		a.Posts = append(a.Posts, model.Post{Building: p.BuildingID, Unit: p.Unit, Area: p.AreaCode})
	}
	return a.WorksAt(model.Collector, r.Where()), nil
}

// escalatedFrom is the relation of an event to the situation or object it came from.
const escalatedFrom = "escalated_from"

// Escalate makes an event of a situation or an object, at the same place, linked to its source, which keeps its state. A
// repeated step is a replay: the event it made, as it stands.
//
// Errors: not_found; role.forbidden below grid leader; record.id_conflict; precondition.required, precondition.malformed,
// record.stale for the source's version; transition.not_allowed for other kinds; validation.failed for the event's data.
func (s *Service) Escalate(ctx context.Context, id model.ID, m model.Match, step model.Step) (event *model.Record, replay bool,
	err error) {
	hash := s.db.Hash("step", id[:], model.Canonical(step))
	write := func() error {
		return s.db.Write(ctx, model.Act{Name: "record.escalate", Target: id.String(), Shared: true}, func(tx *store.Tx) (err error) {
			event, replay, err = s.escalated(tx, id, m, step, hash)
			return err
		})
	}
	if err = write(); errors.Is(err, store.ErrDuplicate) { // the same step came twice at once: the other's event is there now
		err = write()
	}
	return event, replay, err
}

// escalated is the event that the same step made before, or else a new one.
func (s *Service) escalated(tx *store.Tx, id model.ID, m model.Match, step model.Step, hash []byte) (event *model.Record, replay bool,
	err error) {
	src, err := tx.Record(id)
	if err != nil {
		return nil, false, err
	}
	if !tx.Actor().WorksAt(model.GridLeader, src.Where()) {
		return nil, false, model.Fail(model.RoleForbidden)
	}
	made := s.eventID(src, step.StepID)
	if replay, err = tx.Replayed(made, step.StepID, hash); err != nil {
		return nil, false, err
	} else if replay {
		event, err = tx.Record(made)
		return event, true, err
	}
	if err := m.Against(src.Version); err != nil {
		return nil, false, err
	}
	if src.Kind != model.KindSituation && src.Kind != model.KindObject {
		return nil, false, model.Failf(model.NotAllowed, "只有情况和物件能转成事件。")
	}
	event, err = s.escalate(tx, src, made, step, hash)
	return event, false, err
}

// eventID follows from the source and the step's id, so that two requests with the same step at once cannot both make an event.
func (s *Service) eventID(src *model.Record, step model.ID) model.ID {
	if step.IsZero() {
		return model.NewID()
	}
	return model.DeriveID(src.SubmittedAt, s.db.Hash("escalate", src.ID[:], step[:]))
}

func (s *Service) escalate(tx *store.Tx, src *model.Record, id model.ID, step model.Step, hash []byte) (*model.Record, error) {
	if len(step.Data) == 0 {
		return nil, model.Faults{{Location: "data", Code: model.FieldRequired, Message: "请填写事件的内容"}}.Err()
	}
	a := tx.Actor()
	e := &model.Record{ID: id, Kind: model.KindEvent, Status: model.Submitted, Stage: model.Reported, AreaCodes: src.AreaCodes,
		BuildingID: src.BuildingID, Unit: src.Unit, Room: src.Room, RoomID: src.RoomID, RoomUnmatched: src.RoomUnmatched,
		SubmitterID: a.Account, SubmitterRole: a.TopAt(src.Where()), SubmitterName: a.Name, Channel: model.ByStaff, SubmittedAt: tx.Now(),
		RequestHash: hash}
	if _, err := s.merge(tx, e, step.Data, false); err != nil {
		return nil, err
	}
	if err := tx.Add(&model.Link{ID: model.NewID(), RecordID: e.ID, OtherID: src.ID, Relation: escalatedFrom, At: tx.Now()}); err != nil {
		return nil, err
	}
	return e, tx.AddRecord(e, store.Trace{Act: "create", Note: step.Note, StepID: step.StepID, StepHash: hash})
}
