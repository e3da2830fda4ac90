package collect

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"sixelements/model"
	"sixelements/model/store"
)

// Find says which records a list is to hold.
type Find struct {
	Kind      string
	Status    string
	Stage     string
	Area      string
	Building  model.ID
	Room      string // an id of a room, or its number
	Household model.ID
	Q         string
	DueBefore string // RFC 3339
	Mine      bool
	Limit     int
	Cursor    string
}

// maxQuery is how long a query in a URL may be, in characters.
const maxQuery = 20

// List is a page of records in scope, newest first. Errors: validation.failed for a filter that cannot be read, or is
// not the caller's to use; search.use_post for a query that holds a number.
func (s *Service) List(ctx context.Context, f Find) ([]View, string, error) {
	if hasNumber(f.Q) {
		return nil, "", required("q", model.SearchUsePost, "号码不能放在网址里，请用号码查询功能")
	}
	if utf8.RuneCountInString(f.Q) > maxQuery {
		return nil, "", required("q", model.FieldTooLong, "最多 20 个字")
	}
	return s.find(ctx, f, func(q *store.Filter) { q.Title = strings.TrimSpace(f.Q) })
}

// Search is List by a full ID number, phone number or USCC, or by the beginning of a name.
func (s *Service) Search(ctx context.Context, f Find) ([]View, string, error) {
	return s.find(ctx, f, func(q *store.Filter) {
		text := strings.TrimSpace(f.Q)
		if text == "" {
			return
		}
		number := solid(text)
		if !hasNumber(number) {
			q.Title = text
			return
		}
		q.Numbers = [][]byte{s.db.SubjectIndex(strings.ToUpper(number))}
		if n, _, bad := model.ParseUSCC(text); bad == nil {
			q.Numbers = append(q.Numbers, s.db.SubjectIndex(n))
		}
		q.Phones = [][]byte{s.db.PhoneIndex(text)}
		if p, bad := model.ParsePhone(text); bad == nil {
			q.Phones = append(q.Phones, s.db.PhoneIndex(p))
		}
	})
}

func (s *Service) find(ctx context.Context, f Find, query func(*store.Filter)) (views []View, next string, err error) {
	if err := f.oracle(store.ActorOf(ctx)); err != nil {
		return nil, "", err
	}
	q, err := f.filter()
	if err != nil {
		return nil, "", err
	}
	query(&q)
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		var recs []*model.Record
		if recs, next, err = tx.Records(q); err != nil {
			return err
		}
		if err := tx.Load(recs); err != nil {
			return err
		}
		views, err = s.show(tx, recs)
		return err
	})
	return views, next, err
}

// oracle is validation.failed for filters that would tell a department what it does not see: who lives behind an event's door.
func (f Find) oracle(a model.Actor) error {
	if !a.Has(model.Department) || a.Staff() {
		return nil
	}
	var faults model.Faults
	if f.Room != "" {
		faults.Add("room", model.FieldInvalid, "处置部门不能按房间筛选")
	}
	if !f.Household.IsZero() {
		faults.Add("household", model.FieldInvalid, "处置部门不能按家庭筛选")
	}
	return faults.Err()
}

func (f Find) filter() (q store.Filter, err error) {
	var faults model.Faults
	for _, k := range list(f.Kind) {
		if q.Kinds = append(q.Kinds, model.Kind(k)); !model.Kind(k).Valid() {
			faults.Add("kind", model.FieldChoice, "要素类别不对")
		}
	}
	for _, v := range list(f.Status) {
		if q.Statuses = append(q.Statuses, model.Status(v)); model.Status(v).Label() == "" {
			faults.Add("status", model.FieldChoice, "状态不对")
		}
	}
	for _, v := range list(f.Stage) {
		if q.Stages = append(q.Stages, model.Stage(v)); model.Stage(v).Label() == "" {
			faults.Add("stage", model.FieldChoice, "环节不对")
		}
	}
	if f.Area != "" && !model.ValidArea(f.Area) {
		faults.Add("area", model.FieldInvalid, "区域编码不对")
	}
	if id, err := model.ParseID(f.Room); err == nil {
		q.Room = id
	} else {
		q.RoomText = f.Room
	}
	if err := dueBefore(&q.DueBefore, f.DueBefore); err != nil {
		faults.Add("due_before", model.FieldInvalid, "请填写时间，例如 2026-05-01T08:30:00+08:00")
	}
	q.Area, q.Building, q.Household, q.Mine, q.Limit = f.Area, f.Building, f.Household, f.Mine, f.Limit
	if err := faults.Err(); err != nil {
		return q, err
	}
	q.After, err = store.ParseCursor(f.Cursor)
	return q, err
}

// dueBefore reads a time, or a day: that is its first moment.
func dueBefore(t *model.Time, s string) error {
	if d, err := model.ParseDate(s); err == nil {
		*t = d.Start()
		return nil
	}
	return t.UnmarshalText([]byte(strings.ReplaceAll(s, " ", "+"))) // an unescaped + of the offset arrives as a space
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// solid is a number without the spaces and hyphens that people write into it.
func solid(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, s)
}

// hasNumber tells whether a text holds six digits in a row: a number that must not stand in a URL or a log.
func hasNumber(s string) bool {
	run := 0
	for _, r := range s {
		if r >= '0' && r <= '9' || r >= '０' && r <= '９' {
			if run++; run >= 6 {
				return true
			}
			continue
		}
		run = 0
	}
	return false
}

// Get is one record in scope, or not_found.
func (s *Service) Get(ctx context.Context, id model.ID) (v View, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		r, err := tx.Record(id)
		if err != nil {
			return err
		}
		views, err := s.show(tx, []*model.Record{r})
		if err == nil {
			v = views[0]
		}
		return err
	})
	return v, err
}
