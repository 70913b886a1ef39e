package analyze

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// bounceStorm is n messages of strangers, each from an address of its own, for recipients who are not there, and the bounces to
// their senders, which nobody can be given either. change makes the i-th of them another one.
func bounceStorm(n int, gap time.Duration, change func(i int, cause, notice *mail.Message)) []mail.Message {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	causes := some(n, monday.at(3, 0, 0), gap, func(i int, m *mail.Message) {
		stranger(m, fmt.Sprintf("41.9.%d.7", i), "")
		m.Sender = fmt.Sprintf("anna.berg%d@v%d.example", i, i)
		to(m, fmt.Sprintf("nobody%d@site.example", i), mail.Bounced)
	})
	notices := some(n, monday.at(3, 0, 1), gap, func(i int, m *mail.Message) {
		m.Notice, m.Sender, m.Parent, m.QueueIDs = true, mail.NullSender, causes[i].QueueIDs[0], []string{fmt.Sprint("N", i)}
		to(m, causes[i].Sender, mail.Bounced)
		if change != nil {
			change(i, &causes[i], m)
		}
	})
	return append(causes, notices...)
}

// stormFound is what is found of a storm beside a day of honest mail, be it ever so weak.
func stormFound(t *testing.T, storm []mail.Message) []Finding {
	limits := DefaultThresholds()
	limits.Score.Low = -1
	e := newTwiceTold(t, &Pass{Thresholds: limits, Local: []string{"site.example"}}, []Detector{backscatter})
	day := honestDay(1500)
	for i := range day {
		day[i].Time = day[i].Time.Add(24 * time.Hour)
		e.Message(&day[i])
	}
	for i := range storm {
		e.Message(&storm[i])
	}
	findings, _ := e.Findings()
	return findings
}

// Each sign of a storm is told where it is, and not where it almost is.
func TestStormReasons(t *testing.T) {
	type change = func(i int, cause, notice *mail.Message)
	delivered := func(from int) change {
		return func(i int, cause, notice *mail.Message) {
			if i >= from {
				to(notice, cause.Sender, mail.Delivered)
			}
		}
	}
	domains := func(n int) change {
		return func(i int, _, notice *mail.Message) {
			to(notice, fmt.Sprintf("anna.berg%d@v%d.example", i, min(i, n-1)), mail.Bounced)
		}
	}
	oneClient := func(n int) change {
		return func(i int, cause, _ *mail.Message) {
			if i < n {
				stranger(cause, "203.0.113.9", "")
			}
		}
	}
	names := func(name string) change {
		return func(i int, _, notice *mail.Message) {
			to(notice, fmt.Sprintf("%s@v%d.example", strings.Repeat(name, 1+i%2), i), mail.Bounced)
		}
	}
	for _, tt := range []struct {
		code           string
		has, neighbour []mail.Message
	}{
		{"notices-to-strangers", bounceStorm(5, time.Second, nil), nil},
		{"senders-forged", bounceStorm(100, time.Second, delivered(25)), bounceStorm(100, time.Second, delivered(24))},
		{"all-domains-differ", bounceStorm(100, time.Second, domains(80)), bounceStorm(100, time.Second, domains(79))},
		{"at-once", bounceStorm(100, 4*time.Minute, nil), bounceStorm(100, 5*time.Minute, nil)},
		{"one-client", bounceStorm(100, time.Second, oneClient(25)), bounceStorm(100, time.Second, oneClient(24))},
		{"random-addressees", bounceStorm(100, time.Second, names("qzxkvwjpqg")), bounceStorm(100, time.Second, names("anna.berg"))},
	} {
		for want, storm := range map[bool][]mail.Message{true: tt.has, false: tt.neighbour} {
			found := stormFound(t, storm)
			got := slices.ContainsFunc(found, func(f Finding) bool { return says(&f, tt.code) })
			if got != want || len(storm) > 0 && len(found) != 1 {
				t.Errorf("%s: got %v, want %v: %d findings", tt.code, got, want, len(found))
			}
		}
	}
}

// One correspondent with a broken address makes many bounces, and four are none.
func TestNoStorm(t *testing.T) {
	few := func(i int, cause, notice *mail.Message) {
		cause.Sender = fmt.Sprintf("anna.berg%d@v.example", i%4)
		to(notice, cause.Sender, mail.Bounced)
	}
	for name, storm := range map[string][]mail.Message{"four": bounceStorm(4, time.Second, nil), "forty to four": bounceStorm(40, time.Second, few)} {
		if found := stormFound(t, storm); len(found) != 0 {
			t.Errorf("%s bounces: %+v", name, found)
		}
	}
}

