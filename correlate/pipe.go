package correlate

import (
	"cmp"

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
// command, or after it: pickup takes some time.
func (t *Tracker) linkWithoutName(h *hop, r *mail.Recipient, ev *mail.Event) {
	if ev.RelayIP.IsValid() || ev.Daemon != "pipe" && ev.MTA != mail.Exim {
		return
	}
	command := cmp.Or(ev.Transport, ev.Relay)
	if h.filter != "" && h.filter == command {
		if r.Hop == h.number {
			handedOver(r, reinjected)
		}
		return
	}
	m := h.message
	if m.MessageID == "" {
		return
	}
	var child *hop
	t.injected.each(func(ref *hopRef) bool {
		c := ref.get()
		if c == nil {
			return true
		}
		if t.now.Sub(c.born) > atOnce || c.born < h.born {
			return false
		}
		if t.isPutBack(h, c) {
			child = c
		}
		return child == nil
	})
	if child != nil {
		h.filter = t.names.get(command)
		t.join(h, child, reinjected, r)
		return
	}
	t.piped.put(pipeLink{refTo(h), r.Envelope(), t.names.get(command), t.now})
}

// adoptPutBack ties a hop to the delivery to a command that put it back, if there was one.
func (t *Tracker) adoptPutBack(h *hop) {
	var p *pipeLink
	t.piped.each(func(l *pipeLink) bool {
		if t.now.Sub(l.at) > atOnce {
			return false
		}
		if parent := l.hop.get(); parent != nil && t.isPutBack(parent, h) {
			p = l
		}
		return p == nil
	})
	if p == nil {
		return
	}
	parent := p.hop.get()
	if parent.filter == p.relay { // a further message of the same command, whose recipients were handed over with the first one
		t.join(parent, h, reinjected, nil)
		return
	}
	parent.filter = p.relay
	t.join(parent, h, reinjected, parent.message.findRecipient(p.envelope, ""))
}

// isPutBack reports whether c may be what a command put back of h's message: same host, Message-ID and sender, from this machine.
func (t *Tracker) isPutBack(h, c *hop) bool {
	m, put := h.message, c.message
	return c.queue.host == h.queue.host && t.mayFollow(m, c) && c.marks&accepted != 0 && c.marks&mayReturn != 0 &&
		m.MessageID != "" && m.MessageID == put.MessageID && m.Sender == put.Sender
}
