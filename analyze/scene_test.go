package analyze

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// town is an ordinary site over some days: eighty people, each with a home and a telephone, who log in and write; and a webmail
// host through which some of them write.
type town struct {
	start    mail.Instant
	days     int
	messages []mail.Message
	events   []mail.Event
}

const (
	people  = 80
	webmail = "192.0.2.40"
)

func newTown(days int) *town {
	w := &town{start: mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)), days: days}
	for day := range days {
		for p := range people {
			for k := range 3 + p%4 {
				at := time.Duration(day)*24*time.Hour + time.Duration(7*3600+(p*977+k*7919+day*311)%43000)*time.Second
				w.login(at, home(p), user(p))
				if k%2 == 0 {
					w.login(at+20*time.Minute, phone(p), user(p))
				}
				from := home(p)
				if p%3 == 0 && k == 1 {
					from = webmail
				}
				w.send(at+time.Minute, from, user(p), user(p), fmt.Sprintf("friend%d@p%d.example", p*10+k, p%9), bouncing(p+k+day, 40))
				w.receive(at+time.Hour, fmt.Sprintf("198.51.%d.9", p), fmt.Sprintf("mx.p%d.example", p%9), fmt.Sprintf("friend%d@p%d.example", p*10+k, p%9), user(p))
			}
		}
	}
	return w
}

func home(p int) string  { return fmt.Sprintf("%d.%d.%d.%d", 84+p%4, p%7, p, 10+p) }
func phone(p int) string { return fmt.Sprintf("80.187.%d.%d", p%30, p) }

func (w *town) origin() mail.Origin {
	return mail.Origin{Line: int64(len(w.messages) + len(w.events) + 1)}
}

func (w *town) send(at time.Duration, ip, account, sender, recipient string, d mail.Disposition) {
	c := mail.Client{IP: netip.MustParseAddr(ip), Name: "unknown"}
	if ip == webmail {
		c.Name = "webmail.site.example"
	}
	w.add(at, mail.Message{Client: c, Flags: mail.Verified, Account: account, Sender: sender,
		Recipients: []mail.Recipient{{Address: recipient, Disposition: d, Relay: "mx." + mail.Domain(recipient), DSN: map[mail.Disposition]string{mail.Bounced: "5.1.1"}[d]}}})
}

func (w *town) receive(at time.Duration, ip, name, sender string, recipients ...string) {
	m := mail.Message{Client: mail.Client{IP: netip.MustParseAddr(ip), Name: name, HELO: name}, Flags: mail.Verified, Sender: sender}
	for _, r := range recipients {
		m.Recipients = append(m.Recipients, mail.Recipient{Address: r, Disposition: mail.Delivered, Local: true})
	}
	w.add(at, m)
}

func (w *town) add(at time.Duration, m mail.Message) {
	m.Origin, m.Time, m.Host, m.Hosts, m.MTA, m.Completed = w.origin(), w.start.Add(at), "mx1", []string{"mx1"}, mail.Postfix, true
	m.Line = fmt.Sprintf("line %d", m.Origin.Line)
	w.messages = append(w.messages, m)
}

func (w *town) login(at time.Duration, ip, account string) { w.auth(mail.Auth, at, ip, account) }

func (w *town) fail(at time.Duration, ip, account string) { w.auth(mail.AuthFailed, at, ip, account) }

func (w *town) auth(kind mail.Kind, at time.Duration, ip, account string) {
	o := w.origin()
	w.events = append(w.events, mail.Event{Kind: kind, MTA: mail.Dovecot, Service: "imap", Host: "mx1", Origin: o, Time: w.start.Add(at),
		Client: mail.Client{IP: netip.MustParseAddr(ip)}, Account: account, Raw: fmt.Sprintf("line %d", o.Line)})
}

// find returns what a detector finds in the town, with the lines in the order of time.
func (w *town) find(detectors ...Detector) []Finding {
	return w.under(DefaultThresholds(), detectors...)
}

// under returns what detectors find with other thresholds.
func (w *town) under(limits Thresholds, detectors ...Detector) []Finding {
	e := NewEngine(&Pass{Thresholds: limits}, detectors)
	slices.SortStableFunc(w.messages, func(a, b mail.Message) int { return int(max(-1, min(1, a.Time-b.Time))) })
	slices.SortStableFunc(w.events, func(a, b mail.Event) int { return int(max(-1, min(1, a.Time-b.Time))) })
	i := 0
	for k := range w.messages {
		for i < len(w.events) && w.events[i].Time <= w.messages[k].Time {
			e.Event(&w.events[i])
			i++
		}
		e.Message(&w.messages[k])
	}
	for ; i < len(w.events); i++ {
		e.Event(&w.events[i])
	}
	findings, _ := e.Findings()
	return findings
}

// expect is what a scene must show.
type expect struct {
	subject  Subject
	least    Severity
	messages int
	from, to time.Duration
	clients  int // 0: whatever
	failed   int
	accounts []string
}

