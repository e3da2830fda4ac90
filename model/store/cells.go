package store

import (
	"encoding/binary"
	"errors"

	"sixelements/model"
)

// Cell says what is counted: records of one area, building, kind, state, day and verifier, or, without a kind, rooms of one area and
// building that lapse in one half day. What a sheet of numbers does not tell apart is left empty.
type Cell struct {
	Area     string
	Building model.ID
	Kind     model.Kind
	Status   model.Status
	Day      int64    // of submission: days since 1970-01-01, in Beijing
	By       model.ID // who verified
	Name     string   // by the name they had then
	Lapse    int64    // rooms: the half day since 1970, by UTC, in which coverage lapses; 0 when the room is not covered
}

// Cells are numbers by what they count; none is zero.
type Cells map[Cell]int64

// Add adds n to a cell.
func (s Cells) Add(c Cell, n int64) {
	if n += s[c]; n == 0 {
		delete(s, c)
	} else {
		s[c] = n
	}
}

const (
	millisPerDay  = int64(24 * 60 * 60 * 1000)
	beijingMillis = int64(8 * 60 * 60 * 1000) // how far its midnight lies before that of UTC; it has had no summer time since 1991
)

// DayOf is the moment's day in Beijing, in days since 1970-01-01.
func DayOf(t model.Time) int64 {
	at := int64(t) + beijingMillis
	if at < 0 {
		at -= millisPerDay - 1
	}
	return at / millisPerDay
}

// CellOf is where a record is counted.
func CellOf(r *model.Record) Cell {
	c := Cell{Area: r.AreaCode, Building: r.BuildingID, Kind: r.Kind, Status: r.Status, Day: DayOf(r.SubmittedAt)}
	if !r.VerifiedBy.IsZero() {
		c.By, c.Name = r.VerifiedBy, r.VerifiedName
	}
	return c
}

// The bits that say which fields of a cell follow.
const (
	hasArea = 1 << iota
	hasBuilding
	hasKind
	hasStatus
	hasDay
	hasBy
	hasName
	hasLapse
)

const cellsVersion = 1

// Touched are rooms and households that may count otherwise since a commit.
type Touched struct{ Rooms, Households []model.ID }

// EncodeCells writes numbers, rooms and households in few bytes: a version; every text and id once; per cell a byte that says which
// fields follow, as places of texts and ids, and the number; then the rooms and, if there are any, the households. All numbers are
// varints.
func EncodeCells(cells Cells, touched Touched) []byte {
	texts, ids := map[string]uint64{}, map[model.ID]uint64{}
	var heads, idBytes, body []byte
	text := func(s string) {
		at, ok := texts[s]
		if !ok {
			at = uint64(len(texts))
			texts[s] = at
			heads = append(binary.AppendUvarint(heads, uint64(len(s))), s...)
		}
		body = binary.AppendUvarint(body, at)
	}
	id := func(v model.ID) {
		at, ok := ids[v]
		if !ok {
			at = uint64(len(ids))
			ids[v] = at
			idBytes = append(idBytes, v[:]...)
		}
		body = binary.AppendUvarint(body, at)
	}
	for c, n := range cells {
		mask := len(body)
		body = append(body, 0)
		put := func(bit byte, has bool, write func()) {
			if has {
				body[mask] |= bit
				write()
			}
		}
		put(hasArea, c.Area != "", func() { text(c.Area) })
		put(hasBuilding, !c.Building.IsZero(), func() { id(c.Building) })
		put(hasKind, c.Kind != "", func() { text(string(c.Kind)) })
		put(hasStatus, c.Status != "", func() { text(string(c.Status)) })
		put(hasDay, c.Day != 0, func() { body = binary.AppendVarint(body, c.Day) })
		put(hasBy, !c.By.IsZero(), func() { id(c.By) })
		put(hasName, c.Name != "", func() { text(c.Name) })
		put(hasLapse, c.Lapse != 0, func() { body = binary.AppendVarint(body, c.Lapse) })
		body = binary.AppendVarint(body, n)
	}
	out := append(binary.AppendUvarint([]byte{cellsVersion}, uint64(len(texts))), heads...)
	out = append(binary.AppendUvarint(out, uint64(len(ids))), idBytes...)
	out = append(binary.AppendUvarint(out, uint64(len(cells))), body...)
	out = appendIDs(out, touched.Rooms)
	if len(touched.Households) > 0 {
		out = appendIDs(out, touched.Households)
	}
	return out
}

func appendIDs(b []byte, ids []model.ID) []byte {
	b = binary.AppendUvarint(b, uint64(len(ids)))
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return b
}

// errCells says that numbers cannot be read.
var errCells = errors.New("store: numbers of a tally that cannot be read: run six tally rebuild")

// DecodeCells reads what EncodeCells wrote; each cell may come in any order.
func DecodeCells(b []byte, each func(Cell, int64)) (touched Touched, err error) {
	if len(b) == 0 || b[0] != cellsVersion {
		return touched, errCells
	}
	r := cellReader{b: b[1:]}
	for range r.count() {
		r.texts = append(r.texts, string(r.take(r.count())))
	}
	for range r.count() {
		r.ids = append(r.ids, r.rawID())
	}
	for range r.count() {
		c, n := r.cell()
		if r.bad {
			return touched, errCells
		}
		each(c, n)
	}
	touched.Rooms = r.rawIDs()
	if len(r.b) > 0 { // an earlier version's end here
		touched.Households = r.rawIDs()
		r.bad = r.bad || len(touched.Households) == 0
	}
	if r.bad || len(r.b) > 0 {
		return Touched{}, errCells
	}
	return touched, nil
}

// cellReader reads varints; bad once something did not fit.
type cellReader struct {
	b     []byte
	texts []string
	ids   []model.ID
	bad   bool
}

func (r *cellReader) cell() (c Cell, n int64) {
	mask := r.take(1)
	if r.bad {
		return c, 0
	}
	m := mask[0]
	if m&hasArea != 0 {
		c.Area = r.text()
	}
	if m&hasBuilding != 0 {
		c.Building = r.id()
	}
	if m&hasKind != 0 {
		c.Kind = model.Kind(r.text())
	}
	if m&hasStatus != 0 {
		c.Status = model.Status(r.text())
	}
	if m&hasDay != 0 {
		c.Day = r.varint()
	}
	if m&hasBy != 0 {
		c.By = r.id()
	}
	if m&hasName != 0 {
		c.Name = r.text()
	}
	if m&hasLapse != 0 {
		c.Lapse = r.varint()
	}
	return c, r.varint()
}

func (r *cellReader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

func (r *cellReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *cellReader) skip(n int) {
	if n <= 0 {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}

// count is a number of things that follow, each of a byte at least.
func (r *cellReader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *cellReader) take(n int) (b []byte) {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	b, r.b = r.b[:n], r.b[n:]
	return b
}

func (r *cellReader) rawID() (id model.ID) {
	copy(id[:], r.take(len(id)))
	return id
}

func (r *cellReader) rawIDs() (ids []model.ID) {
	for range r.count() {
		ids = append(ids, r.rawID())
	}
	return ids
}

func (r *cellReader) text() string {
	at := r.uvarint()
	if at >= uint64(len(r.texts)) {
		r.bad = true
		return ""
	}
	return r.texts[at]
}

func (r *cellReader) id() model.ID {
	at := r.uvarint()
	if at >= uint64(len(r.ids)) {
		r.bad = true
		return model.ID{}
	}
	return r.ids[at]
}
