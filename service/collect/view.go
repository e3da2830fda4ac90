package collect

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"sixelements/model"
	"sixelements/model/store"
)

// View is a record as the API shows it; sensitive values are masked.
type View struct {
	ID                  model.ID           `json:"id"`
	Kind                model.Kind         `json:"kind"`
	Status              model.Status       `json:"status"`
	Version             int64              `json:"version"`
	Title               string             `json:"title"`
	AreaCode            string             `json:"area_code"`
	Building            *ViewBuilding      `json:"building"`
	Unit                string             `json:"unit"`
	Room                string             `json:"room"`
	RoomID              model.ID           `json:"room_id" nullable:"true"`
	RoomUnmatched       bool               `json:"room_unmatched,omitempty" doc:"the room is kept as said; staff settle it"`
	HouseholdID         model.ID           `json:"household_id" nullable:"true"`
	Data                json.RawMessage    `json:"data"`
	Submitter           ViewPerson         `json:"submitter"`
	Channel             model.Channel      `json:"channel"`
	SubmittedAt         model.Time         `json:"submitted_at"`
	VerifiedAt          model.Time         `json:"verified_at" nullable:"true"`
	VerifiedBy          *string            `json:"verified_by" nullable:"true"`
	VerifyMethod        *model.Method      `json:"verify_method" nullable:"true"`
	DueAt               model.Time         `json:"due_at" nullable:"true"`
	Stage               model.Stage        `json:"stage,omitempty"`
	Handling            *ViewHandling      `json:"handling,omitempty"`
	Links               []ViewLink         `json:"links" nullable:"false"`
	Attachments         []Photo            `json:"attachments" nullable:"false"`
	Duplicates          *[]model.ID        `json:"duplicates,omitempty" doc:"records with the same number in the caller's scope; staff only"`
	DuplicatesElsewhere *bool              `json:"duplicates_elsewhere,omitempty"`
	Warnings            []model.FieldError `json:"warnings,omitempty" doc:"doubtful but accepted: please confirm"`
}

// ViewBuilding names a building.
type ViewBuilding struct {
	ID   model.ID `json:"id"`
	Name string   `json:"name"`
}

// ViewPerson says who acted; residents are not named.
type ViewPerson struct {
	Role model.Role `json:"role"`
	Name string     `json:"name"`
}

// ViewHandling is how far an event is.
type ViewHandling struct {
	Assignee model.ID   `json:"assignee" nullable:"true"`
	DueAt    model.Time `json:"due_at" nullable:"true"`
	Level    int        `json:"level" doc:"how often it was urged, and one more while a step is overdue"`
	Rating   *int       `json:"rating" nullable:"true"`
}

// ViewLink ties to another record.
type ViewLink struct {
	RecordID model.ID `json:"record_id"`
	Relation string   `json:"relation"`
	Inverse  bool     `json:"inverse,omitempty" doc:"the other record holds the link"`
}

// Show builds the views of records that were read in the caller's scope: a handful of statements, whatever their number.
func (s *Service) Show(ctx context.Context, recs ...*model.Record) (views []View, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		views, err = s.show(tx, recs)
		return err
	})
	return views, err
}

// ShowOne is Show for one record, with the warnings its data raised.
func (s *Service) ShowOne(ctx context.Context, r *model.Record, warnings []model.FieldError) (View, error) {
	v, err := s.Show(ctx, r)
	if err != nil {
		return View{}, err
	}
	v[0].Warnings = warnings
	return v[0], nil
}

// ShowMade shows a record that was just made: what was sent with it is all it can have.
func (s *Service) ShowMade(ctx context.Context, m Made) (v View, err error) {
	if m.Replay || m.Ties {
		return s.ShowOne(ctx, m.Record, m.Warnings)
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		same, err := duplicatesOf(tx, []*model.Record{m.Record})
		if err != nil {
			return err
		}
		names, err := buildingNames(tx, []*model.Record{m.Record})
		if err != nil {
			return err
		}
		v = view(tx, m.Record, names, same)
		v.Links, v.Attachments, v.Warnings = []ViewLink{}, []Photo{}, m.Warnings
		return nil
	})
	return v, err
}

