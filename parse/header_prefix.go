package parse

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// prefixed reads a line after "name-1  | " (docker compose, docker service logs, with or without colours), after the name of a
// file, or after a byte order mark or what a terminal needs to begin a line.
func (r *HeaderReader) prefixed(line string, ev *mail.Event) (string, bool) {
	for _, mark := range [...]string{"\ufeff", "\r"} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return r.read(rest, ev)
		}
	}
	if body, ok, claimed := r.sequenced(line, ev); claimed {
		return body, ok
	}
	bar := strings.IndexByte(line[:min(len(line), 128)], '|')
	if bar <= 0 || !isServiceName(line[:bar]) {
		rest := behindPath(line)
		if rest == "" {
			rest = behindFacility(line)
		}
		if rest == "" {
			return "", false
		}
		return r.read(rest, ev)
	}
	rest := strings.TrimPrefix(line[bar+1:], "\x1b[0m")
	if !strings.HasPrefix(rest, " ") {
		return "", false
	}
	return r.read(strings.TrimPrefix(rest[1:], "\x1b[0m"), ev)
}

// isServiceName reports whether s is a name, padded with blanks, perhaps after an escape sequence for a colour.
func isServiceName(s string) bool {
	if strings.HasPrefix(s, "\x1b[") {
		if m := strings.IndexByte(s, 'm'); m > 0 {
			s = s[m+1:]
		}
	}
	s = strings.TrimRight(s, " ")
	for i := range len(s) {
		c := s[i]
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && c != '.' && c != '-' && c != '_' && c != '@' {
			return false
		}
	}
	return s != ""
}

// behindPath returns what follows "/var/log/mail.log.1:", "mail.log:4711:" or "4711:", which grep writes before the lines that it
// finds, with a "-" for each ":" before the lines around them (-A, -B, -C); "": that is no line of a log.
func behindPath(line string) string {
	const longest = 256
	end := 0
	for end < len(line) && end < longest && isPathByte(line[end]) {
		end++
	}
	if end == 0 || end == len(line) {
		return ""
	}
	for _, date := range [...]string{"Mar", "2026-03-07T04", "2026-03-07"} { // bytes of a stamp that may be in a path, too
		if at := end - len(date); at > 1 && line[at-1] == '-' && stampAhead(line[at:]) {
			return line[at:]
		}
	}
	if line[end] != ':' {
		return ""
	}
	rest := line[end+1:]
	if _, digits := CutNumber(rest); digits > 0 && digits < len(rest) && rest[digits] == ':' {
		rest = rest[digits+1:]
	}
	if !stampAhead(rest) {
		return ""
	}
	return rest
}

// behindFacility returns what follows the "mail.info: " of socklog and ucspilogd, under a logger that writes no stamp; "": that
// is no line of a log.
func behindFacility(line string) string {
	token, _, ok := strings.Cut(line[:min(len(line), 32)], ": ")
	if !ok || !isFacility(token) || !stampAhead(line[len(token)+2:]) {
		return ""
	}
	return line[len(token)+2:]
}

func isPathByte(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || strings.IndexByte("/._-+~@,%", c) >= 0
}

// stampAhead reports whether s begins with a stamp: "Mar  7 04:12:09", "2026-03-07".
func stampAhead(s string) bool {
	const shortest = len("Mar  7 04:12:09 ")
	if len(s) < shortest {
		return false
	}
	return s[3] == ' ' && s[9] == ':' && s[12] == ':' && monthOf(s) != 0 ||
		s[4] == '-' && s[7] == '-' && isDigit(s[0]) && s[0] <= '2' && isDigit(s[3]) && isDigit(s[9])
}

