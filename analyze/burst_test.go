package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// scene is mail that is added to an ordinary day.
type scene struct {
	name string
	n    int           // messages
	gap  time.Duration // between two
	each func(i int, m *mail.Message)
	days []int // on which days it happens; nil: the second of three
	want Severity
	who  Subject // where something is wanted
}

func to(m *mail.Message, address string, d mail.Disposition) {
	local := mail.Domain(address) == "site.example"
	m.Recipients = []mail.Recipient{{Address: address, Disposition: d, Local: local && d == mail.Delivered, DSN: "2.0.0"}}
	if d == mail.Bounced {
		m.Recipients[0].DSN, m.Recipients[0].Reply = "5.1.1", "550 5.1.1 user unknown"
	}
}

func client(ip, name, helo string) mail.Client {
	return mail.Client{IP: netip.MustParseAddr(ip), Name: name, HELO: helo}
}

// bouncing returns Bounced for every nth message, else Delivered.
func bouncing(i, nth int) mail.Disposition {
	if i%nth == 0 {
		return mail.Bounced
	}
	return mail.Delivered
}

// stranger makes the client of a message a stranger with a verified name.
func stranger(m *mail.Message, ip, name string) {
	m.Client, m.Flags = client(ip, name, name), mail.Verified
}

var scenes = []scene{
	// What must be found.
	{name: "twelve from a customer's line, all senders differ", n: 12, gap: 50 * time.Second, want: High, who: Subject{IP, "203.0.113.9"},
		each: func(i int, m *mail.Message) {
			stranger(m, "203.0.113.9", "dsl-203-0-113-9.line.example")
			m.Sender, m.MessageID = fmt.Sprintf("x@d%d.example", i), fmt.Sprintf("1@m%d.invalid", i)
			to(m, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
		}},
	{name: "seven that know nothing of names", n: 7, gap: time.Minute, want: Medium, who: Subject{IP, "203.0.113.9"},
		each: func(i int, m *mail.Message) {
			m.Client = client("203.0.113.9", "", "144899528")
			m.Sender = fmt.Sprintf("x@d%d.example", i)
			to(m, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
		}},
	{name: "an account from a foreign network, in foreign names, to a dead list", n: 200, gap: 12 * time.Second, want: High, who: Subject{Account, "user7@site.example"},
		each: func(i int, m *mail.Message) {
			m.Client, m.Account, m.Sender = client("203.0.113.9", "", "[127.0.0.1]"), "user7@site.example", "prize@lottery.example"
			to(m, fmt.Sprintf("x%d@r%d.example", i, i%40), bouncing(i, 5))
		}},
	{name: "an account from a foreign network, in its own name", n: 200, gap: 12 * time.Second, want: High, who: Subject{Account, "user7@site.example"},
		each: func(i int, m *mail.Message) {
			m.Client, m.Account, m.Sender = client("203.0.113.9", "", ""), "user7@site.example", "user7@site.example"
			to(m, fmt.Sprintf("x%d@r%d.example", i, i%40), bouncing(i, 5))
		}},
	{name: "an account from forty addresses of one botnet", n: 200, gap: 12 * time.Second, want: High, who: Subject{Account, "user7@site.example"},
		each: func(i int, m *mail.Message) {
			m.Client = client(fmt.Sprintf("203.%d.113.9", i%40), "", "")
			m.Account, m.Sender = "user7@site.example", "user7@site.example"
			to(m, fmt.Sprintf("x%d@r%d.example", i, i%40), bouncing(i, 20))
		}},
	{name: "thirty addresses of one network, three messages each", n: 90, gap: 5 * time.Second, want: High, who: Subject{Network, "203.0.113.0/24"},
		each: func(i int, m *mail.Message) {
			m.Client = client(fmt.Sprintf("203.0.113.%d", i%30), "", "localhost")
			m.Sender, m.MessageID = fmt.Sprintf("x@d%d.example", i), fmt.Sprintf("1@m%d.invalid", i)
			to(m, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
		}},
	{name: "one sender domain from a hundred networks", n: 100, gap: 6 * time.Second, want: High, who: Subject{SenderDomain, "lottery.example"},
		each: func(i int, m *mail.Message) {
			m.Client = client(fmt.Sprintf("203.0.%d.9", i), "", "localhost")
			m.Sender = fmt.Sprintf("x%d@lottery.example", i)
			to(m, fmt.Sprintf("user%d@site.example", i), bouncing(i, 4))
		}},
	{name: "a script of the web server", n: 300, gap: 10 * time.Second, want: High, who: Subject{UID, "33"},
		each: func(i int, m *mail.Message) {
			m.Flags, m.UID, m.Script, m.Sender = mail.HasUID, 33, "33:x.php", "www@site.example"
			to(m, fmt.Sprintf("x%d@r%d.example", i, i%40), bouncing(i, 5))
		}},
	{name: "a machine of ours that somebody took over", n: 300, gap: 10 * time.Second, want: High, who: Subject{IP, "10.0.0.9"},
		each: func(i int, m *mail.Message) {
			m.Client, m.Sender = client("10.0.0.9", "", "printer"), fmt.Sprintf("x@d%d.example", i)
			to(m, fmt.Sprintf("x%d@r%d.example", i, i%40), bouncing(i, 5))
		}},

	{name: "a network that was rented for a run, each machine with a domain of its own", n: 240, gap: 50 * time.Second, want: High, who: Subject{Network, "203.0.113.0/24"},
		each: func(i int, m *mail.Message) {
			k := i * 7 % 40
			stranger(m, fmt.Sprintf("203.0.113.%d", 10+k), fmt.Sprintf("mail.offer%d.example", k))
			m.Sender, m.MessageID = fmt.Sprintf("best%d@offer%d.example", i, k), fmt.Sprintf("%d@offer%d.example", i, k)
			to(m, fmt.Sprintf("user%d@site.example", i%60), mail.Delivered)
		}},

	// What must stay low at most.
	{name: "the servers of a sending service, side by side", n: 240, gap: 10 * time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			stranger(m, fmt.Sprintf("203.0.113.%d", 10+i%40), fmt.Sprintf("o%d.mailer.example", i%40))
			m.Sender = fmt.Sprintf("b-%d-user%d=site.example@mailer.example", i, i)
			to(m, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
		}},
	{name: "the customers of a hoster, side by side", n: 40, gap: 6 * time.Minute, days: []int{0, 1, 2}, want: None,
		each: func(i int, m *mail.Message) {
			k := i * 7 % 12
			stranger(m, fmt.Sprintf("203.0.113.%d", 10+k), fmt.Sprintf("mail.firm%d.example", k))
			m.Sender = fmt.Sprintf("x@firm%d.example", k)
			to(m, fmt.Sprintf("user%d@site.example", i%60), mail.Delivered)
		}},
	{name: "a coffee break at a conference, and one mistyped address", n: 8, gap: 80 * time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			account := fmt.Sprintf("user%d@site.example", i)
			m.Client, m.Account, m.Sender = client("203.0.113.9", "nat.hotel.example", "laptop"), account, account
			to(m, fmt.Sprintf("x%d@r%d.example", i, i), bouncing(i, 8))
		}},
	{name: "a newsletter with VERP", n: 200, gap: time.Second, want: None,
		each: func(i int, m *mail.Message) {
			stranger(m, "203.0.113.9", "mta1.news.example")
			m.Sender = fmt.Sprintf("b-%d-user%d=site.example@news.example", i, i)
			to(m, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
		}},
	{name: "a newsletter through a service", n: 200, gap: time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			stranger(m, "203.0.113.9", "o1.mailer.example")
			m.Sender = fmt.Sprintf("b-%d-user%d=site.example@em.shop.example", i, i)
			to(m, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
		}},
	{name: "a mailing list, one mail to each", n: 80, gap: time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			stranger(m, "203.0.113.9", "lists.club.example")
			m.Sender = "talk-bounces@club.example"
			to(m, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
		}},
	{name: "an outgoing server of a provider", n: 25, gap: 20 * time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			stranger(m, "203.0.113.9", "eur01.out.provider.example")
			m.Sender, m.MessageID = fmt.Sprintf("x@firm%d.example", i), fmt.Sprintf("%d@eur01.prod.provider.example", i)
			to(m, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
		}},
	{name: "a monitor", n: 120, gap: 3 * time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			m.Client, m.Sender = client("203.0.113.9", "", "nagios"), "nagios@monitor.example"
			to(m, "user1@site.example", mail.Delivered)
		}},
	{name: "a monitor in our own network", n: 300, gap: time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			m.Client, m.Sender = client("10.0.0.9", "", "nagios"), "nagios@site.example"
			to(m, "user1@site.example", mail.Delivered)
		}},
	{name: "reports of a backup, every night", n: 60, gap: time.Second, days: []int{0, 1, 2}, want: None,
		each: func(i int, m *mail.Message) {
			m.Flags, m.UID, m.Sender = mail.HasUID, 0, "root@site.example"
			to(m, "user1@site.example", mail.Delivered)
		}},
	{name: "bounces of mail that somebody forged", n: 300, gap: time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			stranger(m, "203.0.113.9", "mx.victim.example")
			m.Sender = mail.NullSender
			to(m, fmt.Sprintf("user%d@site.example", i%3), mail.Delivered)
		}},
	{name: "an account's own newsletter, from its usual place", n: 180, gap: 2 * time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			m.Client, m.Account, m.Sender = client("100.64.7.7", "", "buero-pc"), "shop@site.example", "shop@site.example"
			to(m, fmt.Sprintf("x%d@r%d.example", i, i), bouncing(i, 40))
		}},
	{name: "an account's own newsletter, from a hotel", n: 180, gap: 2 * time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			m.Client, m.Account, m.Sender = client("203.0.113.9", "", "laptop"), "shop@site.example", "shop@site.example"
			to(m, fmt.Sprintf("x%d@r%d.example", i, i), bouncing(i, 40))
		}},
	{name: "a shop's newsletter by its web server", n: 400, gap: 2 * time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			m.Flags, m.UID, m.Script, m.Sender = mail.HasUID, 33, "33:newsletter.php", "shop@site.example"
			to(m, fmt.Sprintf("x%d@r%d.example", i, i), bouncing(i, 20))
		}},
	{name: "a shop's newsletter by its web server, and an order in between", n: 400, gap: 2 * time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			m.Flags, m.UID, m.Script, m.Sender = mail.HasUID, 33, "33:mailer.php", "shop@site.example"
			if i%150 == 70 {
				m.Sender = "orders@site.example"
			}
			to(m, fmt.Sprintf("x%d@r%d.example", i, i%60), bouncing(i, 20))
		}},
	{name: "a teacher who seldom writes, to all parents, from home", n: 380, gap: time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			m.Client, m.Account, m.Sender = client("203.0.113.9", "", "laptop"), "teacher@site.example", "teacher@site.example"
			if i == 0 { // at school, hours before
				m.Client = client("100.64.7.7", "", "pc")
				m.Time = m.Time.Add(-5 * time.Hour)
			}
			to(m, fmt.Sprintf("x%d@r%d.example", i, i%60), bouncing(i, 25))
		}},
	{name: "a list server of ours", n: 300, gap: time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			m.Flags, m.UID, m.Sender = mail.HasUID, 38, fmt.Sprintf("talk-bounces+x%d=r.example@site.example", i)
			to(m, fmt.Sprintf("x%d@r.example", i), bouncing(i, 30))
		}},
	{name: "Monday morning behind one address", n: 200, gap: 5 * time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			account := fmt.Sprintf("user%d@site.example", i%100)
			m.Client, m.Account, m.Sender = client("203.0.113.9", "", "pc"), account, account
			to(m, fmt.Sprintf("x%d@r%d.example", i, i), mail.Delivered)
		}},
	{name: "the queue of a secondary whose log is not here", n: 300, gap: time.Second, want: Low,
		each: func(i int, m *mail.Message) {
			stranger(m, "203.0.113.9", "mx2.site.example")
			m.Sender, m.MessageID = fmt.Sprintf("x@firm%d.example", i), fmt.Sprintf("%d@firm%d.example", i, i)
			to(m, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
		}},
	{name: "a talk of six in ten minutes", n: 6, gap: time.Minute, want: None,
		each: func(i int, m *mail.Message) {
			m.Client, m.Sender = client("203.0.113.9", "", "1234"), fmt.Sprintf("x@d%d.example", i)
			to(m, "user1@site.example", mail.Delivered)
		}},
}

