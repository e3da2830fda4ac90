package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// hidden is what is printed instead of a secret.
const hidden = "***"

// Secret is a text that is never printed: fmt (every verb), slog and encoding/json show "***", or "" when it is empty. Not for
// the key of a map, nor an unexported field: there the encoders do not ask it.
type Secret string

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String is "***", or "" for the empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format prints String whatever the verb: %d and %#v would otherwise show the content.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON is String.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Switch is on or off.
type Switch bool

// UnmarshalText takes "on" and "off" and nothing else.
func (s *Switch) UnmarshalText(text []byte) error {
	switch string(text) {
	case "on":
		*s = true
	case "off":
		*s = false
	default:
		return errors.New("neither on nor off")
	}
	return nil
}

// String is "on" or "off".
func (s Switch) String() string {
	if s {
		return "on"
	}
	return "off"
}

// Size is a number of bytes.
type Size int64

const sizeUnits = "KMG"

// UnmarshalText takes a whole number of bytes, or of K (1024), M or G.
func (s *Size) UnmarshalText(text []byte) error {
	digits, unit := string(text), int64(1)
	if n := len(digits); n > 0 {
		if i := strings.IndexByte(sizeUnits, digits[n-1]); i >= 0 {
			digits, unit = digits[:n-1], int64(1)<<(10*(i+1))
		}
	}
	v, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return errors.New("not a size")
	}
	*s = Size(int64(v) * unit)
	return nil
}

// String is the size in the largest unit that divides it.
func (s Size) String() string {
	v, unit := int64(s), ""
	for i := 0; i < len(sizeUnits) && v != 0 && v%1024 == 0; i++ {
		v, unit = v/1024, sizeUnits[i:i+1]
	}
	return strconv.FormatInt(v, 10) + unit
}
