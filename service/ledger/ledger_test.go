package ledger_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sixelements/internal/sample"
	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/store"
	"sixelements/service/job"
	"sixelements/service/ledger"
)

// The town: a community of a street with a grid, and a neighbour.
const (
	street    = "410102002"
	community = "410102002004"
	grid      = "410102002004001"
	other     = "410102002005"
)

type office struct {
	t     testing.TB
	db    *store.DB
	clock *testkit.FixedClock
	jobs  *job.Service
	s     *ledger.Service
	dir   string
	codes *code.Lists
	gen   *sample.Generator
	house model.Building
	now   map[model.ID]model.Actor // what accounts may do by now
}

func open(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, clock: testkit.Clock(t), dir: filepath.Join(t.TempDir(), "jobs"), now: map[model.ID]model.Actor{}}
	o.db = testkit.DBAt(t, o.clock)
	var err error
	o.codes, err = code.Load()
	require.NoError(t, err)
	o.jobs = job.New(o.db, job.Options{Dir: o.dir, Actor: func(_ context.Context, id model.ID) (model.Actor, error) {
		return o.now[id], nil
	}})
	o.s = ledger.New(o.db, o.jobs, o.codes)
	o.gen = sample.New(sample.Options{Seed: 6, Today: "2026-05-01"})
	for c, name := range map[string]string{street: "建设路街道", community: "第一社区", grid: "一网格", other: "第二社区"} {
		o.add(&model.Area{Code: c, Name: name, Level: model.LevelOf(c), Parent: model.ParentCode(c)})
	}
	o.house = model.Building{ID: model.NewID(), AreaCodes: model.CodesOf(grid), Name: "1号楼", CreatedAt: o.db.Now()}
	o.add(&o.house)
	return o
}

func (o *office) system() context.Context { return store.AsSystem(o.t.Context(), "build") }

func (o *office) add(rows ...any) {
	o.t.Helper()
	require.NoError(o.t, o.db.Write(o.system(), model.Act{Name: "test.build"}, func(tx *store.Tx) error { return tx.Add(rows...) }))
}

// records adds records of sampled data, as they would stand after their verification.
func (o *office) records(kind model.Kind, area string, data ...map[string]any) (ids []model.ID) {
	o.t.Helper()
	require.NoError(o.t, o.db.Write(o.system(), model.Act{Name: "test.build"}, func(tx *store.Tx) error {
		ids = nil
		for i, d := range data {
			raw, err := json.Marshal(d)
			require.NoError(o.t, err)
			got, err := kind.Schema().Decode(raw, model.Decode{Codes: o.codes, Today: "2026-05-01"})
			require.NoError(o.t, err)
			r := &model.Record{ID: model.NewID(), Kind: kind, Status: model.Verified, AreaCodes: model.CodesOf(area), BuildingID: o.house.ID,
				Unit: "1", Room: fmt.Sprint(101 + i), SubmitterID: model.NewID(), Channel: model.ByQR, SubmittedAt: tx.Now(),
				VerifiedAt: tx.Now(), VerifiedName: "采集员甲", VerifyMethod: model.ByVisit, EverVerified: true, Element: got.Element}
			if err := tx.AddRecord(r, store.Trace{Act: "create"}); err != nil {
				return err
			}
			ids = append(ids, r.ID)
		}
		return nil
	}))
	return ids
}

func (o *office) people(area string, n int) []map[string]any {
	var all []map[string]any
	for len(all) < n {
		all = append(all, o.gen.Household(o.gen.HouseholdSize(), o.gen.Category())...)
	}
	all = all[:n]
	for from := 0; from < n; from += 500 {
		o.records(model.KindPerson, area, all[from:min(from+500, n)]...)
	}
	return all
}

func (o *office) as(a model.Actor) context.Context {
	if _, ok := o.now[a.Account]; !ok {
		o.now[a.Account] = a
	}
	return store.As(o.t.Context(), a)
}

