package model_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/model"
	"sixelements/model/seal"
)

const today = model.Date("2026-11-23")

// line is one stored or shown field of an element's struct, as reflection sees it.
type line struct {
	reflect.StructField
	name, column string
}

// lines are the fields of a kind's struct without Base.
func lines(k model.KindSpec) (out []line) {
	t := reflect.TypeOf(k.New()).Elem()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			continue
		}
		l := line{f, f.Tag.Get("json"), f.Tag.Get("json")}
		if c, ok := strings.CutPrefix(f.Tag.Get("gorm"), "column:"); ok {
			l.column = c
		}
		out = append(out, l)
	}
	return out
}

func (l line) stored() bool { return l.Tag.Get("gorm") != "-" }

func (l line) sealed() bool { return l.Type == reflect.TypeFor[seal.String]() }

func (l line) choice() bool { return l.Tag.Get("code") != "" || l.Tag.Get("options") != "" }

// longest is the number of characters a text field may hold.
func (l line) longest() int {
	n := 0
	for _, o := range strings.Split(l.Tag.Get("options"), ",") {
		v, _, _ := strings.Cut(o, ":")
		n = max(n, len(v))
	}
	if m, err := strconv.Atoi(l.Tag.Get("maxLength")); err == nil {
		n = max(n, m)
	}
	return n
}

var (
	createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \(\n(.*?)\n\)`)
	addColumn   = regexp.MustCompile("ALTER TABLE (\\w+) ADD COLUMN [`\"]?(\\w+)[`\"]? (.+);")
	columnLine  = regexp.MustCompile("^ +[`\"]?(\\w+)[`\"]? (.+?),?$")
	varchar     = regexp.MustCompile(`^VARCHAR\((\d+)\)`)
)

// column is a column of a table: its name and all that follows it.
type column struct{ name, def string }

// tables are the tables of the kinds as the migrations leave them: those of 00002 and later, one ADD COLUMN a line.
func tables(t *testing.T, dialect string) map[string][]column {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("store", "migrations", dialect, "*.sql"))
	require.NoError(t, err)
	out := map[string][]column{}
	for _, file := range files {
		if filepath.Base(file) == "00001_core.sql" { // store/schema_test.go holds the tables of the core to their structs
			continue
		}
		sql, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(sql), "-- +goose Up\n"), "goose reads the first line")
		require.NotContains(t, string(sql), "+goose Down", "migrations run forward only")
		for _, m := range createTable.FindAllStringSubmatch(string(sql), -1) {
			for _, row := range strings.Split(m[2], "\n") {
				c := columnLine.FindStringSubmatch(row)
				require.NotNil(t, c, "%s %s: cannot read %q", dialect, m[1], row)
				out[m[1]] = append(out[m[1]], column{c[1], c[2]})
			}
		}
		for _, m := range addColumn.FindAllStringSubmatch(string(sql), -1) {
			out[m[1]] = append(out[m[1]], column{m[2], m[3]})
		}
	}
	return out
}

// definition is the column the Go type wants, with the width of a VARCHAR taken out: width tells whether there is one.
var definition = map[reflect.Type]struct{ sqlite, mysql string }{
	reflect.TypeFor[string]():          {"TEXT NOT NULL DEFAULT ''", "VARCHAR NOT NULL DEFAULT ''"},
	reflect.TypeFor[model.Date]():      {"TEXT NOT NULL DEFAULT ''", "VARCHAR NOT NULL DEFAULT ''"},
	reflect.TypeFor[model.Choices]():   {"TEXT NULL", "VARCHAR NULL"},
	reflect.TypeFor[*model.Location](): {"TEXT NULL", "VARCHAR NULL"},
	reflect.TypeFor[seal.String]():     {"BLOB NULL", "VARBINARY(512) NULL"},
	reflect.TypeFor[model.Time]():      {"INTEGER NULL", "BIGINT NULL"},
	reflect.TypeFor[*int]():            {"INTEGER NULL", "INT NULL"},
	reflect.TypeFor[*float64]():        {"REAL NULL", "DOUBLE NULL"},
	reflect.TypeFor[*bool]():           {"BOOLEAN NULL", "BOOLEAN NULL"},
}

