package model

import (
	"reflect"
	"slices"
	"sync"
)

// Kind is one of the six elements (六要素).
type Kind string

// The six elements.
const (
	KindPerson       Kind = "person"
	KindPlace        Kind = "place"
	KindEvent        Kind = "event"
	KindObject       Kind = "object"
	KindSituation    Kind = "situation"
	KindOrganisation Kind = "organisation"
)

// KindSpec is all that the rest of the program needs to know of a kind.
type KindSpec struct {
	Kind  Kind
	Label string
	Table string
	New   func() Element
	// Recheck is the day after which a record verified on the given day must be verified again; "" for never.
	Recheck func(e Element, verified Time) Time
}

// kinds has one row each; a seventh kind is one more.
var kinds = []KindSpec{
	{KindPerson, "人员", "persons", func() Element { return new(Person) }, personRecheck},
	{KindPlace, "场所", "places", func() Element { return new(Place) }, placeRecheck},
	{KindEvent, "事件", "events", func() Element { return new(Event) }, never},
	{KindObject, "物件", "objects", func() Element { return new(Object) }, months(6)},
	{KindSituation, "情况", "situations", func() Element { return new(Situation) }, never},
	{KindOrganisation, "组织", "organisations", func() Element { return new(Organisation) }, months(6)},
}

// Kinds are all kinds in their order.
func Kinds() []KindSpec { return slices.Clone(kinds) }

// Spec is the row of the kind.
func (k Kind) Spec() (KindSpec, bool) {
	for _, s := range kinds {
		if s.Kind == k {
			return s, true
		}
	}
	return KindSpec{}, false
}

// Valid tells whether k is one of the kinds.
func (k Kind) Valid() bool { _, ok := k.Spec(); return ok }

// Label is the kind's Chinese name.
func (k Kind) Label() string { s, _ := k.Spec(); return s.Label }

// Schema is the kind's field table; it panics for a kind that is not one.
func (k Kind) Schema() *Schema {
	s, ok := schemas()[k]
	if !ok {
		panic("no such kind: " + string(k))
	}
	return s
}

// schemas reads every kind's tags once; a fault in them is a fault of the program.
var schemas = sync.OnceValue(func() map[Kind]*Schema {
	m := map[Kind]*Schema{}
	for _, k := range kinds {
		m[k.Kind] = mustSchema(k, reflect.TypeOf(k.New()).Elem())
	}
	return m
})

func never(Element, Time) Time { return 0 }

func months(n int) func(Element, Time) Time {
	return func(_ Element, at Time) Time { return at.AddMonths(n) }
}

// personRecheck: registered 12 months; floating 3 months, or the day they expect to leave if sooner; overseas one month before the
// stay ends (domain.md, re-verification clock).
func personRecheck(e Element, at Time) Time {
	p := e.(*Person)
	switch p.ResidenceCategory {
	case "floating":
		due := at.AddMonths(3)
		if leave := p.ExpectedLeaveDate.Start(); leave > at && leave < due {
			return leave
		}
		return due
	case "overseas":
		if until := p.StayUntil.Start(); !until.IsZero() {
			return max(until.AddMonths(-1), at)
		}
		return at.AddMonths(3)
	}
	return at.AddMonths(12)
}

func placeRecheck(e Element, at Time) Time {
	switch e.(*Place).PlaceKind {
	case "rental_house":
		return at.AddMonths(3)
	case "shop":
		return at.AddMonths(6)
	}
	return at.AddMonths(12)
}
