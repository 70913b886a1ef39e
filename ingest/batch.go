package ingest

import (
	"slices"
	"strings"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// batch is the parsed form of a chunk. What depends on earlier chunks is left open, for settle.
type batch struct {
	chunk  logfile.Chunk
	events []mail.Event
	bodies []string // of the events: their lines without the header

	parsed, unfamiliar, damaged, foreign, blank int64
	copies                                      int64 // parsed lines that Exim sent to syslog twice

	shapes   []unfamiliar
	hosts    []hostLines
	mta      uint32 // bits by mail.MTA: the programs that wrote lines
	first    mail.Instant
	last     mail.Instant
	repeats  []repeat // by index
	pieces   []piece  // by index
	refusals []int    // events that Exim sends to syslog twice, by index
	steps    []step
	losses   []loss

	leading  int64       // lines without a header, before the first line with one
	style    parse.Style // of the last line with a header; NoStyle: there is none
	torn     int64
	twice    bool // some stamps are in an hour that is repeated at the end of summer time
	yearless bool // some stamps have no year
	zoneless bool // some stamps have no offset
	err      error

	handed  int  // number of the call of sink that got its last event; 0: none was handed out
	twins   bool // another open file may have copies of its lines, as of twinsAt
	twinsAt int  // see duplicates.changes
}

// hostLines is what is known of a host's lines in a chunk.
type hostLines struct {
	host    string
	verdict parse.Verdict // of the last line
	event   int           // index of the last line's event; -1: it made none
	mail    bool          // some line was of a mail program
	first   mail.Instant  // the times of the first and the last line
	last    mail.Instant
	origin  mail.Origin  // of the first line
	behind  mail.Instant // the newest time of mail programs' lines before the first line, in this chunk; 0: none, or not known
}

// repeat says that an event stands for n lines.
type repeat struct {
	index int
	n     int
	open  bool // the line that is repeated is in an earlier chunk; the event has only its header
}

// piece is a line that is a part of an entry. Its event has only the header.
type piece struct {
	index int
	parse.Piece
	text string
}

// unfamiliar is a line that no format understands, but one claims.
type unfamiliar struct {
	shape, line string
	origin      mail.Origin
}

// parser turns chunks of a file into batches. It may be used by one goroutine at a time.
type parser struct {
	file       *file
	formats    []parse.Format
	last       [256]uint8 // by the first letter of the process: index of the format that claimed such a line last
	everything bool
	reader     *parse.HeaderReader
	recent     mail.RecentClients
	cut        bool // the line at hand is not whole
}

// text parses the lines of a text.
func (p *parser) text(t text, b *batch) {
	b.chunk = t.Chunk
	b.reserve(len(t.Text))
	if t.records != nil {
		p.exported(t, b)
		return
	}
	origin := mail.Origin{File: int32(p.file.index), Line: t.Line}
	for rest := t.Text; rest != ""; origin.Line++ {
		line := rest
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			line, rest = rest[:end], rest[end+1:]
		} else {
			rest = ""
			p.cut = t.Cut
		}
		if n := len(line); n > 0 && line[n-1] == '\r' { // several: a terminal's log adds its own
			line = strings.TrimRight(line, "\r")
		}
		if line == "" {
			b.blank++
			continue
		}
		p.line(line, origin, b)
	}
	p.cut = false
}

// exported parses lines that stand for a journal record each: all lines of a record get its verdict.
func (p *parser) exported(t text, b *batch) {
	i := 0
	for line := range strings.Lines(t.Text) {
		parsed, unfamiliar, damaged := b.parsed, b.unfamiliar, b.damaged
		record := t.records[i]
		p.line(strings.TrimSuffix(line, "\n"), mail.Origin{File: int32(p.file.index), Line: record.line}, b)
		switch {
		case b.parsed > parsed:
			b.parsed += record.lines - 1
		case b.unfamiliar > unfamiliar:
			b.unfamiliar += record.lines - 1
		case b.damaged > damaged:
			b.damaged += record.lines - 1
		default:
			b.foreign += record.lines - 1
		}
		i++
	}
}

// line parses one line. The event is made in its place in the batch, and removed again if there is none.
func (p *parser) line(line string, origin mail.Origin, b *batch) {
	ev := b.slot()
	ev.Origin = origin
	body, ok := p.reader.Read(line, ev)
	if !ok {
		b.takeBack()
		p.headerless(b)
		return
	}
	ev.Raw = line
	if ev.Host == "" {
		ev.Host = p.file.name
	}
	if p.file.skews != nil {
		ev.Ahead = p.file.skews.ahead(ev.Host)
	}
	b.note(p.reader)
	if p.reader.Piece.Kind != parse.Whole && p.piece(body, b) {
		return
	}
	if n := len(body); n > 0 && body[n-1] == ' ' { // copying from a terminal adds them
		body = strings.TrimRight(body, " ")
	}
	if len(body) > len("message repeated ") && (body[0] == 'm' || body[0] == 'l') && p.repeated(body, b, ev) {
		return
	}
	if p.file.notExim && p.reader.Style == parse.EximOwn {
		ev.Process = ""
	}
	verdict := p.parse(body, ev)
	if p.cut {
		ev.Flags |= mail.Incomplete
	}
	p.count(verdict, body, b, ev)
}

