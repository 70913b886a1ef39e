package analyze

import (
	"maps"
	"net/netip"
	"slices"

	"mailforensics/mail"
)

// A gateway passes the mail of its domains to a host on a private address, whose log is seldom given. A host behind us to which
// strangers' mail goes has the mailboxes; but one by which our own mail leaves, too, is a smarthost: then the domains are anybody's.

// nextHop is a host on a private address that takes mail from a host of the log.
type nextHop struct {
	strangers Tally // recipients of strangers' mail, by domain
	own       Tally // recipients of all other mail, by domain
}

const (
	maxNextHops = 64
	// smarthostFrom is how many domains our own mail goes to by one host, and strangers' does not, when it is the way out.
	smarthostFrom = 3
	// recipientsEach: whoever sends to the world writes to a new domain every few recipients, a gateway's domains are few.
	recipientsEach = 10
)

// passedBehind learns who takes mail on a private address.
func (s *Survey) passedBehind(m *mail.Message, r *mail.Recipient) {
	if !r.RelayIP.IsPrivate() || r.Local || r.Disposition != mail.Delivered || r.Redirected() {
		return
	}
	h := s.behind[r.RelayIP]
	if h == nil {
		if len(s.behind) >= maxNextHops {
			return
		}
		h = new(nextHop)
		s.behind[r.RelayIP] = h
	}
	to := &h.own
	if m.Account == "" && isStranger(&m.Client) {
		to = &h.strangers
	}
	addNamed(to, mail.Domain(r.Envelope()))
}

func (h *nextHop) merge(o *nextHop) {
	h.strangers.Merge(&o.strangers)
	h.own.Merge(&o.own)
}

// isSmarthost reports whether our own mail leaves by it.
func (h *nextHop) isSmarthost() bool {
	out := 0
	for domain := range h.own.All {
		if h.strangers.Of(domain) == 0 {
			out++
		}
	}
	return out >= smarthostFrom
}

// behindUs are the domains whose mail goes to a host behind us.
func (s *Survey) behindUs(site *Site) {
	for _, ip := range slices.SortedFunc(maps.Keys(s.behind), netip.Addr.Compare) {
		h := s.behind[ip]
		if h.isSmarthost() || h.strangers.Total() < recipientsEach*h.strangers.Distinct() {
			continue
		}
		for domain, n := range h.strangers.All {
			if n >= s.pass.Thresholds.Site.RoleFrom && !site.IsOurs(domain) {
				site.RelayDomains[domain] = Known{Value: domain, Why: plural(n, "recipient", "recipients") + " passed on to " + ip.String() + ", a host behind us"}
			}
		}
	}
}
