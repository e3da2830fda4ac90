package seal_test

import "sixelements/model/seal"

const (
	wantSHA256 = "6b7577ac52bf051426729f4538b45b286d07d8f744e3767ffae716013e836e26"
	wantSM3    = "da66c093a779bff6c132d31c9b6bb2618eca2483997621b75b02a1733d608d8f"
)

// sealedLongAgo is a data key wrapped under root 1 for "record", and the secret sealed under it for "id_no", by the first
// version.
var sealedLongAgo = map[seal.Suite]struct{ wrapped, field string }{
	seal.AES: {
		wrapped: "ff08017ffd58db00005021735ead1b3cf217d0a355e76bd3747a2f2418350bb9b9ff6c844fc7ec286e944a1250c8e8cc3bb23cb32bd085" +
			"d236ec89c30da0d2d059a1aaccdf3055",
		field: "ff060196aeac326b9cba75be6e128beb470841881af4d55305a6972dbe85866f8b9677b5f6c89a26aa9373afdf5b4367d4a43c28",
	},
	seal.SM: {
		wrapped: "ff08027ffd58db0000502139f8970e5c5f729b40850033aa43a5e593685817019843ab43f49a9a4b95f09e0062152cbbe7c1c641ed4b57" +
			"b2099ab4f6c05224cfe36209bfe03a97",
		field: "ff06023bc023f952059cfaf65a900c0e49d2fbd316d92d3259ec883f418895e50b0da2194efd04e03d5b78ebe151d119370fce3f",
	},
}
