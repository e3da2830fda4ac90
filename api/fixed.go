package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/klauspost/compress/gzip"
)

// Cache-Control of what every client may keep.
const (
	// Revalidate has a client ask each time whether what it keeps is current.
	Revalidate = "no-cache"
	// Hourly is for what changes with a release only.
	Hourly = "public, max-age=3600"
)

// Fixed is an answer that is the same for all until its content changes: rendered and packed once, sent many times. Its tag comes
// from the content, so that every node gives the same.
type Fixed struct {
	kind, cache   string
	tag           string // without quotes; the packed form's ends in -gzip, for a strong tag names one sequence of bytes
	plain, packed []byte
}

// packLeast is the length in bytes from which an answer is worth packing.
const packLeast = 1 << 10

// NewFixed makes the answer with this media type, Cache-Control and body. The body is kept.
func NewFixed(kind, cache string, body []byte) *Fixed {
	sum := sha256.Sum256(body)
	f := &Fixed{kind: kind, cache: cache, tag: hex.EncodeToString(sum[:8]), plain: body}
	if len(body) < packLeast {
		return f
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
	_, _ = z.Write(body)                                  // a buffer takes everything
	_ = z.Close()
	f.packed = b.Bytes()
	return f
}

// fixedJSON is v as JSON. Errors: what v's own encoding fails with.
func fixedJSON(cache string, v any) (*Fixed, error) {
	b, err := json.Marshal(v)
	return NewFixed("application/json", cache, b), err
}

// ServeHTTP answers with the content, gzipped where the client takes that, or with 304 when If-None-Match names it in either form
// (RFC 9110, section 13.1.2).
func (f *Fixed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, tag, body := w.Header(), f.tag, f.plain
	packed := f.packed != nil && Takes(r.Header.Get("Accept-Encoding"), "gzip")
	if packed {
		tag, body = tag+"-gzip", f.packed
	}
	h.Set("Etag", `"`+tag+`"`)
	h.Set("Cache-Control", f.cache)
	h.Set("Vary", "Accept-Encoding")
	if f.named(r.Header.Get("If-None-Match")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if packed {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
}

// named tells whether a client has the content in either form.
func (f *Fixed) named(have string) bool {
	for h := range strings.SplitSeq(have, ",") {
		h = strings.TrimSpace(h)
		if h == "*" || strings.TrimSuffix(strings.Trim(strings.TrimPrefix(h, "W/"), `"`), "-gzip") == f.tag {
			return true
		}
	}
	return false
}

// Takes tells whether an Accept-Encoding names the content coding and does not refuse it.
func Takes(accept, coding string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			q, refused := strings.CutPrefix(strings.TrimSpace(weight), "q=0")
			return !refused || strings.Trim(q, ".0") != ""
		}
	}
	return false
}

// kept registers an operation whose answer is rendered beforehand; T is its body in the document.
func kept[T, I any](a *API, s Spec, handler func(context.Context, *I) (*Fixed, error)) {
	op(a, s, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		f, err := handler(ctx, in)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			c := humagin.Unwrap(hc)
			f.ServeHTTP(c.Writer, c.Request)
		}}, nil
	})
	a.document(s.ID, func(d *huma.Operation) {
		text := &huma.Param{Schema: &huma.Schema{Type: huma.TypeString}}
		d.Parameters = append(d.Parameters, &huma.Param{Name: "If-None-Match", In: "header", Schema: text.Schema})
		body := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
		d.Responses["200"] = &huma.Response{Description: "OK", Headers: map[string]*huma.Param{"ETag": text, "Cache-Control": text},
			Content: map[string]*huma.MediaType{"application/json": {Schema: body}}}
	})
}
