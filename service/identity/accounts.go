package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"regexp"
	"slices"
	"strings"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// AccountView is an account as those who administer it see it.
type AccountView struct {
	ID          model.ID          `json:"id"`
	Kind        model.AccountKind `json:"kind"`
	Username    *string           `json:"username"`
	Name        string            `json:"name"`
	Roles       []RoleView        `json:"roles" nullable:"false"`
	Disabled    bool              `json:"disabled"`
	LockedUntil *model.Time       `json:"locked_until" nullable:"true"`
	OTP         bool              `json:"otp" doc:"a second factor is on"`
	CreatedAt   model.Time        `json:"created_at"`
	Version     int64             `json:"version"`
}

// AccountFilter narrows the list of accounts in scope.
type AccountFilter struct {
	Area   string // holds a role inside it
	Role   model.Role
	Query  string // prefix of user name or name
	Limit  int    // 1 to 200
	Cursor string
}

// Accounts are the accounts in the caller's scope, newest first. Errors: validation.failed for a bad cursor or filter.
func (s *Service) Accounts(ctx context.Context, f AccountFilter) (views []AccountView, next string, err error) {
	after, err := store.ParseCursor(f.Cursor)
	if err != nil {
		return nil, "", err
	}
	if err := f.shape(); err != nil {
		return nil, "", err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		rows, end, err := f.page(tx, after)
		if err != nil {
			return err
		}
		next = end.String()
		views, err = s.views(tx, rows)
		return err
	})
	return views, next, err
}

func (f AccountFilter) shape() error {
	var bad model.Faults
	if f.Role != "" && !f.Role.Valid() {
		bad.Add("role", model.FieldChoice, "没有这个角色")
	}
	if f.Area != "" && !model.ValidArea(f.Area) {
		bad.Add("area", model.FieldInvalid, "区域代码不对")
	}
	return bad.Err()
}

// fewAccounts is how many accounts a page reads and sorts at most; where there may be more it walks all, the newest first.
const fewAccounts = 4000

// page finds accounts by their roles where not everybody is asked for, or by the beginning of their name, and walks them otherwise.
func (f AccountFilter) page(tx *store.Tx, after store.Cursor) ([]*model.Account, store.Cursor, error) {
	at := func(a *model.Account) store.Cursor { return store.Cursor{At: a.CreatedAt, ID: a.ID} }
	ids, some, err := f.holders(tx)
	if err != nil {
		return nil, store.Cursor{}, err
	}
	if !some && f.Query != "" {
		if ids, some, err = f.named(tx); err != nil {
			return nil, store.Cursor{}, err
		}
	}
	if some {
		return store.Page(f.narrow(tx)(tx.Q(&model.Account{}).Where("id IN ?", ids)), "created_at", after, f.Limit, at)
	}
	list := store.Listed{After: after, Limit: f.Limit}
	if f != (AccountFilter{Limit: f.Limit, Cursor: f.Cursor}) {
		list.Narrow = f.narrow(tx)
	}
	return store.PageByStreet(tx, store.ByStreet{Col: "created_at", All: "accounts_created"}, list, at)
}

