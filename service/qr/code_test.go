package qr

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACodeIsShortUnlikeAnyOtherAndReadsBack(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, float64(CodeLength-1)*math.Log2(float64(len(alphabet))), 60.0, "too easy to guess")
	seen, used := map[string]bool{}, map[rune]int{}
	for range 5000 {
		code := NewCode()
		require.Len(t, code, CodeLength)
		require.False(t, seen[code], "the same code twice")
		seen[code] = true
		for _, r := range code {
			require.Contains(t, alphabet, string(r))
			used[r]++
		}
		back, ok := ParseCode(code)
		require.True(t, ok)
		require.Equal(t, code, back)
	}
	for _, r := range alphabet {
		// 70,000 characters: 2,414 of each expected, standard deviation 48; six of them is never, a modulo bias of 9/8 is.
		require.InDelta(t, 70000.0/29, used[r], 290, "letter %c is favoured or shunned", r)
	}
	require.Len(t, alphabet, 29)
	require.False(t, strings.ContainsAny(alphabet, "01OILUZ"), "a letter that is confused with another")
}

func TestEveryWrongLetterAndEverySwapIsCaught(t *testing.T) {
	t.Parallel()
	for range 20 {
		code := NewCode()
		for i := range code {
			for _, c := range []byte(alphabet) {
				wrong := []byte(code)
				wrong[i] = c
				_, ok := ParseCode(string(wrong))
				require.Equal(t, c == code[i], ok, "%s with %c at %d", code, c, i)
			}
			for j := range i {
				wrong := []byte(code)
				wrong[i], wrong[j] = wrong[j], wrong[i]
				_, ok := ParseCode(string(wrong))
				require.Equal(t, code[i] == code[j], ok, "%s with %d and %d exchanged", code, i, j)
			}
		}
	}
}

// sample is a code whose check character was reckoned by hand: letters number 0 to 12 with the weights 1 to 13 sum to 728, which
// is 3 modulo 29; what is missing to 29 is 26 = 14 × 6 modulo 29, and letter number 6 is "8".
const sample = "23456789ABCDE8"

func TestWhatPeopleTypeIsUnderstood(t *testing.T) {
	t.Parallel()
	withVAnd2 := string(append([]byte("V2V2V2V2V2V2V"), check([]byte("V2V2V2V2V2V2V"))))
	for _, c := range []struct {
		name, typed, want string
		ok                bool
	}{
		{"as printed", Spaced(sample), sample, true},
		{"lower case", strings.ToLower(sample), sample, true},
		{"dashes of several kinds", "23456-789A—BC–DE8", sample, true},
		{"full-width letters and spaces", "２３４５６　７８９ａＢ　ＣＤＥ８", sample, true},
		{"pasted with invisible marks", "\ufeff23456789ABCDE8\u200b\n", sample, true},
		{"U for V and Z for 2", strings.NewReplacer("V", "u", "2", "z").Replace(withVAnd2), withVAnd2, true},
		{"one short", sample[:13], "", false},
		{"one long", sample + "2", "", false},
		{"wrong check character", "23456789ABCDE9", "", false},
		{"a letter outside the alphabet", "O3456789ABCDE8", "", false},
		{"another script", "二3456789ABCDE8", "", false},
		{"nothing", "", "", false},
		{"a flood", strings.Repeat(" ", 1000) + sample, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, ok := ParseCode(c.typed)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.want, got)
		})
	}
	require.Equal(t, "23456 789AB CDE8", Spaced(sample))
	require.Empty(t, Spaced(""))
}

func FuzzParseCode(f *testing.F) {
	for _, s := range []string{sample, Spaced(sample), "２３４５６　７８９ａＢ　ＣＤＥ８", "", "\xff\xfe", strings.Repeat("2", 14)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := ParseCode(typed)
		if !ok {
			require.Empty(t, code)
			return
		}
		require.Len(t, code, CodeLength)
		again, ok := ParseCode(Spaced(code))
		require.True(t, ok)
		require.Equal(t, code, again)
	})
}
