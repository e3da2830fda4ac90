package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/store"
)

// hole is one way past the scope that GORM leaves open. It answers how many foreign rows it got at.
type hole struct {
	Name string
	Try  func(tx *store.Tx, fresh *gorm.DB, r *model.Record) (int64, error)
	Want error // the refusal, where there must be one; otherwise nothing may be seen
}

func found(n int, err error) (int64, error) { return int64(n), err }

func changed(g *gorm.DB) (int64, error) { return g.RowsAffected, g.Error }

// readHoles look at a record of another community.
var readHoles = []hole{
	{Name: "find without conditions", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (int64, error) {
		var rs []model.Record
		err := tx.Q(&model.Record{}).Find(&rs).Error
		return found(len(rs), err)
	}},
	{Name: "find by id", Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (int64, error) {
		return changed(tx.Q(&model.Record{}).Where("id = ?", r.ID).Find(&model.Record{}))
	}},
	{Name: "find by the id in the model", Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (int64, error) {
		return changed(tx.Q(&model.Record{ID: r.ID}).Find(&model.Record{ID: r.ID}))
	}},
	{Name: "first", Want: gorm.ErrRecordNotFound, Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (int64, error) {
		return changed(tx.Q(&model.Record{}).First(&model.Record{}, "id = ?", r.ID))
	}},
	{Name: "count", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Record{}).Count(&n).Error
	}},
	{Name: "pluck", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (int64, error) {
		var titles []string
		err := tx.Q(&model.Record{}).Pluck("title", &titles).Error
		return found(len(titles), err)
	}},
	{Name: "distinct", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (int64, error) {
		var titles []string
		err := tx.Q(&model.Record{}).Distinct("title").Scan(&titles).Error
		return found(len(titles), err)
	}},
	{Name: "group and having", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (int64, error) {
		var titles []string
		err := tx.Q(&model.Record{}).Select("title").Group("title").Having("COUNT(*) > 0 OR 1 = 1").Scan(&titles).Error
		return found(len(titles), err)
	}},
	{Name: "find in batches", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		var rs []model.Record
		err = tx.Q(&model.Record{}).FindInBatches(&rs, 10, func(*gorm.DB, int) error { n += int64(len(rs)); return nil }).Error
		return n, err
	}},
	{Name: "a lone Or", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Record{}).Or("1 = 1").Count(&n).Error
	}},
	{Name: "where and Or", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Record{}).Where("1 = 0").Or("1 = 1").Count(&n).Error
	}},
	{Name: "an OR in the text", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Record{}).Where("1=1 OR ?", true).Count(&n).Error
	}},
	{Name: "a group with Or", Try: func(tx *store.Tx, fresh *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Record{}).Where(fresh.Where("1 = 0").Or("1 = 1")).Or(fresh.Where("2 = 2")).Count(&n).Error
	}},
	{Name: "an Or clause", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		or := clause.Or(clause.Expr{SQL: "1 = 1"})
		return n, tx.Q(&model.Record{}).Clauses(clause.Where{Exprs: []clause.Expression{or}}).Count(&n).Error
	}},
	{Name: "Not", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Record{}).Not("1 = 0").Not(map[string]any{"status": "x"}).Count(&n).Error
	}},
	{Name: "two queries on one", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (int64, error) {
		q := tx.Q(&model.Record{}).Where("1 = 1")
		var one, two int64
		err := errors.Join(q.Count(&one).Error, q.Or("1 = 1").Count(&two).Error)
		return one + two, err
	}},
	{Name: "Scopes", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		or := func(g *gorm.DB) *gorm.DB { return g.Or("1 = 1") }
		return n, tx.Q(&model.Record{}).Scopes(or).Count(&n).Error
	}},
	{Name: "Unscoped", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Record{}).Unscoped().Count(&n).Error
	}},
	{Name: "the detail of another's record", Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (int64, error) {
		return changed(tx.Q(&model.Person{}).Where("record_id = ?", r.ID).Find(&model.Person{}))
	}},
	{Name: "the revision of another's record", Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (int64, error) {
		return changed(tx.Q(&model.Revision{}).Where("record_id = ?", r.ID).Find(&model.Revision{}))
	}},
	{Name: "a model beside another destination", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (int64, error) {
		var ps []struct{ Title string }
		err := tx.Q(&model.Record{}).Find(&ps).Error
		return found(len(ps), err)
	}},
	{Name: "a subquery", Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (n int64, err error) {
		sub := tx.Q(&model.Person{}).Select("record_id").Where("record_id = ?", r.ID)
		return n, tx.Q(&model.Setting{}).Where("EXISTS (?)", sub).Count(&n).Error
	}},
	{Name: "a derived table", Want: store.ErrNoScope, Try: func(tx *store.Tx, fresh *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, fresh.Table("(?) AS settings", tx.Q(&model.Record{})).Count(&n).Error
	}},
	{Name: "Rows", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		rows, err := tx.Q(&model.Record{}).Rows()
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			n++
		}
		return n, rows.Err()
	}},
	{Name: "Row", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Record{}).Select("COUNT(*)").Row().Scan(&n)
	}},
	{Name: "Raw with Scan", Want: store.ErrRaw, Try: func(_ *store.Tx, fresh *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, fresh.Raw("SELECT COUNT(*) FROM records").Scan(&n).Error
	}},
	{Name: "Raw with Find", Want: store.ErrRaw, Try: func(_ *store.Tx, fresh *gorm.DB, _ *model.Record) (int64, error) {
		return changed(fresh.Raw("SELECT * FROM records").Find(&[]model.Record{}))
	}},
	{Name: "Raw on a model", Want: store.ErrRaw, Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (int64, error) {
		return changed(tx.Q(&model.Record{}).Raw("SELECT * FROM records").Scan(&[]model.Record{}))
	}},
	{Name: "Raw with Rows", Want: store.ErrRaw, Try: func(_ *store.Tx, fresh *gorm.DB, _ *model.Record) (int64, error) {
		rows, err := fresh.Raw("SELECT * FROM records").Rows()
		if rows != nil {
			return 1, errors.Join(err, rows.Err(), rows.Close())
		}
		return 0, err
	}},
	{Name: "Joins", Want: store.ErrNoScope, Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Setting{}).Joins("JOIN records ON 1 = 1").Count(&n).Error
	}},
	{Name: "a FROM of its own", Want: store.ErrNoScope, Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (int64, error) {
		var ids []model.ID
		from := clause.From{Tables: []clause.Table{{Name: "settings"}, {Name: "records"}}}
		err := tx.Q(&model.Setting{}).Clauses(from).Pluck("id", &ids).Error
		return found(len(ids), err)
	}},
	{Name: "Table by name", Try: func(_ *store.Tx, fresh *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, fresh.Table("records").Count(&n).Error
	}},
	{Name: "Table over a model", Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Setting{}).Table("records").Count(&n).Error
	}},
	{Name: "Table with an alias", Want: store.ErrNoScope, Try: func(_ *store.Tx, fresh *gorm.DB,
		_ *model.Record) (n int64, err error) {
		return n, fresh.Table("records r").Count(&n).Error
	}},
	{Name: "Table under a global table's name", Want: store.ErrNoScope, Try: func(_ *store.Tx, fresh *gorm.DB,
		_ *model.Record) (n int64, err error) {
		return n, fresh.Table("records AS settings").Count(&n).Error
	}},
	{Name: "Table in quotes over a global model", Want: store.ErrNoScope, Try: func(tx *store.Tx, _ *gorm.DB,
		_ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Setting{}).Table("`records`").Count(&n).Error
	}},
	{Name: "Table of two", Want: store.ErrNoScope, Try: func(_ *store.Tx, fresh *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, fresh.Table("settings, records").Count(&n).Error
	}},
	{Name: "Table of another database", Want: store.ErrNoScope, Try: func(_ *store.Tx, fresh *gorm.DB,
		_ *model.Record) (n int64, err error) {
		return n, fresh.Table("main.records").Count(&n).Error
	}},
	{Name: "a table without a scope", Want: store.ErrNoScope, Try: func(_ *store.Tx, fresh *gorm.DB,
		_ *model.Record) (n int64, err error) {
		return n, fresh.Table("goose_db_version").Count(&n).Error
	}},
	{Name: "no actor", Want: store.ErrNoActor, Try: func(tx *store.Tx, _ *gorm.DB, _ *model.Record) (n int64, err error) {
		return n, tx.Q(&model.Record{}).WithContext(context.Background()).Count(&n).Error
	}},
	{Name: "the record's door", Want: model.Fail(model.NotFound), Try: func(tx *store.Tx, _ *gorm.DB,
		r *model.Record) (int64, error) {
		_, err := tx.Record(r.ID)
		return 0, err
	}},
	{Name: "after a look as the system", Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (n int64, err error) {
		if err := tx.System("test").Q(&model.Record{}).Where("id = ?", r.ID).Take(&model.Record{}).Error; err != nil {
			return 1, err
		}
		if _, _, err := tx.Records(store.Filter{}); err != nil {
			return 1, err
		}
		return n, tx.Q(&model.Record{}).Count(&n).Error
	}},
}

