package correlate

import (
	"strings"

	"mailforensics/mail"
)

// many is the number of recipients from which on a map is faster than looking through them.
const many = 24

// recipient returns the recipient of m that a line of h is about; if there is none, it adds one. A recipient is identified by its
// address in the envelope: several deliveries of one alias are one recipient, whose last disposition counts. Only a hop that
// Postfix made (a forward of local(8)) has an envelope of its own, and its orig_to is the address that was forwarded.
func (t *Tracker) recipient(m *message, h *hop, address, original string) *mail.Recipient {
	var r *mail.Recipient
	if h.origin == internal {
		r = m.findByAddress(address)
	} else {
		r = m.findRecipient(address, original)
	}
	if r != nil {
		return r
	}
	if len(m.Recipients) >= maxRecipients {
		t.stats.Cut++
		return &m.Recipients[len(m.Recipients)-1]
	}
	if original == address {
		original = ""
	}
	m.Recipients = append(m.Recipients, mail.Recipient{})
	r = &m.Recipients[len(m.Recipients)-1]
	r.Address, r.Original = m.text.keep(address), m.text.keep(original)
	m.indexLast()
	return r
}

func (m *message) addRecipient(r mail.Recipient) *mail.Recipient {
	m.Recipients = append(m.Recipients, r)
	m.indexLast()
	return &m.Recipients[len(m.Recipients)-1]
}

// indexLast indexes the last recipient, if there are so many.
func (m *message) indexLast() {
	n := len(m.Recipients)
	switch {
	case m.index != nil:
		m.indexRecipient(n - 1)
	case n > many:
		m.index = &recipientIndex{envelope: make(map[string]int32, 4*many), address: make(map[string]int32, 4*many)}
		for i := range m.Recipients {
			m.indexRecipient(i)
		}
	}
}

// sameAddress reports whether two addresses differ at most in the case of the domain. Exim delivers with the domain in lower case,
// and logs the envelope as it came.
func sameAddress(a, b string) bool {
	return a == b || len(a) == len(b) && sameFolded(a, b)
}

// sameFolded is the rarer half of sameAddress. It stands apart so that that is inlined.
func sameFolded(a, b string) bool { return strings.EqualFold(a, b) && mail.Fold(a) == mail.Fold(b) }

// recipientIndex finds recipients by their address in the envelope, and by the address that they were rewritten to. If several
// have the same, the first one counts.
type recipientIndex struct {
	envelope, address map[string]int32
}

func (m *message) indexRecipient(i int) {
	r := &m.Recipients[i]
	envelope, address := mail.Fold(r.Envelope()), mail.Fold(r.Address)
	if _, taken := m.index.envelope[envelope]; !taken {
		m.index.envelope[envelope] = int32(i)
	}
	if first, taken := m.index.address[address]; !taken || !sameAddress(m.Recipients[first].Address, r.Address) { // that was rewritten
		m.index.address[address] = int32(i)
	}
}

// findRecipient finds a recipient by its address in the envelope; after a hop that may have rewritten the address without telling
// the next one, by its last address.
func (m *message) findRecipient(address, original string) *mail.Recipient {
	envelope := original
	if envelope == "" {
		envelope = address
	}
	r := m.findByEnvelope(envelope)
	if r == nil && len(m.hops) > 1 {
		r = m.findRewritten(address, original)
	}
	return r
}

// findRewritten finds a recipient that an earlier hop rewrote: the envelope of the next hop has the new address, and the hop may
// rewrite that again.
func (m *message) findRewritten(address, original string) *mail.Recipient {
	r := m.findByAddress(address)
	if r == nil && original != "" {
		r = m.findByAddress(original)
	}
	return r
}

func (m *message) findByEnvelope(address string) *mail.Recipient {
	if m.index != nil {
		if i, ok := m.index.envelope[mail.Fold(address)]; ok {
			return &m.Recipients[i]
		}
		return nil
	}
	for i := range m.Recipients {
		if r := &m.Recipients[i]; sameAddress(r.Envelope(), address) {
			return r
		}
	}
	return nil
}

