// Package seed makes a fictional street through the product's own services: what `six demo` shows and `six seed` measures.
package seed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"sixelements/internal/sample"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/collect"
	"sixelements/service/grid"
	"sixelements/service/identity"
	"sixelements/service/qr"
	"sixelements/service/verify"
)

// Plan says how large the street is.
type Plan struct {
	Street    string // 9 digits, in the division list
	Buildings int
	People    int
	Shops     int
	Others    int // of each kind that is neither person nor place
	Seed      uint64
}

// Newspaper is the size of Jianshe Road Street (建设路街道) as the newspaper gives it.
func Newspaper() Plan {
	return Plan{Street: "410102002", Buildings: 71, People: 34804, Shops: 447, Seed: 1}
}

// Services are what the seed works through.
type Services struct {
	Grid    *grid.Service
	QR      *qr.Service
	Collect *collect.Service
	Verify  *verify.Service
}

// Seeder makes a street.
type Seeder struct {
	db    *store.DB
	s     Services
	plan  Plan
	clock *Clock
	gen   *sample.Generator
	rnd   *rand.Rand
	log   func(done, total int)
	staff model.Actor
	done  int
	// work is who submits and verifies, by building.
	collectors map[model.ID]model.Actor
	residents  map[model.ID]model.Actor
	second     map[model.ID]model.Actor
}

// Clock is the time at which the street's records are made: it runs from two months ago to now.
type Clock struct{ at, now time.Time }

// NewClock begins 60 days before now.
func NewClock(now time.Time) *Clock { return &Clock{now.AddDate(0, 0, -60), now} }

// Now is the clock's time.
func (c *Clock) Now() time.Time { return c.at }

// advance never passes now: what was made in the future would stand before everything that is really submitted.
func (c *Clock) advance(d time.Duration) {
	if c.at = c.at.Add(d); c.at.After(c.now) {
		c.at = c.now
	}
}

// Street is what was made.
type Street struct {
	FirstGrid, Community, Community2, Street string
	FirstBuilding                            model.ID
	FirstCode, FirstURL                      string
}

// New prepares a seeder; progress is called now and then.
func New(db *store.DB, s Services, plan Plan, clock *Clock, progress func(done, total int)) *Seeder {
	return &Seeder{db: db, s: s, plan: plan, clock: clock, log: progress, rnd: rand.New(rand.NewPCG(plan.Seed, 6)),
		gen:        sample.New(sample.Options{Seed: plan.Seed, Today: model.At(clock.at).Date()}),
		collectors: map[model.ID]model.Actor{}, residents: map[model.ID]model.Actor{}, second: map[model.ID]model.Actor{}}
}

// errSmall says that a plan cannot be carried out.
var errSmall = errors.New("the street needs at least one building for people to live in")

// Lay makes the areas, buildings and codes: what the first residents find. People come with Fill.
func (s *Seeder) Lay(ctx context.Context) (st Street, buildings []*model.Building, err error) {
	if s.plan.Buildings < 1 {
		return st, nil, errSmall
	}
	ctx, err = s.asStreet(ctx)
	if err != nil {
		return st, nil, err
	}
	if _, err := s.s.Grid.ImportDivisions(ctx, grid.DefaultDivisions()); err != nil {
		return st, nil, err
	}
	communities, err := s.communities(ctx)
	if err != nil {
		return st, nil, err
	}
	st.Street, st.Community = s.plan.Street, communities[0]
	if st.Community2 = st.Community; len(communities) > 1 {
		st.Community2 = communities[1]
	}
	grids := newGrids(s, communities)
	for i := range s.plan.Buildings {
		b, err := s.building(ctx, i, grids)
		if err != nil {
			return st, nil, err
		}
		buildings = append(buildings, b)
		code, _, err := s.s.QR.Issue(ctx, b.ID, "", false)
		if err != nil {
			return st, nil, err
		}
		if i == 0 {
			st.FirstGrid, st.FirstBuilding, st.FirstCode, st.FirstURL = b.AreaCode, b.ID, code.Code, s.s.QR.URL(code.Code)
		}
	}
	return st, buildings, nil
}

// asStreet makes the account in whose name the street is laid out; nobody can log in with it.
func (s *Seeder) asStreet(ctx context.Context) (context.Context, error) {
	a, err := s.account(ctx, "seed:street", "街道办", model.Admin, "")
	if err != nil {
		return ctx, err
	}
	s.staff = a
	return store.As(ctx, a), nil
}

