package parse

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// exim reads what follows the "2024-05-14 10:00:05" of Exim's own log files: fraction (+millisec), offset (log_timezone), PID
// (+pid), text.  src/log.c: log_write
//
// Some syslog daemons write the same stamp before "host tag[pid]: ".
func (r *HeaderReader) exim(line string, sod int, ev *mail.Event) (string, bool) {
	r.Style = EximOwn
	if len(line) < len("2024-05-14 10:00:05 ") {
		return "", false
	}
	rest, ok := r.eximStamp(line, sod, ev)
	if !ok {
		return "", false
	}
	if !looksOurs(rest) && looksTagged(rest) && !r.inner {
		r.Style = ISO
		return r.hostAndTag(rest, ev)
	}
	switch {
	case r.inner || rest == "":
	case rest[0] == ' ' && !r.Zoneless && strings.HasPrefix(rest, " localhost "):
		r.Style = ISO
		return r.unified(rest[len(" localhost "):], ev)
	case line[19] == '.' && rest[0] == ' ': // two blanks: s6-log, in local time
		r.Style = Traditional
		return r.supervised(rest[1:], ev)
	case rest[len(rest)-1] == '}' && !r.Zoneless: // "STAMP +0100 system.mail: {…}", standard output of fluentd
		if tag, _, ok := strings.Cut(rest, ": {"); ok && isHostName(tag) {
			before, state := *ev, r.state()
			if body, ok := r.shippedObject(rest[len(tag)+2:], ev); ok {
				return body, true
			}
			*ev = before
			r.back(state)
		}
	}
	if line[19] == ',' && isLog4j(rest) {
		r.Style, ev.Process = WebmailOwn, "zimbra"
		return rest, true
	}
	ev.Process = "exim"
	return eximPID(rest, ev), true
}

// isLog4j reports whether text begins like a line of Zimbra's mailbox.log and audit.log after the stamp: "INFO  [thread]
// [name=…;] category - words".
func isLog4j(text string) bool {
	for _, level := range [...]string{"INFO  [", "WARN  [", "ERROR [", "FATAL [", "DEBUG ["} {
		if strings.HasPrefix(text, level) {
			return true
		}
	}
	return false
}

// eximStamp sets the time, and returns what follows the stamp.
func (r *HeaderReader) eximStamp(line string, sod int, ev *mail.Event) (rest string, ok bool) {
	rest = line[19:]
	nano, n := fraction(rest)
	rest = rest[n:]
	offset, n := offsetOf(rest)
	if n == 0 && len(rest) > 6 && rest[0] == ' ' && (rest[1] == '+' || rest[1] == '-') && rest[6] == ' ' {
		if offset, n = signedOffset(rest[1:]); n == 5 {
			n++
		} else {
			n = 0
		}
	}
	if n > 0 {
		r.shown(sod, offset, ev)
	} else {
		r.moment(&r.full, sod, ev)
		r.Zoneless = true
	}
	ev.Time += nano
	rest = rest[n:]
	if rest == "" {
		return "", true
	}
	return rest[1:], rest[0] == ' '
}

// eximPID cuts off the "[4321] " that text may begin with.
func eximPID(text string, ev *mail.Event) string {
	if len(text) < 3 || text[0] != '[' {
		return text
	}
	return cutEximPID(text, ev)
}

// cutEximPID is eximPID for a text that begins with a bracket. It stands apart so that eximPID is inlined.
func cutEximPID(text string, ev *mail.Event) string {
	pid, digits := CutNumber(text[1:])
	rest, ok := strings.CutPrefix(text[1+digits:], "] ")
	if digits == 0 || !ok {
		return text
	}
	ev.PID = pid
	return rest
}

// looksOurs reports whether s can only be a text of Exim's, as most are: one behind a message ID, or "cwd=". An ID begins with "1" until
// 2028, as hardly a host does. In base 36 it begins with a capital letter: those lines are looked at further.
func looksOurs(s string) bool {
	return len(s) > 23 && (s[6] == '-' && s[0] <= '9' && (s[13] == '-' && s[16] == ' ' || s[18] == '-' && s[23] == ' ') || s[3] == '=')
}

