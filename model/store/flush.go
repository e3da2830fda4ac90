package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sixelements/model"
)

// maxVars is how many values one statement may carry: SQLite takes 32,766, but larger statements no longer save time.
const maxVars = 1600

// door opens the door to changes for the statements of a flush, and for them alone: fn's could otherwise change rows that nothing has
// checked.
func door(ctx context.Context, g *gorm.DB) *gorm.DB {
	return g.Session(&gorm.Session{NewDB: true, Context: context.WithValue(ctx, doorKey{}, true)})
}

// alter writes the saves and changes that were staged, within the scope of ctx's actor.
func (tx *Tx) alter(ctx context.Context, g *gorm.DB) error {
	tx.countStaged()
	if len(tx.staged.saves)+len(tx.staged.changes) == 0 {
		return nil
	}
	g = door(ctx, g)
	for _, s := range tx.staged.saves {
		if err := tx.save(g, s); err != nil {
			return err
		}
	}
	for _, c := range tx.staged.changes {
		if err := c(g); err != nil {
			return err
		}
	}
	return nil
}

// lower takes back what a flush that was not committed did to the rows in memory.
func (tx *Tx) lower() {
	for _, v := range tx.staged.raised {
		*v--
	}
	tx.staged.raised = nil
}

// tags are those of all that is written.
func (tx *Tx) tags() []Tag { return tagsOf(tx.staged.tags, tx.staged.rows, tx.staged.saves) }

// insert groups the rows by type, in the order in which the types came, and writes each group with as few statements as can be.
func insert(g *gorm.DB, rows []any) error {
	groups := map[reflect.Type]reflect.Value{}
	var order []reflect.Type
	for _, r := range rows {
		t := reflect.TypeOf(r)
		if _, ok := groups[t]; !ok {
			groups[t] = reflect.MakeSlice(reflect.SliceOf(t), 0, len(rows))
			order = append(order, t)
		}
		groups[t] = reflect.Append(groups[t], reflect.ValueOf(r))
	}
	// A statement that fails ends its transaction here anyway: without OR FAIL, SQLite keeps a journal to undo just the statement.
	modifier := clause.Insert{}
	if g.Name() == "sqlite" {
		modifier.Modifier = "OR FAIL"
	}
	for _, t := range order {
		list := groups[t]
		// Powers of two, so that a few prepared statements serve every number of rows.
		size := 1
		for size*2*columns(t) <= maxVars {
			size *= 2
		}
		for from := 0; from < list.Len(); from += size {
			for size > list.Len()-from {
				size /= 2
			}
			if err := g.Clauses(modifier).Create(list.Slice(from, from+size).Interface()).Error; err != nil {
				return err
			}
		}
	}
	return nil
}

// columns is an upper bound of a row type's columns.
func columns(t reflect.Type) int {
	n := 0
	for t = t.Elem(); n < t.NumField(); n++ {
	}
	return n + 5
}

// versioned is implemented by rows whose version the door checks and raises.
func versionOf(row any) *int64 {
	return reflect.ValueOf(row).Elem().FieldByName("Version").Addr().Interface().(*int64)
}

// save writes a row's new state if its version is still the one that was read.
func (tx *Tx) save(g *gorm.DB, row any) error {
	rec, isRecord := row.(*model.Record)
	if isRecord && tx.before[rec.ID] == nil {
		return fmt.Errorf("store: record %s was not read in this transaction", rec.ID)
	}
	v := versionOf(row)
	was := *v
	*v = was + 1
	q := g.Model(row).Select("*").Where("version = ?", was)
	if isRecord {
		columns, err := changed(g, row, tx.before[rec.ID])
		if err != nil {
			return err
		}
		q = tx.unmoved(q.Select(columns), rec)
	}
	r := q.Updates(row)
	if r.Error != nil || r.RowsAffected == 0 {
		*v = was
	} else {
		tx.staged.raised = append(tx.staged.raised, v)
	}
	if r.Error == nil && r.RowsAffected == 0 {
		return stale(g, row, was)
	}
	if isRecord && r.Error == nil && rec.Element != nil {
		return saveElement(g, rec, tx.before[rec.ID].Element)
	}
	return r.Error
}

