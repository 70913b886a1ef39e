package parse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

func TestLongQueueID(t *testing.T) {
	good := func(id, want string) {
		t.Helper()
		got, ok := LongQueueID(id)
		if !ok || got.In(time.UTC).Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %v %v, want %s", id, got.In(time.UTC), ok, want)
		}
	}
	bad := func(id string) {
		t.Helper()
		if at, ok := LongQueueID(id); ok {
			t.Errorf("%s: got %v, want none", id, at.In(time.UTC))
		}
	}
	good("4jXDZ03npNz5V", "2026-11-22T03:09:12.534892Z")
	bad("4F2A91C0D3")       // short
	bad("4jXDZ03npNz")      // no inode
	bad("4jXDZ03npNa5V")    // a vowel, no z
	bad("4jXDZzzzzzz5V")    // more than 999,999 microseconds
	bad("4jXDE03npNz5V")    // a vowel in the seconds
	bad("zzzzzzzzzzzzzz5V") // in the year 600,000
	bad("zjXDZ03npNz5V")    // in the year 2573
	bad("4jXDZ0_npNz5V")
	bad("4jXDZ03npNz5_")
	bad("000000000004jXDZ03npNz5V")              // no seconds are so long
	bad("4jXDZ03npNz" + strings.Repeat("5", 30)) // no inode is
	bad("")
}

func TestEximID(t *testing.T) {
	good := func(id, want string) {
		t.Helper()
		at, ok := EximID(id)
		if !ok || at.In(time.UTC).Format(time.RFC3339Nano) != want {
			t.Errorf("%s: got %v %v, want %s", id, at.In(time.UTC), ok, want)
		}
	}
	bad := func(id string) {
		t.Helper()
		if at, ok := EximID(id); ok {
			t.Errorf("%s: got %v, want none", id, at.In(time.UTC))
		}
	}
	good("1ZwOv6-0005Hb-Di", "2015-11-11T06:30:12Z")
	good("1s6n4v-0000000017h-1Cr6", "2024-05-14T08:00:05.287748Z")
	bad("1s6n4v-0000000017h-1Cr")
	bad("1ZwOv6-0005Hb_Di")
	bad("1ZwOv6-0005H!-Di")
	bad("zzzzzz-0005Hb-Di")
	bad("1s6n4v-0000zzzzzzz-1Cr6") // no PID is so large
	bad("1s6n4v-zzzzzzzzzzz-1Cr6")
	bad("")
}

// Some zone files, such as those of Fedora, Alpine and Go's own tzdata, have a rule for all years instead of a list of changes.
func TestZoneOfRule(t *testing.T) {
	header := func(version byte) string {
		// No changes, one type of local time with one name of four bytes. RFC 8536, section 3.1
		return "TZif" + string(version) + strings.Repeat("\x00", 15) + strings.Repeat("\x00", 16) + "\x00\x00\x00\x01" + "\x00\x00\x00\x04"
	}
	body := "\x00\x00\x0e\x10\x00\x00" + "CET\x00"
	zone, err := time.LoadLocationFromTZData("rule", []byte(header('2')+body+header('2')+body+"\nCET-1CEST,M3.5.0,M10.5.0/3\n"))
	if err != nil {
		t.Fatal(err)
	}
	made := make(chan *Clock, 1)
	go func() { made <- NewClock(zone, mail.InstantOf(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))) }()
	var clock *Clock
	select {
	case clock = <-made:
	case <-time.After(10 * time.Second):
		t.Fatal("no end of changes")
	}
	for at := time.Date(1991, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2027; at = at.Add(3 * time.Hour) {
		_, want := at.In(zone).Zone()
		if got := clock.offsetAt(mail.InstantOf(at)); got != int64(want) {
			t.Fatalf("%v: got offset %d, want %d", at, got, want)
		}
	}
}