// holders are the accounts in scope that hold, or held, a role such as the filter names; some is false when that may be everybody.
func (f AccountFilter) holders(tx *store.Tx) (ids []model.ID, some bool, err error) {
	scope := tx.Actor().Scope()
	if scope.All && f.Area == "" && f.Role == "" {
		return nil, false, nil
	}
	read := func(index, where string, args ...any) error {
		var part []model.ID
		q := tx.Along(index, &model.GrantRow{}).Where(where, args...)
		if f.Role != "" {
			q = q.Where("role = ?", f.Role)
		}
		err := q.Limit(fewAccounts+1).Pluck("account_id", &part).Error
		ids = append(ids, part...)
		return err
	}
	index := "grants_area"
	if f.Role != "" {
		index = "grants_role"
	}
	areas := scope.Areas
	if scope.All {
		areas = []string{""}
	} else {
		err = read("grants_account", "account_id = ?", tx.Actor().Account)
	}
	for _, a := range areas {
		switch {
		case err != nil:
		case strings.HasPrefix(f.Area, a):
			err = read(index, "area_code >= ? AND area_code < ?", f.Area, f.Area+":") // ':' follows '9'
		case strings.HasPrefix(a, f.Area):
			err = read(index, "area_code >= ? AND area_code < ?", a, a+":")
		}
	}
	slices.SortFunc(ids, func(a, b model.ID) int { return slices.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	return ids, len(ids) <= fewAccounts, err
}

// named are the accounts whose user name or name begins as asked for; some is false when there are many.
func (f AccountFilter) named(tx *store.Tx) (ids []model.ID, some bool, err error) {
	for index, where := range map[string]string{
		"accounts_username": "username >= ? AND username < ?",
		"accounts_name":     "name >= ? AND name < ?",
	} {
		var part []model.ID
		p := strings.TrimSpace(f.Query)
		if index == "accounts_username" {
			p = strings.ToLower(p)
		}
		if err := tx.Along(index, &model.Account{}).Where(where, p, p+lastRune).Limit(fewAccounts+1).Pluck("id", &part).Error; err != nil {
			return nil, false, err
		}
		ids = append(ids, part...)
	}
	return ids, len(ids) <= fewAccounts, nil
}

// lastRune follows every character a name may hold.
const lastRune = "\U0010FFFF"

func (f AccountFilter) narrow(tx *store.Tx) func(*gorm.DB) *gorm.DB {
	return func(q *gorm.DB) *gorm.DB {
		if f.Area != "" || f.Role != "" {
			held := tx.Q(&model.GrantRow{}).Select("1").Where("account_id = accounts.id AND ended_at IS NULL").Limit(1)
			if f.Area != "" {
				held = held.Where("area_code >= ? AND area_code < ?", f.Area, f.Area+":")
			}
			if f.Role != "" {
				held = held.Where("role = ?", f.Role)
			}
			q = q.Where("(?) = 1", held) // looked up row by row, as the store does for headers
		}
		if p := strings.TrimSpace(f.Query); p != "" {
			low := strings.ToLower(p)
			q = q.Where("(username >= ? AND username < ?) OR (name >= ? AND name < ?)", low, low+lastRune, p, p+lastRune)
		}
		return q
	}
}

// views shows accounts with their roles; three statements, whatever their number.
func (s *Service) views(tx *store.Tx, rows []*model.Account) ([]AccountView, error) {
	sys := tx.System("roles of accounts in scope")
	ids := make([]model.ID, len(rows))
	for i, a := range rows {
		ids[i] = a.ID
	}
	out := make([]AccountView, 0, len(rows))
	if len(rows) == 0 {
		return out, nil
	}
	now, _, err := allGrants(sys, ids)
	if err != nil {
		return nil, err
	}
	var every []model.Grant
	for _, grants := range now {
		every = append(every, grants...)
	}
	names, err := areaNames(sys, every)
	if err != nil {
		return nil, err
	}
	for _, a := range rows {
		f, err := s.factorOf(a)
		if err != nil {
			return nil, err
		}
		v := AccountView{ID: a.ID, Kind: a.Kind, Username: a.Username, Name: a.Name, Disabled: a.Disabled, OTP: f.On,
			Roles: []RoleView{}, CreatedAt: a.CreatedAt, Version: a.Version}
		if a.LockedUntil > tx.Now() {
			v.LockedUntil = &a.LockedUntil
		}
		for _, g := range now[a.ID] {
			v.Roles = append(v.Roles, RoleView{Role: g.Role, AreaCode: g.Area, AreaName: names[g.Area]})
		}
		out = append(out, v)
	}
	return out, nil
}

// Account is one account in the caller's scope. Errors: not_found.
func (s *Service) Account(ctx context.Context, id model.ID) (view *AccountView, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		view, err = s.account(tx, id)
		return err
	})
	return view, err
}

func (s *Service) account(tx *store.Tx, id model.ID) (*AccountView, error) {
	var a model.Account
	if err := tx.Q(&a).Where("id = ?", id).Take(&a).Error; err != nil {
		return nil, err
	}
	views, err := s.views(tx, []*model.Account{&a})
	if err != nil {
		return nil, err
	}
	return &views[0], nil
}

// LocateAccount judges a path's account before the body: not_found, role.forbidden, precondition.*, record.stale, in this order.
func (s *Service) LocateAccount(ctx context.Context, id string, m model.Match) error {
	parsed, err := model.ParseID(id)
	if err != nil {
		return model.Fail(model.NotFound)
	}
	return s.db.Read(ctx, func(tx *store.Tx) error {
		a, err := manageable(tx, parsed, false)
		if err != nil {
			return err
		}
		return m.Against(a.Version)
	})
}

// manageable is an account in scope that the actor may change; above asks for a higher rung than the account's, for what gives
// power over it. Errors: not_found, role.forbidden.
func manageable(tx *store.Tx, id model.ID, above bool) (*model.Account, error) {
	var a model.Account
	if err := tx.Q(&a).Where("id = ?", id).Take(&a).Error; err != nil {
		return nil, err
	}
	now, once, err := allGrants(tx.System("roles of an account"), []model.ID{id})
	if err != nil {
		return nil, err
	}
	if !mayManage(tx.Actor(), now[id], once[id]) {
		return nil, model.Failf(model.RoleForbidden, "您不能修改这个账号。")
	}
	if above && id != tx.Actor().Account && !outranks(tx.Actor(), now[id], once[id]) {
		return nil, model.Failf(model.RoleForbidden, "只有上级可以停用这个账号或重置它的密码，请联系上级。")
	}
	return &a, nil
}

// NewAccount is what a new account is made of.
type NewAccount struct {
	Username string
	Name     string
	Password string // empty: one is made
	Roles    []model.Grant
}

