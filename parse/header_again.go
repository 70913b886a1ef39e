package parse

import (
	"time"

	"mailforensics/mail"
)

// lineBefore is how a line began that was read before, up to its tag or its text. Most lines begin the same way, but for the time of
// day: they are told by that, and need not be read anew.
type lineBefore struct {
	style    Style  // Traditional, ISO or EximOwn; NoStyle: nothing is remembered
	date     uint64 // the first eight bytes, "2026-03-"; Traditional: the first seven, "Mar  7 ", behind a zero
	day      uint64 // the eight bytes before the time of day, "6-03-07T"; not Traditional
	midnight civil  // of the day, in local time
	utc      int64  // the UTC second at midnight; the whole day has the same offset
	offset   int64  // in the line, in seconds east of UTC, if it is not zoneless
	zoneless bool

	// The time of day, and what it comes to.
	clock uint64 // "04:12:09"
	local civil
	time  mail.Instant

	// The place: what stands between the time of day and the tag, " mx1 " or "+01:00 mx1 "; not EximOwn.
	digits   int    // of the fraction of the second, which comes before the place; 0: there is none
	placeAt  int    // where the place begins
	tagAt    int    // where it ends
	last     uint64 // the eight bytes before tagAt; those that come before the place are zero
	lastMask uint64 // what makes them zero in another line
	rest     string // what of the place is before these eight; mostly ""
	host     string
}

// Where the time of day begins and ends.
const (
	traditionalClock, traditionalEnd = len("Mar  7 "), len("Mar  7 04:12:09")
	isoClock, isoEnd                 = len("2026-03-07T"), len("2026-03-07T04:12:09")
)

// traditionalAgain reads a line, most probably one that begins like the one before, in the style of RFC 3164.
func (r *HeaderReader) traditionalAgain(line string, ev *mail.Event) (string, bool) {
	b := &r.before
	if len(line) <= b.tagAt || word(line)<<8 != b.date || !b.hostAgain(line) {
		return r.readOther(line, ev)
	}
	if clock := word(line[traditionalClock:]); clock != b.clock && !b.setClock(clock) {
		return r.readOther(line, ev)
	}
	r.reset()
	r.Style, r.Yearless, r.Zoneless, r.local = Traditional, true, true, b.local
	ev.Time, ev.Host = b.time, b.host
	return r.tagAt(line, b.tagAt, ev)
}

// isoAgain reads a line, most probably one that begins like the one before, with a stamp of RFC 3339.
func (r *HeaderReader) isoAgain(line string, ev *mail.Event) (string, bool) {
	b := &r.before
	if len(line) <= b.tagAt || word(line) != b.date || word(line[isoClock-8:]) != b.day || !b.hostAgain(line) {
		return r.readOther(line, ev)
	}
	if clock := word(line[isoClock:]); clock != b.clock && !b.setClock(clock) {
		return r.readOther(line, ev)
	}
	nano, n := mail.Instant(0), 0
	if b.digits > 0 {
		nano, n = fraction(line[isoEnd:])
	}
	if isoEnd+n != b.placeAt {
		return r.readOther(line, ev)
	}
	r.reset()
	r.Style, r.Zoneless, r.local = ISO, b.zoneless, b.local
	ev.Time, ev.Host = b.time+nano, b.host
	return r.tagAt(line, b.tagAt, ev)
}

// eximAgain reads a line, most probably one that begins like the one before, of a log file of Exim's own with stamps to the second.
func (r *HeaderReader) eximAgain(line string, ev *mail.Event) (string, bool) {
	b := &r.before
	if len(line) <= isoEnd+1 || word(line) != b.date || word(line[isoClock-8:]) != b.day || line[isoEnd] != ' ' {
		return r.readOther(line, ev)
	}
	text := line[isoEnd+1:]
	if text[0] == '+' || text[0] == '-' || !looksOurs(text) && looksTagged(text) {
		return r.readOther(line, ev)
	}
	if clock := word(line[isoClock:]); clock != b.clock && !b.setClock(clock) {
		return r.readOther(line, ev)
	}
	r.reset()
	r.Style, r.Zoneless, r.local = EximOwn, true, b.local
	ev.Time, ev.Process = b.time, "exim"
	return eximPID(text, ev), true
}

