package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// agent parses the lines of the delivery agents smtp, lmtp, local, virtual, pipe, error and discard. retry logs as error, relay
// as smtp.
func agent(body string, ev *mail.Event) parse.Verdict {
	if id, rest, ok := cutID(body); ok {
		if strings.HasPrefix(rest, "to=<") {
			setID(id, ev)
			return delivery(rest, ev)
		}
		if v := underway(rest, ev); v != parse.Unfamiliar {
			setID(id, ev)
			return v
		}
	}
	return outgoing(body, ev)
}

// delivery parses the disposition of a recipient:
//
//	to=<ADDR>⟨, orig_to=<ADDR>⟩, relay=R⟨, conn_use=N⟩, delay=D⟨, delays=a/b/c/d⟩⟨, tls=…⟩⟨, dsn=x.y.z⟩, status=WORD (reason)
//
// (global/log_adhoc.c). The order is fixed. It is cut from the left, up to "status=WORD (": the reason is foreign text, runs to
// the end of the line, and may look like anything.
func delivery(s string, ev *mail.Event) parse.Verdict {
	to, s, ok := cutRecipient(s[len("to="):], originalOrRelay)
	if !ok {
		return parse.Damaged
	}
	s = s[len(", "):]
	original := ""
	if rest, found := strings.CutPrefix(s, "orig_to="); found {
		if original, s, ok = cutRecipient(rest, relayFollows); !ok {
			return parse.Damaged
		}
		s = s[len(", "):]
	}
	var delay, dsn string
	relay, s := cutValue(s[len("relay="):])
	if value, ok := strings.CutPrefix(s, "conn_use"); ok && strings.HasPrefix(value, "=") {
		_, s = cutValue(value)
	}
	if value, ok := strings.CutPrefix(s, "delay="); ok {
		delay, s = cutValue(value)
	}
	if value, ok := strings.CutPrefix(s, "delays="); ok {
		_, s = cutValue(value)
	}
	if value, ok := strings.CutPrefix(s, "tls="); ok {
		_, s = cutValue(value)
	}
	if value, ok := strings.CutPrefix(s, "dsn="); ok {
		dsn, s = cutValue(value)
	}
	if s, ok = strings.CutPrefix(s, "status="); !ok {
		return parse.Damaged
	}
	ev.Recipient, ev.Original, ev.DSN = to, original, dsn
	delayed(delay, ev)
	setRelay(relay, ev)
	return result(s, ev)
}

// cutRecipient cuts "<ADDR>" off the front, if the right field follows. Since 3.5 addresses are quoted; before, the first ">" that
// is followed by the right field ends the address.
func cutRecipient(s string, follows func(rest string) bool) (address, rest string, ok bool) {
	address, rest, ok = cutAddress(s)
	if ok && follows(rest) {
		return address, rest, true
	}
	if !strings.HasPrefix(s, "<") { // orig_to=x@y, after somebody edited the log
		i := strings.Index(s, ", relay=")
		return s[:max(i, 0)], s[max(i, 0):], i > 0
	}
	for i := 1; i < len(s); i++ {
		n := strings.Index(s[i:], ">, ")
		if n < 0 {
			break
		}
		i += n
		if follows(s[i+1:]) {
			return s[1:i], s[i+1:], true
		}
	}
	return "", s, false
}

func relayFollows(rest string) bool { return strings.HasPrefix(rest, ", relay=") }

func originalOrRelay(rest string) bool {
	return relayFollows(rest) || strings.HasPrefix(rest, ", orig_to=")
}

// cutValue cuts the value of a field, and the ", " before the next one, off the front. rest is "" if there is no next one.
func cutValue(s string) (value, rest string) {
	end := strings.IndexByte(s, ',')
	if end < 0 || end+1 == len(s) || s[end+1] != ' ' {
		return s, ""
	}
	return s[:end], s[end+len(", "):]
}

// setRelay keeps the next hop: a name with address and port, a host with the path of a socket, the name of a transport, or "none"
// if no server was reached.
func setRelay(relay string, ev *mail.Event) {
	if _, ok := cutRelay(relay, ev); ok {
		setLocal(ev.RelayIP.IsLoopback(), ev)
		return
	}
	ev.Relay = relay
	setLocal(strings.HasSuffix(relay, "]"), ev)
}

// setLocal notes whether the delivery is on this host: into a mailbox, or by LMTP over a socket or the loopback address.
func setLocal(near bool, ev *mail.Event) {
	switch ev.Daemon {
	case "local", "virtual", "pipe":
	case "lmtp":
		if !near {
			return
		}
	default:
		return
	}
	ev.Flags |= mail.LocalTarget
}

// cutRelay cuts name[address]:port off the front, and keeps it as the relay.
func cutRelay(s string, ev *mail.Event) (rest string, ok bool) {
	var c mail.Client
	rest, ok = c.Cut(s)
	if ok {
		ev.Relay, ev.RelayIP, ev.RelayPort = c.Name, c.IP, c.Port
	}
	return rest, ok
}