// view is a record's view without what is tied to it.
func view(tx *store.Tx, r *model.Record, names map[model.ID]string, same map[string][]twin) View {
	v := basic(r, tx.Actor(), tx.Now())
	if name, ok := names[r.BuildingID]; ok {
		v.Building = &ViewBuilding{r.BuildingID, name}
	}
	if tx.Actor().AtLeastAt(model.Collector, r.Where()) {
		in, elsewhere := others(same[string(r.SubjectIndex)], r)
		v.Duplicates, v.DuplicatesElsewhere = &in, &elsewhere
	}
	return v
}

func (s *Service) show(tx *store.Tx, recs []*model.Record) ([]View, error) {
	ids := make([]model.ID, len(recs))
	for i, r := range recs {
		ids[i] = r.ID
	}
	names, err := buildingNames(tx, recs)
	if err != nil {
		return nil, err
	}
	links, err := linksOf(tx, ids)
	if err != nil {
		return nil, err
	}
	photos, err := s.o.Photos(tx, ids)
	if err != nil {
		return nil, err
	}
	same, err := duplicatesOf(tx, recs)
	if err != nil {
		return nil, err
	}
	out := make([]View, len(recs))
	for i, r := range recs {
		out[i] = view(tx, r, names, same)
		out[i].Links = append([]ViewLink{}, links[r.ID]...)
		out[i].Attachments = append([]Photo{}, photos[r.ID]...)
	}
	return out, nil
}

// SeesNames tells whether the caller needs the names of people in the record: who submitted it, and staff who work there.
func SeesNames(a model.Actor, r *model.Record) bool {
	return r.SubmitterID == a.Account || a.WorksAt(model.Collector, r.Where())
}

// basic is what can be said of a record without asking the database.
func basic(r *model.Record, a model.Actor, now model.Time) View {
	names := SeesNames(a, r)
	v := View{ID: r.ID, Kind: r.Kind, Status: r.Status, Version: r.Version, Title: r.Title, AreaCode: r.AreaCode, Unit: r.Unit, Room: r.Room,
		RoomID: r.RoomID, RoomUnmatched: r.RoomUnmatched, HouseholdID: r.HouseholdID, Channel: r.Channel, SubmittedAt: r.SubmittedAt,
		VerifiedAt: r.VerifiedAt, DueAt: r.DueAt, Stage: r.Stage, Submitter: ViewPerson{r.SubmitterRole, r.SubmitterName},
		Data: r.Kind.Schema().Encode(r.Element, r.Extra, model.View{Names: names, Today: now.Date()})}
	if r.Kind == model.KindPerson && !names {
		v.Title = model.MaskName(r.Title)
	}
	if !r.VerifiedAt.IsZero() {
		v.VerifiedBy, v.VerifyMethod = &r.VerifiedName, &r.VerifyMethod
	}
	if e, ok := r.Element.(*model.Event); ok && isTrue(e.Anonymous) && !names && !a.AtLeastAt(model.Collector, r.Where()) {
		v.Unit, v.Room, v.RoomID, v.HouseholdID = "", "", model.ID{}, model.ID{} // a department is not to learn whose door it was
	}
	if r.Kind == model.KindEvent {
		v.Handling = &ViewHandling{Assignee: r.AssigneeID, DueAt: r.HandleDueAt, Level: r.LevelAt(now)}
		if r.Rating > 0 {
			v.Handling.Rating = &r.Rating
		}
	}
	return v
}

func isTrue(b *bool) bool { return b != nil && *b }

