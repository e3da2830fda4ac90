package ledger_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sixelements/model"
	"sixelements/service/ledger"
)

func TestALongLedgerIsSplitOverSheetsThatLookAlike(t *testing.T) {
	t.Parallel()
	o := open(t)
	people := o.people(grid, 1203) // three pages
	o.s.Split(500, 1)
	path, _ := o.export(staff(), verified(model.KindPerson, ledger.XLSX))
	f, err := excelize.OpenFile(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	require.Equal(t, []string{"说明", "人员台账", "人员台账2", "人员台账3"}, f.GetSheetList())
	n := 0
	for _, sheet := range f.GetSheetList()[1:] {
		rows, err := f.GetRows(sheet)
		require.NoError(t, err)
		require.LessOrEqual(t, len(rows), 501)
		require.Equal(t, []string{"序号", "区域", "楼栋", "单元", "房间", "姓名"}, rows[0][:6], sheet)
		for _, r := range rows[1:] {
			require.Equal(t, strconv.Itoa(n+1), r[0])
			require.Equal(t, people[n]["name"], r[5])
			n++
		}
		width, err := f.GetColWidth(sheet, "B")
		require.NoError(t, err)
		require.InDelta(t, 28, width, 0)
		panes, err := f.GetPanes(sheet)
		require.NoError(t, err)
		require.True(t, panes.Freeze && panes.YSplit == 1, sheet)
		layout, err := f.GetPageLayout(sheet)
		require.NoError(t, err)
		require.Equal(t, "landscape", *layout.Orientation)
	}
	require.Equal(t, len(people), n)
	var titles []string
	for _, d := range f.GetDefinedName() {
		titles = append(titles, d.Name+" "+d.RefersTo)
	}
	require.Contains(t, titles, "_xlnm.Print_Titles '人员台账3'!$1:$1", "the heading is on every page that is printed")
	require.Contains(t, fmt.Sprint(readSheet(t, path, "说明")), "1203")
}

func TestLibreOfficeReadsEveryCellOfEverySheet(t *testing.T) {
	t.Parallel()
	soffice, err := exec.LookPath("soffice")
	require.NoError(t, err, "LibreOffice is needed: scripts/setup installs libreoffice-calc-nogui")
	o := open(t)
	odd := o.gen.Household(1, "registered")[0]
	odd["name"] = "_x0041_<b>&\"'"
	o.records(model.KindPerson, grid, odd)
	o.people(grid, 59)
	o.s.Split(25, 1)
	path, _ := o.export(staff(), verified(model.KindPerson, ledger.XLSX))
	dir := t.TempDir()
	const everySheet, asText = "-1", "76,1,,0,false,true,false,false,false"
	cmd := exec.CommandContext(t.Context(), soffice, "-env:UserInstallation=file://"+dir+"/profile", "--headless", "--convert-to",
		"csv:Text - txt - csv (StarCalc):44,34,"+asText+","+everySheet, "--outdir", dir, path)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, sheet := range []string{"人员台账", "人员台账2", "人员台账3"} {
		made, err := filepath.Glob(dir + "/*-" + sheet + ".csv")
		require.NoError(t, err)
		require.Len(t, made, 1, string(out))
		b, err := os.ReadFile(made[0])
		require.NoError(t, err)
		got, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(b), "\ufeff"))).ReadAll()
		require.NoError(t, err)
		want := readSheet(t, path, sheet)
		require.Len(t, got, len(want))
		for i, r := range want {
			require.Equal(t, r, got[i][:len(r)], "%s, row %d", sheet, i+1)
			require.Empty(t, strings.Join(got[i][len(r):], ""))
		}
	}
	require.Equal(t, odd["name"], readSheet(t, path, "人员台账")[1][5])
}

// unpacked are the workbooks of an archive by their names.
func unpacked(t *testing.T, path string) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, z.Close()) }()
	books := map[string][]byte{}
	for _, f := range z.File {
		require.Equal(t, zip.Store, f.Method, "what is encrypted does not shrink")
		r, err := f.Open()
		require.NoError(t, err)
		books[f.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
	return books
}

func TestALongLedgerInClearIsAnArchiveOfEncryptedParts(t *testing.T) {
	t.Parallel()
	o := open(t)
	people := o.people(grid, 45)
	r := verified(model.KindPerson, ledger.XLSX)
	r.Reveal, r.Reason = true, "人口普查核对"
	o.s.Split(15, 20)
	path, password := o.export(staff(), r)
	require.Equal(t, "人员台账_第一社区_20260501.zip", filepath.Base(path))
	books := unpacked(t, path)
	require.Len(t, books, 3)
	n := 0
	for i, spans := range []string{"第 1 册，序号 1 至 20", "第 2 册，序号 21 至 40", "第 3 册，序号 41 至 45"} {
		b := books[fmt.Sprintf("人员台账-%d.xlsx", i+1)]
		_, err := excelize.OpenReader(bytes.NewReader(b))
		require.Error(t, err, "without the password it does not open")
		f, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{Password: password})
		require.NoError(t, err)
		about, err := f.GetRows("说明")
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(about), spans)
		require.Contains(t, fmt.Sprint(about), "密码相同")
		for _, sheet := range f.GetSheetList()[1:] {
			rows, err := f.GetRows(sheet)
			require.NoError(t, err)
			require.Equal(t, "序号", rows[0][0])
			for _, row := range rows[1:] {
				require.Equal(t, []string{strconv.Itoa(n + 1), people[n]["name"].(string)}, []string{row[0], row[5]})
				n++
			}
		}
		require.NoError(t, f.Close())
	}
	require.Equal(t, len(people), n)
	require.Contains(t, o.trace()[1], "rows=45")

	o.s.Split(100, 45) // as many as a part takes
	path, password = o.export(staff(), r)
	require.Equal(t, ".xlsx", filepath.Ext(path))
	require.Len(t, readSheet(t, path, "人员台账", excelize.Options{Password: password}), 46)
	require.NotContains(t, fmt.Sprint(readSheet(t, path, "说明", excelize.Options{Password: password})), "分册")

	r.Kind = model.KindEvent // of which there is none
	path, password = o.export(staff(), r)
	require.Len(t, readSheet(t, path, "事件台账", excelize.Options{Password: password}), 1, "the heading alone")
}
