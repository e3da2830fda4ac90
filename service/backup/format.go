package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"sixelements/model/store"
)

// format is the version of what the tar holds; it changes when an older program could not read it.
const format = 1

// The tar's entries.
const (
	manifestName = "manifest.json"
	tablesDir    = "tables/" // tables/NAME/000001: rows, one after the other
	filesDir     = "files/"  // files/PATH: an attachment's file, by its path in the folder
	trailerName  = "trailer.json"
)

const settings = "settings"

// chunkBytes is from what length on a chunk of rows is written; maxChunk is the most that one can be: a row more.
const (
	chunkBytes = 4 << 20
	maxChunk   = chunkBytes + 64<<20
	maxHead    = 4 << 20 // of manifest and trailer
)

// manifest says what follows and who made it.
type manifest struct {
	Format  int         `json:"format"`
	Version string      `json:"version"`
	Schema  int64       `json:"schema"` // the number of the newest migration
	Engine  string      `json:"engine"`
	At      string      `json:"at"` // RFC 3339
	Tables  []tableHead `json:"tables"`
}

// tableHead names the values of a table's rows, in their order.
type tableHead struct {
	Name    string         `json:"name"`
	Columns []store.Column `json:"columns"`
}

// trailer is what must have been read by the end.
type trailer struct {
	Rows      map[string]int64 `json:"rows"`
	Files     int              `json:"files"`
	FileBytes int64            `json:"file_bytes"`
	SHA256    string           `json:"sha256"` // over every entry before: name, NUL, length and NUL, content
}

// archive is the tar being written, with its running hash.
type archive struct {
	tar *tar.Writer
	sum hash.Hash
}

func newArchive(w io.Writer) *archive { return &archive{tar.NewWriter(w), sha256.New()} }

// entry begins an entry.
func (a *archive) entry(name string, size int64) (io.Writer, error) {
	head(a.sum, name, size)
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600}
	return io.MultiWriter(a.tar, a.sum), a.tar.WriteHeader(h)
}

func head(sum hash.Hash, name string, size int64) { fmt.Fprintf(sum, "%s\x00%d\x00", name, size) }

func (a *archive) put(name string, body []byte) error {
	w, err := a.entry(name, int64(len(body)))
	if err == nil {
		_, err = w.Write(body)
	}
	return err
}

func (a *archive) putJSON(name string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.put(name, body)
}
