package analyze

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

const oneDay = 24 * time.Hour

// victim is a recipient of spam: one in four does not exist.
func victim(i int) (string, mail.Disposition) {
	return fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i, 4)
}

func (w *town) spam(at time.Duration, ip, account, sender string, i int) {
	to, d := victim(i)
	w.send(at, ip, account, sender, to, d)
}

// Abuse that began before the log and goes on evenly does not stand out from what the account did at other times.
func TestAccountThroughoutTheLog(t *testing.T) {
	for _, tt := range []struct {
		name string
		bad  int // one in so many recipients does not exist
		want int
	}{{"to a list", 3, 960}, {"to people who exist, as a shop does", 30, 0}} {
		w := newTown(2)
		for i := range 960 {
			w.send(time.Duration(i)*3*time.Minute, "177.32.67.133", user(7), user(7), fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i, tt.bad))
		}
		var got []Finding
		for _, f := range w.find(account) {
			if f.Severity > Low {
				got = append(got, f)
			}
		}
		switch {
		case tt.want == 0 && len(got) > 0:
			t.Errorf("%s: got %v", tt.name, got[0].Title)
		case tt.want > 0 && (len(got) != 1 || got[0].Counts.Messages != tt.want || len(got[0].Clients) != 1):
			t.Errorf("%s: got %d findings, want one of %d messages from one client: %+v", tt.name, len(got), tt.want, got)
		}
	}
}

// Abuse that began before the log, now and then, from machines all over the world to each of which it comes back for days: by use they are as
// much the owner's as his own. What he writes to people who write to him is not counted. An application in a provider's cloud, which writes to
// people who exist, is no more than low, and neither is one that writes to old customers, if it does so at the hours at which people here write.
func TestAccountFromEverywhere(t *testing.T) {
	const n, machines = 280, 40
	for _, tt := range []struct {
		name  string
		bad   int           // one in so many recipients does not exist
		part  time.Duration // of each day, it writes in one in so many hours
		grave bool
	}{
		{"to a list", 9, 1, true},
		{"to people who exist", 100, 1, false},
		{"to old customers, by day", 9, 2, false},
		{"to a list of which a quarter is dead, by day", 4, 2, true},
	} {
		w := newTown(4)
		for i := range n {
			at := 4 * oneDay * time.Duration(i) / n
			at = at.Truncate(oneDay) + 7*time.Hour + at%oneDay/tt.part
			from := fmt.Sprintf("%d.%d.7.7", 140+i%machines, i%machines*5)
			w.send(at, from, user(7), user(7), fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i, tt.bad))
		}
		var got []Finding
		for _, f := range w.find(account) {
			if f.Severity > Low {
				got = append(got, f)
			}
		}
		switch {
		case !tt.grave && len(got) > 0:
			t.Errorf("%s: got %v %+v", tt.name, got[0].Title, got[0].Reasons)
		case tt.grave && (len(got) != 1 || got[0].Severity != High || got[0].Counts.Messages != n || got[0].Counts.Clients != machines):
			t.Errorf("%s: got %+v, want one high finding of %d messages from %d addresses", tt.name, got, n, machines)
		}
	}
}

// Whoever reads and writes in the webmail as the owner does, and sends two messages an hour for some days, stands out by what comes back.
// What the owner sends from home or at other times is not counted.
func TestAccountForDays(t *testing.T) {
	for _, tt := range []struct {
		name string
		from string
		bad  int // one in so many recipients does not exist
		want int
	}{
		{"a thief in the webmail", webmail, 4, 192},
		{"the owner's mailing from the webmail, to an old list", webmail, 9, 0},
		{"the owner's mailing from home, to an old list", home(7), 9, 0},
		{"an application's mail", "198.51.77.3", 40, 0},
	} {
		w := newTown(10)
		for i := range 192 {
			w.send(4*oneDay+time.Duration(i)*30*time.Minute, tt.from, user(7), user(7), fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i, tt.bad))
		}
		var got []Finding
		for _, f := range w.find(account) {
			if f.Severity > Low {
				got = append(got, f)
			}
		}
		switch {
		case tt.want == 0 && len(got) > 0:
			t.Errorf("%s: got %v %+v", tt.name, got[0].Title, got[0].Reasons)
		case tt.want > 0 && (len(got) != 1 || got[0].Counts.Messages != tt.want || got[0].Start != w.start.Add(4*oneDay)):
			t.Errorf("%s: got %d findings, want one of %d messages: %+v", tt.name, len(got), tt.want, got)
		}
	}
}

