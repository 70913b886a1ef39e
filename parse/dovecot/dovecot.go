// Package dovecot parses what Dovecot 2.0 to 2.4 logs: logins of its login processes, replies of its auth processes, deliveries of
// lmtp, lda and sieve, and the rest, which is known and of no use here.
//
// It is one of the formats of package parse. A line is "service⟨(…)⟩⟨<…>⟩…: text"; the service tells how to parse the text. A
// failed login is logged twice, which whoever counts must know: by the login process (imap-login …, Service "imap"), with the
// client and the number of attempts, and by the auth process (Service "auth"), with the reason. For SMTP AUTH the login process is
// Postfix's or Exim's, and the auth line has no session.
//
// What a client sent before it was logged in, above all its user name, is hostile: fields that Dovecot wrote are cut from the
// right.
package dovecot

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// Format parses the lines of Dovecot.
var Format = parse.Format{Name: "dovecot", Parse: parseLine}

func parseLine(body string, ev *mail.Event) parse.Verdict {
	service, ok := process(ev.Process)
	if !ok && ev.Host == "" && inOwnFile(ev.Process, body) {
		service, ok = ev.Process, true
	}
	if !ok {
		return parse.Foreign
	}
	ev.MTA = mail.Dovecot
	l, ok := cut(body)
	if service != "" && !(ok && known(l.service)) {
		l, ok = line{service: service}, true
		l.level, l.text = level(body)
	}
	if !ok { // up to 1.2, the level came first: "Fatal: Auth process died too early"
		if l.level, l.text = level(body); l.level != "" {
			return l.other(ev)
		}
		if ofOldMaster(body) {
			ev.Kind = mail.Other
			return parse.Parsed
		}
	}
	switch {
	case !ok && body == "":
		return parse.Damaged
	case !ok || !known(l.service):
		return parse.Unfamiliar
	}
	ev.Daemon = l.service
	ev.Service = strings.TrimSuffix(l.service, "-login")
	return l.parse(ev)
}

// process reports whether a syslog tag is Dovecot's. Services that log under their own name (dovecot-auth, dovecot-lda; before
// 2.0 and in Dovecot's own files all of them) have their name in the tag, and not always again in the line.
func process(tag string) (service string, ok bool) {
	switch tag {
	case "dovecot":
		return "", true
	case "dovecot-auth", "auth", "auth-worker", "dovecot-lda", "dovecot-lmtp", "imap-login", "pop3-login", "managesieve-login", "submission-login":
		return strings.TrimPrefix(tag, "dovecot-"), true
	case "dovecot/imap-login", "dovecot/pop3-login", "dovecot/lmtp", "dovecot/auth":
		return tag[len("dovecot/"):], true
	}
	return "", false
}

// inOwnFile reports whether a line without a host is of Dovecot's own file, where the level is always behind the service: "master:
// Info: Dovecot v2.3.19 starting up". Services of a user's have the user there, too, and are read with him.
func inOwnFile(tag, body string) bool {
	level, _ := level(body)
	return level != "" && known(tag) && tag != "imap" && tag != "pop3" && tag != "lmtp" && tag != "sieve"
}

// ofOldMaster reports whether a line is of the main process, which up to 1.2 wrote no name of a service.
func ofOldMaster(body string) bool {
	for _, begin := range [...]string{"Dovecot v", "Killed with signal ", "Generating Diffie-Hellman parameters ", "Temporary failure in creating login processes",
		"Login process died too early", "Time just moved ", "child ", "SIGHUP received"} {
		if strings.HasPrefix(body, begin) {
			return true
		}
	}
	return false
}

// known reports whether Dovecot has a service of that name.
func known(service string) bool {
	switch service {
	case "imap-login", "pop3-login", "managesieve-login", "submission-login",
		"imap", "pop3", "managesieve", "submission", "lmtp", "lda", "deliver", "auth", "auth-worker",
		"anvil", "config", "dict", "dict-async", "director", "dns-client", "dns_client", "doveadm", "doveadm-server", "dsync-local", "dsync-remote", "dsync-server",
		"health-check", "imap-hibernate", "imap-urlauth", "imap-urlauth-login", "imap-urlauth-worker", "indexer", "indexer-worker", "ipc",
		"lmtp-client", "log", "log-errors", "login", "master", "old-stats", "quota-status", "replicator", "aggregator", "script", "script-login", "dump-capability",
		"ssl-params", "ssl-build-param", "stats", "tcpwrap", "welcome", "master-admin", "dovecot", "fts", "decode2text", "sieve", "sieve-test", "expire", "backend",
		"IMAP", "POP3", "MANAGESIEVE": // up to 1.2
		return true
	}
	return false
}

// line is a line of Dovecot, split.
type line struct {
	service string
	user    string // from "service(user)" or 2.2's "lmtp(pid, user)"
	level   string // "Error", "Warning", "Fatal", "Panic", "Debug" or "Info", if the line begins with one; else ""
	text    string
}