// saveElement writes what has changed of a record's detail: most steps change nothing there.
func saveElement(g *gorm.DB, rec *model.Record, was model.Element) error {
	columns, err := changed(g, rec.Element, was)
	if err != nil || len(columns) == 0 {
		return err
	}
	return g.Model(rec.Element).Select(columns).Where("record_id = ?", rec.ID).Updates(rec.Element).Error
}

// changed are the columns in which a row differs from what it was: only their indexes are then touched.
func changed(g *gorm.DB, row, was any) (columns []string, err error) {
	stmt := &gorm.Statement{DB: g}
	if err := stmt.Parse(row); err != nil {
		return nil, err
	}
	now, before := reflect.ValueOf(row).Elem(), reflect.ValueOf(was).Elem()
	for _, f := range stmt.Schema.Fields {
		if f.DBName == "" || f.PrimaryKey {
			continue
		}
		a, _ := f.ValueOf(g.Statement.Context, now)
		b, _ := f.ValueOf(g.Statement.Context, before)
		if !reflect.DeepEqual(a, b) {
			columns = append(columns, f.DBName)
		}
	}
	return columns, nil
}

// stale is record.stale with the version that is stored now; not_found for a row that is gone or out of scope. A row of the version
// that was read was moved to another area or room meanwhile: the transaction must run again.
func stale(g *gorm.DB, row any, was int64) error {
	stmt := &gorm.Statement{DB: g}
	if err := stmt.Parse(row); err != nil {
		return err
	}
	// A locking read sees what others committed since this transaction's snapshot; SQLite has no such thing and needs none.
	q := g.Model(row).Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	for _, f := range stmt.Schema.PrimaryFields {
		v, _ := f.ValueOf(g.Statement.Context, reflect.ValueOf(row).Elem())
		q = q.Where(clause.Eq{Column: clause.Column{Name: f.DBName}, Value: v})
	}
	var versions []int64
	if err := q.Pluck("version", &versions).Error; err != nil {
		return err
	}
	if len(versions) == 0 {
		return model.Fail(model.NotFound)
	}
	if versions[0] == was {
		return errVoid
	}
	return &model.Error{Code: model.Stale, Version: versions[0]}
}

// trace stages the act's audit row, unless the function changed records, whose revisions are their trace.
func (tx *Tx) trace() error {
	if tx.quiet {
		if tx.stagedNothing() {
			return nil
		}
		return fmt.Errorf("store: %s staged something and called itself untraced", tx.act.Name)
	}
	if tx.staged.revisions > 0 {
		return nil
	}
	if tx.act.Name == "" {
		return errors.New("store: a write without an act")
	}
	tx.staged.rows = append(tx.staged.rows, tx.auditRow("ok"))
	return nil
}

// nextTrace is the id for a trace.
func (tx *Tx) nextTrace() model.ID {
	id := tx.traceID
	if tx.traceID = model.NewID(); id.IsZero() {
		id = model.NewID()
	}
	return id
}

func (tx *Tx) stagedNothing() bool {
	return len(tx.staged.rows)+len(tx.staged.saves)+len(tx.staged.changes) == 0
}

func (tx *Tx) auditRow(result string) *model.Audit {
	a := tx.actor
	return &model.Audit{ID: tx.nextTrace(), At: tx.Now(), ActorID: a.Account, ActorRole: a.Top(), ActorName: a.Name, Act: tx.act.Name,
		Target: tx.act.Target, AreaCode: tx.act.Area, Street: model.CodesOf(tx.act.Area).Street, Result: result,
		Detail: cut(tx.act.Detail, 200), Source: a.Source, RequestID: a.RequestID}
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// Failed sets the result of the trace to a problem's code, for acts that are kept though they fail (AndFail).
func (tx *Tx) Failed(c model.Code) {
	tx.staged.rows = append(tx.staged.rows, tx.auditRow(string(c)))
	tx.staged.revisions++ // the row just staged is the trace
}
