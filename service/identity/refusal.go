package identity

import (
	"context"

	"sixelements/model"
	"sixelements/model/store"
)

// NoteRefusal leaves a trace of an operation that was refused to an account for lack of a right: who tried what. A trace that cannot
// be written does not change the answer.
func (s *Service) NoteRefusal(ctx context.Context, operation string, code model.Code) {
	err := s.db.Write(ctx, model.Act{Name: "refused", Target: operation}, func(tx *store.Tx) error {
		tx.Failed(code)
		return nil
	})
	if err != nil {
		s.o.Log.WarnContext(ctx, "refusal not traced", "err", err)
	}
}
