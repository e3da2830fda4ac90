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
