package qr

import (
	"bytes"
	"encoding/xml"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const link = "https://six.example.gov.cn/q/23456789ABCDE8"

// scan reads the QR codes of a picture as a phone would; the tool missing is a failure, not a reason to skip.
func scan(t *testing.T, file string) []string {
	t.Helper()
	out, err := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file).Output()
	require.NoError(t, err, "zbarimg (package zbar-tools) reads no code from %s", filepath.Base(file))
	return strings.Fields(string(out))
}

func scanPNG(t *testing.T, data []byte) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code.png")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return scan(t, file)
}

// drawn makes a picture of modules.
func drawn(t *testing.T, dark [][]bool) []byte {
	t.Helper()
	const scale = 6
	img := image.NewGray(image.Rect(0, 0, scale*len(dark[0]), scale*len(dark)))
	for y := range img.Rect.Max.Y {
		for x := range img.Rect.Max.X {
			if !dark[y/scale][x/scale] {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, img))
	return out.Bytes()
}

func TestAPNGHasItsSizeAndReadsAsTheLink(t *testing.T) {
	t.Parallel()
	for _, size := range []int{SmallestPNG * 2, 256, 301, 1024} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			data, err := PNG(link, size)
			require.NoError(t, err)
			img, err := png.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			require.Equal(t, image.Rect(0, 0, size, size), img.Bounds())
			require.Equal(t, []string{link}, scanPNG(t, data))
		})
	}
}

func TestABadLinkOrSizeIsRefusedWithoutBeingRepeated(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{
		"empty": "", "too long": "https://x.example/" + strings.Repeat("a", 200), "a space": "https://x.example/a secret",
		"a control character": "https://x.example/\x01secret", "not ASCII": "https://例子.example/secret",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := PNG(bad, 256)
			require.ErrorIs(t, err, errURL)
			_, err = SVG(bad)
			require.ErrorIs(t, err, errURL)
			_, err = Terminal(bad)
			require.ErrorIs(t, err, errURL)
			require.NotContains(t, err.Error(), "secret")
		})
	}
	for _, size := range []int{-1, 0, SmallestPNG - 1, LargestPNG + 1} {
		_, err := PNG(link, size)
		require.Error(t, err, size)
	}
	_, err := PNG("https://x.example/"+strings.Repeat("a", 180), SmallestPNG)
	require.Error(t, err, "fewer pixels than modules")
}

// filled reads back our own path data (M, H, V, z) with the even-odd rule.
func filled(t *testing.T, path string, n int) [][]bool {
	t.Helper()
	type edge struct{ x, y int }
	left := map[edge]bool{} // vertical unit edges, by their upper end
	var x, y, x0, y0 int
	line := func(to int) {
		for ; y < to; y++ {
			left[edge{x, y}] = true
		}
		for ; y > to; y-- {
			left[edge{x, y - 1}] = true
		}
	}
	number := func() (v int) {
		end := strings.IndexFunc(path+"z", func(r rune) bool { return r < '0' || r > '9' })
		v, err := strconv.Atoi(path[:end])
		require.NoError(t, err)
		path = path[end:]
		return v
	}
	for path != "" {
		op := path[0]
		path = strings.TrimSpace(path[1:])
		switch op {
		case 'M':
			x0 = number()
			path = strings.TrimSpace(path)
			y0 = number()
			x, y = x0, y0
		case 'H':
			x = number()
		case 'V':
			line(number())
		case 'z':
			require.True(t, x == x0 || y == y0, "a slanting side")
			line(y0)
		default:
			t.Fatalf("unknown path command %c", op)
		}
	}
	dark := make([][]bool, n)
	for y := range dark {
		dark[y] = make([]bool, n)
		for x, in := 0, false; x < n; x++ {
			in = in != left[edge{x, y}]
			dark[y][x] = in
		}
	}
	return dark
}

func TestAnSVGDrawsExactlyTheModules(t *testing.T) {
	t.Parallel()
	for _, url := range []string{link, "https://a.example/?a=1&b=<\"'>", "x"} {
		data, err := SVG(url)
		require.NoError(t, err)
		var doc struct {
			ViewBox string `xml:"viewBox,attr"`
			Title   string `xml:"title"`
			Paths   []struct {
				D    string `xml:"d,attr"`
				Rule string `xml:"fill-rule,attr"`
			} `xml:"path"`
		}
		require.NoError(t, xml.Unmarshal(data, &doc), "not well-formed")
		require.Equal(t, url, doc.Title)
		require.Len(t, doc.Paths, 2)
		require.Equal(t, "evenodd", doc.Paths[1].Rule)

		want, err := matrix(url, onPaper)
		require.NoError(t, err)
		n := len(want)
		require.Equal(t, "0 0 "+strconv.Itoa(n)+" "+strconv.Itoa(n), doc.ViewBox)
		got := filled(t, doc.Paths[1].D, n)
		require.Equal(t, want, got)
		for i := range n {
			for j := range 4 {
				require.False(t, got[i][j] || got[j][i] || got[i][n-1-j] || got[n-1-j][i], "the quiet zone is not quiet")
			}
		}
		again, err := SVG(url)
		require.NoError(t, err)
		require.Equal(t, data, again, "the same link gives other bytes")
	}
}

func TestATerminalShowsTheCodeBlackOnWhite(t *testing.T) {
	t.Parallel()
	text, err := Terminal(link)
	require.NoError(t, err)
	var dark [][]bool
	for _, row := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		row, ok := strings.CutPrefix(row, "\x1b[38;5;16;48;5;231m")
		require.True(t, ok, "the row does not set its colours")
		row, ok = strings.CutSuffix(row, "\x1b[0m")
		require.True(t, ok, "the row leaks its colours")
		var upper, lower []bool
		for _, r := range row {
			require.Contains(t, " █▀▄", string(r))
			upper, lower = append(upper, r == '█' || r == '▀'), append(lower, r == '█' || r == '▄')
		}
		dark = append(dark, upper, lower)
	}
	require.Equal(t, []string{link}, scanPNG(t, drawn(t, dark)))
}
