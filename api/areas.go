package api

import (
	"context"
	"net/http"

	"sixelements/model"
	"sixelements/service/grid"
)

// Paging embeds the parameters of a list under an exported name: huma does not look into embedded structs that are not exported.

type areaView struct {
	Code       string      `json:"code"`
	Name       string      `json:"name"`
	Level      model.Level `json:"level" enum:"district,street,community,grid,micro_grid"`
	Parent     string      `json:"parent" doc:"empty for a district"`
	Exclusive  bool        `json:"exclusive" doc:"专属网格"`
	Households int64       `json:"households" doc:"of live person records in the subtree, as far as the caller sees them"`
	ValidFrom  model.Time  `json:"valid_from" nullable:"true"`
	ValidTo    model.Time  `json:"valid_to" nullable:"true" doc:"set: the area is closed, its code is not used again"`
	Successor  string      `json:"successor" doc:"where to look instead of a closed area"`
	Version    int64       `json:"version"`
}

func viewArea(a grid.Area) areaView {
	return areaView{a.Code, a.Name, a.Level, a.Parent, a.Exclusive, a.Households, a.ValidFrom, a.ValidTo, a.Successor, a.Version}
}

type areaIn struct {
	Code      string `json:"code,omitempty" maxLength:"18" doc:"parent + 3 digits; default: the next free one"`
	Parent    string `json:"parent" maxLength:"18" doc:"a street, community or grid"`
	Name      string `json:"name" maxLength:"64"`
	Exclusive bool   `json:"exclusive,omitempty" doc:"grids and micro-grids only"`
}

type areaPatch struct {
	Name      *string `json:"name,omitempty" maxLength:"64"`
	Exclusive *bool   `json:"exclusive,omitempty"`
	Successor *string `json:"successor,omitempty" maxLength:"18" doc:"of a closed area"`
	Closed    *bool   `json:"closed,omitempty" doc:"true closes the area for good"`
}

func answerArea(a grid.Area, err error) (*answer[areaView], error) {
	return &answer[areaView]{ETag: etag(a.Version), Body: viewArea(a)}, err
}

// mountAreas registers the area tree.
func mountAreas(a *API, s *grid.Service) {
	op(a, get("/areas", "list-areas", "List the areas below one, or the roots of what the caller sees", may(model.Collector)),
		func(ctx context.Context, in *struct {
			Paging
			Parent string `query:"parent" maxLength:"18" doc:"code of the area above"`
		}) (*answer[page[areaView]], error) {
			rows, next, err := s.Areas(ctx, in.Parent, in.Cursor, in.Limit)
			return pageOf(rows, next, viewArea), err
		})
	op(a, get("/areas/{code}", "get-area", "Read an area", may(model.Collector), at(s.SeeArea)),
		func(ctx context.Context, in *struct {
			Code string `path:"code"`
		}) (*answer[areaView], error) {
			return answerArea(s.Area(ctx, in.Code))
		})
	op(a, post("/areas", "create-area", "Create an area", may(model.CommunityRole), status(http.StatusCreated)),
		func(ctx context.Context, in *struct{ Body areaIn }) (*created[areaView], error) {
			row, err := s.AddArea(ctx, grid.NewArea(in.Body))
			return &created[areaView]{Status: http.StatusCreated, ETag: etag(row.Version), Body: viewArea(row)}, err
		})
	op(a, patch("/areas/{code}", "patch-area", "Rename or close an area", may(model.CommunityRole), at(s.LocateArea)),
		func(ctx context.Context, in *struct {
			Code  string      `path:"code"`
			Match model.Match `header:"If-Match"`
			Body  areaPatch
		}) (*answer[areaView], error) {
			return answerArea(s.EditArea(ctx, in.Code, in.Match, grid.AreaPatch(in.Body)))
		})
	op(a, remove("/areas/{code}", "delete-area", "Close an area that holds nothing", may(model.CommunityRole), at(s.LocateArea),
		status(http.StatusNoContent)), func(ctx context.Context, in *struct {
		Code  string      `path:"code"`
		Match model.Match `header:"If-Match"`
	}) (*none, error) {
		return &none{}, s.DeleteArea(ctx, in.Code, in.Match)
	})
}
