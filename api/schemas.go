package api

import (
	"reflect"
	"regexp"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
)

var (
	importPath = regexp.MustCompile(`[A-Za-z0-9_.\-]+/`)
	notAName   = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

// idText is how an id travels: what a model.ID is in the document, so that a malformed one is a fault of its field.
type idText string

// idPattern is an id's text; an empty one stands for none.
const idPattern = `^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$`

// Schema is huma's hook.
func (idText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: idPattern,
		PatternDescription: "编号的格式不对", Examples: []any{"019a2f10-7c00-7000-8000-000000000000"}}
}

// shareIDs has all ids of the document share one compiled pattern: huma has compiled one for each place, 2 MB together.
func shareIDs(doc *huma.OpenAPI) {
	one := idText("").Schema(nil)
	one.PrecomputeMessages()
	share := func(s *huma.Schema) {
		if s == nil || s.Pattern != idPattern {
			return
		}
		id := *one
		id.Description, id.Nullable, id.Examples = s.Description, s.Nullable, s.Examples
		*s = id
	}
	for _, s := range doc.Components.Schemas.Map() {
		for _, p := range s.Properties {
			share(p)
			share(p.Items)
		}
	}
	for _, item := range doc.Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if o == nil {
				continue
			}
			for _, p := range o.Parameters {
				share(p.Schema)
			}
		}
	}
}

// schemaName names a type in the OpenAPI document by its package and name, so that two packages may have a View each; what is the
// model's or this package's own goes without.
func schemaName(t reflect.Type, hint string) string {
	if t.Name() == "" {
		return huma.DefaultSchemaNamer(t, hint)
	}
	var b strings.Builder
	for _, part := range notAName.Split(importPath.ReplaceAllString(t.String(), ""), -1) {
		if part == "" || part == "api" || part == "model" {
			continue
		}
		r := []rune(part)
		b.WriteString(string(unicode.ToUpper(r[0])) + string(r[1:]))
	}
	return b.String()
}
