package filter

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// spamd parses the lines of SpamAssassin's daemon. Only its result line names the message; in the Message-ID, spamd has replaced
// blanks and commas by underscores.
func spamd(body string, ev *mail.Event) {
	is(ev, mail.Other)
	rest, ok := strings.CutPrefix(body, "spamd: result: ")
	if !ok {
		return
	}
	is(ev, mail.FilterResult)
	ev.Text, rest, _ = strings.Cut(rest, " - ")
	_, rest, _ = strings.Cut(rest, " scantime=")
	ev.User = between(rest, ",user=", ",")
	id, _, _ := strings.Cut(after(rest, ",mid="), ",")
	if id != "(unknown)" {
		ev.MessageID = mail.TrimMessageID(id)
	}
}

func after(s, sep string) string {
	_, s, _ = strings.Cut(s, sep)
	return s
}

// mailScanner parses the two lines of MailScanner that name messages. It takes messages out of Postfix's hold queue, logs the
// queue ID with five random digits after it, and puts the message back under a new one.
func mailScanner(body string, ev *mail.Event) {
	is(ev, mail.Other)
	if ids, ok := strings.CutPrefix(body, "Requeue: "); ok {
		old, new, ok := strings.Cut(ids, " to ")
		old, _, _ = strings.Cut(old, ".")
		if ok && isQueueID(old) && isQueueID(new) {
			is(ev, mail.Requeue)
			ev.QueueID, ev.Child = old, new
		}
		return
	}
	rest, ok := strings.CutPrefix(body, "Message ")
	if !ok {
		return
	}
	id, rest, ok := strings.Cut(rest, " from ")
	id, _, _ = strings.Cut(id, ".")
	if !ok || !isQueueID(id) {
		return
	}
	where, rest, ok := strings.Cut(rest, " (")
	if !ok {
		return
	}
	rest, verdict, ok := parse.CutLast(rest, " is ")
	if !ok {
		return
	}
	is(ev, mail.FilterResult)
	ev.QueueID, ev.Client.IP, ev.Text = id, mail.ParseIP(where), verdict
	if from, _, ok := parse.CutLast(rest, ") to "); ok {
		ev.Sender = mail.SenderOf(from)
	}
}

// clamsmtpd parses "100012: from=a, to=b, status=CLEAN". The number is its own.
func clamsmtpd(body string, ev *mail.Event) {
	is(ev, mail.Other)
	_, rest, _ := strings.Cut(body, ": ")
	rest, ok := strings.CutPrefix(rest, "from=")
	if !ok {
		return
	}
	rest, verdict, ok := parse.CutLast(rest, ", status=")
	if !ok {
		return
	}
	from, to, _ := parse.CutLast(rest, ", to=")
	is(ev, mail.FilterResult)
	ev.Sender, ev.Recipient, ev.Text = mail.SenderOf(from), to, verdict
}

// proxmox reads what the filter of Proxmox Mail Gateway did with a mail, recipient by recipient. It gives each mail an ID of
// its own, by which it answers the MTA ("250 2.5.0 OK (611D85EAAD6477B053)"), and names what it put back:
//
//	611D85EAAD6477B053: accept mail to <r> (E1C6561393) (rule: default-accept)
//	611D85EAAD6477B053: moved mail for <r> to spam quarantine - 612405EAAD648755DD (rule: …)
//	611D85EAAD6477B053: block mail to <r> (rule: …)
func proxmox(body string, ev *mail.Event) {
	is(ev, mail.Other)
	id, rest, ok := queueID(body)
	if !ok {
		return
	}
	for _, verdict := range [...]string{"accept mail", "block mail", "moved mail"} {
		to, found := strings.CutPrefix(rest, verdict)
		if !found {
			continue
		}
		to, _ = strings.CutPrefix(to, " to ")
		to, _ = strings.CutPrefix(to, " for ")
		recipient, tail, ok := cutAngle(to)
		if !ok {
			return
		}
		is(ev, mail.FilterResult)
		ev.QueueID, ev.Recipient, ev.Text = id, recipient, verdict
		if child, _, ok := strings.Cut(strings.TrimPrefix(tail, " ("), ") (rule: "); ok && isQueueID(child) {
			ev.Child = child
		}
		return
	}
}
