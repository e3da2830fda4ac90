package model_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

// ruling is the handling table of contract.md, section 4, read by a person.
func ruling(action string, from model.Stage, status model.Status, c cast, assignee, toSelf, complete,
	resolver bool) (model.Code, model.Stage) {
	admin := c.actor.Top() == model.Admin
	leader, office := c.rung >= 2, c.rung >= 3
	may := false
	switch action {
	case "accept", "refuse":
		may = leader
	case "dispatch":
		may = office || leader && toSelf
	case "start", "send_back", "resolve":
		may = assignee && !admin
	case "hold", "resume":
		may = assignee && !admin || office
	case "close":
		may = c.rung >= 1
	case "reopen":
		may = c.rung >= 1 || c.own && !admin
	case "urge":
		may = office
	case "rate":
		may = c.own && !admin
	}
	switch {
	case !may:
		return model.RoleForbidden, from
	case action == "close" && resolver:
		return model.SelfClose, from
	}
	to := map[string]map[model.Stage]model.Stage{
		"accept":    {model.Reported: model.Accepted},
		"refuse":    {model.Reported: model.Refused},
		"dispatch":  {model.Accepted: model.DispatchedTo, model.SentBack: model.DispatchedTo},
		"start":     {model.DispatchedTo: model.Handling},
		"send_back": {model.DispatchedTo: model.SentBack, model.Handling: model.SentBack},
		"hold":      {model.Handling: model.Held},
		"resume":    {model.Held: model.Handling},
		"resolve":   {model.Handling: model.Resolved},
		"close":     {model.Resolved: model.Closed},
		"reopen":    {model.Resolved: model.DispatchedTo, model.Closed: model.DispatchedTo},
		"urge":      {model.DispatchedTo: model.DispatchedTo, model.Handling: model.Handling, model.Held: model.Held},
		"rate":      {model.Closed: model.Closed},
	}[action][from]
	dead := status == model.Rejected || status == model.Withdrawn
	switch {
	case to == "", dead && (action == "accept" || action == "refuse"):
		return model.NotAllowed, from
	case !complete && !slices.Contains([]string{"accept", "start", "resume"}, action):
		return model.Invalid, from
	}
	return "", to
}

func TestHandlingIsAsTheContractSays(t *testing.T) {
	t.Parallel()
	actions := []string{"accept", "refuse", "dispatch", "start", "send_back", "hold", "resume", "resolve", "close",
		"reopen", "urge", "rate"}
	var named []string
	for _, h := range model.Handles() {
		named = append(named, h.Do)
		require.True(t, model.IsHandling(h.Do))
		require.False(t, model.IsVerification(h.Do))
	}
	require.ElementsMatch(t, actions, named, "the contract's actions and no other")
	require.Len(t, model.Stages(), 9)
	reporter := model.NewID()
	for _, action := range actions {
		for _, from := range append(model.Stages(), "") {
			for _, status := range model.Statuses() {
				for _, c := range casts(reporter) {
					for flags := range 8 {
						handle(t, action, from, status, c, reporter, flags&1 != 0, flags&2 != 0, flags&4 != 0)
					}
				}
			}
		}
	}
}

// handle tries one step: the actor may be the assignee, and the step may be complete and name the actor as who is to handle it.
func handle(t *testing.T, action string, from model.Stage, status model.Status, c cast, reporter model.ID, assignee,
	complete, toSelf bool) {
	t.Helper()
	r := recordAt(model.KindEvent, status, reporter)
	r.Stage, r.AssigneeID = from, model.NewID()
	if assignee {
		r.AssigneeID = c.actor.Account
	}
	r.ResolverID = r.AssigneeID
	if from == model.Closed {
		r.ClosedAt = now.Add(-7 * 24 * time.Hour) // the last moment at which it can be opened again
	}
	s := model.Step{Action: action, Assignee: model.NewID()}
	if toSelf {
		s.Assignee = c.actor.Account
	}
	if complete {
		s.Method, s.Note, s.DueAt, s.Rating = model.ByVisit, "测试", now.Add(time.Hour), 5
	}
	at := fmt.Sprintf("%s from %q (%s) by %s, assignee %t, complete %t, to self %t", action, from, status, c.name,
		assignee, complete, toSelf)
	wantCode, wantTo := ruling(action, from, status, c, assignee, toSelf, complete, assignee)
	before := *r
	err := r.MayHandle(c.actor, s)
	if err == nil {
		err = r.Handle(s, c.actor, now)
	}
	require.Equal(t, wantCode, codeOf(err), at)
	require.Equal(t, wantTo, r.Stage, at)
	if err != nil {
		require.Equal(t, before, *r, "a refused step leaves the record alone: %s", at)
		return
	}
	requireMark(t, at, &before, r, s, c)
}

