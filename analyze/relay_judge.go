package analyze

import (
	"slices"
	"time"
)

// judge scores what one sender domain or client had relayed.
func (w *relayWatch) judge(site *Site, r *relayed, subject Subject) (Finding, bool) {
	th := &w.pass.Thresholds.Relay
	recipients, domains := w.foreign(site, &r.to)
	if r.messages < th.MinMessages || domains < th.MinDomains || 2*recipients < r.to.Total() {
		return Finding{}, false
	}
	f := Finding{Subject: subject}
	f.because("stranger-for-strangers", 0.3, "%s without a login, from outside, for %s in %s that are not ours",
		plural(r.messages, "message", "messages"), plural(recipients, "recipient", "recipients"), plural(domains, "domain", "domains"))
	known := knownSenders(site, &r.tally.Senders)
	w.judgeSenders(site, r, known, &f)
	if known == 0 && w.inBorrowedNames(site, r) {
		f.because("many-sender-domains", 0.3, "in the names of %d domains within %s, from machines without a name of their own",
			r.tally.SenderDomains.Distinct(), duration(r.tally.End.Sub(r.tally.Start)))
	}
	if text, times := w.letInBy(r); text != "" {
		f.because("let-in-by-rule", 0.15, "an access rule let them in, and says: %q", text)
		f.Facts = append(f.Facts, Fact{"let in by", say("%q, %d times (%.0f %% of what rules said)", text, times, 100*float64(times)/float64(r.acl.Total()))})
	}
	// A customer's line gets another address each day; many lines of one provider at once are no customer's.
	if nets := r.networks.Distinct(); nets >= 3 && r.service() == "" && (r.isSudden(site) || r.provider() == "") {
		f.because("unrelated-networks", 0.1, "%s in %s", plural(len(r.tally.clients), "client", "clients"), plural(nets, "network", "networks"))
	}
	if share := r.notReached(); share > 0.15 && r.unsettled > 1 { // one is a typo
		f.because("not-delivered", 0.1, "%.0f %% of the recipients were not reached", 100*share)
	}
	if share := ratio(r.odd, r.messages); share > 0.5 {
		f.because("odd-helo", 0.05, "%.0f %% said HELO with something that is no host name", 100*share)
	}
	if r.messages >= th.ManyFrom {
		w.judgeMass(site, r, known, &f)
	}
	w.excuse(site, r, known, &f)
	f.Title = w.title(r, subject, recipients, w.pass.Thresholds.Score.Severity(f.Score))
	w.queue(r, &f)
	r.tally.Fill(&f)
	f.Rate = bucketRate(&r.tally.Buckets)
	f.Signature = relaySignature(&f)
	return f, true
}

// judgeSenders weighs whether the senders were made up. known is how many of them receive mail here.
func (w *relayWatch) judgeSenders(site *Site, r *relayed, known int, f *Finding) {
	th := &w.pass.Thresholds.Relay
	senders := r.tally.Senders.Distinct()
	made := 2*r.made > r.messages // by a forwarder or a list server
	if share := ratio(senders, r.messages); share > 0.9 && senders >= th.MinMessages && !made && !r.isOneProgram() && !r.ofOwnUsers() {
		f.because("all-senders-differ", 0.15, "%d different senders in %s", senders, plural(r.messages, "message", "messages"))
	}
	if mean := r.surprise / float64(r.messages); mean > th.Random && senders >= th.MinMessages && !made {
		f.because("random-senders", 0.2, "the senders' local parts look random (%.1f bits a letter; real names have about 4)", mean)
	}
	if f.Subject.Kind == SenderDomain && site.IsOurs(f.Subject.Value) && known == 0 {
		f.because("forged-local-senders", 0.15, "none of the senders in our domain %s ever received mail here", f.Subject.Value)
	}
}

