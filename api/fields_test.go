package api_test

import (
	"testing"

	"sixelements/model"
)

func TestAFieldsNameIsTakenAboveAndBelow(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	field := func(area string) object {
		return object{"area_code": area, "kind": "place", "name": "gate", "label": "门禁", "type": "text"}
	}
	run(t, o.Server, []scenario{
		{Name: "a community's", As: "community", Post: "/fields", Body: field(o.Community), Want: 201},
		{Name: "the street's would stand beside it in that community's form", As: "street", Post: "/fields", Body: field(o.Community[:9]),
			Want: 409, Code: model.Conflict},
		{Name: "another community's does not", As: "community2", Post: "/fields", Body: field(o.Community2), Want: 201},
	})
}