// export asks for a ledger, has the job done, and answers the file.
func (o *office) export(a model.Actor, r ledger.Request) (path, password string) {
	o.t.Helper()
	j, password, err := o.s.Export(o.as(a), r)
	require.NoError(o.t, err)
	ran, err := o.jobs.RunOnce(o.t.Context())
	require.NoError(o.t, err)
	require.True(o.t, ran)
	done, f, err := o.jobs.Open(o.as(a), j.ID)
	require.NoError(o.t, err, "%v", o.job(a, j.ID).Problem)
	path = filepath.Join(o.t.TempDir(), done.FileName)
	out, err := os.Create(path)
	require.NoError(o.t, err)
	_, err = io.Copy(out, f)
	require.NoError(o.t, err)
	require.NoError(o.t, out.Close())
	require.NoError(o.t, f.Close())
	entries, err := os.ReadDir(o.dir)
	require.NoError(o.t, err)
	for _, e := range entries {
		require.Equal(o.t, ".bin", filepath.Ext(e.Name()), "no scratch file stays")
	}
	return path, password
}

func (o *office) job(a model.Actor, id model.ID) *model.Job {
	j, err := o.jobs.Get(o.as(a), id)
	require.NoError(o.t, err)
	return j
}

func (o *office) trace() (out []string) {
	var rows []model.Audit
	require.NoError(o.t, o.db.Read(o.system(), func(tx *store.Tx) error {
		return tx.Q(&model.Audit{}).Where("act LIKE 'export.%'").Order("at").Order("id").Find(&rows).Error
	}))
	for _, r := range rows {
		out = append(out, r.Act+" "+r.AreaCode+" "+r.Detail)
	}
	return out
}

func readCSV(t testing.TB, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	text, ok := strings.CutPrefix(string(b), "\ufeff")
	require.True(t, ok, "a byte order mark")
	require.NotContains(t, strings.ReplaceAll(text, "\r\n", ""), "\n", "lines end with CRLF")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	return rows
}

func readSheet(t testing.TB, path, sheet string, o ...excelize.Options) [][]string {
	t.Helper()
	f, err := excelize.OpenFile(path, o...)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	rows, err := f.GetRows(sheet)
	require.NoError(t, err)
	return rows
}

func staff() model.Actor { return testkit.Actor(model.CommunityRole, community) }

func verified(k model.Kind, f ledger.Format) ledger.Request {
	return ledger.Request{Kind: k, Area: community, Statuses: []model.Status{model.Verified}, Format: f}
}

func TestAWorkbookHoldsEveryRowMaskedAndSaysWhatItIs(t *testing.T) {
	t.Parallel()
	o := open(t)
	people := o.people(grid, 1203) // three pages
	o.people(other, 2)
	a := staff()
	path, password := o.export(a, verified(model.KindPerson, ledger.XLSX))
	require.Empty(t, password)
	require.Equal(t, "人员台账_第一社区_20260501.xlsx", filepath.Base(path))

	about := readSheet(t, path, "说明")
	text := fmt.Sprint(about)
	for _, want := range []string{"人员台账", "第一社区（410102002004）", a.Name, "已隐去", "1203", "2026-05-01 10:00:00", "已核实", "个人信息"} {
		require.Contains(t, text, want)
	}
	rows := readSheet(t, path, "人员台账")
	require.Len(t, rows, 1+len(people))
	require.Equal(t, []string{"序号", "区域", "楼栋", "单元", "房间", "姓名", "证件类型", "证件号码"}, rows[0][:8])
	require.Equal(t, []string{"1", "第一社区 / 一网格", "1号楼", "1", "101", people[0]["name"].(string)}, rows[1][:6])
	whole := fmt.Sprint(rows)
	for _, p := range people {
		for _, field := range []string{"id_no", "phone", "birth_date", "emergency_contact_phone", "landlord_phone"} {
			if v, ok := p[field].(string); ok {
				require.NotContains(t, whole, v, "%s is masked", field)
			}
		}
	}
	require.Equal(t, []string{
		"export.create 410102002004 kind=person format=xlsx reveal=false",
		"export.finish 410102002004 kind=person rows=1203",
	}, o.trace()[:2])
	require.Contains(t, o.trace()[2], "export.fetch 410102002004")
}

func TestAnAdministratorsLedgerMasksNamesToo(t *testing.T) {
	t.Parallel()
	o := open(t)
	people := o.people(grid, 3)
	path, _ := o.export(testkit.Actor(model.Admin, ""), verified(model.KindPerson, ledger.CSV))
	rows := readCSV(t, path)
	require.Len(t, rows, 4)
	for i, p := range people {
		require.Equal(t, model.MaskName(p["name"].(string)), rows[i+1][5])
	}
}

