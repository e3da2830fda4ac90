package plans_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
	"sixelements/model"
)

// town fills a database by plain SQL, far faster than the doors: one street with most of the records, eight others, and beside every
// list's own rows those of everybody else.
type town struct {
	t    *testing.T
	s    *street.Server
	pool *sql.DB
	tx   *sql.Tx
	rows map[string][]string // by table and columns: values, not yet written

	resident, department, collector string // accounts, as literals
	building, room, household       model.ID
}

const day = int64(86_400_000)

// lit is a value as both engines read it.
func lit(v any) string {
	switch v := v.(type) {
	case model.ID:
		return "x'" + hex.EncodeToString(v[:]) + "'"
	case []byte:
		return "x'" + hex.EncodeToString(v) + "'"
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case nil:
		return "NULL"
	case raw:
		return string(v)
	}
	return "'" + fmt.Sprint(v) + "'"
}

// num is the n-th id of a kind of rows.
func num(kind byte, n int) (id model.ID) {
	id[0], id[6], id[8] = kind, 0x70, 0x80
	for i := range 4 {
		id[15-i] = byte(n >> (8 * i))
	}
	return id
}

func (w *town) add(table, columns string, values ...any) {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = lit(v)
	}
	key := table + " (" + columns + ")"
	if w.rows[key] = append(w.rows[key], "("+strings.Join(parts, ",")+")"); len(w.rows[key]) == 400 {
		w.write(key)
	}
}

func (w *town) write(key string) {
	_, err := w.tx.ExecContext(w.t.Context(), "INSERT INTO "+key+" VALUES "+strings.Join(w.rows[key], ","))
	require.NoError(w.t, err, key)
	w.rows[key] = nil
}

// fill writes about n records and what belongs to them.
func (w *town) fill(n int) {
	var err error
	w.tx, err = w.pool.BeginTx(w.t.Context(), nil)
	require.NoError(w.t, err)
	now := int64(w.s.Clock.Time())
	rooms := n / 4
	for i := range rooms {
		w.place(i, now)
	}
	for i := range n {
		w.record(i, n, rooms, now)
	}
	for i := range n / 4 {
		area := leaf(i)
		w.add("accounts", "id,kind,name,created_at,version", num('a', i), "resident", "", now-int64(i)*60_000, 1)
		w.add("grants", "id,account_id,role,area_code,granted_at", num('g', i), num('a', i), "resident", "", now)
		w.add("audit", "id,at,actor_id,act,area_code,street,result", num('t', i), now-int64(i)*30_000, num('a', i), "session.create",
			area, area[:9], "ok")
		if i%10 == 0 && i < 4000 { // staff does not grow with the years
			w.add("grants", "id,account_id,role,area_code,granted_at", num('G', i), num('a', i), "collector", area, now)
			w.add("assignments", "id,account_id,building_id,area_code,street,team,from_at,created_at", num('s', i), num('a', i),
				num('b', i/40), "", area[:9], "fixed", now-day, now-int64(i)*1000)
			w.add("jobs", "id,owner_id,kind,state,run_at,created_at", num('j', i), num('a', i), "export", "done", now, now-int64(i))
		}
	}
	for key := range w.rows {
		if len(w.rows[key]) > 0 {
			w.write(key)
		}
	}
	require.NoError(w.t, w.tx.Commit())
}

// leaf is the micro-grid of the i-th room: three of four lie in the first street.
func leaf(i int) string {
	b := i / 40 // a building's rooms lie together
	if b%4 < 3 {
		return fmt.Sprintf("410102002%03d%03d%03d", []int{1, 1, 3, 4, 5}[b%5], 1+b%3, 1+b%4)
	}
	return fmt.Sprintf("4101020%02d%03d%03d%03d", 3+b%8, 1+b%4, 1+b%3, 1+b%2)
}

const levels = "area_code,street,community,grid,micro_grid"

func codes(area string) []any { return []any{area, area[:9], area[:12], area[:15], area} }

