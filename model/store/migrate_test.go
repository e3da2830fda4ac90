package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

func TestAnOlderProgramServesASchemaThatOnlyGrewAndNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	w.exec("ALTER TABLE areas ADD COLUMN colour VARCHAR(20) NOT NULL DEFAULT ''")
	older, err := store.Open(t.Context(), w.opts, true)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, older.Close()) })
	require.NoError(t, older.Ready(t.Context()))
	require.NoError(t, older.Write(w.system(), model.Act{Name: "area.create"}, func(tx *store.Tx) error {
		return tx.Add(area(community))
	}))
	require.NoError(t, older.Read(w.system(), func(tx *store.Tx) error {
		return tx.Q(&model.Area{}).Where("code = ?", community).Take(&model.Area{}).Error
	}))

	w.exec("INSERT INTO settings (name, value, updated_at) VALUES ('schema_floor', '2', 0)")
	require.NoError(t, older.Ready(t.Context()), "this program knows more than version 2")
	w.exec("UPDATE settings SET value = '9999' WHERE name = 'schema_floor'")
	require.ErrorContains(t, older.Ready(t.Context()), "newer program", "one that runs already sees it too")
	_, err = store.Open(context.Background(), w.opts, true)
	require.ErrorContains(t, err, "newer program")
}

func TestOfProcessesThatStartAtOnceOnAnEmptyDatabaseOneMigrates(t *testing.T) {
	t.Parallel()
	o := testkit.Empty(t, testkit.Clock(t))
	const processes = 6
	var all sync.WaitGroup
	var dbs [processes]*store.DB
	var errs [processes]error
	for i := range processes {
		all.Go(func() { dbs[i], errs[i] = store.Open(t.Context(), o, true) })
	}
	all.Wait()
	for i := range processes {
		require.NoError(t, errs[i])
		t.Cleanup(func() { require.NoError(t, dbs[i].Close()) })
		require.NoError(t, dbs[i].Ready(t.Context()))
		require.Equal(t, dbs[0].Hash("x", []byte("y")), dbs[i].Hash("x", []byte("y")), "all have the one index key")
	}
	pool, err := dbs[0].Pool()
	require.NoError(t, err)
	var versions, rows int
	require.NoError(t, pool.QueryRowContext(t.Context(), "SELECT COUNT(DISTINCT version_id), COUNT(*) FROM goose_db_version").
		Scan(&versions, &rows))
	require.Equal(t, versions, rows, "no migration ran twice")
}

// takesAway finds what an older program would miss: what is gone, has another name or type, or must be given when a row is made.
var takesAway = regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN)|RENAME|MODIFY|CHANGE)\b|ADD\s+(COLUMN\s+)?\S+[^,;]*\bNOT\s+NULL\b[^,;]*`)

func TestAMigrationThatTakesSomethingAwaySaysSo(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var version int
		_, err = fmt.Sscanf(filepath.Base(file), "%d_", &version)
		require.NoError(t, err)
		var taken []string
		for _, found := range takesAway.FindAllString(string(text), -1) {
			if !strings.Contains(strings.ToUpper(found), "DEFAULT") {
				taken = append(taken, found)
			}
		}
		if len(taken) > 0 && version > 2 {
			require.Contains(t, string(text), fmt.Sprintf("('schema_floor', '%d'", version), "%s: %q (docs/adr/0008)", file, taken)
		}
	}
}
