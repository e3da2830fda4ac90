// Package collect takes records in, finds them again and shows them: create, list, search, read, correct, history, reveal.
package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// Options are what the service needs beside the database.
type Options struct {
	Codes model.Codes
	// Consent tells what the account agreed to in the notice in force.
	Consent func(ctx context.Context, tx *store.Tx, account model.ID) (general, sensitive bool, err error)
	// Claim ties the caller's own unused photos to a record; attachment.unknown when one is not.
	Claim func(tx *store.Tx, owner, record model.ID, ids []model.ID) error
	// Photos are the photos of records.
	Photos func(tx *store.Tx, records []model.ID) (map[model.ID][]Photo, error)
	// Phone is the phone number an account left, "" when it left none.
	Phone func(tx *store.Tx, account model.ID) (string, error)
	// Limit says whether one more submission under the key is too many; retry is in seconds.
	Limit interface {
		Allow(key string) (ok bool, retry int)
	}
}

// Photo is an attachment as a record shows it; its links are signed and short-lived.
type Photo struct {
	ID       model.ID `json:"id"`
	URL      string   `json:"url"`
	ThumbURL string   `json:"thumb_url"`
}

// Service collects records.
type Service struct {
	db *store.DB
	o  Options
}

// New makes the service.
func New(db *store.DB, o Options) *Service { return &Service{db: db, o: o} }

// Create is a record to be made.
type Create struct {
	ID          model.ID        `json:"id,omitzero" doc:"made by the client: UUIDv7; sent again, the record is not made twice"`
	Kind        model.Kind      `json:"kind" doc:"one of the kinds of GET /forms"`
	QR          string          `json:"qr,omitempty" maxLength:"40" doc:"the code on the poster"`
	BuildingID  model.ID        `json:"building_id,omitzero"`
	Unit        string          `json:"unit,omitempty" maxLength:"10"`
	Room        string          `json:"room,omitempty" maxLength:"20"`
	AreaCode    string          `json:"area_code,omitempty" maxLength:"18" doc:"staff only: where there is no building"`
	HouseholdID model.ID        `json:"household_id,omitzero" doc:"shared by those sent together, head first"`
	Method      model.Method    `json:"method,omitempty" doc:"staff only: visit, phone or document; the record is verified at once"`
	Notice      string          `json:"notice,omitempty" enum:"read_aloud,paper" doc:"how the privacy notice was given at the door"`
	Data        json.RawMessage `json:"data" doc:"the fields of the kind: one of the six forms of GET /forms"`
	Attachments []model.ID      `json:"attachments,omitempty" maxItems:"9"`
	Links       []CreateLink    `json:"links,omitempty" maxItems:"50"`
}

// CreateLink ties the new record to one the caller can read.
type CreateLink struct {
	RecordID model.ID `json:"record_id"`
	Relation string   `json:"relation" maxLength:"30" pattern:"^[a-z][a-z_]*$" patternDescription:"小写英文"`
}

// Made is what a create came to.
type Made struct {
	Record   *model.Record
	Warnings []model.FieldError
	Replay   bool // it was there already, with the same content
	Ties     bool // it came with photos or links
}

// Create stores a record. A repeated id with the same content from the same account is a replay.
//
// Errors: record.id_conflict for an id used otherwise; qr.required, qr.unknown, qr.revoked, consent.required,
// consent.sensitive_required and role.forbidden for residents; place.required for staff; validation.failed, field.unknown and
// field.masked for the data; attachment.unknown, link.unknown; rate.limited.
func (s *Service) Create(ctx context.Context, in Create) (Made, error) {
	if err := in.shape(s.db.Now().Std()); err != nil {
		if lerr := s.LocateNew(ctx, "", ""); lerr != nil {
			err = lerr
		}
		return Made{}, err
	}
	if a := store.ActorOf(ctx); !a.Staff() {
		if err := s.allow("resident " + a.Account.String()); err != nil {
			return Made{}, err
		}
	}
	named := !in.ID.IsZero()
	if !named {
		in.ID = model.NewID() // before the write, which may run again after a commit whose outcome is unknown
	}
	made, err := s.make(ctx, in)
	if err == nil {
		return made, nil
	}
	// What was sent before is answered as before, whatever stands against making it now. To look after a failure alone spares
	// everybody else the question: the store knows ids that are taken.
	was, rerr := s.made(ctx, in)
	switch {
	case rerr != nil:
		return Made{}, rerr
	case was.Record != nil:
		was.Replay = named
		return was, nil
	case errors.Is(err, store.ErrDuplicate): // the account's first two at a building came in at once: now the other is there
		return s.make(ctx, in)
	}
	return Made{}, err
}

