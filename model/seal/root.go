package seal

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// ParseRoots reads root keys, one a line: 32 bytes in base64 (standard or URL alphabet, padded or not) or in hex. The first is
// the current one, the others only open what they sealed. Empty lines and lines that begin with # are skipped. The error wraps
// ErrRoot and names the line, never the text.
func ParseRoots(text string) ([][]byte, error) {
	var roots [][]byte
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		root, ok := parseRoot(line)
		if !ok {
			return nil, fmt.Errorf("%w: line %d", ErrRoot, i+1)
		}
		roots = append(roots, root)
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("%w: none given", ErrRoot)
	}
	return roots, nil
}

// parseRoot tells hex from base64 by the length: 64 characters against 43 or, padded, 44.
func parseRoot(s string) ([]byte, bool) {
	var root []byte
	var err error
	if len(s) == hex.EncodedLen(keySize) {
		root, err = hex.DecodeString(s)
	} else {
		s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSuffix(s, "="))
		root, err = base64.RawStdEncoding.Strict().DecodeString(s)
	}
	return root, err == nil && len(root) == keySize
}

// NewRoot makes a fresh root key as a line of base64, without the line's end. The error is always nil today: the runtime stops
// the process when the system has no randomness.
func NewRoot() (string, error) {
	var root [keySize]byte
	if _, err := rand.Read(root[:]); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(root[:]), nil
}
