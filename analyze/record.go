package analyze

import (
	"strconv"
	"strings"

	"mailforensics/mail"
)

// record is what is remembered of one message until it is known whether it belongs to a burst.
type record struct {
	time      mail.Instant
	in        [dimensions]*series // whose it is
	hotness   [dimensions]uint16  // where these say that they may be in a burst
	line      string
	client    mail.Client
	host      string
	account   string
	sender    string
	subject   string
	messageID string
	queueID   string
	first     recalled
	more      []recalled
	local     *submission // nil for what came by SMTP
	mail.Origin
	mail.Flags
	completed bool
	listed    bool // a List- header or Precedence: bulk was logged
}

// submission is what is remembered of who handed in a message on this host.
type submission struct {
	user, script, directory string
}

// recalled is what is remembered of a recipient.
type recalled struct {
	address     string
	reply       string
	disposition mail.Disposition
	unknown     bool // bounced, because there is no such recipient
	blocked     bool // refused or deferred, because of us or of what the message says
	limited     bool // given up by ourselves: the sender had sent too much in that hour
}

// remember fills r, which may hold an older message, from m. Field by field: a million times a literal is a million copies.
func (r *record) remember(m *mail.Message) {
	r.Origin, r.Flags, r.time, r.line = m.Origin, m.Flags, m.Time, m.Line
	r.client = m.Client
	r.host, r.account, r.sender, r.subject, r.messageID = m.Host, m.Account, m.Sender, m.Subject, m.MessageID
	r.completed, r.listed = m.Completed, isListed(m.Headers)
	r.queueID = whereQueued(m)
	r.local = nil
	if !m.Client.IP.IsValid() || m.Script != "" {
		r.local = &submission{user: localUser(m), script: m.Script, directory: m.Directory}
	}
	clear(r.in[:])
	r.recall(m.Recipients)
}

// recall remembers the recipients. The slice of those after the first is its own: a copy of the record may share it.
func (r *record) recall(all []mail.Recipient) {
	r.first, r.more = recalled{}, nil
	if len(all) > 0 {
		r.first.recall(&all[0])
	}
	if len(all) > 1 {
		r.more = make([]recalled, len(all)-1)
		for i := range r.more {
			r.more[i].recall(&all[1+i])
		}
	}
}

// localUser is whose local submission a message is: the number, where it is logged, else the name.
func localUser(m *mail.Message) string {
	switch {
	case m.Client.IP.IsValid():
		return ""
	case m.Has(mail.HasUID):
		return strconv.Itoa(m.UID)
	}
	return m.User
}

// recordPool is records that are no longer needed, to be used again. The zero value is ready.
type recordPool struct{ spare []*record }

// take is a record to be filled.
func (p *recordPool) take() *record {
	last := len(p.spare) - 1
	if last < 0 {
		return new(record)
	}
	r := p.spare[last]
	p.spare = p.spare[:last]
	return r
}

// put takes a record that nobody needs, and lets go of its strings.
func (p *recordPool) put(r *record) {
	*r = record{}
	p.spare = append(p.spare, r)
}

// origin is the program that handed it in, "" when it came by SMTP.
func (r *record) origin() string {
	if r.local == nil {
		return ""
	}
	return origin(r.local.script, r.local.directory)
}

// user is the local user who handed it in, "" when it came by SMTP.
func (r *record) user() string {
	if r.local == nil {
		return ""
	}
	return r.local.user
}

// recall fills c, which is empty.
func (c *recalled) recall(r *mail.Recipient) {
	c.address, c.disposition = r.Envelope(), r.Disposition
	if r.Disposition == mail.Bounced || r.Disposition == mail.Deferred {
		c.reply = r.Reply
		c.limited = r.Relay == "" && overLimit(r.Reply)
		c.unknown = r.Disposition == mail.Bounced && unknownRecipient(r.DSN, r.Reply)
		c.blocked = !c.unknown && blockedReply(r.DSN, r.Reply)
	}
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
		Script: r.origin(), Sender: r.sender, Subject: r.subject, MessageID: r.messageID,
		Completed: r.completed, Recipients: recipients, QueueIDs: ids,
	}
}

// unknownRecipient reports whether a reply says that there is no such recipient (RFC 3463, section 3.2: X.1.1 bad mailbox,
// X.1.10 null MX aside; X.5.1.6 moved). Servers that send no enhanced code say it in words.
func unknownRecipient(dsn, reply string) bool {
	switch dsn {
	case "5.1.1", "5.1.0", "5.1.6", "5.2.1":
		return true
	case "5.1.7", "5.1.8", "4.1.7", "4.1.8": // it is the sender that is bad (RFC 3463, section 3.2)
		return false
	}
	return containsFold(reply, "user unknown") || containsFold(reply, "unknown user") || containsFold(reply, "no such user") ||
		containsFold(reply, "unrouteable address") || containsFold(reply, "no such person") || // Exim, and as cPanel sets it up
		containsFold(reply, "recipient rejected") || containsFold(reply, "mailbox unavailable") ||
		containsFold(reply, "does not exist") && !containsFold(reply, "domain of sender") // Sendmail, of the sender's
}

// overLimit reports whether a message was given up because its sender had sent too much: cPanel's "Domain site.example has exceeded
// the max emails per hour (501/500 (100%)) allowed. Message discarded." That says nothing of those to whom it was written.
func overLimit(reply string) bool { return containsFold(reply, "has exceeded the max emails per hour") }

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
		case strings.EqualFold(name, "precedence") && (containsFold(h.Value, "bulk") || containsFold(h.Value, "list")):
			return true
		}
	}
	return false
}
