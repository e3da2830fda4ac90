package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"sixelements/internal/seed"
	"sixelements/model"
	"sixelements/model/store"
)

// export measures the person ledger of a street, every state, against excelize's StreamWriter writing the same cells, and how far the
// server's memory rises meanwhile.
func export(ctx context.Context, args []string, out io.Writer) (err error) {
	var s site
	var rounds int
	f := flags("export")
	f.StringVar(&s.dir, "data", "", "folder of a loaded site, whose first district is exported; a street as the newspaper's when empty")
	f.IntVar(&rounds, "rounds", 3, "how often both take turns")
	if err := f.Parse(args); err != nil {
		return err
	}
	p := plan{}
	done, err := p.folder()
	if err != nil {
		return err
	}
	defer done()
	six, err := buildSix(ctx, p.dir)
	if err != nil {
		return err
	}
	e := exporter{dir: p.dir, area: city{}.street(0)[:6]}
	if s.dir == "" {
		s.dir, e.area = filepath.Join(p.dir, "street"), seed.Newspaper().Street
		if err := errors.Join(s.prepare(), s.six(ctx, io.Discard, six, "seed")); err != nil {
			return err
		}
	}
	if e.persons, e.token, err = reader(ctx, s, e.area); err != nil {
		return err
	}
	if e.process, err = s.serve(ctx, six); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	var ours, alone []figures
	var growth []float64
	for range rounds {
		f, grown, err := e.once(ctx)
		if err != nil {
			return err
		}
		a, err := excelizeChild(ctx, e.file(), filepath.Join(p.dir, "alone.xlsx"))
		if err != nil {
			return err
		}
		if a.Done != e.persons || f.Done != e.persons {
			return fmt.Errorf("%d persons, %d rows counted, %d rows in the file", e.persons, f.Done, a.Done)
		}
		ours, alone, growth = append(ours, f), append(alone, a), append(growth, float64(grown)/(1<<20))
	}
	heading(out, "Ledger")
	reportExport(out, e.persons, ours, alone, growth)
	return nil
}

func reportExport(out io.Writer, rows int, ours, alone []figures, growth []float64) {
	seconds := func(f figures) float64 { return f.Took.Seconds() }
	cpu := func(f figures) float64 { return f.CPU.Seconds() }
	fmt.Fprintf(out, "%d persons, xlsx, masked, from POST /exports to done; excelize alone writes the cells of that file anew. Medians of %d "+
		"rounds in turn.\n\n", rows, len(ours))
	grid(out, []string{"who", "s", "CPU s", "peak above before, MB"}, [][]string{
		{"six", fmt.Sprintf("%.2f", median(each(ours, seconds))), fmt.Sprintf("%.2f", median(each(ours, cpu))),
			fmt.Sprintf("%.1f", median(growth))},
		{"excelize alone", fmt.Sprintf("%.2f", median(each(alone, seconds))), fmt.Sprintf("%.2f", median(each(alone, cpu))), ""}})
	most := 60.0
	if rows > 100_000 {
		most = 80
	}
	bounds(out, []bound{atMost("time ÷ excelize alone", ratio(ours, alone, seconds), 1.4),
		atMost("CPU ÷ excelize alone", ratio(ours, alone, cpu), 1.4), atMost("peak above before, MB", median(growth), most)})
}

// reader counts the area's persons and opens a session for who exports them.
func reader(ctx context.Context, s site, area string) (persons int, token string, err error) {
	db, err := s.open(ctx)
	if err != nil {
		return 0, "", err
	}
	defer db.Close()
	var n int64
	err = db.Read(store.AsSystem(ctx, "bench"), func(tx *store.Tx) error {
		return tx.Q(&model.Record{}).Where("kind = ? AND area_code >= ? AND area_code < ?", model.KindPerson, area, area+":").Count(&n).Error
	})
	if err != nil {
		return 0, "", err
	}
	token, _, err = account(ctx, db, "bench-export", model.Grant{Role: model.StreetRole, Area: area})
	return int(n), token, err
}

type exporter struct {
	*process
	dir, area, token string
	persons          int
}

func (e *exporter) file() string { return filepath.Join(e.dir, "ledger.xlsx") }

