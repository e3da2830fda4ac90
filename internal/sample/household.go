package sample

// shape is who lives together beside the head, for heads of an age from lo to hi years.
type shape struct {
	weight, lo, hi int
	spouse         bool
	children       int
	inLaw          bool // the first child's spouse lives here too
	parents        int  // of the head
	grandchildren  int
}

func (s shape) size() int {
	n := 1 + s.children + s.parents + s.grandchildren
	if s.spouse {
		n++
	}
	if s.inLaw {
		n++
	}
	return n
}

// shapes are the compositions by size, index 0 for one person. Ages leave room for every gap of the generations.
var shapes = [6][]shape{
	{{weight: 45, lo: 22, hi: 45}, {weight: 20, lo: 46, hi: 64}, {weight: 35, lo: 65, hi: 92}},
	{{weight: 40, lo: 24, hi: 45, spouse: true}, {weight: 30, lo: 46, hi: 69, spouse: true},
		{weight: 12, lo: 70, hi: 86, spouse: true},
		{weight: 10, lo: 28, hi: 50, children: 1}, {weight: 8, lo: 30, hi: 60, parents: 1}},
	{{weight: 78, lo: 25, hi: 56, spouse: true, children: 1}, {weight: 7, lo: 35, hi: 60, spouse: true, parents: 1},
		{weight: 5, lo: 22, hi: 40, parents: 2}, {weight: 5, lo: 30, hi: 46, children: 2},
		{weight: 5, lo: 57, hi: 74, spouse: true, children: 1}},
	{{weight: 62, lo: 28, hi: 50, spouse: true, children: 2},
		{weight: 23, lo: 28, hi: 55, spouse: true, children: 1, parents: 1},
		{weight: 5, lo: 56, hi: 70, spouse: true, children: 1, inLaw: true},
		{weight: 6, lo: 35, hi: 55, spouse: true, parents: 2},
		{weight: 4, lo: 60, hi: 72, spouse: true, grandchildren: 2}},
	{{weight: 45, lo: 29, hi: 52, spouse: true, children: 2, parents: 1},
		{weight: 30, lo: 27, hi: 52, spouse: true, children: 1, parents: 2},
		{weight: 20, lo: 56, hi: 68, spouse: true, children: 1, inLaw: true, grandchildren: 1},
		{weight: 5, lo: 34, hi: 48, spouse: true, children: 3}},
	{{weight: 55, lo: 29, hi: 52, spouse: true, children: 2, parents: 2},
		{weight: 10, lo: 35, hi: 50, spouse: true, children: 3, parents: 1},
		{weight: 35, lo: 57, hi: 68, spouse: true, children: 1, inLaw: true, grandchildren: 2}},
}

// member is a person before the form is filled in.
type member struct {
	male           bool
	born           day
	relation       string // relation_to_head
	surname, given string
	married        string  // marital_status
	father, mother *member // when they live here
	phone          string
	ethnicity      string
	division       division
}

func (m *member) name() string { return m.surname + m.given }

var sizes = []choice{{22, "1"}, {32, "2"}, {27, "3"}, {12, "4"}, {5, "5"}, {2, "6"}}

// HouseholdSize is how many people live in a household: 1 to 6.
func (g *Generator) HouseholdSize() int { return int(g.pick(sizes)[0] - '0') }

var categories = []choice{{240, "floating"}, {3, "overseas"}, {4, "unregistered"}, {753, "registered"}}

// Category is a household's residence_category.
func (g *Generator) Category() string { return g.pick(categories) }

// family puts n people together, the head first.
func (g *Generator) family(n int, category string) []*member {
	s := g.shapeFor(min(n, len(shapes)), category)
	head := &member{male: g.odds(62), relation: "0", surname: g.surname()}
	head.born = g.today.minus(float64(g.between(s.lo, s.hi))) - day(g.r.IntN(360))
	ms := []*member{head}
	var spouse *member
	if s.spouse {
		spouse = g.spouseOf(head, "1")
		ms = append(ms, spouse)
	} else if s.children > 0 {
		head.married = g.pick([]choice{{80, "40"}, {20, "30"}})
	}
	kids := g.childrenOf(head, spouse, s.children, s.inLaw)
	ms = append(ms, kids...)
	if s.inLaw {
		in := g.spouseOf(kids[0], "8")
		ms = append(ms, in)
		for _, k := range g.childrenOf(kids[0], in, s.grandchildren, false) {
			k.relation = "4"
			ms = append(ms, k)
		}
	} else if s.grandchildren > 0 {
		ms = append(ms, g.leftBehind(head, spouse, s.grandchildren)...)
	}
	ms = append(ms, g.parentsOf(head, s.parents)...)
	for i := len(ms); i < n; i++ {
		ms = append(ms, g.lodger(head, i-s.size()))
	}
	for _, m := range ms {
		m.given = g.given(m.male, m.born)
		if m.married == "" {
			m.married = g.aloneStatus(m.born.ageOn(g.today))
		}
	}
	return ms
}

