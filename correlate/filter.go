package correlate

import (
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// filter handles an event of a content filter about a message.
func (t *Tracker) filter(ev *mail.Event) {
	if ev.QueueID != "" {
		q := t.queueOf(ev)
		if h := t.findOn(q.host, ev.QueueID); h != nil {
			t.touch(h.message, ev)
			t.filtered(q.host, h, ev)
		} else if ev.Child != "" && ev.Kind == mail.FilterResult {
			t.noteTask(q.host, ev)
		}
	}
	t.pass(ev)
}

// filtered ties a message to what a filter says that it put it back as ("queued_as: 5C3D7720A1", several separated by a slash).
func (t *Tracker) filtered(on *host, h *hop, ev *mail.Event) {
	ids := ev.Child
	for ids != "" {
		var id string
		id, ids, _ = strings.Cut(ids, "/")
		if h.message.knowsMore(id) {
			continue
		}
		b := reinjected
		if ev.Kind == mail.Requeue {
			b = requeuedAs
		}
		child := t.findOn(on, id)
		switch {
		case child == nil:
			t.expect(h, id, b, "")
		case t.mayFollow(h.message, child) && sameMail(h.message, child.message) && (b == requeuedAs || child.marks&mayReturn != 0):
			t.join(h, child, b, nil)
		default:
			continue
		}
		if b == requeuedAs { // the scanner removed the queue file itself, so qmgr never logs that
			h.marks |= requeued | accepted | completed
			t.end(h, dead)
		}
	}
}

// rememberFilter keeps the addresses of the few content filters that put mail back most recently.
func (h *host) rememberFilter(filter netip.AddrPort) {
	const few = 8
	if slices.Contains(h.filters, filter) {
		return
	}
	if len(h.filters) == few {
		h.filters = h.filters[1:]
	}
	h.filters = append(h.filters, filter)
}

// linkOriginal ties a message that a filter puts back with XFORWARD to the first queue ID, which that names. The caller has
// checked that the client is in our own network: a stranger may claim anything.
func (t *Tracker) linkOriginal(q *queue, child *hop, ev *mail.Event) {
	parent := t.findOn(q.host, ev.Child)
	if parent == nil || parent.marks&(accepted|delivered) == 0 || !t.mayFollow(parent.message, child) {
		return
	}
	t.join(parent, child, reinjected, nil)
}
