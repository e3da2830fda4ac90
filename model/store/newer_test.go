package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model/store"
)

func TestAnOlderProgramRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	o := testkit.Options(t, testkit.Clock(t))
	db := testkit.Open(t, o)
	pool, err := db.WritePool()
	require.NoError(t, err)
	_, err = pool.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	require.NoError(t, err)
	_, err = store.Open(context.Background(), o, true)
	require.ErrorContains(t, err, "newer program")
}
