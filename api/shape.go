package api

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// shape is a schema made ready to be held against a JSON text as it is, in one pass and without an allocation. huma builds a tree
// of maps from every body to check it, which costs more than reading the body; nearly all bodies are right, and a shape says so.
//
// It may only err in one direction: what it accepts, huma accepts. What it is not sure of (escapes, names in capitals, numbers with
// a fraction, schemas that it does not know) it leaves to huma, and so all messages are huma's.
type shape struct {
	kind      string            // huma.TypeObject, …; "" for any value
	fields    map[string]*shape // of an object; others are not sure
	required  int               // how many of the fields are
	needed    bool              // one of those
	items     *shape
	least     int // characters of a string, items of an array
	most      int
	low, high float64
	enum      []string
	fits      func([]byte) bool // a string's pattern; nil: none
}

// sureOf is the schema's shape, nil where it says something that a shape cannot.
func sureOf(r huma.Registry, s *huma.Schema) *shape {
	for s.Ref != "" {
		s = r.SchemaFromRef(s.Ref)
	}
	if s.OneOf != nil || s.AnyOf != nil || s.AllOf != nil || s.Not != nil || s.Format != "" && s.Type == huma.TypeString ||
		s.ContentEncoding != "" || s.MultipleOf != nil || s.ExclusiveMinimum != nil || s.ExclusiveMaximum != nil || s.UniqueItems ||
		len(s.DependentRequired) > 0 || s.MinProperties != nil || s.MaxProperties != nil {
		return nil
	}
	out := &shape{kind: s.Type, least: or(s.MinLength, or(s.MinItems, 0)), most: or(s.MaxLength, or(s.MaxItems, 1<<30)),
		low: or(s.Minimum, -1e15), high: or(s.Maximum, 1e15)}
	for _, e := range s.Enum {
		text, ok := e.(string)
		if !ok || s.Type != huma.TypeString {
			return nil
		}
		out.enum = append(out.enum, text)
	}
	switch {
	case s.Pattern == idPattern:
		out.fits = isIDText
	case s.Pattern != "":
		out.fits = regexp.MustCompile(s.Pattern).Match
	}
	switch s.Type {
	case huma.TypeArray:
		if out.items = sureOf(r, s.Items); out.items == nil {
			return nil
		}
	case huma.TypeObject:
		if closed, ok := s.AdditionalProperties.(bool); !ok || closed {
			return nil
		}
		out.fields = map[string]*shape{}
		for name, p := range s.Properties {
			f := sureOf(r, p)
			if f == nil {
				f = &shape{kind: unsure}
			}
			if f.needed = slices.Contains(s.Required, name); f.needed {
				out.required++
			}
			out.fields[name] = f
		}
	}
	return out
}

// unsure is the kind of a field that only huma can judge.
const unsure = "unsure"

func or[T any](p *T, otherwise T) T {
	if p != nil {
		return *p
	}
	return otherwise
}

// accepts tells whether the text is surely JSON of this shape. A nil shape is sure of nothing.
func (s *shape) accepts(text []byte) bool {
	if s == nil {
		return false
	}
	rest, ok := s.value(skip(text))
	return ok && len(skip(rest)) == 0
}

// value reads one value and answers what follows it.
func (s *shape) value(t []byte) (rest []byte, ok bool) {
	switch s.kind {
	case "":
		return anyValue(t)
	case huma.TypeString:
		text, rest, ok := plainText(t)
		return rest, ok && s.text(text)
	case huma.TypeBoolean:
		if rest, ok = bytes.CutPrefix(t, []byte("true")); !ok {
			rest, ok = bytes.CutPrefix(t, []byte("false"))
		}
		return rest, ok
	case huma.TypeInteger:
		return s.integer(t)
	case huma.TypeArray:
		return s.array(t)
	case huma.TypeObject:
		return s.object(t)
	}
	return nil, false
}

func (s *shape) text(text []byte) bool {
	if n := utf8.RuneCount(text); n < s.least || n > s.most {
		return false
	}
	return (s.enum == nil || slices.Contains(s.enum, string(text))) && (s.fits == nil || s.fits(text))
}

// integer reads a number of at most 15 digits, which a float64 holds as it is.
func (s *shape) integer(t []byte) ([]byte, bool) {
	n := 0
	for n < len(t) && (t[n] >= '0' && t[n] <= '9' || n == 0 && t[n] == '-') {
		n++
	}
	v, err := strconv.ParseInt(string(t[:n]), 10, 64)
	if err != nil || n > 15 || strconv.FormatInt(v, 10) != string(t[:n]) || n < len(t) && bytes.IndexByte([]byte(".eE"), t[n]) >= 0 {
		return nil, false
	}
	return t[n:], float64(v) >= s.low && float64(v) <= s.high
}

