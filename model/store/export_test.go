package store

import (
	"context"
	"maps"
	"slices"
)

// ScopedTables are the tables that a statement can speak to.
func ScopedTables() []string { return slices.Sorted(maps.Keys(scopes)) }

// ErrVoid is how an attempt says that its transaction is gone.
var ErrVoid = errVoid

// The refusals of the callbacks.
var (
	ErrNoActor   = errNoActor
	ErrNoScope   = errNoScope
	ErrNotDoor   = errNotDoor
	ErrRaw       = errRaw
	ErrUnlimited = errUnlimited
	ErrCounted   = errCounted
)

// Again runs an attempt as a door does.
func (db *DB) Again(ctx context.Context, attempt func() error) error { return db.again(ctx, attempt) }

// Queued is how many members wait for a writer.
func (db *DB) Queued() int { return len(db.queue) }

// Doing lets n writes more be counted as under way than there are.
func (db *DB) Doing(n int64) { db.doing.Add(n) }

// The most writes at once, and the number of writers on MySQL.
const (
	MostWrites   = mostWrites
	MySQLWriters = mysqlWriters
)
