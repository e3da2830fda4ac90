package tally

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// Rebuilt is what a rebuilding found.
type Rebuilt struct {
	Blocks int // communities, with their records and rooms
	// Wrong is how many folded numbers were not what the rows say; in a database that has numbers already, each is a fault of the program.
	Wrong int
	// First made: there were no numbers before.
	First bool
}

// Rebuild makes the folded numbers anew from records, rooms and visits, a community at a time, and then those of the areas above, while
// others go on writing, reading and folding. Each step is one transaction that first folds what waits, so that after it the numbers are
// exact, and reads are at every moment as right as what was stored. Without fix nothing is written: it only counts what is wrong.
//
// Errors: ErrCrossed when others fold faster than a community can be counted; server.busy, and the database's.
func (s *Service) Rebuild(ctx context.Context, fix bool) (r Rebuilt, err error) {
	step := func(made bool, do func(*draft) (wrong int, err error)) error {
		var wrong int
		err := s.again(ctx, func(d *draft) (err error) {
			if r.First = !d.madeAll(); r.First && !fix {
				return nil
			}
			d.repairs = true
			if err = d.fold(0); err == nil {
				wrong, err = do(d)
			}
			if made && err == nil {
				d.state.Cells = store.TallyMade
			}
			return err
		}, fix)
		r.Wrong += wrong
		return err
	}
	var shorts []string
	areas := map[string]bool{"": true}
	for block, next, err := s.nextBlock(ctx, ""); ; block, next, err = s.nextBlock(ctx, next) {
		if err != nil {
			return r, err
		}
		if next == "" {
			break
		}
		if len(block) < buildingBlock {
			shorts = append(shorts, block)
		}
		for _, l := range levels[1:3] {
			if l <= len(block) {
				areas[block[:l]] = true
			}
		}
		if err := step(false, func(d *draft) (int, error) { return d.block(block) }); err != nil {
			return r, err
		}
		r.Blocks++
	}
	above := slices.SortedFunc(maps.Keys(areas), func(a, b string) int { return len(b) - len(a) }) // from the streets up
	for i, code := range above {
		if err := step(i == len(above)-1, func(d *draft) (int, error) { return d.above(code, shorts) }); err != nil {
			return r, err
		}
	}
	return r, nil
}

