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

const (
	spamhaus   = "554 5.7.1 blocked using zen.spamhaus.org"
	reputed    = "554 5.7.1 your reputation is too low"
	tooMany    = "421 4.7.0 too many messages from you"
	anyAnswer  = "250 2.0.0 Ok"
	complained = 60
)

// outgoing is n messages of one of our accounts, of which the first are refused by reply, over as many providers.
func outgoing(n, refused, providers int, reply string, change func(i int, m *mail.Message)) []mail.Message {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	return some(n, monday.at(9, 0, 0), 20*time.Second, func(i int, m *mail.Message) {
		m.Account, m.Sender, m.Client = user(7), user(7), client("198.18.0.9", "", "")
		p := i % providers
		r := mail.Recipient{Address: fmt.Sprintf("to%d@p%d.example", i, p), Disposition: mail.Delivered, Relay: fmt.Sprintf("mx.p%d.example", p),
			RelayIP: netip.MustParseAddr("203.0.113.7"), Time: m.Time, DSN: "2.0.0", Reply: anyAnswer}
		if i < refused {
			r.Disposition, r.DSN, r.Reply = mail.Bounced, reply[4:9], reply
		}
		m.Recipients = []mail.Recipient{r}
		if change != nil {
			change(i, m)
		}
	})
}

func troubleFound(t *testing.T, messages []mail.Message) []Finding {
	limits := DefaultThresholds()
	limits.Score.Low = -1
	e := newTwiceTold(t, &Pass{Thresholds: limits, Local: []string{"site.example"}}, []Detector{reputation})
	day := honestDay(1500)
	for i := range day {
		day[i].Time = day[i].Time.Add(24 * time.Hour)
		e.Message(&day[i])
	}
	for i := range messages {
		e.Message(&messages[i])
	}
	findings, _ := e.Findings()
	return findings
}

// Each sign of trouble is told where it is, and not where it almost is.
func TestTroubleReasons(t *testing.T) {
	others := func(n int) func(i int, m *mail.Message) { // whose mail so many of the complaints are about
		return func(i int, m *mail.Message) {
			if i < n {
				m.Account, m.Sender = user(i+20), user(i+20)
			}
		}
	}
	for _, tt := range []struct {
		code           string
		has, neighbour []mail.Message
	}{
		{"share-hit", outgoing(5, 5, 5, spamhaus, nil), nil},
		{"many-providers", outgoing(60, 60, 2, spamhaus, nil), outgoing(60, 60, 1, spamhaus, nil)},
		{"blocklisted", outgoing(60, 60, 9, spamhaus, nil), outgoing(60, 60, 9, reputed, nil)},
		{"bad-reputation", outgoing(60, 60, 9, reputed, nil), outgoing(60, 60, 9, spamhaus, nil)},
		{"one-cause", outgoing(400, complained, 9, spamhaus, others(complained/2)), outgoing(400, complained, 9, spamhaus, others(complained/2+1))},
	} {
		for want, messages := range map[bool][]mail.Message{true: tt.has, false: tt.neighbour} {
			found := troubleFound(t, messages)
			got := slices.ContainsFunc(found, func(f Finding) bool { return says(&f, tt.code) })
			if got != want || len(messages) > 0 && len(found) != 1 {
				t.Errorf("%s: got %v, want %v: %+v", tt.code, got, want, found)
			}
		}
	}
}