// A thief who writes to all of the account's colleagues needs no list, so it speaks for nobody that all of them exist. A circular of the
// owner's from home is quiet; one from a place where the account never was is low, as long as nobody looked round there first.
func TestAccountToItsColleagues(t *testing.T) {
	for _, tt := range []struct {
		name   string
		from   string
		before time.Duration // the first login from there; 0: none
		want   Severity
	}{
		{"a thief who tried the password in the evening", "102.89.33.10", 14 * time.Hour, Medium},
		{"a circular from a hotel", "102.89.33.10", 0, Low},
		{"a circular from home", home(7), 0, None},
	} {
		w := newTown(10)
		if tt.before > 0 {
			w.login(5*oneDay+9*time.Hour-tt.before, tt.from, user(7))
		}
		for i := range people {
			w.send(5*oneDay+9*time.Hour+time.Duration(i)*6*time.Second, tt.from, user(7), user(7), user(i), mail.Delivered)
		}
		for i := range w.messages {
			for k := range w.messages[i].Recipients {
				r := &w.messages[i].Recipients[k]
				r.Local = r.Local || mail.Domain(r.Address) == "site.example"
			}
		}
		got := None
		for _, f := range w.find(account) {
			if f.Subject == (Subject{Account, user(7)}) {
				got = f.Severity
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// However an attacker goes about it, exactly his messages are found, and none of the owner's.
func TestAccount(t *testing.T) {
	carla := Subject{Account, user(7)}
	for _, tt := range []struct {
		name  string
		scene func(w *town)
		want  expect
	}{
		{"a burst from three addresses, in the owner's name", func(w *town) {
			for i := range 260 {
				w.spam(2*oneDay+11*time.Hour+time.Duration(i)*12*time.Second, []string{"177.32.239.44", "177.32.67.133", "177.32.12.117"}[i%3], user(7), user(7), i)
			}
			w.send(2*oneDay+11*time.Hour+5*time.Minute+time.Second, home(7), user(7), user(7), "friend@p1.example", mail.Delivered)
		}, expect{carla, High, 260, 2*oneDay + 11*time.Hour, 2*oneDay + 11*time.Hour + 259*12*time.Second, 3, 0, nil}},
		{"by the webmail, in strangers' names, after a look round", func(w *town) {
			w.login(2*oneDay+22*time.Hour, "105.112.135.63", user(7))
			w.login(3*oneDay+10*time.Hour, "88.176.238.37", user(7))
			for i := range 600 {
				w.spam(3*oneDay+11*time.Hour+time.Duration(i)*10*time.Second, webmail, user(7), []string{"office@award.example", "claims@lotto.example"}[i%2], i)
			}
			w.login(3*oneDay+12*time.Hour, "82.64.34.248", user(7))
			w.send(3*oneDay+11*time.Hour+30*time.Minute+time.Second, webmail, user(7), user(7), "friend@p1.example", mail.Delivered)
		}, expect{carla, High, 600, 3*oneDay + 11*time.Hour, 3*oneDay + 11*time.Hour + 5990*time.Second, 4, 0, nil}},
		{"by the webmail, in the owner's name", func(w *town) {
			w.login(3*oneDay+10*time.Hour, "105.112.135.63", user(7))
			for i := range 400 {
				w.spam(3*oneDay+11*time.Hour+time.Duration(i)*10*time.Second, webmail, user(7), user(7), i)
			}
		}, expect{carla, High, 400, 3*oneDay + 11*time.Hour, 3*oneDay + 11*time.Hour + 3990*time.Second, 2, 0, nil}},
		{"by the webmail, two in three in the owner's name, the rest in a stranger's", func(w *town) {
			w.login(3*oneDay+10*time.Hour, "105.112.135.63", user(7))
			for i := range 400 {
				w.spam(3*oneDay+11*time.Hour+time.Duration(i)*10*time.Second, webmail, user(7), []string{"claims@lotto.example", user(7), user(7)}[i%3], i)
			}
		}, expect{carla, High, 400, 3*oneDay + 11*time.Hour, 3*oneDay + 11*time.Hour + 3990*time.Second, 2, 0, nil}},
		{"in three batches with hours between", func(w *town) {
			for batch := range 3 {
				for i := range 100 {
					w.spam(oneDay+time.Duration(batch)*9*time.Hour+11*time.Hour+time.Duration(i)*8*time.Second, "177.32.67.133", user(7), user(7), batch*100+i)
				}
			}
		}, expect{carla, High, 300, oneDay + 11*time.Hour, oneDay + 29*time.Hour + 99*8*time.Second, 1, 0, nil}},
		{"slowly, each message from another network", func(w *town) {
			for i := range 240 {
				w.spam(oneDay+6*time.Hour+time.Duration(i)*11*time.Minute, fmt.Sprintf("%d.%d.7.9", 20+i%40, i%200), user(7), user(7), i)
			}
		}, expect{carla, High, 240, oneDay + 6*time.Hour, oneDay + 6*time.Hour + 239*11*time.Minute, 0, 0, nil}},
		{"slowly, in strangers' names", func(w *town) {
			for i := range 150 {
				w.spam(2*oneDay+6*time.Hour+time.Duration(i)*17*time.Minute, "177.32.67.133", user(7), fmt.Sprintf("prize%d@lotto.example", i), i)
			}
		}, expect{carla, High, 150, 2*oneDay + 6*time.Hour, 2*oneDay + 6*time.Hour + 149*17*time.Minute, 1, 0, nil}},
		{"in a stranger's name from twenty networks, the owner from a hotel a quarter of an hour before", func(w *town) {
			w.send(2*oneDay+11*time.Hour-15*time.Minute, "62.4.5.6", user(7), user(7), "friend@p1.example", mail.Delivered)
			for i := range 240 {
				w.spam(2*oneDay+11*time.Hour+time.Duration(i)*12*time.Second, fmt.Sprintf("%d.%d.7.9", 20+i%20, i%20), user(7), "prize@lotto.example", i)
			}
		}, expect{carla, High, 240, 2*oneDay + 11*time.Hour, 2*oneDay + 11*time.Hour + 239*12*time.Second, 20, 0, nil}},
		{"slowly, in a stranger's name, each message from another network; the owner moved meanwhile", func(w *town) {
			for i := range 150 {
				w.spam(oneDay+time.Duration(i)*17*time.Minute, fmt.Sprintf("%d.%d.7.9", 20+i%50, i), user(7), "prize@lotto.example", i)
			}
			for _, at := range []time.Duration{2*oneDay + 10*time.Hour, 3*oneDay + 21*time.Hour} {
				w.login(at, "62.4.5.6", user(7))
				w.send(at+time.Minute, "62.4.5.6", user(7), user(7), "friend@p1.example", mail.Delivered)
			}
		}, expect{carla, High, 150, oneDay, oneDay + 149*17*time.Minute, 150, 0, nil}},
		{"slowly, each message from another network, nearly all in a stranger's name", func(w *town) {
			for i := range 150 {
				sender := "prize@lotto.example"
				if i%15 == 7 {
					sender = user(7)
				}
				w.spam(oneDay+time.Duration(i)*17*time.Minute, fmt.Sprintf("%d.%d.7.9", 20+i%50, i), user(7), sender, i)
			}
		}, expect{carla, High, 150, oneDay, oneDay + 149*17*time.Minute, 150, 0, nil}},
		{"slowly and for long, with an account that its owner used twice", func(w *town) {
			w.send(2*oneDay, "84.9.9.9", "new@site.example", "new@site.example", "friend@p1.example", mail.Delivered)
			w.send(2*oneDay+3*time.Hour, "84.9.9.9", "new@site.example", "new@site.example", "friend@p1.example", mail.Delivered)
			for i := range 1440 {
				w.spam(2*oneDay+14*time.Hour+time.Duration(i)*time.Minute, "177.32.67.133", "new@site.example", "prize@lotto.example", i)
			}
		}, expect{Subject{Account, "new@site.example"}, High, 1440, 2*oneDay + 14*time.Hour, 2*oneDay + 14*time.Hour + 1439*time.Minute, 1, 0, nil}},
		{"over IPv6", func(w *town) {
			for i := range 120 {
				w.spam(2*oneDay+11*time.Hour+time.Duration(i)*12*time.Second, fmt.Sprintf("2a0%d:db8:%x::1", i%5, i%5), user(7), user(7), i)
			}
		}, expect{carla, High, 120, 2*oneDay + 11*time.Hour, 2*oneDay + 11*time.Hour + 119*12*time.Second, 5, 0, nil}},
		{"in two spellings", func(w *town) {
			for i := range 120 {
				name := user(7)
				if i%2 == 1 {
					name = strings.ToUpper(name)
				}
				w.spam(2*oneDay+11*time.Hour+time.Duration(i)*12*time.Second, "177.32.67.133", name, "prize@lotto.example", i)
			}
		}, expect{carla, High, 120, 2*oneDay + 11*time.Hour, 2*oneDay + 11*time.Hour + 119*12*time.Second, 1, 0, []string{user(7)}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(5)
			tt.scene(w)
			w.expect(t, account, tt.want)
		})
	}
}

// locate gives every client a country: the town is in Germany.
func (w *town) locate() {
	country := func(c *mail.Client) {
		switch c.IP.As4()[0] {
		case 177:
			c.Country = "BR"
		case 105:
			c.Country = "NG"
		default:
			c.Country = "DE"
		}
	}
	for i := range w.messages {
		country(&w.messages[i].Client)
	}
	for i := range w.events {
		country(&w.events[i].Client)
	}
}

// With --geo, a country from which the account was never used, and two countries within an hour, speak against it; a country from
// which the owner sends, too, does not.
func TestAccountCountries(t *testing.T) {
	for _, tt := range []struct {
		name            string
		from            []string
		foreign, travel bool
	}{
		{"from abroad", []string{"177.32.239.44"}, true, false},
		{"from two countries at once", []string{"177.32.239.44", "105.112.135.63"}, true, true},
		{"from the same country", []string{"84.99.7.7", "85.99.7.7"}, false, false},
	} {
		w := newTown(5)
		for i := range 260 {
			w.spam(2*oneDay+11*time.Hour+time.Duration(i)*12*time.Second, tt.from[i%len(tt.from)], user(7), "prize@lotto.example", i)
		}
		w.locate()
		found := w.find(account)
		if len(found) == 0 || found[0].Subject != (Subject{Account, user(7)}) {
			t.Errorf("%s: got %v", tt.name, found)
			continue
		}
		if got := says(&found[0], "new-country"); got != tt.foreign {
			t.Errorf("%s: new-country %v, want %v: %+v", tt.name, got, tt.foreign, found[0].Reasons)
		}
		if got := says(&found[0], "impossible-travel"); got != tt.travel {
			t.Errorf("%s: impossible-travel %v, want %v: %+v", tt.name, got, tt.travel, found[0].Reasons)
		}
	}
}

// A run at night, when nobody here sends mail; where there are few others, when the account itself never does.
func TestAccountOddHours(t *testing.T) {
	for hour, odd := range map[time.Duration]bool{3 * time.Hour: true, 11 * time.Hour: false} {
		for _, others := range []bool{true, false} {
			w := newTown(5)
			w.messages = slices.DeleteFunc(w.messages, func(m mail.Message) bool { return !others && m.Account != "" && m.Account != user(7) })
			for i := range 260 {
				w.spam(2*oneDay+hour+time.Duration(i)*12*time.Second, "177.32.239.44", user(7), "prize@lotto.example", i)
			}
			found := w.find(account)
			if len(found) == 0 || says(&found[0], "odd-hours") != odd {
				t.Errorf("at %v, others here: %v: got %+v, want odd-hours %v", hour, others, found, odd)
			}
		}
	}
}

// says reports whether a finding has a reason.
func says(f *Finding, code string) bool {
	return slices.ContainsFunc(f.Reasons, func(r Reason) bool { return r.Code == code })
}

// A run of more messages than are remembered one by one is still counted completely.
func TestAccountLong(t *testing.T) {
	w := newTown(3)
	for i := range 30_000 {
		w.spam(2*oneDay+time.Duration(i)*2*time.Second, "177.32.67.133", user(7), "prize@lotto.example", i)
	}
	w.expect(t, account, expect{Subject{Account, user(7)}, High, 30_000, 2 * oneDay, 2*oneDay + 59_998*time.Second, 1, 0, nil})
}

// A login without a domain, and the same one with a domain in the mailbox server's log, are one account.
func TestAccountSpellings(t *testing.T) {
	w := newTown(3)
	w.login(oneDay+22*time.Hour, "105.112.135.63", "shop, north@site.example")
	for i := range 200 {
		w.spam(2*oneDay+11*time.Hour+time.Duration(i)*5*time.Second, "105.112.135.64", "Shop, North", "prize@lotto.example", i)
	}
	w.expect(t, account, expect{Subject{Account, "Shop, North"}, High, 200, 2*oneDay + 11*time.Hour, 2*oneDay + 11*time.Hour + 995*time.Second, 2, 0, []string{"Shop, North"}})
}

// Somebody logs in from many networks, and has sent nothing yet.
func TestAccountVisits(t *testing.T) {
	w := newTown(3)
	for i := range 24 {
		w.login(2*oneDay+time.Duration(i)*40*time.Minute, fmt.Sprintf("%d.%d.1.1", 20+i, i), user(7))
	}
	all := w.find(account)
	if len(all) == 1 && all[0].Title != "Account "+user(7)+": strangers logged in from 24 addresses in 15.3 hours, and sent nothing" {
		t.Errorf("got %q", all[0].Title)
	}
	if len(all) != 1 || all[0].Subject.Value != user(7) || len(all[0].Clients) != 24 || all[0].Counts.Logins != 24 || all[0].Counts.Messages != 0 || !says(&all[0], "many-networks") {
		t.Errorf("got %+v", all)
	}
}

// That many machines try a password out at once is said, and where everybody comes from so many networks it means nothing.
func TestAccountVisitsBesideOthers(t *testing.T) {
	for _, tt := range []struct {
		gap           time.Duration
		everybody     bool
		found, atOnce bool
	}{{40 * time.Minute, false, true, false}, {time.Minute, false, true, true}, {time.Minute, true, false, false}} {
		w := newTown(3)
		for p := range people {
			if p == 7 || tt.everybody {
				for i := range 24 {
					w.login(2*oneDay+time.Duration(i)*tt.gap, fmt.Sprintf("%d.%d.1.%d", 20+i, i, p), user(p))
				}
			}
		}
		all := w.find(account)
		if got := len(all) > 0; got != tt.found || got && says(&all[0], "addresses-at-once") != tt.atOnce {
			t.Errorf("every %v, everybody: %v: got %d findings %+v", tt.gap, tt.everybody, len(all), all)
		}
	}
}

// The webmail's own log and the mailbox server log the same logins.
func TestLoginsAreCountedOnce(t *testing.T) {
	at := mail.InstantOf(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	p := &place{}
	for i := range 5 {
		p.enter(successfulLogin{at.Add(time.Duration(i) * time.Minute), byServer})
		p.enter(successfulLogin{at.Add(time.Duration(i)*time.Minute + 4*time.Second), byWebmail})
	}
	p.enter(successfulLogin{at.Add(30 * time.Minute), byServer})
	if got := p.rememberedLogins(at, at.Add(time.Hour)); got != 6 {
		t.Errorf("got %d logins, want 6", got)
	}
}

// What owners do themselves stays below medium.
func TestHonestAccounts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		days  int
		scene func(w *town)
	}{
		{"a newsletter to two hundred, from home", 4, func(w *town) {
			for i := range 200 {
				w.send(2*oneDay+10*time.Hour+time.Duration(i)*2*time.Second, home(7), user(7), user(7), fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i, 35))
			}
		}},
		{"a newsletter by the webmail, to an old list", 4, func(w *town) {
			for i := range 150 {
				w.send(2*oneDay+10*time.Hour+time.Duration(i)*3*time.Second, webmail, user(7), user(7), fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i, 16))
			}
		}},
		{"a traveller who writes from hotels", 5, func(w *town) {
			for d := 2; d < 5; d++ {
				for i := range 15 {
					at := time.Duration(d)*oneDay + 8*time.Hour + time.Duration(i)*40*time.Minute
					w.login(at, fmt.Sprintf("197.%d.3.4", d*11), user(7))
					w.send(at+time.Minute, fmt.Sprintf("197.%d.3.4", d*11), user(7), user(7), fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i+1, 30))
				}
			}
		}},
		{"a representative who is in another town each hour, and has a dead address here and there", 5, func(w *town) {
			for i := range 300 {
				w.send(time.Duration(i/60)*oneDay+8*time.Hour+time.Duration(i%60)*10*time.Minute, fmt.Sprintf("%d.%d.3.4", 100+i/6%100, i/6), user(7), user(7),
					fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i+1, 25))
			}
		}},
		{"invitations from a hotel", 5, func(w *town) {
			for i := range 40 {
				w.send(3*oneDay+20*time.Hour+time.Duration(i)*15*time.Second, "197.11.3.4", user(7), user(7), fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i+1, 30))
			}
		}},
		{"twelve branch offices with one account, on one day", 1, func(w *town) {
			for i := range 240 {
				w.send(7*time.Hour+time.Duration(i)*2*time.Minute, fmt.Sprintf("%d.9.3.4", 60+i%12), "shop@site.example", "shop@site.example", fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i+1, 40))
			}
		}},
		{"a customer's mail server, in many names, every day", 4, func(w *town) {
			for i := range 900 {
				w.send(time.Duration(i)*6*time.Minute, "203.0.113.4", "relay@site.example", fmt.Sprintf("p%d@firm.example", i%9), fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i+1, 30))
			}
		}},
		{"a customer's mail server, in the morning", 4, func(w *town) {
			for d := range 4 {
				for i := range 120 {
					w.send(time.Duration(d)*oneDay+8*time.Hour+time.Duration(i)*20*time.Second, "203.0.113.4", "relay@site.example", fmt.Sprintf("p%d@firm.example", i%9), fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i+1, 30))
				}
			}
		}},
		{"a new colleague who introduces himself", 4, func(w *town) {
			for i := range 45 {
				w.send(3*oneDay+9*time.Hour+time.Duration(i)*40*time.Second, "84.1.99.7", "new@site.example", "new@site.example", fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i+1, 30))
			}
		}},
		{"a private address in the mail program", 4, func(w *town) {
			for d := range 4 {
				for i := range 6 {
					w.send(time.Duration(d)*oneDay+9*time.Hour+time.Duration(i)*time.Hour, home(7), user(7), "susan@private.example", fmt.Sprintf("n%d@r%d.example", i, i%70), mail.Delivered)
				}
			}
		}},
		{"a club's address in a telephone that changes its own all day, to members of whom some moved", 5, func(w *town) {
			for i := range 70 {
				w.send(time.Duration(i/14)*oneDay+8*time.Hour+time.Duration(i%14)*50*time.Minute, fmt.Sprintf("80.187.%d.%d", 60+i, i), user(7), "board@club.example",
					fmt.Sprintf("n%d@r%d.example", i, i%50), bouncing(i, 8))
			}
		}},
		{"a telephone that changes its address all day", 4, func(w *town) {
			for i := range 200 {
				w.login(time.Duration(i)*25*time.Minute, fmt.Sprintf("80.187.%d.%d", i, i), user(7))
			}
		}},
		{"a service that collects mail, from everywhere, for many", 4, func(w *town) {
			for i := range 900 {
				w.login(time.Duration(i)*6*time.Minute, fmt.Sprintf("%d.%d.0.9", 40+i%12, i%3), user(i%5))
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(tt.days)
			tt.scene(w)
			for _, f := range w.find(account) {
				if f.Severity > Low {
					t.Errorf("%v %.2f %v %s %+v", f.Severity, f.Score, f.Subject, f.Title, f.Reasons)
				}
			}
		})
	}
}

