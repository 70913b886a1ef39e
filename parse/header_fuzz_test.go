package parse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// FuzzRead looks for a panic, for text that is not in the line, and for a moment that time.Parse would not find.
func FuzzRead(f *testing.F) {
	for _, line := range headSamples {
		f.Add(line)
	}
	clock := berlin(f)
	r := NewHeaderReader(clock)
	f.Fuzz(func(t *testing.T, line string) {
		var ev, again mail.Event
		body, ok := r.Read(line, &ev)
		style := r.Style
		fresh, okAgain := NewHeaderReader(clock).Read(line, &again)
		if body != fresh || ok != okAgain || ev.Time != again.Time || ev.Host != again.Host || ev.Process != again.Process || ev.PID != again.PID {
			t.Errorf("%q: the lines before change the result: %q %+v, alone %q %+v", line, body, ev, fresh, again)
		}
		if !ok {
			return
		}
		if style != JSON && style != Docker && !strings.Contains(line, "{") {
			for _, s := range []string{body, ev.Host} {
				if !strings.Contains(line, s) {
					t.Errorf("%q: got %q, which is not in the line", line, s)
				}
			}
		}
		if style == NoStyle {
			t.Errorf("%q: a header without a style", line)
		}
		if ev.PID < 0 {
			t.Errorf("%q: got PID %d", line, ev.PID)
		}
		if want, ok := slowTime(line, clock); ok && style != NoStyle && style != Relayed && !want.IsZero() {
			if got := ev.Time.In(time.UTC); !got.Equal(want) && !strings.Contains(ev.Process, "exim") {
				t.Errorf("%q: got %v, want %v", line, got, want)
			}
		}
	})
}

// slowTime is the oracle: it parses the three stamps that files have with package time.
func slowTime(line string, clock *Clock) (time.Time, bool) {
	for _, layout := range []string{"Jan _2 15:04:05", "Jan 02 15:04:05"} {
		if len(line) < 17 || line[15] != ' ' {
			break
		}
		// The year must be leap, or 29 February is no date.
		at, err := time.Parse("2006 "+layout, "2024 "+line[:15])
		if err != nil {
			continue
		}
		newest := time.Unix(int64(clock.newest), 0).UTC() // what the wall shows
		for year := newest.Year(); year > newest.Year()-9; year-- {
			wall := time.Date(year, at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
			if wall.Day() == at.Day() && !wall.After(newest) {
				return slowUTC(wall, clock.zone)
			}
		}
	}
	stamp, _, ok := strings.Cut(line, " ")
	if ok && len(stamp) > 19 && stamp[10] == 'T' && len(stamp) < 36 {
		if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil && at.Year() >= 1970 && at.Year() < 2200 {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// slowUTC tries all quarters of an hour: it returns the earliest moment with this local time, which must not be one that is
// skipped when summer time begins.
func slowUTC(wall time.Time, zone *time.Location) (time.Time, bool) {
	for offset := 14 * time.Hour; offset >= -12*time.Hour; offset -= 15 * time.Minute {
		at := wall.Add(-offset)
		if at.In(zone).Format(time.DateTime) == wall.Format(time.DateTime) {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// All stamps of two years, in zones with all kinds of rules, are converted as package time does.
func TestClockAgainstTime(t *testing.T) {
	newest := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		clock := NewClock(zone, mail.InstantOf(newest))
		r := NewHeaderReader(clock)
		for at := newest.AddDate(-1, 0, 1); at.Before(newest); at = at.Add(97*time.Minute + 13*time.Second) {
			line := at.In(zone).Format(time.Stamp) + " mx1 a: b"
			var ev mail.Event
			r.Read(line, &ev)
			want, ok := slowTime(line, clock)
			if got := ev.Time.In(time.UTC); ok && !got.Equal(want) {
				t.Fatalf("%s: %s: got %v, want %v", name, line, got, want)
			}
			if !r.Twice && ev.Time != mail.InstantOf(at) {
				t.Fatalf("%s: %s: got %v, want %v", name, line, ev.Time.In(time.UTC), at)
			}
		}
	}
}

func TestSecondOfDay(t *testing.T) {
	for h := range 25 {
		for m := range 61 {
			for s := range 62 {
				text := fmt.Sprintf("%02d:%02d:%02d ", h, m, s)
				got, ok := secondOfDay(text)
				if want := h < 24 && m < 60 && s < 61; ok != want || ok && got != h*3600+m*60+s {
					t.Fatalf("%s: got %d %v", text, got, ok)
				}
			}
		}
	}
	for i := range 8 {
		for c := range 256 {
			text := []byte("11:11:11")
			text[i] = byte(c)
			_, ok := secondOfDay(string(text))
			_, err := time.Parse(time.TimeOnly, string(text))
			if leap := string(text[6:]) == "60"; ok != (err == nil || leap) {
				t.Fatalf("%q: got %v, package time says %v", text, ok, err)
			}
		}
	}
}
