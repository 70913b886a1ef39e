package parse

import (
	"time"

	"mailforensics/mail"
)

// Style is the form of a header: what comes before the text of a daemon in a line.
type Style uint8

const (
	NoStyle     Style = iota
	Traditional       // Mar  7 04:12:09 host tag[pid]:  (RFC 3164)
	ISO               // 2026-03-07T04:12:09.183422+01:00 host tag[pid]:  (RFC 3339)
	RFC5424           // <22>1 2026-03-07T04:12:09.183Z host app pid - -
	Unix              // 1772853129.183422 host tag[pid]:  (journalctl -o short-unix)
	EximOwn           // 2024-05-14 10:00:05 text: a log file that Exim writes itself
	WebmailOwn        // [03-Jun-2024 07:07:24 +0200]: text
	JSON              // one object a line: journalctl -o json, rsyslog templates
	Docker            // {"log":…}, or the stamp of docker logs -t, around any of the above
	CRI               // 2026-03-07T03:12:09.183Z stdout F around any of the above
	Relayed           // a collector's stamp and the sender's address before any of the above
)

// Piece says that a line is one of several that make up an entry.
type Piece struct {
	Kind PieceKind
	N, M int // Exim through syslog: number N of M
}

// PieceKind is who cut an entry into pieces, and where.
type PieceKind uint8

const (
	Whole    PieceKind = iota
	Split              // Exim cut a long line for syslog: "[1/2] "; the next piece may begin in the middle of a word
	Folded             // Exim cut an entry at its line breaks: "[1\15] "
	Begun              // a container runtime cut a long line: the first piece
	GoneOn             // … the last piece, or a middle one that does not say so
	GoneOver           // … a middle piece
)

// HeaderReader reads headers: stamp, host, tag and PID, in every style that syslog daemons, journals, container runtimes and the
// MTAs themselves write. The style is told line by line, because files can be mixed. A HeaderReader may be used by one goroutine
// at a time; what a line means does not depend on the lines before it, they only make it faster.
//
// The exported fields are about the line that was read last.
type HeaderReader struct {
	Style    Style
	Piece    Piece
	Yearless bool // the stamp has no year: the clock found it
	Zoneless bool // the stamp has no offset: the clock's zone was used
	Torn     bool // the line begins with the rest of another one
	Twice    bool // this local time was repeated: the first one was taken

	clock    *Clock
	layout   *Layout    // of the file; nil: none
	local    civil      // the stamp, in local time
	month    dayOfStamp // the last day without a year
	full     dayOfStamp // the last day with a year
	host     hostToken
	before   lineBefore
	tagBegin uint64 // the first eight bytes of a tag that is longer, mostly "postfix/"; 0: none was read
	inner    bool   // the header of a wrapper was read
	depth    int    // number of wrappers and prefixes that were read
}

// dayOfStamp remembers the date of the last stamp: the next stamp usually has the same.
type dayOfStamp struct {
	text     string // as written; "": none
	midnight civil
	utc      int64 // the UTC second at which it begins
	even     bool  // one offset holds for the whole day, and one year
	yearless bool
	month    int
	mday     int
}

// hostToken remembers what the last token in the place of the host meant.
type hostToken struct {
	text string
	host string
	kind hostKind
}

type hostKind uint8

const (
	hostName    hostKind = iota
	hostTag              // no host: it is the tag already
	hostWord             // no host: a severity or facility in its place
	hostGone             // no host: "last message repeated 3 times"
	hostDovecot          // no host: "imap(eva@example.org)<311><AbC>: Info: …", a log that Dovecot writes itself
	hostHorde            // no host: "HORDE [error] [imp] …", "ERR: HORDE [imp] …", a log that Horde writes itself
)

// NewHeaderReader returns a reader for the lines of the clock's file.
func NewHeaderReader(c *Clock) *HeaderReader { return &HeaderReader{clock: c} }

