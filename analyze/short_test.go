package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"mailforensics/mail"
)

// cut keeps of a town what was logged between two hours.
func (w *town) cut(from, to time.Duration) {
	outside := func(t mail.Instant) bool { return t < w.start.Add(from) || t >= w.start.Add(to) }
	w.messages = slices.DeleteFunc(w.messages, func(m mail.Message) bool { return outside(m.Time) })
	w.events = slices.DeleteFunc(w.events, func(ev mail.Event) bool { return outside(ev.Time) })
}

// A log of an hour or a day shows little of what an account usually sends, and from where. In such a log, what owners do stays
// below medium, and what is odd in itself does not.
func TestShortLogs(t *testing.T) {
	const hour = time.Hour
	letter := func(w *town, at time.Duration, n int, ip, account, sender string, gap time.Duration, dead int) {
		for i := range n {
			name := sender
			if sender == "" {
				name = fmt.Sprintf("sales@firm%d.example", i%25)
			}
			w.send(at+time.Duration(i)*gap, ip, account, name, fmt.Sprintf("n%d@r%d.example", i, i%70), bouncing(i+1, dead))
			w.messages[len(w.messages)-1].Recipients[0].RelayIP = netip.AddrFrom4([4]byte{198, 51, 100, byte(i % 70)})
		}
	}
	self := func(w *town, n int, name func(i int) (ip, host string)) {
		for i := range n {
			ip, host := name(i)
			w.receive(9*hour+5*time.Minute+time.Duration(i)*20*time.Second, ip, host, user(3), user(3))
			m := &w.messages[len(w.messages)-1]
			m.Client.HELO, m.MessageID = fmt.Sprintf("branch%d", i), fmt.Sprintf("<%012x.1@branch%d>", i*7919, i)
		}
	}
	for _, tt := range []struct {
		name     string
		from, to time.Duration
		scene    func(w *town)
		grave    bool
	}{
		{"a customer's yearly letter: a tenth is dead", 9 * hour, 10 * hour, func(w *town) { letter(w, 9*hour+20*time.Minute, 92, home(7), user(7), user(7), 5*time.Second, 10) }, false},
		{"a letter in one name to a list that was bought", 9 * hour, 10 * hour, func(w *town) { letter(w, 9*hour+20*time.Minute, 92, home(7), user(7), user(7), 5*time.Second, 5) }, true},
		{"a letter from a new line on one day: a twentieth is dead", 0, 24 * hour, func(w *town) { letter(w, 14*hour, 164, "197.11.3.4", user(7), user(7), 5*time.Second, 19) }, false},
		{"and a tenth", 0, 24 * hour, func(w *town) { letter(w, 14*hour, 164, "197.11.3.4", user(7), user(7), 5*time.Second, 9) }, true},
		{"a service that writes for customers, in their names", 9 * hour, 10 * hour, func(w *town) { letter(w, 9*hour, 50, "203.0.113.70", "crm@site.example", "", 64*time.Second, 12) }, false},
		{"a stolen login that writes in foreign names", 9 * hour, 10 * hour, func(w *town) { letter(w, 9*hour, 50, "203.0.113.70", "crm@site.example", "", 64*time.Second, 5) }, true},
		{"an application that runs everywhere", 9 * hour, 10 * hour, func(w *town) {
			for i := range 27 {
				w.send(9*hour+time.Duration(i)*130*time.Second, fmt.Sprintf("%d.%d.3.4", 52+i%3, 10+i), "app@site.example", "app@site.example", fmt.Sprintf("n%d@r%d.example", i, i), bouncing(i+1, 20))
			}
		}, false},
		{"thirty branches that report to one mailbox, in its name", 9 * hour, 10 * hour, func(w *town) {
			self(w, 30, func(i int) (string, string) {
				ip := fmt.Sprintf("84.%d.%d.%d", 130+i, i*7, i+3)
				return ip, fmt.Sprintf("p54%02x%02x%02x.dip0.lines.example", 130+i, i*7, i+3)
			})
		}, false},
		{"thirty strangers who write to one mailbox, in its name", 9 * hour, 10 * hour, func(w *town) {
			self(w, 30, func(i int) (string, string) {
				ip := fmt.Sprintf("%d.%d.%d.%d", 84+i, 130+i, i*7, i+3)
				return ip, fmt.Sprintf("host-%d-%d-%d-%d.isp%d.example", 84+i, 130+i, i*7, i+3, i)
			})
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(1)
			w.cut(tt.from, tt.to)
			tt.scene(w)
			findings := w.find(Detectors()...)
			grave := slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity > Low })
			if grave != tt.grave {
				t.Errorf("above low: %t", grave)
				for _, f := range findings {
					t.Logf("%v %.2f %s: %s %+v", f.Severity, f.Score, f.Detector, f.Title, f.Reasons)
				}
			}
		})
	}
}
