package analyze

import (
	"strings"

	"mailforensics/mail"
)

// record is what is remembered of one message until it is known whether it belongs to a burst.
type record struct {
	mail.Origin
	mail.Flags
	time      mail.Instant
	line      string
	client    mail.Client
	host      string
	account   string
	user      string
	script    string
	directory string
	sender    string
	subject   string
	messageID string
	queueID   string
	uid       int
	mta       mail.MTA
	completed bool
	listed    bool // a List- header or Precedence: bulk was logged
	first     recalled
	more      []recalled

	in [dimensions]*series // whose it is
}

// recalled is what is remembered of a recipient.
type recalled struct {
	address     string
	reply       string
	disposition mail.Disposition
	unknown     bool // bounced, because there is no such recipient
	blocked     bool // refused or deferred, because of us or of what the message says
}

// remember fills r from a message.
func (r *record) remember(m *mail.Message) {
	more := r.more[:0]
	*r = record{
		Origin: m.Origin, Flags: m.Flags, time: m.Time, line: m.Line, client: m.Client, host: m.Host, account: m.Account,
		user: m.User, script: m.Script, directory: m.Directory, sender: m.Sender, subject: m.Subject, messageID: m.MessageID,
		uid: m.UID, mta: m.MTA, completed: m.Completed, listed: isListed(m.Headers),
	}
	if n := len(m.QueueIDs); n > 0 {
		r.queueID = m.QueueIDs[n-1]
	}
	for i := range m.Recipients {
		if i == 0 {
			r.first = recall(&m.Recipients[0])
			continue
		}
		more = append(more, recall(&m.Recipients[i]))
	}
	if len(more) > 0 {
		r.more = more
	}
}

func recall(r *mail.Recipient) recalled {
	c := recalled{address: r.Envelope(), disposition: r.Disposition}
	if r.Disposition == mail.Bounced || r.Disposition == mail.Deferred {
		c.reply = r.Reply
		c.unknown = r.Disposition == mail.Bounced && unknownRecipient(r.DSN, r.Reply)
		c.blocked = !c.unknown && blockedReply(r.DSN, r.Reply)
	}
	return c
}

// recipients calls f for each recipient.
func (r *record) recipients(f func(*recalled)) {
	if r.first.address != "" {
		f(&r.first)
	}
	for i := range r.more {
		f(&r.more[i])
	}
}

// message is r as a message again, as far as it is remembered. m is overwritten, its slices are reused.
func (r *record) message(m *mail.Message) {
	recipients, ids := m.Recipients[:0], m.QueueIDs[:0]
	r.recipients(func(c *recalled) {
		recipients = append(recipients, mail.Recipient{Address: c.address, Disposition: c.disposition, Reply: c.reply})
	})
	if r.queueID != "" {
		ids = append(ids, r.queueID)
	}
	*m = mail.Message{
		Origin: r.Origin, Flags: r.Flags, Time: r.time, Line: r.line, Client: r.client, Host: r.host, Account: r.account,
		User: r.user, Script: r.script, Directory: r.directory, Sender: r.sender, Subject: r.subject, MessageID: r.messageID,
		UID: r.uid, MTA: r.mta, Completed: r.completed, Recipients: recipients, QueueIDs: ids,
	}
}

// unknownRecipient reports whether a reply says that there is no such recipient (RFC 3463, section 3.2: X.1.1 bad mailbox,
// X.1.10 null MX aside; X.5.1.6 moved). Servers that send no enhanced code say it in words.
func unknownRecipient(dsn, reply string) bool {
	switch dsn {
	case "5.1.1", "5.1.0", "5.1.6", "5.2.1":
		return true
	}
	return containsFold(reply, "user unknown") || containsFold(reply, "unknown user") || containsFold(reply, "no such user") ||
		containsFold(reply, "recipient rejected") || containsFold(reply, "mailbox unavailable") || containsFold(reply, "does not exist")
}

// blockedReply reports whether a reply is about us or our content rather than about the recipient: X.7.1 and its like
// (RFC 3463, section 3.8), a blocklist, a rate limit.
func blockedReply(dsn, reply string) bool {
	if strings.HasPrefix(dsn, "5.7.") || strings.HasPrefix(dsn, "4.7.") && !containsFold(reply, "greylist") {
		return true
	}
	return containsFold(reply, "spam") || containsFold(reply, "blocked") || containsFold(reply, "blacklist") ||
		containsFold(reply, "blocklist") || containsFold(reply, "rate limit") || containsFold(reply, "reputation")
}

// containsFold is strings.Contains without regard to the case of ASCII; sub is in lower case. It allocates nothing.
func containsFold(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i]|0x20 == sub[0] && strings.EqualFold(s[i:i+len(sub)], sub) {
			return true
		}
	}
	return false
}

// isListed reports whether headers of mass mail that says so were logged (RFC 2369, RFC 2919).
func isListed(headers []mail.HeaderLine) bool {
	for _, h := range headers {
		name := strings.TrimSuffix(h.Name, ":")
		switch {
		case len(name) > 5 && strings.EqualFold(name[:5], "list-"):
			return true
		case strings.EqualFold(name, "precedence"):
			return containsFold(h.Value, "bulk") || containsFold(h.Value, "list")
		}
	}
	return false
}