// Making room must not take time for each message if many accounts are used from everywhere.
func TestAccountRoom(t *testing.T) {
	pass := &Pass{Thresholds: DefaultThresholds()}
	pass.Thresholds.Account.MaxRecords = 1000
	x := newAccountWatch(pass)
	w := newTown(0)
	for i := range 20_000 {
		w.send(time.Duration(i)*3*time.Second, fmt.Sprintf("%d.1.1.1", 20+i%12), "all@site.example", "all@site.example", "x@y.example", mail.Delivered)
	}
	for i := range w.messages {
		x.Message(&w.messages[i])
		if x.records >= 1000 {
			t.Fatalf("%d records after message %d: no room was made", x.records, i)
		}
	}
	if l := x.accounts.Find("all@site.example"); l.sent != 20_000 || l.pastMessages+len(l.records)+l.story.Counts.Messages != l.sent {
		t.Errorf("sent %d: %d past, %d records, %d in a story", l.sent, l.pastMessages, len(l.records), l.story.Counts.Messages)
	}
}

// When room is made for the flood of a stolen login, what its owner wrote on the days before is kept apart: the abuse does not
// begin with the owner's first message.
func TestAccountRoomBegins(t *testing.T) {
	limits := DefaultThresholds()
	limits.Account.MaxRecords = 1000
	w := newTown(0)
	for i := range 6 {
		w.send(time.Duration(i)*7*time.Hour, home(7), user(7), user(7), "friend@p1.example", mail.Delivered)
	}
	begin := 2*oneDay + 11*time.Hour
	for i := range 5000 {
		w.spam(begin+time.Duration(i)*2*time.Second, fmt.Sprintf("%d.%d.1.1", 20+i%25, i%25), user(7), user(7), i)
	}
	found := w.under(limits, account)
	if len(found) == 0 {
		t.Fatal("found nothing")
	}
	if f := found[0]; f.Counts.Messages != 5000 || f.Start.Sub(w.start) != begin || len(f.Clients) != 25 {
		t.Errorf("got %d messages of %d clients from %v on, want 5000 of 25 from %v on", f.Counts.Messages, len(f.Clients), f.Start.Sub(w.start), begin)
	}
}

