package grid

import (
	"context"
	"strconv"

	"sixelements/model"
	"sixelements/model/store"
)

// BuildingKind is what a building is mainly there for.
type BuildingKind struct{ Code, Label string }

// BuildingKinds are the kinds of building.
func BuildingKinds() []BuildingKind {
	return []BuildingKind{{"residential", "住宅楼"}, {"mixed", "商住楼"}, {"shop_street", "沿街商铺"}, {"office", "办公楼"},
		{"exclusive", "单位院落（专属网格）"}, {"other", "其他"}}
}

// The most a building may have.
const (
	unitsMost         = 50
	floorsMost        = 80
	roomsPerFloorMost = 60
	roomsMost         = 5000
	addressMost       = 200
)

// NewBuilding is what a building is made of.
type NewBuilding struct {
	AreaCode, Name, Address, Kind string
	Units, Floors, RoomsPerFloor  int
	Lon, Lat                      *float64 // GCJ-02
}

// AddBuilding makes a building and lays out its rooms: for each unit and floor the numbers floor × 100 + 1, 2, 3 and so on.
//
// Errors: validation.failed for bad values, an area that is closed or out of scope; place.required for one above the community;
// role.forbidden for one who does not work for the area's community.
func (s *Service) AddBuilding(ctx context.Context, in NewBuilding) (b *model.Building, err error) {
	id := model.NewID()
	err = s.db.Write(ctx, model.Act{Name: "building.create", Target: id.String(), Area: in.AreaCode}, func(tx *store.Tx) error {
		if err := in.check(); err != nil {
			return err
		}
		if err := site(tx, in.AreaCode, model.CommunityRole); err != nil {
			return err
		}
		b = &model.Building{ID: id, AreaCodes: model.CodesOf(in.AreaCode), Name: in.Name, Address: in.Address, Kind: in.Kind,
			Units: in.Units, Floors: in.Floors, RoomsPerFloor: in.RoomsPerFloor, Lon: in.Lon, Lat: in.Lat, Version: 1, CreatedAt: tx.Now()}
		if err := tx.Add(b); err != nil {
			return err
		}
		return tx.Add(layout(b)...)
	})
	return b, err
}

func (in NewBuilding) check() error {
	var f model.Faults
	label(&f, "name", in.Name, nameMost)
	if in.Address != "" {
		label(&f, "address", in.Address, addressMost)
	}
	kind(&f, in.Kind)
	for _, n := range []struct {
		at          string
		value, most int
	}{{"units", in.Units, unitsMost}, {"floors", in.Floors, floorsMost}, {"rooms_per_floor", in.RoomsPerFloor, roomsPerFloorMost}} {
		if n.value < 1 || n.value > n.most {
			f.Add(n.at, model.FieldRange, "要在 1 到 "+strconv.Itoa(n.most)+" 之间")
		}
	}
	if len(f) == 0 && in.Units*in.Floors*in.RoomsPerFloor > roomsMost {
		f.Add("rooms_per_floor", model.FieldRange, "一栋楼最多 5000 个房间，请分成几栋")
	}
	point(&f, in.Lon, in.Lat)
	return f.Err()
}

func kind(f *model.Faults, code string) {
	for _, k := range BuildingKinds() {
		if k.Code == code {
			return
		}
	}
	f.Add("kind", model.FieldChoice, "没有这种楼栋类型")
}

// layout is every room of a new building.
func layout(b *model.Building) []any {
	rooms := make([]any, 0, b.Units*b.Floors*b.RoomsPerFloor)
	for unit := 1; unit <= b.Units; unit++ {
		for floor := 1; floor <= b.Floors; floor++ {
			for n := 1; n <= b.RoomsPerFloor; n++ {
				rooms = append(rooms, &model.Room{ID: model.NewID(), BuildingID: b.ID, AreaCodes: b.AreaCodes, Unit: strconv.Itoa(unit),
					Floor: floor, Number: strconv.Itoa(floor*100 + n), Use: model.Dwelling, Version: 1})
			}
		}
	}
	return rooms
}

// Buildings are the buildings in scope, those of one area's subtree when an area is given, in the order in which they were made.
// A building of several micro-grids is in each of them. after is the next of the page before.
//
// Errors: validation.failed for an area that is not a code or a bad cursor.
func (s *Service) Buildings(ctx context.Context, area, after string, limit int) (rows []*model.Building, next string, err error) {
	if area != "" && !model.ValidArea(area) {
		return nil, "", model.Faults{{Location: "area", Code: model.FieldInvalid, Message: "区域代码的格式不对"}}.Err()
	}
	from, err := store.ParseCursor(after)
	if err != nil {
		return nil, "", err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		next = ""
		if rows, err = tx.Buildings(area, from.ID, limit+1); err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			next = store.Cursor{At: rows[limit-1].CreatedAt, ID: rows[limit-1].ID}.String()
		}
		return nil
	})
	return rows, next, err
}

// Building is one building. Errors: not_found.
func (s *Service) Building(ctx context.Context, id model.ID) (b model.Building, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error { b, err = building(tx, id); return err })
	return b, err
}

func building(tx *store.Tx, id model.ID) (b model.Building, err error) {
	return b, tx.Q(&b).Where("id = ?", id).Take(&b).Error
}

