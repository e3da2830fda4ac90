package store

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"sixelements/model"
)

// Tag names rows that a cached answer was made from: all that belongs to one account, one building, and so on. A write of such a row
// ends every answer that bears its tag before the write is acknowledged. A zero ID stands for all of them: what ends when a
// write does not say which rows it meets.
type Tag struct {
	Of string   `json:"of"`
	ID model.ID `json:"id,omitzero"`
}

// AccountTag is for an account's row, sessions, roles, assignments, consents and passes.
func AccountTag(id model.ID) Tag { return Tag{"account", id} }

// BuildingTag is for a building's row and rooms.
func BuildingTag(id model.ID) Tag { return Tag{"building", id} }

// CodeTag is for one posted code.
func CodeTag(code string) (t Tag) {
	t.Of = "code"
	copy(t.ID[:], code)
	return t
}

// FieldsTag is for the community-defined fields.
func FieldsTag() Tag { return Tag{Of: "fields"} }

// Bus tells the nodes that share a database what changed in it.
type Bus interface {
	// Publish returns when the bus has taken the tags. An error means that the others may not have heard.
	Publish(ctx context.Context, tags []Tag) error
	// Subscribe calls changed with what other nodes publish, in their order, and lost when something may have been missed: answers
	// made from then on may be outdated until standing is called.
	Subscribe(changed func([]Tag), lost, standing func())
	// Stands is false while something may have been missed. It is asked at each use of an answer: a program that was halted finds out
	// there, before anybody could tell it.
	Stands() bool
}

// The most answers kept, and how long one may live whatever happens: what bounds the harm of a change made past the doors.
const (
	answersKept = 20_000
	answerLife  = time.Minute
)

// answers is what was read from rows that change rarely: who somebody is, what a code opens, where a room lies.
type answers struct {
	mu     sync.Mutex
	off    bool   // the bus is lost
	bus    Bus    // nil: none
	ends   uint64 // how many times something ended
	kept   *simplelru.LRU[string, *kept]
	byTag  map[Tag]map[*kept]struct{}
	byName map[string]map[Tag]struct{} // the tags in use
}

// kept is one answer; ready is false while it is being looked up.
type kept struct {
	key   string
	tags  []Tag
	value any
	until time.Time
	ready bool
}

func newAnswers() *answers {
	a := &answers{byTag: map[Tag]map[*kept]struct{}{}, byName: map[string]map[Tag]struct{}{}}
	a.kept, _ = simplelru.NewLRU(answersKept, func(_ string, k *kept) { a.untag(k) }) // fails only for a size below one
	return a
}

// find answers what is kept under the key.
func (a *answers) find(key string, now time.Time) (any, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := a.kept.Get(key)
	if !ok || !k.ready || !now.Before(k.until) || a.bus != nil && !a.bus.Stands() {
		return nil, false
	}
	return k.value, true
}

// begin leaves a place for an answer. What ends one of its tags from now on takes the place away; ends tells whether something ended
// since a snapshot was taken.
func (a *answers) begin(key string, tags []Tag) (k *kept, ends uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k = &kept{key: key, tags: tags}
	if a.off {
		return k, a.ends
	}
	a.kept.Remove(key)
	a.kept.Add(key, k)
	for _, t := range tags {
		if a.byTag[t] == nil {
			a.byTag[t] = map[*kept]struct{}{}
		}
		a.byTag[t][k] = struct{}{}
		if a.byName[t.Of] == nil {
			a.byName[t.Of] = map[Tag]struct{}{}
		}
		a.byName[t.Of][t] = struct{}{}
	}
	return k, a.ends
}

// keep puts an answer in the place left for it, if that is still there.
func (a *answers) keep(k *kept, value any, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now, ok := a.kept.Peek(k.key); ok && now == k {
		k.value, k.until, k.ready = value, until, true
	}
}

// drop takes the place away.
func (a *answers) drop(k *kept) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now, ok := a.kept.Peek(k.key); ok && now == k {
		a.kept.Remove(k.key)
	}
}

