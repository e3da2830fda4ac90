package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// BenchmarkSubmissions is what a submission costs behind the door: three rows sealed, staged and committed with others'.
func BenchmarkSubmissions(b *testing.B) {
	db := testkit.Open(b, testkit.Options(b, testkit.Clock(b)))
	ctx := store.AsSystem(b.Context(), "bench")
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		submitter := model.NewID()
		for pb.Next() {
			err := db.Write(ctx, shared("record.create"), func(tx *store.Tx) error {
				return tx.AddRecord(person(grid, submitter), store.Trace{Act: "create"})
			})
			require.NoError(b, err)
		}
	})
}
