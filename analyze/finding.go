package analyze

import (
	"math"
	"net/netip"

	"mailforensics/mail"
)

// Severity is a statement to act on.
type Severity uint8

const (
	None   Severity = iota
	Low             // worth knowing
	Medium          // look at it today
	High            // act now, this is abuse
)

var severityNames = [...]string{"none", "low", "medium", "high"}

func (s Severity) String() string { return severityNames[s] }

// SubjectKind is what kind of thing a finding is about.
type SubjectKind string

const (
	IP           SubjectKind = "ip"
	Network      SubjectKind = "network"
	Account      SubjectKind = "account"
	UID          SubjectKind = "uid"
	Script       SubjectKind = "script"
	Directory    SubjectKind = "directory"
	Sender       SubjectKind = "sender"
	SenderDomain SubjectKind = "sender-domain"
	HELO         SubjectKind = "helo"
	CampaignKind SubjectKind = "campaign"
	Host         SubjectKind = "host"
	ASN          SubjectKind = "asn"
)

// Subject is whom or what a finding is about.
type Subject struct {
	Kind  SubjectKind
	Value string
}

// Finding is abuse recognised: who, when, how much, why we say so, and the lines that prove it.
type Finding struct {
	Argument

	ID       string // detector/kind/value/start; set by NewID, unique and stable
	Detector string
	Severity Severity
	Subject  Subject
	Title    string       // one sentence that a person would say
	Start    mail.Instant // of the first and the last message (or attempt) that belongs to it
	End      mail.Instant

	Counts Counts
	Rate   *Rate // nil where a rate says nothing

	Clients          []ClientCount // all
	Accounts         []string      // all
	Senders          []Count       // the 100 most frequent, most frequent first
	RecipientDomains []Count       // the same
	Subjects         []Count       // the same
	Hosts            []string      // all
	Mangled          []Mangled     // all
	Scripts          []Count       // script or directory, the 100 most frequent

	Signature   Signature  // that selects its messages, where the subject alone does not
	Facts       []Fact     // further numbers and words, by detector: "still queued: 10,000"
	Evidence    []Evidence // at most ten: the first, the typical, the peak, the last
	Timeline    []Bucket   // in order; buckets with nothing in them are left out
	Related     []string   // IDs of findings of the same story
	QueueIDs    []string   // messages of it that are still in the queue, at most 1000 …
	Queued      int        // … of so many
	QueueHosts  []string   // on which host each of these IDs is, "" where its log does not say; nil where no log does
	NoticeIDs   []string   // notices of ours that its messages caused, and that are still in the queue, at most 5000 …
	Notices     int        // … of so many
	NoticeHosts []string   // as QueueHosts
	Opened      []string   // accounts that a login succeeded to, after guesses

	lead  bool      // it is none by itself: only where an account that it names was abused soon after
	blame []Subject // whose mail it is an effect of, together with others: findings about these belong to its story
}

// namelessHost is what a host is called whose log does not name it.
const namelessHost = "mail server"

// hostWords is a host in a sentence, in which its name alone ("mail", "web1") may be read as another word.
func hostWords(host string) string {
	if host == "" {
		return "this mail server"
	}
	return "host " + host
}

// Counts are exact numbers of a finding. Recipients are counted by their last disposition.
type Counts struct {
	Messages, Recipients                   int
	Delivered, Bounced, Deferred, Rejected int
	Expired, Held, Discarded               int
	Senders, SenderDomains                 int
	RecipientDomains, Clients              int
	Logins, FailedLogins                   int
}

// recipient counts one by what became of it.
func (c *Counts) recipient(became mail.Disposition) {
	c.Recipients++
	switch became {
	case mail.Delivered:
		c.Delivered++
	case mail.Bounced:
		c.Bounced++
	case mail.Deferred:
		c.Deferred++
	case mail.Expired:
		c.Expired++
	case mail.Held:
		c.Held++
	case mail.Discarded:
		c.Discarded++
	}
}

// add sums what can be added: not how many different senders, domains and clients there are.
func (c *Counts) add(o *Counts) {
	c.Messages += o.Messages
	c.Recipients += o.Recipients
	c.Delivered += o.Delivered
	c.Bounced += o.Bounced
	c.Deferred += o.Deferred
	c.Rejected += o.Rejected
	c.Expired += o.Expired
	c.Held += o.Held
	c.Discarded += o.Discarded
	c.Logins += o.Logins
	c.FailedLogins += o.FailedLogins
}

