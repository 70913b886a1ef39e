package parse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// stamped are lines in all styles. A bar marks where the stamp ends; a line that is an object or a row has it behind "stamp:".
var stamped = []string{
	"Mar  7 04:12:09| mx1 postfix/smtpd[1]: x",
	"Mar 07 04:12:09| mx1 postfix/smtpd[1]: x",
	"Mar 7 04:12:09| mx1 postfix/smtpd[1]: x",
	"Mar  7 2024 04:12:09| mx1 postfix/smtpd[1]: x",
	"2026 Mar 07 04:12:09| mx1 postfix/smtpd[1]: x",
	"Sat Mar  7 04:12:09 2026| mail.info postfix/smtpd[1]: x",
	"2026-03-07T04:12:09| mx1 postfix/smtpd[1]: x",
	"2026-03-07 04:12:09| 1s6n4v-0000000017h-1Cr6 Completed",
	"2026-03-07 04:12:09,435| INFO  [main] [] security - x",
	"2026-03-07_03:12:09.18342| postfix/smtpd[1]: x",
	"Sat 2026-03-07 04:12:09| CET mx1 postfix/smtpd[1]: x",
	"@4000000069ab97930aee7640| postfix/smtpd[1]: x",
	"1772853129.183422| mx1 postfix/smtpd[1]: x",
	"<22>1 2026-03-07T03:12:09Z| mx1 postfix/smtpd 1 - - x",
	"[07-Mar-2026 05:12:09 +0200]| Successful login for a@b (ID: 32)",
	"[2026-03-07 04:12:09]| Auth failed: ip=192.0.2.66 user=eva",
	"03/07/2026 04:12:09| [LOGIN_ERROR] eva (x.example) from 192.0.2.1: Unknown user",
	`"Mar 7, 2026 @ 04:12:09.500"|,mx1,"postfix/smtpd[1]: x"`,
	`"2026-03-07T03:12:09.000Z"|,"mx1","postfix/smtpd[1]: x"`,
	`{"@timestamp":"2026-03-07T03:12:09Z"|,"host":"mx1","program":"postfix/smtpd","message":"x"}`,
	`{"timestamp":"2026-03-07 03:12:09 UTC"|,"host":"mx1","program":"postfix/smtpd","message":"x"}`,
	`{"DATE":"Mar  7 04:12:09"|,"host":"mx1","program":"postfix/smtpd","message":"x"}`,
	`{"__REALTIME_TIMESTAMP":"1772853129183422"|,"_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"exim","MESSAGE":"x"}`,
}

// No byte of a stamp can be another one without that the stamp is another, or none.
func TestEveryByteOfAStampCounts(t *testing.T) {
	clock := berlin(t)
	for _, marked := range stamped {
		stamp, rest, _ := strings.Cut(marked, "|")
		read := func(line string) mail.Instant {
			var ev mail.Event
			if _, ok := NewHeaderReader(clock).Read(line, &ev); !ok {
				return 0
			}
			return ev.Time
		}
		want := read(stamp + rest)
		if want == 0 {
			t.Errorf("%s%s: not read", stamp, rest)
		}
		for i := range len(stamp) {
			if stamp[i] == '"' || stamp[i] == '{' || strings.HasSuffix(stamp[:i+1], `_T`) {
				continue // the form of the object
			}
			for _, c := range "x/~" {
				if byte(c) == stamp[i] {
					continue
				}
				if line := stamp[:i] + string(c) + stamp[i+1:] + rest; read(line) == want && !strings.Contains(stamp[i:], `":"`) {
					t.Errorf("%s: read as %s%s", line, stamp, rest)
				}
			}
		}
	}
}

