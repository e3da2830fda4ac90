package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"sixelements/config"
	"sixelements/internal/app"
	"sixelements/model/store"
)

func serve(ctx context.Context, c call) error {
	for _, a := range c.args {
		if a == "--help" || a == "-h" {
			return config.Help(c.out)
		}
	}
	if len(c.args) > 0 {
		return usageError("six serve takes no arguments; it is configured by SIX_* variables")
	}
	cfg, err := config.Load(c.environ)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return err
	}
	defer l.Close()                           // closed twice when it was served on
	if strings.HasSuffix(cfg.BaseURL, ":0") { // the system chose the port, and only now can it be named
		cfg.BaseURL = baseURL(l.Addr())
	}
	log := newLogger(cfg, os.Stderr)
	share, err := openNodes(cfg, log)
	if err != nil {
		return err
	}
	db, err := openStore(ctx, cfg, log, time.Now, share)
	if err != nil {
		return err
	}
	defer closeStore(db, log)
	o := appOptions(cfg, log, time.Now)
	o.Nodes = share
	a, err := app.New(db, o)
	if err != nil {
		return err
	}
	defer a.Close()
	return listen(ctx, cfg, log, a, l)
}

func closeStore(db *store.DB, log *slog.Logger) {
	if err := db.Close(); err != nil {
		log.Error("closing the database", "err", err)
	}
}

// listen answers requests until ctx ends; then it says for cfg.Drain that it is not ready while it goes on answering, so that a
// balancer sends others elsewhere, and finishes the requests in flight.
func listen(ctx context.Context, cfg config.Config, log *slog.Logger, a *app.App, l net.Listener) error {
	handler, _, err := a.Handler()
	if err != nil {
		return err
	}
	lasting := context.WithoutCancel(ctx)
	work, stop := context.WithCancel(lasting) // what requests and background work run under: the signal does not break them off
	defer stop()
	chores, rest := context.WithCancel(work)
	defer rest()
	background := a.Background(chores) // open event streams end with it, so that they do not hold the shutdown up
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: cfg.RequestTimeout,
		WriteTimeout: 2 * cfg.RequestTimeout, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), BaseContext: func(net.Listener) context.Context { return work }}
	failed := make(chan error, 2)
	go pace(work, a.Served)
	go func() { failed <- srv.Serve(l) }()
	private := &http.Server{Addr: cfg.PrivateListen, Handler: a.Private(), ReadHeaderTimeout: 10 * time.Second}
	if cfg.PrivateListen != "" {
		go func() { failed <- private.ListenAndServe() }()
	}
	log.Info("serving", "address", l.Addr().String(), "base_url", cfg.BaseURL, "version", version())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	a.Drain()
	log.Info("draining", "for", cfg.Drain)
	select {
	case err := <-failed:
		return err
	case <-time.After(cfg.Drain):
	}
	log.Info("finishing requests in flight")
	rest()
	end, cancel := context.WithTimeout(lasting, cfg.ShutdownTimeout)
	defer cancel()
	err = errors.Join(srv.Shutdown(end), private.Close())
	stop()
	select {
	case <-background:
	case <-end.Done():
	}
	return err
}

// gate is ready once the demo's data is there.
type gate struct {
	open atomic.Bool
	then func(context.Context) error
}

func (g *gate) ready(ctx context.Context) error {
	if !g.open.Load() {
		return errors.New("the street is being generated")
	}
	return g.then(ctx)
}
