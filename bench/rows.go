package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"

	"gorm.io/gorm/schema"

	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/model/store"
)

// table writes rows of one type by plain SQL.
type table struct {
	name   string
	fields []*schema.Field
}

func tableOf(row any) *table {
	s, err := schema.Parse(row, &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		panic(err) // the model's own types
	}
	t := &table{name: s.Table}
	for _, f := range s.Fields {
		if f.DBName != "" {
			t.fields = append(t.fields, f)
		}
	}
	return t
}

// insert is the statement that writes n rows; both engines understand it.
func (t *table) insert(n int) string {
	names := make([]string, len(t.fields))
	for i, f := range t.fields {
		names[i] = "`" + f.DBName + "`"
	}
	row := "(" + strings.Repeat("?,", len(names)-1) + "?)"
	return "INSERT INTO " + t.name + " (" + strings.Join(names, ",") + ") VALUES " + strings.Repeat(row+",", n-1) + row
}

// args appends the row's values in the order of the columns.
func (t *table) args(to []any, row any) []any {
	v := reflect.ValueOf(row).Elem()
	for _, f := range t.fields {
		x, _ := f.ValueOf(context.Background(), v)
		to = append(to, x)
	}
	return to
}

// sealRecord does to a new record by hand what store.AddRecord does, and answers its first revision: the same sealing, the same
// blind indexes, the same chain. A test reads the result through the store.
func sealRecord(db *store.DB, r *model.Record) (*model.Revision, error) {
	key, wrapped, err := db.Keyring().NewDataKey(r.ID[:])
	if err != nil {
		return nil, err
	}
	r.DataKey, r.Version, r.Title = wrapped, 1, r.Element.Title()
	r.Element.SetElementID(r.ID)
	s := r.Kind.Schema()
	changes, err := json.Marshal(s.Diff(nil, r.Element, nil, nil)) // before the fields are sealed
	if err != nil {
		return nil, err
	}
	for i := range s.Fields {
		if err := sealField(db, r, &s.Fields[i], key); err != nil {
			return nil, err
		}
	}
	v := &model.Revision{ID: model.NewID(), RecordID: r.ID, Version: 1, At: r.SubmittedAt, ActorID: r.SubmitterID, ActorRole: r.SubmitterRole,
		ActorName: r.SubmitterName, Act: "create", To: string(r.Status), Source: "127.0.0.1", RequestID: r.ID.String(), AreaCode: r.AreaCode,
		Street: r.Street}
	if v.Changes, err = key.Seal(changes, append(slices.Clone(r.ID[:]), "changes"...)); err != nil {
		return nil, err
	}
	v.Hash = db.Hash("revision", digest(v))
	return v, nil
}

func sealField(db *store.DB, r *model.Record, f *model.Field, key *seal.DataKey) error {
	clear := ""
	if s := f.SealedValue(r.Element); s != nil {
		clear, _ = s.Reveal()
		if err := s.Seal(key, append(slices.Clone(r.ID[:]), f.Name...)); err != nil {
			return err
		}
	} else if text, ok := f.Clear(r.Element).(string); ok {
		clear = text
	}
	switch {
	case clear == "":
	case f.Search == "key":
		r.SubjectIndex = db.SubjectIndex(clear)
	case f.Search == "phone":
		r.PhoneIndex = db.PhoneIndex(clear)
	}
	return nil
}

// digest is what the chain's keyed hash runs over, as in store.revisionHash.
func digest(v *model.Revision) []byte {
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
	return h.Sum(nil)
}

// follow is the revision of a step taken after v, chained to it; the record is as the step left it.
func follow(db *store.DB, v *model.Revision, r *model.Record, act string, by model.Actor, at model.Time) *model.Revision {
	next := &model.Revision{ID: model.NewID(), RecordID: r.ID, Version: v.Version + 1, At: at, ActorID: by.Account, ActorRole: by.Top(),
		ActorName: by.Name, Act: act, From: v.To, To: string(r.Status), Source: v.Source, RequestID: v.RequestID, AreaCode: r.AreaCode,
		Street: r.Street, PrevHash: v.Hash}
	next.Hash = db.Hash("revision", digest(next))
	r.Version = next.Version
	return next
}

// newRecord is a resident's submission at a door as service/collect makes it.
func newRecord(db *store.DB, kind model.Kind, e model.Element, d door, by model.ID, at model.Time, household model.ID) *model.Record {
	r := &model.Record{ID: model.NewID(), Kind: kind, Status: model.Submitted, AreaCodes: d.area, BuildingID: d.building, Unit: d.unit,
		Room: d.name, RoomID: d.room, SubmitterID: by, SubmitterRole: model.Resident, Channel: model.ByQR, SubmittedAt: at, Element: e}
	if kind == model.KindPerson {
		r.HouseholdID = cmp.Or(household, r.ID)
	}
	return r
}
