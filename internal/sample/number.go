package sample

import (
	"fmt"
	"strconv"

	"sixelements/model"
)

// networks are mobile network codes allotted to nobody (MIIT, "我国公众移动通信网网号及H0分配情况", as of March 2023): a message sent
// to a sample number by mistake reaches no one.
var networks = [...]string{"154", "160", "163", "164", "168", "169", "194"}

const phoneCount = uint64(len(networks)) * 1e8

// Phone is a mobile number of 11 digits, well formed and given once.
func (g *Generator) Phone() string {
	n := g.phones.draw()
	return networks[n/1e8] + pad(n%1e8, 8)
}

func pad(n uint64, width int) string {
	s := strconv.FormatUint(n, 10)
	for len(s) < width {
		s = "0" + s
	}
	return s
}

// idNumber is a citizen ID number by GB 11643-1999: division, birth date, sequence whose last digit is odd for men, check
// character. The number is given once, beside the day it says: where a division has used a day up, the day before it follows.
// Sequences start at 500, because a county rarely gets that far in a day: fewer of the numbers are somebody's.
func (g *Generator) idNumber(division string, born day, male bool) (string, day) {
	for tries := 0; ; tries++ {
		if tries > 64 {
			born, tries = born-1, 0
		}
		seq := 500 + 2*g.r.IntN(245)
		if male {
			seq++
		}
		y, m, d := born.std().Date()
		text := division + pad(uint64(y*10000+int(m)*100+d), 8) + pad(uint64(seq), 3)
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			panic("a division code is not a number: " + division)
		}
		if _, taken := g.ids[n]; taken {
			continue
		}
		g.ids[n] = struct{}{}
		return text + string(model.IDCheckChar(text)), born
	}
}

const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY" // GB 32100-2015: without I O S V Z

const usccCount = 31 * 31 * 31 * 31 * 31 * 31

// uscc is a unified social credit code by GB 32100-2015 for a registering authority and kind ("91" enterprise, "92"
// self-employed, "12" institution, "51" and "52" social organisations). The organisation code inside it carries its own GB 11714
// check character.
func (g *Generator) uscc(kind string) string {
	body := make([]byte, 0, 18)
	body = append(body, kind+"410102MA"...)
	for n, i := g.codes.draw(), 0; i < 6; i++ {
		body = append(body, usccAlphabet[n%31])
		n /= 31
	}
	sum := 0
	for i, w := range [8]int{3, 7, 9, 10, 5, 8, 4, 2} {
		c := int(body[8+i])
		if c >= 'A' {
			c -= 'A' - 10
		} else {
			c -= '0'
		}
		sum += c * w
	}
	body = append(body, "0X987654321"[sum%11])
	return string(append(body, model.USCCCheckChar(string(body))))
}

// passport is a number of the usual shape: a letter and eight digits.
func (g *Generator) passport() string {
	n := g.passports.draw()
	return "CEGHKLNPRT"[n/1e8:n/1e8+1] + pad(n%1e8, 8)
}

// permit is the number of a residence permit.
func (g *Generator) permit(issued day) string {
	return fmt.Sprintf("410102%d%09d", issued.std().Year(), g.permits.draw())
}
