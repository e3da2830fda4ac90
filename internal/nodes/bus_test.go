package nodes_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/nodes"
	"sixelements/internal/testkit"
	"sixelements/internal/testkit/redisd"
	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/model/store"
)

// open is one node's Redis; nodes with the same installation share it.
func open(t *testing.T, s *redisd.Server, installation string) *nodes.Redis {
	t.Helper()
	h := seal.NewHasher(seal.AES, []byte(strings.Repeat(installation, 32))[:32])
	r, err := nodes.Open(s.URL(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	r.Join(testkit.Keyring(t), h.Sum)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// ear is a node that listens.
type ear struct {
	*nodes.Bus
	mu   sync.Mutex
	tags []string
	ids  []model.ID
	lost int
	// trusts is false from lost to standing.
	trusts bool
}

// named are tags without an id.
func named(of ...string) (tags []store.Tag) {
	for _, o := range of {
		tags = append(tags, store.Tag{Of: o})
	}
	return tags
}

func listen(t *testing.T, s *redisd.Server, installation string) *ear {
	t.Helper()
	return hanging(t, s, installation, nil)
}

// hanging is a node that takes the tag "hang" in when it may.
func hanging(t *testing.T, s *redisd.Server, installation string, may <-chan struct{}) *ear {
	t.Helper()
	e := &ear{Bus: open(t, s, installation).Bus()}
	require.False(t, e.Stands(), "nothing is heard before the subscription stands")
	e.Subscribe(func(tags []store.Tag) {
		if may != nil && tags[0].Of == "hang" {
			<-may
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, t := range tags {
			e.tags = append(e.tags, t.Of)
			e.ids = append(e.ids, t.ID)
		}
	}, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.lost++
		e.trusts = false
	}, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.trusts = true
	})
	return e
}

func (e *ear) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.tags)
}

func (e *ear) losses() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lost
}

func stand(t *testing.T, ears ...*ear) {
	t.Helper()
	for _, e := range ears {
		require.Eventually(t, e.Stands, 20*time.Second, time.Millisecond)
	}
}

func TestWhatANodePublishesTheOthersHearInOrder(t *testing.T) {
	t.Parallel()
	s := redisd.Start(t)
	a, b, c, stranger := listen(t, s, "one"), listen(t, s, "one"), listen(t, s, "one"), listen(t, s, "two")
	stand(t, a, b, c, stranger)
	require.Positive(t, b.losses(), "what changed before it listened was not heard")

	odd := "bytes \x00\xff\n, not text"
	require.NoError(t, a.Publish(t.Context(), named("session 1", odd)))
	require.Equal(t, []string{"session 1", odd}, b.heard(), "who is told that the others know need not wait")
	require.NoError(t, a.Publish(t.Context(), named("account 2")))
	require.NoError(t, a.Publish(t.Context(), nil))
	require.Equal(t, []string{"session 1", odd, "account 2"}, b.heard())
	require.Equal(t, []string{"session 1", odd, "account 2"}, c.heard())
	id := model.NewID()
	require.NoError(t, c.Publish(t.Context(), []store.Tag{store.AccountTag(id)}))
	b.mu.Lock()
	require.Equal(t, []model.ID{{}, {}, {}, id}, b.ids)
	require.True(t, b.trusts)
	b.mu.Unlock()
	require.Equal(t, []string{"account"}, a.heard(), "a node knows what it did itself")
	require.Empty(t, stranger.heard(), "another installation in the same Redis")
}

func TestANodeThatLosesRedisForgetsAndTrustsNothingUntilItIsBack(t *testing.T) {
	t.Parallel()
	s := redisd.Start(t)
	a, b := listen(t, s, "one"), listen(t, s, "one")
	stand(t, a, b)
	before := b.losses()

	s.Kill()
	require.Eventually(t, func() bool { return !b.Stands() && b.losses() > before }, 10*time.Second, time.Millisecond)
	require.ErrorIs(t, a.Publish(t.Context(), named("while it was gone")), nodes.ErrUntold)
	require.False(t, b.Stands(), "whoever is told that others were not, knows that they trust nothing")

	s.Up()
	stand(t, a, b)
	require.NoError(t, a.Publish(t.Context(), named("after")))
	require.Eventually(t, func() bool { return slices.Contains(b.heard(), "after") }, 10*time.Second, time.Millisecond)
}

