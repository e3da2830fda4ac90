// Package app assembles the product: every service is made and handed to the others here and nowhere else. main configures it,
// tests build it on a database of their own.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sixelements/api"
	"sixelements/internal/nodes"
	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/store"
	"sixelements/router"
	"sixelements/service/attach"
	"sixelements/service/collect"
	"sixelements/service/dispatch"
	"sixelements/service/grid"
	"sixelements/service/identity"
	"sixelements/service/job"
	"sixelements/service/ledger"
	"sixelements/service/qr"
	"sixelements/service/tally"
	"sixelements/service/verify"
	"sixelements/service/wechat"
)

// Options are what the product needs beside the database.
type Options struct {
	Data    string // folder for photos and exports
	BaseURL string // what people and codes use
	Version string

	Demo           bool // personas may log in
	WebForm        bool // residents may submit without WeChat
	RateLimit      bool
	TrustedProxies []string
	MaxBody        int64 // bytes of any request's body
	Workers        int   // jobs at once

	WeChat wechat.Options
	Nodes  *nodes.Redis // what several nodes share, the database's bus among it; nil: one node

	Log   *slog.Logger
	Clock model.Clock
	// Ready is asked beside the database before the program says that it can serve.
	Ready func(ctx context.Context) error
}

// App is the product assembled.
type App struct {
	o        Options
	db       *store.DB
	Services api.Services
	wechat   *wechat.Client
	limits   *router.Limits // nil: unlimited
	metrics  *router.Metrics
	draining atomic.Bool
}

// New makes every service around an open database. The caller closes it.
func New(db *store.DB, o Options) (a *App, err error) {
	a = &App{o: o, db: db, metrics: router.NewMetrics()}
	limits := router.LimitOptions{Log: o.Log}
	if o.Nodes != nil {
		o.Nodes.Join(db.Keyring(), db.Hash)
		limits.Together, o.WeChat.Shared = o.Nodes.Spend, o.Nodes.Secrets()
	}
	if o.RateLimit {
		if a.limits, err = router.NewLimits(o.Clock, limits); err != nil {
			return nil, err
		}
	}
	o.WeChat.Log = o.Log
	if a.wechat, err = wechat.New(o.WeChat); err != nil {
		return nil, err
	}
	s := &a.Services
	s.Codes = code.Default()
	id := identity.Options{Demo: o.Demo, WebForm: o.WebForm || o.Demo, Log: o.Log, SecureCookies: strings.HasPrefix(o.BaseURL, "https://"),
		Records: a.recordsOf, Withdraw: a.withdrawAll}
	if a.wechat.Configured() {
		id.WeChat = wechatLogin{a.wechat}
	}
	s.Identity = identity.New(db, id)
	s.Grid = grid.New(db, tally.Households)
	s.QR = qr.New(db, o.BaseURL)
	s.Attach = attach.New(db, attach.NewDisk(filepath.Join(o.Data, Photos)), "", o.Log)
	r := &s.Records
	r.Collect = collect.New(db, collect.Options{Codes: s.Codes, Consent: s.Identity.Consent, Claim: s.Attach.Claim, Photos: a.photos,
		Phone: s.Identity.PhoneOf, Limit: a.limit()})
	r.Verify = verify.New(db, r.Collect.Merge)
	r.Dispatch = dispatch.New(db, r.Collect.Merge)
	r.Grid = s.Grid
	s.Jobs = job.New(db, job.Options{Dir: filepath.Join(o.Data, "jobs"), Workers: o.Workers, Log: o.Log, Actor: s.Identity.ActorOf})
	s.Tally = tally.New(db)
	s.Ledger = ledger.New(db, s.Jobs, s.Codes)
	return a, nil
}

// Close ends what is shared with other nodes. The database is the caller's.
func (a *App) Close() error {
	if a.o.Nodes == nil {
		return nil
	}
	return a.o.Nodes.Close()
}

// Hears tells whether this node is told at once of what the others change; always so where there are no others.
func (a *App) Hears() bool { return a.o.Nodes == nil || a.o.Nodes.Bus().Stands() }

func (a *App) limit() api.Limiter {
	if a.limits == nil {
		return router.Unlimited{}
	}
	return a.limits
}

// Photos is the folder of photos under Options.Data.
const Photos = "attachments"

// Handler serves the API and the pages outside it; ops are its operations.
func (a *App) Handler() (h http.Handler, ops *api.API, err error) {
	o := router.Options{TrustedProxies: a.o.TrustedProxies, Log: a.o.Log, Limit: a.limit(), MaxBody: a.o.MaxBody, Metrics: a.metrics,
		Leaving: a.draining.Load}
	return router.New(o, a.Services, router.Pages{Version: a.o.Version, Demo: a.o.Demo, Ready: a.ready, Scan: a.scan, Normal: qr.ParseCode,
		WeChat: a.wechat.Configured(), Verify: a.wechat.VerifyFile})
}

// Served is how many requests have been answered so far.
func (a *App) Served() int64 { return a.metrics.Served() }

// Private serves metrics and profiles; never to the public.
func (a *App) Private() http.Handler { return a.metrics.Private() }

// Drain has /readyz say no from now on, and every answer end its connection: the program is about to end, and whoever sends to it
// should find another. What is sent all the same is answered as ever.
func (a *App) Drain() { a.draining.Store(true) }

