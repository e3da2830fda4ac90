package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatRunsBesideRequestsIsAwaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		rounds, release := 0, make(chan struct{})
		stopped := together(ctx, func(ctx context.Context) { <-ctx.Done() }, every(time.Hour, func(context.Context) {
			if rounds++; rounds == 3 {
				cancel()
				<-release // a round takes as long as it takes
			}
		}))
		<-ctx.Done()
		synctest.Wait()
		select {
		case <-stopped:
			require.Fail(t, "stopped in the middle of a round")
		default:
		}
		close(release)
		<-stopped
		require.Equal(t, 3, rounds)
	})
}