func (w *town) expect(t *testing.T, d Detector, want expect) {
	t.Helper()
	all := w.find(d)
	grave := 0
	var f *Finding
	for i := range all {
		if all[i].Severity > Low {
			grave++
		}
		if all[i].Subject == want.subject && (f == nil || all[i].Severity > f.Severity) {
			f = &all[i]
		}
	}
	if f == nil {
		t.Errorf("nothing about %v among %d findings", want.subject, len(all))
		for i := range all {
			t.Logf("%v %v %v %+v", all[i].Severity, all[i].Subject, all[i].Title, all[i].Reasons)
		}
		return
	}
	if f.Severity < want.least || grave > 1 {
		t.Errorf("got %v (%.2f) and %d findings above low, want %v and one: %+v", f.Severity, f.Score, grave, want.least, f.Reasons)
	}
	if f.Severity < High && strings.Contains(f.Title, "was abused") {
		t.Errorf("%.2f sure, but says %q", f.Score, f.Title)
	}
	if f.Counts.Messages != want.messages || want.failed > 0 && f.Counts.FailedLogins != want.failed {
		t.Errorf("got %d messages, %d failed logins, want %d, %d", f.Counts.Messages, f.Counts.FailedLogins, want.messages, want.failed)
	}
	if from, to := f.Start.Sub(w.start), f.End.Sub(w.start); from != want.from || to != want.to {
		t.Errorf("got %v to %v, want %v to %v", from, to, want.from, want.to)
	}
	if want.clients > 0 && len(f.Clients) != want.clients {
		t.Errorf("got %d clients, want %d: %v", len(f.Clients), want.clients, f.Clients)
	}
	if want.accounts != nil && !slices.Equal(f.Accounts, want.accounts) {
		t.Errorf("got accounts %q, want %q", f.Accounts, want.accounts)
	}
}

// Hosts, days or workers processed apart and joined find the same.
func TestTownMerges(t *testing.T) {
	w := newTown(4)
	for i := range 300 {
		w.spam(3*oneDay+11*time.Hour+time.Duration(i)*10*time.Second, webmail, user(7), "office@award.example", i)
		w.fail(2*oneDay+time.Duration(i)*time.Second, "203.0.113.66", user(i%9))
	}
	w.login(2*oneDay+time.Hour, "203.0.113.66", user(7))
	w.run(2*oneDay+9*time.Hour, "203.0.113.9", "vps-2231.rent.example", "root@vps-2231.rent.example", 35)
	w.send(2*oneDay+10*time.Hour, home(6), user(6), user(6), "root@vps-2231.rent.example", mail.Delivered)
	for _, d := range []Detector{account, guessing, phish} {
		want := w.find(d)
		if len(want) == 0 {
			t.Errorf("%s found nothing", d.Name)
		}
		for seed := range uint64(3) {
			got := w.apart(d, rand.New(rand.NewPCG(seed, 7)))
			compare(t, d.Name, got, want)
		}
	}
}

// apart returns what a detector finds when three watches share the lines, in any order.
func (w *town) apart(d Detector, rng *rand.Rand) []Finding {
	var parts []*Engine
	for range 3 {
		parts = append(parts, NewEngine(&Pass{Thresholds: DefaultThresholds()}, []Detector{d}))
	}
	for _, i := range rng.Perm(len(w.messages)) {
		parts[rng.IntN(3)].Message(&w.messages[i])
	}
	for _, i := range rng.Perm(len(w.events)) {
		parts[rng.IntN(3)].Event(&w.events[i])
	}
	parts[0].Merge(parts[1])
	parts[0].Merge(parts[2])
	findings, _ := parts[0].Findings()
	return findings
}

// In a flood of names, clients and logins, memory stays bounded, and the attacker among them is found.
func TestAccountFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood takes seconds")
	}
	const n = 80_000
	w := newTown(2)
	e := NewEngine(&Pass{Thresholds: DefaultThresholds()}, []Detector{account, guessing, phish})
	for i := range w.messages {
		e.Message(&w.messages[i])
	}
	for i := range w.events {
		e.Event(&w.events[i])
	}
	var m mail.Message
	for i := range n {
		at := w.start.Add(2*oneDay + time.Duration(i)*300*time.Millisecond)
		ip := netip.AddrFrom4([4]byte{byte(20 + i>>16), byte(i >> 8), byte(i), 1})
		ev := mail.Event{Kind: mail.AuthFailed, Time: at, Host: "mx1", Origin: mail.Origin{Line: int64(900_000 + 2*i)}, Raw: fmt.Sprintf("failed %d", i), Client: mail.Client{IP: ip}, Account: fmt.Sprintf("n%d@site.example", i)}
		e.Event(&ev)
		if ev.Origin.Line++; i%3 == 0 {
			ev.Kind = mail.Auth
			e.Event(&ev)
		}
		flood(&m, i, w.start.Add(2*oneDay))
		if i%2 == 0 {
			m.Account = fmt.Sprintf("n%d@site.example", i)
		}
		e.Message(&m)
	}
	for i := range 300 {
		w.spam(3*oneDay+11*time.Hour+time.Duration(i)*10*time.Second, "177.32.67.133", user(7), "office@award.example", i)
		e.Message(&w.messages[len(w.messages)-1])
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	if mb := stats.HeapAlloc >> 20; mb > 200 {
		t.Errorf("%d MB", mb)
	} else {
		t.Logf("%d MB", mb)
	}
	findings, _ := e.Findings()
	if !slices.ContainsFunc(findings, func(f Finding) bool {
		return f.Subject == Subject{Account, user(7)} && f.Counts.Messages == 300 && f.Severity == High
	}) {
		t.Errorf("the thief was not found among %d findings", len(findings))
	}
}
