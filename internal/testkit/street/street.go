// Package street starts the whole product behind real HTTP on a real database, for tests.
package street

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/api"
	"sixelements/internal/app"
	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/grid"
	"sixelements/service/identity"
)

// Server is the whole product behind real HTTP on a real database, with a small street: two communities of 410102002, a grid in
// each, a building with twelve rooms and a posted code in each grid. Its clock is fixed; its personas can log in.
type Server struct {
	*app.App
	URL   string
	DB    *store.DB
	Clock *testkit.FixedClock
	Ops   *api.API
	Logs  *Lines
	Data  string

	Community, Grid, Code    string // the first community: 410102002001
	Community2, Grid2, Code2 string // the second: 410102002003
	Building, Building2      model.ID

	t      testing.TB
	store  store.Options
	mu     sync.Mutex
	tokens map[string]string
}

// Change alters the options of a server before it starts.
type Change func(*app.Options)

// New starts a server that ends with the test.
func New(t testing.TB, changes ...Change) *Server {
	t.Helper()
	clock := testkit.Clock(t)
	return On(t, testkit.Options(t, clock), clock, changes...)
}

// On is New on a fresh database of one's own, which goes by the clock.
func On(t testing.TB, o store.Options, clock *testkit.FixedClock, changes ...Change) *Server {
	t.Helper()
	s := &Server{Clock: clock, Data: t.TempDir(), t: t, store: o}
	s.start(changes)
	s.lay()
	return s
}

// Node starts another node on the server's database and folder, which ends with the test. It has a log of its own.
func (s *Server) Node(changes ...Change) *Server {
	s.t.Helper()
	n := &Server{Clock: s.Clock, Data: s.Data, t: s.t, store: s.store, Community: s.Community, Grid: s.Grid, Code: s.Code,
		Community2: s.Community2, Grid2: s.Grid2, Code2: s.Code2, Building: s.Building, Building2: s.Building2}
	n.start(changes)
	return n
}

func (s *Server) start(changes []Change) {
	s.t.Helper()
	s.Logs, s.tokens = &Lines{}, map[string]string{}
	o := app.Options{Data: s.Data, BaseURL: "http://six.test", Version: "test", Demo: true, MaxBody: 12 << 20, Workers: 1,
		Clock: s.Clock.Now, Log: slog.New(slog.NewJSONHandler(s.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, c := range changes {
		c(&o)
	}
	db := s.store
	if o.Nodes != nil {
		db.Bus = o.Nodes.Bus()
	}
	s.DB = testkit.Open(s.t, db)
	a, err := app.New(s.DB, o)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, a.Close()) })
	s.App = a
	h, ops, err := a.Handler()
	require.NoError(s.t, err)
	s.Ops = ops
	srv := httptest.NewServer(h)
	s.t.Cleanup(srv.Close)
	s.URL = srv.URL
}

// Work runs what is done beside requests until the test ends or stop is called, which returns when it has stopped.
func (s *Server) Work() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	stopped := s.Background(ctx)
	stop = func() { cancel(); <-stopped }
	s.t.Cleanup(stop)
	return stop
}

// lay makes the small street through the services.
func (s *Server) lay() {
	ctx := store.AsSystem(context.Background(), "test")
	_, err := s.Services.Grid.ImportDivisions(ctx, grid.DefaultDivisions())
	require.NoError(s.t, err)
	ctx = store.As(ctx, model.Actor{Account: model.NewID(), Name: "街道", Grants: []model.Grant{{Role: model.Admin}}})
	s.Community, s.Community2 = "410102002001", "410102002003"
	s.Grid, s.Building, s.Code = s.layGrid(ctx, s.Community, "建设路62号院1号楼")
	s.Grid2, s.Building2, s.Code2 = s.layGrid(ctx, s.Community2, "桐柏路8号院2号楼")
	plan := identity.PersonaPlan{Grid: s.Grid, Community: s.Community, Community2: s.Community2, Street: "410102002"}
	require.NoError(s.t, s.Services.Identity.EnsurePersonas(store.AsSystem(ctx, "test"), plan))
}

func (s *Server) layGrid(ctx context.Context, community, name string) (code string, building model.ID, qr string) {
	a, err := s.Services.Grid.AddArea(ctx, grid.NewArea{Parent: community, Name: "第一网格"})
	require.NoError(s.t, err)
	b, err := s.Services.Grid.AddBuilding(ctx, grid.NewBuilding{AreaCode: a.Code, Name: name, Address: "郑州市中原区" + name, Kind: "residential",
		Units: 2, Floors: 3, RoomsPerFloor: 2})
	require.NoError(s.t, err)
	c, _, err := s.Services.QR.Issue(ctx, b.ID, "", false)
	require.NoError(s.t, err)
	return a.Code, b.ID, c.Code
}

// Token logs a persona in, once, and answers its token. "" is nobody.
func (s *Server) Token(persona string) string {
	if persona == "" {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tokens[persona]; ok {
		return t
	}
	r := s.Do(Request{Method: "POST", Path: "/sessions", Body: map[string]any{"grant": "demo", "persona": persona}})
	require.Equal(s.t, http.StatusCreated, r.Status, "log in as %s: %s", persona, r.Text)
	s.tokens[persona] = r.JSON["token"].(string)
	return s.tokens[persona]
}

// Consented logs a resident persona in and agrees to the notice for them, with both scopes.
func (s *Server) Consented(persona string) string {
	t := s.Token(persona)
	r := s.Do(Request{Method: "PUT", Path: "/me/consent", Token: t,
		Body: map[string]any{"version": identity.CurrentNotice().Version, "scopes": []string{"general", "sensitive"}}})
	require.Less(s.t, r.Status, 300, r.Text)
	return t
}

// Request is one request to the API.
type Request struct {
	Method, Path string // the path without /api/v1, or absolute with it or another page's
	As           string // a persona; Token wins
	Token        string
	Match        string // If-Match
	Header       map[string]string
	Body         any // a string or []byte is sent as it is, anything else as JSON
}

// Response is what came back.
type Response struct {
	Status int
	Header http.Header
	Text   string
	JSON   map[string]any // nil when the body is not a JSON object
}

// Code is the problem code, "" when there is none.
func (r Response) Code() string { c, _ := r.JSON["code"].(string); return c }

// ID is the body's id.
func (r Response) ID() string { c, _ := r.JSON["id"].(string); return c }

// Do sends a request over HTTP.
func (s *Server) Do(r Request) Response {
	s.t.Helper()
	url := s.URL + api.Base + r.Path
	for _, outside := range []string{"/api/", "/q/", "/healthz", "/readyz", "/openapi.json", "/docs"} {
		if len(r.Path) >= len(outside) && r.Path[:len(outside)] == outside || r.Path == "/" {
			url = s.URL + r.Path
		}
	}
	var body io.Reader
	switch b := r.Body.(type) {
	case nil:
	case string:
		body = bytes.NewReader([]byte(b))
	case []byte:
		body = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		require.NoError(s.t, err)
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(context.Background(), r.Method, url, body)
	require.NoError(s.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.Token == "" && r.As != "" {
		r.Token = s.Token(r.As)
	}
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	if r.Match != "" {
		req.Header.Set("If-Match", r.Match)
	}
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	out := Response{Status: resp.StatusCode, Header: resp.Header, Text: string(raw)}
	_ = json.Unmarshal(raw, &out.JSON) // not every body is a JSON object
	return out
}

// Lines keeps what is written to it: the log.
type Lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is all that was written.
func (l *Lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
