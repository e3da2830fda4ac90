package tally

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/grid"
)

// The city: a district, a street, two communities, of which the first has two grids, one with two micro-grids.
var city = []string{"410102", "410102002", "410102002004", "410102002005", "410102002004001", "410102002004002",
	"410102002004001001", "410102002004001002", "410102002005001"}

// life is a city in which everything happens at random.
type life struct {
	t     *testing.T
	db    *store.DB
	clock *testkit.FixedClock
	tally *Service
	grid  *grid.Service
	chief context.Context
	posts model.Actor // a collector with a grid, a building and a unit
	dept  model.Actor
	seed  uint64
	rnd   *rand.Rand // of the test's own goroutine

	mu        sync.Mutex
	records   []model.ID
	rooms     []model.ID
	buildings []model.ID
	done      atomic.Int64
}

func newLife(t *testing.T) *life {
	t.Helper()
	l := &life{t: t, clock: testkit.Clock(t), seed: rand.Uint64()}
	l.rnd = rand.New(rand.NewPCG(l.seed, 0))
	t.Logf("seed %d", l.seed)
	l.db = testkit.DBAt(t, l.clock)
	l.tally, l.grid = New(l.db), grid.New(l.db, Households)
	l.chief = testkit.As(t.Context(), model.StreetRole, "410102002")
	l.write(func(tx *store.Tx) error {
		for _, code := range city {
			a := &model.Area{Code: code, Name: code, Level: model.LevelOf(code), Parent: model.ParentCode(code), Version: 1}
			if err := tx.Add(a); err != nil {
				return err
			}
		}
		return nil
	})
	for i, code := range []string{"410102002004001001", "410102002004002", "410102002005001"} {
		b, err := l.grid.AddBuilding(l.chief, grid.NewBuilding{AreaCode: code, Name: fmt.Sprintf("%d号楼", i+1), Address: "建设路62号院",
			Kind: "residential", Units: 2, Floors: 2, RoomsPerFloor: 2})
		require.NoError(t, err)
		l.buildings = append(l.buildings, b.ID)
	}
	l.findRooms()
	l.posts = testkit.Actor(model.Collector, "410102002004002")
	l.posts.Posts = []model.Post{{Building: l.buildings[0], Unit: "1"}, {Building: l.buildings[2]}}
	l.dept = testkit.Actor(model.Department, "410102002")
	return l
}

func (l *life) write(fn func(*store.Tx) error) {
	l.t.Helper()
	require.NoError(l.t, l.try(fn))
}

func (l *life) try(fn func(*store.Tx) error) error {
	return l.db.Write(store.AsSystem(context.WithoutCancel(l.t.Context()), "life"), model.Act{Name: "test.life", Shared: true}, fn)
}

func (l *life) findRooms() {
	var ids []model.ID
	require.NoError(l.t, l.db.Read(store.AsSystem(l.t.Context(), "life"), func(tx *store.Tx) error {
		return tx.Q(&model.Room{}).Pluck("id", &ids).Error
	}))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rooms = ids
}

// one is one of a list that others may add to.
func (l *life) one(r *rand.Rand, list *[]model.ID) model.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(*list) == 0 {
		return model.ID{}
	}
	return (*list)[r.IntN(len(*list))]
}

func (l *life) add(list *[]model.ID, id model.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*list = append(*list, id)
}

// step does something at random. What the product refuses is refused; anything else that fails is a fault.
func (l *life) step(r *rand.Rand) {
	var err error
	switch n := r.IntN(100); {
	case n < 30:
		err = l.create(r)
	case n < 60:
		err = l.move(r)
	case n < 75:
		err = l.visit(r)
	case n < 80:
		err = l.recode(r)
	case n < 90:
		err = l.room(r)
	case n < 93:
		err = l.relay(r)
	default:
		err = l.jump(r)
	}
	var refused *model.Error
	if err != nil && !errors.As(err, &refused) {
		l.t.Errorf("step: %v", err)
	}
	if refused != nil && refused.Code == model.Busy {
		l.t.Errorf("step: %v", err)
	}
	l.done.Add(1)
}

