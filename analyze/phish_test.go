package analyze

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"mailforensics/mail"
)

// run sends a message to each of n people.
func (w *town) run(at time.Duration, ip, name, sender string, n int) {
	for i := range n {
		w.receive(at+time.Duration(i)*11*time.Second, ip, name, sender, user(2*i))
		w.messages[len(w.messages)-1].Subject = "Ihr Postfach ist voll"
	}
}

func TestPhish(t *testing.T) {
	const at = 2*oneDay + 9*time.Hour
	first := Subject{IP, "203.0.113.66"}
	end := at + 34*11*time.Second
	for _, tt := range []struct {
		name  string
		scene func(w *town)
		want  expect
	}{
		{"two answered to an address that nobody knew", func(w *town) {
			w.run(at, "203.0.113.66", "vps-2231.rent.example", "root@vps-2231.rent.example", 35)
			w.send(at+50*time.Minute, home(6), user(6), user(6), "helpdesk.webteam@freemail.example", mail.Delivered)
			w.send(at+3*time.Hour, home(20), user(20), user(20), "helpdesk.webteam@freemail.example", mail.Delivered)
			for i := range 8 {
				w.send(time.Duration(i)*time.Hour, home(i), user(i), user(i), fmt.Sprintf("aunt%d@freemail.example", i), mail.Delivered)
			}
		}, expect{first, High, 35, at, end, 1, 0, []string{user(20), user(6)}}},
		{"one answered to the sender, whose host has no name", func(w *town) {
			w.run(at, "203.0.113.66", "unknown", "it-service@freemail.example", 35)
			w.send(at+50*time.Minute, home(6), user(6), user(6), "it-service@freemail.example", mail.Delivered)
		}, expect{first, Medium, 35, at, end, 1, 0, []string{user(6)}}},
		{"from a mail server like any other, and two answered", func(w *town) {
			w.run(at, "203.0.113.66", "mail.firm.example", "news@firm.example", 35)
			w.messages[len(w.messages)-1].Subject = ""
			w.send(at+50*time.Minute, home(6), user(6), user(6), "helpdesk.webteam@freemail.example", mail.Delivered)
			w.send(at+3*time.Hour, home(20), user(20), user(20), "helpdesk.webteam@freemail.example", mail.Delivered)
			for i := range 8 {
				w.send(time.Duration(i)*time.Hour, home(i), user(i), user(i), fmt.Sprintf("aunt%d@freemail.example", i), mail.Delivered)
			}
		}, expect{first, Medium, 35, at, end, 1, 0, []string{user(20), user(6)}}},
		{"in a machine's name, and one answered", func(w *town) {
			w.run(at, "203.0.113.66", "box.firm.example", "root@box.firm.example", 35)
			w.send(at+50*time.Minute, home(6), user(6), user(6), "helpdesk.webteam@freemail.example", mail.Delivered)
			for i := range 8 {
				w.send(time.Duration(i)*time.Hour, home(i), user(i), user(i), fmt.Sprintf("aunt%d@freemail.example", i), mail.Delivered)
			}
		}, expect{first, Medium, 35, at, end, 1, 0, []string{user(6)}}},
		{"by its subject", func(w *town) {
			w.run(at, "203.0.113.66", "vps-2231.rent.example", "root@vps-2231.rent.example", 35)
			w.send(at+50*time.Minute, home(6), user(6), user(6), "maria@freemail.example", mail.Delivered)
			w.messages[len(w.messages)-1].Subject = "Re: Ihr Postfach ist voll"
		}, expect{first, Medium, 35, at, end, 1, 0, []string{user(6)}}},
		{"nobody answered", func(w *town) {
			w.run(at, "203.0.113.66", "vps-2231.rent.example", "root@vps-2231.rent.example", 35)
		}, expect{first, Low, 35, at, end, 1, 0, nil}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(4)
			tt.scene(w)
			w.expect(t, phish, tt.want)
		})
	}
}