// again makes a draft and writes it, and makes it anew when another folding came between.
func (s *Service) again(ctx context.Context, make func(*draft) error, write bool) (err error) {
	const tries = 20
	for range tries {
		err = s.draft(ctx, make, func(*draft) bool { return write })
		if !errors.Is(err, store.ErrCrossed) {
			return err
		}
		select {
		case <-time.After(time.Duration(rand.IntN(100)) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// nextBlock is the first block of records, rooms or stored numbers whose codes do not lie before from, and where to go on; next is
// empty behind the last.
func (s *Service) nextBlock(ctx context.Context, from string) (block, next string, err error) {
	none := true
	err = s.db.Read(store.AsSystem(ctx, "rebuild tallies"), func(tx *store.Tx) error {
		none = true
		for _, m := range []any{&model.Record{}, &model.Room{}, &model.TallyRoom{}, &model.TallyHousehold{}} {
			var codes []string
			q := tx.Q(m).Where("area_code >= ?", from).Order("area_code").Limit(1)
			if err := q.Pluck("area_code", &codes).Error; err != nil {
				return err
			}
			for _, c := range codes {
				if c = c[:min(buildingBlock, len(c))]; none || c < block {
					block, none = c, false
				}
			}
		}
		var ids []string
		q := tx.Q(&model.TallyPart{}).Where("id >= ? AND id < ?", buildings+"/"+from, buildings+"/:").Order("id").Limit(1)
		if err := q.Pluck("id", &ids).Error; err != nil {
			return err
		}
		for _, id := range ids {
			if c := id[len(buildings)+1:]; none || c < block {
				block, none = c, false
			}
		}
		return nil
	})
	switch {
	case err != nil || none:
		return "", "", err
	case len(block) < buildingBlock:
		return block, block + "!", nil // behind the code itself and before all that are longer: see only
	}
	return block, block + ":", nil
}

// under limits rows to those of a block.
func under(q *gorm.DB, block string) *gorm.DB {
	if len(block) < buildingBlock {
		return q.Where("area_code = ?", block)
	}
	return within(q, block)
}

// block makes the parts that hold nothing but a block's records and rooms equal to what the rows say, and answers how many numbers
// were not.
func (d *draft) block(block string) (wrong int, err error) {
	want := sheets{}
	now, err := d.rows(block, want)
	if err != nil {
		return 0, err
	}
	if wrong, err = d.blockRooms(block, now); err != nil {
		return 0, err
	}
	homesWrong, err := d.blockHomes(block, want)
	if err != nil {
		return 0, err
	}
	wrong += homesWrong
	own := []string{blockPart(buildings, block, buildingBlock)}
	if len(block) < verifierBlock {
		own = append(own, blockPart(verifiers, block, verifierBlock))
	}
	err = d.loadParts(own)
	if len(block) == buildingBlock && err == nil {
		own, err = d.ownParts(block, own, want)
	}
	for _, id := range own {
		wrong += d.set(id, want[id])
	}
	return wrong, err
}

// ownParts reads the parts of a community and of the areas in it, and names them together with those there ought to be.
func (d *draft) ownParts(block string, own []string, want sheets) ([]string, error) {
	prefixes := make([]string, 0, 9)
	for _, part := range []string{states, days, verifiers, homes} {
		for _, l := range levels {
			if l >= len(block) {
				at := areaPart(part, zeros[:l])
				prefixes = append(prefixes, at[:len(at)-l]+block)
			}
		}
	}
	for _, p := range prefixes {
		if err := d.load("id >= ? AND id < ?", p, p+":"); err != nil {
			return nil, err
		}
	}
	ids := map[string]bool{}
	for _, s := range []sheets{d.parts, want} {
		for id := range s {
			if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(id, p) }) {
				ids[id] = true
			}
		}
	}
	return slices.AppendSeq(own, maps.Keys(ids)), nil
}

const zeros = "000000000000000000"

// set replaces a part and answers how many of its numbers were others.
func (d *draft) set(id string, want store.Cells) (wrong int) {
	was := d.parts[id]
	for c, n := range want {
		if was[c] != n {
			wrong++
		}
	}
	for c := range was {
		if _, ok := want[c]; !ok {
			wrong++
		}
	}
	if wrong > 0 {
		d.parts[id], d.changed[id] = maps.Clone(want), true
	}
	return wrong
}

// blockRooms makes the rooms of a block stand as they count now, and answers how many did not.
func (d *draft) blockRooms(block string, now []*model.TallyRoom) (wrong int, err error) {
	var rows []*model.TallyRoom
	if err := under(d.tx.Q(&model.TallyRoom{}), block).Find(&rows).Error; err != nil {
		return 0, err
	}
	stored := map[model.ID]*model.TallyRoom{}
	for _, r := range rows {
		if !d.gone[r.RoomID] {
			stored[r.RoomID] = r
		}
	}
	for id, r := range d.rooms { // what this draft has folded
		stored[id] = r
	}
	for _, r := range now {
		if was := stored[r.RoomID]; was == nil || *was != *r {
			d.rooms[r.RoomID] = r
			wrong++
		}
		delete(stored, r.RoomID)
	}
	for id := range stored {
		if _, fresh := d.rooms[id]; !fresh {
			d.gone[id] = true
			wrong++
		}
	}
	return wrong, nil
}

// above makes the parts of an area above the communities equal to the sum of those one level down and of records and rooms that lie
// on no such area, and answers how many numbers were not.
func (d *draft) above(code string, shorts []string) (wrong int, err error) {
	want := sheets{}
	level := levels[slices.Index(levels, len(code))+1]
	for _, short := range shorts {
		if len(short) < level && strings.HasPrefix(short, code) {
			if _, err := d.rows(short, want); err != nil {
				return 0, err
			}
		}
	}
	if err := d.homesAt(code, want); err != nil {
		return 0, err
	}
	var ids []string
	for _, part := range []string{states, days, verifiers, homes} {
		own := areaPart(part, code)
		if part == verifiers {
			if own = blockPart(part, code, verifierBlock); len(code) < verifierBlock {
				continue // blocks of their own, read together
			}
		}
		at := areaPart(part, zeros[:level])
		from := at[:len(at)-level] + code
		if err := d.load("id >= ? AND id < ?", from, from+":"); err != nil {
			return 0, err
		}
		if err := d.load("id >= ? AND id < ?", own, own+"0"); err != nil { // '0' follows '/', which stands before a year
			return 0, err
		}
		for id, cells := range d.parts {
			for c, n := range cells {
				if strings.HasPrefix(id, from) {
					want.add(own+id[len(at):], c, n)
				}
			}
		}
		for _, s := range []sheets{d.parts, want} {
			for id := range s {
				if id == own || strings.HasPrefix(id, own+"/") {
					ids = append(ids, id)
				}
			}
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		wrong += d.set(id, want[id])
	}
	return wrong, nil
}

// rows projects what the rows of a block say, and answers its rooms.
func (d *draft) rows(block string, want sheets) ([]*model.TallyRoom, error) {
	cells, err := live(under(d.tx.Q(&model.Record{}), block))
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		want.project(c.cell(), c.N)
	}
	var rooms []model.Room
	if err := under(d.tx.Q(&model.Room{}), block).Select("id", "building_id", "area_code", "use").Find(&rooms).Error; err != nil {
		return nil, err
	}
	now, err := judged(d.tx, rooms)
	for _, r := range now {
		want.project(roomCell(r), 1)
	}
	return now, err
}
