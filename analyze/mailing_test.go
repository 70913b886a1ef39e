package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"mailforensics/mail"
)

// letters are mailings of an account to many recipients, and abuse that resembles them.
type letters struct {
	days    int
	n       int
	at, gap time.Duration
	ips     []string
	senders []string
	bounced int // every so manyth, 0: none
	before  time.Duration
	relay   string // through which all goes, "": each to its own server
}

func (l letters) scene(w *town) {
	const office = "office@site.example"
	for d := range w.days { // the office has mail of its own
		w.receive(time.Duration(d)*oneDay+9*time.Hour, "198.51.1.9", "mx.p1.example", "friend@p1.example", office)
	}
	if l.before > 0 {
		w.login(l.at-l.before, l.ips[0], user(7))
	}
	for i := range l.n {
		d := mail.Delivered
		if l.bounced > 0 {
			d = bouncing(i+1, l.bounced)
		}
		w.send(l.at+time.Duration(i)*l.gap, l.ips[i%len(l.ips)], user(7), l.senders[i%len(l.senders)], fmt.Sprintf("n%d@r%d.example", i, i%70), d)
	}
	for i := range w.messages {
		for k := range w.messages[i].Recipients {
			r := &w.messages[i].Recipients[k]
			if r.Local {
				continue
			}
			r.RelayIP = netip.MustParseAddr("203.0.113.25")
			if l.relay != "" {
				r.Relay = l.relay
			}
		}
	}
}

// worst returns the highest severity that the detectors of bursts and accounts report.
func worst(w *town) (worst Severity, why []Reason) {
	for _, d := range []Detector{account, burst} {
		for _, f := range w.find(d) {
			if f.Severity > worst {
				worst, why = f.Severity, f.Reasons
			}
		}
	}
	return worst, why
}

// The mailings of a club and of an application differ from an attacker's by one sender, one place and recipients who exist, all
// three together; an attacker has one or two of these.
func TestMailings(t *testing.T) {
	const dear = 3*oneDay + 14*time.Hour
	service := []string{"52.28.40.11", "52.28.40.12", "52.28.40.13", "52.28.40.14"}
	hotel, three := []string{"197.11.3.4"}, []string{"197.11.3.4", "177.32.67.133", "105.112.3.4"}
	own := []string{user(7)}
	var cloud []string
	for i := range 40 {
		cloud = append(cloud, fmt.Sprintf("%d.%d.3.4", 20+i, i*5))
	}
	slowly := letters{days: 4, n: 900, at: time.Hour, gap: 6 * time.Minute, ips: hotel, senders: []string{"sales@firm1.example", "sales@firm2.example"}, bounced: 60}
	day := with(slowly, func(l *letters) { l.days, l.n, l.at, l.gap = 1, 500, 7*time.Hour, 100*time.Second })
	for _, tt := range []struct {
		name string
		letters
		honest bool
	}{
		{"two hundred members, from a hotel", letters{days: 4, n: 200, at: dear, gap: 4 * time.Second, ips: hotel, senders: own, bounced: 40, before: 5 * time.Minute}, true},
		{"eight hundred members, from a hotel", letters{days: 4, n: 800, at: dear, gap: 4 * time.Second, ips: hotel, senders: own, bounced: 40, before: 5 * time.Minute}, true},
		{"in the office's name, from a hotel", letters{days: 4, n: 200, at: dear, gap: 4 * time.Second, ips: hotel, senders: []string{"office@site.example"}, bounced: 50}, true},
		{"to a list that was bought, from a hotel", letters{days: 4, n: 200, at: dear, gap: 4 * time.Second, ips: hotel, senders: own, bounced: 10}, false},
		{"by four machines of a service that asks for opinions", letters{days: 4, n: 400, at: dear, gap: time.Second, ips: service, senders: own, bounced: 50}, true},
		{"the like, to a list that was bought", letters{days: 4, n: 400, at: dear, gap: time.Second, ips: service, senders: own, bounced: 10}, false},
		{"the like, in two names", letters{days: 4, n: 400, at: dear, gap: time.Second, ips: service, senders: []string{"prize@lotto.example", "claims@award.example"}, bounced: 50}, false},
		{"from three networks in turn", letters{days: 4, n: 200, at: dear, gap: 4 * time.Second, ips: three, senders: own, bounced: 40}, false},
		{"to more than a club has, from a hotel", letters{days: 4, n: 1500, at: dear, gap: 2 * time.Second, ips: hotel, senders: own, bounced: 40, before: 5 * time.Minute}, false},
		{"at night, from a hotel", letters{days: 4, n: 300, at: 3*oneDay + 2*time.Hour, gap: 4 * time.Second, ips: hotel, senders: own, bounced: 40}, false},
		{"in strangers' names, from a hotel", letters{days: 4, n: 200, at: dear, gap: 4 * time.Second, ips: hotel, senders: []string{"prize@lotto.example", "claims@award.example"}, bounced: 40}, false},
		{"in a name of ours that nobody has, from a hotel", letters{days: 4, n: 200, at: dear, gap: 4 * time.Second, ips: hotel, senders: []string{"account-team@site.example"}, bounced: 40}, false},
		{"through a smarthost, which takes everything", letters{days: 4, n: 200, at: dear, gap: 4 * time.Second, ips: hotel, senders: own, relay: "smtp.provider.example"}, false},

		{"a programme that writes in its customers' names, all the time", slowly, true},
		{"the like, since yesterday", with(slowly, func(l *letters) { l.at, l.n = 2*oneDay, 450 }), false},
		{"the cloud's forty networks, all the time", with(slowly, func(l *letters) { l.ips, l.senders = cloud, own }), true},
		{"the like, since yesterday", with(slowly, func(l *letters) { l.ips, l.senders, l.at, l.n = cloud, own, 2*oneDay, 450 }), false},

		{"a programme that writes in its customers' names, on the one day of a log", day, true},
		{"the like, to a list that was bought", with(day, func(l *letters) { l.bounced = 7 }), false},
		{"the cloud's forty networks, on the one day of a log", with(day, func(l *letters) { l.ips, l.senders = cloud, own }), true},
		{"the like, to a list that was bought", with(day, func(l *letters) { l.ips, l.senders, l.bounced = cloud, own, 7 }), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(tt.days)
			w.messages = slices.DeleteFunc(w.messages, func(m mail.Message) bool { return tt.n == slowly.n && m.Account == user(7) })
			w.events = slices.DeleteFunc(w.events, func(ev mail.Event) bool { return tt.n == slowly.n && ev.Account == user(7) })
			tt.scene(w)
			if got, why := worst(w); (got <= Low) != tt.honest {
				t.Errorf("got %v: %+v", got, why)
			}
		})
	}
}

