package sample

// report is an event as people report it.
type report struct {
	weight                 int
	category               string // event_category: C and a city event, or S and a service event
	title, text            string
	urgency                string
	crowd                  int // people involved, at most; 0 when nobody counts
	indoors, hasTwoParties bool
}

var reports = []report{
	{8, "C0103", "垃圾堆积没有清运", "这里的垃圾堆了两三天，味道很大，请安排清运。", "normal", 0, false, false},
	{5, "C0102", "垃圾桶旁散落垃圾", "垃圾桶满了，周围散落不少垃圾，行人绕着走。", "normal", 0, false, false},
	{4, "C0110", "路面有坑洼", "人行道砖松动，有一处坑洼，晚上容易绊倒人。", "normal", 0, false, false},
	{3, "C0101", "楼顶私搭棚子", "有人在楼顶搭彩钢棚，担心漏水和安全。", "normal", 0, true, false},
	{4, "C0116", "饭店油烟扰民", "楼下饭店油烟直接排到楼上，窗户不敢开。", "normal", 12, false, false},
	{2, "C0107", "有废弃汽车占车位", "一辆没有牌照的旧车停了半年多，占着公共车位。", "low", 0, false, false},
	{2, "C0108", "旧沙发扔在楼道口", "有人把旧沙发、柜子扔在单元门口，挡住了路。", "normal", 0, true, false},
	{4, "C0201", "楼道贴满小广告", "楼道里开锁、疏通的小广告又贴满了。", "low", 0, true, false},
	{2, "C0205", "广告牌松动", "店招的一角松了，刮风时晃得厉害，怕掉下来。", "high", 0, false, false},
	{4, "C0301", "夜间施工噪声大", "工地夜里十一点以后还在施工，影响休息。", "normal", 30, false, false},
	{2, "C0302", "工地扬尘", "工地裸土没有覆盖，一刮风到处是灰。", "normal", 0, false, false},
	{3, "C0402", "自来水管漏水", "路边水管往外冒水，已经流到马路上。", "high", 0, false, false},
	{1, "C0403", "闻到燃气味", "楼道里闻到明显的燃气味，已经开窗，请尽快来人检查。", "emergency", 8, true, false},
	{4, "C0404", "下水道堵了", "下水道返水，污水流到院子里。", "high", 20, true, false},
	{2, "C0406", "下雨后积水", "下雨后积水到脚踝，老人小孩过不去。", "high", 0, false, false},
	{2, "C0408", "电线垂落", "有一根线垂到人能碰到的高度，不知道有没有电。", "high", 0, false, false},
	{5, "C0504", "店外摆摊占道", "店家把桌椅摆到人行道上，只能走机动车道。", "normal", 0, false, false},
	{6, "C0505", "消防通道停车", "有汽车停在消防通道上，打电话没有人接。", "high", 0, true, false},
	{5, "C0506", "电动车乱停放", "单元门口停满电动车，出入不方便。", "normal", 0, true, false},
	{3, "C0508", "广场舞音响太大", "晚上九点多音响还很大，孩子没法写作业。", "low", 15, false, false},
	{3, "S0102", "咨询养老认证", "老人行动不便，想问怎样在家办养老金认证。", "low", 1, true, false},
	{2, "S0107", "居住证办理咨询", "刚搬来，想问居住证在哪里办、要带什么。", "low", 1, true, false},
	{2, "S0104", "想签家庭医生", "家里有慢性病老人，希望签约家庭医生上门。", "low", 1, true, false},
	{3, "S0112", "楼道灯不亮", "三楼到五楼的楼道灯坏了，老人晚上下楼不安全。", "normal", 0, true, false},
	{6, "S0205", "邻里噪声纠纷", "楼上经常深夜拖动家具，沟通过几次没有用，想请社区调解。", "normal", 2, true, true},
	{3, "S0205", "漏水引起纠纷", "楼上卫生间漏水，把楼下屋顶泡了，双方对赔偿有分歧。", "normal", 2, true, true},
	{3, "S0208", "物业费争议", "物业很久不打扫楼道，住户不愿交物业费，双方吵起来。", "normal", 20, true, true},
	{1, "S0204", "家庭矛盾调解", "夫妻争吵声音很大，邻居担心，想请社区上门看看。", "high", 2, true, true},
	{2, "S0212", "拖欠工资", "装修队有几个人两个月没有拿到工钱。", "high", 6, false, true},
	{3, "S0304", "陌生人推销保健品", "有人在院里召集老人听课卖保健品，怕老人受骗。", "normal", 10, true, false},
	{2, "S0302", "监控探头坏了", "院门口的监控好像不工作了，最近丢过电动车电瓶。", "normal", 0, true, false},
	{2, "S0801", "流浪狗出没", "院里有几只流浪狗，孩子放学害怕。", "normal", 0, true, false},
}

