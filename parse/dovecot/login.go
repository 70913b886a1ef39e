package dovecot

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// login reads a line of a login process (src/login-common/client-common.c): a message, and the elements of
// login_log_format_elements, by default
//
//	user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>
//
// joined by ", ". The message came first and in other words in each version, and the elements may be others; all are
// looked up by name. The user is what the client typed: the address is that of the LAST rip=.
func (l *line) login(ev *mail.Event) parse.Verdict {
	message, elements, ok := split(l.text)
	if !ok {
		return l.other(ev)
	}
	who, where := elements, ""
	if at := parse.LastIndex(elements, "rip="); at >= 0 {
		who, where = elements[:at], elements[at+len("rip="):]
	}
	who, ev.AuthMethod = method(strings.TrimSuffix(who, ", "))
	if user, ok := strings.CutPrefix(who, "user=<"); ok {
		end := strings.LastIndexByte(user, '>')
		if end < 0 {
			return parse.Damaged
		}
		ev.Account = user[:end]
	}
	if where != "" {
		ev.Client.IP = address(before(where, ", "))
		ev.TLS = tls(where)
	}
	ev.Kind, ev.Text = outcome(message), reason(message)
	return parse.Parsed
}

// split separates the message from the elements, at the first of these: nothing in a message is a client's choice.
func split(text string) (message, elements string, ok bool) {
	at := len(text)
	for _, name := range [...]string{": user=<", ": method=", ": rip=", ": lip="} {
		if n := strings.Index(text[:at], name); n >= 0 {
			at = n
		}
	}
	if at == len(text) {
		return text, "", false
	}
	return text[:at], text[at+2:], true
}

// method cuts "method=WORD" off the end of the elements before rip=. The word is one of the SASL mechanisms that the server
// offers.
func method(who string) (rest, word string) {
	at := parse.LastIndex(who, "method=")
	if at < 0 {
		return who, ""
	}
	rest, word = strings.TrimSuffix(who[:at], ", "), who[at+len("method="):]
	for i := range len(word) {
		switch word[i] {
		case ' ', ',', '<', '>':
			return who, ""
		}
	}
	return rest, word
}

// tls returns the element that says how the session was encrypted; more words may follow it: "TLS: Disconnected".
func tls(where string) string {
	at := strings.Index(where, ", TLS")
	if at < 0 || strings.HasPrefix(where[at:], ", TLS handshaking") {
		return ""
	}
	word := where[at+2:]
	for i := range len(word) {
		if c := word[i]; c == ',' || c == ':' || c == ' ' {
			return word[:i]
		}
	}
	return word
}

// outcome tells a login from a failed one. A client that left without trying is neither.
func outcome(message string) mail.Kind {
	switch {
	case strings.HasPrefix(message, "Login"), strings.HasPrefix(message, "Logged in"):
		if !strings.HasPrefix(message, "Login aborted") {
			return mail.Auth
		}
	case strings.HasPrefix(message, "proxy(") && strings.Contains(message, "started proxying"):
		return mail.Auth
	}
	for _, sign := range [...]string{"auth failed", "auth_failed", "authentication failed", "Authentication failure", "authentication attempts", "plaintext auth", "cleartext auth", "dest auth failed",
		"Login failed", "user disabled", "user_disabled", "pass expired", "pass_expired", "authz_failed", "authorization failed", "cleartext_auth_disabled"} {
		if strings.Contains(message, sign) {
			return mail.AuthFailed
		}
	}
	return mail.Other
}

// reason returns what is in the first brackets of the message, with the number of attempts; else the message.
func reason(message string) string {
	if strings.HasPrefix(message, "proxy(") {
		return message
	}
	open := strings.IndexByte(message, '(')
	if open < 0 {
		return message
	}
	if end := strings.IndexByte(message[open:], ')'); end > 0 {
		return message[open+1 : open+end]
	}
	return message[open+1:]
}

// before returns what is before sep, or all.
func before(s, sep string) string {
	head, _, _ := strings.Cut(s, sep)
	return head
}

// address parses an IP address, with or without the brackets of a log format like "ip=[%r]"; the zero value: it is none.
func address(s string) netip.Addr { return mail.ParseIP(strings.Trim(s, "[]")) }
