package parse

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// Style is a way to write what stands before a daemon's words.
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
	Docker            // {"log":…} around any of the above
	CRI               // 2026-03-07T03:12:09.183Z stdout F around any of the above
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
	Split              // Exim cut a long line for syslog: "[1/2] ", the next piece goes on in the middle of a word
	Folded             // Exim cut an entry at its line breaks: "[1\15] "
	Begun              // a container runtime cut a long line, more is to come
	GoneOn             // a container's piece that has no header of its own: the end, or a part of the middle, of what was Begun
	GoneOver           // … and more is to come
)

// HeaderReader reads what stands before a daemon's words: stamp, host, tag and PID, in every style that syslog daemons,
// journals, container runtimes and the MTAs themselves write. The style is told line by line, since files are mixed. It is
// for one goroutine; what a line means does not depend on the lines before it, they only make it faster.
//
// The fields below tell about the line that was read last.
type HeaderReader struct {
	Style    Style
	Piece    Piece
	Yearless bool // the stamp names no year: the clock found it
	Zoneless bool // the stamp names no offset: the clock's zone was used
	Torn     bool // the line begins with the rest of another one
	Twice    bool // the clock on the wall showed this time twice: the first was taken

	clock *Clock
	local civil      // the stamp as it is written
	month dayOfStamp // the last day in the style of RFC 3164
	full  dayOfStamp // the last day that was written in full
	host  hostToken
	inner bool // within a wrapper
	depth int  // of wrappers and prefixes
}

// dayOfStamp remembers the date that the last stamp had: the next one mostly has the same.
type dayOfStamp struct {
	text     string // as written; "" none
	midnight civil
	utc      int64 // the second at which it begins
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
	hostWord             // no host: a severity or facility stands in its place
	hostGone             // no host: "last message repeated 3 times"
	hostDovecot          // no host: "imap(eva@example.org)<311><AbC>: Info: …", a log that Dovecot writes itself
)

// NewHeaderReader is a reader for the lines of the clock's file.
func NewHeaderReader(c *Clock) *HeaderReader { return &HeaderReader{clock: c} }

// Read reads the header of a line, which has no line end. It sets Time, Host, Process and PID of ev, where the line tells
// them, and returns what follows; false where the line has no header.
//
// The strings are slices of the line, or, in JSON with escapes, of a copy. Exim's own lines have the process "exim".
func (r *HeaderReader) Read(line string, ev *mail.Event) (body string, ok bool) {
	r.Style, r.Piece = NoStyle, Piece{}
	r.Yearless, r.Zoneless, r.Torn, r.Twice = false, false, false, false
	r.inner, r.depth = false, 0
	body, ok = r.read(line, ev)
	if r.Zoneless && r.clock.hosts != nil {
		r.rezone(ev)
	}
	return body, ok
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
		return r.torn(line, ev)
	}
	switch {
	case line[4] == ' ':
		return r.yearInFront(line, ev)
	case line[2] == '/' && line[5] == '/':
		return r.squirrel(line, ev)
	case line[9] == '.' || line[10] == '.':
		return r.unix(line, ev)
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
			return r.shortFull(line[4:], ev)
		}
	}
	return r.prefixed(line, ev)
}

// traditional reads "Mar  7 04:12:09 host tag[pid]: ", the day padded with a blank (RFC 3164, section 4.1.2), a zero
// (journalctl, postlogd) or nothing, with a fraction (journalctl -o short-precise), or with a year behind the day.
func (r *HeaderReader) traditional(line string, ev *mail.Event) (string, bool) {
	if line[:7] != r.month.text && !r.dayOfMonth(line) {
		return r.unpadded(line, ev)
	}
	sod, ok := secondOfDay(line[7:15])
	if !ok {
		return r.yearBehind(line, ev)
	}
	if !r.moment(&r.month, sod, ev) {
		return "", false
	}
	r.Style, r.Yearless, r.Zoneless = Traditional, true, true
	return r.afterTime(line[15:], ev)
}

// dayOfMonth reads "Mar  7 " or "Mar 07 ", and remembers the day.
func (r *HeaderReader) dayOfMonth(line string) bool {
	mday, ok := twoDigits(line[4:6])
	month := monthOf(line)
	if !ok || line[6] != ' ' || mday < 1 || mday > monthDays(2000, month) {
		return false
	}
	r.month = dayOfStamp{text: line[:7], month: month, mday: mday, yearless: true}
	if midnight, ok := r.clock.complete(month, mday, 0); ok {
		// On the newest day itself, what is later than the newest time is a year older.
		r.clock.begin(&r.month, midnight, midnight+day-1 <= r.clock.newest)
	}
	return true
}

