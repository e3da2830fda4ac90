package identity_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/identity"
)

func ptr[T any](v T) *T { return &v }

func TestNobodyGrantsAboveTheirOwnOrOutside(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	type c struct {
		by, give model.Grant
		want     model.Code
	}
	staff, office, chief := role(model.CommunityRole, community), role(model.StreetRole, street), role(model.Admin, "")
	const no = model.RoleForbidden
	for name, c := range map[string]c{
		"community makes a collector":             {staff, role(model.Collector, grid), ""},
		"community makes its peer":                {staff, staff, ""},
		"community makes a street":                {staff, role(model.StreetRole, street), no},
		"community makes a department":            {staff, role(model.Department, street), no},
		"community next door":                     {staff, role(model.Collector, community2), no},
		"street makes a department":               {office, role(model.Department, street), ""},
		"street makes an administrator":           {office, role(model.Admin, ""), no},
		"a grid leader makes a collector":         {role(model.GridLeader, grid), role(model.Collector, grid), no},
		"an administrator makes another":          {chief, role(model.Admin, ""), ""},
		"a district's administrator makes a full": {role(model.Admin, "410102"), role(model.Admin, ""), no},
		"a closed area":                           {chief, role(model.CommunityRole, closedArea), model.Invalid},
		"an area that is not there":               {chief, role(model.StreetRole, "410102009"), model.Invalid},
		"a street's role for a grid":              {chief, role(model.StreetRole, grid), model.Invalid},
		"a role that is none":                     {chief, role("king", grid), model.Invalid},
		"only a resident":                         {chief, role(model.Resident, ""), model.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := f.CreateAccount(testkit.As(context.Background(), c.by.Role, c.by.Area), identity.NewAccount{
				Username: "u" + strings.ReplaceAll(model.NewID().String(), "-", "")[8:30], Name: "某某", Password: good,
				Roles: []model.Grant{c.give}})
			if c.want == "" {
				require.NoError(t, err)
			} else {
				fails(t, err, c.want)
			}
		})
	}
}

func TestANewAccountIsJudgedWhole(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	staff := testkit.As(context.Background(), model.CommunityRole, community)
	_, _, err := f.CreateAccount(staff, identity.NewAccount{Username: "A b", Password: "x"})
	fails(t, err, model.Invalid, "roles", "username", "name", "password")

	in := identity.NewAccount{Username: "li.si", Name: "李四", Roles: []model.Grant{role(model.Collector, grid)}}
	v, initial, err := f.CreateAccount(staff, in)
	require.NoError(t, err)
	require.NotEmpty(t, initial)
	require.Equal(t, "第一网格", v.Roles[0].AreaName)
	_, err = f.password("li.si", initial)
	require.NoError(t, err)
	_, _, err = f.CreateAccount(staff, in)
	fails(t, err, model.Conflict)
	b, err := json.Marshal(f.trace())
	require.NoError(t, err)
	require.NotContains(t, string(b), initial)
	require.Equal(t, []string{"ok"}, f.traced("account.create"))
}

func TestPasswordsHaveRules(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	for password, c := range map[string]struct{ staff, admin bool }{
		"Ab1-cde":                        {false, false}, // seven
		"Ab1-cdef":                       {true, false},
		"Ab1-cdefgh":                     {true, true},
		"abcdefgh1":                      {false, false}, // two classes
		"密码密码密码Ab":                       {true, false},
		"xLisiLisi-9":                    {false, false}, // the user name
		"P@ssw0rd":                       {false, false},
		"Zhengzhou@123":                  {false, false},
		"Aa1" + strings.Repeat("x", 126): {false, false},
	} {
		for _, r := range []model.Grant{role(model.Collector, grid), role(model.Admin, "")} {
			want := c.staff
			if r.Role == model.Admin {
				want = c.admin
			}
			_, _, err := f.CreateAccount(testkit.As(context.Background(), model.Admin, ""),
				identity.NewAccount{Username: "lisi", Name: "李四", Password: password, Roles: []model.Grant{r}})
			if want {
				require.NoError(t, err, "%s %s", password, r.Role)
				f.write(func(tx *store.Tx) error { tx.Remove(&model.Account{}, "username = ?", "lisi"); return nil })
			} else {
				fails(t, err, model.Invalid, "password")
			}
		}
	}
}