// The title counts the addresses that sent. An address that only logged in is a client, too, but sent none of the messages.
func TestAccountTitleCountsSenders(t *testing.T) {
	w := newTown(5)
	begin := 2*oneDay + 11*time.Hour
	w.login(begin-10*time.Hour, "105.112.135.63", user(7))
	w.login(begin-9*time.Hour, "105.112.135.63", user(7))
	for i := range 260 {
		w.spam(begin+time.Duration(i)*12*time.Second, []string{"177.32.239.44", "177.32.67.133"}[i%2], user(7), user(7), i)
	}
	all := w.find(account)
	if len(all) == 0 || len(all[0].Clients) != 3 || !strings.Contains(all[0].Title, "260 messages in 52 minutes from 2 addresses; strangers logged in from 1 address") {
		t.Errorf("got %+v", all)
	}
}

// An attacker who is stopped by a limit goes on trying: the finding ends with the last message that was accepted, and says that
// more was refused afterwards.
func TestRefusedAfterwards(t *testing.T) {
	for _, tt := range []struct {
		name string
		from string // the login of the attempts
		n    int
		want map[string]string // how it begins
	}{
		{"with the login", user(7), 90, map[string]string{"account": "90 more attempts by the login, refused, the last 15 minutes after the end: not counted",
			"burst": "90 more attempts by its clients, refused, the last 15 minutes after the end: not counted"}},
		{"no login named", "", 90, map[string]string{"burst": "90 more attempts by its clients, refused, the last 15 minutes after the end: not counted"}},
		{"more than are kept", user(7), ringRefused + 10, map[string]string{"account": "at least 4,096 more attempts by the login, refused: not counted",
			"burst": "at least 100,010 more attempts by its clients, refused: not counted"}},
	} {
		w := newTown(5)
		begin := 2*oneDay + 11*time.Hour
		for i := range 260 {
			w.spam(begin+time.Duration(i)*12*time.Second, "177.32.67.133", user(7), user(7), i)
		}
		gap := min(10*time.Second, oneDay/time.Duration(tt.n))
		for i := range tt.n {
			w.events = append(w.events, mail.Event{Kind: mail.Reject, MTA: mail.Postfix, Host: "mx1", Origin: w.origin(), Time: w.start.Add(begin + 3108*time.Second + time.Duration(i+1)*gap),
				Client: mail.Client{IP: netip.MustParseAddr("177.32.67.133")}, Account: tt.from, Sender: user(7), Recipient: "x@y.example", Stage: "RCPT", Code: 554, DSN: "5.7.1"})
		}
		got := make(map[string]string)
		for _, f := range w.find(account, burst) {
			if f.Subject != (Subject{Account, user(7)}) {
				t.Errorf("%s: %s", tt.name, f.Title)
			}
			for _, fact := range f.Facts {
				if fact.Name == Afterwards {
					got[f.Detector] = fact.Text
				}
			}
			if f.End.Sub(w.start) != begin+3108*time.Second || f.Counts.Rejected != 0 {
				t.Errorf("%s: %s ends %v, %d rejected", tt.name, f.Detector, f.End.Sub(w.start), f.Counts.Rejected)
			}
		}
		if !maps.EqualFunc(got, tt.want, strings.HasPrefix) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What is refused of a second burst counts for the second one only.
func TestRefusedBetween(t *testing.T) {
	w := newTown(5)
	begin := 2*oneDay + 8*time.Hour
	knock := func(after time.Duration, n int) {
		for i := range n {
			w.events = append(w.events, mail.Event{Kind: mail.Reject, MTA: mail.Postfix, Host: "mx1", Origin: w.origin(), Time: w.start.Add(begin + after + time.Duration(i)*10*time.Second),
				Client: mail.Client{IP: netip.MustParseAddr("177.32.67.133")}, Account: user(7), Sender: user(7), Recipient: "x@y.example", Stage: "RCPT", Code: 554, DSN: "5.7.1"})
		}
	}
	for _, wave := range []time.Duration{0, 9 * time.Hour} {
		for i := range 260 {
			w.spam(begin+wave+time.Duration(i)*12*time.Second, "177.32.67.133", user(7), user(7), i)
		}
	}
	knock(2*time.Hour, 3)
	knock(9*time.Hour+10*time.Minute, 20)
	knock(11*time.Hour, 5)
	var got []string
	for _, f := range w.find(burst) {
		text := fmt.Sprintf("%v: %d rejected", f.Start.Sub(w.start)-begin, f.Counts.Rejected)
		for _, fact := range f.Facts {
			if fact.Name == Afterwards {
				text += "; " + fact.Text
			}
		}
		got = append(got, text)
	}
	slices.Sort(got)
	want := []string{
		"0s: 0 rejected; 3 more attempts by its clients, refused, the last 69 minutes after the end: not counted",
		"9h0m0s: 20 rejected; 5 more attempts by its clients, refused, the last 69 minutes after the end: not counted",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// If an account has two findings, each has the refused attempts of its own time.
func TestRefusedOfTheNextCharge(t *testing.T) {
	ip := netip.MustParseAddr("177.32.67.133")
	c := &compromise{baseline: &baseline{accountHistory: &accountHistory{}}, batch: new(batch)}
	c.batch.add(&record{time: 10, client: mail.Client{IP: ip}})
	for _, at := range []mail.Instant{20, 30, 40, 50} {
		c.refused = append(c.refused, refusal{time: at, ip: ip})
	}
	if got, want := c.refusals(firstAfter([]mail.Instant{10, 60, 40}, c.End)), (laterRefusals{n: 2, last: 30}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A run of slightly too few messages for a proof is low if nothing but a fifth of dead addresses speaks against it: nobody knows
// where the owner of an account is at home that was never used before.
func TestAccountOfFewMessages(t *testing.T) {
	const fresh = "new@site.example"
	for _, tt := range []struct {
		messages, dead int // one in so many does not exist
		want           Severity
	}{{29, 4, Low}, {19, 4, None}, {29, 10, None}} {
		w := newTown(5)
		for i := range tt.messages {
			w.send(2*oneDay+11*time.Hour+time.Duration(i)*5*time.Second, "177.32.67.133", fresh, fresh, fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i, tt.dead))
		}
		got := None
		for _, f := range w.find(account) {
			if f.Subject == (Subject{Account, fresh}) {
				got = max(got, f.Severity)
				if f.Severity == Low && (f.Counts.Messages != tt.messages || !says(&f, "few-messages")) {
					t.Errorf("%d messages, one in %d dead: got %v", tt.messages, tt.dead, f.Reasons)
				}
			}
		}
		if got != tt.want {
			t.Errorf("%d messages, one in %d dead: got %v, want %v", tt.messages, tt.dead, got, tt.want)
		}
	}
}

// So is a run of as few in the name of an account that is never used from there, if it comes at night; by day it may be its owner's, who
// travels.
func TestAccountOfFewMessagesAtNight(t *testing.T) {
	for _, tt := range []struct {
		messages int
		hour     time.Duration
		from     string
		want     Severity
	}{
		{24, 3 * time.Hour, "177.32.67.133", Low},
		{24, 11 * time.Hour, "177.32.67.133", None},
		{24, 3 * time.Hour, home(7), None},
		{19, 3 * time.Hour, "177.32.67.133", None},
	} {
		w := newTown(5)
		for i := range tt.messages {
			w.send(2*oneDay+tt.hour+time.Duration(i)*20*time.Second, tt.from, user(7), user(7), fmt.Sprintf("v%d@t%d.example", i, i), mail.Delivered)
		}
		got := None
		for _, f := range w.find(account) {
			got = max(got, f.Severity)
		}
		if got != tt.want {
			t.Errorf("%d messages at %v from %s: got %v, want %v", tt.messages, tt.hour, tt.from, got, tt.want)
		}
	}
}

// Guesses at ever new names must not take time in proportion to the names so far: 40,000 once took more than half a minute.
func TestAccountGuessesAlone(t *testing.T) {
	w := newTown(0)
	for i := range 2 * failuresMost {
		w.fail(time.Duration(i)*50*time.Millisecond, netip.AddrFrom4([4]byte{20, byte(i >> 16), byte(i >> 8), byte(i)}).String(), fmt.Sprintf("u%d@site.example", i))
	}
	x := newAccountWatch(&Pass{Thresholds: DefaultThresholds()})
	began := time.Now()
	for i := range w.events {
		x.Event(&w.events[i])
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// Of sixty machines that each send a message a day, for most of the log and from its first quarter on, none passes for the
// owner's new home: all of them write to one bad list, and where the owner was before, his mail arrives.
func TestAccountOfASlowCrowd(t *testing.T) {
	for dead, want := range map[int]int{5: 900, 1000: 0} {
		w := newTown(20)
		for i := range 900 {
			at := 4*oneDay + time.Duration(i)*25*time.Minute
			w.send(at, fmt.Sprintf("%d.%d.4.9", 20+i%60, i%60), user(7), user(7), fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i+i/60, dead))
		}
		got, severity := 0, None
		for _, f := range w.find(account) {
			if f.Subject == (Subject{Account, user(7)}) && f.Severity > Low {
				got, severity = f.Counts.Messages, f.Severity
			}
		}
		if got < want || want == 0 && got > 0 || want > 0 && severity < High {
			t.Errorf("one in %d dead: got %v about %d messages, want %d", dead, severity, got, want)
		}
	}
}

// An application in a cloud hands in its customers' mail, to their customers, by day, each time from another address. What differs from it in
// one thing is abuse.
func TestAccountOfAnApplication(t *testing.T) {
	const crm = "crm@site.example"
	for _, tt := range []struct {
		name  string
		days  int
		hours int    // of a day, from six o'clock on
		dead  int    // one in so many does not exist
		names int    // of senders
		inbox string // from where its mail is read
		cut   time.Duration
		most  Severity
	}{
		{"an application", 4, 14, 10, 30, "", time.Minute, Low},
		{"whose log has one day", 1, 14, 10, 30, "", time.Minute, Low},
		{"whose log lacks the first and the last hour of a day", 1, 14, 10, 30, "", 70 * time.Minute, Low},
		{"whose log has half a day", 1, 14, 10, 30, "", 5 * time.Hour, High},
		{"that works at night, too", 4, 24, 10, 30, "", time.Minute, High},
		{"that has another name for each message", 4, 14, 10, 1000, "", time.Minute, High},
		{"that writes to a bought list", 4, 14, 4, 30, "", time.Minute, High},
		{"that is somebody's mailbox", 4, 14, 10, 30, "91.5.6.7", time.Minute, High},
		{"that collects its mail itself", 1, 14, 10, 30, "5.%d.%d.7", time.Minute, Low},
		{"into which somebody's bots look at any time", 1, 14, 10, 30, "4.%d.%d.7", time.Minute, High},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(tt.days)
			for i := range 240 * tt.days {
				at := time.Duration(i/240)*oneDay + 6*time.Hour + time.Duration(i%240)*time.Duration(tt.hours)*time.Hour/240
				sender := fmt.Sprintf("service@firm%d.example", i*7%tt.names)
				w.send(at, fmt.Sprintf("%d.%d.%d.9", 3+i%5, 60+i*7%90, i%200), crm, sender, fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i*13, tt.dead))
			}
			for i := range 40 {
				from := tt.inbox
				if strings.Contains(from, "%") {
					from = fmt.Sprintf(from, 60+i*7%90, i)
				}
				if from != "" {
					at := 6*time.Hour + time.Duration(i)*21*time.Minute
					if strings.HasPrefix(from, "4.") {
						at += time.Duration(i*i%17) * time.Minute
					}
					w.login(at, from, crm)
				}
			}
			for _, at := range []time.Duration{tt.cut, time.Duration(tt.days)*oneDay + time.Minute - max(0, tt.cut-time.Minute)} { // the log has the nights
				w.receive(at, "198.51.1.9", "mx.p1.example", "friend1@p1.example", user(1))
			}
			for _, d := range []Detector{account, burst} {
				got := None
				for _, f := range w.find(d) {
					if f.Subject == (Subject{Account, crm}) {
						got = max(got, f.Severity)
						if d.Name == account.Name && f.Severity == Low && f.Counts.Messages > 100 && !says(&f, "application") {
							t.Errorf("low, but not because it is an application: %v", f.Reasons)
						}
					}
				}
				if got > tt.most || d.Name == account.Name && tt.most == High && got < Medium {
					t.Errorf("%s: got %v, want %v", d.Name, got, tt.most)
				}
			}
		})
	}
}

// A few messages every day for a week are below any rate; the recipients tell an attacker from an owner who moved.
func TestAccountLittleEveryDay(t *testing.T) {
	for _, tt := range []struct {
		name    string
		readers int // recipients of each message
		dead    int // one in so many does not exist
		want    Severity
	}{
		{"to a list of which every seventh is dead", 1, 7, Medium},
		{"to twenty of such a list at a time", 20, 7, High},
		{"to people who exist: the owner has a new home", 1, 100, None},
		{"to classes of thirty, of whom one has left", 30, 30, None},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(14)
			for i := range 280 {
				at := 7*oneDay + time.Duration(i/40)*oneDay + time.Duration(i%40)*36*time.Minute
				ip := []string{"177.32.239.44", "177.32.67.133", "177.32.12.117"}[i%3]
				to := make([]mail.Recipient, tt.readers)
				for k := range to {
					to[k] = mail.Recipient{Address: fmt.Sprintf("v%d@t%d.example", i*tt.readers+k, i%40), Disposition: bouncing(i*tt.readers+k, tt.dead), Relay: "mx.t.example"}
				}
				w.add(at, mail.Message{Client: mail.Client{IP: netip.MustParseAddr(ip), Name: "unknown"}, Flags: mail.Verified, Account: user(7), Sender: user(7), Recipients: to})
			}
			got, messages := None, 0
			for _, f := range w.find(account) {
				if f.Severity >= got {
					got, messages = f.Severity, f.Counts.Messages
				}
			}
			if got != tt.want || tt.want > None && messages != 280 {
				t.Errorf("got %v about %d messages, want %v", got, messages, tt.want)
			}
		})
	}
}

// Abuse for nearly all of a log, from an address that came on the third day, is not the owner's just because it came early; what
// the owner wrote meanwhile tells how much is usual.
func TestAccountNearlyAlways(t *testing.T) {
	w := newTown(14)
	at := func(i int) time.Duration { return 2*oneDay + 2*time.Hour + time.Duration(i)*40*time.Minute }
	for i := range 400 {
		to := mail.Recipient{Address: fmt.Sprintf("v%d@t%d.example", i, i%40), Disposition: bouncing(i, 8), Relay: "mx.t.example"}
		if i%16 == 1 {
			to.Disposition, to.DSN, to.Reply = mail.Bounced, "5.7.1", "550 5.7.1 looks like spam"
		}
		w.add(at(i), mail.Message{Client: mail.Client{IP: netip.MustParseAddr("41.211.38.82"), Name: "unknown"}, Account: user(7), Sender: user(7), Recipients: []mail.Recipient{to}})
	}
	w.expect(t, account, expect{Subject{Account, user(7)}, Medium, 400, at(0), at(399), 1, 0, nil})
}

// An attacker changes the address every two hours for days, so that each address sends little; what they have in common is the
// list. Even if some of them stand out, the rest are not the owner's.
func TestAccountWanders(t *testing.T) {
	for _, day := range []time.Duration{0, 1, 2, 5} { // also in the first quarter of the log
		w := newTown(12)
		at, last := day*oneDay, time.Duration(0)
		for address := range 30 {
			pause := 4 * time.Minute
			if address%4 == 1 {
				pause = 40 * time.Second
			}
			for k := range 30 {
				i := address*30 + k
				w.send(at, fmt.Sprintf("%d.%d.7.9", 177+address%3, 10+address), user(7), user(7), fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i, 8))
				last = at
				at += pause
			}
		}
		w.expect(t, account, expect{Subject{Account, user(7)}, High, 900, day * oneDay, last, 30, 0, nil})
	}
}

