package model_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

const (
	here      = "410102002001001001"
	community = "410102002001"
	there     = "410102002002"
)

var now = today.Start().Add(10 * time.Hour)

// cast are who stands before a record at here, each by what the tables say of them.
type cast struct {
	name  string
	actor model.Actor
	// rung is the highest rung of the ladder that works at the place: 0 none, 1 collector, 2 grid_leader, 3 community, 4 street.
	rung int
	own  bool // the submitter
}

// casts are all of them; own says for which account the record was submitted.
func casts(submitter model.ID) []cast {
	held := func(g ...model.Grant) model.Actor {
		return model.Actor{Account: model.NewID(), Name: "测试", Grants: g}
	}
	as := func(name string, rung int, g ...model.Grant) cast {
		return cast{name: name, actor: held(g...), rung: rung}
	}
	mine := func(name string, rung int, g ...model.Grant) cast {
		c := as(name, rung, g...)
		c.actor.Account, c.own = submitter, true
		return c
	}
	posted := as("a collector posted to the unit", 1, model.Grant{Role: model.Collector})
	posted.actor.Posts = []model.Post{{Building: building, Unit: "1"}}
	beside := as("a collector posted to the next unit", 0, model.Grant{Role: model.Collector})
	beside.actor.Posts = []model.Post{{Building: building, Unit: "2"}}
	return []cast{
		mine("the resident who submitted it", 0, model.Grant{Role: model.Resident}),
		as("another resident", 0, model.Grant{Role: model.Resident}),
		as("a collector in scope", 1, model.Grant{Role: model.Collector, Area: here[:15]}),
		as("a collector out of scope", 0, model.Grant{Role: model.Collector, Area: there}),
		posted, beside,
		as("a collector without area or post", 0, model.Grant{Role: model.Collector}),
		as("a grid leader", 2, model.Grant{Role: model.GridLeader, Area: here[:15]}),
		as("a grid leader of another grid", 0, model.Grant{Role: model.GridLeader, Area: there + "001"}),
		as("the community", 3, model.Grant{Role: model.CommunityRole, Area: community}),
		as("another community", 0, model.Grant{Role: model.CommunityRole, Area: there}),
		as("the street", 4, model.Grant{Role: model.StreetRole, Area: here[:9]}),
		as("an administrator", 0, model.Grant{Role: model.Admin}),
		as("a department", 0, model.Grant{Role: model.Department, Area: here[:9]}),
		as("nobody in particular", 0),
		mine("the collector who submitted it", 1, model.Grant{Role: model.Collector, Area: here}),
		mine("the community worker who submitted it", 3, model.Grant{Role: model.CommunityRole, Area: community}),
		as("a resident who is a collector here", 1, model.Grant{Role: model.Resident}, model.Grant{Role: model.Collector, Area: here}),
		as("a community worker who administers too", 3, model.Grant{Role: model.CommunityRole, Area: community},
			model.Grant{Role: model.Admin}),
	}
}

var building = model.NewID()

func recordAt(kind model.Kind, status model.Status, submitter model.ID) *model.Record {
	spec, _ := kind.Spec()
	return &model.Record{ID: model.NewID(), Kind: kind, Status: status, AreaCodes: model.CodesOf(here),
		BuildingID: building, Unit: "1",
		SubmitterID: submitter, Element: spec.New()}
}

// verdict is the verification table of contract.md, section 4, read by a person: the code of the refusal and the state after.
// complete says that the step brings all it needs, visit that its method is a visit.
func verdict(action string, from model.Status, c cast, complete, visit bool) (model.Code, model.Status) {
	worker, submitter := false, false
	switch action {
	case "verify", "return", "reject", "archive":
		worker = c.rung >= 1
	case "restore":
		worker = c.rung >= 3
	case "resubmit", "amend", "withdraw":
		submitter = c.own
	}
	if !worker && !submitter {
		return model.RoleForbidden, from
	}
	if action == "verify" && c.own && !(from == model.Verified && visit) {
		return model.SelfVerify, from
	}
	to := map[string]map[model.Status]model.Status{
		"verify":   {model.Submitted: model.Verified, model.Verified: model.Verified},
		"return":   {model.Submitted: model.Returned, model.Verified: model.Returned},
		"resubmit": {model.Returned: model.Submitted},
		"amend":    {model.Verified: model.Submitted},
		"reject":   {model.Submitted: model.Rejected, model.Returned: model.Rejected},
		"withdraw": {model.Submitted: model.Withdrawn, model.Returned: model.Withdrawn},
		"archive":  {model.Verified: model.Archived},
		"restore":  {model.Archived: model.Submitted, model.Rejected: model.Submitted},
	}[action][from]
	switch {
	case to == "":
		return model.NotAllowed, from
	case !complete && action != "withdraw":
		return model.Invalid, from
	}
	return "", to
}

