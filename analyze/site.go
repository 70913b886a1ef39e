package analyze

import (
	"net/netip"

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
// watches see, and handed to them for their findings.
type Site struct {
	First, Last  mail.Instant // of all events
	LocalDomains map[string]Known
	Roles        map[string]RoleOf    // by host name
	Own          map[netip.Addr]Known // addresses of the hosts that wrote the logs, and of their own clients (webmail, filters)
}

// RoleOf is the role of a host and how we know it.
type RoleOf struct {
	Role Role
	Known
}

// IsLocal reports whether mail for that folded domain ends on these hosts.
func (s *Site) IsLocal(domain string) bool {
	_, ok := s.LocalDomains[domain]
	return ok
}
