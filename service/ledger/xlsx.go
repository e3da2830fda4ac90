package ledger

import (
	"archive/zip"
	"bytes"
	"errors"
	"github.com/klauspost/compress/flate"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"
)

const (
	// sheetRows is how many rows a sheet takes: half of what Excel can hold, of which nobody scrolls to the end.
	sheetRows = 500_000
	// sheetBytes is how much XML a sheet takes: above 4 GiB its entry in the archive needs a form that Excel takes for damage.
	sheetBytes = 3 << 30
)

// xlsxFile is a workbook written in one go. excelize makes the head of a sheet and everything around the sheets; the rows go straight
// into the archive. Its StreamWriter would keep up to 32 MB of every sheet in memory, and lay the rest unsealed on the disk.
type xlsxFile struct {
	z     *zip.Writer
	title string
	cols  []column
	tell  func(span) about
	limit int // rows of a sheet

	style      style
	head, tail []byte // a sheet around its rows: its widths, its heading; its paper
	letters    []string
	sheet      io.Writer
	sheets     int
	rows       int   // of the sheet, without its heading
	bytes      int64 // of the sheet
	wrote      span
	buf        []byte
}

// style are the numbers of a workbook's styles.
type style struct{ text, bold int }

// aboutSheet is the first sheet.
const aboutSheet = "说明"

// newXLSX begins a workbook with its first sheet. tell says what the first sheet tells about the rows that were written.
func newXLSX(out io.Writer, title string, cols []column, limit int, tell func(span) about) (*xlsxFile, error) {
	x := &xlsxFile{z: zip.NewWriter(out), title: title, cols: cols, tell: tell, limit: limit}
	x.z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	for i := range cols {
		name, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return nil, err
		}
		x.letters = append(x.letters, name)
	}
	if err := x.model(); err != nil {
		return nil, err
	}
	return x, x.begin()
}

// model has excelize make a workbook whose one table has no rows, and keeps what it wrote around them.
func (x *xlsxFile) model() error {
	f, err := x.workbook(1)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := x.heading(f); err != nil {
		return err
	}
	made, err := f.WriteToBuffer()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(bytes.NewReader(made.Bytes()), int64(made.Len()))
	if err != nil {
		return err
	}
	sheet, err := z.Open(entry(1))
	if err != nil {
		return err
	}
	all, err := io.ReadAll(sheet)
	if err != nil {
		return err
	}
	const end = "</sheetData>"
	i := bytes.LastIndex(all, []byte(end))
	if i < 0 {
		return errors.New("ledger: excelize wrote a sheet without a table")
	}
	x.head, x.tail = all[:i], all[i:]
	return nil
}

