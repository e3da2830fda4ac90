package api

import (
	"context"
	"net/http"

	"sixelements/model"
	"sixelements/service/identity"
)

type accountRole struct {
	Role     model.Role `json:"role" maxLength:"20"`
	AreaCode string     `json:"area_code,omitempty" maxLength:"18" doc:"the area it is held for; none for admin everywhere"`
}

type accountIn struct {
	Username string        `json:"username" maxLength:"32"`
	Name     string        `json:"name" maxLength:"30"`
	Password string        `json:"password,omitempty" maxLength:"128" doc:"left out: one is made and shown once"`
	Roles    []accountRole `json:"roles" maxItems:"20" nullable:"false"`
}

type accountEditIn struct {
	Name     *string        `json:"name,omitempty" maxLength:"30"`
	Disabled *bool          `json:"disabled,omitempty"`
	Password *string        `json:"password,omitempty" maxLength:"128" doc:"resets it"`
	Roles    *[]accountRole `json:"roles,omitempty" maxItems:"20" doc:"replaces all roles"`
}

type accountCreated struct {
	identity.AccountView
	InitialPassword string `json:"initial_password,omitempty" doc:"shown once, when none was sent"`
}

func grants(roles []accountRole) []model.Grant {
	out := make([]model.Grant, 0, len(roles))
	for _, r := range roles {
		out = append(out, model.Grant{Role: r.Role, Area: r.AreaCode})
	}
	return out
}

func mountAccounts(a *API, s *identity.Service) {
	staff := may(model.CommunityRole)
	op(a, get("/accounts", "list-accounts", "Accounts in scope, newest first", staff),
		func(ctx context.Context, in *struct {
			Paging
			Area string     `query:"area" maxLength:"18"`
			Role model.Role `query:"role" maxLength:"20"`
			Q    string     `query:"q" maxLength:"30" doc:"prefix of user name or name"`
		}) (*answer[page[identity.AccountView]], error) {
			rows, next, err := s.Accounts(ctx, identity.AccountFilter{Area: in.Area, Role: in.Role, Query: in.Q, Limit: in.Limit,
				Cursor: in.Cursor})
			if err != nil {
				return nil, err
			}
			return pageOf(rows, next, func(v identity.AccountView) identity.AccountView { return v }), nil
		})
	op(a, post("/accounts", "create-account", "Create an account", staff, status(http.StatusCreated)),
		func(ctx context.Context, in *struct{ Body accountIn }) (*created[accountCreated], error) {
			b := in.Body
			v, initial, err := s.CreateAccount(ctx, identity.NewAccount{Username: b.Username, Name: b.Name, Password: b.Password,
				Roles: grants(b.Roles)})
			if err != nil {
				return nil, err
			}
			return &created[accountCreated]{Status: http.StatusCreated, ETag: etag(v.Version),
				Body: accountCreated{AccountView: *v, InitialPassword: initial}}, nil
		})
	op(a, get("/accounts/{id}", "get-account", "An account", staff, at(s.LocateAccount)),
		func(ctx context.Context, in *struct {
			ID model.ID `path:"id"`
		}) (*answer[identity.AccountView], error) {
			return accountAnswer(s.Account(ctx, in.ID))
		})
	mountAccountChanges(a, s, staff)
}

func mountAccountChanges(a *API, s *identity.Service, staff option) {
	op(a, patch("/accounts/{id}", "edit-account", "Change an account; rights and passwords end its sessions", staff,
		at(s.LocateAccount)),
		func(ctx context.Context, in *struct {
			ID    model.ID    `path:"id"`
			Match model.Match `header:"If-Match"`
			Body  accountEditIn
		}) (*answer[identity.AccountView], error) {
			e := identity.AccountEdit{Name: in.Body.Name, Disabled: in.Body.Disabled, Password: in.Body.Password}
			if in.Body.Roles != nil {
				roles := grants(*in.Body.Roles)
				e.Roles = &roles
			}
			return accountAnswer(s.EditAccount(ctx, in.ID, in.Match, e))
		})
	op(a, remove("/accounts/{id}", "delete-account", "Disable an account", staff, at(s.LocateAccount), status(http.StatusNoContent)),
		func(ctx context.Context, in *struct {
			ID model.ID `path:"id"`
		}) (*none, error) {
			return nil, s.DisableAccount(ctx, in.ID)
		})
}

func accountAnswer(v *identity.AccountView, err error) (*answer[identity.AccountView], error) {
	if err != nil {
		return nil, err
	}
	return &answer[identity.AccountView]{ETag: etag(v.Version), Body: *v}, nil
}