// A user who answered a sender's first run does not count as knowing the address in the next one: each run has its own answers.
func TestPhishAgain(t *testing.T) {
	const at, again = oneDay + 9*time.Hour, 6*oneDay + 9*time.Hour
	for _, tt := range []struct {
		name          string
		first, second []int
	}{
		{"each was answered", []int{6, 20}, []int{8, 14}},
		{"the second was answered", nil, []int{8, 14}},
		{"the first was answered", []int{6, 20}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(10)
			const sender = "it-service@freemail.example"
			var want []string
			for i, ask := range []time.Duration{at, again} {
				w.run(ask, fmt.Sprintf("203.0.113.%d", 60+i), "unknown", sender, 35)
				var people []string
				for _, p := range [][]int{tt.first, tt.second}[i] {
					w.send(ask+50*time.Minute, home(p), user(p), user(p), sender, mail.Delivered)
					people = append(people, user(p))
				}
				slices.Sort(people)
				want = append(want, fmt.Sprint(people))
			}
			var got []string
			for _, f := range w.find(phish) {
				got = append(got, fmt.Sprint(f.Accounts))
				if len(f.Accounts) > 0 && f.Severity < Medium {
					t.Errorf("%v: %s", f.Severity, f.Title)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("answered %q, want %q", got, want)
			}
		})
	}
}

// Each reason about an answered run is given in the scene that has it, and not in a scene that differs in one point only.
func TestPhishReasons(t *testing.T) {
	const at, rented, firm = 2*oneDay + 9*time.Hour, "vps-2231.rent.example", "mail.firm.example"
	run := func(name, sender string, days ...int) func(w *town) {
		return func(w *town) {
			for _, d := range append(days, 2) {
				w.run(time.Duration(d)*oneDay+9*time.Hour, "203.0.113.66", name, sender, 35)
			}
		}
	}
	and := func(scene func(w *town), change func(i int, m *mail.Message)) func(w *town) {
		return func(w *town) {
			first := len(w.messages)
			scene(w)
			for i := range w.messages[first:] {
				change(i, &w.messages[first+i])
			}
		}
	}
	odd := run(rented, "root@"+rented)
	for _, tt := range []struct {
		code           string
		has, neighbour func(w *town)
	}{
		{"bait", odd, and(odd, func(_ int, m *mail.Message) { m.Subject = "Unser Programm im Mai" })},
		{"forged-own-domain", run(rented, "office@site.example"), run(rented, "office@firm.example")},
		{"own-name", run(firm, "news@firm.example"), run(firm, "news@other.example")},
		{"regular", run(rented, "root@"+rented, 0, 1, 3), odd},
		{"says-bulk", and(odd, func(_ int, m *mail.Message) { m.Headers = []mail.HeaderLine{{Name: "Precedence", Value: "bulk"}} }), odd},
	} {
		for want, scene := range map[bool]func(w *town){true: tt.has, false: tt.neighbour} {
			w := newTown(5)
			scene(w)
			w.send(at+50*time.Minute, home(6), user(6), user(6), "helpdesk.webteam@freemail.example", mail.Delivered)
			w.send(at+3*time.Hour, home(20), user(20), user(20), "helpdesk.webteam@freemail.example", mail.Delivered)
			limits := DefaultThresholds()
			limits.Score.Low = -1 // also what is too weak to be told
			found, got := w.under(limits, phish), false
			for i := range found {
				got = got || says(&found[i], tt.code)
			}
			if got != want || len(found) == 0 {
				t.Errorf("%s: got %v, want %v: %+v", tt.code, got, want, found)
			}
		}
	}
}

