package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

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

func mountForms(a *API, s *collect.Service, lists *code.Lists) {
	cache, _ := lru.New[string, *Fixed](mostForms) // the size is a valid one
	f := forms{s, cache}
	kept[formsView](a, get("/forms", "list-forms", "The forms of all six kinds", public), func(ctx context.Context, in *struct {
		Area string `query:"area" maxLength:"18" doc:"with the fields the area's community defined"`
	}) (*Fixed, error) {
		var kinds []model.Kind
		for _, k := range model.Kinds() {
			kinds = append(kinds, k.Kind)
		}
		return f.rendered(ctx, in.Area, kinds, func(list []formView) any { return formsView{list} })
	})
	kept[formView](a, get("/forms/{kind}", "get-form", "The form of a kind", public), func(ctx context.Context, in *struct {
		Kind string `path:"kind" maxLength:"20"`
		Area string `query:"area" maxLength:"18"`
	}) (*Fixed, error) {
		if !model.Kind(in.Kind).Valid() {
			return nil, model.Fail(model.NotFound)
		}
		return f.rendered(ctx, in.Area, []model.Kind{model.Kind(in.Kind)}, func(list []formView) any { return list[0] })
	})
	mountCodes(a, lists)
}

// forms renders the forms once for each version; a version names its content, so that nothing kept is ever outdated.
type forms struct {
	*collect.Service
	kept *lru.Cache[string, *Fixed]
}

// mostForms is how many versions are kept: each community with further fields has some.
const mostForms = 100

// rendered is the answer that shows the kinds' forms at an area.
func (f forms) rendered(ctx context.Context, area string, kinds []model.Kind, show func([]formView) any) (*Fixed, error) {
	extra, version := make([][]model.Field, len(kinds)), make([]string, len(kinds))
	for i, k := range kinds {
		more, v, err := f.Extra(asSystem(ctx, "forms"), k, area)
		if err != nil {
			return nil, err
		}
		extra[i], version[i] = more, k.Schema().Version+v
	}
	key := fmt.Sprint(kinds, version)
	if r, ok := f.kept.Get(key); ok {
		return r, nil
	}
	list := make([]formView, len(kinds))
	for i, k := range kinds {
		schema := k.Schema()
		list[i] = formView{Kind: k, Label: schema.Label, Version: version[i], Fields: slices.Concat(schema.Fields, extra[i])}
	}
	r, err := fixedJSON(Revalidate, show(list))
	if err == nil {
		f.kept.Add(key, r)
	}
	return r, err
}

func mountCodes(a *API, lists *code.Lists) {
	names := sync.OnceValues(func() (*Fixed, error) {
		var out codeNames
		for _, n := range lists.Names() {
			out.Items = append(out.Items, codeName{n, lists.Version(n)})
		}
		return fixedJSON(Hourly, out)
	})
	var rendered sync.Map // name → *Fixed
	kept[codeNames](a, get("/codes", "list-codes", "The names of the code lists", public),
		func(context.Context, *none) (*Fixed, error) { return names() })
	kept[codesView](a, get("/codes/{name}", "get-codes", "A national code list", public), func(_ context.Context, in *struct {
		Name string `path:"name" maxLength:"40"`
	}) (*Fixed, error) {
		if f, ok := rendered.Load(in.Name); ok {
			return f.(*Fixed), nil
		}
		items, ok := lists.List(in.Name)
		if !ok {
			return nil, model.Fail(model.NotFound)
		}
		f, err := fixedJSON(Hourly, codesView{in.Name, items})
		if err == nil {
			rendered.Store(in.Name, f)
		}
		return f, err
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
