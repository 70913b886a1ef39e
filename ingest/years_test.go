package ingest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
	"mailforensics/parse/exim"
)

func zoneNamed(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// written sets the modification times of inputs.
func written(inputs []*logfile.Input, at ...string) []*logfile.Input {
	for i, s := range at {
		inputs[i].ModTime, _ = time.Parse(time.DateOnly, s)
	}
	return inputs
}

// moments returns the times of all events, in RFC 3339 and UTC.
func moments(t testing.TB, o Options, inputs []*logfile.Input) ([]string, *Ledger) {
	t.Helper()
	var list []string
	o.Begin = nil
	ledger, err := Read(t.Context(), inputs, o, func(events []mail.Event) error {
		for _, ev := range events {
			list = append(list, ev.Time.In(time.UTC).Format(time.RFC3339))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, ledger
}

func TestYears(t *testing.T) {
	line := func(stamp string) string { return stamp + " mx1 postfix/a[1]: x\n" }
	bounce := func(stamp, utc string) string {
		return stamp + " mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<" + utc + ".4F2A91C0D3@mx1.example.org>\n"
	}
	tests := []struct {
		name    string
		file    string
		text    string
		written string
		year    int
		want    string
		rule    string // a part of it
	}{
		{"written", "maillog", line("Nov  7 04:00:00"), "2026-11-07", 0, "2026-11-07T04:00:00Z", "2026-11-08, the day after the file was written"},
		{"written last year", "maillog", line("Dec 30 04:00:00") + line("Jan  2 04:00:00"), "2025-01-02", 0, "2024-12-30T04:00:00Z 2025-01-02T04:00:00Z", "written"},
		{"never the future", "maillog", line("Nov 25 04:00:00"), "2026-11-20", 0, "2025-11-25T04:00:00Z", "no line is after now"},
		{"later today", "maillog", line("Nov 20 11:00:00") + line("Nov 20 12:05:00"), "2026-11-20", 0, "2026-11-20T11:00:00Z 2026-11-20T12:05:00Z", "now"},
		{"leap day", "maillog", line("Feb 29 04:00:00"), "2026-11-07", 0, "2024-02-29T04:00:00Z", "written"},
		{"date in the name", "maillog-20240131", line("Jan 30 04:00:00"), "2026-11-07", 0, "2024-01-30T04:00:00Z", "the date in its name"},
		{"date in the name, new year", "maillog-2024-01-02.log", line("Dec 30 04:00:00") + line("Jan  1 04:00:00"), "2026-11-07", 0, "2023-12-30T04:00:00Z 2024-01-01T04:00:00Z", "name"},
		{"proven", "maillog", line("Jan 24 14:44:00") + bounce("Jan 24 14:44:11", "20240124134411") + line("Jan 24 14:45:00"), "2026-11-07", 0,
			"2024-01-24T13:44:00Z 2024-01-24T13:44:11Z 2024-01-24T13:45:00Z", "2024, proven by 1 Message-ID of Postfix's own"},
		{"proven, though it is the future", "maillog", line("Dec 15 04:00:00") + bounce("Dec 15 10:00:11", "20261215090011") + line("Dec 16 04:00:00"), "2026-11-20", 0,
			"2026-12-15T03:00:00Z 2026-12-15T09:00:11Z 2026-12-16T03:00:00Z", "2026, proven by 1 Message-ID of Postfix's own"},
		{"proven over New Year", "maillog", line("Dec 31 23:59:59") + bounce("Jan  1 01:30:00", "20240101003000"), "2026-11-07", 0,
			"2023-12-31T22:59:59Z 2024-01-01T00:30:00Z", "2023, proven"},
		{"a stranger's Message-ID", "maillog", "Nov  7 04:00:00 mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<20110124134411.5F2A91C0D3@x>\n", "2026-11-07", 0,
			"2026-11-07T04:00:00Z", "written"},
		{"long queue IDs", "maillog", "Nov 22 04:09:12 mx1 postfix/smtpd[1]: 4jXDZ03npNz5V: client=x[192.0.2.1]\n", "2026-11-22", 0, "2026-11-22T03:09:12Z", "1 long queue ID"},
		{"asked for", "maillog", line("Jan 30 04:00:00") + line("Mar  1 04:00:00"), "2026-11-07", 2020, "2020-01-30T04:00:00Z 2020-03-01T04:00:00Z", "the newest line is of 2020, as asked for"},
		{"asked for, over New Year", "maillog", line("Nov 30 04:00:00") + line("Jan  1 04:00:00"), "2026-11-07", 2020, "2019-11-30T04:00:00Z 2020-01-01T04:00:00Z", "2020"},
		{"asked for, leap day", "maillog", line("Feb 28 04:00:00") + line("Feb 29 04:00:00"), "2026-11-07", 2020, "2020-02-28T04:00:00Z 2020-02-29T04:00:00Z", "2020"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options()
			o.Year = test.year
			if test.name == "long queue IDs" {
				o.Now = noon.AddDate(0, 0, 9)
			}
			got, ledger := moments(t, o, written(logs(t, test.file, test.text), test.written))
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("got %s\nwant %s", s, test.want)
			}
			if rule := ledger.Files[0].YearRule; !strings.Contains(rule, test.rule) {
				t.Errorf("got rule %q, want %q in it", rule, test.rule)
			}
		})
	}
}

// Where one file proves that this machine's clock is late, the others are no older for it.
func TestYearOfNeighboursInTheFuture(t *testing.T) {
	inputs := written(logs(t,
		"maillog", "Dec 15 10:00:11 mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<20261215090011.4F2A91C0D3@mx1.example.org>\n",
		"maillog.1", "Dec 14 14:44:12 mx1 postfix/a[1]: x\n"), "2026-11-20", "2026-11-20")
	got, _ := moments(t, options(), inputs)
	if s := strings.Join(got, " "); s != "2026-12-14T13:44:12Z 2026-12-15T09:00:11Z" {
		t.Errorf("got %s", s)
	}
}

// Files whose modification times are those of a checkout: one proves its year, and the other one takes it over.
func TestYearOfNeighbours(t *testing.T) {
	inputs := written(logs(t,
		"mx1", "Jan 24 14:44:11 mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<20240124134411.4F2A91C0D3@mx1.example.org>\n",
		"mx2", "Jan 24 14:44:12 mx2 postfix/a[1]: x\n"), "2026-11-20", "2026-11-20")
	got, ledger := moments(t, options(), inputs)
	if s := strings.Join(got, " "); s != "2024-01-24T13:44:11Z 2024-01-24T13:44:12Z" {
		t.Errorf("got %s", s)
	}
	if f := ledger.Files[1]; !strings.HasPrefix(f.YearRule, "as in ") || f.ZoneRule != "+01:00, as in the other files" {
		t.Errorf("got rules %q and %q", f.YearRule, f.ZoneRule)
	}
}

// The same files, compressed later: the times in the archives' headers are as wrong.
func TestYearOfArchives(t *testing.T) {
	inputs := written(logs(t,
		"maillog.1", "Jan 24 14:44:12 mx1 postfix/a[1]: x\n",
		"maillog.2", "Jan 23 14:44:11 mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<20240123134411.4F2A91C0D3@mx1.example.org>\n"), "2026-11-20", "2026-11-20")
	for _, in := range inputs {
		in.Compressed = in.ModTime
	}
	got, _ := moments(t, options(), inputs)
	if s := strings.Join(got, " "); s != "2024-01-23T13:44:11Z 2024-01-24T13:44:12Z" {
		t.Errorf("got %s", s)
	}
}

// With --year, files of the months around New Year: the year is that of the newest line of them all.
func TestYearAskedOfSet(t *testing.T) {
	got, _ := moments(t, func() Options { o := options(); o.Year = 2021; return o }(), logs(t,
		"maillog", "Jan  3 04:00:00 mx1 postfix/a[1]: x\nFeb  3 04:00:00 mx1 postfix/a[1]: x\n",
		"maillog.1", "Nov 30 04:00:00 mx1 postfix/a[1]: x\nJan  3 03:59:59 mx1 postfix/a[1]: x\n"))
	if s := strings.Join(got, " "); s != "2020-11-30T04:00:00Z 2021-01-03T03:59:59Z 2021-01-03T04:00:00Z 2021-02-03T04:00:00Z" {
		t.Errorf("got %s", s)
	}
}

func TestZones(t *testing.T) {
	// 1s6n4v is 2024-05-14 08:00:05 UTC.
	arrival := "2024-05-14 %s:00:06 1s6n4v-0000000017h-1Cr6 <= a@b.example H=x [192.0.2.1] P=esmtp S=1\n"
	berlin := zoneNamed(t, "Europe/Berlin")
	tests := []struct {
		name       string
		text       string
		asked      *time.Location
		local      *time.Location
		want, rule string
		display    string
		warnings   int
	}{
		{"Exim IDs", fmt.Sprintf(arrival, "10"), nil, nil, "2024-05-14T08:00:06Z", "+02:00, proven by 1 Exim message ID", "+02:00", 0},
		{"Exim IDs and this machine's zone", fmt.Sprintf(arrival, "10"), nil, berlin, "2024-05-14T08:00:06Z", "Europe/Berlin, proven by 1 Exim message ID", "Europe/Berlin", 0},
		{"Exim IDs elsewhere", fmt.Sprintf(arrival, "04"), nil, berlin, "2024-05-14T08:00:06Z", "-04:00, proven by", "-04:00", 0},
		{"asked for", fmt.Sprintf(arrival, "10"), berlin, nil, "2024-05-14T08:00:06Z", "Europe/Berlin, as asked for", "Europe/Berlin", 0},
		{"asked for, and wrong", fmt.Sprintf(arrival, "10"), time.UTC, nil, "2024-05-14T10:00:06Z", "UTC, as asked for", "UTC", 1},
		{"not proven", "2024-05-14 10:00:06 x\n", nil, berlin, "2024-05-14T08:00:06Z", "Europe/Berlin, the zone of this machine: nothing in the log proves it", "Europe/Berlin", 0},
		{"in the stamp", "2024-05-14T10:00:06-03:30 mx postfix/a[1]: x\n", nil, berlin, "2024-05-14T13:30:06Z", "", "-03:30", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options()
			o.Zone, o.LocalZone = test.asked, test.local
			got, ledger := moments(t, o, logs(t, "mainlog", test.text))
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("got %s, want %s", s, test.want)
			}
			if rule := ledger.Files[0].ZoneRule; !strings.HasPrefix(rule, test.rule) || rule == "" != (test.rule == "") {
				t.Errorf("got rule %q, want %q", rule, test.rule)
			}
			if ledger.Zone.String() != test.display || len(ledger.Warnings) != test.warnings {
				t.Errorf("got zone %s (%s), warnings %q; want %s, %d warnings", ledger.Zone, ledger.ZoneWhy, ledger.Warnings, test.display, test.warnings)
			}
		})
	}
}

