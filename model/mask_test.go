package model_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

func TestMasks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		mask     func(string) string
		in, want string
	}{
		{"an identity number", model.MaskID, "410102198802151234", "410***********1234"},
		{"nine characters", model.MaskID, "E12345678", "E12**5678"},
		{"eight characters", model.MaskID, "E1234567", "E*******"},
		{"an officer's number", model.MaskID, "测字第12345678号", "测字第*****678号"},
		{"one character", model.MaskID, "1", "*"},
		{"no number", model.MaskID, "", ""},
		{"a mobile number", model.MaskPhone, "13800005678", "138****5678"},
		{"a landline", model.MaskPhone, "0371-12345678", "0371****78"},
		{"a landline with an extension", model.MaskPhone, "0371-12345678-801", "0371****78"},
		{"a landline of Beijing", model.MaskPhone, "010-12345678", "010****78"},
		{"another number", model.MaskPhone, "+12025550123", "+***********"},
		{"one digit", model.MaskPhone, "1", "*"},
		{"no phone", model.MaskPhone, "", ""},
		{"two characters", model.MaskName, "测试", "测*"},
		{"three characters", model.MaskName, "测试甲", "测**"},
		{"a long name", model.MaskName, "测试甲·乙丙丁", "测**"},
		{"one rune", model.MaskName, " 测 ", "测*"},
		{"no name", model.MaskName, " ", ""},
	} {
		require.Equal(t, c.want, c.mask(c.in), c.name)
		require.Equal(t, c.want != "", model.IsMasked(c.want), c.name)
	}
	require.Equal(t, "1988", model.MaskBirth("1988-02-15"))
	require.Empty(t, model.MaskBirth(""))
	require.False(t, model.IsMasked("410102198802151234"))
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"", "1", "410102198802151234", "13800005678", "0371-12345678", "测试甲", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, mask := range []func(string) string{model.MaskID, model.MaskPhone, model.MaskName} {
			m := mask(s)
			if m != "" && (!model.IsMasked(m) || utf8.ValidString(s) && !utf8.ValidString(m)) {
				t.Fatal("a mask hides nothing, or cuts a character")
			}
		}
		if m := model.MaskBirth(model.Date(s)); len(m) > len(s) {
			t.Fatal("a birth date's mask is longer than it")
		}
	})
}
