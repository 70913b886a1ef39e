package filter

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// amavis reads the main line of amavisd-new and amavis 2.x ($log_templ):
//
//	(pid-nn) Passed CLEAN {RelayedInbound}, POLICY [client]:port [origin] <from> -> <to>,<to>, Queue-ID: Q, Message-ID: <m>,
//	mail_id: i, Hits: h, size: n, queued_as: Q2, … , 96 ms
//
// Lines over 980 bytes are split: the first part ends in "...", the next begins with "(pid-nn) ...".
func amavis(body string, ev *mail.Event) {
	is(ev, mail.Other)
	text := body
	if strings.HasPrefix(text, "(") {
		var ok bool
		if _, text, ok = strings.Cut(text, ") "); !ok {
			return
		}
	}
	switch {
	case strings.HasPrefix(text, "Passed "), strings.HasPrefix(text, "Blocked "), strings.HasPrefix(text, "Passed, "): // up to 2.2
		amavisResult(text, ev)
	case strings.HasPrefix(text, "(!"), strings.HasPrefix(text, "WARN"), strings.HasPrefix(text, "Open relay? "):
		is(ev, mail.Warning)
		ev.Text = text
	}
}

func amavisResult(text string, ev *mail.Event) {
	verdict, rest, ok := amavisVerdict(text)
	if !ok {
		return
	}
	from := strings.IndexByte(rest, '<')
	if from < 0 {
		return
	}
	clients := rest[:from]
	addr, rest, ok := cutAngle(rest[from:])
	if !ok || !strings.HasPrefix(rest, " -> ") {
		return
	}
	is(ev, mail.FilterResult)
	ev.Text, ev.Sender = verdict, mail.SenderOf(addr)
	amavisClient(clients, ev)
	ev.Recipient, rest, _ = cutAngle(rest[len(" -> "):])
	for strings.HasPrefix(rest, ",<") {
		_, rest, ok = cutAngle(rest[1:])
		if !ok {
			return
		}
	}
	if strings.HasSuffix(rest, "...") {
		ev.Flags |= mail.Incomplete
		rest = strings.TrimSuffix(rest, "...")
	}
	amavisLinks(rest, ev)
}

// amavisVerdict cuts off "Passed CLEAN {RelayedInbound}". The name of a virus may contain commas, the braces do not; up to 2.6
// there are none.
func amavisVerdict(text string) (verdict, rest string, ok bool) {
	if verdict, rest, ok = strings.Cut(text, "}, "); ok && strings.IndexByte(verdict, '<') < 0 {
		return text[:len(verdict)+1], rest, true
	}
	for at := 0; ; at += len(", ") {
		i := strings.Index(text[at:], ", ")
		if i < 0 {
			return "", "", false
		}
		if at += i; policyBanks(text[at+2:]) {
			return text[:at], text[at+2:], true
		}
	}
}

// policyBanks reports whether a text begins with the names of policy banks, "ORIGINATING/MYNETS LOCAL ", or none, and a bracket.
func policyBanks(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '[', c == '<':
			return true
		case c|0x20-'a' > 'z'-'a' && c-'0' > 9 && strings.IndexByte(" /-_.", c) < 0:
			return false
		}
	}
	return false
}

// amavisClient parses "MYNETS LOCAL [192.0.2.10]:56540 [192.0.2.10] ": the first address is the host that handed the message in.
func amavisClient(text string, ev *mail.Event) {
	_, text, ok := strings.Cut(text, "[")
	if !ok {
		return
	}
	addr, rest, ok := strings.Cut(text, "]")
	if !ok {
		return
	}
	ev.Client.IP = mail.ParseIP(strings.TrimPrefix(addr, "IPv6:"))
	if port, ok := strings.CutPrefix(rest, ":"); ok {
		ev.Client.Port = portOf(port)
	}
}

// amavisLinks parses the fields after the recipients. The Queue-ID comes before all that a sender wrote. The Message-ID and, with
// longer templates, subject and From do not: if a field name occurs twice, somebody imitates it.
func amavisLinks(rest string, ev *mail.Event) {
	if head, tail, ok := strings.Cut(rest, ", Queue-ID: "); ok && strings.IndexByte(head, '<') < 0 {
		id, after, _ := strings.Cut(tail, ",")
		if isQueueID(id) {
			ev.QueueID = id
		}
		rest = after
	}
	if strings.Count(rest, ", mail_id: ") > 1 || strings.Count(rest, ", queued_as: ") > 1 {
		ev.Flags |= mail.Doubtful
		return
	}
	if _, tail, ok := strings.Cut(rest, "Message-ID: "); ok {
		id, _, ok := strings.Cut(tail, ", mail_id: ")
		if !ok {
			id, _, ok = parse.CutLast(tail, ", Hits: ") // up to 2.2
		}
		if ok {
			ev.MessageID = mail.TrimMessageID(id)
		}
	}
	// Between mail_id and queued_as are numbers: what has brackets or quotes is a Message-ID or a subject.
	_, after, named := strings.Cut(rest, ", mail_id: ")
	if !named {
		after = rest
	}
	if head, tail, ok := strings.Cut(after, ", queued_as: "); ok && (!named || !strings.ContainsAny(head, `<>"@`)) {
		id, _, _ := strings.Cut(tail, ",")
		id, _, _ = strings.Cut(id, "/")
		if isQueueID(id) {
			ev.Child = id
		}
	}
}
