package grid

import (
	"bytes"
	"context"
	"encoding/json"
	"time"
	"unicode/utf8"

	"sixelements/model"
	"sixelements/model/store"
)

// VisitIn is an attempt to reach a room, as a client sends it.
type VisitIn struct {
	ID      model.ID   `json:"id,omitzero" doc:"made by the client: sent again, the visit is not noted twice"`
	Method  string     `json:"method" maxLength:"20" doc:"knock or phone"`
	Outcome Outcome    `json:"outcome" maxLength:"20" doc:"met, no_answer, refused, vacant, moved or wrong_info"`
	Note    string     `json:"note,omitempty" maxLength:"500"`
	Lon     *float64   `json:"lon,omitempty" doc:"GCJ-02"`
	Lat     *float64   `json:"lat,omitempty" doc:"GCJ-02"`
	At      model.Time `json:"at,omitzero" doc:"when, by the device's clock; default: now"`
}

// VisitView is a visit as its maker and the area's staff see it.
type VisitView struct {
	ID         model.ID   `json:"id"`
	RoomID     model.ID   `json:"room_id"`
	BuildingID model.ID   `json:"building_id"`
	Name       string     `json:"name" doc:"who went there"`
	Method     string     `json:"method"`
	Outcome    Outcome    `json:"outcome"`
	Note       string     `json:"note"`
	Lon        *float64   `json:"lon"`
	Lat        *float64   `json:"lat"`
	At         model.Time `json:"at"`
	ReceivedAt model.Time `json:"received_at"`
	Late       bool       `json:"late" doc:"sent after the assignment had ended"`
}

const (
	noteMost  = 500
	clockSlip = 24 * time.Hour       // phones have wrong clocks, but not by more
	oldest    = 366 * 24 * time.Hour // what lay longer in a phone is no attempt any more
	// lateMost is how long after an assignment's end what was noted during it may still come in.
	lateMost = 30 * 24 * time.Hour
)

// AddVisit notes an attempt to reach a room. replay is true when the same visit was there already.
//
// Errors: not_found when the room is out of scope and was not assigned to the actor in the last 30 days; role.forbidden for who
// takes no steps there: administrators, residents; record.id_conflict when the id stands for something else; validation.failed for
// bad values.
func (s *Service) AddVisit(ctx context.Context, room model.ID, in VisitIn) (view VisitView, replay bool, err error) {
	id := in.ID
	if id.IsZero() {
		id = model.NewID()
	}
	canonical, err := json.Marshal(in)
	if err != nil {
		return view, false, err
	}
	hash := s.db.Hash("visit", room[:], canonical)
	err = again(func() error {
		return s.db.Write(ctx, model.Act{Name: "visit.create", Target: id.String(), Shared: true}, func(tx *store.Tx) error {
			view, replay = VisitView{}, false
			r, late, err := visitable(tx, room)
			if err != nil {
				return err
			}
			if known, err := noted(tx, id, hash); err != nil {
				return err
			} else if known != nil {
				replay = true
				tx.Untraced()
				view, err = showVisit(tx, known)
				return err
			}
			if err := in.check(tx.Now()); err != nil {
				return err
			}
			tx.Note("", r.AreaCode, in.Method+" "+string(in.Outcome))
			v := in.row(tx, r, id)
			v.Late, v.Hash = late, hash
			if v.Note, err = sealNote(tx, id, in.Note); err != nil {
				return err
			}
			if view, err = showVisit(tx, v); err != nil {
				return err
			}
			return tx.Add(v)
		})
	})
	return view, replay, err
}

func (in VisitIn) row(tx *store.Tx, r model.Room, id model.ID) *model.Visit {
	v := &model.Visit{ID: id, RoomID: r.ID, BuildingID: r.BuildingID, AreaCodes: r.AreaCodes, AccountID: tx.Actor().Account,
		Name: tx.Actor().Name, Method: in.Method, Outcome: string(in.Outcome), Lon: in.Lon, Lat: in.Lat, At: in.At, ReceivedAt: tx.Now()}
	if v.At.IsZero() {
		v.At = tx.Now()
	}
	return v
}

func (in VisitIn) check(now model.Time) error {
	var f model.Faults
	if !in.ID.IsZero() && !in.ID.CheckClientID(now.Std()) {
		f.Add("id", model.FieldInvalid, "编号应是 UUIDv7，时间不能晚于现在")
	}
	if in.Method != "knock" && in.Method != "phone" {
		f.Add("method", model.FieldChoice, "只能是上门或电话")
	}
	switch in.Outcome {
	case Met, NobodyThere, RefusedToTalk, StandsEmpty, MovedAway, WrongInfo:
	default:
		f.Add("outcome", model.FieldChoice, "请选择走访结果")
	}
	if utf8.RuneCountInString(in.Note) > noteMost {
		f.Add("note", model.FieldTooLong, "备注最多 500 个字")
	}
	if in.At > now.Add(clockSlip) || !in.At.IsZero() && in.At < now.Add(-oldest) {
		f.Add("at", model.FieldRange, "走访时间不对，请核对手机的时间")
	}
	point(&f, in.Lon, in.Lat)
	return f.Err()
}

