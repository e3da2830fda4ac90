package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// starts measures how long the product takes from its start to its first "ready", and what it holds when nobody asks anything.
func starts(ctx context.Context, args []string, out io.Writer) (err error) {
	var s site
	var rounds int
	var idle time.Duration
	f := flags("start")
	f.StringVar(&s.dir, "data", "", "folder of a loaded site")
	f.IntVar(&rounds, "rounds", 5, "how often")
	f.DurationVar(&idle, "idle", 10*time.Second, "how long nobody asks anything")
	if err := f.Parse(args); err != nil {
		return err
	}
	if s.dir == "" {
		return errors.New("-data is needed; bench load makes such a folder")
	}
	p := plan{}
	done, err := p.folder()
	if err != nil {
		return err
	}
	defer done()
	six, err := buildSix(ctx, p.dir)
	if err != nil {
		return err
	}
	var ready, resident []float64
	for range rounds {
		begin := time.Now()
		server, err := s.serve(ctx, six)
		if err != nil {
			return err
		}
		ready = append(ready, float64(time.Since(begin).Milliseconds()))
		time.Sleep(idle)
		rss, err := server.memory("VmRSS")
		if err := errors.Join(err, server.stop()); err != nil {
			return err
		}
		resident = append(resident, float64(rss)/(1<<20))
	}
	heading(out, "Start")
	fmt.Fprintf(out, "From exec to the first 200 of /readyz, ms: %.0f. Resident after %s of nobody asking, MB: %.1f.\n\n",
		ready, idle, resident)
	bounds(out, []bound{atMost("ready after, ms", median(ready), 300), atMost("idle memory, MB", median(resident), 40)})
	return nil
}
