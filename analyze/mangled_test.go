package analyze

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// Two machines that write to damaged addresses within an hour are related, even if they share no address; on another day, or with
// one wrong address, they are not.
func TestMangledListsOfOneHour(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	for _, tt := range []struct {
		after time.Duration
		n     int
		want  int
	}{{8 * time.Minute, 5, 1}, {20 * time.Hour, 5, 0}, {8 * time.Minute, 1, 0}} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{mangled})
		day := honestDay(1500)
		for i := range day {
			e.Message(&day[i])
		}
		for k, ip := range []string{"41.9.9.9", "212.3.4.5"} {
			n, start := 5, monday.at(8, 0, 0)
			if k > 0 {
				n, start = tt.n, start.Add(tt.after)
			}
			for _, ev := range rejects(n, start, time.Minute, func(i int, ev *mail.Event) {
				ev.Client, ev.Sender = client(ip, "", ""), fmt.Sprintf("x%d@y%d-%d.example", i, i, k)
				ev.Recipient, ev.DSN = "smtp"+user(20*k+i), "5.1.1"
			}) {
				e.Event(&ev)
			}
		}
		findings, _ := e.Findings()
		if len(findings) == 0 || len(findings[0].Related) != tt.want || len(Incidents(findings)) != len(findings)-tt.want {
			t.Errorf("%d after %v: got %+v, want %d related", tt.n, tt.after, findings, tt.want)
		}
	}
}

// A host that takes a new IPv6 address of its /64 for every attempt is one client. A provider's servers that share a /64, and whose
// customers mistype, are not told: most of what comes from there is right.
func TestMangledFromAnIPv6Host(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	for _, right := range []int{0, 200} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{mangled})
		day := honestDay(1500)
		for i := range day {
			e.Message(&day[i])
		}
		for _, m := range some(right, monday.at(8, 0, 0), time.Minute, func(i int, m *mail.Message) {
			m.Client, m.Sender = client(fmt.Sprintf("2a0b:7280:100:1::%x", i), "mail.big.example", ""), "friend@big.example"
			m.Recipients = []mail.Recipient{{Address: user(i % 40), Disposition: mail.Delivered, Local: true}}
		}) {
			e.Message(&m)
		}
		for _, ev := range rejects(12, monday.at(9, 0, 0), time.Minute, func(i int, ev *mail.Event) {
			ev.Client, ev.Sender = client(fmt.Sprintf("2a0b:7280:100:1::a:%x", i), "", ""), fmt.Sprintf("x%d@y%d.example", i, i)
			ev.Recipient, ev.DSN = "smtp"+user(20+i%10), "5.1.1"
		}) {
			e.Event(&ev)
		}
		findings, _ := e.Findings()
		if right > 0 {
			if len(findings) > 0 && findings[0].Severity > Low {
				t.Errorf("a provider: got %+v, want at most low", findings)
			}
			continue
		}
		if len(findings) != 1 || findings[0].Subject != (Subject{Network, "2a0b:7280:100:1::/64"}) || findings[0].Severity != Medium ||
			len(findings[0].Mangled) != 10 || findings[0].Counts.Rejected != 12 || len(findings[0].Clients) != 12 {
			t.Errorf("got %+v, want one network with 10 damaged addresses, 12 attempts from 12 addresses", findings)
		}
	}
}

// The primary refuses some of a damaged list, and asks the secondary to come back with the rest because the senders' domains do not exist: all
// of it is told once the list is known to be damaged, an address that it waits with and another host had bounced counts as proof, and what
// waits alone proves nothing.
func TestMangledThatWaits(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	for _, tt := range []struct {
		bounced, told, waiting int
	}{{3, 10, 7}, {0, 0, 0}} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{mangled})
		day := honestDay(1500)
		for i := range day {
			e.Message(&day[i])
		}
		for _, m := range some(10, monday.at(8, 0, 0), time.Minute, func(i int, m *mail.Message) {
			m.Client, m.Sender = client("41.9.9.9", "", ""), fmt.Sprintf("x%d@y%d.example", i, i)
			r := mail.Recipient{Address: "smtp" + user(20+i), Disposition: mail.Deferred, DSN: "4.1.8", Relay: "192.0.2.10"}
			if i < tt.bounced {
				r.Disposition, r.DSN = mail.Bounced, "5.1.1"
			}
			m.Recipients = []mail.Recipient{r}
		}) {
			e.Message(&m)
		}
		findings, _ := e.Findings()
		told, waiting := 0, 0
		for _, f := range findings {
			told += len(f.Mangled)
			waiting += f.Counts.Deferred
		}
		if told != tt.told || waiting != tt.waiting {
			t.Errorf("%d bounced: got %d damaged addresses, %d of them waiting, want %d and %d: %+v", tt.bounced, told, waiting, tt.told, tt.waiting, findings)
		}
	}
}

