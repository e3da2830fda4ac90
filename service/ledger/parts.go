package ledger

import (
	"archive/zip"
	"bytes"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// partRows is how many rows an encrypted workbook takes: a street fits. Encryption wants the whole file in memory, several times.
const partRows = 50_000

// parts are encrypted workbooks of one password: one as it is, more in an archive.
type parts struct {
	begin    func(out io.Writer) (*xlsxFile, error)
	create   func(extension string) (io.Writer, error) // the job's file, once it is known which
	title    string
	password string
	limit    int // rows of a part

	book *xlsxFile // the part that is written
	buf  bytes.Buffer
	rows int
	n    int // parts begun
	z    *zip.Writer
}

func (p *parts) line(r *row) error {
	if p.book != nil && p.rows >= p.limit {
		if err := p.pack(); err != nil {
			return err
		}
	}
	if err := p.next(); err != nil {
		return err
	}
	p.rows++
	return p.book.line(r)
}

// next begins a part unless there is one.
func (p *parts) next() (err error) {
	if p.book != nil {
		return nil
	}
	p.buf.Reset()
	p.rows = 0
	p.n++
	p.book, err = p.begin(&p.buf)
	return err
}

// pack ends the part and puts it into the archive.
func (p *parts) pack() error {
	if p.z == nil {
		out, err := p.create("zip")
		if err != nil {
			return err
		}
		p.z = zip.NewWriter(out)
	}
	b, err := p.encrypted()
	if err != nil {
		return err
	}
	w, err := p.z.CreateHeader(&zip.FileHeader{Name: p.title + "-" + strconv.Itoa(p.n) + ".xlsx", Method: zip.Store})
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// number is the part's in an archive; 0 for the only one.
func (p *parts) number() int {
	if p.z == nil {
		return 0
	}
	return p.n
}

// encrypted ends the part.
func (p *parts) encrypted() ([]byte, error) {
	if err := p.book.close(); err != nil {
		return nil, err
	}
	p.book = nil
	return excelize.Encrypt(p.buf.Bytes(), &excelize.Options{Password: p.password})
}

func (p *parts) close() error {
	if err := p.next(); err != nil { // a ledger without a row is a workbook too
		return err
	}
	if p.z != nil {
		if err := p.pack(); err != nil {
			return err
		}
		return p.z.Close()
	}
	b, err := p.encrypted()
	if err != nil {
		return err
	}
	out, err := p.create(string(XLSX))
	if err != nil {
		return err
	}
	_, err = out.Write(b)
	return err
}
