package api_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
)

func TestAnAnswerDoesNotListThousandsOfFaults(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	body := object{"kind": "person", "data": object{}}
	for i := range 2000 {
		body[fmt.Sprintf("n%d", i)] = 1
	}
	r := o.Do(street.Request{Method: "POST", Path: "/records", As: "collector", Body: body})
	require.Equal(t, 422, r.Status)
	require.Len(t, r.JSON["errors"], 50)
}
