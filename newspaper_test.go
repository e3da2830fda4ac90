//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The street as the newspaper gives it, and what one of two cores and 200 MB must do for it.
const (
	newspaperPeople    = 34804
	newspaperShops     = 447
	newspaperBuildings = 71
	seedWithin         = 60 * time.Second
	memoryBelow        = 200 << 20
)

func newspaperFlags() []string {
	return []string{"--street", street, "--buildings", "71", "--people", "34804", "--shops", "447", "--seed", "1"}
}

func itoa(n int) string { return strconv.Itoa(n) }

func number(t testing.TB, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err)
	return n
}

func TestTheNewspapersStreet(t *testing.T) {
	long(t, "34,804 people") // and not beside others: its time counts
	data := filepath.Join(t.TempDir(), "data")
	begin := time.Now()
	code, said := runCommand(t, []string{"SIX_DATA=" + data}, "", append([]string{"seed"}, newspaperFlags()...)...)
	took := time.Since(begin)
	require.Zero(t, code, said)
	t.Logf("seeded in %s", took)
	s := demoAt(t, data, nil, append(newspaperFlags(), "--others", "0")...)
	t.Run("is there in full", func(t *testing.T) { s.isTheNewspapers(t) })
	t.Run("fits into memory", func(t *testing.T) {
		t.Logf("peak of the server: %d MB", s.peak()>>20)
		require.Less(t, s.peak(), int64(memoryBelow))
	})
	t.Run("was seeded in time", func(t *testing.T) { require.Less(t, took, seedWithin) })
}

func TestADemoOfTheNewspapersStreet(t *testing.T) {
	long(t, "34,804 people")
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, nil, "", append([]string{"demo", "--listen", "127.0.0.1:0", "--data", data, "--others", "0"}, newspaperFlags()...)...)
	s := &server{process: p, Data: data, heard: &lines{}}
	s.ready(demoAddress, &p.out)
	s.isTheNewspapers(t)
	t.Logf("peak of the server, its own seeding included: %d MB", s.peak()>>20)
	require.Less(t, s.peak(), int64(memoryBelow))
}

// isTheNewspapers counts in every way there is.
func (s *server) isTheNewspapers(t *testing.T) {
	t.Helper()
	staff := s.persona("street")
	counts := s.tallied(staff, street)
	require.InDelta(t, newspaperPeople, sum(counts["person"]), 0)
	require.InDelta(t, newspaperShops, sum(counts["place"]), 0)
	for _, kind := range []string{"event", "object", "situation", "organisation"} {
		require.Zero(t, sum(counts[kind]), kind)
	}
	require.Equal(t, newspaperBuildings, s.buildings(t, staff))
	require.Len(t, s.ledger(t, staff, "all"), newspaperPeople)
	verified := counts["person"]["verified"].(float64)
	require.Positive(t, verified)
	require.Len(t, s.ledger(t, staff, ""), int(verified), "by default a ledger holds what is verified")
	require.Equal(t, newspaperPeople, s.workbookRows(t, staff))
}

// sum adds the six states; total is a sum already.
func sum(counts map[string]any) (n float64) {
	for state, c := range counts {
		if state != "total" {
			n += c.(float64)
		}
	}
	return n
}

func (s *server) buildings(t *testing.T, token string) (n int) {
	t.Helper()
	for path := "/buildings?limit=200&area=" + street; path != ""; {
		r := s.do(http.StatusOK, token, "GET", path, nil)
		n += len(r.items())
		path = ""
		if next := r.str("next_cursor"); next != "" {
			path = "/buildings?limit=200&area=" + street + "&cursor=" + next
		}
	}
	return n
}

// export has the persons' ledger written and fetches it. status "" is the default.
func (s *server) export(t *testing.T, token, status, format string) []byte {
	t.Helper()
	in := map[string]any{"kind": "person", "area": street, "format": format}
	if status != "" {
		in["status"] = status
	}
	r := s.do(http.StatusAccepted, token, "POST", "/exports", in)
	id := r.JSON["job"].(map[string]any)["id"].(string)
	j := s.job(token, id)
	require.Equal(t, "done", j.str("state"), j.Text)
	return []byte(s.do(http.StatusOK, token, "GET", "/jobs/"+id+"/file", nil).Text)
}

// ledger is the rows of the CSV ledger, without its heading.
func (s *server) ledger(t *testing.T, token, status string) [][]string {
	t.Helper()
	text := bytes.TrimPrefix(s.export(t, token, status, "csv"), []byte("\ufeff"))
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	require.NoError(t, err)
	return rows[1:]
}

var xlsxRow = regexp.MustCompile(`<row `)

// workbookRows counts the rows of the whole workbook's largest sheet, without its heading.
func (s *server) workbookRows(t *testing.T, token string) (most int) {
	t.Helper()
	for name, text := range unzipped(t, s.export(t, token, "all", "xlsx")) {
		if strings.HasPrefix(name, "xl/worksheets/") {
			most = max(most, len(xlsxRow.FindAllIndex(text, -1))-1)
		}
	}
	return most
}

// unzipped are the files of a ZIP archive.
func unzipped(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	require.NoError(t, err)
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		var b bytes.Buffer
		_, err = b.ReadFrom(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		out[f.Name] = b.Bytes()
	}
	return out
}
