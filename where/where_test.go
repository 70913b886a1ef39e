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
	yes(`time > at("2024-01-24T14:40") && time < at("2024-01-24T14:44:12") && time > at("2024-01-24")`)
	yes(`time.Hour() == 14 && time.Weekday().String() == "Wednesday"`) // in the zone of the report
	yes(`asn == 3209 && country == "DE" && size > 1000 && !notice`)
	yes(`uid == -1`)
	yes(`domain("x@Y.Example") == "y.example"`)
	yes(`subject in ["Software", "Hardware"]`)
}

// Each field has the value of the message that its name says.
func TestEveryField(t *testing.T) {
	m := sample()
	m.Flags, m.UID, m.User, m.Script, m.Directory = mail.HasUID, 33, "www-data", "mail.php", "/srv/www"
	m.Account, m.AuthMethod, m.Service, m.Protocol, m.TLS = "maria", "PLAIN", "submission", "ESMTPSA", "TLSv1.3"
	m.MessageID, m.Parent, m.Notice, m.Host, m.MTA = "x@bank.example", "5C3D", true, "mx2", mail.Exim
	m.Direction, m.Queued, m.Completed = mail.Outbound, 1500*time.Millisecond, true
	m.Recipients = append(m.Recipients, mail.Recipient{Address: "a@far.example", Disposition: mail.Deferred}, mail.Recipient{Address: "b@far.example", Disposition: mail.Expired},
		mail.Recipient{Address: "c@far.example", Disposition: mail.Bounced, RelayIP: netip.MustParseAddr("192.0.2.25"), DSN: "5.7.1", Reply: "554 5.7.1 blocked using zen.spamhaus.org"})
	m.Recipients[1].Local, m.Hosts = true, []string{"mx2", "mx1"}
	want := map[string]string{
		"time": `at("2024-01-24 14:44:11")`, "ip": `"84.60.208.31"`, "rdns": `"dslb-1.pools.example"`, "helo": `"12345"`, "asn": "3209", "country": `"DE"`,
		"account": `"maria"`, "auth_method": `"PLAIN"`, "uid": "33", "user": `"www-data"`, "script": `"mail.php"`, "directory": `"/srv/www"`,
		"sender": `"Anna@Bank.Example"`, "sender_domain": `"bank.example"`,
		"recipients":        `["smtpsusan@club.example", "susan@club.example", "a@far.example", "b@far.example", "c@far.example"]`,
		"recipient_domains": `["club.example", "club.example", "far.example", "far.example", "far.example"]`,
		"dispositions":      `["bounced", "delivered", "deferred", "expired", "bounced"]`,
		"relays":            `["", "mx1", "", "", ""]`, "replies": `["550 5.1.1 unknown", "", "", "", "554 5.7.1 blocked using zen.spamhaus.org"]`,
		"delivered": "1", "bounced": "3", "complaints": `["", "", "", "", "blocklist"]`, "delivered_here": "1", "last_host": `"mx1"`, "deferred": "1", "subject": `"Software"`, "message_id": `"x@bank.example"`, "queue_ids": `["3F2A", "4B1C"]`,
		"parent": `"5C3D"`, "notice": "true", "host": `"mx2"`, "mta": `"exim"`, "service": `"submission"`, "protocol": `"ESMTPSA"`, "tls": `"TLSv1.3"`,
		"direction": `"outbound"`, "size": "1441", "queued_seconds": "1.5", "completed": "true",
	}
	for _, name := range Names() {
		source := name + " == " + want[name]
		x, err := Compile(source, berlin)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got, err := x.Match(m); !got || err != nil {
			t.Errorf("%s: got %v, %v", source, got, err)
		}
	}
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
	bad(`subject == Software`, "put texts in quotes")
	bad(`ip`, "must be true or false") // no answer to yes or no
	bad(`ip = "192.0.2.7"`, "hint: == compares")
	bad(`ip == 192.0.2.7`, "addresses too, in quotes")
	bad(`ip in "192.0.2.0/24"`, "hint: for networks, within")
	bad(`recipients contains "x"`, "hint: for lists, any(")
	bad(`time > "2026-01-04"`, "hint: compare times with at(")
	bad(`sender like "x"`, "contains, startsWith")
	bad(`helo ~ "x"`, "contains, startsWith")
	bad(`ip ==`, "unexpected token EOF") // shows the place
	bad(`size == "x"`, "mismatched types")
	bad(`delivered > 0 and within(ip, "84.60")`, `"84.60" is not a network`)
	bad(`within(ip, "84.60") or within(ip, "84.61")`, `"84.60" is not a network`) // the first is named
	bad(`within()`, "not enough arguments")
	bad(`time > at("yesterday")`, `"yesterday" is not a time`)
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
	if _, err := x.Match(sample()); err == nil || !strings.Contains(err.Error(), "is not a network") {
		t.Errorf("got error %v, want one that names the network", err)
	}
}

// BenchmarkMatch measures what --where costs for each message of a log.
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

// In an hour that is repeated at the end of summer time, a time without an offset is the first one; with an offset it is what it
// says.
func TestMomentShownTwice(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2024-10-27 02:30":          "2024-10-27T00:30:00Z",
		"2024-10-27T02:59:59":       "2024-10-27T00:59:59Z",
		"2024-10-27T02:30:00+01:00": "2024-10-27T01:30:00Z",
		"2024-10-27T02:30:00+02:00": "2024-10-27T00:30:00Z",
		"2024-10-27 03:00":          "2024-10-27T02:00:00Z",
		"2024-10-27 01:30":          "2024-10-26T23:30:00Z",
		"2024-10-27":                "2024-10-26T22:00:00Z",
	} {
		got, ok := Moment(text, berlin)
		if !ok || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: got %s, want %s", text, got.UTC().Format(time.RFC3339), want)
		}
	}
}
