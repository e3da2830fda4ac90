// Package tally counts the register: how many records stand where in verification, and how much of the rooms is covered.
package tally

import (
	"context"
	"strings"

	"sixelements/model"
	"sixelements/model/store"
)

// By is what the rows of a tally are.
type By string

// The groupings of GET /tallies.
const (
	ByArea      By = "area"      // the areas one level down, and what lies on the area itself
	ByKind      By = "kind"      // the six kinds
	ByStatus    By = "status"    // the six states
	ByBuilding  By = "building"  // buildings with records or rooms
	ByDay       By = "day"       // days of submission in Beijing, the newest 366, newest first
	ByCollector By = "collector" // who verified
)

// Query says what to count. An empty Area stands for the actor's only one.
type Query struct {
	Area string
	By   By
	Kind model.Kind // "" = all
}

// Counts are the numbers of records per state.
type Counts struct {
	Submitted, Verified, Returned, Rejected, Archived, Withdrawn int64
}

// Total is what is in the register or on its way: submitted, verified and returned.
func (c Counts) Total() int64 { return c.Submitted + c.Verified + c.Returned }

func (c *Counts) add(s model.Status, n int64) {
	switch s {
	case model.Submitted:
		c.Submitted += n
	case model.Verified:
		c.Verified += n
	case model.Returned:
		c.Returned += n
	case model.Rejected:
		c.Rejected += n
	case model.Archived:
		c.Archived += n
	case model.Withdrawn:
		c.Withdrawn += n
	}
}

// Item is a row of a tally. Rooms are given per area and per building; rows by kind and by state carry those of the whole area,
// since every kind is collected in the same rooms; days and collectors have none.
type Item struct {
	Key, Label     string
	Counts         Counts
	Rooms, Covered int64
}

// Coverage is the covered part of the rooms, 0 to 1; nil without rooms.
func (i Item) Coverage() *float64 {
	if i.Rooms == 0 {
		return nil
	}
	c := float64(i.Covered) / float64(i.Rooms)
	return &c
}

// Tally is the answer to a Query.
type Tally struct {
	Area  string
	AsOf  model.Time
	Items []Item
}

// Service counts.
type Service struct{ db *store.DB }

// New is a Service.
func New(db *store.DB) *Service { return &Service{db: db} }

// Of counts what the actor may see of an area: staff everything of an area in their scope, and of an area around the buildings they
// are posted to just those; a department the events once dispatched to it, wherever they lie. Errors: role.forbidden for others;
// not_found for an area that is not in scope; validation.failed for an area that is not a code or is missing where there is not just one.
func (s *Service) Of(ctx context.Context, q Query) (t *Tally, err error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		t, err = of(tx, q)
		return err
	})
	return t, err
}

func of(tx *store.Tx, q Query) (*Tally, error) {
	v, err := look(tx, q)
	if err != nil {
		return nil, err
	}
	items, err := v.items(q.By)
	return &Tally{Area: v.area, AsOf: tx.Now(), Items: items}, err
}

func (q Query) check() error {
	var f model.Faults
	if q.Area != "" && !model.ValidArea(q.Area) {
		f.Add("area", model.FieldInvalid, "区域代码不对，应是 6、9、12、15 或 18 位数字")
	}
	if q.Kind != "" && !q.Kind.Valid() {
		f.Add("kind", model.FieldChoice, "要素类别不对")
	}
	return f.Err()
}

// view is what an actor may count of an area.
type view struct {
	tx    *store.Tx // the program: what follows says what of it the actor may count
	mine  *store.Tx // the actor
	area  string
	name  string
	kind  model.Kind
	dept  model.ID    // a department: events once dispatched to it only
	areas []string    // counted as a whole: the area itself, or what of it lies in the actor's scope
	scope model.Scope // of an actor to whom the area does not lie in scope as a whole

	below    int // the length of the codes one level down
	children map[string]*model.Area
}

// holds tells whether what lies there is counted with an area as a whole.
func (v *view) holds(area string) bool { return inside(v.areas, area) }

// part tells whether the actor may count only a part of the area.
func (v *view) part() bool { return len(v.areas) != 1 || v.areas[0] != v.area }

// look judges the actor's right to the area.
func look(tx *store.Tx, q Query) (*view, error) {
	a := tx.Actor()
	v := &view{tx: tx.System("tally of an area in scope"), mine: tx, area: q.Area, kind: q.Kind}
	if !a.Staff() {
		if !a.Has(model.Department) {
			return nil, model.Fail(model.RoleForbidden)
		}
		v.dept = a.Account
		return v, v.named(v.tx, false)
	}
	s := a.Scope()
	if v.area == "" && !s.All {
		var err error
		if v.area, err = onlyArea(v.tx, s); err != nil {
			return nil, err
		}
	}
	if err := v.named(v.tx, true); err != nil {
		return nil, err
	}
	if s.All || inside(s.Areas, v.area) {
		v.areas = []string{v.area}
		return v, nil
	}
	v.scope = s
	for _, code := range s.Areas {
		if strings.HasPrefix(code, v.area) {
			v.areas = append(v.areas, code)
		}
	}
	return v, posted(v.tx, s, v.area)
}

func inside(areas []string, code string) bool {
	for _, a := range areas {
		if strings.HasPrefix(code, a) {
			return true
		}
	}
	return false
}

// named reads the area's name; a code that was never given to an area does not exist.
func (v *view) named(whole *store.Tx, must bool) error {
	var a model.Area
	if v.area == "" {
		return nil
	}
	if err := whole.Q(&a).Select("name").Where("code = ?", v.area).Limit(1).Find(&a).Error; err != nil {
		return err
	}
	if a.Name == "" && must {
		return model.Fail(model.NotFound)
	}
	v.name = a.Name
	return nil
}

// onlyArea is the one area the scope consists of.
func onlyArea(whole *store.Tx, s model.Scope) (string, error) {
	codes := s.Areas
	if len(s.Posts) > 0 {
		var at []string
		err := whole.Q(&model.Building{}).Where("id IN ?", houses(s.Posts)).Distinct().Pluck("area_code", &at).Error
		if err != nil {
			return "", err
		}
		for _, code := range at {
			for !model.ValidArea(code) && code != "" { // a building in several micro-grids has their common prefix
				code = code[:len(code)-1]
			}
			if !inside(codes, code) {
				codes = append(codes, code)
			}
		}
	}
	if len(codes) != 1 {
		return "", model.Faults{{Location: "area", Code: model.FieldRequired, Message: "请选择区域"}}.Err()
	}
	return codes[0], nil
}

// houses are the buildings of posts.
func houses(posts []model.Post) (ids []model.ID) {
	for _, p := range posts {
		ids = append(ids, p.Building)
	}
	return ids
}

// posted is nil when a building or room of the actor's posts lies in the area, not_found otherwise.
func posted(whole *store.Tx, s model.Scope, area string) error {
	if len(s.Posts) == 0 {
		return model.Fail(model.NotFound)
	}
	var b model.Building
	if err := within(whole.Q(&b), area).Select("id").Where("id IN ?", houses(s.Posts)).Limit(1).Find(&b).Error; err != nil {
		return err
	}
	if !b.ID.IsZero() {
		return nil
	}
	var r model.Room
	return within(whole.Q(&r), area).Select("id").Where("building_id IN ?", houses(s.Posts)).Take(&r).Error
}
