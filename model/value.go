package model

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"sixelements/model/seal"
)

// get is the field's value in the element, nil when it is empty: string, Choices, bool, int, float64, Time, Location, or
// []map[string]string for a list. Sealed values are in clear; a sealed value that was not opened counts as empty.
func (f *Field) get(e Element) any {
	switch v := f.value(e).Interface().(type) {
	case string:
		return orNil(v, v == "")
	case Date:
		return orNil(string(v), v == "")
	case Time:
		return orNil(v, v == 0)
	case Choices:
		return orNil(v, len(v) == 0)
	case *int:
		if v != nil {
			return *v
		}
	case *float64:
		if v != nil {
			return *v
		}
	case *bool:
		if v != nil {
			return *v
		}
	case *Location:
		if v != nil {
			return *v
		}
	case seal.String:
		clear, ok := v.Reveal()
		if !ok || clear == "" {
			return nil
		}
		if f.Type == TypeList {
			var items []map[string]string
			if json.Unmarshal([]byte(clear), &items) != nil || len(items) == 0 {
				return nil
			}
			return items
		}
		return clear
	}
	return nil
}

// empty tells whether get would answer nil.
func (f *Field) empty(e Element) bool {
	v := f.value(e)
	switch v.Kind() {
	case reflect.String, reflect.Slice:
		return v.Len() == 0
	case reflect.Struct: // sealed
		return f.get(e) == nil
	}
	return v.IsZero()
}

func orNil[T any](v T, empty bool) any {
	if empty {
		return nil
	}
	return v
}

// mask hides what the field's mask hides; values of fields without one pass.
func (f *Field) mask(v any) any {
	if items, ok := v.([]map[string]string); ok {
		out := make([]map[string]string, len(items))
		for i, m := range items {
			out[i] = map[string]string{}
			for _, sub := range f.Fields {
				if m[sub.Name] != "" {
					out[i][sub.Name] = maskText(sub.Mask, m[sub.Name])
				}
			}
		}
		return out
	}
	if s, ok := v.(string); ok {
		return maskText(f.Mask, s)
	}
	return v
}

func maskText(kind, s string) string {
	switch kind {
	case "id":
		return MaskID(s)
	case "phone":
		return MaskPhone(s)
	case "name":
		return MaskName(s)
	case "birth":
		return MaskBirth(Date(s))
	case "text":
		return strings.Repeat("*", min(len([]rune(s)), 6))
	}
	return s
}

// View says how an element is shown.
type View struct {
	Names bool // names of people in clear: for who needs them
	Today Date // for ages
	// Full are sealed fields shown in clear: reveal, and nothing else.
	Full map[string]bool
}

func (v View) show(f *Field, x any) any {
	switch {
	case v.Full[f.Name]:
		return x
	case f.Mask == "name" && v.Names:
		return x
	case f.Type == TypeList && v.Names:
		return f.maskPhonesOnly(x)
	}
	return f.mask(x)
}

// maskPhonesOnly masks a list's sealed members and leaves its names.
func (f *Field) maskPhonesOnly(x any) any {
	g := *f
	g.Fields = append([]Field(nil), f.Fields...)
	for i := range g.Fields {
		if g.Fields[i].Mask == "name" {
			g.Fields[i].Mask = ""
		}
	}
	return g.mask(x)
}

// Encode writes the element's data as the API shows it: only fields that are filled in, sensitive values masked, `age` beside a
// masked birth date, and community-defined fields under `extra`.
func (s *Schema) Encode(e Element, extra ExtraData, v View) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	put := func(name string, x any) {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(name)
		b.WriteString(`":`)
		enc, err := json.Marshal(x)
		if err != nil {
			enc = []byte("null") // cannot happen: every field type marshals
		}
		b.Write(enc)
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Type == TypePhotos {
			continue
		}
		x := f.get(e)
		if x == nil {
			continue
		}
		put(f.Name, v.show(f, x))
		if f.Mask == "birth" && v.Today != "" {
			put("age", Date(x.(string)).AgeOn(v.Today))
		}
	}
	if len(extra) > 0 {
		put("extra", extra)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// Diff lists what differs between two versions of an element, in clear; before may be nil for a new record.
func (s *Schema) Diff(before, after Element, extraBefore, extraAfter ExtraData) []Change {
	var out []Change
	for i := range s.Fields {
		f := &s.Fields[i]
		var b, a any
		if f.Type == TypePhotos {
			continue
		}
		a = f.get(after)
		if before != nil {
			if b = f.get(before); reflect.DeepEqual(a, b) {
				continue
			}
		} else if a == nil {
			continue
		}
		out = append(out, Change{Field: f.Name, Before: rawOf(b), After: rawOf(a)})
	}
	if !reflect.DeepEqual(map[string]any(extraBefore), map[string]any(extraAfter)) && len(extraBefore)+len(extraAfter) > 0 {
		out = append(out, Change{Field: "extra", Before: rawOf(orNil(extraBefore, len(extraBefore) == 0)),
			After: rawOf(orNil(extraAfter, len(extraAfter) == 0))})
	}
	return out
}

func rawOf(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	if s, ok := v.(string); ok {
		b, err := appendText(nil, s)
		if err != nil {
			return nil
		}
		return b
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

// hidden stands for a text that may name people where names are not shown.
const hidden = "***"

// ShowChange is one side of a change as the API shows it: masked as its field is. Where somebody moved to, and what a community
// asks beside the forms, may name people: they are hidden whole from viewers who do not need names.
func (s *Schema) ShowChange(field string, raw json.RawMessage, v View) any {
	if len(raw) == 0 {
		return nil
	}
	f, ok := s.Field(field)
	if !ok && !v.Names {
		return hidden
	}
	if !ok {
		return raw
	}
	if f.Type == TypeList {
		var items []map[string]string
		if json.Unmarshal(raw, &items) != nil {
			return nil
		}
		return v.show(f, items)
	}
	var text string
	if f.Masked && json.Unmarshal(raw, &text) == nil {
		return v.show(f, text)
	}
	return raw
}

// Clone is a copy of the element whose fields can be changed without changing the original's.
func (s *Schema) Clone(e Element) Element {
	v := reflect.New(reflect.TypeOf(e).Elem())
	v.Elem().Set(reflect.ValueOf(e).Elem()) // pointers are shared: decoding replaces them, it never writes through them
	return v.Interface().(Element)
}

// Clear is the field's value in clear, nil when it is empty: what reveal shows, and nothing else does.
func (f *Field) Clear(e Element) any { return f.get(e) }
