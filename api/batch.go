package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"sixelements/model"
	"sixelements/service/collect"
	"sixelements/service/grid"
)

// batchItem is one of a batch; what else it holds depends on op and is read by that operation's own rules.
type batchItem struct {
	Op        string   `json:"op"`
	ID        model.ID `json:"id"`
	StepID    model.ID `json:"step_id"`
	RecordID  model.ID `json:"record_id"`
	RoomID    model.ID `json:"room_id"`
	Version   int64    `json:"version"`
	DependsOn model.ID `json:"depends_on"`
}

type batchResult struct {
	ID      model.ID        `json:"id" nullable:"true"`
	Status  int             `json:"status"`
	Record  *collect.View   `json:"record,omitempty"`
	Visit   *grid.VisitView `json:"visit,omitempty"`
	Problem *Problem        `json:"problem,omitempty"`
}

type batchIn struct {
	Body struct {
		Items []json.RawMessage `json:"items" minItems:"1" maxItems:"200" doc:"{op: create|transition|visit, depends_on?, …the fields of that operation}"`
	}
}

type batchOut struct {
	Results []batchResult `json:"results" nullable:"false"`
}

// batch does the items in order; each stands or falls alone, but for those that depend on one that fell.
func (s Records) batch(a *API) func(context.Context, *batchIn) (*answer[batchOut], error) {
	return func(ctx context.Context, in *batchIn) (*answer[batchOut], error) {
		out := batchOut{Results: make([]batchResult, 0, len(in.Body.Items))}
		done := map[model.ID]bool{} // by every id an item goes by: did it succeed
		for _, raw := range in.Body.Items {
			var item batchItem
			res, err := batchResult{}, json.Unmarshal(raw, &item)
			if err != nil {
				err = model.Fail(model.Malformed)
			} else {
				res, err = s.item(ctx, item, raw, done)
			}
			if res.ID.IsZero() {
				res.ID = firstID(item.ID, item.RecordID)
			}
			if err != nil {
				var p *Problem
				errors.As(a.problem(ctx, err), &p)
				res.Status, res.Problem = p.Status, p
			}
			for _, id := range []model.ID{item.ID, item.StepID, item.RecordID, res.ID} {
				if !id.IsZero() {
					done[id] = err == nil
				}
			}
			out.Results = append(out.Results, res)
		}
		return &answer[batchOut]{Body: out}, nil
	}
}

func firstID(ids ...model.ID) model.ID {
	if i := slices.IndexFunc(ids, func(id model.ID) bool { return !id.IsZero() }); i >= 0 {
		return ids[i]
	}
	return model.ID{}
}

func (s Records) item(ctx context.Context, item batchItem, raw json.RawMessage, done map[model.ID]bool) (batchResult, error) {
	if !item.DependsOn.IsZero() {
		ok, known := done[item.DependsOn]
		if !known {
			return batchResult{}, model.Faults{{Location: "depends_on", Code: model.FieldInvalid, Message: "要依赖前面的一项"}}.Err()
		}
		if !ok {
			return batchResult{}, model.Fail(model.DependencyFailed)
		}
	}
	switch item.Op {
	case "create":
		return s.batchCreate(ctx, raw)
	case "transition":
		return s.batchStep(ctx, item, raw)
	case "visit":
		return s.batchVisit(ctx, item, raw)
	}
	return batchResult{}, model.Faults{{Location: "op", Code: model.FieldChoice, Message: "只能是 create、transition 或 visit"}}.Err()
}

func (s Records) batchCreate(ctx context.Context, raw json.RawMessage) (batchResult, error) {
	var in struct {
		Op        string   `json:"op"`
		DependsOn model.ID `json:"depends_on"`
		collect.Create
	}
	if err := strict(raw, &in); err != nil {
		return batchResult{}, err
	}
	m, err := s.Collect.Create(ctx, in.Create)
	if err != nil {
		return batchResult{}, err
	}
	v, err := s.Collect.ShowOne(ctx, m.Record, m.Warnings)
	return batchResult{ID: m.Record.ID, Status: statusOf(m.Replay), Record: &v}, err
}

func (s Records) batchStep(ctx context.Context, item batchItem, raw json.RawMessage) (batchResult, error) {
	var in struct {
		Op        string   `json:"op"`
		ID        model.ID `json:"id"`
		DependsOn model.ID `json:"depends_on"`
		RecordID  model.ID `json:"record_id"`
		Version   *int64   `json:"version"`
		model.Step
	}
	if err := strict(raw, &in); err != nil {
		return batchResult{}, err
	}
	match := model.Match("")
	if in.Version != nil {
		match = model.Match(etag(*in.Version))
	}
	out, err := s.step(ctx, item.RecordID, match, in.Step)
	if err != nil {
		return batchResult{}, err
	}
	return batchResult{ID: firstID(item.ID, out.Body.ID), Status: out.Status, Record: &out.Body}, nil
}

func (s Records) batchVisit(ctx context.Context, item batchItem, raw json.RawMessage) (batchResult, error) {
	var in struct {
		Op        string   `json:"op"`
		DependsOn model.ID `json:"depends_on"`
		RoomID    model.ID `json:"room_id"`
		grid.VisitIn
	}
	if err := strict(raw, &in); err != nil {
		return batchResult{}, err
	}
	v, replay, err := s.Grid.AddVisit(ctx, item.RoomID, in.VisitIn)
	if err != nil {
		return batchResult{}, err
	}
	return batchResult{ID: v.ID, Status: statusOf(replay), Visit: &v}, nil
}

// strict reads an item as its operation would: no unknown fields, nothing echoed.
func strict(raw json.RawMessage, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return model.Faults{{Location: location(wrong.Field), Code: model.FieldInvalid, Message: "格式不对，请核对"}}.Err()
		}
		return model.Failf(model.FieldUnknown, "有不认识的字段，或格式不对，请核对。")
	}
	return nil
}