// judgeMass weighs what only a large run shows: that it came at once, and that nobody in it is known here.
func (w *relayWatch) judgeMass(site *Site, r *relayed, known int, f *Finding) {
	th := &w.pass.Thresholds.Relay
	f.because("mass", 0.15, "%s", plural(r.messages, "message", "messages"))
	unknown := 0.2
	inTurn := w.inNamesInTurn(site, r, known)
	if inTurn && !w.inBorrowedNames(site, r) {
		f.because("names-in-turn", 0.2, "in the name of %s, by clients that have no name themselves", plural(r.tally.SenderDomains.Distinct(), "domain", "domains"))
	}
	if r.isSudden(site) && (r.notReached() > 0.15 || inTurn) {
		f.because("at-once", 0.15, "all of it in %s, and never before or since", duration(r.tally.End.Sub(r.tally.Start)))
		unknown = 0.1
	}
	if r.notReached() > 0.15 && r.messages >= relayFlood*th.ManyFrom && known == 0 && !w.hasName(site, r) && !w.inOurName(site, r) {
		f.because("nobody-known", unknown, "neither the client nor the senders are known here")
	}
}

// relaySudden is the share of the log's time up to which relayed mail counts as sudden: a client that may relay does so all day.
const relaySudden = 0.25

func (r *relayed) isSudden(site *Site) bool {
	return float64(r.tally.End.Sub(r.tally.Start)) < relaySudden*float64(site.Last.Sub(site.First))
}

// relayAtOnce is how long a run in several names takes at most, whose recipients exist: an office writes all day.
const relayAtOnce = 6 * time.Hour

// isRun reports whether it is sudden, and over within hours.
func (r *relayed) isRun(site *Site) bool {
	return r.isSudden(site) && r.tally.End.Sub(r.tally.Start) < relayAtOnce
}

// inBorrowedNames reports whether one run used a new sender domain every few messages, from machines without a name of their own. A customer's
// mail or web server that sends for as many domains has a name, does so all day long, or is one program. Whether the mail arrives says nothing
// here: who has bought a good list has few bounces.
func (w *relayWatch) inBorrowedNames(site *Site, r *relayed) bool {
	const share = 0.25 // of the messages
	n, domains := r.messages, r.tally.SenderDomains.Distinct()
	return domains > relaySomeNames && ratio(domains, n) >= share && !r.isOneProgram() && r.isRun(site) &&
		r.tally.End.Sub(r.tally.Start) < time.Duration(n)*relayPace && !w.hasName(site, r) && !w.inOurName(site, r)
}

// inNamesInTurn reports whether clients that nobody named wrote at once in several names that are nobody's here, whoever was reached: a customer
// has a brand or two, and relays all day.
func (w *relayWatch) inNamesInTurn(site *Site, r *relayed, known int) bool {
	const turns = 3
	return known == 0 && r.tally.SenderDomains.Distinct() >= turns && r.isRun(site) && !r.isOneProgram() && !w.hasName(site, r)
}

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

// again is how many times as many messages as recipients there must be of a machine that reports to the same people all the time.
const again = 10

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
	if to := r.tally.Recipients.Distinct(); again*to <= r.messages {
		f.because("to-the-same", -0.2, "to %s, again and again: a machine that reports", plural(to, "address", "addresses"))
	}
	days, many := r.tally.Buckets.Days(), w.pass.Thresholds.Relay.ManyFrom
	wanted := !r.isSudden(site) && r.notReached() < manyRefused // all the time, to people who exist: then it is asked how much it is on a day
	if len(clients) == 1 && days >= 3 && (r.messages < many || wanted && r.messages < many*days) {
		f.because("seen-for-days", -0.2, "the same client, on %d days", days)
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
	for _, c := range r.tally.clients {
		if genericName(c.Name, c.IP) || rentedName(c.Name) {
			return ""
		}
	}
	return r.provider()
}

// ofOwnUsers reports whether a service's servers hand in its own users' mail, each of whom has a name.
func (r *relayed) ofOwnUsers() bool {
	org := r.service()
	domain, share := r.tally.SenderDomains.Most()
	return org != "" && 2*share > 1 && organisation(domain) == org
}

// provider is the organisation that all clients are named after, be they its own servers or its customers' lines, which get another address
// each day; "" if there is none.
func (r *relayed) provider() string {
	org := ""
	for _, c := range r.tally.clients {
		if c.Name == "" || org != "" && org != organisation(c.Name) {
			return ""
		}
		org = organisation(c.Name)
	}
	return org
}