// A letter to an old list, through the webmail that the account always uses, is its owner's by day, and perhaps somebody else's at night.
func TestOldListAtNight(t *testing.T) {
	for hour, honest := range map[int]bool{14: true, 2: false} {
		w := newTown(4)
		for i := range 300 {
			at := 3*oneDay + time.Duration(hour)*time.Hour + time.Duration(i)*4*time.Second
			w.send(at, webmail, user(6), user(6), fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i+1, 6))
		}
		letters{}.scene(w)
		if got, why := worst(w); (got <= Low) != honest {
			t.Errorf("at %d: got %v: %+v", hour, got, why)
		}
	}
}

// Several machines of one network are a service's if those to whom it writes exist.
func TestMachinesOfAService(t *testing.T) {
	for bounced, want := range map[int]bool{50: false, 16: true} {
		w := newTown(4)
		letters{n: 400, at: 3*oneDay + 10*time.Hour, gap: time.Second, ips: []string{"78.46.9.11", "78.46.9.12", "78.46.9.13", "78.46.9.14"}, senders: []string{user(7)}, bounced: bounced}.scene(w)
		limits := DefaultThresholds()
		limits.Score.Low = -1 // also what is too weak to be told
		findings := w.under(limits, account)
		if len(findings) == 0 || says(&findings[0], "addresses-at-once") != want {
			t.Errorf("one of %d is dead: %+v", bounced, findings)
		}
	}
}

// Mail that begins with the log and goes on evenly is an application's; mail that fills only a part of the log is not.
func TestMailingGoesOn(t *testing.T) {
	for days, want := range map[int]bool{1: true, 4: false} {
		w := newTown(days)
		letters{n: 500, at: time.Duration(days-1)*oneDay + 7*time.Hour, gap: 100 * time.Second, ips: []string{"197.11.3.4"}, senders: []string{"sales@firm1.example", "sales@firm2.example"}, bounced: 60}.scene(w)
		limits := DefaultThresholds()
		limits.Score.Low = -1 // also what is too weak to be told
		got, findings := false, w.under(limits, account, burst)
		for i := range findings {
			got = got || findings[i].Subject == (Subject{Account, user(7)}) && says(&findings[i], "all-along")
		}
		if got != want || len(findings) == 0 {
			t.Errorf("in a log of %d days: got %v, want %v: %+v", days, got, want, findings)
		}
	}
}

func with(l letters, change func(*letters)) letters {
	change(&l)
	return l
}

// A story, which is all that is kept of a long burst, also knows where its account is at home.
func TestStoryIsAtHome(t *testing.T) {
	for ip, home := range map[string]bool{"84.1.2.3": true, "197.11.3.4": false} {
		pass := &Pass{Thresholds: DefaultThresholds()}
		pass.Thresholds.Burst.MaxRecords = 500
		w := newBurstWatch(pass)
		at := mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
		send := func(i int, at mail.Instant, ip string) {
			m := mail.Message{Origin: mail.Origin{Line: int64(i)}, Line: "line", Host: "mx1", Time: at, Account: user(7), Sender: user(7), Completed: true,
				Client: mail.Client{IP: netip.MustParseAddr(ip), Name: "unknown"}}
			to(&m, fmt.Sprintf("n%d@r%d.example", i, i%70), mail.Delivered)
			w.Message(&m)
		}
		for i := range 40 {
			send(i, at.Add(time.Duration(i)*time.Hour), "84.1.2.3")
		}
		for i := range 12_000 {
			send(1000+i, at.Add(50*time.Hour+time.Duration(i)*300*time.Millisecond), ip)
		}
		for i := range 600 {
			send(20_000+i, at.Add(60*time.Hour+time.Duration(i)*20*time.Minute), "84.1.2.3")
		}
		stories := 0
		for s, records := range w.remembered {
			for _, c := range w.candidates(s, records, &Site{}) {
				if s.dim != byAccount || c.records != nil {
					continue
				}
				stories++
				if (c.place == knownAddress) != home || (c.place == strangePlace) == home {
					t.Errorf("%s: got place %d", ip, c.place)
				}
			}
		}
		if stories == 0 {
			t.Error("no story: what this tests was never reached")
		}
	}
}
