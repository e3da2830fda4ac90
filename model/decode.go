package model

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
)

// Decode is how data from outside becomes an element: one way for create, patch, transition, batch and import.
type Decode struct {
	Codes Codes
	Today Date
	// Base is the element the data is a merge patch to; nil for a new record. It is not changed.
	Base      Element
	BaseExtra ExtraData
	Extra     []ExtraField // the community-defined fields that hold
	Verified  bool         // the result is to stand as verified
	Members   Members      // the data's members, when they were read before; Decode uses them up
}

// Decoded is an element that keeps every rule of its kind, if the error beside it is nil.
type Decoded struct {
	Element   Element
	Extra     ExtraData
	Photos    []ID
	Warnings  []FieldError
	Sensitive []string // optional sensitive fields that were filled in: they need the separate consent
	Touched   bool     // the data named at least one field
}

// Decode merges the data, a JSON object, into the base and checks it. Errors: request.malformed when it is not JSON;
// validation.failed when it is not an object; validation.failed, field.unknown or field.masked naming every field at fault. Sensitive
// is right even beside an error.
func (s *Schema) Decode(raw json.RawMessage, d Decode) (Decoded, error) {
	members, err := d.Members, error(nil)
	if members == nil {
		members, err = ReadMembers(raw)
	}
	switch {
	case err != nil && json.Valid(raw):
		return Decoded{}, Faults{{Location: "data", Code: FieldInvalid, Message: "应是一个对象，里面是各个字段"}}.Err()
	case err != nil:
		return Decoded{}, Fail(Malformed)
	}
	out := Decoded{Extra: d.BaseExtra, Touched: len(members) > 0}
	if d.Base != nil {
		out.Element = s.Clone(d.Base)
	} else {
		out.Element = reflect.New(reflect.TypeOf(mustNew(s.Kind)).Elem()).Interface().(Element)
		s.defaults(out.Element)
	}
	c := &Check{Today: d.Today, Verified: d.Verified}
	for i := range s.Fields { // in the form's order, whatever the data's
		f := &s.Fields[i]
		v, ok := members[f.Name]
		if !ok {
			continue
		}
		delete(members, f.Name)
		if f.Type == TypePhotos {
			out.Photos = readPhotos(v, f, c)
			continue
		}
		f.set(out.Element, v, d.Codes, c)
		if f.Sensitive && !f.empty(out.Element) {
			out.Sensitive = append(out.Sensitive, f.Name)
		}
	}
	if v, ok := members["extra"]; ok {
		delete(members, "extra")
		out.Extra = mergeExtra(v, d.BaseExtra, d.Extra, c)
	}
	for _, k := range slices.Sorted(maps.Keys(members)) {
		c.Fault(safeName(k), FieldUnknown, "没有这个字段，请核对字段名")
	}
	if len(c.Faults) == 0 {
		out.Element.Validate(c)
	}
	s.require(out.Element, c)
	requireExtra(out.Extra, d.Extra, c)
	out.Sensitive = slices.DeleteFunc(out.Sensitive, func(k string) bool { f, _ := s.Field(k); return s.needed(f, out.Element, c) })
	out.Warnings = c.Warnings
	return out, c.Faults.Err()
}

func mustNew(k Kind) Element { spec, _ := k.Spec(); return spec.New() }

func (s *Schema) defaults(e Element) {
	for i := range s.Fields {
		if f := &s.Fields[i]; f.Default != "" {
			f.value(e).SetString(f.Default)
		}
	}
}

// mostKeys is how many members an object of data may have: more than any form.
const mostKeys = 200

// ReadMembers reads a JSON object's members; of a key that comes twice the last counts. Errors: for what is not an object, or has more
// members than any form.
func ReadMembers(raw json.RawMessage) (members Members, err error) {
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	if members == nil || len(members) > mostKeys {
		return nil, errors.New("null, or too many members")
	}
	return members, nil
}

// needed tells whether the field must be filled in, as things stand.
func (s *Schema) needed(f *Field, e Element, c *Check) bool {
	if f.NeedsVerify && c.Verified {
		return true
	}
	if !f.Required || !s.applies(f, e, c.Today) {
		return false
	}
	if f.RequiredUnless != "" {
		u, _ := s.Field(f.RequiredUnless)
		if have := u.get(e); have != nil && have != false {
			return false
		}
	}
	return true
}

func (s *Schema) require(e Element, c *Check) {
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Type == TypePhotos || !s.needed(f, e, c) || !f.empty(e) {
			continue
		}
		at := "data." + f.Name
		if !slices.ContainsFunc(c.Faults, func(x FieldError) bool { return x.Location == at }) {
			c.Fault(f.Name, FieldRequired, "请填写"+f.Label)
		}
	}
}

// aged is an element that knows a person's age.
type aged interface{ AgeOn(day Date) int }

// applies tells whether the field's condition holds; a field without one applies.
func (s *Schema) applies(f *Field, e Element, today Date) bool {
	if f.When == nil {
		return true
	}
	for _, c := range f.When.All {
		var have any
		if c.Field == "age_years" {
			a, ok := e.(aged)
			if !ok {
				return false
			}
			have = a.AgeOn(today)
		} else if g, ok := s.Field(c.Field); ok {
			have = g.get(e)
		}
		if !slices.Contains(c.In, have) {
			return false
		}
	}
	return true
}
