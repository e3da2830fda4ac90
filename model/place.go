package model

import "sixelements/model/seal"

// Place (地) is a house, a rented house, a shop on the street, a venue or another spot of the street that someone answers for.
type Place struct {
	Base
	Name         string      `json:"name" label:"名称" group:"基本信息" required:"true" maxLength:"64"`
	PlaceKind    string      `json:"place_kind" label:"场所类别" group:"基本信息" required:"true" options:"house:住宅,rental_house:出租房,shop:沿街门店,venue:场所,underground:地下空间,site:工地,public_space:公共空间"`
	Address      string      `json:"address" label:"地址" group:"基本信息" required:"true" maxLength:"200"`
	VenueClass   string      `json:"venue_class" label:"场所大类" group:"基本信息" code:"venue_class"`
	VenueType    string      `json:"venue_type" label:"场所类型" group:"基本信息" code:"venue_type"`
	Usage        string      `json:"usage" label:"使用情况" group:"基本信息" options:"own:自用,let:出租,business:经营,vacant:空置"`
	FloorArea    *float64    `json:"floor_area" label:"建筑面积（平方米）" group:"基本信息" min:"0" max:"9999999"`
	RoomsCount   *int        `json:"rooms_count" label:"房间数" group:"基本信息" min:"0" max:"9999"`
	OwnerName    string      `json:"owner_name" label:"产权人" group:"联系人" maxLength:"64" mask:"name"`
	OwnerPhone   seal.String `json:"owner_phone" label:"产权人电话" group:"联系人" type:"phone" maxLength:"20" mask:"phone"`
	ManagerName  string      `json:"manager_name" label:"负责人" group:"联系人" maxLength:"64" mask:"name"`
	ManagerPhone seal.String `json:"manager_phone" label:"负责人电话" group:"联系人" type:"phone" maxLength:"20" mask:"phone" search:"phone"`

	RentalUse     string `json:"rental_use" label:"出租用途" group:"出租房" required:"true" when:"place_kind=rental_house" code:"rental_use"`
	Landlord      string `json:"landlord" label:"出租人" group:"出租房" when:"place_kind=rental_house" maxLength:"64" mask:"name"`
	TenantsMax    *int   `json:"tenants_max" label:"核定可住人数" group:"出租房" when:"place_kind=rental_house" min:"0" max:"9999"`
	TenantsActual *int   `json:"tenants_actual" label:"实际居住人数" group:"出租房" when:"place_kind=rental_house" min:"0" max:"9999"`
	RentFilingNo  string `json:"rent_filing_no" label:"租赁备案号" group:"出租房" when:"place_kind=rental_house" maxLength:"64"`
	FireExit      *bool  `json:"fire_exit" label:"消防通道畅通" group:"出租房" when:"place_kind=rental_house"`
	GasAlarm      *bool  `json:"gas_alarm" label:"装有燃气报警器" group:"出租房" when:"place_kind=rental_house"`
	Hazard        string `json:"hazard" label:"隐患类型" group:"出租房" when:"place_kind=rental_house" code:"hazard_type"`

	SignName            string `json:"sign_name" label:"招牌名称" group:"沿街门店" required:"true" when:"place_kind=shop" maxLength:"64"`
	Business            string `json:"business" label:"经营类型" group:"沿街门店" required:"true" when:"place_kind=shop" code:"venue_type"`
	Licence             string `json:"licence" label:"营业执照统一社会信用代码" group:"沿街门店" when:"place_kind=shop" type:"uscc" maxLength:"18" search:"key"`
	StaffCount          *int   `json:"staff_count" label:"从业人数" group:"沿街门店" when:"place_kind=shop" min:"0" max:"999999"`
	SomeoneSleepsThere  *bool  `json:"someone_sleeps_there" label:"店内住人" group:"沿街门店" when:"place_kind=shop" help:"经营、仓储、住宿在一处（三合一）"`
	Extinguishers       *int   `json:"extinguishers" label:"灭火器数量" group:"沿街门店" when:"place_kind=shop" min:"0" max:"9999"`
	ExtinguishersExpiry Date   `json:"extinguishers_expiry" label:"灭火器有效期至" group:"沿街门店" when:"place_kind=shop"`
	GasType             string `json:"gas_type" label:"用气方式" group:"沿街门店" when:"place_kind=shop" options:"none:不用气,pipeline:管道气,bottled:瓶装气"`

	Location *Location `json:"location" label:"地图位置" group:"位置与照片"`
	Photos   Photos    `json:"photos" gorm:"-" label:"照片" group:"位置与照片" max:"9"`
}

// TooManyTenants warns that more people live in a rented house than it may hold.
const TooManyTenants Code = "tenants.over"

// TableName is where GORM keeps it.
func (*Place) TableName() string { return "places" }

// Title is what stands over the door, otherwise the name.
func (p *Place) Title() string {
	if p.SignName != "" {
		return p.SignName
	}
	return p.Name
}

// Validate warns of a doubtful licence and of an overfull house: both are findings, not slips, and must be recordable.
func (p *Place) Validate(c *Check) {
	c.warnUSCC("licence", p.Licence)
	if p.TenantsMax != nil && p.TenantsActual != nil && *p.TenantsActual > *p.TenantsMax {
		c.Warn("tenants_actual", TooManyTenants, "实际居住人数超过核定人数，请核对，确认无误可忽略")
	}
}
