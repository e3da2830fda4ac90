package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"sixelements/model"
)

// about is what a ledger says about itself: what it is, of where, by whom, when and how it is to be handled.
type about [][2]string

// span are the numbers of the rows a file holds; the zero span is none.
type span struct{ first, last int64 }

func (s *span) add(n int64) {
	if s.first == 0 {
		s.first = n
	}
	s.last = n
}

func (s span) rows() int64 {
	if s.first == 0 {
		return 0
	}
	return s.last - s.first + 1
}

// about is of the rows in a file; part is its number among several, or 0.
func (x *export) about(by model.Actor, in span, part int) about {
	t := x.task
	a := about{
		{"台账", x.title()},
		{"区域", x.area.Name + "（" + t.Area + "）"},
		{"状态", statusText(t.Statuses)},
	}
	if !t.Since.IsZero() {
		a = append(a, [2]string{"变动时间", moment(t.Since) + " 之后填报或改动"})
	}
	a = append(a, [2]string{"截至", moment(t.At)}, [2]string{"导出人", by.Name + "（" + by.TopAt(model.Where{Area: t.Area}).Label() + "）"},
		[2]string{"导出时间", moment(x.s.db.Now())}, [2]string{"行数", strconv.FormatInt(in.rows(), 10)})
	if part > 0 {
		a = append(a, [2]string{"分册", fmt.Sprintf("第 %d 册，序号 %d 至 %d。各册密码相同", part, in.first, in.last)})
	}
	if t.Reveal {
		a = append(a, [2]string{"敏感信息", "完整"}, [2]string{"用途", t.Reason})
	} else {
		a = append(a, [2]string{"敏感信息", "已隐去"})
	}
	return append(a,
		[2]string{"注意", "本表含个人信息，只能用于上述工作。请勿转发、外传，用完及时删除。导出和下载均已留痕。"},
		[2]string{"格式", "以 = + - @ 等开头的文字前加了单引号，以免被当成公式。"})
}

// title is the ledger's name: 人员台账, or the template's.
func (x *export) title() string {
	if t, ok := template(x.task.Kind, x.task.Template); ok {
		return t.Label
	}
	return x.task.Kind.Label() + "台账"
}

func statusText(list []model.Status) string {
	if len(list) == 0 {
		return "全部"
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Label())
	}
	return strings.Join(names, "、")
}

// fileName is 人员台账_建设路街道_20260501.xlsx; what a file name cannot hold is left out of the area's name.
func (x *export) fileName(extension string) string {
	area := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, x.area.Name)
	return x.title() + "_" + area + "_" + x.task.At.Std().Format("20060102") + "." + extension
}

// neutral is a text that no spreadsheet takes for a formula: one that begins with = + - @, their full-width forms, TAB, CR or LF
// gets an apostrophe before it. A cell of a workbook is inert as it is; the apostrophe stays when it is copied to a CSV file.
func neutral(s string) string {
	if s == "" {
		return s
	}
	if strings.ContainsAny(s[:1], "=+-@\t\r\n") {
		return "'" + s
	}
	for _, wide := range []string{"＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, wide) {
			return "'" + s
		}
	}
	return s
}
