package dispatch

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

const area = "410102002001"

// situation puts a situation to escalate into the database.
func situation(t *testing.T, db *store.DB) model.ID {
	t.Helper()
	r := &model.Record{ID: model.NewID(), Kind: model.KindSituation, Status: model.Submitted, AreaCodes: model.CodesOf(area),
		SubmitterID: model.NewID(), SubmitterRole: model.Collector, Channel: model.ByCollector, SubmittedAt: db.Now(),
		Element: &model.Situation{Category: "0100", Content: "楼道灯不亮", SituationKind: "demand"}}
	require.NoError(t, db.Write(store.AsSystem(t.Context(), "test"), model.Act{Name: "test.put"}, func(tx *store.Tx) error {
		return tx.AddRecord(r, store.Trace{Act: "create"})
	}))
	return r.ID
}

// merge is collect's, in short.
func merge(tx *store.Tx, r *model.Record, _ json.RawMessage, _ bool) ([]model.FieldError, error) {
	r.Element = &model.Event{Subject: "灯坏了", Category: "01", Description: "楼道灯不亮", OccurredAt: tx.Now(), Urgency: "low"}
	return nil, nil
}

// events are the ids of all events.
func events(t *testing.T, db *store.DB) (ids []model.ID) {
	t.Helper()
	require.NoError(t, db.Read(store.AsSystem(t.Context(), "test"), func(tx *store.Tx) error {
		ids = nil
		return tx.Q(&model.Record{}).Where("kind = ?", model.KindEvent).Pluck("id", &ids).Error
	}))
	return ids
}

func TestOneStepMakesOneEventThoughItComesEightTimesAtOnce(t *testing.T) {
	t.Parallel()
	const times = 8
	db := testkit.DB(t)
	var all sync.WaitGroup // on MariaDB each has looked for the event before any makes one; SQLite lets nobody write meanwhile
	all.Add(times)
	var mu sync.Mutex
	met := 0
	s := New(db, func(tx *store.Tx, r *model.Record, data json.RawMessage, verified bool) ([]model.FieldError, error) {
		mu.Lock()
		met++
		first := testkit.OnMySQL() && met <= times
		mu.Unlock()
		if first {
			all.Done()
			all.Wait()
		}
		return merge(tx, r, data, verified)
	})
	id := situation(t, db)
	ctx := testkit.As(t.Context(), model.GridLeader, area)
	step := model.Step{Action: "escalate", StepID: model.NewID(), Data: json.RawMessage(`{}`)}
	var done sync.WaitGroup
	made, replays := map[model.ID]int{}, 0
	for range times {
		done.Go(func() {
			e, replay, err := s.Escalate(ctx, id, `"1"`, step)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("an answer is an error: %v", err)
				return
			}
			made[e.ID]++
			if replay {
				replays++
			}
		})
	}
	done.Wait()
	require.Len(t, events(t, db), 1)
	require.Equal(t, map[model.ID]int{events(t, db)[0]: times}, made)
	require.Equal(t, times-1, replays)
}

func TestAStepIDStandsForOneContentAndNoIDForANewEventEachTime(t *testing.T) {
	t.Parallel()
	db := testkit.DB(t)
	s := New(db, merge)
	id, other := situation(t, db), situation(t, db)
	ctx := testkit.As(t.Context(), model.GridLeader, area)
	step := model.Step{Action: "escalate", StepID: model.NewID(), Data: json.RawMessage(`{}`)}
	_, _, err := s.Escalate(ctx, id, `"1"`, step)
	require.NoError(t, err)
	changed := step
	changed.Note = "另一件"
	_, _, err = s.Escalate(ctx, id, `"1"`, changed)
	require.True(t, model.IsCode(err, model.IDConflict), "%v", err)
	_, replay, err := s.Escalate(ctx, other, `"1"`, step)
	require.NoError(t, err)
	require.False(t, replay, "of another source it is another step")
	step.StepID = model.ID{}
	for range 2 {
		_, replay, err = s.Escalate(ctx, id, `"1"`, step)
		require.NoError(t, err)
		require.False(t, replay)
	}
	require.Len(t, events(t, db), 4)
}
