package mailforensics

import (
	"flag"
	"io"
	"runtime"
	"testing"

	"mailforensics/bench/loggen"
	"mailforensics/mail"
)

var floodSize = flag.Int("flood", 60, "MB of log in which every client, sender, HELO and queue ID is new; 900 makes a million clients")

// A log in which nobody comes twice must not fill the memory: what is quiet and below every threshold is forgotten. The
// second half of the log may not need much more than the first did.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	t.Run("postfix", func(t *testing.T) { flood(t, loggen.Postfix) })
	t.Run("exim", func(t *testing.T) { flood(t, loggen.Exim) })
}

func flood(t *testing.T, write writer) {
	const spare = 32 << 20 // what a garbage collector, chunks on their way and tables that double may add
	size := int64(*floodSize) * 1e6
	text, in := io.Pipe()
	known := make(chan loggen.Truth, 1)
	go func() {
		truth, err := write(in, loggen.Options{Size: size, Fresh: 1, Rate: 2000})
		in.CloseWithError(err)
		known <- truth
	}()
	defer text.Close()
	var half, most uint64
	var seen int64
	next := size / 10
	p := newPipeline(t, 2)
	p.watch = func(events []mail.Event) {
		for i := range events {
			seen += int64(len(events[i].Raw)) + 1
		}
		if seen < next {
			return
		}
		next += size / 10
		if most = max(most, liveHeap()); seen < size/2 {
			half = most
		}
	}
	p.read(text, "-")
	truth := <-known
	t.Logf("%d clients, %d queue IDs: %d MB at most, %d MB in the first half", truth.DistinctClients, truth.QueueIDCount, most>>20, half>>20)
	if int64(p.engine.Totals.Messages) != truth.Messages {
		t.Errorf("got %d messages, want %d", p.engine.Totals.Messages, truth.Messages)
	}
	if most > 256<<20 {
		t.Errorf("needs %d MB of memory", most>>20)
	}
	if most > half+half/2+spare {
		t.Errorf("memory grows: %d MB in the first half, %d MB in all", half>>20, most>>20)
	}
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
