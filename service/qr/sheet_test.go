package qr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func poster(building, unit string) Poster {
	code := NewCode()
	return Poster{Code: code, URL: "https://six.example.gov.cn/q/" + code, Area: "示例街道 · 春风社区", Building: building, Unit: unit,
		Address: "示例市示例区春风路 18 号", Contact: "0000-12345678"}
}

// each yields the posters, then the error if there is one.
func each(err error, posters ...Poster) iter.Seq2[Poster, error] {
	return func(yield func(Poster, error) bool) {
		for _, p := range posters {
			if !yield(p, nil) {
				return
			}
		}
		if err != nil {
			yield(Poster{}, err)
		}
	}
}

func written(t *testing.T, posters ...Poster) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, Sheet(&out, "春风社区二维码", each(nil, posters...)))
	return out.String()
}

// run runs a tool of the machine; the tool missing is a failure, not a reason to skip.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	require.NoError(t, err, "%s (scripts/setup installs it): %s", name, out)
	return string(out)
}

// TestEveryPrintedPosterIsReadByACamera prints a sheet with the names that strain it most, and reads every page at full size and
// at half of it, as from twice the distance.
func TestEveryPrintedPosterIsReadByACamera(t *testing.T) {
	t.Parallel()
	bare := poster("3号楼", "")
	bare.Address, bare.Contact, bare.Area = "", "", "春风社区"
	crowded := poster(strings.Repeat("春风路第十八号院甲区高层住宅", 12), "12")
	crowded.Address, crowded.Area = strings.Repeat("示例市示例区春风路", 12), strings.Repeat("示例街道", 16)
	crowded.URL = "https://a-rather-long-name-for-a-host.street-office.example.gov.cn/q/" + crowded.Code
	crowded.Contact = "0000-12345678、0000-87654321（工作日 8:30–17:30）"
	posters := []Poster{poster("1号楼", "1"), bare, poster("春风花园二期 12 号楼", "2"), poster("东风渠滨河小区南院老干部家属楼甲栋", "3"),
		poster("东风渠滨河小区南院第二棉纺织厂离退休老干部家属院高层住宅楼甲栋", "11"), poster("Spring Wind International Apartment Building 7", "B"), crowded}

	dir := t.TempDir()
	page, pdf := filepath.Join(dir, "sheet.html"), filepath.Join(dir, "sheet.pdf")
	require.NoError(t, os.WriteFile(page, []byte(written(t, posters...)), 0o600))
	run(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+page)
	if keep := os.Getenv("QR_SHEET_DIR"); keep != "" { // to look at: QR_SHEET_DIR=/tmp/sheet go test -run Camera
		run(t, "cp", page, pdf, keep)
	}
	info := run(t, "pdfinfo", pdf)
	require.Contains(t, strings.Join(strings.Fields(info), " "), fmt.Sprintf("Pages: %d ", len(posters)), "not one page per poster")
	require.Contains(t, info, "(A4)")
	for _, dpi := range []string{"150", "75"} {
		run(t, "pdftoppm", "-png", "-r", dpi, pdf, filepath.Join(dir, "at"+dpi))
		for i, p := range posters {
			seen := scan(t, filepath.Join(dir, fmt.Sprintf("at%s-%d.png", dpi, i+1)))
			require.Equal(t, []string{p.URL}, seen, "page %d at %s dpi", i+1, dpi)
		}
	}
	for i, p := range posters {
		text := run(t, "pdftotext", "-f", fmt.Sprint(i+1), "-l", fmt.Sprint(i+1), "-layout", pdf, "-")
		view, err := view(p)
		require.NoError(t, err)
		for _, want := range []string{"扫码登记", "人、地、事、物、情、组织", Spaced(p.Code), "隐私说明", "咨询电话", view.Unit} {
			require.Contains(t, text, want, "page %d lost a part", i+1)
		}
	}
}

func TestAPosterSaysWhereItHangsAndEscapesIt(t *testing.T) {
	t.Parallel()
	p := poster(`1号楼<script>alert(1)</script>`, "2")
	p.Kinds = []string{"人", "事"}
	p.Contact = `"><img src=x>`
	page := written(t, p)
	for _, want := range []string{"1号楼&lt;script&gt;", "<span>2单元</span>", "人、事<", Spaced(p.Code), "six.example.gov.cn/q/ ",
		"春风社区二维码", "<svg"} {
		require.Contains(t, page, want)
	}
	// The console's Content-Security-Policy allows neither scripts nor foreign resources.
	for _, not := range []string{"<script", "onclick", "<img", "地、事", "ZgotmplZ"} {
		require.NotContains(t, page, not)
	}
	p.Unit = "东单元"
	require.Contains(t, written(t, p), "<span>东单元</span>", "named units keep their name")
}

func TestANameTooLongForTheWallIsCutBeforeTheUnit(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"1号楼": "1号楼", strings.Repeat("春", 40): strings.Repeat("春", 40),
		strings.Repeat("春", 41): strings.Repeat("春", 39) + "…", strings.Repeat("a", 81): strings.Repeat("a", 78) + "…"} {
		require.Equal(t, want, clipped(name))
	}
}

func TestASheetWithoutPostersSaysSo(t *testing.T) {
	t.Parallel()
	page := written(t)
	require.Contains(t, page, "还没有二维码")
	require.Contains(t, page, "</html>")
}

type brokenPipe struct{}

var errPipe = errors.New("the reader hung up")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestASheetThatFailsSaysHowFarItGot(t *testing.T) {
	t.Parallel()
	fault := errors.New("the database went away")
	for _, c := range []struct {
		name    string
		posters iter.Seq2[Poster, error]
		want    error
		has     []string
		not     []string
	}{
		{"before the first poster nothing is written", each(fault), fault, nil, []string{"<"}},
		{"after it the page says it is not whole", each(fault, poster("1号楼", "1")), fault, []string{"1号楼", "没有显示完整", "</html>"}, nil},
		{"a link that fits no code stops it", each(nil, poster("1号楼", "1"), Poster{Building: "2号楼"}, poster("3号楼", "")), errURL,
			[]string{"1号楼", "没有显示完整"}, []string{"3号楼"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.ErrorIs(t, Sheet(&out, "页", c.posters), c.want)
			for _, s := range c.has {
				require.Contains(t, out.String(), s)
			}
			for _, s := range c.not {
				require.NotContains(t, out.String(), s)
			}
		})
	}
	require.ErrorIs(t, Sheet(brokenPipe{}, "页", each(nil, poster("1号楼", "1"))), errPipe)
}

// TestASheetStreams holds that posters already read have left for the reader while the rest is still to come.
func TestASheetStreams(t *testing.T) {
	t.Parallel()
	var sent countingWriter
	posters := func(yield func(Poster, error) bool) {
		for i := range 50 {
			if i == 49 {
				require.Greater(t, int(sent), 40*4096, "the page is gathered in memory")
			}
			if !yield(poster("1号楼", "1"), nil) {
				return
			}
		}
	}
	require.NoError(t, Sheet(&sent, "页", posters))
}

type countingWriter int

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := io.Discard.Write(p)
	*c += countingWriter(n)
	return n, err
}