// What strangers guess everywhere (sales@, anna@) is no damaged form of what happens to end like it (morales@, hanna@), though two networks try
// it, but beside plain damage; what nobody is called is one.
func TestMangledOrdinaryNames(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	for tried, want := range map[string]int{
		"sales": 0, "anna lena": 0, "orales": 1, "smtpmorales": 1, "sales orales": 2, "sales anna orales": 3,
		"sales anna lena orales": 0, // mostly names
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{mangled})
		day := honestDay(1500)
		for i := range day {
			if i%3 == 0 {
				to(&day[i], []string{"morales", "hanna", "helena"}[i/3%3]+"@site.example", mail.Delivered)
			}
			e.Message(&day[i])
		}
		names := strings.Fields(tried)
		for k := range 3 {
			for _, ev := range rejects(len(names), monday.at(8, k, 0), 3*time.Minute, func(i int, ev *mail.Event) {
				ev.Client, ev.Sender = client(fmt.Sprintf("41.%d.9.9", 60*k), "", ""), "info@names.example"
				ev.Recipient, ev.DSN = names[i]+"@site.example", "5.1.1"
			}) {
				e.Event(&ev)
			}
		}
		findings, _ := e.Findings()
		got := 0
		if len(findings) > 0 {
			got = len(findings[0].Mangled)
		}
		if got != want || want > 0 && len(findings) != 3 {
			t.Errorf("%s: got %d damaged addresses in %d findings, want %d in 3", tried, got, len(findings), want)
		}
	}
}

// A dictionary attack by many machines, of which each tries ten names: where last@ is known, some of its first names and last names look
// damaged, and some machines have three of these by chance. Whoever has far more is told beside it; and a damaged list is told that as many
// machines share.
func TestMangledByChance(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	const machines, each = 120, 10
	for _, tt := range []struct {
		name            string
		damaged, beside float64 // share of the names that look damaged: of the machines', of one more machine's
		found           int     // at least
		most            int
	}{
		{"a dictionary", 0.1, 0.1, 0, 0},
		{"a dictionary, and a damaged list", 0.1, 0.9, 1, 1},
		{"one damaged list", 0.6, 0.6, machines / 2, machines + 1},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{mangled})
		day := honestDay(1500)
		for i := range day {
			e.Message(&day[i])
		}
		for k := range machines + 1 {
			share := tt.damaged
			if k == machines {
				share = tt.beside
			}
			for _, ev := range rejects(each, monday.at(8, k, 0), 3*time.Minute, func(i int, ev *mail.Event) {
				ev.Client, ev.Sender = client(fmt.Sprintf("41.%d.9.9", k), "", ""), "info@names.example"
				ev.Origin.Line += int64(each * k)
				if ev.Recipient, ev.DSN = fmt.Sprintf("karl.%d.%d@site.example", k, i), "5.1.1"; rng.Float64() < share {
					ev.Recipient = "karl" + user(rng.IntN(40))
				}
			}) {
				e.Event(&ev)
			}
		}
		findings, _ := e.Findings()
		if n := len(findings); n < tt.found || n > tt.most {
			t.Errorf("%s: got %d findings, want %d to %d: %+v", tt.name, n, tt.found, tt.most, findings)
		}
	}
}

