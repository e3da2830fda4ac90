package attach

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

func TestUploadsThatComeSlowlyKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, stop := context.WithCancel(store.As(t.Context(), testkit.Actor(model.Resident, "")))
	done := make(chan error)
	for range 2 * atOnce {
		body, phone := io.Pipe()
		go func() { _, err := w.Upload(ctx, body); done <- err }()
		_, err := phone.Write([]byte{0xff}) // it is being read, and nothing more comes
		require.NoError(t, err)
		t.Cleanup(func() { phone.Close() })
		context.AfterFunc(ctx, func() { phone.CloseWithError(context.Canceled) })
	}
	w.upload(store.As(t.Context(), testkit.Actor(model.Resident, "")))
	stop()
	for range 2 * atOnce {
		require.ErrorIs(t, <-done, context.Canceled)
	}
}