func (a *answers) untag(k *kept) {
	for _, t := range k.tags {
		if delete(a.byTag[t], k); len(a.byTag[t]) > 0 {
			continue
		}
		delete(a.byTag, t)
		if delete(a.byName[t.Of], t); len(a.byName[t.Of]) == 0 {
			delete(a.byName, t.Of)
		}
	}
}

// ended is how many times answers were ended.
func (a *answers) ended() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ends
}

// end ends the answers that bear one of the tags.
func (a *answers) end(tags []Tag) {
	if len(tags) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends++
	for _, t := range tags {
		if !t.ID.IsZero() {
			a.endOne(t)
			continue
		}
		for one := range a.byName[t.Of] {
			a.endOne(one)
		}
	}
}

func (a *answers) endOne(t Tag) {
	for k := range a.byTag[t] {
		a.kept.Remove(k.key)
	}
}

// trust says whether the node hears what others change; while it does not, nothing is kept.
func (a *answers) trust(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.off = !on
	a.ends++
	a.kept.Purge()
}

// Cached answers what load found under the key, now or before, as long as no row that bears one of the tags was written since. load is
// handed the program's view, whatever the actor's scope: the caller judges what the actor may see of the answer. The answer is
// shared: nobody changes what it points to. until bounds its life, for what ends by the clock; zero means no bound of its own.
func Cached[T any](tx *Tx, key string, tags []Tag, load func(sys *Tx) (v T, until model.Time, err error)) (T, error) {
	a, now := tx.db.answers, tx.db.o.Clock()
	if v, ok := a.find(key, now); ok {
		return v.(T), nil
	}
	begun := tx.g != nil
	k, ends := a.begin(key, tags)
	fresh := !begun || tx.ends == ends // else the snapshot may be older than a change that ended answers since
	v, until, err := load(tx.System("a cached answer"))
	if err != nil || !fresh {
		a.drop(k)
		return v, err
	}
	life := now.Add(answerLife)
	if !until.IsZero() && until.Std().Before(life) {
		life = until.Std()
	}
	a.keep(k, v, life)
	return v, nil
}

// tagsOf adds the tags of rows to tags.
func tagsOf(tags []Tag, rows ...[]any) []Tag {
	for _, list := range rows {
		for _, row := range list {
			if t, ok := tagOf(row); ok && !slices.Contains(tags, t) {
				tags = append(tags, t)
			}
		}
	}
	return tags
}

// tagOf is the tag of a row that answers may have been made from.
func tagOf(row any) (Tag, bool) {
	switch r := row.(type) {
	case *model.Account:
		return AccountTag(r.ID), true
	case *model.Session:
		return AccountTag(r.AccountID), true
	case *model.GrantRow:
		return AccountTag(r.AccountID), true
	case *model.Assignment:
		return AccountTag(r.AccountID), true
	case *model.Consent:
		return AccountTag(r.AccountID), true
	case *model.ScanPass:
		return AccountTag(r.AccountID), true
	case *model.Building:
		return BuildingTag(r.ID), true
	case *model.Room:
		return BuildingTag(r.BuildingID), true
	case *model.QRCode:
		return CodeTag(r.Code), true
	case *model.ExtraField:
		return FieldsTag(), true
	}
	return Tag{}, false
}

// tagOfChange is the tag of the rows that a condition names, or of all of their kind when it does not say whose they are.
func tagOfChange(m any, where string, args []any) (Tag, bool) {
	t, ok := tagOf(m)
	column := "account_id"
	switch m.(type) {
	case *model.Account, *model.Building:
		column = "id"
	case *model.Room:
		column = "building_id"
	case *model.QRCode:
		column = "code"
	}
	if !ok || strings.Contains(where, " OR ") {
		return t, ok
	}
	n := 0
	for part := range strings.SplitSeq(where, " AND ") {
		if part == column+" = ?" && n < len(args) {
			switch v := args[n].(type) {
			case model.ID:
				t.ID = v
			case string:
				t = CodeTag(v)
			}
		}
		n += strings.Count(part, "?")
	}
	return t, true
}
