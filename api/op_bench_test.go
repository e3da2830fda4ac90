package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"sixelements/model"
	"sixelements/service/collect"
	"sixelements/service/identity"
)

// anybody lets everybody in: what is measured is the road to the service, not the service.
type anybody struct{ model.Actor }

func (a anybody) Authenticate(context.Context, identity.Credentials) (model.Actor, error) {
	return a.Actor, nil
}
func (anybody) NoteRefusal(context.Context, string, model.Code) {}
func (anybody) Allow(string) (bool, int)                        { return true, 0 }

// nowhere takes an answer and forgets it.
type nowhere struct {
	header http.Header
	status int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (w *nowhere) WriteHeader(status int)      { w.status = status }

const submission = `{"kind":"person","qr":"SQRAQ746BF7K5T","unit":"1","room":"101","data":{"name":"张三丰","id_type":"111",` +
	`"id_no":"410102199001011234","phone":"13812345678","residence_category":"registered","relation_to_head":"0"}}`

// BenchmarkSubmission is the HTTP layer's share of POST /records: huma's reading, checking and writing around a service that does
// nothing.
func BenchmarkSubmission(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	resident := model.Actor{Account: model.NewID(), Grants: []model.Grant{{Role: model.Resident}}}
	a := &API{huma: humagin.NewWithGroup(g, g.Group(Base), Config()), log: slog.New(slog.DiscardHandler), who: anybody{resident},
		limit: anybody{}}
	now := model.At(time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC))
	view := collect.View{ID: model.NewID(), Kind: "person", Status: model.Submitted, Version: 1, Title: "张三丰", AreaCode: "410102002001001",
		Building: &collect.ViewBuilding{ID: model.NewID(), Name: "建设路62号院1号楼"}, Unit: "1", Room: "101", RoomID: model.NewID(),
		Data: json.RawMessage(`{"name":"张三丰","id_no":"410***********1234","phone":"138****5678"}`), Channel: model.ByQR,
		Submitter: collect.ViewPerson{Role: model.Resident}, SubmittedAt: now, Links: []collect.ViewLink{}, Attachments: []collect.Photo{}}
	op(a, post("/records", "create-record", "Submit a record", may(model.Collector, model.Resident), status(http.StatusCreated)),
		func(context.Context, *struct{ Body collect.Create }) (*created[collect.View], error) {
			return &created[collect.View]{Status: http.StatusCreated, ETag: etag(1), Body: view}, nil
		})
	r, err := http.NewRequest(http.MethodPost, Base+"/records", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer 0123456789"}}
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(bytes.NewReader([]byte(submission)))
		w := nowhere{header: http.Header{}}
		g.ServeHTTP(&w, r)
		if w.status != http.StatusCreated {
			b.Fatal(w.status)
		}
	}
}