// account makes a disabled account with one role, or finds it, and answers an actor for it.
func (s *Seeder) account(ctx context.Context, username, name string, role model.Role, area string) (model.Actor, error) {
	sys := store.AsSystem(ctx, "seed")
	acc := model.Account{}
	err := s.db.Write(sys, model.Act{Name: "account.seed", Target: username, Area: area}, func(tx *store.Tx) error {
		acc = model.Account{}
		if err := tx.Q(&acc).Where("username = ?", username).Limit(1).Find(&acc).Error; err != nil {
			return err
		}
		if !acc.ID.IsZero() {
			tx.Untraced()
			return nil
		}
		acc = model.Account{ID: model.NewID(), Kind: model.Persona, Username: &username, Name: name, Disabled: true, CreatedAt: tx.Now(),
			Version: 1}
		fresh := acc
		return tx.Add(&fresh, &model.GrantRow{ID: model.NewID(), AccountID: acc.ID, Role: role, AreaCode: area, GrantedAt: tx.Now()})
	})
	return model.Actor{Account: acc.ID, Name: acc.Name, Grants: []model.Grant{{Role: role, Area: area}}, RequestID: "seed"}, err
}

func (s *Seeder) communities(ctx context.Context) ([]string, error) {
	var out []string
	for after := ""; ; {
		areas, next, err := s.s.Grid.Areas(ctx, s.plan.Street, after, 200)
		if err != nil {
			return nil, err
		}
		for _, a := range areas {
			out = append(out, a.Code)
		}
		if after = next; after == "" {
			break
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the division list has no communities of street %q", s.plan.Street)
	}
	return out, nil
}

// perGrid is how many buildings a grid has: some 1,000 households.
const perGrid = 5

// grids hands out a grid for every building, a community at a time.
type grids struct {
	s           *Seeder
	communities []string
	current     string
	made        map[string]int
}

func newGrids(s *Seeder, communities []string) *grids {
	return &grids{s: s, communities: communities, made: map[string]int{}}
}

// at is the grid of building i.
func (g *grids) at(ctx context.Context, i int) (string, error) {
	n := len(g.communities)
	each := max(1, (g.s.plan.Buildings+n-1)/n)
	c := g.communities[min(i/each, n-1)]
	if g.current != "" && strings.HasPrefix(g.current, c) && g.made[c]%perGrid != 0 {
		g.made[c]++
		return g.current, nil
	}
	a, err := g.s.s.Grid.AddArea(ctx, grid.NewArea{Parent: c, Name: fmt.Sprintf("第%d网格", g.made[c]/perGrid+1)})
	if err != nil {
		return "", err
	}
	g.made[c]++
	g.current = a.Code
	return a.Code, nil
}

func (s *Seeder) building(ctx context.Context, i int, g *grids) (*model.Building, error) {
	area, err := g.at(ctx, i)
	if err != nil {
		return nil, err
	}
	b := s.gen.Building(i, area)
	lon, lat := b.Lon, b.Lat
	made, err := s.s.Grid.AddBuilding(ctx, grid.NewBuilding{AreaCode: area, Name: b.Name, Address: b.Address, Kind: b.Kind,
		Units: b.Units, Floors: b.Floors, RoomsPerFloor: b.RoomsPerFloor, Lon: &lon, Lat: &lat})
	if err != nil {
		return nil, err
	}
	return made, s.crew(ctx, made)
}

// crew finds or makes who works at a building: two collectors of its grid, so that nobody verifies what they submitted, and a
// resident who reports for neighbours.
func (s *Seeder) crew(ctx context.Context, b *model.Building) (err error) {
	for i, m := range []map[model.ID]model.Actor{s.collectors, s.second} {
		username := fmt.Sprintf("seed:collector:%s:%d", b.AreaCode, i+1)
		if m[b.ID], err = s.account(ctx, username, s.gen.StaffName(), model.Collector, b.AreaCode); err != nil {
			return err
		}
	}
	r, err := s.account(ctx, "seed:resident:"+b.ID.String(), "", model.Resident, "")
	if err != nil {
		return err
	}
	s.residents[b.ID] = r
	return s.consent(ctx, r)
}

func (s *Seeder) consent(ctx context.Context, a model.Actor) error {
	version := identity.CurrentNotice().Version
	return s.db.Write(store.AsSystem(ctx, "seed"), model.Act{Name: "consent.seed"}, func(tx *store.Tx) error {
		return tx.Add(&model.Consent{ID: model.NewID(), AccountID: a.Account, Version: version, Scopes: model.Choices{"general", "sensitive"},
			At: tx.Now()})
	})
}

func raw(m map[string]any) json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // the generator's own values
	}
	return b
}