// make writes the record. Only the day's count of a scan account needs a state that nobody changes meanwhile.
func (s *Service) make(ctx context.Context, in Create) (made Made, err error) {
	act := model.Act{Name: "record.create", Shared: store.ActorOf(ctx).Building.IsZero()}
	err = s.db.Write(ctx, act, func(tx *store.Tx) (err error) {
		made, err = s.create(tx, in)
		return err
	})
	return made, err
}

// made is the record that the same request made before; none when there is none of its id.
func (s *Service) made(ctx context.Context, in Create) (made Made, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		made, err = s.replayed(tx, in)
		return err
	})
	return made, err
}

func (s *Service) allow(key string) error {
	if ok, retry := s.o.Limit.Allow(key); !ok {
		return &model.Error{Code: model.RateLimited, RetryAfter: retry}
	}
	return nil
}

// CreateMany stores many records in one transaction: what seeding and imports use. The first fault stops all.
func (s *Service) CreateMany(ctx context.Context, list []Create) ([]Made, error) {
	var made []Made
	err := s.db.Write(ctx, model.Act{Name: "record.create"}, func(tx *store.Tx) error {
		made = made[:0]
		for _, in := range list {
			m, err := s.replayed(tx, in)
			if err == nil && m.Record == nil {
				m, err = s.create(tx, in)
			}
			if err != nil {
				return err
			}
			made = append(made, m)
		}
		return nil
	})
	return made, err
}

func (in *Create) shape(now time.Time) error {
	var f model.Faults
	if !in.Kind.Valid() {
		f.Add("kind", model.FieldChoice, "没有这种要素类别，各类别见表单列表")
	}
	if !in.ID.IsZero() && !in.ID.CheckClientID(now) {
		f.Add("id", model.FieldInvalid, "编号应是 UUIDv7，时间不能超前一天以上")
	}
	if in.Method != "" && !in.Method.Valid() {
		f.Add("method", model.FieldChoice, "核实方式只能是上门、电话或证件")
	}
	return f.Err()
}

func (s *Service) create(tx *store.Tx, in Create) (Made, error) {
	if in.ID.IsZero() {
		in.ID = model.NewID()
	}
	members, _ := model.ReadMembers(in.Data) // what is wrong with it is for Decode to say
	hash := s.requestHash(in, members)
	r := &model.Record{ID: in.ID, Kind: in.Kind, Unit: in.Unit, Room: in.Room, HouseholdID: in.HouseholdID, Notice: in.Notice,
		SubmitterID: tx.Actor().Account, SubmitterName: tx.Actor().Name, RequestHash: hash, SubmittedAt: tx.Now(), Status: model.Submitted}
	if err := s.admit(tx, r, &in); err != nil {
		return Made{}, err
	}
	d, err := s.decode(tx, r, in, members)
	if err != nil {
		return Made{}, err
	}
	r.Element, r.Extra = d.Element, d.Extra
	if r.Kind == model.KindEvent {
		r.Stage = model.Reported
	}
	if r.Kind == model.KindPerson && r.HouseholdID.IsZero() {
		r.HouseholdID = r.ID
	}
	if in.Method != "" {
		r.MarkVerified(in.Method, tx.Actor(), tx.Now())
	}
	photos := slices.Concat(in.Attachments, d.Photos)
	if err := s.attach(tx, r, photos); err != nil {
		return Made{}, err
	}
	if err := s.link(tx, r, in.Links); err != nil {
		return Made{}, err
	}
	return Made{Record: r, Warnings: d.Warnings, Ties: len(photos)+len(in.Links) > 0}, tx.AddRecord(r, store.Trace{Act: "create"})
}