// once exports, fetches the file, and answers how far the memory rose above what was resident before.
func (e *exporter) once(ctx context.Context) (f figures, grown int64, err error) {
	before, err := e.memory("VmRSS")
	if err != nil {
		return f, 0, err
	}
	if err := e.forgetPeak(); err != nil {
		return f, 0, err
	}
	spent, err := e.cpu()
	if err != nil {
		return f, 0, err
	}
	begin := time.Now()
	id, rows, err := e.job(ctx)
	if err != nil {
		return f, 0, err
	}
	f.Took, f.Done = time.Since(begin), rows
	after, err := e.cpu()
	if err != nil {
		return f, 0, err
	}
	f.CPU = after - spent
	peak, err := e.memory("VmHWM")
	if err != nil {
		return f, 0, err
	}
	b, err := e.ask(ctx, http.MethodGet, "/jobs/"+id+"/file", nil, http.StatusOK)
	if err != nil {
		return f, 0, err
	}
	return f, peak - before, os.WriteFile(e.file(), b, 0o600)
}

// job runs an export to its end.
func (e *exporter) job(ctx context.Context) (id string, rows int, err error) {
	body, err := json.Marshal(map[string]string{"kind": "person", "area": e.area, "status": "all", "format": "xlsx"})
	if err != nil {
		return "", 0, err
	}
	b, err := e.ask(ctx, http.MethodPost, "/exports", body, http.StatusAccepted)
	if err != nil {
		return "", 0, err
	}
	type job struct {
		ID, State string
		Done      int
	}
	var made struct{ Job job }
	if err := json.Unmarshal(b, &made); err != nil {
		return "", 0, err
	}
	for j := made.Job; ; {
		switch j.State {
		case "done":
			return j.ID, j.Done, nil
		case "failed", "cancelled":
			return "", 0, fmt.Errorf("the export is %s: %s", j.State, b)
		}
		time.Sleep(20 * time.Millisecond)
		if b, err = e.ask(ctx, http.MethodGet, "/jobs/"+j.ID, nil, http.StatusOK); err != nil {
			return "", 0, err
		}
		if err := json.Unmarshal(b, &j); err != nil {
			return "", 0, err
		}
	}
}

func (e *exporter) ask(ctx context.Context, method, path string, body []byte, want int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+e.addr+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+e.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
	return b, err
}

func excelizeChild(ctx context.Context, from, to string) (f figures, err error) {
	args, err := itself("excelize", "-from", from, "-to", to)
	if err != nil {
		return f, err
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	said, err := cmd.Output()
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(said, &f)
}

// excelizeAlone is the limit of a ledger: it reads the cells of a workbook's sheets behind the first and writes them again by
// StreamWriter, of which alone it takes the time. It prints its figures as JSON; Done is the number of rows below the headers.
func excelizeAlone(_ context.Context, args []string, out io.Writer) error {
	var from, to string
	f := flags("excelize")
	f.StringVar(&from, "from", "", "workbook to read")
	f.StringVar(&to, "to", "", "workbook to write")
	if err := f.Parse(args); err != nil {
		return err
	}
	sheets, err := cellsOf(from)
	if err != nil {
		return err
	}
	var got figures
	begin, before := time.Now(), ownCPU()
	for _, s := range sheets {
		got.Done += len(s) - 1
	}
	if err := writeCells(to, sheets); err != nil {
		return err
	}
	got.Took, got.CPU = time.Since(begin), ownCPU()-before
	return json.NewEncoder(out).Encode(got)
}

func cellsOf(path string) (sheets [][][]string, err error) {
	f, err := excelize.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for _, name := range f.GetSheetList()[1:] {
		rows, err := f.GetRows(name)
		if err != nil {
			return nil, err
		}
		sheets = append(sheets, rows)
	}
	return sheets, nil
}

func writeCells(path string, sheets [][][]string) error {
	f := excelize.NewFile()
	defer f.Close()
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49}) // "@"
	if err != nil {
		return err
	}
	for i, rows := range sheets {
		name := "Sheet" + strconv.Itoa(i+1)
		if _, err := f.NewSheet(name); err != nil {
			return err
		}
		w, err := f.NewStreamWriter(name)
		if err != nil {
			return err
		}
		if err := writeRows(w, rows, text); err != nil {
			return err
		}
	}
	return f.SaveAs(path)
}

func writeRows(w *excelize.StreamWriter, rows [][]string, style int) error {
	wide := len(rows[0])
	cells, values := make([]excelize.Cell, wide), make([]any, wide)
	for n, row := range rows {
		for i := range values {
			values[i] = nil
			if i < len(row) && row[i] != "" {
				cells[i] = excelize.Cell{StyleID: style, Value: row[i]}
				values[i] = &cells[i]
			}
		}
		if err := w.SetRow("A"+strconv.Itoa(n+1), values); err != nil {
			return err
		}
	}
	return w.Flush()
}
