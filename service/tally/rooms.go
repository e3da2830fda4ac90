package tally

import (
	"slices"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// grace is how long an overdue room still counts.
const grace = 30 * 24 * time.Hour

// forever is until when a room is covered whose records are never due: the end of the year 9999.
const forever = model.Time(253_402_271_999_000)

const millisPerHour = int64(time.Hour / time.Millisecond)

// millisPerSpan is how finely the lapses of coverage are told apart. A finer span makes the parts of large areas longer, a coarser one
// the walk along the rooms that lapse in the current one.
const millisPerSpan = 12 * millisPerHour

func spanOf(t model.Time) int64 { return int64(t) / millisPerSpan }

func roomCell(r *model.TallyRoom) store.Cell {
	return store.Cell{Area: r.AreaCode, Building: r.BuildingID, Lapse: spanOf(r.CoveredUntil)}
}

// roomFacts are what is known of a room from its records, of whatever area they are: the numbers alone get out.
type roomFacts struct {
	RoomID     model.ID
	Waiting    int64      // records that await their first verification
	Known      int64      // records that say who or what is in the room, verified or amended after they were
	Due        model.Time // the first moment at which one of these is due
	VerifiedAt model.Time // the last verification of any record
}

// registers are the kinds that say who or what is in a room; an event or a situation does not.
func registers() []model.Kind {
	return []model.Kind{model.KindPerson, model.KindPlace, model.KindOrganisation}
}

// atOnce is how many rooms are judged in one go: three statements.
const atOnce = 400

// judged are the rooms as they count now: those that are closed or merged into another do not. A room is covered (domain.md, room
// states; service/grid judges single rooms by the same rule) when what is known of it is verified, or amended by its residents after
// it was, and not overdue by more than 30 days; nothing new awaits verification; or nobody is known there and it was found vacant twice.
func judged(tx *store.Tx, rooms []model.Room) (out []*model.TallyRoom, err error) {
	rooms = slices.DeleteFunc(rooms, func(r model.Room) bool { return r.Use == model.RoomEmpty })
	for part := range slices.Chunk(rooms, atOnce) {
		facts, err := factsOf(tx, part)
		if err != nil {
			return nil, err
		}
		var silent []model.ID
		for _, r := range part {
			if f := facts[r.ID]; f.Known == 0 && f.Waiting == 0 && r.Use != model.Business {
				silent = append(silent, r.ID)
			}
		}
		empty, err := vacant(tx, silent, facts)
		if err != nil {
			return nil, err
		}
		for _, r := range part {
			t := &model.TallyRoom{RoomID: r.ID, BuildingID: r.BuildingID, AreaCode: r.AreaCode}
			switch f := facts[r.ID]; {
			case f.Waiting > 0:
			case f.Known > 0 && !f.Due.IsZero():
				t.CoveredUntil = f.Due.Add(grace)
			case f.Known > 0, empty[r.ID]:
				t.CoveredUntil = forever
			}
			out = append(out, t)
		}
	}
	return out, nil
}

// judgedByID are the rooms with these ids as they count now.
func judgedByID(tx *store.Tx, ids []model.ID) (out []*model.TallyRoom, err error) {
	for part := range slices.Chunk(ids, atOnce) {
		var rooms []model.Room
		q := tx.Q(&model.Room{}).Select("id", "building_id", "area_code", "use").Where("id IN ?", part)
		if err := q.Find(&rooms).Error; err != nil {
			return nil, err
		}
		list, err := judged(tx, rooms)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

func factsOf(tx *store.Tx, rooms []model.Room) (map[model.ID]roomFacts, error) {
	ids := make([]model.ID, len(rooms))
	for i, r := range rooms {
		ids[i] = r.ID
	}
	const known = "status = ? AND kind IN ? OR status = ? AND ever_verified = ?"
	knownArgs := []any{model.Verified, registers(), model.Submitted, true}
	var list []roomFacts
	err := tx.Q(&model.Record{}).Where("room_id IN ?", ids).Group("room_id").
		Select("room_id, SUM(CASE WHEN status = ? AND ever_verified = ? THEN 1 ELSE 0 END) AS waiting, "+
			"SUM(CASE WHEN "+known+" THEN 1 ELSE 0 END) AS known, MIN(CASE WHEN "+known+" THEN due_at END) AS due, "+
			"MAX(verified_at) AS verified_at",
			slices.Concat([]any{model.Submitted, false}, knownArgs, knownArgs)...).Find(&list).Error
	facts := make(map[model.ID]roomFacts, len(list))
	for _, f := range list {
		facts[f.RoomID] = f
	}
	return facts, err
}

// vacant are the rooms whose last visit found them vacant, as did one before it, with no sign of life between or since: who was met,
// moved away or was named wrongly begins the count anew, and so does a verification.
func vacant(tx *store.Tx, rooms []model.ID, facts map[model.ID]roomFacts) (map[model.ID]bool, error) {
	if len(rooms) == 0 {
		return nil, nil
	}
	var visits []model.Visit
	q := tx.Q(&model.Visit{}).Select("room_id", "outcome", "at").Where("room_id IN ?", rooms).Order("room_id").Order("at")
	if err := q.Find(&visits).Error; err != nil {
		return nil, err
	}
	out := map[model.ID]bool{}
	for _, list := range byRoom(visits) {
		room := list[0].RoomID
		var life model.Time
		for _, v := range list {
			if v.Outcome == "met" || v.Outcome == "moved" || v.Outcome == "wrong_info" {
				life = v.At
			}
		}
		n, last := 0, model.Time(0)
		for _, v := range list {
			if v.Outcome == "vacant" && v.At >= life && v.At > facts[room].VerifiedAt {
				n, last = n+1, v.At
			}
		}
		out[room] = n >= 2 && last == list[len(list)-1].At
	}
	return out, nil
}

// byRoom splits visits that are ordered by room.
func byRoom(visits []model.Visit) (out [][]model.Visit) {
	for len(visits) > 0 {
		n := slices.IndexFunc(visits, func(v model.Visit) bool { return v.RoomID != visits[0].RoomID })
		if n < 0 {
			n = len(visits)
		}
		out, visits = append(out, visits[:n]), visits[n:]
	}
	return out
}
