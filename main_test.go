//go:build linux

// The tests of this folder run the program as people do: built, as a process, over HTTP. What they need beside Go is installed by
// scripts/setup; a tool that is missing fails its test.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/mariadb"
)

// six is the program under test. TestMain builds it once.
var six string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "six-main-test-")
	if err == nil {
		six = filepath.Join(dir, "six")
		err = build(six)
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	stopMariaDB()
	_ = os.RemoveAll(dir) // nothing of worth is in it
	os.Exit(code)
}

// build makes the program as it ships, without the race detector that the tests themselves may run with: its time and memory count.
func build(to string) error {
	cmd := exec.Command("go", "build", "-tags", "nomsgpack", "-o", to, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="+strings.ReplaceAll(os.Getenv("GOFLAGS"), "-race", ""))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// patience is how long a test waits for what must come, on a machine that is busy with other tests.
const patience = 90 * time.Second

// await returns when ok does, and fails the test when it does not in time.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(25 * time.Millisecond) // below the limit on one account's requests
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen within %s", what, patience)
		}
	}
}

// long leaves a test to `make test-long`.
func long(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("SIX_LONG") == "" {
		t.Skip("long: " + why)
	}
}

// lines is what a process or a server said. It may be written and read at once.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// process is the program at work.
type process struct {
	t        testing.TB
	Pid      int
	out, err lines
	gone     chan struct{}
	state    *os.ProcessState
}

// environment is the variables a child sees: none of the tester's own settings.
func environment(env []string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}, env...)
}

// start runs the program with only these variables and arguments. It ends with the test, and with the test's process.
func start(t testing.TB, env []string, stdin string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(six, args...)
	cmd.Env, cmd.Stdin = environment(env), strings.NewReader(stdin)
	return launch(t, cmd)
}

func launch(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, gone: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.err
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel ties the child to the thread that started it
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its state
			p.state = cmd.ProcessState
			close(p.gone)
		}
	}()
	require.NoError(t, <-started)
	p.Pid = cmd.Process.Pid
	t.Cleanup(func() {
		if !p.ended() {
			_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // with its children
		}
		<-p.gone
	})
	return p
}

func (p *process) signal(s syscall.Signal) {
	select {
	case <-p.gone: // its number may be another's by now
	default:
		_ = syscall.Kill(p.Pid, s) // it may be gone by now
	}
}

// ended tells whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.gone
}

// stop asks the process to end and answers its exit code.
func (p *process) stop() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait()
}

// wait answers the exit code of a process that ends by itself.
func (p *process) wait() int {
	p.t.Helper()
	await(p.t, "the end of the program", p.ended)
	return p.state.ExitCode()
}

// runCommand runs the program to its end: its exit code and all it said.
func runCommand(t testing.TB, env []string, stdin string, args ...string) (code int, said string) {
	t.Helper()
	p := start(t, env, stdin, args...)
	code = p.wait()
	return code, p.out.String() + p.err.String()
}

// tool runs a program of the machine's that a test cannot do without, and answers what it printed.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, "%s: %s", name, said.String())
	return string(out)
}

// server is a running product.
type server struct {
	*process
	URL   string
	Data  string
	heard *lines // every answer, but those of reveal

	client *http.Client // nil: the default one
}

var (
	demoAddress  = regexp.MustCompile(`open +(http://[0-9.:]+)/`)
	serveAddress = regexp.MustCompile(`"msg":"serving".*"base_url":"([^"]+)"`)
)

// demoAt starts `six demo` on a folder and returns when it is ready.
func demoAt(t testing.TB, data string, env []string, flags ...string) *server {
	t.Helper()
	p := start(t, env, "", append([]string{"demo", "--listen", "127.0.0.1:0", "--data", data}, flags...)...)
	return (&server{process: p, Data: data, heard: &lines{}}).ready(demoAddress, &p.out)
}

// serveAt starts `six serve` as the variables say and returns when it is ready.
func serveAt(t testing.TB, data string, env ...string) *server {
	t.Helper()
	p := start(t, append([]string{"SIX_LISTEN=127.0.0.1:0", "SIX_DATA=" + data}, env...), "", "serve")
	return (&server{process: p, Data: data, heard: &lines{}}).ready(serveAddress, &p.err)
}

func (s *server) ready(address *regexp.Regexp, out *lines) *server {
	s.t.Helper()
	await(s.t, "the address of the server", func() bool {
		if s.ended() {
			s.t.Fatalf("the server ended: %s%s", s.out.String(), s.err.String())
		}
		m := address.FindStringSubmatch(out.String())
		if m != nil {
			s.URL = m[1]
		}
		return m != nil
	})
	await(s.t, "/readyz", func() bool {
		r, err := http.Get(s.URL + "/readyz")
		if err != nil {
			return false
		}
		return r.Body.Close() == nil && r.StatusCode == http.StatusOK
	})
	return s
}