// The title says whom most of the bounces hit, and the account of which most of the mail was is named.
func TestStormIsTold(t *testing.T) {
	ours := func(n int) func(i int, cause, notice *mail.Message) {
		return func(i int, _, notice *mail.Message) {
			if i < n {
				to(notice, fmt.Sprintf("gone%d@%ssite.example", i, []string{"", "www."}[i%2]), mail.Bounced)
			}
		}
	}
	for n, want := range map[int]string{51: "host mx1 wrote 100 bounces to addresses of ours that do not exist", 50: "host mx1 sent 100 bounces to people who never wrote: 100 could not be delivered"} {
		if found := stormFound(t, bounceStorm(100, time.Second, ours(n))); len(found) != 1 || found[0].Title != want {
			t.Errorf("%d of ours: got %+v, want %s", n, found, want)
		}
	}
	// A customer whose mail we relay wrote what bounces.
	taken := func(n int) func(i int, cause, notice *mail.Message) {
		return func(i int, _, notice *mail.Message) {
			if i < n {
				to(notice, notice.Recipients[0].Address, mail.Delivered)
			}
		}
	}
	for n, want := range map[int]string{76: "host mx1 sent 100 bounces to strangers: 24 could not be delivered", 75: "host mx1 sent 100 bounces to people who never wrote: 25 could not be delivered"} {
		if found := stormFound(t, bounceStorm(100, time.Second, taken(n))); len(found) != 1 || found[0].Title != want {
			t.Errorf("%d taken: got %+v, want %s", n, found, want)
		}
	}
	by := func(n int) func(i int, cause, notice *mail.Message) {
		return func(i int, cause, _ *mail.Message) {
			if i < n {
				cause.Account = user(7)
			}
		}
	}
	for n, want := range map[int][]string{51: {user(7)}, 50: nil} {
		found := stormFound(t, bounceStorm(100, time.Second, by(n)))
		if len(found) != 1 || !slices.Equal(found[0].Accounts, want) || len(found[0].Clients) != 100-n {
			t.Errorf("%d of an account: got %+v, want %v", n, found, want)
		}
	}
}

// The bounces of a storm that are still in the queue are named where one client or account caused several of which most could not be
// delivered: what waits beside them may be an honest sender's.
func TestStormNamesWhatWaits(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		caused, delivered    int // by one client, and of these
		byAccount, elsewhere bool
		want                 []string
	}{
		{"three of one client", 3, 1, false, false, []string{"N1@mx1", "N2@mx1"}},
		{"two of one client", 2, 0, false, false, nil},
		{"most of them delivered", 8, 5, false, false, nil},
		{"of an account with many addresses", 4, 2, true, false, []string{"N2@mx1", "N3@mx1"}},
		{"where another host has them", 3, 1, false, true, []string{"N1@relay", "N2@relay"}},
	} {
		found := stormFound(t, bounceStorm(20, time.Second, func(i int, cause, notice *mail.Message) {
			to(notice, cause.Sender, mail.Deferred)
			notice.Completed = false
			if tt.elsewhere {
				notice.HopHosts = []string{"relay"}
			}
			if i >= tt.caused {
				return
			}
			if tt.byAccount {
				cause.Account = user(7)
			} else {
				stranger(cause, "203.0.113.9", "")
			}
			if i < tt.delivered {
				to(notice, cause.Sender, mail.Delivered)
				notice.Completed = true
			}
		}))
		if len(found) != 1 {
			t.Fatalf("%s: %d findings", tt.name, len(found))
		}
		var got []string
		for i, id := range found[0].NoticeIDs {
			got = append(got, id+"@"+found[0].NoticeHosts[i])
		}
		if !slices.Equal(got, tt.want) || found[0].Notices != len(tt.want) {
			t.Errorf("%s: got %v and %d, want %v", tt.name, got, found[0].Notices, tt.want)
		}
	}
}

// What selects the bounces of a storm leaves out each honest one that the same host sent meanwhile; where they are too many to be named, there
// is nothing that selects the storm alone.
func TestStormIsSelectedWithoutHonestBounces(t *testing.T) {
	at := mail.InstantOf(time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC))
	for n, want := range map[int]int{0: 0, 1: 1, 101: 101, signatureClients: signatureClients, signatureClients + 1: -1} {
		w := newBackscatterWatch(&Pass{Thresholds: DefaultThresholds()})
		sent := func(host, to string, at mail.Instant) {
			w.out = append(w.out, bounceOut{Evidence{Time: at}, host, to, mail.Bounced, "", ""})
		}
		for i := range n {
			sent("mx1", fmt.Sprint("root", i), at) // no address: of a user here
		}
		sent("mx2", "other-host", at)
		sent("mx1", "later", at.Add(2*time.Hour))
		sent("mx1", "earlier", at.Add(-2*time.Hour))
		sent("mx1", "stranger@v.example", at)
		terms := w.termsOfSent(new(Site), "mx1", &Finding{Start: at.Add(-time.Hour), End: at.Add(time.Hour)})
		got := strings.Count(strings.Join(terms, " "), `"`) / 2
		if terms == nil {
			got = -1
		}
		if got != want {
			t.Errorf("%d honest: %d are left out, want %d", n, got, want)
		}
	}
}

// Bounces for more addresses of a domain than can be named are selected by the domain.
func TestTermOfArrived(t *testing.T) {
	for n, want := range map[int]string{2: `any(recipients, lower(#) in ["a0@site.example", "a1@site.example"])`, namedBounces + 1: `"site.example" in recipient_domains`} {
		var to Tally
		for i := range n {
			to.Add(fmt.Sprintf("A%d@site.example", i), 1)
		}
		if got := termOfArrived(Subject{SenderDomain, "site.example"}, &to); got != want {
			t.Errorf("%d addresses: got %s, want %s", n, got, want)
		}
	}
}
