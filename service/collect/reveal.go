package collect

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"sixelements/model"
	"sixelements/model/store"
)

// ReporterPhone is the field by which a department asks for the phone of who reported an event.
const ReporterPhone = "reporter_phone"

// Reveal shows fields of a record in clear, for a reason, and leaves a trace of who saw what and why.
//
// Errors: not_found out of scope; role.forbidden for who may not see these fields; validation.failed for a missing reason or a
// field that is not one.
func (s *Service) Reveal(ctx context.Context, id model.ID, fields []string, reason string) (out map[string]any, err error) {
	act := model.Act{Name: "record.reveal", Target: id.String(), Detail: strings.Join(fields, ",") + "｜" + strings.TrimSpace(reason)}
	err = s.db.Write(ctx, act, func(tx *store.Tx) error {
		r, err := tx.Record(id)
		if err != nil {
			return err
		}
		if err := mayReveal(tx.Actor(), r, fields); err != nil {
			return err
		}
		if err := revealable(r, fields, reason); err != nil {
			return err
		}
		tx.Note("", r.AreaCode, "")
		out = map[string]any{}
		schema := r.Kind.Schema()
		for _, name := range fields {
			if reporters(r, name) {
				if out[name], err = s.o.Phone(tx.System("call back"), r.SubmitterID); err != nil {
					return err
				}
				continue
			}
			f, _ := schema.Field(name)
			out[name] = f.Clear(r.Element)
		}
		return nil
	})
	return out, err
}

// reporters tells whether the field is the phone of who reported the event: an event has no phone of its own.
func reporters(r *model.Record, name string) bool {
	return r.Kind == model.KindEvent && (name == ReporterPhone || name == "phone")
}

// mayReveal: community and street any field; collectors and grid leaders the phone; a department the reporter's phone when a call
// back was asked for.
func mayReveal(a model.Actor, r *model.Record, fields []string) error {
	onlyField := func(name string) bool {
		return len(fields) > 0 && !slices.ContainsFunc(fields, func(f string) bool { return f != name })
	}
	switch {
	case a.WorksAt(model.CommunityRole, r.Where()):
		return nil
	case a.WorksAt(model.Collector, r.Where()) && onlyField("phone"):
		return nil
	case a.Has(model.Department) && r.Kind == model.KindEvent && (onlyField(ReporterPhone) || onlyField("phone")):
		if isTrue(r.Element.(*model.Event).CallBack) {
			return nil
		}
	}
	return model.Fail(model.RoleForbidden)
}

const (
	shortestReason = 2
	longestReason  = 100
)

func revealable(r *model.Record, fields []string, reason string) error {
	var f model.Faults
	if n := utf8.RuneCountInString(strings.TrimSpace(reason)); n < shortestReason || n > longestReason {
		f.Add("reason", model.FieldRequired, "请写明查看原因，2 到 100 个字")
	}
	if len(fields) == 0 {
		f.Add("fields", model.FieldRequired, "请选择要查看的内容")
	}
	for _, name := range fields {
		if d, ok := r.Kind.Schema().Field(name); (!ok || !d.Masked) && !reporters(r, name) {
			f.Add("fields", model.FieldChoice, "只能查看隐去的内容，请核对字段名")
		}
	}
	return f.Err()
}
