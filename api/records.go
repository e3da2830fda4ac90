package api

import (
	"context"
	"net/http"

	"sixelements/model"
	"sixelements/service/collect"
	"sixelements/service/dispatch"
	"sixelements/service/grid"
	"sixelements/service/qr"
	"sixelements/service/verify"
)

// Records are the services behind /records.
type Records struct {
	Collect  *collect.Service
	Verify   *verify.Service
	Dispatch *dispatch.Service
	Grid     *grid.Service // visits of a batch
}

type recordAnswer = answer[collect.View]

// Filters are the parameters that a list and a search share.
type Filters struct {
	Kind      string   `query:"kind" json:"kind,omitempty" maxLength:"80" doc:"one or several, separated by commas"`
	Status    string   `query:"status" json:"status,omitempty" maxLength:"80" doc:"one or several, separated by commas"`
	Stage     string   `query:"stage" json:"stage,omitempty" maxLength:"120" doc:"events: one or several, separated by commas"`
	Area      string   `query:"area" json:"area,omitempty" maxLength:"18"`
	Building  model.ID `query:"building" json:"building,omitzero"`
	Room      string   `query:"room" json:"room,omitempty" maxLength:"40" doc:"a room's id or number"`
	Household model.ID `query:"household" json:"household,omitzero"`
	DueBefore string   `query:"due_before" json:"due_before,omitempty" maxLength:"40" doc:"RFC 3339: due for re-verification before"`
	Mine      bool     `query:"mine" json:"mine,omitempty" doc:"only what the caller submitted"`
}

func (f Filters) find(q string, limit int, cursor string) collect.Find {
	return collect.Find{Kind: f.Kind, Status: f.Status, Stage: f.Stage, Area: f.Area, Building: f.Building, Room: f.Room,
		Household: f.Household, Q: q, DueBefore: f.DueBefore, Mine: f.Mine, Limit: limit, Cursor: cursor}
}

func mountRecords(a *API, s Records) {
	mountCreate(a, s)
	mountFind(a, s.Collect)
	mountRecord(a, s)
	op(a, post("/records/batch", batchID, "Send up to 200 creates, transitions and visits; each stands or falls alone",
		maxBody(4<<20)), s.batch(a))
}

func mountCreate(a *API, s Records) {
	op(a, post("/records", "create-record", "Submit a record", may(model.Collector, model.Resident), status(http.StatusCreated),
		at(s.Collect.LocateNew)),
		func(ctx context.Context, in *struct{ Body collect.Create }) (*created[collect.View], error) {
			in.Body.QR = posted(in.Body.QR)
			m, err := s.Collect.Create(ctx, in.Body)
			if err != nil {
				return nil, err
			}
			return s.made(ctx, m)
		})
}

// posted is a poster's code as it was issued, however a person typed it; what is no code stays as it is.
func posted(typed string) string {
	if code, ok := qr.ParseCode(typed); ok {
		return code
	}
	return typed
}

func (s Records) made(ctx context.Context, m collect.Made) (*created[collect.View], error) {
	v, err := s.Collect.ShowMade(ctx, m)
	return &created[collect.View]{Status: statusOf(m.Replay), ETag: etag(v.Version), Body: v}, err
}

func statusOf(replay bool) int {
	if replay {
		return http.StatusOK
	}
	return http.StatusCreated
}

