package model

import (
	"strings"
	"unicode"
)

// IDNumber is what a citizen's identity number (公民身份号码, GB 11643-1999) says.
type IDNumber struct {
	Number string // 18 characters, the last of which may be X
	Area   string // the first six digits: the division at the time of issue, which may be long gone
	Birth  Date
	Sex    string // GB/T 2261.1: "1" male, "2" female
}

// idWeights and idChecks are those of ISO 7064 MOD 11-2, as GB 11643-1999 writes them out.
const (
	idWeights = "\x07\x09\x0a\x05\x08\x04\x02\x01\x06\x03\x07\x09\x0a\x05\x08\x04\x02"
	idChecks  = "10X98765432"
)

// ParseIDNumber reads an 18-character identity number as of a day. Spaces, full-width digits and a lower-case x are put right.
// The birth date must be a real day, not after today; the check character must be right. The area is never checked against a
// list: codes of all past divisions are valid, and 81, 82 and 83 are residence permits of Hong Kong, Macao and Taiwan
// residents. The fault has the code FieldInvalid and no location; without today every birth date is in the future.
func ParseIDNumber(s string, today Date) (IDNumber, *FieldError) {
	s = strings.ToUpper(compact(s))
	switch {
	case len(s) == 15 && allDigits(s):
		return IDNumber{}, invalid("15位的旧身份证号码已停止使用，请填写18位身份证号码")
	case len([]rune(s)) != 18:
		return IDNumber{}, invalid("身份证号码应为18位，请检查是否多填或漏填")
	case len(s) != 18 || !allDigits(s[:17]) || !allDigits(s[17:]) && s[17] != 'X':
		return IDNumber{}, invalid("身份证号码前17位应为数字，最后一位应为数字或字母X")
	}
	birth, err := ParseDate(s[6:10] + "-" + s[10:12] + "-" + s[12:14])
	switch {
	case err != nil || s[6:10] == "0000":
		return IDNumber{}, invalid("身份证号码中的出生日期不存在，请检查第7至14位")
	case birth > today:
		return IDNumber{}, invalid("身份证号码中的出生日期晚于今天，请检查第7至14位")
	case IDCheckChar(s[:17]) != s[17]:
		return IDNumber{}, invalid("身份证号码校验位不正确，请逐位核对")
	}
	sex := "2"
	if (s[16]-'0')%2 == 1 {
		sex = "1"
	}
	return IDNumber{Number: s, Area: s[:6], Birth: birth, Sex: sex}, nil
}

// IDCheckChar is the 18th character to the first 17 digits of an identity number (GB 11643-1999), 0 when they are not 17 digits.
func IDCheckChar(seventeen string) byte {
	if len(seventeen) != len(idWeights) || !allDigits(seventeen) {
		return 0
	}
	sum := 0
	for i := range len(idWeights) {
		sum += int(seventeen[i]-'0') * int(idWeights[i])
	}
	return idChecks[sum%11]
}

// compact drops spaces and the invisible marks that come along with copied numbers, and makes full-width characters ASCII.
func compact(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Cf, r):
			return -1
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		}
		return r
	}, s)
}

// allDigits tells whether there is nothing but ASCII digits.
func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// invalid is a fault of a field that does not know its own name.
func invalid(message string) *FieldError { return &FieldError{Code: FieldInvalid, Message: message} }
