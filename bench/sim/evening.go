package sim

import (
	"math"
	"time"
)

// Day is what a cell's people do on one day of a campaign.
type Day struct {
	People    int           // who live there
	Household float64       // persons in one, on average
	Share     float64       // of the households, those whose turn is today
	Door      float64       // of these, those whom the collector takes in at the door; the others submit by their code before
	Noon      float64       // of the work in the slots, what is done at noon
	Outside   float64       // of all the work, what is done between the slots
	Doors     int           // households that a collector does in a day's slots
	Offline   float64       // share of the time that a collector's phone has no network
	Back      time.Duration // how long such a stretch lasts, on average
	Called    float64       // of all households, those that answer a notice to everybody
	CallAt    time.Duration // its time of day
	Answer    time.Duration // how long they take, on average
	Lost      float64       // of the answers, those that do not reach the phone: it sends again
	Watchers  int           // staff who have tallies open
	Refresh   time.Duration // how often each asks
	Ledgers   int           // exports in the last hour
}

// The slots of domain.md, as times of day. Phones may send what is left until the end.
const (
	noonBegins    = 11*time.Hour + 30*time.Minute
	noonEnds      = 14 * time.Hour
	eveningBegins = 18 * time.Hour
	eveningEnds   = 21 * time.Hour
	dayEnds       = 22 * time.Hour
)

// The habits of phones.
const (
	pages     = 4                // reads before a household submits: code, notice, form, log-in
	filling   = 6 * time.Minute  // from the first page to sending
	deaf      = 30 * time.Second // without an answer a phone sends again after this
	busyWait  = 2 * time.Second  // Retry-After of server.busy
	longest   = time.Minute      // between two tries
	patience  = 8                // tries of a resident's; a collector's outbox never gives up
	mostItems = 200              // in a request
	goingHome = 30 * time.Minute // after the evening all collectors have been home by then
)

// day is a Day under way.
type day struct {
	*cell
	Day
}

// Evening plays the day and answers what became of it.
func (c Cell) Evening(d Day) *Result {
	s := &day{c.start(noonBegins), d}
	turn := int(math.Round(float64(d.People) / d.Household * d.Share))
	door := int(math.Round(float64(turn) * d.Door))
	collectors := max(1, (turn+d.Doors-1)/max(1, d.Doors))
	for i := range collectors {
		s.collector(share(door, collectors, i), share(turn-door, collectors, i))
	}
	for range turn - door {
		s.after(s.moment()-s.now, s.household)
	}
	for range int(math.Round(float64(d.People) / d.Household * d.Called)) {
		s.after(d.CallAt-s.now+s.exp(d.Answer), s.household)
	}
	for range d.Watchers {
		s.after(time.Duration(s.r.Float64()*float64(d.Refresh)), s.watch)
	}
	for range d.Ledgers {
		s.after(eveningEnds-time.Duration(s.r.Float64()*float64(time.Hour))-s.now, s.export)
	}
	s.run(dayEnds)
	return s.finish(dayEnds - noonBegins)
}

// share is what the i-th of so many gets of a number of things.
func share(things, among, i int) int { return things*(i+1)/among - things*i/among }

// moment draws a time of day: within a slot the rush grows towards its middle and falls again, as half a sine wave.
func (s *day) moment() time.Duration {
	within := func(begin, end time.Duration) time.Duration {
		return begin + time.Duration(float64(end-begin)*math.Acos(1-2*s.r.Float64())/math.Pi)
	}
	switch x := s.r.Float64(); {
	case x < s.Outside:
		return noonEnds + time.Duration(s.r.Float64()*float64(eveningBegins-noonEnds))
	case s.r.Float64() < s.Noon:
		return within(noonBegins, noonEnds)
	default:
		return within(eveningBegins, eveningEnds)
	}
}

// people is how many a household has: at least one, on average as the day says.
func (s *day) people() int {
	n, p := 1, 1-1/s.Household
	for n < 8 && s.r.Float64() < p {
		n++
	}
	return n
}

func (s *day) items(n int, step bool) []*item {
	list := make([]*item, n)
	for i := range list {
		list[i] = &item{step: step}
		s.res.items = append(s.res.items, list[i])
	}
	return list
}

