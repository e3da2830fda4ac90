package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"sixelements/config"
	"sixelements/internal/app"
	"sixelements/model/store"
	"sixelements/service/backup"
	"sixelements/service/grid"
)

// product is the product opened for a command of the operator.
type product struct {
	*app.App
	cfg config.Config
	log *slog.Logger
	db  *store.DB
}

func operator(ctx context.Context, c call) (*product, error) {
	cfg, err := config.Load(c.environ)
	if err != nil {
		return nil, err
	}
	log := newLogger(cfg, os.Stderr)
	share, err := openNodes(cfg, log)
	if err != nil {
		return nil, err
	}
	db, err := openStore(ctx, cfg, log, time.Now, share)
	if err != nil {
		return nil, err
	}
	o := appOptions(cfg, log, time.Now)
	o.Nodes = share
	a, err := app.New(db, o)
	return &product{a, cfg, log, db}, err
}

func (p *product) close() {
	if err := p.Close(); err != nil {
		p.log.Error("closing", "err", err)
	}
	closeStore(p.db, p.log)
}

func migrate(ctx context.Context, c call) error {
	p, err := operator(ctx, c) // opening migrates
	if err != nil {
		return err
	}
	p.close()
	_, err = fmt.Fprintln(c.out, "the database is at this version's schema")
	return err
}

// admin creates an administrator, or imports a division list.
func admin(ctx context.Context, c call) error {
	if len(c.args) == 0 {
		return usageError("six admin create --username NAME [--name 姓名] | six admin areas FILE.csv")
	}
	what := c.args[0]
	c.args = c.args[1:]
	switch what {
	case "create":
		return adminCreate(ctx, c)
	case "areas":
		return adminAreas(ctx, c)
	}
	return usageError("six admin knows create and areas")
}

func adminCreate(ctx context.Context, c call) error {
	var username, name string
	f := flags("admin create", c)
	f.StringVar(&username, "username", "", "name to log in with")
	f.StringVar(&name, "name", "管理员", "name that others see")
	if err := parse(f, c.args); err != nil {
		return err
	}
	if username == "" {
		return usageError("--username is needed")
	}
	p, err := operator(ctx, c)
	if err != nil {
		return err
	}
	defer p.close()
	password, err := askPassword(c)
	if err != nil {
		return err
	}
	if err := p.Services.Identity.CreateAdmin(store.AsSystem(ctx, "six admin create"), username, name, password); err != nil {
		return err
	}
	if _, err := p.Services.Grid.ImportDivisions(store.AsSystem(ctx, "six admin create"), grid.DefaultDivisions()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "administrator %s is there\n", username)
	return err
}

