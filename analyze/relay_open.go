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

// A server that relays for everybody is used by many clients, each with any sender. Reported by sender, that would be a hundred small
// findings, none of which says how much it was; by client, one for each. They are reported together, because they share one open relay.

const (
	// relayNames is from how many sender domains on, if none of them has a good part of the mail, the names are arbitrary.
	relayNames = 4
	// relaySomeNames: clients with more sender domains than this use arbitrary ones.
	relaySomeNames = 4 * relayNames
	// relayTogether is how long before or after the busy clients a client that sent little still belongs to them.
	relayTogether = 30 * time.Minute
	// relayPace is the longest time per message of a run; a customer's web servers take longer.
	relayPace = 10 * time.Minute
)

// openToAll joins the clients that relay with arbitrary senders to one finding, and returns them; nil: there are none.
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

// handful is clients that each sent too little to be reported, but together sent what is clearly a run: each message with another sender
// domain that is unknown here, and many to recipients that do not exist. Customers who relay by their addresses use their own domains, even
// for a single message. nil: there are none.
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

// inAnyNames reports whether clients used sender domains that they made up: each of them several, a new one every few minutes, or all of
// them such as nobody has. Customers' web servers send for many sites, too, but all day long, or all as the same program.
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

// isOneProgram reports whether most senders have the same local part in several domains (wordpress, noreply), as a web server's sites do.
func (r *relayed) isOneProgram() bool { return ofOneProgram(&r.tally.Senders) }

// ofOneProgram is isOneProgram of senders.
func ofOneProgram(senders *Tally) bool {
	var names Tally
	for sender := range senders.All {
		names.Add(strings.ToLower(mail.LocalPart(sender)), 1)
	}
	_, share := names.Most()
	return names.Total() > 1 && 2*share > 1
}

// inSomeNames makes one finding of those about sender domains that the same clients used in turn: two or three forged domains are not two or
// three holes. A domain of ours is a hole of its own, if a rule trusts it; but not beside several others, where no rule of that kind is
// needed. It also returns the clients of what was joined, none of which is among those that are reported already.
func (w *relayWatch) inSomeNames(site *Site, found []Finding, told map[netip.Addr]bool) ([]Finding, map[netip.Addr]bool) {
	groups := w.namesInTurn(site, found)
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

// namesInTurn groups the findings, each by its index, about names that the same clients used: each group is at the index of one of its
// members. nil: there are so many names that they are arbitrary ones.
func (w *relayWatch) namesInTurn(site *Site, found []Finding) map[int][]int {
	var names []int
	for i := range found {
		if w.mayBeNames(site, &found[i]) {
			names = append(names, i)
		}
	}
	if len(names) > relaySomeNames {
		return nil
	}
	sets := newSets(len(found))
	for at, i := range names {
		for _, j := range names[:at] {
			if sameClients(&found[i], &found[j]) {
				sets.join(i, j)
			}
		}
	}
	for i := range found {
		if f := &found[i]; f.Subject.Kind == SenderDomain && site.IsOurs(f.Subject.Value) {
			others := slices.DeleteFunc(slices.Clone(names), func(j int) bool { return !sameClients(f, &found[j]) })
			if len(others) > 1 {
				sets.join(i, others[0])
			}
		}
	}
	groups := make(map[int][]int)
	for i := range found {
		groups[sets.find(i)] = append(groups[sets.find(i)], i)
	}
	return groups
}

func (w *relayWatch) mayBeNames(site *Site, f *Finding) bool {
	return f.Subject.Kind == SenderDomain && f.Score >= w.pass.Thresholds.Score.Low && !site.IsOurs(f.Subject.Value)
}

// sameClients reports whether most messages of each of two findings come from clients that the other has, too.
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

// untold uncovers, of what findings about sender domains cover, the mail of many small domains: arbitrary names.
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

// inAnyName is the clients that relay with arbitrary senders: those that show it, and those that send too little to show it and are no mail
// servers.
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

// inManyNames reports whether one client used many sender domains, none of which has most of its mail.
func (r *relayed) inManyNames() bool {
	_, share := r.tally.SenderDomains.Most()
	return 2*share <= 1 && r.tally.SenderDomains.Distinct() >= relayNames
}

// isGrave reports whether a client would be reported alone, and not as one that is probably intended to relay.
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
