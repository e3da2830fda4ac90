package sample

// house is what the members of a household share.
type house struct {
	category, consistency string
	dwelling              string // dwelling_type
	register              string // where the household is registered, when that is elsewhere in the district
	home                  division
	ethnicity             string
	arrival               day
	landlord, landlordTel string
	members               []*member
}

// Household is one household of n members, n ≥ 1, the head first: the `data` of a person record each. Category is a
// residence_category: "registered", "floating", "overseas" or "unregistered". People under 14 have a guardian, who lives in the
// household.
func (g *Generator) Household(n int, category string) []map[string]any {
	h := &house{category: category, members: g.family(max(n, 1), category), home: g.home(category)}
	g.settle(h)
	for _, m := range h.members {
		g.trace(h, m)
		if g.hasPhone(m.born.ageOn(g.today)) {
			m.phone = g.Phone()
		}
	}
	if category == "overseas" {
		return g.visitors(h)
	}
	out := make([]map[string]any, len(h.members))
	for i, m := range h.members {
		f := fields{"id_type": "111"}
		f["id_no"], m.born = g.idNumber(m.division.code, m.born, m.male)
		f["name"] = m.name()
		out[i] = f
	}
	for i, m := range h.members {
		g.fill(out[i], h, m)
	}
	return out
}

var ethnicities = []choice{{9700, "01"}, {170, "03"}, {60, "11"}, {30, "02"}, {14, "08"}, {12, "15"}, {8, "06"}, {6, "10"}}

// settle draws what a household has in common.
func (g *Generator) settle(h *house) {
	h.ethnicity = g.pick(ethnicities)
	if h.ethnicity == "03" { // the family's name is one of those usual among the Hui
		old, usual := h.members[0].surname, g.pick(huiSurnames)
		for _, m := range h.members {
			if m.surname == old {
				m.surname = usual
			}
		}
	}
	h.consistency = g.pick([]choice{{84, "consistent"}, {16, "elsewhere"}})
	if h.consistency == "elsewhere" {
		h.register = district + g.flat()
	}
	h.dwelling = g.pick([]choice{{76, "01"}, {12, "02"}, {3, "03"}, {5, "04"}, {2, "05"}, {2, "99"}})
	if h.category == "floating" {
		h.consistency = "elsewhere"
		h.dwelling = g.pick([]choice{{72, "02"}, {9, "01"}, {5, "03"}, {5, "04"}, {5, "05"}, {2, "06"}, {2, "07"}})
	}
	if h.category == "floating" || h.category == "overseas" {
		h.arrival = g.today - day(g.between(3, 400)*g.between(1, 8))
	}
	if h.dwelling == "02" {
		h.landlord, h.landlordTel = g.StaffName(), g.Phone()
	}
}

// trace says where a member comes from, which shows in the first six digits of the ID number.
func (g *Generator) trace(h *house, m *member) {
	age, share := m.born.ageOn(g.today), 55.0
	switch {
	case m.relation == "0":
		share = 100
	case h.category == "floating" && age < 18:
		share = 85
	}
	m.ethnicity = h.ethnicity
	if m.relation == "1" && g.odds(60) || m.relation == "8" {
		m.ethnicity = "01"
	}
	switch {
	case g.odds(share):
		m.division = h.home
	case h.category != "floating" && age < 25: // born here
		m.division = one(g, local)
	default:
		m.division = g.home(h.category)
	}
}

func (g *Generator) hasPhone(age int) bool {
	switch {
	case age < 10:
		return false
	case age < 18:
		return g.odds(float64(age-9) * 10)
	case age >= 80:
		return g.odds(75)
	}
	return true
}

// fill adds everything beside name and ID number.
func (g *Generator) fill(f fields, h *house, m *member) {
	age := m.born.ageOn(g.today)
	g.reach(f, h, m, age)
	f["residence_category"] = h.category
	f["relation_to_head"] = m.relation
	g.some(f, 88, "household_consistency", func() any { return h.consistency })
	g.some(f, 86, "ethnicity", func() any { return m.ethnicity })
	g.standing(f, m, age)
	g.work(f, age)
	g.hukou(f, h, m, age)
	if wants := g.wants(h, m, age); len(wants) > 0 {
		f["help_wanted"] = wants
	}
	if h.category == "floating" {
		g.stay(f, h, m, age)
	}
	if age < 14 {
		g.guard(f, h, m)
	}
}

// reach sets phone and emergency contact.
func (g *Generator) reach(f fields, h *house, m *member, age int) {
	if f["no_phone"] = true; m.phone != "" {
		delete(f, "no_phone")
		f["phone"] = m.phone
	}
	share := 14.0
	if age >= 60 {
		share = 48
	}
	if !g.odds(share) {
		return
	}
	for _, o := range h.members {
		if o != m && o.phone != "" && o.born.ageOn(g.today) >= 18 {
			f["emergency_contact_name"], f["emergency_contact_phone"] = o.name(), o.phone
			return
		}
	}
	f["emergency_contact_name"], f["emergency_contact_phone"] = g.StaffName(), g.Phone()
}

