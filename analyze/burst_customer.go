package analyze

import (
	"strings"

	"mailforensics/mail"
)

// What a customer relays looks like what strangers relay through an open relay. What tells them apart is what comes on other days: a customer
// is there all the time, in the same names.

// customerDays is on how many other days a customer must have been here.
const customerDays = 2

// relaysDaily reports whether the same is relayed on several other days, a little at a time, in the same names or to the same people, who
// exist: what had to wait, and the invoices of a month, come all at once. Who has found an open relay comes for his runs only, or takes
// other names.
func (c *candidate) relaysDaily(site *Site) bool {
	if c.history == nil || !c.isTaken() {
		return false
	}
	day, past, usual := dayOf(c.Start), c.history.relayed(site), 0
	if past.others(day) < customerDays {
		return false
	}
	for _, r := range c.records {
		if past.has(mail.Domain(r.sender), day) || past.has(mail.Fold(r.first.address), day) {
			usual++
		}
	}
	return 2*usual > c.Counts.Messages
}

// isTaken reports whether nearly all of it was taken by those to whom it went.
func (b *batch) isTaken() bool { return !b.dead(manyRefused) && b.share(blockedOnce) < 0.03 }

// changesLine reports whether it comes from a line of a provider, and most of it has senders that relay from other lines of that provider on
// several other days: that of a customer who gets another address each day.
func (c *candidate) changesLine(site *Site) bool {
	const brands = 10 // domains of one customer, or of the few in one network
	provider := c.provider()
	if provider == "" || !c.isTaken() || c.SenderDomains.Distinct() > brands {
		return false
	}
	day := dayOf(c.Start)
	usual, days := make(map[string]bool), make(map[mail.Instant]bool) // senders of other days, and these
	looked := make(map[*series]bool)
	for _, r := range c.records {
		s := r.in[byDomain]
		if s == nil || looked[s] || site.IsOurs(s.name) {
			continue
		}
		looked[s] = true
		for _, o := range s.kept {
			if dayOf(o.time) != day && o.account == "" && named(o) && strings.HasSuffix(o.client.Name, "."+provider) && !site.IsOurs(mail.Domain(o.first.address)) {
				usual[strings.ToLower(o.sender)] = true
				days[dayOf(o.time)] = true
			}
		}
	}
	n := 0
	for _, r := range c.records {
		if usual[strings.ToLower(r.sender)] {
			n++
		}
	}
	return len(days) >= customerDays && 2*n > c.Counts.Messages
}

// provider is the organisation whose customers' lines all clients are; "" if there is none.
func (c *candidate) provider() string {
	if c.share(genericClient) < 1 {
		return ""
	}
	org := ""
	for _, client := range c.clients {
		name := organisation(client.Name)
		if org != "" && org != name {
			return ""
		}
		org = name
	}
	return org
}
