package correlate

import (
	"strings"

	"mailforensics/mail"
)

// localDomains are those that mail ends for on these hosts: given, or learned from deliveries into mailboxes.
type localDomains struct {
	known map[string]bool
}

// maxLocalDomains bounds what is learned. A host that has more is a provider, whose domains must be given.
const maxLocalDomains = 1 << 14

func (l *localDomains) learn(domains []string) {
	l.known = make(map[string]bool, len(domains))
	for _, d := range domains {
		l.known[mail.FoldDomain(d)] = true
	}
}

// learnFrom takes over the domain of a recipient whose mail ended here.
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

// has reports whether mail for the address ends here. An address without a domain is of this host.
func (l *localDomains) has(address string) bool {
	domain := mail.WrittenDomain(address)
	if domain == "" || l.known[domain] {
		return true
	}
	folded := mail.FoldDomain(domain)
	return folded != domain && l.known[folded]
}

// direction is the way of m: from inside when somebody logged in, a local user or a host of our own network handed it in,
// or the MTA made it itself; to inside when all recipients are local. A stranger's mail for local recipients is inbound, even if
// it goes on from there, and even if one more is not known to be local (an alias domain that no mailbox has taught us); with
// more recipients outside than inside it is relayed.
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
