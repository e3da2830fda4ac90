package seed

import (
	"context"
	"time"

	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/collect"
)

// chunk is how many records share a transaction.
const chunk = 400

// item is a record to be made, and what becomes of it.
type item struct {
	in    collect.Create
	by    model.Actor
	check model.Actor // who judges it afterwards
	fate  string      // "", or the step taken afterwards
}

// Fill makes the people, shops and other records of the buildings.
func (s *Seeder) Fill(ctx context.Context, buildings []*model.Building) error {
	total := s.plan.People + s.plan.Shops + 4*s.plan.Others
	step := 60 * 24 * time.Hour / time.Duration(total/chunk+3) // two batches are not full
	if err := s.people(ctx, buildings, step); err != nil {
		return err
	}
	var batch []item
	for i := range s.plan.Shops {
		b := buildings[i%len(buildings)]
		batch = append(batch, s.item(b, collect.Create{Kind: model.KindPlace, Data: raw(s.gen.Shop())}))
	}
	for i := range s.plan.Others {
		b := buildings[i%len(buildings)]
		batch = append(batch, s.item(b, collect.Create{Kind: model.KindEvent, Data: raw(s.gen.Event())}),
			s.item(b, collect.Create{Kind: model.KindObject, Data: raw(s.gen.Object())}),
			s.item(b, collect.Create{Kind: model.KindSituation, Data: raw(s.gen.Situation())}),
			s.item(b, collect.Create{Kind: model.KindOrganisation, Data: raw(s.gen.Organisation())}))
	}
	return s.flush(ctx, batch, step)
}

// people moves households into rooms, building by building, until the plan's number of persons is there.
func (s *Seeder) people(ctx context.Context, buildings []*model.Building, step time.Duration) error {
	var batch []item
	for i, b := range buildings {
		rooms, err := s.s.Grid.Matrix(store.As(ctx, s.staff), b.ID)
		if err != nil {
			return err
		}
		left := s.plan.People * (i + 1) / len(buildings)
		for r := 0; s.done+len(batch) < left; r++ {
			room := rooms[r%len(rooms)] // more people than rooms: several households share one
			if r < len(rooms) && s.rnd.IntN(100) < 4 {
				continue // vacant
			}
			n := min(s.gen.HouseholdSize(), left-s.done-len(batch))
			batch = append(batch, s.household(b, room.Unit, room.Number, n)...)
			if len(batch) >= chunk {
				if err := s.flush(ctx, batch, step); err != nil {
					return err
				}
				batch = nil
			}
		}
	}
	return s.flush(ctx, batch, step)
}

// household is one household's submissions, which share their way and mostly their fate.
func (s *Seeder) household(b *model.Building, unit, room string, n int) []item {
	id := model.NewID()
	var out []item
	for i, data := range s.gen.Household(n, s.gen.Category()) {
		it := s.item(b, collect.Create{Kind: model.KindPerson, Unit: unit, Room: room, HouseholdID: id, Data: raw(data)})
		if i > 0 { // sent together: one way for all
			it.in.Method, it.by, it.fate = out[0].in.Method, out[0].by, out[0].fate
		}
		out = append(out, it)
	}
	return out
}

// item decides the way of a record: 65 % are collected at the door and verified at once, the rest come from residents; of those
// some wait, some are verified, returned, rejected or withdrawn.
func (s *Seeder) item(b *model.Building, in collect.Create) item {
	in.BuildingID = b.ID
	it := item{in: in, by: s.collectors[b.ID], check: s.second[b.ID]}
	p := s.rnd.IntN(100)
	if p < 65 {
		it.in.Method, it.in.Notice = model.ByVisit, "read_aloud"
		if p < 12 {
			it.in.Method = model.ByPhone
		}
		return it
	}
	it.by = s.residents[b.ID]
	switch {
	case p < 82: // waits for a collector
	case p < 93:
		it.fate = "verify"
	case p < 97:
		it.fate = "return"
	case p < 98:
		it.fate = "reject"
	case p < 99:
		it.fate = "withdraw"
	default:
		it.fate = "archive"
	}
	return it
}

// flush makes the records of a batch, a transaction for each submitter, and then takes the steps that follow.
func (s *Seeder) flush(ctx context.Context, batch []item, step time.Duration) error {
	s.clock.advance(step)
	byActor := map[model.ID][]item{}
	var order []model.ID
	for _, it := range batch {
		if _, ok := byActor[it.by.Account]; !ok {
			order = append(order, it.by.Account)
		}
		byActor[it.by.Account] = append(byActor[it.by.Account], it)
	}
	for _, id := range order {
		items := byActor[id]
		if err := s.pass(ctx, items); err != nil {
			return err
		}
		list := make([]collect.Create, len(items))
		for i, it := range items {
			list[i] = it.in
		}
		made, err := s.s.Collect.CreateMany(store.As(ctx, items[0].by), list)
		if err != nil {
			return err
		}
		for i, it := range items {
			if err := s.fate(ctx, it, made[i].Record.ID); err != nil {
				return err
			}
		}
		if s.done += len(items); s.log != nil {
			s.log(s.done, s.plan.People+s.plan.Shops+4*s.plan.Others)
		}
	}
	return nil
}

// pass notes that a resident has posted to the building with its code before.
func (s *Seeder) pass(ctx context.Context, items []item) error {
	if !items[0].by.Has(model.Resident) {
		return nil
	}
	return s.db.Write(store.AsSystem(ctx, "seed"), model.Act{Name: "scan.seed"}, func(tx *store.Tx) error {
		seen := map[model.ID]bool{}
		for _, it := range items {
			var n int64
			had := tx.Q(&model.ScanPass{}).Where("account_id = ? AND building_id = ?", it.by.Account, it.in.BuildingID)
			if err := had.Count(&n).Error; err != nil {
				return err
			}
			if n > 0 || seen[it.in.BuildingID] {
				continue
			}
			seen[it.in.BuildingID] = true
			if err := tx.Add(&model.ScanPass{AccountID: it.by.Account, BuildingID: it.in.BuildingID, At: tx.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
}

// fate takes the step that follows a resident's submission.
func (s *Seeder) fate(ctx context.Context, it item, id model.ID) error {
	steps := map[string][]model.Step{
		"verify":   {{Action: "verify", Method: model.ByVisit}},
		"return":   {{Action: "return", Note: "请补充门牌号，并核对证件号码"}},
		"reject":   {{Action: "reject", Note: "与已有记录重复"}},
		"withdraw": {{Action: "withdraw"}},
		"archive":  {{Action: "verify", Method: model.ByPhone}, {Action: "archive", Note: "已搬离本小区"}},
	}[it.fate]
	for i, step := range steps {
		actor := it.check
		if step.Action == "withdraw" {
			actor = it.by
		}
		version := model.Match(rune('1' + i))
		if _, _, err := s.s.Verify.Apply(store.As(ctx, actor), id, version, step); err != nil {
			return err
		}
	}
	return nil
}
