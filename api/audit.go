package api

import (
	"context"

	"sixelements/model"
	"sixelements/service/identity"
)

func mountAudit(a *API, s *identity.Service) {
	op(a, get("/audit", "list-audit", "Who did what, when, on whom, from where: newest first", may(model.CommunityRole)),
		func(ctx context.Context, in *struct {
			Paging
			Area  string   `query:"area" maxLength:"18"`
			Actor model.ID `query:"actor" doc:"an account's id"`
			Act   string   `query:"act" maxLength:"40"`
		}) (*answer[page[identity.AuditItem]], error) {
			rows, next, err := s.Audit(ctx, identity.AuditFilter{Area: in.Area, Actor: in.Actor, Act: in.Act, Limit: in.Limit,
				Cursor: in.Cursor})
			if err != nil {
				return nil, err
			}
			return pageOf(rows, next, func(v identity.AuditItem) identity.AuditItem { return v }), nil
		})
}
