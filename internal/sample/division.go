package sample

// division is a county-level division: the code that ID numbers begin with, and its name.
type division struct {
	code, name string
}

// local are the districts of Zhengzhou, that of the street most often.
var local = []division{
	{"410102", "河南省郑州市中原区"}, {"410102", "河南省郑州市中原区"}, {"410102", "河南省郑州市中原区"}, {"410103", "河南省郑州市二七区"},
	{"410104", "河南省郑州市管城回族区"}, {"410105", "河南省郑州市金水区"}, {"410106", "河南省郑州市上街区"}, {"410108", "河南省郑州市惠济区"},
}

var henan = []division{
	{"410122", "河南省郑州市中牟县"}, {"410181", "河南省巩义市"}, {"410182", "河南省荥阳市"}, {"410183", "河南省新密市"},
	{"410184", "河南省新郑市"}, {"410185", "河南省登封市"}, {"410221", "河南省开封市杞县"}, {"410222", "河南省开封市通许县"},
	{"410223", "河南省开封市尉氏县"}, {"410325", "河南省洛阳市嵩县"}, {"410327", "河南省洛阳市宜阳县"}, {"410329", "河南省洛阳市伊川县"},
	{"410421", "河南省平顶山市宝丰县"}, {"410423", "河南省平顶山市鲁山县"}, {"410526", "河南省安阳市滑县"}, {"410581", "河南省林州市"},
	{"410725", "河南省新乡市原阳县"}, {"410727", "河南省新乡市封丘县"}, {"410823", "河南省焦作市武陟县"}, {"410922", "河南省濮阳市清丰县"},
	{"411024", "河南省许昌市鄢陵县"}, {"411081", "河南省禹州市"}, {"411082", "河南省长葛市"}, {"411121", "河南省漯河市舞阳县"},
	{"411282", "河南省灵宝市"}, {"411322", "河南省南阳市方城县"}, {"411328", "河南省南阳市唐河县"}, {"411381", "河南省邓州市"},
	{"411421", "河南省商丘市民权县"}, {"411425", "河南省商丘市虞城县"}, {"411481", "河南省永城市"}, {"411522", "河南省信阳市光山县"},
	{"411525", "河南省信阳市固始县"}, {"411621", "河南省周口市扶沟县"}, {"411623", "河南省周口市商水县"}, {"411625", "河南省周口市郸城县"},
	{"411627", "河南省周口市太康县"}, {"411681", "河南省项城市"}, {"411722", "河南省驻马店市上蔡县"}, {"411723", "河南省驻马店市平舆县"},
	{"411728", "河南省驻马店市遂平县"}, {"411729", "河南省驻马店市新蔡县"},
}

var national = []division{
	{"110105", "北京市朝阳区"}, {"130434", "河北省邯郸市魏县"}, {"140502", "山西省晋城市城区"}, {"210102", "辽宁省沈阳市和平区"},
	{"230102", "黑龙江省哈尔滨市道里区"}, {"310115", "上海市浦东新区"}, {"320381", "江苏省新沂市"}, {"330106", "浙江省杭州市西湖区"},
	{"341222", "安徽省阜阳市太和县"}, {"341225", "安徽省阜阳市阜南县"}, {"341226", "安徽省阜阳市颍上县"}, {"350122", "福建省福州市连江县"},
	{"360121", "江西省南昌市南昌县"}, {"371721", "山东省菏泽市曹县"}, {"371728", "山东省菏泽市东明县"}, {"420683", "湖北省枣阳市"},
	{"430523", "湖南省邵阳市邵阳县"}, {"440106", "广东省广州市天河区"}, {"450103", "广西壮族自治区南宁市青秀区"}, {"500101", "重庆市万州区"},
	{"511324", "四川省南充市仪陇县"}, {"610103", "陕西省西安市碑林区"}, {"620102", "甘肃省兰州市城关区"}, {"650102", "新疆维吾尔自治区乌鲁木齐市天山区"},
}

// home is where somebody's ID number was given out.
func (g *Generator) home(category string) division {
	elsewhere := 25.0
	if category == "floating" {
		elsewhere = 100
	}
	switch {
	case !g.odds(elsewhere):
		return one(g, local)
	case g.odds(78):
		return one(g, henan)
	}
	return one(g, national)
}

// lanes are the roads of the street; all but the first are invented, and so is every courtyard.
var lanes = []string{"建设路", "梧桐里街", "纺织新街", "同和巷", "新禾路", "清渠街"}

const district = "河南省郑州市中原区"

// lane is mostly the main road.
func (g *Generator) lane() string {
	if g.odds(45) {
		return lanes[0]
	}
	return one(g, lanes)
}

// doorway is a street number on the street.
func (g *Generator) doorway() string { return g.lane() + itoa(g.between(1, 240)) + "号" }

// yard is one of the street's courtyards.
func (g *Generator) yard() string { return g.lane() + itoa(60+2*g.r.IntN(40)) + "号院" }

// flat is an address in a courtyard of the street.
func (g *Generator) flat() string {
	return g.yard() + itoa(g.between(1, 9)) + "号楼" + itoa(g.between(1, 4)) + "单元" +
		itoa(100*g.between(1, 18)+g.between(1, 4)) + "号"
}

// village is an address out in the country, in the division.
func (g *Generator) village(d division) string {
	return d.name + g.han("东西南北新") + g.han("关张王李赵马河岗") + one(g, []string{"镇", "乡", "街道"}) +
		g.han("大小前后上下") + g.han("刘陈杨郭孙吴朱马") + one(g, []string{"庄村", "营村", "楼村", "寨村"}) + itoa(g.between(1, 180)) + "号"
}

// around is a point within some 1.5 km of the street's middle, as WeChat gives it.
func (g *Generator) around() map[string]any {
	lon, lat := 113.62+(g.r.Float64()-0.5)*0.03, 34.75+(g.r.Float64()-0.5)*0.024
	return map[string]any{"lon": micro(lon), "lat": micro(lat), "system": "gcj02"}
}