func codeOf(err error) model.Code {
	var e *model.Error
	if err == nil || !errorsAs(err, &e) {
		return ""
	}
	return e.Code
}

func TestVerificationIsAsTheContractSays(t *testing.T) {
	t.Parallel()
	actions := []string{"verify", "return", "resubmit", "amend", "reject", "withdraw", "archive", "restore"}
	var named []string
	for _, tr := range model.Transitions() {
		named = append(named, tr.Do)
		require.True(t, model.IsVerification(tr.Do))
		require.False(t, model.IsHandling(tr.Do))
	}
	slices.Sort(named)
	require.ElementsMatch(t, actions, slices.Compact(named), "the contract's actions and no other")
	require.Len(t, model.Statuses(), 6)

	submitter := model.NewID()
	for _, action := range actions {
		for _, from := range model.Statuses() {
			for _, c := range casts(submitter) {
				for _, m := range []model.Method{model.ByVisit, model.ByPhone, model.ByDocument, ""} {
					s := model.Step{Action: action, Method: m, Note: "测试", Data: json.RawMessage(`{}`)}
					complete := m != ""
					if action != "verify" {
						s.Method = ""
						if m == "" { // an incomplete step of another action
							s.Note, s.Data = " ", nil
						}
					}
					at := fmt.Sprintf("%s from %s by %s, method %q", action, from, c.name, m)
					r := recordAt(model.KindPlace, from, submitter)
					r.VerifiedAt, r.VerifiedBy, r.VerifiedName, r.VerifyMethod = 1, building, "先前", model.ByPhone
					r.EverVerified, r.DueAt = true, 2
					before := *r
					wantCode, wantTo := verdict(action, from, c, complete, s.Method == model.ByVisit)
					err := r.MayTake(c.actor, s)
					if err == nil {
						err = r.Allows(s)
					}
					require.Equal(t, wantCode, codeOf(err), at)
					if err == nil {
						r.Take(s, c.actor, now)
					}
					require.Equal(t, after(before, action, wantCode == "", wantTo, m, c), *r, at)
				}
			}
		}
	}
}

// after is the record as it stands after a step that was taken, or was not.
func after(r model.Record, action string, taken bool, to model.Status, m model.Method, c cast) model.Record {
	if !taken {
		return r
	}
	r.Status = to
	switch action {
	case "verify":
		r.VerifiedAt, r.VerifiedBy, r.VerifiedName, r.VerifyMethod = now, c.actor.Account, c.actor.Name, m
		r.EverVerified, r.DueAt = true, now.AddMonths(12)
	case "amend": // counts as covered by what was verified before
		r.DueAt = 0
	case "archive":
		r.EverVerified, r.DueAt = false, 0
	default:
		r.EverVerified, r.DueAt = false, 0
		r.VerifiedAt, r.VerifiedBy, r.VerifiedName, r.VerifyMethod = 0, model.ID{}, "", ""
	}
	return r
}

func TestAStepNamesAllThatItLacks(t *testing.T) {
	t.Parallel()
	r := recordAt(model.KindPerson, model.Returned, model.NewID())
	require.Equal(t, []string{"data field.required"}, locations(r.Allows(model.Step{Action: "resubmit"})))
	e := recordAt(model.KindEvent, model.Submitted, model.NewID())
	e.Stage = model.Accepted
	require.Equal(t, []string{"assignee field.required", "due_at field.required"},
		locations(e.Handle(model.Step{Action: "dispatch"}, model.Actor{}, now)))
}

