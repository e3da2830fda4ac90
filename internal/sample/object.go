package sample

// component is a kind of city component: its component_type, what it is called, and who it belongs to.
type component struct {
	weight            int
	code, name, owner string
	faults            []choice // the conditions it is found in beside good
}

var (
	breaks = []choice{{1, "damaged"}}
	covers = []choice{{6, "damaged"}, {3, "missing"}, {1, "abandoned"}}
	drains = []choice{{2, "damaged"}, {7, "blocked"}, {1, "missing"}}
)

var components = []component{
	{10, "0102", "污水井盖", "市政排水公司", covers}, {8, "0103", "雨水井盖", "市政排水公司", covers}, {8, "0104", "雨水箅子", "市政排水公司", drains},
	{5, "0101", "上水井盖", "自来水公司", covers}, {4, "0105", "电力井盖", "供电公司", covers}, {5, "0107", "通讯井盖", "通信公司", covers},
	{4, "0110", "热力井盖", "热力公司", covers}, {4, "0111", "燃气井盖", "燃气公司", covers}, {8, "0113", "消火栓", "消防救援站", breaks},
	{12, "0118", "路灯", "城市照明管理处", breaks}, {3, "0115", "通讯交接箱", "通信公司", breaks}, {3, "0134", "变压器箱", "供电公司", breaks},
	{3, "0135", "燃气调压箱", "燃气公司", breaks}, {4, "0136", "监控探头", "派出所", breaks}, {5, "0126", "健身器材", "街道办事处", breaks},
	{3, "0203", "公交站亭", "公交公司", breaks}, {3, "0209", "交通标志牌", "交警大队", breaks}, {2, "0211", "交通护栏", "交警大队", breaks},
	{2, "0213", "路名牌", "区民政局", breaks}, {1, "0301", "公共厕所", "区城管局", drains}, {3, "0302", "化粪池", "物业公司", drains},
	{6, "0305", "垃圾箱", "区城管局", covers}, {8, "0402", "行道树", "区园林局", breaks}, {3, "0405", "绿地", "区园林局", breaks},
	{2, "0407", "街头座椅", "区园林局", breaks}, {3, "0501", "宣传栏", "社区居委会", breaks},
}

// Object is the `data` of an object record: a component of the street.
func (g *Generator) Object() map[string]any {
	c := draw(g, components, func(c component) int { return c.weight })
	at := g.lane()
	f := fields{"component_type": c.code, "name": at + c.name, "condition": "good"}
	if g.odds(12) {
		f["condition"] = g.pick(c.faults)
	}
	f["location_text"] = at + itoa(g.between(1, 240)) + "号" + one(g, []string{"门前", "院内", "东侧", "西侧", "路口", "对面"})
	g.some(f, 90, "location", func() any { return g.around() })
	g.some(f, 64, "identity_code", func() any { return "410102" + c.code + pad(g.serials.draw(), 6) })
	g.some(f, 86, "owner_unit", func() any { return c.owner })
	g.some(f, 48, "maintenance_unit", func() any { return one(g, []string{c.owner, "建设路街道市政维护队", "物业公司"}) })
	g.some(f, 78, "last_inspected", func() any { return g.dated(-240, -1) })
	return f
}
