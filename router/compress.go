package router

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzip"

	"sixelements/api"
)

const (
	worthwhile = 1 << 10 // bytes: below it an answer fits a packet as it is
	mostHeld   = 1 << 20 // bytes: what grows longer is sent as it comes
)

// compress sends text answers to GET gzipped where the client takes that.
//
// Answers to other methods stay as they are: they are where secrets are handed out (tokens, first passwords, revealed numbers), and
// the length of a compressed answer tells about a secret beside text that the asker chose (BREACH). So do answers with an ETag: a
// strong tag names these very bytes, and a record's is its version. What may be kept by clients is packed beforehand, as api.Fixed.
func compress(c *gin.Context) {
	if c.Request.Method != http.MethodGet {
		c.Next()
		return
	}
	c.Writer.Header().Set("Vary", "Accept-Encoding")
	if !api.Takes(c.GetHeader("Accept-Encoding"), "gzip") {
		c.Next()
		return
	}
	w := &held{ResponseWriter: c.Writer}
	c.Writer = w
	defer func() { c.Writer = w.ResponseWriter }() // after a panic too: what is held then is dropped for the problem
	c.Next()
	w.finish()
}

// held keeps an answer back until it is whole, so that a compressor is never tied to a slow client, and the length is known.
type held struct {
	gin.ResponseWriter
	body    *bytes.Buffer
	through bool // as it comes: no text, a stream, or too long to hold
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a valid one
	return w
}}

// Write holds b back, or sends it.
func (w *held) Write(b []byte) (int, error) {
	if !w.through && w.body == nil && !w.packable() {
		w.through = true
	}
	if w.through {
		return w.ResponseWriter.Write(b)
	}
	if w.body == nil {
		w.body = buffers.Get().(*bytes.Buffer)
	}
	n, _ := w.body.Write(b)
	if w.body.Len() > mostHeld {
		return n, w.release()
	}
	return n, nil
}

// WriteString is Write.
func (w *held) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// Flush sends what is held: the handler streams.
func (w *held) Flush() {
	_ = w.release() // the client is gone: the next write says so
	w.ResponseWriter.Flush()
}

// Unwrap is for http.ResponseController.
func (w *held) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// release sends what is held as it is, and from now on all that comes.
func (w *held) release() error {
	w.through = true
	if w.body == nil {
		return nil
	}
	_, err := w.ResponseWriter.Write(w.body.Bytes())
	w.drop()
	return err
}

func (w *held) drop() {
	w.body.Reset()
	buffers.Put(w.body)
	w.body = nil
}

// packable judges an answer by its headers when its first bytes come.
func (w *held) packable() bool {
	h := w.Header()
	if w.Status() != http.StatusOK || h.Get("Content-Encoding") != "" || h.Get("Content-Disposition") != "" || h.Get("Etag") != "" ||
		h.Get("Set-Cookie") != "" {
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return kind == "application/json" || kind == "text/html"
}

// finish sends the whole answer.
func (w *held) finish() {
	if w.body == nil {
		return
	}
	if w.body.Len() < worthwhile {
		_ = w.release() // the client is gone: nobody is left to tell
		return
	}
	packed := buffers.Get().(*bytes.Buffer)
	z := packers.Get().(*gzip.Writer)
	z.Reset(packed)
	_, _ = z.Write(w.body.Bytes()) // a buffer takes everything
	_ = z.Close()
	packers.Put(z)
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", strconv.Itoa(packed.Len()))
	_, _ = w.ResponseWriter.Write(packed.Bytes()) // the client is gone: nobody is left to tell
	packed.Reset()
	buffers.Put(packed)
	w.drop()
}
