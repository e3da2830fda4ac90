package main

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"sixelements/internal/sample"
	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/seal"
)

// crowd is the households from which a city's are drawn, decoded once; each is given numbers of its own when it is drawn.
type crowd struct{ households [][]model.Element }

// crowdSize is how many persons a crowd has.
const crowdSize = 20_000

func newCrowd(seed uint64) (*crowd, error) {
	list, err := people(crowdSize, seed)
	if err != nil {
		return nil, err
	}
	c := &crowd{}
	for _, p := range list {
		e, err := decode(model.KindPerson, p.data)
		if err != nil {
			return nil, err
		}
		if p.first {
			c.households = append(c.households, nil)
		}
		last := &c.households[len(c.households)-1]
		*last = append(*last, e)
	}
	return c, nil
}

func decode(kind model.Kind, data json.RawMessage) (model.Element, error) {
	d, err := kind.Schema().Decode(data, model.Decode{Codes: code.Default(), Today: model.Clock(now).Now().Date()})
	return d.Element, err
}

// draw is a household with numbers of its own.
func (c *crowd) draw(r *rand.Rand) (out []model.Element) {
	for _, e := range c.households[r.IntN(len(c.households))] {
		p := model.KindPerson.Schema().Clone(e).(*model.Person)
		if clear, _ := p.IDNo.Reveal(); p.IDType == "111" && len(clear) == 18 {
			seq := 500 + r.IntN(490)
			number := clear[:14] + strconv.Itoa(seq)
			p.IDNo = seal.Clear(number + string(model.IDCheckChar(number)))
		}
		if clear, _ := p.Phone.Reveal(); len(clear) == 11 {
			p.Phone = seal.Clear(clear[:3] + strconv.Itoa(10_000_000+r.IntN(90_000_000)))
		}
		out = append(out, p)
	}
	return out
}

// mix is how many of a hundred submissions that are no persons' are of each other kind; persons are nine of ten records.
var mix = []struct {
	kind  model.Kind
	share int
	make  func(*sample.Generator) map[string]any
}{
	{model.KindPlace, 45, (*sample.Generator).Shop},
	{model.KindEvent, 20, (*sample.Generator).Event},
	{model.KindObject, 15, (*sample.Generator).Object},
	{model.KindOrganisation, 15, (*sample.Generator).Organisation},
	{model.KindSituation, 5, (*sample.Generator).Situation},
}

// fates are what becomes of a hundred submissions: who sent it, and the steps that followed.
var fates = []struct {
	share int
	door  bool // a collector took it in at the door and verified it at once
	steps []string
}{
	{60, true, nil},
	{16, false, nil},
	{16, false, []string{"verify"}},
	{3, true, []string{"archive"}},
	{3, false, []string{"return"}},
	{1, false, []string{"reject"}},
	{1, false, []string{"withdraw"}},
}

// weighted draws an index by the shares, which add up to 100.
func weighted(r *rand.Rand, n int, share func(int) int) int {
	left := r.IntN(100)
	for i := range n {
		if left -= share(i); left < 0 {
			return i
		}
	}
	return n - 1
}

// maker makes the records of one chunk.
type maker struct {
	*loader
	r      *rand.Rand
	gen    *sample.Generator
	tables map[string]*table
	out    *batch
}

// chunk makes the records from the given number on.
func (l *loader) chunk(from int) (*batch, error) {
	m := maker{loader: l, r: newRand(l.city.Seed, uint64(from)), tables: loadedTables(), out: &batch{},
		gen: sample.New(sample.Options{Seed: l.city.Seed ^ uint64(from), Today: model.At(l.city.Until).Date()})}
	n := min(perChunk, l.city.Records-from)
	for m.out.records < n {
		kind, elements, err := m.submission()
		if err != nil {
			return nil, err
		}
		b, d := m.city.anyDoor(m.r)
		fate := weighted(m.r, len(fates), func(i int) int { return fates[i].share })
		var household model.ID
		for _, e := range elements[:min(len(elements), n-m.out.records)] {
			at := m.city.at(from + m.out.records)
			id := m.newID(at)
			if household.IsZero() {
				household = id
			}
			r := newRecord(m.db, kind, e, d, m.newID(at), at, household)
			r.ID = id
			if err := m.live(r, b, fate); err != nil {
				return nil, err
			}
			m.out.records++
		}
	}
	return m.out, nil
}

// submission is what one door sends at a time: a household, or something else.
func (m *maker) submission() (model.Kind, []model.Element, error) {
	if m.r.IntN(100) < 80 { // a household is two or three records
		return model.KindPerson, m.crowd.draw(m.r), nil
	}
	k := mix[weighted(m.r, len(mix), func(i int) int { return mix[i].share })]
	data, err := json.Marshal(k.make(m.gen))
	if err != nil {
		return "", nil, err
	}
	e, err := decode(k.kind, data)
	return k.kind, []model.Element{e}, err
}

func (m *maker) newID(at model.Time) model.ID {
	var b [10]byte
	for i := range b {
		b[i] = byte(m.r.Uint32())
	}
	return model.DeriveID(at, b[:])
}

// live takes a record through its life and adds its rows.
func (m *maker) live(r *model.Record, building, fate int) error {
	f := fates[fate]
	c, check := m.city.collector(building, 0), m.city.collector(building, 1)
	if r.Kind == model.KindEvent {
		r.Stage = model.Reported
	}
	r.RequestHash = m.db.Hash("request", r.ID[:])
	if f.door {
		r.SubmitterID, r.SubmitterRole, r.SubmitterName, r.Channel = c.Account, model.Collector, c.Name, model.ByCollector
		r.MarkVerified(model.ByVisit, c, r.SubmittedAt)
	}
	v, err := sealRecord(m.db, r)
	if err != nil {
		return err
	}
	revisions := []*model.Revision{v}
	for _, step := range f.steps {
		at := min(r.SubmittedAt.Add(time.Duration(1+m.r.IntN(72))*time.Hour), model.At(m.city.Until))
		by := check
		if step == "withdraw" {
			by = model.Actor{Account: r.SubmitterID, Grants: []model.Grant{{Role: model.Resident}}}
		}
		r.Take(model.Step{Action: step, Method: model.ByVisit}, by, at)
		v = follow(m.db, v, r, step, by, at)
		revisions = append(revisions, v)
	}
	m.out.add(m.tables, r)
	m.out.add(m.tables, r.Element)
	if m.lean {
		return nil
	}
	for _, v := range revisions {
		m.out.add(m.tables, v)
	}
	return nil
}
