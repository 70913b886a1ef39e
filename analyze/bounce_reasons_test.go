package analyze

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// Each reason of bounces, complaints and damaged lists is given in the scene that has it, and not in a scene that differs in one
// point only.
func TestBounceReasons(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	arrived := func(n int) ([]mail.Message, []mail.Event) { // bounces for an address of ours that never wrote
		return some(n, monday.at(3, 0, 0), 4*time.Second, func(i int, m *mail.Message) {
			stranger(m, fmt.Sprintf("198.51.%d.7", i%200), fmt.Sprintf("mx.v%d.example", i%200))
			m.Sender = mail.NullSender
			to(m, "qx@site.example", mail.Bounced)
		}), nil
	}
	asked := func(name string) ([]mail.Message, []mail.Event) { // names that nobody has, by one client
		return nil, rejects(60, monday.at(3, 0, 0), 2*time.Second, func(i int, ev *mail.Event) {
			ev.Client, ev.Sender, ev.Recipient, ev.DSN = client("185.234.216.59", name, "x"), mail.NullSender, fmt.Sprintf("nobody%d@site.example", i), "5.1.1"
		})
	}
	sent := func(domain string) ([]mail.Message, []mail.Event) { // notices to addresses that are not there
		return some(1000, monday.at(3, 0, 0), 2*time.Second, func(i int, m *mail.Message) {
			m.Notice, m.Sender = true, mail.NullSender
			to(m, fmt.Sprintf("v%d@%s", i, domain), mail.Bounced)
		}), nil
	}
	made := func(clients int) ([]mail.Message, []mail.Event) { // notices about what so many clients sent, in names that were drawn
		random := rand.New(rand.NewPCG(7, 8))
		causes := some(1000, monday.at(3, 0, 0), 2*time.Second, func(i int, m *mail.Message) {
			stranger(m, fmt.Sprintf("41.9.%d.7", i%clients), "")
			name := make([]byte, 10)
			for j := range name {
				name[j] = byte('a' + random.IntN(26))
			}
			m.Sender = fmt.Sprintf("%s@v%d.example", name, i)
			to(m, fmt.Sprintf("nobody%d@site.example", i), mail.Bounced)
		})
		return append(causes, some(1000, monday.at(3, 0, 1), 2*time.Second, func(i int, m *mail.Message) {
			m.Notice, m.Sender, m.Parent, m.QueueIDs = true, mail.NullSender, causes[i].QueueIDs[0], []string{fmt.Sprint("N", i)}
			to(m, causes[i].Sender, mail.Bounced)
		})...), nil
	}
	limited := func(providers int) ([]mail.Message, []mail.Event) {
		return some(60, monday.at(9, 0, 0), 20*time.Second, func(i int, m *mail.Message) {
			m.Account, m.Sender, m.Client = user(7), user(7), client("198.18.0.9", "", "")
			p := i % providers
			m.Recipients = []mail.Recipient{{Address: fmt.Sprintf("to%d@p%d.example", i, p), Disposition: mail.Bounced, Relay: fmt.Sprintf("mx.p%d.example", p),
				RelayIP: netip.MustParseAddr("203.0.113.7"), Time: m.Time, DSN: "5.7.0", Reply: "550 5.7.0 too many messages from you"}}
		}), nil
	}
	list := func(right int, others bool) ([]mail.Message, []mail.Event) { // four damaged addresses, and so many that are right
		messages := some(right, monday.at(7, 0, 0), 3*time.Minute, func(i int, m *mail.Message) {
			stranger(m, "212.3.4.5", "mail.customer.example")
			m.Sender = "orders@customer.example"
			to(m, user(i%200), mail.Delivered)
		})
		ips := []string{"212.3.4.5"}
		if others {
			ips = append(ips, "41.9.9.9")
		}
		return messages, rejects(4*len(ips), monday.at(8, 0, 0), time.Hour, func(i int, ev *mail.Event) {
			ev.Client, ev.Sender = client(ips[i/4], "", ""), "orders@customer.example"
			ev.Recipient, ev.DSN = "smtp"+user(i%4), "5.1.1"
		})
	}
	type mails = func() ([]mail.Message, []mail.Event)
	for _, tt := range []struct {
		code           string
		detector       Detector
		has, neighbour mails
	}{
		{"not-ours", backscatter, func() ([]mail.Message, []mail.Event) { return arrived(300) }, func() ([]mail.Message, []mail.Event) { return arrived(40) }},
		{"not-ours", backscatter, func() ([]mail.Message, []mail.Event) { return made(1) }, func() ([]mail.Message, []mail.Event) { return made(200) }},
		{"names-tried", backscatter, func() ([]mail.Message, []mail.Event) { return asked("") }, func() ([]mail.Message, []mail.Event) { return asked("mail.big.example") }},
		{"own-domains", backscatter, func() ([]mail.Message, []mail.Event) { return sent("site.example") }, func() ([]mail.Message, []mail.Event) { return sent("far.example") }},
		{"one-strict-provider", reputation, func() ([]mail.Message, []mail.Event) { return limited(2) }, func() ([]mail.Message, []mail.Event) { return limited(3) }},
		{"mostly-right", mangled, func() ([]mail.Message, []mail.Event) { return list(40, true) }, func() ([]mail.Message, []mail.Event) { return list(39, true) }},
		{"shared-list", mangled, func() ([]mail.Message, []mail.Event) { return list(9, true) }, func() ([]mail.Message, []mail.Event) { return list(9, false) }},
	} {
		for want, mails := range map[bool]mails{true: tt.has, false: tt.neighbour} {
			limits := DefaultThresholds()
			limits.Score.Low = -1 // also what is too weak to be told
			e := newTwiceTold(t, &Pass{Thresholds: limits}, []Detector{tt.detector})
			day := honestDay(1500)
			for i := range day {
				day[i].Time = day[i].Time.Add(24 * time.Hour)
				e.Message(&day[i])
			}
			messages, events := mails()
			for i := range messages {
				e.Message(&messages[i])
			}
			for i := range events {
				e.Event(&events[i])
			}
			findings, _ := e.Findings()
			got, all := false, []Reason(nil)
			for i := range findings {
				got, all = got || says(&findings[i], tt.code), append(all, findings[i].Reasons...)
			}
			if got != want || len(findings) == 0 {
				t.Errorf("%s: got %v, want %v: %v", tt.code, got, want, all)
			}
		}
	}
}

