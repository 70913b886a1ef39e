package analyze

import (
	"reflect"
	"testing"
)

// A look-up of a series fetches whole lines of the processor's cache, of 64 bytes each.
func TestSeriesFillLines(t *testing.T) {
	if n := reflect.TypeFor[entity[string, series]]().Size(); n%64 != 0 {
		t.Errorf("a series takes %d bytes: some begin in the middle of a line", n)
	}
}
