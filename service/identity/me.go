package identity

import (
	"context"
	"encoding/json"
	"slices"

	"sixelements/model"
	"sixelements/model/store"
)

// Me is what an account sees of itself.
type Me struct {
	ID            model.ID          `json:"id"`
	Name          string            `json:"name"`
	Kind          model.AccountKind `json:"kind"`
	Username      *string           `json:"username"`
	Roles         []RoleView        `json:"roles" nullable:"false"`
	Assignments   []AssignmentView  `json:"assignments" nullable:"false" doc:"where a collector is posted now"`
	Consents      *ConsentView      `json:"consents" doc:"the latest; counts if its version is notice_version; no scopes: withdrawn"`
	NoticeVersion string            `json:"notice_version" doc:"of the notice in force"`
	Phone         *string           `json:"phone" doc:"masked"`
	ScanBuilding  *model.ID         `json:"scan_building" nullable:"true" doc:"the one building a scan session is good for"`
	OTP           bool              `json:"otp" doc:"a second factor is on"`
}

// RoleView is a role held for an area.
type RoleView struct {
	Role     model.Role `json:"role"`
	AreaCode string     `json:"area_code" doc:"empty: everywhere, or no area to speak of"`
	AreaName string     `json:"area_name"`
}

// AssignmentView is a post in force.
type AssignmentView struct {
	ID         model.ID    `json:"id"`
	BuildingID *model.ID   `json:"building_id" nullable:"true"`
	Unit       string      `json:"unit"`
	AreaCode   string      `json:"area_code"`
	Team       string      `json:"team"`
	From       model.Time  `json:"from"`
	To         *model.Time `json:"to" nullable:"true"`
}

// ConsentView is what was agreed to, when.
type ConsentView struct {
	Version string     `json:"version"`
	Scopes  []string   `json:"scopes" nullable:"false"`
	At      model.Time `json:"at"`
}

// viewConsent shows a consent; one that was withdrawn has no scopes.
func viewConsent(c *model.Consent) *ConsentView {
	return &ConsentView{Version: c.Version, Scopes: append([]string{}, c.Scopes...), At: c.At}
}

// Me is the caller's account with its roles, posts and consent. Errors: auth.invalid when it is gone.
func (s *Service) Me(ctx context.Context) (me *Me, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		me, err = s.me(tx)
		return err
	})
	return me, err
}

func (s *Service) me(tx *store.Tx) (*Me, error) {
	id := tx.Actor().Account
	a, err := enabled(tx, id)
	if err != nil {
		return nil, err
	}
	me := &Me{ID: a.ID, Name: a.Name, Kind: a.Kind, Username: a.Username, Assignments: []AssignmentView{},
		NoticeVersion: notice().Version, ScanBuilding: orNull(a.BuildingID)}
	phone, err := s.opened(id, "phone", a.Phone)
	if err != nil {
		return nil, err
	}
	me.Phone = orNull(model.MaskPhone(phone))
	f, err := s.factorOf(a)
	if err != nil {
		return nil, err
	}
	me.OTP = f.On
	sys := tx.System("own account")
	grants, err := grantsOf(sys, id)
	if err != nil {
		return nil, err
	}
	if me.Roles, err = rolesOf(sys, grants); err != nil {
		return nil, err
	}
	posts, err := assignments(sys, id, tx.Now())
	for _, p := range posts {
		me.Assignments = append(me.Assignments, AssignmentView{ID: p.ID, BuildingID: orNull(p.BuildingID), Unit: p.Unit,
			AreaCode: p.AreaCode, Team: p.Team, From: p.FromAt, To: orNull(p.ToAt)})
	}
	if err != nil {
		return nil, err
	}
	c, err := latestConsent(tx, id)
	if c != nil {
		me.Consents = viewConsent(c)
	}
	return me, err
}

