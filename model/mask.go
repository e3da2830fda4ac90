package model

import "strings"

// mobileLength is the number of digits of a mainland mobile number.
const mobileLength = 11

// MaskID shows the first three and the last four characters of a number and a star for each other: 410***********1234. Of a
// number of fewer than nine only the first character shows, since seven of eight would be the number.
func MaskID(s string) string {
	r := []rune(s)
	switch {
	case len(r) == 0:
		return ""
	case len(r) == 1:
		return "*"
	case len(r) < 9:
		return string(r[:1]) + strings.Repeat("*", len(r)-1)
	}
	return string(r[:3]) + strings.Repeat("*", len(r)-7) + string(r[len(r)-4:])
}

// MaskPhone masks a mobile number as 138****5678 and a landline as 0371****78, without its extension. Of anything else it shows
// the first character and a star for each other.
func MaskPhone(s string) string {
	if len(s) == mobileLength && allDigits(s) && s[0] == '1' {
		return s[:3] + "****" + s[7:]
	}
	if m := landlinePattern.FindStringSubmatch(s); m != nil {
		return m[1] + "****" + m[2][len(m[2])-2:]
	}
	r := []rune(s)
	switch len(r) {
	case 0:
		return ""
	case 1:
		return "*"
	}
	return string(r[:1]) + strings.Repeat("*", len(r)-1)
}

// MaskName shows the first character of a name and a star for each other, two at most: 张*, 张**. A name of one character gets a
// star too, or it would not be masked.
func MaskName(s string) string {
	r := []rune(strings.TrimSpace(s))
	if len(r) == 0 {
		return ""
	}
	return string(r[:1]) + strings.Repeat("*", min(max(len(r)-1, 1), 2))
}

// MaskBirth is the year of a birth date, empty when it is not set.
func MaskBirth(d Date) string {
	if len(d) < 4 {
		return ""
	}
	return string(d[:4])
}

// IsMasked tells whether a text is a mask that was sent back: no number, phone or name holds a star.
func IsMasked(s string) bool { return strings.Contains(s, "*") }
