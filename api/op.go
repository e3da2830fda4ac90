// Package api has the HTTP operations: thin, one file per resource. op.go registers them and is the only place where an error
// becomes an answer.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/identity"
)

// API is the registry of operations with what all of them share.
type API struct {
	huma  huma.API
	log   *slog.Logger
	who   Authenticator
	limit Limiter
	// Ops are the registered operations, for the walk that proves each has its scenarios.
	Ops []Spec
}

// Authenticator tells who sends a request.
type Authenticator interface {
	Authenticate(ctx context.Context, c identity.Credentials) (model.Actor, error)
	// NoteRefusal traces that an account was refused an operation.
	NoteRefusal(ctx context.Context, operation string, code model.Code)
}

// Limiter says whether one more request under the key is too many; retry is in seconds.
type Limiter interface {
	Allow(key string) (ok bool, retry int)
}

// Spec says what an operation is, beside its types.
type Spec struct {
	Method, Path, ID, Summary string
	// Public operations need no token.
	Public bool
	// Least is the role of the ladder needed somewhere; Also are roles beside the ladder that may too. Empty: any account.
	Least  model.Role
	Also   []model.Role
	Status int
	// Locate judges a path's resource before the request's body and the caller's role are: 404, 403, 428, 412.
	Locate  locate
	MaxBody int64
	Tag     string
	// Rate names the limit on one address's requests to a public operation.
	Rate string
}

type locate func(ctx context.Context, id string, m model.Match) error

type option func(*Spec)

// public marks an operation that anyone may call.
func public(s *Spec) { s.Public = true }

// may limits an operation to the role and those above it on the ladder.
func may(r model.Role, also ...model.Role) option {
	return func(s *Spec) { s.Least, s.Also = r, also }
}

// only limits an operation to roles beside the ladder.
func only(roles ...model.Role) option { return func(s *Spec) { s.Also = roles } }

// at says how to judge the path's resource when role or body are at fault, so that 404 comes before 403 and both before 422.
func at(l locate) option { return func(s *Spec) { s.Locate = l } }

// status is the status of success when it is not 200.
func status(n int) option { return func(s *Spec) { s.Status = n } }

// rate holds each address (of IPv6 each /64) to the named rate.
func rate(name string) option { return func(s *Spec) { s.Rate = name } }

// maxBody is the most bytes the body may have.
func maxBody(n int64) option { return func(s *Spec) { s.MaxBody = n } }

func spec(method, path, id, summary string, opts ...option) Spec {
	s := Spec{Method: method, Path: path, ID: id, Summary: summary, MaxBody: 1 << 20, Status: http.StatusOK}
	s.Tag, _, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	for _, o := range opts {
		o(&s)
	}
	return s
}

func get(path, id, summary string, o ...option) Spec {
	return spec(http.MethodGet, path, id, summary, o...)
}
func post(path, id, summary string, o ...option) Spec {
	return spec(http.MethodPost, path, id, summary, o...)
}
func put(path, id, summary string, o ...option) Spec {
	return spec(http.MethodPut, path, id, summary, o...)
}
func patch(path, id, summary string, o ...option) Spec {
	return spec(http.MethodPatch, path, id, summary, o...)
}
func remove(path, id, summary string, o ...option) Spec {
	return spec(http.MethodDelete, path, id, summary, o...)
}

// op registers an operation. The handler says what, not how: it calls a service and shows the result; its error becomes a problem
// here.
func op[I, O any](a *API, s Spec, handler func(context.Context, *I) (*O, error)) {
	a.Ops = append(a.Ops, s)
	var body *huma.Schema // known once the operation is registered
	registry := a.huma.OpenAPI().Components.Schemas
	reader := bodies{a.huma, sync.OnceValues(func() (*shape, any) { return judge(registry, body) })}
	huma.Register(reader, huma.Operation{Method: s.Method, Path: s.Path, OperationID: s.ID, Summary: s.Summary, Tags: []string{s.Tag},
		DefaultStatus: s.Status, MaxBodyBytes: s.MaxBody, Security: security(s), Description: s.who(),
		Metadata: map[string]any{specKey: &s, apiKey: a}, Middlewares: huma.Middlewares{a.gate}},
		func(ctx context.Context, in *I) (*O, error) {
			out, err := handler(ctx, in)
			if err != nil {
				a.note(ctx, &s, err)
				return nil, a.problem(ctx, err)
			}
			return out, nil
		})
	if r := a.operation(s.ID).RequestBody; r != nil && r.Content["application/json"] != nil {
		body = r.Content["application/json"].Schema
	}
}

