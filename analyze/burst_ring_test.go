package analyze

import (
	"fmt"
	"testing"
	"time"

	"mailforensics/mail"
)

// streamStart is when these streams begin.
const streamStart = mail.Instant(1_704_067_200_000_000_000)

// One domain, twenty messages a second, every one from another address: nothing that its own rate does not explain, so
// nothing that settling could make a story of.
func TestSettlingASteadyStreamMakesRoom(t *testing.T) {
	w := newBurstWatch(&Pass{Thresholds: DefaultThresholds()})
	s := w.named(byDomain, "d.example")
	s.total = 10 * seriesKept
	for i := range seriesKept {
		at := streamStart.Add(time.Duration(i) * 50 * time.Millisecond)
		w.seen(at)
		s.kept = append(s.kept, &record{time: at})
	}
	w.kept = seriesKept
	w.settle(s, 0)
	if most := seriesKept - seriesKept/4; len(s.kept) > most || w.kept != len(s.kept) {
		t.Errorf("after settling: got %d of %d messages kept, and a count of %d, want at most %d", len(s.kept), seriesKept, w.kept, most)
	}
}

// More small bursts than there is room for: either a good part is let go of, or looking for room pauses.
func TestSmallBurstsDoNotSettleForEveryMessage(t *testing.T) {
	w := newBurstWatch(&Pass{Thresholds: DefaultThresholds()})
	const each = 10
	looked := 0
	for i := range 3 * keptMost / each {
		s := w.named(byDomain, fmt.Sprintf("d%d.example", i))
		s.total = each
		for j := range each {
			at := streamStart.Add(time.Duration(i)*time.Minute + time.Duration(j)*time.Second)
			w.seen(at)
			r := &record{time: at, sender: mail.NullSender}
			full := w.kept >= keptMost && w.passed == 0
			w.keep(s, r)
			if full {
				looked++
			}
		}
	}
	if looked == 0 || looked > 16 {
		t.Errorf("room was looked for %d times for %d messages, want 1 to 16", looked, 3*keptMost)
	}
	if w.kept > keptMost || w.lost == 0 {
		t.Errorf("got %d kept and %d lost, want at most %d kept, and that others are lost said", w.kept, w.lost, keptMost)
	}
}
