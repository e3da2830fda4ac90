package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/ledger"
)

func TestTextInAColumnThatAnotherCommunityMadeOneOfNumbersIsNeutralisedToo(t *testing.T) {
	t.Parallel()
	o := open(t)
	define := func(area, kind string) {
		o.add(&model.ExtraField{ID: model.NewID(), AreaCode: area, Kind: model.KindObject, Name: "count", Label: "数量", Type: kind,
			CreatedAt: o.db.Now()})
	}
	define(community, "integer")
	define(grid, "text")
	id := o.records(model.KindObject, grid, o.gen.Object())[0]
	require.NoError(t, o.db.Write(o.system(), model.Act{Name: "test.change"}, func(tx *store.Tx) error {
		r, err := tx.Record(id)
		if err != nil {
			return err
		}
		r.Extra = model.ExtraData{"count": "=HYPERLINK(1)"}
		return tx.SaveRecord(r, store.Trace{Act: "patch"})
	}))
	r := verified(model.KindObject, ledger.CSV)
	r.Columns = []string{"extra.count"}
	path, _ := o.export(staff(), r)
	require.Equal(t, "'=HYPERLINK(1)", readCSV(t, path)[1][5])
}
