package model

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestADerivedIDFollowsFromItsMomentAndSeedAlone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 10, 0, 0, 0, Beijing)
	seed := []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff and what follows is not used")
	id := DeriveID(At(now), seed)
	require.Equal(t, "019de143-a500-7fff-bfff-ffffffffffff", id.String())
	require.Equal(t, id, DeriveID(At(now), seed[:10]))
	require.NotEqual(t, id, DeriveID(At(now)+1, seed))
	for _, s := range [][]byte{seed, make([]byte, 10)} {
		u := uuid.UUID(DeriveID(At(now), s))
		require.EqualValues(t, 7, u.Version())
		require.Equal(t, uuid.RFC4122, u.Variant())
		require.True(t, ID(u).CheckClientID(now), "its time is that moment")
		require.False(t, ID(u).CheckClientID(now.Add(-25*time.Hour)))
	}
}
