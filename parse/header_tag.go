package parse

import (
	"math/bits"
	"strings"
	"time"

	"mailforensics/mail"
)

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
	if token, next := rest[:sp], rest[sp+1:]; token != r.host.text || next != "" && (next[0] == '[' || next[0] == 'H') { // a PID, HORDE
		r.host = hostOf(token, next)
	}
	switch r.host.kind {
	case hostTag, hostGone:
		return r.tag(rest, ev)
	case hostDovecot:
		ev.Process = "dovecot"
		return rest, true
	case hostHorde:
		ev.Process = "HORDE"
		return rest[strings.Index(rest, "HORDE ")+len("HORDE "):], true
	case hostWord:
		rest = strings.TrimLeft(rest[sp:], " ")
		if r.host.host != "<" {
			return r.tag(rest, ev)
		}
		if r.host.text[len(r.host.text)-1] == ':' && r.Style == ISO && r.Zoneless { // svlogd, below socklog: its stamps are UTC
			ev.Time = mail.Instant(r.local)*mail.Instant(time.Second) + ev.Time%mail.Instant(time.Second)
			r.Style, r.Zoneless = Unix, false
		}
		if body, ok := r.relayed(rest, ev); ok { // "mail.info: Mar  7 04:12:09 tag:", socklog
			return body, true
		}
		return r.hostAndTag(rest, ev)
	}
	ev.Host = r.host.host
	return r.tag(rest[sp+1:], ev)
}

// unified reads "smtpd[123]: (library) [subsystem:category] text", which log show --style syslog of macOS writes behind two blanks and
// localhost. Postfix's daemons have their names in it as other programs do.
func (r *HeaderReader) unified(line string, ev *mail.Event) (string, bool) {
	body, ok := r.tag(line, ev)
	if name := unifiedTags[ev.Process]; name != "" {
		ev.Process = name
	}
	ev.Host = "localhost"
	for _, brackets := range [...]string{"()", "[]"} {
		if body != "" && body[0] == brackets[0] {
			if _, text, found := strings.Cut(body, brackets[1:]+" "); found {
				body = text
			}
		}
	}
	return body, ok
}

// unifiedTags are the tags that Postfix's programs have elsewhere, by their names. They stand here in full so that none is made of its
// parts for every line.
var unifiedTags = map[string]string{
	"anvil": "postfix/anvil", "bounce": "postfix/bounce", "cleanup": "postfix/cleanup", "discard": "postfix/discard",
	"dnsblog": "postfix/dnsblog", "error": "postfix/error", "flush": "postfix/flush", "lmtp": "postfix/lmtp", "local": "postfix/local",
	"master": "postfix/master", "nqmgr": "postfix/nqmgr", "oqmgr": "postfix/oqmgr", "pickup": "postfix/pickup", "pipe": "postfix/pipe",
	"postdrop": "postfix/postdrop", "postfix-script": "postfix/postfix-script", "postqueue": "postfix/postqueue",
	"postscreen": "postfix/postscreen", "postsuper": "postfix/postsuper", "proxymap": "postfix/proxymap", "qmgr": "postfix/qmgr",
	"scache": "postfix/scache", "sendmail": "postfix/sendmail", "smtp": "postfix/smtp", "smtpd": "postfix/smtpd", "spawn": "postfix/spawn",
	"tlsmgr": "postfix/tlsmgr", "tlsproxy": "postfix/tlsproxy", "trivial-rewrite": "postfix/trivial-rewrite", "verify": "postfix/verify",
	"virtual": "postfix/virtual",
}

