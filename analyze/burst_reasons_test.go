package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// judged returns what the detector says of a subject, however weak, when the scene is set in three ordinary days or alone.
func (s *scene) judged(t *testing.T, alone bool, local ...string) []Finding {
	limits := DefaultThresholds()
	limits.Score.Low = -10 // reasons that make a finding honest are given in findings that nobody else sees
	t.Helper()
	e := newTwiceTold(t, &Pass{Thresholds: limits, Local: local}, []Detector{burst})
	for day := range 3 {
		for _, m := range honestDay(1500) {
			m.Time = m.Time.Add(time.Duration(day) * 24 * time.Hour)
			m.Origin.Line += int64(day) * 10_000
			if !alone {
				e.Message(&m)
			}
		}
	}
	if !alone { // the shop sends now and then from where it is
		for _, m := range some(12, honestDay(1)[0].Time, 5*time.Hour, func(i int, m *mail.Message) {
			m.Client, m.Account, m.Sender = client("100.64.7.7", "", "pc"), "shop@site.example", "shop@site.example"
			away(m, i, mail.Delivered)
		}) {
			e.Message(&m)
		}
	}
	planted := s.messages()
	for i := range planted {
		e.Message(&planted[i])
	}
	findings, _ := e.Findings()
	return slices.DeleteFunc(findings, func(f Finding) bool { return f.Subject != s.who })
}

