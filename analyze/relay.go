package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

var openRelay = Detector{
	Name:    "open-relay",
	Command: "relays",
	Title:   "mail accepted from strangers for strangers",
	Doc: `A mail server accepts mail from strangers for its own domains, and from its
own users for everybody. A server that accepts mail from strangers for
strangers is an open relay, and spammers find it within hours. The log does
not say "open relay". It says that a client which did not log in and is not
ours handed in a message whose recipients are not ours either.

This detector collects those messages by the domain of the envelope sender
(the usual hole is an access rule that trusts a sender's domain, which anybody
can forge) and by client. If many clients write in any name, all that was
relayed is reported as one finding, even if each client sent little. It shows:

  - the words with which an access rule or a policy let them in, if the server
    logs them ("whitelisted in local domains whitelist"): that is the rule to
    fix;
  - what the senders look like: random letters, or addresses of our own domain
    that never received anything;
  - how many clients from how many networks came, what was delivered, what
    bounced, and what is still in the queue, including the bounces that cannot
    be delivered because their senders never existed.

Honest mail that looks similar:

  - an office, a printer or a monitor that may relay because its address is
    trusted (mynetworks, +relay_from_hosts): few addresses, seen all the time,
    with senders that are known here;
  - a gateway or secondary MX that passes mail on to another host: few
    recipient domains, each passed to one relay, and many strangers write to
    them. If this is not recognised, give --local-domain or the other host's
    log;
  - a mail service that has part of our mailboxes and hands in our own people's
    mail: it passes on what they forward, too;
  - aliases that lead outside: the envelope recipient is ours, perhaps in a
    domain that forwards all its mail.

Those stay below medium or are left out.

What it cannot see: relaying through a login (see accounts) or a script (see
scripts). Whether a trusted office address was itself abused, unless its
traffic changes so much that it is a burst. Mail that was handed in but never
tried.`,
	New: func(p *Pass) Watch { return newRelayWatch(p) },
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
	tally     Dossier
	unsettled int // recipients that are not delivered
}

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
	if m.Has(mail.Doubtful) {
		return
	}
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

// usual counts what access rules say of mail that was not relayed.
func (w *relayWatch) usual(m *mail.Message) {
	if !m.Client.IP.IsValid() {
		return
	}
	w.others++
	for _, text := range m.ACL {
		w.said.Add(maskRule(text), 1)
	}
}

// strangerForStrangers reports whether m may have been relayed. Which domains are ours is known only at the end, but mail that bounced in one
// that is known to be ours was not relayed.
func strangerForStrangers(m *mail.Message) bool {
	if m.Direction == mail.Inbound {
		return false
	}
	ip := m.Client.IP
	if !ip.IsValid() || mail.IsInside(ip) || m.Account != "" || m.Has(mail.HasUID) || m.User != "" || m.Relayed || len(m.Recipients) == 0 {
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
	for _, text := range m.ACL {
		r.acl.Add(maskRule(text), 1)
	}
}

func (r *relayed) merge(o *relayed) {
	r.messages += o.messages
	r.unsettled += o.unsettled
	r.surprise += o.surprise
	r.odd += o.odd
	r.to.Merge(&o.to)
	r.networks.Merge(&o.networks)
	r.acl.Merge(&o.acl)
	r.tally.Merge(&o.tally)
}

// notReached is the share of the recipients that did not get it.
func (r *relayed) notReached() float64 { return float64(r.unsettled) / float64(max(1, r.to.Total())) }

// maskRule replaces what is an address or a number by "…", so that a rule's words are the same for every message.
func maskRule(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		bare := strings.Trim(word, "[](),:;<>")
		if host, _, found := strings.Cut(bare, "]:"); found {
			bare = host
		}
		if _, err := netip.ParseAddr(bare); err == nil || isMailbox(bare) || isNumber(bare) {
			words[i] = strings.Replace(word, bare, "…", 1)
		}
	}
	return strings.Join(words, " ")
}

func isMailbox(word string) bool { return mail.LocalPart(word) != "" && mail.Domain(word) != "" }

func isNumber(word string) bool {
	return strings.Trim(word, ".") != "" && strings.Trim(word, "0123456789.") == ""
}

// letInBy is what the rule says that let most of it in, and how often; "" where none can be told from those that speak of all mail: a
// scanner's, a counter's.
func (w *relayWatch) letInBy(r *relayed) (text string, n int) {
	least := 0.5 // of them, beyond what it is of the others
	for _, rule := range r.acl.Top(topMost) {
		here := float64(rule.Messages) / float64(r.messages)
		there := float64(w.said.Of(rule.Value)) / float64(max(1, w.others))
		if beyond := here - there; beyond >= least && (text == "" || beyond > least) {
			text, n, least = rule.Value, rule.Messages, beyond
		}
	}
	return text, n
}

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

