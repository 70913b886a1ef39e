package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// rollover moves the stamps of a file without a year into the year in which they were written.
type rollover struct {
	file   *file
	stamps *parse.HeaderReader // for stamps that are read again; nil before there are any
	newest mail.Instant        // time of the newest line so far
	leaps  []leap
}

// roll moves the stamps of a batch into the year in which they were written. The clock of the file takes all of them to be
// within a year of its first line; if they seem to go back by more than half a year, the file is longer than that, and they are of
// the next year. None is moved past the time that is known to be the end of the file. IDs that prove a year come before all that.
func (r *rollover) roll(b *batch) {
	if !b.yearless || b.first == 0 {
		return
	}
	before := r.newest
	r.rollByOrder(b)
	switch proofs := r.contradicted(b); {
	case len(proofs) > 0:
		r.newest = before
		r.rollByProof(b, proofs)
	case before != 0 && b.first.Sub(before) > halfAYear && !proven(b):
		r.leaps = append(r.leaps, leap{before, b.first})
	}
}

// leap is a silence of more than half a year, whose number of years nothing proves.
type leap struct{ from, to mail.Instant }

// warnings tells the first few leaps.
func (r *rollover) warnings() (list []string) {
	const shown = 3
	zone := r.file.clock.Location()
	for _, l := range r.leaps[:min(len(r.leaps), shown)] {
		list = append(list, fmt.Sprintf("nothing for more than half a year, from %s to %s, and no ID behind it proves the year: it may be a later one",
			l.from.In(zone).Format(time.DateTime), l.to.In(zone).Format(time.DateTime)))
	}
	return list
}

// yearProof is an event whose ID contains its time.
type yearProof struct {
	index int
	at    mail.Instant
}

// sampled is how many events at each end of a batch are checked for a proof of their year.
const sampled = 64

// proven reports whether an event at the beginning of a batch proves its year.
func proven(b *batch) bool {
	for i := range b.events[:min(sampled, len(b.events))] {
		if _, ok := parse.ProvenBy(&b.events[i]); ok {
			return true
		}
	}
	return false
}

// contradicted returns the proofs in a batch, if one near its ends proves another year than its stamps were taken for; else nil. That
// happens after a file was silent for more than half a year: stamps alone do not tell for how many years. Proofs can be believed,
// because they are IDs in lines without a year: such lines of Exim came through syslog, where no sender can forge a whole line.
func (r *rollover) contradicted(b *batch) []yearProof {
	if r.file.yearAsked {
		return nil
	}
	n := len(b.events)
	if !wrongYear(b.events[:min(sampled, n)]) && !wrongYear(b.events[max(0, n-sampled):]) {
		return nil
	}
	var proofs []yearProof
	for i := range b.events {
		ev := &b.events[i]
		if at, ok := parse.ProvenBy(ev); ok && ev.Time != 0 && r.near(ev.Time, at).Sub(at).Abs() < 48*time.Hour {
			proofs = append(proofs, yearProof{i, at})
		}
	}
	return proofs
}

// wrongYear reports whether an event proves that it is of another year than its stamp was taken for.
func wrongYear(events []mail.Event) bool {
	for i := range events {
		at, ok := parse.ProvenBy(&events[i])
		if ok && events[i].Time != 0 && at.Sub(events[i].Time).Abs() > halfAYear {
			return true
		}
	}
	return false
}

// near returns the moment with the stamp of t, in the year that brings it nearest to at, but not after the end of the file: a line
// that is out of order by more than half a year is an old one.
func (r *rollover) near(t, at mail.Instant) mail.Instant {
	const year = 365*24*time.Hour + 6*time.Hour
	best, about := t, int(at.Sub(t)/year)
	for years := about - 1; years <= about+1; years++ {
		later, ok := r.file.clock.Later(t, years)
		if ok && later <= max(r.file.latest, at) && later.Sub(at).Abs() < best.Sub(at).Abs() {
			best = later
		}
	}
	return best
}

