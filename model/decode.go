package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sixelements/model/seal"
)

// Decode is how data from outside becomes an element: one way for create, patch, transition, batch and import.
type Decode struct {
	Codes Codes
	Today Date
	// Base is the element the data is a merge patch to; nil for a new record. It is not changed.
	Base      Element
	BaseExtra ExtraData
	Extra     []ExtraField // the community-defined fields that hold
	Verified  bool         // the result is to stand as verified
}

// Decoded is an element that keeps every rule of its kind, if the error beside it is nil.
type Decoded struct {
	Element   Element
	Extra     ExtraData
	Photos    []ID
	Warnings  []FieldError
	Sensitive []string // optional sensitive fields that were filled in: they need the separate consent
	Touched   bool     // the data named at least one field
}

// Decode merges the data, a JSON object, into the base and checks it. Errors: request.malformed when it is not JSON;
// validation.failed when it is not an object; validation.failed, field.unknown or field.masked naming every field at fault. Sensitive
// is right even beside an error.
func (s *Schema) Decode(raw json.RawMessage, d Decode) (Decoded, error) {
	keys, values, err := object(raw)
	switch {
	case err != nil && json.Valid(raw):
		return Decoded{}, Faults{{Location: "data", Code: FieldInvalid, Message: "应是一个对象，里面是各个字段"}}.Err()
	case err != nil:
		return Decoded{}, Fail(Malformed)
	}
	out := Decoded{Extra: d.BaseExtra, Touched: len(keys) > 0}
	if d.Base != nil {
		out.Element = s.Clone(d.Base)
	} else {
		out.Element = reflect.New(reflect.TypeOf(mustNew(s.Kind)).Elem()).Interface().(Element)
		s.defaults(out.Element)
	}
	c := &Check{Today: d.Today, Verified: d.Verified}
	for i, k := range keys {
		if k == "extra" {
			out.Extra = mergeExtra(values[i], d.BaseExtra, d.Extra, c)
			continue
		}
		f, ok := s.Field(k)
		if !ok {
			c.Fault(safeName(k), FieldUnknown, "没有这个字段，请核对字段名")
			continue
		}
		if f.Type == TypePhotos {
			out.Photos = readPhotos(values[i], f, c)
			continue
		}
		f.set(out.Element, values[i], d.Codes, c)
		if f.Sensitive && f.get(out.Element) != nil {
			out.Sensitive = append(out.Sensitive, k)
		}
	}
	if len(c.Faults) == 0 {
		out.Element.Validate(c)
	}
	s.require(out.Element, c)
	requireExtra(out.Extra, d.Extra, c)
	out.Sensitive = slices.DeleteFunc(out.Sensitive, func(k string) bool { f, _ := s.Field(k); return s.needed(f, out.Element, c) })
	out.Warnings = c.Warnings
	return out, c.Faults.Err()
}

func mustNew(k Kind) Element { spec, _ := k.Spec(); return spec.New() }

func (s *Schema) defaults(e Element) {
	for i := range s.Fields {
		if f := &s.Fields[i]; f.Default != "" {
			f.value(e).SetString(f.Default)
		}
	}
}

// mostKeys is how many members an object of data may have: more than any form, and few enough that looking each up costs nothing. A
// megabyte of unknown names would otherwise keep the Write door shut for half a minute.
const mostKeys = 200

// object reads a JSON object's members in order; a key that comes twice counts once, the last time. One with more than mostKeys is
// not read to its end.
func object(raw json.RawMessage) (keys []string, values []json.RawMessage, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, fmt.Errorf("not an object")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, nil, err
		}
		k := t.(string)
		if i := slices.Index(keys, k); i >= 0 {
			values[i] = v
			continue
		}
		if len(keys) == mostKeys {
			return nil, nil, fmt.Errorf("too many members")
		}
		keys, values = append(keys, k), append(values, v)
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, nil, fmt.Errorf("more than an object")
	}
	return keys, values, nil
}

// needed tells whether the field must be filled in, as things stand.
func (s *Schema) needed(f *Field, e Element, c *Check) bool {
	if f.NeedsVerify && c.Verified {
		return true
	}
	if !f.Required || !s.applies(f, e, c.Today) {
		return false
	}
	if f.RequiredUnless != "" {
		u, _ := s.Field(f.RequiredUnless)
		if have := u.get(e); have != nil && have != false {
			return false
		}
	}
	return true
}