// A storm of bounces to made-up names in our domain is reported once, with all that arrived; one to a single address is reported
// for that address.
func TestStormOfMadeUpNames(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	for names, want := range map[int]Subject{40: {SenderDomain, "site.example"}, 1: {Sender, "made-up0@site.example"}} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds()}, []Detector{backscatter})
		day := honestDay(1500)
		for i := range day {
			day[i].Time = day[i].Time.Add(24 * time.Hour)
			e.Message(&day[i])
		}
		for _, m := range some(600, monday.at(3, 0, 0), 4*time.Second, func(i int, m *mail.Message) {
			stranger(m, fmt.Sprintf("198.51.%d.7", i%200), fmt.Sprintf("mx.v%d.example", i%200))
			m.Sender = mail.NullSender
			to(m, fmt.Sprintf("made-up%d@site.example", i%names), mail.Bounced)
		}) {
			e.Message(&m)
		}
		findings, _ := e.Findings()
		if len(findings) != 1 || findings[0].Subject != want || findings[0].Counts.Messages != 600 {
			t.Errorf("%d names: got %d findings, want one of 600 about %v: %+v", names, len(findings), want, findings)
		}
	}
}

// Bounces to an address belong to its own storm, whatever arrived for others of its domain on other days.
func TestStormsOfOtherDays(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds()}, []Detector{backscatter})
	for i, m := range honestDay(1500) {
		m.Time = m.Time.Add(time.Duration(24+24*(i%5)) * time.Hour)
		e.Message(&m)
	}
	var want []Subject
	storm := func(day, n, names int, local string) {
		for _, m := range some(n, monday.at(3, 0, 0).Add(time.Duration(day)*24*time.Hour), 20*time.Second, func(i int, m *mail.Message) {
			stranger(m, fmt.Sprintf("198.51.%d.7", i%200), fmt.Sprintf("mx.v%d.example", i%200))
			m.Sender = mail.NullSender
			to(m, fmt.Sprintf("%s%d@site.example", local, i%names), mail.Bounced)
		}) {
			e.Message(&m)
		}
	}
	for day := range 4 {
		storm(day, 60, 1, fmt.Sprintf("victim%d-", day))
		want = append(want, Subject{Sender, fmt.Sprintf("victim%d-0@site.example", day)})
	}
	storm(4, 300, 40, "made-up")
	want = append(want, Subject{SenderDomain, "site.example"})
	findings, _ := e.Findings()
	var got []Subject
	for _, f := range findings {
		got = append(got, f.Subject)
	}
	slices.SortFunc(got, func(a, b Subject) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value)) })
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Deferred mail is tried again for days: trouble begins with the first complaint, not with the last try, and belongs to the story
// of those whose mail it is about, even if none of them sent most of it.
func TestReputationBeginsWithTheFirstTry(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	first, tried := monday.at(9, 0, 0), 40*time.Hour
	stolen := some(240, first, 20*time.Second, func(i int, m *mail.Message) {
		m.Account, m.Client = user(7+i%3), client("198.18.0.9", "", "")
		m.Sender = m.Account
		m.Recipients = []mail.Recipient{{Address: fmt.Sprintf("to%d@p%d.example", i, i%9), Disposition: mail.Bounced, Relay: fmt.Sprintf("mx.p%d.example", i%9),
			RelayIP: netip.MustParseAddr("203.0.113.7"), Time: m.Time, DSN: "5.1.1", Reply: "550 5.1.1 user unknown"}}
		if r := &m.Recipients[0]; i%4 == 0 {
			r.Disposition, r.DSN, r.Time = mail.Deferred, "4.7.0", m.Time.Add(tried)
			r.Deferral, r.DeferralAt, r.Reply = "421 4.7.0 too many messages from you, ticket 1", m.Time, "421 4.7.0 too many messages from you, ticket 99"
		}
	})
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds()}, []Detector{account, reputation})
	for i := range stolen {
		e.Message(&stolen[i])
	}
	findings, _ := e.Findings()
	told := 0
	for _, f := range findings {
		if f.Detector != reputation.Name {
			continue
		}
		told++
		if f.Start != first || f.End != stolen[236].Time.Add(tried) || f.Counts.Recipients != 60 || len(f.Accounts) != 0 {
			t.Errorf("got %v to %v, %d recipients, accounts %v", f.Start, f.End, f.Counts.Recipients, f.Accounts)
		}
		if !strings.HasSuffix(f.Title, "(rate limit 60)") {
			t.Errorf("got %q: a recipient complains once, however often he is tried", f.Title)
		}
	}
	if stories := Incidents(findings); told != 1 || len(stories) != 1 || len(stories[0].Findings) != 4 {
		t.Errorf("got %d times of trouble in %d stories %+v, want it in that of the three accounts", told, len(stories), stories)
	}
}

