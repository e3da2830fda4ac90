package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/model/seal"
)

func TestRootsAreReadInEveryUsualForm(t *testing.T) {
	t.Parallel()
	raw := append(bytes.Repeat([]byte{0xfb, 0xff}, 15), 1, 2) // its base64 has + and /
	for name, line := range map[string]string{
		"base64": base64.StdEncoding.EncodeToString(raw), "base64 without padding": base64.RawStdEncoding.EncodeToString(raw),
		"URL base64": base64.URLEncoding.EncodeToString(raw), "raw URL base64": base64.RawURLEncoding.EncodeToString(raw),
		"hex": hex.EncodeToString(raw), "upper hex with CR": strings.ToUpper(hex.EncodeToString(raw)) + "\r",
	} {
		got, err := seal.ParseRoots("# current\n\n " + line + " \n" + base64.StdEncoding.EncodeToString(root(2)) + "\n")
		require.NoError(t, err, name)
		require.Equal(t, [][]byte{raw, root(2)}, got, name)
	}
}

func TestAFreshRootIsReadAndIsAnotherEachTime(t *testing.T) {
	t.Parallel()
	one, err := seal.NewRoot()
	require.NoError(t, err)
	two, err := seal.NewRoot()
	require.NoError(t, err)
	roots, err := seal.ParseRoots(one + "\n" + two)
	require.NoError(t, err)
	require.Len(t, roots, 2)
	require.NotEqual(t, roots[0], roots[1])
	_, err = seal.NewKeyring(seal.SM, time.Now, roots...)
	require.NoError(t, err)
}

func TestBadRootsAreRefusedAndNotRepeated(t *testing.T) {
	t.Parallel()
	good := base64.StdEncoding.EncodeToString(root(1))
	for _, text := range []string{"", "\n# none\n", "PASSWORD", good + "\nPASSWORD", good[:40], good + "A", strings.Repeat("zz", 32),
		base64.StdEncoding.EncodeToString([]byte("thirty-three bytes are too many!!"))} {
		_, err := seal.ParseRoots(text)
		require.ErrorIs(t, err, seal.ErrRoot)
		require.NotContains(t, err.Error(), "PASSWORD")
	}
	_, err := seal.ParseRoots(good + "\nPASSWORD")
	require.ErrorContains(t, err, "line 2")
}

func TestAKeyringNeedsASuiteAClockAndDistinctRoots(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		suite seal.Suite
		clock func() time.Time
		roots [][]byte
		want  error
	}{
		"no suite":   {0, time.Now, [][]byte{root(1)}, seal.ErrSuite},
		"no clock":   {seal.AES, nil, [][]byte{root(1)}, seal.ErrRoot},
		"no root":    {seal.AES, time.Now, nil, seal.ErrRoot},
		"short root": {seal.AES, time.Now, [][]byte{root(1)[:31]}, seal.ErrRoot},
		"root twice": {seal.AES, time.Now, [][]byte{root(1), root(2), root(1)}, seal.ErrRoot},
	} {
		_, err := seal.NewKeyring(c.suite, c.clock, c.roots...)
		require.ErrorIs(t, err, c.want, name)
	}
}

func TestSuitesAreNamed(t *testing.T) {
	t.Parallel()
	for _, s := range suites {
		got, err := seal.ParseSuite(s.String())
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
	for _, bad := range []string{"", "AES", "sm4", "unknown"} {
		_, err := seal.ParseSuite(bad)
		require.ErrorIs(t, err, seal.ErrSuite)
	}
}
