package seal_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/model/seal"
)

func FuzzOpen(f *testing.F) {
	line, err := seal.NewRoot() // each fuzzing process has its own, so that none opens another's seeds
	require.NoError(f, err)
	roots, err := seal.ParseRoots(line)
	require.NoError(f, err)
	k, err := seal.NewKeyring(seal.AES, time.Now, roots...)
	require.NoError(f, err)
	d, wrapped, err := k.NewDataKey(nil)
	require.NoError(f, err)
	field, err := d.Seal([]byte(secret), nil)
	require.NoError(f, err)
	small, err := k.Seal([]byte(secret), nil)
	require.NoError(f, err)
	for _, b := range [][]byte{nil, {0xFF}, {0xFF, 6, 1}, wrapped, field, small} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := d.Open(b, nil); err == nil && !bytes.Equal(b, field) {
			t.Fatal("a field was forged")
		}
		if _, err := k.OpenDataKey(b, nil); err == nil && !bytes.Equal(b, wrapped) {
			t.Fatal("a data key was forged")
		}
		if _, err := k.Open(b, nil); err == nil && !bytes.Equal(b, small) {
			t.Fatal("a secret was forged")
		}
		var s seal.String
		if s.Scan(b) == nil && b != nil && s.IsZero() {
			t.Fatal("bytes became no value")
		}
		_, _, _ = k.Rewrap(b, nil)
	})
}
