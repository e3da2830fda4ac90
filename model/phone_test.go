package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

func TestMobileNumbersArePutRight(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"13800005678", " 138 0000 5678 ", "138-0000-5678", "138—0000—5678",
		"+8613800005678", "+86 138-0000-5678",
		"8613800005678", "008613800005678", "１３８００００５６７８", "＋８６１３８００００５６７８", "\u202d13800005678\u202c"} {
		for _, parse := range []func(string) (string, *model.FieldError){model.ParseMobile, model.ParsePhone} {
			got, bad := parse(in)
			require.Nil(t, bad, in)
			require.Equal(t, "13800005678", got, in)
		}
	}
	for _, in := range []string{"19900000000", "16600000000"} {
		got, bad := model.ParseMobile(in)
		require.Nil(t, bad)
		require.Equal(t, in, got)
	}
}

func TestWrongMobileNumbersAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, says string }{
		{"nothing", "", "应为11位数字"},
		{"ten digits", "1380000567", "应为11位数字"},
		{"twelve digits", "138000056789", "应为11位数字"},
		{"86 and ten digits", "861380000567", "应为11位数字"},
		{"12", "12800005678", "13至19"},
		{"a 2 in front", "23800005678", "13至19"},
		{"letters", "1380000567a", "只能填写数字"},
		{"a mask sent back", "138****5678", "只能填写数字"},
		{"another country", "+12025550123", "只能填写数字"},
		{"a landline", "0371-12345678", "应为11位数字"},
		{"Arabic digits", "١٣٨٠٠٠٠٥٦٧٨", "只能填写数字"},
	} {
		got, bad := model.ParseMobile(c.in)
		require.NotNil(t, bad, c.name)
		require.Contains(t, bad.Message, c.says, c.name)
		require.Equal(t, model.FieldInvalid, bad.Code, c.name)
		require.Empty(t, bad.Location, c.name)
		require.Empty(t, got, c.name)
	}
}

func TestLandlinesAreReadWithTheirAreaCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0371-12345678": "0371-12345678", "037112345678": "0371-12345678", "(0371)12345678": "0371-12345678",
		"（0371） 1234 5678": "0371-12345678", "0371－12345678－801": "0371-12345678-801", "0371-12345678转801": "0371-12345678-801",
		"010-12345678": "010-12345678", "01012345678": "010-12345678", "0395-1234567": "0395-1234567",
		"+86 371 12345678":  "0371-12345678",
		"+86-0371-12345678": "0371-12345678", "+861012345678": "010-12345678", "021 87654321": "021-87654321",
	} {
		got, bad := model.ParsePhone(in)
		require.Nil(t, bad, in)
		require.Equal(t, want, got, in)
	}
}

func TestWhatIsNoPhoneNumberIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, says string }{
		{"nothing", "", "请填写11位手机号码，或带区号的固定电话"},
		{"no area code", "12345678", "请加上区号"},
		{"six digits", "0371-123456", "请填写11位手机号码"},
		{"nine digits", "0371-123456789", "请填写11位手机号码"},
		{"no such area code", "0171-12345678", "请填写11位手机号码"},
		{"a mask sent back", "0371****78", "请填写11位手机号码"},
		{"a mobile number too short", "1380000567", "请填写11位手机号码"},
		{"an extension too long", "0371-12345678-1234567", "请填写11位手机号码"},
	} {
		got, bad := model.ParsePhone(c.in)
		require.NotNil(t, bad, c.name)
		require.Contains(t, bad.Message, c.says, c.name)
		require.Empty(t, got, c.name)
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"", "+86 138-0000-5678", "0371-12345678-801", "（0371）12345678转1", "+86371", "\xff-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) (string, *model.FieldError){model.ParseMobile, model.ParsePhone} {
			got, bad := parse(s)
			if bad != nil {
				continue
			}
			if again, bad := parse(got); bad != nil || again != got {
				t.Fatal("what was read is not read again as the same")
			}
			if !model.IsMasked(model.MaskPhone(got)) {
				t.Fatal("a number stays open")
			}
		}
	})
}
