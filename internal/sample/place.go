package sample

// trade is a kind of shop: what stands over the door, and the codes that fit it.
type trade struct {
	weight      int
	sign        string // what the sign ends in
	class, kind string // venue_class and venue_type
	cooks       bool   // uses gas
	staff       int    // at most
	sleeps      float64
}

var trades = []trade{
	{10, "烩面馆", "12", "75", true, 8, 8}, {6, "牛肉拉面", "12", "76", true, 6, 18}, {5, "胡辣汤", "12", "77", true, 5, 6},
	{5, "米线", "12", "77", true, 4, 6}, {4, "家常菜馆", "12", "75", true, 14, 6}, {3, "火锅店", "12", "75", true, 20, 3},
	{4, "包子铺", "12", "77", true, 4, 12}, {4, "烧烤店", "12", "75", true, 9, 4}, {3, "奶茶店", "12", "81", false, 4, 0},
	{3, "蛋糕房", "12", "80", false, 6, 0}, {5, "水果店", "12", "80", false, 3, 14}, {3, "熟食店", "12", "80", true, 3, 8},
	{3, "快餐", "12", "76", true, 8, 5}, {1, "茶馆", "12", "79", false, 6, 2}, {12, "便利店", "09", "61", false, 4, 16},
	{4, "生活超市", "09", "58", false, 12, 4}, {6, "烟酒店", "09", "61", false, 3, 8}, {4, "五金建材店", "09", "61", false, 3, 18},
	{4, "手机维修店", "09", "61", false, 3, 6}, {4, "图文打印店", "09", "61", false, 4, 5}, {3, "电动车行", "09", "61", false, 4, 12},
	{3, "服装店", "09", "61", false, 3, 3}, {3, "洗衣店", "09", "61", false, 3, 8}, {2, "眼镜店", "09", "61", false, 4, 0},
	{3, "母婴用品店", "09", "61", false, 4, 0}, {2, "粮油店", "09", "60", false, 3, 12}, {6, "大药房", "03", "27", false, 5, 2},
	{3, "诊所", "03", "20", false, 6, 0}, {1, "口腔门诊", "03", "20", false, 10, 0}, {1, "宠物医院", "03", "26", false, 6, 6},
	{7, "理发店", "15", "91", false, 6, 4}, {3, "美容护肤馆", "15", "93", false, 8, 2}, {3, "快递驿站", "16", "100", false, 5, 8},
	{2, "托管班", "02", "05", true, 8, 2}, {2, "培训中心", "02", "09", false, 16, 0}, {1, "旅馆", "11", "71", false, 8, 20},
	{1, "快捷酒店", "11", "69", false, 18, 10}, {1, "网吧", "10", "63", false, 8, 4}, {2, "棋牌室", "08", "56", false, 3, 5},
	{1, "量贩KTV", "08", "50", false, 24, 0},
}

var signWords = []string{"福满园", "鑫源", "好邻居", "小城故事", "金麦香", "百姓", "佳家", "聚贤", "顺达", "宏泰", "康民", "同心",
	"悦来", "春满", "老街坊", "一品", "旺角", "惠万家", "新时尚", "阳光", "四季", "德信", "如意", "吉祥", "老味道", "真善", "万隆", "雅轩", "锦绣", "乐购", "晨光里", "纺织巷"}

// signOver makes up the sign of a shop: of the owner's name or of a word of good omen.
func (g *Generator) signOver(t trade, owner string) string {
	first := string([]rune(owner)[:1])
	switch {
	case t.class == "12" && g.odds(36):
		return one(g, []string{"老" + first, first + "记", first + "家"}) + t.sign
	case g.odds(18):
		return g.han("阿小大老") + g.han(fashions[1].last[men]) + t.sign
	}
	return one(g, signWords) + t.sign
}

// Shop is a street-front shop: the `data` of a place record of kind "shop".
func (g *Generator) Shop() map[string]any {
	t := draw(g, trades, func(t trade) int { return t.weight })
	owner, manager := g.StaffName(), g.StaffName()
	sign := g.signOver(t, manager)
	staff := g.between(1, t.staff)
	f := fields{"name": sign, "place_kind": "shop", "address": g.doorway(), "sign_name": sign, "business": t.kind,
		"usage": "business", "manager_name": manager, "manager_phone": g.Phone(), "staff_count": staff, "gas_type": "none",
		"someone_sleeps_there": g.odds(t.sleeps), "location": g.around()}
	g.some(f, 92, "venue_class", func() any { return t.class })
	g.some(f, 92, "venue_type", func() any { return t.kind })
	g.some(f, 88, "licence", func() any { return g.uscc(g.pick([]choice{{84, "92"}, {16, "91"}})) })
	g.some(f, 70, "floor_area", func() any { return g.between(9, 14) + staff*g.between(6, 16) })
	g.some(f, 30, "rooms_count", func() any { return g.between(1, 1+staff/3) })
	if g.odds(58) {
		f["owner_name"], f["owner_phone"] = owner, g.Phone()
	}
	if t.cooks {
		f["gas_type"] = g.pick([]choice{{52, "pipeline"}, {36, "bottled"}, {12, "none"}})
	}
	if g.odds(90) {
		n := int(g.pick([]choice{{6, "0"}, {10, "1"}, {60, "2"}, {18, "4"}, {6, "6"}})[0] - '0')
		f["extinguishers"] = n
		if n > 0 {
			f["extinguishers_expiry"] = g.dated(-120, 700)
		}
	}
	return f
}