func (s *scene) messages() []mail.Message {
	start := mail.InstantOf(time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC))
	days := s.days
	if days == nil {
		days = []int{1}
	}
	var all []mail.Message
	for _, day := range days {
		for i := range s.n {
			m := mail.Message{
				Origin: mail.Origin{Line: int64(1_000_000 + len(all))}, Line: "line", Host: "mx1", Hosts: []string{"mx1"},
				Time: start.Add(time.Duration(day)*24*time.Hour + time.Duration(i)*s.gap), MTA: mail.Postfix, Completed: true,
			}
			s.each(i, &m)
			all = append(all, m)
		}
	}
	return all
}

// Each scene is set in three ordinary days. What must be found is the first finding, and nothing else is above low; what is
// honest stays low or is not reported.
func TestScenes(t *testing.T) {
	var ordinary []mail.Message
	for day := range 3 {
		for _, m := range honestDay(1500) {
			m.Time = m.Time.Add(time.Duration(day) * 24 * time.Hour)
			m.Origin.Line += int64(day) * 10_000
			ordinary = append(ordinary, m)
		}
	}
	// The shop sends now and then from where it is.
	for i := range 12 {
		m := ordinary[0]
		m.Origin.Line, m.Time = int64(100_000+i), ordinary[0].Time.Add(time.Duration(i)*5*time.Hour)
		m.Client, m.Account, m.Sender = client("100.64.7.7", "", "buero-pc"), "shop@site.example", "shop@site.example"
		ordinary = append(ordinary, m)
	}
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			e := NewEngine(&Pass{Thresholds: DefaultThresholds()}, []Detector{burst})
			planted := s.messages()
			for _, list := range [][]mail.Message{ordinary, planted} {
				for i := range list {
					e.Message(&list[i])
				}
			}
			findings, _ := e.Findings()
			s.check(t, findings, planted)
		})
	}
}