// writeHoles change, within fn of the Write door, a record of another community or add one past the door.
var writeHoles = []hole{
	{Name: "Save on a foreign id", Want: store.ErrNotDoor, Try: func(_ *store.Tx, fresh *gorm.DB, r *model.Record) (int64, error) {
		return changed(fresh.Save(&model.Record{ID: r.ID, Kind: model.KindPerson, AreaCodes: model.CodesOf(elsewhere)}))
	}},
	{Name: "Save of a list", Want: store.ErrNotDoor, Try: func(_ *store.Tx, fresh *gorm.DB, r *model.Record) (int64, error) {
		return changed(fresh.Save([]*model.Record{{ID: r.ID, Kind: model.KindPerson, AreaCodes: model.CodesOf(elsewhere)}}))
	}},
	{Name: "OnConflict", Want: store.ErrNotDoor, Try: func(_ *store.Tx, fresh *gorm.DB, r *model.Record) (int64, error) {
		return changed(fresh.Clauses(clause.OnConflict{UpdateAll: true}).Create(&model.Record{ID: r.ID, Kind: model.KindPerson}))
	}},
	{Name: "FirstOrCreate", Want: store.ErrNotDoor, Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (int64, error) {
		return changed(tx.Q(&model.Area{}).Where("code = ?", "410103").FirstOrCreate(&model.Area{Code: "410103"}))
	}},
	{Name: "Create", Want: store.ErrNotDoor, Try: func(_ *store.Tx, fresh *gorm.DB, _ *model.Record) (int64, error) {
		return changed(fresh.Create(&model.Area{Code: "410103"}))
	}},
	{Name: "CreateInBatches", Want: store.ErrNotDoor, Try: func(_ *store.Tx, fresh *gorm.DB, _ *model.Record) (int64, error) {
		return changed(fresh.CreateInBatches([]*model.Area{{Code: "410103"}}, 1))
	}},
	{Name: "Update", Want: store.ErrNotDoor, Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (int64, error) {
		return changed(tx.Q(&model.Record{}).Where("id = ?", r.ID).Update("title", "x"))
	}},
	{Name: "Updates", Want: store.ErrNotDoor, Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (int64, error) {
		return changed(tx.Q(&model.Record{}).Where("id = ?", r.ID).Updates(map[string]any{"title": "x"}))
	}},
	{Name: "UpdateColumn", Want: store.ErrNotDoor, Try: func(tx *store.Tx, _ *gorm.DB, r *model.Record) (int64, error) {
		return changed(tx.Q(&model.Record{}).Where("id = ?", r.ID).UpdateColumn("title", "x"))
	}},
	{Name: "Delete", Want: store.ErrNotDoor, Try: func(tx *store.Tx, fresh *gorm.DB, r *model.Record) (int64, error) {
		return changed(fresh.Where("id = ?", r.ID).Delete(&model.Record{}))
	}},
	{Name: "Exec", Want: store.ErrRaw, Try: func(_ *store.Tx, fresh *gorm.DB, _ *model.Record) (int64, error) {
		return changed(fresh.Exec("DELETE FROM records"))
	}},
	{Name: "the migrator", Want: store.ErrRaw, Try: func(_ *store.Tx, fresh *gorm.DB, _ *model.Record) (int64, error) {
		return 0, fresh.Migrator().RenameTable("records", "others")
	}},
	{Name: "a transaction within", Try: func(_ *store.Tx, fresh *gorm.DB, r *model.Record) (int64, error) {
		err := fresh.Transaction(func(g *gorm.DB) error { return g.Delete(&model.Record{ID: r.ID}).Error })
		if errors.Is(err, store.ErrNotDoor) || errors.Is(err, store.ErrRaw) { // MySQL's savepoint is raw SQL
			return 0, nil
		}
		return 1, err
	}},
}

