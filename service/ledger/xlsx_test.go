package ledger

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sixelements/model"
)

func TestALongLedgerGoesOnOnTheNextSheet(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	x, err := newXLSX(&out, "人员台账", place(), 10, func(span) about { return about{{"台账", "人员台账"}} })
	require.NoError(t, err)
	for n := range int64(25) {
		require.NoError(t, x.line(&row{n: n + 1, rec: &model.Record{Room: strconv.FormatInt(n, 10)}}))
	}
	require.NoError(t, x.close())
	f, err := excelize.OpenReader(&out)
	require.NoError(t, err)
	require.Equal(t, []string{"说明", "人员台账", "人员台账2", "人员台账3"}, f.GetSheetList())
	for sheet, want := range map[string]int{"人员台账": 11, "人员台账2": 11, "人员台账3": 6} {
		rows, err := f.GetRows(sheet)
		require.NoError(t, err)
		require.Len(t, rows, want, sheet)
		require.Equal(t, "序号", rows[0][0])
	}
	style, err := f.GetCellStyle("人员台账", "E2")
	require.NoError(t, err)
	got, err := f.GetStyle(style)
	require.NoError(t, err)
	require.Equal(t, 49, got.NumFmt, "a room number is text")
	require.NoError(t, f.Close())
}

func TestPasswordsAreLongAndNotTheSame(t *testing.T) {
	t.Parallel()
	require.Regexp(t, "^[a-z2-9]{16}$", newPassword())
	require.NotEqual(t, newPassword(), newPassword())
}
