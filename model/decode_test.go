package model_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/seal"
)

// good is data that a kind takes as it is, as a client sends it.
func good(k model.Kind) map[string]any {
	return map[model.Kind]map[string]any{
		model.KindPerson: {"name": "测试甲", "id_no": residentNo("19900307", "123"), "phone": "15400001234",
			"residence_category": "registered", "relation_to_head": "0"},
		model.KindPlace: {"name": "测试门店", "place_kind": "shop", "address": "测试路1号", "sign_name": "测试招牌", "business": "01"},
		model.KindEvent: {"title": "路灯不亮", "category": "C0101", "description": "测试", "occurred_at": "2026-11-23T08:30:00+08:00",
			"urgency": "normal"},
		model.KindObject:    {"component_type": "0101", "name": "井盖", "condition": "good", "location_text": "1号楼东侧"},
		model.KindSituation: {"category": "S01", "content": "测试", "situation_kind": "demand"},
		model.KindOrganisation: {"name": "测试公司", "org_kind": "enterprise", "contact_name": "测试甲", "contact_phone": "15400001234",
			"business_address": "测试路1号"},
	}[k]
}

// with is the data with some members changed; nil takes one out.
func with(data map[string]any, change map[string]any) map[string]any {
	out := maps.Clone(data)
	for k, v := range change {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

func raw(t testing.TB, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

func options() model.Decode { return model.Decode{Codes: code.Default(), Today: today} }

// locations are the fields at fault with the code of each.
func locations(err error) (out []string) {
	var e *model.Error
	if !errorsAs(err, &e) {
		return nil
	}
	for _, f := range e.Fields {
		out = append(out, f.Location+" "+string(f.Code))
	}
	slices.Sort(out)
	return out
}

func errorsAs(err error, e **model.Error) bool {
	got, ok := err.(*model.Error) //nolint:errorlint // Decode returns it bare
	*e = got
	return ok
}

func TestGoodDataOfEveryKindIsTaken(t *testing.T) {
	t.Parallel()
	for _, k := range model.Kinds() {
		got, err := k.Kind.Schema().Decode(raw(t, good(k.Kind)), options())
		require.NoError(t, err, "%s: %v", k.Kind, locations(err))
		require.Empty(t, got.Warnings, k.Kind)
		require.True(t, got.Touched)
		require.IsType(t, k.New(), got.Element)
		require.NotEmpty(t, got.Element.Title())

		back := map[string]any{}
		full := map[string]bool{}
		for _, f := range k.Kind.Schema().Fields {
			full[f.Name] = true
		}
		require.NoError(t, json.Unmarshal(k.Kind.Schema().Encode(got.Element, nil, model.View{Names: true, Full: full}), &back))
		for name, v := range good(k.Kind) {
			if name == "occurred_at" {
				v = "2026-11-23T08:30:00.000+08:00"
			}
			require.Equal(t, v, back[name], "%s.%s comes back", k.Kind, name)
		}
	}
}

func TestEveryRequiredFieldIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, k := range model.Kinds() {
		s := k.Kind.Schema()
		_, err := s.Decode(json.RawMessage(`{}`), options())
		require.True(t, model.IsCode(err, model.Invalid), k.Kind)
		var want []string
		for _, f := range s.Fields {
			if f.Required && f.When == nil && f.Default == "" {
				want = append(want, "data."+f.Name+" field.required")
			}
		}
		slices.Sort(want)
		require.Equal(t, want, locations(err), k.Kind)
	}
}

// decodeCase is data and what Decode says to it.
type decodeCase struct {
	Name   string
	Kind   model.Kind
	Data   any
	Code   model.Code // of the whole; "" when it is taken
	Faults []string
	Check  func(t *testing.T, got model.Decoded)
}

func (c decodeCase) run(t *testing.T, d model.Decode) {
	t.Helper()
	data, ok := c.Data.(json.RawMessage)
	if !ok {
		data = raw(t, c.Data)
	}
	got, err := c.Kind.Schema().Decode(data, d)
	if c.Code == "" {
		require.NoError(t, err, "%v", locations(err))
	} else {
		require.True(t, model.IsCode(err, c.Code), "%v", err)
	}
	if c.Faults != nil {
		require.Equal(t, c.Faults, locations(err))
	}
	if c.Check != nil {
		c.Check(t, got)
	}
}

func shape(name string, k model.Kind, change map[string]any, fault string) decodeCase {
	c := decodeCase{Name: name, Kind: k, Data: with(good(k), change)}
	if fault != "" {
		c.Code, c.Faults = model.Invalid, []string{fault}
	}
	return c
}

func TestDecodeShapes(t *testing.T) {
	t.Parallel()
	const p, pl, ev, ob, or = model.KindPerson, model.KindPlace, model.KindEvent, model.KindObject, model.KindOrganisation
	long := strings.Repeat("字", 65)
	cases := []decodeCase{
		{Name: "an array", Kind: p, Data: json.RawMessage(`[]`), Code: model.Invalid},
		{Name: "null", Kind: p, Data: json.RawMessage(`null`), Code: model.Invalid},
		{Name: "nothing", Kind: p, Data: json.RawMessage(``), Code: model.Malformed},
		{Name: "a text", Kind: p, Data: json.RawMessage(`"x"`), Code: model.Invalid},
		{Name: "an object cut short", Kind: p, Data: json.RawMessage(`{"name":"x"`), Code: model.Malformed},
		{Name: "two objects", Kind: p, Data: json.RawMessage(`{} {}`), Code: model.Malformed},
		{Name: "an object and more", Kind: p, Data: json.RawMessage(`{}x`), Code: model.Malformed},
		{Name: "a key that comes twice counts the last time", Kind: ob, Check: func(t *testing.T, got model.Decoded) {
			require.Equal(t, "后", got.Element.Title())
		}, Data: json.RawMessage(`{"name":"前","component_type":"0101","condition":"good","location_text":"x","name":"后"}`)},
		{Name: "an unknown field", Kind: ob, Data: with(good(ob), map[string]any{"colour": "x"}), Code: model.FieldUnknown,
			Faults: []string{"data.colour field.unknown"}},
		{Name: "an unknown field's name is not echoed", Kind: ob, Data: with(good(ob), map[string]any{"<script>": 1, "ID": 2}),
			Code: model.Invalid, Faults: []string{"data.? field.unknown", "data.? field.unknown"}},
		{Name: "the key of the record", Kind: ob, Data: with(good(ob), map[string]any{"record_id": "x"}), Code: model.FieldUnknown},
		{Name: "a masked number", Kind: p, Data: with(good(p), map[string]any{"id_no": "410***********1234"}), Code: model.FieldMasked,
			Faults: []string{"data.id_no field.masked"}},
		{Name: "a masked phone", Kind: p, Data: with(good(p), map[string]any{"phone": "138****5678"}), Code: model.FieldMasked},
		{Name: "a masked name", Kind: p, Data: with(good(p), map[string]any{"name": "张*"}), Code: model.FieldMasked},
		{Name: "a masked birth date", Kind: p, Data: with(good(p), map[string]any{"birth_date": "1990"}), Code: model.FieldMasked},
		{Name: "masks of several", Kind: p, Data: with(good(p), map[string]any{"name": "张*", "phone": "138****5678"}),
			Code:   model.Invalid,
			Faults: []string{"data.name field.masked", "data.phone field.masked"}},
		{Name: "a masked party", Kind: ev, Code: model.FieldMasked, Faults: []string{"data.parties[0].name field.masked"},
			Data: with(good(ev), map[string]any{"parties": []any{map[string]any{"name": "张*"}}})},
		{Name: "a masked party's phone", Kind: ev, Code: model.FieldMasked, Faults: []string{"data.parties[1].phone field.masked"},
			Data: with(good(ev), map[string]any{"parties": []any{map[string]any{"name": "甲"}, map[string]any{"name": "乙",
				"phone": "138****5678"}}})},
		shape("a star where nothing is masked", ob, map[string]any{"name": "五*井盖"}, ""),
		shape("a text that is a number", ob, map[string]any{"name": 1}, "data.name field.invalid"),
		shape("a text that is an object", ob, map[string]any{"name": map[string]any{}}, "data.name field.invalid"),
		shape("a text of spaces", ob, map[string]any{"name": " \t "}, "data.name field.required"),
		shape("a text too long", ob, map[string]any{"name": long}, "data.name field.too_long"),
		shape("a text just long enough", ob, map[string]any{"name": long[3:]}, ""),
		shape("a control character", ob, map[string]any{"name": "a\x00b"}, "data.name field.invalid"),
		shape("an escape", ob, map[string]any{"name": "a\x1b[31mb"}, "data.name field.invalid"),
		shape("a new line in a line", ob, map[string]any{"name": "a\nb"}, "data.name field.invalid"),
		shape("a new line in a long text", ev, map[string]any{"description": "a\nb"}, ""),
		shape("a carriage return", ev, map[string]any{"description": "a\rb"}, "data.description field.invalid"),
		shape("no choice", ob, map[string]any{"condition": "fine"}, "data.condition field.not_a_choice"),
		shape("no code", ob, map[string]any{"component_type": "9999"}, "data.component_type field.not_a_choice"),
		shape("no mobile number", p, map[string]any{"phone": "12345"}, "data.phone field.invalid"),
		shape("no identity number", p, map[string]any{"id_no": "410102199003071234"}, "data.id_no field.invalid"),
		shape("a date that is none", ob, map[string]any{"last_inspected": "2026-02-30"}, "data.last_inspected field.invalid"),
		shape("a moment without an offset", ev, map[string]any{"occurred_at": "2026-11-23T08:30:00"}, "data.occurred_at field.invalid"),
		shape("a moment before the moon landing", ev, map[string]any{"occurred_at": "1969-07-20T20:17:00Z"},
			"data.occurred_at field.out_of_range"),
		shape("an integer", pl, map[string]any{"rooms_count": 3}, ""),
		shape("an integer as a text", pl, map[string]any{"rooms_count": "3"}, "data.rooms_count field.invalid"),
		shape("half a room", pl, map[string]any{"rooms_count": 3.5}, "data.rooms_count field.invalid"),
		shape("a number beyond all", pl, map[string]any{"rooms_count": json.RawMessage("1e300")}, "data.rooms_count field.invalid"),
		shape("a number beyond numbers", pl, map[string]any{"floor_area": json.RawMessage("1e999")}, "data.floor_area field.invalid"),
		shape("fewer than none", pl, map[string]any{"rooms_count": -1}, "data.rooms_count field.out_of_range"),
		shape("too many", pl, map[string]any{"rooms_count": 10000}, "data.rooms_count field.out_of_range"),
		shape("half a square metre", pl, map[string]any{"floor_area": 0.5}, ""),
		shape("yes as a text", p, map[string]any{"no_phone": "true"}, "data.no_phone field.invalid"),
		shape("choices", p, map[string]any{"help_wanted": []string{"veteran", "disability", "veteran"}}, ""),
		shape("a choice among choices that is none", p, map[string]any{"help_wanted": []string{"veteran", "x"}},
			"data.help_wanted field.not_a_choice"),
		shape("choices as a text", p, map[string]any{"help_wanted": "veteran"}, "data.help_wanted field.invalid"),
		shape("a location", ob, map[string]any{"location": map[string]any{"lon": 113.6, "lat": 34.7, "system": "gcj02"}}, ""),
		shape("a location nowhere", ob, map[string]any{"location": map[string]any{"lon": 181, "lat": 34,
			"system": "gcj02"}}, "data.location field.invalid"),
		shape("a location of no system", ob, map[string]any{"location": map[string]any{"lon": 113.6, "lat": 34.7}},
			"data.location field.invalid"),
		shape("half a location", ob, map[string]any{"location": map[string]any{"lat": 34.7, "system": "wgs84"}},
			"data.location field.invalid"),
		shape("a location as a list", ob, map[string]any{"location": []int{1, 2}}, "data.location field.invalid"),
		shape("photos that are none", ob, map[string]any{"photos": []string{"x"}}, "data.photos field.invalid"),
		shape("ten photos", ob, map[string]any{"photos": make([]model.ID, 10)}, "data.photos field.invalid"),
		shape("parties", ev, map[string]any{"parties": []any{map[string]any{"name": " 甲 ", "phone": "15400001234"}}}, ""),
		shape("a party without a name", ev, map[string]any{"parties": []any{map[string]any{"phone": "15400001234"}}},
			"data.parties[0].name field.required"),
		shape("a party that is nothing", ev, map[string]any{"parties": []any{nil}}, "data.parties[0].name field.required"),
		shape("a party's bad phone", ev, map[string]any{"parties": []any{map[string]any{"name": "甲", "phone": "x"}}},
			"data.parties[0].phone field.invalid"),
		{Name: "a party's unknown member", Kind: ev, Code: model.FieldUnknown, Faults: []string{"data.parties[0].age field.unknown"},
			Data: with(good(ev), map[string]any{"parties": []any{map[string]any{"name": "甲", "age": "9"}}})},
		shape("a party's age as a number", ev, map[string]any{"parties": []any{map[string]any{"name": 1}}},
			"data.parties field.invalid"),
		shape("21 parties", ev, map[string]any{"parties": slices.Repeat([]any{map[string]any{"name": "甲"}}, 21)},
			"data.parties field.invalid"),
		shape("parties as a text", ev, map[string]any{"parties": "甲"}, "data.parties field.invalid"),
		shape("a code that adds up", or, map[string]any{"uscc": "91350100m000100y43"}, ""),
		shape("a code of letters that are never used", or, map[string]any{"uscc": "91350100I000100Y43"}, "data.uscc field.invalid"),
		{Name: "a code that does not add up is a warning", Kind: or, Data: with(good(or), map[string]any{"uscc": "91350100M000100Y44"}),
			Check: func(t *testing.T, got model.Decoded) { require.Equal(t, []string{"uscc"}, fields(got.Warnings)) }},
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { t.Parallel(); c.run(t, options()) })
	}
}

func TestDecodeConditions(t *testing.T) {
	t.Parallel()
	const p, pl = model.KindPerson, model.KindPlace
	floating := map[string]any{"residence_category": "floating", "arrival_date": "2026-05-01", "inflow_reason": "01",
		"stay_type": "02"}
	child := with(good(p), map[string]any{"id_no": residentNo("20150101", "123"), "relation_to_head": "2"})
	for _, c := range []decodeCase{
		{Name: "a floating resident says since when and why", Kind: p, Data: with(good(p),
			map[string]any{"residence_category": "floating"}),
			Code: model.Invalid, Faults: []string{"data.arrival_date field.required", "data.inflow_reason field.required",
				"data.stay_type field.required"}},
		{Name: "and then is taken", Kind: p, Data: with(good(p), floating)},
		{Name: "a child has a guardian", Kind: p, Data: child, Code: model.Invalid,
			Faults: []string{"data.guardian_consent field.required",
				"data.guardian_name field.required", "data.guardian_phone field.required", "data.guardian_relation field.required"}},
		{Name: "with whom it is taken, and needs no separate consent for it", Kind: p, Data: with(child,
			map[string]any{"guardian_name": "测试乙",
				"guardian_relation": "母亲", "guardian_phone": "15400001235", "guardian_consent": true}),
			Check: func(t *testing.T, got model.Decoded) { require.Equal(t, []string{"id_no"}, got.Sensitive) }},
		{Name: "a child whose guardian says no", Kind: p, Data: with(child, map[string]any{"guardian_name": "测试乙",
			"guardian_relation": "母亲",
			"guardian_phone":    "15400001235", "guardian_consent": false}), Code: model.Invalid,
			Faults: []string{"data.guardian_consent field.invalid"}},
		{Name: "a child known by its birth date", Kind: p, Code: model.Invalid, Data: with(good(p), map[string]any{"id_no": nil,
			"birth_date": "2020-01-01"})},
		{Name: "no phone needs saying so", Kind: p, Data: with(good(p), map[string]any{"phone": nil}), Code: model.Invalid,
			Faults: []string{"data.phone field.required"}},
		{Name: "said so", Kind: p, Data: with(good(p), map[string]any{"phone": nil, "no_phone": true})},
		{Name: "said not so", Kind: p, Data: with(good(p), map[string]any{"phone": nil, "no_phone": false}), Code: model.Invalid},
		{Name: "the number may wait for the visit", Kind: p, Data: with(good(p), map[string]any{"id_no": nil})},
		{Name: "a house has no sign", Kind: pl, Data: with(good(pl), map[string]any{"place_kind": "house", "sign_name": nil,
			"business": nil})},
		{Name: "a rented house says what it is let for", Kind: pl, Data: with(good(pl), map[string]any{"place_kind": "rental_house"}),
			Code: model.Invalid, Faults: []string{"data.rental_use field.required"}},
		{Name: "what is sensitive and not needed wants consent", Kind: p, Data: with(good(p), map[string]any{"political_status": "01",
			"help_wanted": []string{"veteran"}}), Check: func(t *testing.T, got model.Decoded) {
			require.ElementsMatch(t, []string{"id_no", "political_status", "help_wanted"}, got.Sensitive)
		}},
		{Name: "the default document is the identity card", Kind: p, Data: good(p), Check: func(t *testing.T, got model.Decoded) {
			require.Equal(t, "111", got.Element.(*model.Person).IDType)
		}},
	} {
		t.Run(c.Name, func(t *testing.T) { t.Parallel(); c.run(t, options()) })
	}
	d := options()
	d.Verified = true
	decodeCase{Kind: p, Data: with(good(p), map[string]any{"id_no": nil}), Code: model.Invalid,
		Faults: []string{"data.id_no field.required"}}.run(t, d)
	decodeCase{Kind: p, Data: good(p), Check: func(t *testing.T, got model.Decoded) {
		require.Empty(t, got.Sensitive, "needed at the verification, thus covered by the general consent")
	}}.run(t, d)
}

func TestAPatchChangesWhatItNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	s := model.KindPerson.Schema()
	first, err := s.Decode(raw(t, with(good(model.KindPerson), map[string]any{"work_unit": "测试单位",
		"extra": map[string]any{"dog": true, "floor": 2}})),
		withExtra(options()))
	require.NoError(t, err)
	base := first.Element.(*model.Person)
	before := *base
	patch := func(data string) (model.Decoded, error) {
		d := withExtra(options())
		d.Base, d.BaseExtra = base, first.Extra
		return s.Decode(json.RawMessage(data), d)
	}
	got, err := patch(`{}`)
	require.NoError(t, err)
	require.False(t, got.Touched)
	require.Equal(t, base, got.Element)
	require.NotSame(t, base, got.Element)

	got, err = patch(`{"work_unit":null,"phone":"15400009876","extra":{"floor":null}}`)
	require.NoError(t, err)
	p := got.Element.(*model.Person)
	require.Empty(t, p.WorkUnit)
	require.Equal(t, seal.Clear("15400009876"), p.Phone)
	require.Equal(t, base.Name, p.Name)
	require.Equal(t, model.ExtraData{"dog": true}, got.Extra)
	require.Equal(t, model.ExtraData{"dog": true, "floor": 2.0}, first.Extra, "the base is as it was")
	require.Equal(t, before, *base, "the base is as it was")
	require.Empty(t, got.Sensitive, "what stood there before was consented to before")

	_, err = patch(`{"name":null}`)
	require.Equal(t, []string{"data.name field.required"}, locations(err))
	got, err = patch(`{"id_type":null}`)
	require.NoError(t, err)
	require.Equal(t, "111", got.Element.(*model.Person).IDType, "cleared is the default again")
	got, err = patch(fmt.Sprintf(`{"id_no":%q}`, residentNo("19910418", "122")))
	require.NoError(t, err)
	birth, _ := got.Element.(*model.Person).BirthDate.Reveal()
	require.Equal(t, "1991-04-18", birth, "what follows from the number follows it")
	got, err = patch(`{"extra":null}`)
	require.NoError(t, err)
	require.Empty(t, got.Extra)
}