func (s *scene) check(t *testing.T, findings []Finding, planted []mail.Message) {
	t.Helper()
	for i, f := range findings {
		t.Logf("%s %.2f %s %s: %s %v", f.Severity, f.Score, f.Subject.Kind, f.Subject.Value, f.Title, f.Reasons)
		if i > 0 && f.Severity > Low || s.want <= Low && f.Severity > s.want {
			t.Errorf("%s %s: %s is too much", f.Subject.Kind, f.Subject.Value, f.Severity)
		}
	}
	if s.want <= Low {
		return
	}
	if len(findings) == 0 {
		t.Fatal("not found")
	}
	f := findings[0]
	if f.Subject != s.who || f.Severity < s.want || f.Counts.Messages != s.n || f.Start != planted[0].Time || f.End != planted[len(planted)-1].Time {
		t.Errorf("got %s %v, %d messages, want %s %v, %d", f.Severity, f.Subject, f.Counts.Messages, s.want, s.who, s.n)
	}
}

// Clients and senders that only happen to be there when a network or a domain is misused are neither counted nor named.
func TestBystanders(t *testing.T) {
	at := mail.InstantOf(time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC))
	for name, c := range map[string]struct {
		who       Subject
		offender  func(i int, m *mail.Message)
		bystander func(m *mail.Message)
	}{
		"a neighbour's own mail server": {
			Subject{Network, "203.0.113.0/24"},
			func(i int, m *mail.Message) {
				stranger(m, fmt.Sprintf("203.0.113.%d", 10+i%3), "")
				m.Sender = fmt.Sprintf("x@d%d.example", i)
				to(m, fmt.Sprintf("user%d@site.example", i%5), bouncing(i, 3))
			},
			func(m *mail.Message) {
				stranger(m, "203.0.113.99", "mx.firm.example")
				m.Sender = "ann@firm.example"
				to(m, "user1@site.example", mail.Delivered)
			},
		},
		"a user of the forged domain": {
			Subject{SenderDomain, "site.example"},
			func(i int, m *mail.Message) {
				stranger(m, fmt.Sprintf("203.%d.113.9", i%9), "")
				m.Sender = fmt.Sprintf("qzvkwx%d@site.example", i)
				to(m, fmt.Sprintf("x%d@r%d.example", i, i), bouncing(i, 3))
			},
			func(m *mail.Message) {
				m.Client, m.Account, m.Sender = client("100.64.7.7", "", "pc"), "user1@site.example", "user1@site.example"
				to(m, "friend@far.example", mail.Delivered)
			},
		},
	} {
		e := NewEngine(&Pass{Thresholds: DefaultThresholds()}, []Detector{burst})
		ordinary := honestDay(1500)
		for i := range ordinary {
			e.Message(&ordinary[i])
		}
		const n = 60
		for i := range n + 2 {
			m := mail.Message{Origin: mail.Origin{Line: int64(1_000_000 + i)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"},
				Time: at.Add(time.Duration(i) * 5 * time.Second), MTA: mail.Postfix, Completed: true}
			if i == 20 || i == 40 {
				c.bystander(&m)
			} else {
				c.offender(i, &m)
			}
			e.Message(&m)
		}
		findings, _ := e.Findings()
		i := slices.IndexFunc(findings, func(f Finding) bool { return f.Subject == c.who })
		if i < 0 {
			t.Errorf("%s: not found", name)
			continue
		}
		f := findings[i]
		for _, k := range f.Clients {
			if ip := k.IP.String(); ip == "203.0.113.99" || ip == "100.64.7.7" {
				t.Errorf("%s: %s is a bystander", name, ip)
			}
		}
		if f.Counts.Messages != n {
			t.Errorf("%s: got %d messages, want %d", name, f.Counts.Messages, n)
		}
	}
}

