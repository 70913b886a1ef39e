package mail

import (
	"net/netip"
	"testing"
)

func TestComplaintOf(t *testing.T) {
	check := func(want Complaint, list, dsn, reply string) {
		t.Helper()
		if kind, name := ComplaintOf(dsn, reply); kind != want || name != list {
			t.Errorf("%s %s: got %d %q, want %d %q", dsn, reply, kind, name, want, list)
		}
	}
	check(Listed, "Spamhaus", "5.7.1", "host mx.a[192.0.2.1] said: 554 5.7.1 Service unavailable; Client host [198.51.100.1] blocked using zen.spamhaus.org; https://…")
	check(Listed, "rbl.example.org", "5.7.1", "554 5.7.1 Service unavailable; Client host [198.51.100.1] blocked using rbl.example.org; see there")
	check(Listed, "SpamCop", "5.7.1", "554 5.7.1 [198.51.100.1] is listed at bl.spamcop.net")
	check(Listed, "Barracuda", "5.0.0", "550 permanent failure for one or more recipients (x@a.example:blocked) https://www.barracudacentral.org/reputation")
	check(Listed, "", "5.7.1", "550 5.7.1 Unfortunately, messages from [198.51.100.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).")
	check(BadReputation, "", "4.7.0", "421 4.7.0 [TSS04] Messages from 198.51.100.1 temporarily deferred due to user complaints - 4.16.55.1")
	check(BadReputation, "", "4.7.28", "421-4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address.")
	check(RateLimited, "", "4.7.1", "450 4.7.1 <x@a.example>: Recipient address rejected: rate limited")
	check(RateLimited, "", "", "SMTP error from remote mail server after initial connection: 421 Too many connections from your host")

	check(RateLimited, "", "4.7.1", "450 4.7.1 <renaudmarc@a.example>: Recipient address rejected: rate limited")
	check(NoComplaint, "", "5.7.1", "550 5.7.1 <blacklist@reputation.example>, <@>: Recipient address rejected: Access denied")
	check(NoComplaint, "", "4.7.1", "450 4.7.1 <x@a.example>: Recipient address rejected: Greylisted, see http://postgrey.example/help")
	check(NoComplaint, "", "4.2.1", "450-4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages")
	check(NoComplaint, "", "5.1.1", "550 5.1.1 <blocklist@a.example>: Recipient address rejected: User unknown")
	check(NoComplaint, "", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; x@a.example is listed in no directory")
	check(NoComplaint, "", "5.2.2", "552 5.2.2 mailbox full")
	check(NoComplaint, "", "5.7.26", "550-5.7.26 Unauthenticated email from a.example is not accepted due to domain's DMARC policy")
	check(NoComplaint, "", "5.7.1", "554 5.7.1 Message rejected as spam by Content Filtering.")
	check(NoComplaint, "", "5.7.1", `550-5.7.1 [198.51.100.1      12] Our system has detected that this message is\n550-5.7.1 likely unsolicited mail. To reduce the amount of spam sent to Gmail,\n550-5.7.1 this message has been blocked.`)
	check(NoComplaint, "", "5.7.26", `550-5.7.26 This message does not have authentication information or fails to\n550-5.7.26 pass authentication checks. To best protect our users from spam, the\n550-5.7.26 message has been blocked.`)
	check(BadReputation, "", "5.7.1", `550-5.7.1 [198.51.100.1      19] Our system has detected that this message is\n550-5.7.1 likely suspicious due to the very low reputation of the sending IP\n550-5.7.1 address. To best protect our users from spam, the message has been\n550-5.7.1 blocked.`)
	check(NoComplaint, "", "4.4.1", "connect to mx.a.example[192.0.2.1]:25: Connection timed out")
	check(NoComplaint, "", "", "")
}

// The complaint of a recipient is that of another server: in its last reply, or in one with which it deferred the mail before.
func TestRecipientComplaint(t *testing.T) {
	const listed, slow = "554 5.7.1 blocked using zen.spamhaus.org", "421 4.7.0 rate limit exceeded"
	elsewhere := netip.MustParseAddr("192.0.2.25")
	for _, tt := range []struct {
		r    Recipient
		want Complaint
	}{
		{Recipient{Disposition: Bounced, RelayIP: elsewhere, DSN: "5.7.1", Reply: listed}, Listed},
		{Recipient{Disposition: Delivered, RelayIP: elsewhere, Reply: "250 ok", Deferral: slow}, RateLimited},
		{Recipient{Disposition: Bounced, RelayIP: elsewhere, DSN: "5.1.1", Reply: "550 5.1.1 unknown", Deferral: slow}, RateLimited},
		{Recipient{Disposition: Delivered, RelayIP: elsewhere, Reply: listed}, NoComplaint}, // it was taken, whatever was said
		{Recipient{Disposition: Bounced, RelayIP: netip.MustParseAddr("10.0.0.1"), Reply: listed}, NoComplaint},
		{Recipient{Disposition: Bounced, RelayIP: elsewhere, Local: true, Reply: listed}, NoComplaint},
		{Recipient{Disposition: Held, RelayIP: elsewhere, Reply: listed}, NoComplaint},
	} {
		if got := tt.r.Complaint(); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.r, got, tt.want)
		}
	}
}
