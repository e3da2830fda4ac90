package ledger

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// maxRows is how many rows a sheet takes: Excel's limit is 1,048,576.
const maxRows = 1_000_000

// xlsxFile is a workbook, streamed: its sheets go to scratch files while they are made.
type xlsxFile struct {
	f        *excelize.File
	out      io.Writer
	title    string
	password string
	perSheet int

	sheet  *excelize.StreamWriter
	sheets int
	row    int
	cells  []excelize.Cell
	values []any
	text   int // style: text cells, so that long numbers stay as they are
	bold   int
}

// aboutSheet is the first sheet.
const aboutSheet = "说明"

func newXLSX(out io.Writer, tmp, title, password string) (x *xlsxFile, err error) {
	x = &xlsxFile{f: excelize.NewFile(excelize.Options{TmpDir: tmp}), out: out, title: title, password: password, perSheet: maxRows}
	defer func() {
		if err != nil {
			x.drop()
		}
	}()
	if err = x.f.SetSheetName(x.f.GetSheetName(0), aboutSheet); err != nil {
		return nil, err
	}
	const asText = 49 // the built-in number format "@"
	if x.text, err = x.f.NewStyle(&excelize.Style{NumFmt: asText}); err != nil {
		return nil, err
	}
	x.bold, err = x.f.NewStyle(&excelize.Style{NumFmt: asText, Font: &excelize.Font{Bold: true},
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8EEF7"}}})
	return x, err
}

// head begins the next sheet: its header stays in view.
func (x *xlsxFile) head(cols []column) (err error) {
	if err := x.flush(); err != nil {
		return err
	}
	x.sheets++
	name := x.title
	if x.sheets > 1 {
		name += strconv.Itoa(x.sheets)
	}
	if _, err := x.f.NewSheet(name); err != nil {
		return err
	}
	if err := x.onPaper(name, true, len(cols) <= legible); err != nil {
		return err
	}
	if x.sheet, err = x.f.NewStreamWriter(name); err != nil {
		return err
	}
	for i, c := range cols {
		if err := x.sheet.SetColWidth(i+1, i+1, c.width); err != nil {
			return err
		}
	}
	err = x.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	if err != nil {
		return err
	}
	x.cells, x.values = make([]excelize.Cell, len(cols)), make([]any, len(cols))
	for i, c := range cols {
		x.cells[i] = excelize.Cell{StyleID: x.bold, Value: neutral(c.label)}
		x.values[i] = &x.cells[i]
	}
	x.row = 1
	return x.sheet.SetRow("A1", x.values)
}

func (x *xlsxFile) line(cols []column, r *row) error {
	if x.row > x.perSheet {
		if err := x.head(cols); err != nil {
			return err
		}
	}
	x.row++
	for i, c := range cols {
		x.values[i] = nil
		v := c.value(r)
		if v == "" {
			continue
		}
		x.cells[i] = excelize.Cell{StyleID: x.text, Value: neutral(v)}
		if n, err := strconv.ParseFloat(v, 64); c.number && err == nil {
			x.cells[i] = excelize.Cell{Value: n}
		}
		x.values[i] = &x.cells[i]
	}
	return x.sheet.SetRow("A"+strconv.Itoa(x.row), x.values)
}

func (x *xlsxFile) flush() error {
	if x.sheet == nil {
		return nil
	}
	return x.sheet.Flush()
}

func (x *xlsxFile) close(a about) error {
	defer x.drop()
	if err := x.flush(); err != nil {
		return err
	}
	if err := x.tell(a); err != nil {
		return err
	}
	if x.password != "" { // encryption wants the whole file at once
		_, err := x.f.WriteTo(x.out, excelize.Options{Password: x.password})
		return err
	}
	// Straight into the file: excelize would keep the whole archive in memory first.
	x.f.SetZipWriter(func(io.Writer) excelize.ZipWriter {
		z := zip.NewWriter(x.out)
		z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
		return z
	})
	_, err := x.f.WriteToBuffer()
	return err
}

func (x *xlsxFile) tell(a about) error {
	for i, line := range a {
		row := strconv.Itoa(i + 1)
		if err := x.f.SetSheetRow(aboutSheet, "A"+row, &[]string{line[0], neutral(line[1])}); err != nil {
			return err
		}
		if err := x.f.SetCellStyle(aboutSheet, "A"+row, "A"+row, x.bold); err != nil {
			return err
		}
		if err := x.f.SetCellStyle(aboutSheet, "B"+row, "B"+row, x.text); err != nil {
			return err
		}
	}
	if err := x.f.SetColWidth(aboutSheet, "A", "A", 12); err != nil {
		return err
	}
	if err := x.f.SetColWidth(aboutSheet, "B", "B", 90); err != nil {
		return err
	}
	return x.onPaper(aboutSheet, false, true)
}

// legible is how many columns can still be read on one page's width.
const legible = 14

// onPaper makes a sheet print on A4; fit: as wide as the paper, on as many pages as it is long.
func (x *xlsxFile) onPaper(sheet string, across, fit bool) error {
	orientation, a4, wide, long := "portrait", 9, 1, 0
	if across {
		orientation = "landscape"
	}
	return errors.Join(x.f.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}),
		x.f.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &orientation, Size: &a4, FitToWidth: &wide, FitToHeight: &long}))
}

// drop closes the workbook and removes its scratch files.
func (x *xlsxFile) drop() { _ = x.f.Close() }
