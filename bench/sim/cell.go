package sim

import "time"

// Cell is the machines.
type Cell struct {
	Nodes    int
	Cores    int           // of a node
	Database int           // cores of the database node that writes
	OneHost  bool          // all of it, and the clients, share the cores of one machine, as a measurement on it does
	Writers  int           // of a node: batches under way at once
	Most     int           // submissions in a batch
	Doing    int           // writes that a node takes on at once; more are told server.busy
	Limit    time.Duration // how long a write may queue
	StallAt  time.Duration // the time of day at which the database is voted anew
	StallFor time.Duration
	Costs    Costs
	Seed     uint64
}

// Standard is a cell as deploy/ sets it up, with the limits of model/store: mysqlWriters, most, mostWrites, writeTimeout.
func Standard(nodes int) Cell {
	return Cell{Nodes: nodes, Cores: 4, Database: 8, Writers: 4, Most: 128, Doing: 2048, Limit: 20 * time.Second,
		Costs: Measured(), Seed: 1}
}

// item is a submission, a step or a visit: what is stored or not.
type item struct {
	step    bool
	sent    time.Duration // first
	tried   bool
	stored  bool
	known   bool // its phone has the answer
	refused bool // its phone gave up
}

// member is an item in a node's queue.
type member struct {
	*item
	came time.Duration
	done func(ok bool)
}

// node is a server.
type node struct {
	*cell
	cpu      *pool
	queue    queue[member]
	writers  int // that wait for work
	doing    int
	requests int
}

// cell is a Cell at work.
type cell struct {
	*engine
	Cell
	nodes  []*node
	db     *pool
	res    *Result
	inside int           // items between arrival at a node and answer
	since  time.Duration // when inside last changed
}

func (c Cell) start(begin time.Duration) *cell {
	s := &cell{engine: newEngine(c.Seed, begin), Cell: c, res: &Result{Nodes: c.Nodes}, since: begin}
	s.db = s.newPool(c.Database)
	for range c.Nodes {
		n := &node{cell: s, writers: c.Writers, cpu: s.db}
		if !c.OneHost {
			n.cpu = s.newPool(c.Cores)
		}
		s.nodes = append(s.nodes, n)
	}
	return s
}

// least is the node with the fewest requests: what the balancer chooses.
func (c *cell) least() *node {
	best := c.nodes[0]
	for _, n := range c.nodes[1:] {
		if n.requests < best.requests {
			best = n
		}
	}
	best.requests++
	return best
}

// write sends items in one request; the node does one after the other. Items that were not done are answered as busy.
func (c *cell) write(items []*item, answered func()) {
	n := c.least()
	var next func(i int)
	next = func(i int) {
		if i == len(items) {
			n.requests--
			answered()
			return
		}
		it, came := items[i], c.now
		c.count(1)
		n.one(it, func(ok bool) {
			c.count(-1)
			if ok {
				c.res.Answers = append(c.res.Answers, c.now-came)
			} else {
				c.res.Busy++
			}
			c.res.within += c.now - came
			next(i + 1)
		})
	}
	next(0)
}

// count keeps the mean number of items inside.
func (c *cell) count(change int) {
	c.res.crowd += time.Duration(c.inside) * (c.now - c.since)
	c.inside, c.since = c.inside+change, c.now
	if change > 0 {
		c.res.came++
	}
}

// front is what of a node's work is done before it knows whether it has room: HTTP, log-in, JSON. Assumed.
const front = 0.3

// one does an item: the node's work, the reads on a snapshot, the queue, the commit.
func (n *node) one(it *item, done func(ok bool)) {
	takes, reads := n.Costs.Node.Submit, n.Costs.Database.Submit
	if it.step {
		takes, reads = n.Costs.Node.Verify, n.Costs.Database.Verify
	}
	early := time.Duration(front * float64(takes))
	n.cpu.compute(early, func() {
		if n.doing >= n.Doing {
			done(false)
			return
		}
		n.doing++
		end := func(ok bool) { n.doing--; done(ok) }
		n.cpu.compute(takes-early, func() {
			n.onDatabase(reads/2, func() { // the other half is inserting
				if it.stored {
					n.res.Replayed++
					end(true)
					return
				}
				n.queue.push(member{it, n.now, end})
				n.wake()
			})
		})
	})
}

// onDatabase is a read or a write there and the way back.
func (c *cell) onDatabase(d time.Duration, then func()) {
	c.after(c.stalled(), func() {
		c.db.compute(d, func() { c.after(c.about(c.Costs.RoundTrip), then) })
	})
}

// stalled is how long the database does not answer from now on.
func (c *cell) stalled() time.Duration {
	if c.now < c.StallAt || c.now >= c.StallAt+c.StallFor {
		return 0
	}
	return c.StallAt + c.StallFor - c.now
}

// wake lets an idle writer take what has queued.
func (n *node) wake() {
	if n.writers == 0 || n.queue.len() == 0 {
		return
	}
	var batch []member
	for n.queue.len() > 0 && len(batch) < n.Most {
		m := n.queue.pop()
		if n.now-m.came > n.Limit {
			m.done(false)
			continue
		}
		batch = append(batch, m)
	}
	if len(batch) == 0 {
		return
	}
	n.writers--
	n.commit(batch)
}

// commit writes a batch; a voided one is written again.
func (n *node) commit(batch []member) {
	d := n.Costs.Database.Batch
	for _, m := range batch {
		if m.step {
			d += n.Costs.Database.Verify / 2
		} else {
			d += n.Costs.Database.Submit / 2
		}
	}
	n.cpu.compute(n.Costs.Node.Batch, func() {
		n.onDatabase(d, func() {
			n.after(n.stalled()+n.about(n.Costs.Fsync+n.Costs.Replicate), func() {
				if n.r.Float64() < n.Costs.Conflict {
					n.res.Voided++
					n.after(n.exp(10*time.Millisecond), func() { n.commit(batch) })
					return
				}
				n.committed(batch)
			})
		})
	})
}

func (n *node) committed(batch []member) {
	n.res.Commits++
	for _, m := range batch {
		if m.stored { // two sendings of one item were under way
			n.res.Replayed++
		} else {
			m.stored = true
			n.res.Stored++
			n.res.minute(n.now)
		}
	}
	n.writers++
	for _, m := range batch {
		m.done(true)
	}
	n.wake()
}

// list is a reading of staff's, page one of a household's.
func (c *cell) list(then func()) { c.read(c.Costs.Node.Read, c.Costs.Database.Read, then) }
func (c *cell) page(then func()) { c.read(c.Costs.Node.Page, c.Costs.Database.Page, then) }

// read is a request that changes nothing.
func (c *cell) read(node, database time.Duration, then func()) {
	n, came := c.least(), c.now
	n.cpu.compute(node, func() {
		c.onDatabase(database, func() {
			n.requests--
			c.res.Reads = append(c.res.Reads, c.now-came)
			then()
		})
	})
}

// slice is how long a ledger computes before others have their turn.
const slice = 10 * time.Millisecond

// export makes a ledger on one node.
func (c *cell) export() {
	n := c.nodes[c.res.Exports%len(c.nodes)]
	c.res.Exports++
	turns := max(1, int(c.Costs.Node.Export/slice))
	var turn func(i int)
	turn = func(i int) {
		if i < turns {
			n.cpu.compute(slice, func() { c.onDatabase(c.Costs.Database.Export/time.Duration(turns), func() { turn(i + 1) }) })
		}
	}
	turn(0)
}
