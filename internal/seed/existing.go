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
		if err := tx.Q(&model.Building{}).Where("street = ?", street).Order("community").Order("grid").Order("created_at").Order("id").Find(&list).Error; err != nil {
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
		var q model.QRCode
		if err := tx.Q(&q).Where("building_id = ? AND status = ?", first.ID, model.QRActive).Limit(1).Find(&q).Error; err != nil {
			return err
		}
		st.FirstCode, st.FirstURL = q.Code, baseURL+"/q/"+q.Code
		return nil
	})
	return st, buildings, err
}