// looksTagged reports whether s begins with "host tag[pid]: ", or with a host and one of the tags that mail programs write
// without a PID, or as Dovecot's own files do, "imap-login: Info: ": with the log_timestamp that most sites set, these have the
// stamps of Exim's. Exim's own texts do not, because their second word never ends like that.
func looksTagged(s string) bool {
	sp := strings.IndexByte(s, ' ')
	if sp <= 0 || sp > 255 {
		return false
	}
	word := s[sp+1:]
	end := strings.IndexByte(word, ' ')
	if end < 0 {
		end = len(word)
	}
	if end < 2 || word[end-1] != ':' || !isHostName(s[:sp]) {
		return strings.HasPrefix(word, "last message repeated ") || s[sp-1] == ':' && isDovecotLevel(word[:end])
	}
	word = word[:end-1]
	if word[len(word)-1] == ']' {
		open := strings.LastIndexByte(word, '[')
		return open > 0 && open+1 < len(word)-1 && AllDigits(word[open+1:len(word)-1])
	}
	return word == "dovecot" || strings.HasPrefix(word, "postfix/") || s[sp-1] == ':' && isDovecotLevel(word)
}

// isDovecotLevel reports whether word is what Dovecot writes behind the service in its own files.
func isDovecotLevel(word string) bool {
	switch strings.TrimSuffix(word, ":") {
	case "Info", "Error", "Warning", "Debug", "Fatal", "Panic":
		return true
	}
	return false
}

func isHostName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && c != '.' && c != '-' && c != '_' && c != ':' {
			return false
		}
	}
	return true
}

// eximBody reads what Exim writes before its text when it logs to syslog: the number of a piece, its own stamp unless
// syslog_timestamp is off, its PID.  src/log.c: write_syslog
func (r *HeaderReader) eximBody(body string, ev *mail.Event) (string, bool) {
	body = r.eximPiece(body)
	if r.Piece.N > 1 {
		return body, true // it continues the piece before it
	}
	if len(body) >= 20 && body[4] == '-' && body[10] == ' ' {
		body = r.eximInner(body, ev)
	}
	pid := ev.PID
	body = eximPID(body, ev)
	if pid != 0 {
		ev.PID = pid
	}
	return body, true
}

// eximPiece cuts off the "[1/2] " or "[1\15] " of an entry that is logged in pieces.
func (r *HeaderReader) eximPiece(body string) string {
	if len(body) < 6 || body[0] != '[' {
		return body
	}
	n, i := number(body, 1)
	if i == 1 || i >= len(body) || body[i] != '/' && body[i] != '\\' {
		return body
	}
	m, end := number(body, i+1)
	if end == i+1 || !strings.HasPrefix(body[end:], "] ") || n < 1 || n > m {
		return body
	}
	kind := Split
	if body[i] == '\\' {
		kind = Folded
	}
	r.Piece = Piece{Kind: kind, N: n, M: m}
	return body[end+2:]
}

// number reads at most four digits at i, and returns where they end.
func number(s string, i int) (n, end int) {
	for end = i; end < len(s) && end < i+4 && isDigit(s[end]); end++ {
		n = n*10 + int(s[end]-'0')
	}
	return n, end
}

// eximInner reads Exim's own stamp after that of syslog. It counts, because it tells when Exim wrote the line; if only the other
// one has an offset, that is used: zones differ by quarters of an hour, the two stamps by less.
func (r *HeaderReader) eximInner(body string, ev *mail.Event) string {
	sod, ok := secondOfDay(body[11:])
	if !ok || !r.isoDay(body) || len(body) > 19 && body[19] != ' ' && body[19] != '.' {
		return body
	}
	outer, zoneless := ev.Time, r.Zoneless
	r.Yearless, r.Zoneless, r.Twice = false, false, false
	rest, _ := r.eximStamp(body, sod, ev)
	if r.Zoneless && !zoneless {
		r.Zoneless = false
		local := mail.Instant(r.local) * mail.Instant(time.Second)
		offset := quarters(local.Sub(outer))
		ev.Time = local.Add(-offset) + ev.Time%mail.Instant(time.Second)
	}
	return rest
}

// quarters rounds to a quarter of an hour: the offsets of all zones are multiples of it today.
func quarters(d time.Duration) time.Duration { return d.Round(15 * time.Minute) }

// torn recovers a line that two writers wrote to at the same time: "2012014-04-05 03:17:39 …" is three bytes of a line that was
// lost, and a good one (full disks, NFS). Before the stamp there may only be bytes of a stamp, no text that a stranger chose.
func (r *HeaderReader) torn(line string, ev *mail.Event) (string, bool) {
	const stamp = len("2006-01-02 15:04:05 ")
	for i := 1; i < stamp && len(line) >= i+stamp && isStampByte(line[i-1]); i++ {
		if line[i+4] != '-' || line[i+7] != '-' || line[i+10] != ' ' {
			continue
		}
		if body, ok := r.iso(line[i:], ev); ok {
			r.Torn = true
			return body, true
		}
	}
	return "", false
}

func isStampByte(c byte) bool {
	return isDigit(c) || c == '-' || c == ':' || c == ' ' || c == '.' || c == '+'
}
