package config

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"text/tabwriter"
)

// variable is one setting as its tags describe it.
type variable struct {
	Name    string // SIX_…
	Default string // as it would be written in the environment; "" = none
	Desc    string
	Allow   string
	Secret  bool // NAME_FILE is understood too
	OneOf   []string
	Min     string
	Max     string
	index   int // of the field
}

// variables lists every setting in the order of the struct.
func variables() []variable {
	defaults := reflect.ValueOf(Default())
	var all []variable
	for i := range defaults.NumField() {
		f := defaults.Type().Field(i)
		name := f.Tag.Get("env")
		if name == "-" {
			continue
		}
		v := variable{
			Name: Prefix + name, Desc: f.Tag.Get("desc"), Allow: f.Tag.Get("allow"), Secret: f.Type == reflect.TypeFor[Secret](),
			OneOf: strings.Fields(f.Tag.Get("oneof")), Min: f.Tag.Get("min"), Max: f.Tag.Get("max"), index: i,
		}
		switch x := defaults.Field(i).Interface().(type) {
		case []string, map[string]string: // none by default
		case slog.Level:
			v.Default = strings.ToLower(x.String())
		default:
			v.Default = cmp.Or(f.Tag.Get("derived"), fmt.Sprint(x))
		}
		all = append(all, v)
	}
	return all
}

// Help lists every variable with its default and what it is, one line each, from the struct's tags.
func Help(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range variables() {
		name, def := v.Name, v.Default
		if v.Secret {
			name += "[_FILE]"
		}
		if def == "" {
			def = "-"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s (%s)\n", name, def, v.Desc, v.Allow) // an error comes back from Flush
	}
	return t.Flush()
}
