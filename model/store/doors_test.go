package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm/clause"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

var errTest = errors.New("a test's own error")

func area(code string) *model.Area { return &model.Area{Code: code, Name: "测试", Version: 1} }

func TestFnReadsWhatWasThereBeforeIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Write(w.system(), model.Act{Name: "area.create"}, func(tx *store.Tx) error {
		var n int64
		require.NoError(t, tx.Add(area(community)))
		require.NoError(t, tx.Q(&model.Area{}).Count(&n).Error)
		require.Zero(t, n, "staged rows are written after fn")
		return nil
	}))
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM areas"))
}

func TestNothingIsLeftBehindWhenAWriteFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(area(community))
	r := person(grid, model.NewID())
	w.put(r)
	before := w.tables()
	dead := errTest
	for _, c := range []struct {
		Name string
		Act  string
		Fn   func(tx *store.Tx) error
		Want error
	}{
		{"fn fails", "x", func(tx *store.Tx) error { return errors.Join(tx.Add(area(grid)), dead) }, dead},
		{"a later row breaks a constraint", "x", func(tx *store.Tx) error {
			return tx.Add(area(grid), &model.ExtraField{ID: model.NewID(), AreaCode: grid}, area(community))
		}, store.ErrDuplicate},
		{"a later table breaks a constraint", "x", func(tx *store.Tx) error {
			return errors.Join(tx.AddRecord(person(grid, model.NewID()), store.Trace{Act: "create"}), tx.Add(area(community)))
		}, store.ErrDuplicate},
		{"a record is there already", "x", func(tx *store.Tx) error {
			again := person(grid, r.SubmitterID)
			again.ID = r.ID
			return tx.AddRecord(again, store.Trace{Act: "create"})
		}, store.ErrDuplicate},
		{"a saved row had changed", "x", func(tx *store.Tx) error {
			tx.Save(&model.Area{Code: community, Version: 7})
			return tx.Add(area(grid))
		}, model.Fail(model.Stale)},
		{"the act has no name", "", func(tx *store.Tx) error { return tx.Add(area(grid)) }, nil},
		{"an untraced write stages rows", "x", func(tx *store.Tx) error { tx.Untraced(); return tx.Add(area(grid)) }, nil},
		{"an untraced write stages a save", "x", func(tx *store.Tx) error { tx.Untraced(); tx.Save(area(community)); return nil }, nil},
		{"an untraced write stages a change", "x", func(tx *store.Tx) error {
			tx.Untraced()
			tx.Change(&model.Area{}, map[string]any{"name": "x"}, "1 = 1")
			return nil
		}, nil},
	} {
		t.Run(c.Name, func(t *testing.T) {
			err := w.Write(w.system(), model.Act{Name: c.Act}, c.Fn)
			require.Error(t, err)
			if c.Want != nil {
				require.ErrorIs(t, err, c.Want)
			}
			require.Equal(t, before, w.tables())
		})
	}
}

func TestAPanicInFnLeavesTheDoorUsable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Panics(t, func() {
		_ = w.Write(w.system(), model.Act{Name: "x"}, func(tx *store.Tx) error { _ = tx.Add(area(grid)); panic("a fault") })
	})
	require.Panics(t, func() { _ = w.Read(w.system(), func(*store.Tx) error { panic("a fault") }) })
	w.add(area(community))
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM areas"))
}

func TestAnOutdatedVersionAnswersTheOneThatIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	patch := func(unit string) error {
		return w.Write(w.system(), model.Act{Name: "record.patch"}, func(tx *store.Tx) error {
			got, err := tx.Record(r.ID)
			if err != nil {
				return err
			}
			got.Unit = unit
			return tx.SaveRecord(got, store.Trace{Act: "patch"})
		})
	}
	require.NoError(t, patch("2"))
	require.NoError(t, patch("3"))
	old := *r
	var me *model.Error
	err := w.Write(w.system(), model.Act{Name: "record.patch"}, func(tx *store.Tx) error {
		_, err := tx.Record(old.ID)
		tx.Save(&old)
		return err
	})
	require.ErrorAs(t, err, &me)
	require.Equal(t, model.Stale, me.Code)
	require.EqualValues(t, 3, me.Version, "the version that is stored now")
	require.EqualValues(t, 1, old.Version, "the caller's row is as it was")
}

func TestAndFailKeepsWhatWasStaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := model.Fail(model.AuthInvalid)
	err := w.Write(w.system(), model.Act{Name: "session.create"}, func(tx *store.Tx) error {
		tx.Failed(model.AuthInvalid)
		return errors.Join(tx.Add(area(community)), store.AndFail(want))
	})
	require.ErrorIs(t, err, want)
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM areas"))
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM audit WHERE act = 'session.create' AND result = 'auth.invalid'"))
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM audit WHERE act = 'session.create'"), "one trace, not a second that says ok")
}

func TestEveryWriteLeavesOneTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := testkit.Actor(model.CommunityRole, community)
	a.Source, a.RequestID = "192.0.2.9", "request-9"
	was := w.count("SELECT COUNT(*) FROM audit")
	w.clock.Advance(time.Minute)
	require.NoError(t, w.Write(as(t, a), model.Act{Name: "area.create", Target: "?"}, func(tx *store.Tx) error {
		tx.Note(grid, grid, strings.Repeat("字", 300))
		return tx.Add(area(grid), area(micro))
	}))
	require.Equal(t, was+1, w.count("SELECT COUNT(*) FROM audit"))
	require.Zero(t, w.count("SELECT COUNT(*) FROM revisions"))
	var got model.Audit
	w.read(a, func(tx *store.Tx) error { return tx.Q(&got).Where("act = ?", "area.create").Take(&got).Error })
	want := model.Audit{ID: got.ID, At: minutes(1), ActorID: a.Account, ActorRole: model.CommunityRole,
		ActorName: a.Name, Act: "area.create",
		Target: grid, AreaCode: grid, Street: street, Result: "ok", Detail: strings.Repeat("字", 200), Source: "192.0.2.9", RequestID: "request-9"}
	require.Equal(t, want, got)

	r := person(grid, a.Account)
	step := model.NewID()
	require.NoError(t, w.Write(as(t, a), model.Act{Name: "record.create", Target: r.ID.String()}, func(tx *store.Tx) error {
		return tx.AddRecord(r, store.Trace{Act: "create", Note: "说明", StepID: step, StepHash: []byte("hash")})
	}))
	require.Equal(t, was+1, w.count("SELECT COUNT(*) FROM audit"), "a record's revision is its trace")
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM revisions"))
	w.read(a, func(tx *store.Tx) error {
		rec, err := tx.Record(r.ID)
		require.NoError(t, err)
		h, err := tx.History(rec)
		require.NoError(t, err)
		require.Len(t, h, 1)
		v := h[0]
		require.Equal(t, []any{int64(1), minutes(1), a.Account, model.CommunityRole, a.Name, "create", "", "submitted",
			"192.0.2.9", "request-9", grid, step, "说明"},
			[]any{v.Version, v.At, v.ActorID, v.ActorRole, v.ActorName, v.Act, v.From, v.To, v.Source, v.RequestID, v.AreaCode,
				v.StepID, v.Note})
		taken, err := tx.StepTaken(r.ID, step)
		require.NoError(t, err)
		require.Equal(t, []byte("hash"), taken.StepHash)
		none, err := tx.StepTaken(r.ID, model.NewID())
		require.Nil(t, none)
		return err
	})
	require.ErrorIs(t, w.Write(as(t, a), model.Act{Name: "record.verify"}, func(tx *store.Tx) error {
		rec, err := tx.Record(r.ID)
		if err != nil {
			return err
		}
		return tx.SaveRecord(rec, store.Trace{Act: "verify", StepID: step})
	}), store.ErrDuplicate, "one step is not taken twice")
}

func TestAResidentsNameIsNotInTheTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := testkit.Actor(model.Resident, "")
	require.NoError(t, w.Write(as(t, a), model.Act{Name: "record.create"}, func(tx *store.Tx) error {
		return tx.AddRecord(person(grid, a.Account), store.Trace{Act: "create"})
	}))
	require.Zero(t, w.count("SELECT COUNT(*) FROM revisions WHERE actor_name <> ''"))
}

func TestTheClientsHangUpDoesNotStopTheCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, hangUp := context.WithCancel(w.system())
	require.NoError(t, w.Write(ctx, model.Act{Name: "area.create"}, func(tx *store.Tx) error {
		hangUp()
		return tx.Add(area(community))
	}))
	require.NoError(t, w.Write(ctx, model.Act{Name: "area.create"}, func(tx *store.Tx) error { return tx.Add(area(grid)) }))
	require.Equal(t, 2, w.count("SELECT COUNT(*) FROM areas"))
}

