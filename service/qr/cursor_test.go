package qr

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model/store"
)

func TestACursorThatNoListGaveOutShowsTheFirstCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.Issue(w.system(), w.b.ID, "", false)
	require.NoError(t, err)
	codes, _, err := w.Codes(w.system(), w.b.ID, store.Cursor{At: -1}.String(), 50)
	require.NoError(t, err)
	require.Len(t, codes, 1)
}
