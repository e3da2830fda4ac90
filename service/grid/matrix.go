package grid

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// MatrixRoom is a room with its state.
type MatrixRoom struct {
	model.Room
	State     State
	People    int
	DueAt     model.Time
	LastVisit *model.Visit // without its note
}

// Matrix is every open room of a building as far as it is in scope, by unit, floor and number.
//
// Errors: not_found when the building is out of scope.
func (s *Service) Matrix(ctx context.Context, id model.ID) (rooms []MatrixRoom, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := building(tx, id); err != nil {
			return err
		}
		var rows []model.Room
		if err := tx.Q(&model.Room{}).Where("building_id = ? AND `use` <> ?", id, model.RoomEmpty).Find(&rows).Error; err != nil {
			return err
		}
		rooms, err = stated(tx, rows, func(q *gorm.DB) *gorm.DB { return q.Where("building_id = ?", id) })
		return err
	})
	return rooms, err
}

// recordFacts are what the records of one room say together.
type recordFacts struct {
	RoomID                               model.ID
	People, Submitted, Amended, Verified int
	Due, VerifiedAt                      model.Time
}

// factColumns counts the records of a room by what they mean for its state. An event or a situation that awaits verification is
// somebody's to look at, but that it was verified does not make the room's people known: only persons, places and organisations do.
const factColumns = `room_id,
COUNT(CASE WHEN kind = 'person' AND status IN ('submitted','verified','returned') THEN 1 END) AS people,
COUNT(CASE WHEN status = 'submitted' THEN 1 END) AS submitted,
COUNT(CASE WHEN status = 'submitted' AND ever_verified = 1 AND kind IN ('person','place','organisation') THEN 1 END) AS amended,
COUNT(CASE WHEN status = 'verified' AND kind IN ('person','place','organisation') THEN 1 END) AS verified,
MIN(CASE WHEN status = 'verified' THEN due_at END) AS due,
MAX(verified_at) AS verified_at`

// stated gives rooms their state from two queries, narrowed by where to records and visits of these rooms (or a few more): one row
// of sums per room, and the visits.
func stated(tx *store.Tx, rows []model.Room, where func(*gorm.DB) *gorm.DB) ([]MatrixRoom, error) {
	var sums []recordFacts
	err := where(tx.Q(&model.Record{})).Where("room_id IS NOT NULL").Select(factColumns).Group("room_id").Find(&sums).Error
	if err != nil {
		return nil, err
	}
	var visits []model.Visit
	err = where(tx.Q(&model.Visit{})).Omit("note").Order("at").Order("received_at").Order("id").Find(&visits).Error
	if err != nil {
		return nil, err
	}
	byRoom := map[model.ID]recordFacts{}
	for _, f := range sums {
		byRoom[f.RoomID] = f
	}
	knocks := map[model.ID][]VisitFact{}
	last := map[model.ID]*model.Visit{}
	for i, v := range visits {
		knocks[v.RoomID] = append(knocks[v.RoomID], VisitFact{Outcome(v.Outcome), v.At})
		last[v.RoomID] = &visits[i]
	}
	out := make([]MatrixRoom, len(rows))
	for i, r := range rows {
		f := byRoom[r.ID]
		facts := RoomFacts{Use: r.Use, Submitted: f.Submitted, Amended: f.Amended, Verified: f.Verified, Due: f.Due,
			VerifiedAt: f.VerifiedAt, Visits: knocks[r.ID]}
		out[i] = MatrixRoom{Room: r, State: StateOf(facts, tx.Now()), People: f.People, DueAt: f.Due, LastVisit: last[r.ID]}
	}
	slices.SortFunc(out, func(a, b MatrixRoom) int {
		return cmp.Or(byNumber(a.Unit, b.Unit), cmp.Compare(a.Floor, b.Floor), byNumber(a.Number, b.Number))
	})
	return out, nil
}

// byNumber orders texts that are mostly numbers: shorter first.
func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }
