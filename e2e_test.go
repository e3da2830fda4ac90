//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
)

// serveWithin is the time between the end of the build and a demo that answers with its data.
const serveWithin = 2 * time.Second

func TestADemoIsThereWithinTwoSeconds(t *testing.T) { // not beside the tests of this package: its time counts
	best := time.Hour
	for range 3 { // other packages are tested at the same time: one start in three must get its share of the processor
		begin := time.Now()
		s := demoAt(t, filepath.Join(t.TempDir(), "data"), nil)
		if best = min(best, time.Since(begin)); best < serveWithin {
			require.Zero(t, s.stop(), s.err.String())
			return
		}
	}
	require.Less(t, best, serveWithin)
}

func TestAFreshCloneServesWithinTwoSecondsOfItsBuild(t *testing.T) {
	long(t, "builds a clone")
	dir := filepath.Join(t.TempDir(), "clone")
	tool(t, "git", "clone", "--quiet", "--local", ".", dir)
	cmd := exec.Command("go", "run", ".", "demo", "--listen", "127.0.0.1:0")
	cmd.Dir, cmd.Env = dir, environment(nil)
	for _, e := range os.Environ() {
		if strings.HasPrefix(e, "GO") && !strings.HasPrefix(e, "GOFLAGS=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	p := launch(t, cmd)
	await(t, "the build", func() bool { return p.ended() || p.hasChild("sixelements") })
	begin := time.Now()
	(&server{process: p, heard: &lines{}}).ready(demoAddress, &p.out)
	require.Less(t, time.Since(begin), serveWithin)
}

// hasChild tells whether a process of that name was started by this one.
func (p *process) hasChild(name string) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.Pid))
	for _, file := range threads {
		list, _ := os.ReadFile(file) // the thread may have ended
		for _, pid := range strings.Fields(string(list)) {
			comm, _ := os.ReadFile(filepath.Join("/proc", pid, "comm"))
			if strings.TrimSpace(string(comm)) == name {
				return true
			}
		}
	}
	return false
}

// curl sends a request with curl alone and answers the body; the status must be the wanted one.
func (s *server) curl(want int, token string, args ...string) string {
	s.t.Helper()
	all := []string{"--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}", "--header",
		"Content-Type: application/json"}
	if token != "" {
		all = append(all, "--header", "Authorization: Bearer "+token)
	}
	said := tool(s.t, "curl", append(all, args...)...)
	cut := strings.LastIndexByte(said, '\n')
	require.Equal(s.t, fmt.Sprint(want), said[cut+1:], "%v: %s", args, said[:cut])
	return said[:cut]
}

// member reads a member of a JSON object by its path.
func member(t *testing.T, text string, path ...string) string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	for _, name := range path {
		o, _ := v.(map[string]any)
		require.Contains(t, o, name, text)
		v = o[name]
	}
	return fmt.Sprint(v)
}

