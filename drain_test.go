//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestANodeThatDrainsSaysSoAndGoesOn(t *testing.T) {
	t.Parallel()
	s := serveAt(t, filepath.Join(t.TempDir(), "data"), "SIX_DRAIN=3s")
	get := func(path string) (status int, last bool) {
		r, err := http.Get(s.URL + path)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		return r.StatusCode, r.Close
	}
	_, last := get("/healthz")
	require.False(t, last)
	s.signal(syscall.SIGTERM)
	await(t, "/readyz to say no", func() bool {
		status, _ := get("/readyz")
		return status == http.StatusServiceUnavailable
	})
	alive, last := get("/api/v1/notice")
	require.Equal(t, http.StatusOK, alive, "what comes all the same is answered")
	require.True(t, last, "and its connection ends")
	require.False(t, s.ended())
	require.Zero(t, s.wait(), s.err.String())
}

// fleet is nodes behind a balancer that asks each how it is, and tries another node only where no connection came about.
type fleet struct {
	mu    sync.Mutex
	nodes []*server
	next  int
}

// node is the next one that is ready.
func (f *fleet) node() *server {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	return f.nodes[f.next%len(f.nodes)]
}

func (f *fleet) add(s *server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes = append(f.nodes, s)
}

func (f *fleet) drop(s *server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, n := range f.nodes {
		if n == s {
			f.nodes = append(f.nodes[:i:i], f.nodes[i+1:]...)
			return
		}
	}
}

// watch takes a node out when it says that it is not ready.
func (f *fleet) watch(s *server) {
	for !s.ended() {
		r, err := http.Get(s.URL + "/readyz")
		if err != nil || r.Body.Close() != nil || r.StatusCode != http.StatusOK {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	f.drop(s)
}

func (f *fleet) ask(token, method, path string, body any) (reply, error) {
	for {
		r, err := f.node().ask(token, method, path, body)
		var refused *net.OpError
		if errors.As(err, &refused) && refused.Op == "dial" {
			continue
		}
		return r, err
	}
}

func TestARollingRestartFailsNoRequest(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	db := mariaDB(t, data)
	f := &fleet{}
	start := func(name string) *server {
		s := serveAt(t, filepath.Join(data, name), append([]string{"SIX_DRAIN=1s", "SIX_RATE_LIMIT=off"}, db.env...)...)
		f.add(s)
		go f.watch(s)
		return s
	}
	a, b := start("a"), start("b")
	code, said := runCommand(t, append([]string{"SIX_DATA=" + data}, db.env...), "Correct-Horse-7\n", "admin", "create", "--username", "chief")
	require.Zero(t, code, said)
	token := a.login(map[string]any{"grant": "password", "username": "chief", "password": "Correct-Horse-7"})

	var stop atomic.Bool
	var made atomic.Int64
	failed := make(chan string, 100)
	var load sync.WaitGroup
	event := map[string]any{"kind": "event", "area_code": "410102002001", "data": map[string]any{"title": "路灯不亮", "category": "C0110",
		"description": "晚上看不清路", "occurred_at": "2026-05-01T09:00:00+08:00", "urgency": "normal"}}
	for range 6 {
		load.Go(func() {
			for !stop.Load() {
				r, err := f.ask(token, "POST", "/records", event)
				if made.Add(1); err != nil || r.Status != http.StatusCreated {
					failed <- fmt.Sprintf("%d %s %v", r.Status, r.Text, err)
					return
				}
			}
		})
	}
	for _, old := range []*server{a, b} {
		from := made.Load()
		await(t, "some work", func() bool { return made.Load() > from+20 })
		require.Zero(t, old.stop(), old.err.String())
		start("again" + fmt.Sprint(old.Pid))
	}
	stop.Store(true)
	load.Wait()
	close(failed)
	for f := range failed {
		t.Error(f)
	}
	require.Greater(t, made.Load(), int64(40))
}
