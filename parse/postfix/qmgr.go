package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// qmgr parses the lines of the queue manager (qmgr/*.c, oqmgr/*.c).
func qmgr(body string, ev *mail.Event) parse.Verdict {
	id, rest, ok := cutID(body)
	if !ok {
		return parse.Unfamiliar
	}
	setID(id, ev)
	switch {
	case strings.HasPrefix(rest, "from=<"):
		return queued(rest[len("from=<"):], ev)
	case rest == "removed":
		ev.Kind = mail.Remove
		return parse.Parsed
	case strings.HasPrefix(rest, "to=<"): // qmgr discards its own notices to the postmaster
		return delivery(rest, ev)
	case strings.HasPrefix(rest, "skipped, "):
		return remark(rest, ev)
	case strings.HasPrefix(rest, "status=deferred ("): // bounce failed: there will be no notice yet (global/bounce.c)
		return warn(rest, ev)
	}
	ev.QueueID = ""
	return parse.Unfamiliar
}

// queued parses "from=<ADDR>, size=2441, nrcpt=3 (queue active)", from the right, because the address may contain anything. It is
// logged every time the message enters the active queue; nrcpt never changes.
func queued(s string, ev *mail.Event) parse.Verdict {
	rest, ok := strings.CutSuffix(s, " (queue active)")
	if !ok {
		return expired(s, ev)
	}
	nrcpt, rest, ok := cutLastNumber(rest)
	if !ok || !strings.HasSuffix(rest, ", nrcpt=") {
		return parse.Damaged
	}
	size, rest, ok := cutLastNumber(rest[:len(rest)-len(", nrcpt=")])
	if !ok || !strings.HasSuffix(rest, ">, size=") {
		return parse.Damaged
	}
	address := rest[:len(rest)-len(">, size=")]
	ev.Kind, ev.Sender, ev.Size, ev.NRcpt = mail.Queue, mail.SenderOf(address), size, int(nrcpt)
	return parse.Parsed
}

// expired parses "from=<ADDR>, status=expired, returned to sender", and "force-expired" of "postsuper -e".
func expired(s string, ev *mail.Event) parse.Verdict {
	i := strings.LastIndex(s, ">, status=")
	if i < 0 {
		return parse.Damaged
	}
	status := s[i+len(">, status="):]
	if !strings.HasPrefix(status, "expired, ") && !strings.HasPrefix(status, "force-expired, ") {
		return parse.Unfamiliar
	}
	ev.Kind, ev.Sender, ev.Text = mail.Expire, mail.SenderOf(s[:i]), status
	return parse.Parsed
}

// cutLastNumber cuts decimal digits off the end; ok is whether there are any, and not more than fit.
func cutLastNumber(s string) (n int64, rest string, ok bool) {
	i := len(s)
	for unit := int64(1); i > 0 && s[i-1]-'0' <= 9; unit *= 10 {
		i--
		n += int64(s[i]-'0') * unit
	}
	digits := len(s) - i
	return n, s[:i], digits > 0 && digits <= 18
}
