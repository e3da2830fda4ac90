package nodes

import (
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// news is a message: who sends it, its number, then each tag: the length of its name, its name, its id. Without tags it says that
// everything changed.
type news struct {
	from   model.ID
	number uint64
	tags   []store.Tag
}

func (n news) text() []byte {
	out := binary.BigEndian.AppendUint64(n.from[:], n.number)
	for _, t := range n.tags {
		out = binary.AppendUvarint(out, uint64(len(t.Of)))
		out = append(append(out, t.Of...), t.ID[:]...)
	}
	return out
}

var errNews = errors.New("redis: a message that no node of this version sends")

func parseNews(text string) (n news, err error) {
	b := []byte(text)
	if len(b) < len(n.from)+8 {
		return n, errNews
	}
	copy(n.from[:], b)
	n.number = binary.BigEndian.Uint64(b[len(n.from):])
	for b = b[len(n.from)+8:]; len(b) > 0; {
		size, used := binary.Uvarint(b)
		if used <= 0 || size > uint64(len(b)) || len(b) < used+int(size)+len(model.ID{}) {
			return n, errNews
		}
		of, id := b[used:used+int(size)], b[used+int(size):]
		n.tags = append(n.tags, store.Tag{Of: string(of), ID: model.ID(id[:len(model.ID{})])})
		b = id[len(model.ID{}):]
	}
	return n, nil
}

// answers counts who heard a message.
type answers struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]*answer
	// Of so many receivers, absent did not answer, and are not waited for until then: a machine without power stays subscribed until
	// Redis finds out.
	receivers, absent int
	until             time.Duration
}

type answer struct {
	number    uint64
	receivers int // how many nodes Redis handed it to
	expected  int // how many are waited for; -1 until Redis has said
	came      int
	all       chan struct{}
}

// absence is how long a node that did not answer is not waited for.
const absence = time.Minute

func (l *answers) expect() *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	a := &answer{number: l.last, expected: -1, all: make(chan struct{})}
	l.open[a.number] = a
	return a
}

func (l *answers) forget(a *answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, a.number)
}

// from says how many nodes the message went to.
func (l *answers) from(a *answer, receivers int, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.receivers, a.expected = receivers, max(0, receivers)
	if receivers == l.receivers && now < l.until {
		a.expected = max(0, receivers-l.absent)
	}
	a.check()
}

// came takes an answer in.
func (l *answers) came(text string) {
	if len(text) != 8 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.open[binary.BigEndian.Uint64([]byte(text))]; a != nil {
		a.came++
		a.check()
	}
}

func (a *answer) check() {
	if a.expected < 0 || a.came < a.expected {
		return
	}
	select {
	case <-a.all:
	default:
		close(a.all)
	}
}

// missed notes that not all answered.
func (l *answers) missed(a *answer, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if missing := a.expected - a.came; missing > 0 {
		if l.receivers != a.receivers || now >= l.until {
			l.receivers, l.absent = a.receivers, 0
		}
		l.absent += missing
		l.until = now + absence
	}
}
