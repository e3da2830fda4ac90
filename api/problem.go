package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"sixelements/model"
)

// Problem is an RFC 9457 problem document: the only shape in which errors leave, whoever raised them.
type Problem struct {
	Type    string             `json:"type"`
	Title   string             `json:"title" doc:"what happened, in Chinese"`
	Status  int                `json:"status"`
	Detail  string             `json:"detail" doc:"what to do, in Chinese"`
	Code    model.Code         `json:"code" doc:"stable name of the kind of problem"`
	Errors  []model.FieldError `json:"errors,omitempty"`
	headers http.Header
}

// Error names the code.
func (p *Problem) Error() string { return string(p.Code) }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are the headers that go with the problem: ETag, Retry-After.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType is application/problem+json, whatever was negotiated.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// ProblemOf makes a problem of an error: one of model.Error by the catalogue, anything else a bare 500.
func ProblemOf(err error) *Problem {
	var e *model.Error
	if !errors.As(err, &e) {
		e = model.Fail(model.Internal)
	}
	t, ok := catalogue[e.Code]
	if !ok {
		t = catalogue[model.Internal]
	}
	p := &Problem{Type: "about:blank", Title: t.title, Status: t.status, Detail: t.detail, Code: e.Code, Errors: e.Fields,
		headers: http.Header{}}
	if e.Detail != "" {
		p.Detail = e.Detail
	}
	if e.Code == model.Stale {
		p.headers.Set("ETag", etag(e.Version))
	}
	if retry := e.RetryAfter; retry > 0 || e.Code == model.Busy {
		p.headers.Set("Retry-After", strconv.Itoa(max(retry, 1)))
	}
	return p
}

// WriteProblem answers a request that never reached an operation: no route, wrong method, panic.
func WriteProblem(w http.ResponseWriter, err error) {
	p := ProblemOf(err)
	for k, v := range p.headers {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone: nobody is left to tell
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// fromHuma makes a problem of what huma found wrong with a request. Values and messages of huma never get through.
func fromHuma(status int, errs []error) error {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return model.Fail(model.TooLarge)
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return model.Fail(model.MediaUnsupported)
	case http.StatusBadRequest, http.StatusRequestTimeout:
		return model.Fail(model.Malformed)
	case http.StatusUnprocessableEntity:
	default:
		return model.Fail(model.Internal)
	}
	var f model.Faults
	for _, err := range errs[:min(len(errs), mostFaults)] { // a parameter's come first
		var d huma.ErrorDetailer
		if !errors.As(err, &d) {
			return model.Fail(model.Malformed)
		}
		detail := d.ErrorDetail()
		if strings.HasPrefix(detail.Location, "path.") {
			return model.Fail(model.NotFound)
		}
		at, code, message := location(detail.Location), model.FieldInvalid, detail.Message
		if name, ok := strings.CutPrefix(message, missing); ok {
			at, code, message = under(at, name), model.FieldRequired, "请填写这一项"
		} else if message == unexpected {
			at, code, message = location(detail.Location), model.FieldUnknown, "没有这个字段，请核对字段名"
		} else if !chinese(message) {
			message = "格式不对，请核对"
		}
		f.Add(at, code, message)
	}
	if len(f) == 0 {
		return model.Fail(model.Malformed)
	}
	return f.Err()
}

// mostFaults is how many are told at once: a megabyte of unknown names is not answered by seven.
const mostFaults = 50

// longNumber is more digits than any index of ours has: a number that somebody sent as a name.
var longNumber = regexp.MustCompile(`[0-9]{5}`)

// location is huma's path of a field without the part of the request it came in: body.data.x → data.x. A name that came from
// outside is not repeated.
func location(at string) string {
	for _, part := range []string{"body", "query", "header", "cookie", "form"} {
		if at == part {
			return ""
		}
		if rest, ok := strings.CutPrefix(at, part+"."); ok {
			at = rest
			break
		}
	}
	if len(at) > 60 || longNumber.MatchString(at) || strings.ContainsFunc(at, func(r rune) bool {
		return !(r == '.' || r == '_' || r == '[' || r == ']' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) {
		return "?"
	}
	return at
}

func under(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func chinese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff })
}
