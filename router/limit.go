package router

import (
	"math"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Limits holds what has many askers to a rate each: accounts, posted codes, networks. The least recently seen are forgotten, which
// only ever lets more through.
type Limits struct {
	clock   func() time.Time
	buckets *lru.Cache[string, *rate.Limiter]
}

// kept is how many askers are remembered, about 10 MB.
const kept = 50_000

// rates are by the first word of a key: requests a second in the long run, and at once.
var rates = map[string]struct {
	perSecond rate.Limit
	burst     int
}{
	"account":  {50, 600},   // a collector's offline queue comes at once
	"resident": {5, 300},    // submissions: a household and what it reports
	"code":     {20, 600},   // a whole courtyard on one evening
	"net":      {300, 3000}, // a mobile carrier's gateway
	"login":    {5, 300},    // a poster by the entrance of a market
	"scan":     {5, 300},    // the same; what is over is answered and not counted
}

// NewLimits makes limits that measure by the clock.
func NewLimits(clock func() time.Time) (*Limits, error) {
	c, err := lru.New[string, *rate.Limiter](kept)
	return &Limits{clock, c}, err
}

// Allow says whether one more request under the key is within its rate; retry is the seconds after which the next one is.
func (l *Limits) Allow(key string) (ok bool, retry int) {
	kind, _, _ := strings.Cut(key, " ")
	r, known := rates[kind]
	if !known {
		return true, 0
	}
	b, found := l.buckets.Get(key)
	if !found {
		b = rate.NewLimiter(r.perSecond, r.burst)
		if was, had, _ := l.buckets.PeekOrAdd(key, b); had {
			b = was
		}
	}
	now := l.clock()
	if b.AllowN(now, 1) {
		return true, 0
	}
	return false, int(math.Ceil((1 - b.TokensAt(now)) / float64(r.perSecond)))
}

// Unlimited lets everything through: SIX_RATE_LIMIT=off, for load tests.
type Unlimited struct{}

// Allow is always true.
func (Unlimited) Allow(string) (bool, int) { return true, 0 }
