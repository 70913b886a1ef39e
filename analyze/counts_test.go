package analyze

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// Values that are there already come again as slices of large texts: none of the texts may be kept in memory.
func TestTallyKeepsNoText(t *testing.T) {
	const texts, size = 50, 1 << 20
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	value := func(i int) string { return fmt.Sprintf("value-%05d", i) }
	var tally Tally
	for i := range texts {
		tally.Add(value(i), 1)
	}
	before := live()
	for i := range texts { // each value once more, each as a slice of a text of its own
		text := value(i) + strings.Repeat("-", size)
		tally.Add(text[:len(value(i))], 1)
	}
	if kept := int64(live()) - int64(before); kept > 5*size {
		t.Errorf("%d bytes are kept of %d texts of %d bytes", kept, texts, size)
	}
	if got := tally.Of(value(7)); got != 2 {
		t.Errorf("got %d, want 2", got)
	}
}

// If all values differ, their estimated number could be greater than their true number: it is limited to the total.
func TestTallyDistinctIsAtMostTotal(t *testing.T) {
	for seed := range 8 {
		var tally Tally
		for i := range 3 * tallyCap {
			tally.Add(fmt.Sprintf("%d-%d", seed, i), 1)
		}
		if got := tally.Distinct(); tally.Exact() || got > tally.Total() {
			t.Errorf("got %d of %d, exact %v", got, tally.Total(), tally.Exact())
		}
	}
}
