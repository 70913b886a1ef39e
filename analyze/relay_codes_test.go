package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"mailforensics/mail"
)

// relayScene is what strangers relayed, in addition to three days of honest mail from named servers to people here.
type relayScene struct {
	messages, clients int
	over              time.Duration
	name              string // of the clients, %d: their number
	sender            string // %d: the message's number
	acl, usual        string // what rules say of them, and of the honest mail
	bounced           int    // every so many-th; 0: none
	people            int    // messages of our own people that clients with such names hand in
	ident             string // what the clients' ident servers say
	smarthost         string // another host of ours that they leave by
	to                int    // recipients; 0: each message has its own
	accounts          int    // people who log in through each of the clients
}

func (s relayScene) findings(t *testing.T) []Finding {
	t.Helper()
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	line := int64(0)
	send := func(at time.Duration, c mail.Client, sender, recipient string, d mail.Disposition, local bool, acl string) {
		line++
		m := mail.Message{Origin: mail.Origin{Line: line}, Line: fmt.Sprint("line ", line), Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(at), Client: c, Sender: sender,
			Completed: true, QueueIDs: []string{fmt.Sprint("Q", line)}}
		if c.Name != "" {
			m.Flags |= mail.Verified
		}
		if acl != "" {
			m.ACL = []string{acl}
		}
		if !local {
			m.User = s.ident
		}
		if !local && s.smarthost != "" {
			m.Hosts = append(m.Hosts, s.smarthost)
		}
		to(&m, recipient, d)
		m.Recipients[0].Local = local
		e.Message(&m)
	}
	for i := range 150 {
		c := mail.Client{IP: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), Name: fmt.Sprintf("mail.firm%d.example", i), HELO: "mail.firm.example"}
		send(time.Duration(i)*30*time.Minute, c, fmt.Sprintf("w%d@firm%d.example", i, i), fmt.Sprintf("staff%d@site.example", i%9), mail.Delivered, true, s.usual)
	}
	for i := range s.people {
		c := mail.Client{IP: netip.AddrFrom4([4]byte{41, byte(7 * i), 200, 9}), HELO: "host", Name: fmt.Sprintf(s.name, i)}
		send(time.Duration(i)*30*time.Minute, c, fmt.Sprintf("staff%d@site.example", i%9), fmt.Sprintf("y%d@partner.example", i), mail.Delivered, false, "")
	}
	for i := range s.messages {
		n := i % s.clients
		c := mail.Client{IP: netip.AddrFrom4([4]byte{41, byte(7 * n), byte(n), 9}), HELO: "host"}
		if s.name != "" {
			c.Name = fmt.Sprintf(s.name, n)
		}
		d := mail.Delivered
		if s.bounced > 0 {
			d = bouncing(i, s.bounced)
		}
		sender := fmt.Sprintf(s.sender, i%max(1, s.messages))
		send(time.Hour+time.Duration(i)*s.over/time.Duration(s.messages), c, sender, fmt.Sprintf("x%d@r%d.example", i%cmp.Or(s.to, max(1, s.messages)), i%9), d, false, s.acl)
	}
	for i := range s.accounts * s.clients {
		line++
		n := i % s.clients
		m := mail.Message{Origin: mail.Origin{Line: line}, Line: fmt.Sprint("line ", line), Host: "mx1", Hosts: []string{"mx1"}, Completed: true, QueueIDs: []string{fmt.Sprint("Q", line)},
			Time: start.Add(time.Duration(i) * 72 * time.Hour / time.Duration(s.accounts*s.clients)), Client: client(fmt.Sprintf("41.%d.%d.9", 7*n, n), "", ""), Account: fmt.Sprint("staff", i/s.clients), Sender: "staff@site.example"}
		to(&m, "friend@far.example", mail.Delivered)
		e.Message(&m)
	}
	all, _ := e.Findings()
	return all
}

