package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
)

func TestAreasCountTheHouseholdsThatLiveInThem(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	family := newID()
	there := object{"qr": o.Code2}
	in := func(more object) street.Response { return o.make("resident", o.at("person", o.person(nil), more)) }
	households := func(as, area string) any {
		r := o.Do(street.Request{Method: "GET", Path: "/areas/" + area, As: as})
		require.Equal(t, 200, r.Status, r.Text)
		return r.JSON["households"]
	}
	same := func(why string, inStreet, first, second, collected int) {
		t.Helper()
		for _, fold := range []bool{false, true} { // what waits to be folded counts as what is
			if fold {
				require.NoError(t, o.Services.Tally.Keep(t.Context()))
			}
			r := o.Do(street.Request{Method: "GET", Path: "/areas?parent=410102002&limit=2", As: "street"})
			require.Equal(t, o.Community, member(r, "items.0.code"), r.Text)
			require.EqualValues(t, first, member(r, "items.0.households"), why)
			require.Equal(t, o.Community2, member(r, "items.1.code"), r.Text)
			require.EqualValues(t, second, member(r, "items.1.households"), why)
			require.EqualValues(t, inStreet, households("street", "410102002"), why)
			require.EqualValues(t, inStreet, households("admin", "410102"), why)
			require.EqualValues(t, second, households("community2", "410102002"), "of the street, what its caller sees")
			require.EqualValues(t, collected, households("collector", "410102002"), why)
		}
	}
	same("nobody", 0, 0, 0, 0)
	in(object{"household_id": family})
	in(object{"household_id": family})
	alone := in(nil)
	same("a family and somebody alone", 2, 2, 0, 2)
	moved := in(with(there, object{"household_id": family}))
	same("one of the family lives elsewhere", 2, 2, 1, 2)
	neighbour := in(there)
	same("somebody alone elsewhere", 3, 2, 2, 2)
	r := o.Do(street.Request{Method: "POST", Path: "/assignments", As: "community2", Body: object{"account_id": o.account("collector"),
		"building_id": o.Building2, "team": "fixed"}})
	require.Equal(t, 201, r.Status, r.Text)
	same("a post beside the grid, with a family that is in both", 3, 2, 2, 3)
	o.step("collector", neighbour, object{"action": "reject", "note": "查无此人"})
	same("who is rejected lives nowhere", 2, 2, 1, 2)
	o.step("resident", moved, object{"action": "withdraw"})
	o.step("resident", alone, object{"action": "withdraw"})
	same("nor who withdrew", 1, 1, 0, 1)
}