// operation is a registered operation.
func (a *API) operation(id string) *huma.Operation {
	for _, item := range a.huma.OpenAPI().Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if o != nil && o.OperationID == id {
				return o
			}
		}
	}
	return nil
}

const (
	specKey = "six.spec"
	apiKey  = "six.api"
)

func security(s Spec) []map[string][]string {
	if s.Public {
		return nil
	}
	return []map[string][]string{{"bearer": {}}, {"cookie": {}}}
}

// who is the documentation's sentence about who may call.
func (s Spec) who() string {
	switch {
	case s.Public:
		return "Anyone."
	case s.Least != "":
		return "Role " + string(s.Least) + " and above" + also(s.Also) + "."
	case len(s.Also) > 0:
		return "Role" + strings.TrimPrefix(also(s.Also), ",") + "."
	}
	return "Any account; what it sees depends on its roles and areas."
}

func also(roles []model.Role) string {
	var b strings.Builder
	for _, r := range roles {
		b.WriteString(", " + string(r))
	}
	return b.String()
}

// gate runs before the request is read: who is it (401), not too often (429), may they at all (403, after 404 where a path names a
// resource).
func (a *API) gate(hc huma.Context, next func(huma.Context)) {
	s := hc.Operation().Metadata[specKey].(*Spec)
	ctx := hc.Context()
	if s.Rate != "" {
		if ok, retry := a.limit.Allow(s.Rate + " " + askerOf(ctx)); !ok {
			a.refuse(hc, &model.Error{Code: model.RateLimited, RetryAfter: retry})
			return
		}
	}
	if s.Public {
		next(hc)
		return
	}
	actor, err := a.who.Authenticate(ctx, credentials(hc))
	if err != nil {
		a.refuse(hc, err)
		return
	}
	if ok, retry := a.limit.Allow("account " + actor.Account.String()); !ok {
		a.refuse(hc, &model.Error{Code: model.RateLimited, RetryAfter: retry})
		return
	}
	ctx = store.As(ctx, actor)
	if !s.allows(actor) {
		err := error(model.Fail(model.RoleForbidden))
		if lerr := s.locate(ctx, hc); lerr != nil {
			err = lerr
		}
		a.note(ctx, s, err)
		a.refuse(hc, err)
		return
	}
	next(huma.WithContext(hc, ctx))
}

// note traces refusals for lack of a right, but for a resident's consent, which is asked for in the ordinary course.
func (a *API) note(ctx context.Context, s *Spec, err error) {
	for _, c := range []model.Code{model.RoleForbidden, model.SelfVerify, model.SelfClose} {
		if model.IsCode(err, c) && !store.ActorOf(ctx).Account.IsZero() {
			a.who.NoteRefusal(ctx, s.ID, c)
		}
	}
}

// unhurried lifts the server's time limit on an answer that takes as long as it takes.
func unhurried(hc huma.Context) {
	if w, ok := hc.BodyWriter().(http.ResponseWriter); ok {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a writer without deadlines has none to lift
	}
}

func (s *Spec) allows(a model.Actor) bool {
	if s.Least == "" && len(s.Also) == 0 {
		return true
	}
	for _, r := range s.Also {
		if a.Has(r) {
			return true
		}
	}
	return s.Least != "" && a.AtLeast(s.Least)
}

func (s *Spec) locate(ctx context.Context, hc huma.Context) error {
	if s.Locate == nil {
		return nil
	}
	_, name, _ := strings.Cut(s.Path, "{")
	name, _, _ = strings.Cut(name, "}")
	return s.Locate(ctx, hc.Param(name), model.Match(hc.Header("If-Match")))
}

// CookieName is the console's session cookie.
const CookieName = "six_session"

