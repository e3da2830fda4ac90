package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/mariadb"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/tally"
)

// TestMain lets the tests' own program be the contestants that submit starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.ContainsFunc(commands(), func(c command) bool { return c.contestant && c.name == os.Args[1] }) {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestPercentilesAndMedians(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for p, want := range map[float64]time.Duration{0: 1, 1: 1, 50: 50, 99: 99, 99.5: 100, 100: 100} {
		require.Equal(t, want, percentile(hundred, p), "%g", p)
	}
	require.Equal(t, time.Duration(7), percentile([]time.Duration{7}, 99))
	require.Zero(t, percentile(nil, 99))
	require.InDelta(t, 3, median([]float64{9, 1, 3}), 0)
	require.InDelta(t, 2, median([]float64{9, 1, 3, 0}), 0)
	require.Zero(t, median(nil))
}

func TestARatioComparesRoundByRound(t *testing.T) {
	t.Parallel()
	at := func(n int) figures { return figures{Done: n, Took: time.Second} }
	// The machine was four times as fast in the second round: the ratio is 2 in all of them.
	require.InDelta(t, 2, ratio([]figures{at(100), at(400), at(100)}, []figures{at(50), at(200), at(50)}, figures.perSecond), 0)
}

// loadCity loads a small city into a folder of the test's.
func loadCity(t *testing.T, records string) (site, *store.DB) {
	t.Helper()
	s := site{dir: t.TempDir()}
	require.NoError(t, load(t.Context(), []string{"-data", s.dir, "-records", records}, io.Discard))
	db, err := s.open(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return s, db
}

func system(t *testing.T) context.Context { return store.AsSystem(t.Context(), "test") }

// all reads every record, oldest first, as the lists do: opened.
func all(t *testing.T, db *store.DB) (out []*model.Record) {
	t.Helper()
	f := store.Filter{Limit: 500, Ascending: true}
	for next := "x"; next != ""; {
		require.NoError(t, db.Read(system(t), func(tx *store.Tx) error {
			recs, n, err := tx.Records(f)
			if err != nil {
				return err
			}
			out, next = append(out, recs...), n
			return tx.Load(recs)
		}))
		f.After, _ = store.ParseCursor(next)
	}
	return out
}

func TestTheLoadedCityIsSpreadAndReadable(t *testing.T) {
	t.Parallel()
	s, db := loadCity(t, "5000")
	list := all(t, db)
	require.Len(t, list, 5000)
	kinds, statuses, areas, homes := map[model.Kind]int{}, map[model.Status]int{}, map[string]int{}, map[model.ID]int{}
	for _, r := range list {
		kinds[r.Kind]++
		statuses[r.Status]++
		areas[r.Grid]++
		if p, ok := r.Element.(*model.Person); ok {
			homes[r.HouseholdID]++
			_, opened := p.IDNo.Reveal()
			require.True(t, opened)
		}
	}
	require.Len(t, kinds, len(model.Kinds()))
	require.Greater(t, kinds[model.KindPerson], 4000)
	require.Len(t, statuses, len(model.Statuses()))
	require.Greater(t, statuses[model.Verified], 3000)
	require.Len(t, areas, communities*grids, "every grid of the one street")
	require.Greater(t, kinds[model.KindPerson], 2*len(homes), "households have members")
	span := list[len(list)-1].SubmittedAt.Std().Sub(list[0].SubmittedAt.Std())
	require.InDelta(t, history.Hours(), span.Hours(), 24)
	_, broken, err := db.VerifyHistories(t.Context())
	require.NoError(t, err)
	require.Empty(t, broken)
	var lost int64
	require.NoError(t, db.Read(system(t), func(tx *store.Tx) error {
		return tx.Q(&model.Revision{}).Where("street <> ?", city{}.street(0)).Count(&lost).Error
	}))
	require.Zero(t, lost, "revisions lie in the street of their records")
	d, err := doors(t.Context(), db)
	require.NoError(t, err)
	require.Len(t, d, communities*grids*perGrid)
	c, err := s.city(city{Records: 5000, Seed: 1})
	require.NoError(t, err)
	first := slices.IndexFunc(d, func(b []door) bool { return b[0].building == c.id("building", 0) })
	require.Len(t, d[first], units*c.floors(0)*perFloor, "all rooms of the first building")
	_, err = s.city(city{Records: 5001, Seed: 1})
	require.ErrorContains(t, err, "city.json", "another city does not go on in this one's folder")
}

func TestACityIsLoadedIntoMariaDB(t *testing.T) {
	t.Parallel()
	server, err := mariadb.Start(t.TempDir(), mariadb.Relaxed()...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	urls, err := databases(t.Context(), server.DSN(), "city")
	require.NoError(t, err)
	s := site{dir: t.TempDir(), database: urls[0]}
	require.NoError(t, load(t.Context(), []string{"-data", s.dir, "-database", s.database, "-records", "2500"}, io.Discard))
	db, err := s.open(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.Len(t, all(t, db), 2500)
	_, broken, err := db.VerifyHistories(t.Context())
	require.NoError(t, err)
	require.Empty(t, broken)
}

func TestALoadThatWasBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	s, db := loadCity(t, "5000")
	before := all(t, db)
	pool, err := db.WritePool()
	require.NoError(t, err)
	for _, text := range []string{"DELETE FROM records WHERE rowid > 2000", "DROP INDEX records_title"} {
		_, err := pool.ExecContext(t.Context(), text)
		require.NoError(t, err)
	}
	for _, k := range model.Kinds() {
		_, err := pool.ExecContext(t.Context(), "DELETE FROM "+k.Table+" WHERE record_id NOT IN (SELECT id FROM records)")
		require.NoError(t, err)
	}
	_, err = pool.ExecContext(t.Context(), "DELETE FROM revisions WHERE record_id NOT IN (SELECT id FROM records)")
	require.NoError(t, err)
	require.NoError(t, load(t.Context(), []string{"-data", s.dir, "-records", "5000"}, io.Discard))
	after := all(t, db)
	require.Len(t, after, len(before))
	for i := range after {
		require.Equal(t, before[i].ID, after[i].ID, "the same city again")
	}
	conn, err := pool.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	have, err := indexes(t.Context(), conn)
	require.NoError(t, err)
	require.Contains(t, have, "records_title")
}

func TestRawWritesWhatTheStoreReads(t *testing.T) {
	t.Parallel()
	_, db := loadCity(t, "100")
	w, err := newRawWriter(t.Context(), db)
	require.NoError(t, err)
	f, err := w.race(t.Context(), 3, 200*time.Millisecond)
	require.NoError(t, err)
	require.NoError(t, w.to.close())
	require.Positive(t, f.Done)
	list := all(t, db)
	require.Len(t, list, 100+f.Done)
	last := list[len(list)-1].Element.(*model.Person)
	clear, opened := last.IDNo.Reveal()
	require.True(t, opened && (clear != "" || last.IDNo.IsZero()))
	n, broken, err := db.VerifyHistories(t.Context())
	require.NoError(t, err)
	require.Empty(t, broken)
	require.GreaterOrEqual(t, n, len(list))
	r, err := tally.New(db).Rebuild(system(t), false)
	require.NoError(t, err)
	require.False(t, r.First, "load made the tallies")
	require.Zero(t, r.Wrong, "and raw kept them")
}

// A smoke of the whole: real processes, PocketBase among them; what was acknowledged is what is stored, or it fails.
func TestTheComparisonsRun(t *testing.T) {
	t.Parallel()
	for name, says := range map[string][]string{
		"submit":          {"| 2 | six |", "| 2 | PocketBase |", "| 2 | raw SQL |"},
		"submit -mariadb": {"| 2 | six |", "| 2 | GORM |"},
		"verify":          {"| 2 | submit |", "| 2 | verify |"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report(t, says, append(strings.Fields(name), "-for", "500ms", "-rounds", "1", "-conns", "2", "-dir", t.TempDir())...)
		})
	}
}

// report runs a subcommand, whose report must hold the texts.
func report(t *testing.T, says []string, args ...string) {
	t.Helper()
	var out strings.Builder
	require.NoError(t, run(t.Context(), args, &out))
	for _, s := range says {
		require.Contains(t, out.String(), s)
	}
}

func TestTheReadingsRun(t *testing.T) {
	t.Parallel()
	s, _ := loadCity(t, "3000")
	report(t, []string{"| `street collector` |", "| `city building person` |", "slowest question"},
		"tallies", "-data", s.dir, "-data", s.dir, "-times", "2")
	report(t, []string{"| `city  first` |", "| `grid household=", "| `street search by phone` |"}, "lists", "-data", s.dir, "-times", "2")
	report(t, []string{"| six |", "| excelize alone |"}, "export", "-data", s.dir, "-rounds", "1")
	report(t, []string{"ready after, ms"}, "start", "-data", s.dir, "-rounds", "1", "-idle", "0s")
}
