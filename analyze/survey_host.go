package analyze

import (
	"cmp"
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
	failed    Tally // of the messages handed to a relay: not taken by it, by "domain relay" of the first recipient
	addresses map[netip.Addr]address
}

// hasAddress notes an address that a host may have as client of another: what is proven rather than claimed, and else the least, so that the
// order of lines means nothing.
func (h *hostSeen) hasAddress(ip netip.Addr, a address) {
	if h.addresses == nil {
		h.addresses = make(map[netip.Addr]address)
	}
	seen, ok := h.addresses[ip]
	if ok && cmp.Or(strings.Compare(seen.name, a.name), strings.Compare(seen.at, a.at)) <= 0 || !ok && len(h.addresses) >= maxOwnAddresses {
		return
	}
	h.addresses[ip] = address{strings.Clone(a.at), strings.Clone(a.name)}
}

// maxOwnAddresses bounds the addresses of one host: where the log calls it mail or mx1, so are hundreds of strangers.
const maxOwnAddresses = 500

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
	h.failed.Merge(&o.failed)
	for ip, a := range o.addresses {
		h.hasAddress(ip, a)
	}
}

// address is what is known of an address that may be a host's.
type address struct {
	at   string // the host whose client it was
	name string // its verified name, of which the log's name of the host is the first label; "" where nothing needs to be believed
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
