//go:build linux

package main

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheHeapGrowsOnlyWhileThereIsMuchToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("GOGC", "")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		was := debug.SetGCPercent(normal)
		defer debug.SetGCPercent(was)
		percent := func() int { // there is no way to ask but to set
			p := debug.SetGCPercent(normal)
			debug.SetGCPercent(p)
			return p
		}
		var served atomic.Int64
		go pace(ctx, served.Load)
		after := func(seconds int, requests int64, want int) {
			t.Helper()
			for range seconds {
				served.Add(requests)
				time.Sleep(time.Second)
				synctest.Wait()
			}
			require.Equal(t, want, percent())
		}
		after(calm-1, hurry-1, roomy)
		after(1, hurry-1, normal)
		after(1, hurry, roomy)
		after(calm-1, 0, roomy)
		after(1, hurry, roomy)
		after(calm-1, 1, roomy)
		after(2, 1, normal)
		after(2, 5000, roomy)
		stop()
		synctest.Wait()
	})
}
