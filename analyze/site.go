package analyze

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
)

// Role is what a host is for.
type Role uint8

const (
	UnknownRole Role = iota
	Primary          // a domain's mail ends here: it delivers to mailboxes
	Secondary        // takes mail for the primary and passes it on
)

var roleNames = [...]string{"unknown", "primary", "secondary"}

func (r Role) String() string { return roleNames[r] }

// Known is a fact about the site and how we know it.
type Known struct {
	Value string
	Given bool   // said by the user; otherwise learned from the log
	Why   string // "412 messages delivered here", "--local-domain"
}

// Site is what the whole log teaches about the machines that wrote it. It is made by a Survey, which sees what the other
// watches see, and handed to them for their findings. It is read only.
type Site struct {
	First, Last  mail.Instant // of all events
	LocalDomains map[string]Known
	RelayDomains map[string]Known     // domains of ours whose mail is passed on: to another host of ours, or by aliases
	Roles        map[string]RoleOf    // by host name: every host of the log
	Own          map[netip.Addr]Known // addresses of the hosts that wrote the logs, and of their own clients (webmail, filters)
	Population   Population
	Notes        []string // what was given and the log contradicts; what was lost to bounds

	recipients map[string]struct{} // folded: see KnownRecipient
	wrote      correspondents      // see areAnswers
}

// RoleOf is the role of a host and how we know it.
type RoleOf struct {
	Role Role
	Known
}

// Population is what is usual at this site.
type Population struct {
	Messages  int // notices aside
	Strangers int // of them from clients that did not log in and are not ours
	Named     int // of these: from clients with a name that resolves back
	Accounts  int // of them with a login
	Local     int // of them from a local user
	Rejected  int
	Servers   int // different servers of others that we handed mail to, up to directFrom
}

// directFrom is how many servers of others we must hand mail to before we deliver directly: a smarthost has one name or two.
const directFrom = 5

// HearsBounces reports whether the recipients' own servers answer us. A smarthost accepts everything, and bounces come back as mail.
func (p *Population) HearsBounces() bool { return p.Servers >= directFrom }

// showsPast reports whether the log shows what an account or a client usually sends. In a log of an hour or an afternoon, most people who
// write a few messages a day wrote none, so "far more than usual" says nothing.
func (s *Site) showsPast(otherMessages int) bool {
	return otherMessages >= habit || s.Last.Sub(s.First) >= atHome
}

// LooksUpNames reports whether the hosts of the log look up the names of their clients at all. Where they do not, that a
// client has none says nothing about it.
func (p *Population) LooksUpNames() bool {
	const enough, fewest = 100, 50 // where names are looked up, one in fifty strangers has one, even amid a flood
	return p.Strangers < enough || fewest*p.Named >= p.Strangers
}

// IsLocal reports whether mail for that folded domain ends on these hosts.
func (s *Site) IsLocal(domain string) bool {
	_, ok := s.LocalDomains[domain]
	return ok
}

// IsOurs reports whether mail for that folded domain is for us: it ends here, or we pass it on to a host of ours, or forward it.
func (s *Site) IsOurs(domain string) bool {
	if s.IsLocal(domain) {
		return true
	}
	_, ok := s.RelayDomains[domain]
	return ok
}

// IsOwn reports whether an address is ours: a host of the logs, loopback, a private network, a webmail host. Such a client
// is not a stranger, and what it hands in is somebody else's: an account's, a filter's, a secondary's.
func (s *Site) IsOwn(ip netip.Addr) bool {
	if mail.IsInside(ip) {
		return true
	}
	_, ok := s.Own[ip.Unmap()]
	return ok
}

// IsOwnClient reports whether a client is ours: by its address, or because its name lies in a domain of ours and is not one that a
// provider makes for the lines of customers.
func (s *Site) IsOwnClient(c *mail.Client) bool {
	return s.IsOwn(c.IP) || c.Name != "" && inOurDomains(s, c.Name) && !genericName(c.Name, c.IP)
}

// IsSecondary reports whether a host is a secondary MX.
func (s *Site) IsSecondary(host string) bool { return s.Roles[host].Role == Secondary }

// HasSecondary reports whether there is a secondary MX, and another host of ours, among the logs.
func (s *Site) HasSecondary() bool {
	secondaries := 0
	for _, r := range s.Roles {
		if r.Role == Secondary {
			secondaries++
		}
	}
	return secondaries > 0 && len(s.Roles) > secondaries
}

// KnownRecipient reports whether mail to that address was delivered to a mailbox of ours. Its local part's case means
// nothing here: no mailbox server in use tells Susan from susan.
func (s *Site) KnownRecipient(address string) bool {
	_, ok := s.recipients[strings.ToLower(address)]
	return ok
}

// KnownRecipients yields all known local recipients, folded, in no particular order.
func (s *Site) KnownRecipients(yield func(string) bool) {
	for r := range s.recipients {
		if !yield(r) {
			return
		}
	}
}

// Span is how long the log is, at least a minute.
func (s *Site) Span() float64 { return max(1, s.Last.Sub(s.First).Minutes()) }
