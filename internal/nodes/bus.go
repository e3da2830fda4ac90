package nodes

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"sixelements/model"
	"sixelements/model/store"
)

// Bus tells nodes what changed in the others, by Redis' publish and subscribe. Redis delivers at most once and soon, not at once, so
// that everything rests on two things: each node knows when it may have missed something (Stands), and each message is answered by those
// who heard it, so that Publish returns when no other node goes by what was before.
type Bus struct {
	r     *Redis
	self  model.ID  // whose messages are this node's own
	start time.Time // all times below are since then, so that setting the machine's clock moves none

	heard atomic.Int64 // when the ping was sent that was answered last; 0: the subscription does not stand
	fell  atomic.Int64 // when it last ceased to stand

	mu     sync.Mutex
	untold []store.Tag        // tags that Redis has not taken yet
	all    bool               // untold grew too long: tell that everything changed
	stop   context.CancelFunc // nil until somebody subscribes
	done   chan struct{}

	answers answers
}

const (
	beat = time.Second // between pings
	// trust is how long after a ping its answer vouches that nothing was missed: what Redis took before the ping came before the answer,
	// on the same connection. It bounds how long a node that lost Redis without noticing goes by what it heard before.
	trust = 2500 * time.Millisecond
	// maxUntold is how many tags are kept for a Redis that is away; beyond them all nodes forget everything.
	maxUntold = 10_000
)

func newBus(r *Redis) *Bus {
	start := time.Now() //nolint:forbidigo // what is measured is the network, whatever the clock that is handed in says
	return &Bus{r: r, self: model.NewID(), start: start, done: make(chan struct{}),
		answers: answers{open: map[uint64]*answer{}}}
}

func (b *Bus) now() time.Duration { return time.Since(b.start) }

// Stands tells whether everything that other nodes published until about a moment ago has been handed to the subscriber. While it is
// false nothing may be cached, nor what was cached be used. It costs some nanoseconds; ask it at every use, not at every message: a
// process that was halted for a minute finds out here.
func (b *Bus) Stands() bool {
	h := time.Duration(b.heard.Load())
	return h != 0 && b.now()-h < trust
}

// Subscribe hands the tags that other nodes publish to changed, and calls lost when some may have been missed: forget everything, and
// keep nothing until standing is called. All are called by one goroutine, from Join until the Redis is closed. It is called once.
func (b *Bus) Subscribe(changed func([]store.Tag), lost, standing func()) {
	ctx, cancel := context.WithCancel(context.Background())
	b.mu.Lock()
	b.stop = cancel
	b.mu.Unlock()
	go func() {
		defer close(b.done)
		select {
		case <-ctx.Done():
		case <-b.r.joined:
			b.listen(ctx, ear{changed, lost, standing})
		}
	}()
}

func (b *Bus) close() {
	b.mu.Lock()
	stop := b.stop
	b.mu.Unlock()
	if stop != nil {
		stop()
		<-b.done
	}
}

// ear is who listens.
type ear struct {
	changed        func([]store.Tag)
	lost, standing func()
}

// listen keeps the subscription standing until ctx ends.
func (b *Bus) listen(ctx context.Context, to ear) {
	pause, said := time.Duration(0), false
	for ctx.Err() == nil {
		stood, err := b.stand(ctx, to)
		b.fall()
		to.lost()
		if ctx.Err() != nil {
			return
		}
		if stood || !said {
			b.r.log.WarnContext(ctx, "redis: not subscribed; nothing is cached until it answers", "err", err)
			said = true
		}
		if pause = min(2*pause+20*time.Millisecond, time.Second); stood {
			pause = 0 // it worked a moment ago
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause + rand.N(50*time.Millisecond)):
		}
	}
}

func (b *Bus) fall() {
	if b.heard.Swap(0) != 0 {
		b.fell.Store(int64(b.now()))
	}
}

var errSilent = errors.New("redis dropped the subscription")

