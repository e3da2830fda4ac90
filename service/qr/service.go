package qr

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// Service issues, revokes and resolves the codes of buildings and units. Make it with New.
type Service struct {
	db   *store.DB
	base string
}

// New makes the service; base is the address under which the world reaches the server (BASE_URL), without a slash at its end.
func New(db *store.DB, base string) *Service {
	return &Service{db: db, base: strings.TrimSuffix(base, "/")}
}

// URL is what a code's picture holds: BASE_URL/q/CODE.
func (s *Service) URL(code string) string { return s.base + "/q/" + code }

// Issue answers the active code of a building, or of a unit of it, and makes one when there is none: created is true then. With
// rotate the active one is revoked and a new one made in the same transaction.
//
// Errors: not_found when the building is out of scope; role.forbidden without the community's role there; validation.failed for a
// unit that the building does not have.
func (s *Service) Issue(ctx context.Context, building model.ID, unit string, rotate bool) (
	c *model.QRCode, created bool, err error,
) {
	act := model.Act{Name: "qr.issue", Target: building.String()}
	if rotate {
		act.Name = "qr.rotate"
	}
	for range 3 { // a broken constraint: somebody else was quicker, and the next run sees their code
		err = s.db.Write(ctx, act, func(tx *store.Tx) error {
			c, created, err = issue(tx, building, unit, rotate)
			return err
		})
		if !errors.Is(err, store.ErrDuplicate) {
			break
		}
	}
	return c, created, err
}

func issue(tx *store.Tx, building model.ID, unit string, rotate bool) (*model.QRCode, bool, error) {
	b, err := managed(tx, building)
	if err != nil {
		return nil, false, err
	}
	tx.Note("", b.AreaCode, "")
	if unit != "" {
		var rooms []model.ID
		q := tx.Q(&model.Room{}).Where("building_id = ? AND unit = ?", building, unit)
		if err := q.Limit(1).Pluck("id", &rooms).Error; err != nil {
			return nil, false, err
		}
		if len(rooms) == 0 {
			return nil, false, model.Faults{{Location: "unit", Code: model.FieldInvalid, Message: "楼栋里没有这个单元"}}.Err()
		}
	}
	var last model.QRCode
	err = tx.Q(&last).Where("building_id = ? AND unit = ?", building, unit).Order("version DESC").Limit(1).Find(&last).Error
	if err != nil {
		return nil, false, err
	}
	if last.Status == model.QRActive && !rotate {
		tx.Untraced()
		return &last, false, nil
	}
	if last.Status == model.QRActive {
		revoke(tx, last.Code)
	}
	live := building.String() + "/" + unit
	fresh := &model.QRCode{Code: NewCode(), BuildingID: building, Unit: unit, Status: model.QRActive, Version: last.Version + 1,
		IssuedAt: tx.Now(), IssuedBy: tx.Actor().Account, Live: &live}
	return fresh, true, tx.Add(fresh)
}

func revoke(tx *store.Tx, code string) {
	tx.Change(&model.QRCode{}, map[string]any{"status": model.QRDead, "revoked_at": tx.Now(), "live": nil},
		"code = ? AND status = ?", code, model.QRActive)
}

// managed is the building if the actor's community manages it: not_found, role.forbidden.
func managed(tx *store.Tx, id model.ID) (b model.Building, err error) {
	if err := tx.Q(&b).Where("id = ?", id).Take(&b).Error; err != nil {
		return b, err
	}
	if a := tx.Actor(); !a.IsSystem() && !a.AtLeastAt(model.CommunityRole, model.Where{Area: b.AreaCode, Building: id}) {
		return b, model.Fail(model.RoleForbidden)
	}
	return b, nil
}

// Revoke ends a code; it never comes back. Revoking it again changes nothing.
//
// Errors: not_found; role.forbidden; precondition.required, precondition.malformed, record.stale.
func (s *Service) Revoke(ctx context.Context, code string, m model.Match) (c model.QRCode, err error) {
	err = s.db.Write(ctx, model.Act{Name: "qr.revoke", Target: code}, func(tx *store.Tx) error {
		if c, err = revocable(tx, code, m); err != nil {
			return err
		}
		if c.Status == model.QRDead {
			tx.Untraced()
			return nil
		}
		revoke(tx, c.Code)
		c.Status, c.RevokedAt, c.Live = model.QRDead, tx.Now(), nil
		return nil
	})
	return c, err
}

