package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// untoldDaemons are those whose lines untold recognises, in an order in which none takes the lines of a later one: cleanup's grammar
// knows deliveries, too, because a milter or a header check can make it log one.
var untoldDaemons = [...]string{"postscreen", "smtpd", "smtp", "qmgr", "cleanup", "bounce", "pickup", "dnsblog", "postsuper"}

// untoldRemarks are those whose lines are known that are of use only to human readers.
var untoldRemarks = [...]string{"postfix-script", "master", "anvil", "tlsmgr", "smtpd", "smtp", "cleanup", "qmgr", "postscreen", "tlsproxy", "postsuper"}

// untold parses a line whose tag does not name the daemon, which its words tell: rsyslog's programname ends at the slash, and
// journalctl -o with-unit has the name of a unit.
func untold(body string, t tag, ev *mail.Event) parse.Verdict {
	before := *ev
	for _, daemon := range untoldDaemons {
		if daemon == "postscreen" && !ofPostscreen(body) || daemon == "smtpd" && ofOthers(body) {
			continue
		}
		if as(daemon, body, t, ev) == parse.Parsed && (ev.Kind != mail.Other && ev.Kind != mail.Warning || ev.Client.IP.IsValid()) {
			return parse.Parsed
		}
		*ev = before
	}
	for _, daemon := range untoldRemarks {
		if as(daemon, body, t, ev) == parse.Parsed {
			ev.Daemon = t.daemon
			return parse.Parsed
		}
		*ev = before
	}
	return as(t.daemon, body, t, ev)
}

// ofPostscreen reports whether postscreen may have written a line: it does not know the names of clients, and logs their ports.
func ofPostscreen(body string) bool {
	_, client, found := strings.Cut(body, " from ")
	return !found || strings.HasPrefix(client, "[")
}

// ofOthers reports whether a line that smtpd's grammar takes is another's: a warning about a message, and what a milter did at its
// end, are cleanup's (cleanup/cleanup_milter.c), a TLS connection to somebody is smtp's.
func ofOthers(body string) bool {
	if text, ok := cutSeverity(body); ok {
		id, _, ok := cutID(text)
		return ok && queueID(id)
	}
	if _, rest, ok := cutID(body); ok {
		verb, rest, _ := strings.Cut(rest, ": ")
		return strings.HasPrefix(verb, "milter-") && strings.HasPrefix(rest, "END-OF-MESSAGE ")
	}
	_, peer, ok := strings.Cut(body, "TLS connection ")
	return ok && (strings.HasPrefix(peer, "established to ") || strings.HasPrefix(peer, "reused to "))
}

// as parses a line as one of the daemon's.
func as(daemon, body string, t tag, ev *mail.Event) parse.Verdict {
	t.daemon = daemon
	t.stamp(ev)
	v := dispatch(grammarOf(daemon), body, ev)
	if daemon != "smtp" || v != parse.Parsed {
		return v
	}
	if ev.Kind == mail.Header { // smtp_header_checks are rare, and have the words of header_checks
		return parse.Unfamiliar
	}
	if agent := agentOf(ev); ev.Kind == mail.Delivery && agent != daemon {
		*ev = mail.Event{Origin: ev.Origin, Raw: ev.Raw, Time: ev.Time, Host: ev.Host, Process: ev.Process, PID: ev.PID}
		return as(agent, body, t, ev)
	}
	return v
}

// agentOf returns the delivery agent that logged a delivery: the relay is its name, a host with an address, one with a path, or the
// name of a transport. LMTP over TCP is told by its port (RFC 2033 has none; IANA's is 24), or by Dovecot's word for it.
func agentOf(ev *mail.Event) string {
	const lmtp = 24
	switch {
	case ev.Relay == "local", ev.Relay == "virtual":
		return ev.Relay
	case ev.Relay == "none" && ev.Disposition == mail.Delivered:
		return "discard"
	case strings.HasSuffix(ev.Relay, "]"), ev.RelayPort == lmtp, strings.HasSuffix(ev.Reply, " Saved"):
		return "lmtp"
	case ev.RelayIP.IsValid(), ev.Relay == "none", ev.Relay == "":
		return "smtp"
	}
	return "pipe"
}
