package api_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/app"
	"sixelements/internal/nodes"
	"sixelements/internal/testkit/redisd"
	"sixelements/internal/testkit/street"
	"sixelements/model"
	"sixelements/model/store"
)

// sharing is a node that shares the Redis.
func sharing(t *testing.T, r *redisd.Server) street.Change {
	t.Helper()
	return func(o *app.Options) {
		var err error
		o.Nodes, err = nodes.Open(r.URL(), o.Log)
		require.NoError(t, err)
	}
}

// events opens the stream of a job's events at a node.
func events(t *testing.T, s *street.Server, token, job string) *bufio.Scanner {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v1/jobs/"+job+"/events", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	r, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Body.Close()) })
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Equal(t, "text/event-stream", r.Header.Get("Content-Type"))
	require.Equal(t, "no", r.Header.Get("X-Accel-Buffering"), "a proxy that waits for more would keep events back")
	return bufio.NewScanner(r.Body)
}

// last is the last event of a stream that ended.
func last(lines *bufio.Scanner) (data string) {
	for lines.Scan() {
		if d, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			data = d
		}
	}
	return data
}

func TestAJobIsFollowedAndItsFileFetchedAtAnyNode(t *testing.T) {
	t.Parallel()
	asked := street.New(t)
	works := asked.Node()
	token := asked.Token("community")
	r := export(asked, "community", object{"kind": "person", "area": asked.Community, "format": "csv", "status": "all"})
	require.Equal(t, http.StatusAccepted, r.Status, r.Text)
	id := member(r, "job.id").(string)

	stream := events(t, asked, token, id)
	require.True(t, stream.Scan(), "the first event comes before anybody does the job")
	works.Work() // asked has no workers
	require.Contains(t, last(stream), `"state":"done"`)
	for _, node := range []*street.Server{asked, works} {
		require.Contains(t, last(events(t, node, token, id)), `"state":"done"`)
		f := node.Do(street.Request{Method: "GET", Path: "/jobs/" + id + "/file", Token: token})
		require.Equal(t, http.StatusOK, f.Status, f.Text)
	}
}

// A file or photo on a disk that this node has not is gone for whoever asks here; only the log says why.
func TestAFileThatIsOnAnotherNodesDiskIsNotFoundAndLogged(t *testing.T) {
	t.Parallel()
	has := openOffice(t)
	lacks := has.Node(func(o *app.Options) { o.Data = t.TempDir() })
	token := has.Token("community")
	r := export(has.Server, "community", object{"kind": "person", "area": has.Community, "format": "csv", "status": "all"})
	finished(t, has.Server, "community", r)
	at := "/jobs/" + member(r, "job.id").(string) + "/file"
	f := lacks.Do(street.Request{Method: "GET", Path: at, Token: token})
	require.Equal(t, http.StatusNotFound, f.Status, f.Text)

	photo := has.upload("resident", 7)
	link, _ := has.Services.Attach.Links(mustID(t, photo))
	require.Equal(t, http.StatusOK, has.Do(street.Request{Method: "GET", Path: link}).Status)
	require.Equal(t, http.StatusNotFound, lacks.Do(street.Request{Method: "GET", Path: link}).Status)
	require.Equal(t, 2, strings.Count(lacks.Logs.String(), "is SIX_DATA the same folder on every node?"), lacks.Logs)
}

func mustID(t *testing.T, text string) model.ID {
	t.Helper()
	id, err := model.ParseID(text)
	require.NoError(t, err)
	return id
}

func TestANodeThatStopsEndsItsStreams(t *testing.T) {
	t.Parallel()
	s := street.New(t)
	stop := s.Work()
	token, account := s.Token("community"), mustID(t, s.Do(street.Request{Method: "GET", Path: "/me", As: "community"}).ID())
	var id model.ID
	grants := []model.Grant{{Role: model.CommunityRole, Area: s.Community}}
	ctx := store.As(t.Context(), model.Actor{Account: account, Name: "社区", Grants: grants})
	require.NoError(t, s.DB.Write(ctx, model.Act{Name: "test.enqueue"}, func(tx *store.Tx) error {
		j, err := s.Services.Jobs.EnqueueAt(tx, tx.Now().Add(time.Hour), "export", s.Community, object{})
		id = j.ID
		return err
	}))
	stream := events(t, s, token, id.String())
	require.True(t, stream.Scan())
	require.Equal(t, "event: progress", stream.Text())
	require.True(t, stream.Scan())
	require.Equal(t, "retry: 1000", stream.Text(), "a client comes back at once, to another node")
	stop()
	require.Contains(t, last(stream), `"state":"queued"`, "the stream ended, the job goes on elsewhere")
	require.NoError(t, stream.Err())
}

// try asks for what is held to 300 at once.
func try(s *street.Server) int {
	return s.Do(street.Request{Method: "POST", Path: "/sessions", Body: object{"grant": "scan", "code": "none"}}).Status
}

func TestNodesHoldAnAskerToOneRateTogether(t *testing.T) {
	t.Parallel()
	r := redisd.Start(t)
	limited := func(o *app.Options) { o.RateLimit = true }
	a := street.New(t, sharing(t, r), limited)
	b := a.Node(sharing(t, r), limited)
	a.Work()
	b.Work()
	passed := 0
	for try(a) != http.StatusTooManyRequests {
		passed++
	}
	require.LessOrEqual(t, passed, 300, "what one node lets through at once")
	also := 0
	require.Eventually(t, func() bool {
		if try(b) == http.StatusTooManyRequests {
			return true
		}
		also++
		return false
	}, 20*time.Second, 10*time.Millisecond)
	require.Less(t, also, 150, "the other lets through what it does not know of yet, and what the long run allows, not another 300")

	keys, err := r.Client().Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	for _, k := range keys {
		require.NotContains(t, k, "127.0.0")
		left, err := r.Client().TTL(context.Background(), k).Result()
		require.NoError(t, err)
		require.Positive(t, left, "what is not asked for again goes away")
	}
}

func TestWithoutRedisANodeHoldsAskersToItsOwnRate(t *testing.T) {
	t.Parallel()
	r := redisd.Start(t)
	s := street.New(t, sharing(t, r), func(o *app.Options) { o.RateLimit = true })
	s.Work()
	r.Pause()
	passed := 0
	for try(s) != http.StatusTooManyRequests {
		passed++
		require.LessOrEqual(t, passed, 300)
	}
	require.Equal(t, 300, passed, "nothing is refused either")
}
