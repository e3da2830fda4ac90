package model

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
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
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, err
		}
		to = append(to, '{')
		for i, k := range slices.Sorted(maps.Keys(members)) {
			if i > 0 {
				to = append(to, ',')
			}
			if to, err = appendText(to, k); err != nil {
				return nil, err
			}
			if to, err = canonical(append(to, ':'), members[k]); err != nil {
				return nil, err
			}
		}
		return append(to, '}'), nil
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
	case '"': // one text may be written in several ways, most in one
		if !bytes.ContainsAny(raw, "\\<>&\u2028\u2029") && utf8.Valid(raw) {
			break
		}
		s, err := text(raw)
		if err != nil {
			return nil, err
		}
		return appendText(to, s)
	}
	return append(to, raw...), nil
}

func appendText(to []byte, s string) ([]byte, error) {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) }) {
		return append(append(append(to, '"'), s...), '"'), nil
	}
	b, err := json.Marshal(s)
	return append(to, b...), err
}
