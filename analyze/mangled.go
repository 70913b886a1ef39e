package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// mangledName is the detector's name in the IDs by which clients with a damaged list link to each other.
const mangledName = "mangled"

var mangled = Detector{
	Name:    mangledName,
	Command: "mangled",
	Title:   "recipients that are damaged forms of known addresses",
	Doc: `Spammers' address lists are collected from web pages, news articles and stolen
mailboxes by programs that cut in the wrong place: smtpsusan@, 0susan@,
example.comsusan@ (something was added in front), usan@ (the beginning is
missing), osan@ (the beginning was replaced). Mail to such an address is
rejected or bounces. It shows that the sender never got the address from its
owner: nobody who means Susan writes to usan@.

This detector takes every recipient in a domain of ours that was rejected or
bounced, and looks for a known recipient (one that mail was delivered to,
before or since) of which it is a damaged form. One such address proves
nothing: people mistype, and a dictionary attack tries so many names that some
look damaged by chance. The proof is one client that does it to several
addresses, and for a good part of its rejected recipients, or several clients
in different networks that use the same damaged address: they share a list,
and most likely one person sends with it. Where many machines try names at
that time, it must be more than some of them have by chance. The addresses of
an IPv6 host (a /64) are one client here.

Honest mail that looks similar: a web form in which users type their address,
or a mailing list with one wrong subscriber: one address each. A list with
people who have left (a.harms, where t.harms is known): an address with
another first letter counts only beside other damage, to the same address or
to three others. The same goes for what may be an earlier form of an address,
or one with another separator: harms@ or t_harms@ for t.harms@, tom_harms@ for
harms@; and for what anybody may be called, and strangers guess everywhere:
sales@ for morales@, anna@ for hanna@. And a list server whose list a spreadsheet damaged: it sends for its
own organisation, and either writes the recipient into the sender or is right
about most of its list (low); its other servers, in whatever network, are no
second proof. One that does neither is reported: nothing distinguishes it from
a spammer with a server of his own.

What it cannot see: damage in a domain that accepts and delivers every address
(a catch-all), and known recipients that got no mail within the log. On a
gateway or a secondary MX alone, what the next host accepted counts as known;
give its log too, if you have it.`,
	New: func(p *Pass) Watch { return newMangledWatch(p) },
}

// failedRecipient is a recipient that one client tried in vain.
type failedRecipient struct {
	client  netip.Addr
	address string // folded
}

// attempts is what one client tried with one failed recipient. There are as many as there is room for in most logs, and most
// are of one line: its words are pieces of it.
type attempts struct {
	messages, rejected  int32
	expired, waiting    int32 // of the messages: those whose attempts expired, and those still deferred; the others bounced
	asn                 uint32
	name, helo, country string // of the client
	senders             string // different ones, folded, in order, at most failedSenders, a line each
	host                string
	last                mail.Instant
	evidence            Evidence // the first
}

// failedTogether is a message that several recipients did not get: it is one, however many of them are damaged.
type failedTogether struct {
	client    netip.Addr
	addresses []uint64 // hashes
}

// failedSenders bounds the senders that are remembered for one client and one failed recipient.
const failedSenders = 8

type mangledWatch struct {
	pass     *Pass
	failed   *Entities[failedRecipient, attempts]
	together []failedTogether // at most as many as there are failed recipients
	passed   Tally            // recipients of strangers that another host took
	passedTo Tally            // their domains
	right    countMin         // by host (hostNetwork): recipients that it was right about
}

func newMangledWatch(p *Pass) *mangledWatch {
	own := func(k failedRecipient) failedRecipient { return failedRecipient{k.client, strings.Clone(k.address)} }
	weigh := func(a *attempts) int { return int(a.messages + a.rejected) }
	return &mangledWatch{pass: p, failed: NewEntities(p.Thresholds.Mangled.MaxFailed, weigh, own)}
}