// askPassword asks twice on a terminal, and reads one line from anything else.
func askPassword(c call) (string, error) {
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		var answers [2]string
		for i, prompt := range []string{"password: ", "again: "} {
			fmt.Fprint(c.out, prompt)
			b, err := term.ReadPassword(int(f.Fd()))
			fmt.Fprintln(c.out)
			if err != nil {
				return "", err
			}
			answers[i] = string(b)
		}
		if answers[0] != answers[1] {
			return "", errors.New("the two passwords differ")
		}
		return answers[0], nil
	}
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func adminAreas(ctx context.Context, c call) error {
	if len(c.args) != 1 {
		return usageError("six admin areas FILE.csv")
	}
	file, err := os.Open(c.args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	p, err := operator(ctx, c)
	if err != nil {
		return err
	}
	defer p.close()
	n, err := p.Services.Grid.ImportDivisions(store.AsSystem(ctx, "six admin areas"), file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%d areas added\n", n)
	return err
}

func backupCommand(ctx context.Context, c call) error {
	var recipients string
	f := flags("backup", c)
	f.StringVar(&recipients, "recipient", "",
		"age public keys, separated by commas; SIX_BACKUP_RECIPIENT when empty, else SIX_BACKUP_PASSPHRASE")
	if err := parse(f, c.args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return usageError("six backup [--recipient age1…] FILE, or - for standard output")
	}
	cfg, err := config.Load(c.environ)
	if err != nil {
		return err
	}
	log := newLogger(cfg, os.Stderr)
	db, err := openBare(ctx, cfg, log, noKey)
	if err != nil {
		return err
	}
	defer closeStore(db, log)
	keys := cfg.BackupRecipient
	if recipients != "" {
		keys = strings.Split(recipients, ",")
	}
	to, err := backup.Recipients(keys, cfg.BackupPassphrase.Reveal())
	if err != nil {
		return err
	}
	src := backup.Source{DB: db, Blobs: place(cfg, app.Photos), Version: version()}
	var stats backup.Stats
	if f.Arg(0) == "-" {
		stats, err = backup.Write(ctx, src, to, c.out)
	} else {
		stats, err = backup.ToFile(ctx, src, to, f.Arg(0))
	}
	if err != nil {
		return err
	}
	if stats.Untraced {
		log.Warn("the backup is good, but its trace could not be written to the audit")
	}
	_, err = fmt.Fprintf(os.Stderr, "%d rows of %d tables and %d photos, %d bytes; %s\n", stats.Rows, stats.Tables, stats.Files,
		stats.Bytes, backup.Left)
	return err
}

func restoreCommand(ctx context.Context, c call) error {
	var identity string
	f := flags("restore", c)
	f.StringVar(&identity, "identity", "", "file with the age secret key; SIX_BACKUP_PASSPHRASE when empty")
	if err := parse(f, c.args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return usageError("six restore [--identity KEY_FILE] FILE, or - for standard input")
	}
	cfg, err := config.Load(c.environ)
	if err != nil {
		return err
	}
	var keys io.Reader
	if identity != "" {
		k, err := os.Open(identity)
		if err != nil {
			return err
		}
		defer k.Close()
		keys = k
	}
	ids, err := backup.Identities(keys, cfg.BackupPassphrase.Reveal())
	if err != nil {
		return err
	}
	from := c.in
	if f.Arg(0) != "-" {
		file, err := os.Open(f.Arg(0))
		if err != nil {
			return err
		}
		defer file.Close()
		from = file
	}
	log := newLogger(cfg, os.Stderr)
	db, err := openBare(ctx, cfg, log, givenKey)
	if err != nil {
		return err
	}
	defer closeStore(db, log)
	stats, err := backup.Restore(ctx, backup.Target{DB: db, Blobs: place(cfg, app.Photos)}, ids, from)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%d rows of %d tables and %d photos restored\n", stats.Rows, stats.Tables, stats.Files)
	return err
}

func audit(ctx context.Context, c call) error {
	if len(c.args) != 1 || c.args[0] != "verify" {
		return usageError("six audit verify")
	}
	p, err := operator(ctx, c)
	if err != nil {
		return err
	}
	defer p.close()
	rows, broken, err := p.Services.Identity.VerifyAudit(store.AsSystem(ctx, "six audit verify"))
	if err != nil {
		return err
	}
	if broken != nil {
		return fmt.Errorf("the audit trail was changed at number %d", *broken)
	}
	revisions, changed, err := p.db.VerifyHistories(ctx)
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		return fmt.Errorf("the histories of %d records were changed, the first is %s", len(changed), changed[0])
	}
	_, err = fmt.Fprintf(c.out, "%d rows, the chain holds; %d revisions, every history holds\n", rows, revisions)
	return err
}

// tallyCommand compares the folded tallies with the rows they follow from, or makes them anew, while the service runs or not.
func tallyCommand(ctx context.Context, c call) error {
	if len(c.args) != 1 || c.args[0] != "check" && c.args[0] != "rebuild" {
		return usageError("six tally check, or six tally rebuild")
	}
	fix := c.args[0] == "rebuild"
	p, err := operator(ctx, c)
	if err != nil {
		return err
	}
	defer p.close()
	r, err := p.Services.Tally.Rebuild(ctx, fix)
	switch {
	case err != nil:
		return err
	case r.First && !fix:
		return errors.New("the tallies were not made yet: six serve makes them, or six tally rebuild")
	case r.First:
		_, err = fmt.Fprintf(c.out, "made the tallies of %d communities\n", r.Blocks)
	case r.Wrong > 0 && !fix:
		return fmt.Errorf("%d folded numbers of %d communities are not what the records say: run six tally rebuild", r.Wrong, r.Blocks)
	default:
		_, err = fmt.Fprintf(c.out, "%d communities, %d numbers put right\n", r.Blocks, r.Wrong)
	}
	return err
}

// openapi prints the document from the code alone: no database is opened.
func openapi(_ context.Context, c call) error {
	cfg := config.Default()
	a, err := app.New(nil, appOptions(cfg, newLogger(cfg, io.Discard), time.Now))
	if err != nil {
		return err
	}
	_, ops, err := a.Handler()
	if err != nil {
		return err
	}
	doc, err := ops.OpenAPIYAML()
	if err != nil {
		return err
	}
	_, err = c.out.Write(doc)
	return err
}
