package exim

import (
	"strings"

	"mailforensics/mail"
)

// refused parses refusals, and other lines that begin with a client and its fields. src/smtp_in.c: smtp_handle_acl_fail,
// src/receive.c, src/daemon.c
func refused(s string, ev *mail.Event) bool {
	switch s[0] {
	case 'H', 'F', 'U', 'D', ' ':
		return withFields(s, ev)
	case 'r', 't':
		if after, ok := strings.CutPrefix(s, "temporarily "); ok {
			ev.Flags |= mail.Temporary
			if refusedFrom(after, ev) {
				return true
			}
			ev.Flags &^= mail.Temporary
			return false
		}
		return refusedFrom(s, ev)
	case 'C', 'c':
		return refusedConnection(s, ev)
	case 'u':
		return unqualified(s, ev)
	case 'S':
		return unsynchronised(s, ev)
	case 'P':
		return refusedContent(s, ev)
	case 'V':
		if after, ok := strings.CutPrefix(s, "VRFY failed for "); ok {
			argument, ok := namedHost(after, ev)
			ev.Recipient, _ = cutArgument(argument)
			return ok && reject("VRFY", s[:len("VRFY failed")], ev)
		}
	}
	return false
}

func reject(stage, reason string, ev *mail.Event) bool {
	ev.Kind, ev.Stage, ev.Reply = mail.Reject, stage, reason
	if ev.Sender == "" {
		ev.Flags |= mail.NoSender
	}
	return true
}

// withFields parses "H=host F=<sender> A=login … rejected …". A HELO may look like fields (helo_accept_junk_hosts): if they do
// not lead to a word that Exim writes after them, the host ends at a later address.
func withFields(s string, ev *mail.Event) bool {
	s = strings.TrimPrefix(s, " ")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "DS"), " ") // 4.88 prints no blank after it
	if len(s) < 2 || s[1] != '=' {
		return false
	}
	if rest := clientFields(s, ev); spoken(rest) {
		return verdict(rest, ev)
	}
	fresh := mail.Event{Origin: ev.Origin, Raw: ev.Raw, Time: ev.Time, MTA: ev.MTA, Host: ev.Host, Process: ev.Process, PID: ev.PID, Flags: ev.Flags &^ mail.Verified, QueueID: ev.QueueID}
	for at, n := 2, 0; s[0] == 'H' && n < tries; n++ {
		next := strings.Index(s[at:], " [")
		if next < 0 {
			break
		}
		at += next + 1
		h, rest, ok := hostAt(s[2:], at-2)
		if !ok || !strings.HasPrefix(rest, " ") {
			continue
		}
		*ev = fresh
		h.client(ev)
		if rest = clientFields(rest[1:], ev); spoken(rest) {
			return verdict(rest, ev)
		}
	}
	*ev = fresh
	return false
}

// clientFields parses the fields before a verdict, in any order, and returns what follows them.
func clientFields(s string, ev *mail.Event) (rest string) {
	open, auth := byte(0), "" // the field that may continue after a blank
	names := 0                // DN= and SNI=: Exim writes one of each
	for range 2 * wordsBetween {
		if s == "" {
			break
		}
		name, value, next := cutField(s)
		ok := true
		switch name {
		case "H":
			h, after, found := cutHost(valueOf(s, name))
			if ok = found && (after == "" || after[0] == ' '); ok {
				h.client(ev)
			}
			next = after
		case "F":
			if address, after, ok := cutAngle(valueOf(s, name)); ok {
				value, next = mail.SenderOf(address), after
			}
			ev.Sender = value
		case "A":
			auth = valueOf(s, name)
			splitAuth(value, ev)
		case "U":
			if !ev.Client.IP.IsValid() {
				ev.User = value
			}
		case "I":
			ev.Interface = value
		case "X":
			ev.TLS = value
		case "P":
			ev.Protocol = value
		case "DN", "SNI":
			if names++; strings.HasPrefix(value, `"`) && names <= 2 {
				next = afterName(valueOf(s, name)[1:])
			} else if strings.HasPrefix(value, `"`) {
				_, next, _ = strings.Cut(valueOf(s, name)[1:], `" `)
			}
		case "Ci", "CV", "SPF", "DMARC", "PRX", "DS", "TFO", "TFO*":
		default:
			if spoken(s) || !goesOn(open, name, s[:len(s)-len(next)], ev) {
				return s
			}
			if open == 'A' {
				splitAuth(auth[:len(auth)-len(next)], ev)
			}
			s = strings.TrimPrefix(next, " ")
			continue
		}
		if !ok {
			return s
		}
		open, s = name[0], strings.TrimPrefix(next, " ")
	}
	return s
}

