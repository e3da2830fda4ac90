package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/collect"
	"sixelements/service/grid"
)

// batchItem is what the three kinds of item share; what else one holds is read by its operation's own rules.
type batchItem struct {
	op                                      string
	id, stepID, recordID, roomID, dependsOn model.ID
	match                                   model.Match // of its version
}

// itemOf reads what can be read: a malformed item still has a place and may have a name in the results.
func itemOf(raw json.RawMessage) batchItem {
	var m map[string]any
	_ = json.Unmarshal(raw, &m) // what is no object has none of these
	op, _ := m["op"].(string)
	id := func(name string) model.ID {
		text, _ := m[name].(string)
		id, _ := model.ParseID(text)
		return id
	}
	item := batchItem{op: op, id: id("id"), stepID: id("step_id"), recordID: id("record_id"), roomID: id("room_id"),
		dependsOn: id("depends_on")}
	if v, ok := m["version"].(float64); ok {
		item.match = model.Match(etag(int64(v)))
	}
	return item
}

type batchCreate struct {
	Op        string   `json:"op"`
	DependsOn model.ID `json:"depends_on,omitzero" doc:"the id of an item before this one"`
	collect.Create
}

type batchStep struct {
	Op        string   `json:"op"`
	ID        model.ID `json:"id,omitzero" doc:"names the item, for depends_on"`
	DependsOn model.ID `json:"depends_on,omitzero" doc:"the id of an item before this one"`
	RecordID  model.ID `json:"record_id"`
	Version   *int64   `json:"version,omitempty" doc:"what If-Match is elsewhere"`
	model.Step
}

type batchVisit struct {
	Op        string   `json:"op"`
	DependsOn model.ID `json:"depends_on,omitzero" doc:"the id of an item before this one"`
	RoomID    model.ID `json:"room_id"`
	grid.VisitIn
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
		Items []json.RawMessage `json:"items" minItems:"1" maxItems:"200" doc:"op: create, transition or visit; the fields of that"`
	}
}

type batchOut struct {
	Results []batchResult `json:"results" nullable:"false"`
}

// batchID is the operation's id.
const batchID = "batch-records"

// batcher does items; forms are the schemas that each kind of item must keep, as a body of its operation would, and sure their shapes.
type batcher struct {
	Records
	registry huma.Registry
	forms    map[string]*huma.Schema
	sure     map[string]*shape
}

// batch does the items in order; each stands or falls alone, but for those that depend on one that fell.
func (s Records) batch(a *API) func(context.Context, *batchIn) (*answer[batchOut], error) {
	reg := a.huma.OpenAPI().Components.Schemas
	b := batcher{s, reg, map[string]*huma.Schema{"create": reg.Schema(reflect.TypeFor[batchCreate](), false, ""),
		"transition": reg.Schema(reflect.TypeFor[batchStep](), false, ""), "visit": reg.Schema(reflect.TypeFor[batchVisit](), false,
			"")}, map[string]*shape{}}
	for name, form := range b.forms {
		b.sure[name] = sureOf(reg, form)
	}
	return func(ctx context.Context, in *batchIn) (*answer[batchOut], error) {
		out := batchOut{Results: make([]batchResult, 0, len(in.Body.Items))}
		done := map[model.ID]bool{} // by every id an item goes by: did it succeed
		account := "account " + store.ActorOf(ctx).Account.String()
		for i, raw := range in.Body.Items {
			item := itemOf(raw)
			ok, retry := true, 0
			if i > 0 { // each counts as the request it stands for; the first is the batch's own
				ok, retry = a.limit.Allow(account)
			}
			var res batchResult
			err := error(&model.Error{Code: model.RateLimited, RetryAfter: retry})
			if ok {
				res, err = b.item(ctx, item, raw, done)
			}
			if res.ID.IsZero() {
				res.ID = firstID(item.id, item.recordID)
			}
			if err != nil {
				a.note(ctx, &Spec{ID: batchID}, err)
				var p *Problem
				errors.As(a.problem(ctx, err), &p)
				res.Status, res.Problem = p.Status, p
			}
			remember(done, item, res.ID, err == nil)
			out.Results = append(out.Results, res)
		}
		return &answer[batchOut]{Body: out}, nil
	}
}

