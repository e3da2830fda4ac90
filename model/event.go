package model

import (
	"time"

	"sixelements/model/seal"
)

// Event (事) is something that happened and wants handling. Its categories are the city events of GB/T 30428.2 and the street's
// service events, in one list.
type Event struct {
	Base
	Subject      string      `json:"title" gorm:"column:title" label:"标题" group:"事件" required:"true" maxLength:"64"`
	Category     string      `json:"category" label:"事件类别" group:"事件" required:"true" code:"event_category"`
	Description  string      `json:"description" label:"情况描述" group:"事件" required:"true" type:"long_text" maxLength:"2000"`
	OccurredAt   Time        `json:"occurred_at" label:"发生时间" group:"事件" required:"true"`
	Urgency      string      `json:"urgency" label:"紧急程度" group:"事件" required:"true" options:"low:不急,normal:一般,high:较急,emergency:紧急"`
	LocationText string      `json:"location_text" label:"位置说明" group:"位置" maxLength:"200"`
	Location     *Location   `json:"location" label:"地图位置" group:"位置"`
	PeopleCount  *int        `json:"people_count" label:"涉及人数" group:"当事人" min:"0" max:"999999"`
	Parties      seal.String `json:"parties" label:"当事人" group:"当事人" type:"list" of:"party" max:"20" mask:"text"`
	CallBack     *bool       `json:"call_back" label:"希望回电" group:"反馈" help:"处置部门可看到您的电话"`
	Anonymous    *bool       `json:"anonymous" label:"对处置部门匿名" group:"反馈"`
	Photos       Photos      `json:"photos" gorm:"-" label:"照片" group:"照片" max:"9"`
}

// Party is a person an event involves. All parties are sealed together, as one JSON array.
type Party struct {
	Name  string `json:"name" label:"姓名" required:"true" maxLength:"64" mask:"name"`
	Phone string `json:"phone" label:"电话" type:"phone" maxLength:"20" mask:"phone"`
}

// TableName is where GORM keeps it.
func (*Event) TableName() string { return "events" }

// Title is the event's own.
func (e *Event) Title() string { return e.Subject }

// Validate refuses an event later than tomorrow; within a day the phone's clock may be wrong.
func (e *Event) Validate(c *Check) {
	const endOfTomorrow = 48 * time.Hour
	if e.OccurredAt >= c.Today.Start().Add(endOfTomorrow) {
		c.Fault("occurred_at", FieldRange, "发生时间不能晚于现在，请改正")
	}
}
