package correlate

import (
	"cmp"
	"strings"

	"mailforensics/mail"
)

// many is how many recipients make looking through them slower than a map.
const many = 24

// recipient finds the recipient of m that a line of h speaks of, or adds it. Its identity is the address that the envelope
// had: several deliveries of one alias are one recipient, whose disposition is the last. Only a hop that was born inside
// (local's forward) has an envelope of its own, and names in orig_to the address whose forwarding made it.
func (t *Tracker) recipient(m *message, h *hop, address, original string) *mail.Recipient {
	if r := m.findRecipient(address, original, h.origin == internal); r != nil {
		return r
	}
	if len(m.Recipients) >= maxRecipients {
		t.stats.Cut++
		return &m.Recipients[len(m.Recipients)-1]
	}
	if original == address {
		original = ""
	}
	return m.addRecipient(mail.Recipient{Address: m.text.keep(address), Original: m.text.keep(original)})
}

func (m *message) addRecipient(r mail.Recipient) *mail.Recipient {
	n := len(m.Recipients)
	m.Recipients = append(m.Recipients, r)
	switch {
	case m.index != nil:
		m.indexRecipient(n)
	case n+1 > many:
		m.index = &recipientIndex{envelope: make(map[string]int32, 4*many), address: make(map[string]int32, 4*many)}
		for i := range m.Recipients {
			m.indexRecipient(i)
		}
	}
	return &m.Recipients[n]
}

// recipientIndex finds recipients by what the envelope had, and by what they were rewritten to. The first one keeps its
// place.
type recipientIndex struct {
	envelope, address map[string]int32
}

func (m *message) indexRecipient(i int) {
	r := &m.Recipients[i]
	if _, taken := m.index.envelope[r.Envelope()]; !taken {
		m.index.envelope[r.Envelope()] = int32(i)
	}
	if _, taken := m.index.address[r.Address]; !taken {
		m.index.address[r.Address] = int32(i)
	}
}

// findRecipient finds a recipient by its envelope address; in the envelope of a mail that was born inside, and after a hop
// that may have rewritten the address and not told the next one, by its last address.
func (m *message) findRecipient(address, original string, inside bool) *mail.Recipient {
	if inside {
		return m.findByAddress(address)
	}
	r := m.findByEnvelope(cmp.Or(original, address))
	if r == nil && len(m.hops) > 1 {
		r = m.findRewritten(address, original)
	}
	return r
}

// findRewritten finds a recipient that an earlier hop rewrote: the next hop's envelope has what it was rewritten to, and may
// rewrite it again.
func (m *message) findRewritten(address, original string) *mail.Recipient {
	r := m.findByAddress(address)
	if r == nil && original != "" {
		r = m.findByAddress(original)
	}
	return r
}

func (m *message) findByEnvelope(address string) *mail.Recipient {
	if m.index != nil {
		if i, ok := m.index.envelope[address]; ok {
			return &m.Recipients[i]
		}
		return nil
	}
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Envelope() == address {
			return r
		}
	}
	return nil
}

func (m *message) findByAddress(address string) *mail.Recipient {
	if m.index != nil {
		if i, ok := m.index.address[address]; ok {
			return &m.Recipients[i]
		}
		return nil
	}
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Address == address {
			return r
		}
	}
	return nil
}

// rewritten notes the address that a recipient has now. What the envelope had stays.
func (m *message) rewritten(r *mail.Recipient, address string) {
	envelope := r.Envelope()
	r.Address, r.Original = address, envelope
	if envelope == address {
		r.Original = ""
	}
	if m.index != nil {
		if i, ok := m.index.envelope[envelope]; ok {
			m.indexRecipient(int(i))
		}
	}
}

