package identity

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// AuditItem is one line of the trace: a row of the audit table, or a record's revision, which is its own trace.
type AuditItem struct {
	ID        model.ID   `json:"id"`
	At        model.Time `json:"at"`
	Actor     AuditActor `json:"actor"`
	Act       string     `json:"act"`
	Target    string     `json:"target" doc:"id or code of what it was done on"`
	AreaCode  string     `json:"area_code"`
	Result    string     `json:"result" doc:"ok, or a problem code"`
	Detail    string     `json:"detail"`
	Source    string     `json:"source" doc:"the client's address"`
	RequestID string     `json:"request_id"`
}

// AuditActor is who did it.
type AuditActor struct {
	ID   *model.ID  `json:"id" nullable:"true" doc:"null: the program, or somebody unknown"`
	Role model.Role `json:"role"`
	Name string     `json:"name" doc:"empty for residents"`
}

// AuditFilter narrows the trace in scope.
type AuditFilter struct {
	Area   string
	Actor  model.ID
	Act    string
	Limit  int // 1 to 200
	Cursor string
}

// Audit is the trace in the caller's scope, newest first: two keyset queries, merged. Errors: validation.failed for a bad cursor.
func (s *Service) Audit(ctx context.Context, f AuditFilter) (items []AuditItem, next string, err error) {
	after, err := store.ParseCursor(f.Cursor)
	if err != nil {
		return nil, "", err
	}
	if f.Area != "" && !model.ValidArea(f.Area) {
		return nil, "", fault("area", model.FieldInvalid, "区域代码不对")
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		items = items[:0]
		list := store.Listed{Area: f.Area, Of: f.Actor, After: after, Limit: f.Limit}
		if f.Act != "" || !f.Actor.IsZero() {
			list.Narrow = f.narrow
		}
		rows, end, err := store.PageByStreet(tx, traces, list,
			func(a *model.Audit) store.Cursor { return store.Cursor{At: a.At, ID: a.ID} })
		if err != nil {
			return err
		}
		revisions, also, err := store.PageByStreet(tx, changes, list,
			func(v *model.Revision) store.Cursor { return store.Cursor{At: v.At, ID: v.ID} })
		if err != nil {
			return err
		}
		items, next = merge(rows, revisions, f.Limit, end, also)
		return nil
	})
	return items, next, err
}

// The indexes of the two tables that a trace is read from. A revision lies where its record lay then.
var (
	traces  = store.ByStreet{Col: "at", All: "audit_at", Street: "audit_street", Own: "audit_actor", OwnCol: "actor_id"}
	changes = store.ByStreet{Col: "at", All: "revisions_at", Street: "revisions_street"}
)

func (f AuditFilter) narrow(q *gorm.DB) *gorm.DB {
	if !f.Actor.IsZero() {
		q = q.Where("actor_id = ?", f.Actor)
	}
	if f.Act != "" {
		q = q.Where("act = ?", f.Act)
	}
	return q
}

// merge puts both pages into one order and cuts it where it is full, or where the first of them ended: what lies behind is not known.
func merge(rows []*model.Audit, revisions []*model.Revision, limit int, ends ...store.Cursor) (items []AuditItem, next string) {
	items = make([]AuditItem, 0, len(rows)+len(revisions))
	for _, a := range rows {
		items = append(items, AuditItem{ID: a.ID, At: a.At, Actor: AuditActor{orNull(a.ActorID), a.ActorRole, a.ActorName}, Act: a.Act,
			Target: a.Target, AreaCode: a.AreaCode, Result: a.Result, Detail: a.Detail, Source: a.Source, RequestID: a.RequestID})
	}
	for _, v := range revisions {
		items = append(items, AuditItem{ID: v.ID, At: v.At, Actor: AuditActor{orNull(v.ActorID), v.ActorRole, v.ActorName}, Act: v.Act,
			Target: v.RecordID.String(), AreaCode: v.AreaCode, Result: "ok", Detail: v.From + " → " + v.To, Source: v.Source,
			RequestID: v.RequestID})
	}
	at := func(i AuditItem) store.Cursor { return store.Cursor{At: i.At, ID: i.ID} }
	slices.SortFunc(items, func(a, b AuditItem) int { return at(a).Compare(at(b)) })
	ends = slices.DeleteFunc(ends, func(c store.Cursor) bool { return c == store.Cursor{} })
	if len(ends) > 0 {
		end := slices.MinFunc(ends, store.Cursor.Compare)
		items = slices.DeleteFunc(items, func(i AuditItem) bool { return at(i).Compare(end) > 0 })
		next = end.String()
	}
	if len(items) > limit {
		items = items[:limit]
		next = at(items[limit-1]).String()
	}
	return items, next
}
