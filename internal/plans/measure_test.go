package plans_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"
	lited "github.com/ncruces/go-sqlite3/driver"
	"github.com/stretchr/testify/require"

	"sixelements/model/store"
)

// statement is a read that the product made.
type statement struct {
	query  string
	values []any
}

// watcher keeps the reads that pass; it is store.Options.Watch.
type watcher struct {
	mu   sync.Mutex
	seen []statement
}

func (w *watcher) watch(query string, values []any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, statement{query, slices.Clone(values)})
}

// take is what passed since the last take.
func (w *watcher) take() []statement {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.seen = nil }()
	return w.seen
}

// gauge asks the engine how it answers a statement, and counts what it looks at.
type gauge struct {
	t    *testing.T
	conn *sql.Conn
	lite bool
	cost map[string]int
}

// newGauge asks past the doors, on a connection of its own.
func newGauge(t *testing.T, o store.Options) *gauge {
	lite := o.Dialect == store.SQLite
	open := func() (*sql.DB, error) { return sql.Open("mysql", o.DSN) }
	if lite {
		open = func() (*sql.DB, error) { return lited.Open("file:" + o.Path) }
	}
	pool, err := open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	conn, err := pool.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return &gauge{t, conn, lite, map[string]int{}}
}

// few rows may be read without an index: a planner is right to read all of a small table.
const few = 400

// stepsPerEntry is about how many instructions SQLite's machine needs for an entry of an index that it looks at and drops.
const stepsPerEntry = 12

// measure is how many rows and index entries the statement looks at: MariaDB counts its reads, SQLite its instructions.
func (g *gauge) measure(s statement) int {
	values := make([]any, len(s.values))
	for i, v := range s.values {
		c, err := driver.DefaultParameterConverter.ConvertValue(v)
		require.NoError(g.t, err, s.query)
		values[i] = c
	}
	key := fmt.Sprintln(s.query, values)
	if n, ok := g.cost[key]; ok {
		return n
	}
	n := 0
	if g.lite {
		n = g.steps(s.query, values) / stepsPerEntry
	} else {
		before := g.reads()
		g.each(s.query, values, func([]sql.NullString, []string) {})
		n = g.reads() - before
	}
	if n > few {
		g.judge(s.query, values)
	}
	g.cost[key] = n
	return n
}

func (g *gauge) steps(query string, values []any) (n int) {
	require.NoError(g.t, g.conn.Raw(func(c any) error {
		stmt, _, err := c.(interface{ Raw() *sqlite3.Conn }).Raw().Prepare(query)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for i, v := range values {
			switch v := v.(type) {
			case int64:
				err = stmt.BindInt64(i+1, v)
			case string:
				err = stmt.BindText(i+1, v)
			case []byte:
				err = stmt.BindBlob(i+1, v)
			case bool:
				err = stmt.BindBool(i+1, v)
			case nil:
				err = stmt.BindNull(i + 1)
			default:
				err = fmt.Errorf("a value of type %T", v)
			}
			if err != nil {
				return err
			}
		}
		for stmt.Step() {
		}
		n = stmt.Status(sqlite3.STMTSTATUS_VM_STEP, false)
		return stmt.Err()
	}), query)
	return n
}

// each runs a statement and hands out its rows with the columns' names.
func (g *gauge) each(query string, values []any, row func(cells []sql.NullString, columns []string)) {
	rows, err := g.conn.QueryContext(context.Background(), query, values...)
	require.NoError(g.t, err, query)
	defer func() { require.NoError(g.t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(g.t, err)
	cells, at := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range cells {
		at[i] = &cells[i]
	}
	for rows.Next() {
		require.NoError(g.t, rows.Scan(at...))
		row(cells, columns)
	}
	require.NoError(g.t, rows.Err())
}

// reads is MariaDB's count of rows and entries read by the connection.
func (g *gauge) reads() (sum int) {
	g.each("SHOW SESSION STATUS LIKE 'Handler_read%'", nil, func(cells []sql.NullString, _ []string) {
		n, err := strconv.Atoi(cells[1].String)
		require.NoError(g.t, err)
		if cells[0].String != "Handler_read_retry" {
			sum += n
		}
	})
	return sum
}

// grows are the tables that grow with the years; the others hold a handful of rows, or one for each area.
var grows = regexp.MustCompile("^(records|revisions|persons|places|events|objects|situations|organisations|links|dispatches|attachments|" +
	"buildings|rooms|visits|qr_codes|assignments|accounts|grants|audit|sessions|consents|jobs|scan_passes)$")

// judge fails when the statement's plan reads a growing table without an index, or makes an index of its own to answer it.
func (g *gauge) judge(query string, values []any) {
	explain := "EXPLAIN "
	if g.lite {
		explain = "EXPLAIN QUERY PLAN "
	}
	g.each(explain+query, values, func(cells []sql.NullString, columns []string) {
		if g.lite {
			detail := cells[3].String
			words := strings.Fields(detail)
			if words[0] == "SCAN" && len(words) == 2 && grows.MatchString(words[1]) || strings.Contains(detail, "AUTOMATIC") {
				g.t.Errorf("%s: %s\n%v", detail, query, values)
			}
			return
		}
		table, kind := cells[slices.Index(columns, "table")].String, cells[slices.Index(columns, "type")].String
		if kind == "ALL" && grows.MatchString(table) {
			g.t.Errorf("a full scan of %s: %s\n%v", table, query, values)
		}
	})
}
