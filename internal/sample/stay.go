package sample

// stay sets what the floating population says beside the rest.
func (g *Generator) stay(f fields, h *house, m *member, age int) {
	arrival := h.arrival
	if m.relation != "0" && g.odds(35) { // some follow later
		arrival += day(g.between(0, int(g.today-arrival)))
	}
	arrival = max(arrival, m.born)
	f["arrival_date"] = arrival.String()
	f["inflow_reason"] = g.reason(m, age)
	f["stay_type"] = h.dwelling
	g.some(f, 90, "origin", func() any { return m.division.name })
	g.some(f, 34, "expected_leave_date", func() any { return g.dated(5, 540) })
	if age >= 16 && g.odds(56) {
		f["permit_type"] = g.pick([]choice{{90, "01"}, {8, "02"}, {2, "99"}})
		g.some(f, 92, "permit_no", func() any { return g.permit(arrival) })
	}
	if h.landlord != "" && g.odds(90) {
		f["landlord_name"], f["landlord_phone"] = h.landlord, h.landlordTel
	}
}

func (g *Generator) reason(m *member, age int) string {
	switch {
	case age < 16:
		return g.pick([]choice{{80, "06"}, {20, "04"}})
	case age > 60:
		return g.pick([]choice{{50, "06"}, {24, "08"}, {16, "07"}, {10, "01"}})
	case m.relation == "1":
		return g.pick([]choice{{44, "01"}, {30, "06"}, {14, "03"}, {12, "05"}})
	}
	return g.pick([]choice{{62, "01"}, {18, "03"}, {7, "04"}, {4, "09"}, {3, "08"}, {2, "07"}, {2, "05"}, {1, "02"}, {1, "99"}})
}

// guard sets the guardian of a child: a parent or grandparent who lives here, else the head.
func (g *Generator) guard(f fields, h *house, m *member) {
	guardian, relation := h.members[0], "其他亲属"
	switch {
	case m.mother != nil && (m.father == nil || g.odds(60)):
		guardian, relation = m.mother, "母亲"
	case m.father != nil:
		guardian, relation = m.father, "父亲"
	case m.relation == "4":
		relation = grandparent(guardian, m)
	}
	f["guardian_name"], f["guardian_relation"] = guardian.name(), relation
	if guardian.phone == "" {
		guardian.phone = g.Phone()
	}
	f["guardian_phone"], f["guardian_consent"] = guardian.phone, true
}

// grandparent is the word for the head: children bear their father's name, so another name means the mother's parents. A
// grandmother's own name says nothing; she is called by her more usual word.
func grandparent(head, child *member) string {
	switch {
	case !head.male:
		return "祖母"
	case head.surname != child.surname:
		return "外祖父"
	}
	return "祖父"
}

var visitorJobs = []choice{{5, "外籍教师"}, {3, "留学生"}, {3, "商务人员"}, {2, "技术专家"}}

// visitors is a household from abroad.
func (g *Generator) visitors(h *house) []map[string]any {
	from := draw(g, foreigners, func(f foreign) int { return f.weight })
	country, surname := g.pick(from.countries), one(g, from.surnames)
	stay := g.dated(20, 700)
	latin := make([]string, len(h.members))
	for i, m := range h.members {
		sex := women
		if m.male {
			sex = men
		}
		given := one(g, from.givens[sex])
		if from.surnameFirst {
			m.surname, m.given, latin[i] = surname[1], given[1], surname[0]+" "+given[0]
		} else {
			m.surname, m.given, latin[i] = given[1]+"·", surname[1], given[0]+" "+surname[0]
		}
	}
	out := make([]map[string]any, len(h.members))
	for i, m := range h.members {
		age := m.born.ageOn(g.today)
		f := fields{"name": m.name(), "id_type": "414", "id_no": g.passport(), "birth_date": m.born.String(), "sex": "2",
			"nationality": country, "latin_name": latin[i], "stay_until": stay, "residence_category": h.category,
			"relation_to_head": m.relation}
		if m.male {
			f["sex"] = "1"
		}
		g.reach(f, h, m, age)
		g.some(f, 60, "dwelling_type", func() any { return "02" })
		if age >= 22 {
			g.some(f, 50, "occupation", func() any {
				return g.pick(visitorJobs)
			})
		}
		if age < 14 {
			g.guard(f, h, m)
		}
		out[i] = f
	}
	return out
}