// Each reason of a burst is given in the scene that has it, and not in a scene that differs in one point only.
func TestBurstReasons(t *testing.T) {
	const ip, home, hotel, shop = "203.0.113.9", "100.64.7.7", "203.0.113.9", "shop@site.example"
	from := func(name, sender string) func(int, *mail.Message) { // a mail server that writes to everybody here
		return func(i int, m *mail.Message) {
			stranger(m, ip, name)
			if m.Sender = sender; sender == "verp" {
				m.Sender = fmt.Sprintf("b-%d-user%d=site.example@firm.example", i, i)
			}
			to(m, user(i), mail.Delivered)
		}
	}
	and := func(each func(int, *mail.Message), more func(int, *mail.Message)) func(int, *mail.Message) {
		return func(i int, m *mail.Message) { each(i, m); more(i, m) }
	}
	server := from("mta1.firm.example", "news@firm.example")
	nobody := func(sender string) func(int, *mail.Message) { // a client without a name
		return func(i int, m *mail.Message) {
			m.Client, m.Sender = client(ip, "", "pc"), fmt.Sprintf(sender, i)
			to(m, user(i), mail.Delivered)
		}
	}
	staff := func(i int, m *mail.Message) { // the office's server of a partner
		nobody("x%d@other.example")(i, m)
		m.Sender = fmt.Sprintf("staff%d@partner.example", i%25)
	}
	account := func(ip string, accounts, dead int) func(int, *mail.Message) {
		return func(i int, m *mail.Message) {
			m.Client, m.Account, m.Sender = client(ip, "", "pc"), shop, shop
			if accounts > 1 {
				m.Account, m.Sender = user(i%accounts), user(i%accounts)
			}
			away(m, i, bouncing(i, dead))
		}
	}
	local := func(each func(int, *mail.Message)) func(int, *mail.Message) { // a program of the user 33
		return func(i int, m *mail.Message) {
			m.Flags, m.UID, m.Script, m.Sender = mail.HasUID, 33, "33:x.php", "www@site.example"
			each(i, m)
		}
	}
	outside := local(func(i int, m *mail.Message) { away(m, i, mail.Delivered) })
	dead := func(nth int) func(int, *mail.Message) {
		return func(i int, m *mail.Message) { away(m, i, bouncing(i, nth)) }
	}
	turns := func(i int, m *mail.Message) { m.Sender = user(i % 20) } // several names take turns as sender
	sideBySide := func(name string) func(int, *mail.Message) {
		return func(i int, m *mail.Message) {
			host := name
			if name == "" {
				host = fmt.Sprintf("mail.offer%d.example", i*7%40)
			}
			stranger(m, fmt.Sprintf("203.0.113.%d", 10+i*7%40), host)
			m.Sender = "best@" + organisation(host)
			to(m, user(i%60), mail.Delivered)
		}
	}
	list := func(i int, m *mail.Message) { // a list server without a name
		m.Client, m.Sender = client(ip, "", "lists.firm.example"), fmt.Sprintf("b-x%d=r%d.example@firm.example", i, i%60)
	}
	firstDay := dayOf(honestDay(1)[0].Time)
	customer := func(dead, changes int) func(int, *mail.Message) { // a server without a name, which has most to relay on the second of three days
		return func(i int, m *mail.Message) {
			day := int(dayOf(m.Time) - firstDay)
			if day != 1 {
				m.Time = m.Time.Add(time.Duration(i) * 2 * time.Minute)
			}
			m.Client, m.Sender = client(ip, "", "mail.firm.example"), fmt.Sprintf("office@firm%d.example", i%9+9*changes*day)
			away(m, i+1000*changes*day, bouncing(i+1, dead))
		}
	}
	line := Subject{IP, "203.0.111.9"}
	moves := func(dead, changes int, provider string) func(int, *mail.Message) { // a firm whose line has another address each day
		return func(i int, m *mail.Message) {
			day := int(dayOf(m.Time) - firstDay)
			name := fmt.Sprintf("dsl-203-0-%d-9.%s.example", 110+day, provider)
			if strings.Contains(provider, "%") {
				name = fmt.Sprintf(name, day)
			}
			stranger(m, fmt.Sprintf("203.0.%d.9", 110+day), name)
			m.Sender = fmt.Sprintf("staff%d@firm.example", i%9+9*changes*day)
			away(m, i+200*day, bouncing(i+1, dead))
		}
	}
	foreign := func(_ int, m *mail.Message) { m.Sender = "office@firm.example" }
	as := func(login string) func(int, *mail.Message) { // where logins are no addresses of ours
		return and(account(hotel, 1, 40), func(_ int, m *mail.Message) { m.Account = login })
	}
	random := func(sender string) func(int, *mail.Message) { // as no name is
		return func(i int, m *mail.Message) {
			letters := ""
			for k := range 10 {
				letters += string("qxzjkvwpgfb"[(i*(k+3)/(k+1)+i*i*k)%11])
			}
			m.Client, m.Sender = client(ip, "", "pc"), fmt.Sprintf(sender, letters)
			to(m, user(i), mail.Delivered)
		}
	}
	nobodies := func(i int, m *mail.Message) {
		nobody("x%d@other.example")(i, m)
		m.Sender = fmt.Sprintf("x%d@o%d.example", i, i)
	}
	titled := func(each func(int, *mail.Message), subject string) func(int, *mail.Message) {
		return and(each, func(_ int, m *mail.Message) { m.Subject = subject })
	}
	named := from("mta1.mailer.example", "news@firm.example")
	hopping := func(i int, m *mail.Message) { m.Client = client(fmt.Sprintf("203.0.113.%d", 10+i%9), "", "pc") }
	address, net, shopAccount, program := Subject{IP, ip}, Subject{Network, "203.0.113.0/24"}, Subject{Account, shop}, Subject{UID, "33"}
	own := Subject{IP, "10.0.0.9"}
	type side = scene
	for _, tt := range []struct {
		code           string
		has, neighbour side
	}{
		{"forged-own-domain", side{who: address, each: nobody("x%d@site.example")}, side{who: address, each: nobody("x%d@other.example")}},
		{"domain-for-each", side{who: net, each: sideBySide("")}, side{who: net, each: sideBySide("mail.offer.example")}},
		{"one-recipient-domain", side{who: address, each: server}, side{who: address, each: and(server, func(i int, m *mail.Message) {
			if i%3 == 0 {
				to(m, fmt.Sprintf("user%d@ours.example", i), mail.Delivered)
			}
		})}},
		{"own-name", side{who: address, each: server}, side{who: address, each: from("mta1.mailer.example", "news@firm.example")}},
		{"named-server", side{who: address, each: from("mta1.mailer.example", "news@firm.example")}, side{who: address, each: server}},
		{"notices", side{who: address, each: from("mta1.firm.example", mail.NullSender)}, side{who: address, each: server}},
		{"to-few", side{who: address, each: and(server, func(i int, m *mail.Message) { to(m, user(i%3), mail.Delivered) })}, side{who: address, each: server}},
		{"verp", side{who: address, each: from("mta1.firm.example", "verp")}, side{who: address, each: server}},
		{"says-bulk", side{who: address, each: and(server, func(_ int, m *mail.Message) { m.Headers = []mail.HeaderLine{{Name: "Precedence", Value: "bulk"}} })}, side{who: address, each: server}},
		{"usual-senders", side{who: address, each: staff, days: []int{0, 1, 2}}, side{who: address, each: staff, days: []int{0, 1}}},
		{"usual-senders", side{who: address, each: staff, days: []int{0, 1, 2}}, side{who: address, each: nobody("x%d@other.example"), days: []int{0}}},
		{"regular", side{who: address, each: server, days: []int{0, 1, 2}}, side{who: address, each: server, days: []int{0, 1}}},

		{"own-address", side{who: own, each: account("10.0.0.9", 3, 99)}, side{who: address, each: account(hotel, 3, 99)}},
		{"many-people", side{who: address, each: account(hotel, 100, 99)}, side{who: address, each: account(hotel, 3, 99)}},
		{"usual-client", side{who: shopAccount, each: account(home, 1, 40)}, side{who: shopAccount, each: account(hotel, 1, 40)}},
		{"usual-network", side{who: shopAccount, each: account("100.64.7.8", 1, 40)}, side{who: shopAccount, each: account(hotel, 1, 40)}},
		{"kept-list", side{who: shopAccount, each: account(hotel, 1, 40)}, side{who: shopAccount, each: account(hotel, 1, 7)}},
		{"wanted", side{who: shopAccount, each: account(hotel, 1, 40)}, side{who: shopAccount, each: account(hotel, 1, 7)}},
		{"wanted", side{who: shopAccount, each: account(hotel, 1, 20)}, side{who: shopAccount, each: account(hotel, 1, 7)}},
		{"bounces", side{who: shopAccount, each: account(hotel, 1, 7)}, side{who: shopAccount, each: account(hotel, 1, 40)}},
		{"other-sender", side{who: shopAccount, each: and(account(hotel, 1, 40), turns)}, side{who: shopAccount, each: account(hotel, 1, 40)}},

		{"forged-sender", side{who: shopAccount, each: and(account(hotel, 1, 40), foreign)}, side{who: shopAccount, each: and(account(hotel, 1, 40), foreign), days: []int{0, 1, 2}}},
		{"forged-sender", side{who: Subject{Account, "shop"}, each: and(as("shop"), foreign)}, side{who: Subject{Account, "shop"}, each: as("shop")}},
		{"forged-sender", side{who: Subject{Account, "shop@ad.lan"}, each: and(as("shop@ad.lan"), foreign)}, side{who: Subject{Account, "shop@ad.lan"}, each: as("shop@ad.lan")}},
		{"relayed", side{who: address, each: and(server, dead(5))}, side{who: address, each: and(server, dead(40))}},
		{"relayed", side{who: address, each: and(nobody("x%d@other.example"), dead(40))}, side{who: address, each: and(server, dead(40))}},
		{"changes-line", side{who: line, each: moves(50, 0, "line"), days: []int{0, 1, 2}}, side{who: line, each: moves(50, 0, "line"), days: []int{0, 1}}},
		{"changes-line", side{who: line, each: moves(50, 0, "line"), days: []int{0, 1, 2}}, side{who: line, each: moves(8, 0, "line"), days: []int{0, 1, 2}}},
		{"changes-line", side{who: line, each: moves(50, 0, "line"), days: []int{0, 1, 2}}, side{who: line, each: moves(50, 1, "line"), days: []int{0, 1, 2}}},
		{"changes-line", side{who: line, each: moves(50, 0, "line"), days: []int{0, 1, 2}}, side{who: line, each: moves(50, 0, "line%d"), days: []int{0, 1, 2}}},
		{"relays-daily", side{who: address, each: customer(50, 0), days: []int{0, 1, 2}}, side{who: address, each: customer(50, 1), days: []int{0, 1, 2}}},
		{"relays-daily", side{who: address, each: customer(50, 0), days: []int{0, 1, 2}}, side{who: address, each: customer(8, 0), days: []int{0, 1, 2}}},
		{"relays-daily", side{who: address, each: customer(50, 0), days: []int{0, 1, 2}}, side{who: address, each: customer(50, 0), days: []int{1}}},
		{"relayed", side{who: address, each: and(list, dead(8)), days: []int{0, 1}}, side{who: address, each: and(list, dead(8)), days: []int{0, 1, 2}}},
		{"random-senders", side{who: address, each: random("%s@other.example")}, side{who: address, each: random("SRS0=%s=4Q=firm.example=x@other.example")}},
		{"one-script", side{who: program, each: outside}, side{who: program, each: outside, days: []int{0, 1, 2}}},

		{"kept-list", side{who: shopAccount, each: and(account(home, 1, 40), turns)}, side{who: shopAccount, each: and(account(hotel, 1, 40), turns)}},

		{"wanted", side{who: program, each: outside}, side{who: program, each: and(outside, dead(7))}},
		{"wanted", side{who: program, each: and(outside, dead(20))}, side{who: program, each: and(outside, dead(7))}},
		{"to-ourselves", side{who: program, each: and(outside, func(i int, m *mail.Message) { to(m, user(i%3), mail.Delivered) })}, side{who: program, each: outside}},
		{"reports", side{who: program, each: and(outside, func(i int, m *mail.Message) { to(m, fmt.Sprintf("dmarc@r%d.example", i), mail.Delivered) })}, side{who: program, each: outside}},
		{"to-ourselves", side{who: program, each: and(outside, func(i int, m *mail.Message) { to(m, user(i), mail.Delivered) })}, side{who: program, each: outside}},

		{"one-subject", side{who: address, each: titled(nobodies, "offer")}, side{who: address, each: titled(nobody("x%d@other.example"), "offer")}},
		{"one-to-many", side{who: address, each: server}, side{who: address, each: nobody("x%d@other.example")}},
		{"random-senders", side{who: address, each: random("SRS0%s@other.example")}, side{who: address, each: random("SRS1=%s=4Q=firm.example=x@other.example")}},
		{"random-senders", side{who: address, each: and(random("%s@other.example"), func(i int, m *mail.Message) {
			if i%20 == 0 {
				m.Sender = "x@y"
			}
		})}, side{who: address, each: server}},
		{"named-server", side{who: address, each: named}, side{who: address, each: and(named, func(_ int, m *mail.Message) { m.Client.HELO = "pc" })}},
		{"named-server", side{who: address, each: named}, side{who: address, each: and(named, func(i int, m *mail.Message) {
			if i%5 == 0 {
				to(m, fmt.Sprintf("nobody%d@site.example", i), mail.Bounced)
			}
		})}},
		{"many-people", side{who: address, each: account(hotel, 100, 99)}, side{who: address, each: and(account(hotel, 100, 99), func(i int, m *mail.Message) {
			if i%5 == 0 {
				foreign(i, m)
			}
		})}},
		{"many-accounts", side{who: address, each: and(account(hotel, 100, 99), foreign)}, side{who: address, each: account(hotel, 100, 99)}},
		{"many-clients", side{who: shopAccount, each: and(account(hotel, 1, 40), hopping)}, side{who: net, each: and(account(hotel, 5, 40), hopping)}},
		{"many-bounces", side{who: shopAccount, n: 40, each: account(hotel, 1, 4)}, side{who: shopAccount, n: 40, each: and(account(hotel, 1, 99), func(i int, m *mail.Message) {
			if i < 2 {
				away(m, i, mail.Bounced)
			}
		})}},
	} {
		for want, s := range map[bool]side{true: tt.has, false: tt.neighbour} {
			s.name, s.n, s.gap = tt.code, cmp.Or(s.n, 200), 2*time.Second
			s.expect(t, want, s.judged(t, false, "site.example", "ours.example"))
		}
	}
	// Beside nothing else it is the gateway that hands in all there is.
	s := scene{name: "gateway", n: 200, gap: 2 * time.Second, who: address, each: server}
	s.expect(t, true, s.judged(t, true))
	s.expect(t, false, s.judged(t, false))
}

