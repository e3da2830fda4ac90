package sample_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/model"
)

const today = model.Date("2026-03-01")

func generator(seed uint64) *sample.Generator {
	return sample.New(sample.Options{Seed: seed, Today: today})
}

// households makes households until they hold at least n people.
func households(g *sample.Generator, n int) (out [][]map[string]any) {
	for n > 0 {
		h := g.Household(g.HouseholdSize(), g.Category())
		out, n = append(out, h), n-len(h)
	}
	return out
}

// codes are the code lists of model/code, and the two that are put together from others.
type codes map[string]map[string]string

func (c codes) Settle(list, code string) (string, bool) { _, ok := c[list][code]; return code, ok }

func (c codes) Name(list, code string) (string, bool) { n, ok := c[list][code]; return n, ok }

func loadCodes(t *testing.T) codes {
	t.Helper()
	c := codes{"event_category": {}, "situation_or_hazard": {}}
	files, err := filepath.Glob("../../model/code/*.csv")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(t, err)
		rows, err := csv.NewReader(f).ReadAll()
		require.NoError(t, err)
		require.NoError(t, f.Close())
		list := strings.TrimSuffix(filepath.Base(name), ".csv")
		c[list] = map[string]string{}
		for _, r := range rows[1:] {
			c[list][r[0]] = r[1]
		}
	}
	for merged, parts := range map[string]map[string]string{
		"event_category":      {"C": "city_event_type", "S": "service_event_type"},
		"situation_or_hazard": {"S": "situation_category", "H": "hazard_type"},
	} {
		for prefix, list := range parts {
			for code, name := range c[list] {
				c[merged][prefix+code] = name
			}
		}
	}
	return c
}

// everything is one of each for n rounds, by kind of element.
func everything(g *sample.Generator, n int) map[model.Kind][]map[string]any {
	out := map[model.Kind][]map[string]any{}
	for _, h := range households(g, n) {
		out[model.KindPerson] = append(out[model.KindPerson], h...)
	}
	for _, category := range []string{"registered", "floating", "overseas", "unregistered"} {
		for size := range 12 {
			out[model.KindPerson] = append(out[model.KindPerson], g.Household(size+1, category)...)
		}
	}
	for range n {
		for _, kind := range []string{"house", "rental_house", "shop", "venue", "underground", "site", "public_space"} {
			out[model.KindPlace] = append(out[model.KindPlace], g.Place(kind))
		}
		out[model.KindEvent] = append(out[model.KindEvent], g.Event())
		out[model.KindObject] = append(out[model.KindObject], g.Object())
		out[model.KindSituation] = append(out[model.KindSituation], g.Situation())
		out[model.KindOrganisation] = append(out[model.KindOrganisation], g.Organisation())
	}
	return out
}

func TestTheSameSeedGivesTheSameStreet(t *testing.T) {
	t.Parallel()
	text := func(seed uint64) string {
		g := generator(seed)
		b, err := json.Marshal([]any{everything(g, 60), g.Phone(), g.StaffName(), g.Shop(), g.Building(4, "410102002001")})
		require.NoError(t, err)
		return string(b)
	}
	first := text(7)
	require.Equal(t, first, text(7))
	require.NotEqual(t, first, text(8))
}

func TestAnOptionlessGeneratorWorks(t *testing.T) {
	t.Parallel()
	for _, day := range []model.Date{"", "2026-13-40", "today"} {
		h := sample.New(sample.Options{Today: day}).Household(0, "registered")
		require.Len(t, h, 1, "at least the head, with Today %q", day)
	}
}

func TestEveryRecordIsAcceptedAsVerifiedWithoutWarnings(t *testing.T) {
	t.Parallel()
	list := loadCodes(t)
	for kind, records := range everything(generator(1), 1500) {
		require.NotEmpty(t, records)
		for _, data := range records {
			raw, err := json.Marshal(data)
			require.NoError(t, err)
			out, err := kind.Schema().Decode(raw, model.Decode{Codes: list, Today: today, Verified: kind == model.KindPerson})
			require.NoError(t, err, "%s %s", kind, raw)
			for _, w := range out.Warnings {
				require.Equal(t, model.TooManyTenants, w.Code, "%s %s", kind, raw)
			}
		}
	}
}

