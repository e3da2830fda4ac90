package model

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Status is where a record stands in verification.
type Status string

// The states of verification (contract.md, section 4).
const (
	Submitted Status = "submitted"
	Verified  Status = "verified"
	Returned  Status = "returned"
	Rejected  Status = "rejected"
	Archived  Status = "archived"
	Withdrawn Status = "withdrawn"
)

// Statuses are all states of verification in their order.
func Statuses() []Status {
	return []Status{Submitted, Verified, Returned, Rejected, Archived, Withdrawn}
}

// Label is the state's Chinese name.
func (s Status) Label() string {
	return map[Status]string{Submitted: "待核实", Verified: "已核实", Returned: "已退回", Rejected: "不采用", Archived: "已归档",
		Withdrawn: "已撤回"}[s]
}

// Channel is the way by which a record came.
type Channel string

// The channels.
const (
	ByQR        Channel = "qr"
	ByCollector Channel = "collector"
	ByStaff     Channel = "staff"
	ByImport    Channel = "import"
)

// Method is how a record was verified.
type Method string

// The methods: seen at the door, asked by phone, read from a document.
const (
	ByVisit    Method = "visit"
	ByPhone    Method = "phone"
	ByDocument Method = "document"
)

// Valid tells whether m is one of the methods.
func (m Method) Valid() bool { return m == ByVisit || m == ByPhone || m == ByDocument }

// Record is the header that every submission has, whatever its kind. Scope, workflow, paging, tallies, history and links live here.
type Record struct {
	ID            ID   `gorm:"primaryKey"`
	Kind          Kind `gorm:"<-:create"`
	Status        Status
	Stage         Stage
	Version       int64
	AreaCodes     `gorm:"embedded"`
	BuildingID    ID
	Unit          string
	Room          string // as the submitter said it
	RoomID        ID     // the room it was matched to
	RoomUnmatched bool
	HouseholdID   ID
	SubmitterID   ID
	SubmitterRole Role
	SubmitterName string
	Channel       Channel
	Notice        string // how the privacy notice was given at the door: read_aloud, paper
	Title         string
	Extra         ExtraData
	SubjectIndex  []byte // blind index of the number that names the subject: ID number, USCC
	PhoneIndex    []byte // blind index of the main phone
	DataKey       []byte // the record's data key, sealed by the key of the day
	RequestHash   []byte // HMAC of the canonical request that created it
	SubmittedAt   Time
	VerifiedAt    Time
	VerifiedBy    ID
	VerifiedName  string
	VerifyMethod  Method
	DueAt         Time // when it must be verified again

	AssigneeID   ID // handling, events only
	HandleDueAt  Time
	HandleLevel  int
	ResolverID   ID
	ClosedAt     Time
	Rating       int
	EverVerified bool // an amended record counts as covered by its last verified version

	Element Element `gorm:"-"`
}

// Where is what rights on the record are judged against.
func (r *Record) Where() Where { return Where{Area: r.AreaCode, Building: r.BuildingID, Unit: r.Unit} }

// Revision is the trace of one change of a record: who, when, what, from which state to which. The changes are sealed under the
// record's data key; the chain hashes the sealed bytes, so that it still verifies when the key is gone.
type Revision struct {
	ID        ID `gorm:"primaryKey"`
	RecordID  ID
	Version   int64
	At        Time
	ActorID   ID
	ActorRole Role
	ActorName string
	Act       string
	From      string `gorm:"column:from_state"`
	To        string `gorm:"column:to_state"`
	Note      []byte // sealed: a reason may name people
	Changes   []byte // sealed JSON of []Change, nil when nothing changed
	StepID    ID
	StepHash  []byte // HMAC of the canonical step
	Source    string
	RequestID string
	AreaCode  string
	Street    string // of AreaCode, for lists
	Hash      []byte
	PrevHash  []byte
}

// Change is one field's difference, in clear: it is sealed before it is stored and masked before it is shown.
type Change struct {
	Field  string          `json:"f"`
	Before json.RawMessage `json:"b,omitempty"`
	After  json.RawMessage `json:"a,omitempty"`
}