// A node that is too busy to hear is waited for until it trusts nothing any more, and then not waited for every time.
func TestANodeThatDoesNotAnswerTrustsNothingWhenTheOthersGoOn(t *testing.T) {
	t.Parallel()
	s := redisd.Start(t)
	hang := make(chan struct{})
	a, b, c := listen(t, s, "one"), hanging(t, s, "one", hang), listen(t, s, "one")
	stand(t, a, b, c)
	require.NoError(t, a.Publish(t.Context(), named("hang")))
	require.False(t, b.Stands())
	require.True(t, a.Stands() && c.Stands())
	require.Equal(t, []string{"hang"}, c.heard())
	for range 20 { // 2.5 s each would be the end of the test
		require.NoError(t, a.Publish(t.Context(), named("next")))
	}
	require.Empty(t, b.heard())
	close(hang)
	stand(t, b)
	require.Eventually(t, func() bool { return len(b.heard()) == 21 }, 10*time.Second, time.Millisecond, "nothing was lost")
}

// A machine that hangs keeps its connections: only the missing answer tells.
func TestANodeDoesNotTrustARedisThatHangs(t *testing.T) {
	t.Parallel()
	s := redisd.Start(t)
	a, b := listen(t, s, "one"), listen(t, s, "one")
	stand(t, a, b)
	s.Pause()
	defer s.Resume()
	require.ErrorIs(t, a.Publish(t.Context(), named("unheard")), nodes.ErrUntold)
	require.False(t, b.Stands(), "no node trusts what it heard when a change is acknowledged that it was not told of")

	s.Resume()
	stand(t, a, b)
	require.NoError(t, a.Publish(t.Context(), named("heard")))
	require.Eventually(t, func() bool { return slices.Contains(b.heard(), "heard") }, 10*time.Second, time.Millisecond)
}

func TestWhatRedisDidNotTakeIsToldWhenItIsBack(t *testing.T) {
	t.Parallel()
	s := redisd.Start(t)
	a, b := listen(t, s, "one"), listen(t, s, "one")
	stand(t, a, b)
	s.Client().ClientKillByFilter(t.Context(), "TYPE", "pubsub") // both lose their subscription, Redis itself is well
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_ = a.Publish(gone, named("late")) // nobody waits for it
	stand(t, b)
	require.Eventually(t, func() bool { return b.losses() > 1 }, 10*time.Second, time.Millisecond)

	s.Kill()
	require.Eventually(t, func() bool { return !a.Stands() }, 10*time.Second, time.Millisecond)
	lost := b.losses()
	for i := range 300 {
		tags := make([]string, 100)
		for k := range tags {
			tags[k] = fmt.Sprint("many ", i, " ", k)
		}
		require.ErrorIs(t, a.Publish(gone, named(tags...)), nodes.ErrUntold)
	}
	s.Up()
	stand(t, a, b)
	require.Eventually(t, func() bool { return b.losses() >= lost+2 }, 10*time.Second, time.Millisecond,
		"too many to tell one by one: everything is forgotten")
	require.False(t, slices.Contains(b.heard(), "many 0 0"))
	require.NoError(t, a.Publish(t.Context(), named("after")))
	require.Eventually(t, func() bool { return slices.Contains(b.heard(), "after") }, 10*time.Second, time.Millisecond)
}

func TestANodeForgetsEverythingWhenItHearsWhatNoNodeSays(t *testing.T) {
	t.Parallel()
	s := redisd.Start(t)
	b := listen(t, s, "one")
	stand(t, b)
	before := b.losses()
	c := s.Client()
	channels, err := c.PubSubChannels(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, channels, 2, "news, and answers")
	channel := channels[slices.IndexFunc(channels, func(c string) bool { return strings.HasSuffix(c, ":changed") })]
	for _, rubbish := range []string{"", "short", strings.Repeat("x", 24) + "\xff", strings.Repeat("x", 24) + "\x7fabc"} {
		require.NoError(t, c.Publish(t.Context(), channel, rubbish).Err())
		require.Eventually(t, func() bool { return b.losses() > before }, 10*time.Second, time.Millisecond, "%q", rubbish)
		stand(t, b)
		before = b.losses()
	}
	require.Empty(t, b.heard())
}

func TestTheURLIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"redis://:s3cr3t@host:port", "http://:s3cr3t@host", "redis://:s3cr3t@host/name"} {
		_, err := nodes.Open(url, slog.New(slog.DiscardHandler))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "s3cr3t")
	}
}