// withExtra adds fields that a community has defined.
func withExtra(d model.Decode) model.Decode {
	def := func(name, typ string, options ...string) model.ExtraField {
		return model.ExtraField{Name: name, Label: name, Type: typ, Options: options}
	}
	d.Extra = []model.ExtraField{def("dog", "boolean"), def("floor", "integer"), def("rent", "decimal"), def("since", "date"),
		def("note", "text"), def("heating", "choice", "集中", "自取")}
	return d
}

func TestCommunityDefinedFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		Extra string
		Fault string
	}{
		{`{"dog":true,"floor":3,"rent":1.5,"since":"2026-01-01","note":"x","heating":"集中"}`, ""},
		{`{"dog":null}`, ""},
		{`{"dog":"yes"}`, "data.extra.dog field.invalid"},
		{`{"floor":1.5}`, "data.extra.floor field.invalid"},
		{`{"floor":1e300}`, "data.extra.floor field.invalid"},
		{`{"rent":"1"}`, "data.extra.rent field.invalid"},
		{`{"since":"2026-02-30"}`, "data.extra.since field.invalid"},
		{`{"since":5}`, "data.extra.since field.invalid"},
		{`{"note":{"a":[]}}`, "data.extra.note field.invalid"},
		{`{"note":"` + strings.Repeat("字", 201) + `"}`, "data.extra.note field.invalid"},
		{`{"heating":"煤"}`, "data.extra.heating field.not_a_choice"},
		{`{"cat":true}`, "data.extra.cat field.unknown"},
		{`{"<b>":true}`, "data.extra.? field.unknown"},
		{`[]`, "data.extra field.invalid"},
		{`"x"`, "data.extra field.invalid"},
	} {
		data := with(good(model.KindObject), map[string]any{"extra": json.RawMessage(c.Extra)})
		_, err := model.KindObject.Schema().Decode(raw(t, data), withExtra(options()))
		if c.Fault == "" {
			require.NoError(t, err, c.Extra)
			continue
		}
		got := locations(err)
		require.Len(t, got, 1, c.Extra)
		require.Equal(t, strings.Fields(c.Fault)[0], strings.Fields(got[0])[0], c.Extra)
	}
	d := withExtra(options())
	d.Extra[0].Required = true
	_, err := model.KindObject.Schema().Decode(raw(t, good(model.KindObject)), d)
	require.Equal(t, []string{"data.extra.dog field.required"}, locations(err))
}

