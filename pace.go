package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

const (
	hurry  = 100 // requests a second from which time counts more than memory
	calm   = 5   // seconds below it after which memory counts again
	roomy  = 400 // GOGC meanwhile
	normal = 100
)

// pace trades memory for time while there is much to do. A submission leaves garbage of many times the few megabytes that live, so
// that at Go's own pace a fifth of the processor goes into collecting it. While requests come fast, the heap may grow to five
// times what lives; when they stop, it is collected and given back. A GOGC of the operator's stands.
func pace(ctx context.Context, served func() int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	debug.SetGCPercent(roomy) // starting is much to do, and leaves as much garbage behind
	before, quiet, fast := served(), 0, true
	for {
		select {
		case <-ctx.Done():
			return
		case <-second.C:
		}
		now := served()
		busy := now-before >= hurry
		before = now
		switch {
		case busy && !fast:
			debug.SetGCPercent(roomy)
			fast, quiet = true, 0
		case busy:
			quiet = 0
		case fast:
			if quiet++; quiet == calm {
				debug.SetGCPercent(normal)
				debug.FreeOSMemory()
				fast = false
			}
		}
	}
}