func mountFind(a *API, s *collect.Service) {
	op(a, get("/records", "list-records", "List records in scope, newest first"), func(ctx context.Context, in *struct {
		Filters
		Paging
		Q string `query:"q" doc:"the beginning of a name, at most 20 characters; never a number"`
	}) (*answer[page[collect.View]], error) {
		rows, next, err := s.List(ctx, in.find(in.Q, in.Limit, in.Cursor))
		return pageOf(rows, next, same[collect.View]), err
	})
	op(a, post("/records/search", "search-records", "Search by full ID number, phone or USCC, or by the beginning of a name",
		may(model.Collector)), func(ctx context.Context, in *struct {
		Body struct {
			Filters
			Q      string `json:"q" minLength:"1" maxLength:"40"`
			Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"200" default:"50"`
			Cursor string `json:"cursor,omitempty" maxLength:"200"`
		}
	}) (*answer[page[collect.View]], error) {
		if in.Body.Limit == 0 {
			in.Body.Limit = 50
		}
		rows, next, err := s.Search(ctx, in.Body.find(in.Body.Q, in.Body.Limit, in.Body.Cursor))
		return pageOf(rows, next, same[collect.View]), err
	})
}

func same[T any](v T) T { return v }

func mountRecord(a *API, s Records) {
	op(a, get("/records/{id}", "get-record", "Read a record"), func(ctx context.Context, in *struct {
		ID model.ID `path:"id"`
	}) (*recordAnswer, error) {
		v, err := s.Collect.Get(ctx, in.ID)
		return &recordAnswer{ETag: etag(v.Version), Body: v}, err
	})
	op(a, patch("/records/{id}", "patch-record", "Correct a record's data", at(s.Collect.Locate)), func(ctx context.Context, in *struct {
		ID    model.ID    `path:"id"`
		Match model.Match `header:"If-Match"`
		Body  collect.Patch
	}) (*recordAnswer, error) {
		r, warnings, err := s.Collect.Correct(ctx, in.ID, in.Match, in.Body)
		return s.shown(ctx, r, warnings, err)
	})
	op(a, post("/records/{id}/transitions", "transition-record", "Take a step of verification or handling", at(s.Collect.LocateStep)),
		func(ctx context.Context, in *struct {
			ID    model.ID    `path:"id"`
			Match model.Match `header:"If-Match"`
			Body  model.Step
		}) (*created[collect.View], error) {
			return s.step(ctx, in.ID, in.Match, in.Body)
		})
	op(a, get("/records/{id}/history", "get-record-history", "A record's revisions, oldest first"), func(ctx context.Context, in *struct {
		ID model.ID `path:"id"`
	}) (*answer[struct {
		Items []collect.ViewRevision `json:"items" nullable:"false"`
	}], error) {
		items, err := s.Collect.History(ctx, in.ID)
		out := &answer[struct {
			Items []collect.ViewRevision `json:"items" nullable:"false"`
		}]{}
		out.Body.Items = items
		return out, err
	})
	op(a, post("/records/{id}/reveal", "reveal-record", "Show masked fields in clear, for a reason that is kept",
		may(model.Collector, model.Department), at(s.Collect.Exists)), func(ctx context.Context, in *struct {
		ID   model.ID `path:"id"`
		Body struct {
			Fields []string `json:"fields,omitempty" maxItems:"20" doc:"needed; who may see them is judged before"`
			Reason string   `json:"reason,omitempty" maxLength:"100" doc:"needed"`
		}
	}) (*answer[revealed], error) {
		fields, err := s.Collect.Reveal(ctx, in.ID, in.Body.Fields, in.Body.Reason)
		return &answer[revealed]{Body: revealed{fields}}, err
	})
}

type revealed struct {
	Fields map[string]any `json:"fields"`
}

func (s Records) shown(ctx context.Context, r *model.Record, warnings []model.FieldError, err error) (*recordAnswer, error) {
	if err != nil {
		return nil, err
	}
	v, err := s.Collect.ShowOne(ctx, r, warnings)
	return &recordAnswer{ETag: etag(v.Version), Body: v}, err
}

// step is the one door for every change of state: the action tells which table it belongs to.
func (s Records) step(ctx context.Context, id model.ID, m model.Match, step model.Step) (*created[collect.View], error) {
	if err := step.Shape(); err != nil {
		if lerr := s.Collect.LocateStep(ctx, id.String(), m); lerr != nil {
			return nil, lerr
		}
		return nil, err
	}
	var r *model.Record
	var warnings []model.FieldError
	var err error
	code := http.StatusOK
	switch {
	case step.Action == model.Escalate:
		var replay bool
		r, replay, err = s.Dispatch.Escalate(ctx, id, m, step)
		code = statusOf(replay)
	case model.IsHandling(step.Action):
		r, err = s.Dispatch.Apply(ctx, id, m, step)
	default:
		r, warnings, err = s.Verify.Apply(ctx, id, m, step)
	}
	if err != nil {
		return nil, err
	}
	v, err := s.Collect.ShowOne(ctx, r, warnings)
	return &created[collect.View]{Status: code, ETag: etag(v.Version), Body: v}, err
}
