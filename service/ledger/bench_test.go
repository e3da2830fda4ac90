package ledger_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sixelements/model"
	"sixelements/service/ledger"
)

// streetful is how many people live in the street of domain.md.
const streetful = 34_804

// street adds its people as they come: no two pages of them at one moment.
func (o *office) street() {
	for n := 0; n < streetful; n += 250 {
		o.people(grid, min(250, streetful-n))
		o.clock.Advance(time.Second)
	}
}

// BenchmarkStreet exports the people of a street.
func BenchmarkStreet(b *testing.B) {
	o := open(b)
	o.street()
	for _, f := range []ledger.Format{ledger.XLSX, ledger.CSV} {
		b.Run(string(f), func(b *testing.B) {
			b.ReportAllocs()
			var most int64
			for b.Loop() {
				most = max(most, ledger.HeapPeak(func() { o.export(staff(), verified(model.KindPerson, f)) }))
			}
			b.ReportMetric(float64(most)/1e6, "peak-MB")
		})
	}
}

// BenchmarkAgainstExcelize has the street exported, and its cells written by excelize's StreamWriter alone as its documentation
// shows it: each in turn within one iteration. ratio is ours ÷ theirs, the best of either, since neighbours only ever slow one down;
// ours includes reading, opening, masking, hashing, fsync and fetching the file.
func BenchmarkAgainstExcelize(b *testing.B) {
	o := open(b)
	o.street()
	path, _ := o.export(staff(), verified(model.KindPerson, ledger.XLSX))
	cells := readSheet(b, path, "人员台账")
	var ours, theirs []time.Duration
	for b.Loop() {
		at := time.Now()
		o.export(staff(), verified(model.KindPerson, ledger.XLSX))
		ours = append(ours, time.Since(at))
		at = time.Now()
		alone(b, filepath.Join(b.TempDir(), "alone.xlsx"), cells)
		theirs = append(theirs, time.Since(at))
	}
	best := func(d []time.Duration) float64 { return slices.Min(d).Seconds() * 1e3 }
	b.ReportMetric(best(ours)/best(theirs), "ratio")
	b.ReportMetric(best(ours), "ours-ms")
	b.ReportMetric(best(theirs), "excelize-ms")
}

// alone writes text cells with excelize's StreamWriter.
func alone(t testing.TB, path string, cells [][]string) {
	t.Helper()
	f := excelize.NewFile()
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49})
	require.NoError(t, err)
	w, err := f.NewStreamWriter("Sheet1")
	require.NoError(t, err)
	var values []any
	for i, line := range cells {
		values = values[:0]
		for _, v := range line {
			if v == "" {
				values = append(values, nil)
				continue
			}
			values = append(values, excelize.Cell{StyleID: text, Value: v})
		}
		require.NoError(t, w.SetRow("A"+strconv.Itoa(i+1), values))
	}
	require.NoError(t, w.Flush())
	require.NoError(t, f.SaveAs(path))
	require.NoError(t, f.Close())
}