// undatedReader returns a reader for lines with a layout, of which nobody asks in which year and zone they were written.
func undatedReader(l *Layout) *HeaderReader {
	return NewHeaderReader(NewClock(time.UTC, mail.Instant(latestSecond)*1e9)).Expect(l)
}

// Read reads the header of a line, which must not have its line end. It sets Time, Host, Process and PID of ev, as far as the
// line has them, and returns the rest of the line; false: the line has no header.
//
// The strings are slices of the line, or, in JSON with escapes, of a copy. Exim's own lines have the process "exim".
func (r *HeaderReader) Read(line string, ev *mail.Event) (body string, ok bool) {
	switch r.before.style {
	case Traditional:
		return r.traditionalAgain(line, ev)
	case ISO:
		return r.isoAgain(line, ev)
	case EximOwn:
		return r.eximAgain(line, ev)
	}
	return r.readOther(line, ev)
}

// readOther reads the header of a line that does not begin like the one before it.
func (r *HeaderReader) readOther(line string, ev *mail.Event) (body string, ok bool) {
	r.reset()
	if r.layout != nil {
		body, ok = r.laidOut(line, ev)
	} else if body, ok = r.read(line, ev); ok {
		r.remember(line)
	}
	if r.Zoneless && r.clock.hosts != nil {
		r.rezone(ev)
	}
	return body, ok
}

// reset forgets what the last line was like.
func (r *HeaderReader) reset() {
	r.Style, r.Piece = NoStyle, Piece{}
	r.Yearless, r.Zoneless, r.Torn, r.Twice = false, false, false, false
	r.inner, r.depth = false, 0
}

func (r *HeaderReader) read(line string, ev *mail.Event) (string, bool) {
	const deepest = 4 // compose's name, Docker's stamp, <PRI>, the line itself
	if r.depth++; line == "" || r.depth > deepest {
		return "", false
	}
	switch c := line[0]; {
	case c >= '0' && c <= '9':
		return r.numeric(line, ev)
	case c >= 'A' && c <= 'Z':
		return r.alphabetic(line, ev)
	case c == '<':
		return r.priority(line, ev)
	case c == '[':
		return r.bracketed(line, ev)
	case c == '{':
		return r.object(line, ev)
	case c == '@':
		return r.tai(line, ev)
	case c == '"':
		return r.quoted(line, ev)
	}
	return r.prefixed(line, ev)
}

// numeric reads a line that begins with a digit.
func (r *HeaderReader) numeric(line string, ev *mail.Event) (string, bool) {
	if len(line) < 16 {
		return "", false
	}
	if line[4] == '-' {
		if body, ok := r.iso(line, ev); ok {
			return body, true
		}
		if rest := behindPath(line); rest != "" { // "2026-03-07.log:"
			return r.read(rest, ev)
		}
		return r.torn(line, ev)
	}
	switch {
	case line[4] == ' ':
		return r.yearInFront(line, ev)
	case line[4] == ':' && line[7] == ':' && line[10] == '-':
		return r.astaro(line, ev)
	case line[2] == '/' && line[5] == '/':
		return r.squirrel(line, ev)
	case line[9] == '.' || line[10] == '.' || line[10] == ' ':
		if body, ok := r.unix(line, ev); ok {
			return body, true
		}
	}
	if body, ok := r.prefixed(line, ev); ok {
		return body, true
	}
	return r.torn(line, ev)
}

// alphabetic reads a line that begins with the name of a month or of a weekday.
func (r *HeaderReader) alphabetic(line string, ev *mail.Event) (string, bool) {
	if len(line) >= 16 && line[3] == ' ' {
		if line[:7] == r.month.text || monthOf(line) != 0 {
			return r.traditional(line, ev)
		}
		if isWeekday(line) {
			if monthOf(line[4:]) != 0 {
				return r.ctime(line[4:], ev)
			}
			return r.shortFull(line[4:], ev)
		}
	}
	return r.prefixed(line, ev)
}
