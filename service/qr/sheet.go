package qr

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

//go:embed sheet.html
var sheetHTML string

// Poster is one QR code as it hangs at an entrance: everything the wall tells a resident.
type Poster struct {
	Code     string   // as NewCode made it
	URL      string   // what the camera reads: BASE_URL/q/CODE
	Area     string   // whose poster it is: the community's name, with the street's before it if wanted
	Building string   // the building's name
	Address  string   // may be empty
	Unit     string   // "1", "2单元", or empty when the code is the whole building's
	Kinds    []string // Chinese names of what may be registered with it; none means all six
	Contact  string   // the community's telephone or office; empty leaves a line to write it on
}

// sixKinds are the names of the six elements in their customary order.
func sixKinds() []string { return []string{"人", "地", "事", "物", "情", "组织"} }

// posterView is a Poster as the template wants it.
type posterView struct {
	Poster
	Heading string // class of the building's name: the longer the name, the smaller its letters
	Typed   string // the code in groups, for those whose camera fails
	Entry   string // where to type it, without https://
	What    string // the kinds in one line
	Picture template.HTML
}

// Sheet writes a printable page (HTML, A4 portrait, one poster per page) to w while posters are read, so that a whole street
// needs no memory. Title is what the browser shows and the file is called. Printed two to a sheet of A4, the codes still measure
// more than 6 cm.
//
// An error of posters, of a link that does not fit a code, or of w ends the page and is returned. Nothing is written before the
// first poster was read, so that its error can still be answered as one; a page that breaks off later says so to its reader.
func Sheet(w io.Writer, title string, posters iter.Seq2[Poster, error]) error {
	page, err := template.New("sheet").Parse(sheetHTML)
	if err != nil {
		return fmt.Errorf("qr: sheet template: %w", err)
	}
	out, begun := bufio.NewWriter(w), false
	add := func(p Poster) error {
		v, err := view(p)
		if err == nil && !begun {
			begun = true
			err = page.ExecuteTemplate(out, "head", title)
		}
		if err != nil {
			return err
		}
		return page.ExecuteTemplate(out, "poster", v)
	}
	var fault error
	for p, err := range posters {
		if fault = err; fault == nil {
			fault = add(p)
		}
		if fault != nil {
			break
		}
	}
	ending := "foot"
	switch {
	case fault != nil && !begun:
		return fault
	case fault != nil:
		ending = "broken"
	case !begun:
		ending = "none"
	}
	return errors.Join(fault, page.ExecuteTemplate(out, ending, title), out.Flush())
}

// view prepares a poster for the template.
func view(p Poster) (posterView, error) {
	picture, err := SVG(p.URL)
	if err != nil {
		return posterView{}, err
	}
	if len(p.Kinds) == 0 {
		p.Kinds = sixKinds()
	}
	if p.Unit != "" && strings.Trim(p.Unit, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		p.Unit += "单元"
	}
	p.Building = clipped(p.Building)
	entry := strings.TrimPrefix(p.URL, "https://")
	return posterView{
		Poster:  p,
		Heading: heading(p.Building + p.Unit),
		Typed:   Spaced(p.Code),
		Entry:   entry[:strings.LastIndexByte(entry, '/')+1],
		What:    strings.Join(p.Kinds, "、"),
		Picture: template.HTML(picture), // our own SVG: numbers, and the link escaped
	}, nil
}

// width is the room a text takes, in halves of a Chinese character: those have three bytes and the width of two Latin letters.
func width(s string) int {
	runes := utf8.RuneCountInString(s)
	return runes + (len(s)-runes)/2
}

// heading is the size of a building's name with its unit: large and medium fill at most one line of 190 mm, small two.
func heading(name string) string {
	switch n := width(name); {
	case n <= 21:
		return "large"
	case n <= 28:
		return "medium"
	case n <= 66:
		return "small"
	}
	return "tiny"
}

// clipped is the beginning of a name that takes no more than two lines of the smallest heading with the unit behind it; what
// hangs at the entrance must not lose its unit to a name that somebody typed too long.
func clipped(name string) string {
	const most = 80
	if width(name) <= most {
		return name
	}
	at := 0
	for i := range name {
		if width(name[:i]) > most-2 {
			break
		}
		at = i
	}
	return name[:at] + "…"
}