func TestNoHoleOfGORMLeadsToAnotherArea(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	foreign := []model.Actor{
		testkit.Actor(model.CommunityRole, elsewhere), testkit.Actor(model.Resident, ""), testkit.Actor(model.Department, street),
		testkit.Actor(model.Collector, ""),
	}
	before := w.tables()
	for _, h := range slices.Concat(readHoles, writeHoles) {
		t.Run(h.Name, func(t *testing.T) {
			for _, a := range foreign {
				var n int64
				var got error
				try := func(tx *store.Tx) error {
					fresh := tx.Q(&model.Setting{}).Session(&gorm.Session{NewDB: true, Context: store.As(tx.Context(), a)})
					n, got = h.Try(tx, fresh, r)
					return nil
				}
				for _, door := range []string{"read", "write"} {
					if door == "read" {
						require.NoError(t, w.Read(as(t, a), try))
					} else { // what fn did is committed
						require.NoError(t, w.Write(as(t, a), model.Act{}, func(tx *store.Tx) error { tx.Untraced(); return try(tx) }))
					}
					require.Zero(t, n, "%s, %s: foreign rows", a.Top(), door)
					if h.Want != nil {
						require.ErrorIs(t, got, h.Want, "%s, %s", a.Top(), door)
					} else {
						require.NoError(t, got, "%s, %s", a.Top(), door)
					}
				}
			}
		})
	}
	require.Equal(t, before, w.tables(), "nothing was changed")
}

