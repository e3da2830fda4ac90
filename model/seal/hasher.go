package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/emmansun/gmsm/sm3"
)

// Hasher makes keyed hashes: blind indexes, and the marks by which a replay is known. It is safe for concurrent use.
type Hasher struct{ pool *sync.Pool }

// mac is a keyed hash with the buffer in which its input is laid out.
type mac struct {
	hash.Hash
	buf []byte
}

// maxBuffer is the largest buffer that stays in the pool, in bytes: one whole request must not be held for ever.
const maxBuffer = 16 << 10

// NewHasher makes a hasher: HMAC-SHA256 for AES, HMAC-SM3 for SM. The key should have 32 random bytes; it is copied. It panics
// for a suite that is neither, since hashes under a wrong one could never be found again.
func NewHasher(s Suite, key []byte) *Hasher {
	if !s.known() {
		panic(ErrSuite)
	}
	key = append([]byte(nil), key...)
	return &Hasher{pool: &sync.Pool{New: func() any {
		if s == SM {
			return &mac{Hash: hmac.New(sm3.New, key)}
		}
		return &mac{Hash: hmac.New(sha256.New, key)}
	}}}
}

// Sum is the keyed hash, 32 bytes, of the parts for a purpose. Each is written with its length before it, so that no two lists
// of parts, and no two purposes, are taken for one another.
func (h *Hasher) Sum(purpose string, parts ...[]byte) []byte {
	m := h.pool.Get().(*mac)
	b := binary.BigEndian.AppendUint64(m.buf[:0], uint64(len(purpose)))
	b = append(b, purpose...)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	m.Reset()
	m.Write(b)
	sum := m.Hash.Sum(make([]byte, 0, sha256.Size))
	clear(b) // cleartext does not stay in the pool
	if cap(b) <= maxBuffer {
		m.buf = b
	}
	h.pool.Put(m)
	return sum
}

// Format prints stars for every verb.
func (h *Hasher) Format(f fmt.State, _ rune) { io.WriteString(f, stars) } //nolint:errcheck // fmt has no use for it