func TestEveryStructHasItsColumnsInBothDialects(t *testing.T) {
	t.Parallel()
	sqlite, mysql := tables(t, "sqlite"), tables(t, "mysql")
	for _, k := range model.Kinds() {
		t.Run(string(k.Kind), func(t *testing.T) {
			t.Parallel()
			table := k.New().(interface{ TableName() string }).TableName()
			require.Equal(t, k.Table, table)
			wantLite := []column{{"record_id", "BLOB NOT NULL PRIMARY KEY"}}
			wantMy := []column{{"record_id", "BINARY(16) NOT NULL PRIMARY KEY"}}
			for _, l := range lines(k) {
				if !l.stored() {
					continue
				}
				d, ok := definition[l.Type]
				require.True(t, ok, "%s: no column type for %s", l.name, l.Type)
				if l.Tag.Get("type") == "list" {
					d.mysql = "BLOB NULL"
				}
				wantLite, wantMy = append(wantLite, column{l.column, d.sqlite}), append(wantMy, column{l.column, d.mysql})
			}
			require.ElementsMatch(t, wantLite, sqlite[table]) // a column that came later stands last, wherever its line is
			gotMy := make([]column, len(mysql[table]))
			for i, c := range mysql[table] {
				gotMy[i] = column{c.name, varchar.ReplaceAllString(c.def, "VARCHAR")}
			}
			require.ElementsMatch(t, wantMy, gotMy)
		})
	}
}

func TestEveryTextFitsItsMySQLColumn(t *testing.T) {
	t.Parallel()
	mysql := tables(t, "mysql")
	for _, k := range model.Kinds() {
		width := map[string]int{}
		for _, c := range mysql[k.Table] {
			if m := varchar.FindStringSubmatch(c.def); m != nil {
				width[c.name], _ = strconv.Atoi(m[1])
			}
		}
		for _, l := range lines(k) {
			if w, ok := width[l.column]; ok && l.Type.Kind() == reflect.String {
				require.GreaterOrEqual(t, w, l.longest(), "%s.%s", k.Kind, l.name)
			}
		}
	}
}

func TestEveryLineSaysAllThatAFormNeeds(t *testing.T) {
	t.Parallel()
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, k := range model.Kinds() {
		require.NotEmpty(t, k.Kind.Schema().Fields, k.Kind)
		seen, phones := map[string]line{}, 0
		for _, l := range lines(k) {
			at := fmt.Sprintf("%s.%s", k.Kind, l.name)
			tag := l.Tag.Get
			require.Regexp(t, snake, l.name, at)
			require.NotContains(t, seen, l.name, at)
			require.NotEmpty(t, tag("label"), at)
			require.NotEmpty(t, tag("group"), at)
			if l.Type.Kind() == reflect.String && l.Type != reflect.TypeFor[model.Date]() && !l.choice() {
				require.NotEmpty(t, tag("maxLength"), at)
			}
			if l.Type == reflect.TypeFor[*int]() || l.Type == reflect.TypeFor[*float64]() {
				require.NotEmpty(t, tag("min"), at)
				require.NotEmpty(t, tag("max"), at)
			}
			if l.Type == reflect.TypeFor[model.Choices]() {
				require.True(t, l.choice(), at)
			}
			if l.sealed() {
				require.Contains(t, []string{"id", "phone", "birth", "text"}, tag("mask"), at)
			}
			if tag("type") == "phone" || tag("type") == "id_number" {
				require.True(t, l.sealed(), "%s must be sealed", at)
			}
			if tag("search") == "phone" {
				phones++
			}
			requireCondition(t, at, tag("when"), seen)
			requireCodes(t, at, tag("code"))
			seen[l.name] = l
		}
		require.LessOrEqual(t, phones, 1, "%s: one main phone", k.Kind)
	}
}

// requireCondition wants a condition to name an earlier field and choices it has; age_years is derived.
func requireCondition(t *testing.T, at, when string, seen map[string]line) {
	t.Helper()
	if when == "" {
		return
	}
	for _, c := range strings.Split(when, "&") {
		field, values, _ := strings.Cut(c, "=")
		if field == "age_years" {
			continue
		}
		require.Contains(t, seen, field, at)
		for _, v := range strings.Split(values, "|") {
			require.Contains(t, ","+seen[field].Tag.Get("options"), ","+v+":", at)
		}
	}
}

func requireCodes(t *testing.T, at, list string) {
	t.Helper()
	if list == "" || list == "event_category" || list == "situation_or_hazard" { // merged from two lists
		return
	}
	require.FileExists(t, filepath.Join("code", list+".csv"), at)
}

// residentNo is an invented identity number with a right check digit (GB 11643: weights 2^i mod 11).
func residentNo(birth, serial string) string {
	s, sum := "410102"+birth+serial, 0
	for i, d := range s {
		sum += int(d-'0') << (17 - i)
	}
	return s + string("10X98765432"[sum%11])
}

