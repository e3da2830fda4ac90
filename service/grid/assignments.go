package grid

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// Assignment is a collector's post with the name of who holds it.
type Assignment struct {
	model.Assignment
	AccountName string
}

// NewAssignment is what a post is made of: a building with or without a unit, or an area. From and To are moments (RFC 3339) or
// days of Beijing (YYYY-MM-DD); a day given as To is the last one. From empty is now, To empty is open end.
type NewAssignment struct {
	AccountID, BuildingID model.ID
	Unit, AreaCode        string
	Team                  string // fixed or mobile
	From, To              string
}

// AssignmentFilter narrows the list of posts; its zero value is every post that has not ended.
type AssignmentFilter struct {
	Account, Building model.ID
	Ended             bool // with those that have ended
}

// Assignments are the posts in scope, the newest first. after is the next of the page before.
//
// Errors: validation.failed for a bad cursor.
func (s *Service) Assignments(ctx context.Context, f AssignmentFilter, after string, limit int) (
	posts []Assignment, next string, err error,
) {
	from, err := store.ParseCursor(after)
	if err != nil {
		return nil, "", err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		rows, end, err := f.page(tx, from, limit)
		if err != nil {
			return err
		}
		next = end.String()
		posts, err = named(tx, rows)
		return err
	})
	return posts, next, err
}

// page reads the posts of an account or a building, which are few, or those of the streets in scope.
func (f AssignmentFilter) page(tx *store.Tx, after store.Cursor, limit int) ([]*model.Assignment, store.Cursor, error) {
	narrow := func(q *gorm.DB) *gorm.DB {
		if !f.Account.IsZero() {
			q = q.Where("account_id = ?", f.Account)
		}
		if !f.Building.IsZero() {
			q = q.Where("building_id = ?", f.Building)
		}
		if !f.Ended {
			q = q.Where("ended_at IS NULL AND (to_at IS NULL OR to_at > ?)", tx.Now())
		}
		return q
	}
	at := func(a *model.Assignment) store.Cursor { return store.Cursor{At: a.CreatedAt, ID: a.ID} }
	for index, is := range map[string]model.ID{"assignments_account": f.Account, "assignments_building": f.Building} {
		if !is.IsZero() {
			return store.Page(narrow(tx.Along(index, &model.Assignment{})), "created_at", after, limit, at)
		}
	}
	by := store.ByStreet{Col: "created_at", All: "assignments_created", Street: "assignments_street", Own: "assignments_account",
		OwnCol: "account_id"}
	return store.PageByStreet(tx, by, store.Listed{Narrow: narrow, After: after, Limit: limit}, at)
}

// named adds the names of staff, who may hold their role elsewhere.
func named(tx *store.Tx, rows []*model.Assignment) ([]Assignment, error) {
	out := make([]Assignment, len(rows))
	ids := make([]model.ID, len(rows))
	for i, r := range rows {
		out[i].Assignment, ids[i] = *r, r.AccountID
	}
	var accounts []model.Account
	err := tx.System("names of assigned staff").Q(&model.Account{}).Select("id", "name").Where("id IN ?", ids).Find(&accounts).Error
	names := map[model.ID]string{}
	for _, a := range accounts {
		names[a.ID] = a.Name
	}
	for i := range out {
		out[i].AccountName = names[out[i].AccountID]
	}
	return out, err
}

// Assign posts a collector to a building, a unit or an area. It holds from the collector's next request on.
//
// Errors: validation.failed for bad values, an account that is no collector, a place that does not exist or is out of scope;
// role.forbidden for one who does not lead the place.
func (s *Service) Assign(ctx context.Context, in NewAssignment) (post Assignment, err error) {
	id := model.NewID()
	err = s.db.Write(ctx, model.Act{Name: "assignment.create", Target: id.String()}, func(tx *store.Tx) error {
		a := model.Assignment{ID: id, AccountID: in.AccountID, BuildingID: in.BuildingID, Unit: in.Unit, AreaCode: in.AreaCode,
			Team: in.Team, CreatedAt: tx.Now(), CreatedBy: tx.Actor().Account}
		var f model.Faults
		if a.Team != "fixed" && a.Team != "mobile" {
			f.Add("team", model.FieldChoice, "只能是固定队或流动队")
		}
		a.FromAt, a.ToAt = in.period(&f, tx.Now())
		at, err := in.place(tx, &f)
		if err != nil {
			return err
		}
		if err := collector(tx, in.AccountID, &f); err != nil {
			return err
		}
		if err := f.Err(); err != nil {
			return err
		}
		if !mayAt(tx, model.GridLeader, at) {
			return model.Fail(model.RoleForbidden)
		}
		a.Street = model.CodesOf(at.Area).Street
		tx.Note("", at.Area, "")
		posts, err := named(tx, []*model.Assignment{&a})
		if err != nil {
			return err
		}
		post = posts[0]
		return tx.Add(&post.Assignment)
	})
	return post, err
}

func (in NewAssignment) period(f *model.Faults, now model.Time) (from, to model.Time) {
	from, ok := moment(in.From, 0)
	if !ok {
		f.Add("from", model.FieldInvalid, "请填写日期或时间，例如 2026-05-01")
	}
	if from.IsZero() {
		from = now
	}
	if to, ok = moment(in.To, 1); !ok {
		f.Add("to", model.FieldInvalid, "请填写日期或时间，例如 2026-05-31")
	} else if !to.IsZero() && (to <= from || to <= now) {
		f.Add("to", model.FieldRange, "结束要晚于开始，也要晚于现在")
	}
	return from, to
}