// afterName returns what follows the name in a certificate, or the name that a client asked for (SNI), in which quotes are not
// escaped: after the quote that ends it there are a sender, a login and the verdict, and no other host. If no quote is like that,
// the first one counts.
func afterName(s string) (rest string) {
	_, rest, _ = strings.Cut(s, `" `)
	for after, n := rest, 0; n < tries; n++ {
		if leadsToVerdict(after) {
			return after
		}
		var more bool
		if _, after, more = strings.Cut(after, `" `); !more {
			break
		}
	}
	return rest
}

// leadsToVerdict reports whether s begins with a verdict, or with what may be between a certificate's name and one.
func leadsToVerdict(s string) bool {
	loggedIn := false
	for range wordsBetween {
		if spoken(s) {
			return true
		}
		name, _, next := cutField(s)
		switch name {
		case "F":
			if _, after, ok := cutAngle(valueOf(s, name)); ok {
				next = after
			}
		case "A":
			loggedIn = true
		case "SNI", "SPF", "DMARC":
		case "", "H", "I", "U", "X", "P", "CV", "DN":
			return false
		default:
			if !loggedIn {
				return false
			}
		}
		s = strings.TrimPrefix(next, " ")
	}
	return false
}

// goesOn reports whether a word belongs to the field before it: a login or an ident with blanks, or, after the host, the
// recipient of a cutthrough delivery that failed.
func goesOn(field byte, name, word string, ev *mail.Event) bool {
	switch field {
	case 'A':
		return true
	case 'U':
		return name == "" || name[0] != '(' && name[0] != '['
	case 'H':
		if strings.IndexByte(name, '@') > 0 {
			ev.Recipient = word
			return true
		}
	}
	return false
}

// spoken reports whether s begins with the words of a verdict.
func spoken(s string) bool {
	if s == "" {
		return false
	}
	switch s[0] {
	case 'r':
		return strings.HasPrefix(s, "rejected ")
	case 't':
		return strings.HasPrefix(s, "temporarily rejected ") || strings.HasPrefix(s, "tmp-reject from cutthrough ")
	case 's':
		return strings.HasPrefix(s, "sender verify ")
	case 'W':
		return strings.HasPrefix(s, "Warning: ")
	case 'i':
		return strings.HasPrefix(s, "incomplete transaction ")
	case 'd':
		return strings.HasPrefix(s, "dropped by ")
	case 'R':
		return strings.HasPrefix(s, "RCPT ") && strings.Contains(s, ": discarded by ")
	}
	return false
}

// verdict parses what follows the fields; s is spoken.
func verdict(s string, ev *mail.Event) bool {
	if after, ok := strings.CutPrefix(s, "temporarily "); ok {
		ev.Flags |= mail.Temporary
		s = after
	}
	switch s[0] {
	case 'r':
		return rejected(s[len("rejected "):], ev)
	case 't':
		ev.Flags |= mail.Temporary
		_, reason, _ := strings.Cut(s, ": ")
		return reject("END-OF-MESSAGE", reason, ev)
	case 's': // says why the refusal that follows is made
		_, address, _ := strings.Cut(s, " for ")
		ev.Sender, _, _ = cutAngle(address)
		return note(s, ev, mail.Warning)
	case 'W':
		return warned(s[len("Warning: "):], ev)
	case 'i':
		return incomplete(s, ev)
	case 'd':
		return reject("CONNECT", s, ev)
	}
	var reason string
	ev.Recipient, reason = cutArgument(s[len("RCPT "):])
	return dropped(reason, ev)
}

