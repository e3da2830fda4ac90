package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
)

// schemas are the JSON bodies of all operations, by operation.
func schemas(t testing.TB) (huma.Registry, map[string]*huma.Schema) {
	t.Helper()
	g := gin.New()
	a := New(humagin.NewWithGroup(g, g.Group(Base), Config()), Services{}, slog.New(slog.DiscardHandler), nil)
	out := map[string]*huma.Schema{}
	for _, o := range a.Ops {
		if r := a.operation(o.ID).RequestBody; r != nil && r.Content["application/json"] != nil {
			out[o.ID] = r.Content["application/json"].Schema
		}
	}
	return a.huma.OpenAPI().Components.Schemas, out
}

func TestAShapeKnowsTheBodiesOfTheProduct(t *testing.T) {
	t.Parallel()
	r, all := schemas(t)
	require.Greater(t, len(all), 20)
	for id, s := range all {
		shape, stand := judge(r, s)
		require.NotNil(t, shape, "%s: huma checks each body in full", id)
		text, err := json.Marshal(stand)
		require.NoError(t, err)
		if !strings.Contains(string(text), "null") {
			require.True(t, shape.accepts(text), "%s: %s", id, text)
		}
	}
	for id, bodies := range map[string][]string{
		"create-record": {submission, `{"kind":"event","data":{"a":["\"}",{}]},"links":[{"record_id":"0198a000-0000-7000-8000-000000000001",` +
			`"relation":"of"}],"id":"","attachments":[]}`, " {\n\t\"data\" : \"\\u0000\" , \"kind\" : \"六\" }\r\n"},
		"transition-record": {`{"action":"verify","method":"visit","data":{"name":"张"}}`, `{"action":"rate","rating":5}`},
		"batch-records":     {`{"items":[` + submission + `]}`},
		"search-records":    {`{"q":"张","limit":200,"mine":false}`},
		"create-session":    {`{"grant":"password","username":"chief","password":"Correct-Horse-7","cookie":true}`},
	} {
		shape, _ := judge(r, all[id])
		for _, body := range bodies {
			require.True(t, shape.accepts([]byte(body)), "%s: %s", id, body)
		}
	}
	shape, _ := judge(r, all["create-record"])
	for _, body := range []string{``, `{}`, `null`, `[]`, `{"kind":"person"}`, `{"kind":"person","data":}`, `{"kind":"person","data":[}`,
		`{"kind":"person","kind":"event","data":[]}`, `{"kind":"person","data":{},}`, `{"kind":"person","data":{}} x`,
		`{"kind":"person","data":{},"KIND":"event"}`, `{"kind":"a` + "\n" + `","data":{}}`, `{"kind":"person","data":{},"more":1}`,
		`{"kind":7,"data":{}}`, `{"kind":"person","data":{},"unit":"` + strings.Repeat("六", 11) + `"}`,
		`{"kind":"person","data":{},"notice":"shouted"}`, `{"kind":"person","data":{},"id":"0198a000-0000-7000-8000-00000000000g"}`,
		`{"kind":"person","data":{},"id":"0198a000-0000-7000-8000-0000000000"}`, `{"kind":"person","data":{},"links":[{}]}`,
		`{"kind":"person","data":{},"links":null}`, `{"kind" "person","data":{}}`, `{"kind":"person","data":{}`} {
		require.False(t, shape.accepts([]byte(body)), body)
	}
	limit, _ := judge(r, all["search-records"])
	for _, n := range []string{"0", "201", "1.0", "1e1", "-1", "01", "+1", "9999999999999999999", "", "x", "1x"} {
		require.False(t, limit.accepts([]byte(`{"q":"张","limit":`+n+`}`)), n)
	}
}

// chaos makes bodies that are nearly right.
type chaos struct {
	*rand.Rand
	r huma.Registry
}

func (c chaos) value(s *huma.Schema) string {
	for s != nil && s.Ref != "" {
		s = c.r.SchemaFromRef(s.Ref)
	}
	odd := []string{"null", "1.5", "-0", `""`, "[]", "{}", "true", `"\u0041"`, `"六要素"`, "1e3", `{"a":[1,"}"]}`, "99999999999999999",
		`"0198a000-0000-7000-8000-00000000ABCD"`, "\"\xff\"", `"` + strings.Repeat("长", 50) + `"`, `{"a":}`, `[1,]`, `"`, "tru"}
	if s == nil || s.Type == "" || c.IntN(40) == 0 {
		return odd[c.IntN(len(odd))]
	}
	switch s.Type {
	case huma.TypeObject:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			p := s.Properties[name]
			if slices.Contains(s.Required, name) && c.IntN(60) > 0 || c.IntN(3) == 0 {
				parts = append(parts, fmt.Sprintf("%q:%s", name, c.value(p)))
			}
		}
		if c.IntN(60) == 0 {
			parts = append(parts, `"unheard_of":1`)
		}
		if c.IntN(60) == 0 && len(parts) > 0 {
			parts = append(parts, parts[0])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case huma.TypeArray:
		var parts []string
		for range c.IntN(4) {
			parts = append(parts, c.value(s.Items))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case huma.TypeBoolean:
		return "false"
	case huma.TypeInteger, huma.TypeNumber:
		return fmt.Sprint(c.IntN(300))
	}
	if len(s.Enum) > 0 && c.IntN(10) > 0 {
		return fmt.Sprintf("%q", s.Enum[c.IntN(len(s.Enum))])
	}
	return `"` + strings.Repeat("a", c.IntN(or(s.MaxLength, 8)+2)) + `"`
}

func TestWhatAShapeAcceptsHumaAccepts(t *testing.T) {
	t.Parallel()
	r, all := schemas(t)
	c := chaos{rand.New(rand.NewPCG(6, 6)), r}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		s := all[id]
		shape, _ := judge(r, s)
		accepted := 0
		for range 2000 {
			text := []byte(c.value(s))
			if c.IntN(20) == 0 && len(text) > 0 {
				text[c.IntN(len(text))] = `{}[]",:x0 `[c.IntN(10)]
			}
			if !shape.accepts(text) {
				continue
			}
			accepted++
			var tree any
			require.NoError(t, json.Unmarshal(text, &tree), "%s: %s", id, text)
			var res huma.ValidateResult
			huma.Validate(r, s, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, tree, &res)
			require.Empty(t, res.Errors, "%s: %s", id, text)
		}
		require.Positive(t, accepted, id)
	}
}
