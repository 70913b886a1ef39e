package where

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

var berlin = time.FixedZone("", 3600)

func sample() *mail.Message {
	return &mail.Message{
		Time:    mail.InstantOf(time.Date(2024, 1, 24, 14, 44, 11, 0, berlin)),
		Client:  mail.Client{IP: netip.MustParseAddr("84.60.208.31"), Name: "dslb-1.pools.example", HELO: "12345", ASN: 3209, Country: "DE"},
		Sender:  "Anna@Bank.Example",
		Subject: "Software",
		Size:    1441,
		Recipients: []mail.Recipient{
			{Address: "smtpsusan@club.example", Disposition: mail.Bounced, Reply: "550 5.1.1 unknown"},
			{Address: "susan@mailbox.example", Original: "susan@club.example", Disposition: mail.Delivered, Relay: "mx1"},
		},
		QueueIDs: []string{"3F2A", "4B1C"},
	}
}

func TestMatch(t *testing.T) {
	check := func(want bool, source string) {
		t.Helper()
		x, err := Compile(source, berlin)
		if err != nil {
			t.Errorf("Compile(%s): %v", source, err)
			return
		}
		if got, err := x.Match(sample()); got != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", source, got, err, want)
		}
	}
	yes := func(source string) { t.Helper(); check(true, source) }
	no := func(source string) { t.Helper(); check(false, source) }

	yes(`ip == "84.60.208.31"`)
	no(`ip != "84.60.208.31"`)
	yes(`within(ip, "84.60.0.0/16") and helo matches "^[0-9]+$"`)
	no(`within(ip, "10.0.0.0/8")`)
	yes(`sender_domain == "bank.example"`) // domains are folded
	yes(`sender == "Anna@Bank.Example"`)   // addresses keep their case
	yes(`any(recipients, # startsWith "smtp")`)
	yes(`"susan@club.example" in recipients`) // the envelope's, not the rewritten one
	yes(`delivered == 1 && bounced == 1 && deferred == 0`)
	yes(`any(replies, # contains "5.1.1")`)
	yes(`"4B1C" in queue_ids`)
	yes(`time > at("2024-01-24 14:40") && time < at("2024-01-24T14:45:00+01:00")`)
	no(`time > at("2024-01-24T14:44:11+00:00")`)
	yes(`time.Hour() == 14 && time.Weekday().String() == "Wednesday"`) // in the zone of the report
	yes(`asn == 3209 && country == "DE" && size > 1000 && !notice`)
	yes(`uid == -1`)
	yes(`domain("x@Y.Example") == "y.example"`)
	yes(`subject in ["Software", "Hardware"]`)
}

func TestCompileSaysWhatIsWrong(t *testing.T) {
	bad := func(source, want string) {
		t.Helper()
		_, err := Compile(source, berlin)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile(%s): got %v, want an error with %q", source, err, want)
		}
	}
	bad(`sendr == "x"`, "did you mean sender?")
	bad(`recipient_domain == "x"`, "did you mean recipient_domains?")
	bad(`colour == "x"`, "the fields are time, ip")
	bad(`ip`, "bool")                    // no answer to yes or no
	bad(`ip ==`, "unexpected token EOF") // shows the place
	bad(`size == "x"`, "mismatched types")
	bad(`delivered > 0 and within(ip, "84.60")`, `"84.60" is no network`)
	bad(`time > at("yesterday")`, `"yesterday" is no time`)
}

func TestMatchFailsForOneMessageOnly(t *testing.T) {
	x, err := Compile(`recipients[5] == "x"`, berlin)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x.Match(sample()); got || err == nil {
		t.Errorf("got %v, %v, want false and an error", got, err)
	}
	x, err = Compile(`within(ip, sender)`, berlin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Match(sample()); err == nil || !strings.Contains(err.Error(), "is no network") {
		t.Errorf("got error %v, want one that names the network", err)
	}
}

// BenchmarkMatch answers what --where costs for each message of a log.
func BenchmarkMatch(b *testing.B) {
	x, err := Compile(`ip == "84.60.208.31" && sender_domain != "example.org"`, berlin)
	if err != nil {
		b.Fatal(err)
	}
	m := sample()
	b.ReportAllocs()
	for b.Loop() {
		x.Match(m)
	}
}
