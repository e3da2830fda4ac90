package seed

import (
	"context"

	"sixelements/model"
	"sixelements/model/store"
)

// Existing finds a street that was laid out before, and how many buildings it has: none when there is nothing.
func Existing(ctx context.Context, db *store.DB, baseURL, street string) (st Street, buildings int, err error) {
	err = db.Read(store.AsSystem(ctx, "demo"), func(tx *store.Tx) error {
		var list []model.Building
		q := tx.Q(&model.Building{}).Where("street = ?", street).Order("community").Order("grid").Order("created_at").Order("id")
		if err := q.Find(&list).Error; err != nil {
			return err
		}
		if buildings = len(list); buildings == 0 {
			return nil
		}
		first := list[0]
		st = Street{FirstGrid: first.AreaCode, FirstBuilding: first.ID, Community: first.Community, Street: street}
		var communities []string
		if err := tx.Q(&model.Area{}).Where("parent = ?", street).Order("code").Pluck("code", &communities).Error; err != nil {
			return err
		}
		if st.Community2 = st.Community; len(communities) > 1 {
			st.Community2 = communities[1]
		}
		var c model.QRCode
		if err := tx.Q(&c).Where("building_id = ? AND status = ?", first.ID, model.QRActive).Limit(1).Find(&c).Error; err != nil {
			return err
		}
		st.FirstCode, st.FirstURL = c.Code, baseURL+"/q/"+c.Code
		return nil
	})
	return st, buildings, err
}