// Each reason of an open relay is given in the scene that has it, and not in a scene that differs in one point only.
func TestRelayReasons(t *testing.T) {
	stranger := relayScene{messages: 60, clients: 4, over: 2 * time.Hour, sender: "a%d@b.example"}
	with := func(change func(*relayScene)) relayScene {
		s := stranger
		change(&s)
		return s
	}
	flood := with(func(s *relayScene) { s.messages, s.clients, s.bounced = 1200, 1, 3 })
	// Many names on a good list: nothing bounces.
	borrowed := with(func(s *relayScene) {
		s.messages, s.clients, s.over, s.sender = 120, 1, time.Hour, "a%[1]d@b%[1]d.example"
	})
	but := func(change func(*relayScene)) relayScene {
		s := borrowed
		change(&s)
		return s
	}
	alone := with(func(s *relayScene) { s.clients, s.over = 1, 60*time.Hour })
	for _, tt := range []struct {
		code           string
		has, neighbour relayScene
	}{
		{"let-in-by-rule", with(func(s *relayScene) { s.acl = "whitelisted in local domains whitelist" }), stranger},
		{"let-in-by-rule", with(func(s *relayScene) {
			s.acl = "SMTP connection outbound 1752529971 103.149.231.5 shop.example ann@a.example"
		}),
			with(func(s *relayScene) { s.acl, s.usual = "Message has been scanned", "Message has been scanned" })},
		{"forged-local-senders", with(func(s *relayScene) { s.sender = "a%d@site.example" }), stranger},
		{"known-senders", with(func(s *relayScene) { s.messages, s.sender = 8, "staff%d@site.example" }), with(func(s *relayScene) { s.messages = 8 })},
		{"our-own-names", with(func(s *relayScene) { s.messages, s.name = 100, "printer%d.site.example" }), with(func(s *relayScene) { s.messages, s.name = 100, "printer%d.other.example" })},
		{"seen-for-days", alone, with(func(s *relayScene) { s.clients = 1 })},
		{"nobody-known", flood, func() relayScene { s := flood; s.name = "mail%d.customer.example"; return s }()},
		{"nobody-known", with(func(s *relayScene) {
			s.messages, s.clients, s.bounced, s.over, s.sender = 1200, 1, 3, 70*time.Hour, "info@b.example"
		}),
			with(func(s *relayScene) {
				s.messages, s.clients, s.bounced, s.over, s.sender = 1200, 1, 8, 70*time.Hour, "info@b.example"
			})},
		{"many-sender-domains", borrowed, but(func(s *relayScene) { s.name = "mail%d.customer.example" })},
		{"many-sender-domains", borrowed, but(func(s *relayScene) { s.over = 60 * time.Hour })},
		{"many-sender-domains", borrowed, but(func(s *relayScene) { s.sender = "info@b%d.example" })},
		{"many-sender-domains", borrowed, but(func(s *relayScene) { s.over = 10 * time.Hour })}, // an office's day
		{"all-senders-differ", stranger, with(func(s *relayScene) { s.sender = "SRS0=a%dXk=4Q=firm.example=ann@b.example" })},
		{"all-senders-differ", with(func(s *relayScene) { s.name = "out%d.service.example" }),
			with(func(s *relayScene) { s.name, s.sender = "out%d.service.example", "ann%d@service.example" })}, // its own users
		{"random-senders", with(func(s *relayScene) { s.sender = "xq%dzjvkwqx@b.example" }),
			with(func(s *relayScene) { s.sender = "SRS0=xq%dzjvkwqx=4Q=firm.example=ann@b.example" })},
		{"seen-for-days", with(func(s *relayScene) { s.messages, s.clients, s.over = 200, 1, 60*time.Hour }),
			with(func(s *relayScene) { s.messages, s.clients, s.over, s.bounced = 200, 1, 60*time.Hour, 8 })},
		{"to-the-same", with(func(s *relayScene) { s.messages, s.to = 200, 9 }), with(func(s *relayScene) { s.messages, s.to = 200, 40 })},
		{"our-service", with(func(s *relayScene) { s.messages, s.people, s.name = 100, 120, "out%d.service.example" }),
			with(func(s *relayScene) { s.messages, s.people, s.name = 100, 80, "out%d.service.example" })},
		{"mass", with(func(s *relayScene) { s.messages = 100 }), with(func(s *relayScene) { s.messages = 99 })},
		{"not-delivered", with(func(s *relayScene) { s.bounced = 4 }), stranger},
		{"not-delivered", with(func(s *relayScene) { s.messages, s.clients, s.bounced = 6, 1, 3 }), with(func(s *relayScene) { s.messages, s.clients, s.bounced = 6, 1, 6 })},
		{"unrelated-networks", stranger, with(func(s *relayScene) { s.clients = 2 })},
		{"unrelated-networks", stranger, with(func(s *relayScene) { s.name = "out%d.service.example" })},
		{"unrelated-networks", with(func(s *relayScene) { s.name, s.over = "dsl-%d.line%[1]d.example", 60*time.Hour }),
			with(func(s *relayScene) { s.name, s.over = "dsl-%d.line.example", 60*time.Hour })},
		{"unrelated-networks", with(func(s *relayScene) { s.name = "dsl-%d.line.example" }), with(func(s *relayScene) { s.name, s.over = "dsl-%d.line.example", 60*time.Hour })},
	} {
		t.Run(tt.code, func(t *testing.T) {
			for _, side := range []struct {
				scene relayScene
				want  bool
			}{{tt.has, true}, {tt.neighbour, false}} {
				findings := side.scene.findings(t)
				if len(findings) == 0 {
					t.Fatalf("%+v: nothing was found", side.scene)
				}
				for i := range findings {
					if got := says(&findings[i], tt.code); got != side.want {
						t.Errorf("%+v: %s: got %v, want %v: %v", side.scene, findings[i].Title, got, side.want, findings[i].Reasons)
					}
				}
			}
		})
	}
}

