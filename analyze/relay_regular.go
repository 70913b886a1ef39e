package analyze

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
