package exim

import (
	"strings"

	"mailforensics/mail"
)

// connected parses the lines of an SMTP session that are no refusals.  src/daemon.c, src/smtp_in.c, src/receive.c
func connected(s string, ev *mail.Event) bool {
	switch s[0] {
	case 'S':
		return smtp(s, ev)
	case 'u':
		after, ok := strings.CutPrefix(s, "unexpected disconnection while reading SMTP command from ")
		if !ok {
			after, ok = strings.CutPrefix(s, "unexpected EOF while reading SMTP command from ")
		}
		return ok && ended(s, after, ev)
	case 'n':
		return unnamed(s, ev)
	case 'i':
		return identified(s, ev)
	case 'E', 'A':
		after, ok := strings.CutPrefix(s[1:], "TRN ") // ETRN; ATRN since 4.99
		return ok && strings.Contains(after, " received from ") && lastClient(s, after, ev, mail.Other)
	case 'l':
		return strings.HasPrefix(s, "listen backlog ") && note(s, ev, mail.Warning)
	case 'L':
		return strings.HasPrefix(s, "Long host lookup for ") && note(s, ev, mail.Other)
	}
	return false
}

func smtp(s string, ev *mail.Event) bool {
	word, rest := cutToken(s[min(len(s), len("SMTP ")):])
	if !strings.HasPrefix(s, "SMTP ") || rest == "" {
		return false
	}
	rest = rest[1:]
	switch word {
	case "connection":
		return connection(s, rest, ev)
	case "command": // timeout on [TLS ]connection from
		_, after, ok := strings.Cut(rest, "connection from ")
		return ok && strings.HasPrefix(rest, "timeout ") && ended(s, after, ev)
	case "data": // timeout (message abandoned) on connection from host F=<sender> D=7m
		return timedOut(s, rest, ev)
	case "call":
		return hungUp(s, rest, ev)
	case "protocol", "syntax":
		return misspoken(s, rest, ev)
	}
	return false
}

// connection parses the beginning and the end of a session. "SMTP connection outbound" of cPanel is neither.
func connection(s, rest string, ev *mail.Event) bool {
	if after, ok := strings.CutPrefix(rest, "lost after final dot H="); ok {
		h, fields, ok := cutHost(after)
		if ok {
			h.client(ev)
			hostFields(fields, ev)
		}
		ev.Kind, ev.Stage, ev.Text = mail.Disconnect, "END-OF-MESSAGE", s
		return ok
	}
	if strings.HasPrefix(rest, "Ci=") {
		_, rest = cutToken(rest)
		rest = strings.TrimPrefix(rest, " ")
	}
	after, ok := strings.CutPrefix(rest, "from ")
	if !ok {
		return false
	}
	h, tail, ok := cutLastHost(after)
	switch {
	case !ok && after != "":
		ev.User, tail = cutToken(after) // exim -bs
	case !ok:
		return false
	default:
		h.client(ev)
	}
	tail = hostFields(tail, ev)
	if strings.HasPrefix(tail, " lost") {
		if before, d, ok := strings.Cut(tail, " D="); ok {
			delayed(d, ev)
			tail = before
		}
	}
	ev.Kind, ev.Text = mail.Disconnect, strings.TrimPrefix(tail, " ")
	switch {
	case tail == "", strings.HasPrefix(tail, " (TCP/IP connection count"):
		ev.Kind = mail.Connect
	case strings.HasPrefix(tail, " lost while reading message data"):
		ev.Stage = "DATA"
	}
	return true
}

// hostFields parses what may follow a host in a session's lines, in any order, and returns what follows.
func hostFields(s string, ev *mail.Event) (rest string) {
	for len(s) > 3 && s[0] == ' ' {
		name, value, next := cutField(s[1:])
		switch name {
		case "I":
			if strings.HasSuffix(value, ":") { // "I=[192.0.2.1]:25: 535 …"
				value, next = value[:len(value)-1], s[len(s)-len(next)-1:]
			}
			ev.Interface = value
		case "D":
			delayed(value, ev)
		case "X":
			ev.TLS = value
		case "P":
			ev.Protocol = value
		case "Ci":
			if strings.HasSuffix(value, ":") {
				next = s[len(s)-len(next)-1:]
			}
		case "CV", "DS", "PRX":
		default:
			return s
		}
		s = next
	}
	return s
}

// ended parses a session that ended unexpectedly. Nothing after the host is the client's choice.
func ended(s, after string, ev *mail.Event) bool {
	if h, rest, ok := cutLastHost(after); ok {
		h.client(ev)
		hostFields(rest, ev)
	} else if after != "" {
		ev.User, _ = cutToken(after)
	}
	if _, d, ok := strings.Cut(after, " D="); ok {
		delayed(d, ev)
	}
	ev.Kind, ev.Text = mail.Disconnect, strings.TrimSuffix(s[:len(s)-len(after)], " from ")
	return true
}

