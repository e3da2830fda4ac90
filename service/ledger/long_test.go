package ledger

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sixelements/internal/sample"
	"sixelements/model"
	"sixelements/model/code"
)

// samplePage is a page of people as the store would have read them.
func samplePage(t *testing.T, codes *code.Lists) (p page) {
	t.Helper()
	gen := sample.New(sample.Options{Seed: 6, Today: "2026-05-01"})
	for len(p.recs) < pageSize {
		for _, d := range gen.Household(gen.HouseholdSize(), gen.Category()) {
			raw, err := json.Marshal(d)
			require.NoError(t, err)
			got, err := model.KindPerson.Schema().Decode(raw, model.Decode{Codes: codes, Today: "2026-05-01"})
			require.NoError(t, err)
			p.recs = append(p.recs, &model.Record{ID: model.NewID(), Kind: model.KindPerson, Status: model.Verified,
				AreaCodes: model.CodesOf("410102002004001"), Unit: "1", Room: strconv.Itoa(len(p.recs)), Channel: model.ByQR,
				SubmittedAt: 1, VerifiedAt: 1, VerifyMethod: model.ByVisit, Element: got.Element})
		}
	}
	p.recs = p.recs[:pageSize]
	p.scanned = pageSize
	return p
}

// written writes so many rows of people with w, from pages as the store would give them, and answers by how many bytes the heap,
// with its garbage, grew at most.
func written(t *testing.T, x *export, rows int, w writer) (grew int64) {
	t.Helper()
	p := samplePage(t, x.s.codes)
	return HeapPeak(func() {
		n, err := x.write(t.Context(), w, func(ctx context.Context, out chan<- page) {
			defer close(out)
			for range rows / pageSize {
				select {
				case out <- p:
				case <-ctx.Done():
					return
				}
			}
		}, func(context.Context, int64, int64) error { return nil })
		require.NoError(t, errors.Join(err, w.close()))
		require.EqualValues(t, rows, n)
	})
}

func peopleExport(t *testing.T) *export {
	t.Helper()
	codes, err := code.Load()
	require.NoError(t, err)
	x := &export{s: &Service{codes: codes}, paths: map[string]string{}, areas: map[string]string{"410102002004": "第一社区"}}
	x.cols = x.s.columnsOf(Request{Kind: model.KindPerson}, nil, true)
	return x
}

// rowsOf counts a sheet's rows without keeping any, and answers the beginning of the last one.
func rowsOf(t *testing.T, sheet io.Reader) (rows int, last string) {
	t.Helper()
	for r := bufio.NewReaderSize(sheet, 1<<16); ; {
		tag, err := r.ReadSlice('>')
		if errors.Is(err, io.EOF) {
			return rows, last
		}
		require.NoError(t, err)
		if bytes.HasPrefix(tag, []byte("<row ")) {
			rows++
			last = string(tag)
		}
	}
}

func TestAMillionRowsTakeNoMoreMemoryThanAFew(t *testing.T) {
	if os.Getenv("SIX_LONG") == "" {
		t.Skip("long: a million rows")
	}
	const million, most = 1_000_000, 40 << 20
	x := peopleExport(t)
	path := filepath.Join(t.TempDir(), "million.xlsx")
	f, err := os.Create(path)
	require.NoError(t, err)
	w, err := newXLSX(f, "人员台账", x.cols, sheetRows, nothing)
	require.NoError(t, err)
	grew := written(t, x, million, w)
	require.NoError(t, f.Close())
	t.Logf("xlsx: the heap grew by %d MB", grew>>20)
	require.Less(t, grew, int64(most))

	z, err := zip.OpenReader(path)
	require.NoError(t, err)
	for n := range million / sheetRows {
		sheet, err := z.Open(entry(n + 1))
		require.NoError(t, err)
		rows, last := rowsOf(t, sheet)
		require.NoError(t, sheet.Close())
		require.Equal(t, sheetRows+1, rows)
		require.Equal(t, `<row r="500001">`, last)
	}
	_, err = z.Open(entry(million/sheetRows + 1))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, z.Close())

	c, err := newCSV(io.Discard, x.cols)
	require.NoError(t, err)
	grew = written(t, x, million, c)
	t.Logf("csv: the heap grew by %d MB", grew>>20)
	require.Less(t, grew, int64(most))
}

func TestEncryptedPartsTakeTheMemoryOfOne(t *testing.T) {
	if os.Getenv("SIX_LONG") == "" {
		t.Skip("long: 150,000 rows, encrypted")
	}
	const rows, most = 3 * partRows, 140 << 20
	x := peopleExport(t)
	var out bytes.Buffer
	begin := func(w io.Writer) (*xlsxFile, error) { return newXLSX(w, "人员台账", x.cols, sheetRows, nothing) }
	discard := func(string) (io.Writer, error) { return io.Discard, nil }
	grew := written(t, x, rows, &parts{begin: begin, create: discard, title: "人员台账", password: "abc", limit: partRows})
	t.Logf("encrypted: the heap grew by %d MB", grew>>20)
	require.Less(t, grew, int64(most))

	create := func(string) (io.Writer, error) { return &out, nil }
	written(t, x, partRows, &parts{begin: begin, create: create, title: "人员台账", password: "abc", limit: partRows})
	clear, err := excelize.Decrypt(out.Bytes(), &excelize.Options{Password: "abc"})
	require.NoError(t, err)
	z, err := zip.NewReader(bytes.NewReader(clear), int64(len(clear)))
	require.NoError(t, err)
	sheet, err := z.Open(entry(1))
	require.NoError(t, err)
	n, last := rowsOf(t, sheet)
	require.Equal(t, partRows+1, n)
	require.Equal(t, `<row r="50001">`, last)
}