// household reads its pages, fills the form in and sends its members.
func (s *day) household() {
	var page func(left int)
	page = func(left int) {
		if left > 0 {
			s.page(func() { page(left - 1) })
			return
		}
		list := s.items(s.people(), false)
		s.after(s.about(filling), func() { s.send(list, 0, patience, func([]*item) {}) })
	}
	page(pages)
}

// send sends items in one request until all are known to be stored, or patience is at an end; ended gets what was not.
func (s *day) send(list []*item, tries, patience int, ended func(left []*item)) {
	for _, it := range list {
		if !it.tried {
			it.tried, it.sent = true, s.now
		}
	}
	again := func(wait time.Duration, left []*item) {
		if tries+1 >= patience {
			for _, it := range left {
				it.refused = !it.stored
			}
			ended(left)
			return
		}
		s.res.Retries++
		s.after(wait, func() { s.send(left, tries+1, patience, ended) })
	}
	s.write(list, func() {
		if s.r.Float64() < s.Lost {
			again(deaf+s.exp(time.Second), list)
			return
		}
		var left []*item
		for _, it := range list {
			if !it.stored {
				left = append(left, it)
			} else if !it.known {
				it.known = true
				s.res.Waits = append(s.res.Waits, s.now-it.sent)
			}
		}
		if len(left) == 0 {
			ended(nil)
			return
		}
		wait := min(longest, busyWait<<min(tries, 10))
		again(wait/2+time.Duration(s.r.Float64()*float64(wait)), left)
	})
}

// collector is one who goes from door to door; what is done without network is sent when it is back.
type collector struct {
	*day
	online  bool
	atHome  bool
	sending bool
	outbox  []*item
}

// collector does doors where the household is taken in and doors where it is verified, at moments of the day's shape.
func (s *day) collector(doors, verifications int) {
	c := &collector{day: s, online: true}
	for range doors {
		s.after(s.moment()-s.now, func() { c.put(append(s.items(s.people(), false), s.items(1, true)...)) })
	}
	for range verifications {
		s.after(s.moment()-s.now, func() { c.put(s.items(s.people()+1, true)) }) // the last is the visit
	}
	if s.Offline > 0 {
		s.after(s.exp(c.stretch()), c.toggle)
		s.after(eveningEnds-s.now+time.Duration(s.r.Float64()*float64(goingHome)), c.home)
	}
}

// stretch is how long the phone stays as it is, on average.
func (c *collector) stretch() time.Duration {
	if !c.online {
		return c.Back
	}
	return time.Duration(float64(c.Back) * (1 - c.Offline) / c.Offline)
}

func (c *collector) toggle() {
	if c.atHome {
		return
	}
	c.online = !c.online
	c.flush()
	c.after(c.exp(c.stretch()), c.toggle)
}

// home is where there is network.
func (c *collector) home() {
	c.online, c.atHome = true, true
	c.flush()
}

func (c *collector) put(items []*item) {
	c.outbox = append(c.outbox, items...)
	c.flush()
}

// flush sends what waits, one request at a time.
func (c *collector) flush() {
	if !c.online || c.sending || len(c.outbox) == 0 {
		return
	}
	c.sending = true
	n := min(len(c.outbox), mostItems)
	list := c.outbox[:n:n]
	c.outbox = c.outbox[n:]
	c.send(list, 0, math.MaxInt, func([]*item) {
		c.sending = false
		c.flush()
	})
}

// watch is a screen with tallies.
func (s *day) watch() {
	s.list(func() { s.after(s.about(s.Refresh), s.watch) })
}

// Campaign is a busy day of a campaign that reaches so many people in so many days: twice an average day's work. What is not from
// domain.md (the slots, the door-to-door work, phones without network) is assumed; docs/scaling.md says why.
func Campaign(people, days int) Day {
	return Day{
		People: people, Household: 2.6, Share: 2 / float64(days), Door: 0.6,
		Noon: 0.35, Outside: 0.2,
		Doors: 40, Offline: 0.2, Back: 20 * time.Minute,
		CallAt: 19*time.Hour + 30*time.Minute, Answer: 10 * time.Minute,
		Lost: 0.01, Watchers: people / 10_000, Refresh: 30 * time.Second, Ledgers: people / 35_000,
	}
}
