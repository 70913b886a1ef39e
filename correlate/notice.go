package correlate

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// noticeLink is a notice that bounce(8) named before any line of the notice itself came: since 3.11 it logs the link before it
// makes the notice, and even if making it fails.
type noticeLink struct {
	queue      *queue
	id, parent string
	at         mail.Instant
}

// noticeWait is how much later the notice may come.
const noticeWait = 5 * time.Minute

// postfixNotice handles bounce's "sender non-delivery notification: CHILD".
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
		t.witness(m, ev) // it says more than cleanup's line, the first one of the notice
	}
	t.keepLine(child.message, ev)
}

// claimNotice finds out whether a message that Postfix made is a notice that was named before.
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

// isNotice reports whether a Postfix message is a notice although no line calls it one: before Postfix 2.3, or if that line is
// lost. It was made by Postfix and has no sender, or the sender that Postfix uses for its own mail. If its first line is missing,
// the same is true only if it goes out, because an incoming bounce would have been delivered here.
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