// ready is why the program cannot serve; the answer to /readyz does not say it, the log does.
func (a *App) ready(ctx context.Context) (err error) {
	if a.draining.Load() {
		return errors.New("draining")
	}
	if a.o.Ready != nil {
		err = a.o.Ready(ctx)
	}
	if err == nil {
		err = a.db.Ready(ctx)
	}
	if err != nil {
		a.o.Log.WarnContext(ctx, "not ready", "err", err)
	}
	return err
}

// scan resolves a posted code for the page that a camera opens.
func (a *App) scan(ctx context.Context, code string) (router.Scanned, error) {
	ctx = store.As(ctx, model.Actor{Reason: "a posted code was opened", Source: api.SourceOf(ctx), RequestID: api.RequestIDOf(ctx)})
	s, err := a.Services.QR.Look(ctx, code)
	if err != nil {
		return router.Scanned{}, err
	}
	return router.Scanned{Building: s.Building.Name, Address: s.Building.Address, Area: s.AreaName, Unit: s.Code.Unit}, nil
}

// wechatLogin is the WeChat client as identity knows it.
type wechatLogin struct{ *wechat.Client }

// Login answers the openid and unionid behind a code.
func (w wechatLogin) Login(ctx context.Context, code string) (openID, unionID string, err error) {
	id, err := w.Client.Login(ctx, code)
	return id.OpenID, id.UnionID, err
}

func (a *App) photos(tx *store.Tx, records []model.ID) (map[model.ID][]collect.Photo, error) {
	views, err := a.Services.Attach.Of(tx, records)
	out := map[model.ID][]collect.Photo{}
	for id, list := range views {
		for _, v := range list {
			out[id] = append(out[id], collect.Photo{ID: v.ID, URL: v.URL, ThumbURL: v.ThumbURL})
		}
	}
	return out, err
}

// recordsOf are all records an account submitted, as the API shows them: a resident's copy of their data.
func (a *App) recordsOf(ctx context.Context, _ model.ID) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for cursor := ""; ; {
		views, next, err := a.Services.Records.Collect.List(ctx, collect.Find{Mine: true, Limit: 200, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, v := range views {
			b, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		}
		if cursor = next; cursor == "" {
			return out, nil
		}
	}
}

// withdrawAll withdraws what an account submitted and nobody has verified.
func (a *App) withdrawAll(ctx context.Context, _ model.ID) error {
	for cursor := ""; ; {
		open := collect.Find{Mine: true, Limit: 200, Cursor: cursor, Status: "submitted,returned"}
		views, next, err := a.Services.Records.Collect.List(ctx, open)
		if err != nil {
			return err
		}
		for _, v := range views {
			m := model.Match(fmt.Sprint(v.Version))
			if _, _, err := a.Services.Records.Verify.Apply(ctx, v.ID, m, model.Step{Action: "withdraw"}); err != nil {
				return err
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// unusedPhotos is how long a photo may wait for its record.
const unusedPhotos = 48 * time.Hour

// Background runs what is done beside requests until ctx ends; the channel is closed when the last of it has stopped.
func (a *App) Background(ctx context.Context) <-chan struct{} {
	return together(ctx, a.Services.Jobs.Run, a.tellLimits,
		every(time.Second, a.single("audit.seal", func(ctx context.Context) error {
			_, err := a.Services.Identity.SealAudit(ctx)
			return err
		})),
		every(time.Second, a.single("tally.fold", a.Services.Tally.Keep)),
		every(10*time.Minute, func(ctx context.Context) {
			if err := a.db.Optimize(ctx); err != nil && ctx.Err() == nil {
				a.o.Log.Error("background", "work", "optimize", "err", err)
			}
		}),
		every(time.Hour, a.single("attachments.sweep", func(ctx context.Context) error {
			_, err := a.Services.Attach.Sweep(ctx, unusedPhotos)
			return err
		})),
		every(time.Hour, a.single("sessions.sweep", func(ctx context.Context) error {
			_, err := a.Services.Identity.SweepSessions(ctx)
			return err
		})))
}

// tellLimits tells the other nodes what this one lets through.
func (a *App) tellLimits(ctx context.Context) {
	if a.limits != nil {
		a.limits.Run(ctx)
	}
}

// single is work that only one node may do at a time.
func (a *App) single(name string, fn func(context.Context) error) func(context.Context) {
	return func(ctx context.Context) {
		if _, err := a.Services.Jobs.Lease(store.AsSystem(ctx, name), name, time.Minute, fn); err != nil && ctx.Err() == nil {
			a.o.Log.Error("background", "work", name, "err", err)
		}
	}
}

// together runs loops until ctx ends; the channel is closed when the last has returned, so that none finds the database closed.
func together(ctx context.Context, loops ...func(context.Context)) <-chan struct{} {
	var running sync.WaitGroup
	for _, loop := range loops {
		running.Go(func() { loop(ctx) })
	}
	stopped := make(chan struct{})
	go func() {
		running.Wait()
		close(stopped)
	}()
	return stopped
}

// every is a loop that does something again and again, so long apart, until its ctx ends.
func every(d time.Duration, fn func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		t := time.NewTicker(d)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				fn(ctx)
			}
		}
	}
}
