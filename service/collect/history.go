package collect

import (
	"context"
	"encoding/hex"

	"sixelements/model"
	"sixelements/model/store"
)

// ViewRevision is one step of a record's history.
type ViewRevision struct {
	Version  int64        `json:"version"`
	At       model.Time   `json:"at"`
	Actor    ViewPerson   `json:"actor"`
	Action   string       `json:"action"`
	From     string       `json:"from"`
	To       string       `json:"to"`
	Note     string       `json:"note"`
	Changes  []ViewChange `json:"changes" nullable:"false"`
	Hash     string       `json:"hash"`
	PrevHash string       `json:"prev_hash"`
}

// ViewChange is one field's difference, sensitive values masked.
type ViewChange struct {
	Field  string `json:"field"`
	Label  string `json:"label"`
	Before any    `json:"before" nullable:"true"`
	After  any    `json:"after" nullable:"true"`
}

// History is a record's revisions, oldest first; notes are hidden from an administrator, as names are. Errors: not_found out of scope;
// role.forbidden for a department, which sees an event, not who reported and changed what in it.
func (s *Service) History(ctx context.Context, id model.ID) (out []ViewRevision, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		r, err := tx.Record(id)
		if err != nil {
			return err
		}
		if r.SubmitterID != tx.Actor().Account && !tx.Actor().AtLeastAt(model.Collector, r.Where()) {
			return model.Fail(model.RoleForbidden)
		}
		revs, err := tx.History(r)
		if err != nil {
			return err
		}
		show := model.View{Names: SeesNames(tx.Actor(), r)}
		schema := r.Kind.Schema()
		out = make([]ViewRevision, len(revs))
		for i, v := range revs {
			out[i] = ViewRevision{Version: v.Version, At: v.At, Actor: ViewPerson{v.ActorRole, v.ActorName}, Action: v.Act, From: v.From,
				To: v.To, Note: v.Note, Changes: make([]ViewChange, 0, len(v.Changes)), Hash: hex.EncodeToString(v.Hash),
				PrevHash: hex.EncodeToString(v.PrevHash)}
			if !show.Names && v.Note != "" { // it may name people
				out[i].Note = "***"
			}
			for _, c := range v.Changes {
				out[i].Changes = append(out[i].Changes, ViewChange{Field: c.Field, Label: labelOf(schema, c.Field),
					Before: schema.ShowChange(c.Field, c.Before, show), After: schema.ShowChange(c.Field, c.After, show)})
			}
		}
		return nil
	})
	return out, err
}

func labelOf(s *model.Schema, field string) string {
	if f, ok := s.Field(field); ok {
		return f.Label
	}
	switch field {
	case "extra":
		return "社区补充"
	case model.MovedTo:
		return "去向"
	}
	return field
}
