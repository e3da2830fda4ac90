package code

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func loaded(t *testing.T) *Lists {
	t.Helper()
	l, err := Load()
	require.NoError(t, err)
	return l
}

func TestAllListsAreThere(t *testing.T) {
	t.Parallel()
	l := loaded(t)
	names := l.Names()
	require.True(t, slices.IsSorted(names))
	for name, items := range map[string]int{
		"city_event_type": 60, "component_type": 92, "dwelling_type": 8, "education": 42, "enterprise_type": 5, "ethnicity": 58,
		"hazard_type": 6, "hazardous_chemical": 8, "hukou_type": 9, "id_type": 7, "inflow_reason": 10, "marital_status": 8,
		"nationality": 239, "political_status": 13, "relation_to_head": 9, "relation_to_owner": 10, "rental_use": 7,
		"residence_permit_type": 3, "service_event_type": 52, "sex": 4, "situation_category": 20, "social_organisation_type": 5,
		"venue_class": 16, "venue_type": 101, "event_category": 112, "situation_or_hazard": 26,
	} {
		require.Contains(t, names, name)
		got, ok := l.List(name)
		require.True(t, ok, name)
		require.Len(t, got, items, name)
	}
	require.Len(t, names, 26)
}

func TestListsAreSound(t *testing.T) {
	t.Parallel()
	l := loaded(t)
	for _, name := range l.Names() {
		items, _ := l.List(name)
		var last Item
		for _, it := range items {
			require.Equal(t, strings.TrimSpace(it.Code), it.Code, name)
			require.NotContains(t, it.Name, "\ufeff", name)
			if it.Level == "sub" {
				require.True(t, l.Has(name, it.Parent), "%s %s", name, it.Code)
				require.True(t, strings.HasPrefix(it.Code, it.Parent), "%s %s is below its parent", name, it.Code)
			} else {
				require.Empty(t, it.Parent, "%s %s", name, it.Code)
			}
			// 其他 closes its level, except in GB/T 3304, which has 98 after 97; whoever adds a code puts it before.
			if last.Code != "" && it.Parent == last.Parent && it.Code[0] == last.Code[0] && it.Level == last.Level {
				require.True(t, last.Name != "其他" || name == "ethnicity", "%s: %s comes after 其他", name, it.Code)
			}
			last = it
		}
	}
}

func TestFaultsOfTheSourcesStayMended(t *testing.T) {
	t.Parallel()
	l := loaded(t)
	items, _ := l.List("social_organisation_type")
	require.Equal(t, "99", items[len(items)-1].Code, "其他 is last")
	name, _ := l.Name("nationality", "807")
	require.Equal(t, "前南马其顿", name)
}

func TestCodesAndNamesAreFoundBothWays(t *testing.T) {
	t.Parallel()
	l := loaded(t)
	name, ok := l.Name("id_type", "111")
	require.True(t, ok)
	require.Equal(t, "身份证", name)
	code, ok := l.Code("ethnicity", " 回族\u3000")
	require.True(t, ok)
	require.Equal(t, "03", code)
	for _, list := range l.Names() {
		items, _ := l.List(list)
		for _, it := range items {
			require.True(t, l.Has(list, it.Code))
			label, ok := l.Label(list, it.Code)
			require.True(t, ok)
			back, ok := l.Code(list, label)
			require.True(t, ok, "%s %s", list, label)
			require.Equal(t, it.Code, back, "%s %s", list, label)
		}
	}
}

func TestWhatIsNotInAListIsNotFound(t *testing.T) {
	t.Parallel()
	l := loaded(t)
	for _, c := range [][2]string{{"sex", "3"}, {"sex", ""}, {"none", "1"}, {"event_category", "0101"}, {"component_type", "1"}} {
		require.False(t, l.Has(c[0], c[1]))
		_, ok := l.Name(c[0], c[1])
		require.False(t, ok)
		_, ok = l.Label(c[0], c[1])
		require.False(t, ok)
		_, _, ok = l.Origin(c[0], c[1])
		require.False(t, ok)
	}
	for _, c := range [][2]string{{"sex", "女"}, {"sex", ""}, {"none", "女性"}, {"service_event_type", "其他"}, {"sex", "女性(1)"},
		{"sex", "女性(2"}} {
		_, ok := l.Code(c[0], c[1])
		require.False(t, ok, "%s is not guessed", c[1])
	}
	_, ok := l.List("none")
	require.False(t, ok)
	require.Empty(t, l.Version("none"))
}