func (s *shape) array(t []byte) ([]byte, bool) {
	n := 0
	rest, ok := list(t, '[', ']', func(t []byte) ([]byte, bool) {
		n++
		return s.items.value(t)
	})
	return rest, ok && n >= s.least && n <= s.most
}

func (s *shape) object(t []byte) ([]byte, bool) {
	var seen [64]*shape // a name that comes twice counts once
	n, required := 0, 0
	rest, ok := list(t, '{', '}', func(t []byte) ([]byte, bool) {
		name, rest, ok := plainText(t)
		f := s.fields[string(name)]
		rest = skip(rest)
		if !ok || f == nil || len(rest) == 0 || rest[0] != ':' || n == len(seen) || slices.Contains(seen[:n], f) {
			return nil, false
		}
		seen[n] = f
		n++
		if f.needed {
			required++
		}
		return f.value(skip(rest[1:]))
	})
	return rest, ok && required == s.required
}

// list reads what stands between two brackets, separated by commas.
func list(t []byte, open, end byte, each func([]byte) ([]byte, bool)) ([]byte, bool) {
	if len(t) == 0 || t[0] != open {
		return nil, false
	}
	t = skip(t[1:])
	if len(t) > 0 && t[0] == end {
		return t[1:], true
	}
	for {
		rest, ok := each(t)
		rest = skip(rest)
		if !ok || len(rest) == 0 {
			return nil, false
		}
		if rest[0] == end {
			return rest[1:], true
		}
		if rest[0] != ',' {
			return nil, false
		}
		t = skip(rest[1:])
	}
}

// plainText reads a string without escapes.
func plainText(t []byte) (text, rest []byte, ok bool) {
	if len(t) == 0 || t[0] != '"' {
		return nil, nil, false
	}
	for i, c := range t[1:] {
		switch {
		case c == '"':
			return t[1 : i+1], t[i+2:], true
		case c == '\\' || c < ' ':
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// anyValue reads an object, a list or a string of any content; the text between is JSON's own to judge.
func anyValue(t []byte) ([]byte, bool) {
	depth, quoted := 0, false
	for i := 0; i < len(t); i++ {
		switch c := t[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth == 0 && !quoted {
			return t[i+1:], i > 0 && json.Valid(t[:i+1])
		}
	}
	return nil, false
}

func skip(t []byte) []byte {
	for len(t) > 0 && (t[0] == ' ' || t[0] == '\n' || t[0] == '\t' || t[0] == '\r') {
		t = t[1:]
	}
	return t
}

// isIDText is idPattern.
func isIDText(t []byte) bool {
	for i, c := range t {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if c|0x20 < 'a' && (c < '0' || c > '9') || c|0x20 > 'f' {
			return false
		}
	}
	return len(t) == 0 || len(t) == 36
}

// standIn is the least value that a schema accepts: what huma is given to check in place of a body that a shape has accepted.
func standIn(r huma.Registry, s *huma.Schema) any {
	for s.Ref != "" {
		s = r.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type == huma.TypeObject:
		m := map[string]any{}
		for _, name := range s.Required {
			m[name] = standIn(r, s.Properties[name])
		}
		return m
	case s.Type == huma.TypeArray:
		items := []any{}
		for range or(s.MinItems, 0) {
			items = append(items, standIn(r, s.Items))
		}
		return items
	case s.Type == huma.TypeString:
		return string(bytes.Repeat([]byte("0"), or(s.MinLength, 0)))
	case s.Type == huma.TypeInteger || s.Type == huma.TypeNumber:
		return or(s.Minimum, 0.0)
	case s.Type == huma.TypeBoolean:
		return false
	}
	return nil
}

// bodies is huma for one operation: it hands huma's check the stand-in where the body surely passes.
type bodies struct {
	huma.API
	of func() (*shape, any) // made with the first body, when all operations are registered
}

// Unmarshal is called twice with a body: into an any to be checked, then into the operation's type.
func (b bodies) Unmarshal(contentType string, data []byte, into any) error {
	if tree, ok := into.(*any); ok && contentType == "application/json" {
		if s, stand := b.of(); s.accepts(data) {
			*tree = stand
			return nil
		}
	}
	return b.API.Unmarshal(contentType, data, into)
}

// judge is a schema's shape and stand-in; no shape where huma would not take the stand-in.
func judge(r huma.Registry, s *huma.Schema) (*shape, any) {
	stand := standIn(r, s)
	var res huma.ValidateResult
	huma.Validate(r, s, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, stand, &res)
	if len(res.Errors) > 0 {
		return nil, nil
	}
	return sureOf(r, s), stand
}
