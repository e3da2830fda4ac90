package sample_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

// person reads back what a record says of somebody with a resident ID.
type person map[string]any

func (p person) text(name string) string { s, _ := p[name].(string); return s }

func (p person) born() model.Date {
	if b := p.text("birth_date"); b != "" {
		return model.Date(b)
	}
	id := p.text("id_no")
	return model.Date(id[6:10] + "-" + id[10:12] + "-" + id[12:14])
}

func (p person) male() bool {
	if s := p.text("sex"); s != "" {
		return s == "1"
	}
	return (p.text("id_no")[16]-'0')%2 == 1
}

func (p person) age() int { return p.born().AgeOn(today) }

func (p person) surname() string {
	n := p.text("name")
	if strings.HasPrefix(n, "欧阳") {
		return "欧阳"
	}
	return string([]rune(n)[:1])
}

// years between two births, positive when p is older.
func (p person) olderThan(q person) float64 {
	const yearMillis = 365.2425 * 24 * 3600 * 1000
	return float64(q.born().Start()-p.born().Start()) / yearMillis
}

func first(h []map[string]any, relation string) person {
	for _, p := range h {
		if p["relation_to_head"] == relation {
			return p
		}
	}
	return nil
}

func TestIDNumbersAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	for _, h := range households(generator(10), 5000) {
		for _, p := range h {
			id := person(p).text("id_no")
			if p["id_type"] != "111" {
				require.Equal(t, "overseas", p["residence_category"])
				require.Regexp(t, `^[A-Z]\d{8}$`, id)
				continue
			}
			require.Regexp(t, `^\d{17}[\dX]$`, id)
			sum := 0
			for i, w := range weights {
				d, err := strconv.Atoi(id[i : i+1])
				require.NoError(t, err)
				sum += d * w
			}
			require.Equal(t, "10X98765432"[sum%11], id[17])
			_, err := model.ParseDate(string(person(p).born()))
			require.NoError(t, err, "a day of the calendar")
			require.LessOrEqual(t, person(p).born(), today)
			require.NotContains(t, p, "sex", "it follows from the number")
		}
	}
}

func TestHouseholdsHaveTheSizeAndCategoryAskedFor(t *testing.T) {
	t.Parallel()
	g := generator(11)
	for _, category := range []string{"registered", "floating", "overseas", "unregistered"} {
		for n := 1; n <= 20; n++ {
			h := g.Household(n, category)
			require.Len(t, h, n)
			for i, p := range h {
				require.Equal(t, category, p["residence_category"])
				require.Equal(t, i == 0, p["relation_to_head"] == "0", "the head comes first and there is one")
				require.NotEqual(t, p["phone"] != nil, p["no_phone"] == true, "a phone, or none")
			}
			require.GreaterOrEqual(t, person(h[0]).age(), 18)
		}
	}
}

func TestFamiliesMakeSense(t *testing.T) {
	t.Parallel()
	couples, children, ofFather := 0, 0, 0
	for _, h := range households(generator(12), 20_000) {
		head, spouse := person(h[0]), first(h, "1")
		parents := []person{head}
		if spouse != nil {
			couples++
			parents = append(parents, spouse)
			require.NotEqual(t, head.male(), spouse.male())
			require.InDelta(t, 0, head.olderThan(spouse), 5)
			require.GreaterOrEqual(t, spouse.age(), 19)
		}
		for _, m := range h {
			p := person(m)
			switch rel := p.text("relation_to_head"); rel {
			case "2", "3":
				require.Equal(t, rel == "2", p.male())
				for _, parent := range parents {
					require.InDelta(t, 29, parent.olderThan(p), 9.1, "20 to 38 years")
					if parent.male() && p["residence_category"] != "overseas" {
						children++
						if parent.surname() == p.surname() {
							ofFather++
						}
					}
				}
			case "4":
				require.GreaterOrEqual(t, head.olderThan(p), 38.0)
			case "5":
				require.InDelta(t, 29, p.olderThan(head), 9.1)
				require.Less(t, p.age(), 101)
			}
		}
	}
	require.Greater(t, couples, 1000)
	require.Greater(t, float64(ofFather)/float64(children), 0.9)
	require.Less(t, ofFather, children)
}

func TestChildrenUnderFourteenHaveAGuardianAndOthersNone(t *testing.T) {
	t.Parallel()
	under := 0
	for _, h := range households(generator(13), 10_000) {
		for _, m := range h {
			p := person(m)
			if p.age() >= 14 {
				require.NotContains(t, p, "guardian_name")
				continue
			}
			under++
			require.Equal(t, true, p["guardian_consent"])
			require.NotEmpty(t, p.text("guardian_relation"))
			found := false
			for _, g := range h {
				found = found || g["name"] == p["guardian_name"] && g["phone"] == p["guardian_phone"] && person(g).age() >= 18
			}
			require.True(t, found, "the guardian lives here and is of age")
			require.Contains(t, []any{nil, "10"}, p["marital_status"])
		}
	}
	require.Greater(t, under, 500)
}

func TestFieldsFitTheCategory(t *testing.T) {
	t.Parallel()
	g := generator(14)
	floating := []string{"arrival_date", "inflow_reason", "stay_type"}
	for range 400 {
		for _, p := range g.Household(g.HouseholdSize(), "floating") {
			for _, name := range floating {
				require.Contains(t, p, name)
			}
			require.GreaterOrEqual(t, person(p).text("arrival_date"), string(person(p).born()))
			require.LessOrEqual(t, person(p).text("arrival_date"), string(today))
			if leave := person(p).text("expected_leave_date"); leave != "" {
				require.Greater(t, leave, string(today))
			}
		}
		for _, p := range g.Household(g.HouseholdSize(), "registered") {
			for _, name := range append(floating, "nationality", "permit_no", "landlord_name") {
				require.NotContains(t, p, name)
			}
		}
		for _, p := range g.Household(g.HouseholdSize(), "overseas") {
			require.Equal(t, "414", p["id_type"])
			require.NotContains(t, p, "ethnicity")
			require.Regexp(t, `^[A-Za-z]+ [A-Za-z]+$`, p["latin_name"])
			require.Greater(t, person(p).text("stay_until"), string(today))
		}
	}
}

func TestSharesAreThoseOfTheStreet(t *testing.T) {
	t.Parallel()
	g := generator(15)
	const n = 40_000
	sizes, categories := map[int]float64{}, map[string]float64{}
	for range n {
		sizes[g.HouseholdSize()] += 100.0 / n
		categories[g.Category()] += 100.0 / n
	}
	for size, want := range map[int]float64{1: 22, 2: 32, 3: 27, 4: 12, 5: 5, 6: 2} {
		require.InDelta(t, want, sizes[size], 1, "households of %d", size)
	}
	require.Len(t, sizes, 6)
	require.InDelta(t, 24, categories["floating"], 1)
	require.InDelta(t, 0.3, categories["overseas"], 0.15)
	require.InDelta(t, 0.4, categories["unregistered"], 0.15)
	people, han, old := 0, 0.0, 0.0
	for _, h := range households(g, n) {
		for _, p := range h {
			people++
			if p["ethnicity"] == "01" {
				han++
			}
			if person(p).age() >= 65 {
				old++
			}
		}
	}
	require.InDelta(t, 0.84, han/float64(people), 0.03)
	require.InDelta(t, 0.16, old/float64(people), 0.06)
}
