package correlate

import (
	"cmp"

	"mailforensics/mail"
)

// postfix handles an event of a Postfix daemon.
func (t *Tracker) postfix(ev *mail.Event) {
	q := t.queueOf(ev)
	if ev.QueueID == "" {
		t.inSession(q, ev)
		switch ev.Kind {
		case mail.Accept:
			return
		case mail.FilterResult:
			if ev.Child != "" {
				t.proxyAccepted(q, t.sessionOf(q, ev), ev)
			}
		case mail.Reject:
			ev = t.byProxy(q, ev)
		}
		t.pass(ev)
		return
	}
	switch ev.Kind {
	case mail.Delivery:
		t.postfixDelivery(q, ev)
	case mail.Queue:
		t.postfixQueue(q, ev)
	case mail.MessageID, mail.Header:
		t.postfixCleanup(q, ev)
	case mail.Accept:
		t.postfixAccept(q, ev)
	case mail.LocalSubmit:
		t.postfixPickup(q, ev)
	case mail.Remove, mail.Requeue:
		t.postfixEnd(q, ev)
	case mail.Hold, mail.Discard:
		t.postfixVerdict(q, ev)
	case mail.Release, mail.Expire:
		t.postfixRelease(q, ev)
	case mail.BounceNotice:
		t.postfixNotice(q, ev)
	case mail.Reject:
		t.postfixReject(q, ev)
	default:
		t.postfixOther(q, ev)
	}
}

// postfixAccept handles smtpd's client=: a queue file is opened when the first recipient is accepted.
func (t *Tracker) postfixAccept(q *queue, ev *mail.Event) {
	h := t.birth(q, ev, bySMTP)
	m := h.message
	if m.hops[0] != h {
		t.keepLine(m, ev)
		return
	}
	t.take(m, ev)
	m.Client = ev.Client
	m.Client.Name = m.text.keep(ev.Client.Name)
	m.Account, m.AuthMethod = m.text.keep(ev.Account), t.names.get(ev.AuthMethod)
	t.begin(t.sessionOf(q, ev), h, ev)
	t.keepLine(m, ev)
	if mail.IsInside(ev.Client.IP) && ev.Account == "" {
		t.mayReturn(h)
		if ev.Child != "" && m.hops[0] == h {
			t.linkOriginal(q, h, ev)
		}
	}
}

// mayReturn notes that a hop may be a message that a content filter puts back.
func (t *Tracker) mayReturn(h *hop) {
	h.marks |= mayReturn
	t.injected.put(refTo(h))
	if h.marks&accepted != 0 { // the queue manager logged first
		t.adopt(h)
	}
}

// take keeps the line that accepted m, and what it says.
func (t *Tracker) take(m *message, ev *mail.Event) {
	m.Time = ev.Time
	t.witness(m, ev)
	m.Service = t.names.get(ev.Service)
	m.Protocol, m.TLS = t.names.get(ev.Protocol), t.names.get(ev.TLS)
	m.Flags |= ev.Flags & (mail.Verified | mail.HasUID | mail.FakeReject)
}

// witness keeps the line that shows where m came from.
func (t *Tracker) witness(m *message, ev *mail.Event) {
	t.keepText(m, ev)
	m.Origin, m.Line = ev.Origin, m.text.kept
}

// keepText keeps the line of ev with the strings of m, unless that was done: most strings of a first line are parts of it, and need
// no copies of their own.
func (t *Tracker) keepText(m *message, ev *mail.Event) {
	if t.keeping == m {
		return
	}
	t.endLine()
	m.text.keepLine(ev.Raw)
	t.keeping = m
}

// endLine ends what keepText began. It is called at the end of each event, because the memory of the log is reused after it.
func (t *Tracker) endLine() {
	if t.keeping != nil {
		t.keeping.text.endLine()
		t.keeping = nil
	}
}

// postfixPickup handles pickup's uid=: a local user's message, or one that postsuper -r put back.
func (t *Tracker) postfixPickup(q *queue, ev *mail.Event) {
	h := t.birth(q, ev, byUser)
	m := h.message
	if m.hops[0] != h {
		t.keepLine(m, ev)
		return
	}
	t.take(m, ev)
	m.UID, m.User, m.Sender = ev.UID, t.names.get(ev.User), m.text.keep(ev.Sender)
	t.keepLine(m, ev)
	if parent := cmp.Or(ev.Parent, ev.Child); parent != "" {
		t.linkRequeued(q, h, parent)
		return
	}
	t.mayReturn(h)
}

