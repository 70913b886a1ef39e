package correlate

import (
	"strings"

	"mailforensics/mail"
)

// localDomains are the domains whose mail is delivered on these hosts: those that were given, and those learned from deliveries
// into mailboxes.
type localDomains struct {
	known map[string]bool
}

// maxLocalDomains bounds what is learned. A host with more is a provider's, whose domains must be given.
const maxLocalDomains = 1 << 14

func (l *localDomains) learn(domains []string) {
	l.known = make(map[string]bool, len(domains))
	for _, d := range domains {
		l.known[mail.FoldDomain(d)] = true
	}
}

// learnFrom learns the domain of a recipient who got the mail here.
func (l *localDomains) learnFrom(r *mail.Recipient) {
	if !r.Local || r.Disposition != mail.Delivered {
		return
	}
	domain := mail.WrittenDomain(r.Envelope())
	if domain == "" || l.known[domain] || len(l.known) >= maxLocalDomains {
		return
	}
	l.known[strings.Clone(mail.FoldDomain(domain))] = true
}

// has reports whether mail for the address is delivered here. An address without a domain is.
func (l *localDomains) has(address string) bool {
	domain := mail.WrittenDomain(address)
	if domain == "" || l.known[domain] {
		return true
	}
	folded := mail.FoldDomain(domain)
	return folded != domain && l.known[folded]
}

// direction returns where m came from and went. It is from inside if somebody logged in, if a local user or a host of our own
// network handed it in, or if the MTA made it; it is to inside if all recipients are local. A stranger's mail for a local
// recipient is inbound, even if it is forwarded, and even if one other recipient is not known to be local (an alias domain that
// has no mailbox); with more recipients outside than inside it is relayed.
func (t *Tracker) direction(m *message) mail.Direction {
	for i := range m.Recipients {
		t.local.learnFrom(&m.Recipients[i])
	}
	local, remote := 0, 0
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Local || r.Redirected() || t.local.has(r.Envelope()) {
			local++
		} else {
			remote++
		}
	}
	h := m.hops[0]
	inside := m.Notice || m.Account != "" || h.origin == byUser || mail.IsInside(m.Client.IP)
	switch {
	case local+remote == 0:
		return mail.UnknownDirection
	case inside && remote > 0:
		return mail.Outbound
	case inside:
		return mail.Local
	case local >= remote:
		return mail.Inbound
	case h.origin == unseen || h.origin == internal:
		return mail.UnknownDirection
	}
	return mail.Relayed
}
