package ledger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/store"
)

// column is one of a ledger.
type column struct {
	label  string
	width  float64 // in characters
	number bool
	value  func(*row) string
}

// row is what a ledger's line is made of.
type row struct {
	n        int64
	rec      *model.Record
	area     string
	building string
}

// labels gives codes the names under which an import finds them again.
type labels struct{ *code.Lists }

// Name is the code's name, with the code behind it where several items of the list bear the name.
func (l labels) Name(list, code string) (string, bool) { return l.Label(list, code) }

// place are the columns before the fields, fate those behind them.
func place() []column {
	return []column{
		{"序号", 8, true, func(r *row) string { return strconv.FormatInt(r.n, 10) }},
		{"区域", 28, false, func(r *row) string { return r.area }},
		{"楼栋", 16, false, func(r *row) string { return r.building }},
		{"单元", 8, false, func(r *row) string { return r.rec.Unit }},
		{"房间", 10, false, func(r *row) string { return r.rec.Room }},
	}
}

func fate(k model.Kind) []column {
	cols := []column{
		{"状态", 10, false, func(r *row) string { return r.rec.Status.Label() }},
		{"渠道", 10, false, func(r *row) string { return channelLabel(r.rec.Channel) }},
		{"填报时间", 20, false, func(r *row) string { return moment(r.rec.SubmittedAt) }},
		{"核实时间", 20, false, func(r *row) string { return moment(r.rec.VerifiedAt) }},
		{"核实方式", 10, false, func(r *row) string { return methodLabel(r.rec.VerifyMethod) }},
		{"核实人", 12, false, func(r *row) string { return r.rec.VerifiedName }},
	}
	if k == model.KindEvent {
		stage := column{"处置状态", 10, false, func(r *row) string { return r.rec.Stage.Label() }}
		cols = slices.Insert(cols, 1, stage)
	}
	return cols
}

func channelLabel(c model.Channel) string {
	switch c {
	case model.ByQR:
		return "扫码"
	case model.ByCollector:
		return "采集员"
	case model.ByStaff:
		return "工作人员"
	case model.ByImport:
		return "导入"
	}
	return ""
}

func methodLabel(m model.Method) string {
	switch m {
	case model.ByVisit:
		return "上门"
	case model.ByPhone:
		return "电话"
	case model.ByDocument:
		return "证件"
	}
	return ""
}

// moment is a time for people, in Beijing.
func moment(t model.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Std().Format("2006-01-02 15:04:05")
}

// columnsOf are a ledger's columns. names tells whether names of people are shown though sealed values are not.
func (s *Service) columnsOf(r Request, extra []model.ExtraField, names bool) []column {
	wanted := r.Columns
	if t, ok := template(r.Kind, r.Template); ok && len(wanted) == 0 {
		wanted = t.Columns
	}
	cols := place()
	for _, name := range choose(r.Kind, extra, wanted) {
		if f, ok := r.Kind.Schema().Field(name); ok {
			cols = append(cols, s.fieldColumn(f, r.Reveal || names && f.Mask == "name"))
			continue
		}
		i := slices.IndexFunc(extra, func(x model.ExtraField) bool { return extraName(x) == name })
		cols = append(cols, extraColumn(extra[i]))
	}
	return append(cols, fate(r.Kind)...)
}

// choose are the names of the wanted fields, or of all in the form's order.
func choose(k model.Kind, extra []model.ExtraField, wanted []string) []string {
	if len(wanted) > 0 {
		return wanted
	}
	var all []string
	for _, f := range k.Schema().Fields {
		if f.Type != model.TypePhotos {
			all = append(all, f.Name)
		}
	}
	for _, x := range extra {
		all = append(all, extraName(x))
	}
	return all
}

func known(k model.Kind, extra []model.ExtraField, name string) bool {
	return slices.Contains(choose(k, extra, nil), name)
}

func (s *Service) fieldColumn(f *model.Field, clear bool) column {
	c := column{label: f.Label, width: widthOf(f), number: f.Type == model.TypeInteger || f.Type == model.TypeDecimal}
	codes := labels{s.codes}
	c.value = func(r *row) string { return f.Text(r.rec.Element, codes, clear) }
	return c
}

func widthOf(f *model.Field) float64 {
	switch f.Type {
	case model.TypeIDNumber, model.TypeUSCC:
		return 22
	case model.TypeLongText, model.TypeList:
		return 40
	case model.TypeInteger, model.TypeDecimal, model.TypeBoolean:
		return 10
	case model.TypeDatetime, model.TypeLocation:
		return 20
	}
	if f.MaxLength >= 100 {
		return 32
	}
	return 14
}

func extraName(x model.ExtraField) string { return "extra." + x.Name }

func extraColumn(x model.ExtraField) column {
	c := column{label: x.Label, width: 16, number: x.Type == string(model.TypeInteger) || x.Type == string(model.TypeDecimal)}
	c.value = func(r *row) string {
		switch v := r.rec.Extra[x.Name].(type) {
		case nil:
			return ""
		case string:
			return v
		case bool:
			if v {
				return "是"
			}
			return "否"
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		default:
			return fmt.Sprint(v)
		}
	}
	return c
}

// extraFields are the community-defined fields that hold somewhere in the area, one of each name.
func extraFields(tx *store.Tx, r Request) ([]model.ExtraField, error) {
	var all []model.ExtraField
	q := tx.Q(&model.ExtraField{}).Where("kind = ? AND closed_at IS NULL", r.Kind)
	if err := q.Order("created_at").Order("id").Find(&all).Error; err != nil {
		return nil, err
	}
	var out []model.ExtraField
	for _, x := range all {
		related := strings.HasPrefix(x.AreaCode, r.Area) || strings.HasPrefix(r.Area, x.AreaCode)
		if related && !slices.ContainsFunc(out, func(o model.ExtraField) bool { return o.Name == x.Name }) {
			out = append(out, x)
		}
	}
	return out, nil
}
