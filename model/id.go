// Package model holds the nouns of the product and their rules: no database, no HTTP.
package model

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// ID names every row: a UUIDv7 (RFC 9562), 16 bytes in the database and text in JSON. The zero ID means "none" and is NULL in
// the database.
type ID [16]byte

// NewID makes an ID. Order never comes from IDs made outside; those made here are time-ordered.
func NewID() ID { return ID(uuid.Must(uuid.NewV7())) }

// DeriveID is an ID like those of NewID that follows from its arguments: the time part is at, the other bits are the first ten bytes
// of seed, a keyed hash of what the row stands for. Whoever makes the row again makes the same ID.
func DeriveID(at Time, seed []byte) (id ID) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at))
	copy(id[:6], ms[2:])
	copy(id[6:], seed)
	id[6] = id[6]&0x0f | 0x70 // version 7 and the variant: RFC 9562, 5.7
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ErrID says that a text is not an ID.
var ErrID = errors.New("not a UUID")

// ParseID reads the 36-character text form of any UUID. It returns ErrID for anything else.
func ParseID(s string) (ID, error) {
	if len(s) != 36 {
		return ID{}, ErrID
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return ID{}, ErrID
	}
	return ID(u), nil
}

// IsZero tells whether the ID is the zero one.
func (id ID) IsZero() bool { return id == ID{} }

// String is the lower-case text form, empty for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return uuid.UUID(id).String()
}

// maxAhead is how far in the future an ID made by a client may lie: phones have wrong clocks, but not by more than a day.
const maxAhead = 24 * time.Hour

// CheckClientID tells whether a client may have made the ID: version 7, and not more than 24 hours ahead of now.
func (id ID) CheckClientID(now time.Time) bool {
	u := uuid.UUID(id)
	if u.Version() != 7 || u.Variant() != uuid.RFC4122 {
		return false
	}
	ms := int64(u[0])<<40 | int64(u[1])<<32 | int64(u[2])<<24 | int64(u[3])<<16 | int64(u[4])<<8 | int64(u[5])
	return ms <= now.Add(maxAhead).UnixMilli()
}

// MarshalText writes the text form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text form; an empty text is the zero ID.
func (id *ID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	*id, err = ParseID(string(b))
	return err
}

// MarshalJSON writes the text form, and null for the zero ID.
func (id ID) MarshalJSON() ([]byte, error) {
	if id.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + id.String() + `"`), nil
}

// UnmarshalJSON reads the text form or null.
func (id *ID) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*id = ID{}
		return nil
	}
	if len(b) < 2 || b[0] != '"' {
		return ErrID
	}
	return id.UnmarshalText(b[1 : len(b)-1])
}

// Value is the 16 bytes, or NULL for the zero ID.
func (id ID) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id[:], nil
}

// Scan reads the 16 bytes or NULL.
func (id *ID) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*id = ID{}
		return nil
	case []byte:
		if len(v) != 16 {
			return fmt.Errorf("an id has 16 bytes, got %d", len(v))
		}
		copy(id[:], v)
		return nil
	}
	return fmt.Errorf("an id cannot be read from %T", src)
}