// After its line was down, a partner's server without a name hands in what had to wait: no burst. A server that sends as many for
// the first time, or to many recipients that do not exist, is one.
func TestMailThatHadToWait(t *testing.T) {
	for _, c := range []struct {
		name string
		days int // on which it wrote before
		dead int
		want bool // it is grave
	}{{"a partner", 4, 99, false}, {"somebody new", 0, 99, true}, {"a partner with a list", 4, 5, true}} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds()}, []Detector{burst})
		send := func(i int, at mail.Instant) {
			m := mail.Message{Origin: mail.Origin{Line: int64(i)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: at, MTA: mail.Postfix, Completed: true,
				Client: mail.Client{IP: netip.MustParseAddr("203.0.113.9"), HELO: "EXCHANGE01"}, Sender: fmt.Sprintf("staff%d@partner.example", i%25)}
			to(&m, fmt.Sprintf("user%d@site.example", i%50), bouncing(i, c.dead))
			e.Message(&m)
		}
		ordinary := honestDay(1500)
		for day := range 5 {
			for _, m := range ordinary {
				m.Time = m.Time.Add(time.Duration(day) * 24 * time.Hour)
				m.Origin.Line += int64(day) * 10_000
				e.Message(&m)
			}
		}
		first := ordinary[0].Time
		for i := range 12 * c.days {
			send(1_000_000+i, first.Add(time.Duration(i/12)*24*time.Hour+time.Duration(i%12)*40*time.Minute))
		}
		for i := range 60 {
			send(2_000_000+i, first.Add(4*24*time.Hour+time.Hour+time.Duration(i)*2*time.Second))
		}
		findings, _ := e.Findings()
		if grave := slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity > Low }); grave != c.want {
			t.Errorf("%s: grave %v: %+v", c.name, grave, findings)
		}
	}
}

