package model

import (
	"bytes"
	"encoding/json"
)

// Canonical is JSON with sorted keys and no spaces, so that the same content gives the same bytes; what is not JSON passes as it is.
func Canonical(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var x any
	if dec.Decode(&x) != nil {
		return raw
	}
	out, err := json.Marshal(x)
	if err != nil {
		return raw
	}
	return out
}
