package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/collect"
)

// plan is how long a comparison runs.
type plan struct {
	conns   []int
	lasts   time.Duration
	rounds  int
	dir     string
	profile string
}

func (p *plan) flags(f *flag.FlagSet, args []string) error {
	f.DurationVar(&p.lasts, "for", 5*time.Second, "how long each contestant runs at a time")
	f.IntVar(&p.rounds, "rounds", 3, "how often all take turns")
	f.StringVar(&p.dir, "dir", "", "folder to work in, on the disk to be measured; a temporary one when empty")
	f.StringVar(&p.profile, "profile", "", "file for a CPU profile of our server, taken in a run of its own at the last of -conns")
	f.Func("conns", "numbers of connections, separated by commas; those of the issue when left out", func(s string) error {
		p.conns = nil
		return json.Unmarshal([]byte("["+s+"]"), &p.conns)
	})
	return f.Parse(args)
}

// folder makes the folder to work in; done removes it when it was a temporary one.
func (p *plan) folder() (done func(), err error) {
	if p.dir != "" {
		return func() {}, os.MkdirAll(p.dir, 0o700)
	}
	p.dir, err = os.MkdirTemp("", "six-bench-")
	return func() { _ = os.RemoveAll(p.dir) }, err
}

// contestant takes part in a comparison.
type contestant struct {
	name string
	// run lets it work for a while at a number of connections.
	run func(ctx context.Context, conns int, lasts time.Duration) (figures, error)
	// stored counts the records in its database.
	stored func(ctx context.Context) (int64, error)
}

// compete lets the contestants take turns and answers the figures by connections, contestant and round. What a contestant acknowledged
// must be what its database holds.
func compete(ctx context.Context, p plan, list []contestant) (map[int][][]figures, error) {
	out := map[int][][]figures{}
	for _, conns := range p.conns {
		out[conns] = make([][]figures, len(list))
		for range p.rounds {
			for i, c := range list {
				f, err := checked(ctx, c, conns, p.lasts)
				if err != nil {
					return nil, fmt.Errorf("%s at %d connections: %w", c.name, conns, err)
				}
				out[conns][i] = append(out[conns][i], f)
			}
		}
	}
	return out, nil
}

func checked(ctx context.Context, c contestant, conns int, lasts time.Duration) (figures, error) {
	before, err := c.stored(ctx)
	if err != nil {
		return figures{}, err
	}
	f, err := c.run(ctx, conns, lasts)
	if err != nil {
		return f, err
	}
	after, err := c.stored(ctx)
	if err == nil && after-before != int64(f.Done) {
		err = fmt.Errorf("%d were acknowledged, %d are stored", f.Done, after-before)
	}
	return f, err
}

// submit measures submissions.
func submit(ctx context.Context, args []string, out io.Writer) (err error) {
	var p plan
	f := flags("submit")
	onMariaDB := f.Bool("mariadb", false, "on a private MariaDB, against one GORM transaction a request")
	if err := p.flags(f, args); err != nil {
		return err
	}
	done, err := p.folder()
	if err != nil {
		return err
	}
	defer done()
	six, err := buildSix(ctx, p.dir)
	if err != nil {
		return err
	}
	if *onMariaDB {
		return submitMariaDB(ctx, p, six, out)
	}
	return submitSQLite(ctx, p, six, out)
}

func submitSQLite(ctx context.Context, p plan, six string, out io.Writer) (err error) {
	if len(p.conns) == 0 {
		p.conns = []int{1, 16, 64}
	}
	ours, stop, err := startOurs(ctx, six, site{dir: filepath.Join(p.dir, "ours")}, slices.Max(p.conns))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	peer, stopPeer, err := startPocketBase(ctx, filepath.Join(p.dir, "pocketbase"), ours)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopPeer()) }()
	limit, closeLimit, err := rawContestant(ctx, six, filepath.Join(p.dir, "raw"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLimit()) }()
	list := []contestant{ours.contestant(), peer, limit}
	got, err := compete(ctx, p, list)
	if err == nil {
		err = ours.profile(ctx, p)
	}
	if err != nil {
		return err
	}
	return reportSubmit(out, p, list, got)
}

// ours is the product, served on a small street of its own.
type ours struct {
	site
	*process
	private    string // its listener for profiles
	db         *store.DB
	bodies     []*bodies // by connection
	collectors []string  // their tokens, by building
	doors      [][]door
	crowd      []person
}

// pool is how many persons each connection registers before it begins again with the first.
const pool = 1000

// startOurs seeds a street, opens sessions for as many residents as there are connections, and serves it. Connection i belongs to a
// resident of building i modulo their number.
func startOurs(ctx context.Context, six string, s site, conns int) (o *ours, stop func() error, err error) {
	o = &ours{site: s}
	if err := seedStreet(ctx, six, s); err != nil {
		return nil, nil, err
	}
	if o.db, err = s.open(ctx); err != nil {
		return nil, nil, err
	}
	if o.doors, err = doors(ctx, o.db); err != nil {
		return nil, nil, err
	}
	tokens, err := residents(ctx, o.db, conns)
	if err != nil {
		return nil, nil, err
	}
	if o.collectors, err = collectors(ctx, o.db, o.doors); err != nil {
		return nil, nil, err
	}
	if o.crowd, err = people(conns*pool, 7); err != nil {
		return nil, nil, err
	}
	if o.bodies, err = allBodies(tokens, o.crowd, o.doors); err != nil {
		return nil, nil, err
	}
	if o.private, err = freeAddr(); err != nil {
		return nil, nil, err
	}
	if o.process, err = s.serve(ctx, six, "SIX_PRIVATE_LISTEN="+o.private); err != nil {
		return nil, nil, err
	}
	return o, func() error { return errors.Join(o.process.stop(), o.db.Close()) }, nil
}

