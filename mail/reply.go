package mail

import "strings"

// What a remote server replies when it refuses a message: whether that is about us, and which blocklist it names.

// blocklists are the operators of DNS blocklists that replies name: what identifies them in the text, in lower case, and their usual
// name. The first match counts.
var blocklists = [...]struct{ sign, name string }{
	{"spamhaus", "Spamhaus"}, {"spamcop", "SpamCop"}, {"barracudacentral", "Barracuda"}, {"bbl.barracuda", "Barracuda"},
	{"sorbs", "SORBS"}, {"uceprotect", "UCEPROTECT"}, {"backscatterer", "Backscatterer"}, {"manitu", "NiX Spam"}, {"nixspam", "NiX Spam"},
	{"psbl.surriel", "PSBL"}, {"abuseat", "CBL"}, {"mailspike", "Mailspike"}, {"invaluement", "invaluement"}, {"spameatingmonkey", "SEM"},
	{"spamrats", "SpamRATS"}, {"truncate.gbudb", "GBUdb"}, {"dnswl", "dnswl"}, {"senderscore", "Sender Score"}, {"abusix", "Abusix"},
	{"proofpoint", "Proofpoint"}, {"cloudmark", "Cloudmark"}, {"trendmicro", "Trend Micro"}, {"hostkarma", "Hostkarma"}, {"njabl", "NJABL"},
	{"dsbl.org", "DSBL"}, {"rfc-ignorant", "RFC-Ignorant"}, {"lashback", "LashBack"}, {"s5h.net", "s5h"}, {"blocklist.de", "blocklist.de"},
	{"inps.de", "inps.de"}, {"spfbl", "SPFBL"}, {"dronebl", "DroneBL"},
}

// BlocklistIn returns the blocklist that a reply names: its usual name, or, if that is not known, the zone after "blocked using", as
// reject_rbl_client writes it (Postfix, smtpd/smtpd_check.c); "": it names none.
func BlocklistIn(reply string) string { return listedInLower(strings.ToLower(reply)) }

// listedInLower is BlocklistIn for a reply in lower case.
func listedInLower(reply string) string {
	if _, zone, found := strings.Cut(reply, "blocked using "); found {
		if end := strings.IndexAny(zone, "; ,)"); end >= 0 {
			zone = zone[:end]
		}
		return knownBlocklist(zone, strings.Clone(strings.Trim(zone, ".:")))
	}
	// Every reply that names a list has one of these; most replies have none.
	if hasAny(reply, "list", "block", "rbl", "dns", "http") {
		return knownBlocklist(reply, "")
	}
	return ""
}

// knownBlocklist returns the operator whose sign is in text, else other.
func knownBlocklist(text, other string) string {
	for _, b := range blocklists {
		if strings.Contains(text, b.sign) {
			return b.name
		}
	}
	return other
}

// Complaint is what a remote server has against us, according to its reply.
type Complaint uint8

const (
	NoComplaint   Complaint = iota
	Listed                  // we are on a blocklist, a public one or its own
	BadReputation           // our reputation, complaints of its users, an unusual volume
	RateLimited             // a limit on how much it accepts from us
	Complaints              // the number of values
)

var complaintWords = [Complaints]string{Listed: "blocklist", BadReputation: "reputation", RateLimited: "rate limit"}

func (c Complaint) String() string { return complaintWords[c] }

