package exim

import (
	"strings"

	"mailforensics/mail"
)

// remark is a text about a message in the queue. One that ends with a letter is the whole text, any other its beginning.
type remark struct {
	text string
	kind mail.Kind
}

// remarks are found in src/deliver.c, src/queue.c, src/receive.c and src/spool_in.c. The most frequent come first: a frozen
// message is logged in every queue run.
var remarks = [...]remark{
	{"Message is frozen", mail.Other},
	{"Frozen (", mail.Hold},
	{"Frozen", mail.Hold},
	{"Frozen by ", mail.Hold},
	{"frozen by ", mail.Hold},
	{"*** Frozen", mail.Hold}, // Exim 3, message logs
	{"*** Frozen ", mail.Hold},
	{"Unfrozen by ", mail.Release},
	{"unfrozen by ", mail.Release},
	{"no immediate delivery: ", mail.Other},
	{"removed by ", mail.Remove},
	{"Message removed because older than ", mail.Remove},
	{"rescind the above message-accept", mail.Remove}, // 4.98: the <= of this ID is void
	{"cancelled by system filter: ", mail.Other},      // ** lines follow
	{"cancelled by ", mail.Expire},                    // timeout_frozen_after, or an administrator: exim -Mg. No ** lines follow
	{"Spool file is locked ", mail.Other},
	{"Spool file for ", mail.Other}, // … is locked, 4.94
	{"Spool file ", mail.Warning},
	{"Spool error ", mail.Warning},
	{"spoolfile error ", mail.Warning},
	{"Format error in spool file ", mail.Warning},
	{"Couldn't open message log ", mail.Warning},
	{"Message abandoned: ", mail.Warning},
	{"Process failed (", mail.Warning},
	{"Delivery deferred by ", mail.Other},
	{"original recipients ignored ", mail.Other},
	{"recipient <", mail.Other},
	{"address <", mail.Other},
	{"sender address changed to ", mail.Other},
	{"moved from ", mail.Other},
	{"qualify/rewrite: ", mail.Other},
	{"SMTP connection outbound ", mail.Other}, // cPanel, one for each outgoing delivery
	{"Sender identification U=", mail.FilterResult},
}

// queued parses what Exim and its administrators log about a message in the queue.
func queued(s string, ev *mail.Event) bool {
	if s[0] == 'C' && completed(s, ev) {
		return true
	}
	for i := range remarks {
		if r := &remarks[i]; r.text[0] == s[0] && r.begins(s) {
			ev.Kind, ev.Text = r.kind, s
			about(s, ev)
			return true
		}
	}
	if s[0] == '"' {
		_, rest, _ := cutString(s)
		return strings.HasPrefix(rest, " from ") && strings.Contains(rest, " rewritten as ") && note(s, ev, mail.Other)
	}
	_, rest := cutToken(s)
	return strings.HasPrefix(rest, " router: skipped error: ") && note(s, ev, mail.Other)
}

func (r *remark) begins(s string) bool {
	if alphanumeric(r.text[len(r.text)-1]) {
		return s == r.text
	}
	return strings.HasPrefix(s, r.text)
}

// note sets the kind of an event whose only field is its text. It is always true.
func note(s string, ev *mail.Event, kind mail.Kind) bool {
	ev.Kind, ev.Text = kind, s
	return true
}

// completed parses "Completed QT=3s", where only the time on the queue may follow: an access rule may log a text that begins so, too.
func completed(s string, ev *mail.Event) bool {
	rest, ok := strings.CutPrefix(s, "Completed")
	switch {
	case !ok:
		return false
	case halved(rest):
		ev.Flags |= mail.Doubtful
	default:
		time, ok := strings.CutPrefix(rest, " QT=")
		if !ok {
			return false
		}
		delayed(time, ev)
	}
	ev.Kind = mail.Complete
	return true
}

// about parses whom a remark is about.
func about(s string, ev *mail.Event) {
	switch {
	case s[0] == 'r' && strings.HasPrefix(s, "recipient <"), s[0] == 'a':
		ev.Recipient, _, _ = cutAngle(s[strings.IndexByte(s, '<'):])
	case strings.HasPrefix(s, "SMTP connection outbound "): // stamp, message ID, sender's domain, recipient
		ev.Recipient = s[strings.LastIndexByte(s, ' ')+1:]
	case strings.HasPrefix(s, "Sender identification U="): // U=user D=domain S=sender
		user, rest := cutToken(s[len("Sender identification U="):])
		ev.User = user
		if _, sender, ok := strings.Cut(rest, " S="); ok {
			ev.Sender = sender
		}
	}
}

