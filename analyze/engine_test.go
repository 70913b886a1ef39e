package analyze

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// sampleLog returns messages and refusals of a day at one site, with a spam run of a stranger, a stolen account and a misused
// script among honest mail, in the order of time.
func sampleLog(seed uint64) ([]mail.Message, []mail.Event) {
	rng := rand.New(rand.NewPCG(seed, 9))
	messages := honestDay(3000)
	add := func(m mail.Message, to string, d mail.Disposition) {
		m.Origin = mail.Origin{Line: int64(len(messages) + 1)}
		m.Line = fmt.Sprintf("line %d", m.Origin.Line)
		m.Host, m.Hosts = "mx1", []string{"mx1"}
		m.MessageID = fmt.Sprintf("%d@%s", rng.IntN(1e9), mail.Domain(m.Sender))
		m.Recipients = []mail.Recipient{{Address: to, Disposition: d, Local: strings.HasSuffix(to, "@site.example"), DSN: "5.1.1"}}
		messages = append(messages, m)
	}
	start := messages[0].Time
	run := start.Add(time.Duration(6+rng.IntN(12)) * time.Hour)
	spammer := mail.Client{IP: netip.MustParseAddr("198.51.100.7"), Name: "dsl-198-51-100-7.line.example"}
	for i := range 8 + rng.IntN(40) {
		add(mail.Message{Time: run.Add(time.Duration(i*13) * time.Second), Client: spammer, Flags: mail.Verified,
			Sender: fmt.Sprintf("x@d%d.example", i)}, fmt.Sprintf("user%d@site.example", i), mail.Delivered)
	}
	thief := mail.Client{IP: netip.MustParseAddr("203.0.113.9"), HELO: "[127.0.0.1]"}
	for i := range 100 + rng.IntN(100) {
		add(mail.Message{Time: run.Add(time.Duration(i*7) * time.Second), Client: thief, Account: "user7@site.example",
			Sender: "prize@lottery.example"}, fmt.Sprintf("to%d@r%d.example", i, i%40), mail.Disposition(1+i%2))
	}
	for i := range 60 + rng.IntN(100) {
		add(mail.Message{Time: run.Add(time.Duration(i*5) * time.Second), Flags: mail.HasUID, UID: 33, Script: "0:evil.php",
			Sender: "www@site.example"}, fmt.Sprintf("to%d@r%d.example", i, i%40), mail.Disposition(1+i%2))
	}
	var events []mail.Event
	for i := range 300 {
		ip := spammer.IP
		if i%3 > 0 {
			ip = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		}
		events = append(events, mail.Event{Kind: mail.Reject, Host: "mx1", Time: run.Add(time.Duration(i) * time.Second),
			Client: mail.Client{IP: ip}, DSN: "5.1.1", Origin: mail.Origin{Line: int64(10_000 + i)}})
	}
	return messages, events
}

func newTestEngine() *Engine {
	return NewEngine(&Pass{Thresholds: DefaultThresholds()}, Detectors())
}

// Hosts, days or workers may be processed apart: however a log is split, in whatever order its parts and their messages come,
// findings, site and totals are the same.
func TestMergingChangesNothing(t *testing.T) {
	for seed := range uint64(6) {
		messages, events := sampleLog(seed)
		whole := newTestEngine()
		for i := range messages {
			whole.Message(&messages[i])
		}
		for i := range events {
			whole.Event(&events[i])
		}
		want, wantSite := whole.Findings()
		if len(want) < 3 {
			t.Fatalf("seed %d: only %d findings", seed, len(want))
		}
		joined := splitAndMerge(rand.New(rand.NewPCG(seed, 1)), messages, events)
		got, gotSite := joined.Findings()
		if joined.Totals != whole.Totals {
			t.Errorf("seed %d: totals %+v, want %+v", seed, joined.Totals, whole.Totals)
		}
		compare(t, fmt.Sprintf("seed %d", seed), got, want)
		if !reflect.DeepEqual(gotSite, wantSite) {
			t.Errorf("seed %d: site %+v, want %+v", seed, gotSite, wantSite)
		}
	}
}

func splitAndMerge(rng *rand.Rand, messages []mail.Message, events []mail.Event) *Engine {
	parts := []*Engine{newTestEngine(), newTestEngine(), newTestEngine()}
	for _, i := range rng.Perm(len(messages)) {
		parts[rng.IntN(len(parts))].Message(&messages[i])
	}
	for _, i := range rng.Perm(len(events)) {
		parts[rng.IntN(len(parts))].Event(&events[i])
	}
	order := rng.Perm(len(parts))
	for _, i := range order[1:] {
		parts[order[0]].Merge(parts[i])
	}
	return parts[order[0]]
}

func compare(t testing.TB, what string, got, want []Finding) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d findings, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%s: %s:\n got %+v\nwant %+v", what, want[i].ID, got[i], want[i])
		}
	}
}

// The same input gives the same findings in every run.
// Without times, what shows by other marks is found, but nothing is said of when and how fast.
func TestLogWithoutTimes(t *testing.T) {
	messages, events := sampleLog(1)
	e := newTestEngine()
	for i := range messages {
		messages[i].Time = 0
		e.Message(&messages[i])
	}
	for i := range events {
		events[i].Time = 0
		e.Event(&events[i])
	}
	found, _ := e.Findings()
	if len(found) == 0 {
		t.Fatal("the misused script was not found")
	}
	for _, f := range found {
		if f.Start != 0 || f.End != 0 || f.Rate != nil || f.Timeline != nil {
			t.Errorf("%s: from %v to %v, %v, %v", f.ID, f.Start, f.End, f.Rate, f.Timeline)
		}
	}
	for _, incident := range Incidents(found) {
		if len(incident.Steps) > 0 {
			t.Errorf("%s: %v", incident.Title, incident.Steps)
		}
	}
}

