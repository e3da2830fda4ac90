package store

import (
	"context"
	"slices"

	"sixelements/model"
)

// VerifyHistories walks the revisions of all records and answers how many hold, and the records whose chain is broken: a revision
// that was changed, is missing, or does not follow from the one before. It reads without loading a chain whole.
func (db *DB) VerifyHistories(ctx context.Context) (revisions int, broken []model.ID, err error) {
	const page = 500
	var last model.Revision // the one before
	for {
		var rows []model.Revision
		err := db.Read(AsSystem(ctx, "verify histories"), func(tx *Tx) error {
			rows = rows[:0]
			q := tx.Q(&model.Revision{}).Order("record_id").Order("version").Limit(page)
			if !last.RecordID.IsZero() {
				q = q.Where("record_id > ? OR (record_id = ? AND version > ?)", last.RecordID, last.RecordID, last.Version)
			}
			return q.Find(&rows).Error
		})
		if err != nil {
			return revisions, broken, err
		}
		for i := range rows {
			v := &rows[i]
			before, version := []byte(nil), int64(1)
			if v.RecordID == last.RecordID {
				before, version = last.Hash, last.Version+1
			}
			if v.Version != version || !slices.Equal(v.PrevHash, before) || !slices.Equal(db.revisionHash(v), v.Hash) {
				if !slices.Contains(broken, v.RecordID) {
					broken = append(broken, v.RecordID)
				}
			} else {
				revisions++
			}
			last = *v
		}
		if len(rows) < page {
			return revisions, broken, nil
		}
	}
}
