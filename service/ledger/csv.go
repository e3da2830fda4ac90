package ledger

import (
	"encoding/csv"
	"io"
	"strings"
)

// csvFile is RFC 4180 with a byte order mark, by which Excel knows UTF-8.
type csvFile struct {
	w      *csv.Writer
	cols   []column
	fields []string
}

func newCSV(w io.Writer, cols []column) (*csvFile, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	c := &csvFile{w: csv.NewWriter(w), cols: cols}
	c.w.UseCRLF = true
	for i := range cols {
		c.fields = append(c.fields, neutral(cols[i].label))
	}
	return c, c.w.Write(c.fields)
}

func (c *csvFile) line(r *row) error {
	for i := range c.cols {
		col := &c.cols[i]
		v := col.value(r)
		if !col.numeric(v) {
			v = textForExcel(neutral(v))
		}
		c.fields[i] = v
	}
	return c.w.Write(c.fields)
}

// textForExcel puts a TAB before digits that Excel would change when it opens the file: more than 11 (it keeps 15 and writes
// 1.23E+17), or with a zero in front. A TAB is not shown, and unlike ="…" it is not a formula.
func textForExcel(s string) string {
	const shown = 11
	if s == "" || strings.Trim(s, "0123456789") != "" || len(s) <= shown && (s[0] != '0' || len(s) == 1) {
		return s
	}
	return "\t" + s
}

func (c *csvFile) close() error {
	c.w.Flush()
	return c.w.Error()
}
