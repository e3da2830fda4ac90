package grid

import (
	"time"

	"sixelements/model"
)

// State is where a room stands in the room matrix (domain.md, "Room states").
type State string

// The states of a room.
const (
	Unvisited State = "unvisited" // 未采集
	Submitted State = "submitted" // 待核实
	Verified  State = "verified"  // 已核实
	Recheck   State = "recheck"   // 待复核
	NoAnswer  State = "no_answer" // 无人应答
	Refused   State = "refused"   // 拒访
	Vacant    State = "vacant"    // 空置, confirmed by two visits
	Business  State = "business"  // 经营, not verified yet
)

// States are all states in their order.
func States() []State {
	return []State{Unvisited, Submitted, Verified, Recheck, NoAnswer, Refused, Vacant, Business}
}

// Label is the state's Chinese name.
func (s State) Label() string {
	return map[State]string{Unvisited: "未采集", Submitted: "待核实", Verified: "已核实", Recheck: "待复核", NoAnswer: "无人应答",
		Refused: "拒访", Vacant: "空置", Business: "经营"}[s]
}

// Outcome is what came of a visit.
type Outcome string

// The outcomes of a visit (contract.md, section 5).
const (
	Met           Outcome = "met"
	NobodyThere   Outcome = "no_answer"
	RefusedToTalk Outcome = "refused"
	StandsEmpty   Outcome = "vacant"
	MovedAway     Outcome = "moved"
	WrongInfo     Outcome = "wrong_info"
)

// VisitFact is what a room's state needs to know of a visit.
type VisitFact struct {
	Outcome Outcome
	At      model.Time
}

// RoomFacts are what a room's state follows from.
type RoomFacts struct {
	Use       model.RoomUse
	Submitted int // records of any kind that await verification
	Amended   int // those among them that were verified before: their last verified version still counts
	Verified  int // verified persons, places and organisations
	// Due is the earliest moment at which a verified or amended record must be verified again; 0 for none.
	Due model.Time
	// VerifiedAt is the last verification of any record of the room; earlier visits say nothing any more.
	VerifiedAt model.Time
	Visits     []VisitFact // oldest first
}

// StateOf is the first state that holds, in the order of domain.md: submitted, recheck, verified, business, refused, no_answer,
// vacant, unvisited.
func StateOf(r RoomFacts, now model.Time) State {
	switch {
	case r.Submitted > 0:
		return Submitted
	case !r.Due.IsZero() && r.Due < now:
		return Recheck
	case r.Verified > 0:
		return Verified
	case r.Use == model.Business:
		return Business
	}
	return r.knocked()
}

// knocked is the state that the visits alone give. Who was met, moved away or gave wrong information ends what was seen before; a
// room is vacant when the last word is vacant and was said twice: said once, the word before it still stands.
func (r RoomFacts) knocked() State {
	state, empty := Unvisited, 0
	for _, v := range r.Visits {
		if v.At <= r.VerifiedAt {
			continue
		}
		switch v.Outcome {
		case RefusedToTalk:
			state = Refused
		case NobodyThere:
			state = NoAnswer
		case StandsEmpty:
			if empty++; empty >= 2 {
				state = Vacant
			}
		default:
			state, empty = Unvisited, 0
		}
	}
	return state
}

// grace is how long a room whose verification is overdue still counts as covered.
const grace = 30 * 24 * time.Hour

// Covered tells whether the room counts as covered: verified (dwelling or business), confirmed vacant, overdue by no more than 30
// days, or amended by the resident after it was verified once.
func Covered(r RoomFacts, now model.Time) bool {
	lapsed := !r.Due.IsZero() && r.Due.Add(grace) < now
	switch StateOf(r, now) {
	case Verified, Vacant:
		return true
	case Recheck:
		return !lapsed
	case Submitted:
		return r.Amended == r.Submitted && !lapsed
	}
	return false
}
