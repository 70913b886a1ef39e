package analyze

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// Site is what was learned.
func (s *Survey) Site() *Site {
	site := &Site{
		First:        s.first,
		Last:         s.last,
		LocalDomains: make(map[string]Known),
		RelayDomains: make(map[string]Known),
		Roles:        make(map[string]RoleOf),
		Own:          make(map[netip.Addr]Known),
		Population:   s.population,
		recipients:   s.recipients,
		wrote:        s.wrote,
	}
	site.Population.Servers = len(s.servers)
	s.localDomains(site)
	s.roles(site)
	s.relayDomains(site)
	s.own(site)
	if len(s.recipients) >= s.pass.Thresholds.Site.MaxRecipients {
		site.Notes = append(site.Notes, say("more than %d local recipients: the later ones are not known as such", len(s.recipients)))
	}
	slices.Sort(site.Notes)
	return site
}

func (s *Survey) localDomains(site *Site) {
	domains := s.domains.folded()
	for _, c := range domains.Top(s.pass.Thresholds.Site.MaxDomains) {
		if c.Messages >= s.pass.Thresholds.Site.LocalFrom {
			site.LocalDomains[c.Value] = Known{Value: c.Value, Why: plural(c.Messages, "recipient", "recipients") + " delivered here"}
		}
	}
	for _, d := range s.pass.Local {
		d = mail.FoldDomain(d)
		why := "--local-domain"
		if known, ok := site.LocalDomains[d]; ok {
			why += ", and " + known.Why
		}
		site.LocalDomains[d] = Known{Value: d, Given: true, Why: why}
	}
}

// relayDomains are the domains whose mail a host of ours passes to another host of ours or one behind it, or forwards to whoever
// it is for.
func (s *Survey) relayDomains(site *Site) {
	for _, name := range slices.Sorted(maps.Keys(s.hosts)) {
		if !site.IsSecondary(name) {
			continue
		}
		h := s.hosts[name]
		to, _ := s.passedTo(h)
		for _, c := range h.domains.Top(s.pass.Thresholds.Site.MaxDomains) {
			domain, relay, _ := strings.Cut(c.Value, " ")
			if domain != "" && sameHost(relay, to) {
				site.RelayDomains[domain] = Known{Value: domain, Why: fmt.Sprintf("%s passes it to %s", name, to)}
			}
		}
	}
	redirected := s.redirected.folded()
	for domain, n := range redirected.All {
		if !site.IsOurs(domain) {
			site.RelayDomains[domain] = Known{Value: domain, Why: plural(n, "recipient", "recipients") + " forwarded to other domains"}
		}
	}
	s.behindUs(site)
	s.givenElsewhere(site)
}

// givenElsewhere finds domains that were given as local and whose mail is all handed on. They stay ours.
func (s *Survey) givenElsewhere(site *Site) {
	ended := s.domains.folded()
	for _, d := range s.pass.Local {
		d = mail.FoldDomain(d)
		if ended.Of(d) > 0 {
			continue
		}
		var relays Tally
		for _, h := range s.hosts {
			for value, n := range h.domains.All {
				if domain, relay, _ := strings.Cut(value, " "); domain == d {
					relays.Add(relay, n)
				}
			}
		}
		if relay, _ := relays.Most(); relay != "" {
			why := fmt.Sprintf("--local-domain, but all %s went on, most to %s", plural(relays.Total(), "recipient", "recipients"), relay)
			delete(site.LocalDomains, d)
			site.RelayDomains[d] = Known{Value: d, Given: true, Why: why}
			site.Notes = append(site.Notes, fmt.Sprintf("%s was given as local, but all %s went on, most to %s: treated as ours, and passed on",
				d, plural(relays.Total(), "recipient", "recipients"), relay))
		}
	}
}

// own is the addresses that are ours. Every other company has a host named mail or mx1, too: ours is in a domain of ours.
func (s *Survey) own(site *Site) {
	for name, h := range s.hosts {
		for ip, a := range h.addresses {
			if a.name != "" && !inOurDomains(site, a.name) {
				continue
			}
			site.Own[ip.Unmap()] = Known{Value: ip.String(), Why: fmt.Sprintf("%s, as client of %s", name, a.at)}
		}
	}
	for ip, h := range s.handIns.All() {
		if why := s.handsInForMany(site, h); why != "" {
			site.Own[ip.Unmap()] = Known{Value: ip.String(), Why: why}
		}
	}
}

// handsInForMany says why a client that logs in is a webmail host or a gateway of ours: it hands in for many accounts, and
// its verified name lies in a domain of ours, or it did so for most of the time. One that appears with a handful of stolen
// accounts does neither.
func (s *Survey) handsInForMany(site *Site, h *handIns) string {
	if len(h.accounts) < s.pass.Thresholds.Site.WebmailFrom {
		return ""
	}
	accounts := say("hands in for %d accounts or more", len(h.accounts))
	switch {
	case inOurDomains(site, h.name):
		return accounts + "; " + h.name + " is a name of ours"
	case h.last.Sub(h.first) > s.last.Sub(s.first)/2:
		return accounts + ", over most of the time"
	}
	return ""
}

// inOurDomains reports whether a host name lies in a local domain.
func inOurDomains(site *Site, name string) bool {
	name = mail.FoldDomain(name)
	for name != "" {
		if site.IsOurs(name) {
			return true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return false
}
