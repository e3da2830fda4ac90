package seal

import (
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/emmansun/gmsm/sm3"
)

// DataKey seals the fields of one record. It is safe for concurrent use, is handled by pointer only, and never prints its key.
type DataKey struct {
	key   [keySize]byte
	suite Suite // with which it seals; what it opens says its own
	gears [SM + 1]atomic.Pointer[gear]
}

// gear is a data key made ready for one suite.
type gear struct {
	head [fieldHead]byte
	aead cipher.AEAD
}

// dataLabel keeps label and key within one block of either hash.
const dataLabel = "six/seal/data\x00"

// gear makes the key ready at first use; two goroutines that race make the same.
func (d *DataKey) gear(s Suite) *gear {
	if g := d.gears[s].Load(); g != nil {
		return g
	}
	g := &gear{}
	g.head[0], g.head[1], g.head[2] = magic, kindField, byte(s)
	var labelled [len(dataLabel) + keySize]byte
	copy(labelled[copy(labelled[:], dataLabel):], d.key[:])
	if s == SM { // half of the hash is the key, the id comes from the other half
		sum := sm3.Sum(labelled[:])
		copy(g.head[3:], sum[16:16+idSize])
		g.aead = newAEAD(SM, sum[:])
	} else {
		sum := sha256.Sum256(labelled[:])
		copy(g.head[3:], sum[:idSize])
		g.aead = newAEAD(AES, d.key[:])
	}
	d.gears[s].Store(g)
	return g
}

// Seal seals a field's value. The aad says where the value belongs (record, field) and is needed to open it. The error is
// always nil for a key that came from a Keyring; ErrUnknownKey for no key.
func (d *DataKey) Seal(plain, aad []byte) ([]byte, error) {
	if d == nil || !d.suite.known() {
		return nil, ErrUnknownKey
	}
	g := d.gear(d.suite)
	return seal(g.aead, g.head[:], plain, aad), nil
}

// Open opens what Seal sealed, with the suite that the value names. Errors: ErrFormat; ErrUnknownKey when another data key
// sealed it; ErrOpen when the aad differs or the value was changed.
func (d *DataKey) Open(sealed, aad []byte) ([]byte, error) {
	s, id, err := readHead(kindField, fieldHead, sealed)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, ErrUnknownKey
	}
	g := d.gear(s)
	if id != keyID(g.head[3:]) {
		return nil, ErrUnknownKey
	}
	return open(g.aead, fieldHead, sealed, aad)
}

// Format prints stars for every verb.
func (d *DataKey) Format(f fmt.State, _ rune) { io.WriteString(f, stars) } //nolint:errcheck // fmt has no use for it
