package ledger

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sixelements/model"
	"sixelements/service/job"
)

func nothing(span) about { return nil }

// fakePages gives out pages of a size until it is told to stop, and says how many it gave.
func fakePages(count, size int, given *int) func(context.Context, chan<- page) {
	return func(ctx context.Context, out chan<- page) {
		defer close(out)
		for range count {
			p := page{scanned: size}
			for range size {
				p.recs = append(p.recs, &model.Record{Room: "101"})
			}
			select {
			case out <- p:
				*given++
			case <-ctx.Done():
				return
			}
		}
	}
}

func TestACancelledLedgerStopsWithinAPage(t *testing.T) {
	t.Parallel()
	x := &export{paths: map[string]string{}, total: 1000}
	w, err := newCSV(io.Discard, place())
	require.NoError(t, err)
	given, told := 0, 0
	_, err = x.write(t.Context(), w, fakePages(100, 10, &given), func(context.Context, int64, int64) error {
		if told++; told == 2 {
			return job.ErrStopped
		}
		return nil
	})
	require.ErrorIs(t, err, job.ErrStopped)
	require.Equal(t, 2, told)
	require.LessOrEqual(t, given, 3, "one page is read ahead, and the reader has ended")
}

func TestAFaultInTheMiddleIsNotTheEndOfALedger(t *testing.T) {
	t.Parallel()
	x := &export{paths: map[string]string{}}
	w, err := newCSV(io.Discard, place())
	require.NoError(t, err)
	broken := errors.New("the connection broke")
	_, err = x.write(t.Context(), w, func(_ context.Context, out chan<- page) {
		defer close(out)
		out <- page{recs: []*model.Record{{}}, scanned: 1}
		out <- page{err: broken}
	}, func(context.Context, int64, int64) error { return nil })
	require.ErrorIs(t, err, broken)

	ctx, stop := context.WithCancel(t.Context())
	given := 0
	_, err = x.write(ctx, w, fakePages(100, 1, &given), func(context.Context, int64, int64) error { stop(); return nil })
	require.ErrorIs(t, err, context.Canceled, "a ledger that was broken off is not whole")
}

func TestTextsComeBackFromACellAsTheyWere(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 32766)
	for v, want := range map[string]string{
		"王小明":                 "王小明",
		"a<b>&\"c\"'d'":       "a<b>&\"c\"'d'",
		"\u0020前后\u0020":      " 前后 ",
		"两\n行\t格":             "两\n行\t格",
		"_x0041_":             "_x0041_",
		"_x0041_x0042_":       "_x0041_x0042_",
		"_x005F_x000D_":       "_x005F_x000D_",
		"a_b_":                "a_b_",
		"控\x00制\x1b符":         "控\uFFFD制\uFFFD符",
		"断\xe4\xbd":           "断\uFFFD\uFFFD",
		"\uFFFE\uFFFF":        "\uFFFD\uFFFD",
		"😀":                   "😀",
		long + "a" + "b":      long + "a",
		long + "😀":            long, // it takes two
		"]]></t></is></c><c>": "]]></t></is></c><c>",
	} {
		cols := []column{{"文字", 10, false, func(*row) string { return v }}}
		var out bytes.Buffer
		x, err := newXLSX(&out, "台账", cols, 10, nothing)
		require.NoError(t, err)
		require.NoError(t, x.line(&row{n: 1}))
		require.NoError(t, x.close())
		f, err := excelize.OpenReader(&out)
		require.NoError(t, err)
		rows, err := f.GetRows("台账")
		require.NoError(t, err)
		require.Len(t, rows, 2, "%q", v)
		require.Equal(t, want, rows[1][0], "%.40q", v)
		require.NoError(t, f.Close())
	}
}

func TestOnlyNumbersAreNumbers(t *testing.T) {
	t.Parallel()
	c := column{number: true}
	for v, want := range map[string]bool{"12": true, "-1.5": true, "1e3": true, "NaN": false, "Inf": false, "": false, "=1": false,
		"1e999": false, "十二": false} {
		require.Equal(t, want, c.numeric(v), v)
	}
	require.False(t, (&column{}).numeric("12"), "a text column holds texts")
	require.Equal(t, `><v>1000</v></c>`, string(appendNumber(nil, "1e3")))
	require.Equal(t, `><v>0.1</v></c>`, string(appendNumber(nil, "0.10")))
}
