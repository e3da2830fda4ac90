package api

import (
	"encoding/json"
	"log/slog"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"sixelements/model"
	"sixelements/model/code"
	"sixelements/service/attach"
	"sixelements/service/grid"
	"sixelements/service/identity"
	"sixelements/service/job"
	"sixelements/service/ledger"
	"sixelements/service/qr"
	"sixelements/service/tally"
)

// Base is the path under which all operations lie.
const Base = "/api/v1"

// Services are what the operations call.
type Services struct {
	Identity *identity.Service
	Grid     *grid.Service
	QR       *qr.Service
	Attach   *attach.Service
	Records  Records
	Tally    *tally.Service
	Ledger   *ledger.Service
	Jobs     *job.Service
	Codes    *code.Lists
}

// Config is huma's configuration: no foreign pages, no links to schemas in bodies.
func Config() huma.Config {
	install()
	c := huma.DefaultConfig("Six Elements (六要素)", "1.0.0")
	c.CreateHooks = nil
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[model.ID](), reflect.TypeFor[idText]())
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.Servers = []*huma.Server{{URL: Base}}
	c.Info.Description = "Collection of 人、地、事、物、情、组织 for a street office. Generated from the code; see docs/architecture.md."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer"},
		"cookie": {Type: "apiKey", In: "cookie", Name: CookieName, Description: "With X-CSRF-Token on unsafe methods."},
	}
	return c
}

// New registers every operation.
func New(h huma.API, s Services, log *slog.Logger, limit Limiter) *API {
	a := &API{huma: h, log: log, who: s.Identity, limit: limit}
	mountSessions(a, s.Identity)
	mountMe(a, s.Identity)
	mountAccounts(a, s.Identity)
	mountAudit(a, s.Identity)
	mountAreas(a, s.Grid)
	mountBuildings(a, s.Grid)
	mountQRCodes(a, s.QR)
	mountForms(a, s.Records.Collect, s.Codes)
	mountFields(a, s.Records.Collect)
	mountRecords(a, s.Records)
	mountAttachments(a, s.Attach)
	mountTallies(a, s.Tally)
	mountExports(a, s.Ledger)
	mountJobs(a, s.Jobs)
	shareIDs(a.huma.OpenAPI())
	return a
}

// OpenAPI is the document of all operations, as JSON.
func (a *API) OpenAPI() []byte {
	b, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil // cannot happen: huma's own types
	}
	return b
}

// OpenAPIYAML is the document of all operations, as YAML: docs/openapi.yaml.
func (a *API) OpenAPIYAML() ([]byte, error) { return a.huma.OpenAPI().YAML() }
