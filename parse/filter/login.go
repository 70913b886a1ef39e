package filter

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
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
	user, rest, ok := parse.CutLast(rest, "] [service=")
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
	user, _, ok = parse.CutLast(user, "' (password len=")
	if !ok {
		return
	}
	is(ev, mail.AuthFailed)
	ev.Account, ev.Service = user, "auth"
}

// vpopmail reads what vchkpw says of a login, for whichever server called it. The user is what the client typed, and the password
// may be in the line: it is not kept.
//
//	vchkpw-smtp: password fail eva@example.org:192.0.2.66
//	vchkpw-submission: (PLAIN) login success eva@example.org:192.0.2.66
func vpopmail(body string, ev *mail.Event) {
	is(ev, mail.Other)
	service, rest, ok := strings.Cut(body, ": ")
	service, found := strings.CutPrefix(service, "vchkpw-")
	if !ok || !found {
		return
	}
	method := ""
	if strings.HasPrefix(rest, "(") {
		method, rest, _ = strings.Cut(rest[1:], ") ")
	}
	for _, words := range [...]string{"login success ", "password fail ", "vpopmail user not found ", "null password given "} {
		who, ok := strings.CutPrefix(rest, words)
		if !ok {
			continue
		}
		if strings.HasPrefix(who, "(pass: '") {
			_, who, _ = parse.CutLast(who, "') ")
		}
		account, client := userAt(who)
		if !client.IsValid() {
			return
		}
		is(ev, mail.AuthFailed)
		if words == "login success " {
			is(ev, mail.Auth)
		} else {
			ev.Text = strings.TrimSuffix(words, " ")
		}
		ev.Service, ev.AuthMethod, ev.Account, ev.Client.IP = service, method, account, client
		return
	}
}

// userAt splits "eva@example.org:192.0.2.66". An IPv4 address is after the last colon, whatever the name of the client; an IPv6
// address contains colons itself.
func userAt(who string) (account string, client netip.Addr) {
	account, where, _ := parse.CutLast(who, ":")
	if strings.IndexByte(where, '.') >= 0 {
		return strings.TrimSuffix(account, ":::ffff"), mail.ParseIP(where)
	}
	account, where, _ = strings.Cut(who, ":")
	return account, mail.ParseIP(where)
}

// courier reads "LOGIN, user=eva, ip=[::ffff:192.0.2.66], port=[50122], protocol=IMAP" and "LOGIN FAILED, …". Cyrus' servers had
// the same names once.
func courier(body string, ev *mail.Event) {
	if strings.HasPrefix(body, "badlogin: ") || strings.HasPrefix(body, "login: ") {
		cyrus(body, ev)
		return
	}
	is(ev, mail.Other)
	rest, ok := strings.CutPrefix(body, "LOGIN FAILED, ")
	kind := mail.AuthFailed
	if !ok {
		if rest, ok = strings.CutPrefix(body, "LOGIN, "); !ok {
			return
		}
		kind = mail.Auth
	}
	who, where, ok := parse.CutLast(rest, ", ip=[")
	if !ok {
		return
	}
	is(ev, kind)
	where, tail, _ := strings.Cut(where, "]")
	ev.Client.IP = mail.ParseIP(where)
	ev.Client.Port = portOf(after(tail, "port=["))
	ev.Account, _ = strings.CutPrefix(who, "user=")
	if method, ok := strings.CutPrefix(who, "method="); ok {
		ev.AuthMethod, ev.Account = method, ""
	}
	ev.Service = protocol(ev.Process)
}

// protocol returns the protocol that a login server speaks, by its tag.
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
// SASL(-13): …" (imap/imapd.c), of timsieved without the user.
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
	if !ok || !mail.ParseIP(where).IsValid() {
		return
	}
	is(ev, mail.Auth)
	ev.Client.Name, ev.Client.IP, ev.Service = strings.TrimSuffix(name, " "), mail.ParseIP(where), protocol(ev.Process)
	first, rest, _ := strings.Cut(rest, " ")
	second, words, _ := strings.Cut(rest, " ")
	if !failed {
		ev.Account, ev.AuthMethod, ev.Text = first, second, words
		return
	}
	is(ev, mail.AuthFailed)
	ev.AuthMethod, ev.Account, ev.Text = first, second, words
	if strings.HasPrefix(rest, "[") || strings.HasPrefix(rest, "SASL(") || strings.HasPrefix(rest, "authentication failure") {
		ev.Account, ev.Text = "", rest
	}
}
