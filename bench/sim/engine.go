package sim

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// engine is the clock and what is to happen.
type engine struct {
	now  time.Duration // since the day began
	due  events
	made int
	r    *rand.Rand
}

type event struct {
	at time.Duration
	n  int // what was asked for first happens first
	do func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].n < e[j].n
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push is heap.Interface's.
func (e *events) Push(x any) { *e = append(*e, x.(event)) }

// Pop is heap.Interface's.
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = event{}
	*e = (*e)[:last]
	return x
}

func newEngine(seed uint64, begin time.Duration) *engine {
	return &engine{now: begin, r: rand.New(rand.NewPCG(seed, 6))}
}

// after lets something happen in a while.
func (e *engine) after(wait time.Duration, do func()) {
	e.made++
	heap.Push(&e.due, event{e.now + max(0, wait), e.made, do})
}

// run lets everything happen that is due until the end.
func (e *engine) run(end time.Duration) {
	for len(e.due) > 0 && e.due[0].at <= end {
		next := heap.Pop(&e.due).(event)
		e.now = next.at
		next.do()
	}
	e.now = end
}

// about draws a duration whose mean is d: half of it is certain, the rest has the long tail of a busy machine.
func (e *engine) about(d time.Duration) time.Duration { return d/2 + e.exp(d/2) }

// exp draws a duration whose mean is d, as the gaps of a Poisson process are.
func (e *engine) exp(d time.Duration) time.Duration {
	return time.Duration(e.r.ExpFloat64() * float64(d))
}

// pool is a machine's cores; who comes first is computed first.
type pool struct {
	e      *engine
	cores  int
	used   int
	queue  queue[job]
	minute map[int]time.Duration // computed, by the minute it began in
}

type job struct {
	takes time.Duration
	then  func()
}

func (e *engine) newPool(cores int) *pool {
	return &pool{e: e, cores: cores, minute: map[int]time.Duration{}}
}

// compute is about d of one core's time.
func (p *pool) compute(d time.Duration, then func()) {
	j := job{p.e.about(d), then}
	if p.used < p.cores {
		p.begin(j)
		return
	}
	p.queue.push(j)
}

func (p *pool) begin(j job) {
	p.used++
	p.minute[int(p.e.now/time.Minute)] += j.takes
	p.e.after(j.takes, func() {
		p.used--
		if p.queue.len() > 0 {
			p.begin(p.queue.pop())
		}
		j.then()
	})
}

// total is what was computed at all.
func (p *pool) total() (sum time.Duration) {
	for _, d := range p.minute {
		sum += d
	}
	return sum
}

// busiest is the share of the cores that was used in the busiest minute.
func (p *pool) busiest() (most float64) {
	for _, d := range p.minute {
		most = max(most, float64(d)/float64(p.cores)/float64(time.Minute))
	}
	return most
}

// queue is first in, first out.
type queue[T any] struct {
	list []T
	head int
}

func (q *queue[T]) len() int { return len(q.list) - q.head }
func (q *queue[T]) push(x T) { q.list = append(q.list, x) }

func (q *queue[T]) pop() T {
	var none T
	x := q.list[q.head]
	q.list[q.head] = none
	if q.head++; q.head > 1024 && q.head > len(q.list)/2 {
		q.list = append(q.list[:0:0], q.list[q.head:]...)
		q.head = 0
	}
	return x
}