// rejected parses "RCPT <address>: reason", "after DATA: reason" and the like. An argument is what the client sent, at most 100
// characters of it.
func rejected(s string, ev *mail.Event) bool {
	word, rest := cutToken(s)
	rest = strings.TrimPrefix(rest, " ")
	reason := ""
	switch strings.TrimSuffix(word, ":") {
	case "RCPT":
		ev.Recipient, reason = cutArgument(rest)
		if strings.HasPrefix(reason, "discarded by RCPT ACL") { // up to 4.85
			return dropped(reason, ev)
		}
		return reject("RCPT", reason, ev)
	case "MAIL":
		address, reason := cutArgument(rest)
		if ev.Sender == "" {
			ev.Sender = mail.SenderOf(address)
		}
		return reject("MAIL", reason, ev)
	case "EHLO", "HELO":
		return refusedHELO(s, ev)
	case "connection":
		return reject("CONNECT", reasonOf(rest), ev)
	case "DATA":
		return reject("DATA", strings.TrimPrefix(s[len("DATA"):], ": "), ev)
	case "after", "during", "by", "PRDR":
		return reject("END-OF-MESSAGE", reasonOf(rest), ev)
	case "VRFY", "EXPN":
		ev.Recipient, reason = cutArgument(rest)
		return reject(word, reason, ev)
	case "AUTH", "ETRN", "STARTTLS", "QUIT", "HELP", "MAILAUTH", "AUTH=":
		return reject(strings.TrimSuffix(word, ":"), reasonOf(s), ev)
	}
	return reject("", s, ev)
}

// reasonOf returns the reason behind the colon; "": the access rule gave none.
func reasonOf(s string) string {
	_, reason, _ := strings.Cut(s, ": ")
	return reason
}

// afterColon returns the reason, or the whole text if there is none.
func afterColon(s string) string {
	if _, reason, ok := strings.Cut(s, ": "); ok {
		return reason
	}
	return s
}

// cutArgument cuts the argument of a command, with or without angle brackets, and the reason after its colon.
func cutArgument(s string) (address, reason string) {
	if address, rest, ok := cutAngle(s); ok {
		_, reason, _ = strings.Cut(rest, ": ")
		return address, reason
	}
	address, rest := cutAddress(s)
	if strings.HasSuffix(address, ":") && rest != "" {
		return strings.TrimPrefix(address[:len(address)-1], "<"), rest[1:]
	}
	_, reason, _ = strings.Cut(rest, ": ")
	return strings.TrimPrefix(address, "<"), reason
}

// dropped parses a recipient whom the RCPT ACL accepted and discarded.
func dropped(reason string, ev *mail.Event) bool {
	ev.Kind, ev.Disposition, ev.Reply = mail.Discard, mail.Discarded, reason
	return true
}

// warned parses what a warn statement logs, except the notice that one was skipped.  src/acl.c
func warned(s string, ev *mail.Event) bool {
	if strings.HasPrefix(s, "ACL ") && strings.Contains(s, " statement skipped") {
		return note(s, ev, mail.Warning)
	}
	ev.Script = scriptIn(s)
	return note(s, ev, mail.FilterResult)
}

// incomplete parses "incomplete transaction (QUIT) from <sender> for recipients" (+smtp_incomplete_transaction): a client that
// named recipients and sent no message.
func incomplete(s string, ev *mail.Event) bool {
	if end := strings.IndexByte(s, ')'); end > 0 {
		rest := s[end+1:]
		if after, ok := strings.CutPrefix(rest, " from "); ok {
			ev.Sender, rest, _ = cutAngle(after)
			ev.Sender = mail.SenderOf(ev.Sender)
		}
		ev.Recipients, _ = strings.CutPrefix(rest, " for ")
		s = s[:end+1]
	}
	return note(s, ev, mail.Warning)
}

// refusedHELO parses "EHLO or HELO name: reason", which follows the client.
func refusedHELO(s string, ev *mail.Event) bool {
	_, argument, _ := strings.Cut(s, "HELO ")
	name, reason, _ := strings.Cut(argument, ": ")
	if ev.Client.HELO == "" {
		ev.Client.HELO = name
	}
	return reject("HELO", reason, ev)
}

