package store_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm/schema"

	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/model/store"
)

// models are the structs of all tables: the one list to which a new table is added.
func models() []any {
	out := []any{&model.Record{}, &model.Revision{}, &model.Link{}, &model.Dispatched{}, &model.Attachment{}, &model.Area{},
		&model.Building{}, &model.Room{}, &model.Visit{}, &model.QRCode{}, &model.Assignment{}, &model.Account{}, &model.GrantRow{},
		&model.Audit{}, &model.Session{}, &model.Consent{}, &model.ScanPass{}, &model.Job{}, &model.Setting{}, &model.ExtraField{},
		&model.TallyDelta{}, &model.TallyPart{}, &model.TallyRoom{}, &model.TallyHousehold{}}
	for _, k := range model.Kinds() {
		out = append(out, k.New())
	}
	return out
}

func parsed(t *testing.T, m any) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(m, &sync.Map{}, schema.NamingStrategy{})
	require.NoError(t, err, "%T", m)
	return s
}

// liveColumn is a column as the database describes it.
type liveColumn struct {
	nullable bool
	kind     string // "INTEGER", "bigint(20)", …
}

// live are the tables of the migrated database but for those of goose and the engine.
func (w *world) live() map[string]map[string]liveColumn {
	w.t.Helper()
	query := `SELECT m.name, c.name, CASE WHEN c."notnull" = 0 AND c.pk = 0 THEN 1 ELSE 0 END, c.type
		FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	if w.Dialect() == store.MySQL {
		query = `SELECT table_name, column_name, is_nullable = 'YES', column_type
			FROM information_schema.columns WHERE table_schema = DATABASE()`
	}
	pool, err := w.Pool()
	require.NoError(w.t, err)
	rows, err := pool.QueryContext(w.t.Context(), query)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, rows.Close()) }()
	out := map[string]map[string]liveColumn{}
	for rows.Next() {
		var table, column string
		var c liveColumn
		require.NoError(w.t, rows.Scan(&table, &column, &c.nullable, &c.kind))
		if table == "goose_db_version" || table == "migration_lock" || strings.HasPrefix(table, "sqlite_") {
			continue
		}
		if out[table] == nil {
			out[table] = map[string]liveColumn{}
		}
		out[table][column] = c
	}
	require.NoError(w.t, rows.Err())
	return out
}

func TestEveryTableHasAScopeAndEveryScopeATable(t *testing.T) {
	t.Parallel()
	live := newWorld(t).live()
	require.Equal(t, slices.Sorted(maps.Keys(live)), store.ScopedTables())
	var named []string
	for _, m := range models() {
		named = append(named, parsed(t, m).Table)
	}
	slices.Sort(named)
	require.Equal(t, named, store.ScopedTables(), "the list of models is complete")
}

// mayBeNull tells whether the type writes NULL for "not set", or reads it.
func mayBeNull(t reflect.Type) (writes bool) {
	switch t {
	case reflect.TypeFor[model.ID](), reflect.TypeFor[model.Time](), reflect.TypeFor[model.ExtraData](),
		reflect.TypeFor[seal.String]():
		return true
	}
	return t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice // bytes and lists
}

// always are columns of types that could be NULL whose rows are never without them.
var always = map[string]bool{
	"records.submitter_id": true, "records.submitted_at": true, "revisions.record_id": true, "revisions.at": true,
	"revisions.hash":  true,
	"links.record_id": true, "links.other_id": true, "links.at": true, "dispatches.at": true, "attachments.owner_id": true,
	"attachments.sha256": true, "attachments.created_at": true, "rooms.building_id": true, "qr_codes.building_id": true,
	"visits.room_id": true, "visits.building_id": true, "visits.account_id": true, "visits.at": true, "visits.received_at": true,
	"assignments.account_id": true, "assignments.from_at": true, "assignments.created_at": true, "accounts.created_at": true,
	"grants.account_id": true, "grants.granted_at": true, "audit.at": true, "sessions.account_id": true, "sessions.token_hash": true,
	"sessions.created_at": true, "sessions.last_seen": true, "sessions.expires_at": true, "consents.account_id": true,
	"consents.at": true, "scan_passes.at": true, "jobs.owner_id": true, "jobs.run_at": true, "jobs.created_at": true,
	"extra_fields.created_at": true, "tally_rooms.building_id": true,
}

func TestEveryModelMatchesTheLiveSchema(t *testing.T) {
	t.Parallel()
	live := newWorld(t).live()
	for _, m := range models() {
		s := parsed(t, m)
		t.Run(s.Table, func(t *testing.T) {
			require.Empty(t, s.Relationships.Relations, "a model has columns, not relations")
			columns := maps.Clone(live[s.Table])
			for _, f := range s.Fields {
				if f.DBName == "" {
					continue
				}
				at := s.Table + "." + f.DBName
				c, ok := columns[f.DBName]
				require.True(t, ok, "%s is a field without a column", at)
				delete(columns, f.DBName)
				if f.PrimaryKey {
					require.False(t, c.nullable, "%s is the key", at)
					continue
				}
				if at == "jobs.problem" { // MySQL gives a TEXT column no default
					continue
				}
				want := mayBeNull(f.FieldType) && !always[at]
				require.Equal(t, want, c.nullable, "%s (%s): nullable", at, f.FieldType)
			}
			require.Empty(t, columns, "columns without a field")
		})
	}
}

func TestEveryMySQLTableComparesTextByItsBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w.Dialect() != store.MySQL {
		t.Skip("mysql: SQLite compares text by its bytes")
	}
	require.Zero(t, w.count(`SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()
		AND table_name NOT IN ('goose_db_version', 'migration_lock') AND (table_collation <> 'utf8mb4_bin' OR engine <> 'InnoDB')`))
	require.Zero(t, w.count(`SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE()
		AND table_name NOT IN ('goose_db_version', 'migration_lock') AND collation_name IS NOT NULL AND collation_name <> 'utf8mb4_bin'`))
}

func TestEveryKindHasAFormAndATable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	live := w.live()
	for _, k := range model.Kinds() {
		require.NotEmpty(t, k.Label, k.Kind)
		require.NotNil(t, k.Recheck, k.Kind)
		s := k.Kind.Schema()
		require.Equal(t, k.Kind, s.Kind)
		require.Equal(t, k.Table, parsed(t, k.New()).Table)
		for _, f := range s.Fields {
			if f.Type == model.TypePhotos {
				continue
			}
			_, ok := live[k.Table][f.Name]
			require.True(t, ok, "%s.%s has no column", k.Kind, f.Name)
		}
		r := kindOf(k.Kind, grid, model.NewID())
		w.put(r)
		require.NoError(t, w.Read(w.system(), func(tx *store.Tx) error {
			got, err := tx.Record(r.ID)
			if err == nil {
				require.Equal(t, r.Element, got.Element, "%s comes back empty as it went in", k.Kind)
			}
			return err
		}))
	}
}

func TestMigratingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.tables()
	require.NoError(t, w.Migrate(t.Context()))
	require.NoError(t, w.Ready(t.Context()))
	require.Equal(t, before, w.tables())
}