// result parses "WORD (reason)".
func result(s string, ev *mail.Event) parse.Verdict {
	word, reason, ok := cutWord(s)
	reason, shut := strings.CutSuffix(reason, ")")
	if !ok || !shut {
		ev.Flags |= mail.Incomplete
	}
	d, known := disposition(word)
	switch {
	case !known && ok:
		return parse.Unfamiliar
	case !known:
		return parse.Damaged
	}
	ev.Disposition = d
	ev.Kind, ev.Reply = mail.Delivery, reason
	if ev.Disposition == mail.Delivered {
		sent(reason, ev)
	} else {
		ev.Code = remoteCode(reason)
	}
	return parse.Parsed
}

// cutWord cuts s at the first " (".
func cutWord(s string) (word, reason string, ok bool) {
	if i := strings.IndexByte(s, ' '); i > 0 && i+1 < len(s) && s[i+1] == '(' {
		return s[:i], s[i+2:], true
	}
	return strings.Cut(s, " (")
}

func disposition(word string) (d mail.Disposition, ok bool) {
	switch word {
	case "sent":
		return mail.Delivered, true
	case "deferred", "SOFTBOUNCE": // soft_bounce=yes: it will be tried again
		return mail.Deferred, true
	case "bounced":
		return mail.Bounced, true
	case "deliverable", "undeliverable", "undeliverable-but-not-cached":
		return mail.Probed, true
	}
	return mail.NoDisposition, false
}

// sent interprets "sent", which means that this agent is done. That the relay was a content filter is seen here only if the reply
// has the ID of what it put back, or (amavis) the filter's own. Anything else that speaks LMTP, on this host or another, has no
// queue (RFC 2033, section 1): it has put the message into a mailbox.
func sent(reason string, ev *mail.Event) {
	switch ev.Daemon {
	case "smtp", "lmtp":
		ev.Code, _ = cutCode(reason)
		ev.Child = queuedAs(reason)
		if ev.Daemon == "lmtp" && ev.Child == "" && !strings.Contains(reason, " id=") {
			ev.Flags |= mail.LocalTarget
		}
	case "discard":
		ev.Disposition = mail.Discarded
	case "qmgr", "oqmgr", "nqmgr":
		if strings.HasSuffix(reason, "discarded") {
			ev.Disposition = mail.Discarded
		}
	case "local":
		if child, ok := strings.CutPrefix(reason, "forwarded as "); ok {
			ev.Disposition, ev.Child = mail.Forwarded, child
		} else if reason == "discarded" {
			ev.Disposition = mail.Discarded
		}
	}
}

// queuedAs returns the queue ID that a server, Postfix or Exim ("OK id=…"), gave to the message by its reply; "": there is none.
// If a filter repeats what the next server replied, the last one counts. The filter of Proxmox Mail Gateway replies with its own
// ID, in brackets, and logs elsewhere as what it put the message back.
func queuedAs(reply string) string {
	last := reply[strings.LastIndexByte(reply, ' ')+1:]
	before := reply[:len(reply)-len(last)]
	if !strings.HasSuffix(before, "queued as ") {
		if strings.HasPrefix(last, "(") && (before == "OK " || strings.HasSuffix(before, " 2.5.0 OK ")) { // with and without its codes
			return filterTask(last)
		}
		if id, ok := strings.CutPrefix(last, "id="); ok && strings.HasSuffix(before, "OK ") && eximID(id) {
			return id
		}
		i := parse.LastIndex(reply, "queued as ")
		if i < 0 {
			return ""
		}
		last = reply[i+len("queued as "):]
	}
	n := 0
	for n < len(last) && idByte(last[n]) && last[n] != '.' {
		n++
	}
	return last[:n]
}

// filterTask returns the ID in "(611D85EAAD6477B053)": a serial number, the time and the process, in hexadecimal digits.
func filterTask(s string) string {
	id := strings.Trim(s, "()")
	for i := range len(id) {
		if c := id[i]; (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return ""
		}
	}
	if len(id) < 14 || len(id)+len("()") != len(s) {
		return ""
	}
	return id
}

func eximID(s string) bool {
	for i := range len(s) {
		if !idByte(s[i]) && s[i] != '-' {
			return false
		}
	}
	return len(s) == 16 || len(s) == 23
}

// troubled are what a reason begins with when it names a server (smtp/smtp_proto.c, smtp_trouble.c, smtp_sasl_glue.c). The name
// follows.
var troubled = [...]string{
	"host ", "lost connection with ", "conversation with ", "SASL authentication failed; server ", "SASL [CACHED] authentication failed; server ",
	"SASL authentication failed; cannot authenticate to server ", "SASL authentication failed; authentication protocol loop with server ",
	"TLS is required, but host ", "TLS is required, but was not offered by host ",
}

