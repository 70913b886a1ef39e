// Package mail is the vocabulary of the program: what one log line says (Event), one message as its sender knows it
// (Message), and the words of the field (client, HELO, envelope sender, recipient, queue ID, disposition, relay, DSN).
//
// All other packages build on it; it imports the standard library only. Its types are plain data, filled by parse and correlate,
// and read by analyze and report.
//
// The strings of an Event are slices of the text that it was parsed from, whose memory is reused: strings.Clone what you keep.
package mail

import (
	"cmp"
	"net/netip"
	"time"
)

// Instant is a moment in nanoseconds since 1970-01-01 00:00:00 UTC. Zero means that the moment is not known.
type Instant int64

// InstantOf returns t as an Instant.
func InstantOf(t time.Time) Instant { return Instant(t.UnixNano()) }

// In returns t as a time.Time in the given zone.
func (t Instant) In(zone *time.Location) time.Time { return time.Unix(0, int64(t)).In(zone) }

// Minute returns the number of the minute that t is in, counted from 1970.
func (t Instant) Minute() int64 { return int64(t) / int64(time.Minute) }

// Second returns t truncated to the second.
func (t Instant) Second() Instant { return t - t%Instant(time.Second) }

// Add returns t+d.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub returns t-u.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }

// Origin is a line of the input, so that what is said of it can be checked.
type Origin struct {
	File int32 // index into the inputs of the run
	Line int64 // number of the line in the (decompressed) file, from 1; 0: no line
}

// CompareLines orders lines of the log by time, and those of the same time by file and line.
func CompareLines(aTime Instant, a Origin, bTime Instant, b Origin) int {
	switch {
	case aTime != bTime:
		return cmp.Compare(aTime, bTime)
	case a.File != b.File:
		return cmp.Compare(a.File, b.File)
	}
	return cmp.Compare(a.Line, b.Line)
}

// MTA is the program family that wrote a line.
type MTA uint8

const (
	UnknownMTA MTA = iota
	Postfix
	Exim
	Dovecot
	Webmail
	Filter // content filters, milters and policy servers: amavis, rspamd, opendkim, spamd, postgrey …
)

var mtaNames = [...]string{"unknown", "postfix", "exim", "dovecot", "webmail", "filter"}

func (m MTA) String() string { return mtaNames[m] }

// Kind is what an event is about. Its names are those that the events command prints.
type Kind uint8

const (
	Other        Kind = iota // known, and of no further use to correlation
	Connect                  // an SMTP session begins
	Disconnect               // an SMTP session ends, in any way (QUIT, connection lost, timeout)
	TLS                      // the session is encrypted from now on; the field TLS says how
	Auth                     // a login succeeded (IMAP, POP3, webmail); a login by SMTP is the Account of an Accept
	AuthFailed               // a login failed
	Accept                   // a message comes in by SMTP: Postfix "client=" (before its content), Exim "<=" (when it is accepted)
	LocalSubmit              // a message came in from a local user: Postfix pickup "uid=", Exim "<= … P=local"
	CommandLine              // Exim "cwd=… args:"
	MessageID                // cleanup's message-id=
	Header                   // a header that a header check or an ACL logged: HeaderName, HeaderValue
	Queue                    // qmgr "from=… (queue active)"
	Delivery                 // a recipient got a disposition
	Attempt                  // a server was tried without success, and the next one is tried; no disposition
	Reject                   // refused: one RCPT, MAIL, DATA or connection
	BounceNotice             // the MTA made a notice: QueueID is the message that it is about, Child the notice
	Hold                     // put on hold (Postfix) or frozen (Exim)
	Release                  // released from hold, or thawed
	Discard                  // accepted and thrown away
	Expire                   // given up: too long in the queue, or by an administrator
	Requeue                  // the message goes on under another queue ID
	Remove                   // the queue ID ends (Postfix "removed"; Exim "removed by")
	Complete                 // Exim "Completed"
	FilterResult             // the verdict of a content filter or milter on a message
	Warning                  // something went wrong; Text says what
)

var kindNames = [...]string{
	"other", "connect", "disconnect", "tls", "auth", "auth-failed", "accept", "local-submit", "command-line", "message-id",
	"header", "queue", "delivery", "attempt", "reject", "bounce-notice", "hold", "release", "discard", "expire", "requeue",
	"remove", "complete", "filter", "warning",
}

func (k Kind) String() string { return kindNames[k] }

// Disposition is what became of a recipient.
type Disposition uint8

const (
	NoDisposition Disposition = iota
	Delivered
	Bounced
	Deferred
	Expired
	Held
	Discarded
	Forwarded // goes on as another message of this host: an alias, a list
	Filtered  // handed to the content filter, which puts it back
	Probed    // an address verification probe (deliverable, undeliverable): no mail
)

var dispositionNames = [...]string{"", "delivered", "bounced", "deferred", "expired", "held", "discarded", "forwarded", "filtered", "probed"}

func (d Disposition) String() string { return dispositionNames[d] }

// Flags are facts about an event that are true or false; before the colon, the kinds of events that have them.
type Flags uint16

