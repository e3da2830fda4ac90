package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// street is a day on which a hundredth of a street's people have their turn, with everything that can happen.
func street() Day {
	return Day{People: 350_000, Household: 2.6, Share: 0.01, Door: 0.6, Noon: 0.35, Outside: 0.2, Doors: 40, Offline: 0.2,
		Back: 20 * time.Minute, Called: 0.01, CallAt: 19*time.Hour + 30*time.Minute, Answer: 10 * time.Minute, Lost: 0.02, Watchers: 20,
		Refresh: 15 * time.Second, Ledgers: 5}
}

// plain is a cell whose costs stay what they are when others are measured.
func plain(nodes int) Cell {
	c := Standard(nodes)
	c.Costs = Costs{
		Node:     CPU{Submit: 4 * time.Millisecond, Verify: 5 * time.Millisecond, Batch: 3 * time.Millisecond, Read: time.Millisecond},
		Database: CPU{Submit: time.Millisecond, Verify: 2 * time.Millisecond, Batch: 3 * time.Millisecond, Read: time.Millisecond},
		Fsync:    time.Millisecond, Replicate: time.Millisecond, RoundTrip: time.Millisecond, Conflict: 0.01,
	}
	return c
}

// tight is a cell that this is too much for while its database is voted anew.
func tight() Cell {
	c := plain(2)
	c.Costs.Database.Submit, c.Costs.Database.Verify, c.Database = 30*time.Millisecond, 30*time.Millisecond, 1
	c.Doing, c.Limit, c.StallAt, c.StallFor = 20, 2*time.Second, 19*time.Hour+45*time.Minute, time.Minute
	return c
}

func TestTheSameSeedMakesTheSameEvening(t *testing.T) {
	t.Parallel()
	first, second := tight().Evening(street()), tight().Evening(street())
	first.items, second.items = nil, nil // the same figures, at other addresses
	require.Equal(t, first, second)
	other := tight()
	other.Seed++
	require.NotEqual(t, first.Waits, other.Evening(street()).Waits)
}

func TestWhatArrivedIsStoredRefusedOrPending(t *testing.T) {
	t.Parallel()
	broken := tight()
	broken.StallFor = 3 * time.Hour // until after the end
	for name, c := range map[string]struct {
		cell             Cell
		busy, ends, lost bool
	}{
		"an easy evening":                  {cell: plain(2), ends: true},
		"a database that is away a minute": {cell: tight(), busy: true, ends: true},
		"a database that stays away":       {cell: broken, busy: true, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.cell.Evening(street())
			require.Equal(t, r.Arrived, r.Stored+r.Refused+r.Pending)
			require.Greater(t, r.Arrived, 5000)
			require.Equal(t, c.busy, r.Busy > 0)
			require.Equal(t, c.ends, r.Pending == 0)
			require.Equal(t, c.lost, r.Refused > 0)
			require.Positive(t, r.Replayed, "an answer in fifty is lost: its phone sends again")
			require.LessOrEqual(t, len(r.Waits), r.Stored)
			require.Equal(t, 5, r.Exports)
		})
	}
}

// Little's law: the mean number inside is the rate of arrivals times the mean time inside. It holds for what
// ends empty.
func TestLittlesLawHolds(t *testing.T) {
	t.Parallel()
	for _, c := range []Cell{plain(1), tight()} {
		r := c.Evening(street())
		inside := float64(r.crowd) / float64(r.Took)
		rate, within := float64(r.came)/r.Took.Seconds(), r.within.Seconds()/float64(r.came)
		require.Positive(t, inside)
		require.InEpsilon(t, inside, rate*within, 1e-9)
	}
}

// The utilisation law: what is computed is the number of items times what each costs, and nobody computes more than the
// cores can.
func TestCoresAreUsedForWhatIsDone(t *testing.T) {
	t.Parallel()
	c := plain(2)
	c.Costs.Conflict = 0
	const rate, lasts = 400, 20 * time.Second
	r := c.Steady(rate, lasts)
	require.InEpsilon(t, rate, r.PerSecond(), 0.05)
	perItem := c.Costs.Node.Submit.Seconds() + c.Costs.Node.Batch.Seconds()/r.PerCommit()
	require.InEpsilon(t, r.PerSecond()*perItem/float64(c.Nodes*c.Cores), r.NodeBusy, 0.03)
	perItem = c.Costs.Database.Submit.Seconds() + c.Costs.Database.Batch.Seconds()/r.PerCommit()
	require.InEpsilon(t, r.PerSecond()*perItem/float64(c.Database), r.DatabaseBusy, 0.03)
	flood := c.Steady(10_000, 5*time.Second)
	require.Positive(t, flood.Busy, "a queue without a bound would take everything")
	require.LessOrEqual(t, flood.NodePeak, 1.01)
	require.LessOrEqual(t, flood.DatabasePeak, 1.01)
}

// Batches are what queued while the last one committed: alone there is no waiting for company, in a crowd they grow.
func TestBatchesGrowWithTheCrowd(t *testing.T) {
	t.Parallel()
	c := plain(1)
	c.Costs.Replicate, c.Costs.Conflict = 50*time.Millisecond, 0
	alone, crowd := c.Closed(1, 10*time.Second), c.Closed(256, 10*time.Second)
	require.InDelta(t, 1, alone.PerCommit(), 0)
	require.Greater(t, crowd.PerCommit(), 8.0)
	once := c.Costs.Node.Submit + c.Costs.Node.Batch + c.Costs.Database.Submit + c.Costs.Database.Batch + 2*c.Costs.RoundTrip +
		c.Costs.Fsync + c.Costs.Replicate
	require.InEpsilon(t, 1/once.Seconds(), alone.PerSecond(), 0.05, "one connection pays every step once, one after the other")
}

// More nodes help until the database is what is short of cores.
func TestTheKneeMovesFromTheNodesToTheDatabase(t *testing.T) {
	t.Parallel()
	c := plain(1)
	c.Costs.Node = CPU{Submit: 10 * time.Millisecond}
	c.Costs.Database = CPU{Submit: 5 * time.Millisecond, Batch: time.Millisecond}
	one := c.Knee(time.Second)
	c.Nodes = 2
	two := c.Knee(time.Second)
	require.InDelta(t, 2, two/one, 0.25)
	c.Nodes = 16
	most := float64(c.Database) / c.Costs.Database.Submit.Seconds()
	require.Less(t, c.Knee(time.Second), most)
	require.Greater(t, c.Steady(most, 3*time.Second).DatabaseBusy, 0.9)
}
