package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"sixelements/model/seal"
)

// FieldType tells a form how to ask for a field (contract.md, section 4).
type FieldType string

// The field types.
const (
	TypeText     FieldType = "text"
	TypeLongText FieldType = "long_text"
	TypeInteger  FieldType = "integer"
	TypeDecimal  FieldType = "decimal"
	TypeDate     FieldType = "date"
	TypeDatetime FieldType = "datetime"
	TypeBoolean  FieldType = "boolean"
	TypeChoice   FieldType = "choice"
	TypeChoices  FieldType = "choices"
	TypePhone    FieldType = "phone"
	TypeIDNumber FieldType = "id_number"
	TypeUSCC     FieldType = "uscc"
	TypeLocation FieldType = "location"
	TypePhotos   FieldType = "photos"
	TypeList     FieldType = "list"
)

// Option is a choice that is not in a national code list.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Condition holds when the field has one of the values.
type Condition struct {
	Field string `json:"field"`
	In    []any  `json:"in" doc:"strings, or integers for a derived number such as age_years"`
}

// When holds when all its conditions hold.
type When struct {
	All []Condition `json:"all"`
}

// Field is one line of an element's struct: what its tags say.
type Field struct {
	Name           string    `json:"name"`
	Label          string    `json:"label"`
	Type           FieldType `json:"type"`
	Required       bool      `json:"required" doc:"needed when its condition holds, or when it has none"`
	RequiredUnless string    `json:"required_unless,omitempty" doc:"not needed when this field is true or filled in"`
	Codes          string    `json:"codes,omitempty" doc:"the code list of GET /codes/{name}"`
	Options        []Option  `json:"options,omitempty"`
	Pattern        string    `json:"pattern,omitempty"`
	MaxLength      int       `json:"max_length,omitempty" doc:"in characters"`
	Min            *float64  `json:"min,omitempty"`
	Max            *float64  `json:"max,omitempty"`
	Default        string    `json:"default,omitempty"`
	Help           string    `json:"help,omitempty"`
	Group          string    `json:"group,omitempty"`
	When           *When     `json:"when,omitempty"`
	Sensitive      bool      `json:"sensitive" doc:"needs the separate consent when it is filled in though it is optional"`
	Masked         bool      `json:"masked,omitempty" doc:"shown as a mask; a mask sent back is refused"`
	Fields         []Field   `json:"fields,omitempty" doc:"the members of a list's items"`

	Sealed      bool           `json:"-"`
	Mask        string         `json:"-"` // name, id, phone, birth, text
	Search      string         `json:"-"` // key, phone, prefix
	NeedsVerify bool           `json:"-"`
	mobile      bool           // a phone that must be a mobile one
	pattern     *regexp.Regexp // compiled Pattern
	index       []int
}

// Schema is a kind's field table.
type Schema struct {
	Kind    Kind
	Label   string
	Fields  []Field
	Version string // changes when any field does
	byName  map[string]int
}

// Field is the field of the name.
func (s *Schema) Field(name string) (*Field, bool) {
	i, ok := s.byName[name]
	if !ok {
		return nil, false
	}
	return &s.Fields[i], true
}

// SealedValue is the field's sealed value in the element, to be sealed or opened in place; nil for a field that is not sealed.
func (f *Field) SealedValue(e Element) *seal.String {
	if !f.Sealed {
		return nil
	}
	return f.value(e).Addr().Interface().(*seal.String)
}

func (f *Field) value(e Element) reflect.Value {
	return reflect.ValueOf(e).Elem().FieldByIndex(f.index)
}

func mustSchema(k KindSpec, t reflect.Type) *Schema {
	fields, err := readFields(t)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", t.Name(), err))
	}
	s := &Schema{Kind: k.Kind, Label: k.Label, Fields: fields, byName: map[string]int{}}
	for i, f := range fields {
		s.byName[f.Name] = i
	}
	b, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(b)
	s.Version = hex.EncodeToString(sum[:6])
	return s
}

// listItems are the structs whose slices a sealed list can hold, by the name in the tag `of`.
var listItems = map[string]reflect.Type{"party": reflect.TypeFor[Party]()}

func readFields(t reflect.Type) ([]Field, error) {
	var out []Field
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous || sf.Tag.Get("label") == "" {
			continue
		}
		f, err := readField(sf)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sf.Name, err)
		}
		out = append(out, f)
	}
	return out, nil
}

