package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"sixelements/model"
	"sixelements/model/seal"
)

// Record reads a record with its element, opened, if it lies in the actor's scope; not_found otherwise. The transaction remembers
// how it was, for the revision.
func (tx *Tx) Record(id model.ID) (*model.Record, error) {
	var r model.Record
	if err := tx.Q(&r).Where("id = ?", id).Take(&r).Error; err != nil {
		return nil, translate(err)
	}
	return &r, tx.Load([]*model.Record{&r})
}

// Load reads the elements of headers that were read before: one statement per kind, whatever their number.
func (tx *Tx) Load(recs []*model.Record) error {
	byKind := map[model.Kind][]*model.Record{}
	for _, r := range recs {
		byKind[r.Kind] = append(byKind[r.Kind], r)
	}
	for kind, list := range byKind {
		if err := tx.loadKind(kind, list); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) loadKind(kind model.Kind, list []*model.Record) error {
	spec, ok := kind.Spec()
	if !ok {
		return fmt.Errorf("store: a record of the unknown kind %q", kind)
	}
	ids := make([]model.ID, len(list))
	byID := map[model.ID]*model.Record{}
	for i, r := range list {
		ids[i], byID[r.ID] = r.ID, r
	}
	t := reflect.TypeOf(spec.New())
	rows := reflect.New(reflect.SliceOf(t))
	// The headers were read within the scope already, or by a caller who may: the details hang on them.
	q := tx.System("load details").Q(spec.New()).Where("record_id IN ?", ids)
	if err := q.Find(rows.Interface()).Error; err != nil {
		return err
	}
	for i := range rows.Elem().Len() {
		e := rows.Elem().Index(i).Interface().(model.Element)
		byID[e.ElementID()].Element = e
	}
	for _, r := range list {
		if r.Element == nil {
			return fmt.Errorf("store: record %s has no detail", r.ID)
		}
		if err := tx.openRecord(r); err != nil {
			return err
		}
	}
	return nil
}

// openRecord opens the record's sealed fields and remembers the record as it is.
func (tx *Tx) openRecord(r *model.Record) error {
	key, err := tx.dataKey(r)
	if err != nil {
		return fmt.Errorf("record %s: %w", r.ID, err)
	}
	schema := r.Kind.Schema()
	for i := range schema.Fields {
		f := &schema.Fields[i]
		if s := f.SealedValue(r.Element); s != nil && !s.IsZero() {
			if err := s.Open(key, aad(r.ID, f.Name)); err != nil {
				return fmt.Errorf("record %s %s: %w", r.ID, f.Name, err)
			}
		}
	}
	if tx.writes {
		was := *r
		was.Element = schema.Clone(r.Element)
		tx.before[r.ID], tx.keys[r.ID] = &was, key
	}
	return nil
}

// dataKey is the record's own key; nil when it was destroyed to erase the record, after which nothing sealed opens.
func (tx *Tx) dataKey(r *model.Record) (*seal.DataKey, error) {
	if len(r.DataKey) == 0 {
		return nil, nil
	}
	return tx.db.o.Keyring.OpenDataKey(r.DataKey, r.ID[:])
}

func aad(id model.ID, field string) []byte { return append(slices.Clone(id[:]), field...) }

// Trace is what a change of a record leaves in its revision beside what the store knows itself.
type Trace struct {
	Act      string
	Note     string
	StepID   model.ID
	StepHash []byte
	Changes  []model.Change // beside the fields' own
}

// AddRecord stages a new record with its element and its first revision.
func (tx *Tx) AddRecord(r *model.Record, t Trace) error {
	key, wrapped, err := tx.db.o.Keyring.NewDataKey(r.ID[:])
	if err != nil {
		return err
	}
	r.DataKey, r.Version = wrapped, 1
	r.Element.SetElementID(r.ID)
	if err := tx.sealRecord(r, key); err != nil {
		return err
	}
	if err := tx.Add(r, r.Element); err != nil {
		return err
	}
	return tx.addRevision(nil, r, key, nil, t)
}

// SaveRecord stages a record's new state, read before in this transaction, with the revision that traces the change.
func (tx *Tx) SaveRecord(r *model.Record, t Trace) error {
	was, key := tx.before[r.ID], tx.keys[r.ID]
	if was == nil {
		return fmt.Errorf("store: record %s was not read in this transaction", r.ID)
	}
	if err := tx.sealRecord(r, key); err != nil {
		return err
	}
	var last model.Revision
	err := tx.System("chain").Q(&last).Select("hash").Where("record_id = ? AND version = ?", r.ID, was.Version).Take(&last).Error
	if err != nil {
		return err
	}
	tx.Save(r)
	return tx.addRevision(was, r, key, last.Hash, t)
}

// sealRecord seals what is not sealed yet, and makes title and blind indexes follow the data.
func (tx *Tx) sealRecord(r *model.Record, key *seal.DataKey) error {
	schema := r.Kind.Schema()
	r.SubjectIndex, r.PhoneIndex = nil, nil
	for i := range schema.Fields {
		f := &schema.Fields[i]
		clear := ""
		if s := f.SealedValue(r.Element); s != nil {
			clear, _ = s.Reveal()
			if err := s.Seal(key, aad(r.ID, f.Name)); err != nil {
				return err
			}
		} else if f.Search == "key" {
			clear = f.Text(r.Element, noCodes{}, true)
		}
		if clear == "" {
			continue
		}
		switch f.Search {
		case "key":
			r.SubjectIndex = tx.db.SubjectIndex(clear)
		case "phone":
			r.PhoneIndex = tx.db.PhoneIndex(clear)
		}
	}
	r.Title = cut(r.Element.Title(), 200)
	return nil
}

type noCodes struct{}

func (noCodes) Settle(_, code string) (string, bool) { return code, true }
func (noCodes) Name(string, string) (string, bool)   { return "", false }

// indexBytes is how much of an HMAC a blind index keeps: enough that no two of a province's numbers meet by chance.
const indexBytes = 16

// SubjectIndex is the blind index of a number that names a subject: an ID number, a USCC.
func (db *DB) SubjectIndex(clear string) []byte {
	return db.hasher.Sum("subject", []byte(clear))[:indexBytes]
}

// PhoneIndex is the blind index of a phone number.
func (db *DB) PhoneIndex(clear string) []byte {
	return db.hasher.Sum("phone", []byte(clear))[:indexBytes]
}

// Hash is an HMAC for a purpose: what judges replays, tokens and openids without storing them.
func (db *DB) Hash(purpose string, parts ...[]byte) []byte { return db.hasher.Sum(purpose, parts...) }

// addRevision stages the trace of a change: the changes sealed under the record's own key, hashed onto the chain.
func (tx *Tx) addRevision(was, r *model.Record, key *seal.DataKey, prev []byte, t Trace) (err error) {
	v := &model.Revision{ID: tx.nextTrace(), RecordID: r.ID, Version: r.Version, At: tx.Now(), ActorID: tx.actor.Account,
		ActorRole: tx.actor.Top(), ActorName: tx.actor.Name, Act: t.Act, StepID: t.StepID, StepHash: t.StepHash, Source: tx.actor.Source,
		RequestID: tx.actor.RequestID, AreaCode: r.AreaCode, Street: r.Street, PrevHash: prev}
	var beforeElement model.Element
	var beforeExtra model.ExtraData
	v.To = string(r.Status)
	if was != nil {
		v.Version, v.From = was.Version+1, string(was.Status)
		beforeElement, beforeExtra = was.Element, was.Extra
		if was.Stage != r.Stage || model.IsHandling(t.Act) {
			v.From, v.To = string(was.Stage), string(r.Stage)
		}
	}
	if v.ActorRole == model.Resident || v.ActorRole == "" {
		v.ActorName = ""
	}
	changes := append(r.Kind.Schema().Diff(beforeElement, r.Element, beforeExtra, r.Extra), t.Changes...)
	if len(changes) > 0 {
		clear, err := model.EncodeChanges(changes)
		if err != nil {
			return err
		}
		if v.Changes, err = key.Seal(clear, aad(r.ID, "changes")); err != nil {
			return err
		}
	}
	if t.Note != "" {
		clear, err := json.Marshal(t.Note)
		if err != nil {
			return err
		}
		if v.Note, err = key.Seal(clear, aad(r.ID, "note")); err != nil {
			return err
		}
	}
	v.Hash = tx.db.revisionHash(v)
	tx.staged.rows = append(tx.staged.rows, v)
	tx.staged.revisions++
	return nil
}

// revisionHash chains a revision to the one before: a keyed hash over the SHA-256 of the stored bytes, lengths before texts. Without the
// database's key nobody can chain anew what they changed.
func (db *DB) revisionHash(v *model.Revision) []byte {
	h := sha256.New()
	put := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	num := func(n int64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		put(b[:])
	}
	put(v.PrevHash)
	put(v.ID[:])
	put(v.RecordID[:])
	num(v.Version)
	num(int64(v.At))
	put(v.ActorID[:])
	for _, s := range []string{string(v.ActorRole), v.ActorName, v.Act, v.From, v.To, v.Source, v.RequestID, v.AreaCode} {
		put([]byte(s))
	}
	put(v.Note)
	put(v.Changes)
	put(v.StepID[:])
	put(v.StepHash)
	return db.Hash("revision", h.Sum(nil))
}

// History is a record's revisions, oldest first, with notes and changes opened; of an erased record they stay empty, and the chain
// still verifies. The record must have been read before, in scope.
func (tx *Tx) History(r *model.Record) ([]OpenRevision, error) {
	var rows []model.Revision
	if err := tx.System("history").Q(&model.Revision{}).Where("record_id = ?", r.ID).Order("version").Find(&rows).Error; err != nil {
		return nil, err
	}
	key, err := tx.dataKey(r)
	if err != nil {
		return nil, err
	}
	out := make([]OpenRevision, len(rows))
	for i, v := range rows {
		out[i].Revision = v
		if err := openBlob(key, r.ID, "changes", v.Changes, &out[i].Changes); err != nil {
			return nil, err
		}
		if err := openBlob(key, r.ID, "note", v.Note, &out[i].Note); err != nil {
			return nil, err
		}
		var prev []byte
		if i > 0 {
			prev = rows[i-1].Hash
		}
		out[i].Sound = slices.Equal(tx.db.revisionHash(&v), v.Hash) && slices.Equal(v.PrevHash, prev) && v.Version == int64(i+1)
	}
	return out, nil
}

// OpenRevision is a revision with its sealed parts opened.
type OpenRevision struct {
	model.Revision
	Changes []model.Change
	Note    string
	Sound   bool // its hash is right and follows from the one before, of which none is missing
}

func openBlob(key *seal.DataKey, id model.ID, name string, sealed []byte, into any) error {
	if len(sealed) == 0 || key == nil {
		return nil
	}
	clear, err := key.Open(sealed, aad(id, name))
	if err != nil {
		return err
	}
	return json.Unmarshal(clear, into)
}

// StepTaken finds the revision that a step's id left on the record; nil when it left none.
func (tx *Tx) StepTaken(record, step model.ID) (*model.Revision, error) {
	var v model.Revision
	err := tx.System("replay").Q(&v).Where("record_id = ? AND step_id = ?", record, step).Limit(1).Find(&v).Error
	if err != nil || v.ID.IsZero() {
		return nil, err
	}
	return &v, nil
}
