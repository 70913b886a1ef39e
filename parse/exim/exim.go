// Package exim parses what Exim writes into its main, reject and panic logs, from 4.50 to the development head.
//
// It is one of the formats of package parse, whose header readers have removed the stamp, the offset and the [pid]: a body begins
// with the message ID, or, if no message is being handled, with the text. A text has a flag (<= (= => -> >> *> ** ==), or is a
// remark about the queue, a refusal, or a line about a session, a process or TLS; each family has a file. Any other text is that of
// an access rule (logwrite, log_message), which an administrator wrote and which can be anything.
//
// Exim escapes little of what it logs (src/log.c escapes nothing; callers should), so a HELO, a sender, a recipient, a subject or
// a reply may look like fields, or like a whole line. Values are cut by the fixed order in which Exim writes them, with respect
// for quotes, from the side that the author of a value cannot reach; a field is never searched for.
//
// Conventions of the events: MessageID has no angle brackets. Sender is mail.NullSender for the empty one. Interface is
// "[ip]:port". Recipient is the final address, without quotes, as Exim prints it, and Original the address in the envelope, in its
// quoted form, if Exim logs it. Text is the text after the message ID if no other field has it. A line that seems to be the second
// half of another entry is Doubtful.
package exim

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// Format parses the lines of Exim.
var Format = parse.Format{Name: "exim", Parse: read}

func read(body string, ev *mail.Event) parse.Verdict {
	if !ours(ev.Process) {
		return parse.Foreign
	}
	ev.MTA = mail.Exim
	if n := len(body); n > 0 && body[n-1] == '*' && strings.HasSuffix(body, overflowed) {
		body = body[:n-len(overflowed)]
		ev.Flags |= mail.Incomplete
	}
	n := idLength(body)
	if n == 0 {
		return outside(body, ev)
	}
	ev.QueueID = body[:n]
	v := inside(body[min(n+1, len(body)):], ev)
	if len(body) >= fullBody && ev.Recipients != "" {
		ev.Flags |= mail.Incomplete
	}
	return v
}

// src/log.c writes at most 8192 bytes with the line feed; what does not fit is left out, with this note or, in a list of
// recipients up to 4.97, without a word. A stamp with all its options takes 64 of them at most.
const (
	overflowed = "**** log string overflowed log buffer ****"
	fullBody   = 8191 - 64
)

// ours reports whether a syslog tag is Exim's: "exim", "exim4", "exim -L tag", "exim-out" (syslog_processname), not "eximstats".
func ours(process string) bool {
	const name = "exim"
	return process == name || strings.HasPrefix(process, name) && (process[len(name)] < 'a' || process[len(name)] > 'z')
}

// inside parses the text of a line with a message ID.
func inside(s string, ev *mail.Event) parse.Verdict {
	if len(s) > 2 && s[2] == ' ' {
		switch after := s[3:]; s[:2] {
		case "<=":
			return arrival(after, ev)
		case "(=":
			ev.Flags |= mail.FakeReject
			return arrival(after, ev)
		case "=>", "*>":
			return delivery(after, ev)
		case "->":
			ev.Flags |= mail.MoreDelivery
			return delivery(after, ev)
		case ">>":
			ev.Flags |= mail.Cutthrough
			return delivery(after, ev)
		case "**":
			return failure(after, ev)
		case "==":
			return deferral(after, ev)
		}
	}
	switch {
	case s == "":
		return parse.Parsed // an empty logwrite
	case s == "Completed": // every message's last word
		ev.Kind = mail.Complete
		return parse.Parsed
	case queued(s, ev), common(s, ev), attempted(s, ev), delivered(s, ev):
	default:
		ruled(s, ev)
	}
	if ev.Kind != mail.FilterResult && halved(s) {
		ev.Flags |= mail.Doubtful
	}
	return parse.Parsed
}

// outside parses a line without one.
func outside(s string, ev *mail.Event) parse.Verdict {
	switch {
	case s == "":
		return parse.Damaged
	case called(s, ev), common(s, ev), processed(s, ev):
		return parse.Parsed
	}
	ruled(s, ev)
	if ev.Client.IP.IsValid() {
		return parse.Parsed
	}
	ev.Kind = mail.Other
	return parse.Unfamiliar
}

// common parses the lines that come with and without an ID.
func common(s string, ev *mail.Event) bool {
	return refused(s, ev) || connected(s, ev) || encrypted(s, ev) || guessed(s, ev)
}

// halved reports whether a text ends as a DKIM or a cwd entry does. Both can contain a line feed, chosen by a stranger or a local
// user, after which the text begins at column 0 like an entry of its own: a line with that end is the second half of another one.
// src/dkim.c: dkim_exim_verify_log_sig; src/exim.c: main (cwd)
func halved(s string) bool {
	if strings.HasSuffix(s, "]") && (strings.Contains(s, " [verification ") || strings.Contains(s, " [invalid - ")) {
		return true
	}
	_, _, ok := cutArgs(s)
	return ok
}
