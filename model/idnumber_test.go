package model_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

// idDay is "today" for identity numbers.
const idDay = model.Date("2026-11-23")

func TestIdentityNumbersOfTheVectors(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/id-number-vectors.csv")
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 11)
	for _, row := range rows[1:] {
		got, bad := model.ParseIDNumber(row[0], idDay)
		if row[1] != "valid" {
			require.NotNil(t, bad, row[1])
			require.Empty(t, got, row[1])
			continue
		}
		require.Nil(t, bad, row[0])
		require.Equal(t, model.IDNumber{Number: row[0], Area: row[2], Birth: model.Date(row[4]), Sex: row[5][:1]}, got)
	}
}

// withCheck completes 17 digits.
func withCheck(seventeen string) string { return seventeen + string(model.IDCheckChar(seventeen)) }

func TestIdentityNumbersArePutRight(t *testing.T) {
	t.Parallel()
	const want = "41010219900101008X"
	for _, in := range []string{want, "41010219900101008x", " 410102 19900101 008X\n", "４１０１０２１９９００１０１００８Ｘ", "41010219900101008ｘ",
		"\ufeff410102\u200b19900101008X\u202c", "410102\u300019900101008X"} {
		got, bad := model.ParseIDNumber(in, idDay)
		require.Nil(t, bad, "%q", in)
		require.Equal(t, want, got.Number, "%q", in)
	}
}

func TestWrongIdentityNumbersAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, says string }{
		{"nothing", "", "应为18位"},
		{"15 digits", "410102880215001", "15位的旧身份证号码"},
		{"15 characters that are no digits", "41010288021500A", "应为18位"},
		{"17 digits", "41010219880215001", "应为18位"},
		{"19 digits", "4101021988021500100", "应为18位"},
		{"a letter inside", "4101021988O2150010", "前17位应为数字"},
		{"X inside", "41010219880215X010", "前17位应为数字"},
		{"another letter at the end", "41010219880215001A", "前17位应为数字"},
		{"a mask sent back", "410***********0010", "前17位应为数字"},
		{"Chinese characters", strings.Repeat("张", 18), "前17位应为数字"},
		{"six Chinese characters, 18 bytes", strings.Repeat("张", 6), "应为18位"},
		{"30 February", withCheck("41010219880230001"), "出生日期不存在"},
		{"29 February of no leap year", withCheck("41010219890229001"), "出生日期不存在"},
		{"month 13", withCheck("41010219881301001"), "出生日期不存在"},
		{"year 0000", withCheck("41010200000101001"), "出生日期不存在"},
		{"tomorrow", withCheck("41010220261124001"), "晚于今天"},
		{"wrong check", "410102198802150011", "校验位不正确"},
		{"X for another check", "41010219880215001X", "校验位不正确"},
	} {
		got, bad := model.ParseIDNumber(c.in, idDay)
		require.NotNil(t, bad, c.name)
		require.Contains(t, bad.Message, c.says, c.name)
		require.Equal(t, model.FieldInvalid, bad.Code, c.name)
		require.Empty(t, bad.Location, c.name)
		require.Empty(t, got, c.name)
		if c.in != "" {
			require.NotContains(t, bad.Message, c.in, c.name)
		}
	}
}

func TestWhoIsBornTodayHasANumberAndAreasAreNotChecked(t *testing.T) {
	t.Parallel()
	for _, seventeen := range []string{"41010220261123001", "99999919900101002", "83000019850520014"} {
		got, bad := model.ParseIDNumber(withCheck(seventeen), idDay)
		require.Nil(t, bad, seventeen)
		require.Equal(t, seventeen[:6], got.Area)
	}
	_, bad := model.ParseIDNumber(withCheck("41010220261123001"), "")
	require.NotNil(t, bad, "without today nothing is in the past")
}

func TestEveryWrongDigitOfAnIdentityNumberIsFound(t *testing.T) {
	t.Parallel()
	good := withCheck("41010219880215001")
	for i := range good {
		for d := byte('0'); d <= '9'; d++ {
			if d == good[i] {
				continue
			}
			_, bad := model.ParseIDNumber(good[:i]+string(d)+good[i+1:], idDay)
			require.NotNil(t, bad, "digit %d as %c", i+1, d)
		}
	}
}

func TestCheckCharactersOfWhatIsNoNumberAreZero(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "4101021988021500", "410102198802150011", "4101021988021500X"} {
		require.Zero(t, model.IDCheckChar(s))
	}
	for _, s := range []string{"", "91410102MA9F4X2K", "91410102MA9F4X2KI", "91410102MA9F4X2K55"} {
		require.Zero(t, model.USCCCheckChar(s))
	}
}

func FuzzParseIDNumber(f *testing.F) {
	for _, s := range []string{"", "41010219900101008X", "４１０１０２１９９００１０１００８ｘ", "410102880215001", "\xff410102"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, bad := model.ParseIDNumber(s, idDay)
		if bad != nil {
			return
		}
		again, bad := model.ParseIDNumber(got.Number, idDay)
		if bad != nil || again != got || len(got.Number) != 18 || got.Birth > idDay || got.Sex != "1" && got.Sex != "2" {
			t.Fatal("what was read is not read again as the same")
		}
	})
}
