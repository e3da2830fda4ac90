package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sixelements/bench/sim"
	"sixelements/internal/testkit/mariadb"
	"sixelements/model"
)

// rig is the product on a private MariaDB, with the means to tell what each of the two computes.
type rig struct {
	*ours
	database *process
	sql      *sql.DB
}

// probe is what a run cost.
type probe struct {
	what    string
	conns   int
	figures         // CPU is the node's
	db      float64 // CPU µs of the database, each
	commits int     // of the database
	client  float64 // CPU µs of the load generator, each
}

// batch is how many shared a commit.
func (s probe) batch() float64 { return float64(s.Done) / float64(max(1, s.commits)) }

// newRig starts both in the folder; connections sets how many residents there are.
func newRig(ctx context.Context, dir string, connections int) (r *rig, stop func() error, err error) {
	six, err := buildSix(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	server, err := mariadb.Start(dir, "--innodb-buffer-pool-size=512M")
	if err != nil {
		return nil, nil, err
	}
	urls, err := databases(ctx, server.DSN(), "six")
	if err != nil {
		return nil, nil, errors.Join(err, server.Stop())
	}
	r = &rig{}
	if r.sql, err = sql.Open("mysql", server.DSN()); err != nil {
		return nil, nil, errors.Join(err, server.Stop())
	}
	down := func() error { return errors.Join(r.sql.Close(), server.Stop()) }
	if err := r.find(ctx); err != nil {
		return nil, nil, errors.Join(err, down())
	}
	o, stopOurs, err := startOurs(ctx, six, site{dir: filepath.Join(dir, "cell"), database: urls[0]}, connections)
	if err != nil {
		return nil, nil, errors.Join(err, down())
	}
	r.ours = o
	return r, func() error { return errors.Join(stopOurs(), down()) }, nil
}

// find finds the database's process.
func (r *rig) find(ctx context.Context) error {
	var dir, file string
	if err := r.sql.QueryRowContext(ctx, "SELECT @@datadir, @@pid_file").Scan(&dir, &file); err != nil {
		return err
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	p, err := os.FindProcess(pid)
	r.database = &process{cmd: &exec.Cmd{Process: p}}
	return err
}

func (r *rig) commits(ctx context.Context) (n int, err error) {
	var name string
	return n, r.sql.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Com_commit'").Scan(&name, &n)
}

// run measures one kind of request.
func (r *rig) run(ctx context.Context, what string, l loop) (s probe, err error) {
	s.what, s.conns = what, l.conns
	before, err := r.commits(ctx)
	if err != nil {
		return s, err
	}
	cpu, err := r.database.cpu()
	if err != nil {
		return s, err
	}
	own := ownCPU()
	if s.figures, err = r.measure(ctx, l); err != nil {
		return s, err
	}
	own = ownCPU() - own
	after, err := r.database.cpu()
	if err != nil {
		return s, err
	}
	n := float64(max(1, s.Done))
	s.db, s.client = float64((after-cpu).Microseconds())/n, float64(own.Microseconds())/n
	s.commits, err = r.commits(ctx)
	s.commits -= before
	return s, err
}

// calibrate measures what the simulation wants to know, and prints it; at64 are the submissions of 64 connections.
func calibrate(ctx context.Context, dir string, lasts time.Duration, out io.Writer) (c sim.Costs, at64 probe, err error) {
	r, stop, err := newRig(ctx, dir, 256)
	if err != nil {
		return c, at64, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	sent := make([][]model.ID, 256)
	submits, err := r.submissions(ctx, lasts, sent)
	if err != nil {
		return c, at64, err
	}
	verify, err := r.run(ctx, "verify", loop{conns: 64, lasts: lasts, want: http.StatusOK, next: func(i int) []byte {
		if len(sent[i]) == 0 {
			return nil
		}
		id := sent[i][0]
		sent[i] = sent[i][1:]
		body := fmt.Appendf(nil, `{"action":"verify","method":"visit","step_id":%q}`, model.NewID())
		return message("POST", "/api/v1/records/"+id.String()+"/transitions", r.collectors[i%len(r.doors)], `"1"`, body)
	}})
	if err != nil {
		return c, at64, err
	}
	read, err := r.run(ctx, "read", loop{conns: 16, lasts: lasts, want: http.StatusOK, next: func(i int) []byte {
		return message("GET", "/api/v1/records?limit=50", r.collectors[i%len(r.doors)], "", nil)
	}})
	if err != nil {
		return c, at64, err
	}
	page, err := r.run(ctx, "code", loop{conns: 16, lasts: lasts, want: http.StatusOK, next: func(i int) []byte {
		return message("GET", "/api/v1/qr/"+r.doors[i%len(r.doors)][0].code, r.collectors[i%len(r.doors)], "", nil)
	}})
	if err != nil {
		return c, at64, err
	}
	printProbes(out, append(submits, verify, read, page))
	c = costs(submits, verify, read, page)
	return c, submits[len(submits)-2], nil
}

// submissions measures submissions at several numbers of connections, the more the larger the batches.
func (r *rig) submissions(ctx context.Context, lasts time.Duration, sent [][]model.ID) (list []probe, err error) {
	for _, conns := range []int{64, 1, 4, 16, 64, 256} { // the first only warms up
		s, err := r.run(ctx, "submit", loop{conns: conns, lasts: lasts, want: http.StatusCreated, next: func(i int) []byte {
			b, id := r.bodies[i].next()
			sent[i] = append(sent[i], id)
			return b
		}})
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list[1:], nil
}

// costs tells what a commit costs from what each submission in it does: the larger the batches, the smaller a submission's share.
func costs(submits []probe, verify, read, page probe) sim.Costs {
	var share, node, db, client []float64
	for _, s := range submits {
		share = append(share, 1/s.batch())
		node, db, client = append(node, s.microsEach()), append(db, s.db), append(client, s.client)
	}
	us := func(v float64) time.Duration { return time.Duration(max(0, v) * float64(time.Microsecond)) }
	c := sim.Measured()
	each, batch := line(share, node)
	c.Node.Submit, c.Node.Batch = us(each), us(batch)
	each, batch = line(share, db)
	c.Database.Submit, c.Database.Batch = us(each), us(batch)
	c.Node.Verify = us(verify.microsEach() - float64(c.Node.Batch.Microseconds())/verify.batch())
	c.Database.Verify = us(verify.db - float64(c.Database.Batch.Microseconds())/verify.batch())
	c.Node.Read, c.Database.Read = us(read.microsEach()), us(read.db)
	c.Node.Page, c.Database.Page = us(page.microsEach()), us(page.db)
	c.Client = us(median(client))
	return c
}

// line is the straight line through the points by least squares: y = a + b·x.
func line(x, y []float64) (a, b float64) {
	n := float64(len(x))
	var sx, sy, sxx, sxy float64
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	if d := n*sxx - sx*sx; d > 0 {
		b = (n*sxy - sx*sy) / d
	}
	return (sy - b*sx) / n, b
}

func printProbes(out io.Writer, list []probe) {
	var rows [][]string
	for _, s := range list {
		row := []string{s.what, fmt.Sprint(s.conns)}
		for _, v := range []float64{s.perSecond(), s.microsEach(), s.db, s.client} {
			row = append(row, fmt.Sprintf("%.0f", v))
		}
		for _, v := range []float64{s.batch(), s.millis(50), s.millis(99)} {
			row = append(row, fmt.Sprintf("%.1f", v))
		}
		rows = append(rows, row)
	}
	grid(out, []string{"what", "connections", "per second", "node CPU µs", "database CPU µs", "client CPU µs", "per commit",
		"p50 ms", "p99 ms"}, rows)
}
