package exim

import (
	"bufio"
	"compress/gzip"
	"os"
	"testing"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// The counts of events in the samples are those that grep counts, and every line is understood.
func TestSamples(t *testing.T) {
	tests := []struct {
		file string
		want map[string]int
	}{
		{"open-relay-exim", map[string]int{
			"accept": 3765, "local-submit": 1191, "delivered": 4352, "bounced": 2556, "deferred": 2022, "hold": 1184, "complete": 3582,
			"RCPT": 117, "filter": 5142, "auth-failed": 20, "command-line": 1191,
		}},
		{"web-script-exim", map[string]int{
			"accept": 376, "local-submit": 1208, "delivered": 1098, "bounced": 603, "deferred": 301, "hold": 295, "complete": 1259,
			"RCPT": 79, "filter": 0, "auth-failed": 12, "command-line": 1208,
		}},
	}
	for _, tt := range tests {
		got := count(t, "../../samples/"+tt.file+"/mainlog.gz")
		for name, n := range tt.want {
			if got[name] != n {
				t.Errorf("%s: %s: got %d want %d", tt.file, name, got[name], n)
			}
		}
		for _, v := range []parse.Verdict{parse.Unfamiliar, parse.Damaged, parse.Foreign} {
			if n := got[v.String()]; n > 0 {
				t.Errorf("%s: %d lines are %s", tt.file, n, v)
			}
		}
	}
}

// count is how often each kind, disposition and stage of a refusal occurs, and each verdict but Parsed.
func count(t *testing.T, file string) map[string]int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	headers := parse.NewHeaderReader(parse.NewClock(time.UTC, mail.InstantOf(time.Now())))
	n := make(map[string]int)
	for lines := bufio.NewScanner(text); lines.Scan(); {
		var ev mail.Event
		body, ok := headers.Read(lines.Text(), &ev)
		if !ok {
			t.Errorf("no header: %s", lines.Text())
			continue
		}
		if v := Format.Parse(body, &ev); v != parse.Parsed {
			n[v.String()]++
			continue
		}
		n[ev.Kind.String()]++
		switch ev.Kind {
		case mail.Delivery:
			n[ev.Disposition.String()]++
		case mail.Reject:
			n[ev.Stage]++
		}
	}
	return n
}
