package mail

import (
	"net/netip"
	"strings"
	"time"
)

// Direction is the way of a message, seen from the host that logged it.
type Direction uint8

const (
	UnknownDirection Direction = iota
	Inbound                    // from outside, for local recipients
	Outbound                   // from an account, a local user or an own network, for outside
	Relayed                    // from outside, without a login, for outside
	Local                      // from inside, for inside
)

var directionNames = [...]string{"unknown", "inbound", "outbound", "relay", "local"}

func (d Direction) String() string { return directionNames[d] }

// Message is one message as its sender knows it, over all its queue IDs, content filters and hosts.
//
// A Message that a callback gets is owned by the tracker and is reused after the callback returned, slices included.
// Its strings stay true for ever: they may be kept as they are.
type Message struct {
	Origin           // the line that accepted it (Postfix client= or uid=, Exim <=) or, of a notice, that tells of it; Line 0: not seen
	Line     string  // that line's text, for evidence; "" where Origin.Line is 0
	Time     Instant // when it was accepted; where that was not seen, its first line
	MTA      MTA
	Host     string   // that took it first
	Hosts    []string // all that handled it, Host first
	Instance string
	Service  string // Postfix service that took it, "submission"

	QueueIDs  []string // in the order of the hops
	HopHosts  []string // whose queue each of them is of; none while all are of Host
	MessageID string
	Parent    string // queue ID of the message that caused this notice
	Notice    bool   // made by the MTA itself: bounce, delay warning, report

	Client     Client
	Flags      // Verified, HasUID, Doubtful, FakeReject
	Protocol   string
	TLS        string
	Interface  string
	Account    string
	AuthMethod string
	UID        int // with HasUID
	User       string
	Script     string
	Directory  string

	Sender     string // NullSender for the empty one; "" where no line told
	Subject    string
	Size       int64
	Direction  Direction
	Recipients []Recipient
	Stated     int           // recipients as the queue manager or the "for" list counts them; 0: not logged
	ACL        []string      // what access rules or milters logged about it, at most 8 texts
	Headers    []HeaderLine  // what header checks logged, at most 8
	Queued     time.Duration // from acceptance to the end; 0 when not completed
	End        Instant       // its last line
	Completed  bool          // its end was seen in the log
	Relayed    bool          // another host of the inputs took it over, and is part of this message
	PassedFrom netip.Addr    // the address of Host, as the other host saw it; not valid where none took it over

	Lines []LogLine // every line of it, in log order; only where the tracker was told to keep them
}

// HeaderLine is a header that the MTA logged.
type HeaderLine struct{ Name, Value string }

// LogLine is a line of the log as it stands.
type LogLine struct {
	Origin
	Time Instant
	Text string
}

// Recipient is one envelope recipient of a message and what became of it.
type Recipient struct {
	Address     string      // as delivered, after rewriting
	Original    string      // as the envelope had it, where that differs
	Disposition Disposition // the last one
	Local       bool        // delivered, or tried to be, on this host
	HasDelay    bool        // Delay is known
	Hop         uint32      // the place in QueueIDs, from 1, of that which gave the last disposition; 0: no line did
	Time        Instant     // of the last disposition
	Relay       string
	Transport   string
	DSN         string
	Reply       string
	Deferral    string  // what was said when it was put off before the last attempt: the first complaint, else the latest; "" where it was not
	DeferralAt  Instant // when that was said first
	Attempts    int
	Delay       time.Duration // from acceptance to the last disposition, as the MTA counts it
	RelayIP     netip.Addr
	Code        int
	Origin      // the line of the last disposition
}

// Hop is the n-th of QueueIDs, from 1, and the host in whose queue it is.
func (m *Message) Hop(n int) (id, host string) {
	if n < 1 || n > len(m.QueueIDs) {
		return "", ""
	}
	if len(m.HopHosts) == 0 {
		return m.QueueIDs[n-1], m.Host
	}
	return m.QueueIDs[n-1], m.HopHosts[n-1]
}

// Redirected reports whether a rule here sent the mail on to another domain. Rules know only addresses of their own: the
// domain that the envelope had is ours, even if nothing of it ends here.
func (r *Recipient) Redirected() bool {
	if r.Original == "" || strings.IndexByte(r.Address, '@') < 0 { // Exim writes a local user without a domain
		return false
	}
	from, to := Domain(r.Original), Domain(r.Address)
	return from != "" && to != "" && from != to
}

// Envelope is the address as the envelope had it.
func (r *Recipient) Envelope() string {
	if r.Original != "" {
		return r.Original
	}
	return r.Address
}
