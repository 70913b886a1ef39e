package filter

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// spf reads the Python policy server (postfix-policyd-spf-python):
//
//	prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=i; helo=h; envelope-from=a; receiver=r
//
// For mail that is accepted this is often the only line with the HELO.
func spf(body string, ev *mail.Event) {
	is(ev, mail.Other)
	body = strings.TrimPrefix(body, ": ")
	if len(body) > 4 && (body[0] == '4' || body[0] == '5') && body[3] == ' ' {
		is(ev, mail.FilterResult)
		ev.Text = body
		return
	}
	head, rest, ok := strings.Cut(body, " identity=")
	if !ok {
		return
	}
	_, rest, ok = strings.Cut(rest, "; client-ip=")
	if !ok {
		return
	}
	where, rest, ok := strings.Cut(rest, "; ")
	if !ok {
		return
	}
	is(ev, mail.FilterResult)
	ev.Text = strings.TrimSuffix(strings.TrimPrefix(head, "prepend Received-SPF: "), ";")
	ev.Client.IP = mail.ParseIP(where)
	rest, _, _ = parse.CutLast(rest, "; receiver=")
	rest, from, ok := parse.CutLast(rest, "; envelope-from=")
	if ok {
		ev.Sender = mail.SenderOf(strings.Trim(from, "<>"))
	}
	if helo, ok := strings.CutPrefix(rest, "helo="); ok {
		ev.Client.HELO = helo
	}
}

// spfPerl parses the lines of the Perl policy server (postfix-policyd-spf-perl), whose tag begins with Postfix's name.
func spfPerl(body string, ev *mail.Event) {
	is(ev, mail.Other)
	body = strings.TrimPrefix(body, ": ")
	switch {
	case strings.HasPrefix(body, "SPF "):
		words, from, ok := strings.Cut(body, ": Envelope-from: ")
		is(ev, mail.FilterResult)
		ev.Text = words
		if ok {
			ev.Sender = mail.SenderOf(from)
		}
	case strings.HasPrefix(body, "Policy action=") && body != "Policy action=DUNNO":
		is(ev, mail.FilterResult)
		ev.Text = body[len("Policy "):]
		_, where, _ := parse.CutLast(body, "client-ip=")
		ev.Client.IP = mail.ParseIP(where)
	}
}

// postgrey parses the lines of the greylisting server. Its values are not quoted; the null sender is written as nothing.
//
//	⟨Q: ⟩action=greylist, reason=new, client_name=n, client_address=i, sender=a, recipient=b
func postgrey(body string, ev *mail.Event) {
	is(ev, mail.Other)
	id, rest, ok := queueID(body)
	if !ok {
		id, rest = "", body
	}
	rest, ok = strings.CutPrefix(rest, "action=")
	if !ok {
		return
	}
	is(ev, mail.FilterResult)
	ev.QueueID = id
	ev.Text, rest, _ = strings.Cut(rest, ", ")
	head, rest, ok := strings.Cut(rest, ", client_address=")
	if !ok {
		ev.Flags |= mail.Incomplete
		return
	}
	why, name, _ := strings.Cut(head, ", client_name=")
	ev.Client.Name = name
	ev.Reply, _, _ = strings.Cut(strings.TrimPrefix(why, "reason="), ", delay=")
	where, rest, _ := strings.Cut(rest, ", ")
	where, _, _ = strings.Cut(where, "/")
	ev.Client.IP = mail.ParseIP(where)
	from, to, ok := parse.CutLast(rest, "recipient=")
	if !ok {
		return
	}
	ev.Recipient = to
	ev.Sender = mail.SenderOf(strings.TrimSuffix(strings.TrimPrefix(from, "sender="), ", "))
}

// cbpolicyd reads policyd (cluebringer):
//
//	module=Quotas, mode=update, host=i, helo=h, from=a, to=b, reason=quota_match, policy=6, …
func cbpolicyd(body string, ev *mail.Event) {
	is(ev, mail.Other)
	head, rest, ok := strings.Cut(body, ", host=")
	if !ok || !strings.HasPrefix(body, "module=") {
		return
	}
	where, rest, ok := strings.Cut(rest, ", helo=")
	if !ok {
		return
	}
	is(ev, mail.FilterResult)
	ev.Text = head
	ev.Client.IP = mail.ParseIP(where)
	if before, reason, ok := parse.CutLast(rest, ", reason="); ok {
		rest, ev.Reply = before, reason
	}
	rest, ev.Recipient, _ = parse.CutLast(rest, ", to=")
	helo, from, ok := parse.CutLast(rest, ", from=")
	ev.Client.HELO = helo
	if ok {
		ev.Sender = mail.SenderOf(from)
	}
}

// policydWeight reads
//
//	weighted check:  … <client=i> <helo=h> <from=a> <to=b>; rate: 5.25
//	decided action=550 …; <client=i> <helo=h> <from=a> <to=b>; delay: 2s
func policydWeight(body string, ev *mail.Event) {
	is(ev, mail.Other)
	if !strings.HasPrefix(body, "weighted check:") && !strings.HasPrefix(body, "decided action=") {
		return
	}
	rest, verdict, ok := parse.CutLast(body, ">; ")
	if !ok {
		return
	}
	rest, to, ok1 := parse.CutLast(rest, "> <to=")
	rest, from, ok2 := parse.CutLast(rest, "> <from=")
	rest, helo, ok3 := parse.CutLast(rest, "> <helo=")
	rest, where, ok4 := parse.CutLast(rest, "<client=")
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return
	}
	is(ev, mail.FilterResult)
	ev.Recipient, ev.Sender, ev.Client.HELO, ev.Client.IP = to, mail.SenderOf(from), helo, mail.ParseIP(where)
	ev.Text = verdict
	if strings.HasPrefix(rest, "decided ") {
		ev.Text = strings.TrimSuffix(rest[len("decided "):], "; ")
	}
}
