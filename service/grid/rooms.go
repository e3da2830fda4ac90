package grid

import (
	"context"
	"regexp"
	"strings"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// NewRoom is what a room is made of. Without an area code it has the building's, without a use it is a dwelling.
type NewRoom struct {
	Unit, Number, AreaCode string
	Floor                  int
	Use                    model.RoomUse
}

// A unit or room number: letters, digits, Chinese, and what stands between them on a door.
var doorNumber = regexp.MustCompile(`^[\p{Han}0-9A-Za-z][\p{Han}0-9A-Za-z_-]{0,15}$`)

const (
	lowestFloor = -5
	takenNumber = "这个单元里已经有这个房号了。"
)

// AddRoom adds a room to a building.
//
// Errors: not_found when the building is out of scope; role.forbidden for one who is not a collector or above there; conflict when
// the unit has the number already; validation.failed for bad values, or an area outside the scope or the building's community.
func (s *Service) AddRoom(ctx context.Context, id model.ID, in NewRoom) (room MatrixRoom, err error) {
	err = s.db.Write(ctx, model.Act{Name: "room.create", Target: id.String()}, func(tx *store.Tx) error {
		b, err := building(tx, id)
		if err != nil {
			return err
		}
		r := model.Room{ID: model.NewID(), BuildingID: id, AreaCodes: b.AreaCodes, Unit: in.Unit, Floor: in.Floor, Number: in.Number,
			Use: in.Use, Version: 1}
		if r.Use == "" {
			r.Use = model.Dwelling
		}
		if in.AreaCode == "" && !mayAt(tx, model.Collector, whereIs(r)) {
			return model.Fail(model.RoleForbidden)
		}
		var f model.Faults
		numbered(&f, r)
		if r.Use != model.Dwelling && r.Use != model.Business {
			f.Add("use", model.FieldChoice, "只能是住宅或经营")
		}
		if err := f.Err(); err != nil {
			return err
		}
		if in.AreaCode != "" {
			if err := recode(tx, &r, b, in.AreaCode); err != nil {
				return err
			}
		}
		room = MatrixRoom{Room: r, State: StateOf(RoomFacts{Use: r.Use}, tx.Now())}
		tx.Note(r.ID.String(), r.AreaCode, "")
		return tx.Add(&room.Room)
	})
	return room, taken(err, takenNumber)
}

func whereIs(r model.Room) model.Where {
	return model.Where{Area: r.AreaCode, Building: r.BuildingID, Unit: r.Unit}
}

func numbered(f *model.Faults, r model.Room) {
	if !doorNumber.MatchString(r.Unit) {
		f.Add("unit", model.FieldInvalid, "单元最多 16 个字，只能有汉字、数字、字母和横线")
	}
	if !doorNumber.MatchString(r.Number) {
		f.Add("number", model.FieldInvalid, "房号最多 16 个字，只能有汉字、数字、字母和横线")
	}
	if r.Floor < lowestFloor || r.Floor > floorsMost {
		f.Add("floor", model.FieldRange, "楼层要在 -5 到 80 之间")
	}
}

// recode puts a room into another area of the building's community and stages the building's own code: what all its rooms' codes
// begin with.
func recode(tx *store.Tx, r *model.Room, b model.Building, code string) error {
	if err := site(tx, code, model.Collector); err != nil {
		return err
	}
	if !strings.HasPrefix(code, b.Community) {
		return model.Faults{{Location: "area_code", Code: model.FieldInvalid, Message: "房间应与楼栋在同一个社区"}}.Err()
	}
	r.AreaCodes = model.CodesOf(code)
	var others []string
	err := tx.System("the building's code is its rooms' common prefix").Q(&model.Room{}).Distinct("area_code").
		Where("building_id = ? AND id <> ?", b.ID, r.ID).Pluck("area_code", &others).Error
	if err != nil {
		return err
	}
	common := code
	for _, o := range others {
		for !strings.HasPrefix(o, common) {
			common = model.ParentCode(common)
		}
	}
	if common != b.AreaCode && len(common) >= shortest {
		tx.Change(&model.Building{}, codeColumns(common), "id = ?", b.ID)
	}
	return nil
}

// RoomPatch is what changes of a room; nil stays as it is.
type RoomPatch struct {
	Unit, Number, AreaCode *string
	Floor                  *int
	Use                    *model.RoomUse
	MergedInto             *model.ID
}

// EditRoom renumbers a room, gives it another use or area, closes it, or merges it into a neighbour, which takes over its records.
//
// Errors: not_found; role.forbidden for one who is not a collector or above there; precondition.required, precondition.malformed,
// record.stale; conflict when the number is taken, or a room with live records would be closed; validation.failed for bad values.
func (s *Service) EditRoom(ctx context.Context, id model.ID, m model.Match, p RoomPatch) (room MatrixRoom, err error) {
	err = s.db.Write(ctx, model.Act{Name: "room.update", Target: id.String()}, func(tx *store.Tx) error {
		r, err := changeableRoom(tx, id, m)
		if err != nil {
			return err
		}
		was := r
		tx.Note("", r.AreaCode, "")
		if err := p.apply(tx, &r); err != nil {
			return err
		}
		if r.Unit != was.Unit || r.Number != was.Number || r.AreaCode != was.AreaCode {
			set := codeColumns(r.AreaCode)
			tx.Change(&model.Visit{}, set, "room_id = ?", id)
			followRoom(tx, r, id)
		}
		if room, err = oneStated(tx, r); err != nil {
			return err
		}
		tx.Save(&room.Room)
		return nil
	})
	return room, taken(err, takenNumber)
}

// followRoom stages that the records of one room stand in another, or in the same renumbered.
func followRoom(tx *store.Tx, to model.Room, from model.ID) {
	set := codeColumns(to.AreaCode)
	set["room_id"], set["unit"], set["room"] = to.ID, to.Unit, to.Number
	tx.Change(&model.Record{}, set, "room_id = ?", from)
}

func (p RoomPatch) apply(tx *store.Tx, r *model.Room) error {
	var f model.Faults
	if p.Unit != nil {
		r.Unit = *p.Unit
	}
	if p.Number != nil {
		r.Number = *p.Number
	}
	if p.Floor != nil {
		r.Floor = *p.Floor
	}
	if p.Unit != nil && !tx.Covers(whereIs(*r)) {
		f.Add("unit", model.FieldInvalid, "请选择您范围内的单元")
	}
	numbered(&f, *r)
	if p.Use != nil && *p.Use != model.Dwelling && *p.Use != model.Business && *p.Use != model.RoomEmpty {
		f.Add("use", model.FieldChoice, "只能是住宅、经营或停用")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if p.AreaCode != nil && *p.AreaCode != r.AreaCode {
		b, err := building(tx, r.BuildingID)
		if err != nil {
			return err
		}
		if err := recode(tx, r, b, *p.AreaCode); err != nil {
			return err
		}
	}
	if p.MergedInto != nil {
		return merge(tx, r, *p.MergedInto)
	}
	if p.Use == nil {
		return nil
	}
	if *p.Use == model.RoomEmpty && r.Use != model.RoomEmpty {
		if err := emptied(tx, r.ID); err != nil {
			return err
		}
	}
	r.Use, r.MergedInto = *p.Use, model.ID{}
	return nil
}

// merge closes a room for another of the same building and stages that its records move there.
func merge(tx *store.Tx, r *model.Room, into model.ID) error {
	var to model.Room
	err := tx.Q(&to).Where("id = ? AND building_id = ? AND `use` <> ?", into, r.BuildingID, model.RoomEmpty).Limit(1).Find(&to).Error
	if err != nil {
		return err
	}
	if to.ID.IsZero() || to.ID == r.ID {
		return model.Faults{{Location: "merged_into", Code: model.FieldInvalid, Message: "请选择同一栋楼里另一个在用的房间"}}.Err()
	}
	r.Use, r.MergedInto = model.RoomEmpty, to.ID
	followRoom(tx, to, r.ID)
	return nil
}

// live are the states in which a record stands in the register.
var live = []model.Status{model.Submitted, model.Verified, model.Returned}

// emptied is conflict while somebody or something is registered in the room.
func emptied(tx *store.Tx, id model.ID) error {
	var used []model.ID
	err := tx.System("a room with anybody in it stays open").Q(&model.Record{}).Where("room_id = ? AND status IN ?", id, live).
		Limit(1).Pluck("id", &used).Error
	if err == nil && len(used) > 0 {
		return model.Failf(model.Conflict, "房间里还有记录，请先归档，或把房间合并到另一间。")
	}
	return err
}

// Room is one room with its state. Errors: not_found.
func (s *Service) Room(ctx context.Context, id model.ID) (room MatrixRoom, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		r, err := roomOf(tx, id)
		if err != nil {
			return err
		}
		room, err = oneStated(tx, r)
		return err
	})
	return room, err
}

