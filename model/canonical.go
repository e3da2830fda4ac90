package model

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"
)

// Canonical is JSON with sorted keys and no spaces, so that the same content gives the same bytes; what is not JSON passes as it is.
func Canonical(v any) []byte {
	raw, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return nil
		}
	}
	if raw = bytes.TrimSpace(raw); len(raw) == 0 {
		return nil
	}
	out, err := canonical(make([]byte, 0, len(raw)), raw)
	if err != nil {
		return raw
	}
	return out
}

// canonical appends a compact value with the keys of its objects sorted.
func canonical(to []byte, raw json.RawMessage) (_ []byte, err error) {
	switch raw[0] {
	case '{':
		var members Members
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, err
		}
		return members.canonical(to)
	case '[':
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, err
		}
		to = append(to, '[')
		for i, item := range items {
			if i > 0 {
				to = append(to, ',')
			}
			if to, err = canonical(to, item); err != nil {
				return nil, err
			}
		}
		return append(to, ']'), nil
	case '"': // one text may be written in several ways
		s, err := text(raw)
		if err != nil {
			return nil, err
		}
		return appendText(to, s)
	}
	return append(to, raw...), nil
}

// Members are what a JSON object holds, read for several uses.
type Members map[string]json.RawMessage

// Canonical is that of the object.
func (m Members) Canonical() []byte {
	out, err := m.canonical(nil)
	if err != nil {
		return nil
	}
	return out
}

func (m Members) canonical(to []byte) (_ []byte, err error) {
	to = append(to, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = appendText(to, k); err != nil {
			return nil, err
		}
		if to, err = canonical(append(to, ':'), m[k]); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

// appendText appends a JSON string, as json.Marshal writes it; most need nothing but quotes.
func appendText(to []byte, s string) ([]byte, error) {
	if plain(s) {
		return append(append(append(to, '"'), s...), '"'), nil
	}
	b, err := json.Marshal(s)
	return append(to, b...), err
}

// plain tells whether a JSON string is the text itself between quotes.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		case c == 0xE2 && i+1 < len(s) && s[i+1] == 0x80: // U+2028 and U+2029 among others
			return false
		}
	}
	return utf8.ValidString(s)
}