// timedOut parses a session that ended within DATA; after the host is the sender, as the client gave it.
func timedOut(s, rest string, ev *mail.Event) bool {
	_, after, ok := strings.Cut(rest, "connection from ")
	if !ok || !strings.HasPrefix(rest, "timeout ") {
		return false
	}
	if h, fields, ok := cutHost(after); ok {
		h.client(ev)
		fields = hostFields(fields, ev)
		if address, _, ok := cutAngle(strings.TrimPrefix(fields, " F=")); ok {
			ev.Sender = mail.SenderOf(address)
		}
	}
	if i := strings.LastIndex(after, " D="); i >= 0 {
		delayed(after[i+3:], ev)
	}
	ev.Kind, ev.Stage, ev.Text = mail.Disconnect, "DATA", strings.TrimSuffix(s[:len(s)-len(after)], " from ")
	return true
}

// hungUp parses "SMTP call from host dropped: too many … (last command was …)". The command ends the line, so the host is the
// first one before "dropped".
func hungUp(s, rest string, ev *mail.Event) bool {
	after, ok := strings.CutPrefix(rest, "from ")
	if !ok {
		return false
	}
	for at, n := 0, 0; n < tries; n++ {
		if h, tail, ok := hostAt(after, at); ok {
			if reason, ok := strings.CutPrefix(hostFields(tail, ev), " dropped: "); ok {
				h.client(ev)
				ev.Kind, ev.Text = mail.Disconnect, reason
				return true
			}
		}
		next := strings.Index(after[at:], " [")
		if next < 0 {
			break
		}
		at += next + 1
	}
	return note(s, ev, mail.Warning)
}

// misspoken parses `SMTP protocol error in "command" H=host what is wrong`. The command may contain the same words, and its
// quotes are escaped only since 4.99, so the host is the last one after a quote.  src/smtp_in.c: synprot_error
func misspoken(s, rest string, ev *mail.Event) bool {
	if !strings.HasPrefix(rest, "error in ") {
		return false
	}
	if at := strings.LastIndex(rest, `" H=`); at >= 0 {
		if h, tail, ok := cutHost(rest[at+4:]); ok {
			h.client(ev)
			hostFields(tail, ev)
		}
	}
	return note(s, ev, mail.Warning)
}

// unnamed parses "no host name found …", "no IP address found …" and "no MAIL in SMTP connection …".
func unnamed(s string, ev *mail.Event) bool {
	if after, ok := strings.CutPrefix(s, "no host name found for IP address "); ok {
		ip, _ := cutToken(after)
		ev.Client.IP, _ = address(ip)
		return note(s, ev, mail.Other)
	}
	if after, ok := strings.CutPrefix(s, "no IP address found for host "); ok {
		name, rest := cutToken(after)
		_, during, _ := strings.Cut(strings.TrimSuffix(rest, ")"), " from ")
		if h, _, ok := cutLastHost(during); ok {
			ev.Client.IP = h.ip
		}
		ev.Client.Name = name
		return note(s, ev, mail.Other)
	}
	after, ok := strings.CutPrefix(s, "no MAIL in SMTP connection from ")
	return ok && mailless(s, after, ev)
}

// mailless parses the end of a session without a message (+smtp_no_mail). If there was a login in it, that is the event: somebody
// tried a password, and it was right.
func mailless(s, after string, ev *mail.Event) bool {
	h, rest, ok := cutSpeaker(after)
	if !ok {
		ev.User, rest = cutToken(after)
	} else {
		h.client(ev)
	}
	rest = hostFields(rest, ev)
	ev.Kind = mail.Disconnect
	if auth, ok := strings.CutPrefix(rest, " A="); ok {
		end := len(auth)
		for _, field := range [...]string{" X=", " C=", " Ci=", " CV="} {
			if i := strings.Index(auth, field); i >= 0 {
				end = min(end, i)
			}
		}
		splitAuth(auth[:end], ev)
		ev.Kind = mail.Auth
		rest = hostFields(auth[end:], ev)
	}
	ev.Text = s[:len("no MAIL")]
	if commands, ok := strings.CutPrefix(rest, " C="); ok {
		ev.Text = commands
	}
	return true
}

// identified parses what is about an ident look-up, or the sender that a client gives with AUTH=.
func identified(s string, ev *mail.Event) bool {
	if after, ok := strings.CutPrefix(s, "ident connection to "); ok {
		ip, _ := cutToken(after)
		ev.Client.IP, _ = address(ip)
		return note(s, ev, mail.Other)
	}
	after, ok := strings.CutPrefix(s, "ignoring AUTH=")
	if !ok {
		return false
	}
	_, named, ok := strings.Cut(after, " from ")
	return ok && lastClient(s, named, ev, mail.Other)
}

// lastClient stores the host that ends with the last address of a text.
func lastClient(s, after string, ev *mail.Event, kind mail.Kind) bool {
	if i := strings.LastIndex(after, " from "); i >= 0 {
		after = after[i+len(" from "):]
	}
	if h, _, ok := cutLastHost(strings.TrimPrefix(after, "H=")); ok {
		h.client(ev)
	}
	return note(s, ev, kind)
}