func TestFindingsAreDeterministic(t *testing.T) {
	messages, events := sampleLog(1)
	var want []Finding
	for round := range 3 {
		e := newTestEngine()
		for i := range messages {
			e.Message(&messages[i])
		}
		for i := range events {
			e.Event(&events[i])
		}
		got, _ := e.Findings()
		if round == 0 {
			want = got
		}
		compare(t, fmt.Sprint("round ", round), got, want)
	}
}

// In a flood of distinct clients, senders and recipients, memory stays bounded, and the burst that it should hide is found.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("a flood takes seconds")
	}
	const n = 120_000
	e := NewEngine(&Pass{Thresholds: DefaultThresholds()}, []Detector{burst})
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	var m mail.Message
	for i := range n {
		flood(&m, i, start)
		e.Message(&m)
		e.Event(&mail.Event{Kind: mail.Reject, Host: "mx1", Time: m.Time, Client: m.Client})
		if i > n/4 && i < n/4+2000 && i%40 == 0 {
			planted := m
			planted.Client = mail.Client{IP: netip.MustParseAddr("198.51.100.7"), HELO: "1234"}
			planted.Origin.Line += n
			e.Message(&planted)
		}
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	if mb := stats.HeapAlloc >> 20; mb > 160 {
		t.Errorf("%d MB after %d distinct clients", mb, n)
	}
	findings, site := e.Findings()
	if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Subject.Value == "198.51.100.7" && f.Counts.Messages == 49 }) {
		t.Errorf("the burst was not found among %d findings", len(findings))
	}
	if !slices.ContainsFunc(site.Notes, func(s string) bool { return strings.HasPrefix(s, "bursts: ") }) {
		t.Errorf("nothing is said of what was forgotten: %q", site.Notes)
	}
}

// flood makes message number i, all of whose values are new.
func flood(m *mail.Message, i int, start mail.Instant) {
	*m = mail.Message{
		Origin: mail.Origin{Line: int64(i + 1)}, Line: fmt.Sprintf("line %d", i), Host: "mx1", Time: start.Add(time.Duration(i) * 200 * time.Millisecond),
		Client: mail.Client{IP: netip.AddrFrom4([4]byte{byte(20 + i>>16), byte(i >> 8), byte(i), 1})},
		Sender: fmt.Sprintf("s%d@d%d.example", i, i), MessageID: fmt.Sprintf("%d@m%d.example", i, i),
		Recipients: []mail.Recipient{{Address: fmt.Sprintf("r%d@site.example", i), Disposition: mail.Delivered, Local: true}},
	}
}

// A client that sends for hours is kept as a story instead of tens of thousands of messages; its counts stay exact.
func TestLongBurstStaysExact(t *testing.T) {
	limits := DefaultThresholds()
	limits.Burst.MaxRecords = 1000
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	const n = 20_000
	for _, c := range []struct {
		account string
		want    Subject
	}{{"susan@site.example", Subject{Account, "susan@site.example"}}, {"", Subject{IP, "203.0.113.9"}}} {
		e := NewEngine(&Pass{Thresholds: limits}, []Detector{burst})
		feed := func(from time.Duration, n int, step time.Duration, account, ip string) (last mail.Instant) {
			for i := range n {
				m := mail.Message{Origin: mail.Origin{Line: int64(from) + int64(i)}, Line: "line", Host: "mx1", Account: account, Time: start.Add(from + time.Duration(i)*step),
					Client: mail.Client{IP: netip.MustParseAddr(ip)}, Sender: fmt.Sprintf("x@d%d.example", i),
					Recipients: []mail.Recipient{{Address: fmt.Sprintf("r%d@d%d.example", i, i%50), Disposition: mail.Bounced}}}
				e.Message(&m)
				last = m.Time
			}
			return last
		}
		feed(0, 1000, time.Minute, "other@site.example", "192.0.2.1")
		last := feed(17*time.Hour, n, 500*time.Millisecond, c.account, "203.0.113.9")
		feed(20*time.Hour, 2000, 30*time.Second, "other@site.example", "192.0.2.1")
		findings, _ := e.Findings()
		if len(findings) != 1 {
			t.Fatalf("%v: %d findings", c.want, len(findings))
		}
		f := findings[0]
		if f.Subject != c.want || f.Counts.Messages != n || f.Counts.Bounced != n || f.Start != start.Add(17*time.Hour) || f.End != last || f.Rate.PeakPerMinute != 120 {
			t.Errorf("%v: got %v %+v %v to %v, %+v", c.want, f.Subject, f.Counts, f.Start.In(time.UTC), f.End.In(time.UTC), f.Rate)
		}
	}
}

func TestIDsAreUnique(t *testing.T) {
	f := Finding{Detector: "burst", Subject: Subject{IP, "84.60.208.31"}, Start: at("14:44:03")}
	all := []Finding{f, f}
	identify(all)
	if all[0].ID != "burst/ip/84.60.208.31/2026-01-04T14:44:03Z" || all[1].ID != all[0].ID+"#2" {
		t.Errorf("got %q and %q", all[0].ID, all[1].ID)
	}
}
