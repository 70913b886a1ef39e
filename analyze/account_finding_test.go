package analyze

import (
	"net/netip"
	"testing"

	"mailforensics/mail"
)

// If mail came through several webmail hosts, the one with the most messages is named, in every run.
func TestViaIsTheHostWithMost(t *testing.T) {
	site := &Site{Own: make(map[netip.Addr]Known)}
	b := newBatch()
	b.clients = make(map[netip.Addr]*ClientCount)
	ip := netip.MustParseAddr("192.0.2.1")
	for i, name := range []string{"c.example", "b.example", "a.example", "d.example"} {
		n := 10
		if i == 3 {
			n = 9
		}
		site.Own[ip] = Known{}
		b.clients[ip] = &ClientCount{Client: mail.Client{IP: ip, Name: name}, Messages: n}
		b.Counts.Messages += n
		ip = ip.Next()
	}
	c := &compromise{baseline: &baseline{q: &accountInquiry{site: site}}, batch: b}
	for range 50 {
		if way, name := c.via(); way != "webmail" || name != "a.example" {
			t.Fatalf("got %s by %s", way, name)
		}
	}
}
