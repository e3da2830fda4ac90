package testkit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

func TestEveryTestHasAMigratedDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	clock := testkit.Clock(t)
	one, other := testkit.DBAt(t, clock), testkit.DB(t)
	for _, db := range []*store.DB{one, other} {
		require.NoError(t, db.Ready(t.Context()))
		require.Equal(t, testkit.OnMySQL(), db.Dialect() == store.MySQL)
	}
	ctx := testkit.As(t.Context(), model.Admin, "")
	area := &model.Area{Code: "410102002", Name: "测试街道", Level: model.Street}
	require.NoError(t, one.Write(ctx, model.Act{Name: "area.create"}, func(tx *store.Tx) error { return tx.Add(area) }))
	require.ErrorIs(t, one.Write(ctx, model.Act{Name: "area.create"}, func(tx *store.Tx) error { return tx.Add(area) }), store.ErrDuplicate)
	require.NoError(t, other.Write(ctx, model.Act{Name: "area.create"}, func(tx *store.Tx) error { return tx.Add(area) }))

	clock.Advance(time.Hour)
	require.Equal(t, "2026-05-01T11:00:00.000+08:00", one.Now().String())
	require.Equal(t, "2026-05-01T10:00:00.000+08:00", other.Now().String())
}

func TestADatabaseOpenedTwiceIsTheSame(t *testing.T) {
	t.Parallel()
	o := testkit.Options(t, testkit.Clock(t))
	a, b := testkit.Open(t, o), testkit.Open(t, o)
	require.Equal(t, a.SubjectIndex("x"), b.SubjectIndex("x"), "both opened the same index key")
}
