package tally

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"sixelements/model"
	"sixelements/model/store"
)

// atMost is how many commits are folded at once: as many as a busy second brings, so that on SQLite writers do not wait long.
const atMost = 200

// draft is a new state of the folded numbers, made from one state of the database. Until it is written it is nobody's.
type draft struct {
	tx      *store.Tx
	state   model.TallyPart
	repairs bool            // what cannot be read is made anew by what comes after
	parts   sheets          // what was read, as it will be
	changed map[string]bool // parts that differ from what is stored
	rooms   map[model.ID]*model.TallyRoom
	gone    map[model.ID]bool
	homes   map[model.ID][]model.TallyHousehold
	deltas  []model.ID
}

// begin makes a draft of what is stored.
func begin(tx *store.Tx) (*draft, error) {
	d := &draft{tx: tx, parts: sheets{}, changed: map[string]bool{}, rooms: map[model.ID]*model.TallyRoom{}, gone: map[model.ID]bool{},
		homes: map[model.ID][]model.TallyHousehold{}}
	err := tx.Q(&model.TallyPart{}).Where("id = ?", store.TallyState).Limit(1).Find(&d.state).Error
	return d, err
}

// made tells whether the folded numbers were made: what follows from them is exact. Those of households came later.
func (d *draft) made() bool { return len(d.state.Cells) > 0 }

func (d *draft) madeAll() bool { return bytes.Equal(d.state.Cells, store.TallyMade) }

// Fold adds what commits changed to the folded numbers, at most 200 commits, and answers how many. Whoever calls it holds the lease;
// of two at once, one does nothing. Errors: server.busy, and the database's.
func (s *Service) Fold(ctx context.Context) (commits int, err error) {
	err = s.draft(ctx, func(d *draft) error {
		if !d.made() {
			return nil
		}
		return d.fold(atMost)
	}, func(d *draft) bool { commits = len(d.deltas); return commits > 0 })
	if errors.Is(err, store.ErrCrossed) {
		return 0, nil
	}
	return commits, err
}

// draft makes a draft from one state of the database, and writes it if it is worth it.
func (s *Service) draft(ctx context.Context, make func(*draft) error, worth func(*draft) bool) error {
	var d *draft
	err := s.db.Read(store.AsSystem(ctx, "fold tallies"), func(tx *store.Tx) (err error) {
		if d, err = begin(tx); err != nil {
			return err
		}
		return make(d)
	})
	if err != nil || !worth(d) {
		return err
	}
	return s.db.Refold(ctx, d.refold())
}

// Keep folds until nothing waits; in a database that has no folded numbers yet, or none of households, it makes them first.
func (s *Service) Keep(ctx context.Context) error {
	made := false
	err := s.db.Read(store.AsSystem(ctx, "fold tallies"), func(tx *store.Tx) error {
		d, err := begin(tx)
		made = err == nil && d.madeAll()
		return err
	})
	if err == nil && !made {
		_, err = s.Rebuild(ctx, true)
	}
	for n := atMost; err == nil && n == atMost; {
		n, err = s.Fold(ctx)
	}
	return err
}

// fold takes what waits, at most so many commits, oldest first.
func (d *draft) fold(most int) error {
	tail, err := readTail(d.tx, most, d.repairs)
	if err != nil || len(tail.ids) == 0 {
		return err
	}
	d.deltas = tail.ids
	change := sheets{}
	for c, n := range tail.cells {
		change.project(c, n)
	}
	was, is, err := roomsOf(d.tx, tail.touched.Rooms)
	if err != nil {
		return err
	}
	for id, r := range was {
		if now := is[id]; now == nil {
			d.gone[id] = true
		} else if *now == *r {
			delete(is, id)
			continue
		}
		change.project(roomCell(r), -1)
	}
	for id, r := range is {
		d.rooms[id] = r
		change.project(roomCell(r), 1)
	}
	if err := d.foldHomes(tail.touched.Households, change); err != nil {
		return err
	}
	if err := d.loadParts(slices.Collect(maps.Keys(change))); err != nil {
		return err
	}
	for id, cells := range change {
		for c, n := range cells {
			d.parts.add(id, c, n)
			d.changed[id] = true
		}
	}
	return nil
}

// loadParts reads the parts of these ids that the draft has not read yet.
func (d *draft) loadParts(ids []string) error {
	const atOnce = 500
	for some := range slices.Chunk(ids, atOnce) {
		if err := d.load("id IN ?", some); err != nil {
			return err
		}
	}
	return nil
}

// load reads the parts that match and that the draft has not read yet.
func (d *draft) load(where string, args ...any) error {
	var rows []model.TallyPart
	if err := d.tx.Q(&model.TallyPart{}).Where(where, args...).Find(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		if d.parts[r.ID] != nil || r.ID == store.TallyState {
			continue
		}
		cells := store.Cells{}
		if _, err := store.DecodeCells(r.Cells, cells.Add); err != nil && !d.repairs {
			return err
		} else if err != nil {
			clear(cells)
			d.changed[r.ID] = true
		}
		d.parts[r.ID] = cells
	}
	return nil
}

// refold is the draft as it is written.
func (d *draft) refold() store.Refold {
	f := store.Refold{State: d.state, Gone: slices.Collect(maps.Keys(d.gone)), Rooms: slices.Collect(maps.Values(d.rooms)), Deltas: d.deltas,
		Homes: d.homes}
	for id := range d.changed {
		p := &model.TallyPart{ID: id}
		if cells := d.parts[id]; len(cells) > 0 {
			p.Cells = store.EncodeCells(cells, store.Touched{})
		}
		f.Parts = append(f.Parts, p)
	}
	return f
}

// tail is what commits changed and nobody has folded yet.
type tail struct {
	ids     []model.ID
	cells   store.Cells
	touched store.Touched
}

// readTail reads the tail, or its oldest part; most = 0 stands for all of it. What cannot be read is an error, or left out.
func readTail(tx *store.Tx, most int, repairs bool) (t tail, err error) {
	var rows []model.TallyDelta
	q := tx.Q(&model.TallyDelta{}).Order("id")
	if most > 0 {
		q = q.Limit(most)
	}
	if err := q.Find(&rows).Error; err != nil {
		return t, err
	}
	t.cells = store.Cells{}
	rooms, homes := map[model.ID]bool{}, map[model.ID]bool{}
	for _, r := range rows {
		touched, err := store.DecodeCells(r.Cells, t.cells.Add)
		if err != nil && !repairs {
			return t, err
		}
		t.ids = append(t.ids, r.ID)
		for _, id := range touched.Rooms {
			rooms[id] = true
		}
		for _, id := range touched.Households {
			homes[id] = true
		}
	}
	t.touched = store.Touched{Rooms: slices.Collect(maps.Keys(rooms)), Households: slices.Collect(maps.Keys(homes))}
	return t, nil
}

// roomsOf are rooms as they stand in the folded numbers, and as they count now.
func roomsOf(tx *store.Tx, ids []model.ID) (was, is map[model.ID]*model.TallyRoom, err error) {
	was, is = map[model.ID]*model.TallyRoom{}, map[model.ID]*model.TallyRoom{}
	for some := range slices.Chunk(ids, atOnce) {
		var rows []*model.TallyRoom
		if err := tx.Q(&model.TallyRoom{}).Where("room_id IN ?", some).Find(&rows).Error; err != nil {
			return nil, nil, err
		}
		for _, r := range rows {
			was[r.RoomID] = r
		}
	}
	now, err := judgedByID(tx, ids)
	for _, r := range now {
		is[r.RoomID] = r
	}
	return was, is, err
}
