package store_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// seeded is a world with one row in every table but settings, which has its own: at a grid, in unit 1 of a building, of an
// account.
func seeded(t *testing.T) (w *world, owner model.Actor, house model.ID) {
	w = newWorld(t)
	owner, house = testkit.Actor(model.Resident, ""), model.NewID()
	at, codes, id := minutes(0), model.CodesOf(grid), model.NewID
	var first *model.Record
	for _, k := range model.Kinds() {
		r := kindOf(k.Kind, grid, id())
		w.put(r)
		if first == nil {
			first = r
		}
	}
	room := id()
	w.add(&model.Link{ID: id(), RecordID: first.ID, OtherID: id(), At: at}, &model.Dispatched{RecordID: first.ID,
		AccountID: id(), At: at},
		&model.Attachment{ID: id(), OwnerID: owner.Account, RecordID: first.ID, SHA256: []byte{1}, CreatedAt: at},
		&model.Area{Code: grid, Name: "测试网格"}, &model.Building{ID: house, AreaCodes: codes},
		&model.Room{ID: room, BuildingID: house, AreaCodes: codes, Unit: "1", Number: "101"},
		&model.Visit{ID: id(), RoomID: room, BuildingID: house, AreaCodes: codes, AccountID: owner.Account, At: at, ReceivedAt: at},
		&model.QRCode{Code: "A", BuildingID: house, Unit: "1"},
		&model.Assignment{ID: id(), AccountID: owner.Account, BuildingID: house, AreaCode: grid, FromAt: at, CreatedAt: at},
		&model.Account{ID: owner.Account, CreatedAt: at},
		&model.GrantRow{ID: id(), AccountID: owner.Account, Role: model.Collector, AreaCode: grid, GrantedAt: at},
		&model.Session{ID: id(), AccountID: owner.Account, TokenHash: []byte{1}, CreatedAt: at, LastSeen: at, ExpiresAt: at},
		&model.Consent{ID: id(), AccountID: owner.Account, At: at}, &model.ScanPass{AccountID: owner.Account,
			BuildingID: house, At: at},
		&model.Job{ID: id(), OwnerID: owner.Account, RunAt: at, CreatedAt: at, AreaCode: grid},
		&model.ExtraField{ID: id(), AreaCode: grid, CreatedAt: at}, &model.TallyRoom{RoomID: room, BuildingID: house},
		&model.TallyHousehold{HouseholdID: id(), AreaCode: grid, N: 1})
	w.exec("DELETE FROM audit")
	require.NoError(t, w.Write(as(t, owner), model.Act{Name: "test.audit", Area: grid}, func(*store.Tx) error { return nil }))
	return w, owner, house
}

func TestEveryTableShowsWhatIsInScopeAndNothingElse(t *testing.T) {
	t.Parallel()
	w, owner, house := seeded(t)
	post := func(unit string) model.Actor {
		a := testkit.Actor(model.Collector, "")
		a.Posts = []model.Post{{Building: house, Unit: unit}}
		return a
	}
	register := []string{"areas", "buildings", "rooms", "visits", "qr_codes", "assignments", "accounts", "grants",
		"audit", "records", "revisions",
		"links", "dispatches", "attachments", "persons", "places", "events", "objects", "situations", "organisations"}
	global := []string{"settings", "extra_fields"}
	own := []string{"sessions", "consents", "scan_passes", "jobs"}
	program := []string{"tally_deltas", "tally_households", "tally_parts", "tally_rooms"}
	require.ElementsMatch(t, store.ScopedTables(), slices.Concat(register, global, own, program), "a new table is added to this test")
	for _, c := range []struct {
		Name string
		As   model.Actor
		Want []string
	}{
		{"the system", model.Actor{Reason: "test"}, slices.Concat(register, own, program)},
		{"an administrator", testkit.Actor(model.Admin, ""), slices.Concat(register, own, program)},
		{"the street", testkit.Actor(model.StreetRole, street), register},
		{"the community", testkit.Actor(model.CommunityRole, community), register},
		{"another community", testkit.Actor(model.CommunityRole, elsewhere), nil},
		{"a collector of the grid", testkit.Actor(model.Collector, grid), register},
		{"a collector of a micro-grid within sees the grid's name", testkit.Actor(model.Collector, micro), []string{"areas"}},
		{"a collector posted to the unit", post("1"), []string{"buildings", "rooms", "visits", "qr_codes"}},
		{"a collector posted to another unit", post("2"), []string{"buildings", "qr_codes"}},
		{"a collector posted nowhere", testkit.Actor(model.Collector, ""), nil},
		{"a department has no register", testkit.Actor(model.Department, street), nil},
		{"another resident", testkit.Actor(model.Resident, ""), nil},
		{"the owner", owner, slices.Concat(own, []string{"attachments", "visits", "assignments", "accounts", "grants", "audit"})},
	} {
		got := map[string]bool{}
		for _, m := range models() {
			table := parsed(t, m).Table
			var n int64
			w.read(c.As, func(tx *store.Tx) error { return tx.Q(m).Count(&n).Error })
			if n > 0 {
				got[table] = true
			}
		}
		require.ElementsMatch(t, slices.Concat(c.Want, global), slices.Collect(maps.Keys(got)), c.Name)
	}
}