// cut splits "service⟨(user)⟩⟨<pid>⟩⟨<session>⟩: ⟨Level: ⟩text". The user is one that logged in or receives mail here: not a
// stranger's choice, but it may contain blanks and brackets.
func cut(body string) (l line, ok bool) {
	end := 0
	for end < len(body) && (body[end] == '-' || body[end] == '_' || 'a' <= body[end] && body[end] <= 'z' || '0' <= body[end] && body[end] <= '9') {
		end++
	}
	l.service, l.text = body[:end], body[end:]
	if end == 0 {
		l.service, l.text = cutOldService(body)
	}
	if l.service == "" || l.text == "" {
		return l, false
	}
	if l.service == "service" {
		return cutPlesk(body)
	}
	if l.text[0] == '(' {
		inner, rest, found := bracket(l.text)
		if l.service == "auth" {
			inner, rest, found = typed(l.text)
		}
		if !found {
			return l, false
		}
		l.user, l.text = inner, rest
	}
	for strings.HasPrefix(l.text, "<") {
		_, rest, found := strings.Cut(l.text, ">")
		if !found {
			return l, false
		}
		l.text = rest
	}
	if l.text, ok = strings.CutPrefix(l.text, ": "); !ok {
		return l, false
	}
	if pid, user, found := strings.Cut(l.user, ", "); found && parse.AllDigits(pid) {
		l.user = user
	} else if parse.AllDigits(l.user) || l.user == "default" {
		l.user = ""
	}
	l.level, l.text = level(l.text)
	return l, true
}

// cutOldService cuts the service off the front as it was up to 1.2 once a user had logged in: "IMAP(eva): Disconnected: Logged out".
func cutOldService(body string) (service, rest string) {
	for _, name := range [...]string{"IMAP", "POP3", "MANAGESIEVE"} {
		if rest, ok := strings.CutPrefix(body, name); ok && strings.HasPrefix(rest, "(") {
			return name, rest
		}
	}
	return "", body
}

// cutPlesk splits what Plesk makes Dovecot write (mail_log_prefix): "service=imap, user=eva@example.org, ip=[192.0.2.66]. text".
func cutPlesk(body string) (l line, ok bool) {
	service, rest, ok1 := strings.Cut(body[len("service="):], ", user=")
	user, rest, ok2 := strings.Cut(rest, ", ip=[")
	_, text, ok3 := strings.Cut(rest, "]. ")
	l.service, l.user = service, strings.TrimSuffix(strings.TrimPrefix(user, "<"), ">")
	l.level, l.text = level(text)
	return l, ok1 && ok2 && ok3
}

// typed is bracket for lines of an auth process since 2.4, in which the name is what a client typed: it ends at the mechanism.
func typed(text string) (inner, rest string, ok bool) {
	if at := strings.LastIndex(secretless(text), ",sasl:"); at >= 0 {
		if _, rest, ok = bracket(text[at:]); ok {
			return text[1 : len(text)-len(rest)-1], rest, true
		}
	}
	return bracket(text)
}

// bracket cuts "(inner)" off the front of text, up to a bracket before a colon or a "<".
func bracket(text string) (inner, rest string, ok bool) {
	for at := 1; at < len(text); {
		n := strings.IndexByte(text[at:], ')')
		if n < 0 {
			return "", "", false
		}
		at += n + 1
		if at < len(text) && (text[at] == ':' || text[at] == '<') {
			return text[1 : at-1], text[at:], true
		}
	}
	return "", "", false
}

func level(text string) (level, rest string) {
	for _, name := range [...]string{"Error: ", "Warning: ", "Fatal: ", "Panic: ", "Debug: ", "Info: "} {
		if text != "" && text[0] == name[0] && strings.HasPrefix(text, name) {
			return text[:len(name)-2], text[len(name):]
		}
	}
	return "", text
}

func (l *line) parse(ev *mail.Event) parse.Verdict {
	switch l.service {
	case "imap-login", "pop3-login", "managesieve-login", "submission-login":
		if l.quiet() {
			return l.login(ev)
		}
	case "auth", "auth-worker":
		if l.level != "Debug" {
			return l.auth(ev)
		}
	case "lmtp", "lda", "deliver", "imap", "managesieve", "sieve":
		if l.quiet() && l.delivery(ev) {
			return parse.Parsed
		}
	}
	return l.other(ev)
}

// quiet reports whether the line is an ordinary one: no error, no debugging.
func (l *line) quiet() bool { return l.level == "" || l.level == "Info" }

// other is a line of which nothing is needed except, if something went wrong, its text.
func (l *line) other(ev *mail.Event) parse.Verdict {
	switch l.level {
	case "Error", "Warning", "Fatal", "Panic":
		ev.Kind, ev.Text = mail.Warning, l.text
	default:
		ev.Kind, ev.User = mail.Other, l.user
	}
	return parse.Parsed
}
