// Package sim plays an evening of a cell: residents and collectors with phones, nodes with group commit, a database that all
// of them write to. It is a discrete-event simulation: the clock jumps from event to event, everything drawn by lot comes from one seeded
// generator, and the same arguments give the same evening to the last digit. It knows nothing of the product but its numbers.
package sim

import "time"

// CPU is what pieces of work compute on one machine.
type CPU struct {
	Submit time.Duration // a submission, but for its share of the commit
	Verify time.Duration // a step of a collector's
	Batch  time.Duration // a commit, whatever is in it
	Read   time.Duration // a page of a list, a tally
	Page   time.Duration // a code, a notice, a form: what a household opens before it submits
	Export time.Duration // a ledger of a street
}

// Costs are what the product's work takes.
type Costs struct {
	Node, Database CPU
	Client         time.Duration // a request, on the load generator's side; counts only where it shares the machine
	Fsync          time.Duration // until a commit is on the disk
	Replicate      time.Duration // until the cluster has certified it: one round trip between its members
	RoundTrip      time.Duration // between a node and the database
	Conflict       float64       // how many of the batches are voided and run again
}

// Measured are the costs as of 2026-11-26. CPU: `SIX_REDIS=… go run . simulate -measure`, one node with Redis and one MariaDB
// 10.11, load 7 on two cores, before folded tallies (they add a tenth); without Redis a submission costs several times that. Export: a
// street's ledger on the node, docs/performance.md; on the database assumed. Fsync is the quiet machine's of scale.md. RoundTrip
// holds 0.2 ms of wsrep_sync_wait (adr/0009). Assumed: Replicate and the rest of RoundTrip, a local network's; Conflict, since one
// database node writes at a time and no row is hot.
func Measured() Costs {
	const us, ms = time.Microsecond, time.Millisecond
	return Costs{
		Node:      CPU{Submit: 210 * us, Verify: 745 * us, Batch: 455 * us, Read: 2185 * us, Page: 280 * us, Export: 1300 * ms},
		Database:  CPU{Submit: 125 * us, Verify: 770 * us, Batch: 275 * us, Read: 1285 * us, Page: 250 * us, Export: 400 * ms},
		Client:    47 * us,
		Fsync:     150 * us,
		Replicate: 500 * us,
		RoundTrip: 400 * us,
		Conflict:  0.001,
	}
}

// Slower are the costs of the same work on cores that take so many times as long.
func (c Costs) Slower(times float64) Costs {
	for _, d := range []*time.Duration{&c.Node.Submit, &c.Node.Verify, &c.Node.Batch, &c.Node.Read, &c.Node.Page, &c.Node.Export,
		&c.Database.Submit, &c.Database.Verify, &c.Database.Batch, &c.Database.Read, &c.Database.Page, &c.Database.Export, &c.Client} {
		*d = time.Duration(float64(*d) * times)
	}
	return c
}
