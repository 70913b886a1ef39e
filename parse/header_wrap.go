package parse

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// wrapped reads the header of a line inside another one. The outer stamp counts if it has an offset.
func (r *HeaderReader) wrapped(line string, ev *mail.Event) (string, bool) {
	if r.inner {
		return "", false
	}
	r.inner = true
	style, at, local := r.Style, ev.Time, r.Zoneless
	body, ok := r.read(line, ev)
	if ok && at != 0 && !local {
		r.Style, ev.Time = style, at
		r.Yearless, r.Zoneless, r.Twice = false, false, false
	}
	return body, ok
}

// priority reads "<22>": what follows is either RFC 5424 or anything else.
func (r *HeaderReader) priority(line string, ev *mail.Event) (string, bool) {
	end := strings.IndexByte(line[:min(len(line), 5)], '>')
	if end < 2 || !AllDigits(line[1:end]) || end+1 == len(line) {
		return "", false
	}
	rest := line[end+1:]
	if strings.HasPrefix(rest, "1 ") {
		return r.rfc5424(rest[2:], ev)
	}
	if rest[0] == '<' {
		return "", false
	}
	return r.read(rest, ev)
}

// rfc5424 reads "STAMP HOST APP PROCID MSGID SD TEXT" (RFC 5424, section 6).
func (r *HeaderReader) rfc5424(rest string, ev *mail.Event) (string, bool) {
	var field [5]string
	for i := range field {
		var ok bool
		if field[i], rest, ok = strings.Cut(rest, " "); !ok {
			return "", false
		}
	}
	if !r.stamp5424(field[0], ev) {
		return "", false
	}
	r.Style = RFC5424
	ev.Host, ev.Process = notNil(field[1]), notNil(field[2])
	if pid, end := CutNumber(field[3]); end == len(field[3]) {
		ev.PID = pid
	}
	text, ok := afterStructuredData(rest)
	if !ok {
		return "", false
	}
	text = strings.TrimPrefix(strings.TrimLeft(text, " "), "\ufeff")
	return r.afterTag(text, ev)
}

// notNil returns "" for "-", the NILVALUE of RFC 5424.
func notNil(field string) string {
	if field == "-" {
		return ""
	}
	return field
}

func (r *HeaderReader) stamp5424(field string, ev *mail.Event) bool {
	if field == "-" {
		return true
	}
	if len(field) < 20 || field[4] != '-' || field[10] != 'T' || !r.isoDay(field) {
		return false
	}
	sod, ok := secondOfDay(field[11:])
	if !ok {
		return false
	}
	body, ok := r.rfc3339(field, sod, ev)
	return ok && body == ""
}

// afterStructuredData returns what follows "-" or `[id name="va\]lue" …]…`.
func afterStructuredData(s string) (string, bool) {
	if strings.HasPrefix(s, "-") {
		return s[1:], true
	}
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted && (i+1 == len(s) || s[i+1] != '['):
			return s[i+1:], true
		case i == 0 && c != '[':
			return "", false
		}
	}
	return "", false
}

// cri reads what Kubernetes writes before a container's line: "F ", or "P " if the line continues in the next one.
func (r *HeaderReader) cri(rest string, ev *mail.Event) (string, bool) {
	tag, text, ok := strings.Cut(rest, " ")
	if !ok || len(tag) > 64 {
		return "", false
	}
	tag, _, _ = strings.Cut(tag, ":")
	r.Style = CRI
	return r.piece(text, tag == "P", ev)
}

// piece reads a line of a container, which may be only a part of what the program wrote. more: the line continues in the next
// one.
func (r *HeaderReader) piece(text string, more bool, ev *mail.Event) (string, bool) {
	at := ev.Time
	body, ok := r.wrapped(text, ev)
	switch {
	case ok && more:
		r.Piece.Kind = Begun
		return text, true
	case ok:
		return body, true
	}
	*ev = mail.Event{Origin: ev.Origin, Time: at}
	r.Piece.Kind = GoneOn
	if more {
		r.Piece.Kind = GoneOver
	}
	return text, true
}