// BuildingPatch is what changes of a building; nil stays as it is.
type BuildingPatch struct {
	AreaCode, Name, Address, Kind *string
	Lon, Lat                      *float64
}

// EditBuilding changes a building. With another area all its rooms, records and visits move there in the same transaction; the
// records' own versions stay.
//
// Errors: not_found; role.forbidden without the community's role; precondition.required, precondition.malformed, record.stale;
// validation.failed and place.required as AddBuilding.
func (s *Service) EditBuilding(ctx context.Context, id model.ID, m model.Match, p BuildingPatch) (b model.Building, err error) {
	err = s.db.Write(ctx, model.Act{Name: "building.update", Target: id.String()}, func(tx *store.Tx) error {
		if b, err = changeableBuilding(tx, id, m); err != nil {
			return err
		}
		tx.Note("", b.AreaCode, "")
		if err := p.apply(&b); err != nil {
			return err
		}
		if p.AreaCode != nil && *p.AreaCode != b.AreaCode {
			if err := site(tx, *p.AreaCode, model.CommunityRole); err != nil {
				return err
			}
			tx.Note("", "", "moved to "+*p.AreaCode)
			b.AreaCodes = model.CodesOf(*p.AreaCode)
			set := codeColumns(*p.AreaCode)
			tx.Change(&model.Room{}, set, "building_id = ?", id)
			tx.Change(&model.Visit{}, set, "building_id = ?", id)
			tx.Change(&model.Record{}, set, "building_id = ?", id)
		}
		tx.Save(&b)
		return nil
	})
	return b, err
}

func (p BuildingPatch) apply(b *model.Building) error {
	var f model.Faults
	if p.Name != nil {
		label(&f, "name", *p.Name, nameMost)
		b.Name = *p.Name
	}
	if p.Address != nil {
		if *p.Address != "" {
			label(&f, "address", *p.Address, addressMost)
		}
		b.Address = *p.Address
	}
	if p.Kind != nil {
		kind(&f, *p.Kind)
		b.Kind = *p.Kind
	}
	if p.Lon != nil {
		b.Lon = p.Lon
	}
	if p.Lat != nil {
		b.Lat = p.Lat
	}
	point(&f, b.Lon, b.Lat)
	return f.Err()
}

// DeleteBuilding removes a building that was laid out by mistake, with its rooms; its codes are revoked and its posts end.
//
// Errors: not_found; role.forbidden; precondition.required, precondition.malformed, record.stale; conflict when it has a record
// or a visit.
func (s *Service) DeleteBuilding(ctx context.Context, id model.ID, m model.Match) error {
	return s.db.Write(ctx, model.Act{Name: "building.delete", Target: id.String()}, func(tx *store.Tx) error {
		b, err := changeableBuilding(tx, id, m)
		if err != nil {
			return err
		}
		tx.Note("", b.AreaCode, "")
		var used []model.ID
		all := tx.System("a building with anything in it stays, whoever may see it")
		err = all.Q(&model.Record{}).Where("building_id = ?", id).Limit(1).Pluck("id", &used).Error
		if err == nil && len(used) == 0 {
			err = all.Q(&model.Visit{}).Where("building_id = ?", id).Limit(1).Pluck("id", &used).Error
		}
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return model.Failf(model.Conflict, "楼栋里已有记录或走访，不能删除。")
		}
		tx.Change(&model.QRCode{}, map[string]any{"status": model.QRDead, "revoked_at": tx.Now(), "live": nil},
			"building_id = ? AND status = ?", id, model.QRActive)
		tx.Change(&model.Assignment{}, map[string]any{"ended_at": tx.Now()}, "building_id = ? AND ended_at IS NULL", id)
		tx.Remove(&model.Building{}, "id = ? AND version = ?", id, b.Version)
		tx.Remove(&model.Room{}, "building_id = ?", id)
		return nil
	})
}

// changeableBuilding judges a change of a building up to its version: not_found, role.forbidden, precondition.required,
// precondition.malformed, record.stale.
func changeableBuilding(tx *store.Tx, id model.ID, m model.Match) (model.Building, error) {
	b, err := building(tx, id)
	if err != nil {
		return b, err
	}
	if !mayAt(tx, model.CommunityRole, model.Where{Area: b.AreaCode, Building: id}) {
		return b, model.Fail(model.RoleForbidden)
	}
	return b, m.Against(b.Version)
}

// SeeBuilding judges reading a building, whose id may be malformed: nil or not_found.
func (s *Service) SeeBuilding(ctx context.Context, id string, _ model.Match) error {
	return s.locate(ctx, id, func(tx *store.Tx, id model.ID) error { _, err := building(tx, id); return err })
}

// LocateBuilding judges changing a building before its body is: not_found, role.forbidden, precondition.required,
// precondition.malformed, record.stale or nil.
func (s *Service) LocateBuilding(ctx context.Context, id string, m model.Match) error {
	return s.locate(ctx, id, func(tx *store.Tx, id model.ID) error { _, err := changeableBuilding(tx, id, m); return err })
}

func (s *Service) locate(ctx context.Context, text string, find func(*store.Tx, model.ID) error) error {
	id, err := model.ParseID(text)
	if err != nil || id.IsZero() {
		return model.Fail(model.NotFound)
	}
	return s.db.Read(ctx, func(tx *store.Tx) error { return find(tx, id) })
}