func (s *Schema) require(e Element, c *Check) {
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Type == TypePhotos || !s.needed(f, e, c) || f.get(e) != nil {
			continue
		}
		at := "data." + f.Name
		if !slices.ContainsFunc(c.Faults, func(x FieldError) bool { return x.Location == at }) {
			c.Fault(f.Name, FieldRequired, "请填写"+f.Label)
		}
	}
}

// aged is an element that knows a person's age.
type aged interface{ AgeOn(day Date) int }

// applies tells whether the field's condition holds; a field without one applies.
func (s *Schema) applies(f *Field, e Element, today Date) bool {
	if f.When == nil {
		return true
	}
	for _, c := range f.When.All {
		var have any
		if c.Field == "age_years" {
			a, ok := e.(aged)
			if !ok {
				return false
			}
			have = a.AgeOn(today)
		} else if g, ok := s.Field(c.Field); ok {
			have = g.get(e)
		}
		if !slices.Contains(c.In, have) {
			return false
		}
	}
	return true
}

// set reads one value into the element and notes what is wrong with its shape.
func (f *Field) set(e Element, raw json.RawMessage, codes Codes, c *Check) {
	v := f.value(e)
	if string(raw) == "null" {
		v.SetZero()
		if f.Default != "" {
			v.SetString(f.Default)
		}
		return
	}
	switch f.Type {
	case TypeInteger, TypeDecimal:
		f.setNumber(v, raw, c)
	case TypeBoolean:
		var b *bool
		if json.Unmarshal(raw, &b) != nil {
			c.Fault(f.Name, FieldInvalid, f.Label+"请选择是或否")
			return
		}
		v.Set(reflect.ValueOf(b))
	case TypeChoices:
		f.setChoices(v, raw, codes, c)
	case TypeLocation:
		f.setLocation(v, raw, c)
	case TypeList:
		f.setList(v, raw, c)
	default:
		var s string
		if json.Unmarshal(raw, &s) != nil {
			c.Fault(f.Name, FieldInvalid, f.Label+"请填写文字")
			return
		}
		f.setText(v, s, codes, c)
	}
}

func (f *Field) setNumber(v reflect.Value, raw json.RawMessage, c *Check) {
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f.Type == TypeInteger && n != float64(int64(n)) {
		c.Fault(f.Name, FieldInvalid, f.Label+"请填写数字")
		return
	}
	if f.Min != nil && n < *f.Min || f.Max != nil && n > *f.Max {
		c.Fault(f.Name, FieldRange, f.Label+"超出范围，请核对")
		return
	}
	if f.Type == TypeInteger {
		i := int(n)
		v.Set(reflect.ValueOf(&i))
		return
	}
	v.Set(reflect.ValueOf(&n))
}

func (f *Field) setChoices(v reflect.Value, raw json.RawMessage, codes Codes, c *Check) {
	var list []string
	if json.Unmarshal(raw, &list) != nil || len(list) > 50 {
		c.Fault(f.Name, FieldInvalid, f.Label+"请从选项里选")
		return
	}
	for i, s := range list {
		meant, ok := f.choice(s, codes)
		if !ok {
			c.Fault(f.Name, FieldChoice, f.Label+"请从选项里选")
			return
		}
		list[i] = meant
	}
	slices.Sort(list)
	v.Set(reflect.ValueOf(Choices(slices.Compact(list))))
}

// choice is the code or option that was meant.
func (f *Field) choice(s string, codes Codes) (meant string, ok bool) {
	if f.Codes != "" {
		return codes.Settle(f.Codes, s)
	}
	return s, slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == s })
}

func (f *Field) setLocation(v reflect.Value, raw json.RawMessage, c *Check) {
	var l struct {
		Lon, Lat *float64
		System   *string
	}
	if was, _ := v.Interface().(*Location); was != nil { // a merge patch goes into the members
		l.Lon, l.Lat, l.System = new(was.Lon), new(was.Lat), new(was.System)
	}
	if json.Unmarshal(raw, &l) != nil || l.Lon == nil || l.Lat == nil || l.System == nil || *l.System != "gcj02" && *l.System != "wgs84" ||
		*l.Lon < -180 || *l.Lon > 180 || *l.Lat < -90 || *l.Lat > 90 {
		c.Fault(f.Name, FieldInvalid, "位置要有经度、纬度和坐标系（gcj02 或 wgs84）")
		return
	}
	v.Set(reflect.ValueOf(&Location{Lon: *l.Lon, Lat: *l.Lat, System: *l.System}))
}