func TestARevealedLedgerIsEncryptedWithAPasswordThatIsShownOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	people := o.people(grid, 5)
	r := verified(model.KindPerson, ledger.XLSX)
	r.Reveal, r.Reason = true, "人口普查核对"
	a := staff()
	path, password := o.export(a, r)
	require.Len(t, password, 16)
	_, err := excelize.OpenFile(path)
	require.Error(t, err, "without the password it does not open")
	_, err = excelize.OpenFile(path, excelize.Options{Password: "abcdefghjkmnpqrs"})
	require.Error(t, err)
	rows := readSheet(t, path, "人员台账", excelize.Options{Password: password})
	for i, p := range people {
		if p["id_no"] != nil {
			require.Contains(t, rows[i+1], p["id_no"])
		}
	}
	require.Contains(t, fmt.Sprint(readSheet(t, path, "说明", excelize.Options{Password: password})), r.Reason)
	require.Equal(t, "export.create 410102002004 kind=person format=xlsx reveal=true reason=人口普查核对", o.trace()[0])
	jobs, _, err := o.jobs.List(o.as(a), "", 10)
	require.NoError(t, err)
	require.Empty(t, jobs[0].Payload, "the password is kept nowhere")
}

func TestWhoMayExportWhat(t *testing.T) {
	t.Parallel()
	o := open(t)
	ok := verified(model.KindPerson, ledger.XLSX)
	with := func(change func(*ledger.Request)) ledger.Request { r := ok; change(&r); return r }
	reveal := with(func(r *ledger.Request) { r.Reveal, r.Reason = true, "核对名单" })
	for _, c := range []struct {
		name string
		a    model.Actor
		r    ledger.Request
		want model.Code
	}{
		{"the community", staff(), ok, ""},
		{"the street", testkit.Actor(model.StreetRole, street), ok, ""},
		{"an administrator, masked", testkit.Actor(model.Admin, ""), ok, ""},
		{"an administrator in clear", testkit.Actor(model.Admin, ""), reveal, model.RoleForbidden},
		{"the neighbour", testkit.Actor(model.CommunityRole, other), ok, model.NotFound},
		{"a collector here", testkit.Actor(model.Collector, community), ok, model.RoleForbidden},
		{"a code nobody has", staff(), with(func(r *ledger.Request) { r.Area = community + "999" }), model.NotFound},
		{"no code", staff(), with(func(r *ledger.Request) { r.Area = "x" }), model.Invalid},
		{"no kind", staff(), with(func(r *ledger.Request) { r.Kind = "pets" }), model.Invalid},
		{"no format", staff(), with(func(r *ledger.Request) { r.Format = "pdf" }), model.Invalid},
		{"no status", staff(), with(func(r *ledger.Request) { r.Statuses = []model.Status{"lost"} }), model.Invalid},
		{"no template", staff(), with(func(r *ledger.Request) { r.Template = "shop" }), model.Invalid},
		{"no column", staff(), with(func(r *ledger.Request) { r.Columns = []string{"name", "religion"} }), model.FieldUnknown},
		{"in clear without a reason", staff(), with(func(r *ledger.Request) { r.Reveal, r.Reason = true, "  看 " }), model.Invalid},
		{"in clear as CSV", staff(), with(func(r *ledger.Request) { r.Reveal, r.Reason, r.Format = true, "核对名单", ledger.CSV }), model.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(o.trace())
			_, password, err := o.s.Export(o.as(c.a), c.r)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.True(t, model.IsCode(err, c.want), "%v", err)
			require.Empty(t, password)
			jobs, _, err := o.jobs.List(o.as(c.a), "", 10)
			require.NoError(t, err)
			require.Empty(t, jobs, "it leaves nothing behind")
			require.Len(t, o.trace(), before)
		})
	}
}

func TestRightsLostMeanwhileStopTheExport(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.people(grid, 1)
	a := staff()
	j, _, err := o.s.Export(o.as(a), verified(model.KindPerson, ledger.CSV))
	require.NoError(t, err)
	moved := a
	moved.Grants = []model.Grant{{Role: model.CommunityRole, Area: other}}
	o.now[a.Account] = moved
	_, err = o.jobs.RunOnce(t.Context())
	require.NoError(t, err)
	got := o.job(a, j.ID)
	require.Equal(t, model.JobFailed, got.State)
	require.Equal(t, model.NotFound, job.Failure(got).Code)
}

