package analyze

import (
	"net/netip"

	"mailforensics/mail"
)

// relayWriters is how many times GatewayFrom of the clients that write to a domain are remembered: not all of them are mail servers.
const relayWriters = 4

// relayCustomer is to how many domains at most a stranger writes through a gateway. A client that writes to more is rather one whose mail we
// relay to everybody, and proves nothing about the domains.
const relayCustomer = 20

// relayTarget is a recipient domain: where its mail goes, and who writes to it.
type relayTarget struct {
	relays      Tally
	clients     Tally // up to relayWriters times GatewayFrom, and the sender domains likewise
	senders     Tally
	first, last mail.Instant
}

func (w *relayWatch) target(m *mail.Message, ip netip.Addr) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		t := w.targets.At(mail.Domain(r.Envelope()))
		if r.Relay != "" && r.Relay != "none" {
			t.relays.Add(r.Relay, 1)
		}
		t.seen(m.Time)
		if most := relayWriters * w.pass.Thresholds.Relay.GatewayFrom; t.clients.Distinct() < most || t.senders.Distinct() < most {
			t.clients.Add(ip.String(), 1)
			addNamed(&t.senders, mail.Domain(m.Sender))
		}
	}
}

func (t *relayTarget) seen(at mail.Instant) {
	if t.first == 0 || at < t.first {
		t.first = at
	}
	t.last = max(t.last, at)
}

// foreign is how many of the recipients are not ours, and in how many domains.
func (w *relayWatch) foreign(site *Site, to *Tally) (recipients, domains int) {
	for _, c := range to.Top(to.Distinct()) {
		if !site.IsOurs(c.Value) && !w.gateway(site, c.Value) {
			recipients += c.Messages
			domains++
		}
	}
	return recipients, domains
}

// gateway reports whether we look like the gateway of a recipient domain: mail servers of strangers, in the names of many domains, write to
// it all the time, and all of it goes to one place. Only the last is true of a big provider that an open relay's spam goes to: there, the
// clients are customers' lines and rented machines.
func (w *relayWatch) gateway(site *Site, domain string) bool {
	t := w.targets.Find(domain)
	least := w.pass.Thresholds.Relay.GatewayFrom
	if t == nil || t.clients.Distinct() < least || t.senders.Distinct() < least || w.servers(site, t) < least {
		return false
	}
	_, share := t.relays.Most()
	return share > 0.95 && t.last.Sub(t.first) > site.Last.Sub(site.First)/2
}

// servers is how many of the clients that write to a domain look like mail servers of strangers.
func (w *relayWatch) servers(site *Site, t *relayTarget) (n int) {
	for _, ip := range t.clients.Values() {
		if r := w.clients.Find(netip.MustParseAddr(ip)); r != nil && r.to.Distinct() <= relayCustomer && r.isServer(site) {
			n++
		}
	}
	return n
}

// isServer reports whether a client is a mail server with a name of its own, as far as the log shows.
func (r *relayed) isServer(site *Site) bool {
	for _, c := range r.tally.clients {
		if c.Name != "" || site.Population.LooksUpNames() {
			return c.Name != "" && !genericName(c.Name, c.IP) && !rentedName(c.Name)
		}
		return kindOfHELO(c.HELO) == namedHELO
	}
	return false
}
