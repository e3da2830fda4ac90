package identity_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/identity"
)

var plan = identity.PersonaPlan{Grid: grid, Community: community, Community2: community2, Street: street}

func TestTheFirstLogInFromWeChatMakesAResident(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{WeChat: weChat{}})
	o := f.login(identity.Login{Grant: "wechat", Code: "a"})
	require.Equal(t, model.WeChat, o.Me.Kind)
	require.Equal(t, model.Resident, o.Me.Roles[0].Role)
	require.Nil(t, o.Me.Consents)
	_, err := f.Login(public(), identity.Login{Grant: "wechat", Code: "used"})
	fails(t, err, model.AuthInvalid)
	_, err = open(t, identity.Options{}).Login(public(), identity.Login{Grant: "wechat", Code: "a"})
	fails(t, err, model.Busy)
}

func TestManyFirstLogInsAtOnceMakeOneAccount(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{WeChat: weChat{}})
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[model.ID]bool{}
	for range 8 {
		wg.Go(func() {
			o, err := f.Login(public(), identity.Login{Grant: "wechat", Code: "a"})
			if err == nil {
				mu.Lock()
				seen[o.Me.ID] = true
				mu.Unlock()
			} else {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, 1)
}

func TestAPosterOpensASessionForItsBuilding(t *testing.T) {
	t.Parallel()
	building := model.NewID()
	codes := func(f *office) {
		f.write(func(tx *store.Tx) error {
			return tx.Add(&model.QRCode{Code: "ABCDE23456HJKM", BuildingID: building, Status: model.QRActive, IssuedAt: tx.Now()},
				&model.QRCode{Code: "DEADE23456HJKM", BuildingID: building, Status: model.QRDead, IssuedAt: tx.Now(), RevokedAt: tx.Now()})
		})
	}
	f := open(t, identity.Options{WebForm: true})
	codes(f)
	o := f.login(identity.Login{Grant: "scan", Code: " abcde23456hjkm"})
	require.Equal(t, building, *o.Me.ScanBuilding)
	a := store.ActorOf(f.as(o.Token))
	require.Equal(t, building, a.Building)
	require.True(t, a.Has(model.Resident))
	f.clock.Advance(20 * 24 * time.Hour)
	f.as(o.Token)
	f.clock.Advance(10 * 24 * time.Hour)
	f.rejects(o.Token, model.AuthExpired) // thirty days, which do not slide

	for code, want := range map[string]model.Code{"DEADE23456HJKM": model.QRRevoked, "ABCDE23456HJKN": model.QRUnknown} {
		_, err := f.Login(public(), identity.Login{Grant: "scan", Code: code})
		fails(t, err, want)
	}
	shut := open(t, identity.Options{})
	codes(shut)
	_, err := shut.Login(public(), identity.Login{Grant: "scan", Code: "ABCDE23456HJKM"})
	fails(t, err, model.NotFound)
}

func TestPersonasAreForTheDemoOnly(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{Demo: true})
	_, err := f.Login(public(), identity.Login{Grant: "demo", Persona: "street"})
	fails(t, err, model.Busy) // the data is not there yet
	require.NoError(t, f.EnsurePersonas(context.Background(), plan))
	before := len(f.trace())
	require.NoError(t, f.EnsurePersonas(context.Background(), plan))
	require.Len(t, f.trace(), before, "nothing to do, nothing traced")
	want := map[string]model.Grant{"resident": {Role: model.Resident}, "resident2": {Role: model.Resident},
		"collector": role(model.Collector, grid), "grid_leader": role(model.GridLeader, grid),
		"department": role(model.Department, street),
		"community":  role(model.CommunityRole, community), "community2": role(model.CommunityRole, community2),
		"street": role(model.StreetRole, street), "admin": role(model.Admin, "")}
	var admin string
	for persona, g := range want {
		o := f.login(identity.Login{Grant: "demo", Persona: persona})
		require.Equal(t, []model.Grant{g}, store.ActorOf(f.as(o.Token)).Grants)
		if persona == "admin" {
			admin = o.Token
		}
	}
	_, err = f.Login(public(), identity.Login{Grant: "demo", Persona: "emperor"})
	fails(t, err, model.Invalid, "persona")

	serious := identity.New(f.db, identity.Options{})
	_, err = serious.Login(public(), identity.Login{Grant: "demo", Persona: "admin"})
	fails(t, err, model.NotFound)
	_, err = serious.Authenticate(context.Background(), identity.Credentials{Bearer: admin})
	fails(t, err, model.AuthInvalid)
	fails(t, serious.EnsurePersonas(context.Background(), plan), model.NotFound)
}

func TestALogInSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{Demo: true})
	for _, c := range []struct {
		in identity.Login
		at []string
	}{
		{identity.Login{Grant: "magic"}, []string{"grant"}},
		{identity.Login{Grant: "wechat"}, []string{"code"}},
		{identity.Login{Grant: "scan", Cookie: true}, []string{"code", "cookie"}},
		{identity.Login{Grant: "password"}, []string{"username", "password"}},
		{identity.Login{Grant: "demo"}, []string{"persona"}},
	} {
		_, err := f.Login(public(), c.in)
		fails(t, err, model.Invalid, c.at...)
	}
}

func TestACollectorsPostsAreThoseInForce(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	v := f.account("wang", role(model.Collector, grid))
	now, hour := f.clock.Time(), time.Hour
	posts := map[string]model.Assignment{
		"in force":        {FromAt: now.Add(-hour)},
		"from now on":     {FromAt: now, ToAt: now.Add(hour)},
		"from tomorrow":   {FromAt: now.Add(24 * hour)},
		"over":            {FromAt: now.Add(-2 * hour), ToAt: now},
		"taken back":      {FromAt: now.Add(-hour), EndedAt: now},
		"somebody else's": {FromAt: now.Add(-hour), AccountID: model.NewID()},
	}
	want := map[model.ID]bool{}
	f.write(func(tx *store.Tx) error {
		for name, p := range posts {
			p.ID, p.BuildingID, p.Unit, p.CreatedAt = model.NewID(), model.NewID(), "2", now
			if p.AccountID.IsZero() {
				p.AccountID = v.ID
			}
			if name == "in force" || name == "from now on" {
				want[p.BuildingID] = true
			}
			if err := tx.Add(&p); err != nil {
				return err
			}
		}
		return nil
	})
	o, err := f.password("wang", good)
	require.NoError(t, err)
	a := store.ActorOf(f.as(o.Token))
	require.Len(t, a.Posts, 2)
	require.Len(t, o.Me.Assignments, 2)
	for _, p := range a.Posts {
		require.True(t, want[p.Building])
		require.Equal(t, "2", p.Unit)
	}
}

func TestConsentCountsForTheNoticeInForce(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{WeChat: weChat{}})
	o := f.login(identity.Login{Grant: "wechat", Code: "a"})
	me := f.as(o.Token)
	version := identity.CurrentNotice().Version
	check := func(general, sensitive bool) {
		t.Helper()
		require.NoError(t, f.db.Read(me, func(tx *store.Tx) error {
			g, s, err := f.Consent(me, tx, o.Me.ID)
			require.Equal(t, []bool{general, sensitive}, []bool{g, s})
			return err
		}))
	}
	check(false, false)
	fails(t, f.Agree(me, "2020-1-1", []string{"general"}), model.Invalid, "version")
	fails(t, f.Agree(me, version, []string{"sensitive"}), model.Invalid, "scopes")
	fails(t, f.Agree(me, version, []string{"general", "all"}), model.Invalid, "scopes")
	require.NoError(t, f.Agree(me, version, []string{"general", "sensitive"}))
	check(true, true)
	f.clock.Advance(time.Second)
	require.NoError(t, f.Agree(me, version, []string{"general"}))
	check(true, false)
	seen, err := f.Me(me)
	require.NoError(t, err)
	require.Equal(t, []string{"general"}, seen.Consents.Scopes)
	require.Equal(t, f.clock.Time(), seen.Consents.At)
	require.Equal(t, []string{"ok", "ok"}, f.traced("consent.give"))
	f.clock.Advance(time.Second)
	require.NoError(t, f.Agree(me, version, nil))
	check(false, false)
	seen, err = f.Me(me)
	require.NoError(t, err)
	require.Equal(t, []string{}, seen.Consents.Scopes, "a list, not null")
	require.Equal(t, f.clock.Time(), seen.Consents.At)
	require.Equal(t, []string{"ok"}, f.traced("consent.withdraw"))
	f.clock.Advance(time.Second)
	f.write(func(tx *store.Tx) error {
		return tx.Add(&model.Consent{ID: model.NewID(), AccountID: o.Me.ID, Version: "2020-1-1", Scopes: model.Choices{"general"},
			At: tx.Now()})
	})
	check(false, false) // consent to another notice does not count
}

func TestTheNoticeNamesEveryFieldThatIsAskedFor(t *testing.T) {
	t.Parallel()
	n := identity.CurrentNotice()
	require.NotEmpty(t, n.Title)
	require.Len(t, n.Fields, 6)
	for i, k := range model.Kinds() {
		require.Equal(t, k.Kind, n.Fields[i].Kind)
		require.Len(t, n.Fields[i].Fields, len(k.Kind.Schema().Fields))
	}
	require.Contains(t, n.Fields[0].Fields, "证件号码")
	for _, must := range []string{"街道办事处", "为什么", "多久", "权利", "敏感", "十四周岁"} {
		require.Contains(t, n.Text, must)
	}
}

