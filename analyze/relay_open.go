package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// A server that relays for everybody is found by many who each write in any name. Told by sender, that would be a hundred small
// findings of which none says how much it was; told by client, one for each. What they have in common is the open door.

const (
	// relayNames is from how many sender domains on, none of which has a good part of the mail, the names are chance.
	relayNames = 4
	// relaySomeNames: those who write more names than that write any.
	relaySomeNames = 4 * relayNames
	// relayTogether is how far from what the busy clients sent the mail of one that sent little may be.
	relayTogether = 30 * time.Minute
	// relayPace is how long a run takes for each of its messages, at most; a customer's web servers take longer.
	relayPace = 10 * time.Minute
)

// openToAll joins the clients that relay in any name to one finding, and returns them. It is nil where there are no such.
func (w *relayWatch) openToAll(site *Site, bySender []Finding, told map[netip.Addr]int) (*Finding, map[netip.Addr]bool) {
	w.untold(bySender, told)
	busy, few := w.inAnyName(site, told)
	var all relayed
	members := make(map[netip.Addr]bool)
	join := func(ip netip.Addr) {
		all.merge(w.clients.Find(ip))
		members[ip] = true
	}
	for _, ip := range busy {
		join(ip)
	}
	start, end := all.tally.Start.Add(-relayTogether), all.tally.End.Add(relayTogether)
	n := 0
	for _, ip := range few {
		n += w.clients.Find(ip).messages
	}
	alone := len(busy) < 2
	if alone && n < w.pass.Thresholds.Relay.ManyFrom {
		if few = w.handful(site, few); few == nil {
			return nil, nil
		}
	}
	for _, ip := range few {
		if r := w.clients.Find(ip); alone || r.tally.Start >= start && r.tally.End <= end {
			join(ip)
		}
	}
	host, _ := all.tally.Hosts.Most()
	f, ok := w.judge(site, &all, Subject{Host, cmp.Or(host, namelessHost)})
	if !ok || f.Score < w.pass.Thresholds.Score.Medium {
		return nil, nil
	}
	return &f, members
}

// handful is those of some clients, each of which sent too little to be told, that came together and wrote what is plainly a run: each
// message in the name of another domain, of which nobody here knows a sender, and many to recipients that do not exist. Customers of
// ours who relay by their addresses write in the name of their own, be it one message each. It is nil where there are no such.
func (w *relayWatch) handful(site *Site, few []netip.Addr) []netip.Addr {
	slices.SortStableFunc(few, func(a, b netip.Addr) int {
		return cmp.Compare(w.clients.Find(a).tally.Start, w.clients.Find(b).tally.Start)
	})
	var best []netip.Addr
	most := 0
	for from := 0; from < len(few); {
		var run relayed
		to := from
		for ; to < len(few); to++ {
			r := w.clients.Find(few[to])
			if to > from && r.tally.Start > run.tally.End.Add(relayTogether) {
				break
			}
			run.merge(r)
		}
		if run.messages > most && run.inAnyNames(site, to-from, &w.pass.Thresholds.Relay) {
			best, most = few[from:to], run.messages
		}
		from = to
	}
	return best
}

// inAnyNames reports whether what some clients sent together is in names that they made up as they went: each in several, a new one for
// every few minutes, or all in such as nobody has. Customers' web servers write in the names of many sites, too, but all day long, or
// all of them as the same program.
func (r *relayed) inAnyNames(site *Site, clients int, th *RelayThresholds) bool {
	n, domains := r.messages, r.tally.SenderDomains.Distinct()
	if clients < 2 || n < 2*th.MinMessages || ratio(domains, n) < enough || r.notReached() <= 0.15 || knownSenders(site, &r.tally.Senders) > 0 {
		return false
	}
	if r.surprise/float64(n) > th.Random {
		return true
	}
	return domains >= 2*clients && !r.isOneProgram() && r.tally.End.Sub(r.tally.Start) < time.Duration(n)*relayPace
}

// isOneProgram reports whether most senders are one name in several domains, wordpress or noreply: what a web server writes for the
// sites on it.
func (r *relayed) isOneProgram() bool {
	var names Tally
	for sender := range r.tally.Senders.All {
		names.Add(strings.ToLower(mail.LocalPart(sender)), 1)
	}
	_, share := names.Most()
	return names.Total() > 1 && 2*share > 1
}

// inSomeNames makes one finding of those about sender domains that the same clients write in turn: two or three forged names are
// not two or three holes. A domain of ours is one, where a rule trusts it. It returns the clients of what was joined, too, none of which is
// among those that are told already.
func (w *relayWatch) inSomeNames(site *Site, found []Finding, told map[netip.Addr]bool) ([]Finding, map[netip.Addr]bool) {
	var names []int
	for i := range found {
		if w.mayBeNames(site, &found[i]) {
			names = append(names, i)
		}
	}
	if len(names) > relaySomeNames {
		return found, nil
	}
	sets := newSets(len(found))
	for at, i := range names {
		for _, j := range names[:at] {
			if sameClients(&found[i], &found[j]) {
				sets.join(i, j)
			}
		}
	}
	groups := make(map[int][]int)
	for i := range found {
		groups[sets.find(i)] = append(groups[sets.find(i)], i)
	}
	joined := make(map[netip.Addr]bool)
	gone := make(map[int]bool)
	var all []Finding
	for i := range found {
		group := groups[i]
		if len(group) < 2 {
			continue
		}
		f, ok := w.ofClients(site, found, group, told)
		if !ok {
			continue
		}
		all = append(all, f)
		for _, k := range group {
			gone[k] = true
		}
		for _, c := range f.Clients {
			joined[c.IP] = true
		}
	}
	for i := range found {
		if !gone[i] {
			all = append(all, found[i])
		}
	}
	return all, joined
}

