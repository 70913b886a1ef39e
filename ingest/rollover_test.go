package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/parse"
	"mailforensics/parse/exim"
	"mailforensics/parse/postfix"
)

// A file without years is silent for so long that its stamps alone tell too few years, or none: IDs that prove the year on both
// sides of the silence are believed. Without them, there is a warning.
func TestSilentForMoreThanHalfAYear(t *testing.T) {
	const base52, base62 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits := func(n int64, of string) (s string) {
		for ; n > 0; n /= int64(len(of)) {
			s = string(of[n%int64(len(of))]) + s
		}
		return s
	}
	short := func(at time.Time) string {
		return at.Format(time.Stamp) + " mx1 postfix/smtpd[1]: 4F2A91C0D3: client=a.example[192.0.2.1]\n"
	}
	long := func(at time.Time) string {
		return at.Format(time.Stamp) + " mx1 postfix/smtpd[1]: " + digits(at.Unix(), base52) + "0000z1: client=a.example[192.0.2.1]\n"
	}
	own := func(at time.Time) string {
		return at.Format(time.Stamp) + " mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<" + at.Format("20060102150405") + ".4F2A91C0D3@mx1.example.org>\n"
	}
	arrival := func(at time.Time) string {
		return at.Format(time.Stamp) + " mx1 exim[1]: " + digits(at.Unix(), base62) + "-0005Hb-Di <= a@b.example H=(x) [192.0.2.1] P=esmtp S=1\n"
	}
	day := func(s string) time.Time { at, _ := time.Parse(time.DateOnly, s); return at.Add(12 * time.Hour) }
	for _, tt := range []struct {
		days   string
		line   func(time.Time) string
		warned string // part of the warning; "": none is given, since the IDs prove the years
		want   string // "": the same days
	}{
		{"2022-01-10 2022-06-10 2022-12-10 2023-08-20 2023-08-21 2023-12-01 2024-02-01", long, "", ""},
		{"2022-01-10 2022-03-10 2023-03-11 2023-03-12 2025-03-13 2025-03-14", long, "", ""},
		{"2022-01-10 2022-03-10 2024-12-11 2024-12-12", own, "", ""},
		{"2022-01-10 2022-01-11 2022-03-10 2022-03-11 2024-12-11 2024-12-12", arrival, "", ""},
		{"2022-02-10 2022-03-10 2022-12-11 2022-12-12", short, "nothing for more than half a year, from 2022-03-10 12:02:00 to 2022-12-11 12:00:00", ""},
		{"2022-02-10 2022-12-10 2023-08-11 2023-08-12", short, "what follows is of a later one", "2022-02-10 2022-12-10 2022-08-11 2022-08-12"},
	} {
		var text strings.Builder
		days := strings.Fields(tt.days)
		for _, d := range days {
			for i := range 3 {
				text.WriteString(tt.line(day(d).Add(time.Duration(i) * time.Minute)))
			}
		}
		for _, size := range []int{100, 700, 1 << 20} {
			o := options()
			o.Formats, o.ChunkSize, o.LocalZone = []parse.Format{postfix.Format, exim.Format}, size, time.UTC
			if tt.warned == "" {
				o.Now = day("2026-05-01")
			} else {
				o.Now = day("2022-12-20")
			}
			got, ledger := moments(t, o, logs(t, "maillog", text.String()))
			var seen []string
			for _, at := range got {
				if d := at[:len(time.DateOnly)]; !slices.Contains(seen, d) {
					seen = append(seen, d)
				}
			}
			want := days
			if tt.want != "" {
				want = strings.Fields(tt.want)
			}
			if !slices.Equal(seen, want) {
				t.Errorf("chunks of %d: got %v, want %v", size, seen, want)
			}
			if warnings := fmt.Sprint(ledger.Files[0].Warnings); size == 100 && (tt.warned == "" && warnings != "[]" || !strings.Contains(warnings, tt.warned)) {
				t.Errorf("%s: got warnings %s, want %q", tt.days, warnings, tt.warned)
			}
		}
	}
}

