package wechat

import (
	"context"
	"errors"
	"time"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/credential"
)

const (
	tokenKey = "access_token"
	// early is how long before its end a token is fetched anew, so that none ends on its way.
	early = 5 * time.Minute
	// shortest is how long a token is kept that WeChat hands out near its end.
	shortest = 10 * time.Second
)

// Shared keeps secrets where every node finds them. It may be out of order at any time: each node then fetches for itself, which costs
// calls of WeChat's daily allowance and nothing else, since a stable token is the same for all who ask.
type Shared interface {
	// Get is the secret and how long it is good for yet; nil when there is none.
	Get(ctx context.Context, name string) (secret []byte, left time.Duration, err error)
	// Set keeps a secret.
	Set(ctx context.Context, name string, secret []byte, keep time.Duration) error
	// Drop removes the secret unless it is another one by now.
	Drop(ctx context.Context, name string, secret []byte) error
	// Lock takes the name for this caller alone, for as long as hold at most; unlock is nil when another has it.
	Lock(ctx context.Context, name string, hold time.Duration) (unlock func(), err error)
}

const (
	// othersTurn is how long a node waits for another one's fetch before it fetches for itself.
	othersTurn = 2 * time.Second
	lookEvery  = 50 * time.Millisecond
)

// tokens keeps the stable access token. It stands in for the SDK's handle, which hides the error code in a text, holds its lock
// without heeding the context, and can only drop a token blindly; its Redis cache locks per process and fails with Redis.
type tokens struct {
	source *credential.StableAccessToken
	turn   chan struct{} // one place: who fetches, and who reads or writes the cache (the SDK's reads without a lock)
	cache  *cache.Memory
	shared Shared // nil: one node
	name   string // of the token among what is shared
}

func newTokens(appID, secret string, shared Shared) (*tokens, error) {
	memory := cache.NewMemory()
	handle := credential.NewStableAccessToken(appID, secret, credential.CacheKeyMiniProgramPrefix, memory)
	source, ok := handle.(*credential.StableAccessToken)
	if !ok {
		return nil, errors.New("wechat: the SDK's token handle has changed its type")
	}
	return &tokens{source: source, turn: make(chan struct{}, 1), cache: memory, shared: shared, name: "wechat " + appID}, nil
}

// get is the token that is good now. Of several callers without one, on whichever node, one fetches and the others wait for it.
func (t *tokens) get(ctx context.Context) (string, *refusal) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", &refusal{kind: kindTimeout}
	}
	if token, ok := t.cache.Get(tokenKey).(string); ok && token != "" {
		return token, nil
	}
	if t.shared != nil {
		token, unlock := t.ofOthers(ctx)
		if token != "" {
			return token, nil
		}
		defer unlock()
	}
	return t.fetch(ctx)
}

// ofOthers is the token that another node fetched, or is fetching; "" when this one is to fetch it, and call unlock then.
func (t *tokens) ofOthers(ctx context.Context) (token string, unlock func()) {
	nothing := func() {}
	ctx, cancel := context.WithTimeout(ctx, othersTurn)
	defer cancel()
	for {
		unlock, err := t.shared.Lock(ctx, t.name, othersTurn)
		if err != nil {
			return "", nothing
		}
		// After the lock, not before: whoever had it last put the token there first.
		secret, left, err := t.shared.Get(ctx, t.name)
		if token := string(secret); err == nil && token != "" {
			_ = t.cache.Set(tokenKey, token, left) // memory only; it does not fail
			if unlock != nil {
				unlock()
			}
			return token, nothing
		}
		if unlock != nil {
			return "", unlock
		}
		select {
		case <-ctx.Done():
			return "", nothing
		case <-time.After(lookEvery):
		}
	}
}

// fetch asks WeChat for the token and keeps it, for the other nodes too.
func (t *tokens) fetch(ctx context.Context) (string, *refusal) {
	// Not forced: WeChat answers the token that is good now, which another node may have fetched, and spares the daily allowance.
	out, err := t.source.GetAccessTokenDirectly(ctx, false)
	if r := kindOf(ctx, out.ErrCode, out.ErrMsg, err); r != nil {
		r.token = true
		return "", r
	}
	if out.AccessToken == "" {
		return "", &refusal{kind: "no token in the answer", token: true}
	}
	keep := max(time.Duration(out.ExpiresIn)*time.Second-early, shortest)
	_ = t.cache.Set(tokenKey, out.AccessToken, keep) // memory only; it does not fail
	if t.shared != nil {
		_ = t.shared.Set(ctx, t.name, []byte(out.AccessToken), keep) // the others fetch for themselves
	}
	return out.AccessToken, nil
}

// drop forgets a token that WeChat rejected, here and for the other nodes, unless it has been replaced meanwhile.
func (t *tokens) drop(ctx context.Context, token string) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return
	}
	if t.cache.Get(tokenKey) == any(token) {
		_ = t.cache.Delete(tokenKey) // memory only; it does not fail
	}
	if t.shared != nil {
		_ = t.shared.Drop(ctx, t.name, []byte(token)) // it is fetched again, and rejected again, once more at most
	}
}

// fixed hands the SDK a token that was fetched before.
type fixed string

// GetAccessToken is the token.
func (f fixed) GetAccessToken() (string, error) { return string(f), nil }

// GetAccessTokenContext is the token.
func (f fixed) GetAccessTokenContext(context.Context) (string, error) { return string(f), nil }
