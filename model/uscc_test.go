package model_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

func TestCreditCodesOfTheVectors(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/uscc-vectors.csv")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n") // by hand: its quotes are not those of CSV
	require.Len(t, lines, 7)
	for _, line := range lines[1:] {
		cells := strings.SplitN(strings.TrimSpace(line), ",", 3)
		got, ok, bad := model.ParseUSCC(cells[0])
		require.Nil(t, bad, cells[0])
		require.Equal(t, cells[0], got)
		require.Equal(t, cells[1] == "valid", ok, "%s: a failing check is a warning", cells[0])
	}
}

func TestCreditCodesArePutRight(t *testing.T) {
	t.Parallel()
	const want = "91410102MA9F4X2K55"
	for _, in := range []string{want, "91410102ma9f4x2k55", " 91410102 MA9F4X2K5 5\t", "９１４１０１０２ＭＡ９Ｆ４Ｘ２Ｋ５５",
		"91410102-MA9F4X2K5－5", "９１４１０１０２ｍａ9f4x2k55"} {
		got, ok, bad := model.ParseUSCC(in)
		require.Nil(t, bad, in)
		require.True(t, ok, in)
		require.Equal(t, want, got, in)
	}
}

func TestWrongCreditCodesAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, says string }{
		{"nothing", "", "18位"},
		{"17", "91410102MA9F4X2K5", "18位"},
		{"the old 15-digit number", "410102000012345", "18位"},
		{"an I", "91410102MAIF4X2K55", "不含I、O、S、V、Z"},
		{"an o", "91410102MAoF4X2K55", "不含I、O、S、V、Z"},
		{"an S", "91410102MASF4X2K55", "不含I、O、S、V、Z"},
		{"a V", "91410102MAVF4X2K55", "不含I、O、S、V、Z"},
		{"a Z", "91410102MAZF4X2K55", "不含I、O、S、V、Z"},
		{"a mask", "9141**********2K55", "只能用数字和大写字母"},
		{"Chinese", strings.Repeat("企", 18), "只能用数字和大写字母"},
		{"a letter that upper-cases into ASCII", "91410102MA9F4X2K5ſ", "只能用数字和大写字母"},
	} {
		got, ok, bad := model.ParseUSCC(c.in)
		require.NotNil(t, bad, c.name)
		require.Contains(t, bad.Message, c.says, c.name)
		require.Equal(t, model.FieldInvalid, bad.Code, c.name)
		require.Empty(t, got, c.name)
		require.False(t, ok, c.name)
	}
}

func TestEveryWrongCharacterOfACreditCodeIsDoubted(t *testing.T) {
	t.Parallel()
	const good, alphabet = "91410102MA9F4X2K55", "0123456789ABCDEFGHJKLMNPQRTUWXY"
	require.Equal(t, good[17], model.USCCCheckChar(good[:17]))
	for i := range good {
		for _, c := range alphabet {
			changed := good[:i] + string(c) + good[i+1:]
			_, ok, bad := model.ParseUSCC(changed)
			require.Nil(t, bad)
			require.Equal(t, changed == good, ok, "character %d as %c", i+1, c)
		}
	}
}

func FuzzParseUSCC(f *testing.F) {
	for _, s := range []string{"", "91410102MA9F4X2K55", "９１４１０１０２ｍａ9f4x2k55", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok, bad := model.ParseUSCC(s)
		if bad != nil {
			return
		}
		again, sure, bad := model.ParseUSCC(got)
		if bad != nil || again != got || sure != ok || len(got) != 18 {
			t.Fatal("what was read is not read again as the same")
		}
	})
}