// Many senders of one network are one run if they belong together, and are called after the network; a second run of one sender, a day after the
// first, has its own answers.
func TestPhishFromANetwork(t *testing.T) {
	const at = 2*oneDay + 9*time.Hour
	for _, domain := range []string{"desk.example", "desk%d.example"} {
		w := newTown(4)
		for i := range 24 {
			sender := fmt.Sprintf("help%d@", i) + domain
			if domain != "desk.example" {
				sender = fmt.Sprintf("help%d@"+domain, i, i)
			}
			w.receive(at+time.Duration(i)*20*time.Second, fmt.Sprintf("203.0.113.%d", i), "unknown", sender, user(2*i))
		}
		w.send(at+time.Hour, home(6), user(6), user(6), "helpdesk.webteam@freemail.example", mail.Delivered)
		w.send(at+2*time.Hour, home(20), user(20), user(20), "helpdesk.webteam@freemail.example", mail.Delivered)
		for i := range 8 {
			w.send(time.Duration(i)*time.Hour, home(i), user(i), user(i), fmt.Sprintf("aunt%d@freemail.example", i), mail.Delivered)
		}
		found := w.find(phish)
		if one := domain == "desk.example"; one != (len(found) == 1) {
			t.Errorf("%s: got %+v", domain, found)
		} else if one && (found[0].Subject != Subject{Network, "203.0.113.0/24"} || len(found[0].Accounts) != 2 || found[0].Counts.Messages != 24) {
			t.Errorf("%s: got %v, %d messages, answered by %v", domain, found[0].Subject, found[0].Counts.Messages, found[0].Accounts)
		}
	}
}

