package model

import (
	"regexp"
	"strings"
)

var (
	mobilePattern = regexp.MustCompile(`^1[3-9]\d{9}$`)
	// landlinePattern is area code (three digits for 010 and 02x, else four), local number of 7 or 8 digits, extension.
	landlinePattern = regexp.MustCompile(`^(010|02\d|0[3-9]\d\d)-?([1-9]\d{6,7})(?:-(\d{1,6}))?$`)
)

// ParseMobile reads a mobile number of the mainland and gives its 11 digits. Spaces, hyphens, full-width digits and a prefix +86,
// 0086 or 86 are put right. The fault has the code FieldInvalid and no location.
func ParseMobile(s string) (string, *FieldError) {
	s = mobileDigits(s)
	switch {
	case mobilePattern.MatchString(s):
		return s, nil
	case !allDigits(s):
		return "", invalid("手机号码只能填写数字")
	case len(s) != 11:
		return "", invalid("手机号码应为11位数字，请检查是否多填或漏填")
	}
	return "", invalid("手机号码应以13至19开头，请检查")
}

// ParsePhone reads a mobile number as ParseMobile does, or a landline with its area code, and an extension if there is one: it
// gives 0371-12345678 or 0371-12345678-801. The fault has the code FieldInvalid and no location.
func ParsePhone(s string) (string, *FieldError) {
	if mobile, bad := ParseMobile(s); bad == nil {
		return mobile, nil
	}
	s = strings.NewReplacer("转", "-", "(", "", ")", "-").Replace(hyphenated(s))
	if rest, abroad := strings.CutPrefix(s, "+86"); abroad { // abroad the area code is written without its 0
		s = "0" + strings.TrimLeft(rest, "-0")
	}
	m := landlinePattern.FindStringSubmatch(s)
	switch {
	case m == nil && allDigits(s) && (len(s) == 7 || len(s) == 8):
		return "", invalid("固定电话请加上区号，例如0371-12345678")
	case m == nil:
		return "", invalid("请填写11位手机号码，或带区号的固定电话，例如0371-12345678")
	case m[3] != "":
		return m[1] + "-" + m[2] + "-" + m[3], nil
	}
	return m[1] + "-" + m[2], nil
}

// mobileDigits drops what people write around the 11 digits.
func mobileDigits(s string) string {
	s = strings.ReplaceAll(hyphenated(s), "-", "")
	for _, prefix := range []string{"+86", "0086", "86"} {
		if rest, cut := strings.CutPrefix(s, prefix); cut && len(rest) == 11 {
			return rest
		}
	}
	return s
}

// hyphenated is the compact text with every kind of dash written as a hyphen.
func hyphenated(s string) string {
	return strings.Map(func(r rune) rune {
		if isHyphen(r) {
			return '-'
		}
		return r
	}, compact(s))
}

// isHyphen knows the dashes that keyboards put into numbers: the hyphen of ASCII, the typographic ones, the minus, the
// small hyphen, and the long-vowel mark that East Asian keyboards offer beside them.
func isHyphen(r rune) bool {
	return r == '-' || r >= '\u2010' && r <= '\u2015' || r == '\u2212' || r == '\ufe63' || r == '\u30fc'
}