// An attacker who guessed the password and tries it with one message the night before is not taken for the owner: the address is
// a strange one.
func TestAccountTriedOut(t *testing.T) {
	w := newTown(8)
	for p := range 6 {
		for i := range 3 {
			w.fail(5*oneDay+20*time.Hour+time.Duration(p*3+i)*time.Minute, "177.32.67.133", user(5+p))
		}
	}
	w.send(6*oneDay+3*time.Hour, "177.32.67.133", user(7), user(7), "a.friend@trial.example", mail.Delivered)
	for i := range 120 {
		w.spam(6*oneDay+23*time.Hour+time.Duration(i)*time.Second, fmt.Sprintf("%d.%d.7.9", 178+i%20, 10+i%20), user(7), user(7), i)
	}
	for _, f := range w.find(account) {
		for _, fact := range f.Facts {
			if fact.Name == "usual addresses" && strings.Contains(fact.Text, "177.32.67.133") {
				t.Errorf("the owner's: %s", fact.Text)
			}
		}
		if f.Counts.Messages != 120 || f.Start.Sub(w.start) != 6*oneDay+23*time.Hour {
			t.Errorf("got %d messages from %v, want 120 from 167h", f.Counts.Messages, f.Start.Sub(w.start))
		}
	}
}

// One of a hundred machines tried the password the evening before, and then sent its part of the list: it is not the owner's, and
// its part is counted.
func TestAccountTriedOutByOneOfThem(t *testing.T) {
	w := newTown(8)
	w.send(6*oneDay+3*time.Hour, "177.32.67.133", user(7), user(7), "a.friend@trial.example", mail.Delivered)
	for i := range 400 {
		ip := fmt.Sprintf("%d.%d.7.9", 178+i%20, 10+i%20)
		if i%20 == 0 {
			ip = "177.32.67.133"
		}
		w.spam(6*oneDay+14*time.Hour+time.Duration(i)*5*time.Second, ip, user(7), user(7), i+i/20)
	}
	found := w.find(account)
	if len(found) != 1 || found[0].Counts.Messages != 401 || len(found[0].Clients) != 20 {
		t.Fatalf("got %d findings, want one of 401 messages from 20 clients: %+v", len(found), found)
	}
	for _, fact := range found[0].Facts {
		if strings.Contains(fact.Text, "177.32.67.133") && fact.Name == "usual addresses" {
			t.Errorf("the owner's: %s", fact.Text)
		}
	}
}

