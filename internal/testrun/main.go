// Command testrun runs every suite of the project in order, counts each test and closes on one line: "N passed, N failed".
//
//	testrun              all suites
//	testrun sqlite web   only these suites
//	testrun -long        the suites that take long, with the tests that others skip by a message beginning with "long:"
//	testrun -list        the names of the suites
//
// It imports nothing of the product, so that it can be built, and can say what is wrong, while the product cannot.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	// The context is never released: the program ends with it.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	os.Exit(run(ctx, os.Args[1:], os.Stdout))
}

// run does what the arguments say and returns the exit code: 0 when every test passed, 1 when one failed, 2 for bad arguments.
func run(ctx context.Context, args []string, out io.Writer) int {
	flags := flag.NewFlagSet("testrun", flag.ContinueOnError)
	flags.SetOutput(out)
	long := flags.Bool("long", false, "run the long suites")
	list := flags.Bool("list", false, "print the names of the suites")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	all := everyday()
	if *long {
		all = longRunning()
	}
	if *list {
		for _, s := range all {
			fmt.Fprintf(out, "%-12s %s\n", s.name, s.what)
		}
		return 0
	}
	chosen, err := choose(all, flags.Args())
	if err != nil {
		fmt.Fprintln(out, err)
		return 2
	}
	return runSuites(ctx, chosen, out)
}

// choose keeps the suites that are named, in the order of the table; no name means all.
func choose(all []suite, names []string) ([]suite, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []suite
	for _, s := range all {
		if slices.Contains(names, s.name) {
			chosen = append(chosen, s)
			names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == s.name })
		}
	}
	if len(names) > 0 {
		return nil, fmt.Errorf("no suite is called %s; -list names them", strings.Join(names, ", "))
	}
	return chosen, nil
}

// runSuites runs the suites one after another, prints what failed in full, and closes on the counts.
func runSuites(ctx context.Context, suites []suite, out io.Writer) int {
	var total result
	begin := time.Now()
	for _, s := range suites {
		fmt.Fprintf(out, "== %s: %s\n", s.name, s.what)
		start := time.Now()
		r := s.run(ctx, out)
		if r.passed+r.failed == 0 {
			r.fail("no test ran", "A suite without a test proves nothing.")
		}
		fmt.Fprintf(out, "   %d passed, %d failed in %s\n", r.passed, r.failed, time.Since(start).Round(time.Second/10))
		total.add(s.name+": ", r)
	}
	for _, f := range total.failures {
		fmt.Fprintf(out, "\n=== FAILED %s\n%s\n", f.name, strings.TrimRight(f.log, "\n"))
	}
	fmt.Fprintf(out, "\nall suites took %s\n", time.Since(begin).Round(time.Second))
	fmt.Fprintf(out, "%d passed, %d failed\n", total.passed, total.failed)
	if total.failed > 0 {
		return 1
	}
	return 0
}

// result is what a suite, or a part of one, came to.
type result struct {
	passed, failed int
	failures       []failure // one for each failed, in the order they failed
}

// failure is a failed test and all it said.
type failure struct{ name, log string }

func (r *result) fail(name, log string) {
	r.failed++
	r.failures = append(r.failures, failure{name, log})
}

// add takes over another result, its failures' names led by prefix.
func (r *result) add(prefix string, other result) {
	r.passed += other.passed
	r.failed += other.failed
	for _, f := range other.failures {
		r.failures = append(r.failures, failure{prefix + f.name, f.log})
	}
}
