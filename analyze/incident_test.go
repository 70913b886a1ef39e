package analyze

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailforensics/mail"
)

func story(detector, value string, s Severity, start, messages int, related ...string) Finding {
	f := Finding{Detector: detector, Subject: Subject{IP, value}, Severity: s, Title: detector + " " + value,
		Start: mail.Instant(start) * 1e9, End: mail.Instant(start+60) * 1e9, Counts: Counts{Messages: messages}, Related: related}
	f.ID = detector + "/" + value
	return f
}

func TestIncidents(t *testing.T) {
	findings := []Finding{
		story("burst", "a", High, 3000, 500, "account/maria"),
		story("account", "maria", High, 2900, 480, "phish/b", "gone"),
		story("phish", "b", Low, 100, 38),
		story("burst", "z", High, 5000, 36),
		story("guessing", "g", Low, 50, 0),
		story("backscatter", "host", Low, 3000, 90, "burst/a", "burst/z"), // of both, and joins them not
		story("reputation", "host", Medium, 3100, 70, "backscatter/host"),
	}
	want := []string{
		"high account maria 480: account/maria phish/b backscatter/host burst/a reputation/host",
		"high burst z 36: burst/z",
		"low guessing g 0: guessing/g",
	}
	for range 2 {
		var got []string
		for _, inc := range Incidents(findings) {
			got = append(got, fmt.Sprintf("%s %s %d: %s", inc.Severity, inc.Title, inc.Messages, strings.Join(inc.Findings, " ")))
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		slices.Reverse(findings) // the order in which findings come means nothing
	}
	joined := Incidents(findings)[0]
	if joined.Start != 100e9 || joined.End != 3160e9 {
		t.Errorf("got %d to %d, want from the phish to the end of what followed", joined.Start, joined.End)
	}
	if !slices.IsSortedFunc(joined.Steps, func(a, b Step) int { return int(a.Time - b.Time) }) || len(joined.Steps) != 10 {
		t.Errorf("got steps %v, want ten in order of time", joined.Steps)
	}
}

// The title of an incident names all its accounts, though one comes first; but not findings that are only another view of the
// same mail.
func TestTitleNamesTheOthers(t *testing.T) {
	all := []Finding{story("account", "a", High, 3000, 300), story("burst", "x", High, 3000, 700, "account/a", "account/b", "account/c", "account/d", "account/e", "account/f")}
	for i, value := range []string{"b", "c", "d", "e", "f"} {
		f := story("account", value, High, 3000, 200+i)
		if value == "d" {
			f.Severity = Low
		}
		all = append(all, f)
	}
	got := Incidents(all)
	if want := "account a; likewise f (204 messages), e (203 messages), c (201 messages), 1 more"; len(got) != 1 || got[0].Title != want {
		t.Errorf("got %d, %q, want %q", len(got), got[0].Title, want)
	}
}

// For an account of which nothing was accepted, the title gives the refused attempts.
func TestTitleNamesTheOthersOfWhomAllWasRefused(t *testing.T) {
	a, b := story("mangled", "a", High, 3000, 0), story("mangled", "b", High, 3000, 0)
	joins := story("campaign", "x", Low, 3000, 0, a.ID, b.ID)
	a.Counts.Rejected, b.Counts.Rejected = 16, 15
	got := Incidents([]Finding{a, b, joins})
	if want := "mangled a; likewise b (15 refused attempts)"; len(got) != 1 || got[0].Title != want {
		t.Errorf("got %+v, want %q", got, want)
	}
}

// The evidence is a sample: if it has no line of the peak, or one from some seconds later, the timeline of the incident is the
// same.
func TestPeakOfAnIncident(t *testing.T) {
	for _, evidence := range [][]Evidence{
		nil,
		{{Time: 3000e9, Role: "first"}, {Time: 3050e9, Role: "typical"}},
		{{Time: 3010e9, Role: "first"}, {Time: 3045e9, Role: "peak"}},
	} {
		main, other := story("account", "maria", High, 3000, 480), story("burst", "a", High, 3000, 480, "account/maria")
		main.Rate, main.Evidence = &Rate{PeakPerMinute: 31, PeakAt: 3020e9}, evidence
		other.Rate = &Rate{PeakPerMinute: 31, PeakAt: 3020e9}
		var peaks []string
		for _, s := range Incidents([]Finding{main, other})[0].Steps {
			if strings.HasPrefix(s.Text, "the peak") {
				peaks = append(peaks, fmt.Sprintf("%d %s %s", s.Time/1e9, s.Finding, s.Text))
			}
		}
		if want := []string{"3020 account/maria the peak: 31 in a minute"}; !slices.Equal(peaks, want) {
			t.Errorf("with evidence %v: got %q, want %q", evidence, peaks, want)
		}
	}
}

func TestAdvice(t *testing.T) {
	var l Logging
	for range 20 {
		l.Message(&mail.Message{MTA: mail.Exim, User: "web"})
	}
	advice := l.Advice()
	if len(advice) != 1 || advice[0].Setting != "log_selector = +subject +arguments +received_recipients +sender_on_delivery +smtp_connection" {
		t.Errorf("got %v, want what Exim left out", advice)
	}
	l = Logging{}
	for range 20 {
		l.Message(&mail.Message{MTA: mail.Exim, User: "web", Subject: "x", Directory: "/home", Recipients: make([]mail.Recipient, 1)})
	}
	if advice := l.Advice(); len(advice) != 0 {
		t.Errorf("got %v, want nothing for a log that tells all", advice)
	}
}

// Dovecot logs a login in lower case, Postfix as it was typed.
func TestRelateFoldsAccounts(t *testing.T) {
	guesses, abuse, other := story("guessing", "g", Medium, 100, 0), story("account", "a", High, 3000, 400), story("account", "b", High, 3000, 400)
	guesses.Subject, abuse.Subject, other.Subject = Subject{Account, "eva.berg"}, Subject{Account, "Eva.Berg"}, Subject{Account, "eva.bergmann"}
	all := []Finding{guesses, abuse, other}
	relate(all, &Site{})
	if got := all[1].Related; !slices.Equal(got, []string{"guessing/g"}) || len(all[2].Related) > 0 {
		t.Errorf("got %v and %v, want the guesses for Eva.Berg and for nobody else", got, all[2].Related)
	}
}

// A phished password may be used weeks later: an account that is abused within a month is related to the phish that it answered;
// not to one that only others answered, nor to one of long ago.
func TestRelateAnswersOfLongAgo(t *testing.T) {
	const days = 24 * 3600
	for _, tt := range []struct {
		detector, account string
		after             int
		want              int
	}{
		{"account", "Eva@site.example", 20 * days, 1}, {"burst", "Eva@site.example", 20 * days, 1}, {"guessing", "Eva@site.example", 20 * days, 0},
		{"account", "eva@site.example", 40 * days, 0}, {"account", "eva@site.example", -20 * days, 0}, {"account", "ann@site.example", 20 * days, 0},
	} {
		phish, abuse := story("phish", "198.18.0.1", High, 100*days, 40), story(tt.detector, tt.account, High, 100*days+tt.after, 400)
		phish.Accounts, abuse.Subject, abuse.Accounts = []string{"eva@site.example", "uwe@site.example"}, Subject{Account, tt.account}, []string{tt.account}
		all := []Finding{phish, abuse}
		relate(all, &Site{})
		if got := all[1].Related; len(got) != tt.want {
			t.Errorf("%s of %s after %d days: related to %v", tt.detector, tt.account, tt.after/days, got)
		}
	}
}

// What a customer's server relayed in a burst is the incident, not what it relays every day; a server that did nothing else has
// one incident, that of its relaying.
func TestBurstOfACustomer(t *testing.T) {
	for _, tt := range []struct {
		name        string
		days, burst int // seconds
		messages    int
		want        string
	}{
		{"in an afternoon of a week", 600_000, 12_000, 900, "burst a"},
		{"most of the time", 20_000, 12_000, 900, "open-relay a"},
		{"a small part", 600_000, 12_000, 400, "open-relay a"},
	} {
		relay, burst := story("open-relay", "a", High, 1000, 1012), story("burst", "a", High, 3000, tt.messages, "open-relay/a")
		relay.End, burst.End = relay.Start+mail.Instant(tt.days)*1e9, burst.Start+mail.Instant(tt.burst)*1e9
		if got := Incidents([]Finding{relay, burst}); len(got) != 1 || got[0].Title != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got[0].Title, tt.want)
		}
	}
}
