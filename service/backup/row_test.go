package backup

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model/store"
)

var wide = []store.Column{{Name: "a", Kind: store.Integer}, {Name: "b", Kind: store.Real}, {Name: "c", Kind: store.Text},
	{Name: "d", Kind: store.Bytes}}

func TestARowIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, row := range [][]any{
		{nil, nil, nil, nil},
		{int64(0), 0.0, "", []byte{}},
		{int64(math.MinInt64), math.SmallestNonzeroFloat64, "六要素😀\x00", []byte{0, 255}},
		{int64(math.MaxInt64), math.Inf(-1), strings.Repeat("长", 100_000), bytes.Repeat([]byte{1}, 1<<20)},
	} {
		b := appendRow(appendRow(nil, row), row)
		for range 2 {
			got, rest, err := readRow(wide, b)
			require.NoError(t, err)
			require.Equal(t, row, got)
			b = rest
		}
		require.Empty(t, b)
	}
}

func TestARowOfAnotherShapeIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range [][]any{
		{nil, nil, nil},
		{nil, nil, nil, nil, nil},
		{"text for a number", nil, nil, nil},
		{nil, nil, []byte("bytes for a text"), nil},
	} {
		_, _, err := readRow(wide, appendRow(nil, row))
		require.ErrorIs(t, err, errRow)
	}
}

func TestAValueOfTheWrongTypeIsNamedByItsColumnOnly(t *testing.T) {
	t.Parallel()
	err := normal(wide, []any{"13800000000", nil, nil, nil})
	require.ErrorContains(t, err, "column a")
	require.NotContains(t, err.Error(), "1380")
}

// What can be read at all is written back as the same bytes' meaning, and nothing makes the reader panic or read past the end.
func FuzzReadRow(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendRow(nil, []any{int64(-5), 1.5, "文", []byte{9}}))
	f.Add(appendRow(nil, []any{nil, nil, nil, nil}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 3, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		row, rest, err := readRow(wide, b)
		if err != nil {
			return
		}
		require.Less(t, len(rest), len(b))
		again := appendRow(nil, row)
		same, rest, err := readRow(wide, again)
		require.NoError(t, err)
		require.Empty(t, rest)
		require.Equal(t, again, appendRow(nil, same))
	})
}