func (f *Field) setList(v reflect.Value, raw json.RawMessage, c *Check) {
	var items []map[string]string
	if json.Unmarshal(raw, &items) != nil || f.Max != nil && len(items) > int(*f.Max) {
		c.Fault(f.Name, FieldInvalid, f.Label+"的格式不对，或者太多了")
		return
	}
	for i, m := range items {
		at := fmt.Sprintf("%s[%d]", f.Name, i)
		for k := range m {
			if !slices.ContainsFunc(f.Fields, func(x Field) bool { return x.Name == k }) {
				c.Fault(at+"."+safeName(k), FieldUnknown, "没有这个字段")
			}
		}
		for _, sub := range f.Fields {
			if sub.Required && strings.TrimSpace(m[sub.Name]) == "" {
				c.Fault(at+"."+sub.Name, FieldRequired, "请填写"+sub.Label)
			}
			if s := strings.TrimSpace(m[sub.Name]); s != "" {
				if sub.Mask != "" && IsMasked(s) {
					c.Fault(at+"."+sub.Name, FieldMasked, sub.Label+"是隐去的内容，没有改动请不要提交这一项")
					continue
				}
				good, bad := sub.normal(s)
				if bad != nil {
					c.Fault(at+"."+sub.Name, bad.Code, bad.Message)
					continue
				}
				m[sub.Name] = good
			}
		}
	}
	if len(items) == 0 {
		v.SetZero()
		return
	}
	b, err := json.Marshal(items)
	if err != nil {
		c.Fault(f.Name, FieldInvalid, f.Label+"的格式不对")
		return
	}
	v.Set(reflect.ValueOf(seal.Clear(string(b))))
}

func readPhotos(raw json.RawMessage, f *Field, c *Check) []ID {
	var ids []ID
	if json.Unmarshal(raw, &ids) != nil || len(ids) > 9 {
		c.Fault(f.Name, FieldInvalid, "照片最多 9 张，请先上传")
		return nil
	}
	return ids
}

// setText reads a value that travels as a JSON string.
func (f *Field) setText(v reflect.Value, s string, codes Codes, c *Check) {
	s = strings.TrimSpace(s)
	if s == "" {
		v.SetZero()
		return
	}
	if f.Mask != "" && IsMasked(s) || f.Mask == "birth" && len(s) == 4 {
		c.Fault(f.Name, FieldMasked, f.Label+"是隐去的内容，没有改动请不要提交这一项")
		return
	}
	if f.Type == TypeChoice {
		meant, ok := f.choice(s, codes)
		if !ok {
			c.Fault(f.Name, FieldChoice, f.Label+"请从选项里选")
			return
		}
		s = meant
	}
	if f.Type == TypeDatetime {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			c.Fault(f.Name, FieldInvalid, f.Label+"请填写时间，例如 2026-05-01T08:30:00+08:00")
			return
		}
		if At(t) <= 0 { // 1970 stands for "not set"; in 1900 Beijing's offset had seconds, which RFC 3339 cannot write
			c.Fault(f.Name, FieldRange, f.Label+"过早，请核对年份")
			return
		}
		v.SetInt(int64(At(t)))
		return
	}
	good, bad := f.normal(s)
	if bad != nil {
		c.Fault(f.Name, bad.Code, bad.Message)
		return
	}
	if f.Sealed {
		v.Set(reflect.ValueOf(seal.Clear(good)))
		return
	}
	v.SetString(good)
}

// normal is the text in the form in which it is kept, or what is wrong with it.
func (f *Field) normal(s string) (string, *FieldError) {
	wrong := func(code Code, message string) (string, *FieldError) {
		return "", &FieldError{Code: code, Message: f.Label + message}
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && (r != '\n' || f.Type != TypeLongText) && r != '\t'
	}) {
		return wrong(FieldInvalid, "里有不能识别的字符，请重新填写")
	}
	if f.MaxLength > 0 && utf8.RuneCountInString(s) > f.MaxLength {
		return wrong(FieldTooLong, fmt.Sprintf("太长，最多 %d 个字", f.MaxLength))
	}
	switch f.Type {
	case TypeDate:
		if _, err := ParseDate(s); err != nil {
			return wrong(FieldInvalid, "请填写日期，例如 2026-05-01")
		}
	case TypePhone:
		if f.mobile {
			return ParseMobile(s)
		}
		return ParsePhone(s)
	case TypeUSCC:
		good, _, bad := ParseUSCC(s)
		return good, bad
	}
	if f.pattern != nil && !f.pattern.MatchString(s) {
		return wrong(FieldInvalid, "的格式不对，请核对")
	}
	return s, nil
}