func TestWhatWasSentIsNeverEchoed(t *testing.T) {
	t.Parallel()
	const secret = "SECRET-410102"
	for _, k := range model.Kinds() {
		for _, f := range k.Kind.Schema().Fields {
			for _, v := range []any{secret, "*" + secret, map[string]any{secret: secret},
				[]any{map[string]any{"name": "\x01" + secret, secret: "x", "phone": secret}},
				[]string{secret}, map[string]any{"lon": secret}} {
				_, err := k.Kind.Schema().Decode(raw(t, map[string]any{f.Name: v, "extra": map[string]any{secret: 1,
					"dog": secret}}), withExtra(options()))
				require.Error(t, err)
				var e *model.Error
				require.ErrorAs(t, err, &e)
				require.NotContains(t, fmt.Sprintf("%v %+v %+v", err, *e, e.Fields), "410102", "%s.%s", k.Kind, f.Name)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, k := range model.Kinds() {
		b, err := json.Marshal(good(k.Kind))
		require.NoError(f, err)
		f.Add(string(b))
	}
	for _, s := range []string{`{}`, `null`, `[1]`, `{"a":`, `{"parties":[{"name":"甲","phone":"15400001234"}],"extra":{"floor":1}}`,
		`{"location":{"lon":1e308,"lat":-0,"system":"gcj02"},"photos":[null],"rooms_count":1e18}`, "{\"name\":\"\\u0000\xff\"}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) {
		for _, k := range model.Kinds() {
			s := k.Kind.Schema()
			d := withExtra(options())
			got, err := s.Decode(json.RawMessage(data), d)
			if err != nil {
				var e *model.Error
				if !errorsAs(err, &e) {
					t.Fatalf("%s: not a problem: %T", k.Kind, err)
				}
				continue
			}
			if len(got.Element.Title()) == 0 {
				t.Fatal("taken without a title")
			}
			// What is taken is stable: its own clear form is taken as a patch and changes nothing.
			full := map[string]bool{}
			for _, f := range s.Fields {
				full[f.Name] = true
			}
			again := s.Encode(got.Element, got.Extra, model.View{Names: true, Full: full})
			d.Base, d.BaseExtra = got.Element, got.Extra
			same, err := s.Decode(again, d)
			if err != nil {
				t.Fatalf("%s: what was taken is refused: %v", k.Kind, locations(err))
			}
			if changes := s.Diff(got.Element, same.Element, got.Extra, same.Extra); len(changes) > 0 {
				t.Fatalf("%s: %s changed by itself", k.Kind, changes[0].Field)
			}
		}
	})
}