// usernames: lower case, so that nobody is told apart by a capital; no colon, which personas have.
var usernames = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{2,31}$`)

// CreateAccount makes an account with a password. initial is the password that was made when none was given, shown once. Errors:
// role.forbidden for roles that are not the caller's to give; validation.failed; conflict for a user name in use; rate.limited.
func (s *Service) CreateAccount(ctx context.Context, in NewAccount) (view *AccountView, initial string, err error) {
	in.Username, in.Name = strings.ToLower(strings.TrimSpace(in.Username)), strings.TrimSpace(in.Name)
	if in.Password == "" {
		initial = randomPassword()
		in.Password = initial
	}
	// Rights and areas first: they are cheap, and 403 comes before 422 and before a hash is made for someone who may not.
	if err := s.db.Read(ctx, in.judge); err != nil {
		return nil, "", err
	}
	hash, err := s.hash(in.Password)
	if err != nil {
		return nil, "", err
	}
	id := model.NewID()
	act := model.Act{Name: "account.create", Target: id.String(), Area: firstArea(in.Roles), Detail: describe(in.Roles)}
	err = s.db.Write(ctx, act, func(tx *store.Tx) error {
		if err := in.judge(tx); err != nil {
			return err
		}
		a := &model.Account{ID: id, Kind: model.Named, Username: &in.Username, Name: in.Name, PasswordHash: hash, CreatedAt: tx.Now(),
			CreatedBy: tx.Actor().Account, Version: 1}
		if err := tx.Add(a); err != nil {
			return err
		}
		return addGrants(tx, id, in.Roles)
	})
	if errors.Is(err, store.ErrDuplicate) {
		return nil, "", model.Failf(model.Conflict, "这个用户名已被使用，请换一个。")
	}
	if err != nil {
		return nil, "", err
	}
	view, err = s.Account(ctx, id)
	return view, initial, err
}

func (in NewAccount) judge(tx *store.Tx) error {
	var f model.Faults
	err := judgeGrants(tx, in.Roles)
	var e *model.Error
	if errors.As(err, &e) && e.Code == model.Invalid {
		f = append(f, e.Fields...)
	} else if err != nil {
		return err
	}
	if !usernames.MatchString(in.Username) {
		f.Add("username", model.FieldInvalid, "用户名用 3 到 32 位小写字母、数字、点、横线")
	}
	nameFault(&f, in.Name)
	if m := weakness(in.Password, in.Username, hasAdmin(in.Roles)); m != "" {
		f.Add("password", model.FieldInvalid, m)
	}
	return f.Err()
}

func nameFault(f *model.Faults, name string) {
	if n := len([]rune(name)); n == 0 || n > 30 {
		f.Add("name", model.FieldInvalid, "姓名 1 到 30 个字")
	}
}

func hasAdmin(grants []model.Grant) bool {
	return slices.ContainsFunc(grants, func(g model.Grant) bool { return g.Role == model.Admin })
}

func addGrants(tx *store.Tx, account model.ID, roles []model.Grant) error {
	for _, g := range roles {
		err := tx.Add(&model.GrantRow{ID: model.NewID(), AccountID: account, Role: g.Role, AreaCode: g.Area, GrantedAt: tx.Now(),
			GrantedBy: tx.Actor().Account})
		if err != nil {
			return err
		}
	}
	return nil
}

// describe is the roles for the trace: "collector 410102002001, …".
func describe(roles []model.Grant) string {
	var parts []string
	for _, g := range roles {
		parts = append(parts, strings.TrimSpace(string(g.Role)+" "+g.Area))
	}
	return strings.Join(parts, ", ")
}

// randomPassword is 96 bits of base32 in four groups, in three classes: upper case, digits, and the dash.
func randomPassword() string {
	for {
		t := rand.Text()[:20]
		p := t[:5] + "-" + t[5:10] + "-" + t[10:15] + "-" + t[15:]
		if weakness(p, "", true) == "" {
			return p
		}
	}
}

// CreateAdmin makes an administrator of everything, for the command line: there are no default accounts. Errors:
// validation.failed, conflict for a user name in use.
func (s *Service) CreateAdmin(ctx context.Context, username, name, password string) error {
	ctx = store.AsSystem(ctx, "six admin create")
	username = strings.ToLower(strings.TrimSpace(username))
	if name = strings.TrimSpace(name); name == "" {
		name = username
	}
	var f model.Faults
	if !usernames.MatchString(username) {
		f.Add("username", model.FieldInvalid, "用户名用 3 到 32 位小写字母、数字、点、横线")
	}
	nameFault(&f, name)
	if m := weakness(password, username, true); m != "" {
		f.Add("password", model.FieldInvalid, m)
	}
	if err := f.Err(); err != nil {
		return err
	}
	hash, err := s.hash(password)
	if err != nil {
		return err
	}
	id := model.NewID()
	act := model.Act{Name: "account.create", Target: id.String(), Detail: string(model.Admin)}
	err = s.db.Write(ctx, act, func(tx *store.Tx) error {
		a := &model.Account{ID: id, Kind: model.Named, Username: &username, Name: name, PasswordHash: hash, CreatedAt: tx.Now(),
			Version: 1}
		if err := tx.Add(a); err != nil {
			return err
		}
		return addGrants(tx, id, []model.Grant{{Role: model.Admin}})
	})
	if errors.Is(err, store.ErrDuplicate) {
		return model.Failf(model.Conflict, "这个用户名已被使用，请换一个。")
	}
	return err
}
