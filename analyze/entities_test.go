package analyze

import (
	"fmt"
	"strings"
	"testing"
)

func TestEntitiesForgetTheLeastImportant(t *testing.T) {
	e := NewEntities(8, func(n *int) int { return *n }, strings.Clone)
	for i := range 8 {
		*e.At(fmt.Sprint("old", i)) = i
	}
	*e.At("new") = 1
	if e.Find("old0") != nil || e.Find("old1") != nil {
		t.Error("the least important were kept")
	}
	if e.Find("old7") == nil || *e.Find("old7") != 7 || e.Find("new") == nil {
		t.Error("an important or a new one was forgotten")
	}
	if e.Forgotten != 2 || e.Len() != 7 {
		t.Errorf("forgotten %d, %d are left", e.Forgotten, e.Len())
	}
}

func TestEntitiesHitsAllocateNothing(t *testing.T) {
	e := NewEntities(8, func(n *int) int { return *n }, strings.Clone)
	e.At("known")
	if n := testing.AllocsPerRun(100, func() { *e.At("known")++ }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

// What stands behind one that is deleted is still found.
func TestEntitiesDelete(t *testing.T) {
	e := NewEntities[int](1000, func(n *int) int { return *n }, nil)
	for i := range 300 {
		*e.At(i) = i + 1
	}
	for i := 0; i < 330; i += 3 {
		e.Delete(i)
	}
	for i := range 330 {
		if found := e.Find(i); (found != nil) != (i < 300 && i%3 != 0) || found != nil && *found != i+1 {
			t.Errorf("%d: got %v", i, found)
		}
	}
	if e.Len() != 200 {
		t.Errorf("got %d, want 200", e.Len())
	}
}
