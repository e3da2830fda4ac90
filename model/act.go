package model

// Act names a change, for its trace: what is done, on what, where. Every write has one.
type Act struct {
	Name   string // e.g. "account.create"
	Target string // the id or code of what is changed
	Area   string // where it lies, so that the area's staff can read the trace
	Detail string // never a value of a person's
}
