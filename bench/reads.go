package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// question is a request that only reads, as it is put to one site.
type question struct {
	name   string
	method string
	path   string
	token  string
	body   []byte
}

// asked is what a question came to at one site.
type asked struct {
	took  []time.Duration // sorted
	bytes int64
}

func (a asked) millis() float64 { return float64(percentile(a.took, 50).Microseconds()) / 1000 }

// ask puts a question once.
func ask(ctx context.Context, addr string, q question) (took time.Duration, n int64, err error) {
	req, err := http.NewRequestWithContext(ctx, q.method, "http://"+addr+"/api/v1"+q.path, bytes.NewReader(q.body))
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+q.token)
	req.Header.Set("Content-Type", "application/json")
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", q.method, q.path, resp.StatusCode, b)
	}
	return time.Since(begin), int64(len(b)), err
}

// library is a loaded site that is served, with sessions of those who read it.
type library struct {
	site
	*process
	city   city
	tokens map[string]string // by role
	mark   *model.Record     // somewhere in the middle of the first street
	db     *store.DB
}

// The readers: the whole city, its first street, a grid of it.
const (
	wholeCity = "city"
	oneStreet = "street"
	oneGrid   = "grid"
)

func openLibrary(ctx context.Context, six, dir string) (l *library, stop func() error, err error) {
	l = &library{site: site{dir: dir}, tokens: map[string]string{}}
	if l.city, err = l.site.city(city{}); err != nil {
		return nil, nil, err
	}
	if l.db, err = l.site.open(ctx); err != nil {
		return nil, nil, err
	}
	for name, g := range map[string]model.Grant{wholeCity: {Role: model.Admin}, oneStreet: {Role: model.StreetRole, Area: l.city.street(0)},
		oneGrid: {Role: model.Collector, Area: l.city.grid(0)}} {
		if l.tokens[name], _, err = account(ctx, l.db, "bench-"+name, g); err != nil {
			return nil, nil, err
		}
	}
	if err := l.findMark(ctx); err != nil {
		return nil, nil, err
	}
	if l.process, err = l.serve(ctx, six); err != nil {
		return nil, nil, err
	}
	return l, func() error { return errors.Join(l.process.stop(), l.db.Close()) }, nil
}

// findMark picks the person by whose number, phone, room and household the lists are asked.
func (l *library) findMark(ctx context.Context) error {
	return l.db.Read(store.AsSystem(ctx, "bench"), func(tx *store.Tx) error {
		f := store.Filter{Limit: 200, Area: l.city.street(0), After: store.Cursor{At: l.city.at(l.city.Records / 2)}}
		recs, _, err := tx.Records(f)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(recs, func(r *model.Record) bool { return r.SubjectIndex != nil && r.PhoneIndex != nil })
		if i < 0 {
			return errors.New("nobody with a number and a phone")
		}
		l.mark = recs[i]
		return tx.Load(recs[i : i+1])
	})
}

// compare puts every question to every site in turn, until each was put often enough or long enough.
func compare(ctx context.Context, libraries []*library, times int, questions func(*library) []question) ([][]asked, []question, error) {
	sets := make([][]question, len(libraries))
	for i, l := range libraries {
		sets[i] = questions(l)
	}
	out := make([][]asked, len(sets[0]))
	for q := range sets[0] {
		out[q] = make([]asked, len(libraries))
		for begin, n := time.Now(), 0; n < times && (n < 4 || time.Since(begin) < 4*time.Second); n++ {
			for i, l := range libraries {
				took, size, err := ask(ctx, l.addr, sets[i][q])
				if err != nil {
					return nil, nil, fmt.Errorf("%s: %w", sets[i][q].name, err)
				}
				if n > 0 { // the first warms up
					out[q][i].took, out[q][i].bytes = append(out[q][i].took, took), size
				}
			}
		}
		for i := range out[q] {
			slices.Sort(out[q][i].took)
		}
	}
	return out, sets[0], nil
}

// reading is what tallies and lists have in common.
type reading struct {
	name, title string
	questions   func(*library) []question
	most        float64 // milliseconds that the slowest answer may take
	growth      float64 // what the largest site's time may be of the smallest's; 0: anything, as long as it is not too slow
}

