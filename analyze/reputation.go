package analyze

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
)

var reputation = Detector{
	Name:    "reputation",
	Command: "reputation",
	Title:   "other servers refuse or slow down our mail, because of us",
	Doc:     reputationDoc,
	New:     func(p *Pass) Watch { return newReputationWatch(p) },
}

// complaint is one reply about us.
type complaint struct {
	time      mail.Instant // when it was said first …
	until     mail.Instant // … and last: mail that is put off is tried again, for days
	kind      mail.Complaint
	became    mail.Disposition // of the recipient, at last
	host      string           // of ours, to which it was said
	passedOn  bool             // another host of ours took the message first
	provider  string           // who said it
	list      string           // the blocklist that it names
	reply     string
	recipient string
	cause     cause
	client    netip.Addr // that handed it in
	message   Evidence   // the line that accepted the message
	id        string     // its first queue ID: of some that line was not seen
}

// messageKey identifies a message.
type messageKey struct {
	mail.Origin
	id string
}

func (c *complaint) key() messageKey { return messageKey{c.message.Origin, c.id} }

// remote is what a provider accepted from us.
type remote struct {
	taken int
	last  mail.Instant // when it took something last
}

type reputationWatch struct {
	pass       *Pass
	complaints []complaint
	lost       int
	sent       map[string]*Buckets // recipients outside, by host of ours
	remotes    *Entities[string, remote]
	causes     *Entities[cause, causeSent]
}

func newReputationWatch(p *Pass) *reputationWatch {
	most := p.Thresholds.Reputation.MaxEntities
	own := func(c cause) cause { return cause{c.kind, strings.Clone(c.value)} }
	return &reputationWatch{
		pass:    p,
		sent:    make(map[string]*Buckets),
		remotes: NewEntities(most, func(r *remote) int { return r.taken }, strings.Clone),
		causes:  NewEntities(most, func(c *causeSent) int { return c.total }, own),
	}
}

func (w *reputationWatch) Event(*mail.Event) {}

// Message reads what became of the recipients outside.
func (w *reputationWatch) Message(m *mail.Message) {
	outside := 0
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Remote() {
			outside++
			w.outcome(m, r)
		}
	}
	if outside > 0 && !m.Notice {
		w.causes.At(causeOf(m)).add(m.Time, outside)
	}
}

func (w *reputationWatch) outcome(m *mail.Message, r *mail.Recipient) {
	host := m.Host
	if n := len(m.Hosts); n > 0 {
		host = m.Hosts[n-1]
	}
	b := w.sent[host]
	if b == nil {
		b = new(Buckets)
		if len(w.sent) < maxHosts {
			w.sent[strings.Clone(host)] = b
		}
	}
	b.Add(r.Time, 1, 0)
	last := mail.NoComplaint
	if r.Disposition == mail.Delivered {
		p := w.remotes.At(providerOf(r.Relay))
		p.taken++
		p.last = max(p.last, r.Time)
	} else {
		last, _ = mail.ComplaintOf(r.DSN, r.Reply)
	}
	before, _ := mail.ComplaintOf("", r.Deferral)
	if last != mail.NoComplaint {
		since := r.Time
		if before == last {
			since = min(since, r.DeferralAt)
		}
		w.reply(m, r, host, r.DSN, r.Reply, since, r.Time)
	}
	if before != mail.NoComplaint && before != last {
		w.reply(m, r, host, "", r.Deferral, r.DeferralAt, r.DeferralAt)
	}
}

// reply keeps what a server said about us, with the first and last time that it did.
func (w *reputationWatch) reply(m *mail.Message, r *mail.Recipient, host, dsn, reply string, since, until mail.Instant) {
	kind, list := mail.ComplaintOf(dsn, reply)
	if len(w.complaints) >= w.pass.Thresholds.Reputation.MaxReplies {
		w.lost++
		return
	}
	w.complaints = append(w.complaints, complaint{
		time: since, until: until, kind: kind, became: r.Disposition, host: host, passedOn: host != m.Host,
		provider: strings.Clone(providerOf(r.Relay)), list: list, reply: strings.Clone(reply[:min(len(reply), 300)]),
		recipient: mail.Fold(r.Envelope()), cause: causeOf(m), client: m.Client.IP.Unmap(), message: MessageEvidence(m),
		id: firstID(m),
	})
}

func firstID(m *mail.Message) string {
	if len(m.QueueIDs) == 0 {
		return ""
	}
	return strings.Clone(m.QueueIDs[0])
}

func (w *reputationWatch) Merge(other Watch) {
	o := other.(*reputationWatch)
	w.complaints = append(w.complaints, o.complaints...)
	if most := w.pass.Thresholds.Reputation.MaxReplies; len(w.complaints) > most {
		w.lost += len(w.complaints) - most
		w.complaints = w.complaints[:most]
	}
	w.lost += o.lost
	for host, b := range o.sent {
		if w.sent[host] == nil {
			w.sent[host] = new(Buckets)
		}
		w.sent[host].Merge(b)
	}
	for k, r := range o.remotes.All() {
		p := w.remotes.At(k)
		p.taken += r.taken
		p.last = max(p.last, r.last)
	}
	for k, s := range o.causes.All() {
		c := w.causes.At(k)
		c.total += s.total
		for _, h := range s.hours {
			c.addHour(h)
		}
	}
}