// A list server whose list a program damaged is told from a spammer with a server of his own by senders that contain the recipient, or by how
// often it is right. Its servers in two networks are one hand; two organisations with one damaged list are not.
func TestMangledListOfItsOwner(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	const verp, plain = "news-bounces+%s@lists.club.example", "news@club.example"
	for _, tt := range []struct {
		name   string
		hosts  []string
		sender string
		right  int // messages, for each host
		want   Severity
	}{
		{"who wants to know about bounces", []string{"out1.lists.club.example"}, verp, 12, Low},
		{"in two networks", []string{"out1.lists.club.example", "out2.lists.club.example"}, verp, 12, Low},
		{"that is mostly right", []string{"mail.club.example"}, plain, 60, Low},
		{"that is often wrong", []string{"mail.club.example"}, plain, 30, Medium},
		{"of a customer's line", []string{"dsl-203-0-113-9.pool.club.example"}, verp, 12, Medium},
		{"in the name of others", []string{"mail.bargains.example"}, verp, 12, Medium},
		{"of two organisations", []string{"out1.lists.club.example", "mail.bargains.example"}, plain, 12, High},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{mangled})
		day := honestDay(1500)
		for i := range day {
			e.Message(&day[i])
		}
		for k, host := range tt.hosts {
			from := client(fmt.Sprintf("203.0.%d.9", 113+k), host, "")
			sender := func(recipient string) string {
				return strings.ReplaceAll(tt.sender, "%s", strings.Replace(recipient, "@", "=", 1))
			}
			for _, m := range some(tt.right, monday.at(8, 0, 0), time.Minute, func(i int, m *mail.Message) {
				m.Client, m.Sender = from, sender(user(40+i))
				to(m, user(40+i), mail.Delivered)
			}) {
				e.Message(&m)
			}
			for _, ev := range rejects(10, monday.at(9, 0, 0), time.Minute, func(i int, ev *mail.Event) {
				ev.Client, ev.Recipient, ev.DSN = from, "smtp"+user(20+i), "5.1.1"
				ev.Sender = sender(ev.Recipient)
			}) {
				e.Event(&ev)
			}
		}
		findings, _ := e.Findings()
		if len(findings) != len(tt.hosts) || findings[0].Severity != tt.want {
			t.Errorf("%s: got %+v, want %v", tt.name, findings, tt.want)
			continue
		}
		if got := says(&findings[0], "own-mailing"); got != (tt.want == Low) {
			t.Errorf("%s: own mailing: %v", tt.name, got)
		}
	}
}

// A message to three damaged addresses is one message to three recipients; what expired did not bounce.
func TestMangledCountsMessagesOnce(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{mangled})
	day := honestDay(1500)
	for i := range day {
		e.Message(&day[i])
	}
	for _, m := range some(4, monday.at(8, 0, 0), time.Minute, func(i int, m *mail.Message) {
		m.Client, m.Sender, m.Recipients = client("41.9.9.9", "", ""), "x@y.example", nil
		fail := func(to string, d mail.Disposition) {
			m.Recipients = append(m.Recipients, mail.Recipient{Address: to, Disposition: d})
		}
		fail("smtp"+user(3*i), mail.Bounced)
		fail("zqw@site.example", mail.Bounced) // nobody's
		if i < 3 {
			fail("smtp"+user(3*i+1), mail.Expired)
			fail("smtp"+user(3*i+2), mail.Bounced)
		}
	}) {
		e.Message(&m)
	}
	findings, _ := e.Findings()
	if len(findings) != 1 {
		t.Fatalf("got %+v", findings)
	}
	f, told := &findings[0], 0
	for _, b := range f.Timeline {
		told += b.Messages
	}
	want := Counts{Messages: 4, Recipients: 10, Bounced: 7, Expired: 3, Senders: 1, RecipientDomains: 1, Clients: 1}
	if f.Counts != want || f.Clients[0].Messages != 4 || told != 4 || len(f.Mangled) != 10 {
		t.Errorf("%d over time, %d of the client, %d damaged\n got %+v\nwant %+v", told, f.Clients[0].Messages, len(f.Mangled), f.Counts, want)
	}
}

