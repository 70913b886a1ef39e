package analyze

import (
	"slices"
	"testing"
)

func TestRing(t *testing.T) {
	const most = 2*ringBlock + 3
	var r ring[int]
	if r.len() != 0 || r.oldest() != nil {
		t.Fatal("an empty ring has something in it")
	}
	var forgotten []int
	places := make(map[*int]bool)
	for i := range 2 * most {
		place, taken := r.take(most)
		if taken {
			forgotten = append(forgotten, *place)
		}
		if taken != (i >= most) || taken != places[place] {
			t.Fatalf("number %d: taken is %v", i, taken)
		}
		places[place] = true
		*place = i
		if want := max(0, i-most+1); *r.oldest() != want {
			t.Fatalf("after number %d the oldest is %d, not %d", i, *r.oldest(), want)
		}
	}
	var all []int
	for x := range r.oldestFirst {
		all = append(all, *x)
	}
	want := make([]int, most)
	for i := range want {
		want[i] = i
	}
	if !slices.Equal(forgotten, want) {
		t.Errorf("forgotten: %v", forgotten)
	}
	for i := range want {
		want[i] += most
	}
	if !slices.Equal(all, want) || r.len() != most {
		t.Errorf("remembered: %d, %v", r.len(), all)
	}
}
