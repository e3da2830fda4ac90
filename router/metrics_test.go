package router

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMethodsThatStrangersMakeUpShareOneLabel(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	for _, method := range []string{"GET", "AAA", "BBB", "CCC"} {
		m.seen(method, "(none)", 405, time.Millisecond)
	}
	families, err := m.registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "six_request_seconds" {
			require.Len(t, f.GetMetric(), 2)
		}
	}
}
