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

// tokens keeps the stable access token. It stands in for the SDK's handle, which hides the error code in a text, holds its lock
// without heeding the context, and can only drop a token blindly.
type tokens struct {
	source *credential.StableAccessToken
	turn   chan struct{} // one place: who fetches, and who reads or writes the cache (the SDK's reads without a lock)
	cache  *cache.Memory
}

func newTokens(appID, secret string) (*tokens, error) {
	memory := cache.NewMemory()
	handle := credential.NewStableAccessToken(appID, secret, credential.CacheKeyMiniProgramPrefix, memory)
	source, ok := handle.(*credential.StableAccessToken)
	if !ok {
		return nil, errors.New("wechat: the SDK's token handle has changed its type")
	}
	return &tokens{source: source, turn: make(chan struct{}, 1), cache: memory}, nil
}

// get is the token that is good now. Of several callers without one, one fetches and the others wait for it.
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
	return out.AccessToken, nil
}

// drop forgets a token that WeChat rejected, unless it has been replaced meanwhile.
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
}

// fixed hands the SDK a token that was fetched before.
type fixed string

// GetAccessToken is the token.
func (f fixed) GetAccessToken() (string, error) { return string(f), nil }

// GetAccessTokenContext is the token.
func (f fixed) GetAccessTokenContext(context.Context) (string, error) { return string(f), nil }