// Trouble that a machine made without a login belongs to the story of that machine, whatever sender in our domain it used.
func TestReputationBlamesTheClient(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{reputation})
	for i := range 60 {
		at := monday.at(9, 0, 0).Add(time.Duration(i) * time.Minute)
		m := mail.Message{Origin: mail.Origin{Line: int64(i + 1)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: at, Sender: user(i), Client: client("198.18.0.9", "", "")}
		if i%20 == 0 {
			m.Client = client("198.18.0.10", "", "") // too few to blame it
		}
		m.Recipients = []mail.Recipient{{Address: fmt.Sprintf("to%d@p%d.example", i, i%9), Disposition: mail.Bounced, DSN: "5.7.1", Time: at, Relay: fmt.Sprintf("mx.p%d.example", i%9),
			RelayIP: netip.MustParseAddr("203.0.113.7"), Reply: "554 5.7.1 blocked using zen.spamhaus.org"}}
		e.Message(&m)
	}
	findings, _ := e.Findings()
	if len(findings) != 1 || !slices.Equal(findings[0].blame, []Subject{{IP, "198.18.0.9"}, {SenderDomain, "site.example"}}) {
		t.Errorf("got %+v, want the client to be blamed", findings)
	}
}

// One message that is deferred for days is no trouble, and does not make later trouble begin earlier.
func TestReputationBeginsWhenThereIsTrouble(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds()}, []Detector{reputation})
	first := monday.at(9, 0, 0)
	for i := range 61 {
		at := first.Add(time.Duration(i) * time.Minute)
		until := at.Add(30 * time.Hour)
		if i == 0 {
			at, until = first.Add(-100*time.Hour), first.Add(-4*time.Hour)
		}
		e.Message(&mail.Message{Origin: mail.Origin{Line: int64(i + 1)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: at, Account: user(1), Sender: user(1), Client: client("198.18.0.9", "", ""),
			Recipients: []mail.Recipient{{Address: fmt.Sprintf("to%d@p%d.example", i, i%9), Disposition: mail.Deferred, DSN: "4.7.0", Time: until, Relay: fmt.Sprintf("mx.p%d.example", i%9),
				RelayIP: netip.MustParseAddr("203.0.113.7"), Reply: "421 4.7.0 too many messages from you", Deferral: "421 4.7.0 too many messages from you", DeferralAt: at}}})
	}
	findings, _ := e.Findings()
	if len(findings) != 1 || findings[0].Start != first.Add(time.Minute) || findings[0].Counts.Recipients != 60 {
		t.Errorf("got %+v, want one from %v on", findings, first.Add(time.Minute))
	}
}

