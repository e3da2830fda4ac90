// Package router has the Gin engine: middleware, and what is mounted where.
package router

import (
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"sixelements/api"
	"sixelements/model"
)

// Options are what the router needs beside the services.
type Options struct {
	TrustedProxies []string // none by default: X-Forwarded-For of strangers is not believed
	Log            *slog.Logger
	Limit          api.Limiter
	MaxBody        int64 // bytes of any body
	Metrics        *Metrics
	Leaving        func() bool // whether connections are to end with their next answer; nil: never
}

// New builds the engine that serves everything.
func New(o Options, s api.Services, p Pages) (http.Handler, *api.API, error) {
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.HandleMethodNotAllowed = true
	g.RedirectTrailingSlash = false
	if err := g.SetTrustedProxies(o.TrustedProxies); err != nil {
		return nil, nil, err
	}
	g.Use(identify, o.observe, o.recover, o.leave, secure, o.throttle, o.bound, compress)
	g.NoRoute(func(c *gin.Context) { api.WriteProblem(c.Writer, model.Fail(model.NotFound)) })
	g.NoMethod(func(c *gin.Context) { api.WriteProblem(c.Writer, model.Fail(model.MethodNotAllowed)) })
	v1 := g.Group(api.Base)
	a := api.New(humagin.NewWithGroup(g, v1, api.Config()), s, o.Log, o.Limit)
	if err := p.mount(g, a); err != nil {
		return nil, nil, err
	}
	return g, a, nil
}

const requestIDHeader = "X-Request-Id" // as net/http spells it

// identify gives every request an id, and notes the client's address for the trace. An id that a proxy of ours sent is kept if it
// looks like one.
func identify(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if len(id) < 8 || len(id) > 64 || strings.Trim(id, "0123456789abcdefABCDEF-") != "" {
		id = uuid.NewString()
	}
	c.Header(requestIDHeader, id)
	c.Request = c.Request.WithContext(api.WithRequest(c.Request.Context(), id, c.ClientIP()))
	c.Next()
}

// observe writes one line a request: the route, never the URL, which may hold what a person typed.
func (o Options) observe(c *gin.Context) {
	begin := time.Now() //nolint:forbidigo // how long a request took is no business of the clock that is handed in
	c.Next()
	took := time.Since(begin)
	route := c.FullPath()
	if route == "" {
		route = "(none)"
	}
	o.Metrics.seen(c.Request.Method, route, c.Writer.Status(), took)
	level := slog.LevelInfo
	switch s := c.Writer.Status(); {
	case s == http.StatusServiceUnavailable: // said on purpose: busy, or not ready yet
		level = slog.LevelWarn
	case s >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	ctx := c.Request.Context()
	o.Log.LogAttrs(ctx, level, "request", slog.String("method", c.Request.Method), slog.String("route", route),
		slog.Int("status", c.Writer.Status()), slog.Int("bytes", c.Writer.Size()), slog.Duration("took", took),
		slog.String("request_id", api.RequestIDOf(ctx)))
}

// recover answers a panic as a fault of ours and keeps its stack for the log.
func (o Options) recover(c *gin.Context) {
	defer func() {
		r := recover()
		if r == nil || r == http.ErrAbortHandler { //nolint:errorlint // net/http's own panic value
			return
		}
		o.Log.ErrorContext(c.Request.Context(), "panic", "value", r, "stack", string(debug.Stack()),
			"request_id", api.RequestIDOf(c.Request.Context()))
		if !c.Writer.Written() {
			api.WriteProblem(c.Writer, model.Fail(model.Internal))
		}
		c.Abort()
	}()
	c.Next()
}

// leave ends connections one by one, each after an answer, where closing them all at once would cut off what is just being sent.
func (o Options) leave(c *gin.Context) {
	if o.Leaving != nil && o.Leaving() {
		c.Header("Connection", "close")
	}
	c.Next()
}

// policy is what pages of ours may load: nothing foreign.
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// guards are the headers of every answer. The values are shared by all answers: they are replaced, never written into.
var guards = http.Header{"Content-Security-Policy": {policy}, "X-Content-Type-Options": {"nosniff"}, "X-Frame-Options": {"DENY"},
	"Referrer-Policy": {"no-referrer"}, "Cross-Origin-Opener-Policy": {"same-origin"}}

func secure(c *gin.Context) {
	h := c.Writer.Header()
	maps.Copy(h, guards)
	if strings.HasPrefix(c.Request.URL.Path, api.Base) {
		h.Set("Cache-Control", "no-store") // an operation that may be kept says so itself
	}
	if c.Request.TLS != nil || c.GetHeader("X-Forwarded-Proto") == "https" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	c.Next()
}

// throttle holds the addresses of one network to a rate: a /24 of IPv4, a /64 of IPv6. Many residents share an address, so it is
// generous; accounts and codes have limits of their own.
func (o Options) throttle(c *gin.Context) {
	if strings.HasPrefix(c.Request.URL.Path, "/healthz") || strings.HasPrefix(c.Request.URL.Path, "/readyz") {
		c.Next()
		return
	}
	if ok, retry := o.Limit.Allow("net " + network(api.SourceOf(c.Request.Context()))); !ok {
		api.WriteProblem(c.Writer, &model.Error{Code: model.RateLimited, RetryAfter: retry})
		c.Abort()
		return
	}
	c.Next()
}

func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	bits := 64
	if a = a.Unmap(); a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ip
	}
	return p.String()
}

// bound ends bodies that are longer than any operation takes; operations have bounds of their own below it.
func (o Options) bound(c *gin.Context) {
	if c.Request.ContentLength > o.MaxBody {
		api.WriteProblem(c.Writer, model.Fail(model.TooLarge))
		c.Abort()
		return
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, o.MaxBody)
	c.Next()
}
