package ingest

import (
	"fmt"
	"slices"
	"strings"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// settler goes over the batches of one file in their order. It resolves what a chunk alone could not tell, each question with a part of
// its own that remembers what it must from one batch to the next, and keeps the file's ledger. Its work is per chunk or per unusual
// line, never per line.
type settler struct {
	file   *file
	ledger FileLedger
	shapes shapes

	hosts     map[string]*lastLine // by host
	multiline bool                 // lines without a header belong to the last entry

	// What is resolved, in this order.
	years   rollover
	entries entries
	copies  copies
	repeats repeatSum
	fold    fold
	dropped []int // events of the current batch that are to be removed, by index

	// What the ledger tells at the end.
	losses   losses
	steps    steps
	joint    joint
	mta      uint32 // bits by mail.MTA
	torn     int64  // lines that begin with the rest of another one
	yearless bool   // some stamp has no year
	zoneless bool   // some stamp has no offset
}

// lastLine is what is known of the last line of a host.
type lastLine struct {
	verdict parse.Verdict
	event   mail.Event // Kind Other: it made none
	at      mail.Instant
	mail    bool // some line of the host was of a mail program
}

// settle completes a batch with what is known from those before it, and adds it to the ledger.
func (s *settler) settle(b *batch) {
	s.dropped = s.dropped[:0]
	s.years.roll(b)
	if s.multiline {
		b.parsed += b.leading
	} else {
		b.foreign += b.leading
	}
	if b.style != parse.NoStyle {
		s.multiline = s.file.multiline(b.style)
	}
	s.openRepeats(b)
	s.joinPieces(b)
	s.hostsOf(b)
	s.dropped = s.copies.find(b, s.dropped)
	slices.Sort(s.dropped)
	b.drop(s.dropped)
	s.repeats.bound(b)
	s.fold.unfold(b, s.file.clock)
	s.add(b)
}

// hostsOf remembers the last line of each host.
func (s *settler) hostsOf(b *batch) {
	before := s.joint.newest
	for i := range b.hosts {
		h := &b.hosts[i]
		last := s.host(h.host)
		if last == nil {
			continue
		}
		if h.first != 0 {
			switch {
			case last.at == 0 && h.mail:
				s.joint.note(h.host, h.first, max(before, h.behind))
			case last.at != 0 && h.first < last.at-stepAtLeast:
				s.steps.add(step{h.host, h.origin, last.at, h.first})
			}
			last.at = h.last
		}
		if h.mail {
			s.joint.newest = max(s.joint.newest, h.last)
		}
		last.mail = last.mail || h.mail
		last.verdict, last.event.Kind = h.verdict, mail.Other
		if h.event >= 0 {
			last.event = b.events[h.event].Clone()
		}
	}
}

// host returns the record of a host; nil: there are too many.
func (s *settler) host(name string) *lastLine {
	last := s.hosts[name]
	if last != nil || len(s.hosts) >= maxHosts {
		return last
	}
	if s.hosts == nil {
		s.hosts = make(map[string]*lastLine)
	}
	last = &lastLine{}
	s.hosts[strings.Clone(name)] = last
	return last
}

// openRepeats completes "last message repeated" lines at the beginning of a chunk, which mean a line in an earlier chunk.
func (s *settler) openRepeats(b *batch) {
	for _, r := range b.repeats {
		if !r.open {
			continue
		}
		ev := &b.events[r.index]
		last := s.hosts[ev.Host]
		if last == nil {
			b.foreign++
			s.dropped = append(s.dropped, r.index)
			continue
		}
		b.tally(last.verdict, 1)
		if last.event.Kind == mail.Other {
			s.dropped = append(s.dropped, r.index)
			continue
		}
		again(ev, &last.event)
	}
}

// joinPieces puts the entries together that come in pieces.
func (s *settler) joinPieces(b *batch) {
	for _, p := range b.pieces {
		if !s.entries.join(p, b) {
			s.dropped = append(s.dropped, p.index)
		}
	}
}

// drop removes the events whose indexes are listed, in ascending order.
func (b *batch) drop(indexes []int) {
	if len(indexes) == 0 {
		return
	}
	removed := func(i int) bool { _, found := slices.BinarySearch(indexes, i); return found }
	before := func(i int) int { n, _ := slices.BinarySearch(indexes, i); return n }
	b.repeats = slices.DeleteFunc(b.repeats, func(r repeat) bool { return removed(r.index) })
	for i := range b.repeats {
		b.repeats[i].index -= before(b.repeats[i].index)
	}
	n := 0
	for i := range b.events {
		if !removed(i) {
			b.events[n], b.bodies[n] = b.events[i], b.bodies[i]
			n++
		}
	}
	b.events, b.bodies = b.events[:n], b.bodies[:n]
}

// add adds the batch to the ledger.
func (s *settler) add(b *batch) {
	l := &s.ledger
	l.Parsed += b.parsed
	l.Unfamiliar += b.unfamiliar
	l.Damaged += b.damaged
	l.Foreign += b.foreign
	l.Blank += b.blank
	l.Duplicates += b.copies
	extend(&l.First, &l.Last, b.first)
	extend(&l.First, &l.Last, b.last)
	s.mta |= b.mta
	s.torn += b.torn
	s.yearless = s.yearless || b.yearless
	s.zoneless = s.zoneless || b.zoneless
	for _, one := range b.shapes {
		s.shapes.add(one)
	}
	for _, one := range b.losses {
		s.losses.add(one)
	}
	for _, one := range b.steps {
		s.steps.add(one)
	}
}

// end completes the ledger of the file.
func (s *settler) end(stats logfile.Stats) {
	l := &s.ledger
	l.Damaged += s.entries.unfinished()
	s.entries.pending = nil
	l.Bytes, l.Lines, l.Numbering, l.SHA256, l.Damage = stats.Bytes, stats.Lines, stats.Numbering, stats.SHA256, stats.Damage
	for name, last := range s.hosts {
		if name != "" && last.mail {
			l.Hosts = append(l.Hosts, name)
		}
	}
	slices.Sort(l.Hosts)
	for mta := mail.Postfix; mta <= mail.Filter; mta++ {
		if s.mta&(1<<mta) != 0 {
			l.MTA = append(l.MTA, mta.String())
		}
	}
	clock := s.file.clock
	if s.yearless {
		l.YearRule = clock.YearRule
	}
	if s.zoneless {
		l.ZoneRule = clock.ZoneRule
	}
	l.Warnings = append(l.Warnings, stats.Warnings...)
	l.Warnings = append(l.Warnings, s.warnings(clock)...)
}

func (s *settler) warnings(clock *parse.Clock) (list []string) {
	if s.ledger.Parsed > 0 && s.ledger.First == 0 {
		list = append(list, "no line has a time stamp that could be read: messages are counted, but when anything happened is not known, and abuse that shows by its times is not found")
	}
	if w := s.ledger.garbled(); w != "" {
		list = append(list, w)
	}
	if w := s.losses.warning(clock.Location()); w != "" {
		list = append(list, w)
	}
	list = append(list, s.steps.warnings(clock)...)
	if w := s.joint.warning(clock.Location()); w != "" {
		list = append(list, w)
	}
	list = append(list, s.years.warnings()...)
	if s.torn > 0 {
		list = append(list, fmt.Sprintf("torn lines: %d begin with the rest of another one, which is lost", s.torn))
	}
	if s.repeats.uncounted > 0 {
		list = append(list, fmt.Sprintf("%d repetitions that \"message repeated\" lines claim were not counted: more than anybody can mean", s.repeats.uncounted))
	}
	return list
}

// garbled says that much of what mail servers wrote could not be understood; "": it could. The lines of a log as it was written are
// understood but for a few.
func (l *FileLedger) garbled() string {
	const few, share = 20, 5
	bad := l.Unfamiliar + l.Damaged
	if bad < few || share*bad < l.Parsed {
		return ""
	}
	return fmt.Sprintf("%d of %d lines of mail servers are damaged or not understood, and what they tell is missing: were lines wrapped or cut off, "+
		"as a screen, an editor or a mail program does?", bad, bad+l.Parsed)
}