// hostAgain reports whether the place is the same. What stands before a bracket may be no host but the tag, with a blank before its
// PID.
func (b *lineBefore) hostAgain(line string) bool {
	return word(line[b.tagAt-8:])&b.lastMask == b.last && line[b.tagAt] != '[' && (b.rest == "" || line[b.placeAt:b.tagAt-8] == b.rest)
}

// setClock sets the time to a time of day; false: it is none.
func (b *lineBefore) setClock(clock uint64) bool {
	sod, ok := secondOf(clock)
	if ok {
		b.clock, b.local, b.time = clock, b.midnight+civil(sod), mail.Instant(b.utc+int64(sod))*mail.Instant(time.Second)
	}
	return ok
}

// remember notes how a line begins, if it is one of those that are read again.
func (r *HeaderReader) remember(line string) {
	if r.depth != 1 || len(line) <= isoEnd {
		return
	}
	b, known := lineBefore{style: r.Style, zoneless: true}, false
	switch r.Style {
	case Traditional:
		b.date = word(line) << 8
		known = line[:traditionalClock] == r.month.text && b.readClock(line[traditionalClock:], &r.month) &&
			b.readHost(line, traditionalEnd, traditionalEnd, &r.host)
	case ISO:
		b.date, b.day = word(line), word(line[isoClock-8:])
		host, end := b.readOffset(line)
		known = line[:isoClock-1] == r.full.text && line[isoClock-1] == 'T' && b.readClock(line[isoClock:], &r.full) &&
			b.readHost(line, host, end, &r.host)
	case EximOwn:
		b.date, b.day = word(line), word(line[isoClock-8:])
		known = line[:isoClock-1] == r.full.text && line[isoClock-1] == ' ' && b.readClock(line[isoClock:], &r.full) && line[isoEnd] == ' '
	}
	if known && (!b.zoneless || r.clock.hosts[b.host] == nil) {
		r.before = b
	}
}

// readOffset reads the fraction of the second and the offset of a stamp of RFC 3339, and returns where they end.
func (b *lineBefore) readOffset(line string) (fractionEnd, end int) {
	_, n := fraction(line[isoEnd:])
	b.digits = max(0, n-1)
	fractionEnd = isoEnd + n
	offset, n := offsetOf(line[fractionEnd:])
	b.offset, b.zoneless = offset, n == 0
	return fractionEnd, fractionEnd + n
}

// readClock reads the time of day; false: there is none, or the day has several offsets.
func (b *lineBefore) readClock(s string, day *dayOfStamp) bool {
	b.midnight, b.utc = day.midnight, int64(day.midnight)-b.offset
	if b.zoneless {
		b.utc = day.utc
	}
	return (day.even || !b.zoneless) && b.setClock(word(s))
}

// readHost reads the place, which begins at placeAt and ends with the host, between two blanks of which the first is at blank; false:
// something else is there.
func (b *lineBefore) readHost(line string, placeAt, blank int, host *hostToken) bool {
	b.host, b.placeAt, b.tagAt = host.host, placeAt, blank+len(host.text)+2
	if host.kind != hostName || host.text == "" || len(line) <= b.tagAt ||
		line[blank] != ' ' || line[blank+1:b.tagAt-1] != host.text || line[b.tagAt-1] != ' ' {
		return false
	}
	b.lastMask = 1<<64 - 1
	if before := placeAt - (b.tagAt - 8); before > 0 {
		b.lastMask <<= 8 * before
	} else {
		b.rest = line[placeAt : b.tagAt-8]
	}
	b.last = word(line[b.tagAt-8:]) & b.lastMask
	return true
}