// postfixCleanup handles cleanup's message-id= and logged headers. A hop without a client= or uid= line was made by Postfix
// itself.
func (t *Tracker) postfixCleanup(q *queue, ev *mail.Event) {
	h := t.find(q, ev.QueueID)
	if h == nil {
		h = t.findReceiving(q, ev.QueueID)
	}
	if h == nil || t.isNewLife(h, ev) {
		if h == nil && t.graves.holds(q, ev.QueueID, t.now) && ev.Kind == mail.Header {
			t.stats.Late++
			return
		}
		h = t.birth(q, ev, internal)
		t.witness(h.message, ev)
		t.claimNotice(h)
	}
	m := h.message
	t.touch(m, ev)
	if ev.Kind == mail.MessageID {
		h.marks |= named
		if ev.MessageID == "" {
			h.marks |= nameless
		}
		if m.MessageID == "" {
			m.MessageID = m.text.keep(ev.MessageID)
		}
		return
	}
	t.header(m, ev)
	t.tail(h, ev)
}

// tail keeps what the end of a line (from=<…> to=<…> proto=… helo=<…>) says of client and envelope.
func (t *Tracker) tail(h *hop, ev *mail.Event) {
	m := h.message
	if m.hops[0] != h {
		return
	}
	if m.Sender == "" && ev.Sender != "" {
		m.Sender = m.text.keep(ev.Sender)
	}
	if h.origin != bySMTP {
		return
	}
	if m.Client.HELO == "" {
		m.Client.HELO = m.text.keep(ev.Client.HELO)
	}
	if m.Protocol == "" {
		m.Protocol = t.names.get(ev.Protocol)
	}
}

// isNewLife reports whether a line about the content cannot belong to the life that we know: that is over, or it is in the queue
// and the Message-ID is another one. (A message with several Message-ID headers logs them while it is received.)
func (t *Tracker) isNewLife(h *hop, ev *mail.Event) bool {
	switch {
	case h.state == receiving || h.state == over && t.now.Sub(h.born) < atOnce:
		return false
	case t.now.Sub(h.born) <= late:
		return false
	case h.state == queued && ev.Kind == mail.MessageID:
		return h.message.MessageID != ev.MessageID
	}
	return h.state == dead || h.state == over
}

// header keeps a header that a header check logged.
func (t *Tracker) header(m *message, ev *mail.Event) {
	if m.Subject == "" && ev.Subject != "" {
		m.Subject = m.text.keep(ev.Subject)
	}
	if m.Script == "" && ev.Script != "" {
		m.Script = t.names.get(ev.Script)
	}
	if ev.HeaderName != "" && len(m.Headers) < maxTexts {
		m.Headers = append(m.Headers, mail.HeaderLine{Name: t.names.get(ev.HeaderName), Value: m.text.keep(ev.HeaderValue)})
	}
}

// postfixQueue handles qmgr's from=: the message is in the queue. The line comes again at every attempt.
func (t *Tracker) postfixQueue(q *queue, ev *mail.Event) {
	q.managed = true
	h := t.find(q, ev.QueueID)
	if h == nil {
		h = t.findReceiving(q, ev.QueueID)
	}
	switch {
	case h == nil,
		h.state == dead && t.now.Sub(h.died) > late,
		h.alive() && h.marks&accepted != 0 && h.message.hops[0] == h && h.message.Sender != ev.Sender && !ev.Has(mail.NoSender):
		h = t.birth(q, ev, unseen)
		t.claimNotice(h) // if cleanup's lines are lost
	}
	m := h.message
	t.touch(m, ev)
	first := h.marks&accepted == 0
	h.marks |= accepted
	t.revive(h)
	if h.state == receiving {
		h.state = queued
	}
	if !first {
		return
	}
	if m.hops[0] == h {
		if ev.Sender != "" && m.Sender != ev.Sender {
			m.Sender = m.text.keep(ev.Sender)
		}
		m.Size, m.Stated = ev.Size, ev.NRcpt
	}
	t.adopt(h)
}

// touch notes that a line belongs to m.
func (t *Tracker) touch(m *message, ev *mail.Event) {
	m.End = max(m.End, m.byClock(ev))
	t.keepLine(m, ev)
}

// postfixDelivery handles a delivery agent's to=.
func (t *Tracker) postfixDelivery(q *queue, ev *mail.Event) {
	h := t.findLater(q, ev.QueueID)
	if h == nil {
		if t.graves.holds(q, ev.QueueID, t.now) {
			t.stats.Late++
			return
		}
		h = t.birth(q, ev, unseen)
		h.state = queued
		t.claimNotice(h)
	}
	m := h.message
	t.touch(m, ev)
	if ev.Disposition == mail.Probed {
		h.marks |= probed
		return
	}
	h.marks |= delivered
	if h.marks&accepted == 0 && h.state == over {
		t.revive(h) // if no client waits for a reply, cleanup bounces a message that it refuses
	}
	t.adoptNameless(h, cmp.Or(ev.Original, ev.Recipient))
	ev = t.linkTask(h, ev)
	t.linkDelivery(h, t.outcome(h, ev), ev)
}