// Rate is how fast it went, in messages (or attempts) a minute.
type Rate struct {
	PerMinute     float64 // over the window; a window under a minute counts as one
	PeakPerMinute int     // most in 60 seconds that begin with a message; 0: not known, as of what went on for weeks
	PeakAt        mail.Instant
	WholeMinutes  bool // the peak is that of a minute of the clock, of which alone the count was kept: 60 seconds of two may hold more
}

// ClientCount is a client of a finding.
type ClientCount struct {
	mail.Client
	Messages     int
	Rejected     int
	Logins       int // successful logins without a message counted here
	FailedLogins int

	First, Last mail.Instant // of its messages and attempts; 0: not known
	Lane        Lane         // when it was at work; empty: not known
}

// Afterwards is the name of the fact about refused attempts after the end. A client that was stopped goes on trying: that nothing more was
// accepted does not mean that nobody tried.
const Afterwards = "afterwards"

// Otherwise is the name of the fact that says what else the subject sent, before and after: that a burst is over does not mean that
// nothing more came.
const Otherwise = "otherwise"

// laterRefusals are refused attempts after the end of a finding, and before the next one about the same subject begins.
type laterRefusals struct {
	n       int
	last    mail.Instant
	atLeast bool // some were not kept, to limit the memory used
}

func (k *laterRefusals) add(at mail.Instant) { k.n, k.last = k.n+1, max(k.last, at) }

// firstAfter is the first of some moments that is after t; of none, the end of time.
func firstAfter(all []mail.Instant, t mail.Instant) mail.Instant {
	first := mail.Instant(math.MaxInt64)
	for _, at := range all {
		if at > t {
			first = min(first, at)
		}
	}
	return first
}

// tell is the fact about them, where there are any; of whom they were is said in words.
func (k *laterRefusals) tell(f *Finding, of string) {
	switch attempts := plural(k.n, "more attempt", "more attempts") + " by " + of + ", refused"; {
	case k.n == 0:
	case k.atLeast:
		f.Facts = append(f.Facts, Fact{Afterwards, "at least " + attempts + ": not counted"})
	default:
		f.Facts = append(f.Facts, Fact{Afterwards, say("%s, the last %s after the end: not counted", attempts, duration(k.last.Sub(f.End)))})
	}
}

// Count is a value and how many messages had it.
type Count struct {
	Value    string
	Messages int
}

// Mangled is a damaged recipient address and what it was made of.
type Mangled struct {
	Recipient string
	Original  string
	Kind      string // prefix, truncated, substituted, other
	Messages  int
}

// Fact is a named statement of a finding that has no field of its own.
type Fact struct{ Name, Text string }

// Evidence is a log line that proves something.
type Evidence struct {
	mail.Origin
	Time mail.Instant
	Text string
	Role string // first, typical, peak, last, …: what it is here for
}

// Bucket is a span of a finding's timeline, a minute long unless the report widens it.
type Bucket struct {
	Time     mail.Instant
	Messages int
	Rejected int
}

// hostNetwork is what one host has: an IPv4 address, or the /64 of an IPv6 address, in which a host takes new ones as it likes (RFC 8981).
func hostNetwork(ip netip.Addr) netip.Prefix {
	if ip = ip.Unmap(); ip.Is6() {
		return NetworkOf(ip)
	}
	return netip.PrefixFrom(ip, ip.BitLen())
}

// siteNetwork is the /24 of an IPv4 address, the /48 of an IPv6 address: a customer with many machines has as much (RFC 6177), and whoever
// rents them to spread his mail over many addresses takes them from there.
func siteNetwork(ip netip.Addr) netip.Prefix {
	if ip = ip.Unmap(); ip.Is6() {
		p, _ := ip.Prefix(48)
		return p
	}
	return NetworkOf(ip)
}

// NetworkOf is the /24 of an IPv4 address, the /64 of an IPv6 address: the smallest nets that are given to one customer
// often enough to be worth a look.
func NetworkOf(ip netip.Addr) netip.Prefix {
	bits := 24
	if ip = ip.Unmap(); ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}
