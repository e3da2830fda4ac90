package collect

import (
	"errors"
	"fmt"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// scanDaily is how many submissions a scan account has a day: a household, not a robot.
const scanDaily = 10

// admit decides who the record comes from and where it lies, and refuses who may not.
func (s *Service) admit(tx *store.Tx, r *model.Record, in *Create) error {
	a := tx.Actor()
	if a.Staff() && (in.QR == "" || !a.Has(model.Resident)) {
		return s.admitStaff(tx, r, in)
	}
	if !a.Has(model.Resident) {
		return model.Fail(model.RoleForbidden)
	}
	r.SubmitterRole, r.Channel, r.SubmitterName = model.Resident, model.ByQR, ""
	code, err := s.posted(tx, in.QR) // what is not there comes before what is not allowed
	if err != nil {
		return err
	}
	if in.Method != "" {
		return model.Failf(model.RoleForbidden, "核实由工作人员来做，请不要填写核实方式。")
	}
	agreed, err := s.consent(tx)
	if err != nil {
		return err
	}
	if !agreed.general {
		return model.Fail(model.ConsentRequired)
	}
	b, err := s.scanned(tx, r, in, code)
	if err != nil {
		return err
	}
	if err := s.daily(tx); err != nil {
		return err
	}
	return s.settle(tx, r, b)
}

// consents are what the caller agreed to in the notice in force.
type consents struct{ general, sensitive bool }

func (s *Service) consent(tx *store.Tx) (consents, error) {
	a := tx.Actor().Account
	return store.Cached(tx, "consent "+a.String(), []store.Tag{store.AccountTag(a)},
		func(sys *store.Tx) (c consents, _ model.Time, err error) {
			c.general, c.sensitive, err = s.o.Consent(sys.Context(), sys, a)
			return c, 0, err
		})
}

// posted is the code of a poster, nil when none was sent, qr.unknown for a forged one.
func (s *Service) posted(tx *store.Tx, code string) (*model.QRCode, error) {
	if code == "" {
		return nil, nil
	}
	q, err := store.Cached(tx, "code "+code, []store.Tag{store.CodeTag(code)}, func(sys *store.Tx) (q model.QRCode, _ model.Time, err error) {
		return q, 0, sys.Q(&q).Where("code = ?", code).Take(&q).Error
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, model.Fail(model.QRUnknown)
	}
	return &q, err
}

// buildingAt is a building, wherever it lies: the caller judges whether the actor may know it.
func buildingAt(tx *store.Tx, id model.ID) (*model.Building, error) {
	b, err := store.Cached(tx, "building "+id.String(), []store.Tag{store.BuildingTag(id)},
		func(sys *store.Tx) (b model.Building, _ model.Time, err error) {
			return b, 0, sys.Q(&b).Where("id = ?", id).Take(&b).Error
		})
	return &b, err
}

// scanned is the building that a resident's code opens, or that they have posted to with a code before.
func (s *Service) scanned(tx *store.Tx, r *model.Record, in *Create, code *model.QRCode) (*model.Building, error) {
	id := in.BuildingID
	if code != nil {
		if code.Status != model.QRActive {
			return nil, model.Fail(model.QRRevoked)
		}
		if err := s.allow("code " + code.Code); err != nil {
			return nil, err
		}
		id = code.BuildingID
		if r.Unit == "" {
			r.Unit = code.Unit
		}
	}
	a := tx.Actor()
	if id.IsZero() {
		return nil, required("qr", model.QRRequired, "请扫楼门口的二维码后填报")
	}
	if !a.Building.IsZero() && a.Building != id {
		return nil, model.Failf(model.RoleForbidden, "这次扫码只能填报这一栋楼。到别的楼请扫那里的二维码。")
	}
	if err := s.pass(tx, id, in.QR != ""); err != nil {
		return nil, err
	}
	return buildingAt(tx, id)
}

// pass lets an account come back to a building by its id once it has posted there with a code.
func (s *Service) pass(tx *store.Tx, building model.ID, withCode bool) error {
	a := tx.Actor()
	n, err := store.Cached(tx, "pass "+a.Account.String()+" "+building.String(), []store.Tag{store.AccountTag(a.Account)},
		func(sys *store.Tx) (n int64, _ model.Time, err error) {
			err = sys.Q(&model.ScanPass{}).Where("account_id = ? AND building_id = ?", a.Account, building).Count(&n).Error
			return n, 0, err
		})
	switch {
	case err != nil:
		return err
	case n > 0:
		return nil
	case withCode:
		return tx.Add(&model.ScanPass{AccountID: a.Account, BuildingID: building, At: tx.Now()})
	}
	return required("qr", model.QRRequired, "请扫楼门口的二维码后填报")
}

// daily holds a scan account to its submissions a day.
func (s *Service) daily(tx *store.Tx) error {
	if tx.Actor().Building.IsZero() {
		return nil
	}
	today := tx.Now().Date().Start()
	var n int64
	err := tx.Q(&model.Record{}).Where("submitter_id = ? AND submitted_at >= ?", tx.Actor().Account, today).Count(&n).Error
	if err != nil {
		return err
	}
	if n >= scanDaily {
		tomorrow := today.Std().AddDate(0, 0, 1)
		return &model.Error{Code: model.RateLimited, Detail: "今天填报的次数已满，请明天再来，或联系社区。",
			RetryAfter: int(tomorrow.Sub(tx.Now().Std()).Seconds()) + 1}
	}
	return nil
}

// admitStaff settles a staff member's record at a building in scope, or at an area code of at least a community in scope.
func (s *Service) admitStaff(tx *store.Tx, r *model.Record, in *Create) error {
	if in.QR != "" {
		var q []model.QRCode
		if err := tx.Q(&model.QRCode{}).Where("code = ? AND status = ?", in.QR, model.QRActive).Find(&q).Error; err != nil {
			return err
		}
		if len(q) > 0 && in.BuildingID.IsZero() {
			in.BuildingID = q[0].BuildingID
		}
	}
	r.Channel = model.ByStaff
	if in.BuildingID.IsZero() {
		if len(in.AreaCode) < 12 || !model.ValidArea(in.AreaCode) || !tx.Covers(model.Where{Area: in.AreaCode}) {
			return required("area_code", model.PlaceRequired, "请选择您范围内的楼栋，或至少到社区的区域")
		}
		var n int64
		if err := tx.Q(&model.Area{}).Where("code = ? AND valid_to IS NULL", in.AreaCode).Count(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return required("area_code", model.PlaceRequired, "没有这个区域，请重新选择")
		}
		r.AreaCodes = model.CodesOf(in.AreaCode)
	} else {
		b, err := s.inScope(tx, in.BuildingID)
		if err != nil {
			return err
		}
		if err := s.settle(tx, r, b); err != nil {
			return err
		}
	}
	if r.SubmitterRole = tx.Actor().TopAt(r.Where()); r.SubmitterRole == "" {
		return required("building_id", model.PlaceRequired, "请选择您范围内的楼栋、单元和房间")
	}
	if in.Method != "" && !tx.Actor().WorksAt(model.Collector, r.Where()) {
		return model.Fail(model.RoleForbidden)
	}
	if r.SubmitterRole == model.Collector {
		r.Channel = model.ByCollector
	}
	return nil
}

// inScope is a building that the actor sees: for the place it has, or for one of its rooms.
func (s *Service) inScope(tx *store.Tx, id model.ID) (*model.Building, error) {
	b, err := buildingAt(tx, id)
	if err == nil && tx.Covers(model.Where{Area: b.AreaCode, Building: id}) {
		return b, nil
	}
	var n int64
	if err == nil {
		err = tx.Q(&model.Building{}).Where("id = ?", id).Count(&n).Error
	}
	if errors.Is(err, gorm.ErrRecordNotFound) || err == nil && n == 0 {
		return nil, required("building_id", model.PlaceRequired, "请选择您范围内的楼栋")
	}
	return b, err
}

// settle puts the record at the building, and at the room if there is one of that number; an unknown room is kept as said.
func (s *Service) settle(tx *store.Tx, r *model.Record, b *model.Building) error {
	r.BuildingID, r.AreaCodes = b.ID, b.AreaCodes
	if r.Room == "" {
		return nil
	}
	rooms, err := store.Cached(tx, "room "+b.ID.String()+" "+r.Unit+" "+r.Room, []store.Tag{store.BuildingTag(b.ID)},
		func(sys *store.Tx) (rooms []model.Room, _ model.Time, err error) {
			q := sys.Q(&model.Room{}).Where("building_id = ? AND number = ?", b.ID, r.Room)
			if r.Unit != "" {
				q = q.Where("unit = ?", r.Unit)
			}
			return rooms, 0, q.Limit(2).Find(&rooms).Error
		})
	if err != nil {
		return err
	}
	if len(rooms) != 1 || rooms[0].Use == model.RoomEmpty && rooms[0].MergedInto.IsZero() {
		r.RoomUnmatched = true
		return nil
	}
	r.RoomID, r.Unit, r.AreaCodes = rooms[0].ID, rooms[0].Unit, rooms[0].AreaCodes
	if !rooms[0].MergedInto.IsZero() {
		r.RoomID = rooms[0].MergedInto
	}
	return nil
}

func required(field string, code model.Code, message string) error {
	return model.Faults{{Location: field, Code: code, Message: message}}.Err()
}

func at(list string, i int, field string) string { return fmt.Sprintf("%s[%d].%s", list, i, field) }
