package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"sixelements/model"
	"sixelements/model/code"
	"sixelements/service/collect"
)

type formView struct {
	Kind    model.Kind    `json:"kind"`
	Label   string        `json:"label"`
	Version string        `json:"version"`
	Fields  []model.Field `json:"fields" nullable:"false"`
}

type formsView struct {
	Items []formView `json:"items" nullable:"false"`
}

type codesView struct {
	Name  string      `json:"name"`
	Items []code.Item `json:"items" nullable:"false"`
}

type codeNames struct {
	Items []codeName `json:"items" nullable:"false"`
}

type codeName struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// cached is an answer that a client may keep: 304 when it names the version it has.
type cached[T any] struct {
	Status       int
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         *T
}

// fresh answers with the body, or with 304 when If-None-Match names its version (RFC 9110, section 13.1.2).
func fresh[T any](have, version string, body T) *cached[T] {
	tag := `"` + version + `"`
	out := &cached[T]{Status: http.StatusOK, ETag: tag, CacheControl: "no-cache", Body: &body}
	for _, h := range strings.Split(have, ",") {
		if h = strings.TrimPrefix(strings.TrimSpace(h), "W/"); h == tag || h == "*" {
			out.Status, out.Body = http.StatusNotModified, nil
		}
	}
	return out
}

func mountForms(a *API, s *collect.Service, lists *code.Lists) {
	op(a, get("/forms", "list-forms", "The forms of all six kinds", public), func(ctx context.Context, in *struct {
		Area string `query:"area" maxLength:"18" doc:"with the fields the area's community defined"`
		Have string `header:"If-None-Match"`
	}) (*cached[formsView], error) {
		var out formsView
		version := ""
		for _, k := range model.Kinds() {
			f, err := form(ctx, s, k.Kind, in.Area)
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, f)
			version += f.Version
		}
		return fresh(in.Have, version, out), nil
	})
	op(a, get("/forms/{kind}", "get-form", "The form of a kind", public), func(ctx context.Context, in *struct {
		Kind string `path:"kind" maxLength:"20"`
		Area string `query:"area" maxLength:"18"`
		Have string `header:"If-None-Match"`
	}) (*cached[formView], error) {
		if !model.Kind(in.Kind).Valid() {
			return nil, model.Fail(model.NotFound)
		}
		f, err := form(ctx, s, model.Kind(in.Kind), in.Area)
		return fresh(in.Have, f.Version, f), err
	})
	mountCodes(a, lists)
}

func form(ctx context.Context, s *collect.Service, k model.Kind, area string) (formView, error) {
	extra, version, err := s.Extra(asSystem(ctx, "forms"), k, area)
	schema := k.Schema()
	return formView{Kind: k, Label: schema.Label, Version: schema.Version + version, Fields: slices.Concat(schema.Fields, extra)}, err
}

func mountCodes(a *API, lists *code.Lists) {
	op(a, get("/codes", "list-codes", "The names of the code lists", public), func(_ context.Context, in *struct {
		Have string `header:"If-None-Match"`
	}) (*cached[codeNames], error) {
		out, all := codeNames{}, sha256.New()
		for _, n := range lists.Names() {
			out.Items = append(out.Items, codeName{n, lists.Version(n)})
			all.Write([]byte(n + lists.Version(n)))
		}
		return fresh(in.Have, hex.EncodeToString(all.Sum(nil)[:8]), out), nil
	})
	op(a, get("/codes/{name}", "get-codes", "A national code list", public), func(_ context.Context, in *struct {
		Name string `path:"name" maxLength:"40"`
		Have string `header:"If-None-Match"`
	}) (*cached[codesView], error) {
		items, ok := lists.List(in.Name)
		if !ok {
			return nil, model.Fail(model.NotFound)
		}
		return fresh(in.Have, lists.Version(in.Name), codesView{in.Name, items}), nil
	})
}

func mountFields(a *API, s *collect.Service) {
	type fieldIn struct {
		AreaCode string     `json:"area_code" maxLength:"18"`
		Kind     model.Kind `json:"kind" maxLength:"20"`
		Name     string     `json:"name" maxLength:"30"`
		Label    string     `json:"label" maxLength:"30"`
		Type     string     `json:"type" maxLength:"20" doc:"text, integer, decimal, date, choice or boolean"`
		Required bool       `json:"required,omitempty"`
		Options  []string   `json:"options,omitempty" maxItems:"50"`
	}
	op(a, get("/fields", "list-fields", "Fields that communities defined", may(model.Collector)), func(ctx context.Context, in *struct {
		Area string `query:"area" maxLength:"18"`
		Kind string `query:"kind" maxLength:"20"`
	}) (*answer[page[model.ExtraField]], error) {
		rows, err := s.ExtraFields(ctx, in.Area, model.Kind(in.Kind))
		return pageOf(rows, "", same[model.ExtraField]), err
	})
	op(a, post("/fields", "create-field", "Define a further field for an area", may(model.CommunityRole), status(http.StatusCreated)),
		func(ctx context.Context, in *struct{ Body fieldIn }) (*created[*model.ExtraField], error) {
			b := in.Body
			x := &model.ExtraField{AreaCode: b.AreaCode, Kind: b.Kind, Name: b.Name, Label: b.Label, Type: b.Type, Required: b.Required,
				Options: b.Options}
			err := s.DefineExtra(ctx, x)
			return &created[*model.ExtraField]{Status: http.StatusCreated, Body: x}, err
		})
	op(a, remove("/fields/{id}", "delete-field", "End a field; what was answered stays", may(model.CommunityRole),
		status(http.StatusNoContent), at(s.LocateExtra)), func(ctx context.Context, in *struct {
		ID model.ID `path:"id"`
	}) (*none, error) {
		return nil, s.EndExtra(ctx, in.ID)
	})
}