func TestDamage(t *testing.T) {
	site := &Site{recipients: map[string]struct{}{}}
	for _, r := range []string{"susan.nobody", "rickmers", "t.harms", "harms", "gerda", "uwe.brandt", "info"} {
		site.recipients[r+"@club.example"] = struct{}{}
	}
	x := newDamageIndex(site)
	for _, tt := range []struct{ address, original, kind string }{
		{"smtpsusan.nobody", "susan.nobody", "prefix"},
		{"0rickmers", "rickmers", "prefix"},
		{"domaint.harms", "t.harms", "prefix"}, // the longer of two that fit
		{"club.exampleuwe.brandt", "uwe.brandt", "prefix"},
		{"usan.nobody", "susan.nobody", "truncated"},
		{"san.nobody", "susan.nobody", "truncated"},
		{"rda", "gerda", "truncated"},
		{"osan.nobody", "susan.nobody", "substituted"},
		{"Otusan.Nobody", "susan.nobody", "substituted"},
		{"tusan.nobody", "", ""},  // another name
		{"susan.nobod", "", ""},   // a typo at the end
		{"fo", "", ""},            // too little left
		{"mueller", "", ""},       // a name of a dictionary
		{"susan.nobodyx", "", ""}, // something behind
	} {
		original, kind := x.find(tt.address + "@club.example")
		if tt.original != "" {
			tt.original += "@club.example"
		}
		if original != tt.original || kind != tt.kind {
			t.Errorf("%s: got %q, %q, want %q, %q", tt.address, original, kind, tt.original, tt.kind)
		}
	}
	// What other damage on the list is of decides, and proves what alone would be too little.
	for _, r := range []string{"peter", "dieter", "b.petersen", "t.petersen", "ines", "m.harms"} {
		x.add(r + "@club.example")
	}
	for _, tt := range []struct{ list, address, original, kind string }{
		{"", "eter", "peter", "truncated"}, // the least that is missing
		{"smtpdieter", "eter", "dieter", "truncated"},
		{"", "petersen", "", ""}, // b.petersen's address until lately, as far as one can tell
		{"", "uwe.petersen", "", ""},
		{"", "old-dieter", "", ""},
		{"smtpdieter", "petersen", "b.petersen", "truncated"},
		{"smtpdieter", "old-dieter", "dieter", "prefix"},
		{"0t.petersen", "petersen", "t.petersen", "truncated"},
		{"0ines", "es", "ines", "truncated"},
		{"", "es", "", ""},
		{"0ines", "ones", "ines", "substituted"},
		{"", "ones", "", ""},
		{"", "a.petersen", "", ""}, // another person
		{"smtpsusan.nobody", "tusan.nobody", "susan.nobody", "substituted"},
		{"0m.harms", ".harms", "m.harms", "truncated"},
		{"", "t_petersen", "", ""},                     // who takes one separator for another is a person, …
		{"0ines", "t_petersen", "t.petersen", "other"}, // … unless there is more
		{"0ines", "tpetersen", "t.petersen", "other"},
		{"0ines", "_gerda", "gerda", "prefix"},
		{"0ines", "diet-er", "dieter", "other"},
	} {
		list := []string{tt.address + "@club.example"}
		if tt.list != "" {
			list = append(list, tt.list+"@club.example")
		}
		d := x.findAll(list)[list[0]]
		if tt.original != "" {
			tt.original += "@club.example"
		}
		if d.original != tt.original || d.kind != tt.kind {
			t.Errorf("%s beside %q: got %q, %q, want %q, %q", tt.address, tt.list, d.original, d.kind, tt.original, tt.kind)
		}
	}
	// Of a list with three that are nobody's name, one with another first letter is damaged, too.
	for _, tt := range []struct {
		list           []string
		address, wants string
	}{
		{[]string{"smtpgerda", "0uwe.brandt", "usan.nobody"}, "qickmers", "rickmers"},
		{[]string{"smtpgerda", "0uwe.brandt"}, "qickmers", ""},
		{[]string{"smtpgerda", "old-rickmers", "t_petersen"}, "tusan.nobody", ""}, // two of the three may be people's
		{[]string{"smtpgerda", "0uwe.brandt", "usan.nobody"}, "anes", ""},         // too short to mean ines
	} {
		list := []string{tt.address + "@club.example"}
		for _, other := range tt.list {
			list = append(list, other+"@club.example")
		}
		if got := mail.LocalPart(x.findAll(list)[list[0]].original); got != tt.wants {
			t.Errorf("%s beside %q: got %q, want %q", tt.address, tt.list, got, tt.wants)
		}
	}
	if _, kind := x.find("smtpgerda@other.example"); kind != "" {
		t.Errorf("another domain: got kind %q, want none", kind)
	}
}
