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

// goOn reports whether evenly spaced tries went on for long after an instant, as if nothing had happened. Whoever has found a password does
// not try it any more; of a device, one program may have the old one and another not: many keep one password for reading and one for sending.
func (t *tries) goOn(after mail.Instant) bool {
	return t.regular() && t.last.Sub(after) >= fewTries*t.gap()
}

// ofDevice reports whether the tries on one account are of a device with an old password, and what succeeded is another device beside it, or
// the same one once it was corrected: the tries go on for long after that login, or logins take their place at the same pace. Who guesses
// stops when he has the password.
func (t *tries) ofDevice(v *win) bool {
	const long, more = time.Hour, 4
	visits := t.visits()
	if len(visits.times) < more {
		return false
	}
	gap := visits.gap()
	if t.last.Sub(v.first) >= max(long, more*gap) {
		return true
	}
	return visits.regular() && v.n >= more && v.last.Sub(v.first) <= time.Duration(2*v.n)*gap
}

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
