// Package ledger writes ledgers (台账): the records of one kind in an area as a workbook or a CSV file, made by a job.
package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/store"
	"sixelements/service/job"
)

// JobKind is the kind of an export's job; fetching its file is traced as export.fetch.
const JobKind = "export"

// Format is a ledger's file format.
type Format string

// The formats.
const (
	XLSX Format = "xlsx"
	CSV  Format = "csv"
)

// Request says which ledger is wanted.
type Request struct {
	Kind     model.Kind     `json:"kind"`
	Area     string         `json:"area"`
	Statuses []model.Status `json:"statuses"` // nil = all
	Format   Format         `json:"format"`
	Columns  []string       `json:"columns"` // names of fields, in order; nil = the template's, or all
	Template string         `json:"template"`
	Reveal   bool           `json:"reveal"` // sealed values in clear, the file encrypted
	Reason   string         `json:"reason"`
	Since    model.Time     `json:"since"` // only what was submitted or changed at or after it
}

// task is a job's payload.
type task struct {
	Request
	Password string     `json:"password"` // of the file; empty for a masked one
	At       model.Time `json:"at"`       // when it was asked for: later submissions are left out
}

// Service writes ledgers.
type Service struct {
	db    *store.DB
	jobs  *job.Service
	codes *code.Lists

	sheetRows, partRows int
}

// New is a Service, whose jobs are registered with jobs.
func New(db *store.DB, jobs *job.Service, codes *code.Lists) *Service {
	s := &Service{db: db, jobs: jobs, codes: codes, sheetRows: sheetRows, partRows: partRows}
	jobs.Register(JobKind, s.run)
	jobs.Guard(JobKind, func(a model.Actor, j *model.Job) error {
		if !a.AtLeastAt(model.CommunityRole, model.Where{Area: j.AreaCode}) {
			return model.Fail(model.RoleForbidden)
		}
		return nil
	})
	return s
}

// Export asks for a ledger: community and above for an area in their scope. Sealed values are in clear only for who works there and
// gives a reason; the workbook is then encrypted with the password that is answered here and never again. Errors: not_found for an
// area that is not in scope; role.forbidden below community, and for an administrator who wants values in clear; validation.failed
// or field.unknown naming what is wrong with the request.
func (s *Service) Export(ctx context.Context, r Request) (j *model.Job, password string, err error) {
	if !model.ValidArea(r.Area) {
		return nil, "", model.Faults{{Location: "area", Code: model.FieldInvalid, Message: "区域代码不对，应是 6、9、12、15 或 18 位数字"}}.Err()
	}
	r.Reason = strings.TrimSpace(r.Reason)
	if r.Reveal {
		password = newPassword()
	}
	err = s.db.Write(ctx, model.Act{Name: "export.create", Area: r.Area, Detail: r.detail()}, func(tx *store.Tx) error {
		if _, err := judge(tx, r); err != nil {
			return err
		}
		if err := s.check(tx, r); err != nil {
			return err
		}
		var err error
		if j, err = s.jobs.Enqueue(tx, JobKind, r.Area, task{Request: r, Password: password, At: tx.Now()}); err != nil {
			return err
		}
		tx.Note(j.ID.String(), "", "")
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	s.jobs.Wake()
	return j, password, nil
}

// detail is what the trace says beside who, when and where.
func (r Request) detail() string {
	d := fmt.Sprintf("kind=%s format=%s reveal=%t", r.Kind, r.Format, r.Reveal)
	if r.Reason != "" {
		d += " reason=" + r.Reason
	}
	return d
}

// judge answers the area when the actor may export it as asked.
func judge(tx *store.Tx, r Request) (*model.Area, error) {
	w := model.Where{Area: r.Area}
	if !tx.Covers(w) {
		return nil, model.Fail(model.NotFound)
	}
	var area model.Area
	if err := tx.Q(&area).Where("code = ?", r.Area).Take(&area).Error; err != nil {
		return nil, err
	}
	a := tx.Actor()
	if !a.AtLeastAt(model.CommunityRole, w) || r.Reveal && !a.WorksAt(model.CommunityRole, w) {
		return nil, model.Fail(model.RoleForbidden)
	}
	return &area, nil
}

// reasonLength is how many characters a reason has at least.
const reasonLength = 2

func (s *Service) check(tx *store.Tx, r Request) error {
	var f model.Faults
	if !r.Kind.Valid() {
		f.Add("kind", model.FieldChoice, "要素类别不对")
		return f.Err()
	}
	if r.Format != XLSX && r.Format != CSV {
		f.Add("format", model.FieldChoice, "格式只能是 xlsx 或 csv")
	}
	for _, st := range r.Statuses {
		if !slices.Contains(model.Statuses(), st) {
			f.Add("status", model.FieldChoice, "状态不对")
			break
		}
	}
	if _, ok := template(r.Kind, r.Template); r.Template != "" && !ok {
		f.Add("template", model.FieldChoice, "没有这个模板")
	}
	if r.Reveal && utf8.RuneCountInString(r.Reason) < reasonLength {
		f.Add("reason", model.FieldRequired, "导出完整信息要写明用途，至少 2 个字")
	}
	if r.Reveal && r.Format == CSV {
		f.Add("format", model.FieldChoice, "完整信息只能导出为加密的 xlsx")
	}
	extra, err := extraFields(tx, r)
	if err != nil {
		return err
	}
	for i, name := range r.Columns {
		if !known(r.Kind, extra, name) {
			f.Add("columns["+strconv.Itoa(i)+"]", model.FieldUnknown, "没有这一列，请核对字段名")
		}
	}
	return f.Err()
}

// newPassword is 16 characters that are not mistaken for one another: 31^16, 79 bits.
func newPassword() string {
	const alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
	const length, fair = 16, 256 / len(alphabet) * len(alphabet)
	var out []byte
	for len(out) < length {
		var b [32]byte
		rand.Read(b[:]) // never fails: the runtime stops the process instead
		for _, c := range b {
			if int(c) < fair && len(out) < length {
				out = append(out, alphabet[int(c)%len(alphabet)])
			}
		}
	}
	return string(out)
}
