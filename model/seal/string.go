package seal

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// stars stand for a secret wherever it is printed.
const stars = "***"

// String is a text that lies sealed in a database column. It holds ciphertext, and the cleartext only until it is sealed or
// once it is opened. It prints as stars everywhere; Reveal alone gives the cleartext. The zero String is "not set" and NULL. A
// String that is handed on shares its parts, none of which is ever changed.
type String struct {
	// clear is behind a pointer because fmt calls no method of an unexported field: it would print the text, and prints an
	// address.
	clear  *string
	sealed []byte
}

// Clear is a String that holds a cleartext and is still to be sealed; the empty text makes the zero String.
func Clear(s string) String {
	if s == "" {
		return String{}
	}
	return String{clear: &s}
}

// IsZero tells whether the text is not set.
func (s String) IsZero() bool { return s.clear == nil && s.sealed == nil }

// Reveal is the cleartext, and true, where it is there: before sealing and after opening. The zero String answers "", false.
func (s String) Reveal() (string, bool) {
	if s.clear == nil {
		return "", false
	}
	return *s.clear, true
}

// Sealed is the ciphertext, nil before sealing. It must not be changed.
func (s String) Sealed() []byte { return s.sealed }

// Seal makes the text ready for the database; the cleartext stays revealable in memory. A text that is sealed already under d
// and aad keeps its ciphertext, so that saving what was read changes nothing. One that comes from another record or field is
// sealed anew, for which it must have been opened. Errors: ErrUnknownKey or ErrOpen when the ciphertext is another's and the
// cleartext is not there.
func (s *String) Seal(d *DataKey, aad []byte) error {
	if s.IsZero() {
		return nil
	}
	if s.sealed != nil {
		plain, err := d.Open(s.sealed, aad)
		if err == nil && (s.clear == nil || string(plain) == *s.clear) {
			clear(plain)
			return nil
		}
		if s.clear == nil {
			return err
		}
	}
	sealed, err := d.Seal([]byte(*s.clear), aad)
	if err != nil {
		return err
	}
	s.sealed = sealed
	return nil
}

// Open makes the cleartext revealable. A zero String, and one whose cleartext is there, stays as it is. Errors: those of
// DataKey.Open, after which the String is as before.
func (s *String) Open(d *DataKey, aad []byte) error {
	if s.clear != nil || s.sealed == nil {
		return nil
	}
	plain, err := d.Open(s.sealed, aad)
	if err != nil {
		return err
	}
	text := string(plain)
	s.clear = &text
	clear(plain)
	return nil
}

// Value is the ciphertext, or NULL when not set. It returns ErrUnsealed for a text that has not been sealed.
func (s String) Value() (driver.Value, error) {
	switch {
	case s.IsZero():
		return nil, nil
	case s.sealed == nil:
		return nil, ErrUnsealed
	}
	return s.sealed, nil
}

// Scan reads a column: NULL or a field's sealed value, which it copies. It returns ErrPlain for anything else, and ErrFormat
// for a sealed value that was cut short.
func (s *String) Scan(src any) error {
	if src == nil {
		*s = String{}
		return nil
	}
	b, ok := src.([]byte)
	if !ok || len(b) < 2 || b[0] != magic || b[1] != kindField {
		return ErrPlain
	}
	if _, _, err := readHead(kindField, fieldHead, b); err != nil {
		return err
	}
	*s = String{sealed: bytes.Clone(b)}
	return nil
}

// GormDataType is the column's type.
func (String) GormDataType() string { return "blob" }

// String prints stars.
func (String) String() string { return stars }

// GoString prints stars.
func (String) GoString() string { return stars }

// Format prints stars for every verb.
func (String) Format(f fmt.State, _ rune) { io.WriteString(f, stars) } //nolint:errcheck // fmt has no use for it

// LogValue logs stars.
func (String) LogValue() slog.Value { return slog.StringValue(stars) }

// MarshalJSON writes stars, also when not set: what may be told of a text is the mask's affair.
func (String) MarshalJSON() ([]byte, error) { return []byte(`"` + stars + `"`), nil }

// MarshalText writes stars.
func (String) MarshalText() ([]byte, error) { return []byte(stars), nil }

// errDecode says that input must be decoded by the form, which masks and checks, and not into the model.
var errDecode = errors.New("a sealed text is not read from JSON or text")

// UnmarshalJSON refuses: a sealed text is set with Clear. The error wraps ErrPlain.
func (*String) UnmarshalJSON([]byte) error { return fmt.Errorf("%w: %w", ErrPlain, errDecode) }

// UnmarshalText refuses: a sealed text is set with Clear. The error wraps ErrPlain.
func (*String) UnmarshalText([]byte) error { return fmt.Errorf("%w: %w", ErrPlain, errDecode) }
