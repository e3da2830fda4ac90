package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sixelements/api"
	"sixelements/internal/testkit/street"
	"sixelements/model"
)

// scenario is one request and what must come of it. In paths, If-Match and bodies, {name} stands for the id that an earlier scenario
// of the same run kept, and {name.etag} for its ETag.
type scenario struct {
	Name  string
	As    string // a persona; "" is nobody. Residents must have consented before: s.Consented("resident")
	Token string // wins over As; As still names who it is in the registry

	Get, Post, Put, Patch, Delete string // exactly one: the path

	Body   any // a string or []byte is sent as it is, anything else as JSON
	Match  string
	Header map[string]string

	Want     int
	Code     model.Code     // the problem's code; required when Want ≥ 400
	Errors   []string       // "location:code" of faults that must be among errors
	Has, Not []string       // parts of the answer's text
	JSON     map[string]any // members of the answer by dotted path, lists by index: {"handling.level": 1, "items.0.id": "…"}
	Keep     string         // keeps the answer's id and ETag under this name
	Check    func(t *testing.T, r street.Response)
}

func (c scenario) request() (method, path string) {
	for m, p := range map[string]string{http.MethodGet: c.Get, http.MethodPost: c.Post, http.MethodPut: c.Put, http.MethodPatch: c.Patch,
		http.MethodDelete: c.Delete} {
		if p != "" {
			return m, p
		}
	}
	return "", ""
}

// run sends the scenarios one after another, each as a subtest, and returns what they kept. It stops at the first that fails when a
// later one needs what it was to keep.
func run(t *testing.T, s *street.Server, list []scenario) map[string]string {
	t.Helper()
	kept := map[string]string{}
	for _, c := range list {
		ok := t.Run(c.Name, func(t *testing.T) { c.play(t, s, kept) })
		if !ok && c.Keep != "" {
			t.FailNow()
		}
	}
	return kept
}

func (c scenario) play(t *testing.T, s *street.Server, kept map[string]string) {
	t.Helper()
	method, path := c.request()
	require.NotEmpty(t, method, "a scenario names its request")
	var pairs []string
	for _, k := range slices.Backward(slices.Sorted(maps.Keys(kept))) {
		pairs = append(pairs, "{"+k+"}", kept[k])
	}
	fill := strings.NewReplacer(pairs...)
	body := c.Body
	switch b := body.(type) {
	case nil, []byte:
	case string:
		body = fill.Replace(b)
	default:
		raw, err := json.Marshal(b)
		require.NoError(t, err)
		body = fill.Replace(string(raw))
	}
	r := s.Do(street.Request{Method: method, Path: fill.Replace(path), As: c.As, Token: c.Token, Match: fill.Replace(c.Match),
		Header: c.Header, Body: body})
	seen(s, method, fill.Replace(path), c.As)
	require.Equal(t, c.Want, r.Status, "%s", r.Text)
	if r.Status >= 400 {
		require.Equal(t, string(c.Code), r.Code(), "%s", r.Text)
		problem(t, r)
		noEcho(t, r, path, body)
	}
	c.expect(t, r, fill)
	if c.Keep != "" {
		require.NotEmpty(t, r.ID(), "%s", r.Text)
		kept[c.Keep], kept[c.Keep+".etag"] = r.ID(), r.Header.Get("ETag")
	}
}

func (c scenario) expect(t *testing.T, r street.Response, fill *strings.Replacer) {
	t.Helper()
	var faults []string
	list, _ := r.JSON["errors"].([]any)
	for _, e := range list {
		f := e.(map[string]any)
		faults = append(faults, fmt.Sprintf("%s:%s", f["location"], f["code"]))
	}
	for _, f := range c.Errors {
		require.Contains(t, faults, f, "%s", r.Text)
	}
	for _, part := range c.Has {
		require.Contains(t, r.Text, fill.Replace(part))
	}
	for _, part := range c.Not {
		require.NotContains(t, r.Text, fill.Replace(part))
	}
	for at, want := range c.JSON {
		if text, ok := want.(string); ok {
			want = fill.Replace(text)
		}
		require.EqualValues(t, want, member(r, at), "%s in %s", at, r.Text)
	}
	if c.Check != nil {
		c.Check(t, r)
	}
}

