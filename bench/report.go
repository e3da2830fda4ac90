package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// heading names the report, the command that made it, and how busy the machine was.
func heading(out io.Writer, title string) {
	fmt.Fprintf(out, "### %s\n\n`bench %s`, %s, %d cores, load %s\n\n", title, strings.Join(os.Args[1:], " "), runtime.Version(),
		runtime.NumCPU(), busy())
}

// busy is the machine's load over the last minute: what others ran beside it.
func busy() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}

// grid prints a Markdown table.
func grid(out io.Writer, head []string, rows [][]string) {
	line := func(cells []string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	line(strings.Split(strings.Repeat("---,", len(head)-1)+"---", ","))
	for _, r := range rows {
		line(r)
	}
	fmt.Fprintln(out)
}

// bound is a ratio that must hold.
type bound struct {
	what   string
	value  float64
	target string
	met    bool
}

func atLeast(what string, value, least float64) bound {
	return bound{what, value, fmt.Sprintf("≥ %g", least), value >= least}
}

func atMost(what string, value, most float64) bound {
	return bound{what, value, fmt.Sprintf("≤ %g", most), value <= most}
}

// bounds prints what was to be reached and what was.
func bounds(out io.Writer, list []bound) {
	var rows [][]string
	for _, b := range list {
		met := "yes"
		if !b.met {
			met = "**no**"
		}
		rows = append(rows, []string{b.what, fmt.Sprintf("%.2f", b.value), b.target, met})
	}
	grid(out, []string{"what", "measured", "must be", "met"}, rows)
}

// each is a figure of every round.
func each(rounds []figures, of func(figures) float64) (v []float64) {
	for _, f := range rounds {
		v = append(v, of(f))
	}
	return v
}

// ratio is the median of the rounds' ratios: neighbours in time shared the machine's mood.
func ratio(a, b []figures, of func(figures) float64) float64 {
	var r []float64
	for i := range a {
		r = append(r, of(a[i])/of(b[i]))
	}
	return median(r)
}

// figuresGrid is the table of all contestants at all numbers of connections.
func figuresGrid(out io.Writer, conns []int, list []contestant, got map[int][][]figures) {
	var rows [][]string
	for _, n := range conns {
		for i, c := range list {
			f := got[n][i]
			rows = append(rows, []string{fmt.Sprint(n), c.name, fmt.Sprintf("%.0f", median(each(f, figures.perSecond))),
				fmt.Sprintf("%.0f", median(each(f, figures.microsEach))),
				fmt.Sprintf("%.1f", median(each(f, func(f figures) float64 { return f.millis(50) }))),
				fmt.Sprintf("%.1f", median(each(f, func(f figures) float64 { return f.millis(99) })))})
		}
	}
	grid(out, []string{"connections", "who", "per second", "CPU µs each", "p50 ms", "p99 ms"}, rows)
}

func p99(f figures) float64 { return f.millis(99) }

// reportMariaDB prints what submissions came to there.
func reportMariaDB(out io.Writer, p plan, list []contestant, got map[int][][]figures) error {
	heading(out, "Submissions on MariaDB")
	fmt.Fprintf(out, "The same submission on a private MariaDB, every commit on the disk. GORM: Gin and one transaction a request with a "+
		"Create for each of the three rows, decoded, checked and sealed the same; no session, rights, replay. Medians of %d rounds of %s in "+
		"turn; every acknowledged record was counted. CPU is the server's alone, without the database's.\n\n", p.rounds, p.lasts)
	figuresGrid(out, p.conns, list, got)
	var b []bound
	for _, n := range p.conns {
		b = append(b, atLeast(fmt.Sprintf("submissions/s at %d ÷ one GORM transaction each", n),
			ratio(got[n][0], got[n][1], figures.perSecond), 4))
	}
	bounds(out, b)
	return nil
}

// reportSubmit prints what submissions came to.
func reportSubmit(out io.Writer, p plan, list []contestant, got map[int][][]figures) error {
	heading(out, "Submissions")
	fmt.Fprintf(out, "A person's submission by a resident: header, detail and revision, three rows, and one row of tally deltas a commit; "+
		"fields, data key and changes sealed, validated, answered 201. PocketBase: one row, synchronous=FULL, by a logged-in user. raw SQL: the "+
		"same rows with the same sealing, no HTTP, no validation. Medians of %d rounds of %s in turn; every acknowledged record was "+
		"counted in the database.\n\n", p.rounds, p.lasts)
	figuresGrid(out, p.conns, list, got)
	var b []bound
	if g, ok := got[64]; ok {
		b = append(b, atLeast("submissions/s at 64 ÷ PocketBase", ratio(g[0], g[1], figures.perSecond), 3),
			atLeast("… ÷ raw SQL", ratio(g[0], g[2], figures.perSecond), 0.6),
			atMost("CPU per submission at 64 ÷ PocketBase", ratio(g[0], g[1], figures.microsEach), 0.35),
			atMost("p99 at 64 ÷ PocketBase", ratio(g[0], g[1], p99), 0.4))
	}
	if g, ok := got[1]; ok {
		b = append(b, atLeast("submissions/s at 1 ÷ PocketBase", ratio(g[0], g[1], figures.perSecond), 1))
	}
	bounds(out, b)
	return nil
}