// rollByProof moves the stamps of a batch into the years that its proofs tell: each into the year of the proof before it or after
// it, whichever is nearer.
func (r *rollover) rollByProof(b *batch, proofs []yearProof) {
	behind := 0
	b.first, b.last = 0, 0
	for i := range b.events {
		ev := &b.events[i]
		if ev.Time == 0 {
			continue
		}
		if r.namesYear(ev) {
			extend(&b.first, &b.last, ev.Time)
			continue
		}
		for behind+1 < len(proofs) && proofs[behind].index < i {
			behind++
		}
		at := r.near(ev.Time, proofs[behind].at)
		if behind > 0 {
			if other := r.near(ev.Time, proofs[behind-1].at); other.Sub(proofs[behind-1].at).Abs() < at.Sub(proofs[behind].at).Abs() {
				at = other
			}
		}
		ev.Time = at
		extend(&b.first, &b.last, at)
	}
	for i := range b.hosts {
		h := &b.hosts[i]
		h.behind = 0
		if h.first != 0 {
			h.first, h.last = r.near(h.first, proofs[0].at), r.near(h.last, proofs[len(proofs)-1].at)
		}
		if h.mail {
			extend(&b.first, &b.last, h.first)
			extend(&b.first, &b.last, h.last)
		}
	}
	r.newest = max(r.newest, b.last)
	b.recheckSteps()
	for i := range b.losses {
		b.losses[i].at = r.near(b.losses[i].at, proofs[0].at)
	}
}

// rollByOrder moves the stamps so that they do not go back by more than half a year.
func (r *rollover) rollByOrder(b *batch) {
	if b.first >= r.newest.Add(-halfAYear) && b.last <= b.first.Add(halfAYear) {
		r.newest = max(r.newest, b.last)
		return
	}
	before := r.newest
	b.first, b.last = 0, 0
	mixed := false
	for i := range b.events {
		ev := &b.events[i]
		if r.namesYear(ev) {
			mixed = true
		} else {
			ev.Time = r.rolled(ev.Time)
			r.newest = max(r.newest, ev.Time)
		}
		extend(&b.first, &b.last, ev.Time)
	}
	for i := range b.hosts {
		b.hosts[i].behind = 0
		if mixed { // of which kind these stamps are is not known any more
			break
		}
		h := &b.hosts[i]
		after := r.newest
		r.newest = before
		h.first = r.rolled(h.first)
		r.newest = after
		h.last = r.rolled(h.last)
		if h.mail {
			extend(&b.first, &b.last, h.first)
			extend(&b.first, &b.last, h.last)
		}
	}
	r.newest = max(r.newest, b.last)
	b.recheckSteps()
	for i := range b.losses {
		b.losses[i].at = r.rolled(b.losses[i].at)
	}
}

// namesYear reports whether the stamp of an event names its year: it is read again.
func (r *rollover) namesYear(ev *mail.Event) bool {
	if r.stamps == nil {
		r.stamps = r.file.headers(r.file.clock)
	}
	var again mail.Event
	_, ok := r.stamps.Read(ev.Raw, &again)
	return ok && !r.stamps.Yearless
}

// recheckSteps drops the steps back of the clock that are none after the stamps were moved, and those of lines that made no event,
// for which that is not known.
func (b *batch) recheckSteps() {
	kept := b.steps[:0]
	for _, one := range b.steps {
		i, ok := slices.BinarySearchFunc(b.events, one.origin.Line, func(ev mail.Event, line int64) int { return cmp.Compare(ev.Origin.Line, line) })
		if !ok || i == 0 {
			continue
		}
		if one.from, one.to = b.events[i-1].Time, b.events[i].Time; one.to < one.from-stepAtLeast {
			kept = append(kept, one)
		}
	}
	b.steps = kept
}

// rolled returns t if it is less than half a year before the newest line, else the moment with the same stamp in the first later
// year for which that is so. If that is after the end of the file, it returns t.
func (r *rollover) rolled(t mail.Instant) mail.Instant {
	const longest = 50 // years
	from := r.newest.Add(-halfAYear)
	if t == 0 || t >= from {
		return t
	}
	for years := range longest {
		if later, ok := r.file.clock.Later(t, years); ok && later >= from {
			if later > r.file.latest {
				return t
			}
			return later
		}
	}
	return t
}