func TestAnAccountIsEditedByWhoMay(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	v := f.account("wang", role(model.Collector, grid))
	boss := f.account("boss", role(model.StreetRole, street), role(model.CommunityRole, community))
	both := f.account("both", role(model.Collector, grid), role(model.Collector, community2))
	staff := testkit.As(context.Background(), model.CommunityRole, community)
	next := testkit.As(context.Background(), model.CommunityRole, community2)
	name := identity.AccountEdit{Name: ptr("王五")}

	_, err := f.EditAccount(next, v.ID, "1", name)
	fails(t, err, model.NotFound)
	_, err = f.EditAccount(staff, boss.ID, "1", name)
	fails(t, err, model.RoleForbidden)
	_, err = f.EditAccount(staff, both.ID, "1", name)
	fails(t, err, model.RoleForbidden) // they also work next door
	_, err = f.EditAccount(staff, v.ID, "", name)
	fails(t, err, model.PreconditionRequired)
	_, err = f.EditAccount(staff, v.ID, "7", name)
	fails(t, err, model.Stale)
	_, err = f.EditAccount(staff, v.ID, "7", identity.AccountEdit{Roles: ptr([]model.Grant{role(model.StreetRole, street)})})
	fails(t, err, model.RoleForbidden) // 403 before 412
	_, err = f.EditAccount(staff, v.ID, "1", identity.AccountEdit{Name: ptr(" "), Password: ptr("x")})
	fails(t, err, model.Invalid, "name", "password")
	got, err := f.EditAccount(staff, v.ID, "1", name)
	require.NoError(t, err)
	require.Equal(t, "王五", got.Name)
	require.Equal(t, int64(2), got.Version)
	for _, a := range f.trace() {
		require.NotContains(t, a.Detail, "王五")
	}

	fails(t, f.LocateAccount(next, v.ID.String(), "2"), model.NotFound)
	fails(t, f.LocateAccount(staff, "x", "2"), model.NotFound)
	fails(t, f.LocateAccount(testkit.As(context.Background(), model.Collector, grid), v.ID.String(), ""), model.RoleForbidden)
	fails(t, f.LocateAccount(staff, v.ID.String(), "1"), model.Stale)
	require.NoError(t, f.LocateAccount(staff, v.ID.String(), "2"))
}

func TestNobodyChangesTheirOwnRights(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	v := f.account("chief", role(model.StreetRole, street))
	o, err := f.password("chief", good)
	require.NoError(t, err)
	me := f.as(o.Token)
	for _, e := range []identity.AccountEdit{{Disabled: ptr(true)}, {Password: ptr("Qingcai-Doufu-9")},
		{Roles: ptr([]model.Grant{role(model.StreetRole, street), role(model.Collector, grid)})}} {
		_, err := f.EditAccount(me, v.ID, "1", e)
		fails(t, err, model.RoleForbidden)
	}
	fails(t, f.DisableAccount(me, v.ID), model.RoleForbidden)
	_, err = f.EditAccount(me, v.ID, "1", identity.AccountEdit{Name: ptr("主任")})
	require.NoError(t, err)
	f.as(o.Token)
}

func TestPowerOverAnAccountNeedsAHigherRung(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	staff, office, chief := role(model.CommunityRole, community), role(model.StreetRole, street), role(model.Admin, "")
	type c struct {
		by   model.Grant
		of   []model.Grant
		want model.Code
	}
	const no = model.RoleForbidden
	for name, c := range map[string]c{
		"community over its collector":              {staff, []model.Grant{role(model.Collector, grid)}, ""},
		"community over a grid leader of all of it": {staff, []model.Grant{role(model.GridLeader, community)}, ""},
		"community over its peer":                   {staff, []model.Grant{staff}, no},
		"community over a peer who also collects":   {staff, []model.Grant{role(model.Collector, grid), staff}, no},
		"street over a community":                   {office, []model.Grant{staff}, ""},
		"street over its peer":                      {office, []model.Grant{office}, no},
		"street over a department":                  {office, []model.Grant{role(model.Department, street)}, ""},
		"a district's administrator over a street":  {role(model.Admin, "410102"), []model.Grant{office}, ""},
		"a district's administrator over a full":    {role(model.Admin, "410102"), []model.Grant{chief, office}, no},
		"an administrator over another":             {chief, []model.Grant{chief}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			by := testkit.As(context.Background(), c.by.Role, c.by.Area)
			v := f.account("u"+strings.ReplaceAll(model.NewID().String(), "-", "")[8:30], c.of...)
			_, reset := f.EditAccount(by, v.ID, "1", identity.AccountEdit{Password: ptr("Qingcai-Doufu-9")})
			off := f.DisableAccount(by, v.ID)
			for _, err := range []error{reset, off} {
				if c.want == "" {
					require.NoError(t, err)
				} else {
					fails(t, err, c.want)
				}
			}
		})
	}
}

func TestWhatTouchesRightsEndsTheSessions(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]identity.AccountEdit{
		"roles":    {Roles: ptr([]model.Grant{role(model.GridLeader, grid)})},
		"password": {Password: ptr("Qingcai-Doufu-9")},
		"disabled": {Disabled: ptr(true)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, identity.Options{})
			v := f.account("wang", role(model.Collector, grid))
			bystander := f.account("zhao", role(model.Collector, grid))
			o, err := f.password("wang", good)
			require.NoError(t, err)
			other, err := f.password("zhao", good)
			require.NoError(t, err)
			staff := testkit.As(context.Background(), model.CommunityRole, community)
			got, err := f.EditAccount(staff, v.ID, "1", edit)
			require.NoError(t, err)
			f.rejects(o.Token, model.AuthInvalid)
			require.Equal(t, bystander.ID, store.ActorOf(f.as(other.Token)).Account)
			trace := f.trace()
			last := trace[len(trace)-1]
			require.Equal(t, "account.edit community "+grid, last.Act+" "+string(last.ActorRole)+" "+last.AreaCode)
			if name == "roles" {
				require.Equal(t, []identity.RoleView{{Role: model.GridLeader, AreaCode: grid, AreaName: "第一网格"}}, got.Roles)
				o, err := f.password("wang", good)
				require.NoError(t, err)
				require.Equal(t, []model.Grant{role(model.GridLeader, grid)}, store.ActorOf(f.as(o.Token)).Grants)
			}
		})
	}
}

func TestADisabledAccountCanBeEnabledAgain(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	v := f.account("wang", role(model.Collector, grid))
	staff := testkit.As(context.Background(), model.CommunityRole, community)
	require.NoError(t, f.DisableAccount(staff, v.ID))
	require.NoError(t, f.DisableAccount(staff, v.ID))
	require.Equal(t, []string{"ok"}, f.traced("account.disable"))
	_, err := f.EditAccount(staff, v.ID, "2", identity.AccountEdit{Disabled: ptr(false)})
	require.NoError(t, err)
	_, err = f.password("wang", good)
	require.NoError(t, err)
	fails(t, f.DisableAccount(testkit.As(context.Background(), model.CommunityRole, community2), v.ID), model.NotFound)
}

func TestAccountsAreListedInScope(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	for _, n := range []string{"anna", "bert", "carl"} {
		f.clock.Advance(time.Second)
		f.account(n, role(model.Collector, grid))
	}
	f.account("dora", role(model.GridLeader, community2))
	list := func(ctx context.Context, flt identity.AccountFilter) string {
		t.Helper()
		if flt.Limit == 0 {
			flt.Limit = 50
		}
		var names []string
		for {
			rows, next, err := f.Accounts(ctx, flt)
			require.NoError(t, err)
			require.LessOrEqual(t, len(rows), flt.Limit)
			for _, r := range rows {
				names = append(names, *r.Username)
			}
			if flt.Cursor = next; next == "" {
				return strings.Join(names, " ")
			}
		}
	}
	staff := testkit.As(context.Background(), model.CommunityRole, community)
	all := testkit.As(context.Background(), model.StreetRole, street)
	require.Equal(t, "carl bert anna", list(staff, identity.AccountFilter{}))
	require.Equal(t, "carl bert anna", list(staff, identity.AccountFilter{Limit: 1}))
	require.Equal(t, "bert", list(staff, identity.AccountFilter{Query: "BE"}))
	require.Empty(t, list(staff, identity.AccountFilter{Query: "do"}), "a filter does not widen the scope")
	require.Empty(t, list(staff, identity.AccountFilter{Area: community2}))
	require.Equal(t, "dora", list(all, identity.AccountFilter{Area: community2}))
	require.Equal(t, "dora", list(all, identity.AccountFilter{Role: model.GridLeader}))
	_, _, err := f.Accounts(staff, identity.AccountFilter{Limit: 5, Cursor: "x"})
	fails(t, err, model.Invalid, "cursor")
	_, _, err = f.Accounts(staff, identity.AccountFilter{Limit: 5, Role: "king", Area: "12"})
	fails(t, err, model.Invalid, "role", "area")
}