// Whoever answers the day after a sender's second run answers that one, although the first was three days ago at most.
func TestPhishAgainTheNextDay(t *testing.T) {
	const at, sender = oneDay + 9*time.Hour, "it-service@freemail.example"
	w := newTown(5)
	w.run(at, "203.0.113.60", "unknown", sender, 35)
	w.run(at+oneDay, "203.0.113.61", "unknown", sender, 35)
	w.send(at+time.Hour, home(6), user(6), user(6), sender, mail.Delivered)
	w.send(at+oneDay+time.Hour, home(20), user(20), user(20), sender, mail.Delivered)
	got := make(map[string][]string)
	for _, f := range w.find(phish) {
		got[f.Subject.Value] = f.Accounts
	}
	want := map[string][]string{"203.0.113.60": {user(6)}, "203.0.113.61": {user(20)}}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestIsMachine(t *testing.T) {
	for _, tt := range []struct {
		sender, host string
		want         bool
	}{
		{"webmaster@vps-2231.rent.com", "vps-2231.rent.com", true},
		{"Root@Box.firm.com", "box.firm.com", true},
		{"webmaster@firm.com", "firm.com", false}, // the only server of a small firm
		{"webmaster@firm.com", "mail.firm.com", false},
		{"anna@box.firm.com", "box.firm.com", false},
		{"<>", "box.firm.com", false},
	} {
		if got := isMachine(tt.sender, tt.host); got != tt.want {
			t.Errorf("%s from %s: got %v, want %v", tt.sender, tt.host, got, tt.want)
		}
	}
}

func TestHonestRuns(t *testing.T) {
	for _, tt := range []struct {
		name  string
		scene func(w *town)
	}{
		{"a newsletter", func(w *town) {
			for d := range 4 {
				for i := range 40 {
					w.receive(time.Duration(d)*oneDay+9*time.Hour+time.Duration(i)*time.Second, "203.0.113.66", "mta7.news.example", fmt.Sprintf("bounce-%d-user%d=site.example@news.example", d, i), user(i))
				}
			}
			w.send(oneDay+10*time.Hour, home(6), user(6), user(6), "support@news.example", mail.Delivered)
		}},
		{"an invitation that many answer", func(w *town) {
			for i := range 30 {
				w.receive(oneDay+9*time.Hour+time.Duration(i)*20*time.Second, "203.0.113.66", "mail.partner.example", "anna@partner.example", user(i))
			}
			for i := range 12 {
				w.send(oneDay+10*time.Hour+time.Duration(i)*9*time.Minute, home(i), user(i), user(i), "anna@partner.example", mail.Delivered)
			}
		}},
		{"a message to a whole department, and a colleague at the provider", func(w *town) {
			var all []string
			for i := range 20 {
				all = append(all, user(i))
			}
			w.receive(oneDay+9*time.Hour, "203.0.113.66", "mout.freemail.example", "susan@freemail.example", all...)
			for i := range 3 {
				w.send(oneDay+10*time.Hour+time.Duration(i)*9*time.Minute, home(i), user(i), user(i), "susan@freemail.example", mail.Delivered)
			}
		}},
		{"a new customer to whom three write", func(w *town) {
			for i := range 3 {
				w.send(oneDay+time.Duration(10+i)*time.Hour, home(i), user(i), user(i), "orders@customer.example", mail.Delivered)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(4)
			tt.scene(w)
			for _, f := range w.find(phish) {
				if f.Severity > Low {
					t.Errorf("%v %v %s %+v", f.Severity, f.Subject, f.Title, f.Reasons)
				}
			}
		})
	}
}

// A run that looks like an invitation is reported after all if the account of somebody who answered it is stolen: the others who
// answered must be warned.
func TestPhishThatLooksHonestIsToldBesideAStolenLogin(t *testing.T) {
	for _, tt := range []struct {
		name   string
		robbed int
		want   bool
	}{{"nobody", -1, false}, {"one who answered", 4, true}, {"another", 5, false}} {
		w := newTown(4)
		for i := range 30 {
			w.receive(oneDay+9*time.Hour+time.Duration(i)*20*time.Second, "203.0.113.66", "mail.partner.example", "service@partner.example", user(i))
		}
		for _, i := range []int{4, 9} {
			w.send(oneDay+10*time.Hour+time.Duration(i)*9*time.Minute, home(i), user(i), user(i), "service@partner.example", mail.Delivered)
		}
		for i := range 300 {
			if tt.robbed >= 0 {
				w.spam(3*oneDay+time.Duration(i)*12*time.Second, "177.32.239.44", user(tt.robbed), "claims@lotto.example", i)
			}
		}
		var got []Finding
		for _, f := range w.find(account, phish) {
			if f.Detector == phishName {
				got = append(got, f)
			}
		}
		if len(got) > 1 || (len(got) == 1) != tt.want {
			t.Errorf("%s was robbed: got %d runs, want one: %v", tt.name, len(got), tt.want)
		}
		if len(got) == 1 && (got[0].Severity != Low || len(got[0].Accounts) != 2) {
			t.Errorf("%s was robbed: got %v and %q, want low and both who answered", tt.name, got[0].Severity, got[0].Accounts)
		}
	}
}

// However large a run is, what is kept of it is bounded, the latest messages stay, and what was dropped is counted.
func TestPhishKeepsALimitedNumber(t *testing.T) {
	w := newPhishWatch(&Pass{Thresholds: DefaultThresholds()})
	const n = keptRuns + 3*8192
	for i := range n {
		at := mail.Instant(i+1) * mail.Instant(20*time.Millisecond)
		w.Message(&mail.Message{Time: at, Host: "mx", Hosts: []string{"mx"}, Origin: mail.Origin{Line: int64(i + 1)}, Line: "accepted",
			Client: mail.Client{IP: netip.AddrFrom4([4]byte{41, byte(i % 7), byte(i % 50), 9})}, Sender: "help@desk.example",
			Recipients: []mail.Recipient{{Address: fmt.Sprintf("user%d@site.example", i), Disposition: mail.Delivered, Local: true}}})
		if len(w.kept) > keptRuns {
			t.Fatalf("%d are kept", len(w.kept))
		}
	}
	if w.lost == 0 || w.lost+len(w.kept)+w.ring.len() != n {
		t.Errorf("%d kept, %d in the ring and %d lost are not %d", len(w.kept), w.ring.len(), w.lost, n)
	}
	var latest mail.Instant
	for r := range w.ring.oldestFirst {
		latest = max(latest, r.time)
	}
	if want := mail.Instant(n) * mail.Instant(20*time.Millisecond); latest != want {
		t.Errorf("the latest is of %d, not %d", latest, want)
	}
}

// Two runs of the same attacker, with different senders, ask for answers to the same address: each answer belongs to the run
// after which it came.
func TestPhishAnswersToTheLaterRun(t *testing.T) {
	const at, later = oneDay + 9*time.Hour, 3*oneDay + 8*time.Hour
	w := newTown(4)
	w.run(at, "203.0.113.66", "203-0-113-66.dynamic.isp.example", "admin@desk-portal.example", 35)
	w.send(at+3*time.Hour, home(6), user(6), user(6), "support@desk-portal.example", mail.Delivered)
	w.run(later, "198.51.100.77", "198-51-100-77.dynamic.isp.example", "it@site.example", 35)
	w.send(later+time.Hour, home(20), user(20), user(20), "support@desk-portal.example", mail.Delivered)
	w.send(later+9*time.Hour, home(30), user(30), user(30), "support@desk-portal.example", mail.Delivered)
	found := w.under(DefaultThresholds(), phish)
	got := make(map[string][]string)
	for i := range found {
		got[found[i].Subject.Value] = found[i].Accounts
		if len(found[i].Related) != 1 {
			t.Errorf("%s: not linked to the other run", found[i].Title)
		}
	}
	want := map[string][]string{"203.0.113.66": {user(6)}, "198.51.100.77": {user(20), user(30)}}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Two people whom a run reached wrote to one new address within hours: colleagues may have the same new customer. They are told to have
// answered only if an account of theirs was abused thereafter.
func TestPhishPerhapsAnswered(t *testing.T) {
	const at = 2*oneDay + 9*time.Hour
	for _, abused := range []bool{false, true} {
		w := newTown(6)
		w.run(at, "203.0.113.66", "203-0-113-66.dynamic.isp.example", "it@site.example", 35)
		for _, p := range []int{6, 20} {
			w.send(at+time.Duration(50+p)*time.Minute, home(p), user(p), user(p), "orders@newfirm.example", mail.Delivered)
		}
		for _, p := range []int{8, 10} { // of whom nothing is heard
			w.send(at+time.Duration(50+p)*time.Minute, home(p), user(p), user(p), "box@otherfirm.example", mail.Delivered)
		}
		if abused {
			for i := range 200 {
				w.spam(3*oneDay+2*time.Hour+time.Duration(i)*10*time.Second, fmt.Sprintf("177.32.%d.9", i%9), user(20), "claims@fund.example", i)
			}
		}
		var runs []Finding
		for _, f := range w.find(phish, account) {
			if f.Detector == phishName {
				runs = append(runs, f)
			}
		}
		var want []string
		if abused {
			want = []string{user(20), user(6)}
		}
		if len(runs) != 1 || !slices.Equal(runs[0].Accounts, want) || (runs[0].Severity > Low) != abused {
			t.Errorf("abused %v: got %+v, want one run that %v answered", abused, runs, want)
		}
	}
}

// Nobody answered: a run that is not very odd is told if it went to many, and else not; one that asks for passwords in any case.
func TestPhishUnanswered(t *testing.T) {
	for _, tt := range []struct {
		people  int
		subject string
		want    bool
	}{{2*DefaultThresholds().Phish.MinUsers - 1, "Guten Tag", false}, {2 * DefaultThresholds().Phish.MinUsers, "Guten Tag", true}, {2*DefaultThresholds().Phish.MinUsers - 1, "Ihr Postfach ist voll", true}} {
		w := newTown(4)
		first := len(w.messages)
		w.run(2*oneDay+9*time.Hour, "203.0.113.66", "vps-2231.rent.example", "info@firm.example", tt.people)
		for i := range w.messages[first:] {
			w.messages[first+i].Subject = tt.subject
		}
		if found := w.find(phish); (len(found) == 1) != tt.want {
			t.Errorf("%d people, %q: got %+v", tt.people, tt.subject, found)
		}
	}
}