// reply is an answer of the API.
type reply struct {
	Status int
	Header http.Header
	Text   string
	JSON   map[string]any // nil when the body is not a JSON object
}

func (r reply) str(name string) string { s, _ := r.JSON[name].(string); return s }

func (r reply) items() []map[string]any { return objects(r.JSON["items"]) }

// objects are a JSON list's.
func objects(v any) (out []map[string]any) {
	list, _ := v.([]any)
	for _, e := range list {
		o, _ := e.(map[string]any)
		out = append(out, o)
	}
	return out
}

// ask sends a request and answers an error only when no whole answer came back. header are pairs; a body that is no string is JSON.
func (s *server) ask(token, method, path string, body any, header ...string) (reply, error) {
	var in io.Reader
	if text, ok := body.(string); ok {
		in = strings.NewReader(text)
	} else if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, s.URL+"/api/v1"+path, in)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := cmp.Or(s.client, http.DefaultClient).Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	if !strings.HasSuffix(path, "/reveal") {
		_, _ = fmt.Fprintf(s.heard, "%d %v %s\n", resp.StatusCode, resp.Header, raw)
	}
	r := reply{Status: resp.StatusCode, Header: resp.Header, Text: string(raw)}
	_ = json.Unmarshal(raw, &r.JSON) // not every body is a JSON object
	return r, nil
}

// do sends a request whose answer must have the status.
func (s *server) do(want int, token, method, path string, body any, header ...string) reply {
	s.t.Helper()
	r, err := s.ask(token, method, path, body, header...)
	require.NoError(s.t, err)
	require.Equal(s.t, want, r.Status, "%s %s: %s", method, path, r.Text)
	return r
}

// login opens a session by a grant.
func (s *server) login(grant map[string]any) string {
	s.t.Helper()
	return s.do(http.StatusCreated, "", "POST", "/sessions", grant).str("token")
}

func (s *server) persona(name string) string {
	s.t.Helper()
	return s.login(map[string]any{"grant": "demo", "persona": name})
}

// agree consents to the notice in force, to both scopes.
func (s *server) agree(token string) string {
	s.t.Helper()
	version := s.do(http.StatusOK, "", "GET", "/notice", nil).str("version")
	s.do(http.StatusOK, token, "PUT", "/me/consent", map[string]any{"version": version, "scopes": []string{"general", "sensitive"}})
	return token
}

// code is a posted code of the area's first building.
func (s *server) code(token, area string) (building, code string) {
	s.t.Helper()
	building = s.do(http.StatusOK, token, "GET", "/buildings?area="+area, nil).items()[0]["id"].(string)
	return building, s.do(http.StatusOK, token, "GET", "/buildings/"+building+"/qrcodes", nil).items()[0]["code"].(string)
}

// tallied are the counts of an area by kind.
func (s *server) tallied(token, area string) map[string]map[string]any {
	s.t.Helper()
	out := map[string]map[string]any{}
	for _, i := range s.do(http.StatusOK, token, "GET", "/tallies?group_by=kind&area="+area, nil).items() {
		out[i["key"].(string)], _ = i["counts"].(map[string]any)
	}
	return out
}

// job waits for a job's end and answers it.
func (s *server) job(token, id string) reply {
	s.t.Helper()
	var r reply
	await(s.t, "the end of a job", func() bool {
		r = s.do(http.StatusOK, token, "GET", "/jobs/"+id, nil)
		return r.str("state") != "queued" && r.str("state") != "running"
	})
	return r
}

// ownMariaDB is the one private server of this process.
var ownMariaDB = sync.OnceValues(func() (db struct {
	*mariadb.Server
	Dir string
}, err error) {
	if db.Dir, err = os.MkdirTemp("", "six-main-mariadb-"); err == nil {
		db.Server, err = mariadb.Start(db.Dir, mariadb.Relaxed()...)
	}
	startedMariaDB = append(startedMariaDB, func() {
		if db.Server != nil {
			_ = db.Stop() // it is killed if it does not listen
		}
		_ = os.RemoveAll(db.Dir) // nothing of worth is in it
	})
	return db, err
})

// startedMariaDB is what is left to end after the last test.
var startedMariaDB []func()

func stopMariaDB() {
	for _, stop := range startedMariaDB {
		stop()
	}
}
