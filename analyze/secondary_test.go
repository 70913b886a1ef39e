package analyze

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"mailforensics/mail"
)

// TestSecondaryCounts: every recipient is counted by what became of it, and of many senders and domains the number is true,
// although few names are kept; in two parts, too.
func TestSecondaryCounts(t *testing.T) {
	ip := netip.MustParseAddr("203.0.113.9")
	at := mail.InstantOf(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))
	became := []mail.Disposition{mail.Delivered, mail.Bounced, mail.Deferred, mail.Expired, mail.Held, mail.Discarded}
	tell := func(watches ...*secondaryWatch) (f Finding) {
		for i := range 24 {
			watches[i%len(watches)].Message(&mail.Message{
				Origin: mail.Origin{Line: int64(i + 1)}, Time: at.Add(time.Duration(i) * time.Minute), Line: fmt.Sprintf("line %d", i+1), Host: "mx2", Hosts: []string{"mx2"},
				Client: mail.Client{IP: ip, Name: "unknown"}, Sender: fmt.Sprintf("s%02d@one.example", i%12),
				Recipients: []mail.Recipient{{Address: fmt.Sprintf("r@d%02d.example", i%20), Disposition: became[i%len(became)]}},
			})
		}
		for _, w := range watches[1:] {
			watches[0].Merge(w)
		}
		var g guest
		g.add(ip, watches[0].visitors.Find(visitor{ip, "mx2"}))
		g.fill(&f)
		return f
	}
	watch := func() *secondaryWatch { return newSecondaryWatch(&Pass{Thresholds: DefaultThresholds()}) }
	f := tell(watch())
	want := Counts{Messages: 24, Recipients: 24, Delivered: 4, Bounced: 4, Deferred: 4, Expired: 4, Held: 4, Discarded: 4, Senders: 12, RecipientDomains: 20, Clients: 1}
	if f.Counts != want {
		t.Errorf("counts\n got %+v\nwant %+v", f.Counts, want)
	}
	if len(f.Senders) != visitNames || f.Senders[0] != (Count{"s00@one.example", 2}) {
		t.Errorf("senders %v, want %d, the first twice", f.Senders, visitNames)
	}
	if f.RecipientDomains[0] != (Count{"d00.example", 2}) || f.RecipientDomains[len(f.RecipientDomains)-1] != (Count{"d07.example", 1}) {
		t.Errorf("domains %v, want those first that come most", f.RecipientDomains)
	}
	if parts := tell(watch(), watch()); !reflect.DeepEqual(f, parts) {
		t.Errorf("in two parts\n got %+v\nwant %+v", parts, f)
	}
}

// TestSketch: exact up to its size, near the truth beyond it.
func TestSketch(t *testing.T) {
	for _, n := range []int{0, 1, sketchSize - 1, 1000, 50_000} {
		var s sketch
		for i := range n {
			s.add(fmt.Sprintf("user%d@example.org", i))
			s.add(fmt.Sprintf("user%d@example.org", i/2))
		}
		got, most := s.distinct(), 0
		if n >= sketchSize {
			most = n / 3 // three standard errors
		}
		if got < n-most || got > n+most {
			t.Errorf("%d values: counted %d", n, got)
		}
	}
}

// The primary was up if it was for most of the visits: half of them are not most.
func TestPrimaryUp(t *testing.T) {
	at := mail.InstantOf(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))
	site := &Site{Roles: map[string]RoleOf{"mx2": {Role: Secondary}}}
	for alive, want := range map[int]bool{0: false, 5: false, 6: true, 10: true} {
		w := newSecondaryWatch(&Pass{Thresholds: DefaultThresholds()})
		v := visits{messages: 10, passage: &passage{}}
		for i := range 10 {
			visit := at.Add(time.Duration(i) * time.Hour)
			v.took.add(Bucket{Time: visit, Messages: 1})
			w.lives("mx2", visit) // the secondary itself is no primary
			if i < alive {
				w.lives("mx1", visit.Add(4*time.Minute))
			} else {
				w.lives("mx1", visit.Add(7*time.Minute))
			}
		}
		if got := w.primaryUp(site, "mx2", &v); got != want {
			t.Errorf("up at %d of 10 visits: got %v, want %v", alive, got, want)
		}
	}
}