func TestMergedListsKeepTheirSourcesApart(t *testing.T) {
	t.Parallel()
	l := loaded(t)
	for _, c := range []struct{ list, code, name, origin, original string }{
		{"event_category", "C01", "市容环境", "city_event_type", "01"},
		{"event_category", "C0101", "私搭乱建", "city_event_type", "0101"},
		{"event_category", "S01", "民生服务", "service_event_type", "01"},
		{"event_category", "S0202", "信访问题处理", "service_event_type", "0202"},
		{"situation_or_hazard", "S01", "党纪政纪", "situation_category", "01"},
		{"situation_or_hazard", "H01", "治安隐患", "hazard_type", "01"},
		{"sex", "1", "男性", "sex", "1"},
	} {
		name, ok := l.Name(c.list, c.code)
		require.True(t, ok, c.code)
		require.Equal(t, c.name, name)
		origin, original, ok := l.Origin(c.list, c.code)
		require.True(t, ok)
		require.Equal(t, []string{c.origin, c.original}, []string{origin, original})
	}
	items, _ := l.List("event_category")
	for _, it := range items {
		if len(it.Code) == 5 {
			require.Equal(t, it.Code[:3], it.Parent)
		}
	}
}

func TestItemsAreWrittenAsTheContractSays(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal([]Item{{Code: "01", Name: "甲", Level: "main"}, {Code: "0101", Name: "乙", Parent: "01", Level: "sub"}})
	require.NoError(t, err)
	require.JSONEq(t, `[{"code":"01","name":"甲"},{"code":"0101","name":"乙","parent":"01"}]`, string(b))
}

func TestAVersionTellsListsApartAndChangesWithThem(t *testing.T) {
	t.Parallel()
	l, seen := loaded(t), map[string]string{}
	for _, name := range l.Names() {
		v := l.Version(name)
		require.Regexp(t, "^[0-9a-f]{16}$", v)
		require.Empty(t, seen[v], name)
		seen[v] = name
		require.Equal(t, v, Default().Version(name), "the same after another start")
	}
	one, err := load(fstest.MapFS{"a.csv": {Data: []byte("code,name\n1,x\n")}})
	require.NoError(t, err)
	two, err := load(fstest.MapFS{"a.csv": {Data: []byte("code,name\n1,y\n")}})
	require.NoError(t, err)
	require.NotEqual(t, one.Version("a"), two.Version("a"))
}

func TestBadListsAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":            "",
		"no rows":          "code,name\n",
		"other header":     "name,code\nx,1\n",
		"byte order mark":  "\ufeffcode,name\n1,x\n",
		"code twice":       "code,name\n1,x\n1,y\n",
		"no code":          "code,name\n,x\n",
		"no name":          "code,name\n1,\n",
		"space":            "code,name\n1,x \n",
		"ragged":           "code,name\n1\n",
		"unknown parent":   "code,name,parent,level\n01,x,,main\n0201,y,02,sub\n",
		"own parent":       "code,name,parent,level\n01,x,01,main\n",
		"a quote too many": "code,name\n1,\"x\n",
	} {
		_, err := load(fstest.MapFS{"a.csv": {Data: []byte(text)}})
		require.ErrorIs(t, err, ErrList, name)
	}
}

func TestAppendingToAListLeavesItAlone(t *testing.T) {
	t.Parallel()
	l := loaded(t)
	items, _ := l.List("sex")
	_ = append(items, Item{Code: "x"})
	again, _ := l.List("sex")
	require.Len(t, again, 4)
	l.Names()[0] = "changed"
	require.NotEqual(t, "changed", l.Names()[0])
}

func FuzzCode(f *testing.F) {
	for _, s := range []string{"其他", "其他(0113)", "(", ")", "()", ""} {
		f.Add(s)
	}
	l := Default()
	f.Fuzz(func(t *testing.T, s string) {
		if code, ok := l.Code("service_event_type", s); ok && !l.Has("service_event_type", code) {
			t.Fatal("a name led to no code")
		}
	})
}

func TestACodeOfANationalListIsUnderstoodInAMergedOne(t *testing.T) {
	t.Parallel()
	l := Default()
	for _, c := range []struct {
		list, code, want string
		ok               bool
	}{
		{"event_category", "C0102", "C0102", true},
		{"event_category", "0102", "C0102", true}, // in both: the city's
		{"event_category", "0202", "C0202", true},
		{"event_category", "0228", "S0228", true}, // a service event only
		{"situation_or_hazard", "14", "S14", true},
		{"situation_or_hazard", "99", "H99", true}, // a hazard only
		{"event_category", "9999", "", false},
		{"sex", "1", "1", true},
		{"sex", "C1", "", false},
		{"none", "1", "", false},
	} {
		got, ok := l.Settle(c.list, c.code)
		if got != c.want || ok != c.ok {
			t.Errorf("Settle(%s, %s) = %s, %t", c.list, c.code, got, ok)
		}
	}
}
