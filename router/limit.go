package router

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"sixelements/internal/nodes"
)

// Limits holds what has many askers to a rate each: accounts, posted codes, networks. The least recently seen are forgotten, which
// only ever lets more through.
//
// Several nodes hold an asker to one rate together, and no request waits for that: each node lets through what its own buckets allow,
// tells what it let through ten times a second, and refuses an asker for as long as it is told that all nodes together let too much
// through. So an asker can get more than their burst at most by what the nodes let through in the tenth of a second before they are
// told; and while the nodes cannot tell each other, each goes by its own buckets.
type Limits struct {
	clock   func() time.Time
	buckets *lru.Cache[string, *bucket]
	o       LimitOptions

	mu    sync.Mutex
	spent map[string]int // since it was last told
	full  chan struct{}  // enough was spent under one key to tell it now
}

// LimitOptions are for installations of several nodes; the zero value is one node.
type LimitOptions struct {
	// Together tells what this node let through and answers how long each key is closed on all nodes.
	Together func(context.Context, []nodes.Spent) ([]time.Duration, error)
	Log      *slog.Logger
}

// bucket is one asker's on this node.
type bucket struct {
	*rate.Limiter
	closed atomic.Int64 // until when all nodes together let too much through; nanoseconds since 1970
}

// kept is how many askers are remembered, about 10 MB.
const kept = 50_000

// allowance is requests a second in the long run, and at once.
type allowance struct {
	perSecond rate.Limit
	burst     int
}

// rates are by the first word of a key.
var rates = map[string]allowance{
	"account":  {50, 600},   // a collector's offline queue comes at once
	"resident": {5, 300},    // submissions: a household and what it reports
	"code":     {20, 600},   // a whole courtyard on one evening
	"net":      {300, 3000}, // a mobile carrier's gateway
	"login":    {5, 300},    // a poster by the entrance of a market
	"scan":     {5, 300},    // the same; what is over is answered and not counted
}

// rateOf is what a key is held to; false for one that is not limited.
func rateOf(key string) (allowance, bool) {
	kind, _, _ := strings.Cut(key, " ")
	r, known := rates[kind]
	return r, known
}

// NewLimits makes limits that measure by the clock.
func NewLimits(clock func() time.Time, o LimitOptions) (*Limits, error) {
	c, err := lru.New[string, *bucket](kept)
	return &Limits{clock: clock, buckets: c, o: o, spent: map[string]int{}, full: make(chan struct{}, 1)}, err
}

// Allow says whether one more request under the key is within its rate; retry is the seconds after which the next one is.
func (l *Limits) Allow(key string) (ok bool, retry int) {
	r, known := rateOf(key)
	if !known {
		return true, 0
	}
	b, found := l.buckets.Get(key)
	if !found {
		b = &bucket{Limiter: rate.NewLimiter(r.perSecond, r.burst)}
		if was, had, _ := l.buckets.PeekOrAdd(key, b); had {
			b = was
		}
	}
	now := l.clock()
	if left := time.Duration(b.closed.Load() - now.UnixNano()); left > 0 {
		return false, int(math.Ceil(left.Seconds()))
	}
	if b.AllowN(now, 1) {
		l.note(key, r)
		return true, 0
	}
	return false, int(math.Ceil((1 - b.TokensAt(now)) / float64(r.perSecond)))
}

const (
	tellEvery  = 100 * time.Millisecond
	tellAtOnce = 500 // keys in one round trip
	restAfter  = time.Second
)

// note keeps what is to be told. A lot of a twentieth of the burst is told without waiting.
func (l *Limits) note(key string, r allowance) {
	if l.o.Together == nil {
		return
	}
	l.mu.Lock()
	n := l.spent[key] + 1
	if n > 1 || len(l.spent) < kept {
		l.spent[key] = n
	}
	l.mu.Unlock()
	if n == r.burst/20 {
		select {
		case l.full <- struct{}{}:
		default:
		}
	}
}

// Run tells the other nodes what this one lets through, until ctx ends.
func (l *Limits) Run(ctx context.Context) {
	if l.o.Together == nil {
		return
	}
	t := time.NewTicker(tellEvery)
	defer t.Stop()
	alone := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-l.full:
		}
		err := l.tell(ctx)
		if err == nil {
			alone = false
			continue
		}
		if !alone && ctx.Err() == nil {
			l.o.Log.WarnContext(ctx, "rate limits are not shared: this node goes by its own", "err", err)
		}
		alone = true
		select { // whoever does not answer is not asked ten times a second
		case <-ctx.Done():
		case <-time.After(restAfter):
		}
	}
}

// tell tells what was let through and closes what all nodes together let too much through of. What could not be told is dropped: it
// would be old news.
func (l *Limits) tell(ctx context.Context) error {
	l.mu.Lock()
	spent := l.spent
	l.spent = make(map[string]int, len(spent))
	l.mu.Unlock()
	part := make([]nodes.Spent, 0, min(len(spent), tellAtOnce))
	for key, n := range spent {
		r, _ := rateOf(key)
		part = append(part, nodes.Spent{Key: key, N: n, PerSecond: float64(r.perSecond), Burst: r.burst})
		if len(part) == tellAtOnce {
			if err := l.tellPart(ctx, part); err != nil {
				return err
			}
			part = part[:0]
		}
	}
	if len(part) == 0 {
		return nil
	}
	return l.tellPart(ctx, part)
}

func (l *Limits) tellPart(ctx context.Context, part []nodes.Spent) error {
	closed, err := l.o.Together(ctx, part)
	if err != nil {
		return err
	}
	now := l.clock()
	for i, d := range closed {
		if b, found := l.buckets.Peek(part[i].Key); found && d > 0 {
			b.closed.Store(now.Add(d).UnixNano())
		}
	}
	return nil
}

// Unlimited lets everything through: SIX_RATE_LIMIT=off, for load tests.
type Unlimited struct{}

// Allow is always true.
func (Unlimited) Allow(string) (bool, int) { return true, 0 }