func TestAFileIsNotGivenToWhoLostTheRight(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.people(grid, 1)
	a := staff()
	j, _, err := o.s.Export(o.as(a), verified(model.KindPerson, ledger.CSV))
	require.NoError(t, err)
	_, err = o.jobs.RunOnce(t.Context())
	require.NoError(t, err)
	a.Grants = []model.Grant{{Role: model.Resident}}
	_, _, err = o.jobs.Open(store.As(t.Context(), a), j.ID)
	require.True(t, model.IsCode(err, model.RoleForbidden))
}

func TestFormulasAreNeutralisedAndLongNumbersStay(t *testing.T) {
	t.Parallel()
	o := open(t)
	data := o.gen.Object()
	data["location_text"] = `北门,"第二根"`
	data["identity_code"] = "4101020101000012"
	for _, bad := range []string{"=1+1", "+86", "-1", "@SUM(A1)", "＝1"} {
		data["name"] = bad
		o.records(model.KindObject, grid, data)
	}
	r := verified(model.KindObject, ledger.CSV)
	r.Columns = []string{"name", "identity_code", "location_text"}
	path, _ := o.export(staff(), r)
	rows := readCSV(t, path)
	require.Equal(t, []string{"序号", "区域", "楼栋", "单元", "房间", "名称", "标识码", "位置说明", "状态"}, rows[0][:9])
	require.Equal(t, []string{"'=1+1", "\t4101020101000012", `北门,"第二根"`, "已核实"}, rows[1][5:9])
	for _, row := range rows[1:] {
		require.True(t, strings.HasPrefix(row[5], "'"), row[5])
	}
	r.Format = ledger.XLSX
	path, _ = o.export(staff(), r)
	require.Equal(t, []string{"'=1+1", "4101020101000012"}, readSheet(t, path, "物件台账")[1][5:7])
}

func TestStatusTemplateSinceAndExtraFieldsNarrowTheLedger(t *testing.T) {
	t.Parallel()
	o := open(t)
	shop, house := o.gen.Shop(), o.gen.Place("house")
	ids := o.records(model.KindPlace, grid, shop, house)
	o.add(&model.ExtraField{ID: model.NewID(), AreaCode: community, Kind: model.KindPlace, Name: "gate", Label: "门禁", Type: "text",
		CreatedAt: o.db.Now()})
	o.clock.Advance(time.Hour)
	moment := o.db.Now()
	require.NoError(t, o.db.Write(o.system(), model.Act{Name: "test.change"}, func(tx *store.Tx) error {
		r, err := tx.Record(ids[1])
		if err != nil {
			return err
		}
		r.Status, r.Extra = model.Returned, model.ExtraData{"gate": "有"}
		return tx.SaveRecord(r, store.Trace{Act: "return"})
	}))
	count := func(change func(*ledger.Request)) [][]string {
		r := verified(model.KindPlace, ledger.CSV)
		change(&r)
		path, _ := o.export(staff(), r)
		return readCSV(t, path)[1:]
	}
	require.Len(t, count(func(*ledger.Request) {}), 1, "verified only")
	require.Len(t, count(func(r *ledger.Request) { r.Statuses = nil }), 2, "all")
	require.Len(t, count(func(r *ledger.Request) { r.Statuses, r.Template = nil, "shop" }), 1, "shops")
	changed := count(func(r *ledger.Request) { r.Statuses, r.Since, r.Columns = nil, moment, []string{"name", "extra.gate"} })
	require.Len(t, changed, 1, "changed since")
	require.Equal(t, []string{"有", "已退回", "扫码"}, changed[0][6:9])
}

func TestEveryKindHasALedgerAndEveryTemplateItsColumns(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, k := range model.Kinds() {
		path, _ := o.export(staff(), verified(k.Kind, ledger.XLSX))
		rows := readSheet(t, path, k.Label+"台账")
		require.Greater(t, len(rows[0]), 12, k.Kind)
	}
	for _, tpl := range ledger.Templates() {
		for _, c := range tpl.Columns {
			_, ok := tpl.Kind.Schema().Field(c)
			require.True(t, ok, "%s: %s", tpl.Name, c)
		}
	}
}
