package api_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"maps"
	"mime/multipart"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"sixelements/internal/sample"
	"sixelements/internal/testkit"
	"sixelements/internal/testkit/street"
)

// object is a JSON object.
type object = map[string]any

// office is a street with made-up people, in which both residents have consented.
type office struct {
	*street.Server
	t   *testing.T
	gen *sample.Generator
}

func openOffice(t *testing.T, changes ...street.Change) *office {
	t.Helper()
	o := &office{Server: street.New(t, changes...), t: t, gen: sample.New(sample.Options{Seed: 6, Today: "2026-05-01"})}
	o.Consented("resident")
	o.Consented("resident2")
	return o
}

// with is a copy of the object with members added, replaced or, by nil, removed.
func with(base, more object) object {
	out := maps.Clone(base)
	for k, v := range more {
		if out[k] = v; v == nil {
			delete(out, k)
		}
	}
	return out
}

// person is a registered person's data with a number and a phone of its own.
func (o *office) person(more object) object {
	p := o.gen.Household(1, "registered")[0]
	base := object{"name": p["name"], "id_type": "111", "id_no": p["id_no"], "phone": o.gen.Phone(),
		"residence_category": "registered",
		"relation_to_head":   "0"}
	return with(base, more)
}

// event is an event's data.
func (o *office) event(more object) object {
	return with(object{"title": "路灯不亮", "category": "C0110", "description": "晚上看不清路", "occurred_at": "2026-05-01T09:00:00+08:00",
		"urgency": "normal"}, more)
}

// lamp is an object's data.
func (o *office) lamp(more object) object {
	return with(object{"component_type": "0101", "name": "井盖", "condition": "damaged", "location_text": "路口东侧"}, more)
}

// at is a create body at the first building, by its code.
func (o *office) at(kind string, data object, more object) object {
	return with(object{"kind": kind, "qr": o.Code, "unit": "1", "room": "101", "data": data}, more)
}

// make creates a record and answers it.
func (o *office) make(as string, body object) street.Response {
	o.t.Helper()
	r := o.Do(street.Request{Method: "POST", Path: "/records", As: as, Body: body})
	seen(o.Server, "POST", "/records", as)
	require.Equal(o.t, http.StatusCreated, r.Status, "%s: %s", as, r.Text)
	return r
}

// step takes a step that must succeed and answers the record.
func (o *office) step(as string, r street.Response, body object) street.Response {
	o.t.Helper()
	out := o.Do(street.Request{Method: "POST", Path: "/records/" + r.ID() + "/transitions", As: as, Match: r.Header.Get("ETag"),
		Body: body})
	seen(o.Server, "POST", "/records/x/transitions", as)
	require.Equal(o.t, http.StatusOK, out.Status, "%s %v: %s", as, body["action"], out.Text)
	return out
}

// account is the id of a persona's account.
func (o *office) account(as string) string {
	o.t.Helper()
	r := o.Do(street.Request{Method: "GET", Path: "/me", As: as})
	require.Equal(o.t, http.StatusOK, r.Status)
	return r.ID()
}

// idAhead is a UUIDv7 whose time lies so far from the test's clock.
func idAhead(by time.Duration) string {
	u := uuid.Must(uuid.NewV7())
	ms := testkit.Start().Add(by).UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (8 * (5 - i)))
	}
	return u.String()
}

func newID() string { return idAhead(0) }

// upload sends a photo and answers its id.
func (o *office) upload(as string, shade uint8) string {
	o.t.Helper()
	img := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	var photo, body bytes.Buffer
	require.NoError(o.t, jpeg.Encode(&photo, img, nil))
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("file", "a.jpg")
	require.NoError(o.t, err)
	_, err = part.Write(photo.Bytes())
	require.NoError(o.t, err)
	require.NoError(o.t, w.Close())
	r := o.Do(street.Request{Method: "POST", Path: "/attachments", As: as, Body: body.Bytes(),
		Header: map[string]string{"Content-Type": w.FormDataContentType()}})
	seen(o.Server, "POST", "/attachments", as)
	require.Equal(o.t, http.StatusCreated, r.Status, r.Text)
	return r.ID()
}
