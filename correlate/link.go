package correlate

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"mailforensics/mail"
)

// bond is how one hop leads to the next.
type bond uint8

const (
	reinjected  bond = iota // a content filter took it out and put it back
	forwardedAs             // local(8) made a new message: an alias or .forward
	requeuedAs              // by postsuper -r, or by a scanner that works on the queue
	tookOver                // by another host whose log is given
)

const (
	// apart is how far the beginning of a child and the line of its parent may be from each other: a filter may work for minutes,
	// and the clocks of two hosts may differ.
	apart = 15 * time.Minute
	// atOnce is the same if only Message-ID and sender, or less, identify the child.
	atOnce = time.Minute
)

// linkDelivery follows a recipient to the queue ID that a delivery names: what local(8) forwarded it as, what a filter put it
// back as, what the next host calls it.
func (t *Tracker) linkDelivery(h *hop, r *mail.Recipient, ev *mail.Event) {
	switch ev.Disposition {
	case mail.Delivered, mail.Forwarded, mail.Filtered:
	default:
		return
	}
	if ev.Child == "" {
		t.linkWithoutName(h, r, ev)
		return
	}
	m := h.message
	if m.knowsMore(ev.Child) {
		if r.Hop == h.number { // the child has no disposition for this recipient yet
			handedOver(r, bondTo(ev))
		}
		return
	}
	b, child := t.childOf(h, ev)
	filter := netip.AddrPortFrom(ev.RelayIP, ev.RelayPort)
	if child != nil {
		switch b {
		case tookOver:
			t.rememberRelay(ev.Relay, child.queue)
		case reinjected:
			h.queue.host.rememberFilter(filter)
		}
		t.join(h, child, b, r)
		return
	}
	if b == reinjected && slices.Contains(h.queue.host.filters, filter) {
		r.Disposition = mail.Filtered // no line that we have says what became of it
	}
	if b != tookOver || t.mayHaveHosts() {
		t.expect(h, ev.Child, b, r.Envelope())
	}
}

// childOf finds the hop that a delivery names. If a stranger's server replies "queued as" with an ID of ours, that must not join
// two messages: a filter has an address in our own network, or hands the mail back from where it got it; another host has a
// message with the same Message-ID or sender.
func (t *Tracker) childOf(h *hop, ev *mail.Event) (bond, *hop) {
	m := h.message
	if ev.Disposition == mail.Forwarded {
		child := t.find(h.queue, ev.Child)
		if child != nil && (child.origin != internal && child.origin != unseen || !t.mayFollow(m, child)) {
			child = nil
		}
		return forwardedAs, child
	}
	child := t.findOn(h.queue.host, ev.Child)
	if child != nil && t.mayFollow(m, child) && child.origin != internal && sameMail(m, child.message) {
		c := child.message
		if c.Account == "" && (mail.IsInside(c.Client.IP) || child.origin == byUser || c.Client.IP == ev.RelayIP) || child.queue != h.queue {
			return reinjected, child
		}
		if h.queue.host.name == "" && sameMailSurely(m, c) { // a log that names no host may be of several
			return tookOver, child
		}
	}
	if len(t.queues.hosts) > 1 {
		child = t.findElsewhere(h.queue.host, ev.Child, ev.Relay)
		if child != nil && t.mayFollow(m, child) && child.origin == bySMTP && sameMailSurely(m, child.message) {
			return tookOver, child
		}
	}
	return bondTo(ev), nil
}

// bondTo is how a delivery over SMTP leads to the next hop, as far as the address that it went to shows.
func bondTo(ev *mail.Event) bond {
	if isNear(ev) {
		return reinjected
	}
	return tookOver
}

// isNear reports whether a delivery went to an address in our own network.
func isNear(ev *mail.Event) bool { return mail.IsInside(ev.RelayIP) }

// mayFollow reports whether the child can be a hop of m: it is the first hop of another message, which began at about this time.
func (t *Tracker) mayFollow(m *message, child *hop) bool {
	c := child.message
	return c != m && c.hops[0] == child && !c.Notice && within(t.now, child.born, apart)
}

func within(a, b mail.Instant, d time.Duration) bool {
	return a.Sub(b) <= d && b.Sub(a) <= d
}

// sameMail reports whether nothing contradicts that two hops are of the same message.
func sameMail(a, b *message) bool {
	if a.MessageID != "" && b.MessageID != "" {
		return a.MessageID == b.MessageID
	}
	return a.Sender == "" || b.Sender == "" || mail.Fold(a.Sender) == mail.Fold(b.Sender)
}

// sameMailSurely reports whether two hops have the same Message-ID, or the same sender if one of them has no Message-ID: an Exim
// with log_selector -all logs no id=.
func sameMailSurely(a, b *message) bool {
	if a.MessageID != "" && b.MessageID != "" {
		return a.MessageID == b.MessageID
	}
	return a.Sender != "" && mail.Fold(a.Sender) == mail.Fold(b.Sender)
}

// linkRequeued ties a message that postsuper -r put back to its earlier life.
func (t *Tracker) linkRequeued(q *queue, child *hop, id string) {
	parent := t.findOn(q.host, id)
	if parent == nil || parent.message == child.message || child.message.hops[0] != child {
		return
	}
	child.message.Sender = cmp.Or(parent.message.Sender, child.message.Sender)
	t.join(parent, child, requeuedAs, nil)
}
