package store

import (
	"bytes"
	"encoding/json"

	"sixelements/model"
)

// Replayed judges a step's id: true when the record took this very step before, and the write is untraced then;
// record.id_conflict when the id stands for other content.
func (tx *Tx) Replayed(record, step model.ID, hash []byte) (bool, error) {
	if step.IsZero() {
		return false, nil
	}
	v, err := tx.StepTaken(record, step)
	if err != nil || v == nil {
		return false, err
	}
	if !bytes.Equal(v.StepHash, hash) {
		return false, model.Fail(model.IDConflict)
	}
	tx.Untraced()
	return true, nil
}

// Merge applies a patch to a record's element in place and answers what is doubtful in it; verified: the result is to stand as
// verified. The services that take steps are handed it by the one that knows how.
type Merge func(tx *Tx, r *model.Record, patch json.RawMessage, verified bool) ([]model.FieldError, error)
