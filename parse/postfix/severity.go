package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// cutSeverity cuts off the word of a line that is not informational (util/msg_output.c). Words worse than "warning" stay part of
// the text.
func cutSeverity(body string) (text string, ok bool) {
	if body == "" {
		return body, false
	}
	switch body[0] {
	case 'w':
		return strings.CutPrefix(body, "warning: ")
	case 'f':
		return body, strings.HasPrefix(body, "fatal: ")
	case 'e':
		return body, strings.HasPrefix(body, "error: ")
	case 'p':
		return body, strings.HasPrefix(body, "panic: ")
	}
	return body, false
}

// severity parses warnings and worse. Any text can be one; some have a meaning.
func severity(body, text string, ev *mail.Event) parse.Verdict {
	warn(text, ev)
	if len(text) == len(body) {
		submitter(text, ev)
		return parse.Parsed
	}
	if id, rest, ok := cutID(text); ok && (queueID(id) || id == noQueue) {
		setID(id, ev)
		return warnedMail(rest, ev)
	}
	switch ev.Daemon {
	case "smtpd":
		return warnedSession(text, ev)
	case "qmgr", "oqmgr", "nqmgr":
		corrupt(text, ev)
	case "postscreen", "tlsproxy":
		warnedClient(text, ev)
	case "postdrop":
		if uid, ok := strings.CutPrefix(text, "uid="); ok {
			setUID(uid, ev)
		}
	}
	return parse.Parsed
}

// submitter parses the local user in "fatal: eva(1001): No recipient addresses found in message header" of sendmail and postdrop,
// and in "fatal: User www-data(33) is not allowed to submit mail".
func submitter(text string, ev *mail.Event) {
	if ev.Daemon != "sendmail" && ev.Daemon != "postdrop" {
		return
	}
	_, rest, _ := strings.Cut(text, ": ")
	rest = strings.TrimPrefix(rest, "User ")
	name, rest, ok := strings.Cut(rest, "(")
	if ok && strings.IndexByte(name, ' ') < 0 && setUID(rest, ev) {
		ev.User = name
	}
}

func setUID(s string, ev *mail.Event) bool {
	uid, rest, ok := cutNumber(s)
	if !ok || rest == "" || rest[0] != ')' && rest[0] != ':' {
		return false
	}
	ev.UID = int(uid)
	ev.Flags |= mail.HasUID
	return true
}

// notAccepted ends what cleanup says of a table that it could not look up.
const notAccepted = " -- message not accepted, try again later"

// warnedMail parses a warning about a message. Some mean that it was refused, which no other line says (cleanup/cleanup_api.c,
// smtpd/smtpd.c).
func warnedMail(rest string, ev *mail.Event) parse.Verdict {
	ev.Text = rest
	if strings.HasPrefix(rest, "message rejected: ") || rest == "queue file size limit exceeded" || strings.HasSuffix(rest, notAccepted) {
		ev.Kind, ev.Text, ev.Reply = mail.Reject, "", rest
		ev.Flags |= mail.NoSender
		if ev.Daemon == "smtpd" {
			ev.Stage = "END-OF-MESSAGE"
		}
		if strings.HasSuffix(rest, notAccepted) {
			ev.Flags |= mail.Temporary
		}
	}
	return parse.Parsed
}

// corrupt parses `saving corrupt file "QID" from queue "active" to queue "corrupt"`: the end of that queue ID.
func corrupt(text string, ev *mail.Event) {
	rest, ok := strings.CutPrefix(text, `saving corrupt file "`)
	if !ok {
		return
	}
	if id, _, ok := strings.Cut(rest, `"`); ok {
		ev.Kind, ev.QueueID = mail.Remove, id
	}
}

// warnedClient looks for the client in a warning, at its end or before a colon.
func warnedClient(text string, ev *mail.Event) {
	if _, rest, ok := strings.Cut(text, " for ["); ok {
		cutClient(text[len(text)-len(rest)-1:], ev)
	}
}

// warnedSession parses the warnings of smtpd that name a client.
func warnedSession(text string, ev *mail.Event) parse.Verdict {
	if rest, ok := cutClient(text, ev); ok {
		if said, ok := strings.CutPrefix(rest, ": SASL "); ok {
			return authFailed(said, ev)
		}
		return parse.Parsed
	}
	switch {
	case strings.HasPrefix(text, "non-SMTP command from "):
		cutClient(text[len("non-SMTP command from "):], ev)
	case strings.HasPrefix(text, "Illegal address syntax from "):
		rest, ok := cutClient(text[len("Illegal address syntax from "):], ev)
		if in, found := strings.CutPrefix(rest, " in "); ok && found {
			ev.Stage, _, _ = strings.Cut(in, " ")
		}
	case strings.HasPrefix(text, "reject: "): // reject: ETRN example.com... from NA
		refusedQuietly(text[len("reject: "):], ev)
	case strings.Contains(text, " limit exceeded: "):
		limited(text, ev)
	default:
		badName(text, ev)
	}
	return parse.Parsed
}

