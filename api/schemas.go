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

// Schema is huma's hook. An empty text stands for none.
func (idText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$`,
		PatternDescription: "编号的格式不对", Examples: []any{"019a2f10-7c00-7000-8000-000000000000"}}
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