func readField(sf reflect.StructField) (f Field, err error) {
	tag := sf.Tag.Get
	name, _, _ := strings.Cut(tag("json"), ",")
	f = Field{Name: name, Label: tag("label"), Required: tag("required") == "true", RequiredUnless: tag("requiredUnless"),
		Codes: tag("code"), Pattern: tag("pattern"), Default: tag("default"), Help: tag("help"), Group: tag("group"),
		Sensitive: tag("sensitive") == "true", Mask: tag("mask"), Search: tag("search"), NeedsVerify: tag("needs") == "verify",
		mobile: tag("mobile") == "true", index: sf.Index}
	f.Masked = f.Mask != ""
	f.Sealed = sf.Type == reflect.TypeFor[seal.String]()
	if f.Sealed && f.Mask == "" && tag("of") == "" {
		return f, fmt.Errorf("a sealed field needs a mask")
	}
	if f.RequiredUnless != "" {
		f.Required = true
	}
	if f.Type, err = fieldType(sf); err != nil {
		return f, err
	}
	for _, o := range splitList(tag("options"), ",") {
		v, l, _ := strings.Cut(o, ":")
		f.Options = append(f.Options, Option{v, l})
	}
	if f.Min, err = number(tag("min")); err != nil {
		return f, err
	}
	if f.Max, err = number(tag("max")); err != nil {
		return f, err
	}
	if m := tag("maxLength"); m != "" {
		if f.MaxLength, err = strconv.Atoi(m); err != nil {
			return f, err
		}
	}
	if f.Pattern != "" {
		if f.pattern, err = regexp.Compile(f.Pattern); err != nil {
			return f, err
		}
	}
	if of := tag("of"); of != "" {
		if f.Fields, err = readFields(listItems[of]); err != nil {
			return f, err
		}
	}
	f.When, err = readWhen(tag("when"))
	return f, err
}

func number(s string) (*float64, error) {
	if s == "" {
		return nil, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	return &v, err
}

func splitList(s, sep string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, sep)
}

// readWhen reads "residence_category=floating|overseas & age_years=0..13".
func readWhen(s string) (*When, error) {
	if s == "" {
		return nil, nil
	}
	w := &When{}
	for _, part := range strings.Split(s, "&") {
		name, values, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, fmt.Errorf("when: %q", s)
		}
		c := Condition{Field: strings.TrimSpace(name)}
		for _, v := range strings.Split(values, "|") {
			var from, to int
			switch n, _ := fmt.Sscanf(v, "%d..%d", &from, &to); {
			case n == 2:
				for i := from; i <= to; i++ {
					c.In = append(c.In, i)
				}
			case v == "true" || v == "false":
				c.In = append(c.In, v == "true")
			default:
				c.In = append(c.In, v)
			}
		}
		w.All = append(w.All, c)
	}
	return w, nil
}

// typeOf tells a field's type where its Go type says it all.
var typeOf = map[reflect.Type]FieldType{
	reflect.TypeFor[Choices]():   TypeChoices,
	reflect.TypeFor[Date]():      TypeDate,
	reflect.TypeFor[Time]():      TypeDatetime,
	reflect.TypeFor[*int]():      TypeInteger,
	reflect.TypeFor[*float64]():  TypeDecimal,
	reflect.TypeFor[*bool]():     TypeBoolean,
	reflect.TypeFor[*Location](): TypeLocation,
	reflect.TypeFor[Photos]():    TypePhotos,
}

func fieldType(sf reflect.StructField) (FieldType, error) {
	if t := sf.Tag.Get("type"); t != "" {
		return FieldType(t), nil
	}
	if t, ok := typeOf[sf.Type]; ok {
		return t, nil
	}
	switch {
	case sf.Type == reflect.TypeFor[string]() && (sf.Tag.Get("code") != "" || sf.Tag.Get("options") != ""):
		return TypeChoice, nil
	case sf.Type == reflect.TypeFor[string](), sf.Type == reflect.TypeFor[seal.String]():
		return TypeText, nil
	}
	return "", fmt.Errorf("no field type for %s", sf.Type)
}

// Codes is what the field table needs of the national code lists.
type Codes interface {
	// Settle is the code of the list that was meant; false for none.
	Settle(list, code string) (settled string, ok bool)
	Name(list, code string) (string, bool)
}

// Text is how a ledger shows the field's value for people: codes and options by name, yes and no, lists joined; masked unless clear.
// It is empty when the field is.
func (f *Field) Text(e Element, codes Codes, clear bool) string {
	v := f.get(e)
	if v == nil {
		return ""
	}
	if !clear {
		v = f.mask(v)
	}
	switch x := v.(type) {
	case string:
		return f.choiceName(x, codes)
	case Choices:
		names := make([]string, len(x))
		for i, c := range x {
			names[i] = f.choiceName(c, codes)
		}
		return strings.Join(names, "、")
	case bool:
		if x {
			return "是"
		}
		return "否"
	case Time:
		return x.Std().Format("2006-01-02 15:04")
	case int:
		return strconv.Itoa(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case Location:
		return strconv.FormatFloat(x.Lon, 'f', 6, 64) + "," + strconv.FormatFloat(x.Lat, 'f', 6, 64)
	case []map[string]string:
		var items []string
		for _, m := range x {
			var parts []string
			for _, sub := range f.Fields {
				if m[sub.Name] != "" {
					parts = append(parts, m[sub.Name])
				}
			}
			items = append(items, strings.Join(parts, " "))
		}
		return strings.Join(items, "；")
	}
	return fmt.Sprint(v)
}

func (f *Field) choiceName(v string, codes Codes) string {
	if f.Codes != "" {
		if n, ok := codes.Name(f.Codes, v); ok {
			return n
		}
	}
	for _, o := range f.Options {
		if o.Value == v {
			return o.Label
		}
	}
	return v
}
