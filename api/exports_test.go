package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sixelements/internal/testkit/street"
)

// finished runs the jobs that wait and answers the file of the one.
func finished(t *testing.T, s *street.Server, as string, asked street.Response) street.Response {
	t.Helper()
	require.Equal(t, http.StatusAccepted, asked.Status, asked.Text)
	require.Equal(t, "queued", member(asked, "job.state"))
	for {
		ran, err := s.Services.Jobs.RunOnce(t.Context())
		require.NoError(t, err)
		if !ran {
			break
		}
	}
	at := "/jobs/" + member(asked, "job.id").(string)
	j := s.Do(street.Request{Method: "GET", Path: at, As: as})
	require.Equal(t, "done", j.JSON["state"], j.Text)
	require.Nil(t, j.JSON["error"])
	require.Equal(t, j.JSON["total"], j.JSON["done"])
	f := s.Do(street.Request{Method: "GET", Path: at + "/file", As: as})
	require.Equal(t, http.StatusOK, f.Status, f.Text)
	sum := sha256.Sum256([]byte(f.Text))
	require.Equal(t, hex.EncodeToString(sum[:]), member(j, "file.sha256"))
	require.EqualValues(t, len(f.Text), member(j, "file.bytes"))
	require.Contains(t, f.Header.Get("Content-Disposition"), "attachment")
	require.Equal(t, "no-store", f.Header.Get("Cache-Control"))
	return f
}

func export(s *street.Server, as string, body object) street.Response {
	seen(s, "POST", "/exports", as)
	return s.Do(street.Request{Method: "POST", Path: "/exports", As: as, Body: body})
}

// ledgerSheet is a workbook's first sheet by its columns' names, and the file.
type ledgerSheet struct {
	*excelize.File
	name string
	head []string
	rows [][]string
}

func workbook(t *testing.T, file string, o ...excelize.Options) *ledgerSheet {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader([]byte(file)), o...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	x := &ledgerSheet{File: f, name: f.GetSheetName(1)} // the first says what it is
	rows, err := f.GetRows(x.name)
	require.NoError(t, err)
	require.NotEmpty(t, rows)
	x.head, x.rows = rows[0], rows[1:]
	return x
}

// cell is the value of a row under a heading, and its address.
func (x *ledgerSheet) cell(t *testing.T, row int, heading string) (value, at string) {
	t.Helper()
	i := slices.Index(x.head, heading)
	require.GreaterOrEqual(t, i, 0, "there is a column %s in %v", heading, x.head)
	at, err := excelize.CoordinatesToCellName(i+1, row+2)
	require.NoError(t, err)
	value, err = x.GetCellValue(x.name, at)
	require.NoError(t, err)
	return value, at
}