// EncodeChanges is json.Marshal of the changes, whose values are JSON already.
func EncodeChanges(list []Change) ([]byte, error) {
	out := []byte{'['}
	var err error
	for i, c := range list {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = appendText(append(out, `{"f":`...), c.Field); err != nil {
			return nil, err
		}
		if len(c.Before) > 0 {
			out = append(append(out, `,"b":`...), c.Before...)
		}
		if len(c.After) > 0 {
			out = append(append(out, `,"a":`...), c.After...)
		}
		out = append(out, '}')
	}
	return append(out, ']'), nil
}

// Link ties two records.
type Link struct {
	ID       ID `gorm:"primaryKey"`
	RecordID ID
	OtherID  ID
	Relation string
	At       Time
}

// Dispatched notes that an event was dispatched to an account, which goes on seeing it.
type Dispatched struct {
	RecordID  ID `gorm:"primaryKey"`
	AccountID ID `gorm:"primaryKey"`
	At        Time
}

// TableName is "dispatches".
func (Dispatched) TableName() string { return "dispatches" }

// Step is one action on a record: the body of a transition.
type Step struct {
	Action   string          `json:"action" maxLength:"20" doc:"what to do: see the two tables of contract.md"`
	Method   Method          `json:"method,omitempty" doc:"visit, phone or document"`
	Note     string          `json:"note,omitempty" maxLength:"500" doc:"the reason, which the other side reads"`
	Data     json.RawMessage `json:"data,omitempty" doc:"corrections, as a JSON merge patch"`
	Assignee ID              `json:"assignee,omitzero" doc:"the account that is to handle the event"`
	DueAt    Time            `json:"due_at,omitzero"`
	Rating   int             `json:"rating,omitempty" doc:"1 to 5"`
	StepID   ID              `json:"step_id,omitzero" doc:"made by the client: sent again, the step is not done twice"`
}

// Needs are what a step must bring.
type Needs uint8

// The needs of the two tables.
const (
	NeedMethod Needs = 1 << iota
	NeedNote
	NeedData
	NeedAssignee
	NeedDue
	NeedRating
)

// Transition is a row of the verification table: what, from which states, to which, who, and what it must bring.
type Transition struct {
	Do        string
	From      []Status
	To        Status
	Least     Role // collector and above; "" when it is the submitter's
	Submitter bool // the submitter's own step
	Needs     Needs
}

// transitions is the verification table of contract.md, row by row.
var transitions = []Transition{
	{Do: "verify", From: []Status{Submitted}, To: Verified, Least: Collector, Needs: NeedMethod},
	{Do: "verify", From: []Status{Verified}, To: Verified, Least: Collector, Needs: NeedMethod},
	{Do: "return", From: []Status{Submitted, Verified}, To: Returned, Least: Collector, Needs: NeedNote},
	{Do: "resubmit", From: []Status{Returned}, To: Submitted, Submitter: true, Needs: NeedData},
	{Do: "amend", From: []Status{Verified}, To: Submitted, Submitter: true, Needs: NeedData},
	{Do: "reject", From: []Status{Submitted, Returned}, To: Rejected, Least: Collector, Needs: NeedNote},
	{Do: "withdraw", From: []Status{Submitted, Returned}, To: Withdrawn, Submitter: true},
	{Do: "archive", From: []Status{Verified}, To: Archived, Least: Collector, Needs: NeedNote},
	{Do: "restore", From: []Status{Archived, Rejected}, To: Submitted, Least: CommunityRole, Needs: NeedNote},
}

// Transitions are the rows of the verification table.
func Transitions() []Transition { return slices.Clone(transitions) }

// IsVerification tells whether the action belongs to the verification table.
func IsVerification(action string) bool {
	return slices.ContainsFunc(transitions, func(t Transition) bool { return t.Do == action })
}

// MayTake judges the right to an action of verification before its state: nil, or role.forbidden, or transition.self_verify.
func (r *Record) MayTake(a Actor, s Step) error {
	own := r.SubmitterID == a.Account
	i := slices.IndexFunc(transitions, func(t Transition) bool { return t.Do == s.Action })
	t := transitions[i]
	if t.Submitter {
		if !own || a.Top() == Admin {
			return Fail(RoleForbidden)
		}
		return nil
	}
	if !a.WorksAt(t.Least, r.Where()) {
		return Fail(RoleForbidden)
	}
	if t.Do == "verify" && own && (r.Status != Verified || s.Method != ByVisit) {
		return Fail(SelfVerify)
	}
	return nil
}

