//go:build linux

package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/model"
)

// load is clients at work: they submit, others verify what was submitted, note visits, and read at once what they wrote. Each sends a
// request again, unchanged, until it is acknowledged, as phones do.
type load struct {
	to             *server
	writer, second string // tokens: who submits, who verifies
	code           string
	rooms          []string
	end            chan struct{}
	work           sync.WaitGroup

	mu       sync.Mutex
	people   *sample.Generator
	records  map[string]int // the version that was acknowledged, by id
	visits   map[string]bool
	strict   bool // a request that has to be sent again is a failure
	answers  int
	again    map[string]int // why requests were sent again
	failures []string
	last     time.Time
	longest  time.Duration // between two answers, whoever's
}

// begin sets clients to work until stopped.
func (l *load) begin(clients int) {
	l.end, l.last = make(chan struct{}), time.Now()
	for i := range clients {
		l.work.Go(func() {
			for n := i; ; n++ {
				select {
				case <-l.end:
					return
				default:
					l.story(n)
				}
			}
		})
	}
}

func (l *load) stop() {
	close(l.end)
	l.work.Wait()
}

// story is one submission and what follows it.
func (l *load) story(n int) {
	l.mu.Lock()
	person := l.people.Household(1, "registered")[0]
	l.mu.Unlock()
	id := model.NewID().String()
	record := map[string]any{"id": id, "kind": "person", "qr": l.code, "unit": "1", "room": "101", "data": person}
	if !l.send(l.writer, "POST", "/records", record) {
		return
	}
	l.acknowledged(id, 1)
	if n%2 == 0 {
		step := map[string]any{"action": "verify", "method": "visit", "step_id": model.NewID().String()}
		if !l.send(l.second, "POST", "/records/"+id+"/transitions", step, "If-Match", `"1"`) {
			return
		}
		l.acknowledged(id, 2)
	}
	if n%5 == 0 {
		visit := model.NewID().String()
		room := l.rooms[rand.IntN(len(l.rooms))]
		if l.send(l.second, "POST", "/rooms/"+room+"/visits", map[string]any{"id": visit, "method": "knock", "outcome": "no_answer"}) {
			l.mu.Lock()
			l.visits[visit] = true
			l.mu.Unlock()
		}
	}
	if n%3 == 0 { // whichever server answers, it knows
		l.reads(id)
	}
}

func (l *load) acknowledged(id string, version int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records[id] = version
}

// send sends a request until it is acknowledged; false when it never will be.
func (l *load) send(token, method, path string, body any, header ...string) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		r, err := l.to.ask(token, method, path, body, header...)
		if l.answered(r, err) {
			return true
		}
		if err == nil && r.Status < 500 && r.Status != http.StatusTooManyRequests {
			l.fail("%s answered %d: %s", path, r.Status, r.Text)
			return false
		}
		time.Sleep(time.Duration(20+rand.IntN(180)) * time.Millisecond)
	}
	l.fail("%s was not acknowledged within %s", path, patience)
	return false
}

// answered notes an answer, and tells whether it was an acknowledgement.
func (l *load) answered(r reply, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && (r.Status == http.StatusOK || r.Status == http.StatusCreated) {
		now := time.Now()
		l.longest = max(l.longest, now.Sub(l.last))
		l.last = now
		l.answers++
		return true
	}
	why := fmt.Sprint(r.Status, " ", r.str("code"))
	if err != nil {
		why = "connection"
	}
	l.again[why]++
	if l.strict {
		l.failures = append(l.failures, fmt.Sprintf("%d %s %v", r.Status, r.Text, err))
	}
	return false
}

// reads looks for a record right after it was acknowledged.
func (l *load) reads(id string) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		r, err := l.to.ask(l.second, "GET", "/records/"+id, nil)
		if l.answered(r, err) {
			l.mu.Lock()
			want := l.records[id]
			l.mu.Unlock()
			if int(r.JSON["version"].(float64)) != want {
				l.fail("read version %v of a record whose version %d was acknowledged", r.JSON["version"], want)
			}
			return
		}
		if err == nil && r.Status < 500 {
			l.fail("a record that was acknowledged: %d %s", r.Status, r.Text)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (l *load) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, fmt.Sprintf(format, args...))
}

// during lets something happen under load and says what the clients saw of it.
func (l *load) during(t *testing.T, what string, happens func()) {
	t.Helper()
	l.mu.Lock()
	before := l.answers
	l.longest, l.last = 0, time.Now()
	clear(l.again)
	l.mu.Unlock()
	begin := time.Now()
	happens()
	took := time.Since(begin)
	l.mu.Lock()
	defer l.mu.Unlock()
	var why []string
	for _, k := range slices.Sorted(maps.Keys(l.again)) {
		why = append(why, fmt.Sprintf("%s: %d", k, l.again[k]))
	}
	t.Logf("%-46s %5.1f s, %5.0f answers/s, longest silence %4.1f s, sent again: %s", what, took.Seconds(),
		float64(l.answers-before)/took.Seconds(), l.longest.Seconds(), strings.Join(why, ", "))
	require.Empty(t, l.failures)
}
