package ledger

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"

	"sixelements/model"
	"sixelements/model/store"
	"sixelements/service/job"
)

// pageSize is how many records are in memory at once, twice: one page is written while the next is read.
const pageSize = 500

// writer is a file format.
type writer interface {
	// line writes one row.
	line(r *row) error
	// close ends the file.
	close() error
}

// export is a ledger being written.
type export struct {
	s     *Service
	task  task
	area  model.Area
	cols  []column
	total int64
	keep  func(model.Element) bool
	file  *job.File

	areas     map[string]string // names by code
	paths     map[string]string // as areaName made them
	buildings map[model.ID]string
}

// run is the handler of an export's job: as its owner, with the rights they have now.
func (s *Service) run(ctx context.Context, r *job.Run) error {
	x := &export{s: s, paths: map[string]string{}, buildings: map[model.ID]string{}}
	if err := r.Payload(&x.task); err != nil {
		return err
	}
	actor, err := r.Actor(ctx)
	if err != nil {
		return err
	}
	ctx = store.As(ctx, actor)
	if err := x.prepare(ctx); err != nil {
		return err
	}
	w, err := x.open(r, actor)
	if err != nil {
		return err
	}
	rows, err := x.write(ctx, w, x.read, r.Progress)
	if err != nil {
		return err
	}
	if err := w.close(); err != nil {
		return err
	}
	if err := x.file.Close(); err != nil {
		return err
	}
	act := model.Act{Name: "export.finish", Target: r.ID().String(), Area: x.task.Area,
		Detail: "kind=" + string(x.task.Kind) + " rows=" + strconv.FormatInt(rows, 10)}
	return s.db.Write(ctx, act, func(*store.Tx) error { return nil })
}

// open begins the file in the format that was asked for.
func (x *export) open(r *job.Run, by model.Actor) (writer, error) {
	create := func(extension string) (w io.Writer, err error) {
		x.file, err = r.File(x.fileName(extension))
		return x.file, err
	}
	if x.task.Password != "" {
		p := &parts{create: create, title: x.title(), password: x.task.Password, limit: x.s.partRows}
		p.begin = func(out io.Writer) (*xlsxFile, error) {
			return newXLSX(out, x.title(), x.cols, x.s.sheetRows, func(in span) about { return x.about(by, in, p.number()) })
		}
		return p, nil
	}
	out, err := create(string(x.task.Format))
	if err != nil {
		return nil, err
	}
	if x.task.Format == CSV {
		return newCSV(out, x.cols)
	}
	return newXLSX(out, x.title(), x.cols, x.s.sheetRows, func(in span) about { return x.about(by, in, 0) })
}

// prepare judges the owner's rights again, and reads what every row needs.
func (x *export) prepare(ctx context.Context) error {
	return x.s.db.Read(ctx, func(tx *store.Tx) error {
		area, err := judge(tx, x.task.Request)
		if err != nil {
			return err
		}
		x.area = *area
		extra, err := extraFields(tx, x.task.Request)
		if err != nil {
			return err
		}
		names := tx.Actor().WorksAt(model.CommunityRole, model.Where{Area: x.task.Area})
		x.cols = x.s.columnsOf(x.task.Request, extra, names)
		if t, ok := template(x.task.Kind, x.task.Template); ok {
			x.keep = t.keep
		}
		if err := x.readAreas(tx); err != nil {
			return err
		}
		q := tx.Q(&model.Record{}).Where("area_code >= ? AND area_code < ? AND kind = ? AND submitted_at <= ?", // ':' follows '9'
			x.task.Area, x.task.Area+":", x.task.Kind, x.task.At)
		if len(x.task.Statuses) > 0 {
			q = q.Where("status IN ?", x.task.Statuses)
		}
		return q.Count(&x.total).Error
	})
}

// readAreas reads the names of the areas under and above the ledger's: a few thousand at most.
func (x *export) readAreas(tx *store.Tx) error {
	var up []string
	for code := model.ParentCode(x.task.Area); code != ""; code = model.ParentCode(code) {
		up = append(up, code)
	}
	var areas []model.Area
	q := tx.System("names of areas").Q(&model.Area{}).Select("code", "name")
	if err := q.Where("code >= ? AND code < ? OR code IN ?", x.task.Area, x.task.Area+":", append(up, "")).Find(&areas).Error; err != nil {
		return err
	}
	x.areas = make(map[string]string, len(areas))
	for _, a := range areas {
		x.areas[a.Code] = a.Name
	}
	return nil
}

// areaName is the name of a code with those above it, from the community down.
func (x *export) areaName(code string) string {
	name, ok := x.paths[code]
	if !ok {
		name = x.path(code)
		x.paths[code] = name
	}
	return name
}

