package api

import (
	"context"
	"iter"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"sixelements/model"
	"sixelements/service/qr"
)

type qrView struct {
	Code       string         `json:"code"`
	URL        string         `json:"url" doc:"what the picture holds"`
	BuildingID model.ID       `json:"building_id"`
	Unit       string         `json:"unit" doc:"empty: the whole building's"`
	Status     model.QRStatus `json:"status" enum:"active,revoked"`
	Version    int64          `json:"version" doc:"the how-manieth code of this building or unit"`
	IssuedAt   model.Time     `json:"issued_at"`
	RevokedAt  model.Time     `json:"revoked_at" nullable:"true"`
	Scans      int64          `json:"scans"`
}

func viewQR(s *qr.Service) func(*model.QRCode) qrView {
	return func(c *model.QRCode) qrView {
		return qrView{c.Code, s.URL(c.Code), c.BuildingID, c.Unit, c.Status, c.Version, c.IssuedAt, c.RevokedAt, c.Scans}
	}
}

type qrIn struct {
	Unit   string `json:"unit,omitempty" maxLength:"16" doc:"default: the whole building"`
	Rotate bool   `json:"rotate,omitempty" doc:"revoke the active one and make another"`
}

// scanView is what anybody learns from a code; never a person.
type scanView struct {
	Building scanBuilding `json:"building"`
	Unit     string       `json:"unit" doc:"empty: the whole building's code"`
	Kinds    []model.Kind `json:"kinds" nullable:"false" doc:"what may be submitted"`
}

type scanBuilding struct {
	ID       model.ID `json:"id"`
	Name     string   `json:"name"`
	Address  string   `json:"address"`
	AreaName string   `json:"area_name"`
	Units    int      `json:"units"`
}

func viewScan(s qr.Scan) scanView {
	b := s.Building
	v := scanView{Building: scanBuilding{b.ID, b.Name, b.Address, s.AreaName, b.Units}, Unit: s.Code.Unit}
	for _, k := range model.Kinds() {
		v.Kinds = append(v.Kinds, k.Kind)
	}
	return v
}

// mountQRCodes registers the codes of buildings and units, their pictures and posters, and what a scan answers.
func mountQRCodes(a *API, s *qr.Service) {
	view := viewQR(s)
	op(a, post("/buildings/{id}/qrcodes", "issue-qrcode", "The active code of a building or unit; made if there is none",
		may(model.CommunityRole), at(s.LocateBuilding), status(http.StatusCreated)), func(ctx context.Context, in *struct {
		ID   model.ID `path:"id"`
		Body *qrIn
	}) (*created[qrView], error) {
		if in.Body == nil {
			in.Body = &qrIn{}
		}
		c, isNew, err := s.Issue(ctx, in.ID, in.Body.Unit, in.Body.Rotate)
		if err != nil {
			return nil, err
		}
		return &created[qrView]{Status: statusOf(!isNew), ETag: etag(c.Version), Body: view(c)}, nil
	})
	op(a, get("/buildings/{id}/qrcodes", "list-qrcodes", "All codes of a building, newest first", may(model.Collector),
		at(s.SeeBuilding)), func(ctx context.Context, in *struct {
		Paging
		ID model.ID `path:"id"`
	}) (*answer[page[qrView]], error) {
		rows, next, err := s.Codes(ctx, in.ID, in.Cursor, in.Limit)
		return pageOf(rows, next, view), err
	})
	op(a, patch("/qrcodes/{code}", "revoke-qrcode", "Revoke a code for good", may(model.CommunityRole), at(s.LocateCode)),
		func(ctx context.Context, in *struct {
			Code  string      `path:"code"`
			Match model.Match `header:"If-Match"`
			Body  struct {
				Status model.QRStatus `json:"status" enum:"revoked"`
			}
		}) (*answer[qrView], error) {
			c, err := s.Revoke(ctx, in.Code, in.Match)
			return &answer[qrView]{ETag: etag(c.Version), Body: view(&c)}, err
		})
	op(a, get("/qr/{code}", "resolve-qrcode", "What a scanned code stands for; counts one scan", public),
		func(ctx context.Context, in *struct {
			Code string `path:"code" doc:"as scanned or typed"`
		}) (*answer[scanView], error) {
			see := s.Scan
			if ok, _ := a.limit.Allow("scan " + askerOf(ctx)); !ok { // counting is a write, and anybody can ask for it
				see = s.Look
			}
			scan, err := see(asSystem(ctx, "a scan"), in.Code)
			if err != nil {
				return nil, err
			}
			return &answer[scanView]{Body: viewScan(scan)}, nil
		})
	mountQRFiles(a, s)
}

