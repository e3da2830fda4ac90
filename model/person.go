package model

import (
	"strings"
	"unicode"

	"sixelements/model/seal"
)

// Person (人) is one person registered at one room: a stay, from arrival to archive. There is no person master; the blind index of
// the id number joins a person's records.
//
// Standards behind the codes: sex GB/T 2261.1, marital status GB/T 2261.2, ethnicity GB/T 3304, education GB/T 4658, political
// status GB/T 4762, relation to head GB/T 4761, nationality GB/T 2659. Sex and birth date follow from a resident identity number
// (GB 11643). Sensitive fields need the separate consent of PIPL article 29, and a child under 14 a guardian's (article 31).
type Person struct {
	Base
	Name              string      `json:"name" label:"姓名" group:"基本信息" required:"true" maxLength:"64" mask:"name" search:"prefix"`
	IDType            string      `json:"id_type" label:"证件类型" group:"基本信息" required:"true" code:"id_type" default:"111"`
	IDNo              seal.String `json:"id_no" label:"证件号码" group:"基本信息" type:"id_number" maxLength:"32" needs:"verify" mask:"id" search:"key" sensitive:"true" help:"可以先不填，上门核实时再补"`
	Sex               string      `json:"sex" label:"性别" group:"基本信息" code:"sex" help:"填写身份证号后自动得出"`
	BirthDate         seal.String `json:"birth_date" label:"出生日期" group:"基本信息" type:"date" mask:"birth" help:"填写身份证号后自动得出"`
	Phone             seal.String `json:"phone" label:"手机号" group:"基本信息" type:"phone" mobile:"true" requiredUnless:"no_phone" maxLength:"20" mask:"phone" search:"phone"`
	NoPhone           *bool       `json:"no_phone" label:"没有手机" group:"基本信息"`
	ResidenceCategory string      `json:"residence_category" label:"人口类别" group:"基本信息" required:"true" options:"registered:户籍,floating:流动,overseas:境外,unregistered:未落户"`
	RelationToHead    string      `json:"relation_to_head" label:"与户主关系" group:"基本信息" required:"true" code:"relation_to_head"`

	HouseholdConsistency string `json:"household_consistency" label:"人户是否一致" group:"更多情况" options:"consistent:人户一致,elsewhere:人户分离"`
	Ethnicity            string `json:"ethnicity" label:"民族" group:"更多情况" code:"ethnicity"`
	PoliticalStatus      string `json:"political_status" label:"政治面貌" group:"更多情况" code:"political_status" sensitive:"true"`
	Education            string `json:"education" label:"学历" group:"更多情况" code:"education"`
	MaritalStatus        string `json:"marital_status" label:"婚姻状况" group:"更多情况" code:"marital_status"`
	HukouAddress         string `json:"hukou_address" label:"户籍地址" group:"更多情况" maxLength:"200"`
	HukouType            string `json:"hukou_type" label:"户口性质" group:"更多情况" code:"hukou_type"`
	WorkUnit             string `json:"work_unit" label:"工作单位" group:"更多情况" maxLength:"128"`
	Occupation           string `json:"occupation" label:"职业" group:"更多情况" maxLength:"64"`
	DwellingType         string `json:"dwelling_type" label:"住所类型" group:"更多情况" code:"dwelling_type"`
	RelationToOwner      string `json:"relation_to_owner" label:"与房主关系" group:"更多情况" code:"relation_to_owner"`

	EmergencyContactName  string      `json:"emergency_contact_name" label:"紧急联系人" group:"紧急联系人" maxLength:"64" mask:"name"`
	EmergencyContactPhone seal.String `json:"emergency_contact_phone" label:"紧急联系人电话" group:"紧急联系人" type:"phone" maxLength:"20" mask:"phone"`
	HelpWanted            Choices     `json:"help_wanted" label:"需要的关怀" group:"需要的关怀" options:"living_alone_elder:独居老人,disability:残疾,low_income:低保低收入,veteran:退役军人,other:其他" sensitive:"true" help:"自愿填写，便于社区上门服务"`

	ArrivalDate       Date        `json:"arrival_date" label:"来本地日期" group:"流动人口" required:"true" when:"residence_category=floating"`
	InflowReason      string      `json:"inflow_reason" label:"流入原因" group:"流动人口" required:"true" when:"residence_category=floating" code:"inflow_reason"`
	Origin            string      `json:"origin" label:"来自何地" group:"流动人口" when:"residence_category=floating" maxLength:"128" help:"填到区县，如：河南省新郑市"`
	StayType          string      `json:"stay_type" label:"居住方式" group:"流动人口" required:"true" when:"residence_category=floating" code:"dwelling_type"`
	ExpectedLeaveDate Date        `json:"expected_leave_date" label:"预计离开日期" group:"流动人口" when:"residence_category=floating"`
	PermitType        string      `json:"permit_type" label:"居住证件" group:"流动人口" when:"residence_category=floating" code:"residence_permit_type"`
	PermitNo          seal.String `json:"permit_no" label:"居住证件号码" group:"流动人口" when:"residence_category=floating" maxLength:"32" mask:"id" sensitive:"true"`
	LandlordName      string      `json:"landlord_name" label:"房东姓名" group:"流动人口" when:"residence_category=floating" maxLength:"64" mask:"name"`
	LandlordPhone     seal.String `json:"landlord_phone" label:"房东电话" group:"流动人口" when:"residence_category=floating" type:"phone" maxLength:"20" mask:"phone"`

	Nationality string `json:"nationality" label:"国家和地区" group:"境外人员" when:"residence_category=overseas" code:"nationality"`
	LatinName   string `json:"latin_name" label:"英文姓名" group:"境外人员" when:"residence_category=overseas" maxLength:"64" mask:"name" help:"与证件一致"`
	StayUntil   Date   `json:"stay_until" label:"停留期至" group:"境外人员" when:"residence_category=overseas"`

	GuardianName     string      `json:"guardian_name" label:"监护人姓名" group:"监护人" required:"true" when:"age_years=0..13" maxLength:"64" mask:"name" sensitive:"true"`
	GuardianRelation string      `json:"guardian_relation" label:"监护人与孩子的关系" group:"监护人" required:"true" when:"age_years=0..13" maxLength:"32" sensitive:"true" help:"如：母亲"`
	GuardianPhone    seal.String `json:"guardian_phone" label:"监护人电话" group:"监护人" required:"true" when:"age_years=0..13" type:"phone" mobile:"true" maxLength:"20" mask:"phone" sensitive:"true"`
	GuardianConsent  *bool       `json:"guardian_consent" label:"监护人同意填报" group:"监护人" required:"true" when:"age_years=0..13" sensitive:"true"`
}