// The same ways show the record to those who may see it: a test of refusals alone would pass on an empty database.
func TestTheSameQueriesShowWhatIsInScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	a := testkit.Actor(model.CommunityRole, community)
	for _, h := range readHoles {
		if h.Want != nil && !errors.Is(h.Want, gorm.ErrRecordNotFound) {
			continue
		}
		w.read(a, func(tx *store.Tx) error {
			n, err := h.Try(tx, tx.Q(&model.Record{}).Session(&gorm.Session{NewDB: true}), r)
			require.NoError(t, err, h.Name)
			require.NotZero(t, n, h.Name)
			return nil
		})
	}
}

// door is one staged change.
func stage(t *testing.T, w *world, a model.Actor, fn func(tx *store.Tx) error) error {
	t.Helper()
	return w.Write(as(t, a), model.Act{Name: "test.try"}, fn)
}

func TestTheDoorChangesNothingOfAnotherArea(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	w.add(&model.Area{Code: community, Name: "测试社区", Version: 1})
	a := testkit.Actor(model.CommunityRole, elsewhere)
	gone := model.Fail(model.NotFound)
	forbidden := model.Fail(model.RoleForbidden)
	for _, c := range []struct {
		Name string
		Do   func(tx *store.Tx) error
		Want error
	}{
		{"saving a row", func(tx *store.Tx) error {
			tx.Save(&model.Area{Code: community, Name: "x", Version: 1})
			return nil
		}, gone},
		{"saving a record read as the system", func(tx *store.Tx) error {
			got, err := tx.System("test").Record(r.ID)
			if err != nil {
				return err
			}
			got.Unit = "9"
			return tx.SaveRecord(got, store.Trace{Act: "patch"})
		}, gone},
		{"changing rows", func(tx *store.Tx) error {
			tx.Change(&model.Record{}, map[string]any{"unit": "9"}, "id = ?", r.ID)
			return nil
		}, nil},
		{"changing rows by an Or", func(tx *store.Tx) error {
			tx.Change(&model.Record{}, map[string]any{"unit": "9"}, "id = ? OR 1 = 1", r.ID)
			return nil
		}, nil},
		{"changing details", func(tx *store.Tx) error {
			tx.Change(&model.Person{}, map[string]any{"name": "x"}, "record_id = ?", r.ID)
			return nil
		}, nil},
		{"changing without a condition", func(tx *store.Tx) error {
			tx.Change(&model.Record{}, map[string]any{"unit": "9"}, "")
			return nil
		}, store.ErrUnlimited},
		{"removing rows", func(tx *store.Tx) error {
			tx.Remove(&model.Revision{}, "record_id = ?", r.ID)
			tx.Remove(&model.Record{}, "id = ?", r.ID)
			return nil
		}, nil},
		{"removing without a condition", func(tx *store.Tx) error { tx.Remove(&model.Record{}, ""); return nil }, store.ErrUnlimited},
		{"adding an area", func(tx *store.Tx) error { return tx.Add(&model.Area{Code: grid}) }, forbidden},
		{"adding a building", func(tx *store.Tx) error {
			return tx.Add(&model.Building{ID: model.NewID(), AreaCodes: model.CodesOf(grid)})
		}, forbidden},
		{"adding a room", func(tx *store.Tx) error {
			return tx.Add(&model.Room{ID: model.NewID(), BuildingID: model.NewID(), AreaCodes: model.CodesOf(grid)})
		}, forbidden},
		{"adding another's record", func(tx *store.Tx) error {
			return tx.AddRecord(person(grid, model.NewID()), store.Trace{Act: "create"})
		}, forbidden},
		{"granting a role", func(tx *store.Tx) error {
			return tx.Add(&model.GrantRow{ID: model.NewID(), AccountID: a.Account, Role: model.CommunityRole, AreaCode: community})
		}, forbidden},
		{"granting everything", func(tx *store.Tx) error {
			return tx.Add(&model.GrantRow{ID: model.NewID(), AccountID: a.Account, Role: model.Admin})
		}, forbidden},
		{"defining a field", func(tx *store.Tx) error {
			return tx.Add(&model.ExtraField{ID: model.NewID(), AreaCode: community})
		}, forbidden},
	} {
		t.Run(c.Name, func(t *testing.T) {
			records, persons, areas, revisions := w.raw("records"), w.raw("persons"), w.raw("areas"), w.raw("revisions")
			require.ErrorIs(t, stage(t, w, a, c.Do), c.Want)
			require.Equal(t, records, w.raw("records"))
			require.Equal(t, persons, w.raw("persons"))
			require.Equal(t, areas, w.raw("areas"))
			require.Equal(t, revisions, w.raw("revisions"))
			require.Zero(t, w.count("SELECT COUNT(*) FROM buildings")+w.count("SELECT COUNT(*) FROM grants"))
		})
	}
}