// refusedFrom parses the refusals that name the client after the command.
func refusedFrom(s string, ev *mail.Event) bool {
	if reason, after, ok := strings.Cut(s, ": sender=<"); ok && strings.HasPrefix(s, "too many recipients: ") { // message or excess rejected
		argument, ok := namedHost(after, ev)
		if !ok {
			return false
		}
		ev.Sender = mail.SenderOf(strings.TrimSuffix(argument, ">"))
		if strings.Contains(reason, "temporarily") {
			ev.Flags |= mail.Temporary
		}
		return reject("RCPT", reason, ev)
	}
	if after, ok := strings.CutPrefix(s, "refused connection from "); ok {
		h, rest, ok := cutLastHost(after)
		if ok {
			h.client(ev)
		}
		return ok && reject("CONNECT", strings.TrimLeft(rest, ": "), ev)
	}
	after, ok := strings.CutPrefix(s, "rejected ")
	if !ok {
		return false
	}
	command, rest := cutToken(after)
	switch {
	case command == "EHLO", command == "HELO", command == "MAIL" && strings.HasPrefix(rest, " from "):
		return refusedEarly(command, rest, ev)
	case command == "MAIL", command == "from":
		return refusedMessage(command, strings.TrimPrefix(rest, " "), ev)
	case strings.HasPrefix(command, `"`):
		line, named, _ := strings.Cut(after, `" from `)
		h, _, ok := cutLastHost(named)
		if ok {
			h.client(ev)
		}
		return ok && reject(stageOf(command[1:]), line[1:], ev)
	}
	return false
}

// refusedMessage parses what follows "rejected MAIL ": "FROM:<sender> H=host: message too big: size=9 max=8" and "command H=host: too
// many messages in one connection"; and what follows "rejected from ", after DATA: "<sender> H=host U=ident: reason", which is that
// the message is too big, has too many Received headers (up to now without a blank before H=), or no CRLF.  src/smtp_in.c, src/receive.c
func refusedMessage(command, s string, ev *mail.Event) bool {
	sender := ""
	rest, unnamed := strings.CutPrefix(s, "command ")
	if !unnamed {
		address, after, ok := cutAngle(strings.TrimPrefix(s, "FROM:"))
		if !ok {
			return false
		}
		sender, rest = mail.SenderOf(address), strings.TrimPrefix(after, " ")
	}
	stage, reason := command, ""
	if command == "from" {
		stage = "END-OF-MESSAGE"
	}
	if ident, ok := strings.CutPrefix(rest, "U="); ok { // a local user's
		ev.User, reason, _ = strings.Cut(ident, ": ")
	} else {
		h, after, ok := cutSpeaker(strings.TrimPrefix(rest, "H="))
		if !ok {
			return false
		}
		h.client(ev)
		reason = afterColon(hostFields(after, ev))
	}
	ev.Sender = sender
	return reject(stage, reason, ev)
}

// refusedEarly parses " from host: reason"; the host has no name yet, and the reason ends with what the client sent.
func refusedEarly(command, s string, ev *mail.Event) bool {
	h, rest, ok := cutHost(strings.TrimPrefix(s, " from "))
	if !ok {
		return false
	}
	h.client(ev)
	rest = afterColon(hostFields(rest, ev))
	if command == "MAIL" {
		return reject(command, rest, ev)
	}
	if _, argument, ok := strings.Cut(rest, "argument(s): "); ok && argument != "(no argument given)" {
		ev.Client.HELO = argument
	}
	return reject("HELO", rest, ev)
}

// stageOf returns the command at the beginning of a client's line: its capital letters.
func stageOf(line string) string {
	n := 0
	for n < len(line) && n < 8 && line[n] >= 'A' && line[n] <= 'Z' {
		n++
	}
	if line[:n] == "EHLO" {
		return "HELO"
	}
	return line[:n]
}

