package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"mailforensics/mail"
)

func from(ips ...string) *Neighbours {
	n := new(Neighbours)
	for _, ip := range ips {
		n.Message(&mail.Message{Client: mail.Client{IP: netip.MustParseAddr(ip)}})
	}
	return n
}

func found(id string, kind SubjectKind, s Severity, ips ...string) Finding {
	f := Finding{ID: id, Severity: s, Subject: Subject{kind, id}}
	for _, ip := range ips {
		f.Clients = append(f.Clients, ClientCount{Client: mail.Client{IP: netip.MustParseAddr(ip)}, Messages: 3})
	}
	return f
}

func effect(detector string) Finding {
	f := found("mx1", Host, Medium, "192.0.2.7", "198.51.100.1")
	f.Detector = detector
	return f
}

func TestBlocks(t *testing.T) {
	own := map[netip.Addr]Known{netip.MustParseAddr("203.0.113.1"): {}}
	campaign := found("campaign", CampaignKind, High, "192.0.2.7", "192.0.2.9", "192.0.2.200", "198.51.100.1", "2001:db8::1", "2001:db8::2", "2001:db8::ffff")
	for _, tt := range []struct {
		name     string
		findings []Finding
		n        *Neighbours
		want     []string
	}{
		{"a network where nobody else lives is merged", []Finding{campaign}, from("192.0.2.7", "198.51.100.20"),
			[]string{"192.0.2.0/24 3", "198.51.100.1/32 1", "2001:db8::/64 3"}},
		{"one honest neighbour keeps the addresses apart", []Finding{campaign}, from("192.0.2.80", "2001:db8::5"),
			[]string{"192.0.2.7/32 1", "192.0.2.9/32 1", "192.0.2.200/32 1", "198.51.100.1/32 1", "2001:db8::1/128 1", "2001:db8::2/128 1", "2001:db8::ffff/128 1"}},
		{"an account's clients are its owner's, too", []Finding{found("a", Account, High, "192.0.2.7")}, from(), nil},
		{"nobody is blocked for a part in what followed", []Finding{effect("backscatter"), effect("reputation")}, from(), nil},
		{"low findings block nobody", []Finding{found("b", IP, Low, "192.0.2.7")}, from(), nil},
		{"our own, private and allowed addresses are left out",
			[]Finding{found("b", IP, High, "203.0.113.1", "10.0.0.1", "127.0.0.1", "198.51.100.99", "192.0.2.7")}, from(), []string{"192.0.2.7/32 1"}},
		{"what is no host's address is left out", []Finding{found("b", IP, High, "0.0.0.0", "::", "0.1.2.3", "::ffff:0.0.0.0", "224.0.0.1", "240.0.0.1",
			"255.255.255.255", "ff02::1", "192.0.2.7")}, from(), []string{"192.0.2.7/32 1"}},
		{"an allowed address in a network keeps it open",
			[]Finding{found("b", IP, High, "198.51.100.1", "198.51.100.2", "198.51.100.3")}, from(), []string{"198.51.100.1/32 1", "198.51.100.2/32 1", "198.51.100.3/32 1"}},
		{"so does one of ours",
			[]Finding{found("b", IP, High, "203.0.113.5", "203.0.113.6", "203.0.113.7")}, from(), []string{"203.0.113.5/32 1", "203.0.113.6/32 1", "203.0.113.7/32 1"}},
		{"two findings, one entry", []Finding{found("b", IP, High, "192.0.2.7"), campaign}, from("192.0.2.80", "2001:db8::5"),
			[]string{"192.0.2.7/32 1", "192.0.2.9/32 1", "192.0.2.200/32 1", "198.51.100.1/32 1", "2001:db8::1/128 1", "2001:db8::2/128 1", "2001:db8::ffff/128 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			allowed := func(kind SubjectKind, value string) bool { return value == "198.51.100.99" }
			var got []string
			pass := &Pass{Allowed: allowed, AllowedIPs: []netip.Prefix{netip.MustParsePrefix("198.51.100.99/32")}}
			for _, b := range Blocks(tt.findings, Medium, tt.n, &Site{Own: own}, pass) {
				got = append(got, fmt.Sprintf("%s %d", b.Prefix, b.Clients))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBlocksSpareWhoeverLogsIn(t *testing.T) {
	n := from("192.0.2.7")
	n.Message(&mail.Message{Client: mail.Client{IP: netip.MustParseAddr("192.0.2.9")}, Account: "maria"})
	forged := found("club.example", SenderDomain, High, "192.0.2.7", "192.0.2.9")
	if got := Blocks([]Finding{forged}, Medium, n, &Site{}, &Pass{}); len(got) != 1 || got[0].Prefix.String() != "192.0.2.7/32" {
		t.Errorf("got %v, want 192.0.2.7 alone: maria writes from the other", got)
	}
	own := found("192.0.2.9", IP, High, "192.0.2.9")
	if got := Blocks([]Finding{own}, Medium, n, &Site{}, &Pass{}); len(got) != 1 {
		t.Errorf("got %v, want the address that a finding is about", got)
	}
}

func TestNeighboursAreBounded(t *testing.T) {
	n := new(Neighbours)
	ip := netip.MustParseAddr("10.0.0.0")
	for range maxNeighbours + 1000 {
		ip = ip.Next()
		n.Message(&mail.Message{Client: mail.Client{IP: ip}})
	}
	if len(n.seen) > maxNeighbours || !n.full {
		t.Errorf("got %d neighbours, full %v, want at most %d and full", len(n.seen), n.full, maxNeighbours)
	}
	// Whoever lives there is not known any more, so nothing is merged.
	if got := len(Blocks([]Finding{found("c", IP, High, "192.0.2.7", "192.0.2.8", "192.0.2.9")}, Medium, n, &Site{}, &Pass{})); got != 3 {
		t.Errorf("got %d entries, want 3 single addresses", got)
	}
}

// A network in which the log shows honest clients is not blocked as a whole.
func TestNeighboursAreWhoTheLogShows(t *testing.T) {
	campaign := found("campaign", CampaignKind, High, "192.0.2.7", "192.0.2.9", "192.0.2.200")
	honest := mail.Client{IP: netip.MustParseAddr("::ffff:192.0.2.80")}
	for _, tt := range []struct {
		name string
		see  func(n *Neighbours)
		want int // entries: 1 network or 3 addresses
	}{
		{"nobody", func(n *Neighbours) {}, 1},
		{"a sender", func(n *Neighbours) { n.Message(&mail.Message{Client: honest}) }, 3},
		{"a reader of mail", func(n *Neighbours) { n.Event(&mail.Event{Kind: mail.Auth, Client: honest}) }, 3},
		{"a server that was asked to come again", func(n *Neighbours) { n.Event(&mail.Event{Kind: mail.Reject, Code: 450, Client: honest}) }, 3},
		{"a spammer that was refused", func(n *Neighbours) { n.Event(&mail.Event{Kind: mail.Reject, Code: 554, Client: honest}) }, 1},
		{"a server that takes our mail", func(n *Neighbours) {
			n.Message(&mail.Message{Recipients: []mail.Recipient{{Disposition: mail.Delivered, RelayIP: honest.IP}}})
		}, 3},
		{"a server that does not", func(n *Neighbours) {
			n.Message(&mail.Message{Recipients: []mail.Recipient{{Disposition: mail.Bounced, RelayIP: honest.IP}}})
		}, 1},
	} {
		n := new(Neighbours)
		tt.see(n)
		if got := Blocks([]Finding{campaign}, Medium, n, &Site{}, &Pass{}); len(got) != tt.want {
			t.Errorf("%s: got %v, want %d entries", tt.name, got, tt.want)
		}
	}
}

// Our own webmail host sent it, like everything else that is written there: its name is not that of a provider's customer, and it
// is not blocked.
func TestBlocksSpareOurNamedHosts(t *testing.T) {
	site := &Site{LocalDomains: map[string]Known{"site.example": {}}}
	for name, want := range map[string]int{
		"webmail.site.example": 0, "": 1, "unknown": 1, "webmail.other.example": 1, "notsite.example": 1, "dyn-192-0-2-7.site.example": 1,
	} {
		f := found("192.0.2.7", IP, High, "192.0.2.7")
		f.Clients[0].Name = name
		if got := Blocks([]Finding{f}, Medium, from("192.0.2.7"), site, &Pass{}); len(got) != want {
			t.Errorf("%q: got %v, want %d entries", name, got, want)
		}
	}
}
