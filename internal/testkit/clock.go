package testkit

import (
	"sync"
	"testing"
	"time"

	"sixelements/model"
)

// FixedClock stands still until it is told to go on. It is safe for concurrent use; its Now is a model.Clock.
type FixedClock struct {
	mu  sync.Mutex
	now time.Time
}

// Start is the moment at which every test's clock begins: 1 May 2026, 10 o'clock in Beijing.
func Start() time.Time { return time.Date(2026, 5, 1, 10, 0, 0, 0, model.Beijing) }

// Clock is a clock that stands at Start.
func Clock(t testing.TB) *FixedClock {
	t.Helper()
	return &FixedClock{now: Start()}
}

// Now is the clock's time.
func (c *FixedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Time is the clock's time as rows keep it.
func (c *FixedClock) Time() model.Time { return model.At(c.Now()) }

// Set puts the clock to a moment, which may lie before.
func (c *FixedClock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = at
}

// Advance puts the clock forward.
func (c *FixedClock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}