func (r reading) run(ctx context.Context, args []string, out io.Writer) (err error) {
	var dirs []string
	f := flags(r.name)
	times := f.Int("times", 40, "how often each question is put, the first of which does not count; fewer when they take long")
	f.Func("data", "folder of a loaded site, the smaller first; give it once for each", func(s string) error {
		dirs = append(dirs, s)
		return nil
	})
	if err := f.Parse(args); err != nil {
		return err
	}
	if len(dirs) == 0 {
		return errors.New("-data is needed; bench load makes such folders")
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
	var list []*library
	for _, dir := range dirs {
		l, stop, err := openLibrary(ctx, six, filepath.Clean(dir))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		list = append(list, l)
	}
	got, qs, err := compare(ctx, list, *times, r.questions)
	if err != nil {
		return err
	}
	heading(out, r.title)
	r.report(out, list, qs, got)
	return nil
}

func (r reading) report(out io.Writer, list []*library, qs []question, got [][]asked) {
	head := []string{"question"}
	for _, l := range list {
		head = append(head, fmt.Sprintf("ms at %d", l.city.Records))
	}
	head = append(head, "last ÷ first", "kB")
	var rows [][]string
	var ratios, worst []float64
	for i, q := range qs {
		row := []string{"`" + q.name + "`"}
		last := got[i][len(list)-1]
		for _, a := range got[i] {
			row = append(row, fmt.Sprintf("%.1f", a.millis()))
		}
		ratios, worst = append(ratios, last.millis()/got[i][0].millis()), append(worst, last.millis())
		rows = append(rows, append(row, fmt.Sprintf("%.2f", ratios[i]), fmt.Sprintf("%.1f", float64(last.bytes)/1000)))
	}
	fmt.Fprintf(out, "Each question over one kept connection, the sites asked in turn; medians.\n\n")
	grid(out, head, rows)
	b := []bound{atMost("slowest question, ms", slices.Max(worst), r.most)}
	if len(list) > 1 && r.growth > 0 {
		b = append(b, atMost("largest ratio", slices.Max(ratios), r.growth))
	}
	bounds(out, b)
}

// tallies measures GET /tallies.
func tallies(ctx context.Context, args []string, out io.Writer) error {
	return reading{"tallies", "Tallies", (*library).counts, 5, 1.5}.run(ctx, args, out)
}

// counts are all groupings, of the first street and of the whole city.
func (l *library) counts() (qs []question) {
	for _, who := range []string{oneStreet, wholeCity} {
		area := map[string]string{oneStreet: l.city.street(0)}[who]
		for _, by := range []string{"area", "kind", "status", "building", "day", "collector"} {
			for _, kind := range []string{"", "person"} {
				v := url.Values{"group_by": {by}}
				name := who + " " + by + " " + kind
				if kind != "" {
					v.Set("kind", kind)
				}
				if area != "" {
					v.Set("area", area)
				}
				qs = append(qs, question{strings.TrimSpace(name), http.MethodGet, "/tallies?" + v.Encode(), l.tokens[who], nil})
			}
		}
	}
	return qs
}

// lists measures pages of records.
func lists(ctx context.Context, args []string, out io.Writer) error {
	return reading{"lists", "Lists", (*library).pages, 30, 0}.run(ctx, args, out)
}

// pages are list pages of every filter of the contract, first, middle and last, for three readers.
func (l *library) pages() (qs []question) {
	m := l.mark
	filters := []string{"", "kind=person", "kind=event", "status=submitted", "status=withdrawn", "kind=situation&status=rejected",
		"building=" + m.BuildingID.String(), "room=" + m.RoomID.String(), "household=" + m.HouseholdID.String(),
		"q=" + url.QueryEscape(m.Title), "q=" + url.QueryEscape(string([]rune(m.Title)[:1])), "q=zzz", "mine=true",
		"due_before=" + url.QueryEscape(l.city.at(l.city.Records).String()), "kind=person&status=verified&q=" + url.QueryEscape(m.Title),
		"building=" + m.BuildingID.String() + "&kind=place", "area=" + l.city.grid(0), "area=" + l.city.street(0) + "&kind=object"}
	part := map[string]int{wholeCity: 1, oneStreet: l.city.streets(), oneGrid: l.city.streets() * communities * grids}
	for _, who := range []string{wholeCity, oneStreet, oneGrid} {
		for _, f := range filters {
			if who == oneGrid && strings.Contains(f, "area=") {
				continue
			}
			at := map[string]int{"first": 0, "middle": l.city.Records / 2, "last": min(l.city.Records, 150*part[who])}
			for _, page := range []string{"first", "middle", "last"} {
				path := "/records?limit=200&" + f
				if n := at[page]; n > 0 {
					path += "&cursor=" + store.Cursor{At: l.city.at(n)}.String()
				}
				named, _ := url.QueryUnescape(f) // was escaped above
				qs = append(qs, question{who + " " + named + " " + page, http.MethodGet, strings.TrimSuffix(path, "&"), l.tokens[who], nil})
			}
		}
		p := m.Element.(*model.Person)
		id, _ := p.IDNo.Reveal()
		phone, _ := p.Phone.Reveal()
		for name, q := range map[string]string{"number": id, "phone": phone} {
			body, _ := json.Marshal(map[string]any{"q": q, "limit": 200}) // strings and numbers only
			qs = append(qs, question{who + " search by " + name, http.MethodPost, "/records/search", l.tokens[who], body})
		}
	}
	return qs
}
