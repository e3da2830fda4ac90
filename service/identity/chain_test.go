package identity

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

func TestTheChainCannotBeMadeAnewWithoutTheDatabasesKey(t *testing.T) {
	t.Parallel()
	row := &model.Audit{ID: model.NewID(), Act: "session.create", Result: "ok"}
	var hashes [][]byte
	for range 2 { // two databases, each with a key of its own
		db, err := store.Open(t.Context(), testkit.Empty(t, testkit.Clock(t)), true)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		hashes = append(hashes, New(db, Options{}).auditHash(nil, 1, row))
	}
	require.NotEqual(t, hashes[0], hashes[1])
}
