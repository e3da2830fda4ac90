package ledger

import (
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

// TestAFullDiskIsAnErrorInEveryFormat writes to the device that is always full.
func TestAFullDiskIsAnErrorInEveryFormat(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	book := func(out io.Writer) (*xlsxFile, error) { return newXLSX(out, "台账", place(), sheetRows, nothing) }
	formats := map[string]func() (writer, error){
		"xlsx": func() (writer, error) { return book(full) },
		"csv":  func() (writer, error) { return newCSV(full, place()) },
		"one part": func() (writer, error) {
			return &parts{begin: book, create: func(string) (io.Writer, error) { return full, nil }, password: "p", limit: 1000}, nil
		},
		"parts": func() (writer, error) {
			return &parts{begin: book, create: func(string) (io.Writer, error) { return full, nil }, password: "p", limit: 10}, nil
		},
	}
	for name, begin := range formats {
		w, err := begin()
		for n := int64(1); err == nil && n <= 100; n++ {
			err = w.line(&row{n: n, rec: &model.Record{Room: "101"}})
		}
		if err == nil {
			err = w.close()
		}
		require.ErrorIs(t, err, syscall.ENOSPC, name)
	}
}
