// Six Elements (六要素): the system with which a street office collects the persons, places, events, objects, situations and
// organisations of its area.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"sixelements/model"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout))
}

// command is a subcommand: what it is for, and what it does with its arguments.
type command struct {
	name, usage, about string
	do                 func(ctx context.Context, c call) error
}

// call is what a subcommand is called with.
type call struct {
	args    []string
	environ []string
	in      io.Reader
	out     io.Writer
}

// commands are all subcommands in the order of the help.
func commands() []command {
	return []command{
		{"serve", "six serve [--help]", "serve the product; configured by SIX_* variables", serve},
		{"demo", "six demo [flags]", "serve everything with a generated street, no set-up needed", demo},
		{"seed", "six seed [flags]", "generate a street into the configured, empty database", seedCommand},
		{"migrate", "six migrate", "bring the database's schema to this version", migrate},
		{"admin", "six admin create|areas …", "create an administrator, import a division list", admin},
		{"backup", "six backup FILE", "write an encrypted backup, while the service runs", backupCommand},
		{"restore", "six restore FILE", "restore a backup into an empty place", restoreCommand},
		{"audit", "six audit verify", "verify the chain of the audit trail", audit},
		{"tally", "six tally check|rebuild", "compare the folded tallies with the records, make them anew", tallyCommand},
		{"openapi", "six openapi", "print the API's OpenAPI document", openapi},
		{"version", "six version", "print the version", printVersion},
	}
}

// run is the program: it answers the exit code, 0 for success, 1 for a failure, 2 for wrong usage.
func run(ctx context.Context, args, environ []string, in io.Reader, out io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		help(out)
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.do(ctx, call{args[1:], environ, in, out})
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0 // what was broken off is none: a backup that was interrupted must not look like one
		case errors.As(err, new(usageError)):
			fmt.Fprintf(out, "%v\nusage: %s\n", err, c.usage)
			return 2
		}
		fmt.Fprintf(out, "six %s: %v\n", c.name, err)
		explain(out, err)
		return 1
	}
	fmt.Fprintf(out, "six: unknown command\n\n")
	help(out)
	return 2
}

// explain adds what a problem says to people: why a password is refused, which line of a list is wrong.
func explain(w io.Writer, err error) {
	var problem *model.Error
	if !errors.As(err, &problem) {
		return
	}
	for _, f := range problem.Fields {
		fmt.Fprintf(w, "  %s: %s\n", f.Location, f.Message)
	}
}

// usageError says that a command was called wrongly.
type usageError string

func (e usageError) Error() string { return string(e) }

func help(w io.Writer) {
	fmt.Fprintf(w, "Six Elements (六要素) %s\n\n", version())
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-26s %s\n", c.usage, c.about)
	}
	fmt.Fprintln(w, "\nsix serve --help lists every setting.")
}

// flags makes a flag set whose faults become usage errors and whose help goes to the command's output.
func flags(name string, c call) *flag.FlagSet {
	f := flag.NewFlagSet("six "+name, flag.ContinueOnError)
	f.SetOutput(c.out)
	return f
}

func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError(err.Error())
	}
	return nil
}

// version is the module's version, or the revision it was built from.
func version() string {
	b, ok := debug.ReadBuildInfo()
	if !ok || b.Main.Version == "" {
		return "development"
	}
	return strings.Trim(b.Main.Version, "()")
}

func printVersion(_ context.Context, c call) error {
	_, err := fmt.Fprintln(c.out, version())
	return err
}
