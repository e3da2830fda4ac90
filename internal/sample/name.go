package sample

// surnames are weighted by how common they are, roughly, in thousandths.
var surnames = []choice{
	{96, "王"}, {92, "李"}, {88, "张"}, {62, "刘"}, {46, "陈"}, {36, "杨"}, {30, "赵"}, {14, "黄"}, {22, "周"}, {16, "吴"},
	{14, "徐"}, {20, "孙"}, {18, "胡"}, {16, "朱"}, {14, "高"}, {8, "林"}, {12, "何"}, {28, "郭"}, {24, "马"}, {8, "罗"},
	{10, "梁"}, {16, "宋"}, {12, "郑"}, {7, "谢"}, {12, "韩"}, {8, "唐"}, {8, "冯"}, {7, "于"}, {10, "董"}, {5, "肖"},
	{8, "程"}, {7, "曹"}, {10, "袁"}, {5, "邓"}, {12, "许"}, {6, "傅"}, {5, "沈"}, {4, "曾"}, {5, "彭"}, {8, "吕"},
	{8, "苏"}, {7, "卢"}, {5, "蒋"}, {6, "蔡"}, {8, "贾"}, {8, "丁"}, {9, "魏"}, {6, "薛"}, {6, "叶"}, {6, "闫"},
	{4, "余"}, {6, "潘"}, {8, "杜"}, {4, "戴"}, {6, "夏"}, {8, "田"}, {8, "任"}, {6, "姜"}, {8, "范"}, {6, "石"}, {2, "欧阳"},
}

var huiSurnames = []choice{{40, "马"}, {14, "白"}, {10, "海"}, {8, "丁"}, {6, "买"}, {12, "李"}, {10, "张"}}

// fashion is what parents called their children up to a year: characters of three bytes each, for the first and last place of a
// given name of two, and names of one character in a share of cases.
type fashion struct {
	until        int
	single       float64 // percent
	first, last  [2]string
	singleGivens [2]string
}

const women, men = 0, 1

var fashions = []fashion{
	{until: 1955, single: 4, first: [2]string{"秀桂玉淑凤兰金素爱春", "国建德文振玉长金福永"},
		last: [2]string{"英兰珍荣芝云莲芳花梅", "林生义山祥礼堂华成明"}, singleGivens: [2]string{"英兰珍芳", "福祥顺海"}},
	{until: 1970, single: 10, first: [2]string{"秀丽红玉爱春桂素淑金", "建国志红卫新保军永胜"},
		last: [2]string{"英华玲芳霞荣萍敏珍琴", "国军民华平生强林明东"}, singleGivens: [2]string{"萍敏霞红", "军平强刚"}},
	{until: 1985, single: 34, first: [2]string{"晓红丽艳海春小雪慧玉", "志建海永晓红卫少俊国"},
		last: [2]string{"丽娟燕敏静霞艳红玲梅", "伟强军勇涛峰辉鹏东杰"}, singleGivens: [2]string{"丽静敏艳燕娟霞芳娜玲", "伟强军勇涛磊超辉刚斌"}},
	{until: 2000, single: 38, first: [2]string{"晓梦婷雅文佳思雪慧静", "志晓俊文明世永子嘉海"},
		last: [2]string{"婷雪倩颖琳洁莹瑶佳楠", "鹏飞超凯浩博阳龙杰宇"}, singleGivens: [2]string{"婷倩颖雪琳洁莹丹瑶楠", "浩磊鹏超凯博阳杰帅旭"}},
	{until: 2012, single: 10, first: [2]string{"子梓雨欣思佳诗梦雅可", "子浩俊宇嘉明博文天梓"},
		last: [2]string{"涵萱怡彤琪妍欣悦菲瑶", "轩涵豪然宇杰博睿阳辰"}, singleGivens: [2]string{"悦彤欣瑶", "轩睿宇辰"}},
	{until: 9999, single: 5, first: [2]string{"沐若梓语可一依芷诗安", "沐宇浩子梓奕一亦景书"},
		last: [2]string{"汐萱桐妍诺琳涵玥宁瑶", "辰宸泽轩然恒睿希安航"}, singleGivens: [2]string{"玥汐宁诺", "宸泽恒航"}},
}

// han is one character of a text of Chinese characters (three bytes each in UTF-8).
func (g *Generator) han(s string) string {
	i := 3 * g.r.IntN(len(s)/3)
	return s[i : i+3]
}

func (g *Generator) surname() string { return g.pick(surnames) }

// given is a given name as was usual for the sex and year of birth.
func (g *Generator) given(male bool, born day) string {
	sex := women
	if male {
		sex = men
	}
	y := born.std().Year()
	for i := range fashions {
		f := &fashions[i]
		if y >= f.until {
			continue
		}
		if g.odds(f.single) {
			return g.han(f.singleGivens[sex])
		}
		first, last := g.han(f.first[sex]), g.han(f.last[sex])
		for first == last {
			last = g.han(f.last[sex])
		}
		return first + last
	}
	return g.han(fashions[0].last[sex])
}

// StaffName is the name of a person of working age.
func (g *Generator) StaffName() string {
	return g.surname() + g.given(g.odds(45), g.today.minus(float64(g.between(24, 58))))
}

// foreign is a group of countries whose people's names are put together alike; each part of a name is its Latin and its Chinese
// form.
type foreign struct {
	weight       int
	countries    []choice // nationality
	surnames     [][2]string
	givens       [2][][2]string // women, men
	surnameFirst bool
}

var foreigners = []foreign{
	{weight: 60, countries: []choice{{40, "840"}, {20, "826"}, {12, "124"}, {10, "36"}, {8, "276"}, {8, "250"}, {6, "566"}},
		surnames: [][2]string{{"Carter", "卡特"}, {"Bennett", "贝内特"}, {"Harris", "哈里斯"}, {"Walker", "沃克"}, {"Miller", "米勒"}},
		givens: [2][][2]string{{{"Emily", "埃米莉"}, {"Laura", "劳拉"}, {"Grace", "格雷丝"}, {"Helen", "海伦"}},
			{{"Daniel", "丹尼尔"}, {"Peter", "彼得"}, {"Samuel", "塞缪尔"}, {"Oliver", "奥利弗"}}}},
	{weight: 22, countries: []choice{{70, "586"}, {30, "356"}},
		surnames: [][2]string{{"Khan", "汗"}, {"Malik", "马利克"}, {"Sharma", "夏尔马"}, {"Anwar", "安瓦尔"}},
		givens: [2][][2]string{{{"Aisha", "艾莎"}, {"Sana", "萨娜"}, {"Noor", "努尔"}},
			{{"Bilal", "比拉勒"}, {"Imran", "伊姆兰"}, {"Arjun", "阿尔琼"}}}},
	{weight: 18, countries: []choice{{1, "410"}}, surnameFirst: true,
		surnames: [][2]string{{"KIM", "金"}, {"PARK", "朴"}, {"LEE", "李"}, {"CHOI", "崔"}},
		givens: [2][][2]string{{{"Seoyeon", "瑞妍"}, {"Jiwoo", "智友"}, {"Hana", "荷娜"}},
			{{"Minjun", "民俊"}, {"Jihoon", "志勋"}, {"Dohyun", "道贤"}}}},
}