// Event is the `data` of an event record, from the last two months.
func (g *Generator) Event() map[string]any {
	r := draw(g, reports, func(r report) int { return r.weight })
	at := g.doorway() + one(g, []string{"门前", "附近", "路口", "对面"})
	if r.indoors {
		at = g.flat()
	}
	f := fields{"title": r.title, "category": r.category, "description": at + "，" + r.text, "urgency": r.urgency,
		"occurred_at": g.moment(60)}
	g.some(f, 86, "location_text", func() any { return at })
	g.some(f, 66, "location", func() any { return g.around() })
	if r.crowd > 0 {
		g.some(f, 70, "people_count", func() any { return g.between(min(2, r.crowd), r.crowd) })
	}
	if r.hasTwoParties {
		g.some(f, 72, "parties", func() any {
			return []map[string]any{{"name": g.StaffName(), "phone": g.Phone()}, {"name": g.StaffName(), "phone": g.Phone()}}
		})
	}
	g.some(f, 80, "call_back", func() any { return g.odds(46) })
	g.some(f, 60, "anonymous", func() any { return g.odds(14) })
	return f
}

// concern is a situation as it is written down.
type concern struct {
	weight              int
	category, kind      string // situation_or_hazard: S and a situation category, or H and a hazard type; situation_kind
	text, wish, righted string
	crowd               int
}

var concerns = []concern{
	{6, "S10", "demand", "居民反映社区卫生服务站量血压、拿药排队时间长，老人吃不消。", "希望每周增加一次上门巡诊。", "", 40},
	{6, "S13", "demand", "多层住宅没有电梯，住在五楼、六楼的老人下楼困难。", "希望帮助征求意见，加装电梯。", "", 24},
	{5, "S13", "opinion", "居民建议在院内空地增加健身器材和座椅。", "纳入老旧小区改造。", "", 60},
	{4, "S12", "opinion", "早晚高峰学校门口拥堵，建议划出接送区。", "请交警部门实地看看。", "", 100},
	{4, "S07", "opinion", "居民对垃圾分类投放点的位置有不同看法，有的楼离得太远。", "再设一个投放点。", "", 50},
	{4, "S16", "demand", "外来务工家庭咨询孩子转学插班需要哪些材料。", "希望一次讲清楚。", "", 3},
	{4, "S11", "demand", "下岗职工想找附近的工作，希望社区提供招聘信息。", "参加技能培训。", "", 8},
	{5, "S08", "help", "独居老人家里水龙头坏了，子女在外地，需要人帮忙修理。", "尽快有人上门。", "", 1},
	{3, "S08", "help", "一户家庭因病生活困难，想了解临时救助怎样申请。", "社区帮忙准备材料。", "", 3},
	{3, "S19", "help", "退役老兵行动不便，希望有人代办优待证。", "上门办理。", "", 1},
	{4, "S09", "opinion", "居民希望社区定期公开公共收益的收支。", "每季度张贴一次。", "", 80},
	{5, "S20", "dispute", "两户因为楼道堆放杂物多次争吵。", "请网格员调解。", "", 2},
	{3, "S13", "dispute", "一楼住户在公共绿地种菜，其他居民不同意。", "恢复绿地。", "", 12},
	{3, "S05", "dispute", "改造期间围挡影响临街商户的生意，双方没有谈拢。", "调整围挡位置。", "", 9},
	{8, "H02", "hazard", "楼道里停放电动车并拉线充电。", "劝离并引导到充电棚。", "电动车已移走，线已拆除。", 5},
	{6, "H02", "hazard", "楼梯间堆放纸箱、旧家具，堵塞疏散通道。", "尽快清理。", "杂物已清理。", 8},
	{4, "H02", "hazard", "沿街饭店液化气瓶放在操作间，没有报警器。", "改用管道气或安装报警器。", "已安装报警器。", 3},
	{3, "H01", "hazard", "单元门禁损坏，外人可以随意出入。", "修复门禁。", "门禁已修好。", 40},
	{2, "H04", "hazard", "一处装修工地拖欠工钱，工人情绪激动。", "协调尽快支付。", "工钱已付清。", 7},
	{2, "H03", "hazard", "楼上楼下因漏水积怨较深，有再次争吵的可能。", "持续关注，约时间调解。", "双方已达成协议。", 4},
	{2, "H99", "hazard", "外墙瓷砖有几块空鼓，下面是人行道。", "先围起来，再修补。", "已围挡并修补。", 0},
}

// Situation is the `data` of a situation record, from the last three months. A hazard has a deadline, and often a result.
func (g *Generator) Situation() map[string]any {
	c := draw(g, concerns, func(c concern) int { return c.weight })
	f := fields{"category": c.category, "situation_kind": c.kind, "content": g.yard() + "：" + c.text, "happened_at": g.moment(90)}
	g.some(f, 76, "wish", func() any { return c.wish })
	if c.crowd > 0 {
		g.some(f, 68, "people_count", func() any { return g.between(1, c.crowd) })
	}
	if c.kind == "hazard" {
		f["deadline"] = g.dated(0, 30)
		f["recheck"] = "pending"
		if g.odds(55) {
			f["result"], f["recheck"] = c.righted, g.pick([]choice{{88, "passed"}, {12, "failed"}})
		}
	}
	return f
}
