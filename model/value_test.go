package model_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/seal"
)

// fullPerson has something of each mask.
func fullPerson() *model.Person {
	return &model.Person{Name: "测试甲", IDType: "111", IDNo: seal.Clear("410102199003071234"), BirthDate: seal.Clear("1990-03-07"),
		Phone: seal.Clear("15400001234"), PermitNo: seal.Clear("4101022026000000001"), LandlordName: "测试乙", ArrivalDate: "2026-05-01",
		LandlordPhone: seal.Clear("0371-12345678"), HelpWanted: model.Choices{"veteran", "other"}, NoPhone: ptr(false),
		ResidenceCategory: "floating", RelationToHead: "0"}
}

func encoded(t *testing.T, e model.Element, k model.Kind, v model.View) map[string]any {
	t.Helper()
	out := map[string]any{}
	require.NoError(t, json.Unmarshal(k.Schema().Encode(e, model.ExtraData{"dog": true}, v), &out))
	return out
}

func TestSensitiveValuesAreShownMasked(t *testing.T) {
	t.Parallel()
	want := map[string]any{"name": "测**", "id_type": "111", "id_no": "410***********1234", "birth_date": "1990", "age": 36.0,
		"phone": "154****1234", "permit_no": "410************0001", "landlord_name": "测**", "landlord_phone": "0371****78",
		"help_wanted": []any{"veteran", "other"}, "no_phone": false, "residence_category": "floating", "relation_to_head": "0",
		"arrival_date": "2026-05-01", "extra": map[string]any{"dog": true}}
	require.Equal(t, want, encoded(t, fullPerson(), model.KindPerson, model.View{Today: today}))

	want["name"], want["landlord_name"] = "测试甲", "测试乙"
	require.Equal(t, want, encoded(t, fullPerson(), model.KindPerson, model.View{Today: today, Names: true}))

	want["phone"] = "15400001234"
	require.Equal(t, want, encoded(t, fullPerson(), model.KindPerson,
		model.View{Today: today, Names: true, Full: map[string]bool{"phone": true}}), "revealed is what was asked for and nothing else")
	require.Equal(t, map[string]any{"extra": map[string]any{"dog": true}}, encoded(t, &model.Person{}, model.KindPerson,
		model.View{}))
}

func TestPartiesAreShownMasked(t *testing.T) {
	t.Parallel()
	e := &model.Event{Subject: "测试", Parties: seal.Clear(`[{"name":"测试甲","phone":"15400001234"},{"name":"测试乙"}]`)}
	list := func(v model.View) any { return encoded(t, e, model.KindEvent, v)["parties"] }
	require.Equal(t, []any{map[string]any{"name": "测**", "phone": "154****1234"}, map[string]any{"name": "测**"}}, list(model.View{}))
	require.Equal(t, []any{map[string]any{"name": "测试甲", "phone": "154****1234"}, map[string]any{"name": "测试乙"}},
		list(model.View{Names: true}))
	require.Equal(t, []any{map[string]any{"name": "测试甲", "phone": "15400001234"}, map[string]any{"name": "测试乙"}},
		list(model.View{Full: map[string]bool{"parties": true}}))
}

// Every masked field of every kind hides something, and what it shows is refused when it is sent back.
func TestEveryMaskedFieldHidesAndIsRefusedSentBack(t *testing.T) {
	t.Parallel()
	sample := map[string]string{"id": "410102199003071234", "phone": "15400001234", "name": "测试甲", "birth": "1990-03-07"}
	n := 0
	for _, k := range model.Kinds() {
		s := k.Kind.Schema()
		for _, f := range s.Fields {
			if !f.Masked || f.Type == model.TypeList {
				continue
			}
			n++
			d := options()
			d.Base = k.New()
			set, _ := s.Decode(raw(t, map[string]any{f.Name: sample[f.Mask]}), d)
			shown := map[string]any{}
			require.NoError(t, json.Unmarshal(s.Encode(set.Element, nil, model.View{}), &shown))
			require.NotEmpty(t, shown[f.Name], "%s.%s", k.Kind, f.Name)
			require.NotEqual(t, sample[f.Mask], shown[f.Name], "%s.%s", k.Kind, f.Name)
			_, err := s.Decode(raw(t, map[string]any{f.Name: shown[f.Name]}), d)
			require.Contains(t, locations(err), "data."+f.Name+" field.masked")
		}
	}
	require.Greater(t, n, 15)
}

func TestASealedValueThatWasNotOpenedIsNotShown(t *testing.T) {
	t.Parallel()
	var s seal.String
	require.NoError(t, s.Scan(append([]byte{0xff, 0x06, 1}, make([]byte, 40)...)))
	require.NotContains(t, encoded(t, &model.Person{Name: "测试甲", IDNo: s}, model.KindPerson, model.View{}), "id_no")
}

