package mail

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

// A clone is equal, and has no string in common with the event: a field that is forgotten would keep a log in memory, or change
// when that memory is reused.
func TestEventClone(t *testing.T) {
	var ev Event
	n := fill(reflect.ValueOf(&ev).Elem())
	if n != len(ev.texts()) {
		t.Errorf("an event has %d strings, texts() lists %d", n, len(ev.texts()))
	}
	c := ev.Clone()
	if c != ev {
		t.Errorf("got %+v, want %+v", c, ev)
	}
	copies := c.texts()
	listed := make(map[*string]bool)
	for i, s := range ev.texts() {
		if listed[s] {
			t.Errorf("%q is listed twice", *s)
		}
		listed[s] = true
		if unsafe.StringData(*s) == unsafe.StringData(*copies[i]) {
			t.Errorf("%q is no copy", *s)
		}
	}
}

// fill gives every string in a struct a value of its own, and counts them.
func fill(v reflect.Value) (n int) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.String:
			n++
			f.SetString(fmt.Sprintf("text %d of %s", n, v.Type().Field(i).Name))
		case f.Kind() == reflect.Struct && strings.HasPrefix(f.Type().PkgPath(), "mailforensics/"):
			n += fill(f)
		}
	}
	return n
}
