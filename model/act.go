package model

// Act names a change, for its trace: what is done, on what, where. Every write has one.
type Act struct {
	Name   string // e.g. "account.create"
	Target string // the id or code of what is changed
	Area   string // where it lies, so that the area's staff can read the trace
	Detail string // never a value of a person's
	// Shared acts commit together with others. Their function runs on a state that is read before, beside other writes: what must
	// hold when they are written is a version or a unique constraint, never a count or an absence that the function saw.
	Shared bool
}
