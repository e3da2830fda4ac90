package seal_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model/seal"
)

func TestHashesAreKeyedAndUnambiguous(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, s := range suites {
		for _, key := range [][]byte{root(1), root(2)} {
			for name, in := range map[string][]string{"ab": {"p", "ab"}, "a,b": {"p", "a", "b"},
				"ab,": {"p", "ab", ""}, ",ab": {"p", "", "ab"},
				"none": {"p"}, "empty": {"p", ""}, "purpose": {"pab"}, "other purpose": {"q", "ab"}} {
				var parts [][]byte
				for _, p := range in[1:] {
					parts = append(parts, []byte(p))
				}
				sum := seal.NewHasher(s, key).Sum(in[0], parts...)
				require.Len(t, sum, 32)
				require.Equal(t, sum, seal.NewHasher(s, key).Sum(in[0], parts...), "the same again")
				name = fmt.Sprint(s, key[0], name)
				require.Empty(t, seen[string(sum)], "%s is taken for another", name)
				seen[string(sum)] = name
			}
		}
	}
	require.Panics(t, func() { seal.NewHasher(0, root(1)) })
}

// The values are what openssl answers for `dgst -sha256|-sm3 -mac HMAC` over 00…01 'p' 00…03 'abc' under 32 bytes of 01: the
// index in the database must never change with a new version of a library.
func TestHashesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for s, want := range map[seal.Suite]string{seal.AES: wantSHA256, seal.SM: wantSM3} {
		require.Equal(t, want, hex.EncodeToString(seal.NewHasher(s, root(1)).Sum("p", []byte("abc"))))
	}
}
