package model_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

func TestDataWithMoreNamesThanAnyFormHasIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 50_000 {
		names = append(names, fmt.Sprintf(`"a%d":1`, i))
	}
	many := "{" + strings.Join(names, ",") + "}"
	for _, data := range []string{many, `{"extra":` + many + `}`} {
		_, err := model.KindPerson.Schema().Decode(json.RawMessage(data), model.Decode{Today: "2026-05-01"})
		var e *model.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, model.Invalid, e.Code)
		require.Less(t, len(e.Fields), 20)
	}
}
