package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALineGoesThroughItsPoints(t *testing.T) {
	t.Parallel()
	a, b := line([]float64{1, 0.5, 0.1}, []float64{800, 500, 260}) // 200 each and 600 a commit
	require.InDelta(t, 200, a, 1e-6)
	require.InDelta(t, 600, b, 1e-6)
	a, b = line([]float64{1, 1}, []float64{100, 300}) // batches of one only: nothing to tell apart
	require.InDelta(t, 200, a, 1e-6)
	require.Zero(t, b)
}

// With -measure it runs the product on a MariaDB of its own; what that takes is not asserted, only that all of it is told.
func TestASimulationRuns(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	args := []string{"simulate", "-people", "20000", "-nodes", "1", "-measure", "-for", "300ms", "-dir", t.TempDir()}
	require.NoError(t, run(t.Context(), args, &out))
	for _, s := range []string{"| submit | 256 |", "| verify | 64 |", "| read | 16 |", "| code | 16 |", "| measured |",
		"| simulated, 100 % of the machine |",
		"20000 people", "busy answers", "short of cores"} {
		require.Contains(t, out.String(), s)
	}
}
