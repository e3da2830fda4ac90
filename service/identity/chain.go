package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"sixelements/model"
	"sixelements/model/store"
)

// Rows are sealed once they are a second old: commits that raced have settled by then. One that comes later still gets a later
// place in the chain, whose order is seq, not time.
const (
	sealAfter = time.Second
	sealBatch = 1000
	sealChunk = 200 // rows per statement: five values each
)

// SealAudit chains rows of the trace that are not chained yet, at most a thousand, and answers how many. Whoever calls it
// holds the lease: two at once collide on the unique seq, and one of them fails without harm. Errors: server.busy, and the
// database's.
func (s *Service) SealAudit(ctx context.Context) (n int, err error) {
	ctx = store.AsSystem(ctx, "seal the audit")
	var last model.Audit
	var rows []*model.Audit
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		last, rows = model.Audit{}, nil
		if err := tx.Q(&last).Where("seq IS NOT NULL").Order("seq DESC").Limit(1).Find(&last).Error; err != nil {
			return err
		}
		return tx.Q(&rows).Where("seq IS NULL AND at <= ?", tx.Now().Add(-sealAfter)).Order("at").Order("id").Limit(sealBatch).
			Find(&rows).Error
	})
	if err != nil {
		return 0, err
	}
	seq, hash := int64(0), last.Hash
	if last.Seq != nil {
		seq = *last.Seq
	}
	for _, r := range rows {
		seq++
		at := seq
		r.Seq, r.Hash = &at, s.auditHash(hash, at, r)
		hash = r.Hash
	}
	for from := 0; from < len(rows); from += sealChunk {
		part := rows[from:min(from+sealChunk, len(rows))]
		if err := s.sealRows(ctx, part); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// sealRows writes the places of some rows in one statement.
func (s *Service) sealRows(ctx context.Context, rows []*model.Audit) error {
	var sql strings.Builder
	var ids []model.ID
	var seqs, hashes []any
	sql.WriteString("CASE id")
	for _, r := range rows {
		sql.WriteString(" WHEN ? THEN ?")
		ids = append(ids, r.ID)
		seqs = append(seqs, r.ID, *r.Seq)
		hashes = append(hashes, r.ID, r.Hash)
	}
	sql.WriteString(" END")
	set := map[string]any{"seq": gorm.Expr(sql.String(), seqs...), "hash": gorm.Expr(sql.String(), hashes...)}
	n, err := s.db.Tick(ctx, &model.Audit{}, set, "id IN ? AND seq IS NULL", ids)
	if err != nil {
		return err
	}
	if n != int64(len(rows)) {
		return fmt.Errorf("identity: %d of %d rows of the audit were sealed: someone else seals too", n, len(rows))
	}
	return nil
}

// auditHash is a keyed hash over the SHA-256 of the hash before and everything the row says, lengths before texts: who can write to the
// database but has not its key cannot chain anew what they changed.
func (s *Service) auditHash(prev []byte, seq int64, r *model.Audit) []byte {
	h := sha256.New()
	put := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
		h.Write(b)
	}
	num := func(n int64) { put(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	put(prev)
	num(seq)
	put(r.ID[:])
	num(int64(r.At))
	put(r.ActorID[:])
	for _, text := range []string{string(r.ActorRole), r.ActorName, r.Act, r.Target, r.AreaCode, r.Result, r.Detail, r.Source,
		r.RequestID} {
		put([]byte(text))
	}
	return s.db.Hash("audit", h.Sum(nil))
}

// VerifyAudit walks the chain from its beginning: how many rows hold, and the place of the first that is missing or was
// changed; nil when all hold. That the newest rows were cut off it cannot see: compare rows with the count noted before.
func (s *Service) VerifyAudit(ctx context.Context) (rows int, broken *int64, err error) {
	ctx = store.AsSystem(ctx, "verify the audit")
	var prev []byte
	for {
		var part []*model.Audit
		err := s.db.Read(ctx, func(tx *store.Tx) error {
			part = nil
			return tx.Q(&part).Where("seq > ?", rows).Order("seq").Limit(sealBatch).Find(&part).Error
		})
		if err != nil || len(part) == 0 {
			return rows, nil, err
		}
		for _, r := range part {
			want := int64(rows) + 1
			if *r.Seq != want || !bytes.Equal(r.Hash, s.auditHash(prev, want, r)) {
				return rows, &want, nil
			}
			rows, prev = rows+1, r.Hash
		}
	}
}
