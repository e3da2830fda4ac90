package router

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"sixelements/api"
	"sixelements/model"
)

// static serves a built web page from its files: names with a hash of their content for ever, the others checked at each use. Where
// the build left NAME.br or NAME.gz beside NAME, a client that takes it gets that. Paths without an extension are the page's own
// and get its index.html.
type static struct {
	at    string // the path it is served under, no slash at the end
	files fs.FS
	tags  sync.Map // name → strong ETag, quoted
}

// hashed is how Vite names what it builds: assets/index-BxY1_2ab.js.
var hashed = regexp.MustCompile(`^assets/.+-[0-9A-Za-z_-]{8,}\.[0-9a-z.]+$`)

// codings are the packed forms, the smallest first.
var codings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

const (
	index   = "index.html"
	forEver = "public, max-age=31536000, immutable"
)

// mountStatic serves files under a path; nil files are none.
func mountStatic(g *gin.Engine, at string, files fs.FS) {
	if files == nil {
		return
	}
	s := &static{at: at, files: files}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		g.Handle(method, at, func(c *gin.Context) { c.Redirect(http.StatusMovedPermanently, at+"/") })
		g.Handle(method, at+"/*name", s.serve)
	}
}

func (s *static) serve(c *gin.Context) {
	name := strings.TrimPrefix(path.Clean(c.Param("name")), "/")
	if path.Ext(name) == "" {
		name = index
	}
	if err := s.send(c.Writer, c.Request, name); err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
			err = model.Fail(model.NotFound)
		}
		api.WriteProblem(c.Writer, err)
	}
}

// send answers with a file, or an error before anything was written. http.ServeContent does ranges, HEAD and conditions.
func (s *static) send(w http.ResponseWriter, r *http.Request, name string) error {
	stored, coding := s.choose(r.Header.Get("Accept-Encoding"), name)
	f, err := s.files.Open(stored)
	if err != nil {
		return err
	}
	defer f.Close()
	content, ok := f.(io.ReadSeeker)
	if info, err := f.Stat(); err != nil || info.IsDir() || !ok {
		return fs.ErrNotExist
	}
	tag, err := s.tag(stored, content)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Etag", tag)
	h.Set("Content-Type", typeOf(name))
	h.Set("Vary", "Accept-Encoding")
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Cache-Control", api.Revalidate)
	if hashed.MatchString(name) {
		h.Set("Cache-Control", forEver)
	}
	http.ServeContent(w, r, "", time.Time{}, content)
	return nil
}

// choose is the stored form of a file that the client takes, and its content coding: "" for the file itself.
func (s *static) choose(accept, name string) (stored, coding string) {
	for _, c := range codings {
		if api.Takes(accept, c.name) {
			if _, err := fs.Stat(s.files, name+c.suffix); err == nil {
				return name + c.suffix, c.name
			}
		}
	}
	return name, ""
}

// tag is the strong ETag of a stored form, from its content: embedded files have no times.
func (s *static) tag(stored string, content io.ReadSeeker) (string, error) {
	if tag, ok := s.tags.Load(stored); ok {
		return tag.(string), nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	tag := `"` + hex.EncodeToString(sum.Sum(nil)[:8]) + `"`
	s.tags.Store(stored, tag)
	return tag, nil
}

// typeOf is a file's media type, whatever the machine's own tables say of the common ones.
func typeOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}
