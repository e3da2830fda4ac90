package qr

import (
	"crypto/rand"
	"strings"
	"unicode"
)

// alphabet is what a code is written in: digits and upper case letters, because the QR standard (ISO/IEC 18004, alphanumeric
// mode) packs those into 5.5 bits instead of 8. Left out is what a person copying from a wall confuses: 0 with O, 1 with I
// and L, U with V, Z with 2. The 29 that stay are a prime number, which is what lets one check character find every single wrong
// letter and every swap of two letters.
const alphabet = "23456789ABCDEFGHJKMNPQRSTVWXY"

// CodeLength is the number of characters of a code: 13 random ones (63.1 bits) and the check character.
const CodeLength = 14

const (
	group     = 5   // printed in groups of five, 5-5-4
	typedMost = 128 // bytes; what is longer was not typed by a person
)

// NewCode makes the text of a QR code from 63 bits of crypto/rand, its last character being the check character. Codes are
// guessed from outside, so their secrecy is their length; that no two are the same is for the database's constraint to hold.
func NewCode() string {
	code := make([]byte, 0, CodeLength)
	var pool [2 * CodeLength]byte
	for {
		rand.Read(pool[:]) // never fails: crypto/rand ends the program instead
		for _, b := range pool {
			if int(b) >= 256/len(alphabet)*len(alphabet) {
				continue // taking the remainder of these would favour the first letters
			}
			if code = append(code, alphabet[int(b)%len(alphabet)]); len(code) == CodeLength-1 {
				return string(append(code, check(code)))
			}
		}
	}
}

// check is the character that makes the weighted sum of all characters a multiple of 29. The weights 1 to 13 and the check
// character's own 14 differ from each other and from 0 modulo the prime 29: hence no single wrong character and no two exchanged
// ones leave the sum as it was (the construction of ISO 7064 and ISBN-10).
func check(body []byte) byte {
	sum := 0
	for i, c := range body {
		sum += (i + 1) * strings.IndexByte(alphabet, c)
	}
	for v := range len(alphabet) {
		if (sum+CodeLength*v)%len(alphabet) == 0 {
			return alphabet[v]
		}
	}
	panic("qr: 14 has no inverse modulo the alphabet's length") // only if someone makes the alphabet's length no prime
}

// ParseCode reads a code as a person types or pastes it: in lower case, in full-width letters, with spaces, dashes or dots
// between the groups, with U for V or Z for 2. It answers the code as NewCode made it, and false for everything whose length,
// letters or check character are wrong, so that a mistyped code never reaches the database.
func ParseCode(typed string) (string, bool) {
	if len(typed) > typedMost {
		return "", false
	}
	code := make([]byte, 0, CodeLength)
	for _, r := range typed {
		if r >= '！' && r <= '～' { // the full-width forms U+FF01–FF5E mirror ASCII
			r -= '！' - '!'
		}
		if ignored(r) {
			continue
		}
		c, ok := letter(r)
		if !ok || len(code) == CodeLength {
			return "", false
		}
		code = append(code, c)
	}
	if len(code) != CodeLength || check(code[:CodeLength-1]) != code[CodeLength-1] {
		return "", false
	}
	return string(code), true
}

// ignored tells what may stand between the letters: spaces, dashes, dots, and the invisible marks that pasting brings.
func ignored(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("._·•−", r)
}

// letter is the alphabet's character that was meant by r.
func letter(r rune) (byte, bool) {
	if r >= 'a' && r <= 'z' {
		r -= 'a' - 'A'
	}
	switch r {
	case 'U':
		r = 'V'
	case 'Z':
		r = '2'
	}
	if r > unicode.MaxASCII || strings.IndexByte(alphabet, byte(r)) < 0 {
		return 0, false
	}
	return byte(r), true
}

// Spaced is the code in groups of five, as it is printed: "7KQ4M XPA92 HTDW". ParseCode reads it back.
func Spaced(code string) string {
	var b strings.Builder
	for i := range len(code) {
		if i > 0 && i%group == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(code[i])
	}
	return b.String()
}
