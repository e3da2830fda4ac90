package tally

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// Households are the numbers of households that have live persons in each of the areas, as far as the actor sees them. A household
// that lives in several areas counts in each of them, and once in what holds them all. An area without any may be missing.
func Households(tx *store.Tx, codes []string) (map[string]int64, error) {
	whole := tx.System("households of areas in scope")
	d, err := begin(whole)
	if err != nil {
		return nil, err
	}
	out, scope := map[string]int64{}, tx.Actor().Scope()
	in := map[string]string{} // by the area that is asked for: the one in it that is seen as a whole
	for _, code := range codes {
		seen := seenOf(scope, code)
		if !d.madeAll() || len(seen) > 1 {
			if out[code], err = liveHomes(tx, code); err != nil {
				return nil, err
			}
			continue
		}
		in[code] = strings.Join(seen, "")
	}
	folded, err := foldedHomes(whole, slices.Collect(maps.Values(in)))
	if err != nil {
		return nil, err
	}
	for code, seen := range in {
		if out[code] = folded[seen]; seen != code {
			strays, err := strayHomes(tx, code, seen)
			if err != nil {
				return nil, err
			}
			out[code] += strays
		}
	}
	return out, nil
}

// seenOf are the area, or what areas in it the scope holds as a whole.
func seenOf(s model.Scope, code string) (seen []string) {
	if s.All || inside(s.Areas, code) {
		return []string{code}
	}
	for _, a := range s.Areas {
		if strings.HasPrefix(a, code) {
			seen = append(seen, a)
		}
	}
	return seen
}

// residents are the live persons of households.
func residents(tx *store.Tx) *gorm.DB {
	return tx.Q(&model.Record{}).Where("kind = ? AND status IN ? AND household_id IS NOT NULL", model.KindPerson,
		[]model.Status{model.Submitted, model.Verified, model.Returned})
}

// liveHomes counts the households themselves: as long as nothing is folded, and for who sees several areas in this one.
func liveHomes(tx *store.Tx, area string) (n int64, err error) {
	err = within(residents(tx), area).Distinct("household_id").Count(&n).Error
	return n, err
}

// foldedHomes are the numbers of households in areas that are seen as a whole; "" stands for none.
func foldedHomes(tx *store.Tx, areas []string) (map[string]int64, error) {
	out := map[string]int64{}
	areas = slices.DeleteFunc(areas, func(a string) bool { return a == "" })
	if len(areas) == 0 {
		return out, nil
	}
	ids := make([]string, len(areas))
	for i, a := range areas {
		ids[i] = areaPart(homes, a)
	}
	var parts []model.TallyPart
	if err := tx.Q(&model.TallyPart{}).Where("id IN ?", ids).Find(&parts).Error; err != nil {
		return nil, err
	}
	sums := sheets{}
	for _, p := range parts {
		if _, err := store.DecodeCells(p.Cells, func(c store.Cell, n int64) { sums.add(p.ID, c, n) }); err != nil {
			return nil, err
		}
	}
	tail, err := readTail(tx, 0, false)
	if err != nil {
		return nil, err
	}
	was, is, err := homesOf(tx, tail.touched.Households)
	if err != nil {
		return nil, err
	}
	for id := range was {
		sums.projectHome(was[id], -1)
	}
	for id := range is {
		sums.projectHome(is[id], 1)
	}
	for i, a := range areas {
		out[a] = sums[ids[i]][store.Cell{}]
	}
	return out, nil
}

// strayHomes counts the households that the actor sees in an area for other reasons than the one area in it that they see as a whole,
// and that do not count there: by posts, and by what they sent in themselves. The areas are asked for in a way that tempts no planner
// to walk through them.
func strayHomes(tx *store.Tx, area, seen string) (int64, error) {
	s := tx.Actor().Scope()
	var all []model.ID
	for column, ids := range map[string][]model.ID{"building_id": houses(s.Posts), "submitter_id": {s.Own}} {
		if len(ids) == 0 {
			continue
		}
		var some []model.ID
		q := residents(tx).Where(column+" IN ?", ids).Where("SUBSTR(area_code, 1, ?) = ?", len(area), area)
		if seen != "" {
			q = q.Where("SUBSTR(area_code, 1, ?) <> ?", len(seen), seen)
		}
		if err := q.Distinct().Pluck("household_id", &some).Error; err != nil {
			return 0, err
		}
		all = append(all, some...)
	}
	all = unique(all)
	n := int64(len(all))
	if seen == "" {
		return n, nil
	}
	for some := range slices.Chunk(all, atOnce) {
		var there int64
		q := residents(tx).Where("household_id IN ?", some).Where("SUBSTR(area_code, 1, ?) = ?", len(seen), seen)
		if err := q.Distinct("household_id").Count(&there).Error; err != nil {
			return 0, err
		}
		n -= there
	}
	return n, nil
}

