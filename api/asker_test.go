package api

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALimitHoldsAnAddressAndOfIPv6TheWholeSubscriber(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "::ffff:192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "": ""} {
		require.Equal(t, want, askerOf(WithRequest(context.Background(), "id", source)))
	}
}
