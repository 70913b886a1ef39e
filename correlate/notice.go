package correlate

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// noticeLink is a notice that bounce(8) named, and that no line has yet: since 3.11 it logs the link before the notice is
// made, and even when that fails.
type noticeLink struct {
	queue      *queue
	id, parent string
	at         mail.Instant
}

// noticeWait is how long such a link is good for.
const noticeWait = 5 * time.Minute

// postfixNotice is bounce's "sender non-delivery notification: CHILD".
func (t *Tracker) postfixNotice(q *queue, ev *mail.Event) {
	if h := t.findLater(q, ev.QueueID); h != nil {
		t.touch(h.message, ev)
	}
	child := t.find(q, ev.Child)
	if child == nil || child.origin == bySMTP || child.origin == byUser || !within(t.now, child.born, noticeWait) {
		t.notices.put(noticeLink{q, strings.Clone(ev.Child), strings.Clone(ev.QueueID), t.now})
		return
	}
	markNotice(child, strings.Clone(ev.QueueID))
	if m := child.message; m.Notice && m.hops[0] == child {
		t.witness(m, ev) // it says more than cleanup's line, which bore the notice
	}
	t.keepLine(child.message, ev)
}

// claimNotice finds out whether a mail that was born inside is a notice that was named before.
func (t *Tracker) claimNotice(h *hop) {
	if t.notices.n == 0 {
		return
	}
	t.notices.each(func(l *noticeLink) bool {
		if t.now.Sub(l.at) > noticeWait {
			return false
		}
		if l.queue == h.queue && l.id == h.id {
			markNotice(h, l.parent)
			l.id = ""
			return false
		}
		return true
	})
}

func markNotice(h *hop, parent string) {
	if m := h.message; m.hops[0] == h {
		m.Notice, m.Parent = true, parent
	}
}

// isNotice reports whether a Postfix mail that no line calls a notice is one: before 2.3, or where that line is lost. It
// was born inside and has no sender, or the sender that Postfix uses for its own. Of a mail whose birth was not seen, the
// same holds when it goes out: an inbound bounce would have been delivered at once, and here.
func (m *message) isNotice() bool {
	h := m.hops[0]
	if m.MTA != mail.Postfix || h.origin == bySMTP || h.origin == byUser {
		return false
	}
	if strings.HasPrefix(m.Sender, "double-bounce@") {
		return true
	}
	if m.Sender != mail.NullSender {
		return false
	}
	if h.origin == internal {
		return true
	}
	for i := range m.Recipients {
		if m.Recipients[i].Local {
			return false
		}
	}
	return true
}