func (w *relayWatch) mayBeNames(site *Site, f *Finding) bool {
	return f.Subject.Kind == SenderDomain && f.Score >= w.pass.Thresholds.Score.Medium && !site.IsOurs(f.Subject.Value)
}

// sameClients reports whether most messages of each of two findings are of clients that the other has, too.
func sameClients(a, b *Finding) bool {
	return coveredBy(a, clientsOf(b)) && coveredBy(b, clientsOf(a))
}

func clientsOf(f *Finding) map[netip.Addr]bool {
	set := make(map[netip.Addr]bool, len(f.Clients))
	for _, c := range f.Clients {
		set[c.IP] = true
	}
	return set
}

// ofClients is the finding about all that the clients of a group of findings had relayed.
func (w *relayWatch) ofClients(site *Site, found []Finding, group []int, told map[netip.Addr]bool) (Finding, bool) {
	var all relayed
	seen := make(map[netip.Addr]bool)
	for _, i := range group {
		for _, c := range found[i].Clients {
			if r := w.clients.Find(c.IP); r != nil && !seen[c.IP] && !told[c.IP] {
				seen[c.IP] = true
				all.merge(r)
			}
		}
	}
	host, _ := all.tally.Hosts.Most()
	f, ok := w.judge(site, &all, Subject{Host, cmp.Or(host, namelessHost)})
	f.Signature = relaySignature(&f)
	return f, ok && f.Score >= w.pass.Thresholds.Score.Medium
}

// untold takes from what findings about sender domains cover what is of domains that are many and small: chance names.
func (w *relayWatch) untold(bySender []Finding, told map[netip.Addr]int) {
	all := 0
	for i := range bySender {
		all += bySender[i].Counts.Messages
	}
	var small []*Finding
	for i := range bySender {
		if f := &bySender[i]; relayNames*f.Counts.Messages < all {
			small = append(small, f)
		}
	}
	if len(small) < relayNames {
		return
	}
	for _, f := range small {
		for _, c := range f.Clients {
			told[c.IP] -= c.Messages
		}
	}
}

// inAnyName is the clients that relay in any name: those of which it can be seen, and those that send too little for that and
// are no mail servers.
func (w *relayWatch) inAnyName(site *Site, told map[netip.Addr]int) (busy, few []netip.Addr) {
	for _, ip := range w.clients.Sorted(netip.Addr.Compare) {
		r := w.clients.Find(ip)
		if site.IsOwn(ip) || 2*told[ip] > r.messages {
			continue
		}
		if recipients, _ := w.foreign(site, &r.to); 2*recipients < r.to.Total() {
			continue
		}
		switch {
		case r.inManyNames() && w.isGrave(site, r, ip):
			busy = append(busy, ip)
		case r.messages < 2*w.pass.Thresholds.Relay.MinMessages && !r.isServer(site):
			few = append(few, ip)
		}
	}
	return busy, few
}

// inManyNames reports whether one client sent as many domains, none of which has most of its mail.
func (r *relayed) inManyNames() bool {
	_, share := r.tally.SenderDomains.Most()
	return 2*share <= 1 && r.tally.SenderDomains.Distinct() >= relayNames
}

// isGrave reports whether a client would be told alone, and not as one that is probably meant to relay.
func (w *relayWatch) isGrave(site *Site, r *relayed, ip netip.Addr) bool {
	f, ok := w.judge(site, r, Subject{IP, ip.String()})
	return ok && f.Score >= w.pass.Thresholds.Score.Medium
}

// coveredBy reports whether most messages of a finding are of members.
func coveredBy(f *Finding, members map[netip.Addr]bool) bool {
	n := 0
	for _, c := range f.Clients {
		if members[c.IP] {
			n += c.Messages
		}
	}
	return 2*n > f.Counts.Messages
}

// relaySignature selects what a finding's clients relayed.
func relaySignature(f *Finding) Signature {
	terms := []string{`direction == "` + mail.Relayed.String() + `"`, `account == ""`}
	if f.Subject.Kind == SenderDomain {
		terms = append(terms, f.Subject.Where())
	}
	if len(f.Clients) <= signatureClients {
		list := make([]string, len(f.Clients))
		for i, c := range f.Clients {
			list[i] = quoted(c.IP.String())
		}
		terms = append(terms, fmt.Sprintf("ip in [%s]", strings.Join(list, ", ")))
	}
	return during(f.Start, f.End, terms...)
}