// parse asks the formats, first the one that claimed the last line of a process with the same first letter, and completes the
// event.
func (p *parser) parse(body string, ev *mail.Event) parse.Verdict {
	var letter byte
	if ev.Process != "" {
		letter = ev.Process[0]
	}
	ev.Recent = &p.recent
	last := int(p.last[letter])
	verdict := p.formats[last].Parse(body, ev)
	for i := 0; verdict == parse.Foreign && i < len(p.formats); i++ {
		if i == last {
			continue
		}
		if verdict = p.formats[i].Parse(body, ev); verdict != parse.Foreign {
			p.last[letter] = uint8(i)
		}
	}
	ev.Recent = nil
	if p.file.rejectLog {
		ev.Flags |= mail.RejectLog
	}
	return verdict
}

// count adds the verdict to the batch, and keeps the event or removes it.
func (p *parser) count(verdict parse.Verdict, body string, b *batch, ev *mail.Event) {
	keep := false
	switch verdict {
	case parse.Foreign:
		b.foreign++
		if name := ev.Process; len(name) > 0 && (name[0] == 'r' || name[0] == 's') {
			b.loss(body, ev)
		}
	case parse.Parsed:
		b.parsed++
		keep = ev.Kind != mail.Other || p.everything
	case parse.Unfamiliar:
		b.unfamiliar++
		b.shapes = append(b.shapes, unfamiliar{parse.Shape(ev.Process, body), ev.Raw, ev.Origin})
	case parse.Damaged:
		b.damaged++
		b.shapes = append(b.shapes, unfamiliar{parse.Shape(ev.Process, body), ev.Raw, ev.Origin})
	}
	host := b.host(ev)
	host.verdict = verdict
	if ev.Time != host.last {
		b.advance(host, ev)
	}
	if verdict != parse.Foreign {
		host.mail = true
		b.mta |= 1 << ev.MTA
		extend(&b.first, &b.last, ev.Time)
	}
	if !keep {
		host.event = -1
		b.takeBack()
		return
	}
	host.event = len(b.events) - 1
	b.bodies = append(b.bodies, body)
	if syslogged(ev, p.reader.Style) {
		b.refusals = append(b.refusals, host.event)
	}
}

// note takes down what is special about the header of a line.
func (b *batch) note(r *parse.HeaderReader) {
	b.style = r.Style
	b.yearless = b.yearless || r.Yearless
	b.zoneless = b.zoneless || r.Zoneless
	b.twice = b.twice || r.Twice
	if r.Torn {
		b.torn++
	}
}

// headerless counts a line without a header: it belongs to the entry above if the program writes such entries; else it is
// foreign. At the beginning of a chunk that is not known yet.
func (p *parser) headerless(b *batch) {
	switch {
	case b.style == parse.NoStyle:
		b.leading++
	case p.file.multiline(b.style):
		b.parsed++
	default:
		b.foreign++
	}
}

// reserve makes room for the events of so many bytes of text, where the batch is new. To let it grow touches twice the memory, and
// memory that was never used before is what a short log costs most.
func (b *batch) reserve(size int) {
	const usualLine = 120 // bytes; most are longer
	if b.events == nil {
		b.events = make([]mail.Event, 0, size/usualLine+1)
		b.bodies = make([]string, 0, size/usualLine+1)
	}
}

// slot appends a new event, all zero, to the batch.
func (b *batch) slot() *mail.Event {
	n := len(b.events)
	if n == cap(b.events) {
		b.events = slices.Grow(b.events, 1)
	}
	b.events = b.events[:n+1]
	ev := &b.events[n]
	*ev = mail.Event{}
	return ev
}

// takeBack removes the last event.
func (b *batch) takeBack() { b.events = b.events[:len(b.events)-1] }

// host returns the record of the host that wrote ev, and makes it the first one: there are few in a chunk, and usually it is the
// one that wrote the line before.
func (b *batch) host(ev *mail.Event) *hostLines {
	if len(b.hosts) == 0 || b.hosts[0].host != ev.Host {
		b.putFirst(ev.Host)
	}
	return &b.hosts[0]
}

// advance moves the time of a host on to that of its next line.
func (b *batch) advance(h *hostLines, ev *mail.Event) {
	switch {
	case ev.Time == 0:
		return
	case h.first == 0:
		h.first, h.origin, h.behind = ev.Time, ev.Origin, b.last
	case ev.Time < h.last-stepAtLeast:
		b.step(h, ev)
	}
	h.last = ev.Time
}

// putFirst makes the record of a host the first one.
func (b *batch) putFirst(host string) {
	i := b.find(host)
	if i < 0 {
		i = len(b.hosts)
		b.hosts = append(b.hosts, hostLines{host: host, event: -1})
	}
	b.hosts[0], b.hosts[i] = b.hosts[i], b.hosts[0]
}

// piece notes a line that is a part of an entry; false: it is an entry that can be parsed by itself.
func (p *parser) piece(body string, b *batch) bool {
	if p.reader.Piece.Kind == parse.Folded && p.reader.Piece.N == 1 {
		return false
	}
	b.pieces = append(b.pieces, piece{index: len(b.events) - 1, Piece: p.reader.Piece, text: body})
	b.bodies = append(b.bodies, body)
	return true
}

// reset makes the batch empty, but keeps its memory.
func (b *batch) reset() {
	*b = batch{
		events: b.events[:0], bodies: b.bodies[:0], shapes: b.shapes[:0], hosts: b.hosts[:0],
		repeats: b.repeats[:0], pieces: b.pieces[:0], refusals: b.refusals[:0], steps: b.steps[:0], losses: b.losses[:0],
	}
}
