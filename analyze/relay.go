package analyze

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
)

var openRelay = Detector{
	Name:    "open-relay",
	Command: "relays",
	Title:   "mail accepted from strangers for strangers",
	Doc:     relayDoc,
	New:     func(p *Pass) Watch { return newRelayWatch(p) },
}

// relayWatch collects what strangers handed in for others, by sender domain and by client.
type relayWatch struct {
	pass    *Pass
	domains *Entities[string, relayed]
	clients *Entities[netip.Addr, relayed]
	targets *Entities[string, relayTarget] // recipient domains
	bounced *Entities[string, relayBounces]
	others  int                           // messages that clients handed in and that were not relayed
	said    Tally                         // words of access rules about them, masked
	causes  *Entities[string, relayCause] // by host and queue ID
	waiting []relayNotice
	lost    int                         // notices that are waiting, too, and were not kept
	faulty  map[netip.Addr][]relayFault // those that wait, by who caused them, while findings are made
	ours    map[string]bool             // organisations whose servers hand in mostly our own people's mail, while findings are made
}

// relayed is what one sender domain or one client had relayed.
type relayed struct {
	messages  int
	to        Tally // recipient domains
	networks  Tally
	acl       Tally   // words of access rules, masked
	surprise  float64 // sum over senders
	odd       int     // messages whose HELO is no host name
	made      int     // messages whose sender was made from the recipient (VERP) or from another sender (SRS)
	tally     Dossier
	unsettled int // recipients that are not delivered
}

// relayBounces are notices to a sender domain.
type relayBounces struct{ all int }

func newRelayWatch(p *Pass) *relayWatch {
	most := p.Thresholds.Relay.MaxEntities
	weigh := func(r *relayed) int { return r.messages }
	return &relayWatch{
		pass:    p,
		domains: NewEntities(most, weigh, strings.Clone),
		clients: NewEntities[netip.Addr](most, weigh, nil),
		targets: NewEntities(most, func(t *relayTarget) int { return t.relays.Total() }, strings.Clone),
		bounced: NewEntities(most, func(b *relayBounces) int { return b.all }, strings.Clone),
		causes:  NewEntities(relayNotices, func(*relayCause) int { return 1 }, strings.Clone),
	}
}

func (w *relayWatch) Event(*mail.Event) {}

func (w *relayWatch) Message(m *mail.Message) {
	if m.Notice {
		w.notice(m)
		return
	}
	if !strangerForStrangers(m) {
		w.usual(m)
		return
	}
	ip := m.Client.IP.Unmap()
	w.target(m, ip)
	w.cause(m, ip)
	w.clients.At(ip).add(m)
	if domain := mail.Domain(m.Sender); domain != "" {
		w.domains.At(domain).add(m)
	}
}

// strangerForStrangers reports whether m may have been relayed. Which domains are ours is known only at the end, but mail that bounced in one
// that is known to be ours was not relayed. What a client's ident server says (Exim's U= beside H=) is no login, and a relay whose smarthost's
// log is given, too, is as open as one that delivers by itself.
func strangerForStrangers(m *mail.Message) bool {
	if m.Direction == mail.Inbound {
		return false
	}
	ip := m.Client.IP
	if !ip.IsValid() || mail.IsInside(ip) || m.Account != "" || m.Has(mail.HasUID) || len(m.Recipients) == 0 {
		return false
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Local || r.Redirected() || mail.IsInside(r.RelayIP) {
			return false // for us, for somebody to whom we forward, or for a host behind us
		}
	}
	return true
}

// notice counts the bounces that a sender domain caused: those to senders that never existed stay in the queue.
func (w *relayWatch) notice(m *mail.Message) {
	w.waits(m)
	for i := range m.Recipients {
		w.bounced.At(mail.Domain(m.Recipients[i].Envelope())).all++
	}
}

func (r *relayed) add(m *mail.Message) {
	r.messages++
	r.tally.Add(m)
	for i := range m.Recipients {
		r.to.Add(mail.Domain(m.Recipients[i].Envelope()), 1)
		if m.Recipients[i].Disposition != mail.Delivered {
			r.unsettled++
		}
	}
	r.networks.Add(NetworkOf(m.Client.IP).String(), 1)
	r.surprise += Surprise(mail.LocalPart(m.Sender))
	if helo := m.Client.HELO; helo != "" && !strings.Contains(strings.Trim(helo, "."), ".") {
		r.odd++
	}
	if isRewritten(m.Sender) || isVERP(m.Sender, m.Recipients[0].Envelope()) {
		r.made++
	}
	for _, text := range m.ACL {
		r.acl.Add(maskRule(text), 1)
	}
}

func (r *relayed) merge(o *relayed) {
	r.messages += o.messages
	r.unsettled += o.unsettled
	r.surprise += o.surprise
	r.odd += o.odd
	r.made += o.made
	r.to.Merge(&o.to)
	r.networks.Merge(&o.networks)
	r.acl.Merge(&o.acl)
	r.tally.Merge(&o.tally)
}

// notReached is the share of the recipients that did not get it.
func (r *relayed) notReached() float64 { return float64(r.unsettled) / float64(max(1, r.to.Total())) }

func (w *relayWatch) Merge(other Watch) {
	o := other.(*relayWatch)
	w.others += o.others
	w.said.Merge(&o.said)
	for k, v := range o.domains.All() {
		w.domains.At(k).merge(v)
	}
	for k, v := range o.clients.All() {
		w.clients.At(k).merge(v)
	}
	for k, v := range o.targets.All() {
		t := w.targets.At(k)
		t.relays.Merge(&v.relays)
		t.clients.Merge(&v.clients)
		t.senders.Merge(&v.senders)
		t.seen(v.first)
		t.seen(v.last)
	}
	for k, v := range o.bounced.All() {
		w.bounced.At(k).all += v.all
	}
	w.mergeNotices(o)
}