func TestEveryFieldOfEveryFormComesUp(t *testing.T) {
	t.Parallel()
	for kind, records := range everything(generator(2), 3000) {
		seen := map[string]bool{"photos": true}
		for _, data := range records {
			for name := range data {
				seen[name] = true
			}
		}
		for _, f := range kind.Schema().Fields {
			require.True(t, seen[f.Name], "%s.%s", kind, f.Name)
		}
	}
}

func TestOptionalFieldsAreSometimesLeftOut(t *testing.T) {
	t.Parallel()
	left := map[string]int{}
	people := 0
	for _, h := range households(generator(3), 4000) {
		for _, p := range h {
			people++
			for _, name := range []string{"ethnicity", "education", "political_status", "marital_status", "hukou_type",
				"work_unit", "occupation", "household_consistency", "help_wanted", "emergency_contact_name"} {
				if _, ok := p[name]; !ok {
					left[name]++
				}
			}
		}
	}
	require.Len(t, left, 10)
	for name, n := range left {
		require.Less(t, n, people, name)
		require.Greater(t, n, people/20, name)
	}
}

func TestEveryCodeOfACityIsASubClass(t *testing.T) {
	t.Parallel()
	g := generator(4)
	for range 2000 {
		require.Len(t, g.Event()["category"], 5, "a letter and four digits")
		o := g.Object()
		require.Len(t, o["component_type"], 4)
		if code, ok := o["identity_code"].(string); ok {
			require.Regexp(t, `^410102\d{10}$`, code)
			require.Equal(t, o["component_type"], code[6:10])
		}
	}
}

func TestNumbersAreValidAndGivenOnce(t *testing.T) {
	t.Parallel()
	g := generator(5)
	mobile := regexp.MustCompile(`^1[3-9]\d{9}$`)
	seen := map[string]bool{}
	once := func(s string) {
		require.False(t, seen[s], "given twice")
		seen[s] = true
	}
	for _, h := range households(g, 50_000) {
		for _, p := range h {
			once(p["id_no"].(string))
			if phone, ok := p["phone"].(string); ok {
				require.Regexp(t, mobile, phone)
				once(phone)
			}
		}
	}
	for range 5000 {
		if licence, ok := g.Shop()["licence"].(string); ok {
			once(licence)
			require.True(t, goodUSCC(licence), licence)
		}
		once(g.Phone())
	}
}

// goodUSCC follows the formula in domain.md, on its own.
func goodUSCC(s string) bool {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	if len(s) != 18 {
		return false
	}
	sum, weight := 0, 1
	for i := range 17 {
		sum += strings.IndexByte(alphabet, s[i]) * weight
		weight = weight * 3 % 31
	}
	return alphabet[(31-sum%31)%31] == s[17]
}

func TestBuildingsDifferAndStandInTheStreet(t *testing.T) {
	t.Parallel()
	g := generator(6)
	before := g.Building(70, "410102002001")
	names := map[string]bool{}
	rooms := 0
	for i := range 710 {
		b := g.Building(i, "410102002001")
		require.False(t, names[b.Name], b.Name)
		names[b.Name] = true
		require.Regexp(t, `^\p{Han}+\d+号院\d号楼$`, b.Name)
		require.Contains(t, b.Address, b.Name)
		require.NotEmpty(t, b.Kind)
		require.InDelta(t, 113.62, b.Lon, 0.02)
		require.InDelta(t, 34.75, b.Lat, 0.02)
		require.Positive(t, b.Units*b.Floors*b.RoomsPerFloor)
		require.LessOrEqual(t, b.Floors, 33)
		rooms += b.Rooms()
	}
	require.Equal(t, "建设路62号院1号楼", g.Building(0, "").Name)
	require.InDelta(t, 230, rooms/710, 60, "71 buildings hold some 14,000 households")
	g.Phone()
	require.Equal(t, before, g.Building(70, "410102002001"), "buildings do not depend on what was drawn before")
	require.NotEqual(t, before.Lon, g.Building(70, "410102002002").Lon, "another community lies elsewhere")
}

func BenchmarkStreet(b *testing.B) {
	for b.Loop() {
		households(generator(1), 34_804)
	}
}