func TestAVoidTransactionRunsAgainFromItsStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	runs := 0
	require.NoError(t, w.Write(w.system(), model.Act{Name: "area.create"}, func(tx *store.Tx) error {
		runs++
		if err := tx.Add(area(fmt.Sprint(community, runs))); err != nil {
			return err
		}
		if runs < 3 {
			return store.ErrVoid
		}
		return nil
	}))
	require.Equal(t, 3, runs)
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM areas"), "only the last run's row")
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM areas WHERE code = ?", community+"3"))
}

func TestAnAttemptThatIsAlwaysVoidIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	runs := 0
	soon, done := context.WithTimeout(t.Context(), 300*time.Millisecond) // by itself it would go on for seconds
	defer done()
	err := w.Again(soon, func() error { runs++; return fmt.Errorf("lost: %w", store.ErrVoid) })
	var me *model.Error
	require.ErrorAs(t, err, &me)
	require.Equal(t, model.Busy, me.Code)
	require.Positive(t, me.RetryAfter)
	require.Greater(t, runs, 2)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, w.Again(ctx, func() error { return store.ErrVoid }), model.Fail(model.Busy), "nobody waits any longer")
	require.ErrorIs(t, w.Again(t.Context(), func() error { return errTest }), errTest, "another error comes back at once")
}

func TestSQLiteLockedByAnotherProcessIsBusy(t *testing.T) {
	t.Parallel()
	if testkit.OnMySQL() {
		t.Skip("sqlite: MySQL locks rows")
	}
	w := newWorld(t)
	o := w.opts
	o.Wait = 5 * time.Millisecond
	hasty, patient := testkit.Open(t, o), testkit.Open(t, w.opts)
	pool, err := w.WritePool()
	require.NoError(t, err)
	lock, err := pool.BeginTx(t.Context(), nil) // BEGIN IMMEDIATE
	require.NoError(t, err)
	ran := false
	err = hasty.Write(w.system(), model.Act{Name: "x"}, func(*store.Tx) error { ran = true; return nil })
	require.ErrorIs(t, err, model.Fail(model.Busy))
	require.False(t, ran)

	done := make(chan error)
	go func() {
		done <- patient.Write(w.system(), model.Act{Name: "x"}, func(tx *store.Tx) error { return tx.Add(area(community)) })
	}()
	require.NoError(t, lock.Rollback())
	require.NoError(t, <-done, "who waits is let in")
}

func TestADeadlockOfMariaDBIsRunAgain(t *testing.T) {
	t.Parallel()
	if !testkit.OnMySQL() {
		t.Skip("mysql: SQLite has one writer")
	}
	w := newWorld(t)
	codes := []string{street + "001", street + "002"}
	w.add(area(codes[0]), area(codes[1]))
	var both sync.WaitGroup // each holds its first row before either wants its second
	both.Add(2)
	var mu sync.Mutex
	runs := 0
	change := func(first, second string) error {
		met := false
		return w.Write(w.system(), model.Act{Name: "area.rename"}, func(tx *store.Tx) error {
			mu.Lock()
			runs++
			mu.Unlock()
			for _, code := range []string{first, second} {
				err := tx.Q(&model.Area{}).Clauses(clause.Locking{Strength: "UPDATE"}).Where("code = ?", code).Take(&model.Area{}).Error
				if err != nil {
					return err
				}
				if !met {
					met = true
					both.Done()
					both.Wait()
				}
			}
			tx.Change(&model.Area{}, map[string]any{"name": "第" + first[11:]}, "code = ?", first)
			return nil
		})
	}
	other := make(chan error)
	go func() { other <- change(codes[1], codes[0]) }()
	require.NoError(t, change(codes[0], codes[1]))
	require.NoError(t, <-other)
	require.Greater(t, runs, 2, "one of the two was run again")
	require.Equal(t, 2, w.count("SELECT COUNT(*) FROM areas WHERE name LIKE '第%'"), "neither write is lost")
	require.Equal(t, 2, w.count("SELECT COUNT(*) FROM audit WHERE act = 'area.rename'"), "each has one trace")
}

