package analyze

import (
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// hostSeen is what a host did.
type hostSeen struct {
	name      string
	strangers int   // messages from strangers that went on or ended here
	ended     int   // of them: ended in a mailbox here
	passed    Tally // of them: passed to that host of the logs
	relays    Tally // of them: handed to that relay
	domains   Tally // recipients handed to a relay, by "domain relay"
	addresses map[netip.Addr]string
}

// hasAddress notes an address that a host has as client of another.
func (h *hostSeen) hasAddress(ip netip.Addr, at string) {
	if h.addresses == nil {
		h.addresses = make(map[netip.Addr]string)
	}
	if seen, ok := h.addresses[ip]; ok && seen <= at || !ok && len(h.addresses) >= maxOwnAddresses {
		return
	}
	h.addresses[ip] = strings.Clone(at)
}

// maxOwnAddresses bounds the addresses of one host: forged names may claim more.
const maxOwnAddresses = 16

// sameHost reports whether a name from the DNS is that of a host of the log: equal, or the log has its first label.
func sameHost(name, host string) bool {
	return len(name) >= len(host) && strings.EqualFold(name[:len(host)], host) && (len(name) == len(host) || name[len(host)] == '.')
}

func (h *hostSeen) merge(o *hostSeen) {
	h.strangers += o.strangers
	h.ended += o.ended
	h.passed.Merge(&o.passed)
	h.relays.Merge(&o.relays)
	h.domains.Merge(&o.domains)
	for ip, at := range o.addresses {
		h.hasAddress(ip, at)
	}
}

// handIns is what a client that logs in did.
type handIns struct {
	name     string
	verified bool
	messages int
	accounts []string // different ones, up to the number that makes a webmail host
	first    mail.Instant
	last     mail.Instant
}

func (h *handIns) merge(o *handIns, cap int) {
	h.messages += o.messages
	if h.first == 0 || o.first != 0 && o.first < h.first {
		h.first = o.first
	}
	h.last = max(h.last, o.last)
	h.verified = h.verified || o.verified
	h.name = max(h.name, o.name)
	for _, a := range o.accounts {
		if len(h.accounts) < cap && !slices.Contains(h.accounts, a) {
			h.accounts = append(h.accounts, a)
		}
	}
}
