package store_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"sixelements/internal/testkit"
	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/model/store"
)

func TestNoSecretLiesInClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	require.NoError(t, w.Write(w.system(), model.Act{Name: "record.patch"}, func(tx *store.Tx) error {
		got, err := tx.Record(r.ID)
		if err != nil {
			return err
		}
		p := got.Element.(*model.Person)
		p.Phone, p.PermitNo = seal.Clear("15400009876"), seal.Clear(secretID)
		return tx.SaveRecord(got, store.Trace{Act: "patch", Note: "电话 " + secretPhone})
	}))
	all := strings.Join(func() (out []string) {
		for _, rows := range w.tables() {
			out = append(out, rows...)
		}
		return out
	}(), "\n")
	for _, secret := range []string{secretID, secretBirth, secretPhone, "15400009876", "19900307", secretPhone[3:], "电话"} {
		require.NotContains(t, all, secret)
	}
	require.Contains(t, all, "测试甲", "names are masked, not sealed: the search is for what is there")
	w.read(testkit.Actor(model.CommunityRole, community), func(tx *store.Tx) error {
		got, err := tx.Record(r.ID)
		require.NoError(t, err)
		p := got.Element.(*model.Person)
		for s, want := range map[*seal.String]string{&p.IDNo: secretID, &p.BirthDate: secretBirth, &p.Phone: "15400009876",
			&p.PermitNo: secretID} {
			clear, ok := s.Reveal()
			require.True(t, ok)
			require.Equal(t, want, clear)
		}
		require.Equal(t, w.SubjectIndex(secretID), got.SubjectIndex)
		require.Equal(t, w.PhoneIndex("15400009876"), got.PhoneIndex, "the index follows the data")
		h, err := tx.History(got)
		require.NoError(t, err)
		require.Len(t, h, 2)
		require.Equal(t, "电话 "+secretPhone, h[1].Note)
		require.Equal(t, []model.Change{
			{Field: "phone", Before: []byte(`"` + secretPhone + `"`), After: []byte(`"15400009876"`)},
			{Field: "permit_no", After: []byte(`"` + secretID + `"`)},
		}, h[1].Changes)
		return nil
	})
}

func TestANumberIsFoundByItsIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := person(grid, model.NewID()), person(elsewhere, model.NewID())
	w.put(one, two)
	find := func(a model.Actor, f store.Filter) (out []model.ID) {
		w.read(a, func(tx *store.Tx) error {
			recs, _, err := tx.Records(f)
			out = ids(recs)
			return err
		})
		return out
	}
	staff := testkit.Actor(model.CommunityRole, community)
	require.Equal(t, []model.ID{one.ID}, find(staff, store.Filter{Numbers: [][]byte{w.SubjectIndex(secretID)}}))
	require.Equal(t, []model.ID{one.ID}, find(staff, store.Filter{Phones: [][]byte{w.PhoneIndex(secretPhone)}}))
	require.Empty(t, find(staff, store.Filter{Numbers: [][]byte{w.SubjectIndex(secretPhone)}}))
	require.Len(t, find(testkit.Actor(model.Admin, ""), store.Filter{Phones: [][]byte{w.PhoneIndex(secretPhone)}}), 2)
	require.Equal(t, []model.ID{one.ID}, find(staff, store.Filter{Title: "测试"}), "and a name by its beginning")
	require.Empty(t, find(staff, store.Filter{Title: "试"}))
	require.Empty(t, find(staff, store.Filter{Title: "%"}), "a sign of LIKE is a letter like any other")
}

func TestAPlainTextIsKeptOutOfASealedColumn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	before := w.raw("persons")
	for name, set := range map[string]map[string]any{
		"a string":                     {"id_no": secretID},
		"a string by the field's name": {"IDNo": secretID},
		"bytes":                        {"phone": []byte(secretPhone)},
		"other letters":                {"ID_NO": secretID},
		"quotes":                       {"`id_no`": secretID},
		"the table's name before":      {"persons.id_no": secretID},
		"an expression":                {"id_no": gorm.Expr("name")},
		"a text not sealed yet":        {"id_no": seal.Clear(secretID)},
		"a pointer":                    {"id_no": &[]string{secretID}[0]},
		"among others":                 {"name": "测试乙", "phone": secretPhone},
	} {
		err := w.Write(w.system(), model.Act{Name: "x"}, func(tx *store.Tx) error {
			tx.Change(&model.Person{}, set, "record_id = ?", r.ID)
			return nil
		})
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), secretID, name)
		_, err = w.Tick(t.Context(), &model.Person{}, set, "record_id = ?", r.ID)
		require.Error(t, err, name)
	}
	require.Equal(t, before, w.raw("persons"))
	require.NoError(t, w.Write(w.system(), model.Act{Name: "x"}, func(tx *store.Tx) error {
		tx.Change(&model.Person{}, map[string]any{"id_no": nil, "Phone": seal.String{}, "name": "测试乙"}, "record_id = ?", r.ID)
		return nil
	}), "erasing is allowed")
	require.Equal(t, 1, w.count("SELECT COUNT(*) FROM persons WHERE id_no IS NULL AND phone IS NULL AND name = '测试乙'"))
}

func TestAnUnsealedElementIsNotWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := person(grid, model.NewID()).Element
	e.SetElementID(model.NewID())
	require.ErrorIs(t, w.Write(w.system(), model.Act{Name: "x"}, func(tx *store.Tx) error { return tx.Add(e) }), seal.ErrUnsealed)
	require.Empty(t, w.raw("persons"))
}

// load reads a record as the system.
func (w *world) load(id model.ID) error {
	return w.Read(w.system(), func(tx *store.Tx) error { _, err := tx.Record(id); return err })
}

func TestWhatWasPutThereByHandIsNotTakenForData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := person(grid, model.NewID()), person(grid, model.NewID())
	w.put(one, two)
	require.NoError(t, w.load(one.ID))

	w.exec("UPDATE persons SET id_no = ? WHERE record_id = ?", []byte(secretID), one.ID[:])
	require.ErrorIs(t, w.load(one.ID), seal.ErrPlain, "a plain text")
	if w.Dialect() == store.SQLite {
		w.exec("UPDATE persons SET id_no = ? WHERE record_id = ?", secretID, one.ID[:])
		require.ErrorIs(t, w.load(one.ID), seal.ErrPlain, "a plain text of SQLite's type text")
	}
	theirs := two.Element.(*model.Person)
	w.exec("UPDATE persons SET id_no = ? WHERE record_id = ?", theirs.IDNo.Sealed(), one.ID[:])
	require.ErrorIs(t, w.load(one.ID), seal.ErrUnknownKey, "another record's number")
	w.exec("UPDATE records SET data_key = ? WHERE id = ?", two.DataKey, one.ID[:])
	require.ErrorIs(t, w.load(one.ID), seal.ErrOpen, "another record's number with its key")
	w.exec("UPDATE records SET data_key = ? WHERE id = ?", one.DataKey, one.ID[:])
	own := one.Element.(*model.Person)
	w.exec("UPDATE persons SET id_no = ?, phone = ? WHERE record_id = ?", own.Phone.Sealed(), own.IDNo.Sealed(), one.ID[:])
	require.ErrorIs(t, w.load(one.ID), seal.ErrOpen, "two fields swapped")
	w.exec("UPDATE persons SET id_no = ?, phone = ? WHERE record_id = ?", own.IDNo.Sealed(), own.Phone.Sealed(), one.ID[:])
	require.NoError(t, w.load(one.ID))
}

// histories is a record with three revisions, and reads whether each is sound.
func histories(t *testing.T) (*world, *model.Record, func() []bool) {
	w := newWorld(t)
	r := person(grid, model.NewID())
	w.put(r)
	for _, unit := range []string{"1", "2"} {
		require.NoError(t, stage(t, w, testkit.Actor(model.CommunityRole, community), func(tx *store.Tx) error {
			got, err := tx.Record(r.ID)
			if err != nil {
				return err
			}
			got.Unit = unit
			got.Element.(*model.Person).WorkUnit = "测试单位" + unit
			return tx.SaveRecord(got, store.Trace{Act: "patch", Note: "说明", StepID: model.NewID(), StepHash: []byte("hash")})
		}))
	}
	return w, r, func() (sound []bool) {
		require.NoError(t, w.Read(w.system(), func(tx *store.Tx) error {
			var head model.Record
			require.NoError(t, tx.Q(&head).Where("id = ?", r.ID).Take(&head).Error)
			h, err := tx.History(&head)
			sound = nil
			for _, v := range h {
				sound = append(sound, v.Sound)
			}
			return err
		}))
		return sound
	}
}

func TestAHistoryIsAChain(t *testing.T) {
	t.Parallel()
	w, _, sound := histories(t)
	require.Equal(t, []bool{true, true, true}, sound())
	w.exec("DELETE FROM revisions WHERE version = 1")
	require.Equal(t, []bool{false, false}, sound(), "the first is missing")
}