// The same in the first days of a log, when no network is new: an owner does not write in strangers' names to a list with many
// dead addresses.
func TestAccountTriedOutEarly(t *testing.T) {
	w := newTown(6)
	w.send(oneDay+3*time.Hour, "105.112.34.204", user(7), user(7), "test1234@trial.example", mail.Delivered)
	for i := range 300 {
		w.spam(2*oneDay+2*time.Hour+time.Duration(i)*15*time.Second, fmt.Sprintf("105.112.%d.33", 34+i%6), user(7), "claims@fund.example", i)
	}
	for i := range 60 {
		w.spam(2*oneDay+2*time.Hour+time.Duration(i)*75*time.Second, "105.112.34.204", user(7), "claims@fund.example", i)
	}
	found := w.find(account)
	if len(found) != 1 || found[0].Counts.Messages != 361 {
		t.Fatalf("got %d findings, want one of 361 messages: %+v", len(found), found)
	}
	for _, fact := range found[0].Facts {
		if strings.Contains(fact.Text, "105.112.") && fact.Name == "usual addresses" {
			t.Errorf("the owner's: %s", fact.Text)
		}
	}
}

// In a log of an hour no account is used from anywhere for long. Still, the owner's own message is not counted, and the owner's
// address is no client of the finding, whether one account is abused or three.
func TestAccountInAShortLog(t *testing.T) {
	for _, accounts := range []int{1, 3} {
		w := &town{start: mail.InstantOf(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)), days: 1}
		for p := range 12 {
			w.send(time.Duration(p*4)*time.Minute, fmt.Sprintf("80.92.%d.7", p), user(p), user(p), "friend@p.example", mail.Delivered)
			w.receive(time.Duration(p*4+1)*time.Minute, "198.51.100.9", "mx.p.example", "friend@p.example", user(p))
		}
		for i := range 400 {
			w.spam(time.Duration(i)*8*time.Second, "41.7.9.1", user(i%accounts), user(i%accounts), i)
		}
		found := w.find(account)
		if len(found) != accounts {
			t.Fatalf("got %d findings, want %d", len(found), accounts)
		}
		for i := range found {
			if f := &found[i]; f.Severity < Medium || f.Counts.Messages != len(w.messages[24:])/accounts && f.Counts.Messages != len(w.messages[24:])/accounts+1 || len(f.Clients) != 1 {
				t.Errorf("of %d: got %v, %d messages from %d clients", accounts, f.Severity, f.Counts.Messages, len(f.Clients))
			}
		}
	}
}

