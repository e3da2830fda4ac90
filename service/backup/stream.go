package backup

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// open decrypts and unpacks.
func open(in io.Reader, identities []age.Identity) (*zstd.Decoder, error) {
	plain, err := age.Decrypt(in, identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, ErrIdentity
	}
	if err != nil {
		return nil, damaged(err)
	}
	return zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
}

func damaged(why error) error {
	if errors.Is(why, io.EOF) {
		why = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w (%w)", ErrDamaged, why)
}

// next begins the next entry; its content is hashed as it is read. The trailer's is not: it holds the hash.
func (r *reader) next() (name string, body io.Reader, err error) {
	h, err := r.tar.Next()
	if err != nil {
		return "", nil, damaged(err)
	}
	if h.Typeflag != tar.TypeReg {
		return "", nil, damaged(errors.New("an entry that is no file"))
	}
	body = intact{r.tar}
	if h.Name == trailerName {
		return h.Name, io.LimitReader(body, maxHead), nil
	}
	head(r.sum, h.Name, h.Size)
	if !strings.HasPrefix(h.Name, filesDir) && h.Size > maxChunk {
		return "", nil, damaged(errors.New("an entry too large"))
	}
	return h.Name, io.TeeReader(body, r.sum), nil
}

// intact makes failures to read tell that the backup is damaged.
type intact struct{ r io.Reader }

func (i intact) Read(b []byte) (int, error) {
	n, err := i.r.Read(b)
	if err != nil && err != io.EOF { //nolint:errorlint // an EOF that is wrapped is a failure
		err = damaged(err)
	}
	return n, err
}

func readJSON(from io.Reader, into any) error {
	body, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return damaged(errors.New("its manifest or trailer cannot be read"))
	}
	return nil
}