func TestDiff(t *testing.T) {
	t.Parallel()
	s := model.KindPerson.Schema()
	before := fullPerson()
	require.Empty(t, s.Diff(before, fullPerson(), nil, nil), "equal values behind other pointers")
	require.Empty(t, s.Diff(before, s.Clone(before), nil, model.ExtraData{}))
	after := fullPerson()
	after.Phone, after.PermitNo, after.WorkUnit, after.NoPhone = seal.Clear("15400009876"), seal.String{}, "测试单位", ptr(true)
	after.HelpWanted = model.Choices{"veteran"}
	change := func(field, b, a string) model.Change {
		c := model.Change{Field: field}
		if b != "" {
			c.Before = json.RawMessage(b)
		}
		if a != "" {
			c.After = json.RawMessage(a)
		}
		return c
	}
	require.Equal(t, []model.Change{
		change("phone", `"15400001234"`, `"15400009876"`),
		change("no_phone", "false", "true"),
		change("work_unit", "", `"测试单位"`),
		change("help_wanted", `["veteran","other"]`, `["veteran"]`),
		change("permit_no", `"4101022026000000001"`, ""),
		change("extra", `{"a":1}`, ""),
	}, s.Diff(before, after, model.ExtraData{"a": 1}, nil))
	require.Len(t, s.Diff(nil, after, nil, nil), 13, "a new record's fields are all new")
}

func TestAChangeIsShownMaskedAsItsField(t *testing.T) {
	t.Parallel()
	p, e := model.KindPerson.Schema(), model.KindEvent.Schema()
	for _, c := range []struct {
		s     *model.Schema
		field string
		raw   string
		view  model.View
		want  any
	}{
		{p, "phone", `"15400001234"`, model.View{}, "154****1234"},
		{p, "phone", `"15400001234"`, model.View{Names: true}, "154****1234"},
		{p, "name", `"测试甲"`, model.View{}, "测**"},
		{p, "name", `"测试甲"`, model.View{Names: true}, "测试甲"},
		{p, "birth_date", `"1990-03-07"`, model.View{}, "1990"},
		{p, "work_unit", `"测试单位"`, model.View{}, json.RawMessage(`"测试单位"`)},
		{p, "extra", `{"a":1}`, model.View{Names: true}, json.RawMessage(`{"a":1}`)},
		{p, "extra", `{"a":1}`, model.View{}, "***"},
		{p, model.MovedTo, `"测试甲家"`, model.View{Names: true}, json.RawMessage(`"测试甲家"`)},
		{p, model.MovedTo, `"测试甲家"`, model.View{}, "***"},
		{p, model.MovedTo, "", model.View{}, nil},
		{p, "phone", "", model.View{}, nil},
		{e, "parties", `[{"name":"测试甲","phone":"15400001234"}]`, model.View{}, []map[string]string{{"name": "测**",
			"phone": "154****1234"}}},
		{e, "parties", `"x"`, model.View{}, nil},
	} {
		require.Equal(t, c.want, c.s.ShowChange(c.field, json.RawMessage(c.raw), c.view), "%s", c.field)
	}
}

func TestTextForALedger(t *testing.T) {
	t.Parallel()
	text := func(k model.Kind, e model.Element, field string, clear bool) string {
		f, ok := k.Schema().Field(field)
		require.True(t, ok, field)
		return f.Text(e, code.Default(), clear)
	}
	p := fullPerson()
	ev := &model.Event{Subject: "测试", Category: "C0101", OccurredAt: today.Start(), PeopleCount: ptr(3),
		Location: &model.Location{Lon: 113.6, Lat: 34.75, System: "gcj02"},
		Parties:  seal.Clear(`[{"name":"测试甲","phone":"15400001234"},{"name":"测试乙"}]`)}
	pl := &model.Place{FloorArea: ptr(12.5), FireExit: ptr(true)}
	for _, c := range []struct {
		k     model.Kind
		e     model.Element
		field string
		clear bool
		want  string
	}{
		{model.KindPerson, p, "name", false, "测**"}, {model.KindPerson, p, "name", true, "测试甲"},
		{model.KindPerson, p, "id_no", false, "410***********1234"}, {model.KindPerson, p, "id_no", true, "410102199003071234"},
		{model.KindPerson, p, "birth_date", false, "1990"}, {model.KindPerson, p, "id_type", false, "身份证"},
		{model.KindPerson, p, "help_wanted", false, "退役军人、其他"}, {model.KindPerson, p, "no_phone", false, "否"},
		{model.KindPerson, p, "residence_category", false, "流动"}, {model.KindPerson, p, "origin", false, ""},
		{model.KindPlace, pl, "floor_area", false, "12.5"}, {model.KindPlace, pl, "fire_exit", false, "是"},
		{model.KindEvent, ev, "occurred_at", false, "2026-11-23 00:00"}, {model.KindEvent, ev, "people_count", false, "3"},
		{model.KindEvent, ev, "location", false, "113.600000,34.750000"}, {model.KindEvent, ev, "parties", false,
			"测** 154****1234；测**"},
		{model.KindEvent, ev, "parties", true, "测试甲 15400001234；测试乙"},
	} {
		require.Equal(t, c.want, text(c.k, c.e, c.field, c.clear), c.field)
	}
	require.False(t, strings.HasPrefix(text(model.KindEvent, ev, "category", false), "C"), "a code is shown by its name")
}