func (w *mangledWatch) Message(m *mail.Message) {
	if m.Notice || !m.Client.IP.IsValid() || m.Account != "" {
		return
	}
	var failed []uint64
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Disposition == mail.Delivered {
			w.right.add(hashAddr(ofClient, hostNetwork(m.Client.IP).Addr()))
		}
		switch {
		case r.Disposition == mail.Delivered && !r.Local:
			address := mail.Fold(r.Envelope())
			w.passed.Add(address, 1)
			addNamed(&w.passedTo, mail.Domain(address))
			continue
		case r.Disposition != mail.Bounced && r.Disposition != mail.Expired && r.Disposition != mail.Deferred:
			continue
		}
		address := mail.Fold(r.Envelope())
		a := w.failed.At(failedRecipient{m.Client.IP.Unmap(), address})
		a.messages++
		switch r.Disposition {
		case mail.Expired:
			a.expired++
		case mail.Deferred:
			a.waiting++
		}
		a.seen(m.Client, m.Sender, m.Host, MessageEvidence(m))
		if len(m.Recipients) > 1 {
			failed = append(failed, hashText(ofAddress, address))
		}
	}
	if len(failed) > 1 {
		w.failedTogether(failedTogether{m.Client.IP.Unmap(), failed})
	}
}

// failedTogether remembers a message, as long as there is room.
func (w *mangledWatch) failedTogether(m failedTogether) {
	if len(w.together) < w.pass.Thresholds.Mangled.MaxFailed {
		w.together = append(w.together, m)
	}
}

func (w *mangledWatch) Event(ev *mail.Event) {
	if !IsRefusal(ev) || ev.Recipient == "" || !ev.Client.IP.IsValid() || ev.Account != "" {
		return
	}
	a := w.failed.At(failedRecipient{ev.Client.IP.Unmap(), mail.Fold(ev.Recipient)})
	a.rejected++
	a.seen(ev.Client, ev.Sender, ev.Host, EventEvidence(ev))
}

func (a *attempts) seen(client mail.Client, sender, host string, e Evidence) {
	if a.evidence.Time == 0 || before(e, a.evidence) {
		a.evidence = owned(e)
	}
	a.last = max(a.last, e.Time)
	if client.Name != "unknown" {
		a.name = a.greater(a.name, client.Name)
	}
	a.helo = a.greater(a.helo, client.HELO)
	a.country = a.greater(a.country, client.Country)
	a.asn = max(a.asn, client.ASN)
	a.host = a.greater(a.host, host)
	a.from(mail.Fold(sender))
}

// greater is the greater of two words, so that the order of lines means nothing.
func (a *attempts) greater(kept, s string) string {
	if s <= kept {
		return kept
	}
	return pieceOf(a.evidence.Text, s)
}

// from keeps the least of the senders, so that the order of lines means nothing.
func (a *attempts) from(sender string) {
	if a.senders == "" {
		a.senders = pieceOf(a.evidence.Text, sender)
		return
	}
	all := make([]string, 0, failedSenders+1)
	for s := range a.allSenders {
		all = append(all, s)
	}
	at, found := slices.BinarySearch(all, sender)
	if sender == "" || found || at == failedSenders {
		return
	}
	all = slices.Insert(all, at, sender)
	a.senders = strings.Join(all[:min(len(all), failedSenders)], "\n")
}

// allSenders yields the senders in order.
func (a *attempts) allSenders(yield func(string) bool) {
	for rest := a.senders; rest != ""; {
		var s string
		if s, rest, _ = strings.Cut(rest, "\n"); !yield(s) {
			return
		}
	}
}

func (w *mangledWatch) Merge(other Watch) {
	for _, m := range other.(*mangledWatch).together {
		w.failedTogether(m)
	}
	w.right.merge(&other.(*mangledWatch).right)
	w.passed.Merge(&other.(*mangledWatch).passed)
	w.passedTo.Merge(&other.(*mangledWatch).passedTo)
	for k, o := range other.(*mangledWatch).failed.All() {
		a := w.failed.At(k)
		a.messages += o.messages
		a.rejected += o.rejected
		a.expired += o.expired
		a.waiting += o.waiting
		last := max(a.last, o.last)
		a.seen(mail.Client{Name: o.name, HELO: o.helo, Country: o.country, ASN: o.asn}, "", o.host, o.evidence)
		a.last = last
		for s := range o.allSenders {
			a.from(s)
		}
	}
}

