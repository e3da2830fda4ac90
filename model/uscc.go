package model

import "strings"

// usccAlphabet are the characters of a USCC, each at the place of its value: digits and letters without I, O, S, V and Z.
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// ParseUSCC reads a unified social credit code (统一社会信用代码, GB 32100-2015), puts spaces, hyphens, full-width and lower-case
// letters right, and tells whether its check character holds. A failing check is no fault but a warning to confirm: some early
// codes were issued with a wrong one. The fault has the code FieldInvalid and no location.
func ParseUSCC(s string) (normalised string, checkOK bool, bad *FieldError) {
	s = strings.Map(func(r rune) rune {
		switch {
		case isHyphen(r):
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A' // not strings.ToUpper, which finds an ASCII letter for some that are none
		}
		return r
	}, compact(s))
	if len([]rune(s)) != 18 {
		return "", false, invalid("统一社会信用代码应为18位，请检查是否多填或漏填")
	}
	for _, r := range s {
		if !strings.ContainsRune(usccAlphabet, r) {
			return "", false, invalid("统一社会信用代码只能用数字和大写字母，且不含I、O、S、V、Z")
		}
	}
	return s, USCCCheckChar(s[:17]) == s[17], nil
}

// USCCCheckChar is the 18th character to the first 17 of a USCC (GB 32100-2015: weights 3^i mod 31), 0 when they are not 17
// characters of its alphabet.
func USCCCheckChar(seventeen string) byte {
	if len(seventeen) != 17 {
		return 0
	}
	sum, weight := 0, 1
	for i := range len(seventeen) {
		value := strings.IndexByte(usccAlphabet, seventeen[i])
		if value < 0 {
			return 0
		}
		sum += value * weight
		weight = weight * 3 % 31
	}
	return usccAlphabet[(31-sum%31)%31]
}