// A notice to the server that handed the mail in is no backscatter: a newsletter's server learns which readers are gone. A notice
// about the same mail from a machine with another name is.
func TestNoticesToTheirOwnServer(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	for name, want := range map[string]int{"mta4.letters.example": 0, "mail.other.example": 1} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds()}, []Detector{backscatter})
		for i := range 30 {
			at, sender := monday.at(9, 0, 0).Add(time.Duration(i)*time.Second), fmt.Sprintf("bounce-%d@letters.example", i)
			m := mail.Message{Origin: mail.Origin{Line: int64(2*i + 1)}, Line: "line", Host: "mx2", Hosts: []string{"mx2"}, Time: at, QueueIDs: []string{fmt.Sprintf("A%d", i)},
				Client: client("192.0.2.77", name, ""), Sender: sender}
			to(&m, fmt.Sprintf("gone%d@club.example", i), mail.Bounced)
			e.Message(&m)
			n := mail.Message{Origin: mail.Origin{Line: int64(2*i + 2)}, Line: "line", Host: "mx2", Hosts: []string{"mx2"}, Time: at.Add(time.Second), QueueIDs: []string{fmt.Sprintf("B%d", i)},
				Parent: fmt.Sprintf("A%d", i), Notice: true, Sender: mail.NullSender}
			to(&n, sender, []mail.Disposition{mail.Delivered, mail.Bounced}[i%2])
			e.Message(&n)
		}
		if findings, _ := e.Findings(); len(findings) != want {
			t.Errorf("handed in by %s: got %+v, want %d", name, findings, want)
		}
	}
}

// A host without a name that asks for one made-up address after another with the null sender is no forger's victim; mail servers that do so
// are.
func TestProbesAreNoBounces(t *testing.T) {
	start := mail.InstantOf(time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC))
	for _, tt := range []struct {
		name, ip, host string // of the client
		subject        Subject
		title          string
	}{
		{"one host", "185.234.216.59", "", Subject{IP, "185.234.216.59"}, "185.234.216.59 looks for addresses that exist: it tried 60 names of site.example"},
		{"addresses of an IPv6 host", "2a0b:7280:100:1::%x", "", Subject{Network, "2a0b:7280:100:1::/64"}, "2a0b:7280:100:1::/64 looks for addresses that exist: it tried 60 names of site.example"},
		{"a mail server", "185.234.216.59", "mail.big.example", Subject{SenderDomain, "site.example"}, "Somebody forges mail from site.example: 60 bounces arrived for mail that was never sent from here"},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{backscatter})
		day := honestDay(500)
		for i := range day {
			e.Message(&day[i])
		}
		for _, ev := range rejects(60, start, 2*time.Second, func(i int, ev *mail.Event) {
			ip := tt.ip
			if strings.Contains(ip, "%") {
				ip = fmt.Sprintf(ip, i)
			}
			ev.Client, ev.Sender = client(ip, tt.host, "x"), mail.NullSender
			ev.Recipient, ev.DSN = fmt.Sprintf("nobody%d@site.example", i), "5.1.1"
		}) {
			e.Event(&ev)
		}
		findings, _ := e.Findings()
		if len(findings) != 1 || findings[0].Subject != tt.subject || findings[0].Title != tt.title || findings[0].Severity != Low || findings[0].Counts.Rejected != 60 {
			t.Errorf("%s: got %+v", tt.name, findings)
		}
	}
}
