package model

import (
	"slices"
	"time"
)

// Stage is where an event stands in handling; empty for the other kinds.
type Stage string

// The stages of handling (contract.md, section 4): 上报 受理 派遣 处置 反馈 核查 结案.
const (
	Reported     Stage = "reported"
	Accepted     Stage = "accepted"
	Refused      Stage = "refused"
	DispatchedTo Stage = "dispatched"
	SentBack     Stage = "returned_to_dispatch"
	Handling     Stage = "handling"
	Held         Stage = "held"
	Resolved     Stage = "resolved"
	Closed       Stage = "closed"
)

// Stages are all stages in their order.
func Stages() []Stage {
	return []Stage{Reported, Accepted, Refused, DispatchedTo, SentBack, Handling, Held, Resolved, Closed}
}

// Label is the stage's Chinese name.
func (s Stage) Label() string {
	return map[Stage]string{Reported: "已上报", Accepted: "已受理", Refused: "不予受理", DispatchedTo: "已派遣", SentBack: "退回派遣",
		Handling: "处置中", Held: "挂起", Resolved: "已处置", Closed: "已结案"}[s]
}

// Escalate turns a situation or object into an event; the source keeps its state.
const Escalate = "escalate"

// reopenWithin is how long after closing an event can be reopened.
const reopenWithin = 7 * 24 * time.Hour

// Hands are who may take a step of handling.
type Hands uint8

// The hands of the handling table.
const (
	HandCollector Hands = 1 << iota // collector and above in scope
	HandLeader                      // grid_leader, community, street in scope
	HandOffice                      // community, street in scope
	HandSelf                        // grid_leader in scope, to themselves (自办)
	HandAssignee
	HandReporter
)

// Handle is a row of the handling table.
type Handle struct {
	Do    string
	From  []Stage
	To    Stage // "" = stays
	Who   Hands
	Needs Needs
}

// handles is the handling table of contract.md, row by row.
var handles = []Handle{
	{Do: "accept", From: []Stage{Reported}, To: Accepted, Who: HandLeader},
	{Do: "refuse", From: []Stage{Reported}, To: Refused, Who: HandLeader, Needs: NeedNote},
	{Do: "dispatch", From: []Stage{Accepted, SentBack}, To: DispatchedTo, Who: HandOffice | HandSelf, Needs: NeedAssignee | NeedDue},
	{Do: "start", From: []Stage{DispatchedTo}, To: Handling, Who: HandAssignee},
	{Do: "send_back", From: []Stage{DispatchedTo, Handling}, To: SentBack, Who: HandAssignee, Needs: NeedNote},
	{Do: "hold", From: []Stage{Handling}, To: Held, Who: HandAssignee | HandOffice, Needs: NeedNote | NeedDue},
	{Do: "resume", From: []Stage{Held}, To: Handling, Who: HandAssignee | HandOffice},
	{Do: "resolve", From: []Stage{Handling}, To: Resolved, Who: HandAssignee, Needs: NeedNote},
	{Do: "close", From: []Stage{Resolved}, To: Closed, Who: HandCollector, Needs: NeedMethod},
	{Do: "reopen", From: []Stage{Resolved, Closed}, To: DispatchedTo, Who: HandCollector | HandReporter, Needs: NeedNote},
	{Do: "urge", From: []Stage{DispatchedTo, Handling, Held}, Who: HandOffice, Needs: NeedNote},
	{Do: "rate", From: []Stage{Closed}, Who: HandReporter, Needs: NeedRating},
}

// Handles are the rows of the handling table.
func Handles() []Handle { return slices.Clone(handles) }

// IsHandling tells whether the action belongs to the handling table.
func IsHandling(action string) bool {
	return slices.ContainsFunc(handles, func(h Handle) bool { return h.Do == action })
}

// LevelAt is how urgent handling has become: once for each time the event was urged, and once more by the clock while a step is
// overdue.
func (r *Record) LevelAt(now Time) int {
	open := r.Stage == DispatchedTo || r.Stage == Handling || r.Stage == Held
	if open && !r.HandleDueAt.IsZero() && r.HandleDueAt < now {
		return r.HandleLevel + 1
	}
	return r.HandleLevel
}

// MayHandle judges the right to an action of handling before its stage: nil, role.forbidden or transition.self_close.
func (r *Record) MayHandle(a Actor, s Step) error {
	i := slices.IndexFunc(handles, func(h Handle) bool { return h.Do == s.Action })
	h := handles[i]
	w := r.Where()
	may := h.Who&HandCollector != 0 && a.WorksAt(Collector, w) ||
		h.Who&HandLeader != 0 && a.WorksAt(GridLeader, w) ||
		h.Who&HandOffice != 0 && a.WorksAt(CommunityRole, w) ||
		h.Who&HandSelf != 0 && a.WorksAt(GridLeader, w) && (s.Assignee == a.Account || s.Assignee.IsZero()) ||
		h.Who&HandAssignee != 0 && r.AssigneeID == a.Account && !r.AssigneeID.IsZero() && a.Top() != Admin ||
		h.Who&HandReporter != 0 && r.SubmitterID == a.Account && a.Top() != Admin
	if !may {
		return Fail(RoleForbidden)
	}
	if h.Do == "close" && r.ResolverID == a.Account {
		return Fail(SelfClose)
	}
	return nil
}

// Handle moves an event by one step of handling. Rights and version were judged before; errors are transition.not_allowed for
// another kind, state or stage and validation.failed for what the step lacks.
func (r *Record) Handle(s Step, a Actor, now Time) error {
	i := slices.IndexFunc(handles, func(h Handle) bool { return h.Do == s.Action && slices.Contains(h.From, r.Stage) })
	dead := r.Status == Rejected || r.Status == Withdrawn
	if i < 0 || r.Kind != KindEvent || dead && (s.Action == "accept" || s.Action == "refuse") {
		return Failf(NotAllowed, "这件事现在不能做这一步。请刷新后再看。")
	}
	if s.Action == "reopen" && r.Stage == Closed && r.ClosedAt.Add(reopenWithin) < now {
		return Failf(NotAllowed, "结案已超过 7 天，不能重新打开。请重新上报。")
	}
	if s.Action == "rate" && r.Rating != 0 {
		return Failf(NotAllowed, "已经评价过了，谢谢。")
	}
	h := handles[i]
	if err := s.lacks(h.Needs); err != nil {
		return err
	}
	if h.Needs&NeedDue != 0 && s.DueAt <= now {
		return Faults{{Location: "due_at", Code: FieldRange, Message: "期限要晚于现在"}}.Err()
	}
	if h.To != "" {
		r.Stage = h.To
	}
	r.afterHandling(s, a, now)
	return nil
}

// afterHandling notes what a step leaves behind on the header.
func (r *Record) afterHandling(s Step, a Actor, now Time) {
	switch s.Action {
	case "accept":
		if (r.Status == Submitted || r.Status == Returned) && r.SubmitterID != a.Account {
			r.MarkVerified(ByDocument, a, now)
		}
	case "dispatch":
		r.AssigneeID, r.HandleDueAt, r.HandleLevel, r.ResolverID = s.Assignee, s.DueAt, 0, ID{}
	case "send_back":
		r.AssigneeID, r.HandleDueAt = ID{}, 0
	case "hold":
		r.HandleDueAt = s.DueAt
	case "resolve":
		r.ResolverID = a.Account
	case "close":
		r.ClosedAt = now
	case "reopen":
		r.ClosedAt, r.ResolverID, r.Rating = 0, ID{}, 0
	case "urge":
		r.HandleLevel++
	case "rate":
		r.Rating = s.Rating
	}
}