func seedStreet(ctx context.Context, six string, s site) error {
	if err := s.prepare(); err != nil {
		return err
	}
	return s.six(ctx, io.Discard, six, "seed", "--buildings", "6", "--people", "240", "--shops", "12")
}

func (o *ours) contestant() contestant {
	return contestant{"six", func(ctx context.Context, conns int, lasts time.Duration) (figures, error) {
		return o.measure(ctx, loop{conns: conns, lasts: lasts, want: http.StatusCreated,
			next: func(i int) []byte { b, _ := o.bodies[i].next(); return b }})
	}, func(ctx context.Context) (int64, error) { return countRecords(ctx, o.db) }}
}

// profile writes a CPU profile of the server under load to the plan's file, if it names one.
func (o *ours) profile(ctx context.Context, p plan) error {
	if p.profile == "" {
		return nil
	}
	taken := make(chan error, 1)
	go func() {
		taken <- fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", o.private, p.lasts.Seconds()), p.profile)
	}()
	_, err := o.contestant().run(ctx, p.conns[len(p.conns)-1], p.lasts+time.Second)
	return errors.Join(err, <-taken)
}

func fetch(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d", url, resp.StatusCode)
	}
	return errors.Join(err, os.WriteFile(file, b, 0o600))
}

func countRecords(ctx context.Context, db *store.DB) (n int64, err error) {
	err = db.Read(store.AsSystem(ctx, "bench"), func(tx *store.Tx) error { return tx.Q(&model.Record{}).Count(&n).Error })
	return n, err
}

// bodies are a resident's requests, ready to be sent but for their ids.
type bodies struct {
	messages [][]byte
	sent     int
}

// idMark is what the ids take the place of.
var idMark = []byte(`{"id":"`)

// allBodies are the requests of every connection: resident i lives in building i modulo their number.
func allBodies(tokens []string, crowd []person, buildings [][]door) (out []*bodies, err error) {
	for i, token := range tokens {
		b, err := newBodies(token, crowd[i*pool:(i+1)*pool], buildings[i%len(buildings)])
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func newBodies(token string, crowd []person, doors []door) (*bodies, error) {
	b := &bodies{}
	home := -1
	for _, p := range crowd {
		if p.first || home < 0 {
			home++
		}
		d := doors[home%len(doors)]
		body, err := json.Marshal(collect.Create{ID: model.NewID(), Kind: model.KindPerson, QR: d.code, Unit: d.unit, Room: d.name,
			HouseholdID: p.household, Data: p.data})
		if err != nil {
			return nil, err
		}
		b.messages = append(b.messages, message("POST", "/api/v1/records", token, "", body))
	}
	return b, nil
}

// next is the next request with a fresh id.
func (b *bodies) next() ([]byte, model.ID) {
	m := b.messages[b.sent%len(b.messages)]
	b.sent++
	id := model.NewID()
	copy(m[bytes.Index(m, idMark)+len(idMark):], id.String())
	return m, id
}

// startPocketBase serves PocketBase and sends it the same persons.
func startPocketBase(ctx context.Context, dir string, o *ours) (c contestant, stop func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return c, nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return c, nil, err
	}
	args, err := itself("pocketbase", "-data", dir, "-listen", addr)
	if err != nil {
		return c, nil, err
	}
	p, err := start(ctx, addr, "/api/health", filepath.Join(dir, "log"), nil, args...)
	if err != nil {
		return c, nil, err
	}
	token, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil {
		return c, nil, errors.Join(err, p.stop())
	}
	var messages [][]byte
	for i, who := range o.crowd[:min(len(o.crowd), 20*pool)] {
		b := o.doors[i%len(o.doors)]
		body, err := pocketBody(who, b[i%len(b)])
		if err != nil {
			return c, nil, errors.Join(err, p.stop())
		}
		messages = append(messages, message("POST", "/api/collections/persons/records", string(token), "", body))
	}
	return contestant{"PocketBase", func(ctx context.Context, conns int, lasts time.Duration) (figures, error) {
		sent := make([]int, conns)
		return p.measure(ctx, loop{conns: conns, lasts: lasts, want: http.StatusOK, next: func(i int) []byte {
			sent[i]++
			return messages[(i*pool+sent[i])%len(messages)]
		}})
	}, func(ctx context.Context) (int64, error) {
		return countRows(ctx, filepath.Join(dir, "data.db"), "persons")
	}}, p.stop, nil
}

// rawContestant races raw SQL on a street of its own.
func rawContestant(ctx context.Context, six, dir string) (c contestant, stop func() error, err error) {
	s := site{dir: dir}
	if err := seedStreet(ctx, six, s); err != nil {
		return c, nil, err
	}
	db, err := s.open(ctx)
	if err != nil {
		return c, nil, err
	}
	return contestant{"raw SQL", func(ctx context.Context, conns int, lasts time.Duration) (f figures, err error) {
		args, err := itself("raw", "-data", dir, "-submitters", fmt.Sprint(conns), "-for", lasts.String())
		if err != nil {
			return f, err
		}
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stderr = os.Stderr
		said, err := cmd.Output()
		if err != nil {
			return f, err
		}
		return f, json.Unmarshal(said, &f)
	}, func(ctx context.Context) (int64, error) { return countRecords(ctx, db) }}, db.Close, nil
}
