package exim

import (
	"strings"

	"mailforensics/mail"
)

// encrypted parses the lines about TLS and signatures.  src/tls-openssl.c, src/tls-gnu.c, src/tls.c, src/dkim.c
func encrypted(s string, ev *mail.Event) bool {
	switch s[0] {
	case 'T':
		return handshake(s, ev)
	case 'D':
		return signed(s, ev) || handshake(s, ev)
	case '[':
		return unverified(s, ev)
	case 'S': // SSL_write: (from host) syscall: Broken pipe
		after, ok := strings.CutPrefix(s, "SSL_write: (from ")
		return ok && lastClient(s, after, ev, mail.Warning)
	}
	return false
}

// handshake parses "TLS error on connection from host (function): text", "TLS error (function): on connection from host text",
// and the forms about a server that we connect to.
func handshake(s string, ev *mail.Event) bool {
	if !strings.HasPrefix(s, "TLS error ") && !strings.HasPrefix(s, "TLS session: ") && !strings.HasPrefix(s, "DANE attempt failed; TLS connection to ") {
		return false
	}
	if _, named, ok := strings.Cut(s, "on connection from "); ok {
		if h, rest, ok := cutHost(strings.TrimPrefix(named, "H=")); ok {
			h.client(ev)
			hostFields(rest, ev)
		}
		return note(s, ev, mail.Warning)
	}
	_, named, ok := strings.Cut(s, "onnection to ") // on connection to, TLS connection to
	if !ok {
		_, named, _ = strings.Cut(s, " to H=")
	}
	if h, _, ok := cutServer(named); ok {
		h.relay(ev)
	}
	return note(s, ev, mail.Warning)
}

// signed parses the verdict on a signature. Its i= tag is decoded and may contain a line feed: an entry without its closing
// bracket is a first half.
func signed(s string, ev *mail.Event) bool {
	if !strings.HasPrefix(s, "DKIM: ") {
		return false
	}
	if strings.HasPrefix(s, "DKIM: d=") && !strings.HasSuffix(s, "]") {
		ev.Flags |= mail.Incomplete
	}
	return note(s, ev, mail.FilterResult)
}

func unverified(s string, ev *mail.Event) bool {
	ip, port, rest, ok := cutBrackets(s)
	if !ok || !strings.HasPrefix(rest, " SSL verify ") && !strings.HasPrefix(rest, " after QUIT, client reset TCP ") {
		return false
	}
	ev.Client.IP, ev.Client.Port = ip, port
	return note(s, ev, mail.Warning)
}
