package mail

import (
	"strings"
	"testing"
)

// What is remembered changes nothing: neither a text that is the beginning of the next one, nor another process in the same place.
func TestRecentClients(t *testing.T) {
	texts := []string{
		"mail.example.net[192.0.2.10]", "mail.example.net[192.0.2.10]: x", "mail.example.net[192.0.2.10]:25", "mail.example.net[192.0.2.10]:2525 y",
		"mail.example.net[192.0.2.1]", "mail.example.net[192.0.2.100]", "mail.example.net[192.0.2.10", "mail.example.net[192.0.2.10x]",
		"unknown[192.0.2.10]", "unknown[unknown]", "[192.0.2.66]:50623: 550", "mail.example.net[2001:db8::25]:50122", "", "evil x[192.0.2.1]",
		strings.Repeat("long.", 20) + "example[192.0.2.7]", strings.Repeat("l", 67) + "[192.0.2.7]", strings.Repeat("l", 68) + "[192.0.2.7]",
	}
	var recent RecentClients
	for _, first := range texts {
		for _, second := range texts {
			for i, s := range []string{first, second, second, first} {
				var got, want Client
				rest, ok := recent.Cut(s, 4711+64*(i%2), &got)
				wantRest, wantOK := want.Cut(s)
				if got != want || rest != wantRest || ok != wantOK {
					t.Errorf("%q after %q: got %+v %q %v, want %+v %q %v", s, first, got, rest, ok, want, wantRest, wantOK)
				}
			}
		}
	}
}

func TestRecentClientsAllocateNothing(t *testing.T) {
	var recent RecentClients
	var c Client
	n := testing.AllocsPerRun(10, func() {
		recent.Cut("a.example[192.0.2.1]", 7, &c)
		recent.Cut("b.example[192.0.2.2]", 7, &c)
		recent.Cut("b.example[192.0.2.2]", 7, &c)
	})
	if n != 0 {
		t.Errorf("got %v allocations", n)
	}
}