func orNull[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// rolesOf names the areas of grants. sys must be the program's: the names of areas are no secret.
func rolesOf(sys *store.Tx, grants []model.Grant) ([]RoleView, error) {
	names, err := areaNames(sys, grants)
	out := make([]RoleView, 0, len(grants))
	for _, g := range grants {
		out = append(out, RoleView{Role: g.Role, AreaCode: g.Area, AreaName: names[g.Area]})
	}
	return out, err
}

func areaNames(sys *store.Tx, grants []model.Grant) (map[string]string, error) {
	var codes []string
	for _, g := range grants {
		if g.Area != "" {
			codes = append(codes, g.Area)
		}
	}
	names := map[string]string{}
	if len(codes) == 0 {
		return names, nil
	}
	slices.Sort(codes)
	var rows []model.Area
	err := sys.Q(&rows).Where("code IN ?", slices.Compact(codes)).Find(&rows).Error
	for _, r := range rows {
		names[r.Code] = r.Name
	}
	return names, err
}

// SetPhone asks WeChat for the number behind a code of getPhoneNumber and keeps it, sealed. Errors: those of WeChat; server.busy
// when it is not configured.
func (s *Service) SetPhone(ctx context.Context, code string) (*Me, error) {
	if s.o.WeChat == nil {
		return nil, model.Failf(model.Busy, "微信暂时不能用，请手工填写手机号。")
	}
	number, err := s.o.WeChat.Phone(ctx, code)
	if err != nil {
		return nil, err
	}
	actor := store.ActorOf(ctx)
	kept, err := s.sealed(actor.Account, "phone", number)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, s.ownAct(actor, "phone.set"), func(tx *store.Tx) error {
		tx.Change(&model.Account{}, map[string]any{"phone": kept, "phone_index": s.db.PhoneIndex(number)}, "id = ?", actor.Account)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.Me(ctx)
}

// Copy is all that is kept about a resident (PIPL, article 45).
type Copy struct {
	Account  *Me               `json:"account"`
	Consents []ConsentView     `json:"consents" nullable:"false" doc:"all of them, newest first"`
	Sessions []SessionView     `json:"sessions" nullable:"false"`
	Records  []json.RawMessage `json:"records" nullable:"false" doc:"as GET /records/{id} shows each"`
	Visits   []VisitView       `json:"visits" nullable:"false" doc:"to rooms where a record of theirs is verified, since it came"`
}

// VisitView is one attempt to reach a room.
type VisitView struct {
	Room    string     `json:"room"`
	Unit    string     `json:"unit"`
	Method  string     `json:"method"`
	Outcome string     `json:"outcome"`
	By      string     `json:"by" doc:"the collector's name"`
	At      model.Time `json:"at"`
}

// Data is a copy of all that is kept about the caller; that they asked is traced.
func (s *Service) Data(ctx context.Context) (*Copy, error) {
	actor := store.ActorOf(ctx)
	out := &Copy{}
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		*out = Copy{Consents: []ConsentView{}, Records: []json.RawMessage{}, Visits: []VisitView{}}
		if out.Account, err = s.me(tx); err != nil {
			return err
		}
		if out.Consents, err = ownConsents(tx); err != nil {
			return err
		}
		if out.Sessions, err = ownSessions(tx); err != nil {
			return err
		}
		out.Visits, err = ownVisits(tx)
		return err
	})
	if err == nil && s.o.Records != nil {
		var records []json.RawMessage
		if records, err = s.o.Records(ctx, actor.Account); err == nil {
			out.Records = append(out.Records, records...)
		}
	}
	if err != nil {
		return nil, err
	}
	return out, s.db.Write(ctx, s.ownAct(actor, "me.data"), func(*store.Tx) error { return nil })
}

func ownConsents(tx *store.Tx) ([]ConsentView, error) {
	var rows []model.Consent
	err := tx.Q(&rows).Where("account_id = ?", tx.Actor().Account).Order("at DESC").Order("id DESC").Find(&rows).Error
	out := make([]ConsentView, 0, len(rows))
	for _, c := range rows {
		out = append(out, *viewConsent(&c))
	}
	return out, err
}

// ownVisits are the visits to the caller's rooms: those where a record of theirs stands verified, from its submission on.
// Anybody can claim to live anywhere; until somebody looked, the neighbours' visits are not theirs to read.
func ownVisits(tx *store.Tx) ([]VisitView, error) {
	var records []model.Record
	err := tx.Q(&records).Select("room_id", "submitted_at").Where("submitter_id = ? AND status = ? AND room_id IS NOT NULL",
		tx.Actor().Account, model.Verified).Find(&records).Error
	if err != nil {
		return nil, err
	}
	since := map[model.ID]model.Time{}
	var ids []model.ID
	for _, r := range records {
		if at, ok := since[r.RoomID]; !ok || r.SubmittedAt < at {
			since[r.RoomID] = r.SubmittedAt
		}
		if !slices.Contains(ids, r.RoomID) {
			ids = append(ids, r.RoomID)
		}
	}
	out := []VisitView{}
	if len(ids) == 0 {
		return out, nil
	}
	sys := tx.System("visits to one's own rooms")
	var rooms []model.Room
	if err := sys.Q(&rooms).Where("id IN ?", ids).Find(&rooms).Error; err != nil {
		return nil, err
	}
	doors := map[model.ID]model.Room{}
	for _, r := range rooms {
		doors[r.ID] = r
	}
	var visits []model.Visit
	err = sys.Q(&visits).Where("room_id IN ?", ids).Order("at DESC").Order("id DESC").Find(&visits).Error
	for _, v := range visits {
		if v.At >= since[v.RoomID] {
			d := doors[v.RoomID]
			out = append(out, VisitView{Room: d.Number, Unit: d.Unit, Method: v.Method, Outcome: v.Outcome, By: v.Name, At: v.At})
		}
	}
	return out, err
}
