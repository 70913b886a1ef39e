package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// postsuper parses what the administrator did to the queue (postsuper/postsuper.c). With ALL as the queue ID, hundreds of
// messages are deleted without a line of their own: only the totals at the end count them.
func postsuper(body string, ev *mail.Event) parse.Verdict {
	id, rest, ok := cutID(body)
	if !ok {
		return totals(body, ev)
	}
	switch rest {
	case "removed":
		ev.Kind = mail.Remove
	case "requeued":
		ev.Kind = mail.Requeue
	case "placed on hold":
		ev.Kind = mail.Hold
	case "released from hold":
		ev.Kind = mail.Release
	case "expired":
		ev.Kind = mail.Expire
	default:
		return totals(body, ev)
	}
	setID(id, ev)
	return parse.Parsed
}

// totals parses "Deleted: 4182 messages".
func totals(body string, ev *mail.Event) parse.Verdict {
	what, rest, ok := strings.Cut(body, ": ")
	if !ok {
		return parse.Unfamiliar
	}
	n, rest, ok := cutNumber(rest)
	if !ok || !strings.HasPrefix(rest, " message") {
		return parse.Unfamiliar
	}
	switch what {
	case "Deleted", "Requeued", "Placed on hold", "Released from hold", "Force-expired", "Renamed to match inode number":
		ev.NRcpt = int(n)
		return warn(body, ev)
	}
	return parse.Unfamiliar
}
