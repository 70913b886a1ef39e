package analyze

import (
	"cmp"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

func (w *mangledWatch) Findings(site *Site) []Finding {
	th := &w.pass.Thresholds.Mangled
	tried := w.failuresIn(site)
	together := make(map[netip.Prefix][]failedTogether)
	for _, m := range w.together {
		network := hostNetwork(m.client)
		together[network] = append(together[network], m)
	}
	var found []Finding
	for _, h := range tried.hosts {
		shared := 0
		for _, d := range h.damaged {
			if len(tried.hands[d.address]) >= th.SharedBy {
				shared++
			}
		}
		share := ratio(len(h.damaged), len(h.failed))
		if len(h.damaged) == 0 || share < th.MinShare || len(h.damaged) < th.MinAddresses && shared == 0 || w.byChance(h, tried.hosts) {
			continue
		}
		found = append(found, w.finding(site, tried.withWaiting(h), together[h.network], shared, share))
	}
	relateLists(found, w.pass.Thresholds.Score.Medium)
	return found
}

// relateLists makes one story of clients that work off a damaged list within an hour of each other. Such lists are rare, and an operator that
// has one changes its machine every some minutes; which of its addresses each of them gets is chance.
func relateLists(found []Finding, sure float64) {
	var lists []*Finding
	var ids []string
	for i := range found {
		if f := &found[i]; f.Score >= sure {
			lists, ids = append(lists, f), append(ids, NewID(f))
		}
	}
	for i, a := range lists {
		for j, b := range lists {
			if i != j && len(a.Related) < relatedMost && a.Start.Sub(b.End) <= nearby && b.Start.Sub(a.End) <= nearby {
				a.Related = append(a.Related, ids[j])
			}
		}
	}
}

// byChance reports whether a host may have its damaged recipients by chance. A dictionary attack by many machines tries some ten names with
// each, and where last@ is known, every first.last@ of it looks damaged. So what the other hosts of that time have is taken for chance, and
// it is asked how many of them should then have as many as this one. Where most of theirs look damaged, they have a list, too; and who
// has a damaged recipient in common with this host has the same one: both say nothing of chance.
func (w *mangledWatch) byChance(host *failingHost, hosts []*failingHost) bool {
	const (
		tooMany     = 0.1  // hosts that should have as many by chance
		enoughPeers = 1000 // to compare each host with all would take long where there are many thousands
	)
	names := make(map[string]bool)
	for _, d := range host.damaged {
		names[d.address] = true
	}
	shares := func(d damage) bool { return names[d.address] }
	failed, damaged, peers := 0, 0, 1 // peers: hosts that tried enough to have as many
	for _, h := range hosts {
		if h.first.Sub(host.last) > nearby || host.first.Sub(h.last) > nearby || slices.ContainsFunc(h.damaged, shares) {
			continue
		}
		if peers > enoughPeers {
			break
		}
		failed += len(h.failed)
		damaged += len(h.damaged)
		if len(h.failed) >= len(host.damaged) {
			peers++
		}
	}
	usual := ratio(damaged, failed)
	if usual >= w.pass.Thresholds.Mangled.MinShare {
		return false
	}
	chance := math.Pow(10, PoissonTail(len(host.damaged), usual*float64(len(host.failed))))
	return float64(peers)*chance > tooMany
}

// failures are what hosts tried in vain in our domains.
type failures struct {
	hosts []*failingHost                     // in the order of their addresses; none for whose recipients mail only waits
	hands map[string]map[string]bool         // in whose hands each damaged recipient is
	tries map[failedOfHost][]failedRecipient // each by which addresses of the host
	known *damageIndex
}

// failingHost is a host and the recipients that it tried in vain, each once.
type failingHost struct {
	network     netip.Prefix // see hostNetwork
	failed      []string
	waiting     []string     // of which nobody has been told whether they exist
	damaged     []damage     // those of failed that are known ones, damaged
	first, last mail.Instant // of the tries that failed
}

// failuresIn gathers what is remembered of the domains of a site, and of those that look like its own, by hosts.
func (w *mangledWatch) failuresIn(site *Site) *failures {
	f := &failures{hands: make(map[string]map[string]bool), tries: make(map[failedOfHost][]failedRecipient), known: newDamageIndex(site)}
	domains, told := w.passedOn(), w.told()
	for _, address := range w.passed.Values() {
		if domains[mail.Domain(address)] {
			f.known.add(strings.ToLower(address))
		}
	}
	hosts := make(map[netip.Prefix]*failingHost)
	for _, k := range w.failed.Sorted(compareFailed) {
		domain := mail.Domain(k.address)
		if !site.IsOurs(domain) && !domains[domain] || f.known.known[strings.ToLower(k.address)] || site.IsOwn(k.client) {
			continue
		}
		network := hostNetwork(k.client)
		h := hosts[network]
		if h == nil {
			h = &failingHost{network: network, first: math.MaxInt64}
			hosts[network] = h
			f.hosts = append(f.hosts, h)
		}
		by := failedOfHost{network, k.address}
		f.tries[by] = append(f.tries[by], k)
		once := len(f.tries[by]) == 1
		if !told[k.address] {
			if once {
				h.waiting = append(h.waiting, k.address)
			}
			continue
		}
		if once {
			h.failed = append(h.failed, k.address)
		}
		a := w.failed.Find(k)
		h.first, h.last = min(h.first, a.evidence.Time), max(h.last, a.last)
	}
	f.hosts = slices.DeleteFunc(f.hosts, func(h *failingHost) bool { return len(h.failed) == 0 })
	for _, h := range f.hosts {
		h.damaged = f.damaged(h, h.failed)
		for _, d := range h.damaged {
			if f.hands[d.address] == nil {
				f.hands[d.address] = make(map[string]bool)
			}
			f.hands[d.address][w.hand(d.tries[0])] = true
		}
	}
	return f
}

// withWaiting are the damaged recipients of a host, and those to which its mail waits: where the next host asks the client to come back for
// its sender's sake, nobody learns whether the recipient exists. They prove nothing; where the list is known to be damaged, they are of it.
func (f *failures) withWaiting(h *failingHost) []damage {
	if len(h.waiting) == 0 {
		return h.damaged
	}
	return f.damaged(h, slices.Concat(h.failed, h.waiting))
}

// damaged are those of the recipients that a host tried that are known ones, damaged, in order.
func (f *failures) damaged(h *failingHost, recipients []string) []damage {
	var list []damage
	found := f.known.findAll(recipients)
	for _, address := range slices.Sorted(maps.Keys(found)) {
		d := found[address]
		d.address, d.tries = address, f.tries[failedOfHost{h.network, address}]
		list = append(list, d)
	}
	return list
}

// told are the recipients that somebody was refused, or got a bounce for: of the others mail waits, and nobody knows whether they exist.
func (w *mangledWatch) told() map[string]bool {
	told := make(map[string]bool)
	for k, a := range w.failed.All() {
		if a.rejected > 0 || a.messages > a.waiting {
			told[k.address] = true
		}
	}
	return told
}

// hand is in whose hands a client is: a mail server's in those of its organisation, which may have it in several networks, any other's in
// those of its network's.
func (w *mangledWatch) hand(k failedRecipient) string {
	if name := w.failed.Find(k).name; name != "" && !genericName(name, k.client) && !rentedName(name) {
		return organisation(name)
	}
	return NetworkOf(k.client).String()
}

// failedOfHost is a recipient that one host tried in vain.
type failedOfHost struct {
	host    netip.Prefix
	address string
}

// passedOn are domains that look like ours though no mail of theirs ends here: a good part of what strangers hand in goes to
// them. That is how a gateway or a secondary MX looks whose primary's log is not given.
func (w *mangledWatch) passedOn() map[string]bool {
	domains := make(map[string]bool)
	for _, c := range w.passedTo.Top(topMost) {
		if c.Messages >= 10 && c.Messages*5 >= w.passedTo.Total() {
			domains[c.Value] = true
		}
	}
	return domains
}

func compareFailed(a, b failedRecipient) int {
	return cmp.Or(a.client.Compare(b.client), strings.Compare(a.address, b.address))
}