func (x *export) path(code string) string {
	var parts []string
	for c := code; len(c) >= 12; c = c[:len(c)-1] {
		if n := x.areas[c]; n != "" {
			parts = append(parts, n)
		}
	}
	if len(parts) == 0 && len(code) >= 9 {
		return x.areas[code[:9]]
	}
	slices.Reverse(parts)
	return strings.Join(parts, " / ")
}

// page is some records with their elements, in the order of submission.
type page struct {
	recs      []*model.Record
	scanned   int
	buildings map[model.ID]string
	err       error
}

// write writes the rows, page by page; while one is written the next is read.
func (x *export) write(ctx context.Context, w writer, read func(context.Context, chan<- page),
	progress func(ctx context.Context, done, total int64) error) (rows int64, err error) {
	ctx, stop := context.WithCancel(ctx)
	pages := make(chan page)
	go read(ctx, pages)
	defer func() { // the reader has stopped when this returns
		stop()
		for range pages {
		}
	}()
	var scanned int64
	for p := range pages {
		if p.err != nil {
			return 0, p.err
		}
		for _, rec := range p.recs {
			if x.keep != nil && !x.keep(rec.Element) {
				continue
			}
			rows++
			if err := w.line(&row{n: rows, rec: rec, area: x.areaName(rec.AreaCode), building: p.buildings[rec.BuildingID]}); err != nil {
				return 0, err
			}
		}
		scanned += int64(p.scanned)
		if err := progress(ctx, min(scanned, x.total), x.total); err != nil {
			return 0, err
		}
	}
	return rows, ctx.Err()
}

// read gives out the pages until the last, or until ctx ends.
func (x *export) read(ctx context.Context, out chan<- page) {
	defer close(out)
	f := store.Filter{Kinds: []model.Kind{x.task.Kind}, Statuses: x.task.Statuses, Area: x.task.Area, UpTo: x.task.At,
		Ascending: true, Limit: pageSize}
	for {
		p, next := x.readPage(ctx, f)
		if p.err == nil && next != "" {
			f.After, p.err = store.ParseCursor(next)
		}
		select {
		case out <- p:
		case <-ctx.Done():
			return
		}
		if p.err != nil || next == "" {
			return
		}
	}
}

func (x *export) readPage(ctx context.Context, f store.Filter) (p page, next string) {
	p.err = x.s.db.Read(ctx, func(tx *store.Tx) (err error) {
		if p.recs, next, err = tx.Records(f); err != nil {
			return err
		}
		p.scanned = len(p.recs)
		if p.recs, err = x.changed(tx, p.recs); err != nil {
			return err
		}
		if p.buildings, err = x.names(tx, p.recs); err != nil {
			return err
		}
		return tx.Load(p.recs)
	})
	return p, next
}

// changed keeps the records with a revision at or after the moment asked for.
func (x *export) changed(tx *store.Tx, recs []*model.Record) ([]*model.Record, error) {
	if x.task.Since.IsZero() || len(recs) == 0 {
		return recs, nil
	}
	ids := make([]model.ID, len(recs))
	for i, r := range recs {
		ids[i] = r.ID
	}
	var hits []model.ID
	// The headers were read within the scope: their revisions hang on them.
	q := tx.System("changes of records in scope").Q(&model.Revision{}).Where("record_id IN ? AND at >= ?", ids, x.task.Since)
	if err := q.Distinct().Pluck("record_id", &hits).Error; err != nil {
		return nil, err
	}
	has := map[model.ID]bool{}
	for _, id := range hits {
		has[id] = true
	}
	return slices.DeleteFunc(recs, func(r *model.Record) bool { return !has[r.ID] }), nil
}

// names are the names of the page's buildings. Only the reading side remembers them.
func (x *export) names(tx *store.Tx, recs []*model.Record) (map[model.ID]string, error) {
	out := map[model.ID]string{}
	var missing []model.ID
	for _, r := range recs {
		n, ok := x.buildings[r.BuildingID]
		if _, seen := out[r.BuildingID]; !ok && !seen && !r.BuildingID.IsZero() {
			missing = append(missing, r.BuildingID)
		}
		out[r.BuildingID] = n
	}
	if len(missing) == 0 {
		return out, nil
	}
	var rows []model.Building
	// A record's building may bear a code above the ledger's area; its name is on the poster at the door.
	q := tx.System("names of buildings").Q(&model.Building{}).Select("id", "name")
	if err := q.Where("id IN ?", missing).Find(&rows).Error; err != nil {
		return nil, err
	}
	for _, b := range rows {
		x.buildings[b.ID], out[b.ID] = b.Name, b.Name
	}
	return out, nil
}