// requireMark checks what a step leaves on the record beside its stage.
func requireMark(t *testing.T, at string, before, r *model.Record, s model.Step, c cast) {
	t.Helper()
	want := *before
	want.Stage = r.Stage
	switch s.Action {
	case "accept":
		if (before.Status == model.Submitted || before.Status == model.Returned) && !c.own { // accepting another's event verifies it
			want.Status, want.EverVerified, want.VerifyMethod = model.Verified, true, model.ByDocument
			want.VerifiedAt, want.VerifiedBy, want.VerifiedName = now, c.actor.Account, c.actor.Name
		}
	case "dispatch":
		want.AssigneeID, want.HandleDueAt, want.HandleLevel, want.ResolverID = s.Assignee, s.DueAt, 0, model.ID{}
	case "send_back":
		want.AssigneeID, want.HandleDueAt = model.ID{}, 0
	case "hold":
		want.HandleDueAt = s.DueAt
	case "resolve":
		want.ResolverID = c.actor.Account
	case "close":
		want.ClosedAt = now
	case "reopen":
		want.ClosedAt, want.ResolverID, want.Rating = 0, model.ID{}, 0
	case "urge":
		want.HandleLevel++
	case "rate":
		want.Rating = s.Rating
	}
	require.Equal(t, want, *r, at)
}

func TestHandlingBeyondTheTable(t *testing.T) {
	t.Parallel()
	me := model.Actor{Account: model.NewID(), Name: "测试"}
	event := func(change func(*model.Record)) *model.Record {
		r := recordAt(model.KindEvent, model.Submitted, me.Account)
		change(r)
		return r
	}
	step := func(action string) model.Step {
		return model.Step{Action: action, Method: model.ByVisit, Note: "测试", Assignee: me.Account, DueAt: now.Add(1000), Rating: 3}
	}
	late := step("dispatch")
	late.DueAt = now
	six := step("rate")
	six.Rating = 6
	for _, c := range []struct {
		Name   string
		Record *model.Record
		Step   model.Step
		Want   model.Code
	}{
		{"a situation is not handled", recordAt(model.KindSituation, model.Submitted, me.Account), step("accept"), model.NotAllowed},
		{"closed a week and a moment ago", event(func(r *model.Record) {
			r.Stage, r.ClosedAt = model.Closed, now.Add(-7*24*time.Hour)-1
		}), step("reopen"), model.NotAllowed},
		{"resolved long ago is not closed yet", event(func(r *model.Record) { r.Stage = model.Resolved }), step("reopen"), ""},
		{"rated once", event(func(r *model.Record) { r.Stage, r.Rating = model.Closed, 1 }), step("rate"), model.NotAllowed},
		{"six of five", event(func(r *model.Record) { r.Stage = model.Closed }), six, model.Invalid},
		{"due now", event(func(r *model.Record) { r.Stage = model.Accepted }), late, model.Invalid},
	} {
		require.Equal(t, c.Want, codeOf(c.Record.Handle(c.Step, me, now)), c.Name)
	}
	open := event(func(r *model.Record) { r.Stage = model.DispatchedTo })
	require.Equal(t, model.RoleForbidden, codeOf(open.MayHandle(model.Actor{}, step("start"))), "no account is not no assignee")
}
