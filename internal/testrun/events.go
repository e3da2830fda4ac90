package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// event is one line of `go test -json`; see `go doc cmd/test2json` and, for the build's, `go help buildjson`.
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
	Elapsed                                                float64 // seconds
}

// leftTo finds where a test that skipped itself says it is run instead: by `make test-long` ("long:"), or by the suite of the other
// engine ("mysql:", "sqlite:"). There is no other reason for which one may skip.
var leftTo = regexp.MustCompile(`(?m)^\s*\S+\.go:\d+: (long|mysql|sqlite):`)

// reader counts the tests of a stream of events.
type reader struct {
	leave    []string // to whom a test may leave itself: what other suites of the run, or of the other run, are called
	out      io.Writer
	packages map[string]*pkg
	builds   map[string]string // what the compiler said, by the import path that events give it
	stray    strings.Builder   // what is no event
	result   result
}

// pkg is a package under way.
type pkg struct {
	result  result
	running map[string]string // what each unfinished test has said
	said    strings.Builder   // what belongs to no test
}

func newReader(leave []string, out io.Writer) *reader {
	return &reader{leave: leave, out: out, packages: map[string]*pkg{}, builds: map[string]string{}}
}

// read takes all events and returns their sum. Each test and subtest counts; a package that fails otherwise, because it does not
// build, panics or exits, or of which nothing is heard any more, counts as one failed test.
func (r *reader) read(in io.Reader) result {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil {
			r.take(e)
		} else {
			r.stray.Write(line)
		}
		if err != nil {
			break
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.packages)) {
		r.finish(event{Package: name, Action: "fail", Output: "the run ended before this package did\n"})
	}
	if r.result.failed > 0 && r.stray.Len() > 0 {
		r.result.failures = append(r.result.failures, failure{"go test said beside its events", r.stray.String()})
	}
	return r.result
}

func (r *reader) take(e event) {
	if strings.HasPrefix(e.Action, "build-") {
		r.builds[e.ImportPath] += e.Output
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &pkg{running: map[string]string{}}
		r.packages[e.Package] = p
	}
	switch {
	case e.Action == "output" && e.Test == "":
		p.said.WriteString(e.Output)
	case e.Action == "output" || e.Action == "run":
		p.running[e.Test] += e.Output
	case e.Action != "pass" && e.Action != "fail" && e.Action != "skip":
	case e.Test == "":
		r.finish(e)
	default:
		p.end(e, r.leave)
	}
}

// end counts a finished test.
func (p *pkg) end(e event, leave []string) {
	log := p.running[e.Test]
	delete(p.running, e.Test)
	switch {
	case e.Action == "pass":
		p.result.passed++
	case e.Action == "fail":
		p.result.fail(e.Package+" "+e.Test, log)
	default:
		if m := leftTo.FindStringSubmatch(log); m == nil || !slices.Contains(leave, m[1]) {
			p.result.fail(e.Package+" "+e.Test, log+"A skipped test proves nothing: mend it, or say by \"long:\", \"mysql:\" or "+
				"\"sqlite:\" which other suite runs it.")
		}
	}
}

// finish counts a finished package and reports it.
func (r *reader) finish(e event) {
	p := r.packages[e.Package]
	delete(r.packages, e.Package)
	if e.Action == "fail" && (p.result.failed == 0 || len(p.running) > 0) {
		log := r.builds[e.FailedBuild] + p.said.String() + e.Output
		for _, test := range slices.Sorted(maps.Keys(p.running)) {
			log += fmt.Sprintf("--- unfinished: %s\n%s", test, p.running[test])
		}
		p.result.fail(e.Package, log)
	}
	if e.Action != "skip" { // which says that it has no tests
		took := time.Duration(e.Elapsed * float64(time.Second))
		counts := fmt.Sprintf("%s: %d passed, %d failed,", e.Package, p.result.passed, p.result.failed)
		progress(r.out, p.result.failed == 0, counts, took)
	}
	slices.SortStableFunc(p.result.failures, func(a, b failure) int { return cmp.Compare(a.name, b.name) })
	r.result.add("", p.result)
}