func TestALedgerIsMaskedVerifiedAndReadable(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	data := o.person(object{"name": "=1+1", "work_unit": "+8613800000000", "occupation": "@SUM(A1)", "ethnicity": "01",
		"residence_category": "floating",
		"arrival_date":       "2026-03-01", "inflow_reason": "01", "stay_type": "01"})
	evil := o.make("resident", o.at("person", data, nil))
	o.step("collector", evil, object{"action": "verify", "method": "visit"})
	open := o.make("resident", o.at("person", o.person(nil), object{"room": "102"}))
	o.make("resident2", with(o.at("person", o.person(nil), nil), object{"qr": o.Code2}))
	ask := object{"kind": "person", "area": o.Community, "format": "xlsx"}

	x := workbook(t, finished(t, o.Server, "community", export(o.Server, "community", ask)).Text)
	require.Equal(t, "人员台账", x.name)
	require.Len(t, x.rows, 1, "the verified one only, and nobody of another community")
	for heading, want := range map[string]string{"姓名": "'=1+1", "工作单位": "'+8613800000000", "职业": "'@SUM(A1)", "证件类型": "身份证",
		"民族":   "汉族",
		"人口类别": "流动", "状态": "已核实", "核实方式": "上门", "核实人": "采集员小王", "单元": "1", "房间": "101", "渠道": "扫码"} {
		got, at := x.cell(t, 0, heading)
		require.Equal(t, want, got, heading)
		formula, err := x.GetCellFormula(x.name, at)
		require.NoError(t, err)
		require.Empty(t, formula, "%s is no formula", heading)
	}
	for heading, sealed := range map[string]string{"证件号码": "id_no", "手机号": "phone"} {
		clear := data[sealed].(string)
		got, at := x.cell(t, 0, heading)
		require.NotEqual(t, clear, got, heading)
		require.Contains(t, got, "***", heading)
		require.Equal(t, clear[:3], got[:3], heading)
		kind, err := x.GetCellType(x.name, at)
		require.NoError(t, err)
		require.NotEqual(t, excelize.CellTypeNumber, kind, "%s is text", heading)
		style, err := x.GetCellStyle(x.name, at)
		require.NoError(t, err)
		how, err := x.GetStyle(style)
		require.NoError(t, err)
		require.Equal(t, 49, how.NumFmt, "%s is text", heading)
	}
	all := workbook(t, finished(t, o.Server, "community", export(o.Server, "community", with(ask, object{"status": "all"}))).Text)
	require.Len(t, all.rows, 2)
	some := workbook(t, finished(t, o.Server, "community", export(o.Server, "community",
		with(ask, object{"status": []string{"submitted"}}))).Text)
	require.Len(t, some.rows, 1)
	name, _ := some.cell(t, 0, "姓名")
	require.Equal(t, open.JSON["title"], name)
	few := workbook(t, finished(t, o.Server, "community", export(o.Server, "community",
		with(ask, object{"columns": []string{"phone", "name"}}))).Text)
	require.Equal(t, []string{"序号", "区域", "楼栋", "单元", "房间", "手机号", "姓名"}, few.head[:7], "in the order that was asked for")
	floating := workbook(t, finished(t, o.Server, "community", export(o.Server, "community",
		with(ask, object{"template": "floating", "status": "all"}))).Text)
	require.Len(t, floating.rows, 1, "who is registered is not in the table of those who are not")
	masked := workbook(t, finished(t, o.Server, "admin", export(o.Server, "admin", ask)).Text)
	name, _ = masked.cell(t, 0, "姓名")
	require.NotContains(t, name, "1+1", "an administrator needs no names")
}

func TestAnEventsLedgerAsCSV(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	e := o.make("resident", o.at("event", o.event(object{"title": "-1+cmd|' /C calc'!A0", "description": "第一行\n第二行,\"引号\""}), nil))
	o.step("grid_leader", e, object{"action": "accept"})
	ask := object{"kind": "event", "area": "410102002", "format": "csv"}
	f := finished(t, o.Server, "street", export(o.Server, "street", ask))
	require.Equal(t, "text/csv; charset=utf-8", f.Header.Get("Content-Type"))
	text, marked := strings.CutPrefix(f.Text, "\ufeff")
	require.True(t, marked, "by its mark Excel knows UTF-8")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	value := func(heading string) string {
		i := slices.Index(rows[0], heading)
		require.GreaterOrEqual(t, i, 0, "%s in %v", heading, rows[0])
		return rows[1][i]
	}
	require.Equal(t, "'-1+cmd|' /C calc'!A0", value("标题"))
	require.Equal(t, "第一行\n第二行,\"引号\"", value("情况描述"))
	require.Equal(t, "已受理", value("处置状态"))
	o.Clock.Advance(time.Hour)
	since := export(o.Server, "street", with(ask, object{"since": "2026-05-01T10:30:00+08:00"}))
	require.Equal(t, 1, strings.Count(finished(t, o.Server, "street", since).Text, "\r\n"),
		"nothing changed since: the heading alone")
}