func ptr[T any](v T) *T { return &v }

func person(change func(*model.Person)) *model.Person {
	p := &model.Person{Name: "测试甲", IDType: "111", IDNo: seal.Clear(residentNo("19900307", "123")),
		Phone: seal.Clear("13800000000"), ResidenceCategory: "registered", RelationToHead: "0"}
	change(p)
	return p
}

func place(change func(*model.Place)) *model.Place {
	p := &model.Place{Name: "测试门店", PlaceKind: "shop", Address: "测试路1号", SignName: "测试招牌", Business: "01"}
	change(p)
	return p
}

func object(change func(*model.Object)) *model.Object {
	o := &model.Object{ComponentType: "0101", Name: "上水井盖", Condition: "good", LocationText: "1号楼东侧"}
	change(o)
	return o
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		Name    string
		Element model.Element
		Faults  []string
		Warns   []string
	}{
		{Name: "an ordinary resident passes", Element: person(func(*model.Person) {})},
		{Name: "the id number may wait for the visit", Element: person(func(p *model.Person) { p.IDNo = seal.String{} })},
		{Name: "an id number with two digits swapped", Element: person(func(p *model.Person) {
			p.IDNo = seal.Clear(strings.Replace(residentNo("19900307", "123"), "4101", "4110", 1))
		}), Faults: []string{"id_no"}},
		{Name: "a passport number", Element: person(func(p *model.Person) { p.IDType, p.IDNo = "414", seal.Clear("e1234567") })},
		{Name: "an officer's card carries Han characters", Element: person(func(p *model.Person) {
			p.IDType, p.IDNo = "114", seal.Clear("测字第12345678号")
		})},
		{Name: "a passport number of three characters", Element: person(func(p *model.Person) {
			p.IDType, p.IDNo = "414", seal.Clear("E12")
		}), Faults: []string{"id_no"}},
		{Name: "a passport number with signs", Element: person(func(p *model.Person) {
			p.IDType, p.IDNo = "414", seal.Clear("=E123456")
		}), Faults: []string{"id_no"}},
		{Name: "a birth to come", Element: person(func(p *model.Person) {
			p.IDNo, p.BirthDate = seal.String{}, seal.Clear("2026-11-24")
		}), Faults: []string{"birth_date"}},
		{Name: "a birth in the century before last", Element: person(func(p *model.Person) {
			p.IDNo, p.BirthDate = seal.String{}, seal.Clear("1890-01-01")
		}), Faults: []string{"birth_date"}},
		{Name: "a phone beside no phone", Element: person(func(p *model.Person) { p.NoPhone = ptr(true) }),
			Faults: []string{"no_phone"}},
		{Name: "no phone", Element: person(func(p *model.Person) { p.Phone, p.NoPhone = seal.String{}, ptr(true) })},
		{Name: "an arrival today", Element: person(func(p *model.Person) { p.ArrivalDate = today })},
		{Name: "an arrival tomorrow", Element: person(func(p *model.Person) { p.ArrivalDate = "2026-11-24" }),
			Faults: []string{"arrival_date"}},
		{Name: "leaving before arriving", Element: person(func(p *model.Person) {
			p.ArrivalDate, p.ExpectedLeaveDate = "2026-05-02", "2026-05-01"
		}), Faults: []string{"expected_leave_date"}},
		{Name: "a child whose guardian refuses, known by the id number", Element: person(func(p *model.Person) {
			p.IDNo, p.GuardianConsent = seal.Clear(residentNo("20121124", "123")), ptr(false)
		}), Faults: []string{"guardian_consent"}},
		{Name: "a guardian's no does not matter from the 14th birthday", Element: person(func(p *model.Person) {
			p.IDNo, p.GuardianConsent = seal.Clear(residentNo("20121123", "123")), ptr(false)
		})},
		{Name: "a child with consent, known by the birth date", Element: person(func(p *model.Person) {
			p.IDNo, p.BirthDate, p.GuardianConsent = seal.String{}, seal.Clear("2020-01-01"), ptr(true)
		})},

		{Name: "a shop without a licence", Element: place(func(*model.Place) {})},
		{Name: "a licence that adds up", Element: place(func(p *model.Place) { p.Licence = "91350100M000100Y43" })},
		{Name: "a licence that does not add up is a warning", Element: place(func(p *model.Place) {
			p.Licence = "91350100M000100Y44"
		}), Warns: []string{"licence"}},
		{Name: "an overfull house is a warning", Element: place(func(p *model.Place) {
			p.PlaceKind, p.TenantsMax, p.TenantsActual = "rental_house", ptr(4), ptr(5)
		}), Warns: []string{"tenants_actual"}},

		{Name: "an event tomorrow, by a fast clock", Element: &model.Event{OccurredAt: today.Start().Add(47 * time.Hour)}},
		{Name: "an event the day after tomorrow", Element: &model.Event{OccurredAt: today.Start().Add(48 * time.Hour)},
			Faults: []string{"occurred_at"}},

		{Name: "an object found by words", Element: object(func(*model.Object) {})},
		{Name: "an object found on the map", Element: object(func(o *model.Object) {
			o.LocationText, o.Location = "", &model.Location{}
		})},
		{Name: "an identity code of the class", Element: object(func(o *model.Object) { o.IdentityCode = "4101020101000001" })},
		{Name: "an identity code of another class", Element: object(func(o *model.Object) {
			o.IdentityCode = "4101020102000001"
		}), Warns: []string{"identity_code"}},
		{Name: "an inspection to come", Element: object(func(o *model.Object) { o.LastInspected = "2026-12-01" }),
			Faults: []string{"last_inspected"}},

		{Name: "a hazard with time to put it right", Element: &model.Situation{HappenedAt: today.Start(),
			Deadline: "2026-12-01"}},
		{Name: "a deadline before the hazard", Element: &model.Situation{HappenedAt: today.Start(), Deadline: "2026-11-22"},
			Faults: []string{"deadline"}},
		{Name: "a situation to come", Element: &model.Situation{HappenedAt: today.Start().Add(24 * time.Hour)},
			Faults: []string{"happened_at"}},

		{Name: "an organisation that adds up", Element: &model.Organisation{USCC: "91350100M000100Y43", Founded: today,
			StaffCount: ptr(5), FloatingStaffCount: ptr(5)}},
		{Name: "an organisation that does not", Element: &model.Organisation{USCC: "91350100M000100Y44", Founded: "2027-01-01",
			StaffCount: ptr(5), FloatingStaffCount: ptr(6)}, Faults: []string{"founded"},
			Warns: []string{"uscc", "floating_staff_count"}},
	}
	for _, tt := range tests {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			c := &model.Check{Today: today}
			tt.Element.Validate(c)
			require.Equal(t, tt.Faults, fields(c.Faults))
			require.Equal(t, tt.Warns, fields(c.Warnings))
		})
	}
}