// unpadded reads "Mar 7 04:12:09 …".
func (r *HeaderReader) unpadded(line string, ev *mail.Event) (string, bool) {
	if !isDigit(line[4]) || line[5] != ' ' {
		return "", false
	}
	sod, ok := secondOfDay(line[6:])
	r.month = dayOfStamp{month: monthOf(line), mday: int(line[4] - '0'), yearless: true}
	if !ok || r.month.mday == 0 || !r.moment(&r.month, sod, ev) {
		return "", false
	}
	r.Style, r.Yearless, r.Zoneless = Traditional, true, true
	return r.afterTime(line[14:], ev)
}

// yearBehind reads "Mar  7 2026 04:12:09 …".
func (r *HeaderReader) yearBehind(line string, ev *mail.Event) (string, bool) {
	month, mday := r.month.month, r.month.mday
	year, ok := fourDigits(line[7:])
	if !ok || len(line) < 20 || line[11] != ' ' {
		return "", false
	}
	return r.dated(year, month, mday, line[12:], ev)
}

// yearInFront reads "2026 Mar 07 04:12:09.123 …".
func (r *HeaderReader) yearInFront(line string, ev *mail.Event) (string, bool) {
	year, ok := fourDigits(line)
	if !ok || len(line) < 21 || line[8] != ' ' || line[11] != ' ' {
		return "", false
	}
	mday, ok := twoDigits(line[9:11])
	if !ok {
		return "", false
	}
	return r.dated(year, monthOf(line[5:]), mday, line[12:], ev)
}

// dated goes on behind a full date: "04:12:09.123 host …", in the style of RFC 3164.
func (r *HeaderReader) dated(year, month, mday int, rest string, ev *mail.Event) (string, bool) {
	sod, ok := secondOfDay(rest)
	if !ok || !r.fullDay("", year, month, mday) || !r.moment(&r.full, sod, ev) {
		return "", false
	}
	r.Style, r.Zoneless = Traditional, true
	return r.afterTime(rest[8:], ev)
}

// fullDay remembers a day of which the year is known; text is what to recognise it by, "" nothing.
func (r *HeaderReader) fullDay(text string, year, month, mday int) bool {
	r.full = dayOfStamp{}
	if mday < 1 || mday > monthDays(year, month) || year < 1970 || year > 2200 {
		return false
	}
	r.full.text = text
	r.clock.begin(&r.full, civilDay(year, month, mday), true)
	return true
}

// begin sets the midnight of a day. sameYear: all of the day is in one year.
func (c *Clock) begin(d *dayOfStamp, midnight civil, sameYear bool) {
	d.midnight = midnight
	d.utc = c.utc(midnight)
	d.even = sameYear && c.even(midnight)
}

// moment sets the time to a second of a day, in the clock's zone.
func (r *HeaderReader) moment(d *dayOfStamp, sod int, ev *mail.Event) bool {
	if d.even {
		r.local = d.midnight + civil(sod)
		ev.Time = mail.Instant(d.utc+int64(sod)) * mail.Instant(time.Second)
		return true
	}
	midnight := d.midnight
	if d.yearless {
		var ok bool
		if midnight, ok = r.clock.complete(d.month, d.mday, sod); !ok {
			return false
		}
	}
	r.local = midnight + civil(sod)
	ev.Time = mail.Instant(r.clock.utc(r.local)) * mail.Instant(time.Second)
	_, r.Twice = r.clock.twice(r.local)
	return true
}

// shown sets the time to a second of the full day, at an offset that the stamp names.
func (r *HeaderReader) shown(sod int, offset int64, ev *mail.Event) {
	r.local = r.full.midnight + civil(sod)
	ev.Time = mail.Instant(int64(r.local)-offset) * mail.Instant(time.Second)
}

// iso reads "2026-03-07T04:12:09", and what may follow it. A blank in the place of the T is Exim's own stamp, mostly.
func (r *HeaderReader) iso(line string, ev *mail.Event) (string, bool) {
	if len(line) < 20 || !r.isoDay(line) {
		return "", false
	}
	sod, ok := secondOfDay(line[11:])
	if !ok {
		return "", false
	}
	switch line[10] {
	case 'T', 't':
		return r.rfc3339(line, sod, ev)
	case ' ':
		return r.exim(line, sod, ev)
	}
	return "", false
}