func TestGather(t *testing.T) {
	text := "Jan 24 14:44:11 mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<20240124134411.4F2A91C0D3@mx1.example.org>\n" +
		"Jan 24 14:44:11 mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<20110124134411.5F2A91C0D3@elsewhere.example>\n" +
		"Jan 24 14:44:11 mx1 postfix/smtpd[1]: warning: 4F2A91C0D3: message-id=<20240124134411.4F2A91C0D3@mx1> x\n" + // no line of cleanup
		"Nov 22 04:09:12 mx2 postfix/smtpd[1]: 4jXDZ03npNz5V: client=x[192.0.2.1]\n" +
		"Nov 22 04:09:12 mx2 postfix/pickup[1]: 4jXDZ03npNz5V: uid=33 from=<x>\n" +
		"2024-05-14 10:00:06 1s6n4v-0000000017h-1Cr6 <= a@b.example H=x [192.0.2.1] P=esmtp S=1\n" +
		"2024-05-14 10:00:06 +0200 1s6n4v-0000000017h-1Cr6 <= a@b.example\n" + // it names its offset
		"2024-05-14 10:00:06 T=\"1s6n4v-0000000017h-1Cr6 <= a@b.example\"\n" + // a subject
		"2024-05-15 10:00:06 1s6n4v-0000000017h-1Cr6 <= forged a day later\n" +
		"2024-05-14 10:00:06 1s6n4v-0000000017h-1Cr6 <= cut"
	var got []Proof
	for _, p := range Gather(text, nil, 10) {
		p.At = p.At.Second()
		got = append(got, p)
	}
	at := func(s string) mail.Instant {
		moment, _ := time.Parse(time.DateTime, s)
		return mail.InstantOf(moment)
	}
	want := []Proof{
		{"mx2", at("2026-11-22 03:09:12"), time.Hour, ByQueueID, 0},
		{"mx2", at("2026-11-22 03:09:12"), time.Hour, ByQueueID, 0},
		{"mx1", at("2024-01-24 13:44:11"), time.Hour, ByMessageID, 0},
		{"", at("2024-05-14 08:00:05"), 2 * time.Hour, ByEximID, 0},
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
	for i := range want {
		if place := got[i].Place; place > 0 && text[place-1] != '\n' {
			t.Errorf("%+v: no line begins there", got[i])
		}
		got[i].Place = 0
		if got[i] != want[i] {
			t.Errorf("got %+v\nwant %+v", got[i], want[i])
		}
	}
}

func TestCourse(t *testing.T) {
	tests := []struct {
		stamps string
		want   int // days
	}{
		{"Mar  3", 0},
		{"Mar  3;Mar 30", 27},
		{"Dec 20;Jan 10", 21},
		{"Nov 30;Nov  1;Oct 31;Oct  1", -60},
		{"Dec 10;Mar 10;Jul 10;Nov 10;Jan 20", 407},
	}
	for _, test := range tests {
		var course Course
		var text strings.Builder
		for stamp := range strings.SplitSeq(test.stamps, ";") {
			fmt.Fprintf(&text, "%s 04:00:00 mx1 a: x\nno stamp\n", stamp)
		}
		Samples(text.String(), nil, func(at int, s Stamp) bool { course.Step(s); return true })
		if got := int(course.Passed / (24 * time.Hour)); got != test.want {
			t.Errorf("%s: got %d days, want %d", test.stamps, got, test.want)
		}
	}
}

func TestYearCircle(t *testing.T) {
	stamp := func(s string) Stamp {
		at, err := time.Parse("2006 Jan _2", "2024 "+s)
		if err != nil {
			t.Fatal(err)
		}
		return Stamp{civil(at.Unix())}
	}
	tests := []struct {
		name  string
		spans [][2]string
		want  string
	}{
		{"a month", [][2]string{{"Mar  3", "Mar 30"}}, "2024-03-31"},
		{"over New Year", [][2]string{{"Dec 20", "Jan 10"}}, "2024-01-11"},
		{"half a year, two stamps", [][2]string{{"Jun  1", "Jan  5"}}, "2024-01-06"},
		{"out of order by a day", [][2]string{{"Mar  3", "Mar  2"}}, "2024-03-04"},
		{"two files", [][2]string{{"Jan  2", "Feb  3"}, {"Nov 30", "Jan  2"}}, "2024-02-04"},
		{"the whole year", [][2]string{{"Jan  1", "Jul  1"}, {"Jul  1", "Dec 31"}}, "2025-01-01"},
		{"29 February", [][2]string{{"Feb 29", "Feb 29"}}, "2024-03-01"},
	}
	for _, test := range tests {
		var circle YearCircle
		for _, s := range test.spans {
			circle.Span(stamp(s[0]), stamp(s[1]))
		}
		newest, ok := circle.Newest(2024)
		if got := newest.In(time.UTC).Format(time.DateOnly); !ok || got != test.want {
			t.Errorf("%s: got %s %v, want %s", test.name, got, ok, test.want)
		}
	}
	if _, ok := new(YearCircle).Newest(2024); ok {
		t.Error("a circle without days has a newest one")
	}
}

func TestZoneOf(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	others := func() []*time.Location { return []*time.Location{berlin} }
	proof := func(day string, hours int) Proof {
		at, _ := time.Parse(time.DateOnly, day)
		return Proof{At: mail.InstantOf(at), Offset: time.Duration(hours) * time.Hour}
	}
	spring := func(hours ...int) (proofs []Proof) { // two a day: from the fifth day on it is summer time in Berlin
		for i, h := range hours {
			proofs = append(proofs, proof(time.Date(2024, 3, 28+i/2, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), h))
		}
		return proofs
	}
	tests := []struct {
		name   string
		local  *time.Location
		proofs []Proof
		want   string
		wantOK bool
	}{
		{"this machine's", berlin, []Proof{proof("2024-01-24", 1)}, "Europe/Berlin", true},
		{"not this machine's", berlin, []Proof{proof("2024-01-24", 2)}, "+02:00", true},
		{"UTC", berlin, []Proof{proof("2024-01-24", 0)}, "UTC", true},
		{"one that changes", time.UTC, []Proof{proof("2024-01-24", 1), proof("2024-07-24", 2)}, "Europe/Berlin", true},
		{"one that changes otherwise", time.UTC, []Proof{proof("2024-01-24", 2), proof("2024-07-24", 1)}, "+01:00", false},
		{"one that changes near the end", time.UTC, spring(1, 1, 1, 1, 1, 1, 1, 1, 2, 2), "Europe/Berlin", true},
		{"one that changes near the end, where this machine's is that of the larger part", time.FixedZone("CET", 3600), spring(1, 1, 1, 1, 1, 1, 1, 1, 2, 2), "Europe/Berlin", true},
		{"this machine's, and a mail that took its time", time.UTC, spring(0, 0, 1, 0, 0, 1, 0, 0, 0, 0), "UTC", true},
		{"mails that took their time", time.UTC, []Proof{proof("2024-01-24", 1), proof("2024-01-24", 1), proof("2024-01-25", 1), proof("2024-01-25", 3)}, "+01:00", true},
	}
	for _, test := range tests {
		got, ok := ZoneOf(test.proofs, test.local, others)
		if got.String() != test.want || ok != test.wantOK {
			t.Errorf("%s: got %v %v, want %s %v", test.name, got, ok, test.want, test.wantOK)
		}
	}
}

func TestShape(t *testing.T) {
	tests := []struct{ process, body, want string }{
		{"postfix/smtpd", "4F2A91C0D3: strange thing from mail.example.net[192.0.2.10]: 550 5.7.1 <a@b.example>", "postfix/smtpd: <id>: strange thing from <name>[#]: # # <<address>>"},
		{"exim", "1ZwOv6-0005Hb-Di \x1b[31mcaf\xc3\xa9", "exim: <id> ?[<text>"},
		{"a", "", "a: "},
	}
	for _, test := range tests {
		if got := Shape(test.process, test.body); got[:len(test.want)] != test.want {
			t.Errorf("%q: got %q, want %q", test.body, got, test.want)
		}
	}
	if n := len(Shape("a", string(make([]byte, 10000)))); n > longestShape {
		t.Errorf("got %d bytes", n)
	}
}