func TestAChangedByteOfHistoryIsNoticed(t *testing.T) {
	t.Parallel()
	w, r, sound := histories(t)
	other := model.NewID()
	for column, value := range map[string]any{"id": other[:], "at": 7, "actor_id": other[:], "actor_role": "admin",
		"actor_name": "x", "act": "x",
		"from_state": "x", "to_state": "x", "step_id": other[:], "step_hash": []byte("x"), "source": "x", "request_id": "x",
		"area_code": "x", "hash": bytes.Repeat([]byte{1}, 32), "prev_hash": bytes.Repeat([]byte{1}, 32)} {
		var was any
		pool, err := w.Pool()
		require.NoError(t, err)
		row := pool.QueryRowContext(t.Context(), "SELECT "+column+" FROM revisions WHERE record_id = ? AND version = 2", r.ID[:])
		require.NoError(t, row.Scan(&was))
		w.exec("UPDATE revisions SET "+column+" = ? WHERE record_id = ? AND version = 2", value, r.ID[:])
		require.False(t, sound()[1], column)
		w.exec("UPDATE revisions SET "+column+" = ? WHERE record_id = ? AND version = 2", was, r.ID[:])
		require.Equal(t, []bool{true, true, true}, sound(), column)
	}
	// The sealed parts do not even open when they were changed; cut away, they are missed by the hash.
	for _, column := range []string{"note", "changes"} {
		w.exec("UPDATE revisions SET "+column+" = NULL WHERE version = 2", nil...)
		require.False(t, sound()[1], column)
	}
}

func TestAnErasedRecordKeepsASoundHistory(t *testing.T) {
	t.Parallel()
	w, r, sound := histories(t)
	require.NoError(t, stage(t, w, testkit.Actor(model.CommunityRole, community), func(tx *store.Tx) error {
		got, err := tx.Record(r.ID)
		if err != nil {
			return err
		}
		got.Element, got.Extra, got.DataKey = &model.Person{Base: model.Base{RecordID: r.ID}}, nil, nil
		return tx.SaveRecord(got, store.Trace{Act: "erase"})
	}))
	require.Equal(t, []bool{true, true, true, true}, sound())
	require.NoError(t, w.Read(w.system(), func(tx *store.Tx) error {
		got, err := tx.Record(r.ID)
		require.NoError(t, err)
		require.Empty(t, got.Title)
		require.Nil(t, got.SubjectIndex)
		h, err := tx.History(got)
		require.Empty(t, h[1].Note, "what was sealed is gone for ever")
		require.Nil(t, h[1].Changes)
		return err
	}))
	require.NotContains(t, strings.Join(w.raw("records"), "\n")+strings.Join(w.raw("persons"), "\n"), "测试单位")
}

func TestAnotherSecretKeyDoesNotOpenTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.opts
	var err error
	o.Keyring, err = seal.NewKeyring(seal.AES, w.clock.Now, bytes.Repeat([]byte{8}, 32))
	require.NoError(t, err)
	_, err = store.Open(t.Context(), o, false)
	require.ErrorContains(t, err, "the secret key does not open this database")
}

func TestADatabaseWhoseSuiteIsChangedFindsWhatWasIndexedBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.opts
	var err error
	o.Suite = seal.SM
	o.Keyring, err = seal.NewKeyring(seal.SM, w.clock.Now, bytes.Repeat([]byte{7}, 32)) // the root of testkit
	require.NoError(t, err)
	later := testkit.Open(t, o)
	require.Equal(t, w.SubjectIndex(secretID), later.SubjectIndex(secretID))
	require.Equal(t, w.PhoneIndex(secretPhone), later.PhoneIndex(secretPhone))
	require.Equal(t, w.Hash("token", []byte("x")), later.Hash("token", []byte("x")))
}

func TestAFreshDatabaseIsMigratedAndMakesItsKeyOnce(t *testing.T) {
	t.Parallel()
	o := testkit.Empty(t, testkit.Clock(t))
	one, err := store.Open(t.Context(), o, true)
	require.NoError(t, err)
	defer func() { require.NoError(t, one.Close()) }()
	two, err := store.Open(t.Context(), o, true)
	require.NoError(t, err)
	defer func() { require.NoError(t, two.Close()) }()
	require.Equal(t, one.SubjectIndex("x"), two.SubjectIndex("x"))
	require.NotEqual(t, one.SubjectIndex("x"), one.PhoneIndex("x"), "a number's index says nothing of a phone's")
	require.NoError(t, two.Ready(t.Context()))
}