func TestTheShapeOfAStep(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		Step model.Step
		Want []string
	}{
		{model.Step{Action: "verify", Method: model.ByVisit}, nil},
		{model.Step{Action: "urge"}, nil},
		{model.Step{Action: "escalate"}, nil},
		{model.Step{}, []string{"action field.not_a_choice"}},
		{model.Step{Action: "Verify"}, []string{"action field.not_a_choice"}},
		{model.Step{Action: "x", Method: "y"}, []string{"action field.not_a_choice", "method field.not_a_choice"}},
	} {
		require.Equal(t, c.Want, locations(c.Step.Shape()), "%+v", c.Step)
	}
}

func TestWhenARecordIsDueAgain(t *testing.T) {
	t.Parallel()
	at := model.At(time.Date(2026, 8, 31, 10, 0, 0, 0, model.Beijing))
	day := func(m time.Month, d, hour int) model.Time {
		return model.At(time.Date(2026, m, d, hour, 0, 0, 0, model.Beijing))
	}
	for _, c := range []struct {
		Name    string
		Kind    model.Kind
		Element model.Element
		Want    model.Time
	}{
		{"a registered resident", model.KindPerson, &model.Person{ResidenceCategory: "registered"}, at.AddMonths(12)},
		{"a floating resident", model.KindPerson, &model.Person{ResidenceCategory: "floating"}, day(11, 30, 10)},
		{"a floating resident about to leave", model.KindPerson, &model.Person{ResidenceCategory: "floating",
			ExpectedLeaveDate: "2026-09-15"},
			day(9, 15, 0)},
		{"a floating resident who should have left", model.KindPerson, &model.Person{ResidenceCategory: "floating",
			ExpectedLeaveDate: "2026-08-01"}, day(11, 30, 10)},
		{"an overseas resident", model.KindPerson, &model.Person{ResidenceCategory: "overseas", StayUntil: "2026-12-31"},
			day(11, 30, 0)},
		{"an overseas resident whose stay ends this month", model.KindPerson, &model.Person{ResidenceCategory: "overseas",
			StayUntil: "2026-09-05"}, at},
		{"a rented house", model.KindPlace, &model.Place{PlaceKind: "rental_house"}, day(11, 30, 10)},
		{"a shop", model.KindPlace, &model.Place{PlaceKind: "shop"}, at.AddMonths(6)},
		{"an organisation", model.KindOrganisation, &model.Organisation{}, at.AddMonths(6)},
		{"an object", model.KindObject, &model.Object{}, at.AddMonths(6)},
		{"an event", model.KindEvent, &model.Event{}, 0},
		{"a situation", model.KindSituation, &model.Situation{}, 0},
	} {
		spec, ok := c.Kind.Spec()
		require.True(t, ok)
		require.Equal(t, c.Want.String(), spec.Recheck(c.Element, at).String(), c.Name)
	}
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	for header, want := range map[model.Match]model.Code{
		`"3"`: "", `W/"3"`: "", `3`: "", ` "3" `: "", `"2"`: model.Stale, `4`: model.Stale, `W/"0"`: model.Stale,
		``: model.PreconditionRequired, `*`: model.PreconditionMalformed, `"*"`: model.PreconditionMalformed,
		`""`: model.PreconditionMalformed,
		`"`:  model.PreconditionMalformed, `"x"`: model.PreconditionMalformed, `-3`: model.PreconditionMalformed,
		`+3`: model.PreconditionMalformed, `"3", "4"`: model.PreconditionMalformed, `3.0`: model.PreconditionMalformed,
		`99999999999999999999`: model.PreconditionMalformed, ` `: model.PreconditionMalformed, `W/`: model.PreconditionMalformed,
		`"3`: model.PreconditionMalformed, `0x3`: model.PreconditionMalformed,
	} {
		err := header.Against(3)
		require.Equal(t, want, codeOf(err), "%q", header)
		if want == model.Stale {
			var e *model.Error
			require.True(t, errorsAs(err, &e))
			require.EqualValues(t, 3, e.Version)
		}
	}
}

func FuzzIfMatch(f *testing.F) {
	for _, s := range []string{`"3"`, `W/"3"`, `3`, ``, `*`, `"`, `W/W/"3"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		switch codeOf(model.Match(s).Against(3)) {
		case "", model.Stale, model.PreconditionRequired, model.PreconditionMalformed:
		default:
			t.Fatal("another answer")
		}
	})
}
