package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"
	"syscall"
	"time"

	"sixelements/model"
	"sixelements/model/code"
	"sixelements/model/store"
)

// raw is the limit: the rows of a submission, sealed as the product seals them, written by prepared multi-row statements of
// database/sql, with one row of tally deltas a commit. Submitters hand their rows to one writer, which commits whatever queued while it
// committed the last. It prints its figures as JSON.
func raw(ctx context.Context, args []string, out io.Writer) error {
	var s site
	var submitters int
	var lasts time.Duration
	f := flags("raw")
	f.StringVar(&s.dir, "data", "", "folder of the site")
	f.StringVar(&s.database, "database", "", "as SIX_DATABASE; empty: SQLite in the folder")
	f.IntVar(&submitters, "submitters", 1, "how many submit at once")
	f.DurationVar(&lasts, "for", time.Second, "how long")
	if err := f.Parse(args); err != nil {
		return err
	}
	db, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	w, err := newRawWriter(ctx, db)
	if err != nil {
		return err
	}
	got, err := w.race(ctx, submitters, lasts)
	if err = errors.Join(err, w.to.close()); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(got)
}

// rawPool is how many persons a submitter registers before it begins again with the first.
const rawPool = 400

// rawTables are the tables of a person's submission.
func rawTables() [3]*table {
	return [3]*table{tableOf(&model.Record{}), tableOf(&model.Person{}), tableOf(&model.Revision{})}
}

// submission is a record's rows on their way to the writer, and what they change in the tallies.
type submission struct {
	args [3][]any
	cell store.Cell
	room model.ID
	home model.ID
	done chan error
}

type rawWriter struct {
	db     *store.DB
	tables [3]*table
	deltas *table
	doors  [][]door
	queue  chan submission
	to     *inserter
}

func newRawWriter(ctx context.Context, db *store.DB) (*rawWriter, error) {
	pool, err := db.WritePool() // the product's driver and pragmas
	if err != nil {
		return nil, err
	}
	d, err := doors(ctx, db)
	if err != nil {
		return nil, err
	}
	to, err := newInserter(ctx, pool)
	return &rawWriter{db: db, tables: rawTables(), deltas: tableOf(&model.TallyDelta{}), doors: d, to: to}, err
}

// race lets the submitters run and answers what they came to.
func (w *rawWriter) race(ctx context.Context, submitters int, lasts time.Duration) (f figures, err error) {
	elements, err := w.elements(submitters)
	if err != nil {
		return f, err
	}
	w.queue = make(chan submission, submitters)
	written := make(chan struct{})
	go func() { defer close(written); w.write(ctx) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	times := make([][]time.Duration, submitters)
	var wg sync.WaitGroup
	begin, before := time.Now(), ownCPU()
	for i := range submitters {
		wg.Go(func() {
			for n := 0; time.Since(begin) < lasts && ctx.Err() == nil; n++ {
				t := time.Now()
				if err := w.submit(i, n, elements[i][n%rawPool]); err != nil {
					cancel(err)
				}
				times[i] = append(times[i], time.Since(t))
			}
		})
	}
	wg.Wait()
	f.Took, f.CPU, f.Latency = time.Since(begin), ownCPU()-before, slices.Concat(times...)
	close(w.queue)
	<-written
	f.Done = len(f.Latency)
	slices.Sort(f.Latency)
	return f, context.Cause(ctx)
}

// elements are the persons of every submitter, decoded beforehand.
func (w *rawWriter) elements(submitters int) (out [][]model.Element, err error) {
	crowd, err := people(submitters*rawPool, uint64(time.Now().UnixNano()))
	if err != nil {
		return nil, err
	}
	s, codes := model.KindPerson.Schema(), code.Default()
	for part := range slices.Chunk(crowd, rawPool) {
		var list []model.Element
		for _, p := range part {
			d, err := s.Decode(p.data, model.Decode{Codes: codes, Today: w.db.Now().Date()})
			if err != nil {
				return nil, err
			}
			list = append(list, d.Element)
		}
		out = append(out, list)
	}
	return out, nil
}

// submit seals one person and waits until the rows are committed.
func (w *rawWriter) submit(who, n int, e model.Element) error {
	e = model.KindPerson.Schema().Clone(e) // sealing changes it
	b := w.doors[who%len(w.doors)]
	r := newRecord(w.db, model.KindPerson, e, b[n%len(b)], model.NewID(), w.db.Now(), model.ID{})
	r.RequestHash = w.db.Hash("request", r.ID[:])
	v, err := sealRecord(w.db, r)
	if err != nil {
		return err
	}
	s := submission{cell: store.CellOf(r), room: r.RoomID, home: r.HouseholdID, done: make(chan error, 1)}
	for i, row := range []any{r, r.Element, v} {
		s.args[i] = w.tables[i].args(nil, row)
	}
	w.queue <- s
	return <-s.done
}

// maxBatch keeps the statements below SQLite's 32,766 values.
const maxBatch = 512

// write commits what is queued until the queue is closed.
func (w *rawWriter) write(ctx context.Context) {
	for first := range w.queue {
		batch := []submission{first}
		for more := true; more && len(batch) < maxBatch; {
			select {
			case s, ok := <-w.queue:
				if more = ok; ok {
					batch = append(batch, s)
				}
			default:
				more = false
			}
		}
		err := w.commit(ctx, batch)
		for _, s := range batch {
			s.done <- err
		}
	}
}

func (w *rawWriter) commit(ctx context.Context, batch []submission) error {
	return w.to.atOnce(ctx, func() error {
		for i, t := range w.tables {
			var args []any
			for _, s := range batch {
				args = append(args, s.args[i]...)
			}
			if err := w.to.insert(ctx, t, args); err != nil {
				return err
			}
		}
		return w.to.insert(ctx, w.deltas, w.deltas.args(nil, tallied(batch)))
	})
}

// tallied is the one row by which a commit changes the tallies.
func tallied(batch []submission) *model.TallyDelta {
	cells := store.Cells{}
	var touched store.Touched
	for _, s := range batch {
		cells.Add(s.cell, 1)
		touched.Rooms = append(touched.Rooms, s.room)
		if s.cell.Kind == model.KindPerson {
			touched.Households = append(touched.Households, s.home)
		}
	}
	touched.Rooms, touched.Households = unique(touched.Rooms), unique(touched.Households)
	return &model.TallyDelta{ID: model.NewID(), Cells: store.EncodeCells(cells, touched)}
}

func unique(ids []model.ID) []model.ID {
	slices.SortFunc(ids, func(a, b model.ID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// ownCPU is what this process has spent computing.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