// damage is a failed recipient that is a known one, damaged.
type damage struct {
	address        string
	original, kind string
	tries          []failedRecipient // of the host's addresses, in order
}

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

// mostlyRight is how many times as many recipients as are damaged a client must have been right about, to have no damaged list.
const mostlyRight = 10

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

// triedAgain is how many messages with one damaged recipient of a list are counted already with another one.
func triedAgain(list []damage, together []failedTogether) map[failedTry]int {
	damaged := make(map[uint64]bool, len(list))
	for _, d := range list {
		damaged[hashText(ofAddress, d.address)] = true
	}
	again := make(map[failedTry]int)
	for _, m := range together {
		first := true
		for _, address := range m.addresses {
			if damaged[address] && !first {
				again[failedTry{m.client, address}]++
			}
			first = first && !damaged[address]
		}
	}
	return again
}

// failedTry is a failedRecipient by the hash of its address.
type failedTry struct {
	client  netip.Addr
	address uint64
}

func (w *mangledWatch) finding(site *Site, list []damage, together []failedTogether, shared int, share float64) Finding {
	f := Finding{Detector: mangledName}
	var evidence Keeper
	var buckets Buckets
	var senders, domains, kinds, hosts Tally
	clients := make(map[netip.Addr]*ClientCount)
	again := triedAgain(list, together)
	for _, d := range list {
		all, hash := 0, hashText(ofAddress, d.address)
		for _, k := range d.tries {
			a := w.failed.Find(k)
			n := int(a.messages + a.rejected)
			all += n
			try := failedTry{k.client, hash}
			messages := int(a.messages) - again[try]
			delete(again, try) // the same address in another case has the same hash
			f.Counts.Messages += messages
			f.Counts.Rejected += int(a.rejected)
			f.Counts.Recipients += int(a.messages)
			f.Counts.Bounced += int(a.messages - a.expired - a.waiting)
			f.Counts.Expired += int(a.expired)
			f.Counts.Deferred += int(a.waiting)
			if f.Start == 0 || a.evidence.Time < f.Start {
				f.Start = a.evidence.Time
			}
			f.End = max(f.End, a.last)
			evidence.Add(a.evidence)
			buckets.Add(a.evidence.Time, messages, int(a.rejected))
			for s := range a.allSenders {
				senders.Add(s, 1)
			}
			addNamed(&hosts, a.host)
			c := clients[k.client]
			if c == nil {
				c = &ClientCount{Client: mail.Client{IP: k.client}}
				clients[k.client] = c
			}
			c.complete(mail.Client{Name: a.name, HELO: a.helo, Country: a.country, ASN: a.asn})
			c.Messages += messages
			c.Rejected += int(a.rejected)
		}
		f.Mangled = append(f.Mangled, Mangled{d.address, d.original, d.kind, all})
		domains.Add(mail.Domain(d.address), all)
		kinds.Add(d.kind, 1)
	}
	ips := slices.SortedFunc(maps.Keys(clients), netip.Addr.Compare)
	ours := "" // its name, if that is ours
	for _, ip := range ips {
		c := clients[ip]
		f.Clients = append(f.Clients, *c)
		if c.Name != "" && inOurDomains(site, c.Name) {
			ours = c.Name
		}
	}
	f.Subject = Subject{IP, ips[0].String()}
	if len(ips) > 1 {
		f.Subject = Subject{Network, hostNetwork(ips[0]).String()}
	}
	f.Counts.Clients = len(ips)
	f.Counts.Senders, f.Counts.RecipientDomains = senders.Distinct(), domains.Distinct()
	f.Senders, f.RecipientDomains = senders.Top(topMost), domains.Top(topMost)
	f.Hosts = hosts.Values()
	f.Timeline = buckets.Timeline()
	f.Evidence = evidence.Lines(0)
	w.weigh(&f, list, &kinds, shared, share)
	if ours != "" {
		f.because("our-own-name", -0.4, "%s is a host of ours: it may only have passed on what strangers sent, and its own log shows who", ours)
	}
	// Of a provider's servers, and of a customer's who has a wrong address in his book, most of what comes is right.
	right, wrong := w.right.about(hashAddr(ofClient, hostNetwork(ips[0]).Addr())), f.Counts.Recipients+f.Counts.Rejected
	switch {
	case right >= mostlyRight*wrong:
		f.because("mostly-right", -0.5, "%d of its recipients were correct: people mistype", right)
	case w.ownMailing(list) && (right >= oftenRight*wrong || w.variableSenders(list)):
		f.because("own-mailing", -0.3, "it sends for its own organisation, and %d of its recipients were correct: a list server whose list a program damaged looks like that", right)
	}
	f.Title = fmt.Sprintf("%s wrote to %s of known addresses, such as %s for %s",
		f.Subject.Value, plural(len(list), "damaged form", "damaged forms"), list[0].address, list[0].original)
	return f
}

