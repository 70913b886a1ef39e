package analyze

import (
	"math"
	"slices"
	"time"

	"mailforensics/mail"
)

// tries are failed logins as one witness logged them.
type tries struct {
	n     int
	first mail.Instant
	last  mail.Instant
	times []mail.Instant // the first triesKept
}

func (t *tries) add(at mail.Instant, n int) {
	t.n += n
	if t.first == 0 || at < t.first {
		t.first = at
	}
	t.last = max(t.last, at)
	for range min(n, triesKept) {
		t.keep(at)
	}
}

// keep remembers the earliest tries, in order.
func (t *tries) keep(at mail.Instant) {
	if len(t.times) == triesKept && at >= t.times[triesKept-1] {
		return
	}
	i, _ := slices.BinarySearch(t.times, at)
	t.times = slices.Insert(t.times, i, at)
	t.times = t.times[:min(len(t.times), triesKept)]
}

func (t *tries) merge(o *tries) {
	if o.n == 0 {
		return
	}
	for _, at := range o.times {
		t.keep(at)
	}
	if t.first == 0 || o.first < t.first {
		t.first = o.first
	}
	t.last = max(t.last, o.last)
	t.n += o.n
}

// before is how many tries there were before an instant.
func (t *tries) before(at mail.Instant) int {
	if at > t.last {
		return t.n
	}
	n, _ := slices.BinarySearch(t.times, at)
	return n
}

// gap is the median time between tries.
func (t *tries) gap() time.Duration {
	if len(t.times) < 2 {
		return math.MaxInt64
	}
	gaps := t.gaps()
	return gaps[len(gaps)/2]
}

// gaps are the times between tries, sorted.
func (t *tries) gaps() []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(t.times); i++ {
		gaps = append(gaps, t.times[i].Sub(t.times[i-1]))
	}
	slices.Sort(gaps)
	return gaps
}

// regular reports whether most tries come at the same interval, a minute or longer: a program that does not know that the password was
// changed.
func (t *tries) regular() bool {
	gaps := t.gaps()
	if len(gaps) < 4 {
		return false
	}
	low, mid, high := gaps[len(gaps)/4], gaps[len(gaps)/2], gaps[len(gaps)*3/4]
	return mid >= time.Minute && 4*(high-low) <= mid
}

// goOn reports whether evenly spaced tries went on for long after a login, beside logins that went on, too: of a device, one program may
// have the old password and another not, since many keep one for reading and one for sending. That tries go on says nothing by itself: a
// guessing program may work through its list to the end, or leave it to another to note which password was right.
func (t *tries) goOn(v *win) bool {
	return t.regular() && t.last.Sub(v.first) >= fewTries*t.gap() && v.livesThere()
}

// ofDevice reports whether the tries on one account are of a device with an old password, and what succeeded is another device beside it, or
// the same one once it was corrected: even tries go on for long after the first login, and the logins, too, or logins take their place at
// the same pace. Who guesses uses the password, if at all, at another pace.
func (t *tries) ofDevice(v *win) bool {
	const long, more, connections = time.Hour, 4, 8 // connections: that a program opens at most whenever it checks
	visits := t.visits()
	if len(visits.times) < more || !visits.regular() {
		return false
	}
	gap, used := visits.gap(), v.last.Sub(v.first)
	if t.last.Sub(v.first) >= max(long, more*gap) {
		return v.livesThere()
	}
	return v.n >= more && used >= more*gap && used <= time.Duration(2*v.n)*gap && connections*used >= time.Duration(v.n)*gap
}

// livesThere reports whether an account logged in again and again, for an hour or longer.
func (v *win) livesThere() bool { return v.n >= 3 && v.last.Sub(v.first) >= time.Hour }

// visits are the tries without those that follow at once: a mail program asks for mail over several connections, and sends some.
func (t *tries) visits() *tries {
	const atOnce = 30 * time.Second
	visits := new(tries)
	for i, at := range t.times {
		if i == 0 || at.Sub(t.times[i-1]) > atOnce {
			visits.times = append(visits.times, at)
		}
	}
	return visits
}
