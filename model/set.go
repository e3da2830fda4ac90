package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sixelements/model/seal"
)

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
		s, err := text(raw)
		if err != nil {
			c.Fault(f.Name, FieldInvalid, f.Label+"请填写文字")
			return
		}
		f.setText(v, s, codes, c)
	}
}

// text reads a JSON string; one that says itself needs no decoder, and most do.
func text(raw json.RawMessage) (s string, err error) {
	if n := len(raw); n >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : n-1]), nil
	}
	err = json.Unmarshal(raw, &s)
	return s, err
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
