package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheLastLineIsTheCountsAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		suites []suite
		code   int
		last   string
		says   []string
	}{
		"all passed": {
			[]suite{{"one", "a", command(nil, "true")}, {"two", "b", each(command(nil, "true"), command(nil, "true"))}},
			0, "3 passed, 0 failed", nil,
		},
		"one failed, the next is run all the same": {
			[]suite{{"one", "a", command(nil, "sh", "-c", "echo the reason; exit 3")}, {"two", "b", command(nil, "true")}},
			1, "1 passed, 1 failed", []string{"FAILED one: sh -c", "the reason", "exit status 3"},
		},
		"a program that does not exist": {
			[]suite{{"one", "a", command(nil, "/no/such/program")}}, 1, "0 passed, 1 failed", []string{"/no/such/program"},
		},
		"a suite without tests": {[]suite{{"one", "a", each()}}, 1, "0 passed, 1 failed", []string{"FAILED one: no test ran"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			require.Equal(t, c.code, runSuites(t.Context(), c.suites, &out))
			lines := strings.Split(out.String(), "\n")
			require.Equal(t, []string{c.last, ""}, lines[len(lines)-2:])
			for _, says := range c.says {
				require.Contains(t, out.String(), says)
			}
		})
	}
}

func TestPassingOutputIsNotShown(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	runSuites(t.Context(), []suite{{"one", "a", command([]string{"SECRET=chatter"}, "sh", "-c", "echo $SECRET")}}, &out)
	require.NotContains(t, out.String(), "chatter")
}

func TestSuitesAreChosenByNameInTheOrderOfTheTable(t *testing.T) {
	t.Parallel()
	all := everyday()
	some, err := choose(all, []string{"sqlite", "static"})
	require.NoError(t, err)
	require.Equal(t, []string{"static", "sqlite"}, []string{some[0].name, some[1].name})
	whole, err := choose(all, nil)
	require.NoError(t, err)
	require.Len(t, whole, len(all))
	_, err = choose(all, []string{"sqlite", "sqlight"})
	require.ErrorContains(t, err, "sqlight")
	require.Equal(t, 2, run(t.Context(), []string{"sqlight"}, io.Discard))
}

func TestCurrentFindsWhatTheGeneratorChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		generator      string
		passed, failed int
		says           string
	}{
		"nothing":                    {"true", 3, 0, ""},
		"the same again":             {"echo old >file", 3, 0, ""},
		"a file":                     {"echo new >file", 2, 1, "file"},
		"a file more in the folder":  {"echo x >dist/b.js", 2, 1, "dist/b.js"},
		"a file less in the folder":  {"rm dist/a.js", 2, 1, "dist/a.js"},
		"a file that was not there":  {"echo x >absent", 3, 0, ""},
		"nothing, because it failed": {"false", 2, 1, "exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "dist"), 0o750))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("old\n"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "dist/a.js"), []byte("a"), 0o600))
			r := current(nil, []string{"sh", "-c", "cd " + dir + " && " + c.generator},
				dir+"/file", dir+"/dist", dir+"/absent")(t.Context(), io.Discard)
			require.Equal(t, []int{c.passed, c.failed}, []int{r.passed, r.failed}, r.failures)
			if c.failed > 0 {
				require.Contains(t, r.failures[0].log, c.says)
			}
		})
	}
}

func TestACommandIsStoppedWhenTheRunIsGivenUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := command(nil, "sleep", "60")(ctx, io.Discard)
	require.Equal(t, 1, r.failed)
}

// module is a small Go module whose packages end in every way there is.
var module = map[string]string{
	"go.mod":     "module street\n\ngo 1.26\n",
	"good/a.go":  "package good\n",
	"none/a.go":  "package none\n",
	"build/a.go": "package build\n",
	"good/a_test.go": `package good
import "testing"
func TestPasses(t *testing.T) { t.Log("chatter"); t.Run("first", func(t *testing.T) {}); t.Run("second", func(t *testing.T) {}) }
func TestIsLong(t *testing.T) { t.Skip("long: a year of records") }
func TestIsTheOthers(t *testing.T) { t.Skip("mysql: it has no second writer") }
func Example() { println() // Output:
}
`,
	"bad/a_test.go": `package bad
import "testing"
func TestFails(t *testing.T) { t.Run("deep", func(t *testing.T) { t.Error("two and two is five") }) }
func TestPasses(t *testing.T) {}
func TestSkips(t *testing.T) { t.Skip("not today") }
func TestIsOurs(t *testing.T) { t.Skip("sqlite: this very suite") }
`,
	"build/a_test.go": "package build\nimport \"testing\"\nfunc TestNever(t *testing.T) { missing() }\n",
	"panic/a_test.go": `package panic
import "testing"
func TestBefore(t *testing.T) {}
func TestPanics(t *testing.T) { panic("the roof fell in") }
`,
	"exit/a_test.go": `package exit
import ("os"; "testing")
func TestBefore(t *testing.T) {}
func TestLeaves(t *testing.T) { println("goodbye"); os.Exit(3) }
`,
	"main/a_test.go": `package main
import ("os"; "testing")
func TestMain(m *testing.M) { m.Run(); os.Exit(1) }
func TestPasses(t *testing.T) {}
`,
}

func TestGoTestsAreCountedOneByOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range module {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	for name, c := range map[string]struct {
		packages       string
		long           bool
		passed, failed int
		says           []string
	}{
		"subtests count, a long test is left out":  {"./good", false, 4, 0, nil},
		"a long test may not be left out for good": {"./good", true, 4, 1, []string{"street/good TestIsLong", "a year of records"}},
		"a package without tests counts for none":  {"./none", false, 0, 0, nil},
		"a failure, its parent and a skip":         {"./bad", false, 1, 4, []string{"two and two is five", "not today", "this very suite"}},
		"a package that does not build":            {"./build", false, 0, 1, []string{"undefined: missing"}},
		"a panic":                                  {"./panic", false, 1, 1, []string{"the roof fell in", "a_test.go:4"}},
		"a test that exits":                        {"./exit", false, 1, 1, []string{"goodbye", "unfinished: TestLeaves"}},
		"a TestMain that fails":                    {"./main", false, 1, 1, []string{"street/main"}},
		"a package that does not exist":            {"./nowhere", false, 0, 1, []string{"nowhere"}},
		"all together":                             {"./...", false, 8, 8, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("go", "test", "-json", c.packages)
			cmd.Dir = dir
			pipe, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			leave := []string{"long", "mysql"}
			if c.long {
				leave = []string{"mysql"}
			}
			r := newReader(leave, io.Discard).read(pipe)
			err = cmd.Wait()
			require.Equal(t, c.failed > 0 && !c.long, err != nil, "go test agrees")
			require.Equal(t, []int{c.passed, c.failed}, []int{r.passed, r.failed}, r.failures)
			var logs strings.Builder
			for _, f := range r.failures {
				logs.WriteString(f.name + "\n" + f.log + "\n")
			}
			for _, says := range c.says {
				require.Contains(t, logs.String(), says)
			}
			require.NotContains(t, logs.String(), "chatter")
		})
	}
}

func TestAStreamCutShortFails(t *testing.T) {
	t.Parallel()
	r := newReader(nil, io.Discard).read(strings.NewReader(
		`{"Action":"run","Package":"street/a","Test":"TestA"}` + "\n" +
			`{"Action":"output","Package":"street/a","Test":"TestA","Output":"half a wo`))
	require.Equal(t, []int{0, 1}, []int{r.passed, r.failed})
	require.Contains(t, r.failures[0].log, "unfinished: TestA")
}