// hostOf tells what is in the place of the host.
func hostOf(token, rest string) hostToken {
	t := hostToken{text: token, host: token}
	switch {
	case isFacility(strings.TrimSuffix(token, ":")): // "mail.info mx1 tag:", "mail.info tag:"
		t.kind, t.host = hostWord, "<"
	case token == "HORDE" && strings.HasPrefix(rest, "["), strings.HasPrefix(rest, "HORDE [") && isSeverity(strings.TrimSuffix(token, ":")):
		t.kind, t.text = hostHorde, "" // "HORDE [notice] [imp] …" of Horde 3, "NOTICE: HORDE [imp] …" of Horde 5, in files of their own
	case token[len(token)-1] == ':' && strings.IndexByte(token, '(') > 0:
		t.kind = hostDovecot
	case token[len(token)-1] == ':':
		t.kind = hostTag
	case pidApart(rest) > 0:
		t.kind, t.text = hostTag, "" // see below
	case token[0] == '<' && token[len(token)-1] == '>', isLevelInBrackets(token): // "<mail.info> mx1 tag:", FreeBSD syslogd -v; "[info] mx1 tag:"
		t.kind, t.host = hostWord, "<"
	case isSeverity(token):
		t.kind = hostWord
	case token == "last":
		// The same token may be a host in the next line: it must not be remembered.
		t.text = ""
		if strings.HasPrefix(rest, "message repeated ") {
			t.kind = hostGone
		}
	default:
		t.host = chainEnd(token)
	}
	return t
}

// chainEnd returns the host that wrote the line, if syslog-ng shows the way it took: source@host/relay (chain_hostnames).
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

// isSeverity reports whether a template put a severity in the place of the host: that of rsyslog in a container in capitals, that of
// Alpine's syslog-ng in small letters. Each severity would be a host of its own.
func isSeverity(token string) bool {
	switch token {
	case "EMERG", "PANIC", "ALERT", "CRIT", "ERR", "ERROR", "WARN", "WARNING", "NOTICE", "INFO", "DEBUG":
		return true
	}
	return isLevel(token)
}

// tag reads "tag[pid]: ".
func (r *HeaderReader) tag(rest string, ev *mail.Event) (string, bool) { return r.tagAt(rest, 0, ev) }

// tagAt reads the "tag[pid]: " at a place in a line. The usual form is read here, all others in anyTag.
func (r *HeaderReader) tagAt(line string, at int, ev *mail.Event) (string, bool) {
	const behind = len("[12345678]: connect") // in nearly all lines, more is behind the tag
	open := r.endOfTag(line, at)
	if open+behind > len(line) || line[open] != '[' || open == at {
		return r.anyTag(line[at:], ev)
	}
	pid, digits := CutNumber(line[open+1 : open+9])
	end := open + 1 + digits
	if digits == 0 || word(line[end:end+8])<<40 != ']'<<40|':'<<48|' '<<56 {
		return r.anyTag(line[at:], ev)
	}
	ev.Process, ev.PID = line[at:open], pid
	if line[end+3] == '[' || line[at] == 'e' { // the only two that afterTag has to do with
		return r.afterTag(line[end+3:], ev)
	}
	return line[end+3:], true
}

// endsTag are the bytes at which a tag may end.
var endsTag = [256]bool{'[': true, ':': true, ' ': true}

// endOfTag returns where the tag that begins at a place in a line may end; if that is less than eight bytes before the end of the line,
// it stops there. Eight bytes are looked at together, and those that begin most tags, "postfix/", only once.
func (r *HeaderReader) endOfTag(line string, at int) int {
	end := at
	for ; end+8 <= len(line); end += 8 {
		w := word(line[end : end+8])
		if w == r.tagBegin {
			continue
		}
		const letters = 0x4040404040404040 // small letters have this bit and the one below it, 0x20; what ends a tag has not
		for others := ^(w & (w << 1)) & letters; others != 0; others &= others - 1 {
			if i := end + bits.TrailingZeros64(others)/8; endsTag[line[i]] {
				return i
			}
		}
		if end == at {
			r.tagBegin = w
		}
	}
	return end
}