// A client that is always odd is not odder for having sent seven messages within three minutes.
func TestWellKnown(t *testing.T) {
	for _, known := range []bool{true, false} {
		limits := DefaultThresholds()
		limits.Score.Low = -1 // also what is too weak to be told
		e := NewEngine(&Pass{Thresholds: limits}, []Detector{burst})
		ordinary := honestDay(1500)
		for i := range ordinary {
			e.Message(&ordinary[i])
		}
		const days = 56 // from the day of at to that of the ordinary mail
		times := every("10:01:00", 25*time.Second, 8)
		if known {
			times = joined(every("00:00:00", 10*time.Minute, 140), times)
		}
		for i, at := range times {
			m := mail.Message{Origin: mail.Origin{Line: int64(1_000_000 + i)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"},
				Time: at.Add(days * 24 * time.Hour), MTA: mail.Postfix, Completed: true, Sender: fmt.Sprintf("qzvkwx%dbqj@firm.example", i*7919)}
			stranger(&m, "203.0.113.9", "static-203-0-113-9.dyn.firm.example")
			to(&m, fmt.Sprintf("user%d@site.example", i%50), bouncing(i, 5))
			e.Message(&m)
		}
		findings, _ := e.Findings()
		said := false
		for _, f := range findings {
			if known && f.Score >= limits.Score.Medium {
				t.Errorf("%s %v: %v", f.Severity, f.Subject, f.Reasons)
			}
			said = said || says(&f, "well-known")
		}
		if said != known {
			t.Errorf("sends all the time: %v, but is well known: %v: %+v", known, said, findings)
		}
	}
}

// A groupware server behind the gateway hands in mail for everybody without a login, so the sender is reported. If a host writes
// in one name only, as a shop does, the host is reported.
func TestBurstBehindAHostOfOurs(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	for _, tt := range []struct {
		people int
		want   Subject
	}{{40, Subject{Sender, user(7)}}, {1, Subject{IP, "10.20.1.9"}}} {
		e := NewEngine(&Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{burst})
		handIn := func(i int, m *mail.Message) {
			m.Client = client("10.20.1.9", "ex01.site.example", "")
			m.Sender = user(8 + i%tt.people)
			to(m, fmt.Sprintf("friend%d@p%d.example", i, i%20), mail.Delivered)
		}
		messages := some(400, monday.at(7, 0, 0), 3*time.Minute, handIn)
		if tt.people > 1 { // he wrote a letter the day before
			messages = append(messages, some(1, monday.at(17, 0, 0), time.Second, func(i int, m *mail.Message) {
				handIn(i, m)
				m.Origin.Line += 20_000
				m.Sender = user(7)
			})...)
		}
		messages = append(messages, some(300, monday.at(3, 0, 0).Add(24*time.Hour), 10*time.Second, func(i int, m *mail.Message) {
			handIn(i, m)
			m.Origin.Line += 10_000
			if m.Sender = user(7); tt.people == 1 || i == 0 {
				m.Sender = user(8)
			}
			to(m, fmt.Sprintf("v%d@p%d.example", i, i%20), bouncing(i, 4))
			if i == 150 { // somebody else writes meanwhile
				m.Sender = user(9)
			}
		})...)
		for i := range messages {
			e.Message(&messages[i])
		}
		findings, _ := e.Findings()
		n, start := 298, monday.at(3, 0, 10).Add(24*time.Hour) // others wrote the first, and one amid it
		if tt.people == 1 {
			n, start = 300, monday.at(3, 0, 0).Add(24*time.Hour)
		}
		if len(findings) != 1 || findings[0].Subject != tt.want || findings[0].Counts.Messages != n || findings[0].Start != start {
			t.Errorf("%d people: got %+v, want %v with %d messages", tt.people, findings, tt.want, n)
		}
	}
}

// An attacker who has the passwords of two accounts uses both from all his addresses: the accounts are reported, and not each
// address, except one from which most of the mail came.
func TestBurstOfTwoAccounts(t *testing.T) {
	for _, tt := range []struct {
		name      string
		addresses int
		want      []Subject
	}{
		{"from six addresses", 6, []Subject{{Account, user(3)}, {Account, user(7)}}},
		{"from one", 1, []Subject{{Account, user(3)}, {Account, user(7)}, {IP, "177.30.1.1"}}},
	} {
		w := newTown(4)
		for i := range 480 {
			name := []string{user(3), user(7)}[i%2]
			w.spam(3*oneDay+11*time.Hour+time.Duration(i)*8*time.Second, fmt.Sprintf("177.3%d.1.1", i/2%tt.addresses), name, name, i/2)
		}
		var got []Subject
		for _, f := range w.find(burst) {
			if f.Severity > Low {
				got = append(got, f.Subject)
			}
		}
		slices.SortFunc(got, func(a, b Subject) int { return strings.Compare(a.Value, b.Value) })
		slices.SortFunc(tt.want, func(a, b Subject) int { return strings.Compare(a.Value, b.Value) })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// An IPv6 host may take a new address of its /64 for every connection: a letter that it sends is not sent from many places. From as many
// networks it is.
func TestBurstFromAnIPv6Host(t *testing.T) {
	for format, want := range map[string]Severity{"2a07:3ae0:ac54:e7e::%x": Low, "2a07:%x:ac54:e7e::1": High} {
		w := newTown(8)
		for d := range time.Duration(8) {
			w.send(d*oneDay+8*time.Hour, fmt.Sprintf(format, 200+int(d)), user(7), user(7), "friend@r1.example", mail.Delivered)
		}
		for i := range 300 {
			w.send(3*oneDay+10*time.Hour+time.Duration(i)*2*time.Second, fmt.Sprintf(format, 1+i%93), user(7), user(7), fmt.Sprintf("reader%d@r%d.example", i, i%150), bouncing(i, 14))
		}
		most := None
		for _, f := range w.find(burst, account) {
			most = max(most, f.Severity)
		}
		if most != want {
			t.Errorf("%s: got %v, want %v", format, most, want)
		}
	}
}

// An attacker comes back in the same few names of strangers, and from the same address. That makes neither of them the account's old ones:
// not so where people want it, on every day, from the account's own server.
func TestBurstAgainAndAgain(t *testing.T) {
	for _, tt := range []struct {
		runs, dead int // one recipient in so many does not exist
		want       Severity
	}{{2, 4, High}, {3, 4, High}, {5, 5, High}, {5, 1000, Low}} {
		w := newTown(12)
		for run := range tt.runs {
			for i := range 60 {
				w.send(time.Duration(3+run)*oneDay+10*time.Hour+time.Duration(i)*6*time.Second, "177.32.67.133", user(7), fmt.Sprintf("claims%d@fund.example", i%3),
					fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i, tt.dead))
			}
		}
		found := w.find(burst)
		for i := range found {
			forged := slices.ContainsFunc(found[i].Reasons, func(r Reason) bool { return r.Code == "forged-sender" })
			if found[i].Severity > tt.want || tt.want == High && (found[i].Severity != High || !forged) {
				t.Errorf("%d runs, one in %d dead: got %v %v, want %v", tt.runs, tt.dead, found[i].Severity, found[i].Reasons, tt.want)
			}
		}
		if tt.want == High && len(found) != tt.runs {
			t.Errorf("got %d bursts, want %d", len(found), tt.runs)
		}
	}
}
