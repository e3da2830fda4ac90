package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/model/store"
)

// Two communities of one street, with a grid and a micro-grid in the first.
const (
	street    = "410102002"
	community = street + "001"
	grid      = community + "001"
	micro     = grid + "002"
	elsewhere = street + "002"
)

// Invented secrets, looked for in clear where they must not be.
const (
	secretID    = "410102199003075XYZ" // never a number: the store does not judge
	secretBirth = "1990-03-07"
	secretPhone = "15400001234"
)

// world is a database with what a test put into it.
type world struct {
	*store.DB
	t     *testing.T
	clock *testkit.FixedClock
	opts  store.Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := testkit.Clock(t)
	o := testkit.Options(t, clock)
	return &world{testkit.Open(t, o), t, clock, o}
}

// system is a context in which the program itself acts.
func (w *world) system() context.Context { return store.AsSystem(w.t.Context(), "test") }

func as(t *testing.T, a model.Actor) context.Context { return store.As(t.Context(), a) }

// person is a record at an area, not yet written.
func person(code string, submitter model.ID) *model.Record {
	return &model.Record{ID: model.NewID(), Kind: model.KindPerson, Status: model.Submitted, AreaCodes: model.CodesOf(code),
		SubmitterID: submitter, SubmitterRole: model.Resident, SubmitterName: "测试甲", Channel: model.ByQR,
		SubmittedAt: model.At(testkit.Start()),
		Element: &model.Person{Name: "测试甲", IDType: "111", IDNo: seal.Clear(secretID), BirthDate: seal.Clear(secretBirth),
			Phone: seal.Clear(secretPhone), ResidenceCategory: "registered", RelationToHead: "0"}}
}

// kindOf is a record of another kind.
func kindOf(k model.Kind, code string, submitter model.ID) *model.Record {
	r := person(code, submitter)
	spec, _ := k.Spec()
	r.Kind, r.Element = k, spec.New()
	return r
}

// put writes records as the system, each in a transaction of its own.
func (w *world) put(recs ...*model.Record) {
	w.t.Helper()
	for _, r := range recs {
		require.NoError(w.t, w.Write(w.system(), model.Act{Name: "test.put"}, func(tx *store.Tx) error {
			return tx.AddRecord(r, store.Trace{Act: "create"})
		}))
	}
}

// add writes rows as the system.
func (w *world) add(rows ...any) {
	w.t.Helper()
	require.NoError(w.t, w.Write(w.system(), model.Act{Name: "test.add"}, func(tx *store.Tx) error { return tx.Add(rows...) }))
}

// read runs fn for the actor and wants no error.
func (w *world) read(a model.Actor, fn func(tx *store.Tx) error) {
	w.t.Helper()
	require.NoError(w.t, w.Read(as(w.t, a), fn))
}

// sees are the ids of the records that the actor sees.
func (w *world) sees(a model.Actor) (ids []model.ID) {
	w.t.Helper()
	w.read(a, func(tx *store.Tx) error {
		ids = nil
		return tx.Q(&model.Record{}).Pluck("id", &ids).Error
	})
	return ids
}

// exec runs SQL past the doors, as somebody with the file in hand could.
func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	pool, err := w.WritePool()
	require.NoError(w.t, err)
	_, err = pool.ExecContext(w.t.Context(), query, args...)
	require.NoError(w.t, err)
}

// count is a number read past the doors.
func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	pool, err := w.Pool()
	require.NoError(w.t, err)
	require.NoError(w.t, pool.QueryRowContext(w.t.Context(), query, args...).Scan(&n))
	return n
}

// raw is all that a table holds, printed.
func (w *world) raw(table string) (out []string) {
	w.t.Helper()
	pool, err := w.Pool()
	require.NoError(w.t, err)
	rows, err := pool.QueryContext(w.t.Context(), "SELECT * FROM "+table)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(w.t, err)
	for rows.Next() {
		row, at := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			at[i] = &row[i]
		}
		require.NoError(w.t, rows.Scan(at...))
		for i, v := range row {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			out = append(out, fmt.Sprintf("%s=%v", columns[i], v))
		}
	}
	require.NoError(w.t, rows.Err())
	return out
}

// tables is all that the database holds, printed.
func (w *world) tables() map[string][]string {
	w.t.Helper()
	out := map[string][]string{}
	for _, name := range store.ScopedTables() {
		out[name] = w.raw(name)
	}
	return out
}

func minutes(n int) model.Time { return model.At(testkit.Start().Add(time.Duration(n) * time.Minute)) }