// Who comes from yet another address for each message on other days, too, is not at many places at once.
func TestBurstOfAnApplicationInACloud(t *testing.T) {
	s := scene{n: 200, gap: 2 * time.Second, who: Subject{Account, "crm@site.example"}, each: func(i int, m *mail.Message) {
		day := int(m.Time / mail.Instant(24*time.Hour) % 100)
		m.Client, m.Account, m.Sender = client(fmt.Sprintf("3.%d.%d.9", 60+day, i), "", "pc"), "crm@site.example", "crm@site.example"
		away(m, i, mail.Delivered)
	}}
	for days, want := range map[int]int{1: 1, 3: 1} { // on its first day nobody knows
		s.days = []int{0, 1, 2}[:days]
		got := 0
		for _, f := range s.judged(t, false, "site.example") {
			if says(&f, "many-clients") {
				got++
			}
		}
		if got != want {
			t.Errorf("%d days: %d bursts from many clients, want %d", days, got, want)
		}
	}
}

// expect checks that some finding gives the reason that a scene is named after, or that there are findings and none does.
func (s *scene) expect(t *testing.T, want bool, findings []Finding) {
	t.Helper()
	got := slices.ContainsFunc(findings, func(f Finding) bool { return says(&f, s.name) })
	if got != want || len(findings) == 0 {
		t.Errorf("%s: got %v, want %v, in %d findings about %v", s.name, got, want, len(findings), s.who)
		for _, f := range findings {
			t.Logf("%.2f %s %v", f.Score, f.Title, f.Reasons)
		}
	}
}

// Sixty people of ours meet at a place where none of them ever was, and write from there all day, each some messages. Whoever has sixty
// passwords sends as many within the hour, or more of each.
func TestBurstOfAConference(t *testing.T) {
	const guests = 60
	for _, tt := range []struct {
		name  string
		each  int
		over  time.Duration
		grave bool
	}{
		{"a day", 9, 8 * time.Hour, false},
		{"an hour", 9, time.Hour, true},
		{"a day, but many of each", 20, 8 * time.Hour, true},
	} {
		n := guests * tt.each
		s := scene{n: n, gap: tt.over / time.Duration(n), who: Subject{IP, "203.0.113.9"}, each: func(i int, m *mail.Message) {
			m.Client, m.Account, m.Sender = client("203.0.113.9", "", "pc"), user(i%guests), user(i%guests)
			away(m, i, bouncing(i, 40))
		}}
		found := s.judged(t, false, "site.example")
		grave := slices.ContainsFunc(found, func(f Finding) bool { return f.Severity > Low })
		if grave != tt.grave {
			t.Errorf("%s: got %+v, want above low: %v", tt.name, found, tt.grave)
		}
	}
}
