package filter

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// milter reads the milters that write "QUEUEID: words": opendkim, opendmarc and their like.
func milter(body string, ev *mail.Event) {
	is(ev, mail.Other)
	id, words, ok := queueID(body)
	if !ok || words == "" {
		return
	}
	is(ev, mail.FilterResult)
	ev.QueueID, ev.Text = id, words
}

// clamavMilter reads (clamav-milter/clamfi.c, LogInfected and LogClean)
//
//	Message Q from <a> to <b> with subject 's' message-id 'm' date 'd' infected by X
func clamavMilter(body string, ev *mail.Event) {
	is(ev, mail.Other)
	rest, ok := strings.CutPrefix(body, "Message ")
	if !ok {
		return
	}
	id, rest, ok := strings.Cut(rest, " from ")
	if !ok || !isQueueID(id) {
		return
	}
	from, rest, ok := cutAngle(rest)
	if !ok || !strings.HasPrefix(rest, " to ") {
		return
	}
	to, rest, ok := cutAngle(rest[len(" to "):])
	if !ok {
		return
	}
	is(ev, mail.FilterResult)
	ev.QueueID, ev.Sender, ev.Recipient = id, mail.SenderOf(from), to
	if head, verdict, ok := parse.CutLast(rest, "' infected by "); ok {
		ev.Text, rest = verdict, head
	}
	if subject, ok := strings.CutPrefix(rest, " with subject '"); ok {
		if subject, tail, ok := parse.CutLast(subject, "' message-id '"); ok {
			ev.Subject = subject
			id, _, _ := strings.Cut(tail, "' date '")
			ev.MessageID = mail.TrimMessageID(id)
		}
	}
}

// rspamd reads the line of rspamd_task_write_log:
//
//	<tag>; task; rspamd_task_write_log: id: <m>, qid: <q>, ip: i, from: <a>, (default: F (no action): [1.2/15.00] […]), …
func rspamd(body string, ev *mail.Event) {
	is(ev, mail.Other)
	_, text, ok := strings.Cut(body, "rspamd_task_write_log: id: ")
	if !ok {
		return
	}
	id, rest, ok := strings.Cut(text, ", qid: <")
	if !ok {
		return
	}
	is(ev, mail.FilterResult)
	if strings.Contains(rest, ", qid: <") {
		ev.Flags |= mail.Doubtful
		return
	}
	ev.MessageID = mail.TrimMessageID(id)
	id, rest, ok = strings.Cut(rest, ">, ")
	if ok && isQueueID(id) {
		ev.QueueID = id
	}
	where, rest, _ := strings.Cut(rest, ", ")
	if where, ok := strings.CutPrefix(where, "ip: "); ok {
		ev.Client.IP = mail.ParseIP(where)
	}
	if user, tail, ok := strings.Cut(rest, ", "); ok && strings.HasPrefix(user, "user: ") {
		ev.Account, rest = user[len("user: "):], tail
	}
	if from, tail, ok := cutAngle(strings.TrimPrefix(rest, "from: ")); ok {
		ev.Sender, rest = mail.SenderOf(from), tail
	}
	if _, verdict, ok := strings.Cut(rest, "(default: "); ok {
		score, _, _ := strings.Cut(verdict, "] ")
		ev.Text = verdict[:min(len(score)+1, len(verdict))]
	}
}
