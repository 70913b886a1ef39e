package correlate

import (
	"strings"

	"mailforensics/mail"
)

// pipeLink is a delivery to a command. Some commands put the mail back, which only its Message-ID and sender show.
type pipeLink struct {
	hop      hopRef
	envelope string
	relay    string
	at       mail.Instant
}

// linkWithoutName looks for the message that a command put back. It may be in the queue before the line of the delivery to the
// command, or after it: pickup takes some time. A command may put several back, of one call or of several.
func (t *Tracker) linkWithoutName(h *hop, r *mail.Recipient, ev *mail.Event) {
	if !isPiped(ev) || h.message.MessageID == "" && h.marks&nameless == 0 {
		return
	}
	link := pipeLink{refTo(h), r.Envelope(), r.Relay, t.now}
	if ev.Transport != "" {
		link.relay = r.Transport
	}
	if h.wasPutBack(ev) {
		link.relay = h.filter  // r may be of a later hop, with a relay of its own
		if r.Hop == h.number { // no child has a disposition for this recipient yet
			handedOver(r, reinjected)
		}
		r = nil
	}
	if child := t.putBackOf(h, link.envelope); child != nil {
		h.filter = link.relay
		t.join(h, child, reinjected, r)
	}
	t.piped.put(link)
}

// putBackOf returns a message in the queue that may be what a command put back of h's for a recipient; nil: there is none. One that is known
// to be for that recipient is the right one, and may be done already; of the others nobody knows yet for whom they are.
func (t *Tracker) putBackOf(h *hop, envelope string) (child *hop) {
	t.injected.each(func(ref *hopRef) bool {
		c := ref.get()
		if c == nil {
			return true
		}
		if t.now.Sub(c.born) > atOnce || c.born < h.born {
			return false
		}
		if !t.isPutBack(h, c) {
			return true
		}
		if c.message.findByEnvelope(envelope) != nil {
			child = c
			return false
		}
		if child == nil && h.marks&nameless == 0 && h.message.mayBeFor(c.message, envelope) {
			child = c
		}
		return true
	})
	return child
}

// isPiped reports whether a delivery went to a command. Exim's transports have names of the administrator's choice.
func isPiped(ev *mail.Event) bool {
	return !ev.RelayIP.IsValid() && (ev.Daemon == "pipe" || ev.MTA == mail.Exim)
}

func commandOf(ev *mail.Event) string {
	if ev.Transport != "" {
		return ev.Transport
	}
	return ev.Relay
}

// wasPutBack reports whether a delivery went to the command that put the mail of h back.
func (h *hop) wasPutBack(ev *mail.Event) bool {
	return h.filter != "" && isPiped(ev) && h.filter == commandOf(ev)
}

// adoptPutBack ties a hop to the delivery to a command that put it back, if there was one.
func (t *Tracker) adoptPutBack(h *hop) {
	var p *pipeLink
	t.piped.each(func(l *pipeLink) bool {
		if t.now.Sub(l.at) > atOnce {
			return false
		}
		if parent := l.hop.get(); parent != nil && parent.marks&nameless == 0 && t.isPutBack(parent, h) && l.precedes(parent, h) {
			p = l
		}
		return p == nil
	})
	if p != nil {
		t.putBack(p, h)
	}
}

// adoptNameless does the same for a mail that had no Message-ID until it was put back. Several of one sender's look alike before it is known for
// whom they are, so it is done with the first delivery.
func (t *Tracker) adoptNameless(h *hop, envelope string) {
	if t.piped.n == 0 || h.marks&mayReturn == 0 || h.message.hops[0] != h || !h.isNamedHere() {
		return
	}
	var p *pipeLink
	t.piped.each(func(l *pipeLink) bool {
		if t.now.Sub(l.at) > atOnce {
			return false
		}
		if parent := l.hop.get(); parent != nil && parent.marks&nameless != 0 && sameAddress(l.envelope, envelope) && t.isPutBack(parent, h) {
			p = l
		}
		return p == nil
	})
	if p != nil {
		t.putBack(p, h)
	}
}

// putBack ties a hop to the delivery that put it back.
func (t *Tracker) putBack(p *pipeLink, h *hop) {
	parent := p.hop.get()
	if parent.filter == p.relay { // a further message of the same command, whose recipients were handed over with the first one
		t.join(parent, h, reinjected, nil)
		return
	}
	parent.filter = p.relay
	t.join(parent, h, reinjected, parent.message.findRecipient(p.envelope, ""))
}

// precedes reports whether the line of a delivery may come before what the command put back. Exim logs a delivery when the
// command has ended, and a mailbox looks like a command: so it may only if the command has put back another part of the mail
// already, or if what comes back is for that recipient.
func (l *pipeLink) precedes(parent, child *hop) bool {
	return child.message.MTA != mail.Exim || parent.filter == l.relay || child.message.findByEnvelope(l.envelope) != nil
}

// mayBeFor reports whether what was put back of m may be for a recipient of m: not if it is only for others of m's.
func (m *message) mayBeFor(put *message, envelope string) bool {
	for i := range put.Recipients {
		o := m.findByEnvelope(put.Recipients[i].Envelope())
		if o == nil || sameAddress(o.Envelope(), envelope) {
			return true
		}
	}
	return len(put.Recipients) == 0
}

// isNamedHere reports whether the Message-ID is one that Postfix made for this hop: of what is handed in on this machine, it adds what is missing.
func (h *hop) isNamedHere() bool {
	stamp, rest, ok := strings.Cut(h.message.MessageID, ".")
	return ok && len(stamp) == len("20060102150405") && strings.HasPrefix(rest, h.id) && strings.HasPrefix(rest[len(h.id):], "@")
}

// isPutBack reports whether c may be what a command put back of h's message: same host, Message-ID and sender, from this machine.
func (t *Tracker) isPutBack(h, c *hop) bool {
	m, put := h.message, c.message
	return c.queue.host == h.queue.host && t.mayFollow(m, c) && c.marks&accepted != 0 && c.marks&mayReturn != 0 &&
		(m.MessageID == put.MessageID || h.marks&nameless != 0 && c.isNamedHere()) && m.Sender == put.Sender
}
