package model

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	_ "time/tzdata" // the binary runs on machines without a zone database
)

// Beijing is the zone in which "day" is meant everywhere.
var Beijing = mustZone("Asia/Shanghai")

func mustZone(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // cannot happen: the zone database is linked in
	}
	return l
}

// Clock tells the time; it is handed in, so that tests own it.
type Clock func() time.Time

// Now is the clock's time as a Time.
func (c Clock) Now() Time { return At(c()) }

// Time is a moment in milliseconds since 1970-01-01 UTC: a BIGINT in both databases, so that order, equality and keyset paging are
// the same in both. Zero means "not set" and is NULL. In JSON it is RFC 3339 with Beijing's offset.
type Time int64

// At is t as a Time; the zero time is 0.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// Std is the moment as a time.Time in Beijing's zone.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).In(Beijing) }

// IsZero tells whether the moment is not set.
func (t Time) IsZero() bool { return t == 0 }

// Add is the moment d later.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// AddMonths is the moment n calendar months later in Beijing; the 31st becomes the last day of a shorter month.
func (t Time) AddMonths(n int) Time {
	s := t.Std()
	first := time.Date(s.Year(), s.Month()+time.Month(n), 1, s.Hour(), s.Minute(), s.Second(), s.Nanosecond(), Beijing)
	last := first.AddDate(0, 1, -1).Day()
	return At(first.AddDate(0, 0, min(s.Day(), last)-1))
}

// Date is the moment's day in Beijing.
func (t Time) Date() Date {
	if t == 0 {
		return ""
	}
	return Date(t.Std().Format(time.DateOnly))
}

// String is RFC 3339 with Beijing's offset, empty when not set.
func (t Time) String() string {
	if t == 0 {
		return ""
	}
	return t.Std().Format("2006-01-02T15:04:05.000Z07:00")
}

// MarshalJSON writes RFC 3339, or null when not set.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads RFC 3339 or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s *time.Time
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = 0
	if s != nil {
		*t = At(*s)
	}
	return nil
}

// MarshalText writes RFC 3339.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads RFC 3339; an empty text is "not set".
func (t *Time) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = 0
		return nil
	}
	s, err := time.Parse(time.RFC3339, string(b))
	*t = At(s)
	return err
}

// Value is the milliseconds, or NULL when not set.
func (t Time) Value() (driver.Value, error) {
	if t == 0 {
		return nil, nil
	}
	return int64(t), nil
}

// Scan reads milliseconds or NULL.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = 0
	case int64:
		*t = Time(v)
	default:
		return fmt.Errorf("a time cannot be read from %T", src)
	}
	return nil
}

// Date is a calendar day, YYYY-MM-DD, empty when not set.
type Date string

// ErrDate says that a text is not a calendar day.
var ErrDate = errors.New("not a date")

// ParseDate reads YYYY-MM-DD. It returns ErrDate for anything that is not a day of the calendar.
func ParseDate(s string) (Date, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", ErrDate
	}
	return Date(s), nil
}

// Start is the day's first moment in Beijing; the zero Time for an empty date.
func (d Date) Start() Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), Beijing)
	if err != nil {
		return 0
	}
	return At(t)
}

// AgeOn is the number of full years from d to the other day, -1 when either is not set.
func (d Date) AgeOn(day Date) int {
	if len(d) != 10 || len(day) != 10 {
		return -1
	}
	born, err := strconv.Atoi(string(d[:4]))
	now, err2 := strconv.Atoi(string(day[:4]))
	if err != nil || err2 != nil {
		return -1
	}
	if day[4:] < d[4:] { // -MM-DD: as texts in the order of the year
		now--
	}
	return now - born
}