// A host that proves no zone gets that of another host whose stamps have none, rather than that of a container that writes UTC.
func TestZoneOfAHostThatProvesNothing(t *testing.T) {
	_, ledger := moments(t, options(), logs(t,
		"mx1.log", "May 14 10:00:06 mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<20240514080006.4F2A91C0D3@x>\n",
		"mx2.log", "May 14 10:00:06 mx2 postfix/a[1]: x\n",
		"mx3.log", "2024-05-14T08:00:06Z mx3 postfix/a[1]: x\n"))
	if got := ledger.Files[1].ZoneRule; got != "+02:00, as in the other files" {
		t.Errorf("got rule %q", got)
	}
}

// Any stamp with an offset proves the zone: that of RFC 3339 or RFC 5424, or Exim's own after one of syslog.
func TestZoneOfAnotherHostsStamp(t *testing.T) {
	for _, line := range []string{
		"2024-05-14T10:00:06+13:00 mx1 postfix/a[1]: x\n",
		"<22>1 2024-05-14T10:00:06+13:00 mx1 postfix/a 1 - - x\n",
		"May 14 10:00:06 mx1 exim[1]: 2024-05-14 10:00:06 +1300 x\n",
	} {
		_, ledger := moments(t, options(), logs(t, "mx1.log", line, "mx2.log", "May 14 10:00:06 mx2 postfix/a[1]: x\n"))
		if got := ledger.Files[1].ZoneRule; got != "+13:00, as in the other files" {
			t.Errorf("%s: got rule %q", line, got)
		}
	}
}