// unix reads "1772853129.183422 host …", journalctl -o short-unix, and the same without a fraction: rsyslog's date-unixtimestamp,
// syslog-ng's ${UNIXTIME}.
func (r *HeaderReader) unix(line string, ev *mail.Event) (string, bool) {
	dot := strings.IndexAny(line[:11], ". ")
	if dot < len("772853129") || !AllDigits(line[:dot]) { // a lesser number is the rest of a line
		return "", false
	}
	var sec int64
	for i := range dot {
		sec = sec*10 + int64(line[i]-'0')
	}
	nano, n := fraction(line[dot:])
	rest := line[dot+n:]
	if rest == "" || rest[0] != ' ' {
		return "", false
	}
	r.Style, r.local = Unix, civil(sec)
	ev.Time = mail.Instant(sec)*mail.Instant(time.Second) + nano
	return r.hostAndTag(rest[1:], ev)
}

// bracketed reads the logs of webmail programs: "[03-Jun-2024 07:07:24 +0200]: " (Roundcube), the same without the colon
// (others).
func (r *HeaderReader) bracketed(line string, ev *mail.Event) (string, bool) {
	const stamp = len("[03-Jun-2024 07:07:24")
	if strings.HasPrefix(line, "[pod/") { // kubectl logs --prefix
		_, rest, _ := strings.Cut(line, "] ")
		return r.read(rest, ev)
	}
	if strings.HasPrefix(line, `["`) || strings.HasPrefix(line, "[{") {
		return r.listed(line, ev)
	}
	if len(line) > len("[2024-06-03 07:07:24") && line[5] == '-' && line[8] == '-' {
		return r.rainloop(line, ev)
	}
	if len(line) < stamp+2 || line[3] != '-' || line[7] != '-' || line[12] != ' ' {
		return "", false
	}
	year, ok1 := fourDigits(line[8:])
	mday, ok2 := twoDigits(line[1:3])
	sod, ok3 := secondOfDay(line[13:])
	if !ok1 || !ok2 || !ok3 || line[:12] != r.full.text && !r.fullDay(line[:12], year, monthOf(line[4:]), mday) {
		return "", false
	}
	r.Style = WebmailOwn
	rest := line[stamp:]
	nano, n := fraction(rest)
	rest = rest[n:]
	offset, n := offsetOf(strings.TrimPrefix(rest, " "))
	if n > 0 {
		r.shown(sod, offset, ev)
		rest = rest[n+1:]
	} else {
		r.moment(&r.full, sod, ev)
		r.Zoneless = true
	}
	ev.Time += nano
	// PHP's own error log has the name of a zone here.
	if !strings.HasPrefix(rest, "]") {
		return "", false
	}
	rest = rest[1:]
	switch {
	case strings.HasPrefix(rest, ": "):
		ev.Process = "roundcube"
		return rest[2:], true
	case strings.HasPrefix(rest, " "):
		ev.Process = "squirrelmail"
		return rest[1:], true
	}
	return "", false
}

// rainloop reads "[2024-06-03 07:07:24] ", which RainLoop and SnappyMail write before a failed login.
func (r *HeaderReader) rainloop(line string, ev *mail.Event) (string, bool) {
	const stamp = len("[2024-06-03 07:07:24")
	sod, ok := secondOfDay(line[12:])
	body, found := strings.CutPrefix(line[stamp:], "] ")
	if !ok || !found || line[11] != ' ' || !r.isoDay(line[1:]) || !strings.HasPrefix(body, "Auth failed: ") {
		return "", false
	}
	r.moment(&r.full, sod, ev)
	r.Style, r.Zoneless = WebmailOwn, true
	ev.Process = "snappymail"
	return body, true
}

// squirrel reads "10/06/2013 15:50:41 [LOGIN_ERROR] ", which SquirrelMail's Squirrel Logger writes: month, day, year.
func (r *HeaderReader) squirrel(line string, ev *mail.Event) (string, bool) {
	const stamp = len("10/06/2013 15:50:41")
	if len(line) < stamp+2 || line[stamp:stamp+2] != " [" || line[10] != ' ' {
		return "", false
	}
	month, ok1 := twoDigits(line)
	mday, ok2 := twoDigits(line[3:])
	year, ok3 := fourDigits(line[6:])
	sod, ok4 := secondOfDay(line[11:])
	if !ok1 || !ok2 || !ok3 || !ok4 || !r.fullDay("", year, month, mday) {
		return "", false
	}
	r.moment(&r.full, sod, ev)
	r.Style, r.Zoneless = WebmailOwn, true
	ev.Process = "squirrelmail"
	return line[stamp+1:], true
}