// shapeFor draws a composition. Those who moved here for work are mostly younger.
func (g *Generator) shapeFor(n int, category string) shape {
	s := draw(g, shapes[n-1], func(s shape) int {
		if category != "registered" && s.lo > 45 {
			return 0
		}
		return s.weight
	})
	if category != "registered" {
		s.hi = min(s.hi, 55)
	}
	return s
}

// spouseOf is of the other sex and at most some four years older or younger; husbands tend to be older.
func (g *Generator) spouseOf(m *member, relation string) *member {
	s := &member{male: !m.male, relation: relation, surname: g.surname()}
	older := day(g.between(-300, 1400))
	if m.male {
		older = -older
	}
	s.born = m.born - older
	m.married = g.pick([]choice{{70, "20"}, {25, "21"}, {5, "22"}})
	s.married = m.married
	return s
}

// childrenOf are k children, 20 to 38 years younger than both parents and born at least ten months apart; b may be nil. Of a
// child that is to have a family of its own the parents were young.
func (g *Generator) childrenOf(a, b *member, k int, early bool) []*member {
	if k == 0 {
		return nil
	}
	father, mother := a, b
	if !a.male {
		father, mother = b, a
	}
	older, younger := a.born, a.born
	if b != nil {
		older, younger = min(a.born, b.born), max(a.born, b.born)
	}
	lo, hi := younger.minus(-20)+30, min(older.minus(-38)-30, g.today-1)
	if early {
		hi = min(hi, lo.minus(-6))
	}
	lo += day(g.r.IntN(int(min(max(hi-lo, 2)/2, 6*365))))
	hi = min(hi, lo+day(k*5*365))
	step := max(int(hi-lo)/k, 1)
	surname := g.childSurname(father, mother)
	var kids []*member
	for i := range k {
		c := &member{male: g.odds(52), surname: surname, father: father, mother: mother}
		c.born = min(lo+day(i*step+g.r.IntN(max(step-310, 1))), g.today-1)
		if c.relation = "3"; c.male {
			c.relation = "2"
		}
		kids = append(kids, c)
	}
	return kids
}

// childSurname is the father's for most; a mother alone mostly gave the name of a father who does not live here.
func (g *Generator) childSurname(father, mother *member) string {
	switch {
	case father == nil && g.odds(70):
		return g.surname()
	case father == nil || mother != nil && g.odds(6):
		return mother.surname
	}
	return father.surname
}

// leftBehind are k grandchildren whose parents work elsewhere.
func (g *Generator) leftBehind(head, spouse *member, k int) []*member {
	grandfather := head
	if !head.male {
		grandfather = spouse
	}
	surname := grandfather.surname
	if g.odds(25) {
		surname = g.surname()
	}
	var kids []*member
	for i := range k {
		kids = append(kids, &member{male: g.odds(52), relation: "4", surname: surname,
			born: g.today.minus(float64(3+5*i)) - day(g.r.IntN(1300))})
	}
	return kids
}

// parentsOf are one or two parents of the head, 20 to 38 years older.
func (g *Generator) parentsOf(head *member, k int) []*member {
	if k == 0 {
		return nil
	}
	father := &member{male: true, relation: "5", surname: head.surname, born: head.born.minus(float64(g.between(23, 34)))}
	mother := &member{relation: "5", surname: g.surname(), born: father.born + day(g.between(-200, 700))}
	if k == 2 {
		father.married, mother.married = "20", "20"
		head.father, head.mother = father, mother
		return []*member{father, mother}
	}
	father.married, mother.married = "30", "30"
	if g.odds(65) {
		head.mother = mother
		return []*member{mother}
	}
	head.father = father
	return []*member{father}
}

// lodger is one more person in a household of more than six: the head's brothers and sisters first, then others.
func (g *Generator) lodger(head *member, i int) *member {
	if i < 2 {
		off := day(g.between(400, 2500))
		if g.odds(50) && head.born-off > g.today.minus(95) {
			off = -off
		}
		return &member{male: g.odds(50), relation: "7", surname: head.surname, born: min(head.born+off, g.today.minus(16))}
	}
	return &member{male: g.odds(55), relation: "8", surname: g.surname(), born: g.today.minus(18 + 45*g.r.Float64())}
}

// aloneStatus is the marital status of a person without a spouse in the household.
func (g *Generator) aloneStatus(age int) string {
	switch {
	case age < 22:
		return "10"
	case age < 35:
		return g.pick([]choice{{86, "10"}, {10, "20"}, {4, "40"}})
	case age < 62:
		return g.pick([]choice{{30, "10"}, {28, "20"}, {34, "40"}, {8, "30"}})
	}
	return g.pick([]choice{{82, "30"}, {10, "40"}, {6, "20"}, {2, "10"}})
}
