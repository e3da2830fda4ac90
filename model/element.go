package model

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
)

// Base is what the detail row of every kind begins with: the record it belongs to. A detail is reached only through its header.
type Base struct {
	RecordID ID `json:"-" gorm:"primaryKey"`
}

// ElementID is the record the detail belongs to.
func (b *Base) ElementID() ID { return b.RecordID }

// SetElementID ties the detail to its record.
func (b *Base) SetElementID(id ID) { b.RecordID = id }

// Element is what a record says: one of Person, Place, Event, Object, Situation, Organisation. Its struct is the single source of
// truth: one line per field, whose tags field.go reads.
type Element interface {
	ElementID() ID
	SetElementID(ID)
	// Title is the short name by which lists show the record; it may hold a person's name, never a sealed value.
	Title() string
	// Validate derives what can be derived and adds what the tags cannot say; it runs after the shape of every field is known good.
	Validate(c *Check)
}

// Check is what an element's rules see beside the data, and where they put what they find.
type Check struct {
	Today    Date
	Verified bool // the data is to stand as verified: what may be left to the visit is needed now
	Faults   Faults
	Warnings []FieldError
}

// Fault notes that a field is wrong. The message is Chinese and says what to do; it never repeats the value.
func (c *Check) Fault(field string, code Code, message string) {
	c.Faults.Add("data."+field, code, message)
}

// Warn notes that a field is doubtful but may stand.
func (c *Check) Warn(field string, code Code, message string) {
	c.Warnings = append(c.Warnings, FieldError{Location: "data." + field, Code: code, Message: message})
}

// Choices is a set of codes: a JSON array of strings, in one text column.
type Choices []string

// Value is the JSON text, or NULL when empty.
func (c Choices) Value() (driver.Value, error) {
	if len(c) == 0 {
		return nil, nil
	}
	b, err := json.Marshal([]string(c))
	return string(b), err
}

// Scan reads the JSON text or NULL.
func (c *Choices) Scan(src any) error { return scanJSON(src, (*[]string)(c)) }

// Location is a point: longitude and latitude in degrees, and the system they are in. What came is stored as it came.
type Location struct {
	Lon    float64 `json:"lon" minimum:"-180" maximum:"180"`
	Lat    float64 `json:"lat" minimum:"-90" maximum:"90"`
	System string  `json:"system" enum:"gcj02,wgs84" doc:"GCJ-02 as WeChat and Chinese maps give it, or WGS-84 as GPS does"`
}

// Value is the JSON text.
func (l Location) Value() (driver.Value, error) {
	b, err := json.Marshal(struct {
		Lon    float64 `json:"lon"`
		Lat    float64 `json:"lat"`
		System string  `json:"system"`
	}(l))
	return string(b), err
}

// Scan reads the JSON text or NULL.
func (l *Location) Scan(src any) error { return scanJSON(src, l) }

var errNotText = errors.New("not a text column")

func scanJSON(src any, into any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), into)
	case []byte:
		return json.Unmarshal(v, into)
	}
	return fmt.Errorf("%w: %T", errNotText, src)
}

// GormDataType says that the set is a column, not a relation.
func (Choices) GormDataType() string { return "text" }
