package nodes

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Spent is what a node let through under a key since it last said so, and the rate that holds for all nodes together.
type Spent struct {
	Key       string // its hash goes to Redis
	N         int
	PerSecond float64 // in the long run
	Burst     int     // at once
}

// spend is a leaky bucket for each key (GCRA), kept as the microsecond at which it will be empty, by Redis' own clock, so that the
// nodes' clocks need not agree. It answers after how many milliseconds one more may come; what was let through counts even when it
// was too much, since it happened.
var spend = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local out = {}
for i, key in ipairs(KEYS) do
  local each, burst, n = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  local empty = math.max(now, tonumber(redis.call('GET', key) or 0)) + n * each
  redis.call('SET', key, string.format('%.0f', empty), 'PX', math.ceil((empty - now) / 1000) + 1000)
  out[i] = math.ceil(math.max(0, empty + each - burst * each - now) / 1000)
end
return out
`)

// Spend tells what this node let through, in one round trip, and answers for each how long no node may let more through; 0 when it
// may.
func (r *Redis) Spend(ctx context.Context, spent []Spent) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	keys, args := make([]string, len(spent)), make([]any, 0, 3*len(spent))
	for i, s := range spent {
		keys[i] = r.name("rate", s.Key)
		args = append(args, int64(1e6/s.PerSecond), s.Burst, s.N)
	}
	waits, err := spend.Run(ctx, r.client, keys, args...).Int64Slice()
	if err != nil {
		return nil, err
	}
	if len(waits) != len(spent) {
		return nil, fmt.Errorf("redis: %d answers for %d keys", len(waits), len(spent))
	}
	out := make([]time.Duration, len(waits))
	for i, ms := range waits {
		out[i] = time.Duration(ms) * time.Millisecond
	}
	return out, nil
}