const (
	residentID  = "111" // 身份证 in id_type
	consentAge  = 14    // years; below it a guardian consents (PIPL article 31)
	longestLife = 130   // years; an earlier birth date is a slip of the finger
)

// TableName is where GORM keeps it.
func (*Person) TableName() string { return "persons" }

// Title is the person's name; lists mask it.
func (p *Person) Title() string { return p.Name }

// AgeOn is the person's age in full years on the day, -1 when unknown. An identity number counts before Validate has derived the
// birth date from it, so that the form's conditions on age_years hold at once.
func (p *Person) AgeOn(day Date) int {
	if n, fault := p.identity(day); n.Number != "" && fault == nil {
		return n.Birth.AgeOn(day)
	}
	birth, _ := p.BirthDate.Reveal()
	return Date(birth).AgeOn(day)
}

// identity reads the resident identity number; both results are zero when there is none.
func (p *Person) identity(today Date) (IDNumber, *FieldError) {
	no, _ := p.IDNo.Reveal()
	if p.IDType != residentID || no == "" {
		return IDNumber{}, nil
	}
	return ParseIDNumber(no, today)
}

// Validate checks the document, derives sex and birth date from an identity number, and checks dates and the guardian's consent.
func (p *Person) Validate(c *Check) {
	p.checkDocument(c)
	p.checkBirth(c)
	if isTrue(p.NoPhone) && !p.Phone.IsZero() {
		c.Fault("no_phone", FieldInvalid, "已填写手机号，请取消“没有手机”")
	}
	c.notFuture("arrival_date", p.ArrivalDate)
	if p.ExpectedLeaveDate != "" && p.ExpectedLeaveDate < p.ArrivalDate {
		c.Fault("expected_leave_date", FieldRange, "预计离开日期不能早于来本地日期，请改正")
	}
	if age := p.AgeOn(c.Today); age >= 0 && age < consentAge && p.GuardianConsent != nil && !*p.GuardianConsent {
		c.Fault("guardian_consent", FieldInvalid, "未满14周岁，请监护人同意后再提交")
	}
}

func (p *Person) checkDocument(c *Check) {
	no, _ := p.IDNo.Reveal()
	if no == "" {
		return
	}
	if p.IDType != residentID {
		if no = strings.ToUpper(strings.TrimSpace(no)); !isDocumentNumber(no) {
			c.Fault("id_no", FieldInvalid, "证件号码应为4至32位字母或数字，请对照证件填写")
			return
		}
		p.IDNo = seal.Clear(no)
		return
	}
	n, fault := p.identity(c.Today)
	if fault != nil {
		c.Fault("id_no", fault.Code, fault.Message)
		return
	}
	p.IDNo, p.Sex, p.BirthDate = seal.Clear(n.Number), n.Sex, seal.Clear(string(n.Birth))
}

func (p *Person) checkBirth(c *Check) {
	birth, _ := p.BirthDate.Reveal()
	if c.notFuture("birth_date", Date(birth)) && Date(birth).AgeOn(c.Today) > longestLife {
		c.Fault("birth_date", FieldRange, "出生日期过早，请核对年份")
	}
}

// isDocumentNumber takes Han characters as letters: officers' cards carry a few (114, 115).
func isDocumentNumber(s string) bool {
	runes := []rune(s)
	for _, r := range runes {
		if !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || unicode.Is(unicode.Han, r)) {
			return false
		}
	}
	return len(runes) >= 4 && len(runes) <= 32
}

func isTrue(b *bool) bool { return b != nil && *b }

// notFuture faults a day after today and tells whether the day may stand.
func (c *Check) notFuture(field string, d Date) bool {
	if d > c.Today {
		c.Fault(field, FieldRange, "日期不能晚于今天，请改正")
		return false
	}
	return true
}
