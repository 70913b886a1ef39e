package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// What a relay run leaves in the queue is mostly not the spam but our bounces to senders that never existed, frozen or retried for days. The
// log of each names the message that it is about (Exim R=, Postfix "sender non-delivery notification"), and so who caused it.

const (
	// relayReturn is how long after the last line of a message a notice about it may begin.
	relayReturn = time.Minute
	// relayNotices is how many waiting notices, and how many messages that may have caused some, are remembered.
	relayNotices = 20_000
	// mostNoticeIDs is how many queue IDs a finding names, as Finding.NoticeIDs promises: enough to clear most of the queue, and still a
	// command that a shell accepts.
	mostNoticeIDs = 5_000
)

// relayCause is a message that was relayed, and not to all of its recipients: a notice may be about it.
type relayCause struct {
	ip          netip.Addr
	domain      string // of the sender
	first, last mail.Instant
}

// relayNotice is a notice that is still in the queue.
type relayNotice struct {
	host, id     string // where it waits
	bore, parent string // the host that made it, and the message there that it is about
	at           mail.Instant
}

// cause remembers a message about which there may be notices.
func (w *relayWatch) cause(m *mail.Message, ip netip.Addr) {
	reached := m.Completed
	for i := range m.Recipients {
		reached = reached && m.Recipients[i].Disposition == mail.Delivered && m.Recipients[i].Deferral == ""
	}
	if reached {
		return
	}
	for i := range m.QueueIDs {
		id, host := m.Hop(i + 1)
		w.causes.At(host + " " + id).merge(&relayCause{ip, mail.Domain(m.Sender), m.Time, m.End})
	}
}

// merge keeps the later of two messages with the same queue ID: a bounce of that one may still be in the queue.
func (c *relayCause) merge(o *relayCause) {
	if o.first >= c.first {
		*c = *o
		c.domain = strings.Clone(o.domain)
	}
}

// waits remembers a notice that is still in the queue when the log ends.
func (w *relayWatch) waits(m *mail.Message) {
	switch {
	case !noticeWaits(m):
	case len(w.waiting) >= relayNotices:
		w.lost++
	default:
		id, host := m.Hop(len(m.QueueIDs))
		w.waiting = append(w.waiting, relayNotice{host: strings.Clone(host), id: strings.Clone(id), bore: strings.Clone(m.Host), parent: strings.Clone(m.Parent), at: m.Time})
	}
}

// relayFault is a notice that waits, by its queue ID and host, and in whose name the message was that caused it.
type relayFault struct{ domain, id string }

// noticeWaits reports whether a notice, of which the log says what it is about, is still in the queue when the log ends.
func noticeWaits(m *mail.Message) bool {
	gone := len(m.Recipients) > 0
	for i := range m.Recipients {
		gone = gone && m.Recipients[i].Disposition == mail.Delivered
	}
	return !m.Completed && !gone && m.Parent != "" && len(m.QueueIDs) > 0
}

// faults are the notices that wait, by the client that caused them. Each is looked up once, however many findings there are.
func (w *relayWatch) faults() map[netip.Addr][]relayFault {
	of := make(map[netip.Addr][]relayFault)
	for i := range w.waiting {
		n := &w.waiting[i]
		c := w.causes.Find(n.bore + " " + n.parent)
		if c == nil || n.at < c.first || n.at > c.last.Add(relayReturn) { // the queue ID was another message's, too
			continue
		}
		of[c.ip] = append(of[c.ip], relayFault{c.domain, withHost(n.id, n.host)})
	}
	return of
}

// noticesOf are the queue IDs, each with its host, of the bounces that r's relayed mail caused and that are still in the queue. Bounces of
// other mail of the same domain are not among them: their senders wait for them.
func (w *relayWatch) noticesOf(r *relayed, subject Subject) []string {
	var ids []string
	for ip := range r.tally.clients {
		for _, n := range w.faulty[ip] {
			if subject.Kind != SenderDomain || subject.Value == n.domain {
				ids = append(ids, n.id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// nameNotices names the queue IDs, each with its host as in withHost, of notices that are still in the queue.
func (f *Finding) nameNotices(ids []string) {
	f.NoticeIDs, f.NoticeHosts = cutHosts(ids[:min(len(ids), mostNoticeIDs)])
	f.Notices = len(ids)
}

func (w *relayWatch) mergeNotices(o *relayWatch) {
	for k, c := range o.causes.All() {
		w.causes.At(k).merge(c)
	}
	w.waiting = append(w.waiting, o.waiting...)
	slices.SortFunc(w.waiting, func(a, b relayNotice) int {
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.host, b.host), strings.Compare(a.id, b.id))
	})
	w.lost += o.lost + max(0, len(w.waiting)-relayNotices)
	w.waiting = w.waiting[:min(len(w.waiting), relayNotices)]
}
