package router

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"sixelements/api"
	"sixelements/model"
)

//go:embed pages
var pageFiles embed.FS

// Scanned is what a posted code opens.
type Scanned struct {
	Building, Address, Area, Unit string
}

// Pages are the pages outside the API, and what they need to know.
type Pages struct {
	Version string
	Demo    bool
	WeChat  bool // a mini-program is there to hand over to
	// Ready is nil when the program can serve: the database answers, migrations are done, the demo's data is there.
	Ready func(ctx context.Context) error
	// Scan resolves what a camera opened or a person typed, without counting it; qr.unknown, qr.revoked.
	Scan func(ctx context.Context, code string) (Scanned, error)
	// Normal is a typed code in the form in which it was issued.
	Normal func(typed string) (code string, ok bool)
	// Verify is the content of the file by which WeChat checks that the server is ours.
	Verify func(name string) (content string, ok bool)
	// Console and Phone are the built pages of /console/ and /m/; nil: not in this program.
	Console, Phone fs.FS
}

func (p Pages) mount(g *gin.Engine, a *api.API) error {
	pages, err := template.ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return err
	}
	show := func(c *gin.Context, status int, name string, data any) {
		c.Header("Content-Type", "text/html; charset=utf-8")
		c.Status(status)
		_ = pages.ExecuteTemplate(c.Writer, name, data) // the client is gone: nobody is left to tell
	}
	g.GET("/", func(c *gin.Context) { show(c, http.StatusOK, "home.html", p) })
	g.GET("/docs", func(c *gin.Context) { show(c, http.StatusOK, "docs.html", a.Ops) })
	document := sync.OnceValue(func() *api.Fixed { return api.NewFixed("application/json", api.Revalidate, a.OpenAPI()) })
	g.GET("/openapi.json", func(c *gin.Context) { document().ServeHTTP(c.Writer, c.Request) })
	g.GET("/healthz", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	g.GET("/readyz", p.ready)
	g.GET("/q/", func(c *gin.Context) {
		if code, ok := p.Normal(c.Query("code")); ok {
			c.Redirect(http.StatusSeeOther, "/q/"+code)
			return
		}
		show(c, http.StatusOK, "code.html", gin.H{"Wrong": c.Query("code") != ""})
	})
	g.GET("/q/:code", func(c *gin.Context) { p.scan(c, show) })
	mountStatic(g, "/console", p.Console)
	mountStatic(g, "/m", p.Phone)
	return nil
}

func (p Pages) ready(c *gin.Context) {
	if err := p.Ready(c.Request.Context()); err != nil {
		api.WriteProblem(c.Writer, &model.Error{Code: model.Busy, RetryAfter: 1})
		return
	}
	c.JSON(http.StatusOK, gin.H{"status": "ready"})
}

// scan is what a camera outside WeChat opens; WeChat asks for its verify file under the same path.
func (p Pages) scan(c *gin.Context, show func(*gin.Context, int, string, any)) {
	typed := c.Param("code")
	if strings.HasSuffix(typed, ".txt") {
		if content, ok := p.Verify(typed); ok {
			c.String(http.StatusOK, content)
			return
		}
		api.WriteProblem(c.Writer, model.Fail(model.NotFound))
		return
	}
	code, _ := p.Normal(typed)
	s, err := p.Scan(c.Request.Context(), code)
	if err != nil {
		var e *model.Error
		if !errors.As(err, &e) {
			e = model.Fail(model.Busy)
		}
		problem := api.ProblemOf(e)
		show(c, problem.Status, "code.html", gin.H{"Problem": problem})
		return
	}
	show(c, http.StatusOK, "scan.html", gin.H{"Scan": s, "Code": code, "Kinds": model.Kinds(), "WeChat": p.WeChat})
}
