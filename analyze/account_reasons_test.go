package analyze

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mailforensics/mail"
)

// Each reason and each fact about an account is given in the scene that has it, and not in a scene that differs in one point
// only.
func TestAccountReasons(t *testing.T) {
	const at = 2*oneDay + 11*time.Hour
	spam := func(networks int) func(w *town) {
		return func(w *town) {
			for i := range 260 {
				w.spam(at+time.Duration(i)*12*time.Second, fmt.Sprintf("177.%d.67.133", 32+i%networks), user(7), user(7), i)
			}
		}
	}
	and := func(more func(w *town)) func(w *town) {
		return func(w *town) { spam(1)(w); more(w) }
	}
	refused := func(n int, from string) func(w *town) {
		return and(func(w *town) {
			w.events = append(w.events, rejects(n, w.start.Add(at+time.Minute), 12*time.Second, func(i int, ev *mail.Event) {
				ev.Client, ev.Account, ev.Sender, ev.Recipient, ev.DSN = client(from, "", ""), user(7), user(7), fmt.Sprintf("v%d@gone.example", i), "5.1.2"
			})...)
		})
	}
	guessed := func(n int) func(w *town) {
		return and(func(w *town) {
			for i := range n {
				w.fail(oneDay+time.Duration(i)*time.Minute, "41.9.9.9", user(7))
			}
		})
	}
	logged := func(n int, lines ...string) func(w *town) { // failed logins in the words of so many services
		return and(func(w *town) {
			for i := range n {
				for _, service := range lines {
					w.fail(oneDay+time.Duration(i)*time.Minute, "41.9.9.9", user(7))
					ev := &w.events[len(w.events)-1]
					if ev.Service = service; service == "imap-login" {
						ev.Text = "Disconnected (auth failed, 2 attempts in 9 secs)"
					}
				}
			}
		})
	}
	slowly := func(gap time.Duration) func(w *town) {
		return and(func(w *town) {
			for i := range 20 {
				w.spam(at-time.Duration(i+1)*gap, "177.32.67.133", user(7), user(7), i)
			}
		})
	}
	fresh := func(account string) func(w *town) { // an account that is used for nothing else has no other times
		return func(w *town) {
			for i := range 260 {
				w.spam(at+time.Duration(i)*12*time.Second, "177.32.67.133", account, account, i)
			}
		}
	}
	always := func(from time.Duration) func(w *town) {
		return func(w *town) {
			for i := range 1440 {
				w.send(from+time.Duration(i)*(5*oneDay-from)/1440, "177.32.67.133", user(7), user(7), fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i, 3))
			}
		}
	}
	evenly := func(hours int) func(w *town) { // so many hours of each of three days
		return func(w *town) {
			for i := range 1440 {
				at := oneDay*time.Duration(2+i/480) + 6*time.Hour + time.Duration(i%480)*time.Duration(hours)*time.Hour/480
				w.send(at, "177.32.67.133", user(7), user(7), fmt.Sprintf("v%d@t%d.example", i, i%40), bouncing(i, 6))
			}
		}
	}
	changed := func(change func(i int, m *mail.Message)) func(w *town) {
		return func(w *town) {
			first := len(w.messages)
			spam(1)(w)
			for i := range w.messages[first:] {
				change(i, &w.messages[first+i])
			}
		}
	}
	countries := func(usual string, pause time.Duration, first, second string) func(w *town) { // of the owner, and of two halves
		return func(w *town) {
			for i := range w.messages {
				w.messages[i].Client.Country = usual
			}
			for i := range 260 {
				k := i / 130
				w.spam(at+time.Duration(i)*12*time.Second+time.Duration(k)*pause, fmt.Sprintf("177.%d.67.133", 32+k), user(7), user(7), i)
				w.messages[len(w.messages)-1].Client.Country = [...]string{first, second}[k]
			}
		}
	}
	letters := func(days ...time.Duration) func(w *town) { // from home, and to a list
		return func(w *town) {
			for _, day := range days {
				for i := range 260 {
					w.spam(day*oneDay+11*time.Hour+time.Duration(i)*12*time.Second, home(7), user(7), user(7), i)
				}
			}
		}
	}
	for _, tt := range []struct {
		code           string
		has, neighbour func(w *town)
	}{
		{"many-networks", spam(40), spam(1)},
		{"many-networks", spam(12), spam(1)},
		{"other-sender", changed(func(i int, m *mail.Message) { m.Sender = user(20 + i%20) }), spam(1)},
		{"says-bulk", changed(func(_ int, m *mail.Message) { m.Headers = []mail.HeaderLine{{Name: "List-Id", Value: "x"}} }), spam(1)},
		{"to-ourselves", changed(func(i int, m *mail.Message) { to(m, user(i%people), mail.Delivered) }), spam(1)},
		{"regular", letters(2, 3, 4), letters(2, 3)},
		{"usual-client", changed(func(_ int, m *mail.Message) { m.Client = client(home(7), "", "") }), spam(1)},
		{"bounces", changed(func(i int, m *mail.Message) { m.Recipients[0].Disposition = bouncing(i, 8) }), spam(1)},
		{"odd-hours", evenly(24), evenly(12)},
		{"guessed", guessed(10), guessed(9)},
		{"guessed", logged(10, "auth"), logged(9, "auth")}, // Postfix does not always name the account
		{"guessed", logged(10, "auth", "imap"), logged(9, "auth", "imap")},
		{"guessed", logged(5, "imap-login"), logged(4, "imap-login")},
		{"refused-here", refused(20, "177.32.67.133"), refused(4, "177.32.67.133")},
		{"refused-here", refused(20, "177.33.9.9"), refused(20, home(7))},
		{"new-country", countries("DE", 0, "BR", "NG"), countries("", 0, "BR", "NG")}, // nobody knows where he was before
		{"new-country", countries("DE", 0, "DE", "BR"), countries("DE", 0, "DE", "DE")},
		{"impossible-travel", countries("DE", 0, "BR", "NG"), countries("DE", 0, "BR", "BR")},
		{"impossible-travel", countries("DE", 30*time.Minute, "BR", "NG"), countries("DE", 90*time.Minute, "BR", "NG")},
		{"far-above-others", always(0), always(4 * oneDay)},
		{"ramp", slowly(100 * time.Second), slowly(12 * time.Second)},
		{"otherwise", fresh(user(7)), fresh("new@site.example")},
	} {
		for want, scene := range map[bool]func(w *town){true: tt.has, false: tt.neighbour} {
			w := newTown(5)
			scene(w)
			limits := DefaultThresholds()
			limits.Score.Low = -1 // also what is too weak to be told
			found := w.under(limits, account)
			found = slices.DeleteFunc(found, func(f Finding) bool { return f.Counts.Messages < 100 }) // people's ordinary days
			if len(found) == 0 {
				t.Errorf("%s: nothing was found", tt.code)
				continue
			}
			got := says(&found[0], tt.code)
			for _, fact := range found[0].Facts {
				got = got || fact.Name == tt.code
			}
			if got != want {
				t.Errorf("%s: got %v, want %v: %s %v %v", tt.code, got, want, found[0].Title, found[0].Reasons, found[0].Facts)
			}
		}
	}
}