// moment reads a moment, or a day's first one, days later; nothing is 0.
func moment(text string, days int) (model.Time, bool) {
	if text == "" {
		return 0, true
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return model.At(t), true
	}
	d, err := model.ParseDate(text)
	if err != nil {
		return 0, false
	}
	return model.At(d.Start().Std().AddDate(0, 0, days)), true
}

// place is where the post lies; a fault when it is none, two, or out of scope.
func (in NewAssignment) place(tx *store.Tx, f *model.Faults) (model.Where, error) {
	if in.BuildingID.IsZero() {
		if in.Unit != "" {
			f.Add("unit", model.FieldInvalid, "填了单元就要填楼栋")
		}
		return model.Where{Area: in.AreaCode}, in.area(tx, f)
	}
	if in.AreaCode != "" {
		f.Add("area_code", model.FieldInvalid, "楼栋和区域只填一个")
	}
	var b model.Building
	if err := tx.Q(&b).Where("id = ?", in.BuildingID).Limit(1).Find(&b).Error; err != nil {
		return model.Where{}, err
	}
	if b.ID.IsZero() {
		f.Add("building_id", model.FieldInvalid, "请选择您范围内的楼栋")
		return model.Where{}, nil
	}
	if in.Unit != "" {
		if ok, err := hasUnit(tx, b.ID, in.Unit); err != nil {
			return model.Where{}, err
		} else if !ok {
			f.Add("unit", model.FieldInvalid, "楼栋里没有这个单元")
		}
	}
	return model.Where{Area: b.AreaCode, Building: b.ID, Unit: in.Unit}, nil
}

func (in NewAssignment) area(tx *store.Tx, f *model.Faults) error {
	switch {
	case in.AreaCode == "":
		f.Add("building_id", model.FieldRequired, "请选择楼栋或区域")
	case !model.ValidArea(in.AreaCode) || len(in.AreaCode) < shortest:
		f.Add("area_code", model.FieldInvalid, "请选择到社区或更小的区域")
	default:
		open, err := openArea(tx, in.AreaCode)
		if err != nil {
			return err
		}
		if !open || !tx.Covers(model.Where{Area: in.AreaCode}) {
			f.Add("area_code", model.FieldInvalid, "请选择您范围内在用的区域")
		}
	}
	return nil
}

func hasUnit(tx *store.Tx, building model.ID, unit string) (bool, error) {
	var ids []model.ID
	err := tx.Q(&model.Room{}).Where("building_id = ? AND unit = ?", building, unit).Limit(1).Pluck("id", &ids).Error
	return len(ids) > 0, err
}

// collector notes a fault unless the account is in use and holds the collector's role, anywhere; whether it exists is not told.
func collector(tx *store.Tx, id model.ID, f *model.Faults) error {
	var grants, accounts []model.ID
	all := tx.System("is it a collector")
	err := all.Q(&model.GrantRow{}).Where("account_id = ? AND role = ? AND ended_at IS NULL", id, model.Collector).Limit(1).
		Pluck("account_id", &grants).Error
	if err == nil {
		err = all.Q(&model.Account{}).Where("id = ? AND disabled = ?", id, false).Limit(1).Pluck("id", &accounts).Error
	}
	if err == nil && (len(grants) == 0 || len(accounts) == 0) {
		f.Add("account_id", model.FieldInvalid, "请选择一位采集员")
	}
	return err
}

// posted tells whether a post covers a room.
func posted(a model.Assignment, r model.Room) bool {
	if a.BuildingID.IsZero() {
		return a.AreaCode != "" && strings.HasPrefix(r.AreaCode, a.AreaCode)
	}
	return a.BuildingID == r.BuildingID && (a.Unit == "" || a.Unit == r.Unit)
}

// Unassign ends a post now; the row stays as history. Ending it again changes nothing.
//
// Errors: not_found; role.forbidden for one who does not lead the place.
func (s *Service) Unassign(ctx context.Context, id model.ID) error {
	return s.db.Write(ctx, model.Act{Name: "assignment.end", Target: id.String()}, func(tx *store.Tx) error {
		a, where, err := led(tx, id)
		if err != nil {
			return err
		}
		if !a.EndedAt.IsZero() {
			tx.Untraced()
			return nil
		}
		tx.Note("", where.Area, "")
		tx.Change(&model.Assignment{}, map[string]any{"ended_at": tx.Now()}, "id = ? AND ended_at IS NULL", id)
		return nil
	})
}

// led is the post if the actor leads its place: not_found, role.forbidden.
func led(tx *store.Tx, id model.ID) (a model.Assignment, w model.Where, err error) {
	if err := tx.Q(&a).Where("id = ?", id).Take(&a).Error; err != nil {
		return a, w, err
	}
	w = model.Where{Area: a.AreaCode, Building: a.BuildingID, Unit: a.Unit}
	if !a.BuildingID.IsZero() {
		var b model.Building
		if err := tx.Q(&b).Where("id = ?", a.BuildingID).Limit(1).Find(&b).Error; err != nil {
			return a, w, err
		}
		w.Area = b.AreaCode
	}
	if !mayAt(tx, model.GridLeader, w) {
		return a, w, model.Fail(model.RoleForbidden)
	}
	return a, w, nil
}

// LocateAssignment judges ending a post, whose id may be malformed: not_found, role.forbidden or nil.
func (s *Service) LocateAssignment(ctx context.Context, id string, _ model.Match) error {
	return s.locate(ctx, id, func(tx *store.Tx, id model.ID) error { _, _, err := led(tx, id); return err })
}