// Exim's own stamps, which name their year, are not moved into that of the lines of syslog in the same file.
func TestDatedStampsStay(t *testing.T) {
	o := options()
	o.Formats, o.LocalZone = []parse.Format{postfix.Format, exim.Format}, time.UTC
	text := "Nov  7 04:12:01 mx1 postfix/smtpd[1]: connect from a.example[192.0.2.1]\n" +
		"2024-08-10 10:18:31 1scjB9-0005Lk-2q Completed\n" +
		"Nov  7 04:12:02 mx1 postfix/smtpd[1]: disconnect from a.example[192.0.2.1]\n"
	got, _ := moments(t, o, written(logs(t, "maillog", text), "2025-11-09"))
	if s := strings.Join(got, " "); s != "2025-11-07T04:12:01Z 2024-08-10T10:18:31Z 2025-11-07T04:12:02Z" {
		t.Errorf("got %s", s)
	}
}

// A silence of more than half a year whose years IDs prove, and in the same file Exim's own stamps, which name their year: these
// stay, and the others go where the IDs say, also those near the other side of the silence, and those of other programs.
func TestProvenAndDated(t *testing.T) {
	const base52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
	long := func(at time.Time) string {
		id := ""
		for n := at.Unix(); n > 0; n /= 52 {
			id = string(base52[n%52]) + id
		}
		return at.Format(time.Stamp) + " mx1 postfix/smtpd[1]: " + id + "0000z1: client=a.example[192.0.2.1]\n"
	}
	short := func(at time.Time) string {
		return at.Format(time.Stamp) + " mx1 postfix/smtpd[1]: 4F2A91C0D3: client=a.example[192.0.2.1]\n"
	}
	dated := func(at time.Time) string { return at.Format(time.DateTime) + " 1scjB9-0005Lk-2q Completed\n" }
	loss := func(at time.Time) string {
		return at.Format(time.Stamp) + " mx1 systemd-journald[3]: Suppressed 7 messages from postfix@-.service\n"
	}
	var text strings.Builder
	var want []string
	at := time.Date(2022, 1, 10, 12, 0, 0, 0, time.UTC)
	for i, line := range []func(time.Time) string{long, short, long, short, dated, loss, short, short, long, short, long, long} {
		if at = at.Add(time.Minute); i == 6 {
			at = time.Date(2024, 12, 11, 12, 0, 0, 0, time.UTC)
		}
		text.WriteString(line(at))
		if i != 5 {
			want = append(want, at.Format(time.RFC3339))
		}
	}
	for _, size := range []int{100, 700, 1 << 20} {
		o := options()
		o.Formats, o.ChunkSize, o.LocalZone = []parse.Format{postfix.Format, exim.Format}, size, time.UTC
		got, ledger := moments(t, o, logs(t, "maillog", text.String()))
		if size > 100 && !slices.Equal(got, want) {
			t.Errorf("chunks of %d: got %v, want %v", size, got, want)
		}
		if w := ledger.Files[0].Warnings; size > 700 && (len(w) != 1 || !strings.Contains(w[0], "2022-01-10 12:06:00")) {
			t.Errorf("chunks of %d: got %q, want one about the lines that were dropped", size, w)
		}
	}
}

// What IDs prove brings lines near them into their year, but none past the end of the file.
func TestProvenYearEndsWithTheFile(t *testing.T) {
	var text string
	for _, at := range []string{"2025-03-01", "2026-09-10", "2026-09-11"} {
		now, _ := time.Parse(time.DateOnly, at)
		text += fmt.Sprintf("%s mx1 postfix/cleanup[1]: 4F2A91C0D3: message-id=<%s.4F2A91C0D3@mx1.example.org>\n", now.Format(time.Stamp), now.Format("20060102150405"))
	}
	text += "Feb 20 04:00:00 mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]\n"
	o := options()
	o.Formats, o.LocalZone = []parse.Format{postfix.Format}, time.UTC
	got, _ := moments(t, o, written(logs(t, "maillog", text), "2026-11-20"))
	if s := strings.Join(got, " "); s != "2025-03-01T00:00:00Z 2026-09-10T00:00:00Z 2026-09-11T00:00:00Z 2026-02-20T04:00:00Z" {
		t.Errorf("got %s", s)
	}
}