func TestANewcomerFollowsAPersonFromThePosterToTheLedger(t *testing.T) {
	t.Parallel()
	s := demoAt(t, filepath.Join(t.TempDir(), "data"), nil)
	api := s.URL + "/api/v1"
	in := func(persona string) string {
		return member(t, s.curl(201, "", api+"/sessions", "--data", `{"grant":"demo","persona":"`+persona+`"}`), "token")
	}
	_, printed, _ := strings.Cut(s.out.String(), "a posted code ")
	code := strings.Fields(printed)[0]
	require.Contains(t, s.curl(200, "", s.URL+"/q/"+code), "<html")
	require.NotEmpty(t, member(t, s.curl(200, "", api+"/qr/"+code), "building", "name"))

	resident := in("resident")
	person := sample.New(sample.Options{Seed: 20}).Household(1, "registered")[0]
	idNo, rest := person["id_no"].(string), withoutOccupation(person)
	body, err := json.Marshal(map[string]any{"kind": "person", "qr": code, "unit": "1", "room": "101", "data": rest})
	require.NoError(t, err)
	require.Equal(t, "consent.required", member(t, s.curl(403, resident, api+"/records", "--data", string(body)), "code"))
	version := member(t, s.curl(200, "", api+"/notice"), "version")
	s.curl(200, resident, "--request", "PUT", api+"/me/consent", "--data", `{"version":"`+version+`","scopes":["general","sensitive"]}`)
	id := member(t, s.curl(201, resident, api+"/records", "--data", string(body)), "id")

	collector, record := in("collector"), api+"/records/"+id
	step := func(token, version, body string) string {
		return s.curl(200, token, record+"/transitions", "--header", `If-Match: "`+version+`"`, "--data", body)
	}
	step(collector, "1", `{"action":"return","note":"请核对房间号"}`)
	seen := s.curl(200, resident, record)
	require.Equal(t, "returned", member(t, seen, "status"))
	require.Contains(t, s.curl(200, resident, record+"/history"), "请核对房间号")
	require.Equal(t, "submitted", member(t, step(resident, "2", `{"action":"resubmit","data":{"occupation":"教师"}}`), "status"))
	verified := step(collector, "3", `{"action":"verify","method":"visit"}`)
	require.Equal(t, "verified", member(t, verified, "status"))
	require.NotContains(t, verified, idNo)

	staff := in("street")
	made := s.curl(202, staff, api+"/exports", "--data", `{"kind":"person","area":"410102002","format":"xlsx"}`)
	job := api + "/jobs/" + member(t, made, "job", "id")
	await(t, "the ledger", func() bool { return member(t, s.curl(200, staff, job), "state") == "done" })
	xlsx := filepath.Join(t.TempDir(), "ledger.xlsx")
	s.curl(200, staff, job+"/file", "--output", xlsx)
	lines := officeLines(t, xlsx)
	found := slices.IndexFunc(lines, func(l string) bool {
		return strings.Contains(l, person["name"].(string)) && strings.Contains(l, "教师")
	})
	require.GreaterOrEqual(t, found, 0, "the person is not in the ledger:\n%s", strings.Join(lines[:min(len(lines), 5)], "\n"))
	require.Contains(t, lines[found], idNo[:3]+"***")
	require.NotContains(t, strings.Join(lines, "\n"), idNo)
}

// withoutOccupation is the person without what the story adds when it is resubmitted.
func withoutOccupation(person map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range person {
		if k != "occupation" {
			out[k] = v
		}
	}
	return out
}

// officeLines opens a workbook with LibreOffice and answers the lines of all its sheets.
func officeLines(t *testing.T, xlsx string) (all []string) {
	t.Helper()
	dir := t.TempDir()
	const everySheet = `csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1` // comma, quote, UTF-8
	tool(t, "soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--headless", "--convert-to", everySheet,
		"--outdir", filepath.Join(dir, "csv"), xlsx)
	sheets, err := filepath.Glob(filepath.Join(dir, "csv", "*.csv"))
	require.NoError(t, err)
	require.Len(t, sheets, 2, "what the ledger is about, and the ledger")
	for _, file := range sheets {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, strings.Split(string(text), "\n")...)
	}
	return all
}

func TestEveryPrintedCodeIsReadAtFullAndAtHalfSize(t *testing.T) {
	t.Parallel()
	s := demoAt(t, filepath.Join(t.TempDir(), "data"), nil)
	staff := s.persona("street")
	var want []string
	for _, b := range s.do(http.StatusOK, staff, "GET", "/buildings?limit=200&area="+street, nil).items() {
		for _, q := range s.do(http.StatusOK, staff, "GET", "/buildings/"+b["id"].(string)+"/qrcodes", nil).items() {
			if q["status"] == "active" {
				want = append(want, q["url"].(string))
			}
		}
	}
	require.NotEmpty(t, want)
	dir := t.TempDir()
	page, pdf := filepath.Join(dir, "sheet.html"), filepath.Join(dir, "sheet.pdf")
	sheet := s.do(http.StatusOK, staff, "GET", "/qrcodes/sheet?area="+street, nil)
	require.NoError(t, os.WriteFile(page, []byte(sheet.Text), 0o600))
	tool(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+page)
	for name, dpi := range map[string]string{"100 %": "150", "50 %": "75"} { // a camera sees half as many points of a poster half as large
		t.Run(name, func(t *testing.T) {
			images := filepath.Join(t.TempDir(), "page")
			tool(t, "pdftoppm", "-png", "-r", dpi, pdf, images)
			files, err := filepath.Glob(images + "*.png")
			require.NoError(t, err)
			require.Len(t, files, len(want), "a poster to a page")
			read := strings.Fields(tool(t, "zbarimg", append([]string{"--quiet", "--raw"}, files...)...))
			require.ElementsMatch(t, want, read)
		})
	}
}
