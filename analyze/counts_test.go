package analyze

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

func TestTally(t *testing.T) {
	var tally Tally
	for i, v := range []string{"b", "a", "b", "c", "c", "c"} {
		if tally.Total() != i {
			t.Fatalf("total %d after %d", tally.Total(), i)
		}
		tally.Add(v, 1)
	}
	if got, want := tally.Top(2), []Count{{"c", 3}, {"b", 2}}; !slices.Equal(got, want) {
		t.Errorf("Top: got %v, want %v", got, want)
	}
	if v, share := tally.Most(); v != "c" || share != 0.5 {
		t.Errorf("Most: got %q %g", v, share)
	}
	if got := tally.Values(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("Values: got %v", got)
	}
	if tally.Of("b") != 2 || tally.Of("x") != 0 || tally.Distinct() != 3 || !tally.Exact() {
		t.Errorf("got %d, %d, %d, %v", tally.Of("b"), tally.Of("x"), tally.Distinct(), tally.Exact())
	}
}

// Merging parts in any order gives the same as counting the whole; beyond the cap, numbers are close and memory is bounded.
func TestTallyMerge(t *testing.T) {
	for _, distinct := range []int{3, 20, 500, 50_000} {
		rng := rand.New(rand.NewPCG(uint64(distinct), 0))
		var whole Tally
		parts := make([]Tally, 3)
		for range 3 * distinct {
			v := fmt.Sprint(rng.IntN(distinct))
			whole.Add(v, 1)
			parts[rng.IntN(3)].Add(v, 1)
		}
		for range 300 {
			whole.Add("often", 1)
			parts[rng.IntN(3)].Add("often", 1)
		}
		var joined Tally
		for _, i := range rng.Perm(3) {
			joined.Merge(&parts[i])
		}
		if joined.Total() != whole.Total() {
			t.Errorf("%d distinct: total %d, want %d", distinct, joined.Total(), whole.Total())
		}
		if off := math.Abs(float64(joined.Distinct()-whole.Distinct())) / float64(whole.Distinct()); off > 0.03 {
			t.Errorf("%d distinct: got %d, counted at once %d", distinct, joined.Distinct(), whole.Distinct())
		}
		if whole.Exact() && !slices.Equal(joined.Top(50), whole.Top(50)) {
			t.Errorf("%d distinct: got %v, want %v", distinct, joined.Top(5), whole.Top(5))
		}
		if joined.Top(1)[0].Value != "often" {
			t.Errorf("%d distinct: most frequent is %v", distinct, joined.Top(1))
		}
		if n := len(joined.counts); n > 2*tallyCap {
			t.Errorf("%d distinct: %d values kept", distinct, n)
		}
	}
}

// A value that is kept is a copy: it does not keep the text that it was cut from in memory.
func TestTallyOwnsItsValues(t *testing.T) {
	text := strings.Repeat("x", 100)
	var tally Tally
	tally.Add(text[:3], 1)
	if got := tally.Values()[0]; unsafe.StringData(got) == unsafe.StringData(text) {
		t.Error("the value is a slice of the text")
	}
}

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