// anyTag reads "tag[pid]: ". After a relay, which cuts tags to 32 characters (RFC 3164, section 4.1.3), its end may be missing.
func (r *HeaderReader) anyTag(rest string, ev *mail.Event) (string, bool) {
	for i := range len(rest) {
		if !endsTag[rest[i]] {
			continue
		}
		switch rest[i] {
		case '[':
			if level, after, _ := strings.Cut(rest, " "); i == 0 && isLevelInBrackets(level) {
				return r.anyTag(after, ev)
			}
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

// tagPID reads on at the bracket after the tag.
func (r *HeaderReader) tagPID(rest string, open int, ev *mail.Event) (string, bool) {
	pid, digits := CutNumber(rest[open+1:])
	i := open + 1 + digits
	if i == len(rest) { // cut after the PID
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
	if strings.HasPrefix(rest, " <") { // "tag[pid] <Notice>: ", macOS
		if level := strings.Index(rest[:min(len(rest), 16)], ">: "); level > 0 {
			rest = rest[level+1:]
		}
	}
	if rest != "" && rest[0] == ':' {
		rest = rest[1:]
	}
	if rest != "" && rest[0] == ' ' {
		rest = rest[1:]
	}
	return r.afterTag(rest, ev)
}

// tagless reads a text in which a blank comes before any colon: a facility before the tag, a tag that a relay cut, or no tag.
func (r *HeaderReader) tagless(rest string, sp int, ev *mail.Event) (string, bool) {
	const relayed = 31 // RFC 3164 allows 32 characters, some relays keep a byte for its end
	switch token := rest[:sp]; {
	case pidApart(rest[sp+1:]) > 0:
		ev.Process, ev.PID = token, pidApart(rest[sp+1:])
		_, rest, _ = strings.Cut(rest[sp+1:], ": ")
		return r.afterTag(rest, ev)
	case isFacility(token): // "mx1 mail.info postfix/smtpd[1]: ", busybox syslogd; "mx1 mail:info …", AIX
		return r.tag(rest[sp+1:], ev)
	case sp >= relayed && strings.IndexByte(token, '/') > 0:
		ev.Process = token
		return r.afterTag(rest[sp+1:], ev)
	}
	if body, ok := r.relayed(rest, ev); ok {
		return body, true
	}
	return rest, true
}

// pidApart returns the PID of "[26818]: ", which SOGo writes with a blank after its name; 0: rest does not begin like that.
func pidApart(rest string) (pid int) {
	if rest == "" || rest[0] != '[' {
		return 0
	}
	pid, digits := CutNumber(rest[1:])
	if !strings.HasPrefix(rest[1+digits:], "]: ") {
		return 0
	}
	return pid
}

// isFacility reports whether token is facility.severity, such as "mail.info"; AIX writes a colon.
func isFacility(token string) bool {
	point := strings.IndexAny(token, ".:")
	if point < 0 {
		return false
	}
	facility, severity := token[:point], token[point+1:]
	if !isLevel(severity) {
		return false
	}
	switch facility {
	case "mail", "daemon", "user", "auth", "authpriv", "syslog", "kern", "cron", "news", "ftp", "lpr", "uucp", "security":
		return true
	}
	return len(facility) == len("local0") && strings.HasPrefix(facility, "local") && isDigit(facility[5]) // not localnews.info, a host
}

// isLevel reports whether s is the name of a severity (RFC 5424, section 6.2.1).
func isLevel(s string) bool {
	switch s {
	case "emerg", "panic", "alert", "crit", "err", "error", "warn", "warning", "notice", "info", "debug":
		return true
	}
	return false
}

// isLevelInBrackets reports whether token is "[info]" or "[mail.info]", as templates of syslog-ng and rsyslog write a priority.
func isLevelInBrackets(token string) bool {
	n := len(token)
	return n > 2 && token[0] == '[' && token[n-1] == ']' && (isLevel(token[1:n-1]) || isFacility(token[1:n-1]))
}

// afterTag reads what follows the tag, but still belongs to the header: Solaris' "[ID 197553 mail.info] ", and Exim's own stamp.
func (r *HeaderReader) afterTag(body string, ev *mail.Event) (string, bool) {
	if body != "" && body[0] == '[' && strings.HasPrefix(body, "[ID ") {
		if end := strings.Index(body[:min(len(body), 64)], "] "); end > 0 {
			body = body[end+2:]
		}
	}
	if strings.HasPrefix(ev.Process, "exim") {
		return r.eximBody(body, ev)
	}
	return body, true
}
