package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-sql-driver/mysql"

	"sixelements/internal/testkit/mariadb"
)

// submitMariaDB measures submissions on MariaDB, with a database for each contestant.
func submitMariaDB(ctx context.Context, p plan, six string, out io.Writer) (err error) {
	if len(p.conns) == 0 {
		p.conns = []int{64}
	}
	server, err := mariadb.Start(p.dir, "--innodb-buffer-pool-size=512M")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	urls, err := databases(ctx, server.DSN(), "ours", "peer")
	if err != nil {
		return err
	}
	redis, stopRedis, err := startRedis(ctx, p.dir)
	if err != nil {
		return err
	}
	defer stopRedis()
	ours := site{dir: filepath.Join(p.dir, "ours"), database: urls[0], redis: redis}
	o, stop, err := startOurs(ctx, six, ours, slices.Max(p.conns))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	peer, stopPeer, err := startGORM(ctx, six, site{dir: filepath.Join(p.dir, "peer"), database: urls[1]}, slices.Max(p.conns))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopPeer()) }()
	list := []contestant{o.contestant(), peer}
	got, err := compete(ctx, p, list)
	if err == nil {
		err = o.profile(ctx, p)
	}
	if err != nil {
		return err
	}
	return reportMariaDB(out, p, list, got)
}

// databases makes a database for each name and answers them as SIX_DATABASE names them.
func databases(ctx context.Context, dsn string, names ...string) (urls []string, err error) {
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	for _, name := range names {
		if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
			return nil, err
		}
		urls = append(urls, fmt.Sprintf("mysql://%s:%s@%s/%s", c.User, c.Passwd, c.Addr, name))
	}
	return urls, nil
}

// startGORM seeds a street and serves it the usual way.
func startGORM(ctx context.Context, six string, s site, conns int) (c contestant, stop func() error, err error) {
	if err := seedStreet(ctx, six, s); err != nil {
		return c, nil, err
	}
	db, err := s.open(ctx)
	if err != nil {
		return c, nil, err
	}
	homes, err := doors(ctx, db)
	if err != nil {
		return c, nil, err
	}
	crowd, err := people(conns*pool, 7)
	if err != nil {
		return c, nil, err
	}
	sent, err := allBodies(make([]string, conns), crowd, homes)
	if err != nil {
		return c, nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return c, nil, err
	}
	args, err := itself("gorm", "-data", s.dir, "-database", s.database, "-listen", addr)
	if err != nil {
		return c, nil, err
	}
	p, err := start(ctx, addr, "/readyz", filepath.Join(s.dir, "log"), nil, args...)
	if err != nil {
		return c, nil, err
	}
	c = contestant{name: "GORM"}
	c.run = func(ctx context.Context, conns int, lasts time.Duration) (figures, error) {
		return p.measure(ctx, loop{conns: conns, lasts: lasts, want: http.StatusCreated,
			next: func(i int) []byte { b, _ := sent[i].next(); return b }})
	}
	c.stored = func(ctx context.Context) (int64, error) { return countRecords(ctx, db) }
	return c, func() error { return errors.Join(p.stop(), db.Close()) }, nil
}
