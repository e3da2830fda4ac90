package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"sixelements/api"
	"sixelements/internal/app"
	"sixelements/internal/testkit/fakewechat"
	"sixelements/internal/testkit/street"
	"sixelements/router"
)

// roles are the columns of the matrix, in the order of the contract's ladder; "" is nobody.
var roles = []string{"", "resident", "resident2", "collector", "grid_leader", "department", "community", "community2", "street",
	"admin"}

// TestMain lets the package fail when an operation of the document has no cell in the matrix for every role. A run of a part of the
// tests is not judged.
func TestMain(m *testing.M) {
	flag.Parse()
	status := m.Run()
	whole := true
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		whole = whole && flag.Lookup(name).Value.String() == ""
	}
	if status == 0 && whole {
		for _, gap := range untried() {
			fmt.Fprintln(os.Stderr, "no cell in the matrix:", gap)
			status = 1
		}
	}
	os.Exit(status)
}

// untried are the operations of the OpenAPI document, with the roles for which the matrix has not judged them.
func untried() (gaps []string) {
	gin.SetMode(gin.ReleaseMode)
	ops := api.New(humagin.New(gin.New(), api.Config()), api.Services{}, slog.New(slog.DiscardHandler), router.Unlimited{})
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(ops.OpenAPI(), &doc); err != nil || len(doc.Paths) == 0 {
		return []string{"the document cannot be read"}
	}
	tried.Lock()
	defer tried.Unlock()
	for path, item := range doc.Paths {
		for method, raw := range item {
			var o struct {
				ID string `json:"operationId"`
			}
			if json.Unmarshal(raw, &o) != nil || o.ID == "" {
				continue // parameters and the like
			}
			for _, who := range roles {
				if !tried.by[rowOf(o.ID)][who] {
					gaps = append(gaps, fmt.Sprintf("%s %s (%s) by %q", strings.ToUpper(method), path, o.ID, who))
				}
			}
		}
	}
	slices.Sort(gaps)
	return gaps
}

// rowOf is the name under which the registry keeps that the matrix judged an operation: to have asked for it somehow is not enough.
func rowOf(op string) string { return "row of " + op }

// judged notes a cell.
func judged(op, who string) {
	tried.Lock()
	defer tried.Unlock()
	if tried.by[rowOf(op)] == nil {
		tried.by[rowOf(op)] = map[string]bool{}
	}
	tried.by[rowOf(op)][who] = true
}

// place is where a cell's resource lies: the first community, where most personas work, or the second, community2's.
type place struct {
	community, grid, building, code string
	owner                           string // the persona of the community
}

// thing is a resource made for a cell.
type thing struct{ id, etag, token string }

// row is an operation with what must come of it for each of the roles, on a resource of the first community and on one of the
// second; "" where the operation is about no place.
type row struct {
	op            string
	first, second string
	make          func(m *matrix, p place, who string) thing // anew after each success; nil: none is needed
	each          bool                                       // anew for each cell: it is the caller's own
	ask           func(m *matrix, p place, who string, x thing) street.Request
}

// matrix is a server with what rows need.
type matrix struct {
	*street.Server
	t             *testing.T
	wechat        *fakewechat.Fake
	n             int
	first, second place
	nothing       string // the body of a 404 for an id never issued
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	m := &matrix{t: t, wechat: fakewechat.New(t)}
	m.Server = street.New(t, weChat(m.wechat))
	m.first = place{m.Community, m.Grid, m.Building.String(), m.Code, "community"}
	m.second = place{m.Community2, m.Grid2, m.Building2.String(), m.Code2, "community2"}
	m.Consented("resident")
	m.Consented("resident2")
	r := m.Do(street.Request{Method: "GET", Path: "/records/" + neverIssued, As: "street"})
	require.Equal(t, http.StatusNotFound, r.Status, r.Text)
	m.nothing = r.Text
	return m
}

// weChat connects a server with a WeChat of the test's own.
func weChat(f *fakewechat.Fake) street.Change {
	return func(o *app.Options) {
		o.WeChat.AppID, o.WeChat.AppSecret, o.WeChat.HTTP = fakewechat.AppID, fakewechat.AppSecret, f.Transport()
	}
}

// neverIssued is an id that nothing has.
const neverIssued = "0198a000-0000-7000-8000-000000000001"

// next makes names that are used once.
func (m *matrix) next(prefix string) string {
	m.n++
	return fmt.Sprintf("%s%d", prefix, m.n)
}

// codesOf are the problem codes that a status comes with in the matrix, where one code alone is right.
var codesOf = map[int]string{401: "auth.required", 403: "role.forbidden", 404: "not_found"}

// judge plays all rows one after another.
func (m *matrix) judge(rows []row) {
	for _, r := range rows {
		m.t.Run(r.op, func(t *testing.T) {
			for _, half := range []struct {
				name, want string
				at         place
			}{{"first", r.first, m.first}, {"second", r.second, m.second}} {
				if half.want != "" {
					m.half(t, r, half.name, strings.Fields(half.want), half.at)
				}
			}
		})
	}
}