func TestValuesInClearLeaveUnderAPassword(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	data := o.person(nil)
	o.step("collector", o.make("resident", o.at("person", data, nil)), object{"action": "verify", "method": "visit"})
	ask := object{"kind": "person", "area": o.Community, "format": "xlsx", "reveal": true, "reason": "人口普查核对名单"}
	asked := export(o.Server, "community", ask)
	password, _ := asked.JSON["password"].(string)
	require.Len(t, password, 16)
	f := finished(t, o.Server, "community", asked)
	_, err := excelize.OpenReader(strings.NewReader(f.Text))
	require.Error(t, err, "without the password it is noise")
	require.NotContains(t, f.Text, data["phone"])
	x := workbook(t, f.Text, excelize.Options{Password: password})
	for heading, name := range map[string]string{"证件号码": "id_no", "手机号": "phone", "姓名": "name"} {
		got, _ := x.cell(t, 0, heading)
		require.Equal(t, data[name], got, heading)
	}
	at := "/jobs/" + member(asked, "job.id").(string)
	run(t, o.Server, []scenario{
		{Name: "the password is shown once", As: "community", Get: at, Want: 200, Not: []string{password}},
		{Name: "the trace says why", As: "community", Get: "/audit?act=export.create", Want: 200,
			Has: []string{"人口普查核对名单", "reveal=true"}, Not: []string{password}},
		{Name: "and who fetched it", As: "community", Get: "/audit?act=export.fetch", Want: 200,
			JSON: object{"items.0.actor.name": "社区小赵"}},
		{Name: "no reason", As: "community", Post: "/exports", Body: with(ask, object{"reason": nil}), Want: 422,
			Code:   "validation.failed",
			Errors: []string{"reason:field.required"}},
		{Name: "a reason of one character", As: "community", Post: "/exports", Body: with(ask, object{"reason": " 查 "}), Want: 422,
			Code: "validation.failed", Errors: []string{"reason:field.required"}},
		{Name: "two will do, as for a reveal", As: "community", Post: "/exports", Body: with(ask, object{"reason": "普查"}), Want: 202},
		{Name: "120 at most", As: "community", Post: "/exports", Body: with(ask, object{"reason": strings.Repeat("普", 121)}),
			Want: 422, Code: "validation.failed"},
		{Name: "no password for CSV", As: "community", Post: "/exports", Body: with(ask, object{"format": "csv"}), Want: 422,
			Code: "validation.failed"},
		{Name: "an administrator reveals nothing", As: "admin", Post: "/exports", Body: ask, Want: 403, Code: "role.forbidden"},
		{Name: "no such column", As: "community", Post: "/exports", Body: with(ask, object{"columns": []string{"religion"}}), Want: 422,
			Code: "field.unknown"},
		{Name: "another kind's template", As: "community", Post: "/exports", Body: with(ask, object{"template": "shop"}), Want: 422,
			Code: "validation.failed"},
		{Name: "the neighbour's area", As: "community2", Post: "/exports", Body: ask, Want: 404, Code: "not_found"},
		{Name: "a collector", As: "collector", Post: "/exports", Body: ask, Want: 403, Code: "role.forbidden"},
	})
	require.NotContains(t, o.Logs.String(), password)
}

func TestAJobIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ask := object{"kind": "person", "area": o.Community, "format": "csv"}
	asked := export(o.Server, "community", ask)
	at := "/jobs/" + member(asked, "job.id").(string)
	run(t, o.Server, []scenario{
		{Name: "a file that is not there yet", As: "community", Get: at + "/file", Want: 404, Code: "not_found"},
		{Name: "another's job", As: "community2", Get: at, Want: 404, Code: "not_found"},
		{Name: "another's events", As: "community2", Get: at + "/events", Want: 404, Code: "not_found"},
		{Name: "another's list", As: "community2", Get: "/jobs", Want: 200, JSON: object{"items.0": nil}},
		{Name: "one's own list", As: "community", Get: "/jobs", Want: 200, JSON: object{"items.0.state": "queued",
			"items.0.file": nil}},
	})
	ctx, stop := context.WithCancel(t.Context())
	stopped := o.Background(ctx)
	events := o.Do(street.Request{Method: "GET", Path: at + "/events", As: "community"}) // returns when the stream ends
	stop()
	<-stopped
	require.Equal(t, "text/event-stream", events.Header.Get("Content-Type"))
	blocks := strings.Split(strings.TrimSpace(events.Text), "\n\n")
	last := blocks[len(blocks)-1]
	require.Contains(t, last, "event: progress")
	require.Contains(t, last, `"state":"done"`, "it ends with the job")
	run(t, o.Server, []scenario{
		{Name: "the file", As: "community", Get: at + "/file", Want: 200, Has: []string{"姓名"}},
		{Name: "removed", As: "community", Delete: at, Want: 204},
		{Name: "gone", As: "community", Get: at + "/file", Want: 404, Code: "not_found"},
	})
	cancelled := "/jobs/" + member(export(o.Server, "community", ask), "job.id").(string)
	run(t, o.Server, []scenario{
		{Name: "a job that waits is cancelled", As: "community", Delete: cancelled, Want: 204},
		{Name: "and stays so", As: "community", Get: cancelled, Want: 200, JSON: object{"state": "cancelled"}},
		{Name: "its events end at once", As: "community", Get: cancelled + "/events", Want: 200, Has: []string{`"state":"cancelled"`}},
	})
}

func TestAJobOutlivesTheProcessThatTookIt(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	asked := export(o.Server, "community", object{"kind": "person", "area": o.Community, "format": "csv"})
	at := "/jobs/" + member(asked, "job.id").(string)
	restart(t, o.Server)
	ran, err := o.Services.Jobs.RunOnce(t.Context())
	require.NoError(t, err)
	require.True(t, ran, "the next process finds it")
	run(t, o.Server, []scenario{
		{Name: "done", As: "community", Get: at, Want: 200, JSON: object{"state": "done"}},
		{Name: "with its file", As: "community", Get: at + "/file", Want: 200, Has: []string{"姓名"}},
	})
}

func TestWhoLostTheRightGetsNoFile(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	clerk := hire(t, o.Server, "street", "clerk-li", object{"role": "community", "area_code": o.Community})
	session := func() string { return tokenOf(login(t, o.Server, byPassword("clerk-li", goodPassword))) }
	ask := street.Request{Method: "POST", Path: "/exports", Token: session(), Body: object{"kind": "person", "area": o.Community,
		"format": "csv"}}
	done := o.Do(ask)
	_, err := o.Services.Jobs.RunOnce(t.Context())
	require.NoError(t, err)
	waiting := o.Do(ask)
	require.Equal(t, 202, waiting.Status)
	run(t, o.Server, []scenario{{Name: "demoted", As: "street", Patch: "/accounts/" + clerk.ID(), Match: clerk.Header.Get("ETag"),
		Body: object{"roles": []object{{"role": "collector", "area_code": o.Grid}}}, Want: 200}})
	_, err = o.Services.Jobs.RunOnce(t.Context())
	require.NoError(t, err)
	token := session()
	run(t, o.Server, []scenario{
		{Name: "the file of before", Token: token, Get: fmt.Sprintf("/jobs/%s/file", member(done, "job.id")), Want: 403,
			Code: "role.forbidden"},
		{Name: "the job of before fails", Token: token, Get: fmt.Sprintf("/jobs/%s", member(waiting, "job.id")), Want: 200,
			JSON: object{"state": "failed", "file": nil},
			Check: func(t *testing.T, r street.Response) {
				require.Contains(t, []any{"role.forbidden", "not_found"}, member(r, "error.code"))
			}},
	})
}
