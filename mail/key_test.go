package mail

import (
	"net/netip"
	"slices"
	"testing"
)

// A message has each value that it knows of a key, and none that it does not know.
func TestKeysOfMessage(t *testing.T) {
	m := &Message{
		Client: Client{IP: netip.MustParseAddr("2001:db8:1:2::25"), ASN: 64500}, Sender: "A@B.Example", UID: 33, Flags: HasUID,
		Recipients: []Recipient{
			{Address: "c@d.example", Original: "C@Alias.Example", Disposition: Delivered, Relay: "mx.d.example"},
			{Address: "eva", Relay: "none"},
		},
	}
	for name, want := range map[string][]string{
		"ip": {"2001:db8:1:2::25"}, "network": {"2001:db8:1:2::/64"}, "asn": {"AS64500"}, "uid": {"33"}, "relay": {"mx.d.example"},
		"recipient": {"C@alias.example", "eva"}, "recipient-domain": {"alias.example"}, "disposition": {"delivered"}, "account": nil,
	} {
		key, ok := KeyNamed(name)
		if !ok {
			t.Fatalf("there is no key %s", name)
		}
		var got []string
		key.Message(m, func(value string) { got = append(got, value) })
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		key.Message(&Message{}, func(value string) { t.Errorf("%s of an empty message: got %q", name, value) })
	}
}

func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
	} {
		if got := Network(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestTrimMessageID(t *testing.T) {
	for in, want := range map[string]string{"<x@y>": "x@y", "x@y": "x@y", "x@y>": "x@y>", "<x@y": "<x@y", "<>": "<>", "": ""} {
		if got := TrimMessageID(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestHop(t *testing.T) {
	one := &Message{Host: "mx1", QueueIDs: []string{"A", "B"}}
	two := &Message{Host: "mx1", QueueIDs: []string{"A", "B"}, HopHosts: []string{"mx2", "mx1"}}
	for _, tt := range []struct {
		m        *Message
		n        int
		id, host string
	}{{one, 0, "", ""}, {one, 1, "A", "mx1"}, {one, 2, "B", "mx1"}, {one, 3, "", ""}, {two, 1, "A", "mx2"}, {two, 2, "B", "mx1"}} {
		if id, host := tt.m.Hop(tt.n); id != tt.id || host != tt.host {
			t.Errorf("hop %d: got %s on %s, want %s on %s", tt.n, id, host, tt.id, tt.host)
		}
	}
}

func TestRedirected(t *testing.T) {
	for _, tt := range []struct {
		original, address string
		want              bool
	}{
		{"eva@example.org", "eva@elsewhere.example", true}, {"eva@example.org", "bob@EXAMPLE.org", false}, {"", "eva@elsewhere.example", false},
		{"root", "eva@elsewhere.example", false}, {"eva@example.org", "eva", false}, {"eva@example.org", "eva@", false},
	} {
		if r := (&Recipient{Original: tt.original, Address: tt.address}); r.Redirected() != tt.want {
			t.Errorf("%s to %s: got %v, want %v", tt.original, tt.address, !tt.want, tt.want)
		}
	}
}