// cutTroubled cuts what a reason says before the name of a server.
func cutTroubled(reason string) (server string, ok bool) {
	for _, words := range troubled {
		if server, ok := strings.CutPrefix(reason, words); ok {
			return server, true
		}
	}
	return "", false
}

// remoteCode returns the reply code in "host NA said: 550 5.1.1 …", "host NA refused to talk to me: 421 …", "SASL authentication
// failed; server NA said: 535 …" and "TLS is required, but host NA refused to start TLS: 454 …"; 0: the reason is another one, such
// as a failed connection or a destination that was suspended.
func remoteCode(reason string) int {
	server, ok := cutTroubled(reason)
	if !ok {
		return 0
	}
	rest := server[strings.IndexByte(server, ']')+1:]
	for _, words := range [...]string{" said: ", " refused to talk to me: ", " refused to start TLS: "} {
		if said, ok := strings.CutPrefix(rest, words); ok {
			code, _ := cutCode(said)
			return code
		}
	}
	return 0
}

// underway parses lines about a message that is being delivered which give no disposition to a recipient.
func underway(rest string, ev *mail.Event) parse.Verdict {
	if server, ok := cutTroubled(rest); ok {
		return skipped(rest, server, ev)
	}
	switch {
	case strings.HasPrefix(rest, "Cannot start TLS: "), strings.HasPrefix(rest, "Server certificate not "): // the server is not named
		ev.Kind, ev.Reply = mail.Attempt, rest
		return parse.Parsed
	case strings.HasPrefix(rest, "status=deferred ("): // bounce failed
		return warn(rest, ev)
	case strings.HasPrefix(rest, "passing <"), strings.HasPrefix(rest, "enabling PIX "), strings.HasPrefix(rest, "breaking line > "),
		strings.HasPrefix(rest, "Used TLS for "): // of Trend Micro's gateways
		return remark(rest, ev)
	}
	return checked(rest, ev)
}

// checked parses "warning: header TEXT" of smtp_header_checks and smtp_body_checks: without a block, and with the words of the
// table directly after TEXT (smtp/smtp_proto.c, smtp_hbc_logger).
func checked(rest string, ev *mail.Event) parse.Verdict {
	action, text, _ := strings.Cut(rest, ": ")
	if kind, ok := checkKind(action); !ok || kind != mail.Header {
		return parse.Unfamiliar
	}
	ev.Kind = mail.Header
	if header, ok := strings.CutPrefix(text, "header "); ok {
		setHeader(header, ev)
		return parse.Parsed
	}
	var ok bool
	if ev.HeaderValue, ok = strings.CutPrefix(text, "body "); !ok {
		ev.Kind = mail.Other
		return parse.Unfamiliar
	}
	return parse.Parsed
}

// skipped parses lines about a server that did not take the message, while others are left to try (smtp/smtp_trouble.c).
func skipped(text, server string, ev *mail.Event) parse.Verdict {
	ev.Kind, ev.Reply, ev.Code = mail.Attempt, text, remoteCode(text)
	if _, ok := cutRelay(server, ev); ok {
		return parse.Parsed
	}
	ev.Relay, _, _ = strings.Cut(server, " ") // host[private/socket]
	return parse.Parsed
}

// outgoing parses the lines of a delivery agent without a queue ID. They belong to the next message of the process.
func outgoing(body string, ev *mail.Event) parse.Verdict {
	if server, ok := strings.CutPrefix(body, "connect to "); ok && !strings.HasPrefix(server, "subsystem ") {
		return unreached(server, ev)
	}
	if v := tls(body, ev); v != parse.Unfamiliar {
		return v
	}
	server, ok := strings.CutPrefix(body, "SSL_connect error to ")
	if !ok {
		server, ok = uncertified(body)
	}
	if ok {
		cutRelay(server, ev)
		return warn(body, ev)
	}
	if strings.HasPrefix(body, "host ") && strings.HasSuffix(body, " offers SMTPUTF8 support, but not 8BITMIME") {
		return remark(body, ev)
	}
	if strings.HasPrefix(body, "TLSRPT: ") || strings.HasPrefix(body, "Host offered STARTTLS: ") {
		return remark(body, ev)
	}
	return parse.Unfamiliar
}

// unreached parses "mx.example.com[192.0.2.25]:25: Connection refused", what follows "connect to ".
func unreached(server string, ev *mail.Event) parse.Verdict {
	rest, ok := cutRelay(server, ev)
	if !ok {
		ev.Relay, rest, ok = strings.Cut(server, ": ") // host[private/socket]: No such file or directory
		ev.Kind, ev.Reply = mail.Attempt, rest
		return clientFound(ok)
	}
	if rest, ok = strings.CutPrefix(rest, ": "); !ok {
		return parse.Damaged
	}
	ev.Kind, ev.Reply = mail.Attempt, rest
	return parse.Parsed
}
