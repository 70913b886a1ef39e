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

// What is said of the subjects and senders of many messages is true of all of them: none without a subject has it, and no number of senders
// is estimated to be more than the messages.
func TestSecondaryTellsOfAll(t *testing.T) {
	const subject = "one subject in all of them"
	at := mail.InstantOf(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))
	for _, tt := range []struct {
		n, titled, senders int
		said, differ       bool
	}{
		{20, 20, 20, true, true}, {20, 19, 20, false, true}, {1, 1, 1, false, false}, {20, 20, 10, true, false},
		{70, 0, 70, false, true}, {300, 0, 300, false, true}, {300, 0, 60, false, false},
		{1000, 1000, 1000, true, true}, {1000, 999, 1, false, false},
	} {
		w := newSecondaryWatch(&Pass{Thresholds: DefaultThresholds()})
		ip := netip.MustParseAddr("203.0.113.9")
		for i := range tt.n {
			m := mail.Message{Origin: mail.Origin{Line: int64(i + 1)}, Time: at.Add(time.Duration(i) * time.Minute), Line: "line", Host: "mx2", Hosts: []string{"mx2"},
				Client: mail.Client{IP: ip}, Sender: fmt.Sprintf("s@d%d.example", i%tt.senders), Recipients: []mail.Recipient{{Address: fmt.Sprintf("r@x%d.example", i)}}}
			if i < tt.titled {
				m.Subject = "Software"
			}
			w.Message(&m)
			w.lives("mx1", m.Time)
		}
		g := guest{visitorHost: visitorHost{hostNetwork(ip), "mx2"}}
		g.add(ip, w.visitors.Find(visitor{ip, "mx2"}))
		var f Finding
		g.fill(&f)
		if said := len(f.Facts) > 0 && f.Facts[0].Text == subject; said != tt.said {
			t.Errorf("%d of %d with a subject: said %v", tt.titled, tt.n, said)
		}
		if got := f.Counts; got.Senders > tt.n || got.RecipientDomains > tt.n || tt.n < sketchSize && (got.Senders != tt.senders || got.RecipientDomains != tt.n) {
			t.Errorf("%d messages of %d senders: counted %+v", tt.n, tt.senders, got)
		}
		if whole := tt.n <= visitMinutes; (len(f.Timeline) == tt.n) != whole {
			t.Errorf("%d minutes: %d are told", tt.n, len(f.Timeline))
		}
		site := &Site{First: at, Last: at.Add(24 * time.Hour), Roles: map[string]RoleOf{"mx2": {Role: Secondary}}}
		judged, ok := w.judge(site, &g, 0.01)
		if ok != (tt.n >= 4) || says(&judged, "all-senders-differ") != tt.differ {
			t.Errorf("%d messages of %d senders: %v, %v", tt.n, tt.senders, ok, judged.Reasons)
		}
		if _, ok := w.judge(site, &g, 0.99); ok && tt.n < 600 { // everybody comes that way
			t.Errorf("%d messages to the secondary are told, though all others come there, too", tt.n)
		}
	}
}
