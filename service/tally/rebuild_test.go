package tally

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// lived is a city in which something has happened.
func lived(t *testing.T, steps int) *life {
	t.Helper()
	l := newLife(t)
	for range steps {
		l.step(l.rnd)
	}
	return l
}

// spoil changes the database behind the program's back.
func (l *life) spoil(statements ...string) {
	l.t.Helper()
	pool, err := l.db.WritePool()
	require.NoError(l.t, err)
	for _, s := range statements {
		_, err := pool.ExecContext(l.t.Context(), s)
		require.NoError(l.t, err, s)
	}
}

func (l *life) rebuild(fix bool) Rebuilt {
	l.t.Helper()
	r, err := l.tally.Rebuild(l.t.Context(), fix)
	require.NoError(l.t, err)
	return r
}

func TestADatabaseWithoutFoldedNumbersAnswersFromTheRowsUntilTheyAreMade(t *testing.T) {
	t.Parallel()
	l := lived(t, 120)
	l.write(func(tx *store.Tx) error { // what no operation makes: codes above the communities and between the levels
		for i, code := range []string{"410102002", "410102", "4101020020", ""} {
			kind, _ := model.KindPerson.Spec()
			rec := &model.Record{ID: model.NewID(), Kind: kind.Kind, Status: model.Submitted, AreaCodes: model.CodesOf(code),
				SubmitterID: model.ID{1}, Channel: model.ByStaff, SubmittedAt: tx.Now(), HouseholdID: model.ID{5, byte(i / 2)}, Element: kind.New()}
			rec.MarkVerified(model.ByVisit, model.Actor{Account: model.ID{9, byte(i)}, Name: "丙"}, tx.Now())
			if err := tx.AddRecord(rec, store.Trace{Act: "create"}); err != nil {
				return err
			}
			room := &model.Room{ID: model.NewID(), BuildingID: model.ID{7}, AreaCodes: model.CodesOf(code), Number: string(rune('a' + i)),
				Use: model.Dwelling}
			if err := tx.Add(room); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, l.tally.Keep(t.Context()))
	l.allRight()
	require.Zero(t, l.rebuild(false).Wrong)

	l.spoil("DELETE FROM tally_parts", "DELETE FROM tally_rooms", "DELETE FROM tally_households", "DELETE FROM tally_deltas")
	l.allRight()
	n, err := l.tally.Fold(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "nothing to fold into")
	require.True(t, l.rebuild(false).First)
	l.allRight()
	l.step(l.rnd)
	l.allRight()
	require.NoError(t, l.tally.Keep(t.Context()))
	l.sound()
	require.False(t, l.rebuild(false).First)
}

func TestARebuildBrokenOffIsMadeAgain(t *testing.T) {
	t.Parallel()
	l := lived(t, 80)
	l.spoil("DELETE FROM tally_parts", "DELETE FROM tally_rooms", "DELETE FROM tally_households", "DELETE FROM tally_deltas")
	broken := 0
	for patience := time.Duration(0); ; patience += patience/2 + 100*time.Microsecond {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err := l.tally.Rebuild(ctx, true)
		cancel()
		l.allRight()
		if err == nil {
			break
		}
		broken++
		l.step(l.rnd)
	}
	require.Positive(t, broken)
	l.sound()
}

func TestARebuildPutsRightWhateverWasWrong(t *testing.T) {
	t.Parallel()
	l := lived(t, 150)
	l.write(func(tx *store.Tx) error { // a household of two communities, whatever the steps were
		kind, _ := model.KindPerson.Spec()
		for _, code := range []string{"410102002004", "410102002005"} {
			rec := &model.Record{ID: model.NewID(), Kind: kind.Kind, Status: model.Submitted, AreaCodes: model.CodesOf(code),
				HouseholdID: model.ID{6}, SubmitterID: model.ID{1}, SubmittedAt: tx.Now(), Element: kind.New()}
			if err := tx.AddRecord(rec, store.Trace{Act: "create"}); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, l.tally.Keep(t.Context()))
	for _, spoilt := range []string{
		"DELETE FROM tally_parts WHERE id LIKE 's09/%'",
		"DELETE FROM tally_parts WHERE id LIKE 's12/%'",
		"DELETE FROM tally_parts WHERE id LIKE 'd%'",
		"DELETE FROM tally_parts WHERE id LIKE 'v%'",
		"DELETE FROM tally_parts WHERE id LIKE 'b/%'",
		"DELETE FROM tally_rooms",
		"UPDATE tally_rooms SET covered_until = 1",
		"UPDATE tally_rooms SET area_code = '410102002005001'",
		"INSERT INTO tally_rooms (room_id, building_id, area_code, covered_until) " +
			"VALUES (x'30313233343536373839303132333435', x'30313233343536373839303132333435', '410102002004', 5)",
		"DELETE FROM tally_parts WHERE id LIKE 'h12/%'",
		"DELETE FROM tally_parts WHERE id = 'h09/410102002'",
		"DELETE FROM tally_households",
		"UPDATE tally_households SET n = 7 WHERE area_code = '410102002'", // where two communities meet
		"UPDATE tally_households SET n = n + 1",
		"INSERT INTO tally_households (household_id, area_code, n) VALUES (x'30313233343536373839303132333435', '410102', 1)",
		"UPDATE records SET status = 'archived' WHERE status = 'verified'", // as if by hand
		"DELETE FROM tally_deltas",
	} {
		l.step(l.rnd)
		if spoilt == "DELETE FROM tally_deltas" { // in which a step waited
			l.write(func(tx *store.Tx) error {
				kind, _ := model.KindEvent.Spec()
				return tx.AddRecord(&model.Record{ID: model.NewID(), Kind: kind.Kind, Status: model.Submitted, SubmitterID: model.ID{1},
					AreaCodes: model.CodesOf("410102002005"), SubmittedAt: tx.Now(), Element: kind.New()}, store.Trace{Act: "create"})
			})
		}
		l.spoil(spoilt)
		require.Positive(t, l.rebuild(false).Wrong, spoilt)
		require.Positive(t, l.rebuild(false).Wrong, "looking changes nothing")
		require.Positive(t, l.rebuild(true).Wrong, spoilt)
		require.Zero(t, l.rebuild(false).Wrong, spoilt)
		l.someRight(30)
	}
}

func TestPartsThatCannotBeReadAreAnErrorAndCanBeMadeAnew(t *testing.T) {
	t.Parallel()
	l := lived(t, 30)
	require.NoError(t, l.tally.Keep(t.Context()))
	l.spoil("UPDATE tally_parts SET cells = 'x' WHERE id = 's09/410102002'")
	ctx := testkit.As(t.Context(), model.StreetRole, "410102002")
	ask := func() error { _, err := l.tally.Of(ctx, Query{Area: "410102002", By: ByKind}); return err }
	require.ErrorContains(t, ask(), "six tally rebuild")
	require.Positive(t, l.rebuild(true).Wrong)
	l.sound()
	l.step(l.rnd)
	l.write(func(tx *store.Tx) error {
		return tx.Add(&model.Room{ID: model.NewID(), BuildingID: model.ID{1}, Number: "1"})
	})
	l.spoil("UPDATE tally_deltas SET cells = 'x'")
	require.ErrorContains(t, ask(), "six tally rebuild")
	require.Error(t, l.tally.Keep(t.Context()))
	require.Positive(t, l.rebuild(true).Wrong)
	l.sound()
}

func TestAnUpgradeCountsHouseholdsThatNobodyFolded(t *testing.T) {
	t.Parallel()
	l := lived(t, 80)
	require.NoError(t, l.tally.Keep(t.Context()))
	l.spoil("DELETE FROM tally_parts WHERE id LIKE 'h%'", "DELETE FROM tally_households",
		"UPDATE tally_parts SET cells = x'0100000000' WHERE id = 'state'") // as the version before had it
	l.allRight()
	l.step(l.rnd)
	_, err := l.tally.Fold(t.Context())
	require.NoError(t, err)
	l.allRight()
	require.True(t, l.rebuild(false).First)
	require.NoError(t, l.tally.Keep(t.Context()))
	require.False(t, l.rebuild(false).First)
	l.sound()
}
