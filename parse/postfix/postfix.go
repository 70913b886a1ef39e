// Package postfix parses what the daemons and commands of Postfix log, from version 1.1 to 3.12.
//
// It is one of the formats of package parse. It gets a line without its header; the syslog tag tells the instance, the service and
// the daemon (syslog_name/program, see tag.go), and each daemon or family of lines has a file. Lines that begin with "warning:",
// "error:", "fatal:" and "panic:" are in severity.go. Versions are told by the shape of a line, never by number, because
// distributions backport changes.
//
// Much of a line is text that strangers chose: HELO, addresses, header texts, replies, account names. So a line is cut from the
// left and from the right with the grammar of the daemon that wrote it, and what remains between is text; nothing is searched for
// in the middle. The rules are explained where they are applied; each has hostile specimens.
//
// Conventions, in addition to those of mail.Event:
//
//   - The text of a warning is in Text, without the word "warning: " and the queue ID.
//   - Connect and Disconnect come from smtpd, qmqpd and postscreen. The sessions of postscreen are told apart by the client's
//     address and port, because all have the same PID. "lost connection after DATA", "timeout" and "too many errors" are
//     Disconnects with a Stage; Postfix logs a second one after it, without Stage and with the counts of commands in Text.
//   - client= is an Accept, although the message is not accepted yet: a reject, a lost connection or a RSET may follow. Child is
//     orig_queue_id=, and Text is orig_client= as written (see mail.CutClient): both can be believed only of a client that
//     forwards for others, such as a content filter.
//   - A sender, recipient or HELO is set only if there can be one at the stage of the SMTP session.
//   - Message-IDs have no angle brackets, unless something follows these.
package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// Format parses the lines of Postfix.
var Format = parse.Format{Name: "postfix", Parse: read}

func read(body string, ev *mail.Event) parse.Verdict {
	const usual, instance = "postfix/", "postfix"
	if strings.HasPrefix(ev.Process, usual) { // most tags have two parts
		if g := grammarOf(ev.Process[len(usual):]); g != nil {
			ev.MTA, ev.Instance, ev.Daemon = mail.Postfix, instance, ev.Process[len(usual):]
			return dispatch(g, body, ev)
		}
	}
	t, ok := cutTag(ev.Process)
	if !ok {
		return parse.Foreign
	}
	if t.doubted(ev.Process) {
		return readDoubted(body, t, ev)
	}
	return readTagged(body, t, ev)
}

func readTagged(body string, t tag, ev *mail.Event) parse.Verdict {
	if t.untold {
		return untold(body, t, ev)
	}
	t.stamp(ev)
	return dispatch(t.grammar, body, ev)
}

// readDoubted parses a line whose tag may be another program's: it is Postfix's, with a syslog_name of the administrator's choice, if
// it says what only Postfix says.
func readDoubted(body string, t tag, ev *mail.Event) parse.Verdict {
	before := *ev
	if v := readTagged(body, t, ev); v == parse.Parsed && ev.Kind != mail.Other && ev.Kind != mail.Warning {
		return v
	}
	*ev = before
	return parse.Foreign
}

// strip removes what is not Postfix's: blanks in front, and the commas that editors left at the end.
func strip(body string) string {
	for body != "" && body[0] == ' ' {
		body = body[1:]
	}
	for body != "" && body[len(body)-1] == ',' {
		body = body[:len(body)-1]
	}
	return body
}

// dispatch parses a line of the daemon that has the grammar.
func dispatch(g grammar, body string, ev *mail.Event) parse.Verdict {
	body = strip(body)
	if body != "" && body[0] >= 'e' { // of "error", the first word of severity; most lines begin with a queue ID, "connect" or "disconnect"
		if text, ok := cutSeverity(body); ok {
			return severity(body, text, ev)
		}
	}
	v := g(body, ev)
	if v == parse.Unfamiliar && (chatter(body) || verbose(body)) {
		ev.Kind = mail.Other
		return parse.Parsed
	}
	return v
}

// remark is a line that is known, but of use only to human readers.
func remark(text string, ev *mail.Event) parse.Verdict {
	ev.Kind, ev.Text = mail.Other, text
	return parse.Parsed
}

// warn is a line about trouble, in its own words.
func warn(text string, ev *mail.Event) parse.Verdict {
	ev.Kind, ev.Text = mail.Warning, text
	return parse.Parsed
}
