package correlate

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// handIn is what a webmail logs about a message that it gave to the mail server. If the webmail does not log in to the mail
// server, nothing else tells whose message it is.
type handIn struct {
	queueID   string // "": not logged (Zimbra); then there is a messageID
	messageID string // "": not logged
	account   string
	host      string // that logged it; "": not known
	at        mail.Instant
}

// handInWithin is how far the lines of webmail and mail server may be apart: their clocks may differ, and a large message takes
// time.
const handInWithin = time.Minute

// webmail handles a line of a webmail: the queue ID, or else the Message-ID, shows which message it is about.
func (t *Tracker) webmail(ev *mail.Event) {
	if ev.Kind == mail.FilterResult && (ev.QueueID != "" || ev.MessageID != "") && ev.Account != "" && ev.Time != 0 {
		in := handIn{queueID: ev.QueueID, messageID: ev.MessageID, account: ev.Account, host: ev.Host, at: ev.Time}
		if h := t.findHandedIn(&in); h != nil {
			t.keepLine(h.message, ev)
			h.message.handedInBy(&in)
		} else { // its stamp has no fraction, so it may come before the lines of the message
			in.queueID, in.messageID = strings.Clone(in.queueID), strings.Clone(in.messageID)
			in.account, in.host = strings.Clone(in.account), strings.Clone(in.host)
			t.handIns.put(in)
		}
	}
	t.pass(ev)
}

// findHandedIn looks for a message in the queue that a webmail has just logged. Zimbra logs before it hands in, but its stamps
// have fractions, and those of the mail server may not, so that the message can come first.
func (t *Tracker) findHandedIn(in *handIn) (found *hop) {
	if in.queueID != "" {
		if h := t.findElsewhere(nil, in.queueID, ""); h != nil && in.isOf(h) {
			return h
		}
		return nil
	}
	t.arrived.each(func(ref *hopRef) bool {
		h := ref.get()
		switch {
		case h == nil || !in.isOf(h):
		case !in.comesFrom(h):
			found = nil // a younger one may be the same, put back by a content filter
		default:
			found = h // the oldest: a copy that comes back is younger
		}
		return true
	})
	return found
}

// toldByWebmail looks for what a webmail logged about a message that has just got into the queue. Each line of a webmail is used
// for one message only: a mailing list may bring the message back with the same Message-ID.
func (t *Tracker) toldByWebmail(h *hop) {
	t.handIns.each(func(in *handIn) bool {
		if in.account == "" || !in.isOf(h) || in.queueID == "" && (!in.comesFrom(h) || t.strangerHas(in)) {
			return true
		}
		h.message.handedInBy(in)
		*in = handIn{}
		return false
	})
}

// isOf reports whether a message is the one that was handed in: with that queue ID, at that time, and with that Message-ID.
func (in *handIn) isOf(h *hop) bool {
	m := h.message
	if apart := in.at.Sub(m.Time).Abs(); apart > handInWithin {
		return false
	}
	if in.queueID == "" {
		return in.messageID == m.MessageID
	}
	return in.queueID == h.id && (in.messageID == "" || m.MessageID == "" || in.messageID == m.MessageID)
}

// comesFrom reports whether a message with the Message-ID that was handed in comes from where the webmail can be. Everybody who
// got a message knows its Message-ID, and could send another one with it, which would then be taken for the account's. So it must
// come from an address in our own network, from the host that logged the hand-in, or from a host in the domain of the login, by
// its verified name.
func (in *handIn) comesFrom(h *hop) bool {
	c := &h.message.Client
	if h.origin == byUser || mail.IsInside(c.IP) {
		return true
	}
	if c.Name == "" || c.Name == "unknown" {
		return false
	}
	name, domain := mail.FoldDomain(c.Name), mail.Domain(in.account)
	return name == mail.FoldDomain(in.host) || domain != "" && strings.HasSuffix(name, "."+domain)
}

// strangerHas reports whether a message that cannot be the one that was handed in has its Message-ID. Then one from our own
// network with it may be that one, put back by a content filter.
func (t *Tracker) strangerHas(in *handIn) (has bool) {
	t.arrived.each(func(ref *hopRef) bool {
		h := ref.get()
		has = h != nil && in.isOf(h) && !in.comesFrom(h)
		return !has
	})
	return has
}

// handedInBy notes whose message it is, unless the mail server has a login of its own.
func (m *message) handedInBy(in *handIn) {
	if m.Account == "" {
		m.Account = m.text.keep(in.account)
	}
}