// oftenRight is how many times as many recipients as are damaged a list server must have been right about. A spammer who has a damaged
// list is right about some times as many.
const oftenRight = 5

// ownMailing reports whether a mail server with a name of its own sent all of it for its own organisation, as a list server does.
func (w *mangledWatch) ownMailing(list []damage) bool {
	for _, d := range list {
		for _, k := range d.tries {
			a := w.failed.Find(k)
			if a.name == "" || genericName(a.name, k.client) || rentedName(a.name) {
				return false
			}
			for s := range a.allSenders {
				if !ownName(a.name, s) {
					return false
				}
			}
		}
	}
	return true
}

// variableSenders reports whether each sender contains the recipient (VERP): somebody wants to know about bounces.
func (w *mangledWatch) variableSenders(list []damage) bool {
	for _, d := range list {
		for _, k := range d.tries {
			for s := range w.failed.Find(k).allSenders {
				if !isVERP(s, d.address) {
					return false
				}
			}
		}
	}
	return true
}

// weigh weighs what is damaged, and how.
func (w *mangledWatch) weigh(f *Finding, list []damage, kinds *Tally, shared int, share float64) {
	n := len(list)
	f.because("damaged-recipients", min(0.5, 0.12*float64(n)), "%s of known recipients", plural(n, "damaged form", "damaged forms"))
	if kinds.Distinct() > 1 {
		f.because("several-kinds", 0.1, "damaged in different ways: %s", strings.Join(kinds.Values(), ", "))
	}
	if share >= enough && n >= w.pass.Thresholds.Mangled.MinAddresses {
		f.because("nothing-else", 0.1, "%.0f %% of its failed recipients are damaged forms", 100*share)
	}
	if shared > 0 {
		f.because("shared-list", 0.2, "clients in other networks used %d of them, too", shared)
	}
}

// damageIndex finds the known recipient of which an address is a damaged form.
type damageIndex struct {
	known map[string]bool   // local parts with domain, in lower case
	bare  map[uint64]string // by hash of an address without its separators: the least of those with it
	heads map[uint64]int32  // by hash of what is left of an address: the latest of beheaded with it
	cuts  []beheaded
	found []string // what the latest search found
}

// beheaded is a known address whose head is cut off. Those whose rest has the same hash are linked.
type beheaded struct {
	original string
	cut      uint8
	next     int32 // in damageIndex.cuts, and one more; 0: none
}

// A head of up to so many characters may be missing or replaced; the rest must be long enough to mean that address.
const (
	cutMost     = 3
	replaceMost = 2
	tailLeast   = 3 // of the local part, when the head is missing
	replaceTail = 4 // … and when it was replaced: more is needed, since more would fit
	provenTail  = 2 // … either way, when other damage shows that the original is on the list
)

