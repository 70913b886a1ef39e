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