// workbook is one with our styles, the sheet about itself, and empty sheets.
func (x *xlsxFile) workbook(sheets int) (f *excelize.File, err error) {
	f = excelize.NewFile()
	err = f.SetSheetName(f.GetSheetName(0), aboutSheet)
	for n := range sheets {
		_, e := f.NewSheet(x.name(n + 1))
		err = errors.Join(err, e)
	}
	const asText = 49 // the built-in number format "@": long numbers stay as they are
	var texts, bolds error
	x.style.text, texts = f.NewStyle(&excelize.Style{NumFmt: asText})
	x.style.bold, bolds = f.NewStyle(&excelize.Style{NumFmt: asText, Font: &excelize.Font{Bold: true},
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8EEF7"}}})
	return f, errors.Join(err, texts, bolds)
}

// name is the n-th sheet's: 人员台账, 人员台账2.
func (x *xlsxFile) name(n int) string {
	if n == 1 {
		return x.title
	}
	return x.title + strconv.Itoa(n)
}

// entry is where excelize puts the n-th sheet behind the first.
func entry(n int) string { return "xl/worksheets/sheet" + strconv.Itoa(n+1) + ".xml" }

// heading writes a sheet's first row, which stays in view, and how wide its columns are.
func (x *xlsxFile) heading(f *excelize.File) error {
	sheet := x.name(1)
	if err := onPaper(f, sheet, true, len(x.cols) <= legible); err != nil {
		return err
	}
	w, err := f.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	values := make([]any, len(x.cols))
	for i, c := range x.cols {
		if err := w.SetColWidth(i+1, i+1, c.width); err != nil {
			return err
		}
		values[i] = excelize.Cell{StyleID: x.style.bold, Value: neutral(c.label)}
	}
	err = w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	return errors.Join(err, w.SetRow("A1", values), w.Flush())
}

// begin opens the next sheet.
func (x *xlsxFile) begin() (err error) {
	x.sheets++
	x.rows, x.bytes = 0, 0
	if x.sheet, err = x.z.Create(entry(x.sheets)); err != nil {
		return err
	}
	_, err = x.sheet.Write(x.head)
	return err
}

// end closes the sheet.
func (x *xlsxFile) end() error {
	_, err := x.sheet.Write(x.tail)
	return err
}

func (x *xlsxFile) line(r *row) error {
	if x.rows >= x.limit || x.bytes >= sheetBytes {
		if err := errors.Join(x.end(), x.begin()); err != nil {
			return err
		}
	}
	x.rows++
	x.wrote.add(r.n)
	number := strconv.Itoa(x.rows + 1)
	b := append(append(append(x.buf[:0], `<row r="`...), number...), `">`...)
	for i := range x.cols {
		c := &x.cols[i]
		v := c.value(r)
		switch {
		case v == "":
		case c.numeric(v):
			b = appendNumber(appendRef(b, x.letters[i], number), v)
		default:
			b = appendText(appendRef(b, x.letters[i], number), x.style.text, neutral(v))
		}
	}
	b = append(b, `</row>`...)
	x.buf = b
	n, err := x.sheet.Write(b)
	x.bytes += int64(n)
	return err
}

func (x *xlsxFile) close() error {
	if err := x.end(); err != nil {
		return err
	}
	f, err := x.workbook(x.sheets)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := x.describe(f, x.tell(x.wrote)); err != nil {
		return err
	}
	f.SetZipWriter(func(io.Writer) excelize.ZipWriter { return remainder{x.z, x.sheets} })
	_, err = f.WriteToBuffer()
	return err
}

// remainder takes from excelize what an archive that has its sheets still lacks.
type remainder struct {
	*zip.Writer
	sheets int
}

// Create begins an entry; the empty sheets go nowhere.
func (r remainder) Create(name string) (io.Writer, error) {
	for n := range r.sheets {
		if name == entry(n+1) {
			return io.Discard, nil
		}
	}
	return r.Writer.Create(name)
}

// describe fills the first sheet and has the heading printed on every page.
func (x *xlsxFile) describe(f *excelize.File, a about) error {
	var errs []error
	for i, line := range a {
		n := strconv.Itoa(i + 1)
		errs = append(errs, f.SetSheetRow(aboutSheet, "A"+n, &[]string{line[0], neutral(line[1])}),
			f.SetCellStyle(aboutSheet, "A"+n, "A"+n, x.style.bold), f.SetCellStyle(aboutSheet, "B"+n, "B"+n, x.style.text))
	}
	for n := range x.sheets {
		sheet := x.name(n + 1)
		errs = append(errs, f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + sheet + "'!$1:$1", Scope: sheet}))
	}
	return errors.Join(append(errs, f.SetColWidth(aboutSheet, "A", "A", 12), f.SetColWidth(aboutSheet, "B", "B", 90),
		onPaper(f, aboutSheet, false, true))...)
}

// legible is how many columns can still be read on one page's width.
const legible = 14

// onPaper makes a sheet print on A4; fit: as wide as the paper, on as many pages as it is long.
func onPaper(f *excelize.File, sheet string, across, fit bool) error {
	orientation, a4, wide, long := "portrait", 9, 1, 0
	if across {
		orientation = "landscape"
	}
	return errors.Join(f.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}),
		f.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &orientation, Size: &a4, FitToWidth: &wide, FitToHeight: &long}))
}
