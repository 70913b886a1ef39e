package correlate

import (
	"strings"
	"testing"
)

// A string that is a part of the kept line becomes a part of the copy; any other string is copied, also the same text from
// elsewhere.
func TestTextKeepsTheLineOnce(t *testing.T) {
	log := []byte("before|mx1 client=mail.example[192.0.2.1]|after")
	all := string(log)
	line := all[len("before|") : len(all)-len("|after")]
	var x text
	x.reserve(len(line) + 64)
	x.keepLine(line)
	kept := x.kept
	used := x.piece.Len()
	for _, part := range []string{line, line[:3], line[4:10], line[len(line)-1:]} {
		if got := x.keep(part); got != part || placeIn(kept, got) < 0 {
			t.Errorf("%q became %q, which is not of the copy", part, got)
		}
	}
	if x.piece.Len() != used {
		t.Error("a part of the line was copied a second time")
	}
	for _, other := range []string{all[:9], all[len(all)-8:], all, strings.Clone(line[4:10]), "elsewhere"} {
		if got := x.keep(other); got != other || placeIn(kept, got) >= 0 {
			t.Errorf("%q became %q, of the copy of the line", other, got)
		}
	}
	x.endLine()
	if got := x.keep(line[:3]); placeIn(kept, got) >= 0 {
		t.Error("after its event, the log's memory is another line's")
	}
	if placeIn("", "") >= 0 || placeIn(line, "") > len(line) {
		t.Error("nothing is within nothing")
	}
}
