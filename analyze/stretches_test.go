package analyze

import (
	"slices"
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
	times := []mail.Instant{9, 10, 16, 25, 30, 31, 49, 55, 61, 70, 71, 71}
	if got := slices.Collect(all.outside(times)); !slices.Equal(got, []mail.Instant{9, 31, 49, 61, 71, 71}) {
		t.Errorf("got %v", got)
	}
	if got := slices.Collect(stretchesOf(nil).outside(times)); !slices.Equal(got, times) {
		t.Errorf("outside of nothing: got %v", got)
	}
}