// postfixEnd handles the end of a queue ID: removed, requeued.
func (t *Tracker) postfixEnd(q *queue, ev *mail.Event) {
	h := t.findLater(q, ev.QueueID)
	if h == nil {
		t.unknownEnd(q, ev)
		return
	}
	if h.state == dead {
		t.keepLine(h.message, ev)
		return
	}
	t.touch(h.message, ev)
	switch {
	case ev.Kind == mail.Requeue:
		h.marks |= requeued | accepted
	case ev.Daemon == "cleanup": // since 3.10
		switch {
		case h.marks&(discarded|accepted|refused) != 0:
		case ev.Reply == "discarded":
			h.marks |= discarded
		default: // canceled
			h.marks |= cancelled
		}
	case ev.Daemon == "postsuper":
		h.marks |= removed | accepted
	default:
		h.marks |= accepted
	}
	h.marks |= completed
	t.end(h, dead)
}

// postfixVerdict handles hold and discard, by a header check, a milter or an access table.
func (t *Tracker) postfixVerdict(q *queue, ev *mail.Event) {
	h := t.find(q, ev.QueueID)
	if h == nil {
		if ev.Daemon != "cleanup" {
			t.stats.Orphans++ // postsuper -h of a message from before the log
			return
		}
		h = t.birth(q, ev, internal)
	}
	t.touch(h.message, ev)
	if ev.Kind == mail.Hold {
		h.marks |= held
	} else {
		h.marks |= discarded
	}
	t.tail(h, ev)
	t.tellRecipient(h, ev.Recipient, h.marks&(held|discarded), ev)
	if ev.Kind == mail.Discard {
		h.marks |= completed
		t.end(h, over)
	}
}

// tellRecipient gives a recipient the disposition that a rule decided, if the line names one.
func (t *Tracker) tellRecipient(h *hop, address string, verdict marks, ev *mail.Event) {
	if address == "" {
		return
	}
	r := t.recipient(h.message, h, address, "")
	r.Disposition = mail.Held
	if verdict&discarded != 0 {
		r.Disposition = mail.Discarded
	}
	r.Time, r.Origin, r.Hop = ev.Time, ev.Origin, h.number
	t.setReply(h.message, r, ev.Reply)
}

// postfixRelease handles the end of a hold, and a message that was too long in the queue.
func (t *Tracker) postfixRelease(q *queue, ev *mail.Event) {
	h := t.findLater(q, ev.QueueID)
	if h == nil {
		t.stats.Orphans++
		return
	}
	m := h.message
	t.touch(m, ev)
	if ev.Kind == mail.Expire {
		m.expire(h, ev)
		return
	}
	h.marks &^= held
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Disposition == mail.Held && r.Hop == h.number {
			r.Disposition = mail.NoDisposition
		}
	}
}

// postfixReject handles a refusal with a queue ID. One of a recipient leaves the message alive; one of the content ends it.
func (t *Tracker) postfixReject(q *queue, ev *mail.Event) {
	if h := t.findAnyInstance(q, ev.QueueID); h != nil {
		t.touch(h.message, ev)
		t.tail(h, ev)
		if !ev.Has(mail.WarnOnly) && endsMail(ev) && h.marks&accepted == 0 {
			h.marks |= refused
			t.end(h, over)
		}
	}
	if s := t.sessionOf(q, ev); s != nil {
		s.note(ev)
	}
	t.pass(ev)
}

// endsMail reports whether the whole message was refused.
func endsMail(ev *mail.Event) bool {
	switch ev.Stage {
	case "DATA", "BDAT", "END-OF-MESSAGE":
		return true
	case "RCPT", "VRFY", "ETRN", "CONNECT", "HELO", "EHLO", "MAIL":
		return false
	}
	return ev.Daemon == "cleanup"
}

// postfixOther handles any other line with a queue ID: a skipped server, a warning, a lost connection (with the ID since 3.10).
func (t *Tracker) postfixOther(q *queue, ev *mail.Event) {
	if h := t.findAnyInstance(q, ev.QueueID); h != nil {
		t.touch(h.message, ev)
		t.tail(h, ev)
	}
	if takesMail(ev.Daemon) {
		if s := t.sessionOf(q, ev); s != nil {
			s.note(ev)
			if ev.Kind == mail.Disconnect {
				t.disconnect(s, ev)
			}
		}
	}
	t.pass(ev)
}
