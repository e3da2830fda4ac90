package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// sqlLog writes slow statements, without their values, to the program's log. Errors are the caller's to log or answer.
type sqlLog struct {
	log  *slog.Logger
	slow time.Duration
}

func (l *sqlLog) LogMode(logger.LogLevel) logger.Interface      { return l }
func (l *sqlLog) Info(context.Context, string, ...interface{})  {}
func (l *sqlLog) Warn(context.Context, string, ...interface{})  {}
func (l *sqlLog) Error(context.Context, string, ...interface{}) {}

// ParamsFilter keeps values out of what Trace is given.
func (l *sqlLog) ParamsFilter(_ context.Context, sql string, _ ...interface{}) (string, []interface{}) {
	return sql, nil
}

func (l *sqlLog) Trace(ctx context.Context, begin time.Time, fc func() (string, int64), err error) {
	took := time.Since(begin)
	if took < l.slow || errors.Is(err, gorm.ErrRecordNotFound) {
		return
	}
	sql, rows := fc()
	l.log.WarnContext(ctx, "slow statement", "took", took, "rows", rows, "sql", sql)
}
