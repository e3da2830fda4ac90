// Package sample makes up a street: its people, shops, buildings and the other elements, for `six demo`, `six seed` and tests.
//
// Everything is random and nobody is meant. Names, ID numbers, telephone numbers, codes and above all their combination are drawn
// by lot; any resemblance to a person, a shop or a company is chance. China reserves no telephone numbers for fiction, so numbers
// are drawn from network codes that the ministry (MIIT, list as of March 2023) had allotted to no operator.
package sample

import (
	"math/rand/v2"
	"time"

	"sixelements/model"
)

// Options say which street is made up. The zero value is a street as of 2026-01-01.
type Options struct {
	Seed  uint64
	Today model.Date // the day on which ages, stays and expiries are judged; empty or malformed stands for 2026-01-01
}

// Generator makes one street up. The same options and the same calls give the same values. It is not safe for concurrent use.
// ID numbers, telephone numbers, USCCs, passport, permit and identity numbers are never given twice by one Generator.
type Generator struct {
	r         *rand.Rand
	seed      uint64
	today     day
	ids       map[uint64]struct{} // the first 17 digits of every ID number given
	phones    lottery
	codes     lottery
	passports lottery
	permits   lottery
	serials   lottery
}

// New is a Generator at the beginning of its stream.
func New(o Options) *Generator {
	d, err := time.Parse(time.DateOnly, string(o.Today))
	if err != nil {
		d = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return &Generator{
		r: rand.New(rand.NewPCG(o.Seed, 6)), seed: o.Seed, today: dayOf(d), ids: make(map[uint64]struct{}, 1<<12),
		phones: newLottery(phoneCount, o.Seed), codes: newLottery(usccCount, o.Seed), passports: newLottery(1e9, o.Seed),
		permits: newLottery(1e9, o.Seed), serials: newLottery(1e6, o.Seed),
	}
}

// lottery gives every number below limit once, in an order that looks random, without remembering what it gave: it walks a
// bijection of the next power of two. After limit draws it starts over.
type lottery struct {
	next, key, limit uint64
}

func newLottery(limit, seed uint64) lottery {
	return lottery{limit: limit, key: seed*0x9e3779b97f4a7c15 ^ limit}
}

func (l *lottery) draw() uint64 {
	bits := 1
	for 1<<bits < l.limit {
		bits++
	}
	mask, half := uint64(1)<<bits-1, (bits+1)/2
	x := l.next
	l.next = (l.next + 1) % l.limit
	for {
		for range 3 {
			x = (x*0xd1342543de82ef95 + l.key) & mask
			x ^= x >> half
		}
		if x < l.limit {
			return x
		}
	}
}

// choice is a code and how often it comes up among its fellows.
type choice struct {
	weight int
	code   string
}

func (g *Generator) pick(cs []choice) string {
	return draw(g, cs, func(c choice) int { return c.weight }).code
}

// draw picks one of the items by weight. At least one weight must be positive.
func draw[T any](g *Generator, items []T, weight func(T) int) T {
	total := 0
	for _, it := range items {
		total += weight(it)
	}
	n := g.r.IntN(total)
	for _, it := range items {
		if n -= weight(it); n < 0 {
			return it
		}
	}
	panic("unreachable: the weights add up")
}

func one[T any](g *Generator, items []T) T { return items[g.r.IntN(len(items))] }

// odds is true in p of 100 cases.
func (g *Generator) odds(p float64) bool { return g.r.Float64()*100 < p }

// between is a whole number from lo to hi, both included; lo when hi is below it.
func (g *Generator) between(lo, hi int) int {
	if hi <= lo {
		return lo
	}
	return lo + g.r.IntN(hi-lo+1)
}

// fields is a record's data in the making.
type fields map[string]any

// some sets the field in p of 100 cases. The value is made only when it is needed.
func (g *Generator) some(f fields, p float64, name string, value func() any) {
	if g.odds(p) {
		f[name] = value()
	}
}

// day counts days from 1970-01-01; no zone is involved.
type day int

const year = 365.2425

func dayOf(t time.Time) day { return day(t.Unix() / 86400) }

func (d day) std() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String is YYYY-MM-DD.
func (d day) String() string { return d.std().Format(time.DateOnly) }

// minus is the day the given number of years earlier.
func (d day) minus(years float64) day { return d - day(years*year) }

// ageOn is the number of full years on the other day.
func (d day) ageOn(on day) int {
	by, bm, bd := d.std().Date()
	y, m, dd := on.std().Date()
	age := y - by
	if m < bm || m == bm && dd < bd {
		age--
	}
	return age
}

// dated is a day from lo to hi days after today, as text.
func (g *Generator) dated(lo, hi int) string { return (g.today + day(g.between(lo, hi))).String() }

// moment is a time in the waking hours of one of the last n days before today: RFC 3339 with Beijing's offset.
func (g *Generator) moment(n int) string {
	d := g.today - day(g.between(1, n))
	y, m, dd := d.std().Date()
	return time.Date(y, m, dd, g.between(6, 22), g.r.IntN(60), g.r.IntN(60), 0, model.Beijing).Format(time.RFC3339)
}
