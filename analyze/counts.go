package analyze

import (
	"cmp"
	"slices"
	"strings"

	"github.com/axiomhq/hyperloglog"
)

// Up to how many distinct values a Tally is exact. Beyond it the rarest are forgotten and the number of distinct values is
// an estimate (HyperLogLog with 2^14 registers: 0.8 % standard error): a spammer invents senders faster than memory grows.
const tallyCap = 10_000

// topMost is how many values of a kind a finding lists.
const topMost = 100

// fewValues is up to how many distinct values are kept in a list: most tallies never need a map.
const fewValues = 8

// Tally counts how often each value occurs. The zero value is ready. It is exact, and merging is exact, while the number of
// distinct values stays under a cap; Distinct, Total and the most frequent values remain good beyond it.
type Tally struct {
	few    []Count          // while there are few
	places map[string]int32 // nil until there are more: of a value, its place in counts
	counts []int
	total  int
	sketch *hyperloglog.Sketch // nil while exact
}

// Add counts n more of value, which is cloned when it is new. The map does not hold the counts themselves, because an assignment
// to a string key that is there replaces the key, too (internal/runtime/maps, PutSlot of strings), and with it our clone by a
// slice of a chunk that would then never be freed.
func (t *Tally) Add(value string, n int) {
	t.total += n
	if t.places == nil && t.addFew(value, n) {
		return
	}
	if place, ok := t.places[value]; ok {
		t.counts[place] += n
		return
	}
	value = strings.Clone(value)
	t.insert(value, n)
	if t.sketch != nil {
		t.sketch.Insert([]byte(value))
	}
	t.bound()
}

// insert gives a value that is new a place.
func (t *Tally) insert(value string, n int) {
	t.places[value] = int32(len(t.counts))
	t.counts = append(t.counts, n)
}

// addFew counts in the list, unless it is full: then it makes the map.
func (t *Tally) addFew(value string, n int) bool {
	for i := range t.few {
		if t.few[i].Value == value {
			t.few[i].Messages += n
			return true
		}
	}
	if len(t.few) < fewValues {
		t.few = append(t.few, Count{strings.Clone(value), n})
		return true
	}
	t.toMap()
	return false
}

// toMap moves the list into a map.
func (t *Tally) toMap() {
	t.places = make(map[string]int32, 4*fewValues)
	for _, c := range t.few {
		t.insert(c.Value, c.Messages)
	}
	t.few = nil
}

// All yields every value that is known and its count, in no particular order.
func (t *Tally) All(yield func(string, int) bool) {
	for _, c := range t.few {
		if !yield(c.Value, c.Messages) {
			return
		}
	}
	for v, place := range t.places {
		if !yield(v, t.counts[place]) {
			return
		}
	}
}

// Merge adds all of other, which stays as it is.
func (t *Tally) Merge(other *Tally) {
	total := t.total + other.total
	if other.sketch != nil {
		t.estimate()
		_ = t.sketch.Merge(other.sketch) // fails for sketches of another size only
	}
	for value, n := range other.All {
		t.Add(value, n)
	}
	t.total = total
}

// bound forgets the rarest half of the values when there are twice too many.
func (t *Tally) bound() {
	if len(t.counts) <= 2*tallyCap {
		return
	}
	t.estimate()
	most := t.sorted()[:tallyCap]
	clear(t.places)
	t.counts = t.counts[:0]
	for _, c := range most {
		t.insert(c.Value, c.Messages)
	}
}

// estimate starts counting distinct values by a sketch.
func (t *Tally) estimate() {
	if t.sketch != nil {
		return
	}
	t.sketch = hyperloglog.New14()
	for value := range t.All {
		t.sketch.Insert([]byte(value))
	}
	if t.places == nil {
		t.toMap()
	}
}

// Total is how many were counted.
func (t *Tally) Total() int { return t.total }

// Distinct is how many different values were counted; an estimate when not Exact, and no more than were counted at all.
func (t *Tally) Distinct() int {
	if t.sketch != nil {
		return min(int(t.sketch.Estimate()), t.total)
	}
	return t.held()
}

// held is how many values it holds: all while it is exact.
func (t *Tally) held() int { return len(t.few) + len(t.counts) }

// Exact reports whether Distinct and all counts are exact.
func (t *Tally) Exact() bool { return t.sketch == nil }

// Of is how often value was counted.
func (t *Tally) Of(value string) int {
	for _, c := range t.few {
		if c.Value == value {
			return c.Messages
		}
	}
	if place, ok := t.places[value]; ok {
		return t.counts[place]
	}
	return 0
}

// Top is the n most frequent values, most frequent first, equal ones by name.
func (t *Tally) Top(n int) []Count {
	all := t.sorted()
	return all[:min(n, len(all)):min(n, len(all))]
}

// Values is every value that is known, sorted by name.
func (t *Tally) Values() []string {
	values := make([]string, 0, len(t.few)+len(t.counts))
	for v := range t.All {
		values = append(values, v)
	}
	slices.Sort(values)
	return values
}

// Most is the most frequent value and its share of all, 0 to 1.
func (t *Tally) Most() (value string, share float64) {
	n := 0
	for v, m := range t.All {
		if m > n || m == n && v < value {
			value, n = v, m
		}
	}
	if t.total == 0 {
		return "", 0
	}
	return value, float64(n) / float64(t.total)
}

func (t *Tally) sorted() []Count {
	all := make([]Count, 0, len(t.few)+len(t.counts))
	for v, n := range t.All {
		all = append(all, Count{v, n})
	}
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Value, b.Value))
	})
	return all
}
