package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"sixelements/model"
	"sixelements/service/job"
)

type jobView struct {
	ID    model.ID        `json:"id"`
	Kind  string          `json:"kind" doc:"export or import"`
	State model.JobState  `json:"state" enum:"queued,running,done,failed,cancelled"`
	Done  int64           `json:"done"`
	Total int64           `json:"total"`
	Error orNull[Problem] `json:"error" doc:"why it failed"`
	File  orNull[jobFile] `json:"file" doc:"what it left, for 7 days"`
}

// orNull is an object or null: huma's nullable tag panics for what becomes a reference to a schema.
type orNull[T any] struct{ is *T }

// MarshalJSON writes the object or null.
func (o orNull[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.is) }

// Schema is huma's hook.
func (orNull[T]) Schema(r huma.Registry) *huma.Schema {
	t := reflect.TypeFor[T]()
	return &huma.Schema{OneOf: []*huma.Schema{r.Schema(t, true, t.Name()), {Type: "null"}}}
}

type jobFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256" doc:"hexadecimal"`
}

func viewJob(j *model.Job) jobView {
	v := jobView{ID: j.ID, Kind: j.Kind, State: j.State, Done: j.Done, Total: j.Total}
	if e := job.Failure(j); e != nil {
		v.Error.is = ProblemOf(e)
	}
	if j.FileName != "" {
		v.File.is = &jobFile{j.FileName, j.FileBytes, hex.EncodeToString(j.FileSHA256)}
	}
	return v
}

// mountJobs registers what an account asked for that takes longer than a request. Another's job does not exist.
func mountJobs(a *API, s *job.Service) {
	op(a, get("/jobs", "list-jobs", "The caller's jobs, newest first"),
		func(ctx context.Context, in *struct{ Paging }) (*answer[page[jobView]], error) {
			rows, next, err := s.List(ctx, in.Cursor, in.Limit)
			return pageOf(rows, next, viewJob), err
		})
	op(a, get("/jobs/{id}", "get-job", "Read a job"), func(ctx context.Context, in *struct {
		ID model.ID `path:"id"`
	}) (*answer[jobView], error) {
		j, err := s.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &answer[jobView]{Body: viewJob(j)}, nil
	})
	op(a, remove("/jobs/{id}", "cancel-job", "Cancel a job, or remove the file it left", status(http.StatusNoContent)),
		func(ctx context.Context, in *struct {
			ID model.ID `path:"id"`
		}) (*none, error) {
			return &none{}, s.Cancel(ctx, in.ID)
		})
	mountJobFile(a, s)
	mountJobEvents(a, s)
}

func mountJobFile(a *API, s *job.Service) {
	o := get("/jobs/{id}/file", "get-job-file", "Fetch the file a job left; fetching is traced")
	op(a, o, func(ctx context.Context, in *struct {
		ID model.ID `path:"id"`
	}) (*huma.StreamResponse, error) {
		j, f, err := s.Open(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer f.Close()
			unhurried(hc)
			hc.SetHeader("Content-Type", fileType(j.FileName))
			hc.SetHeader("Content-Length", strconv.FormatInt(j.FileBytes, 10))
			hc.SetHeader("Content-Disposition", attachment(j.FileName))
			hc.SetHeader("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(j.FileSHA256)+":") // RFC 9530
			hc.SetHeader("Cache-Control", "no-store")
			hc.SetHeader("X-Content-Type-Options", "nosniff")
			hc.SetStatus(http.StatusOK)
			_, _ = io.Copy(hc.BodyWriter(), f) // the client is gone: nobody is left to tell
		}}, nil
	})
	a.document(o.ID, func(d *huma.Operation) {
		d.Responses["200"] = &huma.Response{Description: "The file; its SHA-256 in Repr-Digest (RFC 9530).",
			Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: binary()}}}
	})
}

// fileType is the media type of the files that jobs leave.
func fileType(name string) string {
	switch path.Ext(name) {
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".csv":
		return "text/csv; charset=utf-8"
	case ".zip":
		return "application/zip"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// attachment names a download: in ASCII for old clients, and as it is (RFC 6266, RFC 8187).
func attachment(name string) string {
	return `attachment; filename="file` + path.Ext(name) + `"; filename*=UTF-8''` + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

func mountJobEvents(a *API, s *job.Service) {
	o := get("/jobs/{id}/events", "watch-job", "Follow a job as server-sent events until it is finished")
	op(a, o, func(ctx context.Context, in *struct {
		ID model.ID `path:"id"`
	}) (*huma.StreamResponse, error) {
		if _, err := s.Get(ctx, in.ID); err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			unhurried(hc)
			hc.SetHeader("Content-Type", "text/event-stream")
			hc.SetHeader("Cache-Control", "no-store")
			hc.SetHeader("X-Accel-Buffering", "no") // nginx would keep events back
			hc.SetStatus(http.StatusOK)
			send := sender(hc.BodyWriter())
			err := s.Watch(ctx, in.ID, func(j *model.Job) error {
				b, err := json.Marshal(viewJob(j))
				if err != nil {
					return err
				}
				return send("event: progress\nretry: 1000\ndata: " + string(b) + "\n\n") // from any node, should this one stop
			}, func() error { return send(": still here\n\n") })
			if err != nil && ctx.Err() == nil && !errors.Is(err, errGone) {
				a.log.WarnContext(ctx, "job events", "err", err, "request_id", RequestIDOf(ctx))
			}
		}}, nil
	})
	a.document(o.ID, func(d *huma.Operation) {
		d.Responses["200"] = &huma.Response{Description: "Events named progress, each with the job as it then is.",
			Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}
	})
}

// errGone says that a client no longer listens.
var errGone = errors.New("the client is gone")

// sender writes to a client at once.
func sender(w io.Writer) func(string) error {
	return func(s string) error {
		if _, err := io.WriteString(w, s); err != nil {
			return errGone
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		return nil
	}
}