func TestThePhoneComesFromWeChatAndIsMasked(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{WeChat: weChat{phone: "13800005678"}})
	o := f.login(identity.Login{Grant: "wechat", Code: "a"})
	me, err := f.SetPhone(f.as(o.Token), "p")
	require.NoError(t, err)
	require.Equal(t, "138****5678", *me.Phone)
	var a model.Account
	require.NoError(t, f.db.Read(f.system(), func(tx *store.Tx) error { return tx.Q(&a).Where("id = ?", o.Me.ID).Take(&a).Error }))
	require.NotContains(t, string(a.Phone), "13800005678")
	require.Equal(t, f.db.PhoneIndex("13800005678"), a.PhoneIndex)
}

func TestAnErasedAccountIsNobody(t *testing.T) {
	t.Parallel()
	withdrawn := 0
	f := open(t, identity.Options{Demo: true, WeChat: weChat{phone: "13800005678"},
		Withdraw: func(context.Context, model.ID) error { withdrawn++; return nil }})
	o := f.login(identity.Login{Grant: "wechat", Code: "a", Agent: "my phone"})
	me := f.as(o.Token)
	_, err := f.SetPhone(me, "p")
	require.NoError(t, err)
	require.NoError(t, f.Erase(me))
	require.Equal(t, 1, withdrawn)
	f.rejects(o.Token, model.AuthInvalid)
	var a model.Account
	var s model.Session
	require.NoError(t, f.db.Read(f.system(), func(tx *store.Tx) error {
		if err := tx.Q(&s).Where("account_id = ?", o.Me.ID).Take(&s).Error; err != nil {
			return err
		}
		return tx.Q(&a).Where("id = ?", o.Me.ID).Take(&a).Error
	}))
	require.Empty(t, string(a.Phone)+string(a.PhoneIndex)+string(a.OpenID)+string(a.OpenIDIndex)+s.Source+s.Agent)
	require.True(t, a.Disabled)
	again := f.login(identity.Login{Grant: "wechat", Code: "a"})
	require.NotEqual(t, o.Me.ID, again.Me.ID)

	require.NoError(t, f.EnsurePersonas(context.Background(), plan))
	staff := f.login(identity.Login{Grant: "demo", Persona: "community"})
	fails(t, f.Erase(f.as(staff.Token)), model.Conflict)
	resident := f.login(identity.Login{Grant: "demo", Persona: "resident"})
	require.NoError(t, f.Erase(f.as(resident.Token)))
	require.NotEqual(t, resident.Me.ID, f.login(identity.Login{Grant: "demo", Persona: "resident"}).Me.ID)
}

func visit(room model.ID, outcome string, at model.Time) *model.Visit {
	return &model.Visit{ID: model.NewID(), RoomID: room, BuildingID: model.NewID(), AccountID: model.NewID(), Outcome: outcome,
		At: at, ReceivedAt: at}
}

func TestAResidentGetsACopyOfEverything(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{WeChat: weChat{}})
	o := f.login(identity.Login{Grant: "wechat", Code: "a"})
	me, now := f.as(o.Token), f.clock.Time()
	verified, claimed := model.NewID(), model.NewID()
	f.write(func(tx *store.Tx) error {
		for room, status := range map[model.ID]model.Status{verified: model.Verified, claimed: model.Submitted} {
			err := tx.Add(&model.Room{ID: room, BuildingID: model.NewID(), Number: room.String()[:8] + status.Label()[:3], Version: 1},
				&model.Record{ID: model.NewID(), Kind: model.KindPerson, Status: status, RoomID: room, SubmitterID: o.Me.ID,
					SubmittedAt: now, Version: 1},
				visit(room, "met", now.Add(time.Hour)),
				visit(room, "refused", now.Add(-time.Hour)))
			if err != nil {
				return err
			}
		}
		return nil
	})
	c, err := f.Data(me)
	require.NoError(t, err)
	require.Len(t, c.Sessions, 1)
	require.Len(t, c.Visits, 1, "only to the room where somebody made sure that they live, since they do")
	require.Equal(t, "met", c.Visits[0].Outcome)
	require.Equal(t, []string{"ok"}, f.traced("me.data"))
}

func TestAnAdministratorIsMadeByHand(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	ctx := context.Background()
	fails(t, f.CreateAdmin(ctx, "root", "", "Ab1-cdef"), model.Invalid, "password")
	fails(t, f.CreateAdmin(ctx, "r", "", "Wuniu-Fang-7"), model.Invalid, "username")
	require.NoError(t, f.CreateAdmin(ctx, "Chief", "", good))
	fails(t, f.CreateAdmin(ctx, "chief", "", good), model.Conflict)
	o, err := f.password("chief", good)
	require.NoError(t, err)
	require.True(t, store.ActorOf(f.as(o.Token)).Has(model.Admin))
	require.NotContains(t, testkit.Start().String(), good)
}