// base62 writes the seconds of an Exim message ID.
func base62(n int64) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var s [6]byte
	for i := range s {
		s[5-i] = digits[n%62]
		n /= 62
	}
	return string(s[:])
}

// A log that covers a change to or from summer time, on a machine in another zone.
func TestSummerTime(t *testing.T) {
	berlin := zoneNamed(t, "Europe/Berlin")
	var text strings.Builder
	var want []string
	for at := time.Date(2024, 10, 20, 0, 0, 0, 0, time.UTC); at.Before(time.Date(2024, 11, 3, 0, 0, 0, 0, time.UTC)); at = at.Add(23 * time.Minute) {
		fmt.Fprintf(&text, "%s %s-0005Hb-Di <= a@b.example H=x [192.0.2.1]\n", at.In(berlin).Format(time.DateTime), base62(at.Unix()))
		want = append(want, at.Format(time.RFC3339))
	}
	for _, size := range []int{100, 64 << 10} {
		o := options()
		o.ChunkSize = size
		got, ledger := moments(t, o, logs(t, "mainlog", text.String()))
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("event %d: got %s, want %s", i, got[i], want[i])
			}
		}
		f := ledger.Files[0]
		if ledger.Zone.String() != "Europe/Berlin" || !strings.HasPrefix(f.ZoneRule, "Europe/Berlin, proven by") {
			t.Errorf("got zone %s, rule %q", ledger.Zone, f.ZoneRule)
		}
		if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "summer time ended") {
			t.Errorf("got warnings %q, want one about the end of summer time", f.Warnings)
		}
	}
}