// A stamp in which a number is out of range is none.
func TestImpossibleStamps(t *testing.T) {
	clock := berlin(t)
	shapes := []string{ // year, month, its name, day, hour, minute, second
		"%[3]s %02[4]d %02[5]d:%02[6]d:%02[7]d mx1 postfix/smtpd[1]: x",
		"%[3]s %[4]d %02[5]d:%02[6]d:%02[7]d mx1 postfix/smtpd[1]: x",
		"%[3]s %2[4]d %[1]d %02[5]d:%02[6]d:%02[7]d mx1 postfix/smtpd[1]: x",
		"%[1]d %[3]s %02[4]d %02[5]d:%02[6]d:%02[7]d mx1 postfix/smtpd[1]: x",
		"Sat %[3]s %2[4]d %02[5]d:%02[6]d:%02[7]d %[1]d mail.info postfix/smtpd[1]: x",
		"%[1]d-%02[2]d-%02[4]dT%02[5]d:%02[6]d:%02[7]dZ mx1 postfix/smtpd[1]: x",
		"%[1]d-%02[2]d-%02[4]d %02[5]d:%02[6]d:%02[7]d 1s6n4v-0000000017h-1Cr6 Completed",
		"Sat %[1]d-%02[2]d-%02[4]d %02[5]d:%02[6]d:%02[7]d CET mx1 postfix/smtpd[1]: x",
		"<22>1 %[1]d-%02[2]d-%02[4]dT%02[5]d:%02[6]d:%02[7]dZ mx1 postfix/smtpd 1 - - x",
		"[%02[4]d-%[3]s-%[1]d %02[5]d:%02[6]d:%02[7]d +0200]: Successful login for a@b (ID: 32)",
		"[%[1]d-%02[2]d-%02[4]d %02[5]d:%02[6]d:%02[7]d] Auth failed: ip=192.0.2.66 user=eva",
		"%02[2]d/%02[4]d/%[1]d %02[5]d:%02[6]d:%02[7]d [LOGIN_ERROR] eva (x.example) from 192.0.2.1: Unknown user",
		`"%[3]s %[4]d, %[1]d @ %02[5]d:%02[6]d:%02[7]d.500",mx1,"postfix/smtpd[1]: x"`,
	}
	for _, shape := range shapes {
		for _, at := range []struct {
			year, month             int
			name                    string
			mday, hour, minute, sec int
			good                    bool
		}{
			{2024, 2, "Feb", 9, 23, 59, 59, true}, {2024, 2, "Feb", 0, 4, 12, 9, false}, {2024, 4, "Apr", 31, 4, 12, 9, false}, {2024, 2, "Feb", 9, 24, 0, 0, false},
			{2024, 2, "Feb", 9, 4, 60, 9, false}, {2024, 2, "Feb", 9, 4, 12, 61, false}, {2024, 13, "Foo", 9, 4, 12, 9, false}, {2024, 0, "Foo", 9, 4, 12, 9, false},
		} {
			line := fmt.Sprintf(shape, at.year, at.month, at.name, at.mday, at.hour, at.minute, at.sec)
			line, _, _ = strings.Cut(line, "%!") // what a shape does not use
			var ev mail.Event
			_, ok := NewHeaderReader(clock).Read(line, &ev)
			if ok = ok && ev.Time != 0; ok != at.good {
				t.Errorf("%s: got %v, want %v", line, ok, at.good)
			}
		}
	}
}

// Beirut's clocks go back at midnight: the hour that is repeated is the last one of the day before, in which another one holds.
func TestRepeatedHourBeforeMidnight(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Beirut")
	if err != nil {
		t.Fatal(err)
	}
	clock := NewClock(zone, mail.InstantOf(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)))
	r := NewHeaderReader(clock)
	for stamp, want := range map[string]bool{"Oct 24 12:00:00": false, "Oct 24 22:59:59": false, "Oct 24 23:30:00": true, "Oct 25 00:00:00": false} {
		var ev mail.Event
		if _, ok := r.Read(stamp+" mx1 postfix/smtpd[1]: x", &ev); !ok || r.Twice != want {
			t.Errorf("%s: repeated %v, want %v", stamp, r.Twice, want)
		}
	}
	first := mail.InstantOf(time.Date(2026, 10, 24, 20, 30, 0, 0, time.UTC))
	if later, ok := clock.Twice(first); !ok || later != time.Hour {
		t.Errorf("the first half past eleven: got %v %v, want 1h true", later, ok)
	}
	if _, ok := clock.Twice(first + mail.InstantOf(time.Unix(3600, 0))); ok {
		t.Error("the second half past eleven is the first one, too")
	}
}

// The date in a Message-ID of Postfix's own, and what is none.
func TestCompactTime(t *testing.T) {
	if got, ok := compactTime("20240229235960"); !ok || got.In(time.UTC).Format(time.RFC3339) != "2024-03-01T00:00:00Z" {
		t.Errorf("a leap second: got %v %v", got.In(time.UTC), ok)
	}
	for _, s := range []string{"20240200134411", "20240230134411", "20230229134411", "20240024134411", "20241324134411", "20240124244411", "20240124136011", "20240124134461",
		"00000101000000", "19691231235959", "22010101000000"} {
		if got, ok := compactTime(s); ok {
			t.Errorf("%s: got %v", s, got.In(time.UTC))
		}
	}
}

func TestOwnMessageID(t *testing.T) {
	if id, _, ok := ownMessageID("20240124134411.4F2A91C0D3@mx1.example.org>"); !ok || id != "4F2A91C0D3" {
		t.Errorf("got %q %v", id, ok)
	}
	for _, s := range []string{"", "20240124134411", "20240124134411x4F2A@y", "2024012413441x.4F2A@y", "20240124134411.@y", "20240124134411.4F2A91C0D3"} {
		if id, _, ok := ownMessageID(s); ok {
			t.Errorf("%s: got %q", s, id)
		}
	}
}

// No zone is further from UTC than 12 hours west and 14 hours east; a stamp without a year is of the nearest one.
func TestOffsetBetween(t *testing.T) {
	at := mail.InstantOf(time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC))
	utc := civil(at.Second() / mail.Instant(time.Second))
	for hours, want := range map[int]bool{-13: false, -12: true, 0: true, 14: true, 15: false} {
		if offset, ok := offsetBetween(utc+civil(hours*3600), false, at); ok != want || ok && offset != time.Duration(hours)*time.Hour {
			t.Errorf("%d h: got %v %v, want %v", hours, offset, ok, want)
		}
	}
	leap := civilDay(2024, 2, 29) + 43200 // 2025 has no such day
	if got := nearest(leap, utc); got != leap {
		t.Errorf("29 February: got %v, want %v", got, leap)
	}
	if got := nearest(civilDay(2000, 3, 1), utc); got != civilDay(2025, 3, 1) {
		t.Errorf("1 March: got %v", got)
	}
}
