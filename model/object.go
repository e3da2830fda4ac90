package model

// Object (物) is a component of the city, such as a manhole cover or a street lamp, by the classes of GB/T 30428.2.
type Object struct {
	Base
	ComponentType   string    `json:"component_type" label:"部件类别" group:"部件" required:"true" code:"component_type"`
	Name            string    `json:"name" label:"名称" group:"部件" required:"true" maxLength:"64"`
	IdentityCode    string    `json:"identity_code" label:"标识码" group:"部件" maxLength:"16" pattern:"^[1-9][0-9]{15}$" help:"部件铭牌上的16位数字"`
	Condition       string    `json:"condition" label:"状态" group:"部件" required:"true" options:"good:完好,damaged:破损,missing:缺失,blocked:堵塞,abandoned:废弃"`
	OwnerUnit       string    `json:"owner_unit" label:"权属单位" group:"单位" maxLength:"128"`
	MaintenanceUnit string    `json:"maintenance_unit" label:"养护单位" group:"单位" maxLength:"128"`
	LocationText    string    `json:"location_text" requiredUnless:"location" label:"位置说明" group:"位置与照片" maxLength:"200" help:"位置说明与地图位置至少填一项"`
	Location        *Location `json:"location" label:"地图位置" group:"位置与照片"`
	LastInspected   Date      `json:"last_inspected" label:"最近巡查日期" group:"位置与照片"`
	Photos          Photos    `json:"photos" gorm:"-" label:"照片" group:"位置与照片" max:"9"`
}

// OtherClass warns that the identity code names another class than the component type.
const OtherClass Code = "identity_code.other_class"

// TableName is where GORM keeps it.
func (*Object) TableName() string { return "objects" }

// Title is the component's name.
func (o *Object) Title() string { return o.Name }

// Validate compares the identity code with the class: it is division 6, main class 2, sub-class 2, serial number 6 (GB/T 30428.2).
func (o *Object) Validate(c *Check) {
	if len(o.IdentityCode) == 16 && len(o.ComponentType) == 4 && o.IdentityCode[6:10] != o.ComponentType {
		c.Warn("identity_code", OtherClass, "标识码与所选部件类别不一致，请核对，确认无误可忽略")
	}
	c.notFuture("last_inspected", o.LastInspected)
}