func newDamageIndex(site *Site) *damageIndex {
	n := len(site.recipients)
	x := &damageIndex{known: make(map[string]bool, n), bare: make(map[uint64]string), heads: make(map[uint64]int32, cutMost*n), cuts: make([]beheaded, 0, cutMost*n)}
	for address := range site.KnownRecipients {
		x.add(address)
	}
	return x
}

// add takes a known recipient, in lower case.
func (x *damageIndex) add(address string) {
	if x.known[address] {
		return
	}
	x.known[address] = true
	local := mail.LocalPart(address)
	letters := hashText(ofAddress, lettersOf(address))
	if old := x.bare[letters]; old == "" || address < old {
		x.bare[letters] = address
	}
	for cut := 1; cut <= cutMost && len(local)-cut >= provenTail; cut++ {
		tail := hashText(ofAddress, address[cut:])
		x.cuts = append(x.cuts, beheaded{address, uint8(cut), x.heads[tail]})
		x.heads[tail] = int32(len(x.cuts))
	}
}

// lettersOf is an address without the separators of its local part.
func lettersOf(address string) string {
	local := mail.LocalPart(address)
	if !strings.ContainsAny(local, "._-") {
		return address
	}
	return strings.NewReplacer(".", "", "_", "", "-", "").Replace(local) + address[len(local):]
}

// respelled is the known recipient that has other separators and is the same otherwise, "" where there is none.
func (x *damageIndex) respelled(address string) string {
	letters := lettersOf(strings.ToLower(address))
	if o := x.bare[hashText(ofAddress, letters)]; o != "" && lettersOf(o) == letters {
		return o
	}
	return ""
}

