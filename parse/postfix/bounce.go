package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// bounce reads "QID: sender non-delivery notification: CHILD" and its relatives (bounce/*.c, since 2.3; also of the services
// defer and trace): the mail CHILD is a notice about the mail QID. Text is which notice it is: "sender delay notification",
// "sender delivery status notification", "postmaster non-delivery notification".
func bounce(body string, ev *mail.Event) parse.Verdict {
	id, rest, ok := cutID(body)
	if !ok {
		return parse.Unfamiliar
	}
	colon := strings.LastIndex(rest, ": ")
	if colon < 0 || !strings.HasPrefix(rest, "sender ") && !strings.HasPrefix(rest, "postmaster ") || !strings.Contains(rest[:colon], "notification") {
		return parse.Unfamiliar
	}
	ev.Kind, ev.Text, ev.Child = mail.BounceNotice, rest[:colon], rest[colon+2:]
	setID(id, ev)
	return parse.Parsed
}
