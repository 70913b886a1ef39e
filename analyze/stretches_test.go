package analyze

import (
	"testing"

	"mailforensics/mail"
)

func TestStretches(t *testing.T) {
	burst := func(from, to mail.Instant) *candidate {
		c := &candidate{batch: newBatch()}
		c.Start, c.End = from, to
		return c
	}
	all := stretchesOf([]*candidate{burst(50, 60), burst(10, 20), burst(12, 15), burst(20, 30), burst(70, 70)})
	for _, tt := range []struct {
		at   mail.Instant
		want bool
	}{{9, false}, {10, true}, {16, true}, {25, true}, {30, true}, {31, false}, {49, false}, {55, true}, {61, false}, {70, true}, {71, false}} {
		if got := all.has(tt.at); got != tt.want {
			t.Errorf("%d: got %v, want %v", tt.at, got, tt.want)
		}
	}
	if stretchesOf(nil).has(0) {
		t.Error("there is something in nothing")
	}
}
