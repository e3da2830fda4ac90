package identity

import (
	"context"
	"errors"
	"strings"

	"sixelements/model"
	"sixelements/model/store"
)

// Login is a request for a session: a grant and what the grant needs.
type Login struct {
	Grant    string // wechat, password, scan, demo
	Code     string // wechat: the code of wx.login; scan: the code on the poster
	Username string
	Password string
	OTP      string // password: the second factor, six digits
	Persona  string // demo
	Cookie   bool   // password: a console session, held by a cookie
	Agent    string // the client's User-Agent; cut to 200 characters
}

// Opened is a new session. Its secrets are nowhere else: only hashes are stored.
type Opened struct {
	Token   string
	CSRF    string // console sessions only
	Expires model.Time
	Console bool
	Me      *Me
}

// entry is an account that proved who it is by a grant and is about to get a session.
type entry struct {
	account  *model.Account
	fresh    bool // the account does not exist yet
	grants   []model.Grant
	building model.ID
	// check judges the account again inside the door, and may stage what the log-in changes.
	check func(tx *store.Tx) error
}

// Log-ins' trace names the account as its target; those that fail are traced as the program's, since nobody knows who it was.
const actLogin = "session.create"

// Login opens a session. Errors: auth.invalid when the proof is wrong, the account is disabled or unknown (they look alike);
// auth.locked (with seconds) after five wrong passwords; rate.limited when too many passwords are being tried at once; not_found
// for a grant that is switched off; qr.unknown, qr.revoked; validation.failed; and those of WeChat.
func (s *Service) Login(ctx context.Context, in Login) (*Opened, error) {
	ctx = store.AsSystem(ctx, "log-in")
	if err := in.shape(); err != nil {
		return nil, err
	}
	var e *entry
	var err error
	switch in.Grant {
	case "wechat":
		e, err = s.byWeChat(ctx, in.Code)
	case "password":
		e, err = s.byPassword(ctx, in)
	case "scan":
		e, err = s.byScan(ctx, in.Code)
	case "demo":
		e, err = s.byPersona(ctx, in.Persona)
	}
	if err != nil {
		return nil, err
	}
	out, err := s.enter(ctx, e, in)
	if errors.Is(err, store.ErrDuplicate) { // the same person logged in twice at once for the first time
		account, grants, ferr := s.find(ctx, "open_id_index = ?", e.account.OpenIDIndex)
		if ferr != nil || account == nil {
			return nil, errors.Join(err, ferr)
		}
		e = known(account, grants)
		out, err = s.enter(ctx, e, in)
	}
	switch wrong := (wrongFactor{}); {
	case err == nil:
		return out, nil
	case errors.As(err, &wrong):
		return nil, s.refuse(ctx, e.account, e.grants)
	case e.fresh:
		return nil, err
	}
	return nil, s.trace(ctx, e, in.Grant, err, false)
}

// shape is validation.failed naming what the grant lacks.
func (in Login) shape() error {
	var f model.Faults
	need := func(name, value string) {
		if strings.TrimSpace(value) == "" {
			f.Add(name, model.FieldRequired, "请填写这一项")
		}
	}
	switch in.Grant {
	case "wechat", "scan":
		need("code", in.Code)
	case "password":
		need("username", in.Username)
		need("password", in.Password)
	case "demo":
		need("persona", in.Persona)
	default:
		f.Add("grant", model.FieldChoice, "没有这种登录方式")
	}
	if in.Cookie && in.Grant != "password" && in.Grant != "demo" {
		f.Add("cookie", model.FieldInvalid, "这种登录方式不能用 Cookie")
	}
	return f.Err()
}

// enter stages the session, and the account when it is new, and traces the log-in as the account's own act.
func (s *Service) enter(ctx context.Context, e *entry, in Login) (*Opened, error) {
	now, sys := s.db.Now(), store.ActorOf(ctx)
	out := &Opened{Token: newToken(), Console: in.Cookie, Expires: now.Add(bearerLife)}
	v := &model.Session{ID: model.NewID(), AccountID: e.account.ID, TokenHash: s.db.Hash(forToken, []byte(out.Token)),
		BuildingID: e.building, Console: in.Cookie, CreatedAt: now, LastSeen: now, Source: sys.Source, Agent: cut(in.Agent, 200)}
	if in.Cookie {
		out.CSRF, out.Expires = newToken(), now.Add(consoleLife)
		v.CSRFHash = s.db.Hash(forCSRF, []byte(out.CSRF))
	}
	v.ExpiresAt = out.Expires
	actor := model.Actor{Account: e.account.ID, Session: v.ID, Name: e.account.Name, Grants: e.grants, Building: e.building,
		Source: sys.Source, RequestID: sys.RequestID}
	ctx = store.As(ctx, actor)
	act := model.Act{Name: actLogin, Target: e.account.ID.String(), Area: firstArea(e.grants), Detail: in.Grant}
	err := s.db.Write(ctx, act, func(tx *store.Tx) error {
		if err := e.stage(tx); err != nil {
			return err
		}
		return tx.Add(v)
	})
	if err != nil {
		return nil, err
	}
	out.Me, err = s.Me(ctx)
	return out, err
}