// A log that was rotated within the hour that is repeated: the second file begins in the repetition, and only an ID tells. So does one
// after a silence that hides that the hour began again.
func TestRotatedWithinTheRepeatedHour(t *testing.T) {
	berlin := zoneNamed(t, "Europe/Berlin")
	ended := time.Date(2024, 10, 27, 1, 0, 0, 0, time.UTC) // 03:00 of summer time is 02:00
	arrival := func(at time.Time) string {
		return fmt.Sprintf("%s %s-0005Hb-Di <= a@b.example H=(x) [192.0.2.1] P=esmtp S=1\n", at.In(berlin).Format(time.DateTime), base62(at.Unix()))
	}
	done := func(at time.Time) string {
		return fmt.Sprintf("%s %s-0005Ha-Di Completed\n", at.In(berlin).Format(time.DateTime), base62(at.Unix()-9))
	}
	for name, rotated := range map[string]time.Duration{
		"before the hour": -90 * time.Minute, "in the hour": -20 * time.Minute, "in its repetition": 20 * time.Minute, "late in it": 50 * time.Minute, "after it": 90 * time.Minute,
	} {
		for gap, lines := range map[time.Duration][]func(time.Time) string{7 * time.Minute: {done, arrival}, 100 * time.Minute: {arrival, done}} {
			var files [2]strings.Builder
			var want []string
			for after := -26 * time.Hour; after < 26*time.Hour; after += gap {
				text := &files[0]
				if after >= rotated {
					text = &files[1]
				}
				for _, line := range lines {
					text.WriteString(line(ended.Add(after)))
					want = append(want, ended.Add(after).Format(time.RFC3339))
				}
			}
			o := options()
			o.Formats, o.LocalZone = []parse.Format{exim.Format}, berlin
			got, _ := moments(t, o, logs(t, "mainlog.1", files[0].String(), "mainlog", files[1].String()))
			if !slices.Equal(got, want) {
				t.Errorf("rotated %s, a line each %v: lines are not where they belong", name, gap)
			}
		}
	}
}

// One file of two hosts in different zones: a syslog relay passes on their stamps.
func TestHostsInTwoZones(t *testing.T) {
	var text strings.Builder
	for i := range 20 {
		utc := time.Date(2024, 5, 14, 8, i, 0, 0, time.UTC)
		for _, host := range []struct {
			name string
			east time.Duration
		}{{"mx1", 2 * time.Hour}, {"mx1", 2 * time.Hour}, {"mx2", -5 * time.Hour}} {
			fmt.Fprintf(&text, "%s %s postfix/cleanup[1]: 4F2A91C0D3: message-id=<%s.4F2A91C0D3@x>\n",
				utc.Add(host.east).Format(time.Stamp), host.name, utc.Format("20060102150405"))
		}
	}
	got, ledger := moments(t, options(), logs(t, "maillog", text.String()))
	for i, s := range got {
		if want := time.Date(2024, 5, 14, 8, i/3, 0, 0, time.UTC).Format(time.RFC3339); s != want {
			t.Fatalf("event %d: got %s, want %s", i, s, want)
		}
	}
	if rule := ledger.Files[0].ZoneRule; !strings.Contains(rule, "; mx2: -05:00") {
		t.Errorf("got rule %q", rule)
	}
}