// authFailed parses "METHOD authentication failed: REASON⟨, sasl_username=NAME⟩" and "METHOD authentication aborted"
// (smtpd/smtpd_sasl_glue.c). Method and name are what the client sent: the name runs to the end of the line, whatever it
// contains. If the mechanism was not even known, the name is that of an earlier attempt.
func authFailed(said string, ev *mail.Event) parse.Verdict {
	start := 0
	if said != "" && (said[0] == '"' || said[0] == '<') {
		start = min(region(said, 0), len(said))
	}
	i := strings.Index(said[start:], " authentication ")
	if i < 0 {
		return parse.Parsed // "SASL: …": a warning
	}
	ev.Kind, ev.Text, ev.AuthMethod = mail.AuthFailed, "", said[:start+i]
	rest := said[start+i+len(" authentication "):]
	reason, ok := strings.CutPrefix(rest, "failed: ")
	if !ok {
		ev.Reply = rest // aborted
		return parse.Parsed
	}
	reason, name, _ := strings.Cut(reason, ", sasl_username=")
	ev.Reply = reason
	if name != "(unavailable)" && reason != "Invalid authentication mechanism" {
		ev.Account = name
	}
	return parse.Parsed
}

// refusedQuietly parses "ETRN example.com... from NA": a refusal without a code and a tail.
func refusedQuietly(s string, ev *mail.Event) {
	stage, rest, ok := strings.Cut(s, " ")
	i := strings.LastIndex(rest, " from ")
	if !ok || i < 0 || !stageWord(stage) {
		return
	}
	if _, ok := cutFrom(rest[i:], ev); ok {
		ev.Kind, ev.Stage, ev.Text, ev.Reply = mail.Reject, stage, "", s
		ev.Flags |= mail.NoSender
	}
}

// limited parses "Connection rate limit exceeded: 61 from NA for service smtp" (anvil's limits, smtpd/smtpd.c). It is the only line
// about a connection, MAIL or RCPT that was refused for its frequency. A client that is refused TLS or AUTH goes on: its next
// command tells what becomes of it.
func limited(text string, ev *mail.Event) {
	what, rest, _ := strings.Cut(text, ": ")
	_, rest, ok := cutNumber(rest)
	if !ok {
		return
	}
	if _, ok := cutFrom(rest, ev); !ok {
		return
	}
	switch strings.TrimSuffix(what, " limit exceeded") {
	case "Connection rate", "Connection concurrency":
		ev.Stage = "CONNECT"
	case "Message delivery request rate":
		ev.Stage = "MAIL"
	case "Recipient address rate":
		ev.Stage = "RCPT"
	default:
		return
	}
	ev.Kind, ev.Text, ev.Reply = mail.Reject, "", what
	ev.Flags |= mail.NoSender | mail.Temporary
}

// badName reads what is wrong with the name that the client's address resolves to (smtpd/smtpd_peer.c). The name is kept,
// though it is not verified: the lines of the session will say "unknown".
//
//	hostname NAME does not resolve to address ADDR⟨: …⟩     since 2.9
//	ADDR: hostname NAME verification failed: …              before
//	ADDR: address not listed for hostname NAME              before
func badName(text string, ev *mail.Event) {
	if rest, ok := strings.CutPrefix(text, "hostname "); ok {
		name, rest, ok := strings.Cut(rest, " ")
		address, found := strings.CutPrefix(rest, "does not resolve to address ")
		if ok && found {
			address, _, _ = strings.Cut(address, ": ")
			setBadName(name, address, ev)
		}
		return
	}
	address, rest, ok := strings.Cut(text, ": ")
	if !ok {
		return
	}
	if name, found := strings.CutPrefix(rest, "address not listed for hostname "); found {
		setBadName(name, address, ev)
	} else if name, found := strings.CutPrefix(rest, "hostname "); found {
		name, _, _ = strings.Cut(name, " ")
		setBadName(name, address, ev)
	}
}

func setBadName(name, address string, ev *mail.Event) {
	if ip := mail.ParseIP(address); ip.IsValid() {
		ev.Client.IP, ev.Client.Name = ip, name
	}
}
