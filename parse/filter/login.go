package filter

import (
	"strings"

	"mailforensics/mail"
)

// saslauthd reads the failures that Cyrus SASL's password server logs. The user is what the client typed.
//
//	do_auth         : auth failure: [user=eva] [service=smtp] [realm=example.org] [mech=pam] [reason=PAM auth error]
func saslauthd(body string, ev *mail.Event) {
	is(ev, mail.Other)
	_, rest, ok := strings.Cut(body, "auth failure: [user=")
	if !ok {
		return
	}
	user, rest, ok := cutLast(rest, "] [service=")
	if !ok {
		return
	}
	is(ev, mail.AuthFailed)
	ev.Account, ev.Service = user, "auth"
	ev.AuthMethod = between(rest, "[mech=", "]")
	ev.Text = strings.TrimSuffix(after(rest, "[reason="), "]")
}

// pleskSASL reads the failures of the password server that Plesk puts in the place of Cyrus SASL's. The user is what the client
// typed. What it says of a user who does not exist is said again as a failure.
//
//	failed mail authentication attempt for user 'eva@example.org' (password len=8)
func pleskSASL(body string, ev *mail.Event) {
	is(ev, mail.Other)
	_, user, ok := strings.Cut(body, "attempt for user '")
	if !ok || !strings.HasPrefix(body, "failed mail auth") {
		return
	}
	user, _, ok = cutLast(user, "' (password len=")
	if !ok {
		return
	}
	is(ev, mail.AuthFailed)
	ev.Account, ev.Service = user, "auth"
}

// courier reads "LOGIN, user=eva, ip=[::ffff:192.0.2.66], port=[50122], protocol=IMAP" and "LOGIN FAILED, …".
func courier(body string, ev *mail.Event) {
	is(ev, mail.Other)
	rest, ok := strings.CutPrefix(body, "LOGIN FAILED, ")
	kind := mail.AuthFailed
	if !ok {
		if rest, ok = strings.CutPrefix(body, "LOGIN, "); !ok {
			return
		}
		kind = mail.Auth
	}
	who, where, ok := cutLast(rest, ", ip=[")
	if !ok {
		return
	}
	is(ev, kind)
	where, tail, _ := strings.Cut(where, "]")
	ev.Client.IP = ip(where)
	ev.Client.Port = digits(after(tail, "port=["))
	ev.Account, _ = strings.CutPrefix(who, "user=")
	if method, ok := strings.CutPrefix(who, "method="); ok {
		ev.AuthMethod, ev.Account = method, ""
	}
	ev.Service = protocol(ev.Process)
}

// protocol is what a login server's tag says it speaks.
func protocol(process string) string {
	switch {
	case strings.Contains(process, "pop3"):
		return "pop3"
	case strings.Contains(process, "imap"):
		return "imap"
	}
	return ""
}

// cyrus reads "login: host [192.0.2.66] eva plaintext+TLS User logged in …" and "badlogin: host [192.0.2.66] plaintext eva
// SASL(-13): …" (imap/imapd.c).
func cyrus(body string, ev *mail.Event) {
	is(ev, mail.Other)
	rest, failed := strings.CutPrefix(body, "badlogin: ")
	if !failed {
		var ok bool
		if rest, ok = strings.CutPrefix(body, "login: "); !ok {
			return
		}
	}
	name, rest, ok := strings.Cut(rest, "[")
	if !ok || strings.IndexByte(strings.TrimSuffix(name, " "), ' ') >= 0 {
		return
	}
	where, rest, ok := strings.Cut(rest, "] ")
	if !ok || !ip(where).IsValid() {
		return
	}
	is(ev, mail.Auth)
	ev.Client.Name, ev.Client.IP, ev.Service = strings.TrimSuffix(name, " "), ip(where), protocol(ev.Process)
	first, rest, _ := strings.Cut(rest, " ")
	second, words, _ := strings.Cut(rest, " ")
	if !failed {
		ev.Account, ev.AuthMethod, ev.Text = first, second, words
		return
	}
	is(ev, mail.AuthFailed)
	ev.AuthMethod, ev.Account, ev.Text = first, second, words
	if strings.HasPrefix(rest, "[") || strings.HasPrefix(second, "SASL(") {
		ev.Account, ev.Text = "", rest
	}
}
