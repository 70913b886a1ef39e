package correlate

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// handIn is what a webmail says of a message that it gave to the mail server. Where the server does not ask the webmail for a
// login, nothing else tells whose message it is.
type handIn struct {
	queueID   string
	messageID string // "" where the webmail does not log it
	account   string
	at        mail.Instant
}

// handInWithin is how far the clocks of a webmail's host and the mail server's may be apart, and the time that a large message
// takes.
const handInWithin = time.Minute

// webmail handles a line of a webmail: the queue ID that it was told says whose message that is.
func (t *Tracker) webmail(ev *mail.Event) {
	if ev.Kind == mail.FilterResult && ev.QueueID != "" && ev.Account != "" && ev.Time != 0 {
		in := handIn{queueID: ev.QueueID, messageID: ev.MessageID, account: ev.Account, at: ev.Time}
		if h := t.findElsewhere(nil, ev.QueueID, ""); h != nil && in.isOf(h.message) {
			t.keepLine(h.message, ev)
			h.message.handedInBy(&in)
		} else { // its stamp has no fraction: it may stand before the lines of the message
			in.queueID, in.messageID, in.account = strings.Clone(in.queueID), strings.Clone(in.messageID), strings.Clone(in.account)
			t.handIns.put(in)
		}
	}
	t.pass(ev)
}

// toldByWebmail looks for what a webmail said of a message that has just got into the queue.
func (t *Tracker) toldByWebmail(h *hop) {
	t.handIns.each(func(in *handIn) bool {
		if in.queueID != h.id || !in.isOf(h.message) {
			return true
		}
		h.message.handedInBy(in)
		return false
	})
}

// isOf reports whether the message with that queue ID is the one that was handed in: at that time, and with that Message-ID.
func (in *handIn) isOf(m *message) bool {
	apart := in.at.Sub(m.Time).Abs()
	return apart <= handInWithin && (in.messageID == "" || m.MessageID == "" || in.messageID == m.MessageID)
}

// handedInBy notes whose message it is, unless the mail server asked for a login itself.
func (m *message) handedInBy(in *handIn) {
	if m.Account == "" {
		m.Account = m.text.keep(in.account)
	}
}
