package analyze

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// Each reason about guesses is given in the scene that has it, and not in a scene that differs in one point only.
func TestGuessingReasons(t *testing.T) {
	const from = oneDay + 3*time.Hour
	// n tries, a gap apart, of so many addresses on so many accounts, and perhaps a login in the end
	guess := func(n int, gap time.Duration, addresses, accounts int, success bool) func(w *town) {
		return func(w *town) {
			for i := range n {
				w.fail(from+time.Duration(i)*gap, fmt.Sprintf("%d.77.1.9", 150+i%addresses), user(7+i%accounts))
			}
			if success {
				w.login(from+time.Duration(n)*gap, "150.77.1.9", user(7))
			}
		}
	}
	lucky := func(after int) func(w *town) { // of a hundred tries on twenty accounts
		return func(w *town) {
			for i := range 100 {
				w.fail(from+time.Duration(i)*time.Minute, "150.77.1.9", user(7+i%20))
			}
			w.login(from+time.Duration(after)*time.Minute-time.Second, "150.77.1.9", user(40))
		}
	}
	neighbour := func(at time.Duration) func(w *town) { // logs in to one of the accounts that others of its network try
		return func(w *town) {
			for i := range 40 {
				w.fail(from+time.Duration(i)*time.Minute, fmt.Sprintf("203.0.113.%d", 10+i%8), user(7+i%10))
			}
			w.login(at, "203.0.113.50", user(9))
		}
	}
	crowd := func(from, over time.Duration) func(w *town) { // many addresses, each of which tries two accounts, now and then
		return func(w *town) {
			for i := range 800 {
				w.fail(from+time.Duration(i)*over/800, fmt.Sprintf("%d.%d.1.9", 20+i%200, 20+i%200), user(i*7%people))
			}
		}
	}
	for _, tt := range []struct {
		code           string
		has, neighbour func(w *town)
	}{
		{"fast", guess(200, time.Second, 1, 50, false), guess(200, 10*time.Second, 1, 50, false)},
		{"succeeded", lucky(20), lucky(2)},
		{"succeeded", neighbour(from + time.Hour), neighbour(from - time.Hour)}, // or somebody is at home there
		{"always", crowd(0, 3*oneDay), crowd(oneDay, 3*time.Hour)},
		{"few-tries", guess(99, 3*time.Second, 40, 1, false), guess(100, 3*time.Second, 40, 1, false)},
		{"like-the-others", guess(99, time.Second, 1, 50, false), guess(100, time.Second, 1, 50, false)},
		{"not-in", guess(3000, time.Second, 1, 50, false), guess(3000, time.Second, 1, 50, true)},
		{"succeeded-perhaps", guess(96, time.Minute, 1, 1, true), guess(96, 10*time.Second, 1, 1, true)},
	} {
		for want, scene := range map[bool]func(w *town){true: tt.has, false: tt.neighbour} {
			w := newTown(3)
			scene(w)
			found := w.find(guessing)
			if len(found) == 0 {
				t.Errorf("%s: nothing was found", tt.code)
				continue
			}
			if got := says(&found[0], tt.code); got != want {
				t.Errorf("%s: got %v, want %v: %s %v", tt.code, got, want, found[0].Title, found[0].Reasons)
			}
		}
	}
}

// A login whose account is not logged does not count as an account beside one that is: it does not make a client that guessed a
// password look at home, and is not reported first.
func TestGuessingNamedBesideUnnamed(t *testing.T) {
	const from = oneDay + 3*time.Hour
	for accounts := 3; accounts <= 6; accounts++ {
		w := newTown(3)
		for i := range 12 {
			w.fail(from+time.Duration(i)*time.Minute, "150.77.1.9", user(7+i%accounts))
		}
		o := w.origin()
		w.events = append(w.events, mail.Event{Kind: mail.Disconnect, MTA: mail.Postfix, Host: "mx1", Origin: o, Time: w.start.Add(from + 15*time.Minute),
			Client: mail.Client{IP: netip.MustParseAddr("150.77.1.9")}, Text: "ehlo=2 starttls=1 auth=1 quit=1 commands=5", Raw: fmt.Sprintf("line %d", o.Line)})
		w.login(from+20*time.Minute, "150.77.1.9", user(7))
		found := w.find(guessing)
		if len(found) != 1 || found[0].Severity != High || !strings.HasSuffix(found[0].Title, "then one that succeeded: "+user(7)) {
			t.Errorf("%d accounts: got %+v, want a login to %s that succeeded", accounts, found, user(7))
		}
	}
}