// shortFull reads "2026-03-07 04:12:09 CET host tag[pid]: ", journalctl -o short-full, behind the weekday. The name of a zone
// is the clock's business, since names are ambiguous; but UTC is UTC.
func (r *HeaderReader) shortFull(line string, ev *mail.Event) (string, bool) {
	if len(line) < 24 || line[4] != '-' || line[10] != ' ' || !r.isoDay(line) {
		return "", false
	}
	sod, ok := secondOfDay(line[11:])
	nano, n := fraction(line[19:])
	rest := line[19+n:]
	if !ok || rest == "" || rest[0] != ' ' || !r.moment(&r.full, sod, ev) {
		return "", false
	}
	zone, rest, _ := strings.Cut(rest[1:], " ")
	r.Zoneless = true
	if offset, n := signedOffset(zone); zone == "UTC" || zone == "GMT" || n > 0 {
		ev.Time = mail.Instant(int64(r.local)-offset) * mail.Instant(time.Second)
		r.Zoneless, r.Twice = false, false
	}
	ev.Time += nano
	r.Style = ISO
	return r.hostAndTag(rest, ev)
}

// isoDay reads "2026-03-07", and remembers the day.
func (r *HeaderReader) isoDay(line string) bool {
	if line[:10] == r.full.text {
		return true
	}
	year, ok1 := fourDigits(line)
	month, ok2 := twoDigits(line[5:7])
	mday, ok3 := twoDigits(line[8:10])
	return ok1 && ok2 && ok3 && line[4] == '-' && line[7] == '-' && line[5] != ' ' && line[8] != ' ' &&
		r.fullDay(line[:10], year, month, mday)
}

// rfc3339 goes on behind the seconds: fraction, offset, host. Without an offset the clock's zone holds.
func (r *HeaderReader) rfc3339(line string, sod int, ev *mail.Event) (string, bool) {
	rest := line[19:]
	nano, n := fraction(rest)
	rest = rest[n:]
	offset, n := offsetOf(rest)
	if n > 0 {
		r.shown(sod, offset, ev)
	} else {
		r.moment(&r.full, sod, ev)
		r.Zoneless = true
	}
	ev.Time += nano
	rest = rest[n:]
	r.Style = ISO
	if rest == "" || rest[0] != ' ' {
		return "", rest == ""
	}
	return r.afterISO(rest[1:], ev)
}

// afterISO goes on behind an RFC 3339 stamp and a blank: a host, or, where a container runtime put the stamp, any header.
func (r *HeaderReader) afterISO(rest string, ev *mail.Event) (string, bool) {
	if r.inner {
		return r.hostAndTag(rest, ev)
	}
	if strings.HasPrefix(rest, "std") && (strings.HasPrefix(rest, "stdout ") || strings.HasPrefix(rest, "stderr ")) {
		return r.cri(rest[len("stdout "):], ev)
	}
	if len(rest) > 16 {
		switch c := rest[0]; {
		case c >= 'A' && c <= 'Z' && rest[3] == ' ' && monthOf(rest) != 0,
			c == '2' && rest[4] == '-' && rest[7] == '-',
			c == '<' && isDigit(rest[1]):
			return r.wrapped(rest, ev)
		}
	}
	return r.hostAndTag(rest, ev)
}

// afterTime goes on behind the seconds of a stamp in the style of RFC 3164: a fraction may follow.
func (r *HeaderReader) afterTime(rest string, ev *mail.Event) (string, bool) {
	if rest != "" && rest[0] == '.' {
		nano, n := fraction(rest)
		ev.Time += nano
		rest = rest[n:]
	}
	if rest == "" || rest[0] != ' ' {
		return "", rest == ""
	}
	return r.hostAndTag(rest[1:], ev)
}

// hostAndTag reads "host tag[pid]: ".
func (r *HeaderReader) hostAndTag(rest string, ev *mail.Event) (string, bool) {
	sp := strings.IndexByte(rest, ' ')
	switch {
	case sp == 0: // the host is missing: two blanks
		return r.tag(rest[1:], ev)
	case sp < 0:
		ev.Host = rest
		return "", true
	}
	if token := rest[:sp]; token != r.host.text {
		r.host = hostOf(token, rest[sp+1:])
	}
	switch r.host.kind {
	case hostTag, hostGone:
		return r.tag(rest, ev)
	case hostDovecot:
		ev.Process = "dovecot"
		return rest, true
	case hostWord:
		rest = strings.TrimLeft(rest[sp:], " ")
		if r.host.host == "<" { // "<mail.info> host tag:", FreeBSD syslogd -v
			return r.hostAndTag(rest, ev)
		}
		return r.tag(rest, ev)
	}
	ev.Host = r.host.host
	return r.tag(rest[sp+1:], ev)
}

// hostOf tells what stands in the place of the host.
func hostOf(token, rest string) hostToken {
	t := hostToken{text: token, host: token}
	switch {
	case token[len(token)-1] == ':' && strings.IndexByte(token, '(') > 0:
		t.kind = hostDovecot
	case token[len(token)-1] == ':':
		t.kind = hostTag
	case token[0] == '<' && token[len(token)-1] == '>':
		t.kind, t.host = hostWord, "<"
	case isSeverity(token):
		t.kind = hostWord
	case token == "last" && strings.HasPrefix(rest, "message repeated "):
		// The same token may be a host in the next line: it must not be remembered.
		t.kind, t.text = hostGone, ""
	default:
		t.host = chainEnd(token)
	}
	return t
}

