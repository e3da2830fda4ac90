// Package seal keeps secrets that must lie in a database: values sealed with AES-256-GCM (NIST SP 800-38D) or SM4-GCM
// (GB/T 32907, GB/T 36624), and blind indexes with HMAC-SHA256 (RFC 2104) or HMAC-SM3 (GB/T 32905, GB/T 15852.2).
//
// Three levels of keys. A root (32 bytes, from configuration) never seals anything itself: the key of the day is HKDF(root,
// suite, kind, day). The key of the day wraps the data key of each record. The data key seals the record's fields. So rotation
// rewraps data keys only, and destroying a data key erases the record's secrets wherever copies of the ciphertext lie.
//
// Every sealed value names how it is opened:
//
//	FF 06  suite  key id (4)           nonce (12)  ciphertext  tag (16)   a field, under a data key
//	FF 07  suite  root id (4)  day (4) nonce (12)  ciphertext  tag (16)   a small secret, under the key of the day
//	FF 08  suite  root id (4)  day (4) nonce (12)  ciphertext  tag (16)   a data key, under the key of the day
//
// FF occurs neither in UTF-8 nor in GB 18030 text, and FF 06 to FF 08 is no byte order mark: text or digits cannot be mistaken
// for a sealed value. Errors of this package are sentinels without content.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"

	"github.com/emmansun/gmsm/sm4"
)

// The errors of opening, sealing and storing. None holds a value or a key.
var (
	// ErrOpen says that a value was sealed under another key or for another place, or was changed.
	ErrOpen = errors.New("seal: cannot be opened")
	// ErrUnknownKey says that the key which the value names is not at hand.
	ErrUnknownKey = errors.New("seal: unknown key")
	// ErrFormat says that bytes are not a whole sealed value of the kind expected.
	ErrFormat = errors.New("seal: not a sealed value")
	// ErrUnsealed says that a cleartext was about to be written to a database.
	ErrUnsealed = errors.New("seal: value is not sealed")
	// ErrPlain says that plain content was found, or offered, where only a sealed value may be.
	ErrPlain = errors.New("seal: plain content in place of a sealed value")
	// ErrSuite says that a suite is neither "aes" nor "sm".
	ErrSuite = errors.New(`seal: the suite is neither "aes" nor "sm"`)
	// ErrRoot says that root keys are missing, malformed or given twice.
	ErrRoot = errors.New("seal: a root key is 32 bytes in base64 or hex, given once")
)

// Suite is a set of algorithms; its number stands in every sealed value and is never reused.
type Suite byte

// The suites.
const (
	AES Suite = 1 // AES-256-GCM, HMAC-SHA256, HKDF-SHA256
	SM  Suite = 2 // SM4-GCM, HMAC-SM3, HKDF-SM3
)

// ParseSuite reads "aes" or "sm". It returns ErrSuite for anything else.
func ParseSuite(name string) (Suite, error) {
	switch name {
	case "aes":
		return AES, nil
	case "sm":
		return SM, nil
	}
	return 0, ErrSuite
}

// String is the suite's name as ParseSuite reads it.
func (s Suite) String() string {
	switch s {
	case AES:
		return "aes"
	case SM:
		return "sm"
	}
	return "unknown"
}

func (s Suite) known() bool { return s == AES || s == SM }

const (
	magic      = 0xFF
	kindField  = 0x06
	kindSecret = 0x07
	kindKey    = 0x08

	keySize   = 32
	idSize    = 4
	daySize   = 4
	nonceSize = 12
	tagSize   = 16

	fieldHead = 2 + 1 + idSize
	ringHead  = fieldHead + daySize
)

// keyID is the id of a root or a data key as it stands in sealed values.
type keyID [idSize]byte

// newAEAD makes the suite's AEAD from 32 bytes of key material, of which SM4 takes the first 16.
func newAEAD(s Suite, material []byte) cipher.AEAD {
	var block cipher.Block
	var err error
	if s == SM {
		block, err = sm4.NewCipher(material[:sm4.BlockSize])
	} else {
		block, err = aes.NewCipher(material[:keySize])
	}
	if err != nil {
		panic(err) // cannot happen: the key has the size that the cipher takes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // cannot happen: both are ciphers of 128-bit blocks
	}
	return aead
}

// seal puts head, a fresh nonce and the ciphertext of plain into one allocation.
func seal(a cipher.AEAD, head, plain, aad []byte) []byte {
	out := make([]byte, len(head)+nonceSize, len(head)+nonceSize+len(plain)+tagSize)
	copy(out, head)
	nonce := out[len(head):]
	rand.Read(nonce)
	return a.Seal(out, nonce, plain, aad)
}

// open is the reverse of seal for a value whose head has been read.
func open(a cipher.AEAD, head int, sealed, aad []byte) ([]byte, error) {
	body := sealed[head+nonceSize:]
	plain, err := a.Open(make([]byte, 0, len(body)-tagSize), sealed[head:head+nonceSize], body, aad)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// readHead checks the frame of a sealed value of the kind and reads its suite and key id. It returns ErrFormat otherwise.
func readHead(kind byte, head int, sealed []byte) (s Suite, id keyID, err error) {
	if len(sealed) < head+nonceSize+tagSize || sealed[0] != magic || sealed[1] != kind || !Suite(sealed[2]).known() {
		return 0, id, ErrFormat
	}
	copy(id[:], sealed[3:])
	return Suite(sealed[2]), id, nil
}
