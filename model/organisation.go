package model

import "sixelements/model/seal"

// Organisation (组织) is a company, a public body, an association or a self-employed trader at work in the street. Its number is the
// unified social credit code (GB 32100).
type Organisation struct {
	Base
	Name                     string      `json:"name" label:"名称" group:"基本信息" required:"true" maxLength:"128"`
	OrgKind                  string      `json:"org_kind" label:"组织类别" group:"基本信息" required:"true" options:"enterprise:企业,self_employed:个体工商户,institution:机关事业单位,social_organisation:社会组织,party_organisation:党组织,owners_committee:业委会,property_company:物业公司,other:其他"`
	USCC                     string      `json:"uscc" label:"统一社会信用代码" group:"基本信息" type:"uscc" maxLength:"18" search:"key"`
	EnterpriseType           string      `json:"enterprise_type" label:"企业类型" group:"基本信息" when:"org_kind=enterprise|self_employed|property_company" code:"enterprise_type"`
	SocialOrganisationType   string      `json:"social_organisation_type" label:"社会组织类型" group:"基本信息" when:"org_kind=social_organisation" code:"social_organisation_type"`
	LegalRepresentative      string      `json:"legal_representative" label:"法定代表人" group:"联系人" maxLength:"64" mask:"name"`
	LegalRepresentativePhone seal.String `json:"legal_representative_phone" label:"法定代表人电话" group:"联系人" type:"phone" maxLength:"20" mask:"phone"`
	ContactName              string      `json:"contact_name" label:"联系人" group:"联系人" required:"true" maxLength:"64" mask:"name"`
	ContactPhone             seal.String `json:"contact_phone" label:"联系电话" group:"联系人" required:"true" type:"phone" maxLength:"20" mask:"phone" search:"phone" help:"手机或带区号的座机"`

	RegisteredAddress  string `json:"registered_address" label:"注册地址" group:"经营情况" maxLength:"200"`
	BusinessAddress    string `json:"business_address" label:"经营地址" group:"经营情况" required:"true" maxLength:"200" help:"写到楼栋和房间"`
	BusinessScope      string `json:"business_scope" label:"经营范围" group:"经营情况" type:"long_text" maxLength:"500"`
	StaffCount         *int   `json:"staff_count" label:"从业人数" group:"经营情况" min:"0" max:"999999"`
	FloatingStaffCount *int   `json:"floating_staff_count" label:"其中流动人口" group:"经营情况" min:"0" max:"999999"`
	Founded            Date   `json:"founded" label:"成立日期" group:"经营情况"`
	Status             string `json:"status" label:"经营状态" group:"经营情况" options:"open:营业,closed:停业,moved:迁出"`

	HasPartyOrganisation *bool `json:"has_party_organisation" label:"建有党组织" group:"党群"`
	PartyMembers         *int  `json:"party_members" label:"党员人数" group:"党群" min:"0" max:"999999"`
	HasUnion             *bool `json:"has_union" label:"建有工会" group:"党群"`

	FireOfficerName    string      `json:"fire_officer_name" label:"消防负责人" group:"安全" maxLength:"64" mask:"name"`
	FireOfficerPhone   seal.String `json:"fire_officer_phone" label:"消防负责人电话" group:"安全" type:"phone" maxLength:"20" mask:"phone"`
	HazardousChemicals Choices     `json:"hazardous_chemicals" label:"危险化学品" group:"安全" code:"hazardous_chemical"`
}

// The warnings of an organisation.
const (
	DoubtfulUSCC Code = "uscc.check"      // the check digit fails; some early codes were issued so
	TooManyStaff Code = "staff.more_than" // more floating staff than staff
)

// TableName is where GORM keeps it.
func (*Organisation) TableName() string { return "organisations" }

// Title is the organisation's name.
func (o *Organisation) Title() string { return o.Name }

// Validate warns of what does not add up, and refuses a founding day to come.
func (o *Organisation) Validate(c *Check) {
	c.warnUSCC("uscc", o.USCC)
	c.notFuture("founded", o.Founded)
	if o.StaffCount != nil && o.FloatingStaffCount != nil && *o.FloatingStaffCount > *o.StaffCount {
		c.Warn("floating_staff_count", TooManyStaff, "流动人口超过从业人数，请核对，确认无误可忽略")
	}
}

// warnUSCC asks to confirm a code whose check digit fails: it may have been issued so, thus it is never refused.
func (c *Check) warnUSCC(field, code string) {
	if code == "" {
		return
	}
	if _, ok, fault := ParseUSCC(code); fault == nil && !ok {
		c.Warn(field, DoubtfulUSCC, "统一社会信用代码的校验位不符，请核对，确认无误可忽略")
	}
}