type qrFileIn struct {
	File     string   `path:"code" doc:"CODE (JSON), CODE.png, CODE.svg, or sheet: the printable page of posters"`
	Size     int      `query:"size" minimum:"64" maximum:"4096" default:"512" doc:"of a PNG, in pixels"`
	Area     string   `query:"area" maxLength:"18" doc:"of a sheet: the area whose active codes it shows"`
	Building model.ID `query:"building" doc:"of a sheet: the building whose active codes it shows"`
}

// mountQRFiles registers one route for all that may follow /qrcodes/: Gin knows no routes that differ in their ending only.
func mountQRFiles(a *API, s *qr.Service) {
	o := get("/qrcodes/{code}", "get-qrcode", "A code with its scans, its picture, or the sheet of posters", may(model.Collector),
		at(s.SeeFile))
	op(a, o, func(ctx context.Context, in *qrFileIn) (*huma.StreamResponse, error) {
		if in.File == "sheet" {
			title, posters, err := s.Posters(ctx, in.Area, in.Building)
			return sheet(a, title, posters), err
		}
		name, ending, _ := strings.Cut(in.File, ".")
		c, err := s.Code(ctx, name)
		if err != nil {
			return nil, err
		}
		switch ending {
		case "":
			return a.json(viewQR(s)(&c), etag(c.Version)), nil
		case "png":
			return picture("image/png", c, func() ([]byte, error) { return qr.PNG(s.URL(c.Code), in.Size) })
		case "svg":
			return picture("image/svg+xml", c, func() ([]byte, error) { return qr.SVG(s.URL(c.Code)) })
		}
		return nil, model.Fail(model.NotFound)
	})
	a.document(o.ID, func(d *huma.Operation) {
		schema := a.huma.OpenAPI().Components.Schemas.Schema(typeOf[qrView](), true, "")
		d.Responses["200"] = &huma.Response{Description: "JSON, a picture, or a page, by the path's ending.",
			Content: map[string]*huma.MediaType{"application/json": {Schema: schema}, "image/png": {Schema: binary()},
				"image/svg+xml": {Schema: binary()}, "text/html": {Schema: &huma.Schema{Type: "string"}}}}
	})
}

// picture draws a code that is in force: a revoked one must not be printed again.
func picture(mime string, c model.QRCode, draw func() ([]byte, error)) (*huma.StreamResponse, error) {
	if c.Status != model.QRActive {
		return nil, model.Fail(model.QRRevoked)
	}
	b, err := draw()
	if err != nil {
		return nil, err
	}
	return stream(mime, "private, max-age=300", b), nil
}

// sheet streams the posters; nothing in the page may be fetched or run.
func sheet(a *API, title string, posters []qr.Poster) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/html; charset=utf-8")
		hc.SetHeader("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		hc.SetHeader("Cache-Control", "no-store")
		hc.SetStatus(http.StatusOK)
		each := iter.Seq2[qr.Poster, error](func(yield func(qr.Poster, error) bool) {
			for _, p := range posters {
				if !yield(p, nil) {
					return
				}
			}
		})
		if err := qr.Sheet(hc.BodyWriter(), title, each); err != nil {
			a.log.WarnContext(hc.Context(), "sheet", "err", err, "request_id", RequestIDOf(hc.Context()))
		}
	}}
}
