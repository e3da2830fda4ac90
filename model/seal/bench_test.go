package seal_test

import (
	"testing"
	"time"

	"sixelements/model/seal"
)

// A submission costs a data key and about three sealed fields; the aim is < 3 µs for AES.
func BenchmarkSubmission(b *testing.B) {
	for _, suite := range []seal.Suite{seal.AES, seal.SM} {
		b.Run(suite.String(), func(b *testing.B) {
			k := ring(b, suite, 1)
			plain, aad := []byte("410102198802150010"), []byte("0123456789abcdef:id_no")
			b.ReportAllocs()
			for b.Loop() {
				d, _, _ := k.NewDataKey(aad)
				for range 3 {
					_, _ = d.Seal(plain, aad)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, suite := range []seal.Suite{seal.AES, seal.SM} {
		b.Run(suite.String(), func(b *testing.B) {
			k := ring(b, suite, 1)
			aad := []byte("0123456789abcdef:id_no")
			d, wrapped, _ := k.NewDataKey(aad)
			sealed, _ := d.Seal([]byte("410102198802150010"), aad)
			b.ReportAllocs()
			for b.Loop() {
				d, _ := k.OpenDataKey(wrapped, aad)
				_, _ = d.Open(sealed, aad)
			}
		})
	}
}

func BenchmarkHasher(b *testing.B) {
	for _, suite := range []seal.Suite{seal.AES, seal.SM} {
		b.Run(suite.String(), func(b *testing.B) {
			h := seal.NewHasher(suite, root(1))
			value := []byte("410102198802150010")
			b.ReportAllocs()
			for b.Loop() {
				h.Sum("person.id_no", value)
			}
		})
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