// services are the organisations whose servers hand in mostly the mail of people who receive mail here: half of a site's mailboxes may be at
// such a service, which passes on what they forward, too.
func (w *relayWatch) services(site *Site) map[string]bool {
	known, all := make(map[string]int), make(map[string]int)
	for _, r := range w.clients.All() {
		org := r.service()
		if org == "" {
			continue
		}
		all[org] += r.messages
		for sender, n := range r.tally.Senders.All {
			if site.KnownRecipient(sender) {
				known[org] += n
			}
		}
	}
	found := make(map[string]bool)
	for org, n := range known {
		if n >= w.pass.Thresholds.Relay.MinMessages && 2*n > all[org] {
			found[org] = true
		}
	}
	return found
}

// service is the organisation that all clients are named after, as its mail servers and not as its customers' machines; "" if there is none.
func (r *relayed) service() string {
	org := ""
	for _, c := range r.tally.clients {
		if c.Name == "" || genericName(c.Name, c.IP) || rentedName(c.Name) || org != "" && org != organisation(c.Name) {
			return ""
		}
		org = organisation(c.Name)
	}
	return org
}

// bySender finds the domains in whose name several clients had mail relayed.
func (w *relayWatch) bySender(site *Site, told map[netip.Addr]int) (found []Finding) {
	for _, domain := range w.domains.Sorted(strings.Compare) {
		r := w.withoutRegulars(site, w.domains.Find(domain))
		if f, ok := w.judge(site, r, Subject{SenderDomain, domain}); ok && len(f.Clients) > 1 {
			found = append(found, f)
			for _, c := range f.Clients {
				told[c.IP] += c.Messages
			}
		}
	}
	return found
}

// withoutRegulars is what a sender domain had relayed, without the clients that may relay. It is r itself if there are none, or if the
// others relayed in several names, so that their mail in this name cannot be separated.
func (w *relayWatch) withoutRegulars(site *Site, r *relayed) *relayed {
	var rest []*relayed
	clients := r.tally.Clients()
	for _, c := range clients {
		one := w.clients.Find(c.IP)
		switch {
		case one == nil, one.tally.SenderDomains.Distinct() > 1:
			return r
		case !one.isRegular(site) && !one.isOffice(site):
			rest = append(rest, one)
		}
	}
	rest = withoutOwners(site, rest)
	if len(rest) == len(clients) || len(rest) == 0 {
		return r
	}
	var others relayed
	for _, one := range rest {
		others.merge(one)
	}
	return &others
}

// withoutOwners leaves out of a run in made-up names of our domain the few people of that domain whom the same rule lets in: each in one
// name, which receives mail here. Where the run itself is in such names, none can be told from it.
func withoutOwners(site *Site, all []*relayed) []*relayed {
	const seldom = 10 // to one, what is made up must be
	var run []*relayed
	owners, messages, known, senders := 0, 0, 0, 0
	for _, one := range all {
		names, ours := one.tally.Senders.Distinct(), knownSenders(site, &one.tally.Senders)
		if names == 1 && ours == 1 {
			owners += one.messages
			continue
		}
		run = append(run, one)
		messages += one.messages
		known, senders = known+ours, senders+names
	}
	if seldom*owners > messages || seldom*known > senders {
		return all
	}
	return run
}

// isRegular reports whether one client relays a person's or a program's mail, all the time, to recipients who want it: for example a
// company's application, in whose name a careless rule lets strangers relay, too.
func (r *relayed) isRegular(site *Site) bool {
	const names, days = 3, 2
	return r.tally.Senders.Distinct() <= names && r.tally.Buckets.Days() >= days && r.notReached() < 0.15 &&
		2*r.tally.End.Sub(r.tally.Start) > site.Last.Sub(site.First)
}

