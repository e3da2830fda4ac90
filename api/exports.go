package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"sixelements/model"
	"sixelements/service/ledger"
)

type exportIn struct {
	Kind     kind         `json:"kind"`
	Area     string       `json:"area" maxLength:"18"`
	Status   *exportState `json:"status,omitempty" doc:"all, or a list of states; default: verified"`
	Format   string       `json:"format" enum:"xlsx,csv"`
	Columns  []string     `json:"columns,omitempty" maxItems:"200" nullable:"false" doc:"names of fields in their order; default: all"`
	Template string       `json:"template,omitempty" maxLength:"30" doc:"a department's table: floating, care (person), rental, shop (place)"`
	Reveal   bool         `json:"reveal,omitempty" doc:"in clear: needs a reason, xlsx, encrypted; a zip of such above 50,000 rows"`
	Reason   string       `json:"reason,omitempty" maxLength:"120" doc:"at least 2 characters; kept in the trace"`
	Since    model.Time   `json:"since,omitzero" doc:"only what was submitted or changed at or after it"`
}

// exportState is "all" (nil inside) or a list of states.
type exportState []model.Status

// UnmarshalJSON reads either form.
func (s *exportState) UnmarshalJSON(b []byte) error {
	*s = nil
	if string(b) == `"all"` {
		return nil
	}
	return json.Unmarshal(b, (*[]model.Status)(s))
}

// Schema is huma's hook.
func (exportState) Schema(huma.Registry) *huma.Schema {
	states := make([]any, 0, len(model.Statuses()))
	for _, s := range model.Statuses() {
		states = append(states, string(s))
	}
	one, most := 1, len(states)
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeString, Enum: []any{"all"}},
		{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString, Enum: states}, MinItems: &one, MaxItems: &most},
	}}
}

func (in exportIn) request() ledger.Request {
	r := ledger.Request{Kind: model.Kind(in.Kind), Area: in.Area, Statuses: []model.Status{model.Verified}, Format: ledger.Format(in.Format),
		Columns: in.Columns, Template: in.Template, Reveal: in.Reveal, Reason: in.Reason, Since: in.Since}
	if in.Status != nil {
		r.Statuses = *in.Status
	}
	return r
}

type exportView struct {
	Job      jobView `json:"job"`
	Password string  `json:"password,omitempty" doc:"of the encrypted file; shown here and never again"`
}

// mountExports registers the ledgers.
func mountExports(a *API, s *ledger.Service) {
	op(a, post("/exports", "create-export", "Have a ledger written", may(model.CommunityRole), status(http.StatusAccepted)),
		func(ctx context.Context, in *struct{ Body exportIn }) (*answer[exportView], error) {
			j, password, err := s.Export(ctx, in.Body.request())
			if err != nil {
				return nil, err
			}
			return &answer[exportView]{Body: exportView{Job: viewJob(j), Password: password}}, nil
		})
}
