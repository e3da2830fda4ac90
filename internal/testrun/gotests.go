package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"sixelements/internal/testkit/mariadb"
)

// goTests is a suite of Go tests.
type goTests struct {
	dir     string   // the module's folder; "" is the product's
	env     []string // added to the environment
	using   string   // only the packages that import this one, and it itself; "" means all
	mariadb bool     // start a private MariaDB and name it in SIX_TEST_MYSQL
	fresh   bool     // take no result from the cache: what the tests talk to is not part of its key
	long    bool     // a test has an hour
	leave   []string // to whom a test may leave itself: see leftTo
}

func (g goTests) run(ctx context.Context, out io.Writer) (r result) {
	packages := []string{"./..."}
	if g.using != "" {
		var err error
		if packages, err = importers(ctx, g); err != nil {
			r.fail("go list", err.Error())
			return r
		}
	}
	env := g.env
	if g.mariadb {
		server, done, err := startMariaDB()
		if err != nil {
			r.fail("MariaDB", err.Error())
			return r
		}
		defer done()
		env = append(slices.Clone(env), "SIX_TEST_MYSQL="+server.DSN())
	}
	var said bytes.Buffer
	cmd := prepare(ctx, env, slices.Concat([]string{"go", "test", "-json", "-vet=off"}, g.flags(), packages)...)
	cmd.Dir = g.dir
	cmd.Stderr = &said
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		r.fail("go test", err.Error())
		return r
	}
	r = newReader(g.leave, out).read(pipe)
	if err := cmd.Wait(); err != nil && r.failed == 0 {
		r.fail("go test", fmt.Sprintf("%s%v", said.Bytes(), err))
	}
	return r
}

func (g goTests) flags() (flags []string) {
	if g.fresh || g.long {
		flags = append(flags, "-count=1")
	}
	if g.long {
		return append(flags, "-tags=long", "-timeout=60m")
	}
	return append(flags, "-timeout=10m")
}

// importers lists the packages whose code or tests import g.using, and that package itself.
func importers(ctx context.Context, g goTests) ([]string, error) {
	const names = `{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}`
	args := []string{"go", "list", "-f", names}
	if g.long {
		args = append(args, "-tags=long")
	}
	cmd := prepare(ctx, g.env, append(args, "./...")...)
	var said bytes.Buffer
	cmd.Stderr = &said
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, said.Bytes())
	}
	var found []string
	for line := range strings.Lines(string(list)) {
		if words := strings.Fields(line); slices.Contains(words, g.using) {
			found = append(found, words[0])
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no package imports %s", g.using)
	}
	return found, nil
}

// startMariaDB starts a server whose data does not outlive the suite.
func startMariaDB() (server *mariadb.Server, done func(), err error) {
	dir, err := os.MkdirTemp("", "six-mariadb-")
	if err != nil {
		return nil, nil, err
	}
	server, err = mariadb.Start(dir, mariadb.Relaxed()...)
	if err != nil {
		_ = os.RemoveAll(dir) // nothing of worth is in it
		return nil, nil, err
	}
	return server, func() {
		_ = server.Stop()     // it is killed if it does not listen
		_ = os.RemoveAll(dir) // nothing of worth is in it
	}, nil
}
