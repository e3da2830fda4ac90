package api

import (
	"github.com/danielgtaylor/huma/v2"

	"sixelements/model"
)

// kind is the name of an element's kind in a request; the document lists the kinds that the model has.
type kind string

// Schema is huma's hook.
func (kind) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, k := range model.Kinds() {
		s.Enum = append(s.Enum, string(k.Kind))
	}
	return s
}