// noted is the visit that the id stands for already, nil when there is none; record.id_conflict when it is another's or differs.
func noted(tx *store.Tx, id model.ID, hash []byte) (*model.Visit, error) {
	var v model.Visit
	err := tx.System("replay of a visit").Q(&v).Where("id = ?", id).Limit(1).Find(&v).Error
	switch {
	case err != nil || v.ID.IsZero():
		return nil, err
	case v.AccountID != tx.Actor().Account || !bytes.Equal(v.Hash, hash):
		return nil, model.Fail(model.IDConflict)
	}
	return &v, nil
}

// visitable is the room if the actor works there, or did until lately: what a phone kept while the assignment ended is not lost.
func visitable(tx *store.Tx, id model.ID) (r model.Room, late bool, err error) {
	r, err = roomOf(tx, id)
	if err == nil {
		if !tx.Actor().WorksAt(model.Collector, whereIs(r)) {
			return r, false, model.Fail(model.RoleForbidden)
		}
		return r, false, nil
	}
	var past []model.Assignment
	soon := tx.Now().Add(-lateMost)
	const lately = "account_id = ? AND (ended_at IS NULL OR ended_at > ?) AND (to_at IS NULL OR to_at > ?)"
	perr := tx.Q(&model.Assignment{}).Where(lately, tx.Actor().Account, soon, soon).Limit(500).Find(&past).Error
	if perr != nil || len(past) == 0 || !tx.Actor().Has(model.Collector) {
		return r, false, firstOf(perr, err)
	}
	r = model.Room{}
	if ferr := tx.System("a room assigned until lately").Q(&r).Where("id = ?", id).Limit(1).Find(&r).Error; ferr != nil {
		return r, false, ferr
	}
	for _, a := range past {
		if !r.ID.IsZero() && a.FromAt <= tx.Now() && posted(a, r) {
			return r, true, nil
		}
	}
	return model.Room{}, false, err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sealNote seals what a collector noted: it may name people. Nothing stays nothing.
func sealNote(tx *store.Tx, id model.ID, note string) ([]byte, error) {
	if note == "" {
		return nil, nil
	}
	return tx.Sealed().Seal([]byte(note), noteOf(id))
}

// noteOf binds a sealed note to its visit.
func noteOf(id model.ID) []byte { return append([]byte("visit.note "), id[:]...) }

func showVisit(tx *store.Tx, v *model.Visit) (VisitView, error) {
	view := VisitView{ID: v.ID, RoomID: v.RoomID, BuildingID: v.BuildingID, Name: v.Name, Method: v.Method, Outcome: Outcome(v.Outcome),
		Lon: v.Lon, Lat: v.Lat, At: v.At, ReceivedAt: v.ReceivedAt, Late: v.Late}
	if len(v.Note) > 0 {
		note, err := tx.Sealed().Open(v.Note, noteOf(v.ID))
		if err != nil {
			return view, err
		}
		view.Note = string(note)
	}
	return view, nil
}

// Visits are the attempts at a room, newest first; their notes are hidden from who does not work there, an administrator. after is the
// next of the page before.
//
// Errors: not_found when the room is out of scope; validation.failed for a bad cursor.
func (s *Service) Visits(ctx context.Context, room model.ID, after string, limit int) (views []VisitView, next string, err error) {
	from, err := store.ParseCursor(after)
	if err != nil {
		return nil, "", err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		views = nil
		r, err := roomOf(tx, room)
		if err != nil {
			return err
		}
		works := tx.Actor().IsSystem() || tx.Actor().WorksAt(model.Collector, whereIs(r))
		rows, end, err := store.Page(tx.Along("visits_room", &model.Visit{}).Where("room_id = ?", room), "at", from, limit,
			func(v *model.Visit) store.Cursor { return store.Cursor{At: v.At, ID: v.ID} })
		next = end.String()
		for _, v := range rows {
			view, err := showVisit(tx, v)
			if err != nil {
				return err
			}
			if !works && view.Note != "" && v.AccountID != tx.Actor().Account { // it may name people
				view.Note = "***"
			}
			views = append(views, view)
		}
		return err
	})
	return views, next, err
}
