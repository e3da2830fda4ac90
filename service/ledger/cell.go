package ledger

import (
	"bytes"
	"encoding/xml"
	"math"
	"regexp"
	"strconv"
	"unicode/utf16"
)

// numeric tells whether a value of the column goes into the file as a number. A column of numbers may hold another community's
// text: two may define a field of one name differently.
func (c *column) numeric(v string) bool {
	if !c.number {
		return false
	}
	n, err := strconv.ParseFloat(v, 64)
	return err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
}

// appendRef begins a cell: its name is column and row, as in B7.
func appendRef(b []byte, column, row string) []byte {
	return append(append(append(append(b, `<c r="`...), column...), row...), '"')
}

// appendNumber ends a cell that holds a number, written plainly: 1e3 is 1000.
func appendNumber(b []byte, v string) []byte {
	n, _ := strconv.ParseFloat(v, 64) // numeric
	return append(strconv.AppendFloat(append(b, `><v>`...), n, 'f', -1, 64), `</v></c>`...)
}

// appendText ends a cell that holds a text of a style.
func appendText(b []byte, style int, v string) []byte {
	b = append(strconv.AppendInt(append(b, ` s="`...), int64(style), 10), `" t="inlineStr"><is><t`...)
	v = shortened(v)
	if v != "" && (v[0] <= ' ' || v[len(v)-1] <= ' ') { // or a reader may trim it
		b = append(b, ` xml:space="preserve"`...)
	}
	b = append(b, '>')
	if plain(v) {
		b = append(b, v...)
	} else {
		b = append(b, escaped(v)...)
	}
	return append(b, `</t></is></c>`...)
}

// shortened is a text that a cell can hold: Excel takes a file with a longer one for damaged.
func shortened(v string) string {
	const most = 32767 // UTF-16 units
	if len(v) <= most {
		return v
	}
	units := 0
	for i, r := range v {
		if units += utf16.RuneLen(r); units > most {
			return v[:i]
		}
	}
	return v
}

// plain tells whether a text means the same in XML; most do, and escaping is slow.
func plain(v string) bool {
	for _, r := range v {
		switch {
		case r < ' ', r == '&', r == '<', r == '>', r == '"', r == '\'', r == '_', r >= 0xFFFD && r <= 0xFFFF:
			return false
		}
	}
	return true
}

// hexed is how what a spreadsheet reads as one character begins: _x000D_ is a CR.
var hexed = regexp.MustCompile(`_(x[0-9A-Fa-f]{4})`)

// escaped is a text as XML. What a document cannot hold, control characters and broken UTF-8, becomes U+FFFD.
func escaped(v string) []byte {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, hexed.ReplaceAll([]byte(v), []byte("_x005F_$1"))) // a buffer takes everything
	return out.Bytes()
}
