package analyze

// order is the order in which subjects are told: the one that is named first explains what the later ones show of it.
var order = [...]SubjectKind{Account, UID, Sender, IP, Network, ASN, SenderDomain}

func rank(kind SubjectKind) int {
	for i, k := range order {
		if k == kind {
			return i
		}
	}
	return len(order)
}

// manyAddresses is from how many addresses on a network is the offender rather than each of them.
const manyAddresses = 3

// tell chooses whose story it is, so that one burst is told once: an account over many addresses is the account's, an
// address is the address's, many addresses of one network are the network's. A network, a system or a sender domain is told
// only where no one subject explains it; then it links to the addresses, which are told, too, save for the network's own.
// all must be in the order of ranks. What is honest explains as well: an account's newsletter is not its domain's burst.
func (j *judge) tell(all []*candidate, low float64) []*candidate {
	var standing []*candidate
	for _, c := range all {
		if !j.explained(c, standing, low) {
			standing = append(standing, c)
		}
	}
	var told []*candidate
	for _, c := range standing {
		if c.Score >= low && !within(c, standing, low) {
			told = append(told, c)
		}
	}
	return told
}

// chanceName is how much more than in the name of a domain its clients send in others, where that it is theirs, too, is chance:
// who draws a new sender for each message draws each domain some times.
const chanceName = 4

// explained reports whether an earlier subject has most of the messages of c, or whether what it leaves of c is no more than
// c sends at other times; of a sender domain, whether several have, and it is one of many names to them; of an address or
// a network, whether logins that are told have, each of which sent more from elsewhere: who has two passwords uses both from all
// his addresses.
func (j *judge) explained(c *candidate, earlier []*candidate, low float64) bool {
	length := c.End.Sub(c.Start).Minutes()
	usual := float64(c.outside) / max(1, j.site.Span()-length) * length
	members, theirs := 0, 0
	for _, e := range earlier {
		if rank(e.subject.Kind) >= rank(c.subject.Kind) || !meet(c, e) {
			continue
		}
		n := c.of(e.subject)
		if c.subject.Kind == SenderDomain {
			members, theirs = members+n, theirs+e.Counts.Messages
		}
		if (c.subject.Kind == IP || c.subject.Kind == Network) && e.subject.Kind == Account && e.Score >= low && 2*n < e.Counts.Messages {
			if members += n; ratio(members, c.Counts.Messages) >= enough {
				return true
			}
		}
		// Of a system, only what its addresses and networks do not tell is news.
		if c.subject.Kind == ASN && e.subject.Kind != Network {
			if members += n; ratio(members, c.Counts.Messages) >= enough {
				return true
			}
		}
		if ratio(n, c.Counts.Messages) >= enough || n > 0 && float64(c.Counts.Messages-n) <= tooDense*usual {
			return true
		}
	}
	return ratio(members, c.Counts.Messages) >= enough && theirs >= chanceName*members
}

// within reports whether c is an address of a network that is told.
func within(c *candidate, standing []*candidate, low float64) bool {
	if c.subject.Kind != IP {
		return false
	}
	for _, e := range standing {
		if e.subject.Kind == Network && e.Score >= low && len(e.clients) >= manyAddresses && meet(c, e) && e.has(c) {
			return true
		}
	}
	return false
}

// has reports whether the only client of c is one of e's, with all its messages.
func (e *candidate) has(c *candidate) bool {
	for ip, client := range c.clients {
		if mine := e.clients[ip]; mine == nil || mine.Messages < client.Messages {
			return false
		}
	}
	return true
}

// of is how many messages of a candidate are of a subject.
func (c *candidate) of(s Subject) (n int) {
	switch s.Kind {
	case Account:
		for _, a := range c.Accounts.Values() {
			if loginKey(a) == loginKey(s.Value) {
				n += c.Accounts.Of(a)
			}
		}
	case UID:
		return c.users.Of(s.Value)
	case Sender:
		return c.Senders.Of(s.Value)
	case IP:
		for ip, client := range c.clients {
			if ip.String() == s.Value {
				n += client.Messages
			}
		}
	case Network:
		for ip, client := range c.clients {
			if NetworkOf(ip).String() == s.Value {
				n += client.Messages
			}
		}
	}
	return n
}

// meet reports whether two candidates overlap in time.
func meet(a, b *candidate) bool {
	return a.Start <= b.End && b.Start <= a.End
}