// remember notes how an item ended, under its own ids and, where no item before goes by that, under its record's.
func remember(done map[model.ID]bool, item batchItem, res model.ID, ok bool) {
	own := []model.ID{item.id, item.stepID}
	for _, id := range own {
		if !id.IsZero() {
			done[id] = ok
		}
	}
	for _, id := range []model.ID{item.recordID, res} {
		if _, known := done[id]; !id.IsZero() && !known {
			done[id] = ok
		}
	}
}

func firstID(ids ...model.ID) model.ID {
	if i := slices.IndexFunc(ids, func(id model.ID) bool { return !id.IsZero() }); i >= 0 {
		return ids[i]
	}
	return model.ID{}
}

func (b batcher) item(ctx context.Context, item batchItem, raw json.RawMessage, done map[model.ID]bool) (batchResult, error) {
	if !item.dependsOn.IsZero() {
		ok, known := done[item.dependsOn]
		if !known {
			return batchResult{}, model.Faults{{Location: "depends_on", Code: model.FieldInvalid, Message: "要依赖前面的一项"}}.Err()
		}
		if !ok {
			return batchResult{}, model.Fail(model.DependencyFailed)
		}
	}
	switch item.op {
	case "create":
		return b.create(ctx, raw)
	case "transition":
		return b.transition(ctx, item, raw)
	case "visit":
		return b.visit(ctx, item, raw)
	}
	return batchResult{}, model.Faults{{Location: "op", Code: model.FieldChoice, Message: "只能是 create、transition 或 visit"}}.Err()
}

func (b batcher) create(ctx context.Context, raw json.RawMessage) (batchResult, error) {
	var in batchCreate
	if err := b.read("create", raw, &in); err != nil {
		return batchResult{}, first(b.Collect.LocateNew(ctx, "", ""), err)
	}
	in.QR = posted(in.QR)
	m, err := b.Collect.Create(ctx, in.Create)
	if err != nil {
		return batchResult{}, err
	}
	v, err := b.Collect.ShowMade(ctx, m)
	return batchResult{ID: m.Record.ID, Status: statusOf(m.Replay), Record: &v}, err
}

func (b batcher) transition(ctx context.Context, item batchItem, raw json.RawMessage) (batchResult, error) {
	var in batchStep
	if err := b.read("transition", raw, &in); err != nil {
		if !item.recordID.IsZero() {
			err = first(b.Collect.LocateStep(ctx, item.recordID.String(), item.match), err)
		}
		return batchResult{}, err
	}
	out, err := b.step(ctx, item.recordID, item.match, in.Step)
	if err != nil {
		return batchResult{}, err
	}
	return batchResult{ID: firstID(item.id, out.Body.ID), Status: out.Status, Record: &out.Body}, nil
}

func (b batcher) visit(ctx context.Context, item batchItem, raw json.RawMessage) (batchResult, error) {
	var in batchVisit
	if err := b.read("visit", raw, &in); err != nil {
		if !item.roomID.IsZero() {
			err = first(b.Grid.SeeRoom(ctx, item.roomID.String(), ""), err)
		}
		return batchResult{}, err
	}
	v, replay, err := b.Grid.AddVisit(ctx, item.roomID, in.VisitIn)
	if err != nil {
		return batchResult{}, err
	}
	return batchResult{ID: v.ID, Status: statusOf(replay), Visit: &v}, nil
}

// first is the first of two errors: what is wrong with the resource comes before what is wrong with the body.
func first(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// read judges an item as the body of its operation would be, then reads it; nothing is echoed.
func (b batcher) read(op string, raw json.RawMessage, into any) error {
	if !b.sure[op].accepts(raw) {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return model.Fail(model.Malformed)
		}
		var res huma.ValidateResult
		huma.Validate(b.registry, b.forms[op], huma.NewPathBuffer(make([]byte, 0, 64), 0), huma.ModeWriteToServer, v, &res)
		if len(res.Errors) > 0 {
			return fromHuma(http.StatusUnprocessableEntity, res.Errors)
		}
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return model.Faults{{Code: model.FieldInvalid, Message: "格式不对，请核对"}}.Err()
	}
	return nil
}
