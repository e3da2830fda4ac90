package seed_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/app"
	"sixelements/internal/seed"
	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// today is when the seeding ends.
var today = time.Date(2026, 5, 1, 10, 0, 0, 0, model.Beijing)

// lay makes the plan's street on a database of the test's own.
func lay(t testing.TB, plan seed.Plan) *store.DB {
	t.Helper()
	clock := seed.NewClock(today)
	o := testkit.Options(t, testkit.Clock(t))
	o.Clock = clock.Now
	db := testkit.Open(t, o)
	a, err := app.New(db, app.Options{Data: t.TempDir(), BaseURL: "http://six.test", Clock: clock.Now,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	services := seed.Services{Grid: a.Services.Grid, QR: a.Services.QR, Collect: a.Services.Records.Collect,
		Verify: a.Services.Records.Verify}
	s := seed.New(db, services, plan, clock, nil)
	_, buildings, err := s.Lay(context.Background())
	require.NoError(t, err)
	require.NoError(t, s.Fill(context.Background(), buildings))
	return db
}

func TestAStreetHasExactlyWhatItsPlanSays(t *testing.T) {
	t.Parallel()
	db := lay(t, seed.Plan{Street: "410102002", Buildings: 7, People: 501, Shops: 13, Others: 3, Seed: 7})
	count := func(m any, where string, args ...any) (n int64) {
		require.NoError(t, db.Read(store.AsSystem(context.Background(), "test"), func(tx *store.Tx) error {
			return tx.Q(m).Where(where, args...).Count(&n).Error
		}))
		return n
	}
	require.EqualValues(t, 7, count(&model.Building{}, "street = ?", "410102002"))
	require.EqualValues(t, 501, count(&model.Record{}, "kind = ?", model.KindPerson))
	require.EqualValues(t, 13, count(&model.Record{}, "kind = ?", model.KindPlace))
	for _, k := range []model.Kind{model.KindEvent, model.KindObject, model.KindSituation, model.KindOrganisation} {
		require.EqualValues(t, 3, count(&model.Record{}, "kind = ?", k), k)
	}
	for _, s := range model.Statuses() {
		require.NotZero(t, count(&model.Record{}, "status = ?", s), "no record is %s", s)
	}
	require.Zero(t, count(&model.Record{}, "kind = ? AND room_unmatched = ?", model.KindPerson, true))
	require.Zero(t, count(&model.Record{}, "street <> ?", "410102002"))
	require.Zero(t, count(&model.Record{}, "submitted_at > ? OR verified_at > ?", model.At(today), model.At(today)),
		"nothing lies in the future")
}

func BenchmarkStreet(b *testing.B) {
	for b.Loop() {
		lay(b, seed.Plan{Street: "410102002", Buildings: 14, People: 7000, Shops: 80, Seed: 1})
	}
}
