package identity

import (
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"
)

// An unknown user name must cost what a wrong password costs, whatever the cost is changed to.
func TestNobodysHashCostsWhatOthersDo(t *testing.T) {
	t.Parallel()
	p, _, key, err := argon2id.DecodeHash(nobody)
	require.NoError(t, err)
	require.Equal(t, cost.Memory, p.Memory)
	require.Equal(t, cost.Iterations, p.Iterations)
	require.Equal(t, cost.Parallelism, p.Parallelism)
	require.Len(t, key, int(cost.KeyLength))
}

// The list is compared in lower case, and only holds what the other rules let through.
func TestTheListOfCommonPasswordsIsInLowerCase(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for line := range strings.Lines(commonList) {
		line = strings.TrimSpace(line)
		require.Equal(t, strings.ToLower(line), line)
		require.GreaterOrEqual(t, len(line), minPassword)
		require.False(t, seen[line], line)
		seen[line] = true
	}
	require.Equal(t, "这个密码太常见，请换一个", weakness("P@ssw0rd", "", false))
}

func TestAMadePasswordKeepsTheRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		p := randomPassword()
		require.Empty(t, weakness(p, "li.si", true))
		require.False(t, seen[p])
		seen[p] = true
	}
}

func FuzzToken(f *testing.F) {
	f.Add("")
	f.Add(newToken())
	f.Add(strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, text string) {
		if isToken(text) && len(text) != 43 {
			t.Fatal("a token of another length")
		}
	})
}