// attempted parses the lines about a server that was tried; the dispositions of the recipients are in lines of their own.
// src/transports/smtp.c, src/deliver.c
func attempted(s string, ev *mail.Event) bool {
	tail, ok := "", false
	switch s[0] {
	case 'H':
		return triedHost(s, ev)
	case 'S':
		if strings.HasPrefix(s, "SMTP error from remote mail") {
			ev.Kind = mail.Attempt
			explain(s, ev)
			return true
		}
		if _, tail, ok = strings.Cut(s, "connected to "); !ok || !strings.HasPrefix(s, "SMTP timeout while ") {
			return false
		}
	case 'R':
		if tail, ok = strings.CutPrefix(s, "Remote host "); !ok {
			return false
		}
	case '<':
		return piped(s, ev)
	default:
		if tail = s; !triedName(s) {
			return tunnelled(s, ev)
		}
	}
	h, said, ok := cutServer(tail)
	if !ok {
		return false
	}
	h.relay(ev)
	ev.Kind = mail.Attempt
	if tail != s {
		ev.Reply = s
		return true
	}
	explain(strings.TrimPrefix(strings.TrimPrefix(said, ":"), " "), ev)
	return true
}

// triedHost parses "H=host: SMTP error …" and "H=host Connection timed out" (4.85). A host with a HELO is a client.
func triedHost(s string, ev *mail.Event) bool {
	after, ok := strings.CutPrefix(s, "H=")
	if !ok {
		return false
	}
	h, rest, ok := cutServer(after)
	if !ok || strings.HasSuffix(h.name, ")") {
		return false
	}
	h.relay(ev)
	ev.Kind = mail.Attempt
	explain(strings.TrimPrefix(strings.TrimPrefix(rest, ":"), " "), ev)
	return true
}

// triedName reports whether s is "host [ip] what the system said", the form up to 4.84.
func triedName(s string) bool {
	name, rest := cutToken(s)
	if strings.IndexByte(name, '@') >= 0 || !strings.HasPrefix(rest, " [") {
		return false
	}
	_, _, said, ok := cutBrackets(rest[1:])
	if !ok {
		return false
	}
	for _, words := range [...]string{" Connection ", " No route to host", " Network is ", " Host is ", " Operation ", " Broken pipe", ": "} {
		if strings.HasPrefix(said, words) {
			return true
		}
	}
	return false
}

// tunnelled parses a relay's refusal of our own login: "cram authenticator failed H=relay [ip] 535 …", or ours to send it:
// "plain authenticator cancelled authentication H=relay [ip] reason". src/auths/*.c, src/transports/smtp.c: smtp_auth
func tunnelled(s string, ev *mail.Event) bool {
	_, rest := cutToken(s)
	after, ok := strings.CutPrefix(rest, " authenticator failed H=")
	if !ok {
		after, ok = strings.CutPrefix(rest, " authenticator cancelled authentication H=")
	}
	if !ok {
		return false
	}
	h, rest, ok := cutServer(after)
	if !ok {
		return false
	}
	h.relay(ev)
	ev.Kind, ev.Reply = mail.Attempt, strings.TrimPrefix(rest, " ")
	ev.Code, ev.DSN = replyCode(ev.Reply)
	return true
}

// piped parses "<address>: transport output: what a command printed".
func piped(s string, ev *mail.Event) bool {
	address, rest, ok := cutAngle(s)
	if !ok || !strings.HasPrefix(rest, ": ") || !strings.Contains(rest, " transport output: ") {
		return false
	}
	ev.Recipient = address
	return note(s, ev, mail.Warning)
}

// delivered parses the end of a failed address that gets no bounce: "address <original>: error ignored". A ** came before.
func delivered(s string, ev *mail.Event) bool {
	at := strings.Index(s, ": error ignored")
	if at < 0 {
		return false
	}
	final, original, rest := addresses(s[:at])
	if rest != "" || strings.IndexByte(final, '@') < 0 {
		return false
	}
	ev.Recipient, ev.Original = final, original
	return note(s, ev, mail.Other)
}
