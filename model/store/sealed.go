package store

import (
	"fmt"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"sixelements/model/seal"
)

// sealedOnly keeps what is not sealed out of the columns that hold sealed values, whatever way an update names them. A row of the
// model carries its own guard, the Valuer of seal.String; a map carries anything, thus each of its keys must be a column that the
// model knows and each value for a sealed one a sealed value, or nil, which erases.
func sealedOnly(db *gorm.DB) {
	stmt := db.Statement
	if db.Error != nil || stmt.Schema == nil {
		return
	}
	set, isMap := stmt.Dest.(map[string]any)
	if !isMap {
		if reflect.Indirect(reflect.ValueOf(stmt.Dest)).Type() != stmt.Schema.ModelType {
			_ = db.AddError(fmt.Errorf("store: %s is updated by something else than a map or its row", stmt.Table))
		}
		return
	}
	for key, v := range set {
		f := stmt.Schema.LookUpField(key)
		if f == nil { // a column in other letters or quotes would get past the check
			_ = db.AddError(fmt.Errorf("store: %s has no column of the name given", stmt.Table))
		} else if isSealed(f) && !mayStore(v) {
			_ = db.AddError(fmt.Errorf("store: %s.%s: %w", stmt.Table, f.DBName, seal.ErrPlain))
		}
	}
}

func isSealed(f *schema.Field) bool { return f.FieldType == reflect.TypeFor[seal.String]() }

func mayStore(v any) bool {
	if v == nil {
		return true
	}
	s, ok := v.(seal.String)
	return ok && (s.IsZero() || s.Sealed() != nil)
}