func buildingNames(tx *store.Tx, recs []*model.Record) (map[model.ID]string, error) {
	var ids []model.ID
	for _, r := range recs {
		if !r.BuildingID.IsZero() && !slices.Contains(ids, r.BuildingID) {
			ids = append(ids, r.BuildingID)
		}
	}
	if len(ids) == 1 {
		b, err := buildingAt(tx, ids[0])
		return map[model.ID]string{b.ID: b.Name}, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []model.Building
	// A building's name is no secret to who can read a record in it.
	err := tx.System("building names").Q(&model.Building{}).Select("id", "name").Where("id IN ?", ids).Find(&rows).Error
	out := map[model.ID]string{}
	for _, b := range rows {
		out[b.ID] = b.Name
	}
	return out, err
}

// linksOf are the links of records both ways, as far as the other end is in the caller's scope.
func linksOf(tx *store.Tx, ids []model.ID) (map[model.ID][]ViewLink, error) {
	out := map[model.ID][]ViewLink{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []model.Link
	for _, end := range []string{"record_id", "other_id"} { // each has its index; one statement for both would have neither
		var some []model.Link
		if err := tx.System("links").Q(&model.Link{}).Where(end+" IN ?", ids).Find(&some).Error; err != nil {
			return out, err
		}
		rows = append(rows, some...)
	}
	if len(rows) == 0 {
		return out, nil
	}
	slices.SortFunc(rows, func(a, b model.Link) int { return cmp.Or(cmp.Compare(a.At, b.At), slices.Compare(a.ID[:], b.ID[:])) })
	rows = slices.CompactFunc(rows, func(a, b model.Link) bool { return a.ID == b.ID }) // a link between two of the page came twice
	var ends []model.ID
	for _, l := range rows {
		ends = append(ends, l.RecordID, l.OtherID)
	}
	var seen []model.ID
	if err := tx.Q(&model.Record{}).Where("id IN ?", ends).Pluck("id", &seen).Error; err != nil {
		return nil, err
	}
	for _, l := range rows {
		if !slices.Contains(seen, l.RecordID) || !slices.Contains(seen, l.OtherID) {
			continue
		}
		out[l.RecordID] = append(out[l.RecordID], ViewLink{RecordID: l.OtherID, Relation: l.Relation})
		out[l.OtherID] = append(out[l.OtherID], ViewLink{RecordID: l.RecordID, Relation: l.Relation, Inverse: true})
	}
	return out, nil
}

// twin is a live record that carries a number, and whether it lies in the actor's scope.
type twin struct {
	id   model.ID
	kind model.Kind
	seen bool
}

// others lists the twins of a record's kind in the actor's scope, and tells whether there are more outside it.
func others(list []twin, r *model.Record) (in []model.ID, elsewhere bool) {
	in = []model.ID{}
	for _, x := range list {
		switch {
		case x.id == r.ID || x.kind != r.Kind:
		case x.seen:
			in = append(in, x.id)
		default:
			elsewhere = true
		}
	}
	return in, elsewhere
}

// duplicatesOf finds live records that carry the same number as one of recs, by blind index.
func duplicatesOf(tx *store.Tx, recs []*model.Record) (map[string][]twin, error) {
	out := map[string][]twin{}
	var keys [][]byte
	for _, r := range recs {
		if len(r.SubjectIndex) > 0 && tx.Actor().AtLeastAt(model.Collector, r.Where()) {
			keys = append(keys, r.SubjectIndex)
		}
	}
	if len(keys) == 0 {
		return out, nil
	}
	var rows []model.Record
	err := tx.System("duplicates").Q(&model.Record{}).
		Select("id", "kind", "subject_index", "area_code", "building_id", "unit", "submitter_id").
		Where("subject_index IN ? AND status IN ?", keys, []model.Status{model.Submitted, model.Verified, model.Returned}).Find(&rows).Error
	for _, x := range rows {
		seen := tx.Covers(x.Where()) || x.SubmitterID == tx.Actor().Account
		out[string(x.SubjectIndex)] = append(out[string(x.SubjectIndex)], twin{x.ID, x.Kind, seen})
	}
	return out, err
}
