package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sixelements/model"
)

type actorKey struct{}
type armsKey struct{}
type doorKey struct{}

// As makes ctx act for the actor. Without an actor every statement fails.
func As(ctx context.Context, a model.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// AsSystem makes ctx act for the program itself, which sees everything; the reason is kept in the trace. The request's id and
// source go on standing in it.
func AsSystem(ctx context.Context, reason string) context.Context {
	was := ActorOf(ctx)
	return As(ctx, model.Actor{Reason: reason, Name: "系统", RequestID: was.RequestID, Source: was.Source})
}

// ActorOf is who acts in ctx; the zero Actor when nobody does.
func ActorOf(ctx context.Context) model.Actor {
	a, _ := ctx.Value(actorKey{}).(model.Actor)
	return a
}

var (
	errNoActor   = errors.New("store: a statement without an actor")
	errNoScope   = errors.New("store: a statement on a table that has no scope")
	errNotDoor   = errors.New("store: a change outside the Write door")
	errRaw       = errors.New("store: raw SQL outside the store")
	errUnlimited = errors.New("store: a change without a condition")
)

// rule limits a table, seen under the name t, to a scope.
type rule func(t table, s model.Scope, a model.Actor) clause.Expression

// scopes says for every table how an actor's scope limits it. A table that is missing here cannot be spoken to.
var scopes = map[string]rule{
	"records":       table.records,
	"revisions":     header("record_id"),
	"links":         header("record_id"),
	"dispatches":    header("record_id"),
	"persons":       header("record_id"),
	"places":        header("record_id"),
	"events":        header("record_id"),
	"objects":       header("record_id"),
	"situations":    header("record_id"),
	"organisations": header("record_id"),
	"attachments": func(t table, s model.Scope, a model.Actor) clause.Expression {
		return anyOf{t.eq("owner_id", a.Account), header("record_id")(t, s, a)}
	},
	"areas":     table.areas,
	"buildings": table.buildings,
	"rooms":     func(t table, s model.Scope, _ model.Actor) clause.Expression { return t.places(s, "building_id") },
	"visits":    table.visits,
	"qr_codes": func(t table, s model.Scope, a model.Actor) clause.Expression {
		return t.inBuildings(s, a)
	},
	"assignments": table.assignments,
	"accounts": func(t table, s model.Scope, a model.Actor) clause.Expression {
		return anyOf{t.eq("id", a.Account), t.in("id", "SELECT account_id FROM grants WHERE ?", table("grants").prefixes(s, "area_code"))}
	},
	"grants":      inArea("account_id"),
	"audit":       inArea("actor_id"),
	"sessions":    own("account_id"),
	"consents":    own("account_id"),
	"scan_passes": own("account_id"),
	"jobs":        own("owner_id"),
	// The tallies' own: the program judges what part of them somebody may see.
	"tally_deltas":     nobody,
	"tally_parts":      nobody,
	"tally_rooms":      nobody,
	"tally_households": nobody,
	// The global tables: the same for everybody.
	"settings":     everybody,
	"extra_fields": everybody,
}

func everybody(table, model.Scope, model.Actor) clause.Expression { return clause.Expr{SQL: "1 = 1"} }

func nobody(table, model.Scope, model.Actor) clause.Expression { return clause.Expr{SQL: "1 = 0"} }

func own(col string) rule {
	return func(t table, _ model.Scope, a model.Actor) clause.Expression { return t.eq(col, a.Account) }
}

// inArea limits rows with an area code to the scope's areas, and to the account's own.
func inArea(col string) rule {
	return func(t table, s model.Scope, a model.Actor) clause.Expression {
		return append(t.prefixes(s, "area_code"), t.eq(col, a.Account))
	}
}

// header limits rows that belong to a record to those whose header is in scope. The header is looked up for each row: MariaDB makes a
// join of IN and EXISTS and may begin it with all headers in scope, a whole street's; it leaves a subquery with a LIMIT as it is.
func header(col string) rule {
	return func(t table, s model.Scope, a model.Actor) clause.Expression {
		return clause.Expr{SQL: "(SELECT 1 FROM records WHERE records.id = ? AND ? LIMIT 1) = 1",
			Vars: []any{t.col(col), table("records").records(s, a)}}
	}
}

// anyOf holds when one of its expressions does; none of none holds. It always stands in brackets.
type anyOf []clause.Expression

// Build writes (a OR b OR …).
func (x anyOf) Build(b clause.Builder) { join(b, x, " OR ", "1 = 0") }

// allOf holds when all of its expressions do. It always stands in brackets.
type allOf []clause.Expression

// Build writes (a AND b AND …).
func (x allOf) Build(b clause.Builder) { join(b, x, " AND ", "1 = 1") }

func join(b clause.Builder, x []clause.Expression, sep, none string) {
	write := func(s string) { _, _ = b.WriteString(s) }
	write("(")
	if len(x) == 0 {
		write(none)
	}
	for i, e := range x {
		if i > 0 {
			write(sep)
		}
		e.Build(b)
	}
	write(")")
}

// table is the name by which a statement knows a table.
type table string

const current = table(clause.CurrentTable)

func (t table) col(name string) clause.Column { return clause.Column{Table: string(t), Name: name} }

func (t table) eq(col string, v any) clause.Expression {
	return clause.Eq{Column: t.col(col), Value: v}
}

func (t table) in(col, query string, cond clause.Expression) clause.Expression {
	return clause.Expr{SQL: "? IN (" + query + ")", Vars: []any{t.col(col), cond}}
}

// levelColumns are the columns that hold an area code of just their level.
var levelColumns = map[int]string{9: "street", 12: "community", 15: "grid", 18: "micro_grid"}

// prefix holds for rows in the area's subtree: by equality on the level's column where there is one, by range otherwise.
func (t table) prefix(code string) clause.Expression {
	if col, ok := levelColumns[len(code)]; ok {
		return t.eq(col, code)
	}
	return t.between("area_code", code)
}

// between holds for texts that begin with the digits.
func (t table) between(col, code string) clause.Expression {
	return allOf{clause.Gte{Column: t.col(col), Value: code}, clause.Lt{Column: t.col(col), Value: code + ":"}} // ':' follows '9'
}

// places are the areas and posts of a scope, for tables with the level columns.
func (t table) places(s model.Scope, building string) anyOf {
	x := anyOf{}
	for _, a := range s.Areas {
		x = append(x, t.prefix(a))
	}
	for _, p := range s.Posts {
		if p.Unit == "" || building == "id" {
			x = append(x, t.eq(building, p.Building))
		} else {
			x = append(x, allOf{t.eq(building, p.Building), t.eq("unit", p.Unit)})
		}
	}
	return x
}

// prefixes are the areas of a scope, for tables with a code column only.
func (t table) prefixes(s model.Scope, col string) anyOf {
	x := anyOf{}
	for _, a := range s.Areas {
		x = append(x, t.between(col, a))
	}
	return x
}

// arm is one reason why an actor may see a record. A list pages each arm by itself and merges them.
type arm struct {
	all      bool // no reason is needed
	area     string
	building model.ID
	unit     string
	own      model.ID
	dispatch model.ID
	// through is how a record hangs on what was dispatched: dispatches, or one of the two ends of links; "" for all three.
	through string
}

func arms(s model.Scope) []arm {
	var out []arm
	for _, a := range s.Areas {
		out = append(out, arm{area: a})
	}
	for _, p := range s.Posts {
		out = append(out, arm{building: p.Building, unit: p.Unit})
	}
	if !s.Own.IsZero() {
		out = append(out, arm{own: s.Own})
	}
	if !s.Dispatch.IsZero() {
		out = append(out, arm{dispatch: s.Dispatch})
	}
	return out
}

// within holds for records in the area's subtree, along the indexes of lists: they know streets and communities, and the whole code.
func (t table) within(code string) clause.Expression {
	switch n := len(code); {
	case n == 9, n == 12:
		return t.prefix(code)
	case n > 12:
		return allOf{t.eq("community", code[:12]), t.between("area_code", code)}
	case n > 9:
		return allOf{t.eq("street", code[:9]), t.between("area_code", code)}
	}
	return t.between("area_code", code)
}

func (t table) arm(a arm) clause.Expression {
	switch {
	case a.all:
		return everybody("", model.Scope{}, model.Actor{})
	case a.area != "":
		return t.within(a.area)
	case !a.building.IsZero() && a.unit != "":
		return allOf{t.eq("building_id", a.building), t.eq("unit", a.unit)}
	case !a.building.IsZero():
		return t.eq("building_id", a.building)
	case !a.own.IsZero():
		return t.eq("submitter_id", a.own)
	case !a.dispatch.IsZero():
		return t.dispatched(a.dispatch, a.through)
	}
	return anyOf{}
}

// throughs are the ways in which a record hangs on what was dispatched, with the ids that each leads to.
var throughs = map[string]string{
	"dispatches": "SELECT record_id FROM dispatches WHERE account_id = ?",
	"to":         "SELECT other_id FROM links WHERE record_id IN (SELECT record_id FROM dispatches WHERE account_id = ?)",
	"from":       "SELECT record_id FROM links WHERE other_id IN (SELECT record_id FROM dispatches WHERE account_id = ?)",
}

// dispatched are the events once dispatched to a department, with their linked places and objects; never a person, never the register.
func (t table) dispatched(account model.ID, through string) clause.Expression {
	if through == "" {
		return anyOf{t.dispatched(account, "dispatches"), t.dispatched(account, "to"), t.dispatched(account, "from")}
	}
	mine := clause.Expr{SQL: "? IN (" + throughs[through] + ")", Vars: []any{t.col("id"), account}}
	if through == "dispatches" {
		return mine
	}
	return allOf{mine, clause.IN{Column: t.col("kind"), Values: []any{model.KindPlace, model.KindObject}}}
}

func (t table) records(s model.Scope, _ model.Actor) clause.Expression { return t.anyArm(arms(s)) }

func (t table) anyArm(list []arm) clause.Expression {
	x := anyOf{}
	for _, a := range list {
		x = append(x, t.arm(a))
	}
	return x
}

// buildings: by the building's own code, or because a room of it lies in scope: one building may lie in several micro-grids.
func (t table) buildings(s model.Scope, _ model.Actor) clause.Expression {
	x := t.places(s, "id")
	for _, a := range s.Areas {
		x = append(x, t.spans(a))
	}
	return x
}

// spans holds for buildings whose code stands above the area's and that have a room in it.
func (t table) spans(area string) clause.Expression {
	var above []any
	for n := range len(area) {
		above = append(above, area[:n])
	}
	return allOf{clause.IN{Column: t.col("area_code"), Values: above},
		clause.Expr{SQL: "(SELECT 1 FROM rooms WHERE rooms.building_id = ? AND ? LIMIT 1) = 1",
			Vars: []any{t.col("id"), table("rooms").prefix(area)}}}
}

// visits: by their codes, by a post's building or, a visit having no unit of its own, its unit's rooms, and one's own.
func (t table) visits(s model.Scope, a model.Actor) clause.Expression {
	x := append(t.places(model.Scope{Areas: s.Areas}, "building_id"), t.eq("account_id", a.Account))
	for _, p := range s.Posts {
		if p.Unit == "" {
			x = append(x, t.eq("building_id", p.Building))
			continue
		}
		rooms := table("rooms").places(model.Scope{Posts: []model.Post{p}}, "building_id")
		x = append(x, t.in("room_id", "SELECT id FROM rooms WHERE ?", rooms))
	}
	return x
}

// areas: the subtree, and the ancestors' names for breadcrumbs.
func (t table) areas(s model.Scope, a model.Actor) clause.Expression {
	x := t.prefixes(s, "code")
	var up []any
	for _, code := range heldCodes(a) {
		for ; code != ""; code = model.ParentCode(code) {
			up = append(up, code)
		}
	}
	if len(up) > 0 {
		x = append(x, clause.IN{Column: t.col("code"), Values: up})
	}
	return x
}

func heldCodes(a model.Actor) []string {
	var out []string
	for _, g := range a.Grants {
		out = append(out, g.Area)
	}
	for _, p := range a.Posts {
		out = append(out, p.Area)
	}
	return out
}

// inBuildings holds for rows of a building in scope.
func (t table) inBuildings(s model.Scope, a model.Actor) clause.Expression {
	return clause.Expr{SQL: "(SELECT 1 FROM buildings WHERE buildings.id = ? AND ? LIMIT 1) = 1",
		Vars: []any{t.col("building_id"), table("buildings").buildings(s, a)}}
}

func (t table) assignments(s model.Scope, a model.Actor) clause.Expression {
	x := append(t.prefixes(s, "area_code"), t.eq("account_id", a.Account))
	if len(s.Areas) > 0 {
		x = append(x, t.inBuildings(model.Scope{Areas: s.Areas}, a))
	}
	return x
}

// register puts scope in front of every kind of statement GORM can send.
func register(g *gorm.DB) error {
	cb := g.Callback()
	return errors.Join(
		cb.Query().Before("gorm:query").Register("six:scope", limit),
		cb.Row().Before("gorm:row").Register("six:scope", limit),
		cb.Update().Before("gorm:update").Register("six:scope", change),
		cb.Update().Before("gorm:setup_reflect_value").Register("six:sealed", sealedOnly),
		cb.Delete().Before("gorm:delete").Register("six:scope", change),
		cb.Create().Before("gorm:create").Register("six:door", create),
		cb.Raw().Before("gorm:raw").Register("six:raw", raw),
	)
}

func raw(db *gorm.DB) { _ = db.AddError(errRaw) }

// create lets rows in only through the door, which has checked each against the scope.
func create(db *gorm.DB) {
	if db.Statement.Context.Value(doorKey{}) == nil {
		_ = db.AddError(errNotDoor)
	}
	if _, ok := db.Statement.Clauses["ON CONFLICT"]; ok {
		_ = db.AddError(errNotDoor)
	}
}

func change(db *gorm.DB) {
	if db.Statement.Context.Value(doorKey{}) == nil {
		_ = db.AddError(errNotDoor)
		return
	}
	if _, ok := db.Statement.Clauses["WHERE"]; !ok {
		_ = db.AddError(errUnlimited)
		return
	}
	limit(db)
}

// limit adds the actor's scope to a statement as (existing) AND (scope), and fails closed.
func limit(db *gorm.DB) {
	stmt := db.Statement
	if stmt.SQL.Len() > 0 { // Raw(…).Scan(…) and Raw(…).Rows() come through here with their SQL made
		_ = db.AddError(errRaw)
		return
	}
	a := ActorOf(stmt.Context)
	if a.IsZero() {
		_ = db.AddError(errNoActor)
		return
	}
	limits, ok := scopes[stmt.Table]
	if !ok || stmt.TableExpr != nil && !plainTable(stmt) || len(stmt.Joins) > 0 || otherTables(stmt) {
		_ = db.AddError(fmt.Errorf("%w: %s", errNoScope, stmt.Table))
		return
	}
	x := everybody("", model.Scope{}, a)
	if only, ok := stmt.Context.Value(armsKey{}).([]arm); ok && stmt.Table == "records" {
		x = current.anyArm(only)
	} else if s := a.Scope(); !s.All {
		x = limits(current, s, a)
	}
	c := stmt.Clauses["WHERE"]
	if w, ok := c.Expression.(clause.Where); ok && len(w.Exprs) > 0 {
		c.Expression = clause.Where{Exprs: []clause.Expression{group{w}, x}}
		stmt.Clauses["WHERE"] = c
		return
	}
	stmt.AddClause(clause.Where{Exprs: []clause.Expression{x}})
}

// group puts what a service asked for in brackets, whatever it joined with OR.
type group struct{ where clause.Where }

// Build writes (…).
func (g group) Build(b clause.Builder) {
	_ = b.WriteByte('(')
	g.where.Build(b)
	_ = b.WriteByte(')')
}

// otherTables tells whether a FROM clause was handed in that names tables of its own.
func otherTables(stmt *gorm.Statement) bool {
	from, ok := stmt.Clauses["FROM"].Expression.(clause.From)
	return ok && len(from.Tables)+len(from.Joins) > 0
}

// plainTable tells whether the table expression is nothing but the table's name.
func plainTable(stmt *gorm.Statement) bool {
	return strings.Trim(stmt.TableExpr.SQL, "`\"") == stmt.Table && len(stmt.TableExpr.Vars) == 0
}
