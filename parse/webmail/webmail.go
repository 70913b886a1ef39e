// Package webmail reads the logs of webmail programs: logins and hand-ins of Roundcube (userlogins, sendmail and errors) and of
// Zimbra (audit.log and mailbox.log), logins that SquirrelMail's squirrel_logger, Horde and SOGo note, and failed ones of RainLoop
// and SnappyMail.
//
// It is one of the formats of package parse. For the mail server, all users of a webmail come from the webmail's host: only these
// lines have the address of the browser. They are in files of their own, or in syslog.
//
// The name of a user whose login failed is what was typed, so fields are cut from the right.
package webmail

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// Format parses the lines of these programs.
var Format = parse.Format{Name: "webmail", Parse: parseLine}

func parseLine(body string, ev *mail.Event) parse.Verdict {
	switch ev.Process {
	case "roundcube":
		return roundcube(body, ev)
	case "squirrelmail":
		return squirrelmail(body, ev)
	case "HORDE":
		return horde(body, ev)
	case "sogod":
		return sogo(body, ev)
	case "zimbra":
		return zimbra(body, ev)
	case "snappymail":
		return snappymail(body, ev)
	}
	return parse.Foreign
}

// roundcube reads (program/include/rcmail.php, log_login and deliver_message)
//
//	⟨<session> ⟩Successful login for U (ID: N) from ADDR in session S
//	⟨<session> ⟩Failed login for U from ADDR in session S (error: N)
//	⟨<session> ⟩User U [ADDR]; Message ⟨M ⟩for A, B; 250: 2.0.0 Ok: queued as Q (Exim: 250: OK id=Q)
//	⟨<session> ⟩IMAP Error: Login failed for U ⟨against HOST ⟩from ADDR. …
//	FAILED login for U from ADDR
//
// The last is of a plugin for fail2ban, from before Roundcube 1.0.
func roundcube(body string, ev *mail.Event) parse.Verdict {
	ev.MTA = mail.Webmail
	if strings.HasPrefix(body, "<") {
		if session, rest, ok := strings.Cut(body, "> "); ok && strings.IndexByte(session, ' ') < 0 {
			body = rest
		}
	}
	if who, ok := strings.CutPrefix(body, "Successful login for "); ok {
		return login(who, mail.Auth, ev)
	}
	if who, ok := strings.CutPrefix(body, "Failed login for "); ok {
		return login(who, mail.AuthFailed, ev)
	}
	if who, ok := strings.CutPrefix(body, "FAILED login for "); ok {
		return login(who, mail.AuthFailed, ev)
	}
	if who, ok := strings.CutPrefix(body, "User "); ok {
		return handIn(who, ev)
	}
	if strings.HasPrefix(body, "IMAP Error") {
		imapError(body, ev)
		return parse.Parsed
	}
	ev.Kind = mail.Other
	return parse.Parsed
}

func login(who string, kind mail.Kind, ev *mail.Event) parse.Verdict {
	if at := strings.LastIndex(who, " in session "); at >= 0 {
		who = who[:at]
	}
	user, where, ok := parse.CutLast(who, " from ")
	if !ok {
		return parse.Damaged
	}
	if kind == mail.Auth {
		if name, id, ok := parse.CutLast(user, " (ID: "); ok && strings.HasSuffix(id, ")") {
			user = name
		}
	}
	ev.Kind, ev.Service = kind, "webmail"
	ev.Account, ev.Client.IP = user, browser(where)
	doubt(user, ev)
	return parse.Parsed
}

// handIn parses a message that the webmail gave to the mail server, which replied with its queue ID.
func handIn(who string, ev *mail.Event) parse.Verdict {
	head, rest, ok := strings.Cut(who, "]; Message ")
	if !ok {
		ev.Kind = mail.Other
		return parse.Parsed
	}
	user, where, ok := parse.CutLast(head, " [")
	if !ok {
		return parse.Damaged
	}
	ev.Kind, ev.Account, ev.Client.IP = mail.FilterResult, user, browser(where)
	doubt(user, ev)
	if id, tail, ok := strings.Cut(rest, " for "); ok && strings.HasPrefix(id, "<") {
		rest = tail
		if id != "<>" {
			ev.MessageID = mail.TrimMessageID(id)
		}
	}
	to, said, ok := parse.CutLast(strings.TrimPrefix(rest, "for "), "; ")
	if !ok {
		return parse.Parsed
	}
	ev.Recipient, _, _ = strings.Cut(to, ", ")
	ev.Text = said
	_, id, ok := parse.CutLast(said, "queued as ")
	if !ok {
		_, id, ok = parse.CutLast(said, "OK id=") // Exim
	}
	if ok && alphanumeric(id) {
		ev.QueueID = id
	}
	return parse.Parsed
}

