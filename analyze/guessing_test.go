package analyze

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

func TestGuessing(t *testing.T) {
	const from = oneDay + 3*time.Hour
	for _, tt := range []struct {
		name  string
		scene func(w *town)
		want  expect
	}{
		{"fast, on one account, until it succeeded", func(w *town) {
			for i := range 400 {
				w.fail(from+time.Duration(i)*time.Second, "203.0.113.66", user(7))
			}
			w.login(from+405*time.Second, "203.0.113.66", user(7))
		}, expect{Subject{IP, "203.0.113.66"}, High, 0, from, from + 405*time.Second, 1, 400, []string{user(7)}}},
		{"a try at each account, once in ten minutes, one of which succeeded", func(w *town) {
			for i := range 60 {
				w.fail(from+time.Duration(i)*10*time.Minute, "203.0.113.66", user(i))
			}
			w.send(from+11*time.Hour, "203.0.113.66", user(31), user(31), "v@t.example", mail.Delivered)
		}, expect{Subject{IP, "203.0.113.66"}, High, 0, from, from + 11*time.Hour, 1, 60, nil}},
		{"many addresses on one account, one of which succeeded", func(w *town) {
			for i := range 120 {
				w.fail(from+time.Duration(i)*5*time.Minute, fmt.Sprintf("%d.77.1.9", 20+i%60), user(7))
			}
			w.login(from+11*time.Hour, "41.77.1.9", user(7))
		}, expect{Subject{Account, user(7)}, High, 0, from, from + 11*time.Hour, 60, 120, []string{user(7)}}},
		{"many addresses of one provider that users here have on one account, faster than any device", func(w *town) {
			for i := range 180 {
				w.fail(from+time.Duration(i)*15*time.Second, fmt.Sprintf("84.1.%d.9", 100+i%60), user(7))
			}
			w.login(from+time.Hour, "84.1.142.9", user(7))
		}, expect{Subject{Account, user(7)}, High, 0, from, from + time.Hour, 60, 180, []string{user(7)}}},
		{"a network of a provider that users here have, faster than any device on one account, until it is theirs", func(w *town) {
			for i := range 180 {
				w.fail(from+time.Duration(i)*15*time.Second, fmt.Sprintf("84.1.200.%d", i*i%61), user(7))
			}
			w.login(from+time.Hour, "84.1.200.9", user(7))
		}, expect{Subject{Network, "84.1.200.0/24"}, High, 0, from, from + time.Hour, 31, 180, []string{user(7)}}},
		{"a network whose addresses take turns", func(w *town) {
			for i := range 90 {
				w.fail(from+time.Duration(i)*7*time.Minute, fmt.Sprintf("203.0.113.%d", i%30), user(i%45))
			}
			w.login(from+12*time.Hour, "203.0.113.200", user(12))
		}, expect{Subject{Network, "203.0.113.0/24"}, High, 0, from, from + 12*time.Hour, 31, 90, nil}},
		{"a stolen list: two tries on one account from each address, and some are right", func(w *town) {
			for i := range 300 {
				ip := fmt.Sprintf("%d.%d.1.9", 20+i%60, 100+i%150)
				for k := range 2 {
					w.fail(from+time.Duration(20*i+3*k)*time.Second, ip, user(i%70))
				}
				if i%60 == 41 {
					w.login(from+time.Duration(20*i+9)*time.Second, ip, user(i%70))
				}
			}
		}, expect{Subject{CampaignKind, "guessing"}, High, 0, from, from + 5983*time.Second, 300, 600, nil}},
		{"a network of the provider that users here have, whose addresses try many accounts each", func(w *town) {
			for i := range 600 {
				w.fail(from+time.Duration(i)*100*time.Second, fmt.Sprintf("80.187.200.%d", i*7%120), user(i%70))
			}
			w.login(from+17*time.Hour, "80.187.200.200", user(30))
		}, expect{Subject{Network, "80.187.200.0/24"}, High, 0, from, from + 17*time.Hour, 121, 600, nil}},
		{"a network whose addresses take turns on one account, until it is theirs", func(w *town) {
			for i := range 30 {
				w.fail(from+time.Duration(i)*11*time.Minute+time.Duration(i*i%7)*2*time.Minute, fmt.Sprintf("203.0.113.%d", i*7%20), user(7))
			}
			w.login(from+20*time.Hour, "203.0.113.9", user(7))
			w.login(from+21*time.Hour, "203.0.113.9", user(7))
		}, expect{Subject{Network, "203.0.113.0/24"}, High, 0, from, from + 20*time.Hour, 20, 30, []string{user(7)}}},
		{"thousands, on accounts that exist, without success", func(w *town) {
			for i := range 3000 {
				w.fail(from+time.Duration(i)*2*time.Second, "203.0.113.66", user(i%50))
			}
		}, expect{Subject{IP, "203.0.113.66"}, Medium, 0, from, from + 5998*time.Second, 1, 3000, nil}},
		{"a wave: each address once, each account once or twice", func(w *town) {
			for i := range 400 {
				w.fail(from+time.Duration(i)*20*time.Second, fmt.Sprintf("%d.%d.1.9", 20+i%100, i%250), user(i%80))
			}
		}, expect{Subject{CampaignKind, "guessing"}, Medium, 0, from, from + 399*20*time.Second, 400, 400, nil}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(3)
			tt.scene(w)
			w.expect(t, guessing, tt.want)
		})
	}
}

