package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// verify measures verifications against the submissions that came before them: collectors verify, record by record, what residents
// submitted at their buildings.
func verify(ctx context.Context, args []string, out io.Writer) (err error) {
	p := plan{conns: []int{16}}
	if err := p.flags(flags("verify"), args); err != nil {
		return err
	}
	done, err := p.folder()
	if err != nil {
		return err
	}
	defer done()
	six, err := buildSix(ctx, p.dir)
	if err != nil {
		return err
	}
	o, stop, err := startOurs(ctx, six, site{dir: filepath.Join(p.dir, "ours")}, slices.Max(p.conns))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	got := map[int][][]figures{}
	for _, conns := range p.conns {
		got[conns] = make([][]figures, 2)
		for range p.rounds {
			both, err := o.submitAndVerify(ctx, conns, p.lasts)
			if err != nil {
				return err
			}
			for i, f := range both {
				got[conns][i] = append(got[conns][i], f)
			}
		}
	}
	heading(out, "Verifications")
	fmt.Fprintf(out, "Residents submit for %s, then collectors verify what came (`visit`, with a step_id): header, detail and a chained "+
		"revision. Medians of %d rounds.\n\n", p.lasts, p.rounds)
	figuresGrid(out, p.conns, []contestant{{name: "submit"}, {name: "verify"}}, got)
	var b []bound
	for _, conns := range p.conns {
		g := got[conns]
		b = append(b, atLeast(fmt.Sprintf("verifications/s ÷ submissions/s at %d", conns), ratio(g[1], g[0], figures.perSecond), 0.5))
	}
	bounds(out, b)
	return nil
}

// submitAndVerify runs one round; each connection's collector verifies what that connection's resident submitted.
func (o *ours) submitAndVerify(ctx context.Context, conns int, lasts time.Duration) (both [2]figures, err error) {
	before, err := o.verified(ctx)
	if err != nil {
		return both, err
	}
	sent := make([][]model.ID, conns)
	both[0], err = o.measure(ctx, loop{conns: conns, lasts: lasts, want: http.StatusCreated, next: func(i int) []byte {
		b, id := o.bodies[i].next()
		sent[i] = append(sent[i], id)
		return b
	}})
	if err != nil {
		return both, err
	}
	both[1], err = o.measure(ctx, loop{conns: conns, lasts: lasts, want: http.StatusOK, next: func(i int) []byte {
		if len(sent[i]) == 0 {
			return nil
		}
		id := sent[i][0]
		sent[i] = sent[i][1:]
		body := fmt.Appendf(nil, `{"action":"verify","method":"visit","step_id":%q}`, model.NewID())
		return message("POST", "/api/v1/records/"+id.String()+"/transitions", o.collectors[i%len(o.doors)], `"1"`, body)
	}})
	if err != nil {
		return both, err
	}
	after, err := o.verified(ctx)
	if err == nil && after-before != int64(both[1].Done) {
		err = fmt.Errorf("%d were acknowledged as verified, %d are", both[1].Done, after-before)
	}
	return both, err
}

func (o *ours) verified(ctx context.Context) (n int64, err error) {
	err = o.db.Read(store.AsSystem(ctx, "bench"), func(tx *store.Tx) error {
		return tx.Q(&model.Record{}).Where("status = ?", model.Verified).Count(&n).Error
	})
	return n, err
}