// A run in many borrowed names is high even if all of it arrives, and one finding even if it came from two machines.
func TestRelayInBorrowedNames(t *testing.T) {
	for clients := range 2 {
		s := relayScene{messages: 240, clients: clients + 1, over: time.Hour, sender: "a%[1]d@b%[1]d.example"}
		if found := s.findings(t); len(found) != 1 || found[0].Severity != High || found[0].Counts.Messages != 240 {
			t.Errorf("from %d: got %+v, want one finding, high", clients+1, found)
		}
	}
}

// An open relay is found whatever the clients say of their users, and by whichever host of ours the mail leaves.
func TestRelayOfEveryKind(t *testing.T) {
	plain := relayScene{messages: 60, clients: 4, over: 2 * time.Hour, sender: "a%d@b.example"}
	want := plain.findings(t)
	for _, change := range []func(*relayScene){
		func(s *relayScene) { s.ident = "root" },
		func(s *relayScene) { s.smarthost = "out1" },
	} {
		s := plain
		change(&s)
		if got := s.findings(t); len(got) != 1 || len(want) != 1 || got[0].Score < want[0].Score || got[0].Counts.Messages != 60 {
			t.Errorf("%+v: got %+v, want what is found without it: %+v", s, got, want)
		}
	}
}

// Hosts of ours, which many people log in through, are no strangers: what they hand in without a login is told of no sender's domain.
func TestRelayOfOurWebmail(t *testing.T) {
	s := relayScene{messages: 90, clients: 2, over: 20 * time.Hour, sender: "form%d@b.example", bounced: 4}
	for accounts, want := range map[int]int{0: 1, DefaultThresholds().Site.WebmailFrom: 0} {
		s.accounts = accounts
		if got := s.findings(t); len(got) != want {
			t.Errorf("%d accounts: got %+v", accounts, got)
		}
	}
}

// That senders receive mail here counts less in their favour if their mail bounces: people who write to people whom they know get
// few bounces.
func TestRelayOfKnownSendersThatBounces(t *testing.T) {
	for bounced, want := range map[int]float64{0: -0.4, 4: -0.2} {
		s := relayScene{messages: 8, clients: 4, over: 2 * time.Hour, sender: "staff%d@site.example", bounced: bounced}
		for _, f := range s.findings(t) {
			for _, r := range f.Reasons {
				if r.Code == "known-senders" && r.Weight != want {
					t.Errorf("every %d-th bounced: got %g, want %g", bounced, r.Weight, want)
				}
			}
			if !says(&f, "known-senders") {
				t.Errorf("every %d-th bounced: known senders are not said: %v", bounced, f.Reasons)
			}
		}
	}
}

func TestMaskRule(t *testing.T) {
	for text, want := range map[string]string{
		"197.210.237.131 whitelisted in local domains whitelist":                          "… whitelisted in local domains whitelist",
		"SMTP connection outbound 1752529971 103.20.203.110 shop.example zoe@metall.info": "SMTP connection outbound … … shop.example …",
		"[203.0.113.9]:587 is <eve@site.example>, rate 100.1 / 1h":                        "[…]:587 is <…>, rate … / 1h",
		"@ is no address, nor is . a number":                                              "@ is no address, nor is . a number",
	} {
		if got := maskRule(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
