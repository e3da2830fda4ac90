package model

import (
	"database/sql/driver"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// ExtraData are the values of community-defined fields: one JSON column on the header.
type ExtraData map[string]any

// Value is the JSON text, or NULL when empty.
func (x ExtraData) Value() (driver.Value, error) {
	if len(x) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(map[string]any(x))
	return string(b), err
}

// Scan reads the JSON text or NULL.
func (x *ExtraData) Scan(src any) error { return scanJSON(src, (*map[string]any)(x)) }

// GormDataType says that the values are a column, not a relation.
func (ExtraData) GormDataType() string { return "text" }

// ExtraField is a field that a community defines for itself. It holds for its area and all below.
type ExtraField struct {
	ID        ID      `json:"id" gorm:"primaryKey"`
	AreaCode  string  `json:"area_code"`
	Kind      Kind    `json:"kind"`
	Name      string  `json:"name"`
	Label     string  `json:"label"`
	Type      string  `json:"type" enum:"text,integer,decimal,date,choice,boolean"`
	Required  bool    `json:"required"`
	Options   Choices `json:"options"`
	CreatedAt Time    `json:"created_at"`
	ClosedAt  Time    `json:"closed_at"`
}

var extraName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`)

// Valid is validation.failed naming what is wrong with the definition.
func (x *ExtraField) Valid() error {
	var f Faults
	if !extraName.MatchString(x.Name) {
		f.Add("name", FieldInvalid, "字段名用小写字母开头，只能有小写字母、数字和下划线，最多 30 个字")
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(x.Label)); n == 0 || n > 30 {
		f.Add("label", FieldRequired, "请填写显示名称，最多 30 个字")
	}
	if !x.Kind.Valid() {
		f.Add("kind", FieldChoice, "要素类别不对")
	}
	if !slices.Contains([]FieldType{TypeText, TypeInteger, TypeDecimal, TypeDate, TypeChoice, TypeBoolean}, FieldType(x.Type)) {
		f.Add("type", FieldChoice, "类型只能是文字、数字、日期、单选或是否")
	}
	if x.Type == string(TypeChoice) && (len(x.Options) < 2 || len(x.Options) > 50) {
		f.Add("options", FieldRequired, "单选字段请给出 2 到 50 个选项")
	}
	return f.Err()
}

// Form is the definition as a form shows it.
func (x *ExtraField) Form() Field {
	f := Field{Name: "extra." + x.Name, Label: x.Label, Type: FieldType(x.Type), Required: x.Required, Group: "社区补充"}
	if f.Type == TypeText {
		f.MaxLength = extraLength
	}
	for _, o := range x.Options {
		f.Options = append(f.Options, Option{o, o})
	}
	return f
}

const extraLength = 200

// accept checks one value; a message is returned for a wrong one.
func (x *ExtraField) accept(raw json.RawMessage) (v any, message string) {
	if json.Unmarshal(raw, &v) != nil {
		return nil, "格式不对"
	}
	s, isText := v.(string)
	n, isNumber := v.(float64)
	_, isBool := v.(bool)
	switch FieldType(x.Type) {
	case TypeText:
		if !isText || utf8.RuneCountInString(s) > extraLength {
			return nil, "请填写文字，最多 200 个字"
		}
	case TypeInteger:
		if !isNumber || n != float64(int64(n)) {
			return nil, "请填写整数"
		}
	case TypeDecimal:
		if !isNumber {
			return nil, "请填写数字"
		}
	case TypeDate:
		if _, err := ParseDate(s); !isText || err != nil {
			return nil, "请填写日期，例如 2026-05-01"
		}
	case TypeChoice:
		if !isText || !slices.Contains(x.Options, s) {
			return nil, "请从选项里选一个"
		}
	case TypeBoolean:
		if !isBool {
			return nil, "请选择是或否"
		}
	}
	return v, ""
}

// mergeExtra applies a patch to the community-defined fields.
func mergeExtra(raw json.RawMessage, base ExtraData, defs []ExtraField, c *Check) ExtraData {
	patch := map[string]json.RawMessage{}
	if string(raw) != "null" && json.Unmarshal(raw, &patch) != nil || len(patch) > mostKeys {
		c.Fault("extra", FieldInvalid, "补充字段的格式不对")
		return base
	}
	out := ExtraData{}
	for k, v := range base {
		out[k] = v
	}
	if string(raw) == "null" {
		clear(out)
	}
	for name, value := range patch {
		i := slices.IndexFunc(defs, func(d ExtraField) bool { return d.Name == name })
		switch {
		case i < 0:
			c.Fault("extra."+safeName(name), FieldUnknown, "没有这个字段")
		case string(value) == "null":
			delete(out, name)
		default:
			v, bad := defs[i].accept(value)
			if bad != "" {
				c.Fault("extra."+name, FieldInvalid, defs[i].Label+"："+bad)
				continue
			}
			out[name] = v
		}
	}
	return out
}

func requireExtra(x ExtraData, defs []ExtraField, c *Check) {
	for _, d := range defs {
		if _, ok := x[d.Name]; d.Required && !ok {
			c.Fault("extra."+d.Name, FieldRequired, "请填写"+d.Label)
		}
	}
}

// safeName is a field's name from outside if it looks like one, else "?": a location must not echo what was sent.
func safeName(name string) string {
	if extraName.MatchString(name) {
		return name
	}
	return "?"
}