// An attacker who comes back weeks later makes a second finding; what he sent before does not count as the account's usual mail.
func TestAccountTwice(t *testing.T) {
	w := newTown(14)
	for _, day := range []time.Duration{2, 12} {
		for i := range 120 {
			w.spam(day*oneDay+11*time.Hour+time.Duration(i)*8*time.Second, "177.32.67.133", user(7), user(7), i)
		}
	}
	found := w.find(account)
	if len(found) != 2 {
		t.Fatalf("got %d findings, want 2", len(found))
	}
	for i, day := range []time.Duration{2, 12} {
		f := &found[i]
		if f.Severity != High || f.Counts.Messages != 120 || f.Start.Sub(w.start) != day*oneDay+11*time.Hour || f.End.Sub(f.Start) != 119*8*time.Second {
			t.Errorf("got %v, %d messages, %v to %v", f.Severity, f.Counts.Messages, f.Start.Sub(w.start), f.End.Sub(w.start))
		}
	}
}

// An attacker who uses three accounts from one address for a day is not at home with any of them.
func TestAccountsOfOneThief(t *testing.T) {
	w := newTown(14)
	for n, p := range []int{7, 8, 10} {
		w.login(8*oneDay, "177.32.67.133", user(p))
		for i := range 120 {
			w.spam(8*oneDay+time.Duration(21+n)*time.Hour+time.Duration(i)*8*time.Second, "177.32.67.133", user(p), user(p), i)
		}
	}
	found := w.find(account)
	if len(found) != 3 {
		t.Fatalf("got %d findings, want 3", len(found))
	}
	for _, f := range found {
		if !slices.ContainsFunc(f.Reasons, func(r Reason) bool { return r.Code == "look-round" }) || f.Severity != High {
			t.Errorf("%v %s: no look round in %v", f.Severity, f.Title, f.Reasons)
		}
	}
}