// People who mistype while strangers guess are not those who got in: in a new place of their own, or as many as at other times.
func TestGuessingBesidePeople(t *testing.T) {
	const from = oneDay + 3*time.Hour
	for name, where := range map[string]func(i int) (ip string, at time.Duration){
		"a hall of residence": func(i int) (string, time.Duration) {
			return fmt.Sprintf("45.7.%d.9", i), from + time.Duration(i)*10*time.Minute
		},
		"always": func(i int) (string, time.Duration) {
			return fmt.Sprintf("%d.7.3.9", 90+i), time.Duration(i) * 30 * time.Minute
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(3)
			for i := range 600 {
				w.fail(from+time.Duration(10*i)*time.Second, fmt.Sprintf("%d.%d.1.9", 20+i/2%60, 100+i/2%150), user(i/2%70))
			}
			for i := range 130 {
				if ip, at := where(i); at < from+90*time.Minute || name == "always" {
					w.fail(at, ip, user(i%people))
					w.login(at+20*time.Second, ip, user(i%people))
				}
			}
			for _, f := range w.find(guessing) {
				if f.Severity > Medium || len(f.Opened) > 0 {
					t.Errorf("%v %s %v", f.Severity, f.Title, f.Reasons)
				}
			}
		})
	}
}

// Mistakes of people and their devices are no guessing.
func TestHonestFailures(t *testing.T) {
	for _, tt := range []struct {
		name  string
		scene func(w *town)
	}{
		{"a forgotten password, at home", func(w *town) {
			for i := range 7 {
				w.fail(oneDay+time.Duration(i)*25*time.Second, home(7), user(7))
			}
			w.login(oneDay+5*time.Minute, home(7), user(7))
		}},
		{"a forgotten password, in a hotel", func(w *town) {
			for i := range 7 {
				w.fail(oneDay+time.Duration(i)*25*time.Second, "203.0.113.5", user(7))
			}
			w.login(oneDay+5*time.Minute, "203.0.113.5", user(7))
		}},
		{"an old password in a telephone, until it is changed", func(w *town) {
			for i := range 200 {
				w.fail(time.Duration(i)*15*time.Minute, home(7), user(7))
			}
			w.login(51*time.Hour, home(7), user(7))
		}},
		{"an old password in a telephone elsewhere, which goes on looking for mail when it is changed", func(w *town) {
			patient(w, 0)
			for i := range 60 {
				w.login(20*time.Hour+time.Duration(i)*15*time.Minute, "203.0.113.5", user(7))
			}
		}},
		{"and which is not used there any more, but was changed at some moment", func(w *town) { patient(w, 6*time.Minute) }},
		{"a telephone elsewhere that reads mail, and sends with an old password", func(w *town) {
			for i := range 250 {
				w.fail(time.Duration(i)*15*time.Minute, "203.0.113.5", user(7))
			}
			for i := range 20 {
				w.login(10*time.Hour+time.Duration(i)*2*time.Hour, "203.0.113.5", user(7))
			}
		}},
		{"a classroom on the first day", func(w *town) {
			for i := range 120 {
				w.fail(oneDay+time.Duration(i)*20*time.Second, "203.0.113.5", user(i%30))
				w.login(oneDay+time.Duration(i)*20*time.Second+10*time.Minute, "203.0.113.5", user(i%30))
			}
		}},
		{"the first day of term: from a network of the campus, each mistypes a new password and then knows it", func(w *town) {
			for i := range 60 {
				at, ip := oneDay+time.Duration(i)*3*time.Minute, fmt.Sprintf("203.0.113.%d", i)
				for k := range 1 + i%4 {
					w.fail(at+time.Duration(k)*20*time.Second, ip, user(i))
				}
				if i%8 != 7 { // who has none that is right yet
					w.login(at+2*time.Minute, ip, user(i))
				}
			}
		}},
		{"and from as many places as there are people", func(w *town) {
			for i := range people {
				at, ip := oneDay+time.Duration(i)*90*time.Second, fmt.Sprintf("%d.44.3.9", 20+i)
				for k := range 1 + i%4 {
					w.fail(at+time.Duration(k)*20*time.Second, ip, user(i))
				}
				w.login(at+2*time.Minute, ip, user(i))
			}
		}},
		{"one telephone with an old password, whose address changes all day, until it is corrected", func(w *town) {
			for k := range 60 {
				w.fail(oneDay+time.Duration(k)*16*time.Minute, fmt.Sprintf("80.187.%d.%d", 100+k, k), user(7))
			}
			w.fail(oneDay, home(7), user(7))
			w.login(oneDay+time.Minute, home(7), user(7))
			w.login(oneDay+17*time.Hour, "80.187.101.9", user(7))
		}},
		{"and elsewhere, from one network that nobody else here has", func(w *town) {
			for k := range 60 {
				w.fail(oneDay+time.Duration(k)*16*time.Minute, fmt.Sprintf("203.0.113.%d", k), user(7))
			}
			w.login(oneDay+17*time.Hour+time.Minute, "203.0.113.99", user(7))
			w.login(oneDay+17*time.Hour+9*time.Minute, "203.0.113.98", user(7))
		}},
		{"telephones with old passwords, whose addresses change, in a network that their owners have", func(w *town) {
			for i := range 60 {
				for k := range 24 {
					w.fail(oneDay+time.Duration(k)*time.Hour+time.Duration(i)*time.Minute, fmt.Sprintf("80.187.%d.%d", 200+i%10, (i*7+k*31)%250), user(i))
				}
			}
		}},
		{"the password server was away", func(w *town) {
			for i := range 300 {
				w.fail(oneDay+time.Duration(i)*time.Second, home(i%people), user(i%people))
			}
		}},
		{"the noise of the net", func(w *town) {
			for i := range 180 {
				w.fail(time.Duration(i)*20*time.Minute, fmt.Sprintf("%d.%d.3.4", 20+i%50, i%97), []string{"admin", "test@site.example", user(i % 80)}[i%3])
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(3)
			tt.scene(w)
			for _, f := range w.find(guessing) {
				if f.Severity > Low {
					t.Errorf("%v %v %s %+v", f.Severity, f.Subject, f.Title, f.Reasons)
				}
			}
		})
	}
}

// Lines of the session and of the authentication server about the same failures are one failure each.
func TestFailuresAreCountedOnce(t *testing.T) {
	w := newTown(2)
	for i := range 50 {
		w.fail(oneDay+time.Duration(i)*time.Second, "203.0.113.66", user(i))
		w.fail(oneDay+time.Duration(i)*time.Second, "203.0.113.66", user(i))
		last := &w.events[len(w.events)-1]
		last.Service = "auth"
	}
	w.expect(t, guessing, expect{Subject{IP, "203.0.113.66"}, Low, 0, oneDay, oneDay + 49*time.Second, 1, 50, nil})
}

func TestAttempts(t *testing.T) {
	for text, want := range map[string]int{"auth failed, 3 attempts in 17 secs": 3, "Password mismatch": 1, "auth failed, 0 attempts": 1, "auth failed, 99999999999 attempts": 99999} {
		if got := attemptsOf(&mail.Event{Text: text}); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// A client may send a megabyte as its login name: it is counted, and not kept.
func TestLongNamesAreNotKept(t *testing.T) {
	w := newTown(0)
	for i := range 20 {
		w.fail(time.Duration(i)*time.Second, "203.0.113.66", strings.Repeat("x", 1<<20)+fmt.Sprint(i))
		w.events[i].Raw = w.events[i].Account
	}
	all := w.find(guessing)
	if len(all) != 1 || all[0].Counts.FailedLogins != 20 || len(all[0].Accounts) != 0 || len(all[0].Evidence[0].Text) > longestLine {
		t.Errorf("got %d findings", len(all))
	}
}

// Plesk's authentication server logs the account without the address, its mail server the address without the account: the
// finding does not say which belongs to which.
func TestNamesWithoutAnAddress(t *testing.T) {
	w := newTown(2)
	for i := range 40 {
		at := oneDay + time.Duration(i)*time.Second
		w.fail(at, "203.0.113.66", "")
		w.fail(at, "203.0.113.66", user(i%8))
		ev := &w.events[len(w.events)-1]
		ev.Client, ev.Service = mail.Client{}, "auth"
	}
	want := Fact{"named elsewhere", "the password server's own lines name 8 accounts in all, but no address; most often user0@site.example (5), " +
		"user1@site.example (5), user2@site.example (5), user3@site.example (5), user4@site.example (5)"}
	if found := w.find(guessing); len(found) != 1 || !slices.Contains(found[0].Facts, want) {
		t.Errorf("got %+v", found)
	}
}

// Most versions of Postfix do not log the account: the finding does not say that only the named accounts were tried.
func TestNamesThatTheLogLeavesOut(t *testing.T) {
	w := newTown(2)
	for i := range 40 {
		name := ""
		if i < 5 {
			name = user(i)
		}
		w.fail(oneDay+time.Duration(i)*time.Second, "203.0.113.66", name)
	}
	found := w.find(guessing)
	for _, fact := range found[0].Facts {
		if fact.Name == "named elsewhere" {
			t.Errorf("got %v", fact)
		}
	}
	if want := "203.0.113.66: 40 failed logins on 5 accounts and others that its lines do not name"; len(found) != 1 || found[0].Title != want {
		t.Errorf("got %+v, want %q", found, want)
	}
}

// patient adds eighty tries on one account at even intervals, from where no owner is at home, and then a login, later than the next
// try was due.
func patient(w *town, later time.Duration) {
	for i := range 80 {
		w.fail(time.Duration(i)*15*time.Minute, "203.0.113.5", user(7))
	}
	w.login(20*time.Hour+later, "203.0.113.5", user(7))
}

// A slow program that gets in when its next try is due has guessed the password, even if it never uses it. Only a log that goes
// on shows that it is not a device.
func TestGuessingPatiently(t *testing.T) {
	for days, want := range map[int]Severity{3: Medium, 1: Low} {
		w := newTown(days)
		patient(w, 0)
		if days == 1 {
			w.cut(0, 20*time.Hour+30*time.Minute)
		}
		found := slices.DeleteFunc(w.find(guessing), func(f Finding) bool { return f.Subject.Value != "203.0.113.5" })
		if len(found) != 1 || found[0].Severity != want || says(&found[0], "stopped") != (want == Medium) {
			t.Errorf("%d days: got %+v, want one that is %v", days, found, want)
		}
	}
}

func TestOnlyLoggedIn(t *testing.T) {
	for text, want := range map[string]bool{
		"ehlo=2 starttls=1 auth=1 quit=1 commands=5":           true,
		"ehlo=1 auth=1/3 quit=1 commands=3/5":                  true,
		"ehlo=1 auth=1 commands=2":                             true,
		"ehlo=2 starttls=1 auth=0/1 quit=1 commands=4/5":       false,
		"ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1": false, // its client= line has the name
		"ehlo=2 starttls=1 auth=1 mail=0/1 rcpt=0/1 quit=1":    false, // and here the line of the refusal
		"ehlo=1 quit=1 commands=2":                             false,
		"ehlo=1 auth=":                                         false,
		"":                                                     false,
	} {
		ev := &mail.Event{MTA: mail.Postfix, Kind: mail.Disconnect, Text: text}
		if got := onlyLoggedIn(ev); got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
}

// A telephone with an old password, whose address changes all day, is told as such, and is no part of a crowd that tries other names.
func TestTelephoneIsNoCrowd(t *testing.T) {
	w := newTown(1)
	for i := range 280 {
		w.fail(time.Duration(5*i)*time.Minute, fmt.Sprintf("80.187.%d.%d", 64+i%60, 1+i%250), user(5))
	}
	for i := range 40 {
		w.fail(time.Duration(30*i)*time.Minute, fmt.Sprintf("%d.%d.7.9", 103+i, i), strings.Fields("admin info test scan")[i%4]+"@site.example")
	}
	for _, f := range w.find(guessing) {
		if f.Severity > Low || f.Subject.Kind == CampaignKind && f.Counts.FailedLogins > 40 {
			t.Errorf("%v: %s %v", f.Severity, f.Title, f.Reasons)
		}
	}
}
