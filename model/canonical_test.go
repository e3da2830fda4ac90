package model_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

func TestCanonicalIsWhatDecodingAndEncodingWouldGive(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`{}`, `[]`, `null`, `true`, `12345678901234567890`, `1.50`, `""`,
		`{"b":1,"a":{"d":[1,{"z":null,"y":false}],"c":"文"}}`,
		`{"a":"\u4e2d\u6587","b":"<a href='x'>&</a>","c":"\ud83d\ude00","d":"\u2028","e":"tab\tline\n"}`,
		`{"a":1,"a":2}`, `{"\u0061":1}`, `{"<":1,"&":2,"中":3}`, "{ \"a\" :\n[ 1 , 2 ] }",
	} {
		dec := json.NewDecoder(bytes.NewReader([]byte(raw)))
		dec.UseNumber()
		var v any
		require.NoError(t, dec.Decode(&v))
		want, err := json.Marshal(v)
		require.NoError(t, err)
		require.Equal(t, string(want), string(model.Canonical(json.RawMessage(raw))), raw)
	}
	require.Equal(t, "{", string(model.Canonical(json.RawMessage(" {"))), "what is not JSON passes")
	same := func(a, b string) {
		require.Equal(t, model.Canonical(json.RawMessage(a)), model.Canonical(json.RawMessage(b)))
	}
	same(`{"name":"张三","phone":"1"}`, `{ "phone":"1", "name":"\u5f20\u4e09"}`)
	require.NotEqual(t, model.Canonical(json.RawMessage(`{"a":"1"}`)), model.Canonical(json.RawMessage(`{"a":1}`)))
}

func TestChangesAreEncodedAsJSONWouldBe(t *testing.T) {
	t.Parallel()
	for _, list := range [][]model.Change{nil, {}, {{Field: "name", After: json.RawMessage(`"张三"`)}},
		{{Field: `a"<b`, Before: json.RawMessage(`{"x":1}`)}, {Field: "c", Before: json.RawMessage("null"), After: json.RawMessage("[1]")}}} {
		want, err := json.Marshal(append([]model.Change{}, list...))
		require.NoError(t, err)
		got, err := model.EncodeChanges(list)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
}
