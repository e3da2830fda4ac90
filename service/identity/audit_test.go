package identity_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/identity"
)

func TestTheTraceIsReadInScope(t *testing.T) {
	t.Parallel()
	f := open(t, identity.Options{})
	records := map[string]model.ID{community: model.NewID(), community2: model.NewID()}
	f.write(func(tx *store.Tx) error {
		for area, id := range records {
			err := tx.Add(&model.Record{ID: id, Kind: model.KindEvent, AreaCodes: model.CodesOf(area), SubmitterID: model.NewID(),
				SubmittedAt: tx.Now(), Version: 1},
				&model.Revision{ID: model.NewID(), RecordID: id, Version: 1, At: tx.Now(), Act: "verify", From: "submitted", To: "verified",
					AreaCode: area, Street: model.CodesOf(area).Street, Hash: []byte{1}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	for i := range 3 {
		f.clock.Advance(time.Second)
		f.account(fmt.Sprintf("user%d", i), role(model.Collector, grid))
	}
	f.account("next", role(model.Collector, community2))
	staff := testkit.As(context.Background(), model.CommunityRole, community)
	read := func(ctx context.Context, flt identity.AuditFilter) (items []identity.AuditItem) {
		t.Helper()
		for {
			part, next, err := f.Audit(ctx, flt)
			require.NoError(t, err)
			require.LessOrEqual(t, len(part), flt.Limit)
			items = append(items, part...)
			if flt.Cursor = next; next == "" {
				return items
			}
		}
	}
	for _, limit := range []int{1, 2, 50} {
		items := read(staff, identity.AuditFilter{Limit: limit})
		require.Len(t, items, 4, "limit %d", limit)
		require.Equal(t, "account.create", items[0].Act)
		require.Equal(t, "verify", items[3].Act)
		require.Equal(t, records[community].String(), items[3].Target)
		require.Equal(t, model.Admin, items[0].Actor.Role)
	}
	require.Len(t, read(staff, identity.AuditFilter{Limit: 50, Act: "verify"}), 1)
	require.Empty(t, read(staff, identity.AuditFilter{Limit: 50, Area: community2}))
	require.Len(t, read(testkit.As(context.Background(), model.StreetRole, street), identity.AuditFilter{Limit: 3, Area: street}), 6)
	require.Empty(t, read(staff, identity.AuditFilter{Limit: 50, Actor: model.NewID()}))
	_, _, err := f.Audit(staff, identity.AuditFilter{Limit: 5, Cursor: "?"})
	fails(t, err, model.Invalid, "cursor")
}

// sealedOffice has a sealed trace of n rows.
func sealedOffice(t *testing.T, n int) *office {
	t.Helper()
	f := open(t, identity.Options{})
	f.write(func(tx *store.Tx) error {
		for i := len(f.trace()) + 1; i < n; i++ { // the door adds the row of this write
			if err := tx.Add(&model.Audit{ID: model.NewID(), At: tx.Now(), Act: "test", Result: "ok"}); err != nil {
				return err
			}
		}
		return nil
	})
	done, err := f.SealAudit(context.Background())
	require.NoError(t, err)
	require.Zero(t, done, "rows of this second wait for their neighbours")
	f.clock.Advance(time.Second)
	for done := 0; done < n; {
		k, err := f.SealAudit(context.Background())
		require.NoError(t, err)
		require.Positive(t, k)
		done += k
	}
	return f
}

func TestTheTraceIsSealedIntoAChain(t *testing.T) {
	t.Parallel()
	f := sealedOffice(t, 1205)
	before := len(f.trace())
	n, err := f.SealAudit(context.Background())
	require.NoError(t, err)
	require.Zero(t, n)
	require.Len(t, f.trace(), before, "sealing leaves no trace of its own, or it would never end")
	f.account("wang", role(model.Collector, grid))
	f.clock.Advance(time.Second)
	n, err = f.SealAudit(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	rows, broken, err := f.VerifyAudit(context.Background())
	require.NoError(t, err)
	require.Nil(t, broken)
	require.Equal(t, 1206, rows)
}

func TestAChangedTraceIsFound(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]map[string]any{
		"another act":    {"act": "nothing"},
		"another result": {"result": "auth.invalid"},
		"another actor":  {"actor_id": model.NewID()},
		"another time":   {"at": model.Time(1)},
		"another source": {"source": "198.51.100.1"},
		"another hash":   {"hash": []byte{1, 2, 3}},
		"moved":          {"seq": 99},
		"removed":        nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := sealedOffice(t, 8)
			f.write(func(tx *store.Tx) error {
				if set == nil {
					tx.Remove(&model.Audit{}, "seq = ?", 5)
				} else {
					tx.Change(&model.Audit{}, set, "seq = ?", 5)
				}
				return nil
			})
			rows, broken, err := f.VerifyAudit(context.Background())
			require.NoError(t, err)
			require.Equal(t, 4, rows)
			require.Equal(t, int64(5), *broken)
		})
	}
}

func TestTwoWhoSealAtOnceDoNotBreakTheChain(t *testing.T) {
	t.Parallel()
	f := sealedOffice(t, 5)
	for range 3 {
		f.write(func(tx *store.Tx) error {
			for range 20 {
				if err := tx.Add(&model.Audit{ID: model.NewID(), At: tx.Now(), Act: "test", Result: "ok"}); err != nil {
					return err
				}
			}
			return nil
		})
		f.clock.Advance(time.Second)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _, _ = f.SealAudit(context.Background()) }) // all but one may fail
		}
		wg.Wait()
		_, err := f.SealAudit(context.Background())
		require.NoError(t, err)
	}
	rows, broken, err := f.VerifyAudit(context.Background())
	require.NoError(t, err)
	require.Nil(t, broken)
	require.Equal(t, len(f.trace()), rows)
}
