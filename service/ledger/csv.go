package ledger

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// csvFile is RFC 4180 with a byte order mark, by which Excel knows UTF-8.
type csvFile struct {
	w      *csv.Writer
	fields []string
}

func newCSV(w io.Writer) (*csvFile, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	c := &csvFile{w: csv.NewWriter(w)}
	c.w.UseCRLF = true
	return c, nil
}

func (c *csvFile) head(cols []column) error {
	c.fields = c.fields[:0]
	for _, k := range cols {
		c.fields = append(c.fields, neutral(k.label))
	}
	return c.w.Write(c.fields)
}

func (c *csvFile) line(cols []column, r *row) error {
	c.fields = c.fields[:0]
	for _, k := range cols {
		v := k.value(r)
		// A column of numbers may hold another community's text: two may define a field of one name differently.
		if _, err := strconv.ParseFloat(v, 64); !k.number || err != nil {
			v = textForExcel(neutral(v))
		}
		c.fields = append(c.fields, v)
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

func (c *csvFile) close(about) error {
	c.w.Flush()
	return c.w.Error()
}

func (c *csvFile) drop() {}