// What replies say, in lower case. They differ by provider and year; these are those of the largest providers, and of Postfix, Exim
// and the common filters.
var (
	// harmlessWords are in replies that sound similar, but say nothing about us: greylisting, a full or busy mailbox, a missing
	// signature, a recipient that does not exist, a verdict on one message (Gmail's UnsolicitedMessageError, in one line or two).
	harmlessWords = [...]string{
		"this message is likely unsolicited", "likely unsolicited mail. to reduce", "does not have authentication information",
		"greylist", "graylist", "grey-list", "gray-list", "grey list", "postgrey", "mailbox full", "over quota", "quota exceeded",
		"receiving mail at a rate", "receiving mail too quickly", "user unknown", "no such user", "does not exist", "unauthenticated", "dmarc", "spf check",
		"relay access denied", "relaying denied",
	}
	listedWords = [...]string{
		"blacklist", "black list", "blocklist", "block list", "block-list", "denylist", "is listed", "listed at", "listed by", "listed in",
		"blocked using", "banned sending ip", "dnsbl", "has been blocked", "ip blocked", "blocked by", "your ip is blocked", "s3140", "s3150",
	}
	reputeWords = [...]string{
		"reputation", "user complaint", "unexpected volume", "unusual rate", "unsolicited mail originating", "suspicious due to", "senderscore", "sender score",
		"abuse from your", "spam from your",
	}
	rateWords = [...]string{
		"rate limit", "rate-limit", "ratelimit", "too many messages", "too many connections", "too much mail", "throttl", "sending limit", "daily limit",
		"message limit", "too fast", "exceeded the maximum number of messages", "sending too many", "volume limit",
	}
)

// ComplaintOf returns what a reply has against us, and the blocklist that it names, or "". A status about the recipient's address or
// mailbox, or about the network on the way (RFC 3463: X.1.1, X.1.10, X.2, X.4), is no complaint. dsn may be "".
func ComplaintOf(dsn, reply string) (kind Complaint, list string) {
	if reply == "" || len(dsn) > 3 && (dsn[2] == '2' || dsn[2] == '4' || dsn[2:] == "1.1" || dsn[2:] == "1.10") {
		return NoComplaint, ""
	}
	reply = withoutAddresses(strings.ToLower(reply))
	if hasAny(reply, harmlessWords[:]...) {
		return NoComplaint, ""
	}
	list = listedInLower(reply)
	switch {
	case list != "" || hasAny(reply, listedWords[:]...):
		return Listed, list
	case hasAny(reply, reputeWords[:]...):
		return BadReputation, ""
	case hasAny(reply, rateWords[:]...):
		return RateLimited, ""
	}
	return NoComplaint, ""
}

// withoutAddresses removes mail addresses, which may contain any word: "renaudmarc@a.example" says nothing about DMARC.
func withoutAddresses(reply string) string {
	for from := 0; ; {
		at := strings.IndexByte(reply[from:], '@')
		if at < 0 {
			return reply
		}
		start, end := from+at, from+at+1
		for start > 0 && inAddress(reply[start-1]) {
			start--
		}
		for end < len(reply) && inAddress(reply[end]) {
			end++
		}
		reply, from = reply[:start]+reply[end:], start
	}
}

func inAddress(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 0x80 || strings.IndexByte("._-+=", c) >= 0
}

// RefusesRelay reports whether a reply refuses to relay, in the words of Exim's example configuration, of Postfix
// (smtpd/smtpd_check.c, reject_unauth_destination), and of most rules that were written by hand.
func RefusesRelay(reply string) bool {
	return hasAny(strings.ToLower(reply), "relay not permitted", "relay access denied", "relaying denied", "relaying not allowed", "not permitted to relay")
}

func hasAny(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// Remote reports whether the delivery, or the attempt, was at a server that is not ours.
func (r *Recipient) Remote() bool {
	if r.Local || !r.RelayIP.IsValid() || IsInside(r.RelayIP) {
		return false
	}
	switch r.Disposition {
	case Delivered, Bounced, Deferred, Expired:
		return true
	}
	return false
}

// Complaint returns what the other server has against us, by its last reply or, if that is no complaint, by an earlier one with which
// it deferred the mail.
func (r *Recipient) Complaint() Complaint {
	if !r.Remote() {
		return NoComplaint
	}
	if r.Disposition != Delivered {
		if c, _ := ComplaintOf(r.DSN, r.Reply); c != NoComplaint {
			return c
		}
	}
	c, _ := ComplaintOf("", r.Deferral)
	return c
}