func revocable(tx *store.Tx, typed string, m model.Match) (model.QRCode, error) {
	c, err := inScope(tx, typed)
	if err != nil {
		return c, err
	}
	b, err := managed(tx, c.BuildingID)
	if err != nil {
		return c, err
	}
	tx.Note(c.Code, b.AreaCode, "")
	return c, m.Against(c.Version)
}

func inScope(tx *store.Tx, typed string) (c model.QRCode, err error) {
	code, ok := ParseCode(typed)
	if !ok {
		return c, model.Fail(model.NotFound)
	}
	return c, tx.Q(&c).Where("code = ?", code).Take(&c).Error
}

// Code is one code, for staff. Errors: not_found when it does not exist or its building is out of scope.
func (s *Service) Code(ctx context.Context, typed string) (c model.QRCode, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error { c, err = inScope(tx, typed); return err })
	return c, err
}

// Codes are all codes of a building, active and revoked, the newest first. after is the next of the page before.
//
// Errors: not_found when the building is out of scope; validation.failed for a bad cursor.
func (s *Service) Codes(ctx context.Context, building model.ID, after string, limit int) (
	codes []*model.QRCode, next string, err error,
) {
	from, err := store.ParseCursor(after)
	if err != nil {
		return nil, "", err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		codes, next = nil, ""
		var b model.Building
		if err := tx.Q(&b).Where("id = ?", building).Take(&b).Error; err != nil {
			return err
		}
		// A building's codes are a few dozen at most, so that they are read whole and cut here: codes have no id to page by.
		var all []*model.QRCode
		q := tx.Q(&model.QRCode{}).Where("building_id = ?", building)
		if err := q.Order("issued_at DESC").Order("code").Find(&all).Error; err != nil {
			return err
		}
		first := int(max(0, min(int64(from.At), int64(len(all))))) // the cursor's moment is a count here
		codes = all[first:]
		if len(codes) > limit {
			codes, next = codes[:limit], store.Cursor{At: model.Time(first + limit)}.String()
		}
		return nil
	})
	return codes, next, err
}

// Resolve finds what a resident scanned, for anybody: a code is its own credential.
//
// Errors: qr.unknown for a code never issued or mistyped; qr.revoked for one that is no longer valid.
func (s *Service) Resolve(_ context.Context, tx *store.Tx, typed string) (*model.QRCode, *model.Building, error) {
	code, ok := ParseCode(typed)
	if !ok {
		return nil, nil, model.Fail(model.QRUnknown)
	}
	all := tx.System("resolve a QR code")
	var c model.QRCode
	if err := all.Q(&c).Where("code = ?", code).Limit(1).Find(&c).Error; err != nil {
		return nil, nil, err
	}
	switch c.Status {
	case "":
		return nil, nil, model.Fail(model.QRUnknown)
	case model.QRDead:
		return nil, nil, model.Fail(model.QRRevoked)
	}
	var b model.Building
	if err := all.Q(&b).Where("id = ?", c.BuildingID).Take(&b).Error; err != nil {
		return nil, nil, err
	}
	return &c, &b, nil
}

// Scan is what the world learns from a code: where it hangs, never who lives there.
type Scan struct {
	Code     *model.QRCode
	Building *model.Building
	AreaName string // the community's
}

// Scan resolves a code and counts one scan. Errors: as Resolve.
func (s *Service) Scan(ctx context.Context, typed string) (out Scan, err error) {
	if out, err = s.Look(ctx, typed); err != nil {
		return Scan{}, err
	}
	_, err = s.db.Tick(ctx, &model.QRCode{}, map[string]any{"scans": gorm.Expr("scans + 1")}, "code = ?", out.Code.Code)
	return out, err
}

// Look resolves a code without counting. Errors: as Resolve.
func (s *Service) Look(ctx context.Context, typed string) (out Scan, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		out = Scan{}
		if out.Code, out.Building, err = s.Resolve(ctx, tx, typed); err != nil {
			return err
		}
		names, err := areaNames(tx.System("the community's name is on the poster"), []string{out.Building.Community})
		out.AreaName = names[out.Building.Community]
		return err
	})
	return out, err
}

func areaNames(tx *store.Tx, codes []string) (map[string]string, error) {
	names := map[string]string{}
	var areas []model.Area
	err := tx.Q(&model.Area{}).Select("code", "name").Where("code IN ?", codes).Find(&areas).Error
	for _, a := range areas {
		names[a.Code] = a.Name
	}
	return names, err
}

