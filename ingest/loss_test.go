package ingest

import (
	"testing"

	"mailforensics/mail"
)

// What log daemons write when they drop lines, as their sources have it, and what they write beside that.
func TestLoss(t *testing.T) {
	for _, test := range []struct {
		process, body string
		lost          bool
		n             int64
	}{
		{"systemd-journald", "Suppressed 4182 messages from postfix@-.service", true, 4182},
		{"systemd-journald", "Missed 12 kernel messages", false, 0},
		{"rsyslogd", "imjournal: 300 messages lost due to rate-limiting (20000 allowed within 600 seconds)", true, 300},
		{"rsyslogd", "imjournal: begin to drop messages due to rate-limiting", true, 0},
		{"rsyslogd", "imuxsock begins to drop messages from pid 4711 due to rate-limiting", true, 0},
		{"rsyslogd", "imuxsock lost 120 messages from pid 4711 due to rate-limiting", true, 120},
		{"rsyslogd", "12 messages lost", true, 12},
		{"rsyslogd", "action 'action-5' lost its connection, messages wait", false, 0},
		{"rsyslogd", "imuxsock lost contact: no rate-limiting", true, 0},
		{"rsyslogd", "9999999999999999999999 messages lost due to rate-limiting", true, 999999999999999},
		{"sshd", "Suppressed 4182 messages from postfix@-.service", false, 0},
	} {
		var b batch
		b.loss(test.body, &mail.Event{Process: test.process})
		if len(b.losses) > 0 != test.lost || test.lost && b.losses[0].n != test.n {
			t.Errorf("%s: %s: got %+v, want %v and %d", test.process, test.body, b.losses, test.lost, test.n)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, test := range []struct {
		text string
		n    int
		rest string
		ok   bool
	}{
		{"2 times", 2, "", true}, {"1 time", 1, "", true}, {"3 times: [ x]", 3, ": [ x]", true}, {"99999999999 times", 1 << 31, "", true},
		{" times", 0, "", false}, {"12", 12, "", false}, {"12:3", 12, "", false}, {"twice", 0, "", false},
	} {
		if n, rest, ok := times(test.text); ok != test.ok || ok && (n != test.n || rest != test.rest) {
			t.Errorf("%q: got %d, %q, %v", test.text, n, rest, ok)
		}
	}
	got, _ := read(t, options(), logs(t, "maillog", "Nov  7 04:00:00 mx1 postfix/a[1]: message repeated often\nNov  7 04:00:01 mx1 postfix/a[1]: message repeated 2 times, it says\n"+
		"Nov  7 04:00:02 mx1 postfix/a[1]: message repeated  times: [ x]\nNov  7 04:00:03 mx1 postfix/a[1]: last message repeated too often\n"))
	wantLines(t, got, "0:1 11-07 04:00:00 mx1 message repeated often", "0:2 11-07 04:00:01 mx1 message repeated 2 times, it says",
		"0:3 11-07 04:00:02 mx1 message repeated  times: [ x]", "0:4 11-07 04:00:03 mx1 last message repeated too often")
}