// stand subscribes and listens until something is doubtful; stood tells whether it heard anything at all. The library would connect
// again by itself, in silence, so that every subscription is used until its first fault and then thrown away.
func (b *Bus) stand(ctx context.Context, to ear) (stood bool, err error) {
	sub := b.r.client.Subscribe(ctx)
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // ends a Receive that waits
	channels := []string{b.channel(), b.answersTo(b.self)}
	if err := sub.Subscribe(ctx, channels...); err != nil {
		return false, err
	}
	subscribed := 0
	for {
		m, err := sub.ReceiveTimeout(ctx, trust)
		if err != nil {
			return stood, err
		}
		switch m := m.(type) {
		case *redis.Subscription:
			if subscribed++; subscribed > len(channels) {
				return stood, errSilent
			}
			if subscribed == len(channels) {
				to.lost() // what was changed before this moment was not heard
				defer b.ping(ctx, sub)()
			}
		case *redis.Pong:
			sent, err := strconv.ParseInt(m.Payload, 10, 64)
			if err != nil {
				return stood, err
			}
			b.heard.Store(sent)
			if !stood {
				stood = true
				to.standing()
			}
		case *redis.Message:
			if m.Channel != b.channel() {
				b.answers.came(m.Payload)
			} else if err := b.hear(ctx, m.Payload, to); err != nil {
				return stood, err
			}
		}
	}
}

// hear takes a message in and answers it.
func (b *Bus) hear(ctx context.Context, text string, to ear) error {
	n, err := parseNews(text)
	switch {
	case err != nil: // from another version, or not from a node at all
		return err
	case n.from == b.self: // known before it was published
		return nil
	case len(n.tags) == 0:
		to.lost()
		to.standing()
	default:
		to.changed(n.tags)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.r.client.Publish(ctx, b.answersTo(n.from), binary.BigEndian.AppendUint64(nil, n.number)).Err()
}

func (b *Bus) channel() string { return b.r.prefix + "changed" }

func (b *Bus) answersTo(node model.ID) string { return b.r.prefix + "answers:" + node.String() }

// ping asks for a sign of life now and every beat, and tells what could not be told before; the function it answers ends that.
func (b *Bus) ping(ctx context.Context, sub *redis.PubSub) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(beat)
		defer t.Stop()
		for {
			if sub.Ping(ctx, strconv.FormatInt(int64(b.now()), 10)) != nil {
				_ = sub.Close() // which ends the Receive
				return
			}
			b.tell(ctx)
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	}()
	return func() { cancel(); <-done }
}

// ErrUntold says that Redis has not taken a message yet; the bus goes on trying.
var ErrUntold = errors.New("redis: other nodes are not told yet")

// again is how long after a message that Redis did not take the next attempt is made.
const again = 20 * time.Millisecond

// Publish tells the other nodes what changed. It returns when each of them has heard it or has ceased to trust what it heard before.
// With Redis that takes a millisecond; a node that hangs is waited for 2.5 s, once. When Redis is lost it is 2.5 s, and no time at all
// later: then nobody hears, nobody trusts, and it answers ErrUntold. (A node that alone is cut off from Redis cannot know that the
// others still stand; they hear of its changes when it is back.) Either way what was changed stays changed.
func (b *Bus) Publish(ctx context.Context, tags []store.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	silent := time.Duration(b.fell.Load()) // since when Redis may have been lost for all
	if b.heard.Load() != 0 {
		silent = 0 // not before now
	}
	for {
		if b.Stands() && b.send(ctx, tags, true) == nil {
			return nil
		}
		if silent == 0 {
			silent = b.now()
		}
		if ctx.Err() != nil || b.now() >= silent+trust {
			b.keep(tags)
			return ErrUntold
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

// send publishes tags and, if asked to, waits for the answers of those who heard it. A node that has not answered after trust does not
// stand any more: it takes messages in before it takes the answers to its later pings in.
func (b *Bus) send(ctx context.Context, tags []store.Tag, wait bool) error {
	a := b.answers.expect()
	defer b.answers.forget(a)
	taken, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	receivers, err := b.r.client.Publish(taken, b.channel(), news{b.self, a.number, tags}.text()).Result()
	if err != nil || !wait {
		return err
	}
	begin := b.now()                           // after Redis took it: only answers to pings that Redis took before can still vouch for a node
	b.answers.from(a, int(receivers)-1, begin) // but itself
	select {
	case <-a.all:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(begin + trust - b.now()):
		if b.Stands() {
			b.answers.missed(a, b.now())
		}
	}
	return nil
}

// keep notes tags to be told later.
func (b *Bus) keep(tags []store.Tag) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all = b.all || len(b.untold)+len(tags) > maxUntold; b.all {
		b.untold = nil
	} else {
		b.untold = append(b.untold, tags...)
	}
}

// tell publishes what was kept.
func (b *Bus) tell(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.all && len(b.untold) == 0 {
		return
	}
	if b.send(ctx, b.untold, false) == nil { // no tags: everything changed
		b.untold, b.all = nil, false
	}
}
