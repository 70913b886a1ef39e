package mail

import (
	"net/netip"
	"strings"
	"time"
)

// Direction is where a message came from and where it went, seen from the host that logged it.
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
// A Message that a callback gets belongs to the tracker and is reused after the callback has returned, with its slices. Its strings
// never change, and may be kept.
type Message struct {
	Origin          // the line that accepted it (Postfix client= or uid=, Exim <=), or that reports it if it is a notice; Line 0: not seen
	Line    string  // text of that line, for evidence; "" if Origin.Line is 0
	Time    Instant // when it was accepted; if that was not seen, the time of its first line
	MTA     MTA
	Host    string   // that accepted it first
	Hosts   []string // all that handled it, Host first
	Service string   // Postfix service that accepted it, such as "submission"

	QueueIDs  []string // in the order of the hops
	HopHosts  []string // the host of each queue ID; empty: all are on Host
	MessageID string
	Parent    string // queue ID of the message that caused this notice
	Notice    bool   // made by the MTA itself: bounce, delay warning, report

	Client     Client
	Flags      // Verified, HasUID, FakeReject
	Protocol   string
	TLS        string
	Account    string
	AuthMethod string
	UID        int // with HasUID
	User       string
	Script     string
	Directory  string

	Sender     string // NullSender for the empty one; "": not logged
	Subject    string
	Size       int64 // bytes; 0: not logged
	Direction  Direction
	Recipients []Recipient
	Stated     int           // number of recipients by the queue manager or the "for" list; 0: not logged
	ACL        []string      // what access rules or milters logged about it, at most 8 texts
	Headers    []HeaderLine  // what header checks logged, at most 8
	Queued     time.Duration // from acceptance to the end; 0 if not Completed
	End        Instant       // time of its last line
	Completed  bool          // its end is in the log
	PassedFrom netip.Addr    // address of Host as another host of the inputs saw it that took it over; not valid: there is none

	Lines []LogLine // all its lines, in log order; nil unless the tracker was told to keep them
}

// HeaderLine is a header that the MTA logged.
type HeaderLine struct{ Name, Value string }

// LogLine is a line of the log, as it is.
type LogLine struct {
	Origin
	Time Instant
	Text string
}

// Recipient is one envelope recipient of a message and what became of it.
type Recipient struct {
	Address     string      // as delivered, after rewriting
	Original    string      // as in the envelope, if that differs; else ""
	Disposition Disposition // the last one
	Local       bool        // the delivery, or the attempt, was on this host
	HasDelay    bool        // Delay is known
	Hop         uint32      // the queue ID with the last disposition: its place in QueueIDs, from 1; 0: no disposition
	Time        Instant     // of the last disposition
	Relay       string
	Transport   string
	DSN         string
	Reply       string
	Deferral    string  // the reply with which it was deferred before the last attempt: the first complaint, else the latest reply; "": it was not deferred
	DeferralAt  Instant // when that reply first came
	Attempts    int
	Delay       time.Duration // from acceptance to the last disposition, as the MTA counts it
	RelayIP     netip.Addr
	Code        int
	Origin      // the line of the last disposition
}

// Hop returns the n-th of QueueIDs, from 1, and the host in whose queue it is; "", "": there is none.
func (m *Message) Hop(n int) (id, host string) {
	if n < 1 || n > len(m.QueueIDs) {
		return "", ""
	}
	if len(m.HopHosts) == 0 {
		return m.QueueIDs[n-1], m.Host
	}
	return m.QueueIDs[n-1], m.HopHosts[n-1]
}

// Redirected reports whether a rule here forwarded the mail to another domain. Rules are for our own addresses, so the domain in the
// envelope is ours, even if no mail for it is delivered here.
func (r *Recipient) Redirected() bool {
	if r.Original == "" || strings.IndexByte(r.Address, '@') < 0 { // Exim writes a local user without a domain
		return false
	}
	from, to := Domain(r.Original), Domain(r.Address)
	return from != "" && to != "" && from != to
}

// Envelope returns the address as in the envelope.
func (r *Recipient) Envelope() string {
	if r.Original != "" {
		return r.Original
	}
	return r.Address
}