// chainEnd is the host that wrote the line where syslog-ng shows the way it took: source@host/relay (chain_hostnames).
func chainEnd(token string) string {
	host := token
	if at := strings.IndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if slash := strings.IndexByte(host, '/'); slash >= 0 {
		host = host[:slash]
	}
	if host == "" {
		return token
	}
	return host
}

// isSeverity reports whether a container's rsyslog template put a severity in the place of the host.
func isSeverity(token string) bool {
	switch token {
	case "EMERG", "PANIC", "ALERT", "CRIT", "ERR", "ERROR", "WARN", "WARNING", "NOTICE", "INFO", "DEBUG":
		return true
	}
	return false
}

// tag reads "tag[pid]: ". Behind a relay, which cuts tags to 32 characters (RFC 3164, section 4.1.3), its end may be gone.
func (r *HeaderReader) tag(rest string, ev *mail.Event) (string, bool) {
	for i := range len(rest) {
		switch rest[i] {
		case '[':
			return r.tagPID(rest, i, ev)
		case ':':
			if i+1 == len(rest) || rest[i+1] == ' ' {
				ev.Process = rest[:i]
				return r.afterTag(rest[min(i+2, len(rest)):], ev)
			}
		case ' ':
			return r.tagless(rest, i, ev)
		}
	}
	return rest, true
}

// tagPID goes on at the bracket behind the tag.
func (r *HeaderReader) tagPID(rest string, open int, ev *mail.Event) (string, bool) {
	i, pid := open+1, 0
	for i < len(rest) && isDigit(rest[i]) && i < open+11 {
		pid = pid*10 + int(rest[i]-'0')
		i++
	}
	if i == len(rest) { // cut behind the PID
		ev.Process, ev.PID = rest[:open], pid
		return "", true
	}
	switch end := rest[i]; {
	case end == ']' && i > open+1:
		ev.PID = pid
	case end == ' ' && i > open: // the tag was cut to 32 characters
		ev.Process, ev.PID = rest[:open], pid
		return r.afterTag(rest[i+1:], ev)
	default: // "rsyslogd[internal_module]:", "program[a.b]:"
		end := strings.IndexByte(rest[i:min(len(rest), i+64)], ']')
		if end < 0 || open == 0 {
			return rest, true
		}
		i += end
	}
	ev.Process = rest[:open]
	rest = rest[i+1:]
	if rest != "" && rest[0] == ':' {
		rest = rest[1:]
	}
	if rest != "" && rest[0] == ' ' {
		rest = rest[1:]
	}
	return r.afterTag(rest, ev)
}

// tagless goes on where a blank came before any colon: a facility in front of the tag, a tag that a relay cut, or no tag.
func (r *HeaderReader) tagless(rest string, sp int, ev *mail.Event) (string, bool) {
	const relayed = 31 // RFC 3164 allows 32 characters, some relays keep a byte for its end
	switch token := rest[:sp]; {
	case isFacility(token): // "mx1 mail.info postfix/smtpd[1]: ", busybox syslogd
		return r.tag(rest[sp+1:], ev)
	case sp >= relayed && strings.IndexByte(token, '/') > 0:
		ev.Process = token
		return r.afterTag(rest[sp+1:], ev)
	}
	return rest, true
}

// isFacility reports whether token is facility.severity, as "mail.info".
func isFacility(token string) bool {
	facility, severity, ok := strings.Cut(token, ".")
	if !ok {
		return false
	}
	switch severity {
	case "emerg", "panic", "alert", "crit", "err", "error", "warn", "warning", "notice", "info", "debug":
	default:
		return false
	}
	switch facility {
	case "mail", "daemon", "user", "auth", "authpriv", "syslog", "kern", "cron", "news", "ftp", "lpr", "uucp", "security":
		return true
	}
	return strings.HasPrefix(facility, "local")
}

// afterTag takes what belongs to the header still: Solaris' "[ID 197553 mail.info] ", and Exim's own stamp.
func (r *HeaderReader) afterTag(body string, ev *mail.Event) (string, bool) {
	if strings.HasPrefix(body, "[ID ") {
		if end := strings.Index(body[:min(len(body), 64)], "] "); end > 0 {
			body = body[end+2:]
		}
	}
	if strings.HasPrefix(ev.Process, "exim") {
		return r.eximBody(body, ev)
	}
	return body, true
}
