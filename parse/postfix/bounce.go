package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// bounce parses "QID: sender non-delivery notification: CHILD" and the like (bounce/*.c, since 2.3; also of the services defer
// and trace): the message CHILD is a notice about the message QID. Text is the kind of notice: "sender delay notification",
// "sender delivery status notification", "postmaster non-delivery notification".
func bounce(body string, ev *mail.Event) parse.Verdict {
	id, rest, ok := cutID(body)
	if !ok {
		return parse.Unfamiliar
	}
	if strings.HasPrefix(rest, "not sending trace/success notification for ") { // a notice about a notice
		setID(id, ev)
		return remark(rest, ev)
	}
	colon := strings.LastIndex(rest, ": ")
	if colon < 0 || !strings.HasPrefix(rest, "sender ") && !strings.HasPrefix(rest, "postmaster ") || !strings.Contains(rest[:colon], "notification") {
		return parse.Unfamiliar
	}
	ev.Kind, ev.Text, ev.Child = mail.BounceNotice, rest[:colon], rest[colon+2:]
	setID(id, ev)
	return parse.Parsed
}
