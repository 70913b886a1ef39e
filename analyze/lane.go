package analyze

import (
	"cmp"
	"slices"
	"time"

	"mailforensics/mail"
)

// Lane is when somebody was at work: how many messages or attempts in each of at most laneCap spans, a minute wide at first
// and twice as wide whenever there are too many. Most clients of a botnet need one span, hence the short list. The zero
// value is ready; merging lanes changes nothing, and the width depends on the instants alone, not on their order.
type Lane struct {
	doubled uint8 // width is 1<<doubled minutes
	marks   []laneMark
}

type laneMark struct{ at, n int32 } // number of the span; how many

// laneCap is enough for a picture: its spans are at most 1/32 of what the lane covers.
const laneCap = 64

// Add counts n at t.
func (l *Lane) Add(t mail.Instant, n int) {
	l.add(laneMark{int32(t.Minute() >> l.doubled), int32(n)})
	for len(l.marks) > laneCap {
		l.widen()
	}
}

func (l *Lane) add(m laneMark) {
	if last := len(l.marks) - 1; last >= 0 && l.marks[last].at == m.at {
		l.marks[last].n += m.n
		return
	}
	i, found := slices.BinarySearchFunc(l.marks, m.at, func(a laneMark, at int32) int { return cmp.Compare(a.at, at) })
	if found {
		l.marks[i].n += m.n
		return
	}
	l.marks = slices.Insert(l.marks, i, m)
}

func (l *Lane) widen() {
	old := l.marks
	l.doubled++
	l.marks = old[:0] // each is read before it can be written over
	for _, m := range old {
		l.add(laneMark{m.at >> 1, m.n})
	}
}

// Merge adds all of other, which stays as it is.
func (l *Lane) Merge(other *Lane) {
	for l.doubled < other.doubled {
		l.widen()
	}
	for _, m := range other.marks {
		l.add(laneMark{m.at >> (l.doubled - other.doubled), m.n})
	}
	for len(l.marks) > laneCap {
		l.widen()
	}
}

// Empty reports whether nothing was counted.
func (l *Lane) Empty() bool { return len(l.marks) == 0 }

// Width is how long a span is.
func (l *Lane) Width() time.Duration { return time.Minute << l.doubled }

// Marks yields the begin of every span in which there was something, in order of time, and how much.
func (l *Lane) Marks(yield func(mail.Instant, int) bool) {
	for _, m := range l.marks {
		if !yield(mail.Instant(int64(m.at)<<l.doubled*int64(time.Minute)), int(m.n)) {
			return
		}
	}
}