// stage adds a new account with the resident's role, or judges an old one again.
func (e *entry) stage(tx *store.Tx) error {
	if e.check != nil {
		if err := e.check(tx); err != nil {
			return err
		}
	}
	if !e.fresh {
		return nil
	}
	account := *e.account
	account.CreatedAt, account.CreatedBy = tx.Now(), account.ID
	return tx.Add(&account, &model.GrantRow{ID: model.NewID(), AccountID: account.ID, Role: model.Resident, GrantedAt: tx.Now(),
		GrantedBy: account.ID})
}

// find reads the account that matches, with its roles; nil when there is none. ctx acts for the program.
func (s *Service) find(ctx context.Context, where string, arg any) (account *model.Account, grants []model.Grant, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		var rows []*model.Account
		account, grants = nil, nil
		if err := tx.Q(&rows).Where(where, arg).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		account = rows[0]
		grants, err = grantsOf(tx, account.ID)
		return err
	})
	return account, grants, err
}

// enabled reads the account again inside a door: auth.invalid when it was disabled meanwhile.
func enabled(tx *store.Tx, id model.ID) (*model.Account, error) {
	var now model.Account
	if err := tx.Q(&now).Where("id = ?", id).Limit(1).Find(&now).Error; err != nil {
		return nil, err
	}
	if now.ID.IsZero() || now.Disabled {
		return nil, model.Fail(model.AuthInvalid)
	}
	return &now, nil
}

func known(account *model.Account, grants []model.Grant) *entry {
	return &entry{account: account, grants: grants, building: account.BuildingID, check: func(tx *store.Tx) error {
		_, err := enabled(tx, account.ID)
		return err
	}}
}

var residentGrant = []model.Grant{{Role: model.Resident}}

// byWeChat finds the account of a WeChat user, or prepares one.
func (s *Service) byWeChat(ctx context.Context, code string) (*entry, error) {
	if s.o.WeChat == nil {
		return nil, model.Failf(model.Busy, "微信登录暂时不能用，请稍后再试。")
	}
	openID, _, err := s.o.WeChat.Login(ctx, code)
	if err != nil {
		return nil, err
	}
	index := s.db.Hash(forOpenID, []byte(openID))
	account, grants, err := s.find(ctx, "open_id_index = ?", index)
	if err != nil {
		return nil, err
	}
	if account != nil {
		return known(account, grants), nil
	}
	account = &model.Account{ID: model.NewID(), Kind: model.WeChat, OpenIDIndex: index, Version: 1}
	account.OpenID, err = s.sealed(account.ID, forOpenID, openID)
	return &entry{account: account, fresh: true, grants: residentGrant}, err
}

// byScan prepares an account for one browser and one building. Its submissions are counted where records are made.
func (s *Service) byScan(ctx context.Context, code string) (*entry, error) {
	if !s.o.WebForm && !s.o.Demo {
		return nil, model.Fail(model.NotFound)
	}
	var rows []model.QRCode
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		rows = nil
		return tx.Q(&rows).Where("code = ?", strings.ToUpper(strings.TrimSpace(code))).Limit(1).Find(&rows).Error
	})
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0:
		return nil, model.Fail(model.QRUnknown)
	case rows[0].Status != model.QRActive:
		return nil, model.Fail(model.QRRevoked)
	}
	account := &model.Account{ID: model.NewID(), Kind: model.Scanner, BuildingID: rows[0].BuildingID, Version: 1}
	return &entry{account: account, fresh: true, grants: residentGrant, building: account.BuildingID}, nil
}

// firstArea is where a log-in is filed, so that the area's staff can read of it.
func firstArea(grants []model.Grant) string {
	for _, g := range grants {
		if g.Area != "" {
			return g.Area
		}
	}
	return ""
}

func cut(s string, n int) string {
	if r := []rune(strings.ToValidUTF8(s, "")); len(r) > n {
		return string(r[:n])
	}
	return strings.ToValidUTF8(s, "")
}