// requestHash tells whether a request says what another said, without keeping what that was.
func (s *Service) requestHash(in Create, members model.Members) []byte {
	var data []byte
	if members != nil {
		data = members.Canonical()
	} else {
		data = model.Canonical(in.Data)
	}
	in.Data = nil
	return s.db.Hash("request", model.Canonical(in), data)
}

// replayed looks for a record of the id, whoever's: the same account and content is a replay, anything else a conflict.
func (s *Service) replayed(tx *store.Tx, in Create) (Made, error) {
	if in.ID.IsZero() {
		return Made{}, nil
	}
	sys := tx.System("replay")
	var head []model.Record
	if err := sys.Q(&model.Record{}).Select("id", "submitter_id", "request_hash").Where("id = ?", in.ID).Find(&head).Error; err != nil {
		return Made{}, err
	}
	if len(head) == 0 {
		return Made{}, nil
	}
	if head[0].SubmitterID != tx.Actor().Account || !bytes.Equal(head[0].RequestHash, s.requestHash(in, nil)) {
		return Made{}, model.Fail(model.IDConflict)
	}
	r, err := tx.Record(in.ID)
	return Made{Record: r, Replay: true}, err
}

// decode reads the data as the caller may send it. Consent to sensitive data is judged before the data's faults: 403 comes first.
func (s *Service) decode(tx *store.Tx, r *model.Record, in Create, members model.Members) (model.Decoded, error) {
	extra, err := tx.ExtraFields(r.Kind, r.AreaCode)
	if err != nil {
		return model.Decoded{}, err
	}
	data := in.Data
	if len(data) == 0 {
		data = json.RawMessage("{}")
	}
	d, derr := r.Kind.Schema().Decode(data, model.Decode{Codes: s.o.Codes, Today: tx.Now().Date(), Extra: extra, Verified: in.Method != "",
		Members: members})
	if r.SubmitterRole == model.Resident && len(d.Sensitive) > 0 {
		agreed, err := s.consent(tx)
		if err != nil {
			return d, err
		}
		if !agreed.sensitive {
			return d, consentFor(r.Kind, d.Sensitive)
		}
	}
	return d, derr
}

func consentFor(kind model.Kind, fields []string) error {
	e := model.Fail(model.ConsentSensitive)
	for _, name := range fields {
		f, _ := kind.Schema().Field(name)
		e.Fields = append(e.Fields, model.FieldError{Location: "data." + name, Code: model.ConsentSensitive, Message: f.Label + "属于敏感信息，请先单独同意"})
	}
	return e
}

func (s *Service) attach(tx *store.Tx, r *model.Record, ids []model.ID) error {
	if len(ids) == 0 {
		return nil
	}
	return s.o.Claim(tx, tx.Actor().Account, r.ID, ids)
}

// link ties the record to records the caller can read; the same words whether another exists or not.
func (s *Service) link(tx *store.Tx, r *model.Record, links []CreateLink) error {
	for i, l := range links {
		var n int64
		if err := tx.Q(&model.Record{}).Where("id = ?", l.RecordID).Count(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return model.Faults{{Location: at("links", i, "record_id"), Code: model.LinkUnknown, Message: "关联的内容不存在，或者您看不到"}}.Err()
		}
		if err := tx.Add(&model.Link{ID: model.NewID(), RecordID: r.ID, OtherID: l.RecordID, Relation: l.Relation, At: tx.Now()}); err != nil {
			return err
		}
	}
	return nil
}
