package analyze

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// plantHands adds to a log what the detectors campaign, reputation and backscatter look for: a run in the recipients' own names,
// one with a subject, complaints of other servers, bounces.
func plantHands(rng *rand.Rand, messages []mail.Message, events []mail.Event) ([]mail.Message, []mail.Event) {
	start := messages[0].Time.Add(5 * time.Hour)
	line := int64(100_000)
	origin := func() mail.Origin { line++; return mail.Origin{Line: line} }
	for i := range 60 {
		ip := netip.AddrFrom4([4]byte{41, byte(rng.IntN(250)), byte(i), 9})
		to, at := fmt.Sprintf("user%d@site.example", i%20), start.Add(time.Duration(i*37)*time.Second)
		if i%3 > 0 {
			events = append(events, mail.Event{Origin: origin(), Kind: mail.Reject, Host: "mx1", Time: at, Client: mail.Client{IP: ip, Name: "unknown", HELO: "[" + ip.String() + "]"},
				Sender: to, Recipient: to, DSN: "5.7.1", Reply: "Service unavailable; Client host blocked using zen.spamhaus.org", Raw: "refused"})
			continue
		}
		messages = append(messages, mail.Message{Origin: origin(), Line: "accepted", Host: "mx1", Hosts: []string{"mx1"}, Time: at, Client: mail.Client{IP: ip},
			Sender: to, MessageID: fmt.Sprintf("%d.%d@site.example", rng.IntN(1e9), i), Completed: true,
			Recipients: []mail.Recipient{{Address: to, Disposition: mail.Delivered, Local: true}}})
	}
	for i := range 40 {
		ip := netip.AddrFrom4([4]byte{84, 60, byte(i / 10), 3})
		messages = append(messages, mail.Message{Origin: origin(), Line: "accepted", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(time.Duration(7200+i*20) * time.Second),
			Client: mail.Client{IP: ip}, Sender: fmt.Sprintf("a%d@x%d.example", i, i), Subject: "Software", MessageID: fmt.Sprintf("%x@y%d.example", rng.Uint64(), i), Completed: true,
			Recipients: []mail.Recipient{{Address: fmt.Sprintf("user%d@site.example", i%20), Disposition: mail.Delivered, Local: true}}})
	}
	for i := range 90 {
		provider := fmt.Sprintf("mx.p%d.example", i%9)
		r := mail.Recipient{Address: fmt.Sprintf("to%d@p%d.example", i, i%9), Disposition: mail.Delivered, Relay: provider, RelayIP: netip.MustParseAddr("203.0.113.7"), Time: start.Add(time.Duration(i) * time.Minute)}
		if i%3 == 0 {
			r.Disposition, r.DSN, r.Reply = mail.Bounced, "5.7.1", "host said: 550 5.7.1 blocked using bl.spamcop.net"
		}
		messages = append(messages, mail.Message{Origin: origin(), Line: "sent", Host: "mx1", Hosts: []string{"mx1"}, Time: r.Time, Account: fmt.Sprintf("user%d@site.example", i%2),
			Client: mail.Client{IP: netip.MustParseAddr("198.18.0.9")}, Sender: "user1@site.example", Direction: mail.Outbound, Completed: true, Recipients: []mail.Recipient{r}})
	}
	for i := range 80 {
		at := start.Add(time.Duration(i*20) * time.Second)
		messages = append(messages, mail.Message{Origin: origin(), Line: "notice", Host: "mx1", Time: at, Notice: true, Sender: mail.NullSender,
			Recipients: []mail.Recipient{{Address: fmt.Sprintf("gone%d@f%d.example", i, i), Disposition: mail.Disposition(1 + i%3)}}})
		messages = append(messages, mail.Message{Origin: origin(), Line: "bounce", Host: "mx1", Hosts: []string{"mx1"}, Time: at, Sender: mail.NullSender, Completed: true,
			Client: mail.Client{IP: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})}, Recipients: []mail.Recipient{{Address: "user3@site.example", Disposition: mail.Delivered, Local: true}}})
	}
	return messages, events
}

// However a log is split, and in whatever order its parts come, campaigns, complaints and bounces are the same.
func TestMergingHandsChangesNothing(t *testing.T) {
	for seed := range uint64(3) {
		messages, events := sampleLog(seed)
		messages, events = plantHands(rand.New(rand.NewPCG(seed, 2)), messages, events)
		whole := newTestEngine()
		for i := range messages {
			whole.Message(&messages[i])
		}
		for i := range events {
			whole.Event(&events[i])
		}
		want, _ := whole.Findings()
		said := make(map[string]int)
		for i := range want {
			said[want[i].Detector]++
		}
		if said["campaign"] < 2 || said["reputation"] < 1 || said["backscatter"] < 2 {
			t.Fatalf("seed %d: findings %v", seed, said)
		}
		joined := splitAndMerge(rand.New(rand.NewPCG(seed, 1)), messages, events)
		got, _ := joined.Findings()
		compare(t, fmt.Sprintf("seed %d", seed), got, want)
	}
}

// The members of a campaign say HELO with the name of a big provider that they are not, or with our own name.
func TestCampaignHELO(t *testing.T) {
	for _, tt := range []struct{ name, rdns, helo, want string }{
		{"big provider", "pool-%d.isp.example", "mail-%d.gmail.com", "helo-forged"},
		{"big provider, and it is one", "mail-%d.gmail.com", "mail-%d.gmail.com", ""},
		{"our own name", "pool-%d.isp.example", "host%d.site.example", "helo-our-name"},
		{"their own name", "smtp.firm%d.example", "smtp.firm%d.example", ""},
	} {
		e := NewEngine(&Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{campaign})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		var m mail.Message
		for i := range 3000 { // a day of others
			flood(&m, i, start.Add(time.Duration(i)*28*time.Second))
			e.Message(&m)
		}
		for i := range 30 {
			flood(&m, i, start.Add(10*time.Hour+time.Duration(i)*20*time.Second))
			m.Origin.Line += 1_000_000
			m.Client = mail.Client{IP: netip.AddrFrom4([4]byte{41, byte(i * 7), byte(i), 1}), Name: fmt.Sprintf(tt.rdns, i), HELO: fmt.Sprintf(tt.helo, i)}
			m.Sender, m.Subject = fmt.Sprintf("a%d@x%d.example", i, i), "Software"
			e.Message(&m)
		}
		findings, _ := e.Findings()
		for _, code := range []string{"helo-forged", "helo-our-name"} {
			got := false
			for i := range findings {
				got = got || says(&findings[i], code)
			}
			if got != (code == tt.want) {
				t.Errorf("%s: %s %v: %+v", tt.name, code, got, findings)
			}
		}
		if tt.want != "" && (len(findings) != 1 || findings[0].Counts.Clients != 30) {
			t.Errorf("%s: got %d findings", tt.name, len(findings))
		}
	}
}

// A flood of strangers, each with marks that nobody shares, pushes out what was remembered, but not a run whose members share a
// mark.
func TestCampaignOutlivesFlood(t *testing.T) {
	limits := DefaultThresholds()
	limits.Campaign.MaxRecords = 2000
	e := NewEngine(&Pass{Thresholds: limits, Local: []string{"site.example"}}, []Detector{campaign})
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	var m mail.Message
	for i := range 40_000 {
		flood(&m, i, start)
		m.Subject = fmt.Sprintf("subject %d", i)
		e.Message(&m)
		if i >= 5000 && i < 5000+60*20 && i%20 == 0 {
			planted := m
			planted.Client = mail.Client{IP: netip.AddrFrom4([4]byte{41, byte(i >> 8), byte(i), 1})}
			planted.Sender = planted.Recipients[0].Address
			planted.Origin.Line += 1_000_000
			e.Message(&planted)
		}
	}
	w := e.watches[0].(*campaignWatch)
	if n := w.ring.len() + len(w.kept); n > limits.Campaign.MaxRecords+w.room()+ringBlock {
		t.Errorf("%d sightings are remembered", n)
	}
	findings, _ := e.Findings()
	if len(findings) != 1 || findings[0].Counts.Messages != 60 || findings[0].Counts.Clients != 60 || findings[0].Severity != High {
		t.Errorf("got %d findings: %+v", len(findings), findings)
	}
}