// findByAddress finds a recipient by its last address, the one that the envelope of a forward or a notice has.
func (m *message) findByAddress(address string) *mail.Recipient {
	if m.index != nil {
		if i, ok := m.index.address[mail.Fold(address)]; ok && sameAddress(m.Recipients[i].Address, address) {
			return &m.Recipients[i]
		}
		return nil
	}
	for i := range m.Recipients {
		if r := &m.Recipients[i]; sameAddress(r.Address, address) {
			return r
		}
	}
	return nil
}

// rewritten notes the address that a recipient has now. The address in the envelope stays.
func (m *message) rewritten(r *mail.Recipient, address string) {
	envelope := r.Envelope()
	r.Address, r.Original = address, envelope
	if envelope == address {
		r.Original = ""
	}
	if m.index != nil {
		m.indexRecipient(int(m.index.envelope[mail.Fold(envelope)]))
	}
}

// outcome notes the disposition that a line gives to a recipient.
func (t *Tracker) outcome(h *hop, ev *mail.Event) *mail.Recipient {
	m := h.message
	original := ev.Original
	if original == "" && h.via != ev.Recipient {
		original = h.via
	}
	r := t.recipient(m, h, ev.Recipient, original)
	if r.Hop > h.number && (m.knowsMore(ev.Child) || h.wasPutBack(ev)) {
		return r // the next hop logged first
	}
	if isAttempt(ev, r) {
		r.Attempts++
	}
	if !sameAddress(r.Address, ev.Recipient) {
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
	if h != m.hops[0] {
		m.sinceArrival(r, ev.Ahead)
	}
	r.Origin = ev.Origin
	r.Hop = h.number
	return r
}

// keepDeferral keeps the reply of the last attempt so far, before another disposition replaces it. The first complaint about us
// stays: mail is tried again for days, each reply may name another ticket, and the question is when it began.
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

// isSwallowed reports whether a filter in our own network accepted a message and discarded it: amavisd-new's reply for D_DISCARD.
// To the client that handed it over it looks delivered.
func isSwallowed(ev *mail.Event) bool {
	return ev.Disposition == mail.Delivered && strings.HasPrefix(ev.Reply, "250 2.7.0 Ok, discarded") && isNear(ev)
}

// setReply keeps one copy of a reply that is repeated at each attempt, and of the short ones that most messages have in common.
func (t *Tracker) setReply(m *message, r *mail.Recipient, reply string) {
	switch {
	case r.Reply == reply:
	case len(reply) <= 32:
		r.Reply = t.names.get(reply)
	default:
		r.Reply = m.text.keep(reply)
	}
}

// knowsMore reports whether the queue ID that a recipient was passed on to is one of m's own, whose disposition counts.
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

// isAttempt reports whether a result line is about a delivery attempt: not if the destination was not even tried (error(8)
// repeats why it is suspended; Exim's retry time is not reached), not the second line about one attempt (Exim logs the last
// reason, and then that retries are exhausted), and not the further deliveries of an alias.
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
	return r.Disposition == mail.Deferred || r.Disposition == mail.Held || sameAddress(r.Address, ev.Recipient)
}

// expire changes deferred recipients of h into expired ones, and those that were not tried yet.
func (m *message) expire(h *hop, ev *mail.Event) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Disposition == mail.Deferred && r.Hop == h.number || r.Disposition == mail.NoDisposition && r.Hop == 0 {
			r.Disposition, r.Time, r.Origin = mail.Expired, ev.Time, ev.Origin
		}
	}
}

// settleRecipients sets the dispositions that follow from the state of a hop, for recipients without a final line.
func (m *message) settleRecipients(h *hop) {
	var d mail.Disposition
	switch {
	case h.marks&discarded != 0:
		d = mail.Discarded
	case h.marks&removed != 0:
		d = mail.Discarded // an administrator deleted it
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
