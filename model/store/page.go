package store

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sixelements/model"
)

// Cursor is a place in a list ordered by time, then id.
type Cursor struct {
	At model.Time
	ID model.ID
}

// ParseCursor reads what a list gave out. validation.failed for anything else.
func ParseCursor(s string) (c Cursor, err error) {
	if s == "" {
		return c, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 24 {
		return c, model.Faults{{Location: "cursor", Code: model.FieldInvalid, Message: "翻页标记不对，请从第一页重新开始"}}.Err()
	}
	c.At = model.Time(binary.BigEndian.Uint64(b))
	copy(c.ID[:], b[8:])
	return c, nil
}

// String is the text form given to clients, who must not look into it; "" for the zero Cursor.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(c.At))
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID[:]...))
}

// Compare orders places as lists run: the newest first.
func (c Cursor) Compare(o Cursor) int {
	return cmp.Or(cmp.Compare(o.At, c.At), slices.Compare(o.ID[:], c.ID[:]))
}

// keyset orders by the column, then id, and begins behind the cursor.
func keyset(q *gorm.DB, col string, after Cursor, ascending bool) *gorm.DB {
	if ascending {
		if after != (Cursor{}) {
			q = q.Where(col+" >= ? AND ("+col+" > ? OR id > ?)", after.At, after.At, after.ID)
		}
		return q.Order(col).Order("id")
	}
	if after != (Cursor{}) {
		q = q.Where(col+" <= ? AND ("+col+" < ? OR id < ?)", after.At, after.At, after.ID)
	}
	return q.Order(col + " DESC").Order("id DESC")
}

// upTo ends a keyset query at a place, which still belongs to it.
func upTo(q *gorm.DB, col string, end Cursor, ascending bool) *gorm.DB {
	if ascending {
		return q.Where(col+" <= ? AND ("+col+" < ? OR id <= ?)", end.At, end.At, end.ID)
	}
	return q.Where(col+" >= ? AND ("+col+" > ? OR id >= ?)", end.At, end.At, end.ID)
}

// primary is the name of a table's primary key as an index.
func (db *DB) primary(table string) string {
	if db.o.Dialect == MySQL {
		return "PRIMARY"
	}
	return "sqlite_autoindex_" + table + "_1"
}

// by names the index that answers a statement: the list has chosen it, and what the engine has counted of the tables must not choose
// another one some night.
type by struct {
	dialect Dialect
	index   string
}

// Build writes nothing: see ModifyStatement.
func (by) Build(clause.Builder) {}

// ModifyStatement writes the index behind the table's name.
func (h by) ModifyStatement(stmt *gorm.Statement) {
	if h.index == "" {
		return
	}
	hint := "INDEXED BY " + h.index
	if h.dialect == MySQL {
		hint = "FORCE INDEX (" + h.index + ")"
	}
	from := stmt.Clauses["FROM"]
	from.AfterExpression = clause.Expr{SQL: hint}
	stmt.Clauses["FROM"] = from
}
