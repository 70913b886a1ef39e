package report

import (
	"bytes"
	"mailforensics/analyze"
	"mailforensics/ingest"
	"mailforensics/mail"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestWrap: lines are broken at blanks, and none of these stays at the end of a line.
func TestWrap(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"one", "- one\n"},
		{"", "- \n"},
		{"84.60.208.31  pool.isp.example  36 messages", "- 84.60.208.31  pool.isp.example\n  36 messages\n"},
		{"84.60.208.31  a-name-that-is-longer-than-any-line.example  36", "- 84.60.208.31\n  a-name-that-is-longer-than-any-line.example\n  36\n"},
		{"  set in", "-   set in\n"},
	} {
		p := &page{columns: 34}
		p.wrap("- ", "  ", c.text)
		if got := p.out.String(); got != c.want {
			t.Errorf("%q: got\n%swant\n%s", c.text, got, c.want)
		}
	}
}

// What is not shown is counted: six clients stand there, of seven two are counted; and of nine gaps the longest three are named.
func TestLeftOutIsCounted(t *testing.T) {
	text := func(clients, gaps int) string {
		r := sample()
		r.Findings = r.Findings[:1]
		f := &r.Findings[0]
		f.Clients = nil
		for i := range clients {
			f.Clients = append(f.Clients, analyze.ClientCount{Client: mail.Client{IP: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})}, Messages: 1})
		}
		r.Gaps, r.QuietSpans = nil, gaps
		for i := range min(gaps, 5) {
			r.Gaps = append(r.Gaps, Gap{Host: "mx1", From: at("07:00:00"), To: at("08:00:00").Add(time.Duration(-i) * time.Minute)})
		}
		var out bytes.Buffer
		if err := Terminal(&out, r, Style{}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, tt := range []struct {
		clients, gaps int
		want, wont    string
	}{
		{6, 0, "198.51.100.5", "more client"}, {7, 0, "and 2 more clients", "198.51.100.5"},
		{1, 3, "to 07:58:00", "shorter gap"}, {1, 4, "and 1 shorter gap\n", "to 07:57:00"}, {1, 9, "and 6 shorter gaps", "to 07:57:00"},
	} {
		if got := text(tt.clients, tt.gaps); !strings.Contains(got, tt.want) || strings.Contains(got, tt.wont) {
			t.Errorf("%d clients, %d gaps: want %q and no %q in\n%s", tt.clients, tt.gaps, tt.want, tt.wont, got)
		}
	}
}

// What the way in says already is not said again as a fact, unless it is left out there.
func TestFactsOnce(t *testing.T) {
	f := analyze.Finding{ID: "open-relay/host/mx1/x", Detector: "open-relay", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.Host, Value: "mx1"},
		Title: "Open relay", Start: at("14:00:00"), End: at("15:00:00"), Facts: []analyze.Fact{{Name: "let in by", Text: `"whitelisted", 40 times`}, {Name: "went out", Text: "40 recipients"}}}
	r := &Report{Schema: findingsSchema, Command: investigateCommand, Zone: berlin, Ledger: &ingest.Ledger{First: at("06:00:00"), Last: at("20:00:00")}, Findings: []analyze.Finding{f}}
	text := func() string {
		var out bytes.Buffer
		r.Incidents = analyze.Incidents(r.Findings)
		if err := Terminal(&out, r, Style{}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := text(); strings.Count(got, `"whitelisted", 40 times`) != 1 || strings.Count(got, "went out     40 recipients") != 1 {
		t.Errorf("a fact is missing, or said twice:\n%s", got)
	}
	var ways []statement
	for i := range 4 {
		ways = append(ways, statement{Text: strings.Repeat("phish ", i+1)})
	}
	ways = append(ways, statement{Text: `Let in by "whitelisted", 40 times`})
	if saidBy(ways, f.Facts[0]) || !saidBy(ways[1:], f.Facts[0]) {
		t.Error("a way in that is left out says nothing, and one of four is shown")
	}
}
