package sim

import (
	"slices"
	"time"
)

// Result is what became of a run. Items are submissions, steps and visits.
type Result struct {
	Nodes    int
	Arrived  int // items that phones have sent or are to send
	Stored   int
	Refused  int // given up by their phones, and not stored
	Pending  int // in outboxes, queues or on their way when the run ended
	Replayed int // items that were sent again although they were stored
	Busy     int // items answered with server.busy
	Retries  int // requests sent again
	Voided   int // batches run again
	Commits  int
	Exports  int
	Answers  []time.Duration // from a node's getting to an item until it is done, sorted
	Waits    []time.Duration // from an item's first sending until its phone knows that it is stored, sorted
	Reads    []time.Duration // sorted

	Took                   time.Duration
	NodeBusy, DatabaseBusy float64 // share of the cores used: mean
	NodePeak, DatabasePeak float64 // and in the busiest minute
	PeakPerSecond          float64 // stored in the busiest minute

	items    []*item
	byMinute map[int]int
	came     int           // items that came to a node
	within   time.Duration // the sum of their times there
	crowd    time.Duration // the time integral of how many were there
}

// PerCommit is how many items shared a commit, on average.
func (r *Result) PerCommit() float64 { return float64(r.Stored) / float64(max(1, r.Commits)) }

// PerSecond is what was stored.
func (r *Result) PerSecond() float64 { return float64(r.Stored) / r.Took.Seconds() }

func (r *Result) minute(at time.Duration) {
	if r.byMinute == nil {
		r.byMinute = map[int]int{}
	}
	r.byMinute[int(at/time.Minute)]++
}

// finish sums up.
func (c *cell) finish(took time.Duration) *Result {
	c.count(0)
	r := c.res
	r.Took, r.Arrived = took, len(r.items)
	for _, it := range r.items {
		switch {
		case it.stored:
		case it.refused:
			r.Refused++
		default:
			r.Pending++
		}
	}
	slices.Sort(r.Answers)
	slices.Sort(r.Waits)
	slices.Sort(r.Reads)
	for _, n := range r.byMinute {
		r.PeakPerSecond = max(r.PeakPerSecond, float64(n)/60)
	}
	r.DatabaseBusy, r.DatabasePeak = float64(c.db.total())/float64(c.db.cores)/float64(took), c.db.busiest()
	for _, n := range c.nodes {
		r.NodeBusy += float64(n.cpu.total()) / float64(n.cpu.cores) / float64(took) / float64(len(c.nodes))
		r.NodePeak = max(r.NodePeak, n.cpu.busiest())
	}
	return r
}
