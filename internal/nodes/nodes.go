// Package nodes is what the nodes of one installation tell each other through Redis: what changed (Bus), how much they let through
// (Spend), and secrets that live for hours (Secrets). Nothing is kept there that must not be lost: without Redis each node goes on by
// itself.
package nodes

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"sixelements/model/seal"
)

// Redis is the connection to the one Redis that all nodes share. It is safe for concurrent use.
type Redis struct {
	client *redis.Client
	log    *slog.Logger
	bus    *Bus

	joined  chan struct{} // closed by Join; what is below is set then
	keyring *seal.Keyring
	hash    Hash
	prefix  string
}

// Hash is a keyed hash that all nodes of the installation share and nobody else has. From it come the names of all that lies in Redis,
// so that installations may share one, and nobody reads there whose account or address a limit is about.
type Hash func(purpose string, parts ...[]byte) []byte

// patience is how long Redis may take to answer; in the same network it takes a millisecond.
const patience = 300 * time.Millisecond

// Open makes the connection for a URL as redis://user:password@host:port/number or rediss://…, without calling Redis, which may come
// later. Nothing but Publish is asked of it before Join. The error does not repeat the URL, which holds a password.
func Open(url string, log *slog.Logger) (*Redis, error) {
	quiet()
	c, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("redis: SIX_REDIS is not a redis:// or rediss:// URL")
	}
	c.Protocol, c.DisableIdentity = 2, true
	c.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolTimeout = patience, patience, patience, patience
	c.MaxRetries, c.DialerRetries, c.ContextTimeoutEnabled = -1, 1, true // whoever asks decides whether to ask again
	c.PoolSize = 8
	r := &Redis{client: redis.NewClient(c), log: log, joined: make(chan struct{})}
	r.bus = newBus(r)
	return r, nil
}

// Join says which installation's node this is: whose names and secrets it uses. It is called once.
func (r *Redis) Join(keyring *seal.Keyring, hash Hash) {
	r.keyring, r.hash, r.prefix = keyring, hash, "six:"+hex.EncodeToString(hash("redis")[:6])+":"
	close(r.joined)
}

// Bus tells nodes what changed in the others.
func (r *Redis) Bus() *Bus { return r.bus }

// Close ends the subscription, then every connection. Closing twice is no fault.
func (r *Redis) Close() error {
	r.bus.close()
	if err := r.client.Close(); !errors.Is(err, redis.ErrClosed) {
		return err
	}
	return nil
}

// name is where something lies in Redis.
func (r *Redis) name(what, key string) string {
	return r.prefix + what + ":" + hex.EncodeToString(r.hash("redis "+what, []byte(key))[:16])
}

// quiet keeps the library from writing lines of its own to stderr, once for the process: it keeps its log in a variable of its package.
var quiet = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
