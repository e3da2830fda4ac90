package seal_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/model/seal"
)

// root is a root key for tests: 32 times the same byte.
func root(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// ring is a keyring whose clock stands still; the first root is the current one.
func ring(t testing.TB, s seal.Suite, roots ...byte) *seal.Keyring {
	return ringAt(t, noon, s, roots...)
}

func ringAt(t testing.TB, at time.Time, s seal.Suite, roots ...byte) *seal.Keyring {
	t.Helper()
	var keys [][]byte
	for _, b := range roots {
		keys = append(keys, root(b))
	}
	k, err := seal.NewKeyring(s, func() time.Time { return at }, keys...)
	require.NoError(t, err)
	return k
}