func TestWithoutAnActorNoDoorOpens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	never := func(*store.Tx) error { t.Error("fn ran"); return nil }
	for _, ctx := range []context.Context{t.Context(), as(t, model.Actor{}), as(t, model.Actor{Name: "x", Source: "192.0.2.1"})} {
		require.ErrorIs(t, w.Read(ctx, never), store.ErrNoActor)
		require.ErrorIs(t, w.Write(ctx, model.Act{Name: "x"}, never), store.ErrNoActor)
	}
}

func TestATableOfNoModelOfOursCannotBeSpokenTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type Unknown struct{ ID model.ID }
	require.ErrorIs(t, stage(t, w, testkit.Actor(model.Admin, ""), func(tx *store.Tx) error {
		return tx.Q(&Unknown{}).Find(&[]Unknown{}).Error
	}), store.ErrNoScope, "administrators and the system as well")
	require.ErrorIs(t, w.Read(w.system(), func(tx *store.Tx) error {
		return tx.Q(&Unknown{}).Find(&[]Unknown{}).Error
	}), store.ErrNoScope)
}

func TestWhatIsStagedThroughTheSystemsViewIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := testkit.Actor(model.CommunityRole, community)
	require.NoError(t, stage(t, w, a, func(tx *store.Tx) error { return tx.System("test").Add(&model.Area{Code: grid}) }))
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM areas"))
	require.ErrorIs(t, stage(t, w, a, func(tx *store.Tx) error { return tx.System("test").Add(&model.Area{Code: elsewhere}) }),
		model.Fail(model.RoleForbidden), "the view is the system's, the right to add is the actor's")
}

func TestAPostThatNamesNothingCoversNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(person(grid, model.NewID())) // has no building
	a := testkit.Actor(model.Collector, "")
	a.Posts = []model.Post{{}}
	require.Empty(t, w.sees(a))
	w.read(a, func(tx *store.Tx) error {
		require.False(t, tx.Covers(model.Where{Area: grid}))
		recs, _, err := tx.Records(store.Filter{Area: grid})
		require.Empty(t, recs)
		return err
	})
}
