// Package qr makes the QR codes that residents scan at their building: their text, their pictures, and the posters that carry
// them. The codes are ordinary links (https://HOST/q/CODE), which WeChat hands to the mini-program and any other camera opens as
// a page.
package qr

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"strings"

	qrcode "github.com/skip2/go-qrcode"
)

// Error correction (ISO/IEC 18004 section 7.5.1): a screen is clean and small, so level M (15 % may be lost) keeps the modules
// large; paper on a stairwell wall is scratched and faded, so a poster takes level Q (25 %).
const (
	onScreen = qrcode.Medium
	onPaper  = qrcode.High // go-qrcode's name for level Q
)

// longestURL bounds what is encoded, in bytes: longer links make modules too small for an old phone at arm's length.
const longestURL = 200

// PNG sizes in pixels.
const (
	SmallestPNG = 64
	LargestPNG  = 4096
)

// errURL says that a link cannot be put into a QR code (RFC 3986 links are printable ASCII); it does not repeat the link.
var errURL = errors.New("qr: the link is empty, too long for a code, or not printable ASCII")

// matrix is the modules of the link's QR code including the quiet zone of 4 modules on each side; true is dark.
func matrix(url string, level qrcode.RecoveryLevel) ([][]bool, error) {
	if url == "" || len(url) > longestURL || strings.ContainsFunc(url, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, errURL
	}
	q, err := qrcode.New(url, level)
	if err != nil {
		return nil, errURL // go-qrcode's text may hold the content
	}
	return q.Bitmap(), nil
}

// PNG draws the link as a black and white picture of size × size pixels for screens (error correction M). Every module is the
// same whole number of pixels; what is left over widens the quiet zone. It fails when the link is empty, longer than 200
// bytes or not ASCII, or size is below SmallestPNG, above LargestPNG, or too small for the modules.
func PNG(url string, size int) ([]byte, error) {
	dark, err := matrix(url, onScreen)
	if err != nil {
		return nil, err
	}
	scale := size / len(dark)
	if size < SmallestPNG || size > LargestPNG || scale < 1 {
		return nil, fmt.Errorf("qr: a picture of %d pixels cannot hold the code", size)
	}
	img := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	margin := (size - scale*len(dark)) / 2
	for y, row := range dark {
		for x, on := range row {
			if !on {
				continue
			}
			for dy := range scale {
				at := img.PixOffset(margin+x*scale, margin+y*scale+dy)
				copy(img.Pix[at:at+scale], bytes.Repeat([]byte{1}, scale))
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return nil, fmt.Errorf("qr: encode png: %w", err)
	}
	return out.Bytes(), nil
}

// SVG draws the link for print (error correction Q): one path on white, quiet zone of 4 modules, one unit of the viewBox per
// module, no width or height so that the page decides. It fails when the link is empty, longer than 200 bytes or not ASCII. The
// answer is well-formed XML and can stand in an HTML page as it is.
func SVG(url string) ([]byte, error) {
	dark, err := matrix(url, onPaper)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	n := len(dark)
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges" role="img">`, n, n)
	fmt.Fprintf(&out, `<title>%s</title>`, html.EscapeString(url))
	fmt.Fprintf(&out, `<path fill="#fff" d="M0 0h%dv%dH0z"/>`, n, n)
	fmt.Fprintf(&out, `<path fill="#000" fill-rule="evenodd" d="%s"/></svg>`, outline(dark))
	return out.Bytes(), nil
}

// outline is the path data around the dark areas. Outlines rather than a rectangle per module: printers and PDF viewers leave
// hairlines between rectangles that touch.
func outline(dark [][]bool) string {
	type point struct{ x, y int }
	at := func(x, y int) bool { return y >= 0 && y < len(dark) && x >= 0 && x < len(dark) && dark[y][x] }
	open := map[point][]point{} // from a corner to the next, dark on the right
	for y := range len(dark) + 1 {
		for x := range len(dark) + 1 {
			if here, above := at(x, y), at(x, y-1); here && !above {
				open[point{x, y}] = append(open[point{x, y}], point{x + 1, y})
			} else if above && !here {
				open[point{x + 1, y}] = append(open[point{x + 1, y}], point{x, y})
			}
			if here, left := at(x, y), at(x-1, y); here && !left {
				open[point{x, y + 1}] = append(open[point{x, y + 1}], point{x, y})
			} else if left && !here {
				open[point{x, y}] = append(open[point{x, y}], point{x, y + 1})
			}
		}
	}
	var path strings.Builder
	for y := range len(dark) + 1 { // in reading order, so that the same link gives the same bytes
		for x := range len(dark) + 1 {
			for start := (point{x, y}); len(open[start]) > 0; path.WriteByte('z') {
				fmt.Fprintf(&path, "M%d %d", x, y)
				for p := start; ; {
					next := open[p][0]
					open[p] = open[p][1:]
					dx, dy := next.x-p.x, next.y-p.y
					for p = next; p != start && len(open[p]) == 1 && open[p][0] == (point{p.x + dx, p.y + dy}); {
						p, open[p] = open[p][0], nil // follow the straight line as far as it goes
					}
					if p == start {
						break // z draws the last side
					}
					if dx != 0 {
						fmt.Fprintf(&path, "H%d", p.x)
					} else {
						fmt.Fprintf(&path, "V%d", p.y)
					}
				}
			}
		}
	}
	return path.String()
}

// Terminal draws the link for a terminal of any colours (error correction M): two modules per character with half blocks, black
// on white from the fixed 256 colour cube, which themes do not change. It fails when the link is empty, longer than 200 bytes or
// not ASCII.
func Terminal(url string) (string, error) {
	dark, err := matrix(url, onScreen)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for y := 0; y < len(dark); y += 2 {
		out.WriteString("\x1b[38;5;16;48;5;231m")
		for x := range dark[y] {
			lower := y+1 < len(dark) && dark[y+1][x]
			switch {
			case dark[y][x] && lower:
				out.WriteString("█")
			case dark[y][x]:
				out.WriteString("▀")
			case lower:
				out.WriteString("▄")
			default:
				out.WriteByte(' ')
			}
		}
		out.WriteString("\x1b[0m\n")
	}
	return out.String(), nil
}