func unique(ids []model.ID) []model.ID {
	slices.SortFunc(ids, func(a, b model.ID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// homesOf are the rows of households as they stand in the folded numbers, and as they count now.
func homesOf(tx *store.Tx, ids []model.ID) (was, is map[model.ID][]model.TallyHousehold, err error) {
	was, is = map[model.ID][]model.TallyHousehold{}, map[model.ID][]model.TallyHousehold{}
	for some := range slices.Chunk(ids, atOnce) {
		var stored, lived []model.TallyHousehold
		if err := tx.Q(&model.TallyHousehold{}).Where("household_id IN ?", some).Order("area_code").Find(&stored).Error; err != nil {
			return nil, nil, err
		}
		q := residents(tx).Where("household_id IN ?", some).Distinct("household_id", "area_code")
		if err := q.Find(&lived).Error; err != nil {
			return nil, nil, err
		}
		for _, r := range stored {
			was[r.HouseholdID] = append(was[r.HouseholdID], r)
		}
		areas := map[model.ID][]string{}
		for _, r := range lived {
			areas[r.HouseholdID] = append(areas[r.HouseholdID], r.AreaCode)
		}
		for id, codes := range areas {
			is[id] = homeRows(id, codes)
		}
	}
	return was, is, nil
}

// homeRows are the rows of a household that lives in these areas. In order, those that share an area above lie next to each other: with
// one taken away wherever two neighbours meet, each area above any of them has the household once.
func homeRows(id model.ID, codes []string) (rows []model.TallyHousehold) {
	for i, c := range codes {
		codes[i] = cut(c, len(c))
	}
	slices.Sort(codes)
	n := map[string]int64{}
	for i, c := range slices.Compact(codes) {
		if n[c]++; i > 0 {
			n[meet(codes[i-1], c)]--
		}
	}
	for _, c := range slices.Sorted(maps.Keys(n)) {
		if n[c] != 0 {
			rows = append(rows, model.TallyHousehold{HouseholdID: id, AreaCode: c, N: n[c]})
		}
	}
	return rows
}

// cut is the code of the lowest level that is no longer than most.
func cut(code string, most int) string {
	for _, l := range slices.Backward(levels) {
		if l <= most {
			return code[:l]
		}
	}
	return ""
}

// meet is the lowest area that holds both.
func meet(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return cut(a, n)
}

func (s sheets) projectHome(rows []model.TallyHousehold, times int64) {
	for _, r := range rows {
		for _, l := range levels {
			if l > len(r.AreaCode) {
				break
			}
			s.add(areaPart(homes, r.AreaCode[:l]), store.Cell{}, r.N*times)
		}
	}
}

// foldHomes judges households that may count otherwise.
func (d *draft) foldHomes(ids []model.ID, change sheets) error {
	was, is, err := homesOf(d.tx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.Equal(was[id], is[id]) {
			d.homes[id] = is[id]
			change.projectHome(was[id], -1)
			change.projectHome(is[id], 1)
		}
	}
	return nil
}

// blockHomes makes the households that live in a block, or are said to, stand as they count now, and answers how many did not.
func (d *draft) blockHomes(block string, want sheets) (wrong int, err error) {
	var ids, stored []model.ID
	if err := under(residents(d.tx), block).Distinct().Pluck("household_id", &ids).Error; err != nil {
		return 0, err
	}
	if err := under(d.tx.Q(&model.TallyHousehold{}), block).Pluck("household_id", &stored).Error; err != nil {
		return 0, err
	}
	ids = unique(append(ids, stored...))
	was, is, err := homesOf(d.tx, ids)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if folded, ok := d.homes[id]; ok {
			was[id] = folded
		}
		if !slices.Equal(was[id], is[id]) {
			d.homes[id] = is[id]
			wrong++
		}
		for _, r := range is[id] {
			if strings.HasPrefix(r.AreaCode, block) {
				want.projectHome([]model.TallyHousehold{r}, 1)
			}
		}
	}
	return wrong, nil
}

// homesAt projects the rows of just this area: of who lives on no area below it, and where households of several of these meet.
func (d *draft) homesAt(area string, want sheets) error {
	var rows []model.TallyHousehold
	if err := d.tx.Q(&model.TallyHousehold{}).Where("area_code = ?", area).Find(&rows).Error; err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r model.TallyHousehold) bool { _, folded := d.homes[r.HouseholdID]; return folded })
	for _, now := range d.homes {
		for _, r := range now {
			if r.AreaCode == area {
				rows = append(rows, r)
			}
		}
	}
	want.projectHome(rows, 1)
	return nil
}
