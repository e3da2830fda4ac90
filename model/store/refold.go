package store

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"gorm.io/gorm"

	"sixelements/model"
)

// TallyState is the id of the row of tally_parts that tells how often was folded; it has cells once the folded numbers were made.
const TallyState = "state"

// TallyMade is what the row has there. Versions that counted no households wrote other bytes.
var TallyMade = []byte("households")

// ErrCrossed says that another folding came between reading and writing: read again.
var ErrCrossed = errors.New("store: another folding came between")

// Refold is a new state of folded numbers, computed from one state of the database.
type Refold struct {
	State  model.TallyPart                     // as it was read: that no other folding came between is judged by its version
	Parts  []*model.TallyPart                  // replaced; one without cells is removed
	Rooms  []*model.TallyRoom                  // replaced
	Gone   []model.ID                          // rooms removed
	Homes  map[model.ID][]model.TallyHousehold // rows of a household, replaced; none once it is gone
	Deltas []model.ID                          // what was folded, and waits no longer
}

// Refold writes folded numbers in one transaction, without a trace: they follow from rows that have theirs. What was committed since
// they were computed has left deltas of its own, which go on waiting. Errors: ErrCrossed; server.busy.
func (db *DB) Refold(ctx context.Context, f Refold) error {
	ctx, cancel := context.WithTimeout(AsSystem(context.WithValue(ctx, doorKey{}, true), "fold tallies"), writeTimeout)
	defer cancel()
	unlock, err := db.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return db.again(ctx, func() error {
		g := db.write.WithContext(ctx).Begin()
		if g.Error != nil {
			return g.Error
		}
		defer g.Rollback()
		if err := f.write(g.Session(&gorm.Session{NewDB: true, Context: ctx})); err != nil {
			return err
		}
		return commit(g)
	})
}

func (f Refold) write(g *gorm.DB) error {
	next := f.State
	next.ID, next.Version = TallyState, f.State.Version+1
	if f.State.Version == 0 {
		if err := translate(g.Create(&next).Error); errors.Is(err, ErrDuplicate) {
			return ErrCrossed
		} else if err != nil {
			return err
		}
	} else if r := g.Model(&next).Where("version = ?", f.State.Version).Updates(&next); r.Error != nil || r.RowsAffected == 0 {
		return cmp.Or(r.Error, ErrCrossed)
	}
	if err := removed(g, &model.TallyDelta{}, "id IN ?", f.Deltas, true); err != nil {
		return err
	}
	var parts []string
	var rows []any
	for _, p := range f.Parts {
		if parts = append(parts, p.ID); len(p.Cells) > 0 {
			rows = append(rows, &model.TallyPart{ID: p.ID, Version: next.Version, Cells: p.Cells})
		}
	}
	if err := removed(g, &model.TallyPart{}, "id IN ?", parts, false); err != nil {
		return err
	}
	rooms := slices.Clone(f.Gone)
	for _, r := range f.Rooms {
		rooms = append(rooms, r.RoomID)
		rows = append(rows, r)
	}
	if err := removed(g, &model.TallyRoom{}, "room_id IN ?", rooms, false); err != nil {
		return err
	}
	for _, home := range f.Homes {
		for i := range home {
			rows = append(rows, &home[i])
		}
	}
	if err := removed(g, &model.TallyHousehold{}, "household_id IN ?", slices.Collect(maps.Keys(f.Homes)), false); err != nil {
		return err
	}
	return insert(g, rows)
}

// removed deletes rows by their keys; all of them must be there when exactly is set.
func removed[K comparable](g *gorm.DB, m any, where string, keys []K, exactly bool) error {
	const atOnce = 500
	for part := range slices.Chunk(keys, atOnce) {
		r := g.Where(where, part).Delete(m)
		if r.Error != nil {
			return r.Error
		}
		if exactly && r.RowsAffected != int64(len(part)) {
			return ErrCrossed
		}
	}
	return nil
}

// beginTally notes in a database that holds nothing yet that its tallies are made: from now on the deltas tell everything. One that
// held rows before it had tallies has them made by the first folding.
func (db *DB) beginTally(ctx context.Context) error {
	ctx = AsSystem(ctx, "begin tallies")
	empty := true
	err := db.Read(ctx, func(tx *Tx) error {
		empty = true
		for _, m := range []any{&model.TallyPart{}, &model.Record{}, &model.Room{}} {
			var one []string // a COUNT with a LIMIT counts all there is
			if err := tx.Q(m).Select("'x'").Limit(1).Find(&one).Error; err != nil {
				return err
			}
			if empty = len(one) == 0; !empty {
				return nil
			}
		}
		return nil
	})
	if err != nil || !empty {
		return err
	}
	err = db.Refold(ctx, Refold{State: model.TallyPart{Cells: TallyMade}})
	if errors.Is(err, ErrCrossed) { // another node was quicker
		return nil
	}
	return err
}
