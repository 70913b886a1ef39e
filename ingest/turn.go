package ingest

import (
	"cmp"
	"slices"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// turn moves the stamps of a batch on to the year they are in. The clock of the file takes them to lie within a year of its
// first line; where they seem to go back by more than half a year, the file is longer than that, and they are of the next one.
// None is moved beyond what is known to be the end of the file. What proves its year is believed before that.
func (s *settler) turn(b *batch) {
	if !b.yearless || b.first == 0 {
		return
	}
	before := s.newest
	s.turnBySilence(b)
	switch proofs := s.contradicted(b); {
	case len(proofs) > 0:
		s.newest = before
		s.turnByProof(b, proofs)
	case before != 0 && b.first.Sub(before) > halfAYear && !proven(b):
		s.leaps = append(s.leaps, leap{before, b.first})
	}
}

// leap is a silence of which nothing says how many years it took.
type leap struct{ from, to mail.Instant }

// yearProof is an event whose ID names its moment.
type yearProof struct {
	index int
	at    mail.Instant
}

// looked is how many events at either end of a batch are looked at for a proof of their year.
const looked = 64

// proven reports whether an event at the beginning of a batch proves its year.
func proven(b *batch) bool {
	for i := range b.events[:min(looked, len(b.events))] {
		if _, ok := parse.ProvenBy(&b.events[i]); ok {
			return true
		}
	}
	return false
}

// contradicted are the proofs of a batch, where one near its ends says another year than what its stamps were taken for. That is
// so where a file was silent for more than half a year: stamps alone do not tell for how many. Lines of Exim without a year came
// through syslog, where nobody can forge a whole one.
func (s *settler) contradicted(b *batch) []yearProof {
	if s.parser.file.yearAsked {
		return nil
	}
	n := len(b.events)
	if !wrongYear(b.events[:min(looked, n)]) && !wrongYear(b.events[max(0, n-looked):]) {
		return nil
	}
	var proofs []yearProof
	for i := range b.events {
		ev := &b.events[i]
		if at, ok := parse.ProvenBy(ev); ok && ev.Time != 0 && s.near(ev.Time, at).Sub(at).Abs() < 48*time.Hour {
			proofs = append(proofs, yearProof{i, at})
		}
	}
	return proofs
}

// wrongYear reports whether one of the events proves that it is of another year.
func wrongYear(events []mail.Event) bool {
	for i := range events {
		at, ok := parse.ProvenBy(&events[i])
		if ok && events[i].Time != 0 && at.Sub(events[i].Time).Abs() > halfAYear {
			return true
		}
	}
	return false
}

// near is the moment with the stamp of t in the year in which it is nearest to at.
func (s *settler) near(t, at mail.Instant) mail.Instant {
	const year = 365*24*time.Hour + 6*time.Hour
	best, about := t, int(at.Sub(t)/year)
	for years := about - 1; years <= about+1; years++ {
		if later, ok := s.parser.file.clock.Later(t, years); ok && later.Sub(at).Abs() < best.Sub(at).Abs() {
			best = later
		}
	}
	return best
}

// turnByProof moves the stamps of a batch into the years that its proofs say: each into that of the proof before or behind it,
// to which it is nearer.
func (s *settler) turnByProof(b *batch, proofs []yearProof) {
	behind := 0
	b.first, b.last = 0, 0
	for i := range b.events {
		ev := &b.events[i]
		if ev.Time == 0 {
			continue
		}
		for behind+1 < len(proofs) && proofs[behind].index < i {
			behind++
		}
		at := s.near(ev.Time, proofs[behind].at)
		if behind > 0 {
			if other := s.near(ev.Time, proofs[behind-1].at); other.Sub(proofs[behind-1].at).Abs() < at.Sub(proofs[behind].at).Abs() {
				at = other
			}
		}
		ev.Time = at
		extend(&b.first, &b.last, at)
	}
	for i := range b.hosts {
		h := &b.hosts[i]
		if h.first != 0 {
			h.first, h.last = s.near(h.first, proofs[0].at), s.near(h.last, proofs[len(proofs)-1].at)
		}
		if h.mail {
			extend(&b.first, &b.last, h.first)
			extend(&b.first, &b.last, h.last)
		}
	}
	s.newest = max(s.newest, b.last)
	s.turnSteps(b)
	for i := range b.losses {
		b.losses[i].at = s.near(b.losses[i].at, proofs[0].at)
	}
}

// turnBySilence moves the stamps by what went before.
func (s *settler) turnBySilence(b *batch) {
	if b.first >= s.newest.Add(-halfAYear) && b.last <= b.first.Add(halfAYear) {
		s.newest = max(s.newest, b.last)
		return
	}
	before := s.newest
	b.first, b.last = 0, 0
	for i := range b.events {
		ev := &b.events[i]
		ev.Time = s.turned(ev.Time)
		s.newest = max(s.newest, ev.Time)
		extend(&b.first, &b.last, ev.Time)
	}
	for i := range b.hosts {
		h := &b.hosts[i]
		after := s.newest
		s.newest = before
		h.first = s.turned(h.first)
		s.newest = after
		h.last = s.turned(h.last)
		if h.mail {
			extend(&b.first, &b.last, h.first)
			extend(&b.first, &b.last, h.last)
		}
	}
	s.newest = max(s.newest, b.last)
	s.turnSteps(b)
	for i := range b.losses {
		b.losses[i].at = s.turned(b.losses[i].at)
	}
}

// turnSteps forgets the steps back that are none any more. Those of lines that are no events are not known after a turn.
func (s *settler) turnSteps(b *batch) {
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

// turned is a moment, or the first one with the same stamp in a later year that is less than half a year before the newest
// line.
func (s *settler) turned(t mail.Instant) mail.Instant {
	const longest = 50 // years
	from := s.newest.Add(-halfAYear)
	if t == 0 || t >= from {
		return t
	}
	f := s.parser.file
	for years := range longest {
		if later, ok := f.clock.Later(t, years); ok && later >= from {
			if later > f.latest {
				return t
			}
			return later
		}
	}
	return t
}
