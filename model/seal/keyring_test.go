package seal_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sixelements/model/seal"
)

var suites = []seal.Suite{seal.AES, seal.SM}

const secret = "TOP-SECRET-410102" // what must never be seen in what is printed

func other(s seal.Suite) seal.Suite { return seal.AES + seal.SM - s }

// box is one of the three ways to seal: as a field, as a small secret, and, wrapping, as a data key.
type box struct {
	name       string
	seal, open func(b, aad []byte) ([]byte, error)
}

func boxes(t testing.TB, s seal.Suite) []box {
	k := ring(t, s, 1)
	d, _, err := k.NewDataKey([]byte("record"))
	require.NoError(t, err)
	return []box{{"field", d.Seal, d.Open}, {"secret", k.Seal, k.Open}}
}

func TestWhatIsSealedOpensAgain(t *testing.T) {
	t.Parallel()
	for _, s := range suites {
		for _, b := range boxes(t, s) {
			for _, plain := range []string{"", "x", secret, strings.Repeat("张", 5000)} {
				sealed, err := b.seal([]byte(plain), []byte("aad"))
				require.NoError(t, err)
				got, err := b.open(sealed, []byte("aad"))
				require.NoError(t, err)
				require.NotNil(t, got)
				require.Equal(t, plain, string(got))
				require.Equal(t, byte(s), sealed[2], "the value names its suite")
				require.False(t, utf8.Valid(sealed), "no text looks like a sealed value")
				if plain != "" && plain != "x" {
					require.NotContains(t, string(sealed), plain)
				}
			}
		}
	}
}

func TestSealingTwiceGivesDifferentBytes(t *testing.T) {
	t.Parallel()
	for _, s := range suites {
		for _, b := range boxes(t, s) {
			one, err := b.seal([]byte(secret), nil)
			require.NoError(t, err)
			two, err := b.seal([]byte(secret), nil)
			require.NoError(t, err)
			require.NotEqual(t, one, two)
		}
	}
}

func TestAnotherPlaceOrAChangedByteDoesNotOpen(t *testing.T) {
	t.Parallel()
	for _, s := range suites {
		for _, b := range boxes(t, s) {
			t.Run(fmt.Sprint(s, " ", b.name), func(t *testing.T) {
				t.Parallel()
				sealed, err := b.seal([]byte(secret), []byte("a:id_no"))
				require.NoError(t, err)
				_, err = b.open(sealed, []byte("b:id_no"))
				require.ErrorIs(t, err, seal.ErrOpen)
				for i := range sealed {
					for _, bit := range []byte{1, 0x80} {
						bad := bytes.Clone(sealed)
						bad[i] ^= bit
						_, err = b.open(bad, []byte("a:id_no"))
						require.Error(t, err, "byte %d", i)
					}
				}
				for n := range sealed {
					_, err = b.open(sealed[:n], []byte("a:id_no"))
					require.Error(t, err, "cut to %d bytes", n)
				}
				_, err = b.open(append(bytes.Clone(sealed), 0), []byte("a:id_no"))
				require.ErrorIs(t, err, seal.ErrOpen)
			})
		}
	}
}

func TestAnotherKeyIsUnknown(t *testing.T) {
	t.Parallel()
	for _, s := range suites {
		k := ring(t, s, 1)
		d, wrapped, err := k.NewDataKey([]byte("record"))
		require.NoError(t, err)
		e, _, err := k.NewDataKey([]byte("record"))
		require.NoError(t, err)

		sealed, err := d.Seal([]byte(secret), nil)
		require.NoError(t, err)
		_, err = e.Open(sealed, nil)
		require.ErrorIs(t, err, seal.ErrUnknownKey)
		var none *seal.DataKey
		_, err = none.Open(sealed, nil)
		require.ErrorIs(t, err, seal.ErrUnknownKey, "a destroyed key opens nothing")
		_, err = none.Seal([]byte(secret), nil)
		require.ErrorIs(t, err, seal.ErrUnknownKey)

		_, err = ring(t, s, 2).OpenDataKey(wrapped, []byte("record"))
		require.ErrorIs(t, err, seal.ErrUnknownKey)
		_, err = k.OpenDataKey(wrapped, []byte("another record"))
		require.ErrorIs(t, err, seal.ErrOpen)
	}
}

func TestTheThreeKindsOfValuesAreNotTakenForOneAnother(t *testing.T) {
	t.Parallel()
	k := ring(t, seal.AES, 1)
	_, wrapped, err := k.NewDataKey(nil)
	require.NoError(t, err)
	small, err := k.Seal(root(9), nil)
	require.NoError(t, err)

	_, err = k.Open(wrapped, nil)
	require.ErrorIs(t, err, seal.ErrFormat)
	_, err = k.OpenDataKey(small, nil)
	require.ErrorIs(t, err, seal.ErrFormat)
	small[1] = wrapped[1]
	_, err = k.OpenDataKey(small, nil)
	require.ErrorIs(t, err, seal.ErrOpen, "the kinds have keys of their own, not only a mark")
}

