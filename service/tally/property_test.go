package tally

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// fold folds, or is broken off half way.
func (l *life) fold(r *rand.Rand) {
	ctx := context.WithoutCancel(l.t.Context())
	if r.IntN(3) > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(4000))*time.Microsecond)
		defer cancel()
	}
	// Busy: GORM lets all who want the same statement wait for one to prepare it, and fail when that one is broken off.
	if _, err := l.tally.Fold(ctx); err != nil && ctx.Err() == nil && !model.IsCode(err, model.Busy) {
		l.t.Errorf("fold: %v", err)
	}
}

// question is what is asked, and by whom.
type question struct {
	who model.Actor
	Query
}

func (l *life) questions() (all []question) {
	admin := testkit.Actor(model.Admin, "")
	for _, by := range []By{ByArea, ByKind, ByStatus, ByBuilding, ByDay, ByCollector} {
		for _, kind := range []model.Kind{"", model.KindPerson} {
			for _, area := range append(city, "") {
				all = append(all, question{admin, Query{Area: area, By: by, Kind: kind}})
			}
			all = append(all, question{l.posts, Query{Area: "410102002", By: by, Kind: kind}},
				question{l.posts, Query{Area: "410102002004", By: by, Kind: kind}},
				question{l.posts, Query{Area: "410102002004002", By: by, Kind: kind}},
				question{l.dept, Query{By: by, Kind: kind}}, question{l.dept, Query{Area: "410102002004", By: by, Kind: kind}})
		}
	}
	return all
}

// lookers see the whole city, parts of it by one reason or by several, and nothing.
func (l *life) lookers() []model.Actor {
	two := testkit.Actor(model.GridLeader, "410102002004001001")
	two.Grants = append(two.Grants, model.Grant{Role: model.Collector, Area: "410102002005001"})
	building := testkit.Actor(model.Collector, "")
	building.Posts = l.posts.Posts[1:]
	sender := testkit.Actor(model.CommunityRole, "410102002005")
	sender.Account = l.posts.Account
	return []model.Actor{testkit.Actor(model.Admin, ""), testkit.Actor(model.StreetRole, "410102002"), two, building, sender, l.posts, l.dept,
		testkit.Actor(model.Resident, "")}
}

// homesRight asks for the households of the city, and asks the measure, on one state of the database.
func (l *life) homesRight(who model.Actor) bool {
	var got map[string]int64
	want := map[string]int64{}
	err := l.db.Read(store.As(context.WithoutCancel(l.t.Context()), who), func(tx *store.Tx) (err error) {
		for _, code := range city {
			if want[code], err = toldHomes(tx, code); err != nil {
				return err
			}
		}
		got, err = Households(tx, city)
		return err
	})
	if model.IsCode(err, model.Busy) { // fold says why
		return true
	}
	for _, code := range city {
		if err != nil || got[code] != want[code] {
			l.t.Errorf("households of %s for %v after %d steps: %v\nrows:   %+v\nfolded: %+v", code, who.Top(), l.done.Load(), err, want, got)
			return false
		}
	}
	return true
}

// right asks, and asks the measure, on one state of the database. A post may lie outside by now: then both say so.
func (l *life) right(q question) bool {
	var got, want []Item
	err := l.db.Read(store.As(context.WithoutCancel(l.t.Context()), q.who), func(tx *store.Tx) (err error) {
		if want, err = told(tx, q.Query); err != nil {
			return err
		}
		t, err := of(tx, q.Query)
		if err == nil {
			got = t.Items
		}
		return err
	})
	if model.IsCode(err, model.NotFound) && !q.who.Has(model.Admin) || model.IsCode(err, model.Busy) { // fold says why
		return true
	}
	if len(want)+len(got) == 0 {
		want, got = nil, nil
	}
	if err != nil || fmt.Sprint(want) != fmt.Sprint(got) {
		l.t.Errorf("%v %+v after %d steps: %v\nrows:   %+v\nfolded: %+v", q.who.Top(), q.Query, l.done.Load(), err, want, got)
		return false
	}
	return true
}

func (l *life) allRight() {
	l.t.Helper()
	for _, q := range l.questions() {
		if !l.right(q) {
			l.t.FailNow()
		}
	}
	for _, who := range l.lookers() {
		if !l.homesRight(who) {
			l.t.FailNow()
		}
	}
}

func (l *life) someRight(n int) {
	l.t.Helper()
	questions := l.questions()
	for range n {
		if !l.right(pick(l.rnd, questions...)) {
			l.t.FailNow()
		}
	}
	if !l.homesRight(pick(l.rnd, l.lookers()...)) {
		l.t.FailNow()
	}
}

// sound folds everything, compares everything, and looks for a number that a rebuilding would put right.
func (l *life) sound() {
	l.t.Helper()
	l.allRight()
	require.NoError(l.t, l.tally.Keep(l.t.Context()))
	l.allRight()
	found, err := l.tally.Rebuild(l.t.Context(), false)
	require.NoError(l.t, err)
	require.Zero(l.t, found.Wrong)
	require.Positive(l.t, found.Blocks)
}

func TestTalliesEqualTheRowsAfterEveryStep(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	l.after(150)
	l.sound()
}

func TestTalliesEqualTheRowsAfterEachOfManySteps(t *testing.T) {
	if os.Getenv("SIX_LONG") == "" {
		t.Skip("long: five thousand steps, all compared")
	}
	t.Parallel()
	l := newLife(t)
	l.after(5000)
	l.sound()
}

// after compares some answers after each of so many steps, and all of them now and then.
func (l *life) after(steps int) {
	for i := range steps {
		l.step(l.rnd)
		if l.rnd.IntN(3) == 0 {
			l.fold(l.rnd)
		}
		l.someRight(4)
		if i%100 == 99 {
			l.allRight()
		}
	}
}

func TestTalliesEqualTheRowsWhileEverythingChanges(t *testing.T) {
	t.Parallel()
	newLife(t).storm(t, 300)
}

func TestTalliesEqualTheRowsWhileEverythingChangesForLong(t *testing.T) {
	if os.Getenv("SIX_LONG") == "" {
		t.Skip("long: ten thousand steps, six at once")
	}
	t.Parallel()
	newLife(t).storm(t, 10_000)
}

// storm lets many change, two fold (one more than the lease allows), one rebuild and two compare at once.
func (l *life) storm(t *testing.T, steps int64) {
	var work sync.WaitGroup
	run := func(stream uint64, do func(*rand.Rand)) {
		r := rand.New(rand.NewPCG(l.seed, stream))
		work.Go(func() {
			for l.done.Load() < steps && !t.Failed() {
				do(r)
			}
		})
	}
	for i := range uint64(4) {
		run(i, l.step)
	}
	run(10, l.fold)
	run(11, l.fold)
	questions := l.questions()
	for i := range uint64(2) {
		run(20+i, func(r *rand.Rand) { l.right(pick(r, questions...)); l.homesRight(pick(r, l.lookers()...)) })
	}
	work.Wait()
	l.sound()
}