// beheadedTo are the known recipients, but for that one which is excluded, that are a tail with a head before it: first
// those of which least is missing, so that what is found does not depend on the order of what was added. They are valid
// until the next call.
func (x *damageIndex) beheadedTo(tail, excluded string) []string {
	x.found = x.found[:0]
	for i := x.heads[hashText(ofAddress, tail)]; i > 0; i = x.cuts[i-1].next {
		c := &x.cuts[i-1]
		if c.original[c.cut:] == tail && c.original != excluded {
			x.found = append(x.found, c.original)
		}
	}
	slices.SortFunc(x.found, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	return x.found
}

// find says which known recipient was damaged and how; the kind is "" where none fits. Of several the one with which the
// address shares most wins.
func (x *damageIndex) find(address string) (original, kind string) {
	originals, kind := x.originals(address, tailLeast, replaceTail)
	if kind == "" {
		return "", ""
	}
	return originals[0], kind
}

// findAll finds the originals of what is damaged of a list. One that has several (of petersen: b.petersen, t.petersen) is
// of that which other damage on the list is of, too; and where so little is left that it could be of anybody, or the address
// may as well be the name of somebody else, such other damage is asked for.
func (x *damageIndex) findAll(list []string) map[string]damage {
	var found map[string]damage
	var proven map[string]int
	for _, address := range list {
		originals, kind := x.originals(address, tailLeast, replaceTail)
		if kind == "" {
			continue
		}
		if found == nil {
			found, proven = make(map[string]damage), make(map[string]int)
		}
		found[address] = damage{original: originals[0], kind: kind}
		if len(originals) == 1 {
			proven[originals[0]]++
		}
	}
	for _, address := range list {
		if len(proven) == 0 {
			break
		}
		originals, kind := x.originals(address, provenTail, provenTail)
		best := ""
		for _, o := range originals {
			if proven[o] > proven[best] {
				best = o
			}
		}
		if best != "" && (found[address].kind == "" || found[address].kind == kind) {
			found[address] = damage{original: best, kind: kind}
		}
	}
	x.findOtherLetter(list, found)
	x.findRespelled(list, found)
	dropPersons(found)
	return found
}

// findOtherLetter adds what has another first letter and is the same otherwise, of a list that is plainly damaged: a program that
// cuts in the wrong place does so with each of its addresses, and not every one comes up twice.
func (x *damageIndex) findOtherLetter(list []string, found map[string]damage) {
	const plain = 3 // damaged forms that are nobody's name
	sure := 0
	for address, d := range found {
		if !d.ofPerson(address) {
			sure++
		}
	}
	if sure < plain {
		return
	}
	for _, address := range list {
		if found[address].kind != "" {
			continue
		}
		if originals, kind := x.originals(address, tailLeast, provenTail); kind == "substituted" && len(originals) == 1 && len(mail.LocalPart(address)) > replaceTail {
			found[address] = damage{original: originals[0], kind: kind}
		}
	}
}

// findRespelled adds what is damaged in its separators alone to what was found.
func (x *damageIndex) findRespelled(list []string, found map[string]damage) {
	for _, address := range list {
		if kind := found[address].kind; len(found) > 0 && (kind == "" || kind == "substituted") {
			if o := x.respelled(address); o != "" {
				kind := "other"
				if strings.EqualFold(strings.TrimLeft(address, "._-"), o) {
					kind = "prefix" // _harms
				}
				found[address] = damage{original: o, kind: kind}
			}
		}
	}
}

// dropPersons takes out what may be a person's address in another form, or another person's, unless enough of the rest is plainly
// damaged: where petersen@ became b.petersen@, all who knew the old address write to what looks torn off, and where
// first_last@ became last@, to what looks prefixed.
func dropPersons(found map[string]damage) {
	const sure = 2 // as many of these at most are believed for each that is plain
	persons := 0
	for address, d := range found {
		if d.ofPerson(address) {
			persons++
		}
	}
	if persons > sure*(len(found)-persons) {
		maps.DeleteFunc(found, func(address string, d damage) bool { return d.ofPerson(address) })
	}
}

// ofPerson reports whether the damage ends where a part of a name does, or leaves what anybody else, or a role, may be called: whoever
// guesses sales@ does not mean morales@.
func (d *damage) ofPerson(address string) bool {
	const separators = "._-"
	address = strings.ToLower(address)
	local, original := mail.LocalPart(address), mail.LocalPart(d.original)
	if ordinaryNames()[local] {
		return true
	}
	same := 0 // behind
	for same < min(len(local), len(original)) && local[len(local)-1-same] == original[len(original)-1-same] {
		same++
	}
	head, lost := local[:len(local)-same], original[:len(original)-same]
	switch d.kind {
	case "other":
		return true
	case "prefix":
		return strings.TrimRight(head, separators) != head
	case "truncated":
		return strings.TrimRight(lost, separators) != lost
	case "substituted":
		return strings.ContainsAny(head, separators) || strings.ContainsAny(original[len(original)-same:][:min(1, same)], separators)
	}
	return false
}

// originals are the known recipients of which an address may be a damaged form, the likeliest first, and the kind of the
// damage, which is the same for all. They are valid until the next call.
//
// An address that has another first letter and is the same otherwise is no damage by itself: a.harms and t.harms, Hanna and
// Nanna are two people, of whom one has left.
func (x *damageIndex) originals(address string, tailLeast, replaceTail int) (originals []string, kind string) {
	address = strings.ToLower(address)
	local := mail.LocalPart(address)
	for cut := 1; len(local)-cut >= tailLeast; cut++ {
		// A dot alone is no prefix: it is what is left of an initial (.harms, of l.harms).
		tail := address[cut:]
		if x.known[tail] && strings.Trim(address[:cut], "._-") != "" {
			x.found = append(x.found[:0], tail)
			return x.found, "prefix"
		}
		if cut == 1 {
			if originals = x.beheadedTo(address, ""); len(originals) > 0 {
				return originals, "truncated"
			}
		}
		if cut <= replaceMost && len(local)-cut >= replaceTail {
			originals = x.beheadedTo(tail, address)
			if replaceTail > provenTail {
				originals = slices.DeleteFunc(originals, func(o string) bool { return o[1:] == address[1:] })
			}
			if len(originals) > 0 {
				return originals, "substituted"
			}
		}
	}
	if len(local) >= tailLeast { // short ones, which the loop never entered
		if originals = x.beheadedTo(address, ""); len(originals) > 0 {
			return originals, "truncated"
		}
	}
	return nil, ""
}
