package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

func TestAChangedHistoryIsFoundAmongAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := make([]model.ID, 3)
	for i := range ids {
		r := person(grid, model.NewID())
		w.put(r)
		ids[i] = r.ID
	}
	n, broken, err := w.VerifyHistories(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Empty(t, broken)
	w.exec("UPDATE revisions SET act = 'verify' WHERE record_id = ?", ids[1][:])
	n, broken, err = w.VerifyHistories(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []model.ID{ids[1]}, broken)
}