func (w *town) place(i int, now int64) {
	area := leaf(i)
	if i%40 == 0 {
		w.add("buildings", "id,name,version,created_at,units,floors,rooms_per_floor,"+levels, append([]any{num('b', i/40),
			fmt.Sprintf("%d号楼", i/40), 1, now, 1, 10, 4}, codes(area)...)...)
		w.add("qr_codes", "code,building_id,unit,status,version,issued_at", fmt.Sprintf("Q%013d", i), num('b', i/40), "", "active", 1, now)
	}
	w.add("rooms", "id,building_id,unit,floor,number,`use`,version,"+levels, append([]any{num('r', i), num('b', i/40), "1", 1 + i%40/4,
		strconv.Itoa(100*(1+i%40/4) + i%4 + 1), "dwelling", 1}, codes(area)...)...)
	for v := range 2 {
		w.add("visits", "id,room_id,building_id,account_id,method,outcome,at,received_at,"+levels, append([]any{num('v', 2*i+v), num('r', i),
			num('b', i/40), num('a', v), "knock", "no_answer", now - int64(v)*day, now}, codes(area)...)...)
	}
}

// record is the i-th, the newest first. Nine of ten are verified persons; what was returned, rejected or withdrawn is rare and old.
func (w *town) record(i, n, rooms int, now int64) {
	room := (i * 7919) % rooms
	area, kind, status, stage := leaf(room), "person", "verified", ""
	switch {
	case i%50 == 7:
		kind, stage = "event", []string{"reported", "closed", "closed", "dispatched"}[i/50%4]
	case i%50 == 8:
		kind = "place"
	case i%500 == 9:
		kind = "situation"
	}
	switch {
	case i < n/50:
		status = "submitted"
	case i%20 == 3:
		status = "archived"
	case i > n/2 && i%400 == 5:
		status = []string{"returned", "rejected", "withdrawn"}[i/400%3]
	}
	id, by := num('i', i), any(num('a', i%(n/4)))
	var due, verified any
	if status == "verified" {
		at := now - int64(i)*day/100
		due, verified = at+180*day, at
	}
	if i%300 == 1 {
		by = raw(w.resident)
	}
	family := []rune("王李张刘陈杨黄赵吴周诸")[min(i%11, (i/11)%11)]
	w.add("records", "id,kind,status,stage,version,building_id,unit,room,room_id,household_id,submitter_id,submitter_role,channel,title,"+
		"subject_index,phone_index,submitted_at,verified_at,due_at,"+levels, append([]any{id, kind, status, stage, 1, num('b', room/40), "1",
		strconv.Itoa(100*(1+room%40/4) + room%4 + 1), num('r', room), num('h', i/3), by, "resident", "qr",
		fmt.Sprintf("%c%c", family, []rune("伟芳娜敏静丽强磊")[i/7%8]), num('n', i/2), num('p', i/3), now - int64(i)*45_000, verified, due},
		codes(area)...)...)
	w.add(kind+"s", "record_id", id)
	w.add("revisions", "id,record_id,version,at,actor_id,act,area_code,street,hash", num('c', i), id, 1, now-int64(i)*45_000,
		num('a', i%7), "create", area, area[:9], []byte{1})
	if kind == "event" && i%100 == 7 && i < 16_000 { // what was dispatched to one account is sorted whole
		w.add("dispatches", "record_id,account_id,at", id, raw(w.department), now)
	}
	if i%4 == 0 && i > 0 {
		w.add("links", "id,record_id,other_id,relation,at", num('l', i), num('i', i-1), id, "involves", now)
	}
}

// raw is an id written as it stands.
type raw string

// count lets the engines count what their planners go by.
func (w *town) count() {
	tables := "records revisions rooms visits buildings accounts grants audit assignments jobs dispatches links qr_codes"
	q := "ANALYZE"
	if w.s.DB.Dialect() == "mysql" {
		q = "ANALYZE TABLE " + strings.ReplaceAll(tables, " ", ",")
	}
	_, err := w.pool.ExecContext(context.Background(), q)
	require.NoError(w.t, err)
	read, err := w.s.DB.Pool()
	require.NoError(w.t, err)
	read.SetMaxIdleConns(0) // as if the connections had lived their time
}