// spot is a kind of place other than dwelling and shop.
type spot struct {
	name, class, kind, usage string
	area                     int // about, in square metres
}

var spots = map[string][]spot{
	"venue": {
		{"社区卫生服务站", "03", "19", "business", 400}, {"幼儿园", "02", "04", "business", 2600}, {"小学", "02", "03", "business", 9000},
		{"中学", "02", "06", "business", 18000}, {"农贸市场", "09", "59", "business", 3200}, {"文化活动中心", "06", "42", "own", 800},
		{"社区党群服务中心", "01", "02", "own", 600}, {"乒乓球馆", "08", "54", "business", 700}, {"快递分拨点", "16", "101", "business", 500},
		{"商务酒店", "11", "65", "business", 4200},
	},
	"underground": {
		{"地下车库", "15", "99", "own", 5200}, {"地下仓库", "15", "99", "let", 420}, {"人防地下室", "15", "99", "vacant", 1500},
		{"半地下自行车棚", "15", "99", "own", 180},
	},
	"site": {
		{"老旧小区改造工地", "14", "89", "own", 6000}, {"管网改造施工点", "14", "90", "own", 900}, {"棚户区改造项目", "14", "88", "own", 23000},
	},
	"public_space": {
		{"小游园", "13", "82", "own", 2400}, {"社区广场", "06", "43", "own", 1500}, {"健身广场", "06", "43", "own", 900},
		{"林荫停车场", "07", "49", "business", 2000},
	},
}

// Place is the `data` of a place record of the kind: "house", "rental_house", "shop", "venue", "underground", "site" or
// "public_space". An unknown kind is answered with a house.
func (g *Generator) Place(kind string) map[string]any {
	switch kind {
	case "shop":
		return g.Shop()
	case "rental_house":
		return g.rental()
	case "venue", "underground", "site", "public_space":
		return g.spot(kind)
	}
	return g.dwelling()
}

func (g *Generator) dwelling() fields {
	address := g.flat()
	f := fields{"name": address, "place_kind": "house", "address": district + address, "location": g.around(),
		"usage": g.pick([]choice{{74, "own"}, {18, "let"}, {8, "vacant"}}), "rooms_count": g.between(1, 4)}
	g.some(f, 72, "floor_area", func() any { return g.between(38, 146) })
	if g.odds(86) {
		f["owner_name"], f["owner_phone"] = g.StaffName(), g.Phone()
	}
	return f
}

func (g *Generator) rental() fields {
	f := g.dwelling()
	rooms := f["rooms_count"].(int)
	most := 2 * rooms
	f["place_kind"], f["usage"] = "rental_house", "let"
	f["rental_use"] = g.pick([]choice{{84, "02"}, {6, "01"}, {4, "04"}, {3, "05"}, {2, "03"}, {1, "99"}})
	f["tenants_max"], f["tenants_actual"] = most, g.between(0, most)
	if g.odds(3) {
		f["tenants_actual"] = most + g.between(1, 3)
	}
	f["fire_exit"], f["gas_alarm"] = g.odds(93), g.odds(61)
	f["hazard"] = g.pick([]choice{{88, "00"}, {8, "02"}, {2, "01"}, {1, "03"}, {1, "99"}})
	owner, known := f["owner_name"]
	if !known {
		owner = g.StaffName()
	}
	f["landlord"] = owner
	g.some(f, 46, "rent_filing_no", func() any { return "中房租备字" + g.permit(g.today-day(g.between(1, 900))) })
	if g.odds(22) { // a second landlord manages it
		f["manager_name"], f["manager_phone"] = g.StaffName(), g.Phone()
	}
	return f
}

func (g *Generator) spot(kind string) fields {
	s := one(g, spots[kind])
	name := one(g, lanes) + one(g, []string{"", "东", "西", "南", "北"}) + s.name
	f := fields{"name": name, "place_kind": kind, "address": g.doorway(),
		"venue_class": s.class, "venue_type": s.kind, "usage": s.usage, "location": g.around(),
		"manager_name": g.StaffName(), "manager_phone": g.Phone()}
	g.some(f, 76, "floor_area", func() any { return s.area * g.between(60, 140) / 100 })
	g.some(f, 40, "owner_name", func() any { return g.StaffName() })
	return f
}
