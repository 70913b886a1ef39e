package correlate

import (
	"cmp"
	"slices"
	"time"

	"mailforensics/mail"
)

// join makes the hops of the child's message a part of the parent's. Account, client and script of the first hop stay; the
// dispositions of the child's recipients count. r is the parent's recipient that led to the child; nil: not known.
func (t *Tracker) join(parent, child *hop, b bond, r *mail.Recipient) {
	m, c := parent.message, child.message
	via := ""
	if r != nil {
		via = r.Envelope()
		if b != forwardedAs && r.Hop == parent.number {
			m.handedOverTogether(r, b)
		}
	}
	m.takeRecipients(c, b, via)
	m.takeHops(c, b, via)
	if b == forwardedAs {
		child.origin = internal // if cleanup's lines are lost, only that of local(8) shows it
	}
	m.End = max(m.End, c.End.Add(m.ahead-c.ahead))
	m.Lines = append(m.Lines, c.Lines...)
	if from := parent.queue.host; from != child.queue.host && from.name == m.Host && !m.PassedFrom.IsValid() {
		m.PassedFrom = c.Client.IP
	}
	m.complete(c)
	m.absorbed = append(append(m.absorbed, c), c.absorbed...)
	m.expected, c.expected = append(m.expected, c.expected...), c.expected[:0]
	c.absorbed, c.joined = c.absorbed[:0], true
	t.unlist(c)
	if m.alive == 0 {
		t.wait(m, t.patience())
	}
}

// takeRecipients takes over the recipients of c, whose hops come after those of m.
func (m *message) takeRecipients(c *message, b bond, via string) {
	before := uint32(len(m.hops))
	for i := range c.Recipients {
		r := &c.Recipients[i]
		if r.Hop != 0 {
			r.Hop += before
		}
		m.inherit(r, b, via, c.ahead)
	}
}

// inherit takes over what a later hop, on a host whose clock is so far ahead, knows of a recipient.
func (m *message) inherit(c *mail.Recipient, b bond, via string, ahead time.Duration) {
	if b == forwardedAs {
		if c.Original == "" && c.Address != via {
			c.Original = via
		}
		if m.findByAddress(c.Address) == nil {
			m.sinceArrival(m.addRecipient(*c), ahead)
		}
		return
	}
	r := m.findRecipient(c.Address, c.Original)
	if r == nil {
		r = m.findRewritten(c.Address, c.Original)
	}
	switch {
	case r == nil:
		m.sinceArrival(m.addRecipient(*c), ahead)
	case c.Disposition != mail.NoDisposition:
		address, original, attempts := r.Address, r.Original, r.Attempts
		*r = *c
		r.Address, r.Original = address, original
		m.rewritten(r, c.Address)
		r.Attempts += attempts
		m.sinceArrival(r, ahead)
	}
}

// sinceArrival corrects the delay of a recipient of a later hop, on a host whose clock is so far ahead: its lines count from the
// arrival of that hop.
func (m *message) sinceArrival(r *mail.Recipient, ahead time.Duration) {
	if at := r.Time.Add(m.ahead - ahead); at > m.Time {
		r.Delay, r.HasDelay = at.Sub(m.Time), true
	}
}

// takeHops puts the hops of c behind those of m.
func (m *message) takeHops(c *message, b bond, via string) {
	before := uint32(len(m.hops))
	for _, h := range c.hops {
		h.message = m
		h.number += before
		if b == forwardedAs {
			h.via = via
		}
	}
	m.hopsOn(c)
	m.hops = append(m.hops, c.hops...)
	m.QueueIDs = append(m.QueueIDs, c.QueueIDs...)
	for _, host := range c.Hosts {
		if !slices.Contains(m.Hosts, host) {
			m.Hosts = append(m.Hosts, host)
		}
	}
	m.alive += c.alive
	c.alive = 0
}

// hopsOn notes the hosts of the hops of c, which become m's. Nearly all messages have all hops on one host.
func (m *message) hopsOn(c *message) {
	if len(m.HopHosts) == 0 && len(c.HopHosts) == 0 && m.Host == c.Host {
		return
	}
	if len(m.HopHosts) == 0 {
		for range m.QueueIDs {
			m.HopHosts = append(m.HopHosts, m.Host)
		}
	}
	for i := range c.QueueIDs {
		_, host := c.Hop(i + 1)
		m.HopHosts = append(m.HopHosts, host)
	}
}

// complete fills in what the lines of the first hop did not say, and those of a later one did.
func (m *message) complete(c *message) {
	m.MessageID = cmp.Or(m.MessageID, c.MessageID)
	m.Subject = cmp.Or(m.Subject, c.Subject)
	m.Script = cmp.Or(m.Script, c.Script)
	if m.Sender == "" {
		m.Sender = c.Sender
	}
	m.ACL = appendSome(m.ACL, c.ACL)
	m.Headers = appendSome(m.Headers, c.Headers)
}

// handedOver notes that a hop passed a recipient on to another hop of the same message, which is no delivery attempt.
func handedOver(r *mail.Recipient, b bond) {
	if r.Attempts > 0 {
		r.Attempts--
	}
	if b == reinjected && r.Disposition == mail.Delivered {
		r.Disposition = mail.Filtered
	}
}

// handedOverTogether does so for r and all recipients that went with it: one message was handed over for several, and the lines
// of all of them came before the first line of what was made of it. They have the same reply, "queued as" and an ID.
func (m *message) handedOverTogether(r *mail.Recipient, b bond) {
	was := *r
	for i := range m.Recipients {
		o := &m.Recipients[i]
		if o.Hop == was.Hop && o.Disposition == was.Disposition && o.Reply == was.Reply && o.Relay == was.Relay && o.Transport == was.Transport {
			handedOver(o, b)
		}
	}
}

func appendSome[T comparable](to, from []T) []T {
	for _, x := range from {
		if len(to) < maxTexts && !slices.Contains(to, x) {
			to = append(to, x)
		}
	}
	return to
}
