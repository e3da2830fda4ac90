package api_test

import (
	"strings"

	"sixelements/internal/sample"
)

// goodPassword passes the rules for everybody, administrators too.
const goodPassword = "Zhongyuan-2026-x"

// plainSituation is a situation with no more than it needs.
func plainSituation() object {
	return object{"category": "S04", "content": "楼道灯坏了，晚上看不清", "situation_kind": "demand"}
}

// registered is the n-th made-up adult who lives where they are registered.
func registered(n int) object {
	g := sample.New(sample.Options{Today: "2026-05-01", Seed: uint64(n)})
	return g.Household(1, "registered")[0]
}

func replaceID(path, id string) string { return strings.Replace(path, "{id}", id, 1) }
