package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// Keyring holds the root keys and makes the keys of the day from them. It is safe for concurrent use and never prints a key.
type Keyring struct {
	suite   Suite
	clock   func() time.Time
	current keyID
	roots   map[keyID][]byte
	today   [2]atomic.Pointer[dayKey] // of kindSecret and kindKey: what every write asks for

	mu   sync.RWMutex
	days map[dayName]cipher.AEAD // keys of other days, roots and suites that have opened something
}

// dayName is what the key of a day is derived from, beside the root itself.
type dayName struct {
	root  keyID
	suite Suite
	kind  byte
	day   uint32
}

// dayKey is a key of the day with the head of the values that it seals.
type dayKey struct {
	day  uint32
	head [ringHead]byte
	aead cipher.AEAD
}

// maxDays bounds the cache: eleven years of days, about a kilobyte each.
const maxDays = 4096

// NewKeyring makes a keyring that seals with the suite under the first root and opens what was sealed with either suite under
// any of the roots. The clock says which day it is in Beijing. Errors: ErrSuite; ErrRoot when there is no root, one has not 32
// bytes, or two share an id.
func NewKeyring(s Suite, clock func() time.Time, roots ...[]byte) (*Keyring, error) {
	if !s.known() {
		return nil, ErrSuite
	}
	if len(roots) == 0 || clock == nil {
		return nil, ErrRoot
	}
	k := &Keyring{suite: s, clock: clock, roots: make(map[keyID][]byte, len(roots)), days: map[dayName]cipher.AEAD{}}
	for i, root := range roots {
		id := rootID(root)
		if _, twice := k.roots[id]; twice || len(root) != keySize {
			return nil, fmt.Errorf("%w: number %d", ErrRoot, i+1)
		}
		k.roots[id] = bytes.Clone(root)
		if i == 0 {
			k.current = id
		}
	}
	return k, nil
}

// rootID is public: it stands in every value that the root's keys seal.
func rootID(root []byte) (id keyID) {
	sum := sha256.Sum256(append([]byte("six/seal/root id\x00"), root...))
	copy(id[:], sum[:])
	return id
}

// Suite is the suite with which the keyring seals.
func (k *Keyring) Suite() Suite { return k.suite }

// NewDataKey makes a random data key, and its wrapped form for the database. The aad (whose key it is) is needed to open it
// again.
func (k *Keyring) NewDataKey(aad []byte) (*DataKey, []byte, error) {
	d := &DataKey{suite: k.suite}
	rand.Read(d.key[:])
	return d, k.seal(kindKey, d.key[:], aad), nil
}

// OpenDataKey unwraps a data key. Errors: ErrFormat, ErrUnknownKey when its root is not in the ring, ErrOpen.
func (k *Keyring) OpenDataKey(wrapped, aad []byte) (*DataKey, error) {
	plain, err := k.open(kindKey, wrapped, aad)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	if len(plain) != keySize {
		return nil, ErrFormat
	}
	d := &DataKey{suite: k.suite}
	copy(d.key[:], plain)
	return d, nil
}

// Rewrap wraps a data key under the current root and suite. The data key, and so what it sealed, stays as it is. A wrapped key
// that is current already comes back as it is, with changed false. Errors: those of OpenDataKey.
func (k *Keyring) Rewrap(wrapped, aad []byte) (again []byte, changed bool, err error) {
	plain, err := k.open(kindKey, wrapped, aad)
	if err != nil {
		return nil, false, err
	}
	defer clear(plain)
	if s, id, _ := readHead(kindKey, ringHead, wrapped); s == k.suite && id == k.current {
		return wrapped, false, nil
	}
	return k.seal(kindKey, plain, aad), true, nil
}

// Seal seals a small secret that belongs to no record under the key of the day. The aad says what it is and is needed to open
// it.
func (k *Keyring) Seal(plain, aad []byte) ([]byte, error) { return k.seal(kindSecret, plain, aad), nil }

// Open opens what Seal sealed. Errors: ErrFormat, ErrUnknownKey when its root is not in the ring, ErrOpen.
func (k *Keyring) Open(sealed, aad []byte) ([]byte, error) { return k.open(kindSecret, sealed, aad) }

// SuiteOf is the suite under which Seal sealed a small secret. Errors: ErrFormat.
func SuiteOf(sealed []byte) (Suite, error) {
	s, _, err := readHead(kindSecret, ringHead, sealed)
	return s, err
}

func (k *Keyring) seal(kind byte, plain, aad []byte) []byte {
	t := k.keyOfToday(kind)
	return seal(t.aead, t.head[:], plain, aad)
}

func (k *Keyring) open(kind byte, sealed, aad []byte) ([]byte, error) {
	s, id, err := readHead(kind, ringHead, sealed)
	if err != nil {
		return nil, err
	}
	name := dayName{root: id, suite: s, kind: kind, day: binary.BigEndian.Uint32(sealed[fieldHead:])}
	a, kept := k.kept(name)
	if !kept {
		if k.roots[id] == nil {
			return nil, ErrUnknownKey
		}
		a = k.derive(name)
	}
	plain, err := open(a, ringHead, sealed, aad)
	if err == nil && !kept {
		k.keep(name, a) // only now: what cannot be opened must not fill the cache with days that never were
	}
	return plain, err
}

// keyOfToday is the current root's key of the clock's day.
func (k *Keyring) keyOfToday(kind byte) *dayKey {
	day := beijingDay(k.clock())
	slot := &k.today[kind-kindSecret]
	if t := slot.Load(); t != nil && t.day == day {
		return t
	}
	name := dayName{root: k.current, suite: k.suite, kind: kind, day: day}
	t := &dayKey{day: day, aead: k.derive(name)}
	t.head[0], t.head[1], t.head[2] = magic, kind, byte(k.suite)
	copy(t.head[3:], k.current[:])
	binary.BigEndian.PutUint32(t.head[fieldHead:], day)
	slot.Store(t)
	k.keep(name, t.aead)
	return t
}

func (k *Keyring) kept(name dayName) (cipher.AEAD, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	a, ok := k.days[name]
	return a, ok
}

func (k *Keyring) keep(name dayName, a cipher.AEAD) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.days) >= maxDays {
		clear(k.days)
	}
	k.days[name] = a
}

// derive is HKDF (RFC 5869) with the suite's hash; suite, kind and day are the info.
func (k *Keyring) derive(n dayName) cipher.AEAD {
	info := string(binary.BigEndian.AppendUint32(append([]byte("six/seal/day\x00"), byte(n.suite), n.kind), n.day))
	var material []byte
	var err error
	if n.suite == SM {
		material, err = hkdf.Key(sm3.New, k.roots[n.root], nil, info, keySize)
	} else {
		material, err = hkdf.Key(sha256.New, k.roots[n.root], nil, info, keySize)
	}
	if err != nil {
		panic(err) // cannot happen: only keys of more than 255 hashes are refused
	}
	defer clear(material)
	return newAEAD(n.suite, material)
}

// beijingDay is the number of the day in Beijing (UTC+8, no summer time since 1991) since 1970-01-01.
func beijingDay(t time.Time) uint32 {
	const day = 24 * 60 * 60
	return uint32(max(0, (t.Unix()+8*60*60)/day))
}

// Format prints stars for every verb.
func (k *Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, stars) }
