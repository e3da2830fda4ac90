package sample

var (
	companyWords  = []string{"禾晟", "拓远", "启睿", "恒筑", "云麓", "鼎尚", "博衡", "盛唐", "佳禾", "嘉诚", "正阳", "中纺", "凯悦达", "瑞丰", "锦程", "卓然"}
	companyTrades = []string{"商贸", "科技", "建筑装饰", "餐饮管理", "信息技术", "文化传播", "机电设备", "物流", "家政服务", "教育咨询", "环保工程", "纺织"}
)

// company is the name of a firm in Zhengzhou that does not exist, as far as we know.
func (g *Generator) company() string {
	return one(g, []string{"郑州", "河南", "郑州市"}) + one(g, companyWords) + one(g, companyTrades) + "有限公司"
}

var orgKinds = []choice{{44, "enterprise"}, {30, "self_employed"}, {6, "institution"}, {5, "social_organisation"},
	{5, "party_organisation"}, {3, "owners_committee"}, {4, "property_company"}, {3, "other"}}

// identity sets an organisation's name, numbers and types, and answers how many people may work there.
func (g *Generator) identity(f fields, kind string) (staff int) {
	yard := g.yard()
	switch kind {
	case "enterprise":
		f["name"], f["uscc"] = g.company(), g.uscc("91")
		f["enterprise_type"] = g.pick([]choice{{92, "01"}, {3, "02"}, {1, "04"}, {4, "99"}})
		return 80
	case "self_employed":
		t := draw(g, trades, func(t trade) int { return t.weight })
		f["name"], f["uscc"], f["enterprise_type"] = "中原区"+g.signOver(t, g.StaffName()), g.uscc("92"), "03"
		f["business_scope"] = t.sign + "经营"
		return t.staff
	case "property_company":
		f["name"], f["uscc"], f["enterprise_type"] = "郑州"+one(g, companyWords)+"物业服务有限公司", g.uscc("91"), "01"
		f["business_scope"] = "物业管理、保洁、绿化养护"
		return 60
	case "institution":
		f["name"] = one(g, lanes) + one(g, []string{"社区卫生服务中心", "小学", "幼儿园", "文化站", "环卫所", "市场监管所"})
		f["uscc"] = g.uscc("12")
		return 120
	case "social_organisation":
		f["name"] = "中原区" + one(g, companyWords) + one(g, []string{"志愿服务中心", "养老服务中心", "社会工作服务站", "文化促进会"})
		f["uscc"] = g.uscc(g.pick([]choice{{3, "51"}, {7, "52"}}))
		f["social_organisation_type"] = g.pick([]choice{{3, "01"}, {6, "02"}, {1, "99"}})
		return 20
	case "party_organisation":
		f["name"] = yard + one(g, []string{"党支部", "党小组", "功能型党支部"})
	case "owners_committee":
		f["name"] = yard + "业主委员会"
	default:
		f["name"] = yard + one(g, []string{"互助会", "文艺队", "治安巡逻队"})
	}
	return 12
}

// Organisation is the `data` of an organisation record.
func (g *Generator) Organisation() map[string]any {
	kind := g.pick(orgKinds)
	f := fields{"org_kind": kind, "contact_name": g.StaffName(), "contact_phone": g.Phone(), "business_address": g.doorway(),
		"status": g.pick([]choice{{94, "open"}, {4, "closed"}, {2, "moved"}})}
	most := g.identity(f, kind)
	staff := 1 + int(float64(most)*g.r.Float64()*g.r.Float64())
	g.some(f, 84, "staff_count", func() any { return staff })
	if _, ok := f["staff_count"]; ok {
		g.some(f, 60, "floating_staff_count", func() any { return g.between(0, staff/2) })
	}
	g.some(f, 70, "founded", func() any { return g.dated(-9000, -40) })
	if _, ok := f["uscc"]; ok {
		if f["legal_representative"] = f["contact_name"]; g.odds(60) {
			f["legal_representative"] = g.StaffName()
		}
		g.some(f, 66, "legal_representative_phone", func() any { return g.Phone() })
		g.some(f, 62, "registered_address", func() any {
			if g.odds(60) {
				return f["business_address"]
			}
			return one(g, local).name + g.doorway()
		})
		if g.odds(58) {
			f["fire_officer_name"], f["fire_officer_phone"] = g.StaffName(), g.Phone()
		}
	}
	if kind == "enterprise" {
		g.some(f, 64, "business_scope", func() any { return one(g, companyTrades) + "；" + one(g, companyTrades) })
		g.some(f, 3, "hazardous_chemicals", func() any { return []string{g.pick([]choice{{4, "2"}, {5, "3"}, {1, "8"}})} })
	}
	g.circles(f, kind, staff)
	return f
}

// partyShare is how many of a hundred organisations of the kind have a party branch.
var partyShare = map[string]float64{"enterprise": 16, "institution": 90, "social_organisation": 30, "property_company": 40,
	"party_organisation": 100}

// circles sets what an organisation says of its party branch and its union.
func (g *Generator) circles(f fields, kind string, staff int) {
	has := g.odds(partyShare[kind])
	f["has_party_organisation"] = has
	if has {
		f["party_members"] = 3 + staff/6 + g.between(0, 4)
	}
	if kind == "enterprise" || kind == "institution" || kind == "property_company" {
		f["has_union"] = g.odds(40)
	}
}
