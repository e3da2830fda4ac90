package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"sixelements/model"
	"sixelements/service/attach"
)

// multipartBody is the reader of a multipart request's parts. They are read as they come: nothing is buffered in memory or on disk
// before the service has asked for it, and no more than the limit at all.
type multipartBody struct {
	parts *multipart.Reader
	fault error
}

// Resolve takes the request's body; it is huma's hook, which runs after the operation's gate.
func (m *multipartBody) Resolve(hc huma.Context) []error {
	kind, params, err := mime.ParseMediaType(hc.Header("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		m.fault = model.Fail(model.MediaUnsupported)
		return nil
	}
	limit := hc.Operation().Metadata[specKey].(*Spec).MaxBody
	m.parts = multipart.NewReader(&atMost{from: hc.BodyReader(), left: limit}, params["boundary"])
	return nil
}

// next is the part of the name; those before it are skipped. Errors: media.unsupported for another kind of body, request.malformed
// when it cannot be read, request.too_large, validation.failed when there is no such part.
func (m *multipartBody) next(name string) (*multipart.Part, error) {
	if m.fault != nil {
		return nil, m.fault
	}
	for {
		p, err := m.parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, model.Faults{{Location: name, Code: model.FieldRequired, Message: "请选择文件"}}.Err()
		case err != nil:
			return nil, unreadable(err)
		case p.FormName() == name:
			return p, nil
		}
	}
}

// unreadable makes a fault of reading the body an error of the client's, unless it is a known one already.
func unreadable(err error) error {
	var e *model.Error
	if errors.As(err, &e) {
		return err
	}
	return model.Fail(model.Malformed)
}

// atMost fails with request.too_large after so many bytes, where io.LimitReader would pretend that the body ended.
type atMost struct {
	from io.Reader
	left int64
}

// Read reads on.
func (r *atMost) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, model.Fail(model.TooLarge)
	}
	n, err := r.from.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

// partFault marks faults of the upload's transport, to tell them from faults of ours.
type partFault struct{ from io.Reader }

// Read reads on.
func (r partFault) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = unreadable(err)
	}
	return n, err
}

// uploadMost leaves room for a multipart's own lines around a file of the greatest size.
const uploadMost = attach.MaxUpload + 64<<10

// mountAttachments registers photos.
func mountAttachments(a *API, s *attach.Service) {
	o := post("/attachments", "create-attachment", "Upload a photo: JPEG, PNG, WebP or GIF of at most 10 MB", maxBody(uploadMost),
		status(http.StatusCreated))
	op(a, o, func(ctx context.Context, in *struct{ Form multipartBody }) (*created[attach.View], error) {
		part, err := in.Form.next("file")
		if err != nil {
			return nil, err
		}
		v, err := s.Upload(ctx, partFault{part})
		return &created[attach.View]{Status: http.StatusCreated, Body: v}, err
	})
	a.document(o.ID, func(d *huma.Operation) { d.RequestBody = uploadDoc(map[string]*huma.Schema{"file": binary()}, "file") })

	l := get("/attachments/{id}", "get-attachment", "A photo, by a signed link", public)
	op(a, l, func(ctx context.Context, in *struct {
		ID      string `path:"id"`
		Expires string `query:"expires" maxLength:"20" doc:"seconds since 1970"`
		Sig     string `query:"sig" maxLength:"64"`
		Size    string `query:"size" maxLength:"10" doc:"thumb, or full (the default)"`
	}) (*huma.StreamResponse, error) {
		id, iderr := model.ParseID(in.ID)
		if iderr != nil {
			return nil, model.Fail(model.NotFound)
		}
		expires, err := strconv.ParseInt(in.Expires, 10, 64)
		if err != nil {
			return nil, model.Fail(model.AuthRequired)
		}
		f, err := s.Open(asSystem(ctx, "a signed link"), id, expires, in.Sig, in.Size == "thumb")
		return stream(f.Mime, "private, max-age=900, immutable", f.Data), err
	})
	a.document(l.ID, func(d *huma.Operation) {
		d.Description = "Anyone with a link that the server has signed; it holds for 15 minutes."
		d.Responses["200"] = &huma.Response{Description: "The photo.",
			Content: map[string]*huma.MediaType{"image/jpeg": {Schema: binary()}, "image/png": {Schema: binary()}}}
	})
}

// stream answers with bytes.
func stream(kind, cache string, data []byte) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", kind)
		hc.SetHeader("Content-Length", strconv.Itoa(len(data)))
		hc.SetHeader("Cache-Control", cache)
		hc.SetHeader("X-Content-Type-Options", "nosniff")
		hc.SetStatus(http.StatusOK)
		_, _ = hc.BodyWriter().Write(data) // the client is gone: nobody is left to tell
	}}
}

// json answers with JSON where an operation's other answers are of other types.
func (a *API) json(v any, tag string) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/json")
		hc.SetHeader("ETag", tag)
		hc.SetStatus(http.StatusOK)
		_ = json.NewEncoder(hc.BodyWriter()).Encode(v) // the client is gone: nobody is left to tell
	}}
}

// document completes what the OpenAPI document says of an operation whose types do not say it.
func (a *API) document(id string, change func(*huma.Operation)) { change(a.operation(id)) }

func binary() *huma.Schema { return &huma.Schema{Type: "string", Format: "binary"} }

// uploadDoc documents a multipart body with the fields.
func uploadDoc(fields map[string]*huma.Schema, required ...string) *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{Type: "object", Properties: fields, Required: required}}}}
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }
