package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/app"
	"sixelements/internal/testkit/redisd"
	"sixelements/internal/testkit/street"
)

// settled puts the clock past the moment in which a node does not keep what another one has just changed.
const settled = 6 * time.Second

// pair is two nodes that share a database and a Redis, and know each other.
type pair struct {
	a, b  *street.Server
	redis *redisd.Server
}

func openPair(t *testing.T) pair {
	t.Helper()
	r := redisd.Start(t)
	a := street.New(t, sharing(t, r))
	p := pair{a, a.Node(sharing(t, r)), r}
	p.settle(t)
	return p
}

// settle waits until both nodes hear each other and lets the clock go on.
func (p pair) settle(t *testing.T) {
	t.Helper()
	for _, s := range []*street.Server{p.a, p.b} {
		require.Eventually(t, s.Hears, 20*time.Second, time.Millisecond)
	}
	p.a.Clock.Advance(settled)
}

// warm makes both nodes keep what the token stands for, and proves that they do: what is changed in the tables past the product's doors,
// and changed back, they do not see.
func (p pair) warm(t *testing.T, token string) {
	t.Helper()
	p.settle(t)
	for _, s := range []*street.Server{p.a, p.b} {
		require.Equal(t, http.StatusOK, as(s, token).Status)
	}
	pool, err := p.a.DB.WritePool()
	require.NoError(t, err)
	_, err = pool.ExecContext(t.Context(), "UPDATE sessions SET created_at = -created_at, revoked_at = 1 WHERE revoked_at IS NULL")
	require.NoError(t, err)
	for _, s := range []*street.Server{p.a, p.b} {
		require.Equal(t, http.StatusOK, as(s, token).Status, "it is not read anew at each request")
	}
	_, err = pool.ExecContext(t.Context(), "UPDATE sessions SET created_at = -created_at, revoked_at = NULL WHERE created_at < 0")
	require.NoError(t, err)
}

func (p pair) dead(t *testing.T, token string) {
	t.Helper()
	for _, s := range []*street.Server{p.b, p.a} {
		require.Equal(t, "auth.invalid", as(s, token).Code())
	}
}

func TestWhatEndsASessionEndsItAtOnceOnEveryNode(t *testing.T) {
	t.Parallel()
	p := openPair(t)
	collector := object{"role": "collector", "area_code": p.a.Grid}
	ends := []struct {
		name string
		end  func(t *testing.T, account street.Response, token string)
	}{
		{"logging out", func(t *testing.T, _ street.Response, token string) {
			require.Equal(t, 204, p.a.Do(street.Request{Method: "DELETE", Path: "/sessions/current", Token: token}).Status)
		}},
		{"ending it from another session", func(t *testing.T, account street.Response, token string) {
			list := p.a.Do(street.Request{Method: "GET", Path: "/sessions", Token: token})
			id := member(list, "items.0.id").(string)
			other := tokenOf(login(t, p.b, byPassword(account.JSON["username"].(string), goodPassword)))
			require.Equal(t, 204, p.a.Do(street.Request{Method: "DELETE", Path: "/sessions/" + id, Token: other}).Status)
		}},
		{"disabling the account", func(t *testing.T, account street.Response, _ string) {
			require.Equal(t, 204, p.a.Do(street.Request{Method: "DELETE", Path: "/accounts/" + account.ID(), As: "community",
				Match: `"1"`}).Status)
		}},
		{"other roles", func(t *testing.T, account street.Response, _ string) {
			r := p.a.Do(street.Request{Method: "PATCH", Path: "/accounts/" + account.ID(), As: "community", Match: `"1"`,
				Body: object{"roles": []object{{"role": "grid_leader", "area_code": p.a.Grid}}}})
			require.Equal(t, 200, r.Status, r.Text)
		}},
		{"a password set by another", func(t *testing.T, account street.Response, _ string) {
			r := p.a.Do(street.Request{Method: "PATCH", Path: "/accounts/" + account.ID(), As: "community", Match: `"1"`,
				Body: object{"password": goodPassword + "x"}})
			require.Equal(t, 200, r.Status, r.Text)
		}},
		{"a password changed in another session", func(t *testing.T, account street.Response, _ string) {
			other := tokenOf(login(t, p.a, byPassword(account.JSON["username"].(string), goodPassword)))
			p.warm(t, other)
			r := p.a.Do(street.Request{Method: "PUT", Path: "/me/password", Token: other,
				Body: object{"old": goodPassword, "new": goodPassword + "x"}})
			require.Equal(t, 204, r.Status, r.Text)
			require.Equal(t, 200, as(p.b, other).Status, "the session that changed it goes on")
		}},
	}
	for i, c := range ends {
		t.Run(c.name, func(t *testing.T) {
			name := "wang." + string(rune('a'+i))
			hire(t, p.a, "community", name, collector)
			list := p.a.Do(street.Request{Method: "GET", Path: "/accounts?q=" + name, As: "community"})
			account := p.a.Do(street.Request{Method: "GET", Path: "/accounts/" + member(list, "items.0.id").(string), As: "community"})
			token := tokenOf(login(t, p.b, byPassword(name, goodPassword)))
			p.warm(t, token)
			c.end(t, account, token)
			p.dead(t, token)
		})
	}
	t.Run("erasure", func(t *testing.T) {
		token := p.b.Consented("resident2")
		p.warm(t, token)
		r := p.a.Do(street.Request{Method: "DELETE", Path: "/me", Token: token})
		require.Equal(t, 204, r.Status, r.Text)
		p.dead(t, token)
	})
}