// Posters are the active codes in an area's subtree or of one building, by building and unit, with a title for their page. Codes
// that do not exist yet are not made. One of area and building is given.
//
// Errors: not_found when the area or building is out of scope; validation.failed when none or both are given.
func (s *Service) Posters(ctx context.Context, area string, building model.ID) (title string, posters []Poster, err error) {
	if (area == "") == building.IsZero() {
		return "", nil, model.Faults{{Location: "area", Code: model.FieldRequired, Message: "请选择区域或楼栋，只选一个"}}.Err()
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		title, posters = "", nil
		q := tx.Q(&model.Building{}).Where("id = ?", building)
		if area != "" {
			var a model.Area
			if err := tx.Q(&a).Where("code = ?", area).Take(&a).Error; err != nil {
				return err
			}
			title = a.Name
			q = tx.Q(&model.Building{}).Where("area_code >= ? AND area_code < ?", area, area+":") // ':' follows '9'
		}
		var buildings []*model.Building
		if err := q.Order("area_code").Order("id").Find(&buildings).Error; err != nil {
			return err
		}
		if area == "" {
			if len(buildings) == 0 {
				return model.Fail(model.NotFound)
			}
			title = buildings[0].Name
		}
		posters, err = s.postersOf(tx, buildings)
		return err
	})
	return title, posters, err
}

func (s *Service) postersOf(tx *store.Tx, buildings []*model.Building) ([]Poster, error) {
	ids := make([]model.ID, len(buildings))
	var communities []string
	for i, b := range buildings {
		ids[i] = b.ID
		communities = append(communities, b.Community)
	}
	byBuilding := map[model.ID][]model.QRCode{}
	for len(ids) > 0 {
		n := min(len(ids), 1000) // ids per statement
		var codes []model.QRCode
		err := tx.Q(&model.QRCode{}).Where("building_id IN ? AND status = ?", ids[:n], model.QRActive).Order("unit").Find(&codes).Error
		if err != nil {
			return nil, err
		}
		for _, c := range codes {
			byBuilding[c.BuildingID] = append(byBuilding[c.BuildingID], c)
		}
		ids = ids[n:]
	}
	names, err := areaNames(tx.System("the community's name is on the poster"), distinct(communities))
	if err != nil {
		return nil, err
	}
	var out []Poster
	for _, b := range buildings {
		for _, c := range byBuilding[b.ID] {
			out = append(out, Poster{Code: c.Code, URL: s.URL(c.Code), Area: names[b.Community], Building: b.Name, Address: b.Address,
				Unit: c.Unit})
		}
	}
	return out, nil
}

func distinct(texts []string) (out []string) {
	seen := map[string]bool{}
	for _, t := range texts {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// LocateBuilding judges issuing a code for a building, whose id may be malformed: not_found, role.forbidden or nil.
func (s *Service) LocateBuilding(ctx context.Context, id string, _ model.Match) error {
	b, err := model.ParseID(id)
	if err != nil {
		return model.Fail(model.NotFound)
	}
	return s.db.Read(ctx, func(tx *store.Tx) error { _, err := managed(tx, b); return err })
}

// LocateCode judges revoking a code: not_found, role.forbidden, precondition.required, precondition.malformed, record.stale or nil.
func (s *Service) LocateCode(ctx context.Context, code string, m model.Match) error {
	return s.db.Read(ctx, func(tx *store.Tx) error { _, err := revocable(tx, code, m); return err })
}

// SeeBuilding judges reading a building's codes: nil or not_found.
func (s *Service) SeeBuilding(ctx context.Context, id string, _ model.Match) error {
	b, err := model.ParseID(id)
	if err != nil {
		return model.Fail(model.NotFound)
	}
	return s.db.Read(ctx, func(tx *store.Tx) error {
		var row model.Building
		return tx.Q(&row).Where("id = ?", b).Take(&row).Error
	})
}

// SeeFile judges reading a code or its picture: nil or not_found. The sheet is nobody's in particular.
func (s *Service) SeeFile(ctx context.Context, file string, _ model.Match) error {
	if file == "sheet" {
		return nil
	}
	name, _, _ := strings.Cut(file, ".")
	_, err := s.Code(ctx, name)
	return err
}