// fields are the names of the fields that faults or warnings are about.
func fields(found []model.FieldError) (out []string) {
	for _, f := range found {
		out = append(out, strings.TrimPrefix(f.Location, "data."))
	}
	return out
}

func TestAnIdentityNumberGivesSexAndBirthDate(t *testing.T) {
	t.Parallel()
	no := residentNo("19900307", "124")
	p := person(func(p *model.Person) {
		p.IDNo, p.Sex, p.BirthDate = seal.Clear(no), "1", seal.Clear("1980-01-01")
	})
	require.Equal(t, 36, p.AgeOn(today), "the number counts before it is validated")
	p.Validate(&model.Check{Today: today})
	birth, _ := p.BirthDate.Reveal()
	require.Equal(t, "1990-03-07", birth)
	require.Equal(t, "2", p.Sex, "the 17th digit is even")
}

func TestAPassportNumberIsKeptInUpperCase(t *testing.T) {
	t.Parallel()
	p := person(func(p *model.Person) { p.IDType, p.IDNo = "414", seal.Clear(" e1234567") })
	p.Validate(&model.Check{Today: today})
	no, _ := p.IDNo.Reveal()
	require.Equal(t, "E1234567", no)
}

func TestAgeIsUnknownWithoutABirthDate(t *testing.T) {
	t.Parallel()
	require.Equal(t, -1, (&model.Person{}).AgeOn(today))
}

func TestTitle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		Element model.Element
		Want    string
	}{
		{&model.Person{Name: "测试甲"}, "测试甲"},
		{&model.Place{Name: "1号楼门面", SignName: "测试招牌"}, "测试招牌"},
		{&model.Place{Name: "1号楼"}, "1号楼"},
		{&model.Event{Subject: "路灯不亮"}, "路灯不亮"},
		{&model.Object{Name: "井盖"}, "井盖"},
		{&model.Situation{Content: strings.Repeat("字", 21)}, strings.Repeat("字", 20)},
		{&model.Situation{Content: "短"}, "短"},
		{&model.Organisation{Name: "测试公司"}, "测试公司"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.Want, tt.Element.Title(), "%T", tt.Element)
	}
}