// jump puts the clock anywhere, or close to the moment at which a room's coverage lapses.
func (l *life) jump(r *rand.Rand) error {
	at := testkit.Start().Add(time.Duration(r.IntN(400*24)) * time.Hour)
	id := l.one(r, &l.records)
	err := l.db.Read(store.AsSystem(l.t.Context(), "life"), func(tx *store.Tx) error {
		var rec model.Record
		err := tx.Q(&rec).Where("id = ? AND due_at IS NOT NULL", id).Limit(1).Find(&rec).Error
		if !rec.ID.IsZero() {
			at = rec.DueAt.Add(grace).Std().Add(time.Duration(pick(r, -1, 0, 1, r.IntN(3_600_000), -r.IntN(3_600_000))) * time.Millisecond)
		}
		return err
	})
	l.clock.Set(at)
	return err
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// collector is one of three, of whom one has two names.
func (l *life) collector(r *rand.Rand) model.Actor {
	n := r.IntN(4)
	a := testkit.Actor(model.Collector, "410102")
	a.Account, a.Name = model.ID{1, byte(min(n, 2))}, fmt.Sprintf("采集员%d", n)
	return a
}

func (l *life) create(r *rand.Rand) error {
	kind := pick(r, model.Kinds()...)
	if r.IntN(2) == 0 {
		kind, _ = model.KindPerson.Spec()
	}
	id := model.NewID()
	room := l.one(r, &l.rooms)
	area := pick(r, city[2:]...)
	where := r.IntN(4)
	verified := r.IntN(2) == 0
	who := l.collector(r)
	due := time.Duration(r.IntN(200*24)-50*24) * time.Hour
	home := model.ID{5, byte(r.IntN(12))} // few, so that most are scattered over the city
	if r.IntN(2) == 0 {
		home = id
	}
	err := l.try(func(tx *store.Tx) error {
		rec := &model.Record{ID: id, Kind: kind.Kind, Status: model.Submitted, AreaCodes: model.CodesOf(area), SubmitterID: model.NewID(),
			Channel: model.ByStaff, SubmittedAt: tx.Now(), HouseholdID: home, Element: kind.New()}
		if where == 0 {
			rec.SubmitterID = l.posts.Account
		}
		if where > 0 {
			var at model.Room
			if err := tx.Q(&at).Where("id = ?", room).Limit(1).Find(&at).Error; err != nil || at.ID.IsZero() {
				return err
			}
			rec.RoomID, rec.BuildingID, rec.Unit, rec.AreaCodes = at.ID, at.BuildingID, at.Unit, at.AreaCodes
		}
		if verified {
			rec.MarkVerified(model.ByVisit, who, tx.Now())
			if rec.DueAt = 0; due > 0 {
				rec.DueAt = tx.Now().Add(due)
			}
		}
		if kind.Kind == model.KindEvent {
			if err := tx.Add(&model.Dispatched{RecordID: id, AccountID: l.dept.Account, At: tx.Now()}); err != nil {
				return err
			}
		}
		return tx.AddRecord(rec, store.Trace{Act: "create"})
	})
	if err == nil {
		l.add(&l.records, id)
	}
	return err
}

// move takes a step of verification, or moves the record to another room or out of its building.
func (l *life) move(r *rand.Rand) error {
	id, room := l.one(r, &l.records), l.one(r, &l.rooms)
	way, who, seed := r.IntN(8), l.collector(r), r.Uint64()
	return l.try(func(tx *store.Tx) error {
		rnd := rand.New(rand.NewPCG(seed, 1))
		rec, err := tx.Record(id)
		if err != nil {
			return err
		}
		var at model.Room
		switch way {
		case 0:
			if err := tx.Q(&at).Where("id = ?", room).Limit(1).Find(&at).Error; err != nil || at.ID.IsZero() {
				return err
			}
			rec.RoomID, rec.BuildingID, rec.Unit, rec.Room, rec.AreaCodes = at.ID, at.BuildingID, at.Unit, at.Number, at.AreaCodes
		case 1:
			rec.RoomID, rec.BuildingID, rec.Unit, rec.AreaCodes = model.ID{}, model.ID{}, "", model.CodesOf(pick(rnd, city[2:]...))
		default:
			s := model.Step{Action: pick(rnd, model.Transitions()...).Do, Method: model.ByVisit, Note: "x", Data: []byte("{}")}
			if err := rec.Allows(s); err != nil {
				return err
			}
			rec.Take(s, who, tx.Now())
			if rec.Status == model.Verified && rnd.IntN(2) == 0 {
				rec.DueAt = tx.Now().Add(time.Duration(rnd.IntN(100*24)) * time.Hour)
			}
		}
		return tx.SaveRecord(rec, store.Trace{Act: "patch"})
	})
}

func (l *life) visit(r *rand.Rand) error {
	room, outcome := l.one(r, &l.rooms), pick(r, "vacant", "vacant", "vacant", "met", "moved", "no_answer", "refused", "wrong_info")
	return l.try(func(tx *store.Tx) error {
		var at model.Room
		if err := tx.Q(&at).Where("id = ?", room).Limit(1).Find(&at).Error; err != nil || at.ID.IsZero() {
			return err
		}
		return tx.Add(&model.Visit{ID: model.NewID(), RoomID: at.ID, BuildingID: at.BuildingID, AreaCodes: at.AreaCodes,
			AccountID: model.NewID(), Method: "knock", Outcome: outcome, At: tx.Now(), ReceivedAt: tx.Now()})
	})
}

// recode moves a whole building to another area.
func (l *life) recode(r *rand.Rand) error {
	id, code := l.one(r, &l.buildings), pick(r, city[2:]...)
	b, err := l.grid.Building(l.chief, id)
	if err == nil {
		_, err = l.grid.EditBuilding(l.chief, id, model.Match(fmt.Sprint(b.Version)), grid.BuildingPatch{AreaCode: &code})
	}
	return err
}

// room adds a room, or changes one.
func (l *life) room(r *rand.Rand) error {
	if r.IntN(4) == 0 {
		in := grid.NewRoom{Unit: pick(r, "1", "2"), Number: fmt.Sprint(r.IntN(5000)), Floor: 3}
		room, err := l.grid.AddRoom(l.chief, l.one(r, &l.buildings), in)
		if err == nil {
			l.add(&l.rooms, room.ID)
		}
		return err
	}
	id, other := l.one(r, &l.rooms), l.one(r, &l.rooms)
	room, err := l.grid.Room(l.chief, id)
	if err != nil {
		return err
	}
	var p grid.RoomPatch
	switch r.IntN(4) {
	case 0:
		use := pick(r, model.Dwelling, model.Dwelling, model.Business, model.RoomEmpty)
		p.Use = &use
	case 1:
		code := room.Community + pick(r, "", "001", "002", "001001", "001002")
		p.AreaCode = &code
	case 2:
		p.MergedInto = &other
	default:
		number := fmt.Sprint(r.IntN(5000))
		p.Number = &number
	}
	_, err = l.grid.EditRoom(l.chief, id, model.Match(fmt.Sprint(room.Version)), p)
	return err
}

// relay lays a building out, and removes the one before, if nobody lives there.
func (l *life) relay(r *rand.Rand) error {
	b, err := l.grid.AddBuilding(l.chief, grid.NewBuilding{AreaCode: pick(r, city[4:]...), Name: "新楼", Address: "建设路62号院",
		Kind: "residential", Units: 1, Floors: 2, RoomsPerFloor: 2})
	if err == nil && r.IntN(2) == 0 {
		return l.grid.DeleteBuilding(l.chief, b.ID, model.Match(fmt.Sprint(b.Version)))
	} else if err == nil {
		l.findRooms()
		l.add(&l.buildings, b.ID)
	}
	return err
}