// relayed reads a line to which a collector added a stamp and the address of the sender although the line has both, or because it
// did not know RFC 5424: "Mar  7 04:12:09 192.0.2.1 1 2026-03-07T03:12:09Z mx1 …". false: nothing was read.
func (r *HeaderReader) relayed(rest string, ev *mail.Event) (body string, ok bool) {
	newer := strings.HasPrefix(rest, "1 ") && stampAhead(rest[2:])
	if r.inner || !newer && !stampAhead(rest) {
		return "", false
	}
	before, state := *ev, r.state()
	ev.Host = ""
	if newer {
		r.inner = true
		body, ok = r.rfc5424(rest[2:], ev)
	} else {
		body, ok = r.wrapped(rest, ev)
	}
	if !ok || ev.Process == "" {
		*ev = before
		r.back(state)
		return "", false
	}
	r.Style = Relayed
	return body, true
}

// readState is what a reader knows of the current line.
type readState struct {
	style                     Style
	yearless, zoneless, twice bool
	inner                     bool
	local                     civil
}

func (r *HeaderReader) state() readState {
	return readState{r.Style, r.Yearless, r.Zoneless, r.Twice, r.inner, r.local}
}

// back restores the state s, because what was read since is no header.
func (r *HeaderReader) back(s readState) {
	r.Style, r.Yearless, r.Zoneless, r.Twice, r.inner, r.local = s.style, s.yearless, s.zoneless, s.twice, s.inner, s.local
}

// ctime reads "Mar  7 04:12:09 2026 host tag[pid]: ", after the weekday: the form of ctime(3), which OpenWrt's logread shows.
func (r *HeaderReader) ctime(line string, ev *mail.Event) (string, bool) {
	const end = len("Mar  7 04:12:09 2026")
	if len(line) <= end || line[3] != ' ' || line[6] != ' ' || line[15] != ' ' {
		return "", false
	}
	mday, ok1 := twoDigits(line[4:])
	sod, ok2 := secondOfDay(line[7:])
	year, ok3 := fourDigits(line[16:])
	if !ok1 || !ok2 || !ok3 || !r.fullDay("", year, monthOf(line), mday) {
		return "", false
	}
	r.moment(&r.full, sod, ev)
	r.Style, r.Zoneless = Traditional, true
	return r.afterTime(line[end:], ev)
}

// tai reads "@4000000065b08db01a2b3c4d ", the external TAI64N label that multilog, svlogd and s6-log write before a line. It
// counts seconds as these programs do: UTC plus ten.
func (r *HeaderReader) tai(line string, ev *mail.Event) (string, bool) {
	const (
		end   = len("@4000000065b08db01a2b3c4d")
		epoch = 1<<62 + 10
	)
	if len(line) <= end || line[end] != ' ' {
		return "", false
	}
	sec, ok1 := hexNumber(line[1:17])
	nano, ok2 := hexNumber(line[17:end])
	if !ok1 || !ok2 || sec < epoch || sec-epoch > latestSecond || nano >= 1e9 {
		return "", false
	}
	r.Style, r.local = Unix, civil(sec-epoch)
	ev.Time = mail.Instant(sec-epoch)*mail.Instant(time.Second) + mail.Instant(nano)
	return r.supervised(line[end+1:], ev)
}

// hexNumber parses lower-case hexadecimal digits.
func hexNumber(s string) (n uint64, ok bool) {
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			n = n<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// svlogd reads "2026-03-07_03:12:09.18342 ", which svlogd -tt and s6-log write, in UTC.
func (r *HeaderReader) svlogd(line string, ev *mail.Event) (string, bool) {
	sod, ok := secondOfDay(line[11:])
	nano, n := fraction(line[19:])
	rest := line[19+n:]
	if !ok || rest == "" || rest[0] != ' ' {
		return "", false
	}
	r.shown(sod, 0, ev)
	ev.Time += nano
	r.Style = Unix // its stamps are UTC, whatever the zone of the machine is
	return r.supervised(rest[1:], ev)
}

// supervised reads what follows the stamp of a logger under a supervisor: what the program wrote, "tag[pid]: ", or a line of
// syslog with a stamp of its own.
func (r *HeaderReader) supervised(rest string, ev *mail.Event) (string, bool) {
	if stampAhead(rest) {
		return r.wrapped(rest, ev)
	}
	return r.hostAndTag(rest, ev)
}
