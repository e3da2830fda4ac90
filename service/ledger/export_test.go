package ledger

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// Split has ledgers split over sheets and parts of so many rows.
func (s *Service) Split(sheet, part int) { s.sheetRows, s.partRows = sheet, part }

// HeapPeak is by how many bytes the heap, with its garbage, grew at most while fn ran.
func HeapPeak(fn func()) int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() int64 { metrics.Read(sample); return int64(sample[0].Value.Uint64()) }
	runtime.GC()
	before := read()
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		t := time.NewTicker(2 * time.Millisecond)
		defer t.Stop()
		for most := int64(0); ; {
			select {
			case <-stop:
				done <- most
				return
			case <-t.C:
				most = max(most, read()-before)
			}
		}
	}()
	fn()
	close(stop)
	return <-done
}