// imapError parses a login that the IMAP server refused. The userlogins log, if it is kept, has the same failure. The server's
// reply comes after the address, and may repeat the name (rcube_imap.php, connect).
func imapError(body string, ev *mail.Event) {
	ev.Kind, ev.Text = mail.Warning, body
	_, who, ok := strings.Cut(body, "Login failed for ")
	if !ok {
		return
	}
	user, where, ok := parse.CutLast(beforeAnswer(who), " from ")
	if !ok {
		return
	}
	where, _, _ = strings.Cut(where, ". ")
	ip := browser(strings.TrimSuffix(where, "."))
	if !ip.IsValid() {
		return
	}
	if name, host, ok := parse.CutLast(user, " against "); ok && strings.IndexByte(host, ' ') < 0 {
		user = name
	}
	ev.Kind, ev.Service, ev.Account, ev.Client.IP = mail.AuthFailed, "auth", user, ip
	if strings.Count(body, ". LOGIN: ")+strings.Count(body, ". AUTHENTICATE ") > 1 {
		ev.Flags |= mail.Doubtful // one of them was typed as a name, with an address before it
	}
}

// doubt marks a line in which a header that the browser sent has become a part of the name: then the addresses in it were written
// by whoever sent the header.
func doubt(user string, ev *mail.Event) {
	if strings.Contains(user, "(X-Forwarded-For: ") || strings.Contains(user, "(X-Real-IP: ") {
		ev.Flags |= mail.Doubtful
	}
}

// beforeAnswer cuts off the IMAP server's reply.
func beforeAnswer(who string) string {
	for _, answer := range [...]string{". AUTHENTICATE ", ". LOGIN: ", ". Could not connect to ", ". Empty startup greeting "} {
		if at := strings.Index(who, answer); at >= 0 {
			return who[:at]
		}
	}
	return who
}

// squirrelmail parses "[LOGIN] user (domain) from ADDR: words" and "[LOGIN_ERROR] …".
func squirrelmail(body string, ev *mail.Event) parse.Verdict {
	ev.MTA = mail.Webmail
	who, ok := strings.CutPrefix(body, "[LOGIN] ")
	kind := mail.Auth
	if !ok {
		if who, ok = strings.CutPrefix(body, "[LOGIN_ERROR] "); !ok {
			ev.Kind = mail.Other
			return parse.Parsed
		}
		kind = mail.AuthFailed
	}
	user, where, ok := parse.CutLast(who, " from ")
	if !ok {
		return parse.Damaged
	}
	if name, domain, ok := parse.CutLast(user, " ("); ok && strings.HasSuffix(domain, ")") {
		user = name
	}
	where, words, _ := strings.Cut(where, ": ")
	ev.Kind, ev.Service, ev.Account, ev.Client.IP, ev.Text = kind, "webmail", user, browser(where), words
	return parse.Parsed
}

// browser parses "192.0.2.66" or, if there is a proxy in front of the webmail, "127.0.0.1(X-Forwarded-For: 192.0.2.66)". The
// forwarded address is believed only from a proxy of our own.
func browser(where string) netip.Addr {
	near, told, ok := strings.Cut(where, "(")
	ip := mail.ParseIP(strings.TrimSuffix(near, " "))
	if !ok || !mail.IsInside(ip) {
		return ip
	}
	if _, far, ok := parse.CutLast(told, ": "); ok {
		far = strings.TrimSuffix(far, ")")
		if _, last, ok := parse.CutLast(far, ","); ok {
			far = strings.TrimSpace(last)
		}
		if far := mail.ParseIP(far); far.IsValid() {
			return far
		}
	}
	return ip
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-') {
			return false
		}
	}
	return len(s) >= 6
}