// A host in the same zone as its file needs no zone of its own, and two lines are too few to give it one.
func TestHostsThatProveNoZoneOfTheirOwn(t *testing.T) {
	var text strings.Builder
	line := func(host string, i int, east time.Duration) {
		utc := time.Date(2024, 5, 14, 8, i, 0, 0, time.UTC)
		fmt.Fprintf(&text, "%s %s postfix/cleanup[1]: 4F2A91C0D3: message-id=<%s.4F2A91C0D3@x>\n", utc.Add(east).Format(time.Stamp), host, utc.Format("20060102150405"))
	}
	for i := range 20 {
		line("mx1", i, 2*time.Hour)
		line("mx1", i, 2*time.Hour)
		line("mx2", i, 2*time.Hour)
		if i < 2 {
			line("mx3", i, -8*time.Hour)
		}
	}
	_, ledger := moments(t, options(), logs(t, "maillog", text.String()))
	if rule := ledger.Files[0].ZoneRule; !strings.HasPrefix(rule, "+02:00, proven by ") || strings.Contains(rule, ";") {
		t.Errorf("got rule %q", rule)
	}
}

// Where the times of files are wrong, those in the headers of archives may be right.
func TestYearOfArchivesOfACopy(t *testing.T) {
	inputs := written(logs(t,
		"maillog.1", "Jan 24 14:44:12 mx1 postfix/a[1]: x\n",
		"maillog.2", "Jan 23 14:44:11 mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<20240123134411.4F2A91C0D3@mx1.example.org>\n"), "2026-11-20", "2026-11-20")
	inputs[0].Compressed = time.Date(2025, 1, 25, 4, 0, 0, 0, time.UTC)
	inputs[1].Compressed = time.Date(2024, 1, 24, 4, 0, 0, 0, time.UTC)
	got, ledger := moments(t, options(), inputs)
	if s := strings.Join(got, " "); s != "2024-01-23T13:44:11Z 2025-01-24T13:44:12Z" || !strings.Contains(ledger.Files[0].YearRule, "the file was compressed") {
		t.Errorf("got %s by %q", s, ledger.Files[0].YearRule)
	}
}

// A reject log in the directory of a main log has the zone that the main log proves.
func TestZoneOfRejectLog(t *testing.T) {
	got, _ := moments(t, options(), logs(t,
		"mainlog", "2024-05-14 10:00:06 1s6n4v-0000000017h-1Cr6 <= a@b.example H=x [192.0.2.1]\n",
		"rejectlog", "2024-05-14 10:00:07 rejected\n"))
	if s := strings.Join(got, " "); s != "2024-05-14T08:00:06Z 2024-05-14T08:00:07Z" {
		t.Errorf("got %s", s)
	}
}