// Whatever mark a run shares, it outlives the flood. A mark of a name, a network or a sender's domain counts alone only if no
// client has a name.
func TestCampaignMarksOutliveFlood(t *testing.T) {
	limits := DefaultThresholds()
	limits.Campaign.MaxRecords = 500
	firm := func(i int) string { return strings.Repeat("mail.firm", 1+i) + ".example" } // without numbers: no pattern joins them
	for _, tt := range []struct {
		name string
		mark func(i int, m *mail.Message)
		kept bool
	}{
		{"to itself", func(i int, m *mail.Message) { m.Sender, m.Client.Name = m.Recipients[0].Address, firm(i) }, true},
		{"a number as HELO", func(i int, m *mail.Message) { m.Client.HELO = fmt.Sprint(1000 + i) }, true},
		{"our name as HELO", func(i int, m *mail.Message) {
			m.Client.HELO, m.Client.Name = fmt.Sprintf("h%d.site.example", i), firm(i)
		}, true},
		{"one subject", func(_ int, m *mail.Message) { m.Subject = "unpaid invoice" }, true},
		{"one HELO", func(_ int, m *mail.Message) { m.Client.HELO = "ylmf-pc" }, true},
		{"one sender's domain", func(i int, m *mail.Message) { m.Sender = fmt.Sprintf("a%d@bank.example", i) }, true},
		{"one sender's domain, named clients", func(i int, m *mail.Message) {
			m.Sender, m.Client.Name = fmt.Sprintf("a%d@bank.example", i), firm(i)
		}, false},
		{"one network", func(i int, m *mail.Message) { m.Client.IP = netip.AddrFrom4([4]byte{41, 9, 9, byte(i)}) }, true},
		{"names of one pattern", func(i int, m *mail.Message) { m.Client.Name = fmt.Sprintf("dsl-41-%d-9-1.line.example", i) }, true},
		{"many names of one client", func(i int, m *mail.Message) {
			m.Client.IP, m.Sender = netip.MustParseAddr("41.9.9.9"), fmt.Sprintf("a%d@d%d.example", i, i)
		}, true},
		{"nothing", func(int, *mail.Message) {}, false},
	} {
		w := newCampaignWatch(&Pass{Thresholds: limits, Local: []string{"site.example"}})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		for i := range 10_000 {
			var m mail.Message
			flood(&m, i, start)
			w.Message(&m)
			if n := (i - 2000) / 20; i >= 2000 && i%20 == 0 && n < 60 {
				flood(&m, 100_000+i, start.Add(-1000*time.Minute/3))
				m.Client.IP, m.Host = netip.AddrFrom4([4]byte{41, byte(n), 9, 1}), "planted"
				tt.mark(n, &m)
				w.Message(&m)
			}
		}
		kept := 0
		for i := range w.kept {
			if w.kept[i].words().host == "planted" {
				kept++
			}
		}
		// The first few have nothing to share yet.
		if least := 60 - limits.Campaign.MinClients; tt.kept && kept < least || !tt.kept && kept > 0 {
			t.Errorf("%s: %d of 60 are kept", tt.name, kept)
		}
	}
}

