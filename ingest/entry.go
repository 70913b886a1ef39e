package ingest

import (
	"fmt"
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

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
)

// entries puts the entries of a file together that come in pieces.
type entries struct {
	parser  parser            // for those that are complete
	pending map[string]*entry // that are not: Exim's by host and PID, that of a container runtime under ""
}

// unfinished is how many pieces belong to entries that are not complete.
func (all *entries) unfinished() (pieces int64) {
	for _, e := range all.pending {
		if !e.done {
			pieces += e.pieces
		}
	}
	return pieces
}

// join adds a piece to its entry. true: the entry is complete, and the event of the piece has become that of the entry; false: the
// event of the piece is to be dropped.
func (all *entries) join(p piece, b *batch) bool {
	ev := &b.events[p.index]
	key := ""
	if p.N > 0 {
		key = fmt.Sprint(ev.Host, "\x00", ev.PID)
	}
	e := all.pending[key]
	switch {
	case p.N == 1 || p.Kind == parse.Begun:
		all.begin(key, p, ev, b)
		return false
	case e == nil:
		all.stray(p, b)
		return false
	case p.N > 0 && (e.next != p.N || e.m != p.M): // one before it is lost
		b.damaged++
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
		delete(all.pending, key)
	}
	if e.done || !last && p.Kind != parse.Folded {
		return false
	}
	e.done = true
	return all.complete(e, p, ev, b)
}

// begin starts an entry with its first piece.
func (all *entries) begin(key string, p piece, ev *mail.Event, b *batch) {
	if all.pending == nil {
		all.pending = make(map[string]*entry)
	}
	if len(all.pending) >= maxPending { // nearly all wait for a piece that is lost
		b.damaged += all.unfinished()
		clear(all.pending)
	}
	if old := all.pending[key]; old != nil && !old.done {
		b.damaged += old.pieces
	}
	e := &entry{event: ev.Clone(), next: 2, m: p.M, pieces: 1}
	e.text.WriteString(p.text)
	all.pending[key] = e
}

// stray counts a piece without an entry. Exim's, which are numbered, are further lines of an entry whose first line was whole, if
// the first piece is not lost.
func (all *entries) stray(p piece, b *batch) {
	if p.N > 0 {
		b.parsed++
		return
	}
	b.foreign++
}

// complete parses an entry whose pieces are all there into ev, the event of its last piece. false: there is no event to keep.
func (all *entries) complete(e *entry, p piece, ev *mail.Event, b *batch) bool {
	body := e.text.String()
	*ev = e.event
	if p.N == 0 {
		at := ev.Time
		all.parser.reader = all.parser.file.headers(all.parser.file.clock)
		var ok bool
		if body, ok = all.parser.reader.Read(body, ev); !ok {
			b.foreign += e.pieces
			return false
		}
		ev.Time = at
	}
	verdict := all.parser.parse(body, ev)
	b.tally(verdict, e.pieces)
	if verdict != parse.Foreign {
		b.mta |= 1 << ev.MTA
		extend(&b.first, &b.last, ev.Time)
	}
	if verdict == parse.Unfamiliar || verdict == parse.Damaged {
		b.shapes = append(b.shapes, unfamiliar{parse.Shape(ev.Process, body), ev.Raw, ev.Origin})
	}
	b.bodies[p.index] = body
	if verdict != parse.Parsed || ev.Kind == mail.Other && !all.parser.everything {
		return false
	}
	if p.N > 0 && syslogged(ev, parse.Traditional) {
		b.refusals = append(b.refusals, p.index)
	}
	return true
}