func TestAWriteWhoseTransactionVanishesIsRunAgain(t *testing.T) {
	t.Parallel()
	if !testkit.OnMySQL() {
		t.Skip("mysql: SQLite has no node that could die beneath the program")
	}
	w := newWorld(t)
	runs := 0
	err := w.Write(w.system(), model.Act{Name: "area.create"}, func(tx *store.Tx) error {
		if runs++; runs == 1 {
			var id int64
			require.NoError(t, tx.Q(&model.Setting{}).Select("CONNECTION_ID()").Row().Scan(&id))
			w.exec(fmt.Sprintf("KILL %d", id))
		}
		return tx.Add(area(community))
	})
	require.NoError(t, err)
	require.Equal(t, 2, runs)
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM areas"))
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM audit WHERE act = 'area.create'"))
}

func TestAWriteThatMeetsAMigrationIsRunAgain(t *testing.T) {
	t.Parallel()
	if !testkit.OnMySQL() {
		t.Skip("mysql: SQLite lets nobody migrate meanwhile")
	}
	for name, statements := range map[string][2]string{
		"a column more":                 {"ALTER TABLE areas ADD COLUMN colour VARCHAR(20) NOT NULL DEFAULT '', ALGORITHM=COPY", ""},
		"a table that is not there yet": {"RENAME TABLE areas TO later", "RENAME TABLE later TO areas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			runs := 0
			require.NoError(t, w.Write(w.system(), model.Act{Name: "area.create"}, func(tx *store.Tx) error {
				if err := tx.Q(&model.Setting{}).Limit(1).Find(&model.Setting{}).Error; err != nil { // from here on it sees one state
					return err
				}
				if s := statements[min(runs, 1)]; s != "" {
					w.exec(s)
				}
				runs++
				if err := tx.Q(&model.Area{}).Find(&[]model.Area{}).Error; err != nil {
					return err
				}
				return tx.Add(area(community))
			}))
			require.Equal(t, 2, runs)
			require.Equal(t, 1, w.count("SELECT COUNT(*) FROM areas"))
			require.Equal(t, 1, w.count("SELECT COUNT(*) FROM audit WHERE act = 'area.create'"))
		})
	}
}

func TestTickChangesWithoutATraceAndComparesAndSets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add(area(community))
	was := w.count("SELECT COUNT(*) FROM audit")
	n, err := w.Tick(t.Context(), &model.Area{}, map[string]any{"name": "新"}, "code = ? AND name = ?", community, "测试")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	n, err = w.Tick(t.Context(), &model.Area{}, map[string]any{"name": "新"}, "code = ? AND name = ?", community, "测试")
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, was, w.count("SELECT COUNT(*) FROM audit"))
}

func TestWritesOfManyAtOnceAllStand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := testkit.Open(t, w.opts)
	var wg sync.WaitGroup
	errs := make(chan error, 24)
	for i := range cap(errs) {
		db := []*store.DB{w.DB, second}[i%2]
		wg.Go(func() {
			errs <- db.Write(w.system(), model.Act{Name: "area.create"}, func(tx *store.Tx) error {
				return tx.Add(area(fmt.Sprintf("%s%03d", street, i)))
			})
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 24, w.count("SELECT COUNT(*) FROM areas"))
}

func TestARowChangedMeanwhileOnMariaDBIsStale(t *testing.T) {
	t.Parallel()
	if !testkit.OnMySQL() {
		t.Skip("mysql: SQLite lets nobody write meanwhile")
	}
	w := newWorld(t)
	w.add(area(community))
	err := w.Write(w.system(), model.Act{Name: "area.rename"}, func(tx *store.Tx) error {
		var mine model.Area
		if err := tx.Q(&mine).Where("code = ?", community).Take(&mine).Error; err != nil {
			return err
		}
		require.NoError(t, w.Write(w.system(), model.Act{Name: "area.rename"}, func(tx *store.Tx) error {
			theirs := mine
			theirs.Name = "先到"
			tx.Save(&theirs)
			return nil
		}))
		mine.Name = "后到"
		tx.Save(&mine)
		return nil
	})
	var me *model.Error
	require.ErrorAs(t, err, &me)
	require.Equal(t, model.Stale, me.Code)
	require.EqualValues(t, 2, me.Version, "what the other committed, not what this transaction saw first")
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM areas WHERE name = '先到'"))
}
