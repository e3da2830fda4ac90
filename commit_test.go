//go:build linux

package main

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/model"
)

// A commit whose answer is lost may have happened or not. The program runs the transaction again; what the client sees is one success,
// and what is stored is there once.

func TestACommitWhoseAnswerIsLostIsDoneOnce(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	db := mariaDB(t, data)
	s, admin, env := founded(t, data, db)
	staff := s.staffed(admin)
	require.Zero(t, s.stop(), s.err.String())
	cut := &cutter{}
	through := cut.infront(t, addressIn(t, db))
	s = serveAt(t, data, append(env, "SIX_DATABASE="+strings.Replace(databaseIn(db), addressIn(t, db), through, 1))...)

	building, code := s.code(staff, street)
	room := s.do(http.StatusOK, staff, "GET", "/buildings/"+building+"/rooms", nil).items()[0]["id"].(string)
	record := model.NewID().String()
	for _, c := range []struct {
		name, path string
		body       map[string]any
		match      string
		once       string // counts what must be there once
	}{
		{"a record", "/records", map[string]any{"id": record, "kind": "person", "qr": code, "unit": "1", "room": "101",
			"data": sample.New(sample.Options{Seed: 9}).Household(1, "registered")[0]}, "",
			"SELECT COUNT(*) FROM revisions WHERE HEX(record_id) = '" + hexOf(record) + "'"},
		{"a step", "/records/" + record + "/transitions",
			map[string]any{"action": "return", "note": "请核对", "step_id": model.NewID().String()}, `"1"`,
			"SELECT COUNT(*) FROM revisions WHERE version = 2 AND HEX(record_id) = '" + hexOf(record) + "'"},
		{"a visit", "/rooms/" + room + "/visits",
			map[string]any{"id": model.NewID().String(), "method": "knock", "outcome": "no_answer"}, "",
			"SELECT COUNT(*) FROM visits WHERE HEX(room_id) = '" + hexOf(room) + "' AND outcome = 'no_answer'"},
		{"a step without an id", "/records/" + record + "/transitions",
			map[string]any{"action": "resubmit", "data": map[string]any{"occupation": "教师"}}, `"2"`,
			"SELECT COUNT(*) FROM revisions WHERE version = 3 AND HEX(record_id) = '" + hexOf(record) + "'"},
		{"an account", "/accounts", map[string]any{"username": "third", "name": "张工", "password": password,
			"roles": []map[string]any{{"role": "community", "area_code": "410102002001"}}}, "",
			"SELECT COUNT(*) FROM accounts WHERE username = 'third'"},
		{"an area", "/areas", map[string]any{"parent": "410102002001", "name": "新网格"}, "", "SELECT COUNT(*) FROM areas WHERE name = '新网格'"},
		{"an export", "/exports", map[string]any{"kind": "place", "area": street, "format": "csv"}, "",
			"SELECT COUNT(*) FROM jobs WHERE kind = 'export'"},
	} {
		before := cut.cuts.Load()
		cut.armed.Store(true)
		var header []string
		if c.match != "" {
			header = []string{"If-Match", c.match}
		}
		r, err := s.ask(staff, "POST", c.path, c.body, header...)
		require.NoError(t, err, c.name)
		require.Contains(t, []int{http.StatusOK, http.StatusCreated, http.StatusAccepted}, r.Status, "%s: %s", c.name, r.Text)
		require.Equal(t, before+1, cut.cuts.Load(), "%s: no answer was lost", c.name)
		var n int
		require.NoError(t, db.pool(t).QueryRowContext(t.Context(), c.once).Scan(&n))
		require.Equal(t, 1, n, c.name)
	}
	whole(t, db)
}

func hexOf(id string) string { return strings.ToUpper(strings.ReplaceAll(id, "-", "")) }

func databaseIn(db database) string {
	for _, e := range db.env {
		if url, ok := strings.CutPrefix(e, "SIX_DATABASE="); ok {
			return url
		}
	}
	return ""
}

// addressIn is the host:port of a database.
func addressIn(t *testing.T, db database) string {
	t.Helper()
	_, rest, found := strings.Cut(databaseIn(db), "@")
	require.True(t, found)
	address, _, _ := strings.Cut(rest, "/")
	return address
}

// cutter stands before a MariaDB. Armed, it lets the next COMMIT through, waits for its answer and cuts the connection. (Reads end with
// a ROLLBACK.)
type cutter struct {
	armed atomic.Bool
	cuts  atomic.Int64
}

func (c *cutter) infront(t *testing.T, server string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			go c.pass(in, server)
		}
	}()
	return l.Addr().String()
}

// pass carries one connection, packet by packet towards the server.
func (c *cutter) pass(in net.Conn, server string) {
	defer in.Close()
	out, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer out.Close()
	var lost atomic.Bool // the next answer is
	go func() {
		defer in.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := out.Read(b)
			if err != nil {
				return
			}
			if lost.Load() {
				c.cuts.Add(1)
				return
			}
			if _, err := in.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	head := make([]byte, 4)
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		packet := make([]byte, binary.LittleEndian.Uint32([]byte{head[0], head[1], head[2], 0}))
		if _, err := io.ReadFull(in, packet); err != nil {
			return
		}
		if string(packet) == "\x03COMMIT" && c.armed.CompareAndSwap(true, false) {
			lost.Store(true)
		}
		if _, err := out.Write(append(head, packet...)); err != nil {
			return
		}
	}
}
