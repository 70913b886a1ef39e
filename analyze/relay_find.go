package analyze

import (
	"net/netip"
	"slices"
	"strings"
)

func (w *relayWatch) Findings(site *Site) []Finding {
	if w.lost > 0 {
		site.Notes = append(site.Notes, say("open-relay: %d bounces that are still queued were dropped to limit the memory used", w.lost))
	}
	w.faulty = w.faults()
	w.ours = w.services(site)
	told := make(map[netip.Addr]int) // messages of a client that a finding about a sender domain covers
	found := w.bySender(site, told)
	open, members := w.openToAll(site, found, told)
	if open != nil {
		found = slices.DeleteFunc(found, func(f Finding) bool { return coveredBy(&f, members) })
		found = append(found, *open)
	}
	found, joined := w.inSomeNames(site, found, members)
	for _, ip := range w.clients.Sorted(netip.Addr.Compare) {
		r := w.clients.Find(ip)
		if site.IsOwn(ip) || members[ip] || joined[ip] || 2*told[ip] > r.messages {
			continue
		}
		if f, ok := w.judge(site, r, Subject{IP, ip.String()}); ok {
			found = append(found, f)
		}
	}
	return found
}

// strangers is how many of the clients are no hosts of ours.
func strangers(site *Site, clients []ClientCount) (n int) {
	for _, c := range clients {
		if !site.IsOwn(c.IP) {
			n++
		}
	}
	return n
}

// bySender finds the domains in whose name several clients had mail relayed.
func (w *relayWatch) bySender(site *Site, told map[netip.Addr]int) (found []Finding) {
	for _, domain := range w.domains.Sorted(strings.Compare) {
		r := w.withoutRegulars(site, w.domains.Find(domain))
		if f, ok := w.judge(site, r, Subject{SenderDomain, domain}); ok && strangers(site, f.Clients) > 1 {
			found = append(found, f)
			for _, c := range f.Clients {
				told[c.IP] += c.Messages
			}
		}
	}
	return found
}