func TestAPostIsGoodOnEveryNodeFromItsFirstToItsLastMoment(t *testing.T) {
	t.Parallel()
	p := openPair(t)
	hire(t, p.a, "community2", "wang.fang", object{"role": "collector", "area_code": p.a.Grid2})
	list := p.a.Do(street.Request{Method: "GET", Path: "/accounts?q=wang.fang", As: "street"})
	id := member(list, "items.0.id").(string)
	token := tokenOf(login(t, p.b, byPassword("wang.fang", goodPassword)))
	sees := func(want int, why string) {
		t.Helper()
		for _, s := range []*street.Server{p.b, p.a} {
			r := s.Do(street.Request{Method: "GET", Path: "/buildings/" + p.a.Building.String(), Token: token})
			require.Equal(t, want, r.Status, why)
		}
	}
	post := func(body object) string {
		t.Helper()
		r := p.a.Do(street.Request{Method: "POST", Path: "/assignments", As: "community",
			Body: with(object{"account_id": id, "building_id": p.a.Building, "team": "fixed"}, body)})
		require.Equal(t, 201, r.Status, r.Text)
		return r.ID()
	}
	p.warm(t, token)
	sees(404, "no post yet")
	first := post(nil)
	sees(200, "from the next request on")
	p.warm(t, token)
	require.Equal(t, 204, p.a.Do(street.Request{Method: "DELETE", Path: "/assignments/" + first, As: "community"}).Status)
	sees(404, "until it is ended")

	now := p.a.Clock.Now()
	post(object{"from": now.Add(20 * time.Second).Format(time.RFC3339), "to": now.Add(40 * time.Second).Format(time.RFC3339)})
	p.warm(t, token) // at 6 s; what is kept then is kept beyond both moments
	sees(404, "it has not begun")
	p.a.Clock.Set(now.Add(20 * time.Second))
	sees(200, "it begins with nobody writing anything")
	p.a.Clock.Set(now.Add(30 * time.Second))
	p.warm(t, token)
	p.a.Clock.Set(now.Add(40 * time.Second))
	sees(404, "nor does its end need a write")
}

func TestNothingThatWasEndedLivesOnWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	p := openPair(t)
	one, other := tokenOf(login(t, p.a, object{"grant": "demo", "persona": "community"})),
		tokenOf(login(t, p.b, object{"grant": "demo", "persona": "community"}))
	p.warm(t, one)
	p.warm(t, other)
	p.redis.Pause()
	require.Equal(t, 204, p.a.Do(street.Request{Method: "DELETE", Path: "/sessions/current", Token: one}).Status)
	p.dead(t, one)
	p.redis.Resume()
	p.warm(t, other)

	p.redis.Kill()
	require.Equal(t, 204, p.a.Do(street.Request{Method: "DELETE", Path: "/sessions/current", Token: other}).Status)
	p.dead(t, other)
	third := tokenOf(login(t, p.a, object{"grant": "demo", "persona": "community"}))
	require.Equal(t, 200, as(p.b, third).Status, "the product goes on")
	p.redis.Up()
	p.warm(t, third)
	require.Equal(t, 204, p.a.Do(street.Request{Method: "DELETE", Path: "/sessions/current", Token: third}).Status)
	p.dead(t, third)
}

func TestAConsoleIdlesOutByItsLastRequestAtAnyNode(t *testing.T) {
	t.Parallel()
	p := openPair(t)
	console := login(t, p.a, object{"grant": "demo", "persona": "community", "cookie": true})
	cookie, _, _ := strings.Cut(console.Header.Get("Set-Cookie"), ";")
	look := func(s *street.Server) street.Response {
		return s.Do(street.Request{Method: "GET", Path: "/me", Header: map[string]string{"Cookie": cookie}})
	}
	p.settle(t)
	require.Equal(t, 200, look(p.a).Status)
	require.Equal(t, 200, look(p.b).Status)
	for range 3 {
		p.a.Clock.Advance(25 * time.Minute)
		require.Equal(t, 200, look(p.a).Status)
	}
	require.Equal(t, 200, look(p.b).Status, "the other node knows that it was used")
	p.a.Clock.Advance(29 * time.Minute)
	require.Equal(t, 200, look(p.b).Status)
	p.a.Clock.Advance(30 * time.Minute)
	require.Equal(t, "auth.expired", look(p.a).Code())
	require.Equal(t, "auth.expired", look(p.b).Code())
	unsafe := p.a.Do(street.Request{Method: "PUT", Path: "/me/consent", Body: agreement("general"),
		Header: map[string]string{"Cookie": cookie}})
	require.Equal(t, "auth.expired", unsafe.Code())
}

func TestANodeThatStopsLeavesTheOthersToWork(t *testing.T) {
	t.Parallel()
	r := redisd.Start(t)
	a := street.New(t, sharing(t, r), func(o *app.Options) { o.RateLimit = true })
	b := a.Node(sharing(t, r))
	p := pair{a, b, r}
	token := tokenOf(login(t, a, object{"grant": "demo", "persona": "community"}))
	p.warm(t, token)
	require.NoError(t, b.Close())
	require.False(t, b.Hears())
	require.Equal(t, 204, a.Do(street.Request{Method: "DELETE", Path: "/sessions/current", Token: token}).Status)
	p.dead(t, token)
}
