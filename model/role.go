package model

import (
	"slices"
	"strings"
)

// Role is what an account may do somewhere. Collector to Admin form a ladder; Resident and Department stand beside it.
type Role string

// The roles of contract.md, section 2.
const (
	Resident      Role = "resident"
	Department    Role = "department"
	Collector     Role = "collector"
	GridLeader    Role = "grid_leader"
	CommunityRole Role = "community"
	StreetRole    Role = "street"
	Admin         Role = "admin"
	System        Role = "system" // the program itself, in traces only; nobody can hold it
)

// ladder is the order of the staff's roles, lowest first.
var ladder = []Role{Collector, GridLeader, CommunityRole, StreetRole, Admin}

// Roles are all roles that can be held.
func Roles() []Role { return append([]Role{Resident, Department}, ladder...) }

// Rung is the role's place on the staff's ladder from 1; 0 for roles beside it.
func (r Role) Rung() int { return slices.Index(ladder, r) + 1 }

// Label is the role's Chinese name.
func (r Role) Label() string {
	switch r {
	case Resident:
		return "居民"
	case Department:
		return "处置部门"
	case Collector:
		return "采集员"
	case GridLeader:
		return "网格长"
	case CommunityRole:
		return "社区工作人员"
	case StreetRole:
		return "街道工作人员"
	case Admin:
		return "管理员"
	case System:
		return "系统"
	}
	return ""
}

// Valid tells whether the role can be held.
func (r Role) Valid() bool { return r == Resident || r == Department || r.Rung() > 0 }

// AreaLengths are the lengths of area code for which the role can be held.
func (r Role) AreaLengths() []int {
	switch r {
	case Resident, Admin:
		return []int{0, 6}
	case StreetRole, Department:
		return []int{9}
	case CommunityRole:
		return []int{12}
	case GridLeader:
		return []int{12, 15, 18}
	case Collector: // one without an area works where it is posted
		return []int{0, 12, 15, 18}
	}
	return nil
}

// Grant is a role held for an area. An empty Area is everywhere for Admin and nowhere for everybody else: a collector may have
// posts only, a resident's grant has no area to speak of.
type Grant struct {
	Role Role   `json:"role"`
	Area string `json:"area_code,omitempty" doc:"the area the role is held for; empty: everywhere"`
}

// Post is a building, a unit of it, or an area that a collector is assigned to now.
type Post struct {
	Building ID
	Unit     string // "" = the whole building
	Area     string // set instead of Building
}

// Where is what a right is judged against: the codes, building and unit a thing lies at.
type Where struct {
	Area     string
	Building ID
	Unit     string
}

// Actor is who acts: an account with what it may do now, and the request by which it acts. The zero Actor may do nothing.
type Actor struct {
	Account ID
	Session ID
	Name    string
	Grants  []Grant
	Posts   []Post
	// Building is the one building a scan session is good for; zero for every other session.
	Building  ID
	Source    string // the client's IP address
	RequestID string
	// Reason says on whose behalf the program itself acts; set by store.AsSystem only.
	Reason string
}

// IsSystem tells whether the program itself acts.
func (a Actor) IsSystem() bool { return a.Reason != "" }

// IsZero tells whether nobody acts.
func (a Actor) IsZero() bool { return a.Account.IsZero() && a.Reason == "" }

// Has tells whether the actor holds the role anywhere.
func (a Actor) Has(r Role) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool { return g.Role == r })
}

// Staff tells whether the actor holds a role of the ladder, or is posted somewhere.
func (a Actor) Staff() bool { return a.AtLeast(Collector) }

// AtLeast tells whether the actor holds the role or one above it on the ladder, anywhere.
func (a Actor) AtLeast(r Role) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool { return g.Role.Rung() >= r.Rung() && r.Rung() > 0 })
}

// Top is the highest role held: what traces and answers show.
func (a Actor) Top() Role {
	if a.IsSystem() {
		return System
	}
	top := Role("")
	for _, g := range a.Grants {
		if top == "" || g.Role.Rung() > top.Rung() || g.Role == Department && top == Resident {
			top = g.Role
		}
	}
	return top
}

// TopAt is the highest role of the ladder held for the place, counting a post as Collector; "" when there is none.
func (a Actor) TopAt(w Where) Role {
	top := Role("")
	for _, g := range a.Grants {
		if g.Role.Rung() > top.Rung() && g.covers(w) {
			top = g.Role
		}
	}
	if top == "" && a.Has(Collector) && slices.ContainsFunc(a.Posts, func(p Post) bool { return p.covers(w) }) {
		return Collector
	}
	return top
}

// AtLeastAt tells whether the actor holds the role or one above it for the place. Admin counts: a right that an administrator does
// not have asks WorksAt.
func (a Actor) AtLeastAt(r Role, w Where) bool { return a.TopAt(w).Rung() >= r.Rung() }

// WorksAt is AtLeastAt without administrators, who administer: they take no steps and reveal nothing.
func (a Actor) WorksAt(r Role, w Where) bool {
	for _, g := range a.Grants {
		if g.Role != Admin && g.Role.Rung() >= r.Rung() && g.covers(w) {
			return true
		}
	}
	return r == Collector && a.Has(Collector) && slices.ContainsFunc(a.Posts, func(p Post) bool { return p.covers(w) })
}

func (g Grant) covers(w Where) bool {
	return (g.Area != "" || g.Role == Admin) && strings.HasPrefix(w.Area, g.Area)
}

func (p Post) covers(w Where) bool {
	if p.Area != "" {
		return strings.HasPrefix(w.Area, p.Area)
	}
	return !p.Building.IsZero() && p.Building == w.Building && (p.Unit == "" || p.Unit == w.Unit)
}

// Scope is what of the register an actor can see: the union of areas, posts, their own submissions and what was dispatched to them.
type Scope struct {
	All      bool
	Areas    []string // code prefixes, none of them inside another
	Posts    []Post   // buildings and units only
	Own      ID       // records this account submitted
	Dispatch ID       // events dispatched to this account, now or once
}

// Scope derives what the actor can see.
func (a Actor) Scope() Scope {
	if a.IsSystem() {
		return Scope{All: true}
	}
	s := Scope{Own: a.Account}
	for _, g := range a.Grants {
		switch {
		case g.Role == Department:
			s.Dispatch = a.Account
		case g.Role == Admin && g.Area == "":
			return Scope{All: true, Own: a.Account}
		case g.Role.Rung() > 0 && g.Area != "":
			s.Areas = append(s.Areas, g.Area)
		}
	}
	if a.Has(Collector) {
		for _, p := range a.Posts {
			if p.Area != "" {
				s.Areas = append(s.Areas, p.Area)
			} else if !p.Building.IsZero() {
				s.Posts = append(s.Posts, p)
			}
		}
	}
	s.Areas = outermost(s.Areas)
	return s
}

// outermost drops codes that lie inside another of the list.
func outermost(codes []string) []string {
	slices.Sort(codes)
	var out []string
	for _, c := range codes {
		if n := len(out); n > 0 && strings.HasPrefix(c, out[n-1]) {
			continue
		}
		out = append(out, c)
	}
	return out
}
