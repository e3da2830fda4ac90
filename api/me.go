package api

import (
	"context"
	"net/http"
	"sync"

	"sixelements/model"
	"sixelements/service/identity"
)

type consentIn struct {
	Version string   `json:"version" maxLength:"40" doc:"of the notice that was read"`
	Scopes  []string `json:"scopes" maxItems:"2" nullable:"false" doc:"general, sensitive; the latest counts as a whole; none withdraws"`
}

type phoneIn struct {
	Code string `json:"code" minLength:"1" maxLength:"512" doc:"of WeChat's getPhoneNumber"`
}

type passwordIn struct {
	Old string `json:"old" maxLength:"200"`
	New string `json:"new" maxLength:"200"`
}

type otpIn struct {
	OTP string `json:"otp" minLength:"6" maxLength:"10"`
}

type otpOffIn struct {
	Password string `json:"password" maxLength:"200"`
}

func mountMe(a *API, s *identity.Service) {
	notice := sync.OnceValues(func() (*Fixed, error) { return fixedJSON(Revalidate, identity.CurrentNotice()) })
	kept[identity.Notice](a, get("/notice", "get-notice", "The privacy notice in force", public),
		func(context.Context, *none) (*Fixed, error) { return notice() })
	op(a, get("/me", "get-me", "One's own account: roles, posts, consent"),
		func(ctx context.Context, _ *none) (*answer[identity.Me], error) { return meAnswer(s.Me(ctx)) })
	op(a, put("/me/consent", "put-consent", "Agree to the notice, or withdraw one's consent"),
		func(ctx context.Context, in *struct{ Body consentIn }) (*answer[identity.Me], error) {
			if err := s.Agree(ctx, in.Body.Version, in.Body.Scopes); err != nil {
				return nil, err
			}
			return meAnswer(s.Me(ctx))
		})
	op(a, post("/me/phone", "set-phone", "Take the phone number from WeChat"),
		func(ctx context.Context, in *struct{ Body phoneIn }) (*answer[identity.Me], error) {
			return meAnswer(s.SetPhone(ctx, in.Body.Code))
		})
	op(a, put("/me/password", "put-password", "Change one's password; other sessions end", status(http.StatusNoContent)),
		func(ctx context.Context, in *struct{ Body passwordIn }) (*none, error) {
			return nil, s.ChangePassword(ctx, in.Body.Old, in.Body.New)
		})
	op(a, get("/me/data", "get-my-data", "A copy of all that is kept about oneself", only(model.Resident)),
		func(ctx context.Context, _ *none) (*answer[identity.Copy], error) {
			c, err := s.Data(ctx)
			if err != nil {
				return nil, err
			}
			return &answer[identity.Copy]{Body: *c}, nil
		})
	op(a, remove("/me", "delete-me", "Erase one's account", only(model.Resident), status(http.StatusNoContent)),
		func(ctx context.Context, _ *none) (*none, error) { return nil, s.Erase(ctx) })
	mountOTP(a, s)
}

func mountOTP(a *API, s *identity.Service) {
	op(a, post("/me/otp", "create-otp", "Set up a second factor; it counts once confirmed", status(http.StatusCreated)),
		func(ctx context.Context, _ *none) (*created[identity.FactorSetUp], error) {
			f, err := s.SetUpFactor(ctx)
			if err != nil {
				return nil, err
			}
			return &created[identity.FactorSetUp]{Status: http.StatusCreated, Body: *f}, nil
		})
	op(a, put("/me/otp", "confirm-otp", "Turn the second factor on", status(http.StatusNoContent)),
		func(ctx context.Context, in *struct{ Body otpIn }) (*none, error) {
			return nil, s.ConfirmFactor(ctx, in.Body.OTP)
		})
	op(a, remove("/me/otp", "delete-otp", "Turn the second factor off", status(http.StatusNoContent)),
		func(ctx context.Context, in *struct{ Body otpOffIn }) (*none, error) {
			return nil, s.DisableFactor(ctx, in.Body.Password)
		})
}

func meAnswer(me *identity.Me, err error) (*answer[identity.Me], error) {
	if err != nil {
		return nil, err
	}
	return &answer[identity.Me]{Body: *me}, nil
}
