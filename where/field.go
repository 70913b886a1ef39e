package where

import (
	"time"

	"mailforensics/mail"
)

// Field is a variable of an expression.
type Field struct {
	Name string
	Doc  string // one line, for help
	zero any    // a value of its type, for the type checker
	of   func(m *mail.Message, zone *time.Location) any
}

// Fields returns the variables of an expression, in the order of the help. The caller must not change them.
func Fields() []Field { return fields }

// Names returns the names of the fields.
func Names() []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// text makes a field that is a string; "": not known.
func text(name, doc string, of func(*mail.Message) string) Field {
	return Field{name, doc, "", func(m *mail.Message, _ *time.Location) any { return of(m) }}
}

// number makes a field that is an integer.
func number(name, doc string, of func(*mail.Message) int) Field {
	return Field{name, doc, 0, func(m *mail.Message, _ *time.Location) any { return of(m) }}
}

// boolean makes a field that is true or false.
func boolean(name, doc string, of func(*mail.Message) bool) Field {
	return Field{name, doc, false, func(m *mail.Message, _ *time.Location) any { return of(m) }}
}

// list makes a field that is a list with a string for each recipient.
func list(name, doc string, of func(*mail.Recipient) string) Field {
	return Field{name, doc, []string{}, func(m *mail.Message, _ *time.Location) any {
		texts := make([]string, 0, len(m.Recipients))
		for i := range m.Recipients {
			texts = append(texts, of(&m.Recipients[i]))
		}
		return texts
	}}
}

// count makes a field that is the number of recipients with one of the dispositions.
func count(name, doc string, want ...mail.Disposition) Field {
	return number(name, doc, func(m *mail.Message) int {
		n := 0
		for i := range m.Recipients {
			for _, d := range want {
				if m.Recipients[i].Disposition == d {
					n++
				}
			}
		}
		return n
	})
}

// clientIP returns the client's address as text; "": not known.
func clientIP(m *mail.Message) string {
	if !m.Client.IP.IsValid() {
		return ""
	}
	return m.Client.IP.Unmap().String()
}

var fields = []Field{
	{"time", "when it was accepted: time > at(\"2026-01-04 14:44\"), time.Hour() < 6, time.Weekday().String() == \"Sunday\"", time.Time{},
		func(m *mail.Message, zone *time.Location) any { return m.Time.In(zone) }},
	text("ip", "address of the client; see within(ip, \"192.0.2.0/24\")", clientIP),
	text("rdns", "reverse DNS name of the client", func(m *mail.Message) string { return m.Client.Name }),
	text("helo", "HELO name of the client, if logged", func(m *mail.Message) string { return m.Client.HELO }),
	number("asn", "number of the client's network, with --geo", func(m *mail.Message) int { return int(m.Client.ASN) }),
	text("country", "country of the client, with --geo", func(m *mail.Message) string { return m.Client.Country }),
	text("account", "login that sent it", func(m *mail.Message) string { return m.Account }),
	text("auth_method", "how it logged in", func(m *mail.Message) string { return m.AuthMethod }),
	{"uid", "local user's number, -1 if it was not handed in locally", 0, func(m *mail.Message, _ *time.Location) any {
		if !m.Has(mail.HasUID) {
			return -1
		}
		return m.UID
	}},
	text("user", "local user's name", func(m *mail.Message) string { return m.User }),
	text("script", "script that made it, if logged", func(m *mail.Message) string { return m.Script }),
	text("directory", "directory that it was handed in from", func(m *mail.Message) string { return m.Directory }),
	text("sender", "envelope sender, \"<>\" for the null sender", func(m *mail.Message) string { return m.Sender }),
	text("sender_domain", "its domain", func(m *mail.Message) string { return mail.Domain(m.Sender) }),
	list("recipients", "envelope recipients: any(recipients, # endsWith \"@example.org\"), \"a@b.example\" in recipients", (*mail.Recipient).Envelope),
	list("recipient_domains", "their domains", func(r *mail.Recipient) string { return mail.Domain(r.Envelope()) }),
	list("dispositions", "what became of each: delivered, bounced, deferred …", func(r *mail.Recipient) string { return r.Disposition.String() }),
	list("relays", "next hop of each", func(r *mail.Recipient) string { return r.Relay }),
	list("replies", "what the next hop replied: any(replies, # contains \"spamhaus\")", func(r *mail.Recipient) string { return r.Reply }),
	count("delivered", "number of recipients delivered", mail.Delivered),
	count("bounced", "… bounced or given up", mail.Bounced, mail.Expired),
	count("deferred", "… deferred", mail.Deferred),
	list("complaints", "why other servers refuse us: blocklist, reputation, rate limit, or \"\" if they do not: any(complaints, # != \"\")",
		func(r *mail.Recipient) string { return r.Complaint().String() }),
	number("delivered_here", "number of recipients delivered on the host that logged it", func(m *mail.Message) int {
		n := 0
		for i := range m.Recipients {
			if r := &m.Recipients[i]; r.Local && r.Disposition == mail.Delivered {
				n++
			}
		}
		return n
	}),
	text("subject", "subject, if logged", func(m *mail.Message) string { return m.Subject }),
	text("message_id", "Message-ID header", func(m *mail.Message) string { return m.MessageID }),
	{"queue_ids", "queue IDs, in the order of the hops: \"3F2A\" in queue_ids", []string{}, func(m *mail.Message, _ *time.Location) any { return m.QueueIDs }},
	text("parent", "queue ID of the message that caused this notice", func(m *mail.Message) string { return m.Parent }),
	boolean("notice", "made by the mail server itself: a bounce or a delay warning", func(m *mail.Message) bool { return m.Notice }),
	text("host", "mail server that accepted it first", func(m *mail.Message) string { return m.Host }),
	text("last_host", "mail server that had it last, if it passed several whose logs are given", func(m *mail.Message) string {
		if n := len(m.Hosts); n > 0 {
			return m.Hosts[n-1]
		}
		return m.Host
	}),
	text("mta", "postfix or exim", func(m *mail.Message) string { return m.MTA.String() }),
	text("service", "Postfix service that accepted it: submission, smtps …", func(m *mail.Message) string { return m.Service }),
	text("protocol", "ESMTP, esmtpsa, local …", func(m *mail.Message) string { return m.Protocol }),
	text("tls", "TLS version or cipher, \"\" without", func(m *mail.Message) string { return m.TLS }),
	text("direction", "inbound, outbound, relay, local or unknown", func(m *mail.Message) string { return m.Direction.String() }),
	number("size", "bytes", func(m *mail.Message) int { return int(m.Size) }),
	{"queued_seconds", "from acceptance to its end", 0.0, func(m *mail.Message, _ *time.Location) any { return m.Queued.Seconds() }},
	boolean("completed", "its end was seen", func(m *mail.Message) bool { return m.Completed }),
}
