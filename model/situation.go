package model

// Situation (情) is what people ask for, think, fear or quarrel about. Its categories are those of petitions and of hazards, in one
// list.
type Situation struct {
	Base
	Category      string `json:"category" label:"类别" group:"情况" required:"true" code:"situation_or_hazard"`
	Content       string `json:"content" label:"内容" group:"情况" required:"true" type:"long_text" maxLength:"2000"`
	SituationKind string `json:"situation_kind" label:"性质" group:"情况" required:"true" options:"demand:诉求,opinion:民意,hazard:隐患,dispute:矛盾,help:求助"`
	PeopleCount   *int   `json:"people_count" label:"涉及人数" group:"情况" min:"0" max:"999999"`
	Wish          string `json:"wish" label:"希望怎样解决" group:"情况" type:"long_text" maxLength:"500"`
	HappenedAt    Time   `json:"happened_at" label:"发生时间" group:"情况"`
	Photos        Photos `json:"photos" gorm:"-" label:"照片" group:"情况" max:"9"`

	Deadline Date   `json:"deadline" label:"整改期限" group:"隐患整改" when:"situation_kind=hazard"`
	Result   string `json:"result" label:"整改结果" group:"隐患整改" when:"situation_kind=hazard" type:"long_text" maxLength:"500"`
	Recheck  string `json:"recheck" label:"复查" group:"隐患整改" when:"situation_kind=hazard" options:"pending:待复查,passed:合格,failed:不合格"`
}

// TableName is where GORM keeps it.
func (*Situation) TableName() string { return "situations" }

// Title is the beginning of the content.
func (s *Situation) Title() string {
	const longest = 20 // runes: one line on a phone
	if r := []rune(s.Content); len(r) > longest {
		return string(r[:longest])
	}
	return s.Content
}

// Validate compares the dates: nothing happens after today, and a hazard is put right after it arose.
func (s *Situation) Validate(c *Check) {
	c.notFuture("happened_at", s.HappenedAt.Date())
	if s.Deadline != "" && s.Deadline < s.HappenedAt.Date() {
		c.Fault("deadline", FieldRange, "整改期限不能早于发生时间，请改正")
	}
}