// isOffice reports whether one client relays for people who receive mail here, all the time and to recipients who want it, or is a server
// of the sender's own domain: an office whose address is trusted. Known senders alone prove nothing, because they can be forged.
func (r *relayed) isOffice(site *Site) bool {
	if r.notReached() >= 0.15 {
		return false
	}
	for _, c := range r.tally.clients {
		domain, _ := r.tally.SenderDomains.Most()
		if !genericName(c.Name, c.IP) && !rentedName(c.Name) && ownName(c.Name, "@"+domain) {
			return true
		}
	}
	return 2*r.tally.End.Sub(r.tally.Start) > site.Last.Sub(site.First) && 2*knownSenders(site, &r.tally.Senders) > r.tally.Senders.Distinct()
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

// judge scores what one sender domain or client had relayed.
func (w *relayWatch) judge(site *Site, r *relayed, subject Subject) (Finding, bool) {
	th := &w.pass.Thresholds.Relay
	recipients, domains := w.foreign(site, &r.to)
	if r.messages < th.MinMessages || domains < th.MinDomains || 2*recipients < r.to.Total() {
		return Finding{}, false
	}
	n := float64(r.messages)
	f := Finding{Subject: subject}
	f.because("stranger-for-strangers", 0.3, "%s without a login, from outside, for %s in %s that are not ours",
		plural(r.messages, "message", "messages"), plural(recipients, "recipient", "recipients"), plural(domains, "domain", "domains"))
	senders := r.tally.Senders.Distinct()
	if share := float64(senders) / n; share > 0.9 && senders >= th.MinMessages && !r.isOneProgram() {
		f.because("all-senders-differ", 0.15, "%d different senders in %s", senders, plural(r.messages, "message", "messages"))
	}
	if mean := r.surprise / n; mean > th.Random && senders >= th.MinMessages {
		f.because("random-senders", 0.2, "the senders' local parts look random (%.1f bits a letter; real names have about 4)", mean)
	}
	known := knownSenders(site, &r.tally.Senders)
	if subject.Kind == SenderDomain && site.IsOurs(subject.Value) && known == 0 {
		f.because("forged-local-senders", 0.15, "none of the senders in our domain %s ever received mail here", subject.Value)
	}
	if text, times := w.letInBy(r); text != "" {
		f.because("let-in-by-rule", 0.15, "an access rule let them in, and says: %q", text)
		f.Facts = append(f.Facts, Fact{"let in by", say("%q, %d times (%.0f %% of what rules said)", text, times, 100*float64(times)/float64(r.acl.Total()))})
	}
	if nets := r.networks.Distinct(); nets >= 3 && r.service() == "" {
		f.because("unrelated-networks", 0.1, "%s in %s", plural(len(r.tally.clients), "client", "clients"), plural(nets, "network", "networks"))
	}
	if share := r.notReached(); share > 0.15 {
		f.because("not-delivered", 0.1, "%.0f %% of the recipients were not reached", 100*share)
	}
	if share := float64(r.odd) / n; share > 0.5 {
		f.because("odd-helo", 0.05, "%.0f %% said HELO with something that is no host name", 100*share)
	}
	if r.messages >= th.ManyFrom {
		f.because("mass", 0.15, "%s", plural(r.messages, "message", "messages"))
		unknown := 0.2
		if took := r.tally.End.Sub(r.tally.Start); r.notReached() > 0.15 && float64(took) < relaySudden*float64(site.Last.Sub(site.First)) {
			f.because("at-once", 0.15, "all of it in %s, and never before or since", duration(took))
			unknown = 0.1
		}
		if r.notReached() > 0.15 && r.messages >= relayFlood*th.ManyFrom && known == 0 && !w.hasName(site, r) && !w.inOurName(site, r) {
			f.because("nobody-known", unknown, "neither the client nor the senders are known here")
		}
	}
	w.excuse(site, r, known, &f)
	f.Title = w.title(r, subject, recipients)
	w.queue(r, &f)
	r.tally.Fill(&f)
	f.Rate = bucketRate(&r.tally.Buckets)
	f.Signature = relaySignature(&f)
	return f, true
}

// relaySudden is the share of the log's time up to which relayed mail counts as sudden: a client that may relay does so all day.
const relaySudden = 0.25

// relayFlood is how many times ManyFrom an unknown client must have had relayed to be no customer who writes to his own customers. A customer
// does so all the time, but few of his are not reached.
const relayFlood = 10

// hasName reports whether any client has a name of its own that resolves back to its address, or may have: a customer's server has one.
// The names of customers' lines and rented machines do not count.
func (w *relayWatch) hasName(site *Site, r *relayed) bool {
	if !site.Population.LooksUpNames() {
		return true
	}
	for _, c := range r.tally.clients {
		if c.Name != "" && !genericName(c.Name, c.IP) && !rentedName(c.Name) {
			return true
		}
	}
	return false
}

// inOurName reports whether any sender is in a domain of ours, or in one that we pass on: an application of somebody's company.
func (w *relayWatch) inOurName(site *Site, r *relayed) bool {
	return slices.ContainsFunc(r.tally.SenderDomains.Values(), func(domain string) bool {
		return site.IsOurs(domain) || w.gateway(site, domain)
	})
}

// relayPlaces is from how many networks one person sends in a day: home, work, and on the way.
const relayPlaces = 3

// excuse lowers the score of relaying that is probably intended.
func (w *relayWatch) excuse(site *Site, r *relayed, known int, f *Finding) {
	// An office sends from one place, a traveller from a few a day. One sender in many networks at once is forged.
	if 2*known > r.tally.Senders.Distinct() && r.networks.Distinct() <= relayPlaces*known*r.tally.Buckets.Days() {
		weight := -0.4
		if r.notReached() > 0.15 { // who writes to people he knows has few bounces
			weight = -0.2
		}
		f.because("known-senders", weight, "%d of %s receive mail here", known, plural(r.tally.Senders.Distinct(), "sender", "senders"))
	}
	named := 0
	clients := r.tally.Clients()
	for _, c := range clients {
		if inOurDomains(site, c.Name) {
			named++
		}
	}
	if named > 0 && 2*named >= len(clients) {
		f.because("our-own-names", -0.4, "%d of %s have a name in a domain of ours", named, plural(len(clients), "client", "clients"))
	}
	if org := r.service(); known == 0 && w.ours[org] {
		f.because("our-service", -0.3, "handed in by servers of %s, which hand in our own people's mail, too: what they forward", org)
	}
	if len(clients) == 1 && r.tally.Buckets.Days() >= 3 && r.messages < w.pass.Thresholds.Relay.ManyFrom {
		f.because("seen-for-days", -0.2, "the same client, on %d days", r.tally.Buckets.Days())
	}
}

// knownSenders is how many of the senders receive mail here.
func knownSenders(site *Site, senders *Tally) (n int) {
	for _, s := range senders.Values() {
		if site.KnownRecipient(s) {
			n++
		}
	}
	return n
}

func (w *relayWatch) title(r *relayed, subject Subject, recipients int) string {
	clients := plural(len(r.tally.clients), "address", "addresses")
	switch subject.Kind {
	case SenderDomain:
		return fmt.Sprintf("Open relay: %s relayed %s from %s to %s, none of them ours",
			clients, plural(r.messages, "message", "messages"), subject.Value, plural(recipients, "recipient", "recipients"))
	case Host:
		return fmt.Sprintf("Open relay: %s relayed %s in the names of %s to %s, none of them ours", clients, plural(r.messages, "message", "messages"),
			plural(r.tally.SenderDomains.Distinct(), "domain", "domains"), plural(recipients, "recipient", "recipients"))
	}
	return fmt.Sprintf("Open relay: %s relayed %s to %s, none of them ours",
		subject.Value, plural(r.messages, "message", "messages"), plural(recipients, "recipient", "recipients"))
}

// queue says what is still in the queue, including bounces to forged senders.
func (w *relayWatch) queue(r *relayed, f *Finding) {
	waiting := r.tally.Counts.Deferred + r.tally.Counts.Held
	notices := w.noticesOf(r, f.Subject)
	f.NoticeIDs, f.NoticeHosts = cutHosts(notices[:min(len(notices), relayNoticeIDs)])
	f.Notices = len(notices)
	var all int
	for _, c := range r.tally.SenderDomains.Top(topMost) {
		if b := w.bounced.Find(c.Value); b != nil && c.Messages*2 > r.messages {
			all += b.all
		}
	}
	f.Facts = append(f.Facts, Fact{"went out", say("%s delivered, %d bounced", plural(r.tally.Counts.Delivered, "recipient", "recipients"), r.tally.Counts.Bounced+r.tally.Counts.Expired)})
	queued := plural(waiting, "recipient", "recipients")
	if all = max(all, len(notices)); all > 0 {
		queued += say(", and %s of ours to their senders (of %d made)", plural(len(notices), "notice", "notices"), all)
	}
	f.Facts = append(f.Facts, Fact{"still queued", queued})
}

// bucketRate is the rate of what buckets counted: the peak is that of a whole minute, which begins with the first at the earliest.
// Where buckets are wider than a minute, the peak is not known.
func bucketRate(b *Buckets) *Rate {
	line := b.Timeline()
	first, last := b.Bounds()
	if len(line) == 0 {
		return nil
	}
	total := 0
	for _, x := range line {
		total += x.Messages
	}
	rate := &Rate{PerMinute: float64(total) / max(1, last.Sub(first).Minutes())}
	if b.Width() == peakSpan {
		peak := slices.MaxFunc(line, func(x, y Bucket) int { return x.Messages - y.Messages })
		rate.PeakPerMinute, rate.PeakAt, rate.WholeMinutes = peak.Messages, max(peak.Time, first), true
	}
	return rate
}
