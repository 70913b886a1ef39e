package analyze

import (
	"strings"

	"mailforensics/mail"
)

// domainCounts counts the domains of local deliveries as they are written. Most sites have a few; the latest are found by
// comparison.
type domainCounts struct {
	lately [4]*domainCount
	all    map[string]*domainCount
	most   int
}

type domainCount struct {
	domain string
	n      int
}

// isOf reports whether it counts the domain of an address. Nobody needs to look for its last @: no domain has one.
func (c *domainCount) isOf(address string) bool {
	at := len(address) - len(c.domain) - 1
	return at >= 0 && address[at] == '@' && address[at+1:] == c.domain
}

// count counts the domain of an address, "" where it has none.
func (d *domainCounts) count(address string) {
	for _, c := range d.lately {
		if c != nil && c.isOf(address) {
			c.n++
			return
		}
	}
	if c := d.find(mail.WrittenDomain(address)); c != nil {
		c.n++
		copy(d.lately[1:], d.lately[:])
		d.lately[0] = c
	}
}

// find is the count of a domain, made when it is new; nil when there are too many.
func (d *domainCounts) find(domain string) *domainCount {
	c := d.all[domain]
	if c == nil && len(d.all) < d.most {
		c = &domainCount{domain: strings.Clone(domain)}
		d.all[c.domain] = c
	}
	return c
}

func (d *domainCounts) merge(o *domainCounts) {
	for domain, c := range o.all {
		if mine := d.find(domain); mine != nil {
			mine.n += c.n
		}
	}
}

// folded is the counts by folded domain.
func (d *domainCounts) folded() (t Tally) {
	for domain, c := range d.all {
		t.Add(mail.FoldDomain(domain), c.n)
	}
	return t
}
