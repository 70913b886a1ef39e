package dovecot

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// auth parses a line of the auth processes (src/auth/auth-request.c, get_log_identifier): "passdb(user,ip⟨,master⟩⟨,<session>⟩):
// text". The user may contain anything except control characters, also commas and brackets; hence the identifier ends at the last
// "): " after an address, a session or "master".
func (l *line) auth(ev *mail.Event) parse.Verdict {
	ev.Service = "auth"
	text := secretless(l.text)
	end := identifierEnd(text)
	if end < 0 { // a name may contain these words, too
		text = l.text
		end = identifierEnd(text)
	}
	if end < 0 {
		l.text = secretless(text)
		return l.bracketed(ev)
	}
	open := identifierStart(text[:end])
	if open < 0 {
		l.text = text
		return l.other(ev)
	}
	ev.Account, ev.Client.IP = identity(text[open+1 : end])
	ev.Text = text[end+len("): "):]
	ev.Kind = l.answer(ev.Text)
	return parse.Parsed
}

// bracketed parses 2.4's "auth(user,ip,sasl:plain)<session>: text", in which cut has already found the identifier.
func (l *line) bracketed(ev *mail.Event) parse.Verdict {
	who := l.user
	if at := strings.LastIndex(who, ",sasl:"); at >= 0 {
		ev.AuthMethod, who = who[at+len(",sasl:"):], who[:at]
	}
	account, ip := identity(who)
	if !ip.IsValid() {
		ev.AuthMethod = ""
		return l.other(ev)
	}
	ev.Account, ev.Client.IP = account, ip
	ev.Text = l.text
	ev.Kind = l.answer(l.text)
	return parse.Parsed
}

// secretless removes the password that auth_verbose_passwords adds to a failure.
func secretless(text string) string {
	for _, sign := range [...]string{" (given password: ", " (SHA1 of given password: "} {
		if at := parse.LastIndex(text, sign); at >= 0 {
			text = text[:at]
		}
	}
	return text
}

// identifierStart returns the index of the bracket after the first name of a passdb; -1: none.
func identifierStart(text string) int {
	for at := 0; ; at++ {
		next := strings.IndexByte(text[at:], '(')
		if next < 0 {
			return -1
		}
		if at += next; passdb(text[:at]) {
			return at
		}
	}
}

// identifierEnd returns the index of the last "): " that can end an identifier; -1: none. It tries only the last few, because
// after an identifier come Dovecot's own words.
func identifierEnd(text string) int {
	end := len(text)
	for range 16 {
		if end = strings.LastIndex(text[:end], "): "); end < 0 {
			return -1
		}
		inner := text[:end]
		if strings.HasSuffix(inner, ">") || strings.HasSuffix(inner, ",master") || strings.HasSuffix(inner, "(?") {
			return end
		}
		inner = strings.TrimSuffix(inner, ",")
		if comma := strings.LastIndexByte(inner, ','); comma >= 0 && address(inner[comma+1:]).IsValid() {
			return end
		}
		if open := strings.LastIndexByte(inner, '('); open >= 0 && passdb(inner[:open]) && !strings.ContainsAny(inner[open:], " =") {
			return end // no address: the daemon that asked gave none
		}
	}
	return -1
}

// passdb reports whether the text before a bracket ends in the name of a passdb, userdb or mechanism: a word after a blank or
// at the start. "conn unix:auth-worker (…): auth-worker<12>: pam(" does; "pam_unix(dovecot:auth)" is a line of PAM's own.
func passdb(text string) bool {
	text = text[max(0, len(text)-32):]
	word := text[strings.LastIndexByte(text, ' ')+1:]
	for i := range len(word) {
		if c := word[i]; c != '-' && !('a' <= c && c <= 'z') && !('0' <= c && c <= '9') {
			return false
		}
	}
	switch word {
	case "", "mysql", "pgsql", "sqlite", "cassandra": // in brackets is the database
		return false
	}
	return true
}

// identity splits an identifier from the right.
func identity(inner string) (account string, ip netip.Addr) {
	if at := strings.LastIndex(inner, ",<"); at >= 0 && strings.HasSuffix(inner, ">") {
		inner = inner[:at]
	}
	inner = strings.TrimSuffix(strings.TrimSuffix(inner, ",master"), ",") // a session that was taken for markup: "ldap(eva,192.0.2.66,): "
	if at := strings.LastIndexByte(inner, ','); at >= 0 {
		if ip = address(inner[at+1:]); ip.IsValid() {
			inner = inner[:at]
		}
	}
	if inner == "?" {
		inner = ""
	}
	return inner, ip
}

// answer tells a refusal from other texts. In its auth lines, Dovecot logs no success unless it is told to debug. An error is
// trouble of the server's own, whatever was typed ("Error: sql(eva,192.0.2.66): Password query failed: Lost connection"), unless it
// names what was wrong with that.
func (l *line) answer(text string) mail.Kind {
	if !l.quiet() && !strings.Contains(text, "mismatch") && !strings.Contains(text, "nknown user") &&
		!strings.Contains(text, "Authentication failure") {
		return mail.Warning
	}
	for _, sign := range [...]string{"mismatch", "nknown user", "failed", "nvalid", "not found", "disabled", "expired", "denied", "disallowed", "locked", "Empty username",
		"not match", "not allowed"} {
		if strings.Contains(text, sign) {
			return mail.AuthFailed
		}
	}
	return mail.Other
}
