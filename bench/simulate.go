package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"sixelements/bench/sim"
)

// keepingUp is within what time 99 of 100 submissions are stored by a cell that keeps up.
const keepingUp = time.Second

// simulation is what simulate is asked for.
type simulation struct {
	people, days int
	called       float64
	nodes        []int
	cell         sim.Cell
	measure      bool
	lasts        time.Duration
	dir          string
}

func (s *simulation) flags(args []string) error {
	s.cell, s.nodes = sim.Standard(1), []int{1, 2, 4, 8, 16}
	f := flags("simulate")
	f.IntVar(&s.people, "people", 3_000_000, "who live in the cell")
	f.IntVar(&s.days, "days", 30, "how many days the campaign takes")
	f.Float64Var(&s.called, "called", 0.02, "share of all households that answer a notice at 19:30 on top of the day's work")
	f.Func("nodes", "numbers of nodes, separated by commas", func(text string) error {
		s.nodes = nil
		return json.Unmarshal([]byte("["+text+"]"), &s.nodes)
	})
	f.IntVar(&s.cell.Cores, "cores", s.cell.Cores, "cores of a node")
	f.IntVar(&s.cell.Database, "database", s.cell.Database, "cores of the database node that writes")
	f.DurationVar(&s.cell.StallFor, "stall", 0, "for how long the database is voted anew at 19:40")
	f.Uint64Var(&s.cell.Seed, "seed", s.cell.Seed, "the same seed makes the same evening")
	f.BoolVar(&s.measure, "measure", false, "measure the CPU costs on a private MariaDB first, and compare the simulation with that")
	f.DurationVar(&s.lasts, "for", 5*time.Second, "how long each measurement lasts")
	f.StringVar(&s.dir, "dir", "", "folder to measure in; a temporary one when empty")
	s.cell.StallAt = 19*time.Hour + 40*time.Minute
	return f.Parse(args)
}

// simulate plays an evening against several numbers of nodes.
func simulate(ctx context.Context, args []string, out io.Writer) error {
	var s simulation
	if err := s.flags(args); err != nil {
		return err
	}
	heading(out, "An evening of a cell, simulated")
	if s.measure {
		if err := s.calibrated(ctx, out); err != nil {
			return err
		}
	}
	day := sim.Campaign(s.people, s.days)
	day.Called = s.called
	fmt.Fprintf(out, "%d people, a busy day of a campaign of %d days; %.0f %% of all households answer a notice at 19:30. "+
		"Nodes of %d cores, a database of %d, stall %s, seed %d. An item is a submission, a step or a visit.\n\n", s.people, s.days,
		100*s.called, s.cell.Cores, s.cell.Database, s.cell.StallFor, s.cell.Seed)
	evenings, knees := s.play(ctx, day)
	if err := ctx.Err(); err != nil {
		return err
	}
	reportEvenings(out, evenings)
	fmt.Fprintf(out, "The knee: submissions by a Poisson process, no retries; 99 of 100 within %s, none refused.\n\n", keepingUp)
	reportKnees(out, knees)
	return nil
}

// knee is the most that a cell keeps up with, and how it does there.
type knee struct {
	perSecond float64
	at        *sim.Result
}

// play plays all evenings and finds all knees, as many at a time as there are cores.
func (s *simulation) play(ctx context.Context, day sim.Day) ([]*sim.Result, []knee) {
	evenings, knees := make([]*sim.Result, len(s.nodes)), make([]knee, len(s.nodes))
	free := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	do := func(fn func()) {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			if ctx.Err() == nil {
				fn()
			}
		})
	}
	for i, n := range s.nodes {
		c := s.cell
		c.Nodes = n
		do(func() { evenings[i] = c.Evening(day) })
		do(func() {
			most := c.Knee(keepingUp)
			knees[i] = knee{most, c.Steady(most, 10*time.Second)}
		})
	}
	wg.Wait()
	return evenings, knees
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

func reportEvenings(out io.Writer, list []*sim.Result) {
	var rows [][]string
	for _, r := range list {
		var row []string
		for _, n := range []int{r.Nodes, r.Arrived, r.Stored, r.Refused, r.Pending, r.Busy} {
			row = append(row, fmt.Sprint(n))
		}
		rows = append(rows, append(row, fmt.Sprintf("%.0f", r.PeakPerSecond), millis(percentile(r.Answers, 50)),
			millis(percentile(r.Answers, 99)), millis(percentile(r.Answers, 100)), millis(percentile(r.Reads, 99)), percent(r.NodePeak),
			percent(r.DatabasePeak), fmt.Sprintf("%.2f", r.PerCommit())))
	}
	grid(out, []string{"nodes", "items", "stored", "refused", "pending", "busy answers", "busiest minute /s", "p50 ms", "p99 ms",
		"max ms", "reads p99 ms", "node CPU", "database CPU", "per commit"}, rows)
}

func reportKnees(out io.Writer, list []knee) {
	var rows [][]string
	for _, k := range list {
		short := "nodes"
		if k.at.DatabaseBusy > k.at.NodeBusy {
			short = "database"
		}
		rows = append(rows, []string{fmt.Sprint(k.at.Nodes), fmt.Sprintf("%.0f", k.perSecond), millis(percentile(k.at.Answers, 50)),
			millis(percentile(k.at.Answers, 99)), percent(k.at.NodeBusy), percent(k.at.DatabaseBusy),
			fmt.Sprintf("%.1f", k.at.PerCommit()), short})
	}
	grid(out, []string{"nodes", "submissions/s", "p50 ms", "p99 ms", "node CPU", "database CPU", "per commit",
		"short of cores"}, rows)
}

// calibrated measures the costs, and holds the simulation against the measurement that they come from: one host, 64 connections.
func (s *simulation) calibrated(ctx context.Context, out io.Writer) error {
	dir := s.dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "six-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	costs, real, err := calibrate(ctx, dir, s.lasts, out)
	if err != nil {
		return err
	}
	s.cell.Costs = costs
	fmt.Fprintf(out, "Node %+v, database %+v, client %s.\n\n", costs.Node, costs.Database, costs.Client)
	replay(out, costs, real, s.lasts)
	return nil
}

// replay plays what was measured, on the whole machine and on the share of it that the measurement got: the rest went to
// neighbours, or was idle.
func replay(out io.Writer, costs sim.Costs, real probe, lasts time.Duration) {
	host := sim.Standard(1)
	host.OneHost, host.Database = true, runtime.NumCPU()
	costs.Replicate, costs.RoundTrip, costs.Conflict = 0, 0, 0
	got := min(1, real.perSecond()*(real.microsEach()+real.db+real.client)/1e6/float64(host.Database))
	row := func(who string, perSecond float64, p50, p99 string, batch float64) []string {
		return []string{who, fmt.Sprintf("%.0f", perSecond), p50, p99, fmt.Sprintf("%.1f", batch)}
	}
	rows := [][]string{row("measured", real.perSecond(), fmt.Sprintf("%.1f", real.millis(50)), fmt.Sprintf("%.1f", real.millis(99)),
		real.batch())}
	for _, part := range []float64{1, got} {
		host.Costs = costs.Slower(1 / part)
		r := host.Closed(real.conns, lasts)
		rows = append(rows, row(fmt.Sprintf("simulated, %.0f %% of the machine", 100*part), r.PerSecond(),
			millis(percentile(r.Answers, 50)), millis(percentile(r.Answers, 99)), r.PerCommit()))
	}
	grid(out, []string{fmt.Sprintf("%d connections", real.conns), "per second", "p50 ms", "p99 ms", "per commit"}, rows)
}
