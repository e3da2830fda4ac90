package main

import (
	"os"
	"strings"
)

// suite is one row of the tables below.
type suite struct {
	name string // what it is called on the command line
	what string // what a reader sees while it runs
	run  check
}

// race makes every Go command of a run compile with the race detector, the checks and the generators included: the large
// dependencies (SQLite above all) are then compiled once, not once with and once without.
func race() []string { return []string{"GOFLAGS=" + strings.TrimSpace(os.Getenv("GOFLAGS")+" -race")} }

// everyday is the table of `make test`. A new suite is a new row; a folder that does not exist has none.
func everyday() []suite {
	return []suite{
		{"setup", "the machine has what the tests need", command(nil, "scripts/setup")},
		{"static", "gofmt, go vet, golangci-lint", each(
			command(nil, "scripts/gofmt"),
			command(race(), "go", "vet", "./..."),
			command(race(), ".tools/bin/golangci-lint", "run"),
		)},
		{"generated", "what is generated is current", current(race(), []string{"scripts/gen"}, "docs/openapi.yaml", "web/dist")},
		{"sqlite", "Go tests, data in SQLite", goTests{
			env: append(race(), "SIX_TEST_DATABASE=sqlite"), leave: []string{"long", "mysql"},
		}.run},
		{"mariadb", "Go tests of what uses a database, data in MariaDB", goTests{
			env: append(race(), "SIX_TEST_DATABASE=mysql"), leave: []string{"long", "sqlite"},
			using: testkit, mariadb: true, fresh: true,
		}.run},
		// Without the race detector: it would compile PocketBase's SQLite, a C program translated to Go, anew for minutes.
		{"bench", "the programs that measure run", each(
			command(nil, "go", "-C", "bench", "vet", "./..."),
			command(nil, "sh", "-c", "cd bench && ../.tools/bin/golangci-lint run -c ../.golangci.yml"),
			goTests{dir: "bench"}.run,
		)},
	}
}

// longRunning is the table of `make test-long`.
func longRunning() []suite {
	long := append(race(), "SIX_LONG=1")
	return []suite{
		{"setup", "the machine has what the tests need", command(nil, "scripts/setup")},
		{"sqlite", "all Go tests, the long ones too, data in SQLite", goTests{
			env: append(long, "SIX_TEST_DATABASE=sqlite"), long: true, leave: []string{"mysql"},
		}.run},
		{"mariadb", "all Go tests of what uses a database, data in MariaDB", goTests{
			env: append(long, "SIX_TEST_DATABASE=mysql"), long: true, leave: []string{"sqlite"},
			using: testkit, mariadb: true, fresh: true,
		}.run},
	}
}

// testkit is the package that hands tests a database: who imports it is run on both.
const testkit = "sixelements/internal/testkit"
