package ingest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// settler goes over the batches of one file in their order. It resolves what a chunk alone could not tell, and keeps the file's
// ledger. Its work is per chunk or per unusual line, never per line.
type settler struct {
	ledger FileLedger
	shapes shapes
	parser parser              // for entries that are put together from pieces
	stamps *parse.HeaderReader // for stamps that are read again; nil before there are any

	multiline bool                 // lines without a header belong to the last entry
	hosts     map[string]*lastLine // by host
	pending   map[string]*entry    // that are not complete: Exim's by host and PID, that of a container runtime under ""
	fold      fold
	losses    losses
	steps     steps
	joint     joint
	leaps     []leap
	mta       uint32       // bits by mail.MTA
	newest    mail.Instant // time of the newest line so far
	torn      int64        // lines that begin with the rest of another one
	yearless  bool         // some stamp has no year
	zoneless  bool         // some stamp has no offset
	repeats   int64        // lines that "message repeated" lines stand for, so far
	uncounted int64        // the same, beyond the limits
	dropped   []int        // events of the current batch that are to be removed, by index
}

// lastLine is what is known of the last line of a host.
type lastLine struct {
	verdict parse.Verdict
	event   mail.Event // Kind Other: it made none
	at      mail.Instant
	mail    bool // some line of the host was of a mail program
}

// entry is a log entry that was cut into several lines, by Exim for syslog or by a container runtime. See parse.Piece.
type entry struct {
	event  mail.Event // of its first piece
	text   strings.Builder
	next   int   // number of the piece that comes next
	m      int   // number of pieces that were announced
	pieces int64 // that were read
	done   bool  // complete; what follows are further lines of it, which need no parsing
}

const (
	maxPending = 1000    // entries
	maxEntry   = 1 << 20 // bytes

	// The limits of what "message repeated" lines may stand for. A syslog daemon writes one at least every ten minutes, so
	// maxRepeats of one line would be sixteen a second. All lines of a file together may stand for as many lines as the file has,
	// and maxRepeatsSum more: larger claims are made by somebody who wants a small file to become a huge one.
	maxRepeats    = 10_000
	maxRepeatsSum = 1_000_000
)

// settle completes a batch with what is known from those before it, and adds it to the ledger.
func (s *settler) settle(b *batch) {
	s.dropped = s.dropped[:0]
	s.rollOver(b)
	if s.multiline {
		b.parsed += b.leading
	} else {
		b.foreign += b.leading
	}
	if b.headed {
		s.multiline = b.multiline
	}
	s.openRepeats(b)
	s.joinPieces(b)
	s.hostsOf(b)
	b.drop(s.dropped)
	s.boundRepeats(b)
	s.unfold(b)
	s.add(b)
}