// A client that logs in again and again and never sends a message is a device or a probe, not a guess that succeeded.
func TestGuessingUnnamedAgainAndAgain(t *testing.T) {
	const from = oneDay + 3*time.Hour
	for times, want := range map[int]Severity{1: High, 11: High, 200: Low} {
		w := newTown(3)
		for i := range 12 {
			w.fail(from+time.Duration(i)*time.Hour, "150.77.1.9", user(7+i%3))
		}
		for i := range times {
			o := w.origin()
			w.events = append(w.events, mail.Event{Kind: mail.Disconnect, MTA: mail.Postfix, Host: "mx1", Origin: o, Time: w.start.Add(from + 13*time.Hour + time.Duration(i)*10*time.Minute),
				Client: mail.Client{IP: netip.MustParseAddr("150.77.1.9")}, Text: "ehlo=2 starttls=1 auth=1 quit=1 commands=5", Raw: fmt.Sprintf("line %d", o.Line)})
		}
		worst := None
		for _, f := range w.find(guessing) {
			worst = max(worst, f.Severity)
		}
		if want == High && worst != High || want == Low && worst > Low {
			t.Errorf("%d sessions: got %v, want %v", times, worst, want)
		}
	}
}

// A failure that the session and the password server log, both with the name of the account, is one; where one of them leaves the
// name out, the other's counts.
func TestGuessesOnAnAccountAreCountedOnce(t *testing.T) {
	const from = oneDay + 3*time.Hour
	for name, logged := range map[string][2]string{"by both": {user(7), user(7)}, "by the password server": {"", user(7)}, "by the session": {user(7), ""}} {
		w := newTown(3)
		for i := range 60 {
			for by, account := range logged {
				w.fail(from+time.Duration(i)*time.Minute, fmt.Sprintf("%d.77.1.9", 150+i%30), account)
				if by == 1 {
					w.events[len(w.events)-1].Service = "auth"
				}
			}
		}
		found := w.find(guessing)
		if len(found) == 0 || found[0].Subject != (Subject{Account, user(7)}) || found[0].Counts.FailedLogins != 60 || !strings.Contains(found[0].Title, ": 60 failed logins from 30 addresses") {
			t.Errorf("%s: got %q, want 60 failed logins on one account", name, found[0].Title)
		}
	}
}

// Who gets in to more accounts than are remembered is no office: it failed on far more before. A host for everybody is one, also where
// the log begins with a failure there.
func TestGuessingIntoMany(t *testing.T) {
	const from = oneDay + 3*time.Hour
	stolen := func(tried, won int) func(w *town) { // a list of passwords, some of which are right
		return func(w *town) {
			for i := range tried {
				w.fail(from+time.Duration(i)*2*time.Second, "150.77.1.9", fmt.Sprintf("old%d@site.example", i))
				if i%(tried/won) == tried/won-1 {
					w.login(from+time.Duration(i)*2*time.Second+time.Second, "150.77.1.9", user(i/(tried/won)))
				}
			}
		}
	}
	everybody := func(w *town) {
		w.fail(0, "150.77.1.9", "nobody@site.example")
		for i := range 2000 {
			at := time.Minute + time.Duration(i)*time.Minute
			if w.login(at, "150.77.1.9", user(i%people)); i%8 == 0 {
				w.fail(at+time.Second, "150.77.1.9", fmt.Sprintf("typo%d@site.example", i))
			}
		}
	}
	for _, tt := range []struct {
		name  string
		scene func(w *town)
		want  Severity
		title string
	}{
		{"ten", stolen(1000, 10), High, "and 9 more"},
		{"forty", stolen(1000, 40), High, "and at least 15 more"},
		{"everybody", everybody, None, ""},
	} {
		w := newTown(3)
		tt.scene(w)
		worst, title := None, ""
		for _, f := range w.find(guessing) {
			if f.Severity > worst {
				worst, title = f.Severity, f.Title
			}
		}
		if worst != tt.want || !strings.HasSuffix(title, tt.title) {
			t.Errorf("%s: got %v %q, want %v %q", tt.name, worst, title, tt.want, tt.title)
		}
	}
}

// An office whose people get in to most of the accounts on which they fail is no attacker; who fails on far more is one.
func TestGuessingOrAnOffice(t *testing.T) {
	const from = oneDay + 9*time.Hour
	for tried, want := range map[int]Severity{6: None, 7: High} {
		w := newTown(3)
		for i := range 2 * tried {
			w.fail(from+time.Duration(i)*time.Minute, "150.77.1.9", user(7+i%tried))
		}
		for i := range 3 {
			w.login(from+time.Duration(40+i)*time.Minute, "150.77.1.9", user(7+i))
		}
		worst := None
		for _, f := range w.find(guessing) {
			worst = max(worst, f.Severity)
		}
		if worst != want {
			t.Errorf("%d accounts tried: got %v, want %v", tried, worst, want)
		}
	}
}
