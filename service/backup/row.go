package backup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"sixelements/model/store"
)

// A row is its values' length as an unsigned varint, then the values: a byte for the kind, then a zigzag varint, eight bytes of
// IEEE 754 (big endian), or a length as an unsigned varint and the bytes.
const (
	tagNull byte = iota
	tagInt
	tagReal
	tagText
	tagBytes
)

// tags are the kinds of values that a column may hold beside NULL.
var tags = map[store.ColumnKind]byte{store.Integer: tagInt, store.Real: tagReal, store.Text: tagText, store.Bytes: tagBytes}

// normal makes of what the drivers give one Go type per kind: int64, float64, string, []byte, or nil. The error names the column,
// never the value.
func normal(columns []store.Column, values []any) error {
	for i, c := range columns {
		if values[i] == nil {
			continue
		}
		v, ok := normalValue(c.Kind, values[i])
		if !ok {
			return fmt.Errorf("column %s holds a %T, not %s", c.Name, values[i], c.Kind)
		}
		values[i] = v
	}
	return nil
}

func normalValue(k store.ColumnKind, v any) (any, bool) {
	switch k {
	case store.Integer:
		if b, ok := v.(bool); ok {
			if b {
				return int64(1), true
			}
			return int64(0), true
		}
		n, ok := v.(int64)
		return n, ok
	case store.Real:
		if n, ok := v.(int64); ok {
			return float64(n), true
		}
		f, ok := v.(float64)
		return f, ok
	case store.Text:
		if b, ok := v.([]byte); ok {
			return string(b), true
		}
		s, ok := v.(string)
		return s, ok
	case store.Bytes:
		if s, ok := v.(string); ok {
			return []byte(s), true
		}
		b, ok := v.([]byte)
		if b == nil {
			b = []byte{} // SQLite's driver says nil for an empty value, and would write nil as NULL
		}
		return b, ok
	}
	return nil, false
}

// appendRow appends a row of normal values.
func appendRow(to []byte, values []any) []byte {
	size := 0
	for _, v := range values {
		size += sizeOf(v)
	}
	to = binary.AppendUvarint(to, uint64(size))
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			to = append(to, tagNull)
		case int64:
			to = binary.AppendVarint(append(to, tagInt), v)
		case float64:
			to = binary.BigEndian.AppendUint64(append(to, tagReal), math.Float64bits(v))
		case string:
			to = append(binary.AppendUvarint(append(to, tagText), uint64(len(v))), v...)
		case []byte:
			to = append(binary.AppendUvarint(append(to, tagBytes), uint64(len(v))), v...)
		}
	}
	return to
}

func sizeOf(v any) int {
	var scratch [1 + binary.MaxVarintLen64]byte
	switch v := v.(type) {
	case int64:
		return len(binary.AppendVarint(scratch[:1], v))
	case float64:
		return 9
	case string:
		return len(binary.AppendUvarint(scratch[:1], uint64(len(v)))) + len(v)
	case []byte:
		return len(binary.AppendUvarint(scratch[:1], uint64(len(v)))) + len(v)
	}
	return 1
}

var errRow = errors.New("a row cannot be read")

// readRow reads the chunk's first row, whose values must be of the columns' kinds, and answers what is left of the chunk. Bytes are
// shared with the chunk.
func readRow(columns []store.Column, chunk []byte) (values []any, rest []byte, err error) {
	size, n := binary.Uvarint(chunk)
	if n <= 0 || size > uint64(len(chunk)-n) {
		return nil, nil, errRow
	}
	row, rest := chunk[n:n+int(size)], chunk[n+int(size):]
	values = make([]any, len(columns))
	for i, c := range columns {
		if len(row) == 0 || row[0] != tagNull && row[0] != tags[c.Kind] {
			return nil, nil, errRow
		}
		var ok bool
		if values[i], row, ok = readValue(row[0], row[1:]); !ok {
			return nil, nil, errRow
		}
	}
	if len(row) > 0 {
		return nil, nil, errRow
	}
	return values, rest, nil
}

func readValue(tag byte, b []byte) (v any, rest []byte, ok bool) {
	switch tag {
	case tagNull:
		return nil, b, true
	case tagInt:
		v, n := binary.Varint(b)
		return v, b[max(n, 0):], n > 0
	case tagReal:
		if len(b) < 8 {
			return nil, nil, false
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:], true
	}
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	b, rest = b[n:n+int(size)], b[n+int(size):]
	if tag == tagText {
		return string(b), rest, true
	}
	return b, rest, true
}
