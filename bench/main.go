// Command bench measures the product against its peers and its limits. README.md says what each subcommand proves; what it prints is
// Markdown for docs/performance.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// command is a subcommand. A contestant is one that another subcommand starts as a process of its own.
type command struct {
	name, about string
	contestant  bool
	do          func(ctx context.Context, args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"submit", "submissions/s over HTTP against PocketBase and against raw SQL", false, submit},
		{"verify", "verifications/s against submissions/s", false, verify},
		{"tallies", "tallies of a large site against a small one", false, tallies},
		{"lists", "pages of records of a large site against a small one", false, lists},
		{"export", "the person ledger against excelize alone", false, export},
		{"start", "from start to ready, and idle memory", false, starts},
		{"load", "fill a database with a city's records", false, load},
		{"simulate", "an evening of a cell on 1 to 16 nodes", false, simulate},
		{"pocketbase", "serve PocketBase", true, pocketBase},
		{"gorm", "serve the submission as one GORM transaction a request", true, gormServer},
		{"excelize", "write a workbook's cells anew", true, excelizeAlone},
		{"raw", "write submissions without HTTP", true, raw},
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	for _, c := range commands() {
		if len(args) > 0 && c.name == args[0] {
			if err := c.do(ctx, args[1:], out); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			return nil
		}
	}
	fmt.Fprint(out, "bench SUBCOMMAND -h names its flags\n\n")
	for _, c := range commands() {
		if !c.contestant {
			fmt.Fprintf(out, "  %-10s %s\n", c.name, c.about)
		}
	}
	return flag.ErrHelp
}

// flags makes a subcommand's flag set.
func flags(name string) *flag.FlagSet { return flag.NewFlagSet("bench "+name, flag.ContinueOnError) }
