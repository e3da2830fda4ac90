package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// figures are what a run came to.
type figures struct {
	Done    int             // requests answered as they should be
	Took    time.Duration   // from the first to the last
	CPU     time.Duration   // of the server alone
	Latency []time.Duration // sorted
}

func (f figures) perSecond() float64  { return float64(f.Done) / f.Took.Seconds() }
func (f figures) microsEach() float64 { return float64(f.CPU.Microseconds()) / float64(max(1, f.Done)) }
func (f figures) millis(p float64) float64 {
	return float64(percentile(f.Latency, p).Microseconds()) / 1000
}

// percentile is the least value that p percent of the sorted values do not exceed; 0 of none.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(p/100*float64(len(sorted))+0.9999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// median is the middle value, the mean of the two middle ones of an even number.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return 0
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// loop is a closed loop: every connection sends its next request when the one before is answered.
type loop struct {
	addr  string
	conns int
	lasts time.Duration
	want  int // the status that every answer must have
	// next is the connection's next request as it goes over the wire; nil ends its loop. It is called by one goroutine a connection.
	next func(conn int) []byte
}

// drive runs the loop. Any answer that is not the wanted one fails the run.
func (l loop) drive(ctx context.Context) (figures, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var f figures
	var wg sync.WaitGroup
	conns, err := l.dial()
	if err != nil {
		return f, err
	}
	begin := time.Now()
	for i, c := range conns {
		wg.Go(func() {
			defer c.Close()
			times, err := l.one(ctx, c, i, begin.Add(l.lasts))
			if err != nil {
				cancel(err)
			}
			mu.Lock()
			defer mu.Unlock()
			f.Latency = append(f.Latency, times...)
		})
	}
	wg.Wait()
	f.Took, f.Done = time.Since(begin), len(f.Latency)
	slices.Sort(f.Latency)
	return f, context.Cause(ctx)
}

func (l loop) dial() ([]net.Conn, error) {
	conns := make([]net.Conn, l.conns)
	for i := range conns {
		c, err := net.Dial("tcp", l.addr)
		if err != nil {
			return nil, err
		}
		conns[i] = c
	}
	return conns, nil
}

// answerWithin is how long one answer may take.
const answerWithin = time.Minute

// one speaks HTTP by hand: a client of the standard library would cost as much as the server that is measured.
func (l loop) one(ctx context.Context, c net.Conn, i int, end time.Time) (times []time.Duration, err error) {
	in := bufio.NewReader(c)
	for begin := time.Now(); begin.Before(end) && ctx.Err() == nil; {
		req := l.next(i)
		if req == nil {
			break
		}
		if err := c.SetDeadline(begin.Add(answerWithin)); err != nil {
			return times, err
		}
		if _, err := c.Write(req); err != nil {
			return times, err
		}
		if err := answer(in, l.want); err != nil {
			return times, err
		}
		now := time.Now()
		times = append(times, now.Sub(begin))
		begin = now
	}
	return times, nil
}

// answer reads an answer to its end.
func answer(in *bufio.Reader, want int) error {
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("answered %d, not %d: %s", resp.StatusCode, want, body)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// measure adds to a run what it cost the server.
func (p *process) measure(ctx context.Context, l loop) (figures, error) {
	l.addr = p.addr
	before, err := p.cpu()
	if err != nil {
		return figures{}, err
	}
	f, err := l.drive(ctx)
	if err != nil {
		return f, err
	}
	after, err := p.cpu()
	f.CPU = after - before
	return f, err
}

// message is a request as it goes over the wire.
func message(method, path, token, match string, body []byte) []byte {
	b := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n", method, path, token)
	if match != "" {
		b = fmt.Appendf(b, "If-Match: %s\r\n", match)
	}
	if body != nil {
		b = fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return append(append(b, '\r', '\n'), body...)
}
