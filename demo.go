package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sixelements/config"
	"sixelements/internal/app"
	"sixelements/internal/seed"
	"sixelements/model/store"
	"sixelements/service/identity"
	"sixelements/service/qr"
)

// demoOptions are the flags of demo and seed.
type demoOptions struct {
	listen, data string
	plan         seed.Plan
}

func demoFlags(name string, c call, o *demoOptions) error {
	f := flags(name, c)
	if name == "demo" {
		f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to serve on; :8080 to let a phone on the same network in")
		f.StringVar(&o.data, "data", "", "folder for the database; a temporary one when empty")
	}
	f.StringVar(&o.plan.Street, "street", o.plan.Street, "a street of the division list, 9 digits")
	f.IntVar(&o.plan.Buildings, "buildings", o.plan.Buildings, "number of buildings")
	f.IntVar(&o.plan.People, "people", o.plan.People, "number of persons")
	f.IntVar(&o.plan.Shops, "shops", o.plan.Shops, "number of shops, the only places")
	f.IntVar(&o.plan.Others, "others", o.plan.Others, "number of events, objects, situations and organisations, each")
	f.Uint64Var(&o.plan.Seed, "seed", o.plan.Seed, "the same seed makes the same people")
	if err := parse(f, c.args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return usageError("six " + name + " takes flags only")
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if (given["people"] || given["shops"]) && !given["others"] {
		o.plan.Others = 0 // a street of just so many persons and shops has nothing else
	}
	return nil
}

// smallStreet is a demo that is there at once.
func smallStreet() seed.Plan {
	return seed.Plan{Street: "410102002", Buildings: 6, People: 240, Shops: 12, Others: 6, Seed: 1}
}

// demo serves the whole product on embedded SQLite with a generated street.
func demo(ctx context.Context, c call) error {
	o := demoOptions{plan: smallStreet()}
	if err := demoFlags("demo", c, &o); err != nil {
		return err
	}
	if o.data == "" {
		dir, err := os.MkdirTemp("", "six-demo-")
		if err != nil {
			return err
		}
		o.data = dir
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	environ := append([]string{"SIX_BASE_URL=" + baseURL(l.Addr())}, c.environ...) // one that was given wins
	cfg, err := config.Load(append(environ, "SIX_DATA="+o.data, "SIX_LISTEN="+o.listen,
		"SIX_DATABASE=sqlite:"+filepath.Join(o.data, "six.db")))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(o.data, "six.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	return runDemo(ctx, cfg, o, l, c.out, newLogger(cfg, logFile))
}

func runDemo(ctx context.Context, cfg config.Config, o demoOptions, l net.Listener, out io.Writer, log *slog.Logger) error {
	db, err := openStore(ctx, cfg, log, time.Now, nil)
	if err != nil {
		return err
	}
	defer closeStore(db, log)
	opts := appOptions(cfg, log, time.Now)
	g := &gate{then: opts.Ready}
	opts.Demo, opts.Ready = true, g.ready
	a, err := app.New(db, opts)
	if err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	go func() {
		err := prepareDemo(work, cfg, log, db, a, o, out)
		g.open.Store(err == nil)
		if err != nil && work.Err() == nil {
			failed <- fmt.Errorf("generating the street: %w", err)
			stop()
		}
	}()
	err = listen(work, cfg, log, a, l)
	select {
	case ferr := <-failed:
		return ferr
	default:
		return err
	}
}

// baseURL is the address that people on this machine and, if the server listens to them, on the same network use.
func baseURL(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return "http://" + addr.String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = outward()
	}
	return fmt.Sprintf("http://%s", net.JoinHostPort(host, fmt.Sprint(tcp.Port)))
}

// outward is this machine's address on its network; nothing is sent to find it.
func outward() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsPrivate() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// patient is how many persons are generated before anybody wonders.
const patient = 2000

// prepareDemo generates the street unless the folder holds one already, and prints where to go.
func prepareDemo(ctx context.Context, cfg config.Config, log *slog.Logger, db *store.DB, a *app.App, o demoOptions, out io.Writer) error {
	if o.plan.People > patient {
		fmt.Fprintf(out, "generating %d persons: about a minute for 35,000\n", o.plan.People)
	}
	st, buildings, err := seedStreet(ctx, cfg, log, db, o.plan, nil)
	if err != nil {
		return err
	}
	err = a.Services.Identity.EnsurePersonas(store.AsSystem(ctx, "demo"), identity.PersonaPlan{Grid: st.FirstGrid, Community: st.Community,
		Community2: st.Community2, Street: st.Street})
	if err != nil {
		return err
	}
	return printDemo(out, cfg, o, st, buildings)
}

func printDemo(w io.Writer, cfg config.Config, o demoOptions, st seed.Street, buildings int) error {
	art, err := qr.Terminal(st.FirstURL)
	if err != nil {
		return err
	}
	host := ""
	if strings.Contains(cfg.BaseURL, "127.0.0.1") {
		host = "\n  (for a phone on the same network: six demo --listen :8080)"
	}
	_, err = fmt.Fprintf(w, `Six Elements (六要素) — demo, everything in it is generated

  open          %s/
  API           %s/docs   %s/openapi.json
  data and log  %s
  street        %s: %d buildings, %d persons, %d shops

  log in        POST %s/api/v1/sessions {"grant":"demo","persona":"collector"}
  personas      %s

  a posted code %s   %s%s

%s
Ctrl+C ends it.
`, cfg.BaseURL, cfg.BaseURL, cfg.BaseURL, o.data, st.Street, buildings, o.plan.People, o.plan.Shops, cfg.BaseURL,
		strings.Join(identity.Personas(), " "), st.FirstCode, st.FirstURL, host, art)
	return err
}

// seedStreet makes the plan's street with a clock of its own, which runs from two months ago to now.
func seedStreet(ctx context.Context, cfg config.Config, log *slog.Logger, db *store.DB, plan seed.Plan,
	progress func(done, total int)) (seed.Street, int, error) {
	if st, n, err := seed.Existing(ctx, db, cfg.BaseURL, plan.Street); err != nil || n > 0 {
		return st, n, err
	}
	clock := seed.NewClock(time.Now())
	past, err := openStore(ctx, cfg, log, clock.Now, nil)
	if err != nil {
		return seed.Street{}, 0, err
	}
	defer closeStore(past, log)
	opts := appOptions(cfg, log, clock.Now)
	opts.RateLimit = false
	a, err := app.New(past, opts)
	if err != nil {
		return seed.Street{}, 0, err
	}
	s := seed.New(past, seed.Services{Grid: a.Services.Grid, QR: a.Services.QR, Collect: a.Services.Records.Collect,
		Verify: a.Services.Records.Verify}, plan, clock, progress)
	st, buildings, err := s.Lay(ctx)
	if err != nil {
		return st, 0, err
	}
	return st, len(buildings), s.Fill(ctx, buildings)
}

// seedCommand generates a street into the configured database, which must hold none yet.
func seedCommand(ctx context.Context, c call) error {
	o := demoOptions{plan: seed.Newspaper()}
	if err := demoFlags("seed", c, &o); err != nil {
		return err
	}
	p, err := operator(ctx, c)
	if err != nil {
		return err
	}
	defer p.close()
	if _, n, err := seed.Existing(ctx, p.db, p.cfg.BaseURL, o.plan.Street); err != nil {
		return err
	} else if n > 0 {
		return fmt.Errorf("street %s has buildings already; seed an empty database", o.plan.Street)
	}
	begin := time.Now()
	st, n, err := seedStreet(ctx, p.cfg, p.log, p.db, o.plan, func(done, total int) {
		fmt.Fprintf(c.out, "\r%d of %d records", done, total)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "\rstreet %s: %d buildings, %d persons, %d shops in %s\n", st.Street, n, o.plan.People, o.plan.Shops,
		time.Since(begin).Round(100*time.Millisecond))
	return err
}