// standing sets education, political status and marital status as they go with the age.
func (g *Generator) standing(f fields, m *member, age int) {
	if code := g.education(age); code != "" {
		g.some(f, 78, "education", func() any { return code })
	}
	if age >= 14 {
		g.some(f, 74, "political_status", func() any { return g.politics(age) })
		g.some(f, 84, "marital_status", func() any { return m.married })
	}
}

func (g *Generator) education(age int) string {
	switch {
	case age < 6:
		return ""
	case age < 12:
		return "80"
	case age < 15:
		return "70"
	case age < 18:
		return g.pick([]choice{{70, "60"}, {30, "40"}})
	case age < 23:
		return g.pick([]choice{{40, "20"}, {30, "30"}, {12, "61"}, {10, "41"}, {8, "71"}})
	case age < 42:
		return g.pick([]choice{{34, "21"}, {28, "31"}, {11, "61"}, {9, "41"}, {12, "71"}, {5, "14"}, {1, "11"}})
	case age < 60:
		return g.pick([]choice{{12, "21"}, {18, "31"}, {20, "61"}, {10, "41"}, {32, "71"}, {6, "81"}, {2, "14"}})
	}
	return g.pick([]choice{{4, "21"}, {8, "31"}, {18, "61"}, {8, "41"}, {36, "71"}, {24, "81"}, {2, "90"}})
}

func (g *Generator) politics(age int) string {
	if age < 28 {
		return g.pick([]choice{{48, "03"}, {4, "01"}, {2, "02"}, {46, "13"}})
	}
	return g.pick([]choice{{850, "13"}, {140, "01"}, {2, "02"}, {3, "05"}, {2, "08"}, {2, "10"}, {1, "12"}})
}

var occupations = []choice{{14, "职员"}, {12, "工人"}, {10, "个体经营"}, {8, "销售"}, {6, "教师"}, {4, "医护人员"}, {7, "司机"}, {6, "厨师"},
	{6, "服务员"}, {6, "技术员"}, {4, "会计"}, {5, "快递员"}, {4, "保安"}, {3, "保洁员"}, {3, "公务员"}, {2, "待业"}}

// work sets occupation and work unit.
func (g *Generator) work(f fields, age int) {
	switch {
	case age < 3:
	case age < 19:
		g.some(f, 60, "occupation", func() any { return "学生" })
	case age < 61:
		g.some(f, 66, "occupation", func() any { return g.pick(occupations) })
		g.some(f, 44, "work_unit", func() any { return g.company() })
	default:
		g.some(f, 58, "occupation", func() any { return g.pick([]choice{{92, "退休"}, {5, "个体经营"}, {3, "务农"}}) })
	}
}

// hukou sets the register and the dwelling.
func (g *Generator) hukou(f fields, h *house, m *member, age int) {
	switch h.category {
	case "unregistered":
		f["hukou_type"] = "0"
	case "floating":
		g.some(f, 76, "hukou_type", func() any { return g.pick([]choice{{64, "2"}, {32, "1"}, {2, "3"}, {2, "4"}}) })
		g.some(f, 72, "hukou_address", func() any { return g.village(m.division) })
	default:
		g.some(f, 80, "hukou_type", func() any { return g.pick([]choice{{88, "1"}, {8, "3"}, {4, "2"}}) })
		if h.consistency == "elsewhere" {
			g.some(f, 80, "hukou_address", func() any { return h.register })
		}
	}
	if h.category == "floating" {
		return // the stay type says it
	}
	g.some(f, 82, "dwelling_type", func() any { return h.dwelling })
	if h.dwelling == "02" && m.relation == "0" {
		g.some(f, 70, "relation_to_owner", func() any { return "09" })
	}
	if h.dwelling == "01" && m.relation != "0" {
		g.some(f, 64, "relation_to_owner", func() any { return toOwner(h.members[0], m) })
	}
}

// toOwner is the relation (relation_to_owner) of a member to the head, who owns the dwelling.
func toOwner(head, m *member) string {
	switch m.relation {
	case "1":
		return "01"
	case "2", "3", "5":
		elder, younger := head, m
		if m.relation == "5" {
			elder, younger = m, head
		}
		code := 2 // father and son; 03 daughter, 04 mother and son, 05 and daughter
		if !younger.male {
			code++
		}
		if !elder.male {
			code += 2
		}
		return "0" + itoa(code)
	case "4", "6":
		return "06"
	}
	return "07"
}

// wants is what help somebody asks for.
func (g *Generator) wants(h *house, m *member, age int) []string {
	var w []string
	if age >= 65 && len(h.members) == 1 && g.odds(52) {
		w = append(w, "living_alone_elder")
	}
	if g.odds(1.6) {
		w = append(w, "disability")
	}
	if age >= 18 && g.odds(1.1) {
		w = append(w, "low_income")
	}
	if m.male && age >= 22 && g.odds(2.4) {
		w = append(w, "veteran")
	}
	if g.odds(0.4) {
		w = append(w, "other")
	}
	return w
}