// refusedConnection parses "Connection from host refused: reason" and "connection from host refused (IP options)". src/daemon.c,
// src/smtp_in.c
func refusedConnection(s string, ev *mail.Event) bool {
	after, ok := strings.CutPrefix(s[1:], "onnection from ")
	if !ok {
		return false
	}
	h, rest, ok := cutLastHost(after)
	if !ok {
		return false
	}
	rest, ok = strings.CutPrefix(hostFields(rest, ev), " refused")
	if !ok {
		return false
	}
	h.client(ev)
	if s[0] == 'C' {
		ev.Flags |= mail.Temporary // too many, or too much load: 421
	}
	return reject("CONNECT", strings.TrimPrefix(strings.TrimPrefix(rest, ":"), " "), ev)
}

// unqualified parses "unqualified sender rejected: <joe> H=host (failed to find host name …)".  src/smtp_in.c
func unqualified(s string, ev *mail.Event) bool {
	what, after, ok := strings.Cut(s, " rejected: ")
	if !ok {
		return false
	}
	argument, ok := namedHost(after, ev)
	if !ok {
		return false
	}
	address, _ := cutArgument(argument)
	reason := s[:len(what)+len(" rejected")]
	switch what {
	case "unqualified sender":
		ev.Sender = address
		return reject("MAIL", reason, ev)
	case "unqualified recipient":
		ev.Recipient = address
		return reject("RCPT", reason, ev)
	case "unqualified verify":
		ev.Recipient = address
		return reject("VRFY", reason, ev)
	}
	return false
}

// namedHost parses the client after the last " H=", and returns what is before it: what the client sent.
func namedHost(s string, ev *mail.Event) (before string, ok bool) {
	at := strings.LastIndex(s, " H=")
	if at < 0 {
		return s, false
	}
	h, rest, ok := cutHost(s[at+3:])
	if ok {
		h.client(ev)
		hostFields(rest, ev)
	}
	return s[:at], ok
}

// unsynchronised parses the refusal of a client that does not wait for its turn. What it sent is at the end, and before the host
// as far as that was a command.  src/smtp_in.c
func unsynchronised(s string, ev *mail.Event) bool {
	after, ok := strings.CutPrefix(s, "SMTP protocol synchronization error (")
	if !ok {
		after, ok = strings.CutPrefix(s, "SMTP protocol violation: synchronization error (") // up to 4.6x
	}
	if !ok {
		return false
	}
	what, after, ok := strings.Cut(after, "): rejected ")
	if !ok {
		return false
	}
	stage, named, ok := "CONNECT", "", true
	if strings.HasPrefix(after, `"`) {
		stage = stageOf(after[1:])
		_, named, ok = strings.Cut(after, `" H=`)
	} else {
		_, named, ok = strings.Cut(after, " H=")
	}
	h, rest, found := cutHost(named)
	if !ok || !found {
		return false
	}
	h.client(ev)
	hostFields(rest, ev)
	return reject(stage, what, ev)
}

// refusedContent parses "PRDR R=<address> refusal": the verdict on one recipient after DATA. If an access rule gives a text, the
// line is "PRDR address TEXT", and counts as a refusal: what is accepted seldom has a text.  src/receive.c
func refusedContent(s string, ev *mail.Event) bool {
	after, ok := strings.CutPrefix(s, "PRDR ")
	if !ok {
		return false
	}
	if named, ok := strings.CutPrefix(after, "R="); ok {
		address, verdict, ok := cutAngle(named)
		if !ok {
			return false
		}
		ev.Recipient = address
		switch verdict {
		case " acceptance":
			return note(s, ev, mail.Other)
		case " temporary refusal":
			ev.Flags |= mail.Temporary
		case " refusal":
		default:
			return false
		}
		return reject("END-OF-MESSAGE", verdict[1:], ev)
	}
	address, rest := cutAddress(after)
	if len(rest) > 1 && strings.IndexByte(address, '@') > 0 && !strings.HasPrefix(rest, " content ") {
		ev.Recipient = address
		return reject("END-OF-MESSAGE", rest[1:], ev)
	}
	said, ok := strings.CutPrefix(rest, " content ")
	if !ok {
		return false
	}
	ev.Recipient = address
	switch {
	case strings.HasPrefix(said, "accepted"):
		return note(s, ev, mail.Other)
	case strings.HasPrefix(said, "deferred"):
		ev.Flags |= mail.Temporary
	}
	return reject("END-OF-MESSAGE", rest[1:], ev)
}
