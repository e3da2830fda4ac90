package ledger

import "sixelements/model"

// Template is a table that a department wants (一表通): what was collected once fills it.
type Template struct {
	Name    string
	Label   string
	Kind    model.Kind
	Columns []string
	keep    func(model.Element) bool
}

// Templates are the tables that can be asked for by name.
func Templates() []Template {
	return []Template{
		{"floating", "流动人口登记表", model.KindPerson, []string{"name", "sex", "id_type", "id_no", "birth_date", "phone", "ethnicity", "education",
			"origin", "arrival_date", "inflow_reason", "stay_type", "expected_leave_date", "permit_type", "permit_no", "landlord_name",
			"landlord_phone", "work_unit"},
			func(e model.Element) bool { return e.(*model.Person).ResidenceCategory == "floating" }},
		{"care", "关怀对象名册", model.KindPerson, []string{"name", "sex", "birth_date", "phone", "help_wanted", "emergency_contact_name",
			"emergency_contact_phone"},
			func(e model.Element) bool { return len(e.(*model.Person).HelpWanted) > 0 }},
		{"rental", "出租房屋台账", model.KindPlace, []string{"name", "address", "owner_name", "owner_phone", "rental_use", "landlord", "tenants_max",
			"tenants_actual", "rent_filing_no", "fire_exit", "gas_alarm", "hazard"},
			func(e model.Element) bool { return e.(*model.Place).PlaceKind == "rental_house" }},
		{"shop", "沿街商户台账", model.KindPlace, []string{"sign_name", "business", "licence", "address", "manager_name", "manager_phone",
			"staff_count", "someone_sleeps_there", "extinguishers", "extinguishers_expiry", "gas_type"},
			func(e model.Element) bool { return e.(*model.Place).PlaceKind == "shop" }},
	}
}

func template(k model.Kind, name string) (Template, bool) {
	for _, t := range Templates() {
		if t.Name == name && t.Kind == k {
			return t, true
		}
	}
	return Template{}, false
}
