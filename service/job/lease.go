package job

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

// leaseKind and leaseState mark the rows of singletons in the job table; no worker ever claims them.
const (
	leaseKind                 = "lease"
	leaseState model.JobState = "lease"
)

// holding is a singleton that this process holds.
type holding struct {
	until model.Time
	busy  bool
}

// Lease runs fn if this process holds the named singleton, or can take it: of all nodes one holds it, until ttl after its last call.
// held is false when another node, or another call here, has it. Asking again costs nothing while more than half of ttl is left;
// the lease is renewed while fn runs, and fn's ctx ends when that fails. ctx needs no actor and fn's has none. Errors: fn's, or of
// the table.
func (s *Service) Lease(ctx context.Context, name string, ttl time.Duration, fn func(ctx context.Context) error) (held bool, err error) {
	if !s.begin(name) {
		return false, nil
	}
	defer s.end(name)
	if ok, err := s.hold(ctx, name, ttl); err != nil || !ok {
		return false, err
	}
	work, cancel := context.WithCancel(store.As(ctx, model.Actor{}))
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		t := time.NewTicker(ttl / 3)
		defer t.Stop()
		for {
			select {
			case <-work.Done():
				return
			case <-t.C:
				if ok, err := s.hold(ctx, name, ttl); err != nil || !ok {
					cancel()
				}
			}
		}
	}()
	err = fn(work)
	cancel()
	<-renewed
	return true, err
}

func (s *Service) begin(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[name]
	if h == nil {
		h = &holding{}
		s.held[name] = h
	}
	if h.busy {
		return false
	}
	h.busy = true
	return true
}

func (s *Service) end(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[name].busy = false
}

func (s *Service) until(name string) model.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[name].until
}

// leaseID is the row of a singleton: a UUID of version 8 (RFC 9562) made of its name.
func leaseID(name string) (id model.ID) {
	sum := sha256.Sum256([]byte("six/job/lease\x00" + name))
	copy(id[:], sum[:])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id
}

// hold takes or renews the lease by compare-and-set.
func (s *Service) hold(ctx context.Context, name string, ttl time.Duration) (bool, error) {
	now := s.db.Now()
	if s.until(name) > now.Add(ttl/2) {
		return true, nil
	}
	id := leaseID(name)
	var row model.Job
	err := s.db.Read(store.AsSystem(ctx, "lease "+name), func(tx *store.Tx) error {
		return tx.Q(&row).Where("id = ?", id).Limit(1).Find(&row).Error
	})
	if err != nil {
		return false, err
	}
	if row.ID.IsZero() {
		if err := s.makeLease(ctx, id, name, now); err != nil {
			return false, err
		}
	} else if row.LeaseBy != s.node && row.LeaseUntil >= now {
		return false, nil
	}
	n, err := s.db.Tick(ctx, &model.Job{}, map[string]any{"lease_by": s.node, "lease_until": now.Add(ttl)},
		"id = ? AND (lease_by = ? OR lease_until IS NULL OR lease_until < ?)", id, s.node, now)
	if err != nil || n == 0 {
		return false, err
	}
	s.mu.Lock()
	s.held[name].until = now.Add(ttl)
	s.mu.Unlock()
	return true, nil
}

func (s *Service) makeLease(ctx context.Context, id model.ID, name string, now model.Time) error {
	act := model.Act{Name: "lease.create", Target: name}
	err := s.db.Write(store.AsSystem(ctx, "lease "+name), act, func(tx *store.Tx) error {
		return tx.Add(&model.Job{ID: id, OwnerID: program, Kind: leaseKind, State: leaseState, RunAt: now, CreatedAt: now})
	})
	if errors.Is(err, store.ErrDuplicate) { // another node was quicker
		return nil
	}
	return err
}

// release gives back what this process holds, so that another node need not wait for the end of the lease.
func (s *Service) release(ctx context.Context) {
	s.mu.Lock()
	n := len(s.held)
	s.mu.Unlock()
	if n == 0 {
		return
	}
	_, err := s.db.Tick(ctx, &model.Job{}, map[string]any{"lease_until": nil}, "state = ? AND lease_by = ?", leaseState, s.node)
	if err != nil {
		s.o.Log.WarnContext(ctx, "leases not given back", "err", err)
	}
}