// outcome notes the disposition that a line gave to a recipient.
func (t *Tracker) outcome(h *hop, ev *mail.Event) *mail.Recipient {
	m := h.message
	original := ev.Original
	if original == "" && h.via != ev.Recipient {
		original = h.via
	}
	r := t.recipient(m, h, ev.Recipient, original)
	if r.Hop != 0 && r.Hop != h.number && m.knowsMore(ev.Child) {
		return r // what it was passed on to has logged first
	}
	if isAttempt(ev, r) {
		r.Attempts++
	}
	if r.Address != ev.Recipient {
		m.rewritten(r, m.text.keep(ev.Recipient))
	}
	keepDeferral(r)
	r.Disposition = ev.Disposition
	if isSwallowed(ev) {
		r.Disposition = mail.Discarded
	}
	r.Local = ev.Has(mail.LocalTarget)
	r.Time = ev.Time
	r.Relay, r.RelayIP = t.names.get(ev.Relay), ev.RelayIP
	r.Transport = t.names.get(ev.Transport)
	if ev.MTA == mail.Postfix {
		r.Transport = t.names.get(ev.Daemon)
	}
	r.DSN, r.Code = t.names.get(ev.DSN), ev.Code
	t.setReply(m, r, ev.Reply)
	r.Delay, r.HasDelay = ev.Delay, ev.Has(mail.HasDelay)
	if h != m.hops[0] && ev.Time > m.Time {
		r.Delay, r.HasDelay = ev.Time.Sub(m.Time), true
	}
	r.Origin = ev.Origin
	r.Hop = h.number
	return r
}

// keepDeferral keeps what was said at the attempt that was the last one so far, before another outcome takes its place. The first
// complaint about us stays: mail is tried again for days, each reply may name another ticket, and when it began is the question.
func keepDeferral(r *mail.Recipient) {
	if r.Disposition != mail.Deferred || strings.HasPrefix(r.Reply, "retry time not reached") {
		return
	}
	if r.Deferral != "" {
		if r.Reply == r.Deferral {
			return
		}
		if c, _ := mail.ComplaintOf("", r.Deferral); c != mail.NoComplaint {
			return
		}
	}
	r.Deferral, r.DeferralAt = r.Reply, r.Time
}

// isSwallowed reports whether a filter on our own network took a mail and threw it away: what amavisd-new answers for
// D_DISCARD. To the client that hands it over it looks delivered.
func isSwallowed(ev *mail.Event) bool {
	return ev.Disposition == mail.Delivered && isNear(ev) && strings.HasPrefix(ev.Reply, "250 2.7.0 Ok, discarded")
}

// setReply keeps one copy of a reply that is repeated at each attempt, and of the short ones that all mail has in common.
func (t *Tracker) setReply(m *message, r *mail.Recipient, reply string) {
	switch {
	case r.Reply == reply:
	case len(reply) <= 32:
		r.Reply = t.names.get(reply)
	default:
		r.Reply = m.text.keep(reply)
	}
}

// knowsMore reports whether the queue ID that a recipient was passed on to is one of m's own: it has the last word.
func (m *message) knowsMore(child string) bool {
	if child == "" || len(m.hops) < 2 {
		return false
	}
	for _, h := range m.hops[1:] {
		if h.id == child {
			return true
		}
	}
	return false
}

// isAttempt reports whether a result line tells of an attempt to deliver: not when the destination was not even tried
// (error(8) repeats why it is suspended; Exim's retry time is not reached), not for the second line of one attempt (Exim
// logs the last reason and then that retries have run out), and not for the further deliveries of an alias.
func isAttempt(ev *mail.Event, r *mail.Recipient) bool {
	if r.Attempts == 0 {
		return true
	}
	switch {
	case strings.HasPrefix(ev.Reply, "delivery temporarily suspended"),
		strings.HasPrefix(ev.Reply, "retry time not reached"):
		return false
	case strings.HasSuffix(ev.Reply, "retry timeout exceeded"):
		return ev.Time.Sub(r.Time) > late
	}
	return r.Disposition == mail.Deferred || r.Disposition == mail.Held || r.Address == ev.Recipient
}

// expire turns what is still deferred in h into expired.
func (m *message) expire(h *hop, ev *mail.Event) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Disposition == mail.Deferred && r.Hop == h.number {
			r.Disposition, r.Time, r.Origin = mail.Expired, ev.Time, ev.Origin
		}
	}
}

// settleRecipients says what the state of a hop means for those of its recipients that no line has spoken of last.
func (m *message) settleRecipients(h *hop) {
	var d mail.Disposition
	switch {
	case h.marks&discarded != 0:
		d = mail.Discarded
	case h.marks&removed != 0:
		d = mail.Discarded // an administrator threw it away
	case h.marks&held != 0:
		d = mail.Held
	default:
		return
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		pending := r.Disposition == mail.NoDisposition || r.Disposition == mail.Deferred || r.Disposition == mail.Held
		if pending && (r.Hop == 0 || r.Hop == h.number) {
			r.Disposition = d
		}
	}
}