func credentials(hc huma.Context) identity.Credentials {
	c := identity.Credentials{CSRF: hc.Header("X-CSRF-Token"), Source: SourceOf(hc.Context()), RequestID: RequestIDOf(hc.Context())}
	c.Unsafe = hc.Method() != http.MethodGet && hc.Method() != http.MethodHead
	if scheme, t, ok := strings.Cut(hc.Header("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		c.Bearer = strings.TrimSpace(t)
	} else if k, err := huma.ReadCookie(hc, CookieName); err == nil {
		c.Cookie = k.Value
	}
	return c
}

// refuse answers a request that does not get to its handler.
func (a *API) refuse(hc huma.Context, err error) {
	var p *Problem
	if !errors.As(a.problem(hc.Context(), err), &p) {
		return
	}
	for k, vs := range p.GetHeaders() {
		for _, v := range vs {
			hc.SetHeader(k, v)
		}
	}
	_ = huma.WriteErr(a.huma, hc, p.Status, "", p)
}

// problem is the only place where an error becomes an answer; what is not the caller's to know is logged with the request's id.
func (a *API) problem(ctx context.Context, err error) error {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	p = ProblemOf(err)
	if p.Code == model.Internal {
		a.log.ErrorContext(ctx, "fault", "err", err, "request_id", RequestIDOf(ctx))
	}
	return p
}

// install replaces huma's errors by ours, once for the process: huma keeps them in variables of its package.
var install = sync.OnceFunc(func() {
	speakChinese()
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		if status == 0 {
			return &Problem{}
		}
		return ProblemOf(fromHuma(status, errs))
	}
	huma.NewErrorWithContext = func(hc huma.Context, status int, _ string, errs ...error) huma.StatusError {
		var p *Problem
		if len(errs) == 1 && errors.As(errs[0], &p) {
			return p
		}
		a, _ := hc.Operation().Metadata[apiKey].(*API)
		s, _ := hc.Operation().Metadata[specKey].(*Spec)
		err := fromHuma(status, errs)
		if a == nil || s == nil {
			return ProblemOf(err)
		}
		if model.IsCode(err, model.Internal) {
			a.log.ErrorContext(hc.Context(), "fault", "err", errors.Join(errs...), "request_id", RequestIDOf(hc.Context()))
		}
		if !s.Public { // the order of checks: 404, 403, 428 and 412 come before the body's faults
			if lerr := s.locate(hc.Context(), hc); lerr != nil {
				err = lerr
			}
		}
		var q *Problem
		errors.As(a.problem(hc.Context(), err), &q)
		for k, vs := range q.GetHeaders() {
			for _, v := range vs {
				hc.SetHeader(k, v)
			}
		}
		return q
	}
})

// request is what every layer below may know of a request.
type request struct{ id, source string }

type requestKey struct{}

// WithRequest notes a request's id and the client's address in ctx.
func WithRequest(ctx context.Context, id, source string) context.Context {
	return context.WithValue(ctx, requestKey{}, &request{id, source})
}

func requestOf(ctx context.Context) request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return *r
	}
	return request{}
}

// RequestIDOf is the request's id in ctx.
func RequestIDOf(ctx context.Context) string { return requestOf(ctx).id }

// SourceOf is the client's address in ctx.
func SourceOf(ctx context.Context) string { return requestOf(ctx).source }

// askerOf is whom a limit holds in ctx: the client's address, of IPv6 its /64, the least that a subscriber has whole.
func askerOf(ctx context.Context) string {
	source := SourceOf(ctx)
	if a, err := netip.ParseAddr(source); err == nil && a.Unmap().Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return source
}

// asSystem makes ctx act for the program in a public operation, with the request's id and source in the trace.
func asSystem(ctx context.Context, reason string) context.Context {
	a := model.Actor{Reason: reason, Name: "系统", Source: SourceOf(ctx), RequestID: RequestIDOf(ctx)}
	return store.As(ctx, a)
}

// answer is a result with the version of what it shows.
type answer[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// created is a result that may be new (201) or a replay (200).
type created[T any] struct {
	Status int
	ETag   string `header:"ETag"`
	Body   T
}

// page is a list.
type page[T any] struct {
	Items []T     `json:"items" nullable:"false"`
	Next  *string `json:"next_cursor" doc:"null on the last page"`
}

// pageOf shows rows as a page; an empty next is null.
func pageOf[R, T any](rows []R, next string, view func(R) T) *answer[page[T]] {
	out := page[T]{Items: make([]T, 0, len(rows))}
	for _, r := range rows {
		out.Items = append(out.Items, view(r))
	}
	if next != "" {
		out.Next = &next
	}
	return &answer[page[T]]{Body: out}
}

// Paging are the parameters of every list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before"`
}

// none is an answer without a body.
type none struct{}
