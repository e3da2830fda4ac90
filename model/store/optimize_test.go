package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
	"sixelements/model/store"
)

func TestAHouseholdIsFoundByItsIndexOnceTheTablesWereCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w.Dialect() != store.SQLite {
		t.Skip("sqlite: MySQL counts by itself")
	}
	require.NoError(t, w.Write(w.system(), model.Act{Name: "test"}, func(tx *store.Tx) error {
		for range 600 {
			if err := tx.AddRecord(living(grid), store.Trace{Act: "create"}); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, w.Optimize(context.Background()))
	pool, err := w.Pool()
	require.NoError(t, err)
	pool.SetMaxIdleConns(0) // as if the connections had lived their time
	rows, err := pool.QueryContext(t.Context(), `EXPLAIN QUERY PLAN SELECT id FROM records WHERE household_id = ? AND street = ?
		ORDER BY submitted_at DESC, id DESC LIMIT 51`, []byte("x"), street)
	require.NoError(t, err)
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		plan.WriteString(detail + "\n")
	}
	require.NoError(t, rows.Err())
	require.Contains(t, plan.String(), "records_household")
}

// living is a person of a household of their own.
func living(code string) *model.Record {
	r := person(code, model.NewID())
	r.HouseholdID = r.ID
	return r
}