// Four replies are none, and what a host of ours says about another is no trouble.
func TestNoTrouble(t *testing.T) {
	inside := func(_ int, m *mail.Message) { m.Recipients[0].Relay = "mx2.site.example" }
	for name, messages := range map[string][]mail.Message{"four": outgoing(60, 4, 4, spamhaus, nil), "our own host": outgoing(60, 60, 9, spamhaus, inside)} {
		if found := troubleFound(t, messages); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// The share that was hit weighs little where few recipients are.
func TestShareWeight(t *testing.T) {
	for _, tt := range []struct {
		share float64
		n     int
		want  float64
	}{
		{0.5, 30, 0.5}, {0.49, 30, 0.4}, {0.24, 30, 0.3}, {0.09, 30, 0.2}, {0.04, 30, 0.1}, {0.01, 30, 0.05},
		{0.5, 29, 0.3}, {0.09, 29, 0.2}, {0.5, 9, 0.1}, {0.01, 9, 0.05},
	} {
		if got := shareWeight(tt.share, tt.n); got != tt.want {
			t.Errorf("%v of %d: got %v, want %v", tt.share, tt.n, got, tt.want)
		}
	}
}

// Whether it is over, and who takes mail again.
func TestTroubleEnds(t *testing.T) {
	ended := func(messages []mail.Message) string {
		found := troubleFound(t, messages)
		if len(found) != 1 {
			t.Fatalf("got %+v", found)
		}
		for _, f := range found[0].Facts {
			if f.Name == "ended" {
				return f.Text
			}
		}
		return ""
	}
	late := func(_ int, m *mail.Message) { // a minute before the log ends
		m.Time = m.Time.Add(14 * time.Hour)
		m.Recipients[0].Time = m.Time
	}
	before := func(i int, m *mail.Message) { // all of them took mail before they complained
		if i < 9 {
			m.Recipients[0].Disposition, m.Recipients[0].DSN, m.Recipients[0].Reply = mail.Delivered, "2.0.0", anyAnswer
		}
	}
	for _, tt := range []struct {
		messages []mail.Message
		want     string
	}{
		{outgoing(60, 60, 9, spamhaus, before), "no complaint in the last 14.7 hours of the log; none of those that complained has accepted mail since"},
		{outgoing(60, 60, 9, spamhaus, nil), "no complaint in the last 14.7 hours of the log; none of those that complained has accepted mail since"},
		{outgoing(69, 60, 9, spamhaus, nil), "no complaint in the last 14.7 hours of the log; 9 of 9 providers accepted mail again after their last complaint"},
		{outgoing(64, 60, 9, spamhaus, nil), "no complaint in the last 14.7 hours of the log; 4 of 9 providers accepted mail again after their last complaint"},
		{outgoing(60, 60, 9, spamhaus, late), "no, it went on until the log ended; none of those that complained has accepted mail since"},
	} {
		if got := ended(tt.messages); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// A message with complaints of two servers counts once, in every number of messages.
func TestTroubleCountsMessagesOnce(t *testing.T) {
	twice := func(_ int, m *mail.Message) {
		r := m.Recipients[0]
		r.Address = strings.Replace(r.Address, "to", "too", 1)
		m.Recipients = append(m.Recipients, r)
	}
	found := troubleFound(t, outgoing(60, 60, 9, spamhaus, twice))
	if len(found) != 1 {
		t.Fatalf("got %+v", found)
	}
	f, told := &found[0], 0
	for _, b := range f.Timeline {
		told += b.Messages
	}
	if f.Counts.Messages != 60 || f.Counts.Recipients != 120 || f.Counts.Bounced != 120 || told != 60 {
		t.Errorf("got %+v, %d over time, want 60 messages to 120 recipients", f.Counts, told)
	}
}

// Where a message came from, by the most telling that is known.
func TestCauseOf(t *testing.T) {
	ip := client("198.18.0.9", "", "")
	for _, tt := range []struct {
		m    mail.Message
		want string
	}{
		{mail.Message{Notice: true, Account: "eva"}, "notices of our own"},
		{mail.Message{Account: "eva", Client: ip}, "account eva"},
		{mail.Message{Directory: "/srv/www", Script: "33:a.php", MTA: mail.Postfix}, "scripts in /srv/www"},
		{mail.Message{Script: "33:a.php", MTA: mail.Postfix}, "script 33:a.php"},
		{mail.Message{Script: "sendmail -t", MTA: mail.Exim, User: "www"}, "local user www"},
		{mail.Message{Flags: mail.HasUID, UID: 33}, "local user 33"},
		{mail.Message{Client: ip, Direction: mail.Inbound, Sender: "a@b.example"}, "mail that is forwarded to other servers"},
		{mail.Message{Client: ip, Direction: mail.Local, Sender: "a@b.example"}, "mail that is forwarded to other servers"},
		{mail.Message{Client: ip, Direction: mail.Relayed, Sender: "a@b.example"}, "clients that send as b.example"},
	} {
		if got := causeOf(&tt.m).String(); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.m, got, tt.want)
		}
	}
}