// add adds the batch to the ledger.
func (s *settler) add(b *batch) {
	l := &s.ledger
	l.Parsed += b.parsed
	l.Unfamiliar += b.unfamiliar
	l.Damaged += b.damaged
	l.Foreign += b.foreign
	l.Blank += b.blank
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

// hostsOf remembers the last line of each host.
func (s *settler) hostsOf(b *batch) {
	for i := range b.hosts {
		h := &b.hosts[i]
		last := s.host(h.host)
		if last == nil {
			continue
		}
		if h.first != 0 {
			switch {
			case last.at == 0 && h.mail:
				s.joint.note(h.host, h.first)
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

// boundRepeats limits the number of events that a "message repeated" line stands for.
func (s *settler) boundRepeats(b *batch) {
	for i := range b.repeats {
		r := &b.repeats[i]
		n := min(r.n, maxRepeats, int(maxRepeatsSum+b.events[r.index].Line-s.repeats))
		s.uncounted += int64(r.n - n)
		s.repeats += int64(n)
		r.n = n
	}
}

// joinPieces puts the entries together that come in pieces.
func (s *settler) joinPieces(b *batch) {
	for _, p := range b.pieces {
		if !s.join(p, b) {
			s.dropped = append(s.dropped, p.index)
		}
	}
	slices.Sort(s.dropped)
}

// join adds a piece to its entry. true: the entry is complete, and the event of the piece has become that of the entry; false: the
// event of the piece is to be dropped.
func (s *settler) join(p piece, b *batch) bool {
	ev := &b.events[p.index]
	key := ""
	if p.N > 0 {
		key = fmt.Sprint(ev.Host, "\x00", ev.PID)
	}
	e := s.pending[key]
	switch {
	case p.N == 1 || p.Kind == parse.Begun:
		s.begin(key, p, ev, b)
		return false
	case e == nil || p.N > 0 && (e.next != p.N || e.m != p.M):
		s.stray(p, b)
		return false
	case e.done:
		b.parsed++
	default:
		e.pieces++
		if e.text.Len() < maxEntry {
			e.text.WriteString(p.text)
		}
	}
	e.next++
	last := p.Kind == parse.GoneOn || p.N > 0 && p.N == p.M
	if last {
		delete(s.pending, key)
	}
	if e.done || !last && p.Kind != parse.Folded {
		return false
	}
	e.done = true
	return s.complete(e, p, ev, b)
}

// begin starts an entry with its first piece.
func (s *settler) begin(key string, p piece, ev *mail.Event, b *batch) {
	if old := s.pending[key]; old != nil && !old.done {
		b.damaged += old.pieces
	}
	if s.pending == nil {
		s.pending = make(map[string]*entry)
	}
	if len(s.pending) >= maxPending {
		b.damaged++
		return
	}
	e := &entry{event: ev.Clone(), next: 2, m: p.M, pieces: 1}
	e.text.WriteString(p.text)
	s.pending[key] = e
}

// stray counts a piece without an entry. Exim's, which are numbered, are further lines of an entry whose first line was whole.
func (s *settler) stray(p piece, b *batch) {
	if p.N > 0 {
		b.parsed++
		return
	}
	b.foreign++
}

// complete parses an entry whose pieces are all there into ev, the event of its last piece. false: there is no event to keep.
func (s *settler) complete(e *entry, p piece, ev *mail.Event, b *batch) bool {
	body := e.text.String()
	*ev = e.event
	if p.N == 0 {
		at := ev.Time
		s.parser.reader = parse.NewHeaderReader(s.parser.file.clock)
		var ok bool
		if body, ok = s.parser.reader.Read(body, ev); !ok {
			b.foreign += e.pieces
			return false
		}
		ev.Time = at
	}
	verdict := s.parser.parse(body, ev)
	b.tally(verdict, e.pieces)
	if verdict != parse.Foreign {
		b.mta |= 1 << ev.MTA
		extend(&b.first, &b.last, ev.Time)
	}
	if verdict == parse.Unfamiliar || verdict == parse.Damaged {
		b.shapes = append(b.shapes, unfamiliar{parse.Shape(ev.Process, body), ev.Raw, ev.Origin})
	}
	b.bodies[p.index] = body
	return verdict == parse.Parsed && (ev.Kind != mail.Other || s.parser.everything)
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

// fold is the state within the hour that local time repeats when summer time ends.
type fold struct {
	second bool         // the repetition has begun
	latest mail.Instant // of the lines of this hour so far, before they are moved
}

// unfold moves the lines of the repeated hour to where they belong. The clock takes both hours for the first one; if time goes back
// within it, the second has begun.
func (s *settler) unfold(b *batch) {
	if !b.twice {
		s.fold = fold{}
		return
	}
	for i := range b.events {
		ev := &b.events[i]
		shift, ok := s.parser.file.clock.Twice(ev.Time)
		if !ok {
			continue
		}
		const back = mail.Instant(20 * time.Minute)
		if ev.Time < s.fold.latest-back {
			s.fold.second = true
		}
		s.fold.latest = max(s.fold.latest, ev.Time)
		if s.fold.second {
			ev.Time = ev.Time.Add(shift)
		}
	}
}

// end completes the ledger of the file.
func (s *settler) end(stats logfile.Stats) {
	l := &s.ledger
	for _, e := range s.pending {
		if !e.done {
			l.Damaged += e.pieces
		}
	}
	s.pending = nil
	l.Bytes, l.Lines, l.SHA256, l.Damage = stats.Bytes, stats.Lines, stats.SHA256, stats.Damage
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
	clock := s.parser.file.clock
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
		list = append(list, "no line has a time stamp that could be read: messages are counted, but when anything happened is not known, and no abuse can be found")
	}
	if w := s.losses.warning(clock.Location()); w != "" {
		list = append(list, w)
	}
	list = append(list, s.steps.warnings(clock)...)
	if w := s.joint.warning(clock.Location()); w != "" {
		list = append(list, w)
	}
	for _, l := range s.leaps[:min(len(s.leaps), 3)] {
		list = append(list, fmt.Sprintf("nothing for more than half a year, from %s to %s, and no ID behind it proves the year: it may be a later one",
			l.from.In(clock.Location()).Format(time.DateTime), l.to.In(clock.Location()).Format(time.DateTime)))
	}
	if s.torn > 0 {
		list = append(list, fmt.Sprintf("torn lines: %d begin with the rest of another one, which is lost", s.torn))
	}
	if s.uncounted > 0 {
		list = append(list, fmt.Sprintf("%d repetitions that \"message repeated\" lines claim were not counted: more than anybody can mean", s.uncounted))
	}
	return list
}