const (
	Temporary    Flags = 1 << iota // Reject: a 4xx reply, the client may try again
	WarnOnly                       // Reject: warn_if_reject, the command was NOT refused
	FakeReject                     // Accept: Exim "(=", accepted, but the client was told that it was not
	LocalTarget                    // Delivery: into a mailbox, command or file of this host, or by LMTP into a mailbox behind it
	NoSender                       // Reject, Queue: the line has no sender (the empty one is NullSender)
	HasUID                         // UID is known
	Verified                       // Client.Name resolves back to Client.IP
	MoreDelivery                   // Delivery: Exim "->", one more address of the same transaction
	Cutthrough                     // Delivery: Exim ">>", logged before its Accept
	Doubtful                       // the line contradicts its own queue ID or its neighbours: it may be forged, and is never counted
	Incomplete                     // the line was cut by its writer or a relay
	RejectLog                      // the line is in Exim's reject log or panic log; most such lines are in the main log, too
	Unclear                        // Accept: the line names two clients, one of them forged, so Client is left empty
	HasDelay                       // Delay is known; it may be 0
)

// Has reports whether all of g is set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// Client is the host that speaks SMTP to us, or from which a user logs in.
type Client struct {
	IP      netip.Addr // not valid: unknown, or not by SMTP
	Name    string     // reverse DNS name; "" or "unknown": none; see Verified
	HELO    string     // the name it gives itself in HELO or EHLO; "": not logged
	Port    uint16     // 0: not logged
	ASN     uint32     // autonomous system number, from --geo; 0: unknown
	Country string     // ISO 3166-1 alpha-2, from --geo; "": unknown
}

// NullSender is the empty envelope sender (RFC 5321, section 4.5.5), that of notices.
const NullSender = "<>"

// SenderOf returns the sender that stands between angle brackets in a line; NullSender: there is nothing in them.
func SenderOf(address string) string {
	if address == "" {
		return NullSender
	}
	return address
}

// TrimMessageID returns a Message-ID without its angle brackets, as events have it. Where a line ends with the whole header, as
// that of Postfix's cleanup, more than one ID may stand in it, and that format decides itself.
func TrimMessageID(id string) string {
	if len(id) > 2 && id[0] == '<' && id[len(id)-1] == '>' {
		return id[1 : len(id)-1]
	}
	return id
}

// Event is what one log line says. It is flat; which fields have a meaning depends on its Kind. A string that the line does not have
// is "".
//
// Fields that are used together are next to each other, because an event spans a dozen cache lines, of which most readers touch
// three.
type Event struct {
	Origin
	Time  Instant
	Ahead time.Duration // how far the clock of the host is ahead of those of other hosts whose logs are read, too; 0: not known
	Kind  Kind
	MTA   MTA
	Flags
	Disposition Disposition
	PID         int // 0: not logged

	QueueID  string // Postfix queue ID or Exim message ID; "" for NOQUEUE and session lines
	Host     string // as the line has it
	Instance string // Postfix: the part before the first slash: queue IDs belong to an instance of a host
	Daemon   string // the part after the last slash: "smtpd"
	Process  string // the syslog tag without its PID: "postfix/submission/smtpd"; "exim" for Exim's own files
	Service  string // Postfix: between the slashes: "submission"; "" mostly. Dovecot: imap, pop3, …
	Raw      string // the whole line, without its line end

	Recent *RecentClients // while the line is parsed, what may be known of its client already; else nil

	Client Client
	Child  string // a linked queue ID: of the notice, of what it was forwarded or queued as, or orig_queue_id
	Parent string // the queue ID that caused this one (Exim R=, Postfix orig_id=)

	Recipient string // RCPT TO, or after rewriting on Delivery
	Original  string // of a Delivery: as in the envelope, if that differs; else ""
	Relay     string // next hop as written: name, transport, or "none"
	RelayIP   netip.Addr
	RelayPort uint16
	Transport string        // Exim T=, R=… ; Postfix: the delivering daemon is Daemon
	DSN       string        // RFC 3463 status, "5.7.1"
	Reply     string        // remote reply or reason, as written
	Code      int           // SMTP reply code; 0: none
	Delay     time.Duration // with HasDelay

	Sender string // MAIL FROM; NullSender for the empty one
	Size   int64  // bytes; 0: not logged
	NRcpt  int    // Queue: recipients as qmgr counts them; Disconnect: 0

	MessageID string
	Text      string // what is left of the line: a warning's words, ACL text
	Protocol  string // SMTP, ESMTP, esmtpsa, local …, as written
	TLS       string // "TLSv1.3", "TLS1.2:ECDHE…"; "" none or not logged
	Stage     string // Reject, Disconnect: CONNECT, HELO, MAIL, RCPT, DATA, END-OF-MESSAGE …

	Account    string // SASL or login name, as written
	AuthMethod string // PLAIN, LOGIN, dovecot_login …
	Interface  string // our own address and port, where logged

	Recipients string // Exim's "for" list, raw, separated by blanks outside of quotes
	Router     string // Exim R= of a delivery

	Subject     string // decoded, if the MTA logs it escaped
	HeaderName  string
	HeaderValue string

	UID       int    // with HasUID
	User      string // local user name
	Directory string // working directory
	Script    string // X-PHP-Originating-Script, or the command's arguments
}