// member is a part of the answer by dotted path, nil when there is none.
func member(r street.Response, at string) any {
	var v any = r.JSON
	for _, part := range strings.Split(at, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	if n, ok := v.(float64); ok && n == float64(int(n)) {
		return int(n)
	}
	return v
}

// problem asserts that an error answer is a whole RFC 9457 document in Chinese.
func problem(t *testing.T, r street.Response) {
	t.Helper()
	require.Equal(t, "application/problem+json", r.Header.Get("Content-Type"), "%s", r.Text)
	for _, name := range []string{"type", "title", "status", "detail", "code"} {
		require.Contains(t, r.JSON, name, "%s", r.Text)
	}
	require.EqualValues(t, r.Status, r.JSON["status"], "%s", r.Text)
	require.NotEmpty(t, r.JSON["type"])
	require.Regexp(t, `^[a-z_]+(\.[a-z_]+)*$`, r.Code())
	for _, name := range []string{"title", "detail"} {
		require.True(t, chinese(r.JSON[name]), "%s is Chinese: %s", name, r.Text)
	}
	list, _ := r.JSON["errors"].([]any)
	for _, e := range list {
		f, ok := e.(map[string]any)
		require.True(t, ok, "%s", r.Text)
		require.True(t, chinese(f["message"]), "message is Chinese: %s", r.Text)
		require.NotEmpty(t, f["code"], "%s", r.Text)
		require.Contains(t, f, "location", "%s", r.Text)
	}
	if r.Status == http.StatusTooManyRequests {
		require.NotEmpty(t, r.Header.Get("Retry-After"))
	}
}

func chinese(v any) bool {
	s, _ := v.(string)
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// ours are values that our own sentences may name whatever was sent.
var ours = regexp.MustCompile(`^(person|place|event|object|situation|organisation|wechat|password|scan|demo|general|sensitive)$`)

// noEcho asserts that nothing which was sent as a value comes back in an error: short words that stand in our own sentences aside.
func noEcho(t *testing.T, r street.Response, path string, body any) {
	t.Helper()
	var sent []string
	if _, query, ok := strings.Cut(path, "?"); ok {
		values, err := url.ParseQuery(query)
		if err == nil {
			for _, v := range values {
				sent = append(sent, v...)
			}
		}
	}
	if text, ok := body.(string); ok {
		var v any
		if json.Unmarshal([]byte(text), &v) == nil {
			sent = values(sent, v)
		} else {
			sent = append(sent, text)
		}
	}
	var said []string // all but the codes, which are ours
	for _, at := range []string{"title", "detail"} {
		said = append(said, fmt.Sprint(r.JSON[at]))
	}
	list, _ := r.JSON["errors"].([]any)
	for _, e := range list {
		f := e.(map[string]any)
		said = append(said, fmt.Sprint(f["location"]), fmt.Sprint(f["message"]))
	}
	text := strings.Join(said, "\n")
	for _, v := range sent {
		if len(v) >= 5 && utf8.RuneCountInString(v) >= 4 && len(v) < 4096 && !ours.MatchString(v) {
			require.NotContains(t, text, v, "a value that was sent is echoed")
		}
	}
}

func values(out []string, v any) []string {
	switch x := v.(type) {
	case string:
		return append(out, x)
	case float64:
		return append(out, fmt.Sprintf("%.0f", x))
	case []any:
		for _, e := range x {
			out = values(out, e)
		}
	case map[string]any:
		for _, e := range x {
			out = values(out, e)
		}
	}
	return out
}

// tried is who has tried which operation in the scenarios of this process: operation id → personas ("" is nobody).
var tried = struct {
	sync.Mutex
	by map[string]map[string]bool
}{by: map[string]map[string]bool{}}

// seen notes a request in the registry; a request that meets no operation is not noted.
func seen(s *street.Server, method, path, persona string) {
	id := operation(s.Ops.Ops, method, path)
	if id == "" {
		return
	}
	tried.Lock()
	defer tried.Unlock()
	if tried.by[id] == nil {
		tried.by[id] = map[string]bool{}
	}
	tried.by[id][persona] = true
}

// operation is the id of the operation that a request meets: of two templates that fit, the one with fewer parameters.
func operation(ops []api.Spec, method, path string) string {
	path, _, _ = strings.Cut(strings.TrimPrefix(path, api.Base), "?")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	best, fewest := "", 100
	for _, o := range ops {
		if o.Method != method {
			continue
		}
		if n, ok := fits(strings.Split(strings.Trim(o.Path, "/"), "/"), parts); ok && n < fewest {
			best, fewest = o.ID, n
		}
	}
	return best
}

func fits(template, parts []string) (params int, ok bool) {
	if len(template) != len(parts) {
		return 0, false
	}
	for i, p := range template {
		switch {
		case strings.HasPrefix(p, "{"):
			params++
		case p != parts[i]:
			return 0, false
		}
	}
	return params, true
}

// jsonOf is v as JSON text.
func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