// Of machines in one rented range that send each message with another sender, some send only two messages: they are still
// members, by the common subject.
func TestCampaignIsWhole(t *testing.T) {
	e := NewEngine(&Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{campaign})
	day := honestDay(1500)
	for i := range day {
		e.Message(&day[i])
	}
	const machines = 40
	sent := 0
	for i := range machines * 7 {
		k := i % machines
		if k%20 == 3 && i/machines%5 > 0 {
			continue
		}
		ip := netip.AddrFrom4([4]byte{23, 9, byte(9 + k%11), byte(200 + k)})
		m := mail.Message{Origin: mail.Origin{Line: int64(100_000 + i)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Flags: mail.Verified, Completed: true,
			Time: day[0].Time.Add(8*time.Hour + time.Duration(i)*40*time.Second), Client: client(ip.String(), fmt.Sprintf("23.9.%d.%d-static.reverse.rack.example", 9+k%11, 200+k), ""),
			Sender: fmt.Sprintf("deal@offer%d.example", i), Subject: "Your account", MessageID: fmt.Sprintf("%d@offer%d.example", i, i)}
		m.Client.HELO = m.Client.Name
		to(&m, user(i%200), mail.Delivered)
		e.Message(&m)
		sent++
	}
	findings, _ := e.Findings()
	if len(findings) != 1 || findings[0].Counts.Messages != sent || findings[0].Counts.Clients != machines || findings[0].Severity != High {
		t.Errorf("got %d findings, want one of %d messages from %d clients: %+v", len(findings), sent, machines, findings)
	}
}

// A run larger than what can be remembered is still one finding, in bounded memory and time, and says what was lost.
func TestCampaignOfAnySize(t *testing.T) {
	limits := DefaultThresholds()
	limits.Campaign.MaxRecords = 1000
	e := NewEngine(&Pass{Thresholds: limits, Local: []string{"site.example"}}, []Detector{campaign})
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	var m mail.Message
	for i := range 30_000 {
		flood(&m, i, start)
		m.Sender = m.Recipients[0].Address
		e.Message(&m)
	}
	findings, site := e.Findings()
	if len(findings) != 1 || findings[0].Counts.Messages < 1500 || findings[0].Severity != High || len(site.Notes) == 0 {
		t.Errorf("got %d findings, notes %q", len(findings), site.Notes)
	}
}

// During a pause, half of what is kept is dropped without looking for campaigns; after it, they are looked for again.
func TestSievePausesAndGoesOn(t *testing.T) {
	w := newCampaignWatch(&Pass{Thresholds: DefaultThresholds()})
	room := w.room()
	w.kept, w.pauses = make([]sighting, room), 1
	w.makeRoom()
	if len(w.kept) != room/2 || w.pauses != 0 {
		t.Errorf("in the pause: got %d kept, %d pauses left, want %d, 0", len(w.kept), w.pauses, room/2)
	}
	w.makeRoom()
	if len(w.kept) != 0 || w.pauses != 0 { // none of it belongs to a campaign
		t.Errorf("after the pause: got %d kept, %d pauses left, want 0, 0", len(w.kept), w.pauses)
	}
}

// What was stored is read back.
func TestSightingRemembers(t *testing.T) {
	m := mail.Message{
		Origin: mail.Origin{File: 1, Line: 7}, Line: "the line", Time: 5, Flags: mail.Verified, Host: "mx", Completed: false, QueueIDs: []string{"A", "B"},
		Client: mail.Client{IP: netip.MustParseAddr("::ffff:192.0.2.1"), Name: "c.example", HELO: "h.site.example", ASN: 3209},
		Sender: "Susan@Site.Example", Subject: "Hello", MessageID: "1@x",
		Recipients: []mail.Recipient{{Address: "susan@site.example", Disposition: mail.Delivered}, {Address: "b@c", Disposition: mail.Bounced, DSN: "5.1.1"}},
	}
	var s sighting
	s.message(&mail.Message{Line: "something longer that was there before", Sender: "x@y"})
	s.message(&m)
	w := s.words()
	var got mail.Message
	w.message(&got)
	want := mail.Message{
		Origin: m.Origin, Line: m.Line, Time: 5, Host: "mx", QueueIDs: []string{"B"}, Client: mail.Client{IP: netip.MustParseAddr("192.0.2.1"), Name: "c.example", HELO: "h.site.example", ASN: 3209},
		Sender: "Susan@site.example", Subject: "Hello", MessageID: "1@x",
		Recipients: []mail.Recipient{{Address: "susan@site.example", Disposition: mail.Delivered}, {Address: "b@c", Disposition: mail.Bounced}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if !w.is(toItself) || !w.is(recipientsHELO) || w.is(wasRefused) || !w.unknown() || !w.to[1].unknown || w.to[0].unknown {
		t.Errorf("marks %b, recipients %+v", w.marks, w.to)
	}
}

func TestFamilyOf(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"173.192.1.2-static.reverse.softlayer.com", "#-static.reverse.softlayer.com"},
		{"2b.e4.1632.ip4.static.sl-reverse.com", "#.ip#.static.sl-reverse.com"},
		{"dslb-084-060-208-031.pools.arcor-ip.net", "dslb-#.pools.arcor-ip.net"},
		{"static-ip-cr200118009171.cable.net.co", "static-ip-cr#.cable.net.co"},
		{"MAIL.Example.ORG", "mail.example.org"},
		{"", ""},
	} {
		if got := familyOf(c.name); got != c.want {
			t.Errorf("familyOf(%s) = %s, want %s", c.name, got, c.want)
		}
	}
}

func TestIDShape(t *testing.T) {
	same := func(a, b string) {
		t.Helper()
		if idShape(a) != idShape(b) || idShape(a) == "" {
			t.Errorf("%s has the shape %q, %s %q", a, idShape(a), b, idShape(b))
		}
	}
	differ := func(a, b string) {
		t.Helper()
		if idShape(a) == idShape(b) {
			t.Errorf("%s and %s have the same shape %q", a, b, idShape(a))
		}
	}
	same("d56f86983cee$4c2b6ea7$3fb15f53@a.ru", "f2c731497a2e$0439be70$221aefd1@b.com")
	same("654391474.9318@a", "118@b"[:0]+"11.9@b")
	same("<KADHXVTCIAQCORNHIWUX@a>", "ABDHXVTCIAQCORNHIWUX@b")
	differ("d56f86983cee$4c2b6ea7$3fb15f53@a.ru", "d56f86983cee.4c2b6ea7.3fb15f53@a.ru")
	differ("20240124071037.D51422E3@a", "CAR_21PdR5cff7@a")
	if got := idShape("no at sign"); got != "" {
		t.Errorf("no Message-ID: got %q", got)
	}
}

func TestSameOrganisation(t *testing.T) {
	yes := func(a, b string) {
		t.Helper()
		if !sameOrganisation(a, b) || !sameOrganisation(b, a) {
			t.Errorf("%s and %s are one organisation", a, b)
		}
	}
	no := func(a, b string) {
		t.Helper()
		if sameOrganisation(a, b) || sameOrganisation(b, a) {
			t.Errorf("%s and %s are two organisations", a, b)
		}
	}
	yes("shop.example.com", "mta7.Example.COM")
	yes("firm.co.uk", "mail.firm.co.uk.")
	no("firm.co.uk", "other.co.uk")
	no("firm.de", "firm.at")
	no("", "")
	no("localhost", "localhost") // not a name that anybody registered
	no("192.0.2.1", "198.51.2.1")
	no("[192.0.2.1]", "[192.0.2.1]")
}

func TestIsReply(t *testing.T) {
	for subject, want := range map[string]bool{"Re: Angebot": true, "AW: x": true, "Fwd: Unterlagen": true, "WG:x": true, "Rechnung": false, "Reply: no": false, "": false} {
		if got := isReply(subject); got != want {
			t.Errorf("isReply(%q) = %v", subject, got)
		}
	}
}

// A printer that mails scans to its owners in their own names is no part of a run that does the same, and does not make it
// longer.
func TestDeviceIsNoPartOfRun(t *testing.T) {
	e := NewEngine(&Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{campaign})
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	line := int64(0)
	send := func(at time.Duration, ip netip.Addr, to int) {
		line++
		self := fmt.Sprintf("user%d@site.example", to)
		e.Message(&mail.Message{Origin: mail.Origin{Line: line}, Line: "accepted", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(at), Client: mail.Client{IP: ip},
			Sender: self, MessageID: fmt.Sprintf("%d@site.example", line), Completed: true,
			Recipients: []mail.Recipient{{Address: self, Disposition: mail.Delivered, Local: true}}})
	}
	for i := range 40 {
		send(time.Duration(i)*5*time.Hour/2, netip.AddrFrom4([4]byte{84, 60, 1, byte(i % 3)}), i%3)
		send(49*time.Hour+time.Duration(i)*time.Minute, netip.AddrFrom4([4]byte{41, byte(i * 5), 3, 9}), i%20)
	}
	findings, _ := e.Findings()
	if len(findings) != 1 || findings[0].Counts.Messages != 40 || findings[0].Counts.Clients != 40 || findings[0].Severity != High ||
		findings[0].End.Sub(findings[0].Start) != 39*time.Minute {
		t.Errorf("got %+v, want one run of 40 addresses in 39 minutes", findings)
	}
}

// A scanner in an office sends as our domain, and so do strangers who look for an open relay: they are not one hand. It may write to the same
// people again and again, or to each of a large house seldom.
func TestScannerIsNoStranger(t *testing.T) {
	for _, people := range []int{6, 50} {
		e := NewEngine(&Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{campaign})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		for i := range 50 {
			m := mail.Message{Origin: mail.Origin{Line: int64(i + 1)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(time.Duration(i) * time.Hour),
				Client: mail.Client{IP: netip.MustParseAddr("93.62.11.8"), HELO: "mfp-office"}, Sender: "scanner@site.example", Subject: "Scan", Completed: true,
				MessageID: fmt.Sprintf("%d.%d@site.example", i, i)}
			to(&m, fmt.Sprintf("user%d@site.example", i%people), mail.Delivered)
			m.Recipients[0].Local = true
			e.Message(&m)
		}
		for i := range 6 {
			for _, ev := range rejects(1, start.Add(time.Duration(i)*8*time.Hour), time.Second, func(_ int, ev *mail.Event) {
				ip := netip.AddrFrom4([4]byte{84, byte(20 * i), 3, 4})
				ev.Client = mail.Client{IP: ip, HELO: "User", Name: "dsl-" + strings.ReplaceAll(ip.String(), ".", "-") + ".isp.example"}
				ev.Sender, ev.Recipient, ev.Reply = fmt.Sprintf("spam%d@site.example", i), "test@far.example", "relay not permitted"
			}) {
				e.Event(&ev)
			}
		}
		findings, _ := e.Findings()
		for _, f := range findings {
			if slices.ContainsFunc(f.Clients, func(c ClientCount) bool { return c.IP.String() == "93.62.11.8" }) {
				t.Errorf("scans for %d people: got %+v, want nothing about the scanner", people, f)
			}
		}
	}
}

// Scanners borrow the domain of somebody whose server has no name and writes here now and then. That is no run, unless mail of several of them
// is taken.
func TestBorrowedNameOfAPartner(t *testing.T) {
	for _, tt := range []struct {
		partner, others int // messages that were taken
		want            Severity
	}{{8, 0, Low}, {8, 2, Medium}} {
		e := NewEngine(&Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example", "ours.example"}}, []Detector{campaign})
		day := honestDay(1500)
		for i := range day {
			e.Message(&day[i])
		}
		start := day[0].Time
		send := func(i int, ip netip.Addr, at mail.Instant) {
			m := mail.Message{Origin: mail.Origin{Line: int64(90_000 + i)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: at, Flags: mail.Verified,
				Client: mail.Client{IP: ip}, Sender: fmt.Sprintf("clerk%d@partner.example", i), Completed: true}
			to(&m, user(i), mail.Delivered)
			e.Message(&m)
		}
		for i := range tt.partner {
			send(i, netip.MustParseAddr("62.4.8.16"), start.Add(time.Duration(i)*5*time.Hour))
		}
		for i := range 3 {
			ip := netip.AddrFrom4([4]byte{41, byte(60 * i), 3, 4})
			at := start.Add(time.Duration(9+7*i) * time.Hour)
			for _, ev := range rejects(2, at, time.Minute, func(k int, ev *mail.Event) {
				ev.Client = mail.Client{IP: ip}
				ev.Sender, ev.Recipient, ev.DSN = fmt.Sprintf("x%d@partner.example", 2*i+k), user(40+i), "5.7.1"
				ev.Reply = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
			}) {
				e.Event(&ev)
			}
			if i < tt.others {
				send(100+i, ip, at.Add(time.Hour))
			}
		}
		findings, _ := e.Findings()
		if len(findings) == 0 || findings[0].Severity != tt.want || says(&findings[0], "one-member") != (tt.others == 0) {
			t.Errorf("%d messages of scanners taken: got %v, want one that is %v", tt.others, findings, tt.want)
		}
	}
}

// A bot's typical HELO is seen all day in refused attempts. That does not make a run longer in which some messages were accepted.
func TestCampaignAmidRefusedHELO(t *testing.T) {
	e := NewEngine(&Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{campaign})
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	line := int64(0)
	for i := range 50 {
		for _, ev := range rejects(1, start.Add(time.Duration(i)*80*time.Minute), time.Second, func(_ int, ev *mail.Event) {
			ev.Client = mail.Client{IP: netip.AddrFrom4([4]byte{41, byte(i), 3, 4}), HELO: "ylmf-pc"}
			ev.Sender, ev.Recipient, ev.DSN = fmt.Sprintf("jo@x%d.example", i), fmt.Sprintf("u%d@site.example", i%9), "5.7.1"
			ev.Reply = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
		}) {
			e.Event(&ev)
		}
	}
	from := start.Add(30 * time.Hour)
	for i := range 24 {
		line++
		m := mail.Message{Origin: mail.Origin{Line: line}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: from.Add(time.Duration(i) * 15 * time.Second),
			Client: mail.Client{IP: netip.AddrFrom4([4]byte{102, byte(i % 6), 3, 4}), HELO: "ylmf-pc"}, Sender: fmt.Sprintf("ann@y%d.example", i),
			Subject: "unpaid invoice", MessageID: fmt.Sprintf("k%d@z%d.example", i, i), Completed: true}
		to(&m, fmt.Sprintf("u%d@site.example", i%9), mail.Delivered)
		m.Recipients[0].Local = true
		e.Message(&m)
	}
	findings, _ := e.Findings()
	if len(findings) == 0 || findings[0].Counts.Messages != 24 || findings[0].Counts.Clients != 6 || findings[0].Start != from {
		t.Errorf("got %+v, want the run of six", findings)
	}
}

// Of a run that says one odd HELO, many are refused for it before they name a sender. They are counted, and those who come at all hours
// with that HELO, or who send in their own name, too, are not.
func TestCampaignRefusedAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name     string
		strays   int // of others with that HELO, all day
		rejected int
		clients  int
	}{{"nobody else says so", 0, 46, 46}, {"many say so", 60, 6, 6}} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{campaign})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		knock := func(n int, from mail.Instant, gap time.Duration, net byte, helo string) {
			for _, ev := range rejects(n, from, gap, func(i int, ev *mail.Event) {
				ev.Client = mail.Client{IP: netip.AddrFrom4([4]byte{net, byte(i), 3, 4}), HELO: helo}
				ev.Stage, ev.Sender, ev.Recipient = "EHLO", "", ""
				ev.Reply = "504 5.5.2 <" + helo + ">: Helo command rejected: need fully-qualified hostname"
			}) {
				e.Event(&ev)
			}
		}
		day := honestDay(500)
		for i := range day {
			e.Message(&day[i])
		}
		knock(tt.strays, start, 20*time.Minute, 41, "WIN-7")
		knock(30, start, 40*time.Minute, 42, "ylmf-pc") // another program
		from := start.Add(30 * time.Hour)
		knock(40, from.Add(-2*time.Minute), 10*time.Second, 43, "WIN-7")
		knock(6, from, time.Second, 102, "") // members that were refused when they connected
		for i := range 24 {
			m := mail.Message{Origin: mail.Origin{Line: int64(10_000 + i)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: from.Add(time.Duration(i) * 15 * time.Second),
				Client: mail.Client{IP: netip.AddrFrom4([4]byte{102, byte(i % 6), 3, 4}), HELO: "WIN-7"}, Sender: fmt.Sprintf("ann@y%d.example", i),
				Subject: "unpaid invoice", MessageID: fmt.Sprintf("k%d@z%d.example", i, i), Completed: true}
			to(&m, fmt.Sprintf("u%d@site.example", i%9), mail.Delivered)
			m.Recipients[0].Local = true
			e.Message(&m)
		}
		findings, _ := e.Findings()
		if len(findings) != 1 || findings[0].Counts.Messages != 24 || findings[0].Counts.Rejected != tt.rejected || findings[0].Counts.Clients != tt.clients {
			t.Errorf("%s: got %+v, want one run of %d addresses, %d attempts refused", tt.name, findings, tt.clients, tt.rejected)
		}
	}
}

// A run works through a list of recipients: clients that each write to the same recipient again, or all to one, are machines that
// report to their owners.
func TestRunHasList(t *testing.T) {
	const lines = 24
	for _, tt := range []struct {
		name     string
		mailbox  func(line, visit int) int
		from     string // "": each in the name of the recipient
		most     Severity
		atLeast  Severity
		eachName string
	}{
		{"boxes of customers that write to their owners", func(line, _ int) int { return line }, "", Low, None, "p5d%02x0707.dip0.t-ipconnect.de"},
		{"lines that write to another one each time", func(line, visit int) int { return 2*line + visit }, "", High, Medium, "p5d%02x0707.dip0.t-ipconnect.de"},
		{"branch offices that write to one", func(_, _ int) int { return 3 }, "", Low, None, "p5d%02x0707.dip0.t-ipconnect.de"},
		{"rented machines that write to their keeper", func(_, _ int) int { return 3 }, "root@ip-10-0-%d-7.ec2.internal", Low, None, "ec2-3-%d-7-7.eu-central-1.compute.amazonaws.com"},
		{"rented machines that write to everybody", func(line, visit int) int { return 2*line + visit }, "root@ip-10-0-%d-7.ec2.internal", High, Medium, "ec2-3-%d-7-7.eu-central-1.compute.amazonaws.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := NewEngine(&Pass{Thresholds: DefaultThresholds()}, []Detector{campaign})
			day := honestDay(1500)
			for i := range day {
				e.Message(&day[i])
			}
			for i := range 2 * lines {
				line, visit := i%lines, i/lines
				m := mail.Message{Origin: mail.Origin{Line: int64(100_000 + i)}, Line: "accepted", Host: "mx1", Hosts: []string{"mx1"}, Flags: mail.Verified, Completed: true,
					Time: day[0].Time.Add(8*time.Hour + time.Duration(i)*41*time.Second), MessageID: fmt.Sprintf("2025%d.AB%dC@box", i*7919%100_000, i%10),
					Client: mail.Client{IP: netip.AddrFrom4([4]byte{93, byte(line), 7, 7}), Name: fmt.Sprintf(tt.eachName, line), HELO: "nas"}}
				to(&m, user(tt.mailbox(line, visit)), mail.Delivered)
				if m.Sender = m.Recipients[0].Address; tt.from != "" {
					m.Sender = fmt.Sprintf(tt.from, line)
				}
				e.Message(&m)
			}
			findings, _ := e.Findings()
			worst := None
			for i := range findings {
				worst = max(worst, findings[i].Severity)
				t.Logf("%.2f %s %+v", findings[i].Score, findings[i].Title, findings[i].Reasons)
			}
			if worst > tt.most || worst < tt.atLeast {
				t.Errorf("got %v, want %v to %v", worst, tt.atLeast, tt.most)
			}
		})
	}
}
