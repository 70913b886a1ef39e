package report

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"mailforensics/analyze"
	"mailforensics/ingest"
	"mailforensics/mail"
)

// Whether it is over is told by the logs of the hosts that it is about; those of other hosts may go on for days.
func TestWhen(t *testing.T) {
	hour := func(h float64) mail.Instant { return mail.Instant(1_706_100_000+h*3600) * 1e9 }
	r := &Report{Zone: time.FixedZone("", 3600), Ledger: &ingest.Ledger{First: hour(0), Last: hour(48), Files: []ingest.FileLedger{
		{Hosts: []string{"mx1"}, First: hour(0), Last: hour(48)}, {Hosts: []string{"mx2"}, First: hour(0), Last: hour(6)}}}}
	for _, tt := range []struct {
		host string
		end  mail.Instant
		want string
	}{
		{"mx1", hour(6), "; no more of it in the remaining 1 d 18 h of the log"},
		{"mx2", hour(2), "; no more of it in the remaining 4 h of the log"},
		{"mx2", hour(5.95), "; it may still be going on: the log ends 3 min later"},
		{"mx2", hour(6), "; it may still be going on: the log ends 1 s later"},
	} {
		f := &analyze.Finding{Start: hour(1), End: tt.end, Hosts: []string{tt.host}}
		got := when(r, f, ", on "+tt.host)
		if !strings.HasSuffix(got, tt.want) || !strings.Contains(got, " +01:00 (") {
			t.Errorf("%s: got %q, want %q", tt.host, got, tt.want)
		}
	}
	// What was stopped goes on knocking; the burst of a login knows of it where the lines name no login.
	f := analyze.Finding{Detector: "account", Subject: analyze.Subject{Kind: analyze.Account, Value: "a"}, Start: hour(1), End: hour(6), Hosts: []string{"mx1"}}
	knocked := f
	knocked.Detector, knocked.Facts = "burst", []analyze.Fact{{Name: analyze.Afterwards, Text: "9 more attempts"}}
	for _, r.Findings = range [][]analyze.Finding{{knocked}, {f, knocked}} {
		if got, want := when(r, &r.Findings[0], ""), "; no more of it was accepted in the remaining 1 d 18 h of the log"; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	// A client may send a letter now and then after its burst; of a relay nobody looks whether more was tried.
	again := knocked
	again.Facts = append(again.Facts, analyze.Fact{Name: analyze.Otherwise, Text: "5 messages at other times"})
	relay := analyze.Finding{Detector: "open-relay", Start: hour(1), End: hour(6), Hosts: []string{"mx1"}}
	for f, want := range map[*analyze.Finding]string{
		&again: "; no such burst again in the remaining 1 d 18 h of the log",
		&relay: "; no more of it was accepted in the remaining 1 d 18 h of the log",
	} {
		if r.Findings = []analyze.Finding{*f}; !strings.HasSuffix(when(r, f, ""), want) {
			t.Errorf("%s: got %q, want %q", f.Detector, when(r, f, ""), want)
		}
	}
	// What comes back is not over, be it that its end was refused; another server's trouble is another matter.
	for _, tt := range []struct {
		kind analyze.SubjectKind
		from mail.Instant
		want string
	}{
		{analyze.IP, hour(9), "; again from 22:40:00 on"},
		{analyze.IP, hour(30), "; again from Thu 2024-01-25 19:40:00 on"},
		{analyze.IP, hour(5), "; no more of it was accepted in the remaining 1 d 18 h of the log"},
		{analyze.Host, hour(9), "; no more of it was accepted in the remaining 1 d 18 h of the log"},
	} {
		first := knocked
		first.Subject.Kind = tt.kind
		second := first
		second.Start, second.End = tt.from, tt.from+hour(1)-hour(0)
		r.Findings = []analyze.Finding{second, first}
		if got := when(r, &r.Findings[1], ""); !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s from %v: got %q, want %q", tt.kind, tt.from, got, tt.want)
		}
	}
}

// What is told of attempts after one abuse of an account says nothing about another one of the same account.
func TestWasStopped(t *testing.T) {
	hour := func(h int) mail.Instant { return at("00:00:00").Add(time.Duration(h) * time.Hour) }
	of := func(detector string, from, to int) analyze.Finding {
		return analyze.Finding{Detector: detector, Subject: analyze.Subject{Kind: analyze.Account, Value: "eva"}, Start: hour(from), End: hour(to)}
	}
	told := of("account", 1, 6)
	told.Facts = []analyze.Fact{{Name: analyze.Afterwards, Text: "9 more attempts"}}
	for _, tt := range []struct {
		burst analyze.Finding
		want  bool
	}{
		{of("burst", 2, 5), true}, {of("burst", 1, 6), true}, {of("burst", 8, 9), false}, {of("burst", 5, 9), false},
	} {
		r := &Report{Findings: []analyze.Finding{told, tt.burst}}
		if got := wasStopped(r, &tt.burst); got != tt.want {
			t.Errorf("a burst from %v to %v: %v", tt.burst.Start, tt.burst.End, got)
		}
	}
	other := of("burst", 2, 5)
	other.Subject.Value = "jo"
	if wasStopped(&Report{Findings: []analyze.Finding{told, other}}, &other) {
		t.Error("what another account's addresses tried says nothing")
	}
}

// A client with no name is a stranger's machine, or the mail server itself: a webmail on it.
func TestClientWords(t *testing.T) {
	for ip, want := range map[string]string{
		"127.0.0.1":        "127.0.0.1, the mail server itself",
		"::ffff:127.0.0.1": "127.0.0.1, the mail server itself",
		"::1":              "::1, the mail server itself",
		"192.0.2.7":        "192.0.2.7, name unknown",
	} {
		if got := strings.Join(clientWords(&mail.Client{IP: netip.MustParseAddr(ip)}), ", "); got != want {
			t.Errorf("%s: got %q, want %q", ip, got, want)
		}
	}
}
