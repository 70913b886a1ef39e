package mail

import (
	"net/netip"
	"testing"
	"time"
)

func TestAppendText(t *testing.T) {
	tests := []struct {
		name string
		ev   Event
		want string
	}{
		{"nothing but a kind", Event{Kind: Connect}, `connect`},
		{"the order is fixed", Event{Kind: Reject, DSN: "5.7.1", Code: 554, Sender: NullSender, Client: Client{HELO: "x", IP: netip.MustParseAddr("2001:db8::25"), Port: 25}},
			`reject client=2001:db8::25 port=25 helo=x sender=<> code=554 dsn=5.7.1`},
		{"blanks are quoted", Event{Kind: Warning, Text: "a b"}, `warning text="a b"`},
		{"quotes and backslashes are quoted", Event{Kind: Warning, Text: `a"\`}, `warning text="a\"\\"`},
		{"what does not print is escaped", Event{Kind: Header, Subject: "a\x1b[31m\u202e\xff"}, `header subject="a\x1b[31m\u202e\xff"`},
		{"uid 0 is a user", Event{Kind: LocalSubmit, Flags: HasUID | Doubtful}, `local-submit flags=has-uid,doubtful uid=0`},
		{"durations and times", Event{Kind: Delivery, Time: InstantOf(time.Unix(0, 1e6)), Delay: 1500 * time.Millisecond, Flags: HasDelay, Disposition: Filtered},
			`delivery time=1970-01-01T00:00:00.001Z disposition=filtered delay=1.5s`},
	}
	for _, tt := range tests {
		got, err := tt.ev.AppendText([]byte("> "))
		if err != nil || string(got) != "> "+tt.want {
			t.Errorf("%s: got %s (%v) want > %s", tt.name, got, err, tt.want)
		}
	}
}
