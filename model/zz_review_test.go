package model

import ("testing";"strings";"time";"fmt")

func TestZZ(t *testing.T) {
	var b strings.Builder
	b.WriteString("{")
	for i := 0; b.Len() < 1000000; i++ { if i>0 {b.WriteString(",")}; fmt.Fprintf(&b, "%q:1", fmt.Sprintf("a%x", i)) }
	b.WriteString("}")
	s := time.Now()
	_, err := KindPerson.Schema().Decode([]byte(b.String()), Decode{Codes: nil, Today: "2026-01-01"})
	fmt.Println(time.Since(s), len(err.(*Error).Fields))
}