// Allows judges whether the record's state allows the step, and whether the step brings what it must: transition.not_allowed, then
// validation.failed.
func (r *Record) Allows(s Step) error {
	t := r.transition(s)
	if t == nil {
		return Failf(NotAllowed, "这条记录现在是“%s”，不能做这一步。请刷新后再看。", r.Status.Label())
	}
	return s.lacks(t.Needs)
}

func (r *Record) transition(s Step) *Transition {
	i := slices.IndexFunc(transitions, func(t Transition) bool { return t.Do == s.Action && slices.Contains(t.From, r.Status) })
	if i < 0 {
		return nil
	}
	return &transitions[i]
}

// Take moves the record by one step of verification that its state allows. The data was merged before.
func (r *Record) Take(s Step, a Actor, now Time) {
	r.Status = r.transition(s).To
	switch s.Action {
	case "verify":
		r.MarkVerified(s.Method, a, now)
	case "amend": // the last verified version counts as covered meanwhile
		r.DueAt = 0
	case "archive":
		r.EverVerified, r.DueAt = false, 0
	default:
		r.EverVerified, r.DueAt = false, 0
		r.VerifiedAt, r.VerifiedBy, r.VerifiedName, r.VerifyMethod = 0, ID{}, "", ""
	}
}

// MarkVerified notes who verified the record, how and when, and when it is due again.
func (r *Record) MarkVerified(m Method, a Actor, now Time) {
	spec, _ := r.Kind.Spec()
	r.Status, r.EverVerified = Verified, true
	r.VerifiedAt, r.VerifiedBy, r.VerifiedName, r.VerifyMethod = now, a.Account, a.Name, m
	r.DueAt = spec.Recheck(r.Element, now)
}

// lacks is validation.failed naming all that the step must bring and does not.
func (s Step) lacks(n Needs) error {
	var f Faults
	if n&NeedMethod != 0 && s.Method == "" {
		f.Add("method", FieldRequired, "请选择核实方式：上门、电话或证件")
	}
	if n&NeedNote != 0 && strings.TrimSpace(s.Note) == "" {
		f.Add("note", FieldRequired, "请写明原因，对方会看到")
	}
	if n&NeedData != 0 && len(s.Data) == 0 {
		f.Add("data", FieldRequired, "请填写要改的内容；没有要改的，传空对象 {}")
	}
	if n&NeedAssignee != 0 && s.Assignee.IsZero() {
		f.Add("assignee", FieldRequired, "请选择由谁处置")
	}
	if n&NeedDue != 0 && s.DueAt.IsZero() {
		f.Add("due_at", FieldRequired, "请填写办结期限")
	}
	if n&NeedRating != 0 && (s.Rating < 1 || s.Rating > 5) {
		f.Add("rating", FieldRange, "请打 1 到 5 分")
	}
	return f.Err()
}

// Shape is validation.failed naming what no step may bring: an unknown action or method.
func (s Step) Shape() error {
	var f Faults
	if !IsVerification(s.Action) && !IsHandling(s.Action) && s.Action != Escalate {
		f.Add("action", FieldChoice, "没有这个操作")
	}
	if s.Method != "" && !s.Method.Valid() {
		f.Add("method", FieldChoice, "核实方式只能是上门、电话或证件")
	}
	return f.Err()
}

// Match is the If-Match a client sent: "3", W/"3" or 3; empty when it sent none.
type Match string

// Against judges the header against the current version: nil when it matches; precondition.required when missing,
// precondition.malformed when unreadable or *, record.stale (with the version) when outdated.
func (m Match) Against(version int64) error {
	if m == "" {
		return Fail(PreconditionRequired)
	}
	s := strings.TrimPrefix(strings.TrimSpace(string(m)), "W/")
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 || s[0] == '+' {
		return Fail(PreconditionMalformed)
	}
	if v != version {
		return &Error{Code: Stale, Version: version}
	}
	return nil
}

// MovedTo is where the subject of an archived record went; it stands in the revision's changes only.
const MovedTo = "moved_to"