func (m *matrix) half(t *testing.T, r row, name string, want []string, p place) {
	t.Helper()
	require.Len(t, want, len(roles), "the row has a column for every role")
	var x thing
	stale := true
	for i, who := range roles {
		if r.make != nil && (stale || r.each) {
			x = r.make(m, p, who)
		}
		ask := r.ask(m, p, who, x)
		if ask.Token == "" && ask.As == "" {
			ask.As = who
		}
		if who == "" {
			ask.Token, ask.As = "", ""
		}
		require.Equal(t, r.op, operation(m.Ops.Ops, ask.Method, ask.Path), "the row asks for its operation")
		got := m.Do(ask)
		seen(m.Server, ask.Method, ask.Path, who)
		require.Equal(t, want[i], fmt.Sprint(got.Status), "%s of %s community by %q: %s", r.op, name, who, got.Text)
		if got.Status >= 400 {
			problem(t, got)
			if code := codesOf[got.Status]; code != "" {
				require.Equal(t, code, got.Code(), "%s by %q", r.op, who)
			}
		}
		if got.Status == http.StatusNotFound {
			require.Equal(t, m.nothing, got.Text, "%s by %q: what is out of sight looks like what never was", r.op, who)
		}
		judged(r.op, who)
		stale = got.Status < 300
	}
}

// must sends a request that makes something, and answers what came of it.
func (m *matrix) must(as, method, path string, body any) street.Response {
	m.t.Helper()
	r := m.Do(street.Request{Method: method, Path: path, As: as, Body: body})
	require.Less(m.t, r.Status, 300, "%s %s as %s: %s", method, path, as, r.Text)
	return r
}

func made(r street.Response) thing { return thing{id: r.ID(), etag: r.Header.Get("ETag")} }

func (m *matrix) area(p place, _ string) thing {
	r := m.must("street", "POST", "/areas", object{"parent": p.grid, "name": m.next("微网格")})
	return thing{id: r.JSON["code"].(string), etag: r.Header.Get("ETag")}
}

func (m *matrix) building(p place, _ string) thing {
	return made(m.must("street", "POST", "/buildings", object{"area_code": p.grid, "name": m.next("楼"), "units": 1, "floors": 1,
		"rooms_per_floor": 1}))
}

func (m *matrix) room(p place, _ string) thing {
	body := object{"unit": "1", "floor": 1, "number": m.next("9")}
	return made(m.must("street", "POST", "/buildings/"+p.building+"/rooms", body))
}

func (m *matrix) posted(p place, who string) thing {
	r := m.must("street", "POST", "/buildings/"+m.building(p, who).id+"/qrcodes", nil)
	return thing{id: r.JSON["code"].(string), etag: r.Header.Get("ETag")}
}

func (m *matrix) field(p place, _ string) thing {
	return made(m.must("street", "POST", "/fields", object{"area_code": p.grid, "kind": "object", "name": m.next("f"), "label": "补充",
		"type": "text"}))
}

func (m *matrix) account(p place, _ string) thing {
	body := object{"username": m.next("someone-"), "name": "某人", "password": goodPassword,
		"roles": []object{{"role": "collector", "area_code": p.grid}}}
	return made(m.must("street", "POST", "/accounts", body))
}

func (m *matrix) assignment(p place, who string) thing {
	body := object{"account_id": m.account(p, who).id, "building_id": p.building, "team": "fixed"}
	return made(m.must("street", "POST", "/assignments", body))
}

func (m *matrix) record(p place, _ string) thing {
	return made(m.must("resident", "POST", "/records", object{"kind": "situation", "qr": p.code, "data": plainSituation()}))
}

func (m *matrix) person(p place, _ string) thing {
	return made(m.must("resident", "POST", "/records", object{"kind": "person", "qr": p.code, "data": registered(1)}))
}

func (m *matrix) job(p place, _ string) thing {
	r := m.must(p.owner, "POST", "/exports", object{"kind": "person", "area": p.community, "format": "csv"})
	return thing{id: member(r, "job.id").(string)}
}

func (m *matrix) done(p place, who string) thing {
	j := m.job(p, who)
	for {
		ran, err := m.Services.Jobs.RunOnce(context.Background())
		require.NoError(m.t, err)
		if !ran {
			return j
		}
	}
}

// login is a new session of the persona's own.
func (m *matrix) login(_ place, who string) thing {
	if who == "" {
		who = "resident"
	}
	token := m.must("", "POST", "/sessions", object{"grant": "demo", "persona": who}).JSON["token"].(string)
	list := m.Do(street.Request{Method: "GET", Path: "/sessions", Token: token})
	for _, v := range list.JSON["items"].([]any) {
		if s := v.(map[string]any); s["current"] == true {
			return thing{id: s["id"].(string), token: token}
		}
	}
	m.t.Fatal("the current session is in the list")
	return thing{}
}

// scanned is a session that a code alone opens: a resident's whose erasure hurts no other cell. Other roles come as they are.
func (m *matrix) scanned(p place, who string) thing {
	if who != "resident" && who != "resident2" {
		return thing{}
	}
	return thing{token: m.must("", "POST", "/sessions", object{"grant": "scan", "code": p.code}).JSON["token"].(string)}
}

func (m *matrix) photo(place, string) thing {
	ask := upload("file", jpegWithExif(m.t))
	ask.As = "resident"
	r := m.Do(ask)
	require.Equal(m.t, http.StatusCreated, r.Status, r.Text)
	return thing{id: r.JSON["url"].(string)}
}

// upload is a request with a file in a multipart body.
func upload(field string, file []byte) street.Request {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile(field, "photo.jpg")
	if err == nil {
		_, err = io.Copy(part, bytes.NewReader(file))
	}
	if err != nil || w.Close() != nil {
		panic(err) // cannot happen: it is all in memory
	}
	return street.Request{Method: "POST", Path: "/attachments", Body: b.Bytes(),
		Header: map[string]string{"Content-Type": w.FormDataContentType()}}
}
