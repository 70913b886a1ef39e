package analyze

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"mailforensics/mail"
)

// access is one use of an account, a login or a message, from a network that is not the owner's.
type access struct {
	time  mail.Instant
	place *place
}

func compareAccesses(a, b access) int {
	return cmp.Or(cmp.Compare(a.time, b.time), a.place.IP.Compare(b.place.IP))
}

// strangeLogins are the logins from networks that are not the owner's, in order of time.
func (b *baseline) strangeLogins() []access {
	var all []access
	for ip, p := range b.places {
		if !b.isStrange(ip, p.Name) {
			continue
		}
		for _, in := range p.logins {
			all = append(all, access{in.time, p})
		}
	}
	slices.SortFunc(all, compareAccesses)
	return all
}

// findRelatedLogins are the logins that belong to a compromise, in order of time: from networks that are not the owner's, within a day of its
// first or last message or of another such login, and within a week in all. There are none where the owner sent it himself.
func (c *compromise) findRelatedLogins() []access {
	if !c.othersCouldSend() {
		return nil
	}
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour
	all := c.strangeLogins()
	from, to := c.Start, c.End
	for i := len(all) - 1; i >= 0; i-- {
		if t := all[i].time; t < from && from.Sub(t) <= day && c.Start.Sub(t) <= week {
			from = t
		}
	}
	for _, a := range all {
		if a.time > to && a.time.Sub(to) <= day && a.time.Sub(c.End) <= week {
			to = a.time
		}
	}
	return slices.DeleteFunc(all, func(a access) bool { return a.time < from || a.time > to })
}

// strangeAccesses are the messages and logins from networks that are not the owner's, in order of time.
func (c *compromise) strangeAccesses() []access {
	all := slices.Clone(c.relatedLogins)
	for i, r := range c.records {
		if c.strange[i] && r.time >= c.Start && r.time <= c.End {
			if p := c.places[r.client.IP.Unmap()]; p != nil {
				all = append(all, access{r.time, p})
			}
		}
	}
	slices.SortFunc(all, compareAccesses)
	return all
}

// closest is the largest number of different addresses within a span; those of an IPv6 host are one.
func closest(all []access, span time.Duration) (most int) {
	counts := make(map[netip.Prefix]int)
	from := 0
	for _, a := range all {
		counts[hostNetwork(a.place.IP)]++
		for a.time.Sub(all[from].time) > span {
			host := hostNetwork(all[from].place.IP)
			if counts[host]--; counts[host] == 0 {
				delete(counts, host)
			}
			from++
		}
		if len(counts) > most {
			most = len(counts)
		}
	}
	return most
}

// widest is the largest number of different wide networks within a day.
func widest(all []access) (most int) {
	counts := make(map[netip.Prefix]int)
	from := 0
	for _, a := range all {
		counts[wideNetwork(a.place.IP)]++
		for a.time.Sub(all[from].time) > 24*time.Hour {
			net := wideNetwork(all[from].place.IP)
			if counts[net]--; counts[net] == 0 {
				delete(counts, net)
			}
			from++
		}
		most = max(most, len(counts))
	}
	return most
}

// firstLogin is the first of the related logins; nil: there is none.
func (c *compromise) firstLogin() *access {
	if len(c.relatedLogins) == 0 {
		return nil
	}
	return &c.relatedLogins[0]
}

// lastLoginBefore is the last related login before the first message, of those whose log line is kept; nil: there is none.
func (c *compromise) lastLoginBefore() *access {
	var latest *access
	for i := range c.relatedLogins {
		if a := &c.relatedLogins[i]; a.time < c.Start && a.place.line.Time == a.time {
			latest = a
		}
	}
	return latest
}

// loginAddresses are the addresses of the related logins.
func (c *compromise) loginAddresses() []string {
	seen := make(map[string]bool)
	for _, a := range c.relatedLogins {
		seen[a.place.IP.String()] = true
	}
	return sortedSet(seen)
}

// homeLogins is how many logins there were from the owner's networks.
func (c *compromise) homeLogins() (n int) {
	for ip, p := range c.places {
		if c.homeNetworks[NetworkOf(ip)] {
			n += p.loginCount()
		}
	}
	return n
}

// failedLogins is how many logins failed in the week before, from networks that are not the owner's, and from which addresses.
func (c *compromise) failedLogins() (n int, from []netip.Addr) {
	const week = 7 * 24 * time.Hour
	until := c.Start
	if first := c.firstLogin(); first != nil {
		until = min(until, first.time)
	}
	seen := make(map[netip.Addr]bool)
	for _, f := range c.failedOnce() {
		if f.time <= until && until.Sub(f.time) <= week && !c.homeNetworks[NetworkOf(f.ip)] {
			n += int(f.tries)
			seen[f.ip] = true
		}
	}
	return n, slices.SortedFunc(maps.Keys(seen), netip.Addr.Compare)
}

// sentFrom are those of the addresses from which messages were sent, or logins succeeded, that belong to it.
func (c *compromise) sentFrom(addresses []netip.Addr) (sent []string) {
	for _, ip := range addresses {
		if c.clients[ip] != nil {
			sent = append(sent, ip.String())
		}
	}
	return sent
}

// failuresFrom says how many logins failed, and from how many addresses.
func (c *compromise) failuresFrom(n, ips int) string {
	text := plural(n, "failed login", "failed logins") + " from " + plural(ips, "address", "addresses")
	if c.failuresLost > 0 {
		text = "at least " + text
	}
	return text
}

// loginsWithoutMail is the compromise of an account whose mail shows nothing, but that was used from everywhere: somebody has its
// password and tries it out. What it did send counts as the owner's, hence the baseline without windows, and so does where it was sent from.
func (q *accountInquiry) loginsWithoutMail(h *accountHistory) []*compromise {
	if len(h.places) < q.thresholds.Account.ManyNetworks {
		return nil
	}
	b := q.newBaseline(h, nil)
	c := b.newCompromise()
	c.relatedLogins = slices.DeleteFunc(b.strangeLogins(), func(a access) bool { return a.place.Messages > 0 })
	nets := widest(c.relatedLogins)
	if nets < q.thresholds.Account.ManyNetworks || nets <= q.mostNetworks {
		return nil
	}
	for _, a := range c.relatedLogins {
		c.seen(a.time)
		c.Evidence.Add(a.place.line)
	}
	c.outside = h.sent
	c.because("many-networks", 0.35, "logins from %d networks (/16) within a day, and nothing was sent; 95 %% of the accounts here were never used from more than %d", nets, q.mostNetworks)
	if n := closest(c.relatedLogins, q.thresholds.Account.Together); n >= q.thresholds.Account.AtOnce {
		c.because("addresses-at-once", 0.15, "%d addresses within %s", n, duration(q.thresholds.Account.Together))
	}
	q.judgeCountries(c, c.relatedLogins)
	q.judgePrelude(c)
	return []*compromise{c}
}