// A password may be guessed from a provider that others here have. What is sent from there then, slowly and in the account's own name, is
// the guesser's: where an owner could not remember the password on a new telephone, and writes to people who exist, it is low.
func TestAccountGuessedWhereOthersLive(t *testing.T) {
	for _, tt := range []struct {
		name      string
		addresses int // from which it was tried
		tries     int
		dead      int // one recipient in so many; 0: none
		messages  int
		want      Severity
	}{
		{"from one address", 1, 15, 4, 25, Medium},
		{"from many", 60, 240, 5, 40, High},
		{"nobody guessed", 1, 0, 4, 25, None},
		{"too few tries to tell", 1, 7, 4, 25, None},
		{"an owner's new telephone", 1, 15, 0, 25, Low},
		{"whose address changes, and who writes much", 60, 240, 0, 60, Low},
	} {
		w := newTown(10)
		from := func(i int) string { return fmt.Sprintf("84.1.%d.9", 100+i%tt.addresses) }
		at := 6 * oneDay
		for i := range tt.tries {
			at += time.Duration(1+i*7%13) * time.Minute
			w.fail(at, from(i), user(7))
		}
		w.login(at+5*time.Minute, from(3), user(7))
		for i := range tt.messages {
			d := mail.Delivered
			if tt.dead > 0 && i%tt.dead == 0 {
				d = mail.Bounced
			}
			w.send(at+5*time.Hour+time.Duration(i)*(8+time.Duration(i%5))*time.Minute, from(3), user(7), user(7), fmt.Sprintf("x%d@far%d.example", i, i%17), d)
		}
		got, n := None, 0
		for _, f := range w.find(account) {
			if f.Subject == (Subject{Account, user(7)}) {
				got, n = f.Severity, f.Counts.Messages
			}
		}
		if got != tt.want || got > None && n != tt.messages {
			t.Errorf("%s: got %v with %d messages, want %v with %d", tt.name, got, n, tt.want, tt.messages)
		}
	}
}

// Failed logins beyond those that are remembered are not passed over in silence.
func TestAccountOfManyGuesses(t *testing.T) {
	w := newTown(6)
	for i := range failuresOfOne + 100 {
		w.fail(3*oneDay+time.Duration(i)*5*time.Second, "203.0.113.66", user(7))
	}
	for i := range 60 {
		w.spam(4*oneDay+time.Duration(i)*20*time.Second, "203.0.113.66", user(7), user(7), i)
	}
	found := w.find(account)
	want := Fact{"failed before", "at least 8,192 failed logins from 1 address in the week before; then used from 203.0.113.66"}
	if len(found) != 1 || !slices.Contains(found[0].Facts, want) {
		t.Errorf("got %+v, want %v", found, want)
	}
}
