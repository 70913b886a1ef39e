package ingest

import (
	"cmp"
	"slices"

	"mailforensics/mail"
)

// turn moves the stamps of a batch on to the year they are in. The clock of the file takes them to lie within a year of its
// first line; where they seem to go back by more than half a year, the file is longer than that, and they are of the next one.
// None is moved beyond what is known to be the end of the file.
func (s *settler) turn(b *batch) {
	if !b.yearless || b.first == 0 {
		return
	}
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
