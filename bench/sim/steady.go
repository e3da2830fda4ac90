package sim

import "time"

// Closed is what a measurement does: so many connections, each sends its next submission when the one before is answered.
func (c Cell) Closed(conns int, lasts time.Duration) *Result {
	s := c.start(0)
	var next func()
	next = func() {
		if s.now >= lasts {
			return
		}
		it := &item{tried: true}
		s.res.items = append(s.res.items, it)
		s.write([]*item{it}, func() { s.own(next) })
	}
	for range conns {
		s.own(next)
	}
	s.run(lasts)
	return s.finish(lasts)
}

// own is the client's own work, where it shares the machine.
func (c *cell) own(then func()) {
	if c.OneHost {
		c.db.compute(c.Costs.Client, then)
		return
	}
	c.after(0, then)
}

// Steady is so many submissions a second, one a request, by a Poisson process; nobody tries again.
func (c Cell) Steady(perSecond float64, lasts time.Duration) *Result {
	s := c.start(0)
	var next func()
	next = func() {
		it := &item{tried: true, sent: s.now}
		s.res.items = append(s.res.items, it)
		s.write([]*item{it}, func() {})
		s.after(s.exp(time.Duration(float64(time.Second)/perSecond)), next)
	}
	s.after(0, next)
	s.run(lasts)
	return s.finish(lasts)
}

// Holds says whether the cell keeps up with so many a second: nothing refused, next to all answered, 99 of 100 within the time.
func (c Cell) Holds(perSecond float64, within time.Duration) bool {
	r := c.Steady(perSecond, kneeRun)
	return r.Busy == 0 && float64(r.Stored) > 0.95*float64(r.Arrived) && r.Answers[len(r.Answers)*99/100] <= within
}

const (
	kneeRun  = 4 * time.Second
	kneeStep = 1.05 // how exactly the knee is found
)

// Knee is the most submissions a second that the cell keeps up with.
func (c Cell) Knee(within time.Duration) float64 {
	low, high := 1.0, 2.0
	for c.Holds(high, within) {
		low, high = high, 2*high
	}
	for high/low > kneeStep {
		if middle := (low + high) / 2; c.Holds(middle, within) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}