func TestAKeyringOpensWhatTheOtherSuiteSealed(t *testing.T) {
	t.Parallel()
	for _, s := range suites {
		before, after := ring(t, s, 1), ring(t, other(s), 1)
		d, wrapped, err := before.NewDataKey([]byte("r"))
		require.NoError(t, err)
		field, err := d.Seal([]byte(secret), []byte("f"))
		require.NoError(t, err)
		small, err := before.Seal([]byte(secret), []byte("s"))
		require.NoError(t, err)

		got, err := after.Open(small, []byte("s"))
		require.NoError(t, err)
		require.Equal(t, secret, string(got))
		e, err := after.OpenDataKey(wrapped, []byte("r"))
		require.NoError(t, err)
		got, err = e.Open(field, []byte("f"))
		require.NoError(t, err)
		require.Equal(t, secret, string(got))

		again, err := e.Seal([]byte(secret), []byte("f"))
		require.NoError(t, err)
		require.Equal(t, byte(other(s)), again[2], "new values take the new suite")
		got, err = d.Open(again, []byte("f"))
		require.NoError(t, err)
		require.Equal(t, secret, string(got))
	}
}

func TestRotationRewrapsTheDataKeyAndLeavesItsValues(t *testing.T) {
	t.Parallel()
	for _, s := range suites {
		for _, to := range suites {
			t.Run(fmt.Sprint(s, " to ", to), func(t *testing.T) {
				t.Parallel()
				d, wrapped, err := ring(t, s, 1).NewDataKey([]byte("r"))
				require.NoError(t, err)
				field, err := d.Seal([]byte(secret), nil)
				require.NoError(t, err)

				both := ring(t, to, 2, 1)
				again, changed, err := both.Rewrap(wrapped, []byte("r"))
				require.NoError(t, err)
				require.True(t, changed)
				require.NotEqual(t, wrapped, again)

				same, changed, err := both.Rewrap(again, []byte("r"))
				require.NoError(t, err)
				require.False(t, changed)
				require.Equal(t, again, same)

				e, err := ring(t, to, 2).OpenDataKey(again, []byte("r"))
				require.NoError(t, err, "the old root is no longer needed")
				got, err := e.Open(field, nil)
				require.NoError(t, err)
				require.Equal(t, secret, string(got))

				_, _, err = both.Rewrap(wrapped, []byte("another"))
				require.ErrorIs(t, err, seal.ErrOpen)
				_, _, err = both.Rewrap([]byte("plain"), []byte("r"))
				require.ErrorIs(t, err, seal.ErrFormat)
			})
		}
	}
}

func TestTheKeyChangesAtMidnightInBeijingAndOldDaysStillOpen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 15, 59, 59, 0, time.UTC) // a second before midnight in Beijing
	k, err := seal.NewKeyring(seal.AES, func() time.Time { return now }, root(1))
	require.NoError(t, err)
	before, err := k.Seal([]byte(secret), nil)
	require.NoError(t, err)
	now = now.Add(time.Second)
	after, err := k.Seal([]byte(secret), nil)
	require.NoError(t, err)

	require.Equal(t, before[:7], after[:7], "same kind, suite and root")
	require.NotEqual(t, before[7:11], after[7:11], "another day")
	_, changed, err := k.Rewrap(wrap(t, ringAt(t, now.AddDate(0, 0, -9), seal.AES, 1)), nil)
	require.NoError(t, err)
	require.False(t, changed, "another day alone is no reason to rewrap")
	for _, sealed := range [][]byte{before, after} {
		for _, ring := range []*seal.Keyring{k, ringAt(t, now.AddDate(3, 0, 0), seal.SM, 2, 1)} {
			got, err := ring.Open(sealed, nil)
			require.NoError(t, err)
			require.Equal(t, secret, string(got))
		}
	}
	copy(after[7:11], before[7:11])
	_, err = k.Open(after, nil)
	require.ErrorIs(t, err, seal.ErrOpen, "the day is part of the key")
}

func wrap(t *testing.T, k *seal.Keyring) []byte {
	t.Helper()
	_, wrapped, err := k.NewDataKey(nil)
	require.NoError(t, err)
	return wrapped
}

func TestKeysMayBeUsedByManyAtOnce(t *testing.T) {
	t.Parallel()
	k := ring(t, seal.AES, 1)
	d, wrapped, err := k.NewDataKey(nil)
	require.NoError(t, err)
	h := seal.NewHasher(seal.SM, root(3))
	want := h.Sum("p", []byte(secret))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				sealed, _ := d.Seal([]byte(secret), nil)
				e, err := k.OpenDataKey(wrapped, nil)
				if err == nil {
					_, err = e.Open(sealed, nil)
				}
				if err != nil || !bytes.Equal(want, h.Sum("p", []byte(secret))) {
					t.Error("two at once disturb one another")
				}
			}
		})
	}
	all.Wait()
}

// Values sealed by the first version must open for ever.
func TestValuesSealedLongAgoOpen(t *testing.T) {
	t.Parallel()
	for s, old := range sealedLongAgo {
		wrapped, err := hex.DecodeString(old.wrapped)
		require.NoError(t, err)
		field, err := hex.DecodeString(old.field)
		require.NoError(t, err)
		d, err := ring(t, s, 1).OpenDataKey(wrapped, []byte("record"))
		require.NoError(t, err)
		got, err := d.Open(field, []byte("id_no"))
		require.NoError(t, err)
		require.Equal(t, secret, string(got))
	}
}
