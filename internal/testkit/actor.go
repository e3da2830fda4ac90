package testkit

import (
	"context"

	"sixelements/model"
	"sixelements/model/store"
)

// Actor is an account of its own that holds the role for the area ("" for residents and administrators).
func Actor(role model.Role, area string) model.Actor {
	return model.Actor{Account: model.NewID(), Session: model.NewID(), Name: "测试" + role.Label(),
		Grants: []model.Grant{{Role: role, Area: area}}, Source: "192.0.2.1", RequestID: "test-request"}
}

// As makes ctx act for such an account.
func As(ctx context.Context, role model.Role, area string) context.Context {
	return store.As(ctx, Actor(role, area))
}
