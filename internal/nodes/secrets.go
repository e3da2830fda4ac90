package nodes

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// Secrets keeps small secrets in Redis for as long as they are good, sealed: whoever reads Redis or its traffic cannot use them.
type Secrets struct{ r *Redis }

// Secrets is where all nodes find secrets.
func (r *Redis) Secrets() Secrets { return Secrets{r} }

func secretAAD(name string) []byte { return []byte("redis secret " + name) }

// Get is the secret and how long it is good for yet; nil when there is none.
func (s Secrets) Get(ctx context.Context, name string) (secret []byte, left time.Duration, err error) {
	key := s.r.name("secret", name)
	p := s.r.client.Pipeline()
	sealed, ttl := p.Get(ctx, key), p.PTTL(ctx, key)
	if _, err := p.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, 0, err
	}
	if errors.Is(sealed.Err(), redis.Nil) || ttl.Val() <= 0 { // it ran out between the two
		return nil, 0, nil
	}
	secret, err = s.r.keyring.Open([]byte(sealed.Val()), secretAAD(name))
	return secret, ttl.Val(), err
}

// Set keeps a secret.
func (s Secrets) Set(ctx context.Context, name string, secret []byte, keep time.Duration) error {
	sealed, err := s.r.keyring.Seal(secret, secretAAD(name))
	if err != nil {
		return err
	}
	return s.r.client.Set(ctx, s.r.name("secret", name), sealed, keep).Err()
}

// removeSame removes a value if it is still the one that was read: another node may have put a newer one there.
var removeSame = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// Drop removes the secret unless it is another one by now.
func (s Secrets) Drop(ctx context.Context, name string, secret []byte) error {
	key := s.r.name("secret", name)
	sealed, err := s.r.client.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return err
	}
	if kept, err := s.r.keyring.Open(sealed, secretAAD(name)); err == nil && string(kept) != string(secret) {
		return nil
	}
	return removeSame.Run(ctx, s.r.client, []string{key}, sealed).Err()
}

// Lock takes the name for this caller alone, for as long as hold at most; unlock is nil when another has it. It saves work and
// protects nothing: a holder that is slow may find that another has it too.
func (s Secrets) Lock(ctx context.Context, name string, hold time.Duration) (unlock func(), err error) {
	key, mine := s.r.name("lock", name), rand.Text()
	got, err := s.r.client.SetNX(ctx, key, mine, hold).Result()
	if err != nil || !got {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		_ = removeSame.Run(ctx, s.r.client, []string{key}, mine).Err() // it runs out by itself
	}, nil
}
