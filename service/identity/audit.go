package identity

import (
	"cmp"
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
		rows, more, err := store.Page(f.apply(tx.Q(&model.Audit{})), "at", after, f.Limit,
			func(a *model.Audit) store.Cursor { return store.Cursor{At: a.At, ID: a.ID} })
		if err != nil {
			return err
		}
		revisions, also, err := store.Page(f.apply(tx.Q(&model.Revision{})).Omit("changes", "note"), "at", after, f.Limit,
			func(v *model.Revision) store.Cursor { return store.Cursor{At: v.At, ID: v.ID} })
		if err != nil {
			return err
		}
		items, next = merge(rows, revisions, f.Limit, more != "" || also != "")
		return nil
	})
	return items, next, err
}

func (f AuditFilter) apply(q *gorm.DB) *gorm.DB {
	if f.Area != "" {
		q = q.Where("area_code >= ? AND area_code < ?", f.Area, f.Area+":") // ':' follows '9'
	}
	if !f.Actor.IsZero() {
		q = q.Where("actor_id = ?", f.Actor)
	}
	if f.Act != "" {
		q = q.Where("act = ?", f.Act)
	}
	return q
}

// merge puts both pages into one order and cuts it; a list that had more has filled its page, so that nothing is skipped.
func merge(rows []*model.Audit, revisions []*model.Revision, limit int, more bool) (items []AuditItem, next string) {
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
	slices.SortFunc(items, func(a, b AuditItem) int {
		return cmp.Or(cmp.Compare(b.At, a.At), slices.Compare(b.ID[:], a.ID[:]))
	})
	if len(items) > limit {
		items, more = items[:limit], true
	}
	if n := len(items); more && n > 0 {
		next = store.Cursor{At: items[n-1].At, ID: items[n-1].ID}.String()
	}
	return items, next
}
