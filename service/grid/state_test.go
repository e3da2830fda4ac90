package grid_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/service/grid"
)

func TestTheStateOfARoomIsTheFirstThatHolds(t *testing.T) {
	t.Parallel()
	now := model.At(testkit.Start())
	day := func(n int) model.Time { return now.Add(time.Duration(n) * 24 * time.Hour) }
	seen := func(outcomes ...grid.Outcome) (v []grid.VisitFact) {
		for i, o := range outcomes {
			v = append(v, grid.VisitFact{Outcome: o, At: day(-20 + i)})
		}
		return v
	}
	const empty, nobody, refused = grid.StandsEmpty, grid.NobodyThere, grid.RefusedToTalk
	for _, c := range []struct {
		name    string
		facts   grid.RoomFacts
		want    grid.State
		covered bool
	}{
		{"nothing known", grid.RoomFacts{}, grid.Unvisited, false},
		{"submitted", grid.RoomFacts{Submitted: 1}, grid.Submitted, false},
		{"submitted beside verified", grid.RoomFacts{Submitted: 1, Verified: 2, Due: day(9)}, grid.Submitted, false},
		{"submitted before recheck", grid.RoomFacts{Submitted: 1, Verified: 1, Due: day(-1)}, grid.Submitted, false},
		{"amended after it was verified", grid.RoomFacts{Submitted: 1, Amended: 1}, grid.Submitted, true},
		{"amended, and somebody new", grid.RoomFacts{Submitted: 2, Amended: 1}, grid.Submitted, false},
		{"amended beside long overdue", grid.RoomFacts{Submitted: 1, Amended: 1, Verified: 1, Due: day(-31)}, grid.Submitted, false},
		{"verified", grid.RoomFacts{Verified: 1, Due: day(1)}, grid.Verified, true},
		{"due this very moment", grid.RoomFacts{Verified: 1, Due: now}, grid.Verified, true},
		{"verified for ever", grid.RoomFacts{Verified: 1}, grid.Verified, true},
		{"overdue", grid.RoomFacts{Verified: 1, Due: day(-1)}, grid.Recheck, true},
		{"overdue by 30 days", grid.RoomFacts{Verified: 1, Due: day(-30)}, grid.Recheck, true},
		{"overdue by 31 days", grid.RoomFacts{Verified: 1, Due: day(-31)}, grid.Recheck, false},
		{"a business", grid.RoomFacts{Use: model.Business}, grid.Business, false},
		{"a business that refused", grid.RoomFacts{Use: model.Business, Visits: seen(refused)}, grid.Business, false},
		{"a verified business", grid.RoomFacts{Use: model.Business, Verified: 1}, grid.Verified, true},
		{"refused", grid.RoomFacts{Visits: seen(nobody, refused)}, grid.Refused, false},
		{"nobody there after a refusal", grid.RoomFacts{Visits: seen(refused, nobody)}, grid.NoAnswer, false},
		{"nobody there", grid.RoomFacts{Visits: seen(nobody, nobody, nobody)}, grid.NoAnswer, false},
		{"vacant, said once", grid.RoomFacts{Visits: seen(empty)}, grid.Unvisited, false},
		{"vacant, said once after nobody was there", grid.RoomFacts{Visits: seen(nobody, empty)}, grid.NoAnswer, false},
		{"vacant, said twice", grid.RoomFacts{Visits: seen(empty, empty)}, grid.Vacant, true},
		{"vacant, said twice with nobody there between", grid.RoomFacts{Visits: seen(empty, nobody, empty)}, grid.Vacant, true},
		{"vacant no more", grid.RoomFacts{Visits: seen(empty, empty, grid.Met)}, grid.Unvisited, false},
		{"vacant once before and once after somebody was met", grid.RoomFacts{Visits: seen(empty, grid.Met, empty)}, grid.Unvisited, false},
		{"nobody there lately", grid.RoomFacts{Visits: seen(empty, empty, nobody)}, grid.NoAnswer, false},
		{"visits before the last verification", grid.RoomFacts{VerifiedAt: day(-1), Visits: seen(empty, empty)}, grid.Unvisited, false},
		{"visits after the last verification", grid.RoomFacts{VerifiedAt: day(-30), Visits: seen(empty, empty)}, grid.Vacant, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, grid.StateOf(c.facts, now))
			require.Equal(t, c.covered, grid.Covered(c.facts, now))
		})
	}
	for _, s := range grid.States() {
		require.NotEmpty(t, s.Label())
	}
}
