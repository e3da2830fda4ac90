package wechat_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/nodes"
	"sixelements/internal/testkit"
	"sixelements/internal/testkit/fakewechat"
	"sixelements/internal/testkit/redisd"
	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/service/wechat"
)

// node is a client on a node of its own, with connections of its own to the Redis.
func node(t *testing.T, f *fakewechat.Fake, s *redisd.Server) *wechat.Client {
	t.Helper()
	r, err := nodes.Open(s.URL(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	r.Join(testkit.Keyring(t), seal.NewHasher(seal.AES, make([]byte, 32)).Sum)
	t.Cleanup(func() { _ = r.Close() })
	c, err := wechat.New(wechat.Options{AppID: fakewechat.AppID, AppSecret: fakewechat.AppSecret, HTTP: f.Transport(),
		Shared: r.Secrets()})
	require.NoError(t, err)
	return c
}

// phones asks each client for a number at once; none may fail.
func phones(t *testing.T, f *fakewechat.Fake, round string, clients ...*wechat.Client) {
	t.Helper()
	var all sync.WaitGroup
	for i, c := range clients {
		code := fmt.Sprint(round, i)
		f.PhoneCode(code, "13800000001")
		all.Go(func() {
			_, err := c.Phone(t.Context(), code)
			if err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	all.Wait()
}

func TestColdNodesFetchOneTokenTogether(t *testing.T) {
	t.Parallel()
	f, s := fakewechat.New(t), redisd.Start(t)
	cold := []*wechat.Client{node(t, f, s), node(t, f, s), node(t, f, s), node(t, f, s)}
	phones(t, f, "cold", cold...)
	require.Equal(t, 1, f.Calls(fakewechat.StableToken))
	phones(t, f, "later", node(t, f, s), cold[0])
	require.Equal(t, 1, f.Calls(fakewechat.StableToken), "a node that comes later finds it")

	c := s.Client()
	keys, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 1, "the token; the lock is given back")
	left, err := c.TTL(t.Context(), keys[0]).Result()
	require.NoError(t, err)
	require.InDelta(t, (7200*time.Second - 5*time.Minute).Seconds(), left.Seconds(), 60, "it goes before WeChat ends it")
	kept, err := c.Get(t.Context(), keys[0]).Result()
	require.NoError(t, err)
	require.False(t, strings.Contains(kept, "token") || strings.Contains(keys[0], fakewechat.AppID), "%q %q", keys[0], kept)
}

func TestATokenThatWeChatRejectsIsReplacedOnEveryNode(t *testing.T) {
	t.Parallel()
	f, s := fakewechat.New(t), redisd.Start(t)
	all := []*wechat.Client{node(t, f, s), node(t, f, s), node(t, f, s)}
	phones(t, f, "before", all...)
	f.Revoke()
	for i, c := range all {
		phones(t, f, fmt.Sprint("after", i), c)
	}
	require.Equal(t, 2, f.Calls(fakewechat.StableToken), "the first to be rejected fetched for all")
}

func TestWithoutRedisEachNodeFetchesForItself(t *testing.T) {
	t.Parallel()
	f, s := fakewechat.New(t), redisd.Start(t)
	one, other := node(t, f, s), node(t, f, s)
	s.Pause() // worse than gone: it takes the calls and never answers
	phones(t, f, "paused", one, other)
	require.Equal(t, 2, f.Calls(fakewechat.StableToken))
	s.Resume()
	s.Kill()
	third := node(t, f, s)
	phones(t, f, "killed", one, other, third)
	require.Equal(t, 3, f.Calls(fakewechat.StableToken))
}

// A node that died in the middle of its fetch keeps nobody waiting for long, nor does one whose fetch failed.
func TestANodeThatFailsToFetchLeavesItToTheOthers(t *testing.T) {
	t.Parallel()
	f, s := fakewechat.New(t), redisd.Start(t)
	one, other := node(t, f, s), node(t, f, s)
	f.Fail(fakewechat.StableToken, -1)
	_, err := one.Phone(t.Context(), "code")
	require.Equal(t, model.Busy, problem(t, err).Code)
	f.Heal(fakewechat.StableToken)
	phones(t, f, "healed", other)

	s.Kill()
	s.Up() // empty again
	c := s.Client()
	f.Revoke()
	gate := make(chan struct{})
	f.PhoneCode("slow", "13800000001")
	f.Slow(fakewechat.StableToken, gate)
	hangs, slow := make(chan error, 1), node(t, f, s)
	go func() {
		_, err := slow.Phone(t.Context(), "slow")
		hangs <- err
	}()
	require.Eventually(t, func() bool { n, _ := c.DBSize(t.Context()).Result(); return n == 1 }, 10*time.Second, time.Millisecond)
	f.Heal(fakewechat.StableToken)
	phones(t, f, "meanwhile", node(t, f, s))
	close(gate)
	require.NoError(t, <-hangs)
}