// Logs that are longer than a year: archives, and the logs of machines that send little.
func TestLongFiles(t *testing.T) {
	day := 24 * time.Hour
	at := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	tests := []struct {
		name        string
		first, last string
		every       time.Duration
		proof       string // the day on which a line proves its year; "": none
		written     string
		year        int
		rule        string // a part of it
	}{
		{"a calendar year", "2025-01-01", "2025-12-31", day, "", "2025-12-31", 0, "the day after the file was written"},
		{"thirteen months", "2024-12-10", "2026-01-20", day, "", "2026-01-20", 0, "written"},
		{"thirteen months, many lines", "2024-12-10", "2026-01-20", time.Hour, "", "2026-01-20", 0, "written"},
		{"thirteen months, copied since, proven at once", "2022-12-10", "2024-01-20", day, "2022-12-12", "2026-11-20", 0, "2022, proven"},
		{"thirteen months, copied since, proven late", "2022-12-10", "2024-01-20", day, "2024-01-12", "2026-11-20", 0, "2022, proven"},
		{"four years, over a leap day", "2021-03-01", "2025-02-10", day, "", "2025-02-10", 0, "written"},
		{"four years, few lines", "2021-03-01", "2025-02-10", 40 * day, "", "2025-02-10", 0, "written"},
		{"ten years, of which the newest is asked for", "2010-03-01", "2020-04-10", 5 * day, "", "2026-11-20", 2020, "2020, as asked for"},
		{"over a leap day, proven before", "2023-03-15", "2024-05-01", day, "2023-03-20", "2026-11-20", 0, "2023, proven"},
		{"until today", "2025-09-10", "2026-11-19", day, "", "2026-11-20", 0, "no line is after now"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var text strings.Builder
			var want []string
			for now := at(test.first); !now.After(at(test.last)); now = now.Add(test.every) {
				id := "x@a.example"
				if now.Format(time.DateOnly) == test.proof {
					id = now.Format("20060102150405") + ".4F2A91C0D3@mx1.example.org"
				}
				fmt.Fprintf(&text, "%s mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<%s>\n", now.Format(time.Stamp), id)
				want = append(want, now.Format(time.RFC3339))
			}
			for _, workers := range []int{1, 2} {
				o := options()
				o.Year, o.Workers = test.year, workers
				got, ledger := moments(t, o, written(logs(t, "maillog", text.String()), test.written))
				if len(got) != len(want) {
					t.Fatalf("got %d events, want %d", len(got), len(want))
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("event %d: got %s, want %s", i, got[i], want[i])
					}
				}
				f := ledger.Files[0]
				if !strings.Contains(f.YearRule, test.rule) || len(f.Warnings) > 0 {
					t.Errorf("got rule %q, want %q in it; warnings %q", f.YearRule, test.rule, f.Warnings)
				}
				if first, last := f.First.In(time.UTC).Format(time.DateOnly), f.Last.In(time.UTC).Format(time.RFC3339); first != test.first || last != want[len(want)-1] {
					t.Errorf("got a file from %s to %s", first, last)
				}
			}
		})
	}
}

// Only a file that may cover most of a year is read twice, compressed or not: for a large archive that costs half as much as the run.
func TestMayBeLong(t *testing.T) {
	log := func(days int, every time.Duration) string {
		var b strings.Builder
		for at, n := noon.AddDate(0, 0, -days), 0; at.Before(noon); at, n = at.Add(every), n+1 {
			fmt.Fprintf(&b, "%s mx1 postfix/smtpd[%d]: connect from unknown[192.0.2.1]\n", at.Format(time.Stamp), n)
		}
		return b.String()
	}
	busy, idle := log(20, 6*time.Second), log(400, 10*time.Hour)
	if len(busy) <= proofSize {
		t.Fatalf("all %d bytes of the log are its head", len(busy))
	}
	for _, test := range []struct {
		path, text string
		want       bool
	}{{"maillog", busy, false}, {"maillog.gz", busy, false}, {"maillog", idle, true}, {"maillog.gz", idle, true}} {
		f := &file{in: logs(t, test.path, test.text)[0]}
		if f.look(t.Context()); f.mayBeLong() != test.want {
			t.Errorf("%s of %d bytes, of which %d were seen: got %v", test.path, f.in.Size, f.seen, !test.want)
		}
	}
}

// Rotated files that somebody concatenated, the newest first, are no file of several years; what is unknown is reported.
func TestFilesPutTogether(t *testing.T) {
	line := func(stamp string) string { return stamp + " mx1 postfix/a[1]: x\n" }
	got, _ := moments(t, options(), written(logs(t, "maillog", line("Nov  3 04:00:00")+line("Sep 20 04:00:00")+line("Oct 20 04:00:00")), "2026-11-03"))
	if s := strings.Join(got, " "); s != "2026-11-03T04:00:00Z 2026-09-20T04:00:00Z 2026-10-20T04:00:00Z" {
		t.Errorf("got %s", s)
	}
	_, ledger := moments(t, options(), written(logs(t, "maillog", line("Aug  3 04:00:00")+line("Nov  9 04:00:00")+line("Jan 20 04:00:00")), "2026-11-09"))
	if list := ledger.Files[0].Warnings; len(list) != 1 || !strings.Contains(list[0], "--year") {
		t.Errorf("got warnings %q", list)
	}
}

func TestMain(m *testing.M) {
	os.Setenv("TZ", "UTC")
	os.Exit(m.Run())
}