func oneStated(tx *store.Tx, r model.Room) (MatrixRoom, error) {
	rooms, err := stated(tx, []model.Room{r}, func(q *gorm.DB) *gorm.DB { return q.Where("room_id = ?", r.ID) })
	if err != nil {
		return MatrixRoom{}, err
	}
	return rooms[0], nil
}

func roomOf(tx *store.Tx, id model.ID) (r model.Room, err error) {
	return r, tx.Q(&r).Where("id = ?", id).Take(&r).Error
}

// changeableRoom judges a change of a room up to its version: not_found, role.forbidden, precondition.required,
// precondition.malformed, record.stale.
func changeableRoom(tx *store.Tx, id model.ID, m model.Match) (model.Room, error) {
	r, err := roomOf(tx, id)
	if err != nil {
		return r, err
	}
	if !mayAt(tx, model.Collector, whereIs(r)) {
		return r, model.Fail(model.RoleForbidden)
	}
	return r, m.Against(r.Version)
}

// SeeRoom judges reading a room, whose id may be malformed: nil or not_found.
func (s *Service) SeeRoom(ctx context.Context, id string, _ model.Match) error {
	return s.locate(ctx, id, func(tx *store.Tx, id model.ID) error { _, err := roomOf(tx, id); return err })
}

// LocateRoom judges changing a room before its body is: not_found, role.forbidden, precondition.required,
// precondition.malformed, record.stale or nil.
func (s *Service) LocateRoom(ctx context.Context, id string, m model.Match) error {
	return s.locate(ctx, id, func(tx *store.Tx, id model.ID) error { _, err := changeableRoom(tx, id, m); return err })
}
